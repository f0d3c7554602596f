//! A flow: nodes, the exits between them, and the published flows a live call may walk through.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::node::{Node, NodeId, Prompt};
use crate::model::FlowId;

/// An IVR flow as the editor draws it and the API gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Flow {
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// The node a call begins at; empty while the flow is drawn.
    #[serde(default = "nowhere")]
    pub entry: NodeId,
    /// The boxes.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// The arrows; at most one leaves a node on one occasion.
    #[serde(default)]
    pub exits: Vec<Exit>,
}

impl Flow {
    /// The node of that name.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == *id)
    }

    /// Where an exit leads, if it is connected.
    pub fn exit(&self, from: &NodeId, on: On) -> Option<&NodeId> {
        self.exits.iter().find(|exit| exit.from == *from && exit.on == on).map(|exit| &exit.to)
    }

    /// What prompts say that have words and no clip.
    pub fn unspoken(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| node.kind.prompt()).filter_map(Prompt::unspoken)
    }

    /// Gives prompts that have words and no clip the clip that says them, where there is one. `spoken`: paths by words,
    /// gaps as single spaces.
    pub fn speak(&mut self, spoken: &BTreeMap<String, String>) {
        for prompt in self.nodes.iter_mut().filter_map(|node| node.kind.prompt_mut()) {
            let clip = prompt.unspoken().map(one_line).and_then(|words| spoken.get(&words).cloned());
            if clip.is_some() {
                prompt.clip = clip;
            }
        }
    }
}

/// An arrow from one node to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exit {
    /// The node it leaves.
    pub from: NodeId,
    /// On which occasion.
    pub on: On,
    /// The node it leads to.
    pub to: NodeId,
}

/// The occasion on which an exit is taken. In JSON: `default`, `digit:1`, `timeout`, `max_retries`, `http_error`,
/// `in_hours`, `out_of_hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum On {
    /// Nothing special.
    Default,
    /// The caller pressed this digit.
    Digit(char),
    /// The caller pressed nothing.
    Timeout,
    /// The retries are used up.
    MaxRetries,
    /// The web service did not answer with a 2xx.
    HttpError,
    /// Open.
    InHours,
    /// Closed.
    OutOfHours,
}

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Digit(digit) => write!(f, "digit:{digit}"),
            Self::Timeout => f.write_str("timeout"),
            Self::MaxRetries => f.write_str("max_retries"),
            Self::HttpError => f.write_str("http_error"),
            Self::InHours => f.write_str("in_hours"),
            Self::OutOfHours => f.write_str("out_of_hours"),
        }
    }
}

impl std::str::FromStr for On {
    type Err = UnknownOn;

    fn from_str(text: &str) -> Result<Self, UnknownOn> {
        if let Some(rest) = text.strip_prefix("digit:") {
            let mut digits = rest.chars();
            return match (digits.next(), digits.next()) {
                (Some(digit), None) if is_digit(digit) => Ok(Self::Digit(digit)),
                _ => Err(UnknownOn(text.to_owned())),
            };
        }
        let named = [Self::Default, Self::Timeout, Self::MaxRetries, Self::HttpError, Self::InHours, Self::OutOfHours];
        named.into_iter().find(|on| on.to_string() == text).ok_or_else(|| UnknownOn(text.to_owned()))
    }
}

/// No exit is called that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no exit is called \"{0}\"")]
pub struct UnknownOn(pub String);

impl Serialize for On {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for On {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("The occasion on which an exit is taken."))
            .pattern(Some("^(default|digit:[0-9*#]|timeout|max_retries|http_error|in_hours|out_of_hours)$"))
            .into()
    }
}

impl ToSchema for On {}

/// One immutable, published version of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Which flow.
    pub id: FlowId,
    /// Which version, from 1.
    pub version: i64,
    /// Its body.
    pub flow: Flow,
}

/// The published flows of one organisation: every version a live call stands in, and which version a jump leads to.
#[derive(Debug, Clone, Default)]
pub struct Flows {
    kept: BTreeMap<(FlowId, i64), Arc<Published>>,
    current: BTreeMap<FlowId, i64>,
    house: HousePrompts,
}

impl Flows {
    /// None yet.
    pub fn new(house: HousePrompts) -> Self {
        Self { house, ..Self::default() }
    }

    /// Adds a version and makes it the one that new calls and jumps get.
    pub fn publish(&mut self, flow: Arc<Published>) {
        self.current.insert(flow.id.clone(), flow.version);
        self.keep(flow);
    }

    /// Adds a version for the calls that began on it; jumps do not lead there.
    pub fn keep(&mut self, flow: Arc<Published>) {
        self.kept.insert((flow.id.clone(), flow.version), flow);
    }

    /// That version.
    pub fn version(&self, id: &FlowId, version: i64) -> Option<&Arc<Published>> {
        self.kept.get(&(id.clone(), version))
    }

    /// The version that new calls and jumps get.
    pub fn current(&self, id: &FlowId) -> Option<&Arc<Published>> {
        self.version(id, *self.current.get(id)?)
    }

    /// Every flow's current version.
    pub fn all_current(&self) -> impl Iterator<Item = &Arc<Published>> {
        self.current.iter().filter_map(|(id, version)| self.version(id, *version))
    }

    /// What the house says when a flow cannot.
    pub fn house(&self) -> &HousePrompts {
        &self.house
    }
}

/// What the house says when a flow cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HousePrompts {
    /// Before the call is ended for a fault of ours.
    pub apology: Prompt,
}

impl Default for HousePrompts {
    fn default() -> Self {
        Self { apology: Prompt::clip(APOLOGY_CLIP) }
    }
}

/// A key of a telephone that a menu can offer.
pub fn is_digit(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#')
}

/// Words as one line, each gap one space.
fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn nowhere() -> NodeId {
    NodeId(String::new())
}

/// The shipped apology, below `audio_dir`.
pub const APOLOGY_CLIP: &str = "demo/apology.ogg";
