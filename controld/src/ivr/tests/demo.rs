//! The demo flow lints clean and walks as it is told to people.

use serde_json::Value;

use super::talk::{Talk, published};
use crate::ivr::deed::TrailKind;
use crate::ivr::demo::MAIN_MENU;
use crate::ivr::flow::Flows;
use crate::ivr::lint::{Around, lint};
use crate::ivr::parse;
use crate::model::{FlowId, TeamId};

fn call() -> Talk {
    Talk::begin(serde_json::from_str::<Value>(MAIN_MENU).unwrap())
}

#[test]
fn the_demo_flow_lints_clean() {
    let flow = parse::parse(MAIN_MENU).unwrap();
    let teams = ["team_sales", "team_support"].map(TeamId::from).into();
    let clips = ["welcome", "menu", "hours", "goodbye"].map(|name| format!("demo/{name}.ogg")).into();
    let around = Around { flows: &Flows::default(), teams: Some(&teams), clips: Some(&clips), mute: None };
    assert_eq!(lint(&FlowId::from("flow_demo"), &flow, &around), []);
    assert_eq!(published("flow_demo", 1, serde_json::from_str(MAIN_MENU).unwrap()).flow, flow);
}

#[test]
fn one_is_sales_and_two_is_support() {
    for (key, team, said) in [("1", "team_sales", "Pressed 1 — Sales"), ("2", "team_support", "Pressed 2 — Support")]
    {
        let mut talk = call();
        assert_eq!(talk.plays(), Some("demo/welcome.ogg"));
        talk.prompt_ends();
        assert_eq!(talk.plays(), Some("demo/menu.ogg"));
        talk.press(key);
        assert_eq!(talk.team(), Some(team));
        assert_eq!(talk.last(TrailKind::Digit), said);
        let mut talk = call();
        talk.press(key);
        assert_eq!(talk.team(), Some(team), "pressed during the welcome");
    }
}

#[test]
fn three_tells_the_hours_and_returns_to_the_menu() {
    let mut talk = call();
    talk.prompt_ends();
    talk.press("3");
    assert_eq!((talk.plays(), talk.stops_on_digit()), (Some("demo/hours.ogg"), Some(true)));
    talk.prompt_ends();
    assert_eq!(talk.plays(), Some("demo/menu.ogg"));
    talk.press("3");
    talk.press("9");
    assert_eq!(talk.plays(), Some("demo/goodbye.ogg"));
    talk.prompt_ends();
    assert_eq!(talk.hung_up().map(|(_, by_fault)| by_fault), Some(false));
}

#[test]
fn silence_and_wrong_keys_are_asked_again_three_times_then_goodbye() {
    let mut talk = call();
    talk.prompt_ends();
    for turn in 0..3 {
        if turn == 1 {
            talk.press("5");
        } else {
            talk.prompt_ends();
            talk.wait();
        }
        assert_eq!(talk.plays(), Some("demo/menu.ogg"));
    }
    talk.press("0");
    assert_eq!(talk.plays(), Some("demo/goodbye.ogg"));
}
