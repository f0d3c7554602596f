//! The life of a user-initiated call: every ending, and what the business may do when.

use serde_json::{Value, json};

use crate::world::{World, good_answer};

async fn external(world: &World, faults: Value) -> String {
    world.dial(json!({"external_offer": "v=0\r\no=the offer as given\r\n", "faults": faults})).await
}

fn details(answer: &Value) -> &str {
    answer["error"]["error_data"]["details"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_outside_offer_goes_into_the_webhook_unchanged_and_the_answer_comes_back() {
    let world = World::new().await;
    let call = external(&world, json!({})).await;
    let connect = &world.webhooks(1).await[0];
    assert_eq!(connect.call()["session"], json!({"sdp_type": "offer", "sdp": "v=0\r\no=the offer as given\r\n"}));
    assert_eq!(world.action("pre_accept", &call, &good_answer()).await.0, 200);
    let view = world.show(&call).await;
    assert_eq!(
        (view["state"].as_str(), view["business_answer"].as_str()),
        (Some("pre_accepted"), Some(&*good_answer()))
    );
    assert_eq!(view["media"], Value::Null);
}

#[tokio::test]
async fn accept_must_repeat_the_sdp_of_pre_accept() {
    let world = World::new().await;
    let call = external(&world, json!({})).await;
    assert_eq!(world.action("pre_accept", &call, &good_answer()).await.0, 200);
    let (status, answer) = world.action("accept", &call, &good_answer().replace("ssrc:7", "ssrc:8")).await;
    assert_eq!(status, 400);
    assert!(details(&answer).contains("differs"), "{answer}");
    assert_eq!(world.action("accept", &call, &good_answer()).await.0, 200);
    let (_, again) = world.action("accept", &call, &good_answer()).await;
    assert!(details(&again).contains("already in progress"), "{again}");
    let (_, reject) = world.action("reject", &call, "").await;
    assert!(details(&reject).contains("already in progress"), "{reject}");
    assert_eq!(world.show(&call).await["faults_of_ours"], json!(["accept with another SDP than pre_accept"]));
}

#[tokio::test]
async fn nothing_can_be_done_to_an_ended_call() {
    let world = World::new().await;
    let call = external(&world, json!({})).await;
    assert_eq!(world.post(&call, "hang-up", json!({})).await, 204);
    for (action, sdp) in [
        ("pre_accept", good_answer()),
        ("accept", good_answer()),
        ("reject", String::new()),
        ("terminate", String::new()),
    ] {
        let (status, answer) = world.action(action, &call, &sdp).await;
        assert_eq!((status, answer["error"]["code"].as_u64()), (400, Some(100)), "{action}");
        assert!(details(&answer).contains("already ended"), "{answer}");
    }
    assert_eq!(world.webhooks(2).await.len(), 2);
}

#[tokio::test]
async fn only_a_call_that_was_picked_up_has_times() {
    let world = World::new().await;
    let talked = external(&world, json!({})).await;
    world.action("accept", &talked, &good_answer()).await;
    world.action("terminate", &talked, "").await;
    let rejected = external(&world, json!({})).await;
    world.action("reject", &rejected, "").await;
    let gave_up = external(&world, json!({})).await;
    world.post(&gave_up, "hang-up", json!({})).await;
    let ends: Vec<Value> =
        world.webhooks(6).await.iter().map(crate::world::Arrived::call).filter(|c| c["event"] == "terminate").collect();
    for end in &ends {
        assert_eq!(end["status"], "COMPLETED");
        assert_eq!(end.get("errors"), None);
        let has_times = end["id"] == talked.as_str();
        for key in ["start_time", "end_time", "duration"] {
            assert_eq!(end.get(key).is_some(), has_times, "{key} of {end}");
        }
    }
    let talk = ends.iter().find(|end| end["id"] == talked.as_str()).unwrap();
    assert!(talk["start_time"].is_string() && talk["end_time"].is_string() && talk["duration"].is_u64());
}

#[tokio::test]
async fn a_call_nobody_answers_ends_by_itself() {
    let world = World::scaled(0.01).await;
    let call = external(&world, json!({})).await;
    let view = world.until(&call, |view| view["state"] == "ended").await;
    assert_eq!(view["terminate"]["by"], "not answered");
    assert_eq!(view["terminate"]["status"], "COMPLETED");
    assert!(
        (400..2000).contains(
            &view["events"].as_array().unwrap().iter().find(|e| e["what"] == "ended: not answered").unwrap()["at_ms"]
                .as_u64()
                .unwrap()
        )
    );
}

#[tokio::test]
async fn twenty_seconds_without_media_end_a_call_as_captured() {
    let world = World::scaled(0.02).await;
    let call = world.dial(json!({"source": "silence"})).await;
    assert_eq!(world.action("accept", &call, &good_answer()).await.0, 200);
    let view = world.until(&call, |view| view["state"] == "ended").await;
    assert_eq!(view["terminate"]["code"], 138021);
    // One scaled second is 20 ms here, which is also the exchange's tick.
    assert!((20..=25).contains(&view["terminate"]["duration"].as_u64().unwrap()), "{}", view["terminate"]);
    let end = world.webhooks(2).await.into_iter().find(|a| a.event() == "terminate").unwrap();
    let value = &end.json()["entry"][0]["changes"][0]["value"];
    assert_eq!(value["errors"], value["calls"][0]["errors"]);
    assert_eq!(value["errors"][0]["code"], 138021);
    assert_eq!(value["errors"][0].get("href"), None);
    assert_eq!(value["calls"][0]["status"], "FAILED");
}

#[tokio::test]
async fn one_caller_has_one_call() {
    let world = World::new().await;
    let body = json!({"external_offer": "v=0\r\n", "from": "15550001111"});
    world.dial(body.clone()).await;
    let second = world.http.post(world.url("/control/calls")).json(&body).send().await.unwrap();
    assert_eq!(second.status(), 409);
}
