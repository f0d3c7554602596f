//! A caller walking through a flow: every step is checked, and every place is written down and read back.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::ivr::deed::{Deed, Heard, HttpAnswer, HttpRequest, Trail, TrailKind};
use crate::ivr::flow::{Flows, Published};
use crate::ivr::parse;
use crate::ivr::place::{Builtins, Place, Standing};
use crate::ivr::step::step;
use crate::model::{FlowId, Millis};

pub(super) struct Talk {
    pub(super) flows: Flows,
    pub(super) place: Place,
    pub(super) now: Millis,
    /// Of the last step.
    pub(super) deeds: Vec<Deed>,
    /// Of the whole call.
    pub(super) trail: Vec<Trail>,
    timer: Option<(u32, u64)>,
}

impl Talk {
    /// Begins a call in that flow.
    pub(super) fn begin(flow: Value) -> Self {
        Self::begin_among(vec![("main", flow)])
    }

    /// Begins a call in the first of these published flows.
    pub(super) fn begin_among(all: Vec<(&str, Value)>) -> Self {
        let mut flows = Flows::default();
        let first = FlowId::from(all[0].0);
        for (id, flow) in all {
            flows.publish(Arc::new(published(id, 1, flow)));
        }
        let place = Place::at_entry(flows.current(&first).unwrap(), &builtins());
        let mut talk = Self { flows, place, now: MONDAY_NOON, deeds: vec![], trail: vec![], timer: None };
        talk.hear(Heard::Begin);
        talk
    }

    pub(super) fn hear(&mut self, heard: Heard) {
        let kept = serde_json::to_string(&self.place).unwrap();
        let place: Place = serde_json::from_str(&kept).unwrap();
        assert_eq!(place, self.place, "a place survives a restart");
        let step = step(&self.flows, place, heard, self.now);
        for deed in &step.deeds {
            match deed {
                Deed::Timer { id, after_ms } => self.timer = Some((*id, *after_ms)),
                Deed::StopTimer => self.timer = None,
                _ => {}
            }
        }
        self.place = step.place;
        self.deeds = step.deeds;
        self.trail.extend(step.trail);
        self.check();
    }

    /// Whatever happens, the call is over or a timer runs.
    fn check(&self) {
        match &self.place.standing {
            Standing::Handed { .. } | Standing::Ended => {
                assert_eq!(self.timer, None, "a call that is over waits for nothing");
            }
            Standing::Fresh => panic!("a node was left unentered"),
            _ => assert_eq!(self.timer.map(|(id, _)| id), Some(self.place.timer), "every wait has a deadline"),
        }
        let timers = self.deeds.iter().filter(|deed| matches!(deed, Deed::Timer { .. } | Deed::StopTimer)).count();
        assert!(timers <= 1, "one timer at a time: {:?}", self.deeds);
        let ends = |deed: &&Deed| matches!(deed, Deed::HangUp { .. } | Deed::Transfer { .. });
        assert!(self.deeds.iter().filter(ends).count() <= 1);
    }

    pub(super) fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.now += 200;
            self.hear(Heard::Digit(key));
        }
    }

    pub(super) fn prompt_ends(&mut self) {
        self.now += 3_000;
        self.hear(Heard::PromptEnded);
    }

    /// Nothing happens until the timer is due; so many ms went by.
    pub(super) fn wait(&mut self) -> u64 {
        let (id, after_ms) = self.timer.expect("a timer runs");
        self.now += i64::try_from(after_ms).unwrap();
        self.hear(Heard::Timer(id));
        after_ms
    }

    pub(super) fn answer(&mut self, status: u16, body: &str) {
        self.hear(Heard::Answered(HttpAnswer::Got { status, body: body.to_owned(), took_ms: 120 }));
    }

    pub(super) fn no_answer(&mut self) {
        self.hear(Heard::Answered(HttpAnswer::Failed { why: "the connection was refused".to_owned(), took_ms: 3 }));
    }

    /// The clip the last step began to play.
    pub(super) fn plays(&self) -> Option<&str> {
        self.deeds.iter().find_map(|deed| match deed {
            Deed::Play { prompt, .. } => prompt.clip.as_deref(),
            _ => None,
        })
    }

    pub(super) fn stops_on_digit(&self) -> Option<bool> {
        self.deeds.iter().find_map(|deed| match deed {
            Deed::Play { stop_on_digit, .. } => Some(*stop_on_digit),
            _ => None,
        })
    }

    pub(super) fn timer_ms(&self) -> Option<u64> {
        self.timer.map(|(_, after_ms)| after_ms)
    }

    pub(super) fn asked(&self) -> Option<&HttpRequest> {
        self.deeds.iter().find_map(|deed| match deed {
            Deed::Http(request) => Some(request),
            _ => None,
        })
    }

    pub(super) fn at(&self) -> &str {
        &self.place.node.0
    }

    pub(super) fn team(&self) -> Option<&str> {
        self.deeds.iter().find_map(|deed| match deed {
            Deed::Transfer { team } => Some(team.as_str()),
            _ => None,
        })
    }

    /// The call was ended in the last step: why, and whether by fault.
    pub(super) fn hung_up(&self) -> Option<(&str, bool)> {
        self.deeds.iter().find_map(|deed| match deed {
            Deed::HangUp { reason, by_fault } => Some((reason.as_str(), *by_fault)),
            _ => None,
        })
    }

    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.place.variables.get(name).map(|variable| variable.text.as_str())
    }

    pub(super) fn last(&self, kind: TrailKind) -> &str {
        self.trail.iter().rev().find(|line| line.kind == kind).map_or("", |line| line.text.as_str())
    }

    /// The apology plays, then the call ends by fault for a reason with these words in it.
    pub(super) fn apologises(&mut self, words: &str) {
        assert_eq!(self.plays(), Some("demo/apology.ogg"), "at {}: {:?}", self.at(), self.deeds);
        assert_eq!(self.stops_on_digit(), Some(false));
        assert_eq!(self.hung_up(), None);
        self.prompt_ends();
        let (reason, by_fault) = self.hung_up().expect("the call is ended after the apology");
        assert!(by_fault);
        assert!(reason.contains(words), "{reason}");
        assert!(self.last(TrailKind::Fault).contains(words));
    }
}

pub(super) fn published(id: &str, version: i64, flow: Value) -> Published {
    Published { id: FlowId::from(id), version, flow: parse::parse_value(flow).unwrap() }
}

pub(super) fn builtins() -> Builtins {
    Builtins {
        caller_phone: "4917012345".to_owned(),
        caller_id: "4917012345".to_owned(),
        call_id: "wacid.ABC".to_owned(),
    }
}

/// A flow of these nodes and exits; the first node is the entry.
pub(super) fn flow(nodes: Value, exits: &[(&str, &str, &str)]) -> Value {
    let exits: Vec<Value> = exits.iter().map(|(from, on, to)| json!({ "from": from, "on": on, "to": to })).collect();
    json!({ "name": "Main", "entry": nodes[0]["id"], "nodes": nodes, "exits": exits })
}

pub(super) fn clip(name: &str) -> Value {
    json!({ "clip": format!("{name}.ogg") })
}

/// 2026-11-23 12:00:00 UTC.
pub(super) const MONDAY_NOON: Millis = 1_795_435_200_000;
