//! The HTTP callback, as the flow sees it.

use serde_json::{Value, json};

use super::talk::{Talk, clip, flow};
use crate::ivr::deed::{Deed, TrailKind};
use crate::model::callback::Method;

fn lookup(fields: Value, with_error_exit: bool) -> Value {
    let mut node = json!({
        "id": "ask", "kind": "http_callback", "url": "https://crm.example/callers/{{caller_phone}}",
        "store_response_as": "customer",
    });
    for (name, field) in fields.as_object().unwrap() {
        node[name] = field.clone();
    }
    let mut exits = vec![("ask", "default", "tell"), ("tell", "default", "team")];
    if with_error_exit {
        exits.push(("ask", "http_error", "sorry"));
    }
    flow(
        json!([
            node,
            { "id": "tell", "kind": "http_callback", "url": "https://crm.example/seen?id={{customer.id}}" },
            { "id": "team", "kind": "transfer", "team": "team" },
            { "id": "sorry", "kind": "transfer", "team": "sorry" },
        ]),
        &exits,
    )
}

#[test]
fn comfort_audio_sounds_while_waiting_and_the_timer_guards_the_answer() {
    let talk = Talk::begin(lookup(json!({ "timeout_secs": 7 }), false));
    let request = talk.asked().unwrap();
    assert_eq!(request.url, "https://crm.example/callers/4917012345");
    assert_eq!((request.method, request.timeout_ms, &request.body), (Method::Get, 7_000, &None));
    assert!(matches!(talk.deeds[..], [Deed::Comfort, Deed::Http(_), Deed::Timer { after_ms: 8_000, .. }]));
    assert_eq!(Talk::begin(lookup(json!({}), false)).asked().unwrap().timeout_ms, 10_000);
}

#[test]
fn json_answers_are_readable_as_fields() {
    let mut talk = Talk::begin(lookup(json!({}), false));
    talk.answer(200, r#"{"id": 77, "name": "Ana & Co", "tags": ["a", "b"]}"#);
    assert_eq!(talk.asked().unwrap().url, "https://crm.example/seen?id=77");
    assert_eq!(talk.last(TrailKind::Http), "Asks crm.example");
}

#[test]
fn default_is_taken_always() {
    for status in [200, 204, 301, 404, 500, 599] {
        let mut talk = Talk::begin(lookup(json!({}), false));
        talk.answer(status, "x");
        assert_eq!(talk.at(), "tell", "{status}");
        assert_eq!(talk.variable("customer"), Some("x"), "the answer is kept whatever its status");
    }
    let mut talk = Talk::begin(lookup(json!({}), false));
    talk.no_answer();
    assert_eq!((talk.at(), talk.variable("customer")), ("tell", Some("")));
}

#[test]
fn http_error_is_taken_if_connected_when_there_is_no_answer_or_no_2xx() {
    for (status, team) in [(200, None), (299, None), (300, Some("sorry")), (404, Some("sorry")), (500, Some("sorry"))] {
        let mut talk = Talk::begin(lookup(json!({}), true));
        talk.answer(status, "");
        assert_eq!(talk.team(), team, "{status}");
    }
    let mut talk = Talk::begin(lookup(json!({}), true));
    talk.no_answer();
    assert_eq!(talk.team(), Some("sorry"));
    assert_eq!(talk.trail.iter().filter(|line| line.text.contains("the connection was refused")).count(), 1);
}

#[test]
fn an_answer_that_never_comes_is_a_failure_when_the_timer_is_due() {
    let mut talk = Talk::begin(lookup(json!({}), true));
    talk.wait();
    assert_eq!(talk.team(), Some("sorry"));
    talk.answer(200, "late");
    assert!(talk.deeds.is_empty());
}

#[test]
fn digits_pressed_while_waiting_are_kept_for_the_next_node_that_listens() {
    let mut talk = Talk::begin(flow(
        json!([
            { "id": "ask", "kind": "http_callback", "url": "https://crm.example/" },
            { "id": "menu", "kind": "menu", "prompt": clip("menu"), "options": [{ "digit": "5" }] },
            { "id": "five", "kind": "transfer", "team": "five" },
        ]),
        &[("ask", "default", "menu"), ("menu", "digit:5", "five")],
    ));
    talk.press("5");
    talk.answer(200, "");
    assert_eq!(talk.team(), Some("five"));
}

#[test]
fn a_request_that_cannot_be_made_is_not_sent_and_the_flow_goes_on() {
    let mut talk = Talk::begin(lookup(json!({ "url": "https://{{caller_phone}}/" }), true));
    assert!(!talk.deeds.iter().any(|deed| matches!(deed, Deed::Http(_))));
    assert_eq!(talk.team(), Some("sorry"));
    assert_eq!(
        talk.last(TrailKind::Http),
        "No answer from the web service: a variable may not choose the host of the url"
    );
    talk.answer(200, "");
    assert!(talk.deeds.is_empty());
}

#[test]
fn the_answer_to_a_sensitive_question_is_masked_like_it() {
    let mut talk = Talk::begin(flow(
        json!([
            { "id": "pin", "kind": "gather", "prompt": clip("pin"), "store_as": "pin", "sensitive": true },
            { "id": "ask", "kind": "http_callback", "url": "https://crm.example/{{pin}}", "store_response_as": "told" },
            { "id": "team", "kind": "transfer", "team": "team" },
        ]),
        &[("pin", "default", "ask"), ("ask", "default", "team")],
    ));
    talk.press("8642#");
    assert_eq!(talk.asked().unwrap().url, "https://crm.example/8642");
    assert!(!format!("{:?}", talk.deeds).contains("8642"));
    talk.answer(200, r#"{"pin": "8642"}"#);
    let masked = serde_json::to_string(&talk.place.masked()).unwrap();
    assert!(!masked.contains("8642") && !format!("{:?}", talk.trail).contains("8642"), "{masked}");
}

#[test]
fn long_answers_are_cut_in_text_and_whole_in_fields() {
    let mut talk = Talk::begin(lookup(json!({}), false));
    talk.answer(200, &json!({ "pad": "ä".repeat(20_000), "id": 5 }).to_string());
    assert!(talk.variable("customer").unwrap().len() <= 8 * 1024);
    assert_eq!(talk.asked().unwrap().url, "https://crm.example/seen?id=5");
}
