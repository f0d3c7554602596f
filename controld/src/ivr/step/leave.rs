//! The ways out of a flow: another flow, a team, the end of the call.

use serde_json::json;

use super::Deed;
use super::walk::{Move, Walk};
use crate::ivr::deed::TrailKind;
use crate::ivr::node::{GotoFlow, Hangup, Prompt, Transfer};
use crate::ivr::place::{Ahead, Standing};

/// Into another flow, at the entry of its published version.
pub(super) fn goto(walk: &mut Walk<'_>, goto: &GotoFlow) -> Move {
    if walk.place.gotos >= GOTOS_MAX {
        return Move::Fail(format!("the call jumped {GOTOS_MAX} times from flow to flow"));
    }
    let Some(target) = walk.flows.current(&goto.flow).cloned() else {
        let named = if goto.flow.as_str().is_empty() { "no flow" } else { goto.flow.as_str() };
        return Move::Fail(format!("node \"{}\" goes to {named}, which is not published", walk.title()));
    };
    let text = format!("Goes on in \"{}\" version {}", target.flow.name, target.version);
    walk.say(TrailKind::Goto, text, json!({ "flow": target.id, "version": target.version }));
    walk.place.gotos = walk.place.gotos.saturating_add(1);
    walk.place.flow = target.id.clone();
    walk.place.version = target.version;
    walk.place.node = target.flow.entry.clone();
    walk.place.standing = Standing::Fresh;
    Move::Enter
}

/// Into a team's queue.
pub(super) fn transfer(walk: &mut Walk<'_>, transfer: &Transfer) -> Move {
    if transfer.team.as_str().is_empty() {
        return Move::Fail(format!("node \"{}\" transfers to no team", walk.title()));
    }
    walk.say(TrailKind::Transfer, "Transferred to the team".to_owned(), json!({ "team": transfer.team }));
    walk.place.standing = Standing::Handed { team: transfer.team.clone() };
    walk.place.ahead = Ahead::default();
    walk.stop_timer();
    walk.deed(Deed::Transfer { team: transfer.team.clone() });
    Move::Stay
}

/// The goodbye, then the end.
pub(super) fn goodbye(walk: &mut Walk<'_>, hangup: &Hangup) -> Move {
    let reason = format!("The flow ended the call at \"{}\"", walk.title());
    say_last(walk, hangup.prompt.as_ref(), reason, false)
}

/// The apology, then the end, with the reason in the log. Never dead air.
pub(super) fn fail(walk: &mut Walk<'_>, why: &str) -> Move {
    walk.say(TrailKind::Fault, format!("The flow cannot go on: {why}"), json!({ "error": why }));
    let apology = walk.flows.house().apology.clone();
    say_last(walk, Some(&apology), why.to_owned(), true)
}

/// The end of the call, now that the last prompt is over.
pub(super) fn hang_up(walk: &mut Walk<'_>) -> Move {
    let Standing::Leaving { reason, by_fault } = walk.place.standing.clone() else {
        return Move::Stay;
    };
    walk.place.standing = Standing::Ended;
    walk.stop_timer();
    walk.say(TrailKind::HangUp, "Hung up".to_owned(), json!({ "reason": reason, "by_fault": by_fault }));
    walk.deed(Deed::HangUp { reason, by_fault });
    Move::Stay
}

fn say_last(walk: &mut Walk<'_>, prompt: Option<&Prompt>, reason: String, by_fault: bool) -> Move {
    walk.place.standing = Standing::Leaving { reason, by_fault };
    walk.place.ahead = Ahead::default();
    match prompt.filter(|prompt| !prompt.is_silent()) {
        Some(prompt) => {
            walk.play(prompt, false);
            Move::Stay
        }
        None => hang_up(walk),
    }
}

/// Jumps from flow to flow in one call.
pub(super) const GOTOS_MAX: u32 = 50;
