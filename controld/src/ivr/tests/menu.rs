//! The menu.

use serde_json::{Value, json};

use super::talk::{Talk, clip, flow};
use crate::ivr::deed::{Heard, TrailKind};

/// A menu with 1 → one and 2 unconnected, `extra` exits to teams of their name.
fn menu(extra: &[&str], fields: Value) -> Value {
    let mut node = json!({
        "id": "menu", "kind": "menu", "prompt": clip("menu"),
        "options": [{ "digit": "1", "label": "Sales" }, { "digit": "2", "label": "Support" }, { "digit": "*" }],
    });
    for (name, field) in fields.as_object().unwrap() {
        node[name] = field.clone();
    }
    let team = |id: &str| json!({ "id": id, "kind": "transfer", "team": id });
    let mut exits = vec![("menu", "digit:1", "one"), ("menu", "digit:*", "star")];
    exits.extend(extra.iter().map(|on| ("menu", *on, *on)));
    let mut nodes = vec![node, team("one"), team("star")];
    nodes.extend(extra.iter().map(|on| team(on)));
    flow(Value::from(nodes), &exits)
}

#[test]
fn the_prompt_may_be_cut_by_a_digit() {
    let mut talk = Talk::begin(menu(&[], json!({})));
    assert_eq!((talk.plays(), talk.stops_on_digit()), (Some("menu.ogg"), Some(true)));
    talk.press("1");
    assert_eq!(talk.team(), Some("one"));
    assert_eq!(talk.last(TrailKind::Digit), "Pressed 1 — Sales");
}

#[test]
fn digits_are_0_to_9_star_and_hash() {
    let mut talk = Talk::begin(menu(&[], json!({})));
    talk.press("*");
    assert_eq!(talk.team(), Some("star"));
    let mut talk = Talk::begin(menu(&[], json!({})));
    talk.press("x€");
    assert!(talk.deeds.is_empty());
}

#[test]
fn the_timer_starts_when_the_prompt_ends_and_runs_10_s() {
    let mut talk = Talk::begin(menu(&["timeout"], json!({})));
    talk.prompt_ends();
    assert_eq!(talk.wait(), 10_000);
    assert_eq!(talk.team(), Some("timeout"));
    let mut talk = Talk::begin(menu(&["timeout"], json!({ "timeout_secs": 4 })));
    talk.prompt_ends();
    assert_eq!(talk.wait(), 4_000);
}

#[test]
fn silence_takes_timeout_if_connected() {
    let mut talk = Talk::begin(menu(&["timeout", "max_retries"], json!({})));
    talk.prompt_ends();
    talk.wait();
    assert_eq!(talk.team(), Some("timeout"));
    assert_eq!(talk.last(TrailKind::Timeout), "Nothing pressed for 10 s");
}

#[test]
fn silence_is_a_retry_if_timeout_is_not_connected_and_after_3_retries_max_retries_is_taken() {
    let mut talk = Talk::begin(menu(&["max_retries"], json!({})));
    for _ in 0..3 {
        talk.prompt_ends();
        talk.wait();
        assert_eq!(talk.plays(), Some("menu.ogg"));
    }
    talk.prompt_ends();
    talk.wait();
    assert_eq!(talk.team(), Some("max_retries"));
}

#[test]
fn without_retries_the_first_silence_takes_max_retries() {
    let mut talk = Talk::begin(menu(&["max_retries"], json!({ "max_retries": 0 })));
    talk.prompt_ends();
    talk.wait();
    assert_eq!(talk.team(), Some("max_retries"));
}

#[test]
fn a_digit_with_no_option_takes_default_if_connected() {
    let mut talk = Talk::begin(menu(&["default", "max_retries"], json!({})));
    talk.press("7");
    assert_eq!(talk.team(), Some("default"));
    assert_eq!(talk.last(TrailKind::Invalid), "Pressed 7, not on offer");
}

#[test]
fn a_digit_whose_exit_is_not_connected_takes_default_if_connected() {
    let mut talk = Talk::begin(menu(&["default"], json!({})));
    talk.press("2");
    assert_eq!(talk.team(), Some("default"));
    assert_eq!(talk.last(TrailKind::Invalid), "Pressed 2 — Support, which leads nowhere");
}

#[test]
fn a_wrong_digit_is_a_retry_if_default_is_not_connected() {
    let mut talk = Talk::begin(menu(&["timeout", "max_retries"], json!({})));
    for wrong in ["7", "2", "0"] {
        talk.press(wrong);
        assert_eq!((talk.plays(), talk.stops_on_digit()), (Some("menu.ogg"), Some(true)));
    }
    talk.press("8");
    assert_eq!(talk.team(), Some("max_retries"));
}

#[test]
fn silence_and_wrong_digits_count_together() {
    let mut talk = Talk::begin(menu(&["max_retries"], json!({ "max_retries": 2 })));
    talk.prompt_ends();
    talk.wait();
    talk.press("7");
    assert_eq!(talk.plays(), Some("menu.ogg"));
    talk.prompt_ends();
    talk.wait();
    assert_eq!(talk.team(), Some("max_retries"));
}

#[test]
fn a_retry_flushes_type_ahead_and_replays_the_prompt() {
    let mut flow = menu(&["max_retries"], json!({}));
    let hello = json!({ "id": "hello", "kind": "greeting", "prompt": clip("hello") });
    flow["nodes"].as_array_mut().unwrap().push(hello);
    flow["exits"].as_array_mut().unwrap().push(json!({ "from": "hello", "on": "default", "to": "menu" }));
    flow["entry"] = json!("hello");
    let mut talk = Talk::begin(flow);
    talk.press("71");
    talk.prompt_ends();
    assert_eq!((talk.at(), talk.plays()), ("menu", Some("menu.ogg")), "7 is wrong, and the 1 behind it is forgotten");
    talk.press("1");
    assert_eq!(talk.team(), Some("one"));
}

#[test]
fn a_second_visit_counts_its_retries_anew() {
    let mut flow = menu(&["max_retries"], json!({ "max_retries": 1 }));
    flow["exits"][0] = json!({ "from": "menu", "on": "digit:1", "to": "menu" });
    let mut talk = Talk::begin(flow);
    talk.press("7");
    talk.press("1");
    assert_eq!(talk.plays(), Some("menu.ogg"));
    talk.press("7");
    assert_eq!(talk.plays(), Some("menu.ogg"));
    talk.press("7");
    assert_eq!(talk.team(), Some("max_retries"));
}

#[test]
fn max_retries_that_leads_nowhere_is_an_apology() {
    let mut talk = Talk::begin(menu(&[], json!({ "max_retries": 0 })));
    talk.prompt_ends();
    talk.wait();
    talk.apologises("exit max_retries of node \"menu\" is not connected");
}

#[test]
fn timers_that_were_replaced_are_ignored() {
    let mut talk = Talk::begin(menu(&["max_retries"], json!({})));
    let of_the_prompt = talk.place.timer;
    talk.prompt_ends();
    talk.hear(Heard::Timer(of_the_prompt));
    assert!(talk.deeds.is_empty());
    talk.hear(Heard::Timer(talk.place.timer + 1));
    assert!(talk.deeds.is_empty());
    talk.wait();
    assert_eq!(talk.plays(), Some("menu.ogg"));
}

#[test]
fn a_menu_without_a_prompt_listens_at_once() {
    let mut talk = Talk::begin(menu(&["timeout"], json!({ "prompt": {} })));
    assert_eq!(talk.plays(), None);
    assert_eq!(talk.wait(), 10_000);
    assert_eq!(talk.team(), Some("timeout"));
}
