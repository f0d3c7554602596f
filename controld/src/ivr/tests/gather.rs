//! The gather.

use serde_json::{Value, json};

use super::talk::{Talk, clip, flow};
use crate::ivr::deed::TrailKind;

fn gather(extra: &[&str], fields: Value) -> Value {
    let mut node = json!({ "id": "pin", "kind": "gather", "prompt": clip("pin"), "store_as": "pin" });
    for (name, field) in fields.as_object().unwrap() {
        node[name] = field.clone();
    }
    let team = |id: &str| json!({ "id": id, "kind": "transfer", "team": id });
    let mut exits = vec![("pin", "default", "default")];
    exits.extend(extra.iter().map(|on| ("pin", *on, *on)));
    let mut nodes = vec![node, team("default")];
    nodes.extend(extra.iter().map(|on| team(on)));
    flow(Value::from(nodes), &exits)
}

#[test]
fn it_is_done_at_the_terminator_after_at_least_one_digit_and_the_terminator_is_never_stored() {
    let mut talk = Talk::begin(gather(&[], json!({})));
    talk.press("47*1#");
    assert_eq!((talk.team(), talk.variable("pin")), (Some("default"), Some("47*1")));
    assert_eq!(talk.last(TrailKind::Digit), "Entered 47*1 as pin");
}

#[test]
fn the_prompt_may_be_cut_by_a_digit() {
    let mut talk = Talk::begin(gather(&[], json!({})));
    assert_eq!((talk.plays(), talk.stops_on_digit()), (Some("pin.ogg"), Some(true)));
    talk.press("4");
    assert_eq!((talk.plays(), talk.timer_ms()), (None, Some(10_000)));
    talk.press("7#");
    assert_eq!(talk.variable("pin"), Some("47"));
}

#[test]
fn it_is_done_at_max_digits() {
    let mut talk = Talk::begin(gather(&[], json!({ "max_digits": 4 })));
    talk.press("1234");
    assert_eq!((talk.team(), talk.variable("pin")), (Some("default"), Some("1234")));
    let mut talk = Talk::begin(gather(&[], json!({})));
    talk.press("1234567890");
    assert_eq!(talk.variable("pin"), Some("1234567890"), "10 unless it says otherwise");
}

#[test]
fn it_is_done_at_the_timer_with_at_least_one_digit() {
    let mut talk = Talk::begin(gather(&["timeout"], json!({})));
    talk.press("12");
    talk.wait();
    assert_eq!((talk.team(), talk.variable("pin")), (Some("default"), Some("12")));
}

#[test]
fn the_timer_restarts_at_each_digit() {
    let mut talk = Talk::begin(gather(&[], json!({ "timeout_secs": 5 })));
    talk.prompt_ends();
    let mut ids = vec![talk.place.timer];
    for key in ["1", "2", "3"] {
        talk.press(key);
        assert_eq!(talk.timer_ms(), Some(5_000));
        ids.push(talk.place.timer);
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn nothing_entered_takes_timeout_if_connected() {
    let mut talk = Talk::begin(gather(&["timeout", "max_retries"], json!({})));
    talk.prompt_ends();
    talk.wait();
    assert_eq!(talk.team(), Some("timeout"));
    assert_eq!(talk.variable("pin"), None);
}

#[test]
fn a_lone_terminator_counts_as_nothing_entered() {
    let mut talk = Talk::begin(gather(&["timeout"], json!({})));
    talk.press("#");
    assert_eq!(talk.team(), Some("timeout"));
    let mut talk = Talk::begin(gather(&["max_retries"], json!({ "max_retries": 1 })));
    talk.press("#");
    assert_eq!(talk.plays(), Some("pin.ogg"));
    talk.press("#");
    assert_eq!(talk.team(), Some("max_retries"));
}

#[test]
fn nothing_entered_is_a_retry_if_timeout_is_not_connected_and_after_3_retries_max_retries_is_taken() {
    let mut talk = Talk::begin(gather(&["max_retries"], json!({})));
    for _ in 0..3 {
        talk.prompt_ends();
        talk.wait();
        assert_eq!(talk.plays(), Some("pin.ogg"));
    }
    talk.prompt_ends();
    talk.wait();
    assert_eq!(talk.team(), Some("max_retries"));
}

#[test]
fn another_terminator_or_none_can_be_chosen() {
    let mut talk = Talk::begin(gather(&[], json!({ "terminator": "*" })));
    talk.press("1#2*");
    assert_eq!(talk.variable("pin"), Some("1#2"));
    let mut talk = Talk::begin(gather(&[], json!({ "terminator": null, "max_digits": 3 })));
    talk.press("1#*");
    assert_eq!(talk.variable("pin"), Some("1#*"));
}

#[test]
fn sensitive_masks_the_value_everywhere_outside_the_running_call() {
    let mut talk = Talk::begin(gather(&["max_retries"], json!({ "sensitive": true, "store_as": "secret" })));
    talk.press("8642");
    let shown = |talk: &Talk| {
        let masked = serde_json::to_string(&talk.place.masked()).unwrap();
        format!("{:?}{:?}{:?}{masked}", talk.trail, talk.place, talk.deeds)
    };
    assert!(!shown(&talk).contains("8642"), "while it is typed: {}", shown(&talk));
    talk.press("#");
    assert_eq!(talk.variable("secret"), Some("8642"), "the running call has it");
    assert!(!shown(&talk).contains("8642"), "once it is stored: {}", shown(&talk));
    assert_eq!(talk.last(TrailKind::Digit), "Entered •••• as secret");
}

#[test]
fn type_ahead_digits_are_kept_for_a_gather_too() {
    let mut flow = gather(&[], json!({ "max_digits": 4 }));
    let hello = json!({ "id": "hello", "kind": "greeting", "prompt": clip("hello"), "interruptible": true });
    flow["nodes"].as_array_mut().unwrap().push(hello);
    flow["exits"].as_array_mut().unwrap().push(json!({ "from": "hello", "on": "default", "to": "pin" }));
    flow["entry"] = json!("hello");
    let mut talk = Talk::begin(flow.clone());
    talk.press("1");
    assert_eq!((talk.at(), talk.plays(), talk.timer_ms()), ("pin", None, Some(10_000)), "no prompt over the typing");
    talk.press("234");
    assert_eq!(talk.variable("pin"), Some("1234"));
    flow["nodes"][2]["interruptible"] = json!(false);
    let mut talk = Talk::begin(flow);
    talk.press("123456");
    talk.prompt_ends();
    assert_eq!(talk.variable("pin"), Some("1234"), "the rest is not part of it");
}

#[test]
fn built_in_variables_are_not_overwritten() {
    let mut talk = Talk::begin(gather(&[], json!({ "store_as": "caller_id" })));
    talk.press("666#");
    assert_eq!(talk.variable("caller_id"), Some("4917012345"));
    assert_eq!(talk.last(TrailKind::Digit), "Entered 666; caller_id cannot be set");
}

/// A PIN of four digits, then the node, whose exits all lead to a team.
fn pin_then(node: Value) -> Value {
    let pin = json!({ "id": "pin", "kind": "gather", "prompt": clip("pin"), "store_as": "pin", "max_digits": 4,
                      "sensitive": true });
    let team = json!({ "id": "team", "kind": "transfer", "team": "team" });
    let id = node["id"].as_str().unwrap().to_owned();
    let exits = [("pin", "default", id.as_str()), (id.as_str(), "default", "team"), (id.as_str(), "digit:7", "team")];
    let exits = if node["kind"] == "gather" { &exits[..2] } else { &exits[..] };
    flow(json!([pin, node, team]), exits)
}

fn told(talk: &Talk) -> String {
    talk.trail.iter().map(|line| format!("{} {}\n", line.text, line.data)).collect()
}

#[test]
fn what_is_typed_beyond_a_full_sensitive_gather_never_reaches_the_log() {
    let menu = json!({ "id": "menu", "kind": "menu", "prompt": clip("menu"), "max_retries": 9,
                       "options": [{ "digit": "7", "label": "Sales" }] });
    for keys in ["12347", "1234797", "123499"] {
        let mut talk = Talk::begin(pin_then(menu.clone()));
        talk.press(keys);
        let told = told(&talk);
        assert!(!told.contains("Pressed 7") && !told.contains("Pressed 9") && !told.contains("Sales"), "{told}");
        assert!(!told.contains("\"digit\":\"7") && !told.contains("\"digit\":\"9"), "{told}");
        assert!(talk.place.is_over(), "the key is taken all the same");
    }
    let next = json!({ "id": "next", "kind": "gather", "prompt": clip("next"), "store_as": "next", "max_digits": 2 });
    let mut talk = Talk::begin(pin_then(next));
    talk.press("123456");
    assert_eq!(talk.variable("next"), Some("56"));
    assert!(!told(&talk).contains("56"));
    assert!(talk.place.variables.get("next").unwrap().sensitive, "it may be part of what the PIN's node asked for");
    assert!(!format!("{:?}", talk.place.masked()).contains("56"));
}

#[test]
fn once_the_next_question_has_been_heard_keys_are_told_again() {
    let menu = json!({ "id": "menu", "kind": "menu", "prompt": clip("menu"),
                       "options": [{ "digit": "7", "label": "Sales" }] });
    let mut talk = Talk::begin(pin_then(menu));
    talk.press("1234");
    talk.prompt_ends();
    talk.press("7");
    assert_eq!(talk.last(TrailKind::Digit), "Pressed 7 — Sales");
}
