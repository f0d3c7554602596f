//! The simulator: what a script makes of a flow, and that it is what a live call would do.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::talk::{MONDAY_NOON, clip, flow, published};
use crate::ivr::demo::MAIN_MENU;
use crate::ivr::flow::Flows;
use crate::ivr::simulate::{BadScript, Ended, Script, Simulation, simulate};
use crate::model::FlowId;

fn play_among(all: Vec<(&str, Value)>, script: Value) -> Result<Simulation, BadScript> {
    let mut flows = Flows::default();
    let first = FlowId::from(all[0].0);
    for (id, flow) in all {
        flows.publish(Arc::new(published(id, 1, flow)));
    }
    let mut script: Script = serde_json::from_value(script).unwrap();
    script.at = MONDAY_NOON;
    let lengths = BTreeMap::from([("demo/welcome.ogg".to_owned(), 1_500), ("demo/menu.ogg".to_owned(), 9_000)]);
    simulate(&flows, flows.current(&first).unwrap(), &script, &lengths)
}

fn play(flow: Value, script: Value) -> Simulation {
    play_among(vec![("main", flow)], script).unwrap()
}

fn demo() -> Value {
    serde_json::from_str(MAIN_MENU).unwrap()
}

/// The lines of one sort, as JSON.
fn lines(played: &Simulation, what: &str) -> Vec<Value> {
    let all = serde_json::to_value(&played.lines).unwrap();
    all.as_array().unwrap().iter().filter(|line| line["what"] == what).cloned().collect()
}

fn exits(played: &Simulation) -> Vec<String> {
    played.exits.iter().map(|exit| format!("{} {} {}", exit.from, exit.on, exit.to)).collect()
}

#[test]
fn a_digit_during_the_menu_leads_to_its_team_and_cuts_the_prompt() {
    let played = play(demo(), json!({ "events": [{ "after_ms": 4_000, "press": "1" }] }));
    assert_eq!(exits(&played), ["welcome default menu", "menu digit:1 sales"]);
    assert!(matches!(&played.ended, Ended::Transferred { team } if team.as_str() == "team_sales"));
    let prompts = lines(&played, "prompt");
    assert_eq!(prompts[0]["heard_ms"], 1_500);
    assert_eq!((prompts[1]["length_ms"].clone(), prompts[1]["heard_ms"].clone()), (json!(9_000), json!(2_500)));
    assert_eq!(played.lasted_ms, 4_000);
    assert_eq!(lines(&played, "key")[0]["at_ms"], 4_000);
    let log: Vec<_> = lines(&played, "log").iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect();
    assert!(log.contains(&"Pressed 1 — Sales".to_owned()), "{log:?}");
}

#[test]
fn silence_runs_through_the_retries_to_the_goodbye() {
    let played = play(demo(), json!({}));
    assert_eq!(exits(&played), ["welcome default menu", "menu max_retries goodbye"]);
    assert!(matches!(&played.ended, Ended::HungUp { by_fault: false, .. }));
    // Welcome, four times the menu and ten seconds, the goodbye (guessed).
    assert_eq!(played.lasted_ms, 1_500 + 4 * 19_000 + 1_000);
}

#[test]
fn a_caller_may_wait_for_the_question_and_may_hang_up() {
    let asked = json!({ "events": [{ "once_asked": true, "after_ms": 500, "press": "2" }] });
    assert_eq!(play(demo(), asked).lasted_ms, 1_500 + 9_000 + 500);
    let gone = play(demo(), json!({ "events": [{ "after_ms": 2_000, "hang_up": true }] }));
    assert_eq!((gone.ended.clone(), gone.lasted_ms), (Ended::CallerHungUp, 2_000));
    assert_eq!(lines(&gone, "prompt")[1]["heard_ms"], 500);
}

fn asking() -> Value {
    let ask = json!({ "id": "ask", "kind": "http_callback", "url": "https://h/{{caller_phone}}", "timeout_secs": 2,
                      "store_response_as": "told" });
    let say = json!({ "id": "say", "kind": "http_callback", "method": "POST", "url": "https://h/", "body": "name={{told.name}}" });
    let bye = |id: &str| json!({ "id": id, "kind": "hangup" });
    flow(
        json!([ask, say, bye("fine"), bye("failed")]),
        &[("ask", "default", "say"), ("ask", "http_error", "failed"), ("say", "default", "fine")],
    )
}

#[test]
fn web_services_answer_what_is_written_and_nothing_else() {
    let script = json!({ "caller_phone": "4917", "answers": [
        { "node": "say", "status": 204 }, { "node": "ask", "body": "{\"name\":\"Ana\"}", "took_ms": 700 }] });
    let played = play(asking(), script);
    assert_eq!(exits(&played), ["ask default say", "say default fine"]);
    assert_eq!(played.lasted_ms, 700);
    let requests = lines(&played, "request");
    assert_eq!(requests[0]["url"], "https://h/4917");
    assert_eq!((requests[1]["method"].clone(), requests[1]["body"].clone()), (json!("POST"), json!("name=Ana")));
    assert_eq!(lines(&played, "variable")[0]["name"], "told");
    for answers in
        [json!([]), json!([{ "fails": "refused" }]), json!([{ "status": 500 }]), json!([{ "took_ms": 3_000 }])]
    {
        assert_eq!(exits(&play(asking(), json!({ "answers": answers }))), ["ask http_error failed"], "{answers}");
    }
}

#[test]
fn what_a_sensitive_node_hears_is_masked_in_the_trace() {
    let pin = json!({ "id": "pin", "kind": "gather", "prompt": clip("pin"), "store_as": "pin", "max_digits": 4,
                      "sensitive": true });
    let flow = flow(json!([pin, { "id": "bye", "kind": "hangup" }]), &[("pin", "default", "bye")]);
    let played = play(flow, json!({ "events": [{ "press": "4711" }] }));
    assert!(!serde_json::to_string(&played).unwrap().contains("\"4711\""));
    assert_eq!(played.variables.iter().find(|one| one.name == "pin").unwrap().text, "••••");
    assert!(lines(&played, "key").iter().all(|line| line["key"] == "••••"));
}

#[test]
fn a_jump_goes_on_in_the_other_flow_and_a_loop_comes_to_an_end() {
    let jump = flow(json!([{ "id": "j", "kind": "goto_flow", "flow": "other" }]), &[]);
    let other = flow(
        json!([{ "id": "o", "kind": "greeting", "prompt": clip("o") }, { "id": "bye", "kind": "hangup" }]),
        &[("o", "default", "bye")],
    );
    let played = play_among(vec![("main", jump), ("other", other)], json!({})).unwrap();
    assert_eq!(exits(&played), ["o default bye"]);
    assert!(played.lines.iter().any(|line| line.flow == FlowId::from("other")));
    let round = flow(json!([{ "id": "g", "kind": "greeting", "prompt": clip("g") }]), &[("g", "default", "g")]);
    let played = play(round, json!({}));
    assert!(matches!(&played.ended, Ended::HungUp { by_fault: true, reason } if reason.contains("200 nodes")));
}

#[test]
fn a_script_that_is_none_is_refused() {
    let refused = |script: Value| play_among(vec![("main", demo())], script).unwrap_err();
    assert_eq!(refused(json!({ "events": [{ "press": "1x" }] })), BadScript::Key('x'));
    assert_eq!(refused(json!({ "events": [{ "press": "1".repeat(1_001) }] })), BadScript::TooLong(1_001));
}
