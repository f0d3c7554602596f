//! A call without a telephone: the same step, a scripted caller, a clock that jumps, and answers written beforehand.

mod trace;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::deed::{Deed, Heard, HttpAnswer, HttpRequest, Step};
use super::flow::{Flows, Published, is_digit};
use super::node::{NodeId, Prompt};
use super::place::{Builtins, Place, Standing};
use super::step::step;
use crate::model::Millis;

pub use trace::{Ended, Simulation, TraceLine, TracedVariable, What};

/// What the caller does and what the world answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The moment the call is answered; 0: the server's clock.
    pub at: Millis,
    /// `{{caller_phone}}`.
    pub caller_phone: String,
    /// `{{caller_id}}`; empty: the phone number.
    pub caller_id: String,
    /// What the caller does, in order. After the last the caller is silent.
    pub events: Vec<ScriptEvent>,
    /// What web services answer. Nothing is sent anywhere.
    pub answers: Vec<ScriptAnswer>,
}

/// One thing the caller does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptEvent {
    /// So long after the one before, or after the beginning.
    pub after_ms: u64,
    /// Not before a question has been heard to its end; `after_ms` counts from then.
    pub once_asked: bool,
    /// Keys, a third of a second apart: `0` to `9`, `*`, `#`.
    pub press: String,
    /// Hangs up.
    pub hang_up: bool,
}

/// What a web service answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptAnswer {
    /// The node that asks; absent: whichever asks next.
    #[serde(default)]
    pub node: Option<NodeId>,
    /// HTTP status.
    #[serde(default = "fine")]
    pub status: u16,
    /// Its text.
    #[serde(default)]
    pub body: String,
    /// How long it takes; longer than the node allows: no answer.
    #[serde(default)]
    pub took_ms: u64,
    /// No answer at all, and why: `the connection was refused`.
    #[serde(default)]
    pub fails: Option<String>,
}

/// Plays a script through a flow. Pure, and bounded whatever the flow and the script are. `lengths`: of clips by path, in
/// milliseconds; what is not there is guessed from its words.
///
/// # Errors
/// The script has a key that is none, or is too long.
pub fn simulate(
    flows: &Flows,
    begin: &Published,
    script: &Script,
    lengths: &BTreeMap<String, u64>,
) -> Result<Simulation, BadScript> {
    let mut stage = Stage::set(flows, begin, script, lengths)?;
    stage.hear(Heard::Begin);
    for _ in 0..HAPPENINGS_MAX {
        if stage.place.is_over() || stage.has_hung_up {
            return Ok(stage.trace.finish(&stage.place, stage.now));
        }
        match stage.next() {
            Some((at, next)) if at.saturating_sub(stage.began) <= LASTS_MS_MAX => stage.happen(at, next),
            _ => break,
        }
    }
    Ok(stage.trace.unfinished(&stage.place, stage.now))
}

/// Why a script cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadScript {
    /// Not on a telephone.
    #[error("\"{0}\" is no key of a telephone")]
    Key(char),
    /// Beyond the limit.
    #[error("the script presses {0} keys; {KEYS_MAX} are allowed")]
    TooLong(usize),
}

/// What may happen next.
enum Next {
    Act,
    Answer,
    PromptEnd,
    Timer,
}

/// One act of the caller: a key, or `None` for hanging up.
struct Act {
    after_ms: Millis,
    once_asked: bool,
    key: Option<char>,
}

struct Stage<'s> {
    flows: &'s Flows,
    lengths: &'s BTreeMap<String, u64>,
    place: Place,
    began: Millis,
    now: Millis,
    acts: VecDeque<Act>,
    last_act: Millis,
    answers: Vec<ScriptAnswer>,
    /// When the present prompt ends, and whether a digit stops it.
    prompt: Option<(Millis, bool)>,
    timer: Option<(u32, Millis)>,
    answer: Option<(Millis, HttpAnswer)>,
    /// Since when a question stands and nothing sounds.
    asked_since: Option<Millis>,
    has_hung_up: bool,
    trace: trace::Trace,
}

impl<'s> Stage<'s> {
    fn set(
        flows: &'s Flows,
        begin: &Published,
        script: &Script,
        lengths: &'s BTreeMap<String, u64>,
    ) -> Result<Self, BadScript> {
        let caller_id = if script.caller_id.is_empty() { &script.caller_phone } else { &script.caller_id };
        let builtins = Builtins {
            caller_phone: script.caller_phone.clone(),
            caller_id: if caller_id.is_empty() { "simulated".to_owned() } else { caller_id.clone() },
            call_id: "simulated".to_owned(),
        };
        Ok(Self {
            flows,
            lengths,
            place: Place::at_entry(begin, &builtins),
            began: script.at,
            now: script.at,
            acts: acts(script)?,
            last_act: script.at,
            answers: script.answers.clone(),
            prompt: None,
            timer: None,
            answer: None,
            asked_since: None,
            has_hung_up: false,
            trace: trace::Trace::new(script.at),
        })
    }

    /// The earliest thing that will happen. Of things at one moment the caller's comes first.
    fn next(&self) -> Option<(Millis, Next)> {
        let act = self.acts.front().and_then(|act| {
            let from = if act.once_asked { self.asked_since?.max(self.last_act) } else { self.last_act };
            Some((from.saturating_add(act.after_ms).max(self.now), Next::Act))
        });
        let answer = self.answer.as_ref().map(|(at, _)| (*at, Next::Answer));
        let prompt = self.prompt.map(|(at, _)| (at, Next::PromptEnd));
        let timer = self.timer.map(|(_, at)| (at, Next::Timer));
        [act, answer, prompt, timer].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn happen(&mut self, at: Millis, next: Next) {
        self.now = at;
        match next {
            Next::Act => self.act(),
            Next::Answer => {
                if let Some((_, answer)) = self.answer.take() {
                    self.hear(Heard::Answered(answer));
                }
            }
            Next::PromptEnd => {
                self.prompt = None;
                self.hear(Heard::PromptEnded);
            }
            Next::Timer => {
                if let Some((id, _)) = self.timer.take() {
                    self.hear(Heard::Timer(id));
                }
            }
        }
    }

    fn act(&mut self) {
        let Some(act) = self.acts.pop_front() else { return };
        self.last_act = self.now;
        match act.key {
            Some(key) => {
                if self.prompt.is_some_and(|(_, stops)| stops) {
                    self.cut_prompt();
                }
                self.trace.key(&self.place, self.now, key);
                self.hear(Heard::Digit(key));
            }
            None => {
                self.cut_prompt();
                self.has_hung_up = true;
                self.trace.caller_hung_up(&self.place, self.now);
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        let Step { place, deeds, trail } = step(self.flows, self.place.clone(), heard, self.now);
        self.trace.walked(&self.place, &place, trail, self.now);
        self.place = place;
        for deed in deeds {
            self.carry_out(deed);
        }
        let asks = matches!(self.place.standing, Standing::Listening { .. }) && self.prompt.is_none();
        self.asked_since = if asks { self.asked_since.or(Some(self.now)) } else { None };
    }

    fn carry_out(&mut self, deed: Deed) {
        match deed {
            Deed::Play { prompt, stop_on_digit } => {
                self.cut_prompt();
                let length_ms = self.length_ms(&prompt);
                let ends = self.now.saturating_add(Millis::try_from(length_ms).unwrap_or(Millis::MAX));
                self.prompt = Some((ends, stop_on_digit));
                self.trace.prompt(&self.place, self.now, prompt, length_ms);
            }
            Deed::Comfort => self.cut_prompt(),
            Deed::Timer { id, after_ms } => {
                let after = Millis::try_from(after_ms).unwrap_or(Millis::MAX);
                self.timer = Some((id, self.now.saturating_add(after)));
            }
            Deed::StopTimer => self.timer = None,
            Deed::Http(request) => {
                let (after, answer) = self.answer_to(&request);
                self.trace.request(&self.place, self.now, &request);
                self.answer = Some((self.now.saturating_add(after), answer));
            }
            Deed::Transfer { team } => {
                self.cut_prompt();
                self.trace.transferred(&self.place, self.now, team);
            }
            Deed::HangUp { reason, by_fault } => self.trace.hung_up(&self.place, self.now, reason, by_fault),
        }
    }

    fn cut_prompt(&mut self) {
        if let Some((ends, _)) = self.prompt.take() {
            self.trace.cut(ends.saturating_sub(self.now));
        }
    }

    /// What is written for the node that asks, as the caller of a real web service would get it.
    fn answer_to(&mut self, request: &HttpRequest) -> (Millis, HttpAnswer) {
        let fits = |answer: &ScriptAnswer| answer.node.as_ref().is_none_or(|node| *node == self.place.node);
        let Some(at) = self.answers.iter().position(fits) else {
            return (0, HttpAnswer::Failed { why: "no answer is written for this request".to_owned(), took_ms: 0 });
        };
        let answer = self.answers.remove(at);
        let took_ms = answer.took_ms.min(request.timeout_ms);
        let wait = Millis::try_from(took_ms).unwrap_or(Millis::MAX);
        let said = match answer.fails {
            Some(why) => HttpAnswer::Failed { why, took_ms },
            None if answer.took_ms > request.timeout_ms => {
                HttpAnswer::Failed { why: format!("no answer within {} s", request.timeout_ms / 1000), took_ms }
            }
            None => HttpAnswer::Got { status: answer.status, body: answer.body, took_ms },
        };
        (wait, said)
    }

    fn length_ms(&self, prompt: &Prompt) -> u64 {
        let known = prompt.clip.as_ref().and_then(|clip| self.lengths.get(clip).copied());
        let letters = prompt.text.as_deref().map_or(0, |text| text.chars().count());
        let guessed = u64::try_from(letters).unwrap_or(u64::MAX).saturating_mul(LETTER_MS).max(GUESS_MS_MIN);
        known.unwrap_or(guessed).min(PROMPT_MS_MAX)
    }
}

fn acts(script: &Script) -> Result<VecDeque<Act>, BadScript> {
    let keys = script.events.iter().map(|event| event.press.chars().count().max(1)).fold(0, usize::saturating_add);
    if keys > KEYS_MAX {
        return Err(BadScript::TooLong(keys));
    }
    let mut acts = VecDeque::new();
    for event in &script.events {
        let mut first = (Millis::try_from(event.after_ms).unwrap_or(Millis::MAX), event.once_asked);
        let keys = event.press.chars().map(Some).chain(event.hang_up.then_some(None));
        for key in keys {
            if let Some(key) = key.filter(|key| !is_digit(*key)) {
                return Err(BadScript::Key(key));
            }
            let (after_ms, once_asked) = std::mem::replace(&mut first, (KEY_GAP_MS, false));
            acts.push_back(Act { after_ms, once_asked, key });
        }
    }
    Ok(acts)
}

fn fine() -> u16 {
    200
}

/// Keys and other acts of one script.
pub const KEYS_MAX: usize = 1_000;
const KEY_GAP_MS: Millis = 300;
const HAPPENINGS_MAX: usize = 5_000;
const LASTS_MS_MAX: Millis = 2 * 60 * 60 * 1000;
/// A spoken letter of English takes about this long.
const LETTER_MS: u64 = 65;
const GUESS_MS_MIN: u64 = 1_000;
const PROMPT_MS_MAX: u64 = 10 * 60 * 1000;
