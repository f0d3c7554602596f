//! The API's document against the API.

use std::collections::BTreeSet;

use controld::http::{ACCESS, document};
use serde_json::Value;

fn documented() -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    routes.collect()
}

#[test]
fn every_route_of_the_api_is_in_the_document_and_nothing_else_is() {
    let table: BTreeSet<_> = ACCESS.iter().map(|(method, path, _)| (method.to_string(), (*path).to_owned())).collect();
    assert_eq!(documented(), table);
}

#[test]
fn the_document_holds_the_flow_and_both_halves_of_the_softphones_talk() {
    let document = serde_json::to_value(document()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in
        ["Flow", "Node", "Exit", "Call", "CallDetail", "FromTab", "Ask", "ToTab", "Softphone", "AgentCall", "Refused"]
    {
        assert!(schemas.contains_key(name), "{name} is missing among {:?}", schemas.keys().collect::<Vec<_>>());
    }
}

#[test]
fn nothing_in_the_document_points_nowhere_and_no_operation_has_two_names() {
    let document = serde_json::to_value(document()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is referred to and missing");
    }
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|methods| methods.as_object().unwrap().values());
    let ids: Vec<&Value> = operations.map(|operation| &operation["operationId"]).collect();
    let distinct: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids.len(), distinct.len());
}
