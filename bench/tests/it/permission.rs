//! Permission to call: requests, answers, limits, expiry and loss, as Graph and the webhooks tell them.

use serde_json::{Value, json};

use crate::world::{World, good_offer};

const USER: &str = "15550001111";
const WEEK: u64 = 604_800;

async fn write(world: &World) {
    world.control("POST", "users/15550001111/messages", json!({"text": "hello", "name": "Ana"})).await;
}

async fn ask(world: &World) -> (u16, Value) {
    world
        .message(
            json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": USER, "type": "interactive",
            "interactive": {"type": "call_permission_request", "action": {"name": "call_permission_request"},
                            "body": {"text": "May we call you about order 42?"}}}),
        )
        .await
}

async fn read(world: &World) -> Value {
    let path = format!("/v23.0/106540352242922/call_permissions?user_wa_id={USER}");
    world.ask("GET", &path, Value::Null).await.1
}

async fn choose(world: &World, choice: &str) -> Value {
    world.control("POST", "users/15550001111/permission", json!({"choice": choice})).await
}

fn code(answer: &(u16, Value)) -> u64 {
    answer.1["error"]["code"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn none_asked_granted_used_and_expired() {
    let world = World::new().await;
    let none = json!({
        "messaging_product": "whatsapp",
        "permission": {"status": "no_permission"},
        "actions": [
            {"action_name": "send_call_permission_request", "can_perform_action": true,
             "limits": [{"time_period": "PT24H", "max_allowed": 1, "current_usage": 0},
                        {"time_period": "P7D", "max_allowed": 2, "current_usage": 0}]},
            {"action_name": "start_call", "can_perform_action": false,
             "limits": [{"time_period": "PT24H", "max_allowed": 100, "current_usage": 0}]}],
    });
    assert_eq!(read(&world).await, none);
    assert_eq!(code(&ask(&world).await), 138_011, "nothing has been said yet");
    write(&world).await;
    let (status, sent) = ask(&world).await;
    let request = sent["messages"][0]["id"].as_str().unwrap().to_owned();
    assert!(request.starts_with("wamid.HBgLMTU1NTAwMDExMTEVAgARGB"), "{request}");
    let contacts = json!([{"input": USER, "wa_id": USER}]);
    let wanted = json!({"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": request}]});
    assert_eq!((status, sent), (200, wanted));
    for word in ["sent", "delivered"] {
        let status = world.webhook(word).await;
        assert_eq!(status.value()["statuses"][0]["id"], request.as_str());
        assert_eq!(status.json()["entry"][0]["changes"][0]["field"], "messages");
    }
    let again = ask(&world).await;
    assert_eq!((again.0, code(&again)), (400, 138_009));
    let requests = &read(&world).await["actions"][0];
    assert_eq!((&requests["can_perform_action"], &requests["limits"][0]["current_usage"]), (&json!(false), &json!(1)));
    assert!(requests["limits"][0]["limit_expiration_time"].is_u64());
    assert_eq!(code(&world.connect(USER, &good_offer()).await), 138_006);

    choose(&world, "accept_temporarily").await;
    let reply = world.webhook("call_permission_reply").await.value();
    let message = &reply["messages"][0];
    let at: u64 = message["timestamp"].as_str().unwrap().parse().unwrap();
    let said = json!({"response": "accept", "is_permanent": false, "expiration_timestamp": (at + WEEK).to_string(),
                      "response_source": "user_action"});
    assert_eq!(message["interactive"], json!({"type": "call_permission_reply", "call_permission_reply": said}));
    assert_eq!(message["context"], json!({"from": "15559990000", "id": request}));
    assert_eq!((&message["from"], &message["type"]), (&json!(USER), &json!("interactive")));
    assert_eq!(reply["contacts"], json!([{"profile": {"name": "Ana"}, "wa_id": USER}]));
    assert_eq!(read(&world).await["permission"], json!({"status": "temporary", "expiration_time": at + WEEK}));

    world.control("PUT", "users/15550001111/script", json!({"then": "answer", "after_ms": 0, "talk_ms": 0})).await;
    assert_eq!(world.connect(USER, &good_offer()).await.0, 200);
    world.webhook("terminate").await;
    let requests = &read(&world).await["actions"][0];
    assert_eq!(requests["limits"][1]["current_usage"], 0, "a connected call resets the counters");
    world.control("POST", "clock", json!({"advance_secs": WEEK})).await;
    assert_eq!(read(&world).await["permission"], json!({"status": "no_permission"}));
    assert_eq!(code(&world.connect(USER, &good_offer()).await), 138_006);
    assert_eq!(world.arrived().iter().filter(|a| a.what() == "call_permission_reply").count(), 1, "expiry is silent");
}

#[tokio::test]
async fn each_answer_has_its_own_webhook_and_can_be_changed_until_it_expires() {
    let world = World::new().await;
    write(&world).await;
    let request = ask(&world).await.1["messages"][0]["id"].clone();
    let rows = [
        ("reject", json!({"response": "reject", "response_source": "user_action"}), true),
        (
            "accept_permanently",
            json!({"response": "accept", "is_permanent": true, "response_source": "user_action"}),
            true,
        ),
        ("grant", json!({"response": "accept", "is_permanent": true, "response_source": "user_action"}), false),
    ];
    for (index, (choice, wanted, in_chat)) in rows.into_iter().enumerate() {
        choose(&world, choice).await;
        let reply = world.webhooks_of("call_permission_reply", index + 1).await.pop().unwrap().value();
        let message = &reply["messages"][0];
        assert_eq!(message["interactive"]["call_permission_reply"], wanted, "{choice}");
        assert_eq!(message.get("context").map(|context| &context["id"]), in_chat.then_some(&request), "{choice}");
    }
    world.control("POST", "clock", json!({"advance_secs": 86_400})).await;
    assert_eq!(code(&ask(&world).await), 138_017, "permanent already");
    world.control("POST", "clock", json!({"advance_secs": WEEK})).await;
    let (status, _) = world.ask("POST", "/control/users/15550001111/permission", json!({"choice": "reject"})).await;
    assert_eq!(status, 409, "the request has expired");
    assert_eq!(read(&world).await["permission"]["status"], "permanent");
    let view = choose(&world, "revoke").await;
    assert_eq!(view["permission"]["status"], "none");
    assert_eq!(read(&world).await["permission"]["status"], "no_permission");
    let replies = world.arrived().iter().filter(|a| a.what() == "call_permission_reply").count();
    assert_eq!(replies, 3, "nobody is told of a manual revocation");
}

#[tokio::test]
async fn a_second_request_in_a_week_is_allowed_and_a_third_is_not() {
    let world = World::new().await;
    for day in 0..3u64 {
        write(&world).await;
        let answer = ask(&world).await;
        assert_eq!(code(&answer), if day < 2 { 0 } else { 138_009 }, "day {day}: {answer:?}");
        world.control("POST", "clock", json!({"advance_secs": 86_400})).await;
    }
    world.control("POST", "number", json!({"test_number": true})).await;
    write(&world).await;
    assert_eq!(ask(&world).await.0, 200, "test numbers may ask 25 times a day");
}

#[tokio::test]
async fn four_missed_calls_in_a_row_revoke_the_permission_and_two_warn_the_user() {
    let world = World::new().await;
    let declines = json!({"then": "decline", "ring_after_ms": 0, "after_ms": 0});
    world.control("PUT", "users/15550001111/permission", json!({"status": "permanent"})).await;
    world.control("PUT", "users/15550001111/script", declines).await;
    for missed in 1..=4usize {
        assert_eq!(world.connect(USER, &good_offer()).await.0, 200, "call {missed}");
        world.webhooks_of("terminate", missed).await;
        let view = world.control("GET", "users/15550001111", Value::Null).await;
        let warnings = view["chat"].as_array().unwrap().iter().filter(|b| b["kind"] == "system").count();
        assert_eq!(warnings, [0, 1, 1, 2][missed - 1], "{view}");
    }
    let reply = world.webhook("call_permission_reply").await.value();
    let said = &reply["messages"][0]["interactive"]["call_permission_reply"];
    assert_eq!(*said, json!({"response": "reject", "response_source": "automatic"}));
    assert_eq!(reply["messages"][0].get("context"), None);
    assert_eq!(code(&world.connect(USER, &good_offer()).await), 138_006);
}

#[tokio::test]
async fn a_call_of_the_user_gives_callback_permission_when_it_is_switched_on() {
    let world = World::new().await;
    let missed = |from: &str| json!({"external_offer": "v=0\r\n", "from": from});
    let call = world.dial(missed(USER)).await;
    world.post(&call, "hang-up", json!({})).await;
    assert_eq!(read(&world).await["permission"]["status"], "no_permission");
    let settings = json!({"calling": {"callback_permission_status": "ENABLED"}});
    assert_eq!(world.ask("POST", "/v23.0/106540352242922/settings", settings).await.0, 200);
    let call = world.dial(missed(USER)).await;
    world.post(&call, "hang-up", json!({})).await;
    let message = world.webhook("call_permission_reply").await.value()["messages"][0].clone();
    assert_eq!(message["context"]["id"], call.as_str());
    let said = &message["interactive"]["call_permission_reply"];
    assert_eq!((&said["response"], &said["response_source"]), (&json!("accept"), &json!("automatic")));
    assert!(said["expiration_timestamp"].is_string() && said["is_permanent"] == false);
    assert_eq!(read(&world).await["permission"]["status"], "temporary");
}

#[tokio::test]
async fn reading_permissions_too_often_is_613_and_private_users_have_none() {
    let world = World::new().await;
    world.control("PUT", "users/15550001111/permission", json!({"status": "permanent"})).await;
    world.control("PUT", "users/15550001111", json!({"traits": {"callable": false}})).await;
    assert_eq!(read(&world).await["permission"], json!({"status": "no_permission"}));
    world.control("POST", "number", json!({"permission_reads_a_second": 0})).await;
    assert_eq!(read(&world).await["error"]["code"], 613);
    let path = "/v23.0/106540352242922/call_permissions";
    assert_eq!(code(&world.ask("GET", path, Value::Null).await), 100);
}

#[tokio::test]
async fn replies_can_be_doubled_late_old_numeric_and_without_a_number() {
    let world = World::new().await;
    write(&world).await;
    assert_eq!(ask(&world).await.0, 200);
    let traits = json!({"duplicate": 1, "shuffle_ms": 50, "stale_secs": 3600, "expiration_number": true,
                        "missing_phone": true, "shuffled_keys": true});
    world.control("PUT", "users/15550001111", json!({"traits": traits})).await;
    choose(&world, "accept_temporarily").await;
    let replies = world.webhooks_of("call_permission_reply", 2).await;
    assert_eq!(replies[0].bytes, replies[1].bytes);
    let message = &replies[0].value()["messages"][0];
    let at: u64 = message["timestamp"].as_str().unwrap().parse().unwrap();
    assert_eq!(message["interactive"]["call_permission_reply"]["expiration_timestamp"], at + WEEK);
    assert_eq!((message.get("from"), &message["from_user_id"]), (None, &json!("US.134915550001111")));
    world.control("PUT", "users/15550001111", json!({"traits": {"drop": true}})).await;
    let view = choose(&world, "reject").await;
    assert!(view["log"].to_string().contains("webhook call_permission_reply: dropped on purpose"), "{view}");
}
