//! Meta's door over HTTP: who gets in, and what is on the disk when the answer is 200.

use hmac::{Hmac, Mac};
use reqwest::{Method, StatusCode};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::world::connect;
use crate::house::House;
use controld::http::serving::Limits;
use controld::model::clock;

const DOOR: &str = "/webhooks/acc_demo";

async fn post(house: &House, path: &str, signature: Option<String>, body: Vec<u8>) -> StatusCode {
    let mut request = house.ask(Method::POST, path).body(body);
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    request.send().await.unwrap().status()
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_signed_webhook_is_on_the_disk_when_it_is_answered_and_a_repeat_changes_nothing() {
    let house = House::open().await;
    // Older than a minute: logged, not answered, so that no mediad is needed.
    let body = connect("w1", clock::now() - 120_000).to_string().into_bytes();
    for _ in 0..3 {
        assert_eq!(post(&house, DOOR, Some(sign("demo-app-secret", &body)), body.clone()).await, StatusCode::OK);
    }
    for _ in 0..2_000 {
        if house.app.store.call_by_wacid("w1").await.unwrap().is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let row = house.app.store.call_by_wacid("w1").await.unwrap().unwrap();
    assert_eq!(row.ended.unwrap().reason, "stale_connect");
}

#[tokio::test]
async fn what_is_not_signed_by_this_numbers_app_gets_401_and_leaves_no_row() {
    let house = House::open().await;
    let body = connect("w1", clock::now()).to_string().into_bytes();
    let good = sign("demo-app-secret", &body);
    let mut changed = body.clone();
    changed.push(b' ');
    for (signature, body) in [
        (None, body.clone()),
        (Some(String::new()), body.clone()),
        (Some(sign("another", &body)), body.clone()),
        (Some(good.replace("sha256", "sha1")), body.clone()),
        (Some(good.clone()), changed),
    ] {
        assert_eq!(post(&house, DOOR, signature, body).await, StatusCode::UNAUTHORIZED);
    }
    // The right signature at another number's door is a wrong one.
    assert_eq!(post(&house, "/webhooks/acc_other", Some(good.clone()), body.clone()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&house, "/webhooks/acc_nobody", Some(good), body).await, StatusCode::NOT_FOUND);
    assert!(house.app.store.waiting_webhooks(10).await.unwrap().is_empty());
    assert!(house.app.store.call_by_wacid("w1").await.unwrap().is_none());
}

#[tokio::test]
async fn a_number_nobody_has_and_a_missing_signature_are_refused_before_any_body_is_received() {
    let house = House::open().await;
    for (path, status) in [("/webhooks/acc_nobody", "404"), (DOOR, "401")] {
        // The body is promised and never sent: an answer shows that nobody waited for it.
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\n");
        let answer = raw(&house, &head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let limits = Limits { head_ms: 50, ..Limits::default() };
    let house = House::open_within(limits, |_| ()).await;
    let answer = raw(&house, "GET /livez HTTP/1.1\r\nhost: a\r\n").await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = raw(&house, "").await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn when_every_connection_is_taken_the_oldest_makes_room() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let house = House::open_within(limits, |_| ()).await;
    let address = house.url.trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    assert_eq!(house.ask(Method::GET, "/livez").send().await.unwrap().status(), StatusCode::OK);
    let mut end = Vec::new();
    assert_eq!(silent[0].read_to_end(&mut end).await.unwrap_or(0), 0, "the oldest is closed");
}

/// What comes back on a connection until the other end closes it.
async fn raw(house: &House, sent: &str) -> String {
    let mut stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end like any other. Nothing else ends the wait before its time.
    let end = tokio::time::timeout(std::time::Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "the connection was left open");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_over_three_mebibytes_is_refused() {
    let house = House::open().await;
    let body = vec![b' '; 3 * 1024 * 1024 + 1];
    let signature = Some(sign("demo-app-secret", &body));
    assert_eq!(post(&house, DOOR, signature, body).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_handshake_returns_the_challenge_to_who_knows_the_token() {
    let house = House::open().await;
    let ask = async |query: &str| {
        let response = house.ask(Method::GET, &format!("{DOOR}?{query}")).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    let (status, text) = ask("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=demo-verify").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "1158201444"));
    for query in [
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=demo-verify",
        "hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=demo-verify",
        "",
    ] {
        assert_eq!(ask(query).await.0, StatusCode::FORBIDDEN, "{query}");
    }
}
