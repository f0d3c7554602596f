//! The greeting.

use serde_json::{Value, json};

use super::talk::{Talk, clip, flow};
use crate::ivr::deed::Heard;

fn greeting_then_menu(interruptible: bool) -> Value {
    flow(
        json!([
            { "id": "hello", "kind": "greeting", "prompt": clip("hello"), "interruptible": interruptible },
            { "id": "menu", "kind": "menu", "prompt": clip("menu"), "options": [{ "digit": "1" }, { "digit": "2" }] },
            { "id": "one", "kind": "transfer", "team": "one" },
            { "id": "two", "kind": "transfer", "team": "two" },
        ]),
        &[("hello", "default", "menu"), ("menu", "digit:1", "one"), ("menu", "digit:2", "two")],
    )
}

#[test]
fn a_greeting_plays_and_goes_on_by_default() {
    let mut talk = Talk::begin(greeting_then_menu(false));
    assert_eq!((talk.plays(), talk.stops_on_digit()), (Some("hello.ogg"), Some(false)));
    talk.prompt_ends();
    assert_eq!((talk.at(), talk.plays()), ("menu", Some("menu.ogg")));
}

#[test]
fn a_greeting_is_not_interruptible_unless_it_says_so() {
    let mut nodes = greeting_then_menu(false);
    nodes["nodes"][0].as_object_mut().unwrap().remove("interruptible");
    assert_eq!(Talk::begin(nodes).stops_on_digit(), Some(false));
}

#[test]
fn the_first_digit_stops_an_interruptible_greeting_and_is_kept_for_the_next_listening_node() {
    let mut talk = Talk::begin(greeting_then_menu(true));
    assert_eq!(talk.stops_on_digit(), Some(true));
    talk.press("2");
    assert_eq!(talk.team(), Some("two"));
    assert_eq!(talk.plays(), None);
}

#[test]
fn digits_pressed_during_a_greeting_that_plays_on_are_kept_as_type_ahead() {
    let mut talk = Talk::begin(greeting_then_menu(false));
    talk.press("2");
    assert_eq!((talk.at(), talk.deeds.len()), ("hello", 0));
    talk.prompt_ends();
    assert_eq!(talk.team(), Some("two"));
}

#[test]
fn a_kept_digit_passes_over_further_interruptible_greetings() {
    let mut talk = Talk::begin(flow(
        json!([
            { "id": "a", "kind": "greeting", "prompt": clip("a"), "interruptible": true },
            { "id": "b", "kind": "greeting", "prompt": clip("b"), "interruptible": true },
            { "id": "c", "kind": "greeting", "prompt": clip("c") },
            { "id": "menu", "kind": "menu", "prompt": clip("menu"), "options": [{ "digit": "1" }] },
            { "id": "one", "kind": "transfer", "team": "one" },
        ]),
        &[("a", "default", "b"), ("b", "default", "c"), ("c", "default", "menu"), ("menu", "digit:1", "one")],
    ));
    talk.press("1");
    assert_eq!(talk.plays(), Some("c.ogg"));
    talk.prompt_ends();
    assert_eq!(talk.team(), Some("one"));
}

#[test]
fn a_node_without_a_prompt_plays_nothing_and_goes_on() {
    let mut flow = greeting_then_menu(false);
    flow["nodes"][0].as_object_mut().unwrap().remove("prompt");
    let talk = Talk::begin(flow);
    assert_eq!((talk.at(), talk.plays()), ("menu", Some("menu.ogg")));
}

#[test]
fn a_prompt_whose_end_nobody_reports_does_not_hold_the_call_for_ever() {
    let mut talk = Talk::begin(greeting_then_menu(false));
    assert_eq!(talk.wait(), 600_000);
    assert_eq!(talk.at(), "menu");
}

#[test]
fn a_greeting_that_leads_nowhere_is_an_apology() {
    let mut talk = Talk::begin(flow(json!([{ "id": "a", "kind": "greeting", "prompt": clip("a") }]), &[]));
    talk.prompt_ends();
    talk.apologises("exit default of node \"a\" is not connected");
}

#[test]
fn after_a_restart_a_node_is_entered_afresh() {
    let mut talk = Talk::begin(greeting_then_menu(false));
    talk.hear(Heard::Begin);
    assert_eq!(talk.plays(), Some("hello.ogg"));
    talk.prompt_ends();
    talk.prompt_ends();
    talk.hear(Heard::Begin);
    assert_eq!(talk.plays(), Some("menu.ogg"));
    talk.press("1");
    talk.hear(Heard::Begin);
    assert!(talk.deeds.is_empty(), "a call that was transferred is not transferred twice");
}
