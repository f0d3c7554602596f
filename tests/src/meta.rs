//! The stand-in's control API: a customer's phone, by hand.

use serde_json::{Value, json};

/// The stand-in for Meta at one address.
pub struct Meta {
    url: String,
    http: reqwest::Client,
}

impl Meta {
    /// Talks to the stand-in at `url`.
    pub fn at(url: &str) -> Meta {
        Meta { url: url.to_owned(), http: reqwest::Client::new() }
    }

    /// A scripted phone calls and plays `source`: `silence`, `tone` or `speech`. Gives WhatsApp's call id.
    pub async fn call(&self, source: &str) -> String {
        self.call_with(json!({ "from": "15550001111", "name": "Zoë 📞", "source": source })).await
    }

    /// A call with every field of `/control/calls` to choose.
    pub async fn call_with(&self, body: Value) -> String {
        let answer = self.post("/control/calls", &body).await;
        answer["call"].as_str().expect("a call has an id").to_owned()
    }

    /// What the stand-in knows of a call.
    pub async fn look(&self, call: &str) -> Value {
        let answer = self.http.get(format!("{}/control/calls/{call}", self.url)).send().await;
        answer.expect("the stand-in answers").json().await.expect("a call is JSON")
    }

    /// The call's state: `dialled`, `offered`, `pre_accepted`, `accepted`, `ended`.
    pub async fn state(&self, call: &str) -> String {
        self.look(call).await["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Presses keys.
    pub async fn press(&self, call: &str, digits: &str) {
        self.post(&format!("/control/calls/{call}/digits"), &json!({ "digits": digits })).await;
    }

    /// The customer hangs up.
    pub async fn hang_up(&self, call: &str) {
        self.post(&format!("/control/calls/{call}/hang-up"), &json!({})).await;
    }

    /// What the scripted phone heard, Ogg Opus.
    pub async fn heard(&self, call: &str) -> Vec<u8> {
        let answer = self.http.get(format!("{}/control/calls/{call}/heard.ogg", self.url)).send().await;
        answer.expect("the stand-in answers").bytes().await.expect("a whole file").to_vec()
    }

    /// The user permits calls for good, as from the business's profile.
    pub async fn permits_calls(&self, user: &str) {
        self.put(&format!("/control/users/{user}/permission"), &json!({ "status": "permanent" })).await;
    }

    /// What the user's phone does when it is called: `answer` after 800 ms and play `source`.
    pub async fn will_answer(&self, user: &str, source: &str) {
        let script = json!({ "then": "answer", "after_ms": 800, "source": source });
        self.put(&format!("/control/users/{user}/script"), &script).await;
    }

    async fn put(&self, path: &str, body: &Value) {
        let request = self.http.put(format!("{}{path}", self.url)).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().await.expect("the stand-in answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap_or_default());
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.url)).body(body.to_string());
        let answer = answer.header("content-type", "application/json").send().await.expect("the stand-in answers");
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}
