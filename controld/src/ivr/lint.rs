//! What is wrong with a flow, in words, before a caller finds out.

mod graph;
mod nodes;
mod silence;
mod variables;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::flow::{Flow, Flows, On};
use super::node::{Kind, Node, NodeId};
use super::place::node_title;
use crate::model::{FlowId, TeamId};

/// Everything wrong with a flow, errors first. A flow with errors is not published.
pub fn lint(id: &FlowId, flow: &Flow, around: &Around<'_>) -> Vec<Problem> {
    let mut report = Report::default();
    exits(&mut report, flow);
    nodes::check(&mut report, flow, around);
    graph::check(&mut report, id, flow, around.flows);
    variables::check(&mut report, id, flow, around.flows);
    report.0.sort_by(|one, other| (one.severity, &one.node, one.code).cmp(&(other.severity, &other.node, other.code)));
    report.0.dedup();
    report.0
}

/// What a flow may refer to. `None`: not known, and not checked.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The organisation's published flows.
    pub flows: &'a Flows,
    /// Its teams.
    pub teams: Option<&'a BTreeSet<TeamId>>,
    /// Its clips, by path below `audio_dir`.
    pub clips: Option<&'a BTreeSet<String>>,
    /// Why words that no clip says yet cannot be made into sound; `None`: they are, when the flow is published.
    pub mute: Option<&'a str>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// For programs.
    pub code: Code,
    /// Does it stop a publication?
    pub severity: Severity,
    /// Where; `None`: the whole flow.
    pub node: Option<NodeId>,
    /// One sentence for people.
    pub text: String,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Callers would run into it: the flow is not published.
    Error,
    /// Perhaps not meant.
    Warning,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The flow has no entry.
    NoEntry,
    /// An exit leads to no node, a transfer to no team, a jump to no published flow.
    MissingTarget,
    /// An exit that will be taken leads nowhere.
    Unconnected,
    /// A digit on offer leads nowhere.
    OptionUnconnected,
    /// From here no caller reaches a team or the end of the call.
    DeadEnd,
    /// No caller comes here.
    Unreachable,
    /// Nothing to play, or a clip that does not exist.
    MissingAudio,
    /// Round and round without ever listening.
    LoopUnheard,
    /// Round and round while the caller is silent.
    LoopOnSilence,
    /// A variable that nothing sets before it is read.
    VariableNeverSet,
    /// A variable that is not set on every way here.
    VariableMaybeUnset,
    /// A name no variable can have.
    VariableName,
    /// More variables than a call keeps.
    VariableTooMany,
    /// A terminal node with an exit.
    TerminalWithExits,
    /// An exit on an occasion this node does not have, or a second one on the same.
    StrayExit,
    /// A digit or weekday listed twice.
    ListedTwice,
    /// Opening hours that cannot be read.
    BadSchedule,
    /// Opening hours without an open day.
    NeverOpen,
    /// A caller may hear nothing for more than 20 s.
    LongSilence,
    /// A web request that cannot be made.
    BadRequest,
}

/// The problems found so far.
#[derive(Default)]
struct Report(Vec<Problem>);

impl Report {
    fn error(&mut self, code: Code, node: Option<&NodeId>, text: String) {
        self.0.push(Problem { code, severity: Severity::Error, node: node.cloned(), text });
    }

    fn warn(&mut self, code: Code, node: Option<&NodeId>, text: String) {
        self.0.push(Problem { code, severity: Severity::Warning, node: node.cloned(), text });
    }
}

/// Arrows: from and to nodes that are there, on occasions those have.
fn exits(report: &mut Report, flow: &Flow) {
    if flow.node(&flow.entry).is_none() {
        report.error(Code::NoEntry, None, "The flow has no node to begin at.".to_owned());
    }
    let mut taken = BTreeSet::new();
    for exit in &flow.exits {
        if flow.node(&exit.to).is_none() {
            let text = format!("The exit {} leads to \"{}\", which is not in the flow.", exit.on, exit.to);
            report.error(Code::MissingTarget, Some(&exit.from), text);
        }
        let Some(from) = flow.node(&exit.from) else {
            let text = format!("An exit leaves \"{}\", which is not in the flow.", exit.from);
            report.error(Code::MissingTarget, None, text);
            continue;
        };
        if from.kind.is_terminal() {
            let text = format!("{} ends the flow here and can have no exits.", named(from));
            report.error(Code::TerminalWithExits, Some(&from.id), text);
        } else if !from.kind.exits().contains(&exit.on) {
            let text = format!("{} has no exit {}.", named(from), exit.on);
            report.error(Code::StrayExit, Some(&from.id), text);
        } else if !taken.insert((&exit.from, exit.on)) {
            let text = format!("{} has two exits on {}.", named(from), exit.on);
            report.error(Code::StrayExit, Some(&from.id), text);
        }
    }
    for node in &flow.nodes {
        for on in needed_exits(flow, node) {
            if flow.exit(&node.id, on).is_none() {
                let text =
                    format!("The exit {on} of {} is not connected; callers who take it are cut off.", named(node));
                report.error(Code::Unconnected, Some(&node.id), text);
            }
        }
    }
}

/// The exits that some caller will take whatever else is connected.
fn needed_exits(flow: &Flow, node: &Node) -> Vec<On> {
    let leads = |on| flow.exit(&node.id, on).is_some();
    match &node.kind {
        Kind::Greeting(_) | Kind::HttpCallback(_) => vec![On::Default],
        Kind::Timing(_) => vec![On::InHours, On::OutOfHours],
        // Retries happen only where silence or a wrong digit has no exit of its own.
        Kind::Menu(_) if leads(On::Timeout) && leads(On::Default) => Vec::new(),
        Kind::Menu(_) => vec![On::MaxRetries],
        Kind::Gather(_) if leads(On::Timeout) => vec![On::Default],
        Kind::Gather(_) => vec![On::Default, On::MaxRetries],
        Kind::Transfer(_) | Kind::GotoFlow(_) | Kind::Hangup(_) => Vec::new(),
    }
}

fn named(node: &Node) -> String {
    format!("\"{}\"", node_title(&node.name, &node.id))
}
