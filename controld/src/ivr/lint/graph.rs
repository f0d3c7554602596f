//! Where callers can come, and whether they can get out: reach, dead ends and loops, across jumps too.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Report, named, needed_exits, silence};
use crate::ivr::flow::{Flow, Flows, On};
use crate::ivr::node::{Kind, Node, NodeId};
use crate::model::FlowId;

pub(super) fn check(report: &mut Report, id: &FlowId, flow: &Flow, flows: &Flows) {
    jumps(report, flow, flows);
    let graph = Graph::of(id, flow, flows);
    let reached = graph.reached(graph.entry.into_iter());
    for spot in graph.own() {
        if !reached.contains(&spot) {
            let text = format!("No caller ever reaches {}.", named(graph.node(spot)));
            report.warn(Code::Unreachable, Some(&graph.node(spot).id), text);
        }
    }
    dead_ends(report, flow, &graph, &reached);
    loops(report, &graph, &reached);
    silence::check(report, &graph, &reached);
}

fn jumps(report: &mut Report, flow: &Flow, flows: &Flows) {
    for node in &flow.nodes {
        if let Kind::GotoFlow(goto) = &node.kind
            && flows.current(&goto.flow).is_none()
        {
            let text = format!("{} goes to a flow that is not published.", named(node));
            report.error(Code::MissingTarget, Some(&node.id), text);
        }
    }
}

fn dead_ends(report: &mut Report, flow: &Flow, graph: &Graph<'_>, reached: &BTreeSet<usize>) {
    let ends = |spot: &usize| {
        let node = graph.node(*spot);
        // An exit that leads nowhere is told by itself; what leads there is not told again.
        let cut_off = needed_exits(flow, node).into_iter().any(|on| flow.exit(&node.id, on).is_none());
        !graph.is_own(*spot) || node.kind.is_terminal() || cut_off
    };
    let saved = graph.leading_to(reached.iter().copied().filter(ends));
    for spot in reached.iter().filter(|spot| graph.is_own(**spot) && !saved.contains(spot)) {
        let text = format!("From {} no caller reaches a team or the end of the call.", named(graph.node(*spot)));
        report.error(Code::DeadEnd, Some(&graph.node(*spot).id), text);
    }
}

fn loops(report: &mut Report, graph: &Graph<'_>, reached: &BTreeSet<usize>) {
    let deaf = |spot: usize| !graph.node(spot).kind.listens();
    for ring in graph.rings(reached, |from, arrow| !arrow.heard && deaf(from) && deaf(arrow.to)) {
        if let Some(first) = ring.iter().copied().find(|spot| graph.is_own(*spot)) {
            let text = format!("{} goes round and round without ever listening to the caller.", graph.told(&ring));
            report.error(Code::LoopUnheard, Some(&graph.node(first).id), text);
        }
    }
    for ring in graph.rings(reached, |_, arrow| !arrow.heard) {
        let listens = ring.iter().any(|spot| !deaf(*spot));
        if let Some(first) = ring.iter().copied().find(|spot| graph.is_own(*spot) && listens) {
            let text = format!("{} goes round for as long as the caller is silent.", graph.told(&ring));
            report.warn(Code::LoopOnSilence, Some(&graph.node(first).id), text);
        }
    }
}

/// The flow and every flow it can jump to, as one graph. Spots are numbered; the flow's own come first.
pub(super) struct Graph<'f> {
    pub(super) spots: Vec<&'f Node>,
    pub(super) arrows: Vec<Vec<Arrow>>,
    pub(super) entry: Option<usize>,
    own: usize,
}

/// Where an exit leads, and whether the caller was heard on the way.
pub(super) struct Arrow {
    pub(super) to: usize,
    heard: bool,
}

impl<'f> Graph<'f> {
    fn of(id: &FlowId, flow: &'f Flow, flows: &'f Flows) -> Self {
        let mut bodies: Vec<(&FlowId, &'f Flow)> = vec![(id, flow)];
        let mut next = 0;
        while let Some((_, body)) = bodies.get(next).copied() {
            for target in body.nodes.iter().filter_map(|node| jump(node)) {
                let known = bodies.iter().any(|(known, _)| *known == target);
                if let Some(published) = flows.current(target).filter(|_| !known && bodies.len() < FLOWS_JOINED_MAX) {
                    bodies.push((&published.id, &published.flow));
                }
            }
            next += 1;
        }
        let mut index: BTreeMap<(&FlowId, &NodeId), usize> = BTreeMap::new();
        let mut spots: Vec<&'f Node> = Vec::new();
        for (id, body) in &bodies {
            for node in &body.nodes {
                index.insert((id, &node.id), spots.len());
                spots.push(node);
            }
        }
        let mut arrows: Vec<Vec<Arrow>> = spots.iter().map(|_| Vec::new()).collect();
        let mut draw = |from: Option<&usize>, to: Option<&usize>, heard: bool| {
            if let (Some(arrows), Some(to)) = (from.and_then(|from| arrows.get_mut(*from)), to) {
                arrows.push(Arrow { to: *to, heard });
            }
        };
        for (id, body) in &bodies {
            for exit in &body.exits {
                let from = index.get(&(*id, &exit.from));
                let Some(kind) = from.and_then(|from| spots.get(*from)).map(|node| &node.kind) else {
                    continue;
                };
                // An exit the node does not have is never taken.
                if !kind.exits().contains(&exit.on) {
                    continue;
                }
                let heard = kind.listens() && !matches!(exit.on, On::Timeout | On::MaxRetries);
                draw(from, index.get(&(*id, &exit.to)), heard);
            }
            for node in &body.nodes {
                let target = jump(node).and_then(|target| bodies.iter().find(|(id, _)| *id == target));
                if let Some((target, body)) = target {
                    draw(index.get(&(*id, &node.id)), index.get(&(*target, &body.entry)), false);
                }
            }
        }
        let entry = index.get(&(id, &flow.entry)).copied();
        Self { spots, arrows, entry, own: flow.nodes.len() }
    }

    pub(super) fn node(&self, spot: usize) -> &'f Node {
        // INVARIANT: spots come from this graph alone.
        self.spots[spot]
    }

    fn own(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.own
    }

    pub(super) fn is_own(&self, spot: usize) -> bool {
        spot < self.own
    }

    fn reached(&self, from: impl Iterator<Item = usize>) -> BTreeSet<usize> {
        flood(from, |spot| self.arrows[spot].iter().map(|arrow| arrow.to).collect())
    }

    fn leading_to(&self, ends: impl Iterator<Item = usize>) -> BTreeSet<usize> {
        let mut back: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (from, arrows) in self.arrows.iter().enumerate() {
            for arrow in arrows {
                back.entry(arrow.to).or_default().push(from);
            }
        }
        flood(ends, |spot| back.get(&spot).cloned().unwrap_or_default())
    }

    /// Groups of spots that lead to each other by arrows of that sort (Kosaraju, without recursion).
    fn rings(&self, within: &BTreeSet<usize>, counts: impl Fn(usize, &Arrow) -> bool) -> Vec<Vec<usize>> {
        let onward = |spot: usize| {
            let arrows = self.arrows[spot].iter().filter(|arrow| counts(spot, arrow));
            arrows.map(|arrow| arrow.to).filter(|to| within.contains(to)).collect::<Vec<_>>()
        };
        let mut back: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for spot in within {
            for to in onward(*spot) {
                back.entry(to).or_default().push(*spot);
            }
        }
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for first in within {
            order.extend(left_in_order(*first, &mut seen, onward));
        }
        let mut placed = BTreeSet::new();
        let mut rings = Vec::new();
        for first in order.into_iter().rev() {
            let ring = left_in_order(first, &mut placed, |spot| back.get(&spot).cloned().unwrap_or_default());
            if ring.len() > 1 || ring.iter().any(|spot| onward(*spot).contains(spot)) {
                rings.push(ring.into_iter().collect::<BTreeSet<_>>().into_iter().collect());
            }
        }
        rings
    }

    fn told(&self, ring: &[usize]) -> String {
        let names: Vec<String> = ring.iter().take(4).map(|spot| named(self.node(*spot))).collect();
        let more = if ring.len() > names.len() { " …" } else { "" };
        format!("{}{more}", names.join(" → "))
    }
}

/// Everything that can be come to from there.
fn flood(from: impl Iterator<Item = usize>, onward: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut waiting: Vec<usize> = from.collect();
    let mut reached = BTreeSet::new();
    while let Some(spot) = waiting.pop() {
        if reached.insert(spot) {
            waiting.extend(onward(spot));
        }
    }
    reached
}

/// The spots reached from the first and not seen before, in the order a depth-first walk leaves them.
fn left_in_order(first: usize, seen: &mut BTreeSet<usize>, onward: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut left = Vec::new();
    if !seen.insert(first) {
        return left;
    }
    let mut trail = vec![(first, onward(first))];
    while let Some((spot, ahead)) = trail.last_mut() {
        match ahead.pop() {
            Some(next) if seen.insert(next) => trail.push((next, onward(next))),
            Some(_) => {}
            None => {
                left.push(*spot);
                trail.pop();
            }
        }
    }
    left
}

fn jump(node: &Node) -> Option<&FlowId> {
    match &node.kind {
        Kind::GotoFlow(goto) => Some(&goto.flow),
        _ => None,
    }
}

/// Flows followed from one.
const FLOWS_JOINED_MAX: usize = 50;
