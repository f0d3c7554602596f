//! One move of a call through its flow: the same for the live call, the simulator and the replay after a restart.

mod callback;
mod gather;
mod leave;
mod menu;
mod walk;

use super::deed::{Deed, Heard, HttpAnswer, Step};
use super::flow::{Flows, On};
use super::node::Kind;
use super::place::{Ahead, Place, Standing};
use crate::model::Millis;
use walk::{Move, Walk};

/// One move of a call through its flow. Pure: no clock, no socket, no await. Whatever is heard, the place it returns
/// is over or waits with a timer running.
pub fn step(flows: &Flows, place: Place, heard: Heard, now: Millis) -> Step {
    let mut walk = Walk::new(flows, place, now);
    let first = match heard {
        Heard::Begin => begin(&mut walk),
        Heard::Digit(key) if is_key(key) => digit(&mut walk, key),
        Heard::Digit(_) => Move::Stay,
        Heard::PromptEnded => prompt_ended(&mut walk),
        Heard::Timer(id) if id == walk.place.timer => timer(&mut walk),
        Heard::Timer(_) => Move::Stay,
        Heard::Answered(answer) => answered(&mut walk, answer),
    };
    walk.run(first);
    walk.finish()
}

fn begin(walk: &mut Walk<'_>) -> Move {
    match walk.place.standing {
        Standing::Handed { .. } | Standing::Ended => Move::Stay,
        // A goodbye is said once; who heard half of it does not want it again.
        Standing::Leaving { .. } => walk.hang_up(),
        _ => Move::Enter,
    }
}

fn digit(walk: &mut Walk<'_>, key: char) -> Move {
    match walk.place.standing.clone() {
        Standing::Playing => {
            walk.place.ahead.push(key);
            let interruptible = walk
                .node()
                .is_some_and(|node| matches!(&node.kind, Kind::Greeting(greeting) if greeting.interruptible));
            if interruptible { Move::Take(On::Default) } else { Move::Stay }
        }
        Standing::Asking { retries, typed } | Standing::Listening { retries, typed } => {
            match walk.node().map(|node| node.kind) {
                Some(Kind::Menu(menu)) => menu::digit(walk, &menu, retries, key),
                Some(Kind::Gather(gather)) => gather::digit(walk, &gather, retries, typed, key),
                _ => Move::Enter,
            }
        }
        Standing::Calling | Standing::Fresh => {
            walk.place.ahead.push(key);
            Move::Stay
        }
        Standing::Leaving { .. } | Standing::Handed { .. } | Standing::Ended => Move::Stay,
    }
}

fn prompt_ended(walk: &mut Walk<'_>) -> Move {
    match walk.place.standing.clone() {
        Standing::Playing => Move::Take(On::Default),
        Standing::Asking { retries, typed } => {
            // The whole of the next question was heard: what is pressed from now on answers it.
            walk.place.hushed = false;
            walk.listen(retries, typed)
        }
        Standing::Leaving { .. } => walk.hang_up(),
        _ => Move::Stay,
    }
}

fn timer(walk: &mut Walk<'_>) -> Move {
    match walk.place.standing.clone() {
        Standing::Playing | Standing::Asking { .. } | Standing::Leaving { .. } => prompt_ended(walk),
        Standing::Listening { retries, typed } => {
            let went = silence(walk, retries, typed);
            walk.place.hushed = false;
            went
        }
        Standing::Calling => {
            let late = HttpAnswer::Failed { why: "no answer in time".to_owned(), took_ms: 0 };
            answered(walk, late)
        }
        Standing::Fresh | Standing::Handed { .. } | Standing::Ended => Move::Stay,
    }
}

fn silence(walk: &mut Walk<'_>, retries: u32, typed: Ahead) -> Move {
    match walk.node().map(|node| node.kind) {
        Some(Kind::Menu(menu)) => menu::silence(walk, &menu, retries),
        Some(Kind::Gather(gather)) => gather::silence(walk, &gather, retries, typed),
        _ => Move::Enter,
    }
}

fn answered(walk: &mut Walk<'_>, answer: HttpAnswer) -> Move {
    match (&walk.place.standing, walk.node().map(|node| node.kind)) {
        (Standing::Calling, Some(Kind::HttpCallback(node))) => callback::answered(walk, &node, answer),
        _ => Move::Stay,
    }
}

/// RFC 4733 §3.2: events 0 to 15.
fn is_key(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')
}
