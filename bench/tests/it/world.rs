//! A stand-in on free ports, and a place its webhooks arrive at.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use bench::meta::{Meta, Settings};
use serde_json::{Value, json};

/// One webhook as it came.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub at: Instant,
}

impl Arrived {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub fn call(&self) -> Value {
        self.json()["entry"][0]["changes"][0]["value"]["calls"][0].clone()
    }

    pub fn event(&self) -> String {
        self.call()["event"].as_str().unwrap_or_default().to_owned()
    }

    pub fn value(&self) -> Value {
        self.json()["entry"][0]["changes"][0]["value"].clone()
    }

    /// `connect`, `RINGING`, `terminate`, `delivered`, `text`, `call_permission_reply`, …
    pub fn what(&self) -> String {
        let value = self.value();
        let word = [
            &value["calls"][0]["event"],
            &value["statuses"][0]["status"],
            &value["messages"][0]["interactive"]["type"],
            &value["messages"][0]["type"],
        ];
        word.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    }
}

#[derive(Debug, Default)]
struct Inbox {
    arrived: Mutex<Vec<Arrived>>,
    /// Answers to give before 200s; one is taken by each POST.
    refusals: Mutex<Vec<u16>>,
    challenges: Mutex<Vec<Vec<(String, String)>>>,
}

pub struct World {
    pub meta: Meta,
    pub http: reqwest::Client,
    inbox: Arc<Inbox>,
}

impl World {
    pub async fn new() -> World {
        World::scaled(1.0).await
    }

    /// Meta's timers run `1 / scale` times as fast.
    pub async fn scaled(scale: f64) -> World {
        let inbox = Arc::new(Inbox::default());
        let app = axum::Router::new()
            .route("/webhooks/acc", axum::routing::get(challenge).post(take))
            .with_state(Arc::clone(&inbox));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let webhook = format!("http://{}/webhooks/acc", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            media: "127.0.0.1:0".parse().unwrap(),
            webhook,
            time_scale: scale,
            ..Settings::default()
        };
        let meta = Meta::start(settings).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        World { meta, http, inbox }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.meta.listen)
    }

    /// Places a call and gives its id.
    pub async fn dial(&self, body: Value) -> String {
        let answer = self.http.post(self.url("/control/calls")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        answer.json::<Value>().await.unwrap()["call"].as_str().unwrap().to_owned()
    }

    /// POST to Graph with the right token.
    pub async fn graph(&self, body: Value) -> (u16, Value) {
        let request = self.http.post(self.url("/v23.0/106540352242922/calls")).bearer_auth("demo-token");
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Any request to the stand-in: status and body, which is null where there is none.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = method.parse().unwrap();
        let request = self.http.request(method, self.url(path)).bearer_auth("demo-token");
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// A request of the control API that must succeed.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, &format!("/control/{path}"), body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// `connect` of the business.
    pub async fn connect(&self, to: &str, sdp: &str) -> (u16, Value) {
        self.graph(json!({"messaging_product": "whatsapp", "to": to, "action": "connect",
                          "session": {"sdp_type": "offer", "sdp": sdp}}))
            .await
    }

    /// Places a call to a user who allows it, with this script; gives its id.
    pub async fn place(&self, to: &str, script: Value, sdp: &str) -> String {
        self.control("PUT", &format!("users/{to}/permission"), json!({"status": "permanent"})).await;
        self.control("PUT", &format!("users/{to}/script"), script).await;
        let (status, answer) = self.connect(to, sdp).await;
        assert_eq!(status, 200, "{answer}");
        answer["calls"][0]["id"].as_str().unwrap().to_owned()
    }

    /// POST messages.
    pub async fn message(&self, body: Value) -> (u16, Value) {
        self.ask("POST", "/v23.0/106540352242922/messages", body).await
    }

    /// Waits for a webhook of this kind that is about what is wanted.
    pub async fn webhook(&self, what: &str) -> Arrived {
        self.webhooks_of(what, 1).await.remove(0)
    }

    /// Waits for so many webhooks of this kind.
    pub async fn webhooks_of(&self, what: &str, count: usize) -> Vec<Arrived> {
        let started = Instant::now();
        loop {
            let all = self.arrived();
            let found: Vec<Arrived> = all.iter().filter(|arrived| arrived.what() == what).cloned().collect();
            if found.len() >= count {
                return found;
            }
            let seen: Vec<String> = all.iter().map(Arrived::what).collect();
            assert!(started.elapsed() < PATIENCE, "no {count} webhooks {what}, only {seen:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn action(&self, action: &str, call: &str, sdp: &str) -> (u16, Value) {
        let mut body = json!({"messaging_product": "whatsapp", "action": action, "call_id": call});
        if !sdp.is_empty() {
            body["session"] = json!({"sdp_type": "answer", "sdp": sdp});
        }
        self.graph(body).await
    }

    pub async fn action_with_sdp(&self, action: &str, call: &str, sdp: &str) -> (u16, Value) {
        let session = json!({"sdp_type": "answer", "sdp": sdp});
        let body = json!({"messaging_product": "whatsapp", "action": action, "call_id": call, "session": session});
        self.graph(body).await
    }

    pub async fn show(&self, call: &str) -> Value {
        self.http.get(self.url(&control(call, ""))).send().await.unwrap().json().await.unwrap()
    }

    pub async fn post(&self, call: &str, what: &str, body: Value) -> u16 {
        let request = self.http.post(self.url(&control(call, what))).json(&body);
        request.send().await.unwrap().status().as_u16()
    }

    /// Waits until the call looks as wanted.
    pub async fn until(&self, call: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let view = self.show(call).await;
            if wanted(&view) {
                return view;
            }
            assert!(started.elapsed() < PATIENCE, "it never came to that: {view:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until that many webhooks have arrived.
    pub async fn webhooks(&self, count: usize) -> Vec<Arrived> {
        let started = Instant::now();
        loop {
            let arrived = self.arrived();
            if arrived.len() >= count {
                return arrived;
            }
            assert!(started.elapsed() < PATIENCE, "only {} of {count} webhooks came", arrived.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.inbox.arrived.lock().unwrap().clone()
    }

    /// The next POSTs are answered with these.
    pub fn refuse(&self, statuses: &[u16]) {
        self.inbox.refusals.lock().unwrap().extend(statuses);
    }

    pub fn challenges(&self) -> Vec<Vec<(String, String)>> {
        self.inbox.challenges.lock().unwrap().clone()
    }
}

pub fn control(call: &str, what: &str) -> String {
    let id: String = call.bytes().map(|b| format!("%{b:02X}")).collect();
    if what.is_empty() { format!("/control/calls/{id}") } else { format!("/control/calls/{id}/{what}") }
}

/// An SDP answer that Meta takes; for calls without media.
pub fn good_answer() -> String {
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE audio",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 126",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuv",
        "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
        "a=setup:active",
        "a=mid:audio",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:126 telephone-event/8000",
        "a=ptime:20",
        "a=ssrc:7 cname:business",
        "",
    ]
    .join("\r\n")
}

/// An SDP offer that Meta takes; for calls without media.
pub fn good_offer() -> String {
    good_answer().replace("a=setup:active", "a=setup:actpass")
}

async fn challenge(State(inbox): State<Arc<Inbox>>, Query(query): Query<Vec<(String, String)>>) -> String {
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let answer = value("hub.challenge").unwrap_or_default();
    inbox.challenges.lock().unwrap().push(query);
    answer
}

async fn take(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, bytes: Bytes) -> StatusCode {
    inbox.arrived.lock().unwrap().push(Arrived { headers, bytes, at: Instant::now() });
    let mut refusals = inbox.refusals.lock().unwrap();
    if refusals.is_empty() { StatusCode::OK } else { StatusCode::from_u16(refusals.remove(0)).unwrap() }
}

const PATIENCE: Duration = Duration::from_secs(20);
