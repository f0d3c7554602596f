//! controld's API, as a signed-in person uses it.

use serde_json::{Value, json};

/// A signed-in person.
pub struct Desk {
    url: String,
    cookie: String,
    http: reqwest::Client,
}

impl Desk {
    /// Signs in with a password.
    pub async fn sign_in(url: &str, email: &str, password: &str) -> Desk {
        let http = reqwest::Client::new();
        let body = json!({ "email": email, "password": password }).to_string();
        let answer = http.post(format!("{url}/api/login")).header("x-patchbay", "1");
        let answer =
            answer.header("content-type", "application/json").body(body).send().await.expect("controld answers");
        assert!(answer.status().is_success(), "sign-in of {email}: {}", answer.status());
        let cookie = answer.headers()["set-cookie"].to_str().expect("a cookie is text");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Desk { url: url.to_owned(), cookie, http }
    }

    /// A GET whose answer is JSON.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.url)).header("cookie", &self.cookie).send().await;
        let answer = answer.expect("controld answers");
        assert!(answer.status().is_success(), "GET {path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// A POST; gives the status and the JSON answer, if it is one.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("cookie", &self.cookie);
        let request = request.header("x-patchbay", "1").header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.expect("controld answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// A byte range of a file, or all of it: status and bytes.
    pub async fn bytes(&self, path: &str, range: Option<&str>) -> (u16, Vec<u8>) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = self.http.get(url).header("cookie", &self.cookie);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let answer = request.send().await.expect("controld answers");
        (answer.status().as_u16(), answer.bytes().await.expect("a whole body").to_vec())
    }

    /// The log's rows for WhatsApp's call id.
    pub async fn rows_of(&self, wacid: &str) -> Vec<Value> {
        let page = self.get("/api/calls?limit=100").await;
        let rows = page["items"].as_array().cloned().unwrap_or_default();
        rows.into_iter().filter(|row| row["wacid"] == wacid).collect()
    }

    /// The one row for WhatsApp's call id, `null` when there is none yet.
    pub async fn row_of(&self, wacid: &str) -> Value {
        self.rows_of(wacid).await.into_iter().next().unwrap_or(Value::Null)
    }
}
