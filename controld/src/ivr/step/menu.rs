//! One digit, one branch.

use serde_json::json;

use super::walk::{Move, Walk};
use crate::ivr::deed::TrailKind;
use crate::ivr::flow::On;
use crate::ivr::node::Menu;

pub(super) fn enter(walk: &mut Walk<'_>, menu: &Menu) -> Move {
    match walk.place.ahead.take() {
        Some(key) => digit(walk, menu, 0, key),
        None => walk.ask(&menu.prompt, 0),
    }
}

pub(super) fn digit(walk: &mut Walk<'_>, menu: &Menu, retries: u32, key: char) -> Move {
    walk.place.unheard_nodes = 0;
    let option = menu.options.iter().find(|option| option.digit == key);
    let shown = walk.shown(key);
    let label =
        option.filter(|_| !walk.place.hushed).map(|option| option.label.trim()).filter(|label| !label.is_empty());
    let pressed = label.map_or_else(|| format!("Pressed {shown}"), |label| format!("Pressed {shown} — {label}"));
    if option.is_some() && walk.leads(On::Digit(key)) {
        walk.say(TrailKind::Digit, pressed, json!({ "digit": shown, "label": label }));
        return Move::Take(On::Digit(key));
    }
    let text =
        if option.is_some() { format!("{pressed}, which leads nowhere") } else { format!("{pressed}, not on offer") };
    walk.say(TrailKind::Invalid, text, json!({ "digit": shown, "retries": retries }));
    if walk.leads(On::Default) {
        return Move::Take(On::Default);
    }
    walk.retry(&menu.prompt, retries, menu.max_retries)
}

pub(super) fn silence(walk: &mut Walk<'_>, menu: &Menu, retries: u32) -> Move {
    let text = format!("Nothing pressed for {} s", menu.timeout_secs);
    walk.say(TrailKind::Timeout, text, json!({ "retries": retries }));
    if walk.leads(On::Timeout) {
        return Move::Take(On::Timeout);
    }
    walk.retry(&menu.prompt, retries, menu.max_retries)
}
