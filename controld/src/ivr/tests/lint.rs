//! Each finding of the lint, with the flow that has it and a flow that has not.

use std::sync::Arc;

use serde_json::{Value, json};

use super::talk::{clip, flow, published};
use crate::ivr::flow::{Exit, Flow, Flows, On};
use crate::ivr::lint::{Around, Code, Problem, Severity, lint};
use crate::ivr::parse;
use crate::model::FlowId;

fn found_in(flow: &Flow, flows: &Flows) -> Vec<Problem> {
    let found = lint(&FlowId::from("main"), flow, &Around { flows, teams: None, clips: None, mute: None });
    for problem in &found {
        assert!(problem.text.ends_with('.'), "a sentence: {}", problem.text);
    }
    found
}

fn found(flow: Value) -> Vec<(Code, Option<String>)> {
    let flow = parse::parse_value(flow).unwrap();
    found_in(&flow, &Flows::default()).into_iter().map(|one| (one.code, one.node.map(|node| node.0))).collect()
}

fn at(code: Code, node: &str) -> (Code, Option<String>) {
    (code, Some(node.to_owned()))
}

fn team() -> Value {
    json!({ "id": "t", "kind": "transfer", "team": "t" })
}

fn greeting(id: &str) -> Value {
    json!({ "id": id, "kind": "greeting", "prompt": clip(id) })
}

fn ask(id: &str, url: &str, store_as: &str) -> Value {
    json!({ "id": id, "kind": "http_callback", "url": url, "store_response_as": store_as })
}

#[test]
fn a_flow_without_faults_has_none() {
    let whole = flow(
        json!([
            { "id": "open", "kind": "timing", "days": [{ "day": "monday", "enabled": true }] },
            greeting("g"),
            { "id": "m", "kind": "menu", "prompt": clip("m"), "options": [{ "digit": "1" }] },
            { "id": "pin", "kind": "gather", "prompt": clip("p"), "store_as": "pin" },
            ask("ask", "https://h/{{pin}}/{{caller_id}}", "told"), team(),
            { "id": "bye", "kind": "hangup", "prompt": clip("bye") },
        ]),
        &[
            ("open", "in_hours", "g"),
            ("open", "out_of_hours", "bye"),
            ("g", "default", "m"),
            ("m", "digit:1", "pin"),
            ("m", "max_retries", "bye"),
            ("pin", "default", "ask"),
            ("pin", "timeout", "bye"),
            ("ask", "default", "t"),
        ],
    );
    assert_eq!(found(whole), []);
}

#[test]
fn no_entry() {
    assert_eq!(found(json!({})), [(Code::NoEntry, None)]);
    assert_eq!(found(json!({ "entry": "x", "nodes": [team()] })), [(Code::NoEntry, None), at(Code::Unreachable, "t")]);
}

#[test]
fn unconnected_exits_that_callers_take_are_errors() {
    assert_eq!(found(flow(json!([greeting("g")]), &[])), [at(Code::Unconnected, "g")]);
    assert_eq!(found(flow(json!([ask("a", "https://h/", "")]), &[])), [at(Code::Unconnected, "a")]);
    let menu = json!({ "id": "m", "kind": "menu", "prompt": clip("m") });
    assert_eq!(found(flow(json!([menu, team()]), &[("m", "timeout", "t")])), [at(Code::Unconnected, "m")]);
    assert_eq!(found(flow(json!([menu, team()]), &[("m", "max_retries", "t")])), []);
    assert_eq!(found(flow(json!([menu, team()]), &[("m", "timeout", "t"), ("m", "default", "t")])), []);
    let gather = json!({ "id": "g", "kind": "gather", "prompt": clip("g") });
    let twice = [at(Code::Unconnected, "g"), at(Code::Unconnected, "g")];
    assert_eq!(found(flow(json!([gather]), &[])), twice);
    assert_eq!(found(flow(json!([gather, team()]), &[("g", "default", "t"), ("g", "timeout", "t")])), []);
    let timing = json!({ "id": "o", "kind": "timing", "days": [{ "day": "monday", "enabled": true }] });
    assert_eq!(found(flow(json!([timing, team()]), &[("o", "in_hours", "t")])), [at(Code::Unconnected, "o")]);
}

#[test]
fn a_digit_on_offer_that_leads_nowhere_is_a_warning() {
    let menu =
        json!({ "id": "m", "kind": "menu", "prompt": clip("m"), "options": [{ "digit": "1" }, { "digit": "1" }] });
    let whole = flow(json!([menu, team()]), &[("m", "max_retries", "t")]);
    assert_eq!(found(whole), [at(Code::ListedTwice, "m"), at(Code::OptionUnconnected, "m")]);
}

#[test]
fn unreachable_nodes_are_warnings() {
    let whole = flow(json!([team(), greeting("g"), greeting("h")]), &[("g", "default", "t"), ("h", "default", "g")]);
    assert_eq!(found(whole), [at(Code::Unreachable, "g"), at(Code::Unreachable, "h")]);
}

#[test]
fn a_dead_end_is_where_no_way_out_remains() {
    let menu = |id: &str| json!({ "id": id, "kind": "menu", "prompt": clip(id), "options": [{ "digit": "1" }] });
    let whole = flow(
        json!([menu("a"), menu("b"), team()]),
        &[("a", "digit:1", "t"), ("a", "max_retries", "b"), ("b", "digit:1", "b"), ("b", "max_retries", "b")],
    );
    assert_eq!(found(whole), [at(Code::DeadEnd, "b"), at(Code::LoopOnSilence, "b")]);
}

#[test]
fn loops_without_hearing_the_caller() {
    let whole = flow(
        json!([greeting("a"), greeting("b"), ask("c", "https://h/", ""), team()]),
        &[("a", "default", "b"), ("b", "default", "c"), ("c", "default", "a"), ("c", "http_error", "t")],
    );
    assert_eq!(found(whole), [at(Code::LoopUnheard, "a")]);
    let own = flow(json!([greeting("a")]), &[("a", "default", "a")]);
    assert_eq!(found(own), [at(Code::DeadEnd, "a"), at(Code::LoopUnheard, "a")]);
    let heard = flow(
        json!([{ "id": "m", "kind": "menu", "prompt": clip("m"), "options": [{ "digit": "1" }] }, greeting("a"), team()]),
        &[("m", "digit:1", "a"), ("a", "default", "m"), ("m", "max_retries", "t")],
    );
    assert_eq!(found(heard), []);
    let silent = flow(
        json!([{ "id": "m", "kind": "menu", "prompt": clip("m"), "options": [{ "digit": "1" }] }, greeting("a"), team()]),
        &[("m", "timeout", "a"), ("a", "default", "m"), ("m", "max_retries", "t"), ("m", "digit:1", "t")],
    );
    assert_eq!(found(silent), [at(Code::LoopOnSilence, "a")].map(|(code, _)| at(code, "m")));
}

#[test]
fn loops_are_seen_across_jumps() {
    let go = |to: &str| {
        flow(json!([greeting("g"), { "id": "j", "kind": "goto_flow", "flow": to }]), &[("g", "default", "j")])
    };
    let mut flows = Flows::default();
    flows.publish(Arc::new(published("other", 1, go("third"))));
    flows.publish(Arc::new(published("third", 1, go("main"))));
    flows.publish(Arc::new(published("main", 1, go("other"))));
    let main = parse::parse_value(go("other")).unwrap();
    let codes: Vec<Code> = found_in(&main, &flows).into_iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::LoopUnheard]);
    flows.publish(Arc::new(published("third", 2, flow(json!([team()]), &[]))));
    assert_eq!(found_in(&main, &flows), []);
}

#[test]
fn targets_that_are_missing() {
    let none = flow(json!([{ "id": "t", "kind": "transfer" }]), &[]);
    assert_eq!(found(none), [at(Code::MissingTarget, "t")]);
    let gone = flow(json!([{ "id": "j", "kind": "goto_flow", "flow": "gone" }]), &[]);
    assert_eq!(found(gone), [at(Code::MissingTarget, "j")]);
    let flow = parse::parse_value(flow(json!([team()]), &[])).unwrap();
    let teams = std::collections::BTreeSet::new();
    let around = Around { flows: &Flows::default(), teams: Some(&teams), clips: None, mute: None };
    assert_eq!(lint(&FlowId::from("main"), &flow, &around)[0].code, Code::MissingTarget);
}

#[test]
fn exits_to_nowhere_from_terminals_and_on_strange_occasions() {
    let mut whole = parse::parse_value(flow(json!([greeting("g"), team()]), &[("g", "default", "t")])).unwrap();
    let exit = |from: &str, on: On, to: &str| Exit { from: from.into(), on, to: to.into() };
    whole.exits.push(exit("t", On::Default, "g"));
    whole.exits.push(exit("g", On::Timeout, "t"));
    whole.exits.push(exit("g", On::Default, "t"));
    whole.exits.push(exit("g", On::Digit('1'), "gone"));
    whole.exits.push(exit("gone", On::Default, "t"));
    let codes: Vec<Code> = found_in(&whole, &Flows::default()).into_iter().map(|one| one.code).collect();
    let stray = Code::StrayExit;
    assert_eq!(codes, [Code::MissingTarget, Code::MissingTarget, stray, stray, stray, Code::TerminalWithExits]);
}

#[test]
fn missing_audio() {
    let menu = |prompt: Value| {
        flow(json!([{ "id": "m", "kind": "menu", "prompt": prompt }, team()]), &[("m", "max_retries", "t")])
    };
    assert_eq!(found(menu(json!({}))), [at(Code::MissingAudio, "m")]);
    assert_eq!(found(menu(json!({ "text": "  " }))), [at(Code::MissingAudio, "m")]);
    let silent =
        parse::parse_value(flow(json!([{ "id": "g", "kind": "greeting" }, team()]), &[("g", "default", "t")])).unwrap();
    assert_eq!(found_in(&silent, &Flows::default())[0].severity, Severity::Warning);
    let clips = ["here.ogg".to_owned()].into();
    let codes_when = |mute: Option<&str>, prompt: Value| {
        let flow = parse::parse_value(menu(prompt)).unwrap();
        let around = Around { flows: &Flows::default(), teams: None, clips: Some(&clips), mute };
        lint(&FlowId::from("main"), &flow, &around).into_iter().map(|one| one.code).collect::<Vec<_>>()
    };
    let codes = |prompt: Value| codes_when(Some("no voice is set"), prompt);
    assert_eq!(codes_when(None, json!({ "text": "Hello" })), [], "made into sound when it is published");
    assert_eq!(codes(json!({ "clip": "here.ogg" })), []);
    assert_eq!(codes(json!({ "clip": "gone.ogg" })), [Code::MissingAudio]);
    assert_eq!(codes(json!({ "text": "Hello" })), [Code::MissingAudio]);
}

#[test]
fn variables_read_before_they_are_set() {
    let never = flow(json!([ask("a", "https://h/{{pin}}", ""), team()]), &[("a", "default", "t")]);
    assert_eq!(found(never.clone()), [at(Code::VariableNeverSet, "a")]);
    let own = flow(json!([ask("a", "https://h/{{told.x}}", "told"), team()]), &[("a", "default", "t")]);
    assert_eq!(found(own), [at(Code::VariableNeverSet, "a")], "its own answer comes too late");
    let gather = json!({ "id": "g", "kind": "gather", "prompt": clip("g"), "store_as": "pin" });
    let perhaps = flow(
        json!([gather, ask("a", "https://h/{{pin}}", ""), team()]),
        &[("g", "default", "a"), ("g", "timeout", "a"), ("a", "default", "t")],
    );
    assert_eq!(found(perhaps), [at(Code::VariableMaybeUnset, "a")], "silence sets nothing");
    let builtin =
        flow(json!([ask("a", "https://h/{{caller_phone}}{{call_id}}", ""), team()]), &[("a", "default", "t")]);
    assert_eq!(found(builtin), []);
    let mut flows = Flows::default();
    let jumps = flow(
        json!([gather, { "id": "j", "kind": "goto_flow", "flow": "main" }]),
        &[("g", "default", "j"), ("g", "timeout", "j")],
    );
    flows.publish(Arc::new(published("first", 1, jumps)));
    let carried = found_in(&parse::parse_value(never).unwrap(), &flows);
    assert_eq!(carried[0].code, Code::VariableMaybeUnset, "another flow may bring it along");
}

#[test]
fn names_no_variable_can_have() {
    for name in ["caller_phone", "call_id", "1a", "a b", "a-b", "ä", "a.b", "{{x}}"] {
        let gather = json!({ "id": "g", "kind": "gather", "prompt": clip("g"), "store_as": name });
        let whole = flow(json!([gather, team()]), &[("g", "default", "t"), ("g", "timeout", "t")]);
        assert_eq!(found(whole), [at(Code::VariableName, "g")], "{name}");
    }
}

#[test]
fn more_variables_than_a_call_keeps() {
    let gathers = (0..62).map(
        |n| json!({ "id": format!("g{n:02}"), "kind": "gather", "prompt": clip("g"), "store_as": format!("v{n}") }),
    );
    let mut whole = json!({ "entry": "g00", "nodes": gathers.chain([team()]).collect::<Vec<_>>(), "exits": [] });
    for n in 0..62 {
        let next = if n == 61 { "t".to_owned() } else { format!("g{:02}", n + 1) };
        for on in ["default", "timeout"] {
            let exit = json!({ "from": format!("g{n:02}"), "on": on, "to": next });
            whole["exits"].as_array_mut().unwrap().push(exit);
        }
    }
    assert_eq!(found(whole), [(Code::VariableTooMany, None)]);
}

#[test]
fn schedules_and_requests_that_cannot_work() {
    let timing = |fields: Value| {
        let mut node = json!({ "id": "o", "kind": "timing" });
        for (name, field) in fields.as_object().unwrap() {
            node[name] = field.clone();
        }
        found(flow(json!([node, team()]), &[("o", "in_hours", "t"), ("o", "out_of_hours", "t")]))
    };
    let day = |start: &str| json!({ "day": "monday", "enabled": true, "start": start });
    assert_eq!(timing(json!({ "timezone": "Mars", "days": [day("09:00")] })), [at(Code::BadSchedule, "o")]);
    assert_eq!(timing(json!({ "days": [day("9")] })), [at(Code::BadSchedule, "o")]);
    assert_eq!(timing(json!({ "days": [] })), [at(Code::NeverOpen, "o")]);
    assert_eq!(timing(json!({ "days": [day("09:00"), day("12:00")] })), [at(Code::ListedTwice, "o")]);
    for url in ["", "ftp://h/", "https://{{caller_id}}/"] {
        let whole = flow(json!([ask("a", url, ""), team()]), &[("a", "default", "t")]);
        assert_eq!(found(whole), [at(Code::BadRequest, "a")], "{url}");
    }
}

#[test]
fn the_biggest_flow_is_checked_in_a_moment() {
    let menu = |n: usize| {
        let options: Vec<Value> = "1234567890*#".chars().map(|digit| json!({ "digit": digit })).collect();
        json!({ "id": format!("n{n}"), "kind": "menu", "prompt": clip("m"), "options": options })
    };
    let mut exits = Vec::new();
    for n in 0..1_000_usize {
        for (step, digit) in "1234567890*#".chars().enumerate() {
            exits.push(json!({ "from": format!("n{n}"), "on": format!("digit:{digit}"), "to": format!("n{}", (n * 7 + step) % 1_000) }));
        }
        exits.push(json!({ "from": format!("n{n}"), "on": "max_retries", "to": format!("n{}", (n + 1) % 1_000) }));
    }
    let whole = json!({ "entry": "n0", "nodes": (0..1_000).map(menu).collect::<Vec<_>>(), "exits": exits });
    let found = found_in(&parse::parse_value(whole).unwrap(), &Flows::default());
    assert_eq!(found.len(), 1_001, "a thousand dead ends and one loop");
}

#[test]
fn silence_is_added_up_over_the_nodes_that_do_not_sound() {
    let slow =
        |id: &str, secs: u32| json!({ "id": id, "kind": "http_callback", "url": "https://h/", "timeout_secs": secs });
    let with = |secs: u32, last: Value| {
        let menu = json!({ "id": "m", "kind": "menu", "prompt": clip("m"), "timeout_secs": 8 });
        let open = json!({ "id": "o", "kind": "timing", "days": [{ "day": "monday", "enabled": true }] });
        let exits = [
            ("m", "timeout", "a"),
            ("m", "default", "last"),
            ("a", "default", "o"),
            ("o", "in_hours", "b"),
            ("o", "out_of_hours", "last"),
            ("b", "default", "last"),
        ];
        let flow = flow(json!([menu, slow("a", 6), open, slow("b", secs), last, team()]), &exits);
        found(flow).into_iter().filter(|(code, _)| *code == Code::LongSilence).collect::<Vec<_>>()
    };
    let end = || json!({ "id": "last", "kind": "hangup" });
    assert_eq!(with(6, end()), []);
    assert_eq!(with(7, end()), [at(Code::LongSilence, "m")], "8 + 6 + 7 s");
    let music = || json!({ "id": "last", "kind": "transfer", "team": "t" });
    assert_eq!(with(6, music()), []);
    let ask = json!([slow("a", 30), team()]);
    assert_eq!(
        found(flow(ask, &[("a", "default", "t")])),
        [at(Code::LongSilence, "a")],
        "nothing is heard at the entry"
    );
}
