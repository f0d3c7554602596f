//! What a simulated call did, line by line, and how it ended.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ivr::deed::{HttpRequest, Trail, TrailKind};
use crate::ivr::flow::{Exit, On};
use crate::ivr::node::{NodeId, Prompt};
use crate::ivr::place::{MASK, Place};
use crate::model::{FlowId, Millis, TeamId};

/// A simulated call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Simulation {
    /// Everything that happened, in order.
    pub lines: Vec<TraceLine>,
    /// The exits that were taken, in order; jumps to other flows are not exits.
    pub exits: Vec<Exit>,
    /// The variables at the end; sensitive ones masked.
    pub variables: Vec<TracedVariable>,
    /// How the call ended.
    pub ended: Ended,
    /// From the first moment to the last.
    pub lasted_ms: i64,
}

/// One happening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceLine {
    /// Since the call was answered.
    pub at_ms: i64,
    /// In which flow.
    pub flow: FlowId,
    /// At which node.
    pub node: NodeId,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// A line of the call's log, as a real call would have it.
    Log {
        /// `node`, `digit`, `invalid`, `timeout`, `http`, `goto`, `hours`, `transfer`, `hang_up`, `fault`.
        kind: TrailKind,
        /// A sentence.
        text: String,
        /// The same for a machine.
        #[schema(value_type = Object)]
        data: serde_json::Value,
    },
    /// A prompt began.
    Prompt {
        /// What.
        prompt: Prompt,
        /// Its whole length; guessed from its words where no clip is known.
        length_ms: i64,
        /// How much of it was heard.
        heard_ms: i64,
    },
    /// The caller pressed a key.
    Key {
        /// Which; masked where a sensitive node listens.
        key: String,
    },
    /// A web service would have been asked.
    Request {
        /// How.
        method: String,
        /// Where, variables filled in.
        url: String,
        /// The body, variables filled in.
        #[schema(required)]
        body: Option<String>,
    },
    /// A variable was set.
    Variable(TracedVariable),
    /// The call ended.
    End(Ended),
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TracedVariable {
    /// Its name.
    pub name: String,
    /// Its text; masked if it is sensitive.
    pub text: String,
    /// Masked everywhere outside the running call.
    pub sensitive: bool,
}

/// How a simulated call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ended {
    /// The flow gave the caller to a team.
    Transferred {
        /// Which.
        team: TeamId,
    },
    /// The flow ended the call.
    HungUp {
        /// Why, in words.
        reason: String,
        /// The flow could not go on.
        by_fault: bool,
    },
    /// The script's caller hung up.
    CallerHungUp,
    /// It was still going on after two hours or 5 000 happenings.
    Unfinished,
}

/// The trace in the making.
pub(super) struct Trace {
    began: Millis,
    lines: Vec<TraceLine>,
    exits: Vec<Exit>,
    ended: Ended,
    /// The line of the prompt that sounds.
    prompt: Option<usize>,
}

impl Trace {
    pub(super) fn new(began: Millis) -> Self {
        Self { began, lines: Vec::new(), exits: Vec::new(), ended: Ended::Unfinished, prompt: None }
    }

    pub(super) fn key(&mut self, place: &Place, now: Millis, key: char) {
        self.add(place, now, What::Key { key: key.to_string() });
    }

    pub(super) fn prompt(&mut self, place: &Place, now: Millis, prompt: Prompt, length_ms: u64) {
        let length_ms = i64::try_from(length_ms).unwrap_or(i64::MAX);
        self.prompt = Some(self.lines.len());
        self.add(place, now, What::Prompt { prompt, length_ms, heard_ms: length_ms });
    }

    /// The prompt that sounds was cut so long before its end.
    pub(super) fn cut(&mut self, left_ms: Millis) {
        let line = self.prompt.take().and_then(|line| self.lines.get_mut(line));
        if let Some(TraceLine { what: What::Prompt { heard_ms, .. }, .. }) = line {
            *heard_ms = heard_ms.saturating_sub(left_ms.max(0));
        }
    }

    pub(super) fn request(&mut self, place: &Place, now: Millis, request: &HttpRequest) {
        let (method, url) = (request.method.as_str().to_owned(), request.url.clone());
        self.add(place, now, What::Request { method, url, body: request.body.clone() });
    }

    pub(super) fn transferred(&mut self, place: &Place, now: Millis, team: TeamId) {
        self.end(place, now, Ended::Transferred { team });
    }

    pub(super) fn hung_up(&mut self, place: &Place, now: Millis, reason: String, by_fault: bool) {
        self.end(place, now, Ended::HungUp { reason, by_fault });
    }

    pub(super) fn caller_hung_up(&mut self, place: &Place, now: Millis) {
        self.end(place, now, Ended::CallerHungUp);
    }

    /// A step led from one place to the next.
    pub(super) fn walked(&mut self, before: &Place, after: &Place, trail: Vec<Trail>, now: Millis) {
        let masked = after.masked();
        // A key that a sensitive node took, or may have been meant for one, is masked in the trail: here too.
        if trail.iter().any(|line| line.kind != TrailKind::Node && line.text.contains(MASK)) {
            self.mask_keys();
        }
        let mut at = before.node.clone();
        for line in trail {
            let flow = line.data.get("flow").and_then(|flow| flow.as_str()).unwrap_or(before.flow.as_str()).to_owned();
            if line.kind == TrailKind::Node {
                let by = line.data.get("by").and_then(|on| serde_json::from_value::<On>(on.clone()).ok());
                if let Some(on) = by {
                    self.exits.push(Exit { from: at, on, to: line.node.clone() });
                }
                at = line.node.clone();
            }
            let (flow, node) = (FlowId(flow), line.node);
            let what = What::Log { kind: line.kind, text: line.text, data: line.data };
            self.lines.push(TraceLine { at_ms: now.saturating_sub(self.began), flow, node, what });
        }
        for (name, variable) in masked.variables.iter() {
            if before.variables.get(name) != after.variables.get(name) {
                let (name, text, sensitive) = (name.to_owned(), variable.text.clone(), variable.sensitive);
                self.add(after, now, What::Variable(TracedVariable { name, text, sensitive }));
            }
        }
    }

    pub(super) fn finish(self, place: &Place, now: Millis) -> Simulation {
        let masked = place.masked();
        let variables = masked.variables.iter().map(|(name, variable)| TracedVariable {
            name: name.to_owned(),
            text: variable.text.clone(),
            sensitive: variable.sensitive,
        });
        Simulation {
            variables: variables.collect(),
            lines: self.lines,
            exits: self.exits,
            ended: self.ended,
            lasted_ms: now.saturating_sub(self.began),
        }
    }

    pub(super) fn unfinished(mut self, place: &Place, now: Millis) -> Simulation {
        self.end(place, now, Ended::Unfinished);
        self.finish(place, now)
    }

    fn end(&mut self, place: &Place, now: Millis, ended: Ended) {
        self.ended = ended.clone();
        self.add(place, now, What::End(ended));
    }

    fn add(&mut self, place: &Place, now: Millis, what: What) {
        let at_ms = now.saturating_sub(self.began);
        self.lines.push(TraceLine { at_ms, flow: place.flow.clone(), node: place.node.clone(), what });
    }

    fn mask_keys(&mut self) {
        for line in &mut self.lines {
            if let What::Key { key } = &mut line.what {
                MASK.clone_into(key);
            }
        }
    }
}
