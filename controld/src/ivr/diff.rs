//! What changed between two bodies of a flow: nodes, their properties, exits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::flow::{Exit, Flow, On};
use super::node::{Node, NodeId};

/// What must be done to one body to get the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowDiff {
    /// `name` and `entry`, where they differ.
    pub fields: Vec<FieldDiff>,
    /// Nodes that came, went or changed, in the order of the newer body; those that went stand last.
    pub nodes: Vec<NodeDiff>,
    /// Exits that came, went or lead elsewhere.
    pub exits: Vec<ExitDiff>,
}

/// A node that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeDiff {
    /// Which.
    pub node: NodeId,
    /// What people call it; of the newer body, if it is there.
    pub name: String,
    /// As the flow's JSON writes it: `menu`.
    pub kind: String,
    /// How.
    pub change: Change,
    /// It stands elsewhere on the canvas; callers notice nothing.
    pub moved: bool,
    /// Properties that differ, of a node that is in both.
    pub fields: Vec<FieldDiff>,
}

/// A property that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldDiff {
    /// Where in the node: `prompt.text`, `options.2.label`.
    pub path: String,
    /// Before; null: it was not there.
    #[schema(value_type = Object, required)]
    pub before: Value,
    /// After; null: it is gone.
    #[schema(value_type = Object, required)]
    pub after: Value,
}

/// An exit that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExitDiff {
    /// The node it leaves.
    pub from: NodeId,
    /// On which occasion.
    pub on: On,
    /// How.
    pub change: Change,
    /// Where it led.
    #[schema(required)]
    pub before: Option<NodeId>,
    /// Where it leads.
    #[schema(required)]
    pub after: Option<NodeId>,
}

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only in the newer body.
    Added,
    /// Only in the older one.
    Removed,
    /// In both, and not the same.
    Changed,
}

impl FlowDiff {
    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.nodes.is_empty() && self.exits.is_empty()
    }
}

/// What changed from `before` to `after`. The same for the same bodies.
pub fn diff(before: &Flow, after: &Flow) -> FlowDiff {
    let mut fields = Vec::new();
    for (path, one, other) in [("name", &before.name, &after.name), ("entry", &before.entry.0, &after.entry.0)] {
        if one != other {
            let (before, after) = (Value::from(one.as_str()), Value::from(other.as_str()));
            fields.push(FieldDiff { path: path.to_owned(), before, after });
        }
    }
    let mut nodes: Vec<NodeDiff> = Vec::new();
    for node in &after.nodes {
        match before.node(&node.id) {
            None => nodes.push(whole(node, Change::Added)),
            Some(old) => nodes.extend(changed(old, node)),
        }
    }
    let gone = before.nodes.iter().filter(|node| after.node(&node.id).is_none());
    nodes.extend(gone.map(|node| whole(node, Change::Removed)));
    FlowDiff { fields, nodes, exits: exits(before, after) }
}

fn whole(node: &Node, change: Change) -> NodeDiff {
    NodeDiff {
        node: node.id.clone(),
        name: node.name.clone(),
        kind: node.kind.name().to_owned(),
        change,
        moved: false,
        fields: Vec::new(),
    }
}

fn changed(before: &Node, after: &Node) -> Option<NodeDiff> {
    let mut fields = Vec::new();
    properties("", &without_place(before), &without_place(after), &mut fields);
    let moved = before.at != after.at;
    (moved || !fields.is_empty()).then(|| NodeDiff { moved, fields, ..whole(after, Change::Changed) })
}

/// A node's properties as JSON; where it stands is told apart.
fn without_place(node: &Node) -> Value {
    let mut value = serde_json::to_value(node).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("at");
        fields.remove("id");
    }
    value
}

/// INVARIANT: a node is a few levels deep, so this recursion is too.
fn properties(path: &str, before: &Value, after: &Value, found: &mut Vec<FieldDiff>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (one, other) if one == other => {}
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                properties(&below(name), field(one, name), field(other, name), found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for index in 0..one.len().max(other.len()) {
                let (one, other) = (one.get(index).unwrap_or(&Value::Null), other.get(index).unwrap_or(&Value::Null));
                properties(&below(&index.to_string()), one, other, found);
            }
        }
        (one, other) => {
            found.push(FieldDiff { path: path.to_owned(), before: one.clone(), after: other.clone() });
        }
    }
}

fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> &'v Value {
    fields.get(name).unwrap_or(&Value::Null)
}

fn exits(before: &Flow, after: &Flow) -> Vec<ExitDiff> {
    let leads = |flow: &Flow, exit: &Exit| flow.exit(&exit.from, exit.on).cloned();
    let mut found = Vec::new();
    for exit in &after.exits {
        let old = leads(before, exit);
        if old.as_ref() != Some(&exit.to) {
            let change = if old.is_some() { Change::Changed } else { Change::Added };
            found.push(ExitDiff {
                from: exit.from.clone(),
                on: exit.on,
                change,
                before: old,
                after: Some(exit.to.clone()),
            });
        }
    }
    for exit in before.exits.iter().filter(|exit| leads(after, exit).is_none()) {
        let (from, on, before) = (exit.from.clone(), exit.on, Some(exit.to.clone()));
        found.push(ExitDiff { from, on, change: Change::Removed, before, after: None });
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ivr::demo::MAIN_MENU;
    use crate::ivr::parse::{parse, parse_value};

    #[test]
    fn the_same_flow_does_not_differ_from_itself() {
        let flow = parse(MAIN_MENU).unwrap();
        assert!(diff(&flow, &flow).is_empty());
    }

    #[test]
    fn what_came_what_went_and_what_changed_is_told_to_the_property() {
        let before = parse(MAIN_MENU).unwrap();
        let mut body: Value = serde_json::from_str(MAIN_MENU).unwrap();
        body["name"] = json!("New menu");
        body["nodes"][1]["options"][0]["label"] = json!("Shop");
        body["nodes"][1]["options"].as_array_mut().unwrap().pop();
        body["nodes"][1]["timeout_secs"] = json!(5);
        body["nodes"][2]["at"]["x"] = json!(7);
        body["nodes"].as_array_mut().unwrap().remove(4);
        body["nodes"].as_array_mut().unwrap().push(json!({ "id": "late", "kind": "hangup" }));
        let exits = body["exits"].as_array_mut().unwrap();
        exits.retain(|exit| exit["on"] != "digit:3" && exit["from"] != "hours");
        exits[1]["to"] = json!("late");
        let after = parse_value(body).unwrap();
        let found = serde_json::to_value(diff(&before, &after)).unwrap();
        assert_eq!(found["fields"], json!([{ "path": "name", "before": "Main menu", "after": "New menu" }]));
        let told = |node: &Value| (node["node"].clone(), node["change"].clone(), node["moved"].clone());
        let nodes: Vec<_> = found["nodes"].as_array().unwrap().iter().map(told).collect();
        let wanted = [
            ("menu", "changed", false),
            ("sales", "changed", true),
            ("late", "added", false),
            ("hours", "removed", false),
        ];
        assert_eq!(nodes, wanted.map(|(node, change, moved)| (json!(node), json!(change), json!(moved))));
        assert_eq!(
            found["nodes"][0]["fields"],
            json!([
                { "path": "options.0.label", "before": "Sales", "after": "Shop" },
                { "path": "options.3", "before": { "digit": "9", "label": "End the call" }, "after": null },
                { "path": "timeout_secs", "before": 10, "after": 5 },
            ])
        );
        assert_eq!(
            found["exits"],
            json!([
                { "from": "menu", "on": "digit:1", "change": "changed", "before": "sales", "after": "late" },
                { "from": "menu", "on": "digit:3", "change": "removed", "before": "hours", "after": null },
                { "from": "hours", "on": "default", "change": "removed", "before": "menu", "after": null },
            ])
        );
    }
}
