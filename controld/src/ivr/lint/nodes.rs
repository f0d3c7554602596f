//! Each node by itself: its sound, its target, its properties.

use std::collections::BTreeSet;

use super::{Around, Code, Report, named};
use crate::ivr::flow::{Flow, On};
use crate::ivr::node::{Kind, Menu, Node, Timing};
use crate::ivr::place::BUILTIN_NAMES;
use crate::ivr::{schedule, template};

pub(super) fn check(report: &mut Report, flow: &Flow, around: &Around<'_>) {
    for node in &flow.nodes {
        sound(report, node, around);
        match &node.kind {
            Kind::Menu(menu) => options(report, flow, node, menu),
            Kind::HttpCallback(callback) => {
                if let Err(why) = template::check(callback) {
                    let text = format!("{} cannot be sent: {why}.", named(node));
                    report.error(Code::BadRequest, Some(&node.id), text);
                }
            }
            Kind::Timing(timing) => hours(report, node, timing),
            Kind::Transfer(transfer) => {
                let known = around.teams.is_none_or(|teams| teams.contains(&transfer.team));
                if transfer.team.as_str().is_empty() || !known {
                    let text = format!("{} transfers to no team.", named(node));
                    report.error(Code::MissingTarget, Some(&node.id), text);
                }
            }
            Kind::Greeting(_) | Kind::Gather(_) | Kind::GotoFlow(_) | Kind::Hangup(_) => {}
        }
        if let Some(name) = node.kind.stores() {
            variable(report, node, name);
        }
    }
}

fn sound(report: &mut Report, node: &Node, around: &Around<'_>) {
    let Some(prompt) = node.kind.prompt() else {
        return;
    };
    if prompt.is_silent() {
        match node.kind {
            // Says nothing and goes on: a way to park a name on the canvas.
            Kind::Greeting(_) => {
                report.warn(Code::MissingAudio, Some(&node.id), format!("{} plays nothing.", named(node)));
            }
            Kind::Menu(_) | Kind::Gather(_) => {
                let text = format!("{} asks nothing: callers would hear silence.", named(node));
                report.error(Code::MissingAudio, Some(&node.id), text);
            }
            _ => {}
        }
        return;
    }
    match (&prompt.clip, around.clips) {
        (Some(clip), Some(clips)) if !clips.contains(clip) => {
            let text = format!("{} plays \"{clip}\", which does not exist.", named(node));
            report.error(Code::MissingAudio, Some(&node.id), text);
        }
        (None, Some(_)) => {
            if let Some(mute) = around.mute {
                let text = format!("The words of {} have not been made into sound, and {mute}.", named(node));
                report.error(Code::MissingAudio, Some(&node.id), text);
            }
        }
        _ => {}
    }
}

fn options(report: &mut Report, flow: &Flow, node: &Node, menu: &Menu) {
    let mut seen = BTreeSet::new();
    for option in &menu.options {
        let digit = option.digit;
        if !seen.insert(digit) {
            report.error(Code::ListedTwice, Some(&node.id), format!("{} offers {digit} twice.", named(node)));
        } else if flow.exit(&node.id, On::Digit(digit)).is_none() {
            let text = format!("{} offers {digit}, which leads nowhere.", named(node));
            report.warn(Code::OptionUnconnected, Some(&node.id), text);
        }
    }
}

fn hours(report: &mut Report, node: &Node, timing: &Timing) {
    if let Err(why) = schedule::zone(timing) {
        report.error(Code::BadSchedule, Some(&node.id), format!("{}: {why}.", named(node)));
    }
    let mut seen = BTreeSet::new();
    for day in &timing.days {
        if !seen.insert(day.day) {
            let text = format!("{} lists {:?} twice.", named(node), day.day);
            report.error(Code::ListedTwice, Some(&node.id), text);
        }
        if let Some(why) = schedule::interval(day).err().filter(|_| day.enabled) {
            report.error(Code::BadSchedule, Some(&node.id), format!("{}: {why}.", named(node)));
        }
    }
    if !timing.days.iter().any(|day| day.enabled) {
        report.warn(Code::NeverOpen, Some(&node.id), format!("{} is never open.", named(node)));
    }
}

fn variable(report: &mut Report, node: &Node, name: &str) {
    if BUILTIN_NAMES.contains(&name) {
        let text = format!("{} would overwrite {name}, which every call has.", named(node));
        report.error(Code::VariableName, Some(&node.id), text);
    } else if !template::is_name(name) {
        let text = format!("{}: \"{name}\" is not a name; letters, digits and _ are.", named(node));
        report.error(Code::VariableName, Some(&node.id), text);
    }
}
