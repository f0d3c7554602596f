//! A Graph API that writes down what it is asked and answers as a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::world::Log;

#[derive(Clone)]
pub struct ScriptedGraph {
    pub url: String,
    state: Arc<Mutex<Script>>,
    log: Log,
}

#[derive(Default)]
struct Script {
    /// For the next requests of an action: after a delay, an answer.
    next: VecDeque<(&'static str, u64, u16, Value)>,
    asked: Vec<Value>,
}

impl ScriptedGraph {
    pub async fn open(log: Log) -> Self {
        let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v23.0", door.local_addr().unwrap());
        let graph = Self { url, state: Arc::default(), log };
        let router = Router::new().route("/v23.0/{number}/calls", post(answer)).with_state(graph.clone());
        tokio::spawn(async move { axum::serve(door, router).await.unwrap() });
        graph
    }

    /// The next request with this action is answered so.
    pub fn next(&self, action: &'static str, delay_ms: u64, status: u16, body: Value) {
        self.state.lock().unwrap().next.push_back((action, delay_ms, status, body));
    }

    /// The bodies with this action, in order.
    pub fn asked(&self, action: &str) -> Vec<Value> {
        self.state.lock().unwrap().asked.iter().filter(|body| body["action"] == action).cloned().collect()
    }
}

async fn answer(
    State(graph): State<ScriptedGraph>,
    Path(number): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!(number, "106540352242922");
    assert_eq!(headers["authorization"], "Bearer demo-token");
    let action = body["action"].as_str().unwrap().to_owned();
    graph.log.add(&format!("ask {action}"));
    let scripted = {
        let mut script = graph.state.lock().unwrap();
        script.asked.push(body);
        let at = script.next.iter().position(|(wanted, ..)| *wanted == action);
        at.and_then(|at| script.next.remove(at))
    };
    let (delay_ms, status, body) =
        scripted.map_or((0, 200, json!({"messaging_product": "whatsapp", "success": true})), |(_, d, s, b)| (d, s, b));
    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    graph.log.add(&format!("{action} {status}"));
    (StatusCode::from_u16(status).unwrap(), Json(body))
}
