//! Random flows, random callers: never a panic, always bounded, every wait has a deadline.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::talk::{MONDAY_NOON, builtins, published};
use crate::ivr::deed::{Deed, Heard, HttpAnswer};
use crate::ivr::flow::{Flow, Flows};
use crate::ivr::lint::{Around, lint};
use crate::ivr::place::{Place, Standing};
use crate::ivr::step::step;
use crate::model::FlowId;

#[test]
fn whatever_the_flow_and_the_caller_do_a_call_is_over_or_waits_with_a_deadline() {
    for seed in 0..SEEDS {
        walk_at_random(seed);
    }
}

fn walk_at_random(seed: u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let flows = some_flows(&mut dice);
    let mut place = Place::at_entry(flows.current(&FlowId::from("f0")).unwrap(), &builtins());
    let mut now = MONDAY_NOON;
    let mut timer = None;
    let mut heard = Heard::Begin;
    for turn in 0..TURNS {
        let before = serde_json::to_value(&place).unwrap();
        let first = step(&flows, serde_json::from_value(before.clone()).unwrap(), heard.clone(), now);
        let again = step(&flows, place, heard, now);
        assert_eq!(first, again, "seed {seed}, turn {turn}: the same twice");
        assert!(first.trail.len() <= 15_000 && first.deeds.len() <= 4, "seed {seed}, turn {turn}: bounded");
        for deed in &first.deeds {
            match deed {
                Deed::Timer { id, after_ms } => {
                    assert!(*after_ms > 0 && *after_ms <= 600_000);
                    timer = Some((*id, *after_ms));
                }
                Deed::StopTimer => timer = None,
                _ => {}
            }
        }
        place = first.place;
        match place.standing {
            Standing::Handed { .. } | Standing::Ended => {
                assert_eq!(timer, None, "seed {seed}, turn {turn}");
                assert!(place.is_over());
                if dice.random_bool(0.5) {
                    return;
                }
            }
            Standing::Fresh => panic!("seed {seed}, turn {turn}: left unentered"),
            _ => assert_eq!(timer.map(|(id, _)| id), Some(place.timer), "seed {seed}, turn {turn}: a deadline"),
        }
        assert!(place.unheard_nodes <= 200 && place.gotos <= 50 && place.ahead.len() <= 64);
        now += dice.random_range(0..20_000);
        heard = something(&mut dice, place.timer);
    }
}

fn something(dice: &mut StdRng, timer: u32) -> Heard {
    match dice.random_range(0..12) {
        0 => Heard::Begin,
        1..=4 => Heard::Digit(KEYS[dice.random_range(0..KEYS.len())]),
        5..=7 => Heard::PromptEnded,
        8 => Heard::Timer(timer),
        9 => Heard::Timer(dice.random_range(0..timer.saturating_add(3))),
        10 => Heard::Answered(HttpAnswer::Failed { why: "no".to_owned(), took_ms: 1 }),
        _ => {
            let bodies = ["", "{}", r#"{"a":{"b":"{{v0}}"}}"#, "..", "\r\n", "[1,2]", "\u{2028}"];
            let body = bodies[dice.random_range(0..bodies.len())].to_owned();
            Heard::Answered(HttpAnswer::Got { status: dice.random_range(100..600), body, took_ms: 9 })
        }
    }
}

fn some_flows(dice: &mut StdRng) -> Flows {
    let mut flows = Flows::default();
    for index in 0..dice.random_range(1..4) {
        let name = format!("f{index}");
        let flow: Flow = serde_json::from_value(some_flow(dice)).unwrap();
        flows.publish(Arc::new(crate::ivr::flow::Published { id: FlowId::from(name.as_str()), version: 1, flow }));
    }
    for published in flows.all_current() {
        let _ = lint(&published.id, &published.flow, &Around { flows: &flows, teams: None, clips: None, mute: None });
    }
    flows
}

/// Drawn by someone who does not care: exits to nowhere, twice, from terminals.
fn some_flow(dice: &mut StdRng) -> Value {
    let count = dice.random_range(1..12);
    let nodes: Vec<Value> = (0..count).map(|n| some_node(dice, n)).collect();
    let ons = [
        "default",
        "timeout",
        "max_retries",
        "http_error",
        "in_hours",
        "out_of_hours",
        "digit:1",
        "digit:2",
        "digit:#",
    ];
    let mut exits = Vec::new();
    for from in 0..count {
        for on in ons {
            if dice.random_bool(0.7) {
                let beyond = usize::from(dice.random_bool(0.05));
                let to = dice.random_range(0..count + beyond);
                exits.push(json!({ "from": format!("n{from}"), "on": on, "to": format!("n{to}") }));
            }
        }
    }
    json!({ "name": "", "entry": "n0", "nodes": nodes, "exits": exits })
}

fn some_node(dice: &mut StdRng, index: usize) -> Value {
    let prompt = if dice.random_bool(0.6) { json!({ "clip": "a.ogg" }) } else { json!({}) };
    let variable = format!("v{}", dice.random_range(0..3));
    let mut node = match dice.random_range(0..24) {
        0..=5 => json!({ "kind": "greeting", "prompt": prompt, "interruptible": dice.random_bool(0.5) }),
        6..=11 => json!({
            "kind": "menu", "prompt": prompt, "timeout_secs": dice.random_range(1..9), "max_retries": dice.random_range(0..4),
            "options": [{ "digit": "1" }, { "digit": "2", "label": "Two" }, { "digit": "#" }],
        }),
        12..=15 => json!({
            "kind": "gather", "prompt": prompt, "max_digits": dice.random_range(1..6), "store_as": variable,
            "terminator": if dice.random_bool(0.8) { json!("#") } else { Value::Null },
            "max_retries": dice.random_range(0..3), "sensitive": dice.random_bool(0.5),
        }),
        16..=18 => json!({
            "kind": "http_callback", "url": "https://h.example/{{v0}}?{{v1.a.b}}", "method": "POST",
            "headers": [{ "name": "X", "value": "{{v2}}" }], "body": "{\"a\": \"{{v0.a}}\"}", "store_response_as": variable,
        }),
        19 => json!({ "kind": "transfer", "team": "t" }),
        20 => json!({ "kind": "goto_flow", "flow": format!("f{}", dice.random_range(0..4)) }),
        21 | 22 => {
            json!({ "kind": "timing", "days": [{ "day": "monday", "enabled": true, "start": "12:00", "end": "12:30" }] })
        }
        _ => json!({ "kind": "hangup", "prompt": prompt }),
    };
    node["id"] = json!(format!("n{index}"));
    node
}

#[test]
fn a_long_string_of_digits_through_silent_menus_stays_bounded() {
    let menu = json!({ "id": "m", "kind": "menu", "options": [{ "digit": "1" }] });
    let slow = json!({ "id": "a", "kind": "http_callback", "url": "https://h/" });
    let flow = json!({
        "entry": "a", "nodes": [slow, menu],
        "exits": [{ "from": "a", "on": "default", "to": "m" }, { "from": "m", "on": "digit:1", "to": "m" }],
    });
    let mut flows = Flows::default();
    flows.publish(Arc::new(published("f", 1, flow)));
    let mut place = Place::at_entry(flows.current(&FlowId::from("f")).unwrap(), &builtins());
    place = step(&flows, place, Heard::Begin, 0).place;
    for _ in 0..1_000 {
        place = step(&flows, place, Heard::Digit('1'), 0).place;
    }
    assert_eq!(place.ahead.len(), 64);
    let last =
        step(&flows, place, Heard::Answered(HttpAnswer::Got { status: 200, body: String::new(), took_ms: 1 }), 0);
    assert!(matches!(last.place.standing, Standing::Listening { .. }));
    assert!(last.place.ahead.is_empty());
}

const SEEDS: u64 = 3_000;
const TURNS: usize = 80;
const KEYS: [char; 18] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'D', '1', '2', '1', 'x'];
