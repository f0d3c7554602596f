//! Variables read before anything has set them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Report, named};
use crate::ivr::flow::{Exit, Flow, Flows, On};
use crate::ivr::node::{Kind, Node, NodeId};
use crate::ivr::place::{BUILTIN_NAMES, VARIABLES_MAX};
use crate::ivr::template;
use crate::model::FlowId;

type Names<'f> = BTreeSet<&'f str>;

pub(super) fn check(report: &mut Report, id: &FlowId, flow: &Flow, flows: &Flows) {
    let names: Names<'_> = flow.nodes.iter().filter_map(|node| node.kind.stores()).collect();
    let may = VARIABLES_MAX - BUILTIN_NAMES.len();
    if names.len() > may {
        let text = format!("The flow sets {} variables; a call keeps {may}.", names.len());
        return report.error(Code::VariableTooMany, None, text);
    }
    let carried = carried(id, flows);
    let known = known_at(flow);
    for node in &flow.nodes {
        let (Kind::HttpCallback(callback), Some(known)) = (&node.kind, known.get(&node.id)) else {
            continue;
        };
        for name in template::names_read(callback) {
            if known.surely.contains(name) || BUILTIN_NAMES.contains(&name) {
                continue;
            }
            if known.perhaps.contains(name) || carried.contains(name) {
                let text = format!("{name} is not set on every way to {}; it may be empty.", named(node));
                report.warn(Code::VariableMaybeUnset, Some(&node.id), text);
            } else {
                let text = format!("{} reads {name}, which nothing sets before.", named(node));
                report.error(Code::VariableNeverSet, Some(&node.id), text);
            }
        }
    }
}

/// What is set when a caller comes to a node.
#[derive(Clone, Default, PartialEq)]
struct Known<'f> {
    surely: Names<'f>,
    perhaps: Names<'f>,
}

/// For each node a caller can reach: names set on every way there, and on some. Sets only shrink (surely) or grow
/// (perhaps), so it comes to rest.
fn known_at(flow: &Flow) -> BTreeMap<&NodeId, Known<'_>> {
    let nodes: BTreeMap<&NodeId, &Node> = flow.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut leaving: BTreeMap<&NodeId, Vec<&Exit>> = BTreeMap::new();
    for exit in &flow.exits {
        leaving.entry(&exit.from).or_default().push(exit);
    }
    let mut known: BTreeMap<&NodeId, Known<'_>> = BTreeMap::new();
    let Some((entry, _)) = nodes.get_key_value(&flow.entry) else {
        return known;
    };
    known.insert(entry, Known::default());
    let mut waiting = vec![*entry];
    while let Some(at) = waiting.pop() {
        let before = known.get(at).cloned().unwrap_or_default();
        for exit in leaving.get(at).into_iter().flatten() {
            let (Some(node), Some((to, _))) = (nodes.get(at), nodes.get_key_value(&exit.to)) else {
                continue;
            };
            let mut after = before.clone();
            if let Some(name) = set_on(node, exit.on) {
                after.surely.insert(name);
                after.perhaps.insert(name);
            }
            let merged = match known.get(to) {
                None => after,
                Some(there) => Known {
                    surely: there.surely.intersection(&after.surely).copied().collect(),
                    perhaps: there.perhaps.union(&after.perhaps).copied().collect(),
                },
            };
            if known.get(to) != Some(&merged) {
                known.insert(to, merged);
                waiting.push(to);
            }
        }
    }
    known
}

/// The variable that is set when a node is left so.
fn set_on(node: &Node, on: On) -> Option<&str> {
    match node.kind {
        Kind::Gather(_) if on != On::Default => None,
        _ => node.kind.stores(),
    }
}

/// What other flows that jump may bring along.
fn carried<'f>(id: &FlowId, flows: &'f Flows) -> Names<'f> {
    let others = flows.all_current().filter(|published| published.id != *id);
    let jumping = others.filter(|other| other.flow.nodes.iter().any(|node| matches!(node.kind, Kind::GotoFlow(_))));
    jumping.flat_map(|other| &other.flow.nodes).filter_map(|node| node.kind.stores()).collect()
}
