//! The webhook engine: signatures, retries, and every fault it can be told to make.

use serde_json::{Value, json};

use bench::meta::webhooks::sign;

use crate::world::{World, good_answer};

async fn with(world: &World, faults: Value) -> String {
    world.dial(json!({"external_offer": "v=0\r\n", "name": "José 🎧", "from": "15550001111", "faults": faults})).await
}

#[tokio::test]
async fn the_challenge_comes_first_and_in_metas_order() {
    let world = World::new().await;
    let started = std::time::Instant::now();
    while !world.meta.exchange().verified() {
        assert!(started.elapsed().as_secs() < 10, "never verified");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let names: Vec<_> = world.challenges()[0].iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["hub.mode", "hub.challenge", "hub.verify_token"]);
}

#[tokio::test]
async fn the_signature_is_over_the_escaped_bytes_as_sent() {
    let world = World::new().await;
    with(&world, json!({"slashes_escaped": true})).await;
    let arrived = &world.webhooks(1).await[0];
    let text = std::str::from_utf8(&arrived.bytes).unwrap();
    assert!(text.is_ascii() && text.contains(r"Jos\u00e9 \ud83c\udfa7"), "{text}");
    let signature = arrived.headers["x-hub-signature-256"].to_str().unwrap();
    assert_eq!(signature, sign("demo-app-secret", &arrived.bytes));
    assert_eq!(signature.len(), "sha256=".len() + 64);
    assert_eq!(arrived.headers["user-agent"], "facebookexternalua");
    assert_eq!(arrived.headers["content-type"], "application/json");
    let value = &arrived.json()["entry"][0]["changes"][0]["value"];
    assert_eq!(value["contacts"], json!([{"profile": {"name": "José 🎧"}, "wa_id": "15550001111"}]));
    assert_eq!(value["metadata"], json!({"display_phone_number": "15559990000", "phone_number_id": "106540352242922"}));
    let call = arrived.call();
    assert_eq!((call["from"].as_str(), call["to"].as_str()), (Some("15550001111"), Some("15559990000")));
    assert_eq!((call["direction"].as_str(), call["timestamp"].is_string()), (Some("USER_INITIATED"), true));
}

#[tokio::test]
async fn a_wrong_signature_is_wrong() {
    let world = World::new().await;
    with(&world, json!({"wrong_signature": true})).await;
    let arrived = &world.webhooks(1).await[0];
    let signature = arrived.headers["x-hub-signature-256"].to_str().unwrap();
    assert!(signature.starts_with("sha256=") && signature != sign("demo-app-secret", &arrived.bytes));
}

#[tokio::test]
async fn a_refused_webhook_is_sent_again_byte_for_byte() {
    let world = World::scaled(0.05).await;
    world.refuse(&[500, 401]);
    with(&world, json!({"ring_ms": 60000})).await;
    let arrived = world.webhooks(3).await;
    assert!(arrived.iter().all(|again| again.bytes == arrived[0].bytes));
    assert!(arrived[2].at - arrived[1].at > arrived[1].at - arrived[0].at, "the pauses grow");
}

#[tokio::test]
async fn copies_and_losses_are_as_told() {
    let world = World::new().await;
    let call = with(&world, json!({"duplicate": 2, "drop": "terminate"})).await;
    let arrived = world.webhooks(3).await;
    assert!(arrived.iter().all(|copy| copy.event() == "connect" && copy.bytes == arrived[0].bytes));
    world.post(&call, "hang-up", json!({})).await;
    let view = world.show(&call).await;
    assert!(view["events"].to_string().contains("webhook terminate: dropped on purpose"));
}

#[tokio::test]
async fn terminate_can_overtake_connect() {
    let world = World::new().await;
    with(&world, json!({"terminate_before_connect": true})).await;
    let events: Vec<_> = world.webhooks(2).await.iter().map(crate::world::Arrived::event).collect();
    assert_eq!(events, ["terminate", "connect"]);
}

#[tokio::test]
async fn a_delayed_connect_comes_late_and_a_stale_one_looks_old() {
    let world = World::new().await;
    let started = std::time::Instant::now();
    with(&world, json!({"delay_ms": 300, "stale_secs": 3600})).await;
    let arrived = &world.webhooks(1).await[0];
    assert!((arrived.at - started).as_millis() >= 300);
    let stamp: u64 = arrived.call()["timestamp"].as_str().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((3598..3620).contains(&(now - stamp)));
}

#[tokio::test]
async fn a_user_without_a_number_is_known_by_the_business_scoped_id() {
    let world = World::new().await;
    with(&world, json!({"missing_phone": true})).await;
    let arrived = &world.webhooks(1).await[0];
    let call = arrived.call();
    assert_eq!((call.get("from"), call.get("to")), (None, None));
    assert_eq!(call["from_user_id"], "US.134915550001111");
    let contact = &arrived.json()["entry"][0]["changes"][0]["value"]["contacts"][0];
    assert_eq!((contact.get("wa_id"), &contact["user_id"]), (None, &json!("US.134915550001111")));
}

#[tokio::test]
async fn contacts_can_be_missing_and_keys_can_be_strange() {
    let world = World::new().await;
    with(&world, json!({"missing_contacts": true, "extra_keys": true, "shuffled_keys": true})).await;
    let arrived = &world.webhooks(1).await[0];
    let value = &arrived.json()["entry"][0]["changes"][0]["value"];
    assert_eq!(value.get("contacts"), None);
    assert!(value["calls"][0]["call_quality_hint"].is_object());
}

#[tokio::test]
async fn a_late_answer_is_refused_with_138007_when_told() {
    let world = World::new().await;
    let call = with(&world, json!({"connect_timeout": true})).await;
    let (status, answer) = world.action("accept", &call, &good_answer()).await;
    assert_eq!((status, answer["error"]["code"].as_u64()), (500, Some(138007)));
}

#[tokio::test]
async fn an_awkward_id_survives_the_paths_it_travels_in() {
    let world = World::new().await;
    let call = with(&world, json!({"awkward_id": true})).await;
    assert!(call.contains('+') && call.contains('/') && call.ends_with("=="), "{call}");
    assert_eq!(world.show(&call).await["call"], call.as_str());
    assert_eq!(world.action("accept", &call, &good_answer()).await.0, 200);
    assert_eq!(world.post(&call, "hang-up", json!({})).await, 204);
}

#[tokio::test]
async fn an_unknown_knob_is_an_error() {
    let world = World::new().await;
    let body = json!({"external_offer": "v=0\r\n", "faults": {"dupplicate": 2}});
    let answer = world.http.post(world.url("/control/calls")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("dupplicate"));
}
