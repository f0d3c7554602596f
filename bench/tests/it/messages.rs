//! Texts both ways, the 24-hour window, and templates.

use serde_json::{Value, json};

use crate::world::World;

const USER: &str = "15550001111";
const TEMPLATES: &str = "/v23.0/102290129340398/message_templates";

fn code(answer: &(u16, Value)) -> u64 {
    answer.1["error"]["code"].as_u64().unwrap_or_default()
}

async fn send(world: &World, text: &str) -> (u16, Value) {
    world.message(json!({"messaging_product": "whatsapp", "to": USER, "type": "text", "text": {"body": text}})).await
}

async fn template(world: &World, name: &str, language: &str) -> (u16, Value) {
    let template = json!({"name": name, "language": {"code": language}});
    world.message(json!({"messaging_product": "whatsapp", "to": USER, "type": "template", "template": template})).await
}

#[tokio::test]
async fn a_text_of_the_user_opens_the_window_for_a_day() {
    let world = World::new().await;
    assert_eq!(code(&send(&world, "hi").await), 131_047);
    let body = json!({"text": "where is my order? 🙂", "name": "José"});
    let id = world.control("POST", "users/+1 555 000 1111/messages", body).await["id"].clone();
    let value = world.webhook("text").await.value();
    let mut message = value["messages"][0].clone();
    assert!(message["timestamp"].take().is_string());
    let wanted =
        json!({"id": id, "from": USER, "timestamp": null, "type": "text", "text": {"body": "where is my order? 🙂"}});
    assert_eq!(message, wanted);
    assert_eq!(value["contacts"], json!([{"profile": {"name": "José"}, "wa_id": USER}]));
    let (status, sent) = send(&world, "on its way").await;
    assert_eq!(status, 200, "{sent}");
    world.webhook("delivered").await;
    let chat = world.control("GET", "users/15550001111", Value::Null).await["chat"].clone();
    let lines: Vec<_> =
        chat.as_array().unwrap().iter().map(|b| (b["from"].as_str().unwrap(), b["text"].as_str().unwrap())).collect();
    assert_eq!(lines, [("user", "where is my order? 🙂"), ("business", "on its way")]);
    world.control("POST", "clock", json!({"advance_secs": 86_400})).await;
    let late = send(&world, "hello?").await;
    assert_eq!((late.0, code(&late)), (400, 131_047));
    world.control("POST", "number", json!({"window_error": "webhook"})).await;
    assert_eq!(send(&world, "hello?").await.0, 200);
    assert_eq!(world.webhook("failed").await.value()["statuses"][0]["errors"][0]["code"], 131_047);
}

#[tokio::test]
async fn a_call_of_the_user_opens_the_window_too() {
    let world = World::new().await;
    world.dial(json!({"external_offer": "v=0\r\n", "from": USER})).await;
    assert_eq!(send(&world, "we saw your call").await.0, 200);
}

#[tokio::test]
async fn an_old_client_and_a_foreign_number_do_not_get_the_message() {
    let world = World::new().await;
    world.control("POST", "users/15550001111/messages", json!({"text": "hi"})).await;
    world.control("PUT", "users/15550001111", json!({"traits": {"old_client": true}})).await;
    assert_eq!(send(&world, "hello").await.0, 200);
    let status = world.webhook("failed").await.value()["statuses"][0].clone();
    assert_eq!((&status["errors"][0]["code"], &status["recipient_id"]), (&json!(131_026), &json!(USER)));
    world.control("POST", "number", json!({"allow_list": ["1"]})).await;
    assert_eq!(code(&send(&world, "hello").await), 131_030);
}

#[tokio::test]
async fn bad_messages_are_invalid_parameters_and_read_marks_are_taken() {
    let world = World::new().await;
    world.control("POST", "users/15550001111/messages", json!({"text": "hi"})).await;
    let message = |part: Value| {
        let mut body = json!({"messaging_product": "whatsapp", "to": USER});
        for (key, value) in part.as_object().unwrap() {
            body[key] = value.clone();
        }
        world.message(body)
    };
    let ask = |part: Value| json!({"type": "interactive", "interactive": part});
    for part in [
        json!({}),
        json!({"type": "text"}),
        json!({"type": "text", "text": {"body": ""}}),
        json!({"type": "text", "text": {"body": "x".repeat(4097)}}),
        json!({"to": "", "type": "text", "text": {"body": "x"}}),
        ask(json!({"type": "call_permission_request"})),
        ask(json!({"type": "call_permission_request", "action": {"name": "voice_call"}})),
        ask(json!({"type": "call_permission_request", "action": {"name": "call_permission_request"}, "footer": {}})),
        json!({"type": "template", "template": {"name": "call_permission"}}),
    ] {
        assert_eq!(code(&message(part.clone()).await), 100, "{part}");
    }
    let read = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"});
    assert_eq!(world.message(read).await, (200, json!({"success": true})));
    let off = json!({"calling": {"status": "DISABLED"}});
    assert_eq!(world.ask("POST", "/v23.0/106540352242922/settings", off).await.0, 200);
    let request = json!({"type": "call_permission_request", "action": {"name": "call_permission_request"}});
    let refused = message(ask(request)).await;
    assert_eq!((refused.0, code(&refused)), (401, 138_000));
}

#[tokio::test]
async fn a_template_asks_for_permission_outside_the_window() {
    let world = World::new().await;
    assert_eq!(template(&world, "nope", "en_US").await.0, 404);
    let component = json!({"type": "call_permission_request"});
    let body = json!({"type": "BODY", "text": "May we call you?"});
    let create = |category: &str, components: Value| {
        let request = json!({"name": "may_we", "language": "de", "category": category, "components": components});
        world.ask("POST", TEMPLATES, request)
    };
    assert_eq!(code(&create("UTILITY", json!([component])).await), 100, "a body is required");
    assert_eq!(code(&create("AUTHENTICATION", json!([body, component])).await), 100);
    assert_eq!(code(&create("UTILITY", json!([body, component, {"type": "BUTTONS"}])).await), 100);
    let (status, made) = create("utility", json!([body, component])).await;
    assert_eq!((status, &made["status"], &made["category"]), (200, &json!("APPROVED"), &json!("UTILITY")));
    assert_eq!(code(&create("UTILITY", json!([body])).await), 100, "the name is taken");
    assert_eq!(world.ask("GET", TEMPLATES, Value::Null).await.1["data"][1]["name"], "may_we");
    assert_eq!(code(&template(&world, "may_we", "en_US").await), 132_001);
    assert_eq!(template(&world, "may_we", "de").await.0, 200);
    assert_eq!(code(&template(&world, "call_permission", "en_US").await), 138_009, "one request a day");
    let view = world.control("POST", "users/15550001111/permission", json!({"choice": "accept_permanently"})).await;
    assert_eq!(view["permission"]["status"], "permanent");
    world.webhook("call_permission_reply").await;
    assert_eq!(code(&template(&world, "may_we", "de").await), 138_017);
}
