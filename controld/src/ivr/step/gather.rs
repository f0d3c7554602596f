//! Several digits into a variable.

use serde_json::json;

use super::walk::{Move, Walk};
use crate::ivr::deed::TrailKind;
use crate::ivr::flow::On;
use crate::ivr::node::Gather;
use crate::ivr::place::{Ahead, MASK, Variable};

pub(super) fn enter(walk: &mut Walk<'_>, gather: &Gather) -> Move {
    let mut typed = Ahead::default();
    while let Some(key) = walk.place.ahead.take() {
        walk.place.unheard_nodes = 0;
        match entered(gather, &mut typed, key) {
            Entered::More => {}
            Entered::Full => return full(walk, gather, &typed),
            Entered::All => return done(walk, gather, &typed),
            Entered::Nothing => return nothing(walk, gather, 0, Some(key)),
        }
    }
    if typed.is_empty() { walk.ask(&gather.prompt, 0) } else { walk.listen(0, typed) }
}

pub(super) fn digit(walk: &mut Walk<'_>, gather: &Gather, retries: u32, mut typed: Ahead, key: char) -> Move {
    walk.place.unheard_nodes = 0;
    match entered(gather, &mut typed, key) {
        Entered::More => walk.listen(retries, typed),
        Entered::Full => full(walk, gather, &typed),
        Entered::All => done(walk, gather, &typed),
        Entered::Nothing => nothing(walk, gather, retries, Some(key)),
    }
}

pub(super) fn silence(walk: &mut Walk<'_>, gather: &Gather, retries: u32, typed: Ahead) -> Move {
    if typed.is_empty() { nothing(walk, gather, retries, None) } else { done(walk, gather, &typed) }
}

/// What a digit makes of the input.
enum Entered {
    /// Waits for more.
    More,
    /// As many as are wanted.
    Full,
    /// The caller said so.
    All,
    /// The terminator alone.
    Nothing,
}

fn entered(gather: &Gather, typed: &mut Ahead, key: char) -> Entered {
    if gather.terminator == Some(key) {
        return if typed.is_empty() { Entered::Nothing } else { Entered::All };
    }
    typed.push(key);
    let wanted = usize::try_from(gather.max_digits).unwrap_or(usize::MAX);
    if typed.len() >= wanted { Entered::Full } else { Entered::More }
}

/// The caller may not have noticed that enough were entered, and go on typing the rest of a card number.
fn full(walk: &mut Walk<'_>, gather: &Gather, typed: &Ahead) -> Move {
    let taken = done(walk, gather, typed);
    walk.place.hushed |= gather.sensitive;
    taken
}

fn done(walk: &mut Walk<'_>, gather: &Gather, typed: &Ahead) -> Move {
    let digits = typed.0.as_str();
    let sensitive = gather.sensitive || walk.place.hushed;
    let shown = if sensitive { MASK } else { digits };
    let stored =
        gather.store_as.is_empty() || walk.place.variables.set(&gather.store_as, Variable::digits(digits, sensitive));
    let text = match (gather.store_as.as_str(), stored) {
        ("", _) => format!("Entered {shown}"),
        (name, true) => format!("Entered {shown} as {name}"),
        (name, false) => format!("Entered {shown}; {name} cannot be set"),
    };
    let data = json!({ "digits": shown, "store_as": gather.store_as, "sensitive": sensitive });
    walk.say(TrailKind::Digit, text, data);
    Move::Take(On::Default)
}

fn nothing(walk: &mut Walk<'_>, gather: &Gather, retries: u32, terminator: Option<char>) -> Move {
    let text = terminator.map_or_else(
        || format!("Nothing entered for {} s", gather.timeout_secs),
        |key| format!("Pressed {} with nothing entered", walk.shown(key)),
    );
    walk.say(TrailKind::Timeout, text, json!({ "retries": retries }));
    if walk.leads(On::Timeout) {
        return Move::Take(On::Timeout);
    }
    walk.retry(&gather.prompt, retries, gather.max_retries)
}
