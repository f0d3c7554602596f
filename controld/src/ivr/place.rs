//! Where a call stands in its flow: everything the step knows about it, ready to be kept and read back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::flow::{Flow, Published};
use super::node::NodeId;
use crate::model::{FlowId, TeamId};

/// Where a call stands in its flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// In which flow.
    pub flow: FlowId,
    /// In which published version of it; kept for the whole call.
    pub version: i64,
    /// At which node.
    pub node: NodeId,
    /// What it waits for there.
    pub standing: Standing,
    /// The call's variables.
    pub variables: Variables,
    /// Digits pressed ahead, for the next node that listens.
    pub ahead: Ahead,
    /// The id of the timer that runs, or of the last that ran.
    pub timer: u32,
    /// Nodes entered since the caller was last heard.
    pub unheard_nodes: u32,
    /// Jumps into another flow so far.
    pub gotos: u32,
    /// A sensitive gather was full a moment ago: keys that come before the next question has been heard may still be
    /// part of what it asked for, and are masked.
    #[serde(default)]
    pub hushed: bool,
}

impl Place {
    /// At the entry of a published flow, nothing done yet.
    pub fn at_entry(flow: &Published, builtins: &Builtins) -> Self {
        Self {
            flow: flow.id.clone(),
            version: flow.version,
            node: flow.flow.entry.clone(),
            standing: Standing::Fresh,
            variables: Variables::with(builtins),
            ahead: Ahead::default(),
            timer: 0,
            unheard_nodes: 0,
            gotos: 0,
            hushed: false,
        }
    }

    /// The flow has no more to say: the call was transferred or ended.
    pub fn is_over(&self) -> bool {
        matches!(self.standing, Standing::Handed { .. } | Standing::Ended)
    }

    /// What a person calls the node.
    pub fn node_name<'f>(&'f self, flow: &'f Flow) -> &'f str {
        flow.node(&self.node).map_or(self.node.0.as_str(), |node| node_title(&node.name, &node.id))
    }

    /// The same place without what a sensitive node heard: for people, logs and the API.
    pub fn masked(&self) -> Self {
        let mut place = self.clone();
        for variable in place.variables.0.values_mut().filter(|variable| variable.sensitive) {
            variable.text = MASK.to_owned();
            variable.json = None;
        }
        // Digits on their way may be meant for a sensitive node.
        place.ahead = Ahead::default();
        if let Standing::Asking { typed, .. } | Standing::Listening { typed, .. } = &mut place.standing {
            typed.0.clear();
        }
        place
    }
}

/// What a call waits for: `Fresh` for `Begin`, the last two for nothing; every other state has a timer running, so none
/// lasts for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The node has not been entered.
    Fresh,
    /// A greeting plays.
    Playing,
    /// The prompt of a menu or gather plays.
    Asking {
        /// How often it was played again.
        retries: u32,
        /// Digits of a gather so far.
        typed: Ahead,
    },
    /// A menu or gather waits for a digit.
    Listening {
        /// How often the prompt was played again.
        retries: u32,
        /// Digits of a gather so far.
        typed: Ahead,
    },
    /// A web service has been asked.
    Calling,
    /// The goodbye or the apology plays.
    Leaving {
        /// Why the call ends.
        reason: String,
        /// The flow is why.
        by_fault: bool,
    },
    /// Given to a team's queue.
    Handed {
        /// Whose.
        team: TeamId,
    },
    /// The call was ended.
    Ended,
}

/// Digits that were pressed and not yet used. Not shown by `Debug`: they may be a PIN.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ahead(pub(super) String);

impl Ahead {
    /// None.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps one more; what is pressed beyond the limit is lost.
    pub(super) fn push(&mut self, digit: char) {
        if self.0.len() < DIGITS_AHEAD_MAX {
            self.0.push(digit);
        }
    }

    /// Takes the oldest.
    pub(super) fn take(&mut self) -> Option<char> {
        let digit = self.0.chars().next()?;
        self.0.remove(0);
        Some(digit)
    }
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} digits)", self.0.len())
    }
}

/// What every flow knows of its caller from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builtins {
    /// `{{caller_phone}}`: the number, or empty for users who show none.
    pub caller_phone: String,
    /// `{{caller_id}}`: the number or WhatsApp's user id; never empty.
    pub caller_id: String,
    /// `{{call_id}}`: WhatsApp's id of the call.
    pub call_id: String,
}

/// The call's variables by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<String, Variable>);

impl Variables {
    /// The built-in ones alone.
    pub fn with(builtins: &Builtins) -> Self {
        let mut variables = Self::default();
        for (name, text) in
            BUILTIN_NAMES.into_iter().zip([&builtins.caller_phone, &builtins.caller_id, &builtins.call_id])
        {
            variables.0.insert(name.to_owned(), Variable::text(text));
        }
        variables
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    /// Sets a variable. False, and nothing changes, for a built-in name or beyond the limit.
    pub fn set(&mut self, name: &str, variable: Variable) -> bool {
        let full = self.0.len() >= VARIABLES_MAX && !self.0.contains_key(name);
        if full || BUILTIN_NAMES.contains(&name) {
            return false;
        }
        self.0.insert(name.to_owned(), variable);
        true
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable))
    }
}

/// A variable's value. Data, never a template.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// `{{name}}`.
    pub text: String,
    /// `{{name.field}}`, when the text was JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Masked outside the running call.
    #[serde(default)]
    pub sensitive: bool,
}

impl Variable {
    /// Plain text.
    pub fn text(text: &str) -> Self {
        Self { text: clipped(text, VARIABLE_BYTES_MAX), json: None, sensitive: false }
    }

    /// Digits of a gather.
    pub fn digits(digits: &str, sensitive: bool) -> Self {
        Self { sensitive, ..Self::text(digits) }
    }

    /// A web service's answer; its fields can be read when it is a JSON object or list.
    pub fn answer(body: &str) -> Self {
        let json = serde_json::from_str(body).ok().filter(|json: &Value| json.is_object() || json.is_array());
        Self { json, ..Self::text(body) }
    }
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} bytes)", self.text.len())
    }
}

/// A node's name for people: its own, or its id when it has none.
pub(super) fn node_title<'n>(name: &'n str, id: &'n NodeId) -> &'n str {
    if name.trim().is_empty() { &id.0 } else { name }
}

/// At most so many bytes of a text, cut between characters.
fn clipped(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// The variables every flow has.
pub const BUILTIN_NAMES: [&str; 3] = ["caller_phone", "caller_id", "call_id"];

/// What stands for a sensitive value.
pub const MASK: &str = "••••";

/// Variables of one call.
pub const VARIABLES_MAX: usize = 64;

/// Text kept of one variable; fields of a JSON answer are read from the whole of it.
pub const VARIABLE_BYTES_MAX: usize = 8 * 1024;

/// Digits pressed ahead, and digits of one gather.
pub const DIGITS_AHEAD_MAX: usize = 64;
