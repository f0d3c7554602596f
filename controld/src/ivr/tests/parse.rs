//! A flow's JSON: strict to read, stable to write.

use serde_json::{Value, json};

use super::talk::flow;
use crate::ivr::demo::MAIN_MENU;
use crate::ivr::flow::On;
use crate::ivr::node::Kind;
use crate::ivr::parse::{BadFlow, KIND_FIELDS, json_schema, parse, parse_value, to_text};

/// One of each kind, every field other than its default.
fn one_of_each() -> Value {
    let prompt = json!({ "clip": "a/b.ogg", "text": "Grüß Gott\n\"you\"" });
    flow(
        json!([
            { "id": "a", "kind": "greeting", "prompt": prompt, "interruptible": true, "name": "A", "at": { "x": 1, "y": -2 } },
            { "id": "b", "kind": "menu", "prompt": prompt, "timeout_secs": 3, "max_retries": 0,
              "options": [{ "digit": "*", "label": "Star" }], "name": "B", "at": { "x": 0, "y": 0 } },
            { "id": "c", "kind": "gather", "prompt": prompt, "max_digits": 4, "terminator": null, "store_as": "pin",
              "timeout_secs": 3, "max_retries": 1, "sensitive": true, "name": "C", "at": { "x": 0, "y": 0 } },
            { "id": "d", "kind": "http_callback", "url": "https://h/{{pin}}", "method": "POST",
              "headers": [{ "name": "X-A", "value": "b" }], "body": "{\"a\":\"{{pin}}\"}", "timeout_secs": 5,
              "store_response_as": "told", "name": "D", "at": { "x": 0, "y": 0 } },
            { "id": "e", "kind": "transfer", "team": "team_x", "name": "E", "at": { "x": 0, "y": 0 } },
            { "id": "f", "kind": "goto_flow", "flow": "flow_x", "name": "F", "at": { "x": 0, "y": 0 } },
            { "id": "g", "kind": "timing", "timezone": "Asia/Kolkata", "name": "G", "at": { "x": 0, "y": 0 },
              "days": [{ "day": "sunday", "enabled": true, "start": "22:00", "end": "06:00" }] },
            { "id": "h", "kind": "hangup", "prompt": prompt, "name": "H", "at": { "x": 0, "y": 0 } },
        ]),
        &[
            ("a", "default", "b"),
            ("b", "digit:*", "c"),
            ("b", "max_retries", "h"),
            ("c", "timeout", "h"),
            ("d", "http_error", "e"),
            ("g", "in_hours", "f"),
            ("g", "out_of_hours", "h"),
        ],
    )
}

#[test]
fn every_field_of_every_node_survives_and_the_text_is_stable() {
    let written = one_of_each();
    let flow = parse_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&flow).unwrap(), written);
    let text = to_text(&flow);
    assert_eq!(to_text(&parse(&text).unwrap()), text);
    let demo = to_text(&parse(MAIN_MENU).unwrap());
    assert_eq!(to_text(&parse(&demo).unwrap()), demo);
    assert_eq!(serde_json::from_str::<Value>(&demo).unwrap(), serde_json::from_str::<Value>(MAIN_MENU).unwrap());
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_contract() {
    let kind = |json: Value| parse_value(flow(json!([json]), &[])).unwrap().nodes.remove(0).kind;
    let Kind::Greeting(greeting) = kind(json!({ "id": "a", "kind": "greeting" })) else { panic!() };
    assert!(!greeting.interruptible && greeting.prompt.is_silent());
    let Kind::Menu(menu) = kind(json!({ "id": "a", "kind": "menu" })) else { panic!() };
    assert_eq!((menu.timeout_secs, menu.max_retries, menu.options.len()), (10, 3, 0));
    let Kind::Gather(gather) = kind(json!({ "id": "a", "kind": "gather" })) else { panic!() };
    assert_eq!((gather.max_digits, gather.terminator, gather.timeout_secs), (10, Some('#'), 10));
    assert_eq!((gather.max_retries, gather.sensitive, gather.store_as.as_str()), (3, false, ""));
    let Kind::HttpCallback(callback) = kind(json!({ "id": "a", "kind": "http_callback" })) else { panic!() };
    assert_eq!((callback.method.as_str(), callback.timeout_secs, callback.headers.len()), ("GET", 10, 0));
    let Kind::Hangup(hangup) = kind(json!({ "id": "a", "kind": "hangup" })) else { panic!() };
    assert_eq!(hangup.prompt, None);
    assert_eq!(parse("{}").unwrap().nodes.len(), 0, "a flow that is not drawn yet");
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_name() {
    for (wrong, field, nearest) in [
        (json!({ "id": "a", "kind": "menu", "timeout": 5 }), "timeout", "timeout_secs"),
        (json!({ "id": "a", "kind": "greeting", "interuptible": true }), "interuptible", "interruptible"),
        (json!({ "id": "a", "kind": "menu", "option": [] }), "option", "options"),
        (json!({ "id": "a", "kind": "hangup", "prompt": { "clp": "x" } }), "clp", "clip"),
        (json!({ "id": "a", "kind": "menu", "options": [{ "digits": "1" }] }), "digits", "digit"),
        (json!({ "id": "a", "kind": "timing", "days": [{ "day": "monday", "stat": "1" }] }), "stat", "start"),
        (json!({ "id": "a", "kind": "http_callback", "headers": [{ "nam": "1" }] }), "nam", "name"),
        (json!({ "id": "a", "kind": "transfer", "at": { "x": 0, "z": 0 } }), "z", "y"),
        (json!({ "id": "a", "kind": "transfer", "tean": "x" }), "tean", "team"),
    ] {
        match parse_value(flow(json!([wrong]), &[])) {
            Err(BadFlow::UnknownField { field: told, nearest: near, .. }) => {
                assert_eq!((told.as_str(), near.as_str()), (field, nearest));
            }
            other => panic!("{wrong}: {other:?}"),
        }
    }
    let said = parse(r#"{ "node": [] }"#).unwrap_err().to_string();
    assert_eq!(said, "the flow has no field \"node\"; the nearest is \"nodes\"");
    let said = parse_value(flow(json!([{ "id": "a", "kind": "greting" }]), &[])).unwrap_err().to_string();
    assert_eq!(said, "node \"a\": no node is a \"greting\"; the nearest is \"greeting\"");
}

#[test]
fn terminal_nodes_refuse_exits() {
    for node in [
        json!({ "id": "t", "kind": "transfer" }),
        json!({ "id": "t", "kind": "goto_flow" }),
        json!({ "id": "t", "kind": "hangup" }),
    ] {
        for on in ["default", "timeout", "digit:1", "http_error"] {
            let refused = parse_value(flow(json!([node, { "id": "z", "kind": "menu" }]), &[("t", on, "z")]));
            assert!(matches!(refused, Err(BadFlow::TerminalExit { .. })), "{node} {on}");
        }
    }
}

#[test]
fn exits_join_nodes_once() {
    let two = json!([{ "id": "a", "kind": "greeting" }, { "id": "b", "kind": "hangup" }]);
    let bad = |exits: &[(&str, &str, &str)]| parse_value(flow(two.clone(), exits)).unwrap_err();
    assert_eq!(bad(&[("a", "default", "z")]), BadFlow::NoSuchNode("z".to_owned()));
    assert_eq!(bad(&[("z", "default", "a")]), BadFlow::NoSuchNode("z".to_owned()));
    assert!(matches!(bad(&[("a", "default", "b"), ("a", "default", "b")]), BadFlow::SameExit { .. }));
    let twice = json!([{ "id": "a", "kind": "greeting" }, { "id": "a", "kind": "hangup" }]);
    assert_eq!(parse_value(flow(twice, &[])).unwrap_err(), BadFlow::SameNode("a".to_owned()));
    for on in ["", "digit:", "digit:12", "digit:x", "Default", "digits:1"] {
        assert!(bad(&[("a", on, "b")]).to_string().contains("no exit is called"), "{on}");
    }
    assert_eq!("digit:#".parse(), Ok(On::Digit('#')));
}

#[test]
fn limits_hold() {
    let node = |fields: Value| {
        let mut node = json!({ "id": "a", "kind": "menu" });
        for (name, field) in fields.as_object().unwrap() {
            node[name] = field.clone();
        }
        parse_value(flow(json!([node]), &[]))
    };
    assert!(node(json!({})).is_ok());
    for wrong in [
        json!({ "timeout_secs": 0 }),
        json!({ "timeout_secs": 121 }),
        json!({ "timeout_secs": -1 }),
        json!({ "timeout_secs": 1.5 }),
        json!({ "max_retries": 21 }),
        json!({ "options": [{ "digit": "12" }] }),
        json!({ "options": [{ "digit": "A" }] }),
        json!({ "options": vec![json!({ "digit": "1" }); 13] }),
        json!({ "name": "n".repeat(201) }),
        json!({ "id": "" }),
        json!({ "id": "i".repeat(65) }),
        json!({ "prompt": { "text": "t".repeat(4_001) } }),
        json!({ "id": 7 }),
        json!({ "prompt": 7 }),
        json!({ "kind": "gather", "max_digits": 0 }),
        json!({ "kind": "gather", "max_digits": 65 }),
        json!({ "kind": "gather", "terminator": "x" }),
        json!({ "kind": "http_callback", "timeout_secs": 31 }),
        json!({ "kind": "http_callback", "method": "PUT" }),
        json!({ "kind": "http_callback", "url": "u".repeat(2_001) }),
        json!({ "kind": "http_callback", "headers": vec![json!({ "name": "n" }); 21] }),
        json!({ "kind": "timing", "days": vec![json!({ "day": "monday" }); 8] }),
        json!({ "kind": "timing", "days": [{ "day": "mon" }] }),
    ] {
        assert!(node(wrong.clone()).is_err(), "{wrong}");
    }
    let many: Vec<Value> = (0..1_001).map(|n| json!({ "id": n.to_string(), "kind": "hangup" })).collect();
    assert!(matches!(parse_value(flow(Value::from(many), &[])), Err(BadFlow::TooMany { may: 1_000, .. })));
    assert!(matches!(parse(&" ".repeat(2 * 1024 * 1024 + 1)), Err(BadFlow::TooBig(_))));
    assert!(matches!(parse(&"[".repeat(100_000)), Err(BadFlow::Json(_))), "depth is bounded");
    for wrong in ["", "null", "[]", "7", "{\"nodes\": {}}", "{\"exits\": 1}", "{\"nodes\": [1]}", "{\"entry\": 1}"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_canvas_may_drag_in_fractions() {
    let node = json!({ "id": "a", "kind": "hangup", "at": { "x": 10.6, "y": -1e300 } });
    let flow = parse_value(flow(json!([node]), &[])).unwrap();
    assert_eq!((flow.nodes[0].at.x, flow.nodes[0].at.y), (11, i32::MIN));
}

#[test]
fn the_known_fields_are_those_of_the_types() {
    let written = serde_json::to_value(parse_value(one_of_each()).unwrap()).unwrap();
    for node in written["nodes"].as_array().unwrap() {
        let kind = node["kind"].as_str().unwrap();
        let (_, known) = KIND_FIELDS.iter().find(|(name, _)| *name == kind).unwrap();
        let mut known: Vec<&str> = known.iter().copied().chain(["id", "kind", "name", "at"]).collect();
        known.sort_unstable();
        let mut has: Vec<&String> = node.as_object().unwrap().keys().collect();
        has.sort_unstable();
        assert_eq!(has, known, "{kind}");
    }
}

#[test]
fn the_published_schema_names_every_kind_and_refers_only_to_what_it_holds() {
    let schema = json_schema();
    let text = schema.to_string();
    for (kind, _) in KIND_FIELDS {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind}");
    }
    for reference in text.split("\"$ref\":\"").skip(1) {
        let name = reference.split('"').next().unwrap().strip_prefix("#/$defs/").unwrap();
        assert!(schema["$defs"].get(name).is_some(), "{name}");
    }
}
