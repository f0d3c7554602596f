//! Transfer, goto, hang-up, and the ends that nobody drew.

use std::sync::Arc;

use serde_json::{Value, json};

use super::talk::{Talk, clip, flow, published};
use crate::ivr::deed::{Deed, Heard, TrailKind};
use crate::ivr::place::Standing;
use crate::model::FlowId;

fn one(node: Value) -> Value {
    flow(json!([node]), &[])
}

#[test]
fn a_transfer_gives_the_caller_to_the_team_and_the_flow_is_over() {
    let mut talk = Talk::begin(one(json!({ "id": "t", "kind": "transfer", "team": "team_sales" })));
    assert_eq!(talk.team(), Some("team_sales"));
    assert!(talk.place.is_over());
    assert_eq!(talk.place.standing, Standing::Handed { team: "team_sales".into() });
    for heard in [Heard::Digit('1'), Heard::PromptEnded, Heard::Timer(talk.place.timer), Heard::Begin] {
        talk.hear(heard);
        assert!(talk.deeds.is_empty());
    }
}

#[test]
fn a_transfer_to_no_team_is_an_apology() {
    Talk::begin(one(json!({ "id": "t", "kind": "transfer" }))).apologises("transfers to no team");
}

#[test]
fn goto_enters_the_targets_published_version_at_its_entry_and_variables_carry_over() {
    let pin = json!({ "id": "pin", "kind": "gather", "prompt": clip("pin"), "store_as": "pin" });
    let first = flow(json!([pin, { "id": "go", "kind": "goto_flow", "flow": "other" }]), &[("pin", "default", "go")]);
    let old = one(json!({ "id": "old", "kind": "greeting", "prompt": clip("old") }));
    let mut new = flow(
        json!([{ "id": "x", "kind": "transfer", "team": "t" },
               { "id": "new", "kind": "greeting", "prompt": clip("new") }]),
        &[("new", "default", "x")],
    );
    new["entry"] = json!("new");
    let mut talk = Talk::begin_among(vec![("first", first), ("other", old)]);
    talk.flows.publish(Arc::new(published("other", 2, new)));
    talk.press("12#");
    assert_eq!((talk.plays(), talk.place.version, talk.variable("pin")), (Some("new.ogg"), 2, Some("12")));
    assert_eq!(talk.place.gotos, 1);
}

#[test]
fn a_live_call_keeps_the_version_it_began_on() {
    let hello = |name: &str| {
        flow(
            json!([{ "id": "a", "kind": "greeting", "prompt": clip("a") }, { "id": name, "kind": "hangup", "prompt": clip(name) }]),
            &[("a", "default", name)],
        )
    };
    let mut talk = Talk::begin(hello("bye1"));
    talk.flows.publish(Arc::new(published("main", 2, hello("bye2"))));
    talk.prompt_ends();
    assert_eq!((talk.plays(), talk.place.version), (Some("bye1.ogg"), 1));
}

#[test]
fn a_goto_to_a_missing_flow_is_an_apology() {
    let go = |flow: &str| one(json!({ "id": "g", "kind": "goto_flow", "flow": flow }));
    Talk::begin(go("gone")).apologises("goes to gone, which is not published");
    Talk::begin(go("")).apologises("goes to no flow");
}

#[test]
fn a_goto_to_a_version_kept_for_old_calls_alone_is_an_apology() {
    let mut talk = Talk::begin(flow(
        json!([{ "id": "a", "kind": "greeting", "prompt": clip("a") }, { "id": "g", "kind": "goto_flow", "flow": "b" }]),
        &[("a", "default", "g")],
    ));
    talk.flows.keep(Arc::new(published("b", 1, one(json!({ "id": "t", "kind": "transfer", "team": "t" })))));
    talk.prompt_ends();
    talk.apologises("not published");
}

#[test]
fn at_most_50_jumps_a_call() {
    let ask = json!({ "id": "m", "kind": "menu", "prompt": clip("m"), "options": [{ "digit": "1" }] });
    let go = |to: &str| flow(json!([ask, { "id": "g", "kind": "goto_flow", "flow": to }]), &[("m", "digit:1", "g")]);
    let mut talk = Talk::begin_among(vec![("a", go("b")), ("b", go("a"))]);
    for jump in 1..=50 {
        talk.press("1");
        assert_eq!((talk.plays(), talk.place.gotos), (Some("m.ogg"), jump));
    }
    talk.press("1");
    talk.apologises("jumped 50 times");
}

#[test]
fn goto_cycles_without_a_pause_end_in_an_apology() {
    let go = |to: &str| one(json!({ "id": "g", "kind": "goto_flow", "flow": to }));
    Talk::begin_among(vec![("a", go("a"))]).apologises("jumped 50 times");
    Talk::begin_among(vec![("a", go("b")), ("b", go("a"))]).apologises("jumped 50 times");
}

#[test]
fn a_walk_of_more_than_200_nodes_without_hearing_the_caller_is_an_apology() {
    let silent = json!({ "id": "s", "kind": "greeting" });
    Talk::begin(flow(json!([silent]), &[("s", "default", "s")])).apologises("200 nodes without hearing the caller");
    let chain = |nodes: usize| {
        let mut boxes: Vec<Value> = (0..nodes).map(|n| json!({ "id": format!("n{n}"), "kind": "greeting" })).collect();
        boxes.push(json!({ "id": "end", "kind": "transfer", "team": "t" }));
        let exits: Vec<Value> = (0..nodes)
            .map(|n| {
                let to = if n + 1 == nodes { "end".to_owned() } else { format!("n{}", n + 1) };
                json!({ "from": format!("n{n}"), "on": "default", "to": to })
            })
            .collect();
        json!({ "entry": "n0", "nodes": boxes, "exits": exits })
    };
    assert_eq!(Talk::begin(chain(199)).team(), Some("t"), "200 nodes are walked");
    Talk::begin(chain(200)).apologises("200 nodes");
}

#[test]
fn a_caller_who_is_heard_may_walk_on() {
    let mut talk = Talk::begin(flow(
        json!([{ "id": "m", "kind": "menu", "prompt": clip("m"), "options": [{ "digit": "1" }] }]),
        &[("m", "digit:1", "m")],
    ));
    for _ in 0..1_000 {
        talk.press("1");
        assert_eq!(talk.plays(), Some("m.ogg"));
    }
}

#[test]
fn a_loop_on_silence_ends_after_200_nodes() {
    let mut talk = Talk::begin(flow(
        json!([{ "id": "m", "kind": "menu", "prompt": clip("m"), "timeout_secs": 1 }]),
        &[("m", "timeout", "m")],
    ));
    for _ in 1..200 {
        talk.prompt_ends();
        talk.wait();
        assert_eq!(talk.plays(), Some("m.ogg"));
    }
    talk.prompt_ends();
    talk.wait();
    talk.apologises("200 nodes");
}

#[test]
fn hangup_plays_its_goodbye_then_ends_the_call() {
    let mut talk = Talk::begin(one(json!({ "id": "h", "kind": "hangup", "name": "Bye", "prompt": clip("bye") })));
    assert_eq!((talk.plays(), talk.stops_on_digit(), talk.hung_up()), (Some("bye.ogg"), Some(false), None));
    talk.press("123");
    assert!(talk.deeds.is_empty(), "a goodbye is not interrupted");
    talk.prompt_ends();
    assert_eq!(talk.hung_up(), Some(("The flow ended the call at \"Bye\"", false)));
    assert!(talk.place.is_over());
    talk.prompt_ends();
    assert!(talk.deeds.is_empty(), "once");
}

#[test]
fn hangup_without_a_goodbye_ends_the_call_at_once() {
    let talk = Talk::begin(one(json!({ "id": "h", "kind": "hangup" })));
    assert_eq!(talk.hung_up().map(|(_, by_fault)| by_fault), Some(false));
    assert_eq!(talk.last(TrailKind::HangUp), "Hung up");
}

#[test]
fn a_goodbye_half_heard_before_a_restart_is_not_said_again() {
    let mut talk = Talk::begin(one(json!({ "id": "h", "kind": "hangup", "prompt": clip("bye") })));
    talk.hear(Heard::Begin);
    assert!(talk.hung_up().is_some());
}

#[test]
fn an_entry_that_is_missing_is_an_apology() {
    Talk::begin(json!({ "entry": "gone", "nodes": [] })).apologises("has no node \"gone\"");
}

#[test]
fn a_version_that_is_missing_is_an_apology() {
    let mut talk = Talk::begin(one(json!({ "id": "g", "kind": "greeting", "prompt": clip("g") })));
    talk.flows = crate::ivr::flow::Flows::default();
    talk.prompt_ends();
    talk.apologises("is not connected");
    assert!(talk.flows.version(&FlowId::from("main"), 1).is_none());
}

#[test]
fn a_house_without_an_apology_ends_the_call_at_once() {
    let mut talk = Talk::begin(one(json!({ "id": "g", "kind": "greeting", "prompt": clip("g") })));
    talk.flows = crate::ivr::flow::Flows::new(crate::ivr::flow::HousePrompts { apology: Default::default() });
    talk.prompt_ends();
    assert!(matches!(talk.deeds.last(), Some(Deed::HangUp { by_fault: true, .. })));
}
