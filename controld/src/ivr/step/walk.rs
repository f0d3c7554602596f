//! The walk from node to node until one waits.

use serde_json::{Value, json};

use super::{Deed, callback, gather, leave, menu};
use crate::ivr::deed::{Step, Trail, TrailKind};
use crate::ivr::flow::{Flows, On};
use crate::ivr::node::{Greeting, Kind, Node, Prompt, Timing};
use crate::ivr::place::{Ahead, MASK, Place, Standing, node_title};
use crate::ivr::schedule;
use crate::model::Millis;

/// What follows.
pub(super) enum Move {
    /// The call waits, or is over.
    Stay,
    /// Leave the node by this exit.
    Take(On),
    /// Begin with the node the place names.
    Enter,
    /// The flow cannot go on, and why.
    Fail(String),
}

/// A step in the making.
pub(super) struct Walk<'f> {
    pub(super) flows: &'f Flows,
    pub(super) place: Place,
    now: Millis,
    deeds: Vec<Deed>,
    trail: Vec<Trail>,
    timer_runs: bool,
    /// The exit that led to the node entered next.
    entered_by: Option<On>,
}

impl<'f> Walk<'f> {
    pub(super) fn new(flows: &'f Flows, place: Place, now: Millis) -> Self {
        let timer_runs = place.timer != 0 && !place.is_over() && place.standing != Standing::Fresh;
        Self { flows, place, now, deeds: Vec::new(), trail: Vec::new(), timer_runs, entered_by: None }
    }

    pub(super) fn finish(self) -> Step {
        Step { place: self.place, deeds: self.deeds, trail: self.trail }
    }

    /// Moves until the call waits. INVARIANT: it ends, since every round enters a node and entering is counted.
    pub(super) fn run(&mut self, first: Move) {
        let mut next = first;
        loop {
            next = match next {
                Move::Stay => return,
                Move::Take(on) => self.take(on),
                Move::Enter => self.enter(),
                Move::Fail(why) => leave::fail(self, &why),
            };
        }
    }

    /// The node the place names.
    pub(super) fn node(&self) -> Option<Node> {
        let published = self.flows.version(&self.place.flow, self.place.version)?;
        published.flow.node(&self.place.node).cloned()
    }

    /// Is this exit of the present node connected?
    pub(super) fn leads(&self, on: On) -> bool {
        let published = self.flows.version(&self.place.flow, self.place.version);
        published.is_some_and(|published| published.flow.exit(&self.place.node, on).is_some())
    }

    pub(super) fn say(&mut self, kind: TrailKind, text: String, data: Value) {
        self.trail.push(Trail { at: self.now, node: self.place.node.clone(), kind, text, data });
    }

    pub(super) fn deed(&mut self, deed: Deed) {
        self.deeds.push(deed);
    }

    /// Plays a prompt; a timer guards against an end that nobody reports.
    pub(super) fn play(&mut self, prompt: &Prompt, stop_on_digit: bool) {
        self.deed(Deed::Play { prompt: prompt.clone(), stop_on_digit });
        self.timer(PROMPT_MS_MAX);
    }

    /// Sets the call's one timer.
    pub(super) fn timer(&mut self, after_ms: u64) {
        self.place.timer = self.place.timer.wrapping_add(1).max(1);
        self.timer_runs = true;
        // Only the last timer of a step can ever fire.
        self.deeds.retain(|deed| !matches!(deed, Deed::Timer { .. } | Deed::StopTimer));
        self.deed(Deed::Timer { id: self.place.timer, after_ms });
    }

    /// Nothing is waited for any more.
    pub(super) fn stop_timer(&mut self) {
        self.deeds.retain(|deed| !matches!(deed, Deed::Timer { .. } | Deed::StopTimer));
        if std::mem::take(&mut self.timer_runs) {
            self.deed(Deed::StopTimer);
        }
    }

    /// A key as the log may show it.
    pub(super) fn shown(&self, key: char) -> String {
        if self.place.hushed { MASK.to_owned() } else { key.to_string() }
    }

    /// Waits for a digit of a menu or gather.
    pub(super) fn listen(&mut self, retries: u32, typed: Ahead) -> Move {
        let timeout_secs = match self.node().map(|node| node.kind) {
            Some(Kind::Menu(menu)) => menu.timeout_secs,
            Some(Kind::Gather(gather)) => gather.timeout_secs,
            _ => return Move::Enter,
        };
        self.place.standing = Standing::Listening { retries, typed };
        self.timer(u64::from(timeout_secs) * 1000);
        Move::Stay
    }

    /// Plays the prompt of a menu or gather; without one, waits at once.
    pub(super) fn ask(&mut self, prompt: &Prompt, retries: u32) -> Move {
        if prompt.is_silent() {
            return self.listen(retries, Ahead::default());
        }
        self.place.standing = Standing::Asking { retries, typed: Ahead::default() };
        self.play(prompt, true);
        Move::Stay
    }

    /// A menu or gather was not served: the prompt again, or the exit for those who never are.
    pub(super) fn retry(&mut self, prompt: &Prompt, retries: u32, retries_max: u32) -> Move {
        self.place.ahead = Ahead::default();
        if retries < retries_max {
            return self.ask(prompt, retries.saturating_add(1));
        }
        Move::Take(On::MaxRetries)
    }

    pub(super) fn hang_up(&mut self) -> Move {
        leave::hang_up(self)
    }

    fn take(&mut self, on: On) -> Move {
        let published = self.flows.version(&self.place.flow, self.place.version);
        let to = published.and_then(|published| published.flow.exit(&self.place.node, on)).cloned();
        match to {
            Some(to) => {
                self.entered_by = Some(on);
                self.place.node = to;
                self.place.standing = Standing::Fresh;
                Move::Enter
            }
            None => Move::Fail(format!("exit {on} of node \"{}\" is not connected", self.title())),
        }
    }

    fn enter(&mut self) -> Move {
        let Some(node) = self.node() else {
            let Place { flow, version, node, .. } = &self.place;
            return Move::Fail(format!("flow {flow} version {version} has no node \"{node}\""));
        };
        if self.place.unheard_nodes >= NODES_UNHEARD_MAX {
            return Move::Fail(format!("the flow went through {NODES_UNHEARD_MAX} nodes without hearing the caller"));
        }
        self.place.unheard_nodes = self.place.unheard_nodes.saturating_add(1);
        let title = node_title(&node.name, &node.id);
        let text = format!("{} \"{title}\"", what_it_is(&node.kind));
        let data =
            json!({ "node": node.id, "kind": node.kind.name(), "flow": self.place.flow, "by": self.entered_by.take() });
        self.say(TrailKind::Node, text, data);
        match &node.kind {
            Kind::Greeting(greeting) => self.greet(greeting),
            Kind::Menu(menu) => menu::enter(self, menu),
            Kind::Gather(gather) => gather::enter(self, gather),
            Kind::HttpCallback(callback) => callback::enter(self, callback),
            Kind::Transfer(transfer) => leave::transfer(self, transfer),
            Kind::GotoFlow(goto) => leave::goto(self, goto),
            Kind::Timing(timing) => self.look_at_the_clock(timing),
            Kind::Hangup(hangup) => leave::goodbye(self, hangup),
        }
    }

    fn greet(&mut self, greeting: &Greeting) -> Move {
        // A digit pressed ahead has already stopped what it may stop.
        let skipped = greeting.interruptible && !self.place.ahead.is_empty();
        if skipped || greeting.prompt.is_silent() {
            return Move::Take(On::Default);
        }
        self.place.standing = Standing::Playing;
        self.play(&greeting.prompt, greeting.interruptible);
        Move::Stay
    }

    fn look_at_the_clock(&mut self, timing: &Timing) -> Move {
        match schedule::is_open(timing, self.now) {
            Ok(open) => {
                let text = format!("{} in {}", if open { "Within hours" } else { "Out of hours" }, timing.timezone);
                self.say(TrailKind::Hours, text, json!({ "open": open, "timezone": timing.timezone }));
                Move::Take(if open { On::InHours } else { On::OutOfHours })
            }
            Err(why) => Move::Fail(format!("the opening hours of \"{}\" cannot be read: {why}", self.title())),
        }
    }

    /// What people call the present node.
    pub(super) fn title(&self) -> String {
        let named = self.node().map(|node| node_title(&node.name, &node.id).to_owned());
        named.unwrap_or_else(|| self.place.node.to_string())
    }
}

fn what_it_is(kind: &Kind) -> &'static str {
    match kind {
        Kind::Greeting(_) => "Greeting",
        Kind::Menu(_) => "Menu",
        Kind::Gather(_) => "Input",
        Kind::HttpCallback(_) => "Web request",
        Kind::Transfer(_) => "Transfer",
        Kind::GotoFlow(_) => "Go to flow",
        Kind::Timing(_) => "Opening hours",
        Kind::Hangup(_) => "Hang up",
    }
}

/// Nodes entered without hearing the caller.
pub(super) const NODES_UNHEARD_MAX: u32 = 200;

/// A prompt's end must be reported by then; no prompt is that long.
pub(super) const PROMPT_MS_MAX: u64 = 10 * 60 * 1000;
