//! The eight kinds of node and the exits each may have.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::flow::On;
use crate::model::callback::{Header, Method};
use crate::model::{FlowId, TeamId};

/// A node's name inside its flow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct NodeId(pub String);

impl std::fmt::Display for NodeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for NodeId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// One box on the canvas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Unique in the flow; exits name it.
    pub id: NodeId,
    /// What it does.
    #[serde(flatten)]
    pub kind: Kind,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Where it stands on the canvas.
    #[serde(default)]
    pub at: At,
}

/// Where a node stands on the canvas, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct At {
    /// To the right.
    #[serde(deserialize_with = "whole_pixels")]
    pub x: i32,
    /// Down.
    #[serde(deserialize_with = "whole_pixels")]
    pub y: i32,
}

/// What a node does. The tag is `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Plays a prompt and goes on.
    Greeting(Greeting),
    /// Plays a prompt and branches on one digit.
    Menu(Menu),
    /// Plays a prompt and stores several digits.
    Gather(Gather),
    /// Asks a web service.
    HttpCallback(HttpCallback),
    /// Puts the caller in a team's queue. Terminal.
    Transfer(Transfer),
    /// Goes on in another flow. Terminal.
    GotoFlow(GotoFlow),
    /// Branches on opening hours.
    Timing(Timing),
    /// Says goodbye and ends the call. Terminal.
    Hangup(Hangup),
}

/// Sound to play: a prepared clip, the words it says, or both. Neither: nothing is played.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Prompt {
    /// Path below `audio_dir`: `demo/welcome.ogg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<String>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Prompt {
    /// Nothing to play.
    pub fn is_silent(&self) -> bool {
        let blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        blank(&self.clip) && blank(&self.text)
    }

    /// The words, if there are some and no clip says them yet.
    pub fn unspoken(&self) -> Option<&str> {
        let blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        self.text.as_deref().filter(|_| blank(&self.clip) && !blank(&self.text))
    }

    /// A clip by its path below `audio_dir`.
    pub fn clip(path: &str) -> Self {
        Self { clip: Some(path.to_owned()), text: None }
    }
}

/// Plays a prompt and goes on by `default`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Greeting {
    /// What is played.
    #[serde(default)]
    pub prompt: Prompt,
    /// The first digit stops it and is kept for the next node that listens.
    #[serde(default)]
    pub interruptible: bool,
}

/// Plays a prompt and branches on one digit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Menu {
    /// What is played; a digit cuts it.
    #[serde(default)]
    pub prompt: Prompt,
    /// Silence allowed after the prompt, in seconds.
    #[serde(default = "ten_secs")]
    #[schema(minimum = 1, maximum = 120, default = 10)]
    pub timeout_secs: u32,
    /// How often the prompt is played again before `max_retries` is taken.
    #[serde(default = "three_times")]
    #[schema(maximum = 20, default = 3)]
    pub max_retries: u32,
    /// The digits on offer; each has an exit `digit:X`.
    #[serde(default)]
    pub options: Vec<MenuOption>,
}

/// One digit of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MenuOption {
    /// `0`–`9`, `*` or `#`.
    #[schema(value_type = String, pattern = "^[0-9*#]$")]
    pub digit: char,
    /// What it stands for: "Sales".
    #[serde(default)]
    pub label: String,
}

/// Plays a prompt and stores several digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gather {
    /// What is played; a digit cuts it.
    #[serde(default)]
    pub prompt: Prompt,
    /// Done when so many are entered.
    #[serde(default = "ten_digits")]
    #[schema(minimum = 1, maximum = 64, default = 10)]
    pub max_digits: u32,
    /// Ends the input after at least one digit; never stored. `null`: none.
    #[serde(default = "hash_key")]
    #[schema(value_type = Option<String>, pattern = "^[0-9*#]$", default = "#")]
    pub terminator: Option<char>,
    /// The variable that takes the digits.
    #[serde(default)]
    pub store_as: String,
    /// Silence allowed after the prompt and after each digit, in seconds.
    #[serde(default = "ten_secs")]
    #[schema(minimum = 1, maximum = 120, default = 10)]
    pub timeout_secs: u32,
    /// How often the prompt is played again before `max_retries` is taken.
    #[serde(default = "three_times")]
    #[schema(maximum = 20, default = 3)]
    pub max_retries: u32,
    /// The value is masked everywhere outside the running call.
    #[serde(default)]
    pub sensitive: bool,
}

/// Asks a web service. `{{name}}` and `{{name.field}}` may stand in url, header values and body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HttpCallback {
    /// Where; scheme, host and port are written out, variables stand behind them.
    #[serde(default)]
    pub url: String,
    /// How.
    #[serde(default)]
    pub method: Method,
    /// Header lines.
    #[serde(default)]
    pub headers: Vec<Header>,
    /// Body template; a JSON template stays JSON whatever the variables hold.
    #[serde(default)]
    pub body: String,
    /// The answer must be complete by then, in seconds.
    #[serde(default = "ten_secs")]
    #[schema(minimum = 1, maximum = 30, default = 10)]
    pub timeout_secs: u32,
    /// The variable that takes the answer.
    #[serde(default)]
    pub store_response_as: String,
}

/// Puts the caller in a team's queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transfer {
    /// Which team; empty while the flow is drawn.
    #[serde(default = "no_team")]
    pub team: TeamId,
}

/// Goes on in another flow, at its entry, with the variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GotoFlow {
    /// Which flow; empty while the flow is drawn.
    #[serde(default = "no_flow")]
    pub flow: FlowId,
}

/// Branches on opening hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timing {
    /// IANA name: `Europe/Berlin`.
    #[serde(default = "utc")]
    pub timezone: String,
    /// The week; a day that is not listed is closed.
    #[serde(default)]
    pub days: Vec<DayHours>,
}

/// Opening hours that begin on one weekday: from `start` until before `end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayHours {
    /// Which.
    pub day: Day,
    /// Open at all.
    #[serde(default)]
    pub enabled: bool,
    /// `HH:MM`, `00:00` to `23:59`.
    #[serde(default = "nine")]
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub start: String,
    /// `HH:MM`, up to `24:00`; at or before `start` it is meant on the next day.
    #[serde(default = "five")]
    #[schema(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
    pub end: String,
}

/// A weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Says goodbye and ends the call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hangup {
    /// The goodbye, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
}

impl Kind {
    /// As the flow's JSON writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Greeting(_) => "greeting",
            Self::Menu(_) => "menu",
            Self::Gather(_) => "gather",
            Self::HttpCallback(_) => "http_callback",
            Self::Transfer(_) => "transfer",
            Self::GotoFlow(_) => "goto_flow",
            Self::Timing(_) => "timing",
            Self::Hangup(_) => "hangup",
        }
    }

    /// Has no exits.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Transfer(_) | Self::GotoFlow(_) | Self::Hangup(_))
    }

    /// Hears digits.
    pub fn listens(&self) -> bool {
        matches!(self, Self::Menu(_) | Self::Gather(_))
    }

    /// The exits this node has, connected or not.
    pub fn exits(&self) -> Vec<On> {
        match self {
            Self::Greeting(_) => vec![On::Default],
            Self::Menu(menu) => {
                let digits = menu.options.iter().map(|option| On::Digit(option.digit));
                digits.chain([On::Timeout, On::MaxRetries, On::Default]).collect()
            }
            Self::Gather(_) => vec![On::Default, On::Timeout, On::MaxRetries],
            Self::HttpCallback(_) => vec![On::Default, On::HttpError],
            Self::Timing(_) => vec![On::InHours, On::OutOfHours],
            Self::Transfer(_) | Self::GotoFlow(_) | Self::Hangup(_) => Vec::new(),
        }
    }

    /// What the node plays, if it plays.
    pub fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Greeting(greeting) => Some(&greeting.prompt),
            Self::Menu(menu) => Some(&menu.prompt),
            Self::Gather(gather) => Some(&gather.prompt),
            Self::Hangup(hangup) => hangup.prompt.as_ref(),
            Self::HttpCallback(_) | Self::Transfer(_) | Self::GotoFlow(_) | Self::Timing(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn prompt_mut(&mut self) -> Option<&mut Prompt> {
        match self {
            Self::Greeting(greeting) => Some(&mut greeting.prompt),
            Self::Menu(menu) => Some(&mut menu.prompt),
            Self::Gather(gather) => Some(&mut gather.prompt),
            Self::Hangup(hangup) => hangup.prompt.as_mut(),
            Self::HttpCallback(_) | Self::Transfer(_) | Self::GotoFlow(_) | Self::Timing(_) => None,
        }
    }

    /// The variable the node sets, if it sets one.
    pub fn stores(&self) -> Option<&str> {
        match self {
            Self::Gather(gather) => Some(gather.store_as.as_str()),
            Self::HttpCallback(callback) => Some(callback.store_response_as.as_str()),
            _ => None,
        }
        .filter(|name| !name.is_empty())
    }
}

/// A canvas drags in fractions of a pixel; a flow is kept in whole ones, so that its text is stable.
fn whole_pixels<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    // A float to integer cast saturates.
    f64::deserialize(from).map(|pixels| pixels.round() as i32)
}

fn ten_secs() -> u32 {
    10
}

fn three_times() -> u32 {
    3
}

fn ten_digits() -> u32 {
    10
}

fn hash_key() -> Option<char> {
    Some('#')
}

fn no_team() -> TeamId {
    TeamId(String::new())
}

fn no_flow() -> FlowId {
    FlowId(String::new())
}

fn utc() -> String {
    "UTC".to_owned()
}

fn nine() -> String {
    "09:00".to_owned()
}

fn five() -> String {
    "17:00".to_owned()
}
