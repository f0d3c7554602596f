//! How long a caller may hear nothing at all.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::{Code, Report, named};
use crate::ivr::node::{Kind, Node};

/// Warns where a caller may hear nothing for long: waits of a question, and web requests and turnings behind them, until
/// the next node that sounds.
pub(super) fn check(report: &mut Report, graph: &Graph<'_>, reached: &BTreeSet<usize>) {
    let silence = silences(graph);
    let begins = |spot: &usize| graph.is_own(*spot) && (sounds(graph.node(*spot)) || graph.entry == Some(*spot));
    for spot in reached.iter().copied().filter(begins) {
        let secs = silence.get(spot).copied().unwrap_or_default();
        if secs > SILENCE_SECS_MAX {
            let node = graph.node(spot);
            let text = format!("After {} a caller may hear nothing for up to {secs} s.", named(node));
            report.warn(Code::LongSilence, Some(&node.id), text);
        }
    }
}

/// Seconds of silence that may begin at each spot. A ring of silent nodes is told by itself; here it counts up to a limit.
fn silences(graph: &Graph<'_>) -> Vec<u32> {
    let mut silence: Vec<u32> = graph.spots.iter().map(|node| waits_secs(node)).collect();
    for _ in 0..ROUNDS_MAX {
        let mut grew = false;
        for (spot, arrows) in graph.arrows.iter().enumerate() {
            let quiet = arrows.iter().map(|arrow| arrow.to).filter(|to| !sounds(graph.node(*to)));
            let onward = quiet.filter_map(|to| silence.get(to).copied()).max().unwrap_or_default();
            let total = waits_secs(graph.node(spot)).saturating_add(onward).min(COUNTED_SECS_MAX);
            if let Some(known) = silence.get_mut(spot).filter(|known| **known < total) {
                *known = total;
                grew = true;
            }
        }
        if !grew {
            break;
        }
    }
    silence
}

/// The caller hears something as soon as they come here.
fn sounds(node: &Node) -> bool {
    match &node.kind {
        Kind::Transfer(_) => true,
        kind => kind.prompt().is_some_and(|prompt| !prompt.is_silent()),
    }
}

fn waits_secs(node: &Node) -> u32 {
    match &node.kind {
        Kind::Menu(menu) => menu.timeout_secs,
        Kind::Gather(gather) => gather.timeout_secs,
        Kind::HttpCallback(callback) => callback.timeout_secs,
        _ => 0,
    }
}

/// A patient caller waits this long before saying "hello?".
const SILENCE_SECS_MAX: u32 = 20;
const COUNTED_SECS_MAX: u32 = 600;
/// A call goes through no more nodes than this without being heard.
const ROUNDS_MAX: usize = 200;
