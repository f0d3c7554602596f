//! A flow's JSON, read strictly: limits first, then the shape; an unknown field is named with the nearest known one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::flow::{Exit, Flow, is_digit};
use super::node::{Kind, Node};
use super::place::DIGITS_AHEAD_MAX;

/// Reads a flow, drawn to the end or not: what only a published flow must have is `lint`'s to say.
///
/// # Errors
/// It is too big, not JSON, not a flow's shape, or has exits where none may be.
pub fn parse(text: &str) -> Result<Flow, BadFlow> {
    if text.len() > FLOW_BYTES_MAX {
        return Err(BadFlow::TooBig(text.len()));
    }
    parse_value(serde_json::from_str(text).map_err(|why| BadFlow::Json(why.to_string()))?)
}

/// The same from JSON already read; its size must have been bounded.
///
/// # Errors
/// As `parse`.
pub fn parse_value(value: Value) -> Result<Flow, BadFlow> {
    let mut top = object(value, "the flow")?;
    known(&top, &FLOW_FIELDS, "the flow")?;
    let nodes = list(top.remove("nodes"), "nodes")?;
    let exits = list(top.remove("exits"), "exits")?;
    if nodes.len() > NODES_MAX {
        return Err(BadFlow::TooMany { what: "nodes", are: nodes.len(), may: NODES_MAX });
    }
    if exits.len() > EXITS_MAX {
        return Err(BadFlow::TooMany { what: "exits", are: exits.len(), may: EXITS_MAX });
    }
    let mut flow: Flow = read(Value::Object(top), "the flow")?;
    flow.nodes = nodes.into_iter().map(node).collect::<Result<_, _>>()?;
    flow.exits = exits.into_iter().map(exit).collect::<Result<_, _>>()?;
    short(&flow.name, NAME_BYTES_MAX, "the flow's name")?;
    hold_together(&flow)?;
    Ok(flow)
}

/// The flow as text, the same for the same flow: what is stored, exported and compared.
pub fn to_text(flow: &Flow) -> String {
    // Strings, numbers and lists; nothing in a flow can fail to become JSON.
    serde_json::to_string_pretty(flow).unwrap_or_default()
}

/// The published JSON Schema of a flow.
pub fn json_schema() -> Value {
    let mut named = Vec::new();
    Flow::schemas(&mut named);
    let definitions: Map<String, Value> =
        named.into_iter().filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?))).collect();
    let flow: utoipa::openapi::RefOr<Schema> = Flow::schema();
    let mut schema = serde_json::to_value(flow).unwrap_or_default();
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("$schema".to_owned(), Value::from("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("$defs".to_owned(), Value::Object(definitions));
    }
    refer_within(schema)
}

/// Why a text is no flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFlow {
    /// Beyond the limit.
    #[error("the flow has {0} bytes; {FLOW_BYTES_MAX} are allowed")]
    TooBig(usize),
    /// Not JSON.
    #[error("the flow is not JSON: {0}")]
    Json(String),
    /// A field that nothing reads.
    #[error("{at} has no field \"{field}\"; the nearest is \"{nearest}\"")]
    UnknownField {
        /// Whose.
        at: String,
        /// As written.
        field: String,
        /// What it may have meant.
        nearest: String,
    },
    /// A field of the wrong shape, or missing.
    #[error("{at}: {why}")]
    Shape {
        /// Whose.
        at: String,
        /// What.
        why: String,
    },
    /// Too many.
    #[error("{are} {what}; {may} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        are: usize,
        /// The limit.
        may: usize,
    },
    /// Two nodes of one name.
    #[error("two nodes are called \"{0}\"")]
    SameNode(String),
    /// Two exits for one occasion.
    #[error("node \"{from}\" has two exits on {on}")]
    SameExit {
        /// From where.
        from: String,
        /// On what.
        on: String,
    },
    /// An exit from or to no node.
    #[error("an exit names node \"{0}\", which is not in the flow")]
    NoSuchNode(String),
    /// A terminal node with an exit.
    #[error("node \"{node}\" is a {kind}, which has no exits")]
    TerminalExit {
        /// Which.
        node: String,
        /// Its kind.
        kind: &'static str,
    },
}

fn node(value: Value) -> Result<Node, BadFlow> {
    let at = match value.get("id").and_then(Value::as_str) {
        Some(id) => format!("node \"{}\"", id.chars().take(80).collect::<String>()),
        None => "a node".to_owned(),
    };
    let fields = object(value, &at)?;
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Some((_, own)) = KIND_FIELDS.iter().find(|(name, _)| *name == kind) else {
        let names: Vec<&str> = KIND_FIELDS.iter().map(|(name, _)| *name).collect();
        let why = format!("no node is a \"{kind}\"; the nearest is \"{}\"", nearest(kind, &names));
        return Err(BadFlow::Shape { at, why });
    };
    let all: Vec<&str> = NODE_FIELDS.iter().chain(own.iter()).copied().collect();
    known(&fields, &all, &at)?;
    for (field, inner) in INNER_FIELDS {
        match fields.get(field) {
            Some(Value::Object(one)) => known(one, inner, &format!("{at}, {field}"))?,
            Some(Value::Array(many)) => {
                for one in many.iter().filter_map(Value::as_object) {
                    known(one, inner, &format!("{at}, {field}"))?;
                }
            }
            _ => {}
        }
    }
    let node: Node = read(Value::Object(fields), &at)?;
    within_limits(&node, &at)?;
    Ok(node)
}

fn exit(value: Value) -> Result<Exit, BadFlow> {
    let fields = object(value, "an exit")?;
    known(&fields, &EXIT_FIELDS, "an exit")?;
    read(Value::Object(fields), "an exit")
}

/// What the types alone do not hold.
fn within_limits(node: &Node, at: &str) -> Result<(), BadFlow> {
    short(&node.id.0, ID_BYTES_MAX, at)?;
    short(&node.name, NAME_BYTES_MAX, at)?;
    if node.id.0.is_empty() {
        return Err(shape(at, "a node's id is not empty"));
    }
    if let Some(prompt) = node.kind.prompt() {
        short(prompt.clip.as_deref().unwrap_or_default(), PATH_BYTES_MAX, at)?;
        short(prompt.text.as_deref().unwrap_or_default(), PROMPT_TEXT_BYTES_MAX, at)?;
    }
    match &node.kind {
        Kind::Menu(menu) => {
            between(menu.timeout_secs, 1, WAIT_SECS_MAX, "timeout_secs", at)?;
            between(menu.max_retries, 0, RETRIES_MAX, "max_retries", at)?;
            if menu.options.iter().any(|option| !is_digit(option.digit)) {
                return Err(shape(at, "a menu's digits are 0 to 9, * and #"));
            }
            menu.options.iter().try_for_each(|option| short(&option.label, NAME_BYTES_MAX, at))?;
            few(menu.options.len(), OPTIONS_MAX, "options of a menu")
        }
        Kind::Gather(gather) => {
            between(gather.timeout_secs, 1, WAIT_SECS_MAX, "timeout_secs", at)?;
            between(gather.max_retries, 0, RETRIES_MAX, "max_retries", at)?;
            between(gather.max_digits, 1, GATHER_DIGITS_MAX, "max_digits", at)?;
            if gather.terminator.is_some_and(|key| !is_digit(key)) {
                return Err(shape(at, "a terminator is 0 to 9, *, # or null"));
            }
            short(&gather.store_as, NAME_BYTES_MAX, at)
        }
        Kind::HttpCallback(callback) => {
            between(callback.timeout_secs, 1, CALLBACK_SECS_MAX, "timeout_secs", at)?;
            few(callback.headers.len(), HEADERS_MAX, "headers of a web request")?;
            for header in &callback.headers {
                short(&header.name, NAME_BYTES_MAX, at)?;
                short(&header.value, TEMPLATE_BYTES_MAX, at)?;
            }
            short(&callback.url, TEMPLATE_BYTES_MAX, at)?;
            short(&callback.body, BODY_TEMPLATE_BYTES_MAX, at)?;
            short(&callback.store_response_as, NAME_BYTES_MAX, at)
        }
        Kind::Timing(timing) => {
            short(&timing.timezone, NAME_BYTES_MAX, at)?;
            few(timing.days.len(), DAYS_MAX, "days of a week")
        }
        Kind::Transfer(transfer) => short(transfer.team.as_str(), ID_BYTES_MAX, at),
        Kind::GotoFlow(goto) => short(goto.flow.as_str(), ID_BYTES_MAX, at),
        Kind::Greeting(_) | Kind::Hangup(_) => Ok(()),
    }
}

/// Names are unique, arrows join nodes, terminal nodes have none.
fn hold_together(flow: &Flow) -> Result<(), BadFlow> {
    let mut seen = BTreeSet::new();
    for node in &flow.nodes {
        if !seen.insert(&node.id) {
            return Err(BadFlow::SameNode(node.id.0.clone()));
        }
    }
    let mut taken = BTreeSet::new();
    for exit in &flow.exits {
        for end in [&exit.from, &exit.to] {
            if !seen.contains(end) {
                return Err(BadFlow::NoSuchNode(end.0.clone()));
            }
        }
        if !taken.insert((&exit.from, exit.on)) {
            return Err(BadFlow::SameExit { from: exit.from.0.clone(), on: exit.on.to_string() });
        }
    }
    let terminal = flow.nodes.iter().find(|node| {
        node.kind.is_terminal()
            && taken.range((&node.id, super::flow::On::Default)..).any(|(from, _)| **from == node.id)
    });
    match terminal {
        Some(node) => Err(BadFlow::TerminalExit { node: node.id.0.clone(), kind: node.kind.name() }),
        None => Ok(()),
    }
}

fn object(value: Value, at: &str) -> Result<Map<String, Value>, BadFlow> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(shape(at, "an object is wanted")),
    }
}

fn list(value: Option<Value>, field: &str) -> Result<Vec<Value>, BadFlow> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(shape(field, "a list is wanted")),
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Value, at: &str) -> Result<T, BadFlow> {
    serde_json::from_value(value).map_err(|why| shape(at, &why.to_string()))
}

fn known(fields: &Map<String, Value>, names: &[&str], at: &str) -> Result<(), BadFlow> {
    let Some(field) = fields.keys().find(|field| !names.contains(&field.as_str())) else {
        return Ok(());
    };
    let field: String = field.chars().take(80).collect();
    let nearest = nearest(&field, names).to_owned();
    Err(BadFlow::UnknownField { at: at.to_owned(), field, nearest })
}

fn nearest<'n>(written: &str, names: &[&'n str]) -> &'n str {
    let likeness = |name: &&&str| (strsim::jaro_winkler(written, name) * 1e6) as u64;
    names.iter().max_by_key(likeness).copied().unwrap_or_default()
}

fn short(text: &str, bytes_max: usize, at: &str) -> Result<(), BadFlow> {
    if text.len() <= bytes_max {
        return Ok(());
    }
    Err(shape(at, &format!("a text of {} bytes; {bytes_max} are allowed", text.len())))
}

fn few(are: usize, may: usize, what: &'static str) -> Result<(), BadFlow> {
    if are <= may { Ok(()) } else { Err(BadFlow::TooMany { what, are, may }) }
}

fn between(value: u32, least: u32, most: u32, field: &str, at: &str) -> Result<(), BadFlow> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(shape(at, &format!("{field} is {value}; {least} to {most} are allowed")))
}

fn shape(at: &str, why: &str) -> BadFlow {
    BadFlow::Shape { at: at.to_owned(), why: why.to_owned() }
}

/// OpenAPI's references, turned into JSON Schema's own.
fn refer_within(schema: Value) -> Value {
    match schema {
        Value::String(text) => Value::String(text.replace("#/components/schemas/", "#/$defs/")),
        Value::Array(items) => Value::Array(items.into_iter().map(refer_within).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, refer_within(field))).collect())
        }
        other => other,
    }
}

const FLOW_FIELDS: [&str; 4] = ["name", "entry", "nodes", "exits"];
const EXIT_FIELDS: [&str; 3] = ["from", "on", "to"];
const NODE_FIELDS: [&str; 4] = ["id", "kind", "name", "at"];

/// What each kind has beside `NODE_FIELDS`; a test holds it to the types.
pub(super) const KIND_FIELDS: [(&str, &[&str]); 8] = [
    ("greeting", &["prompt", "interruptible"]),
    ("menu", &["prompt", "timeout_secs", "max_retries", "options"]),
    ("gather", &["prompt", "max_digits", "terminator", "store_as", "timeout_secs", "max_retries", "sensitive"]),
    ("http_callback", &["url", "method", "headers", "body", "timeout_secs", "store_response_as"]),
    ("transfer", &["team"]),
    ("goto_flow", &["flow"]),
    ("timing", &["timezone", "days"]),
    ("hangup", &["prompt"]),
];

const INNER_FIELDS: [(&str, &[&str]); 5] = [
    ("at", &["x", "y"]),
    ("prompt", &["clip", "text"]),
    ("options", &["digit", "label"]),
    ("headers", &["name", "value"]),
    ("days", &["day", "enabled", "start", "end"]),
];

/// A flow as text.
pub const FLOW_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Nodes of a flow.
pub const NODES_MAX: usize = 1_000;
/// Exits of a flow.
pub const EXITS_MAX: usize = 16 * NODES_MAX;
/// An id.
pub const ID_BYTES_MAX: usize = 64;
/// A name or label.
pub const NAME_BYTES_MAX: usize = 200;
/// A clip's path.
pub const PATH_BYTES_MAX: usize = 500;
/// What a prompt says.
pub const PROMPT_TEXT_BYTES_MAX: usize = 4_000;
/// Url and header templates.
pub const TEMPLATE_BYTES_MAX: usize = 2_000;
/// Body templates.
pub const BODY_TEMPLATE_BYTES_MAX: usize = 16 * 1024;
/// Digits a menu can offer.
pub const OPTIONS_MAX: usize = 12;
/// Headers of a web request.
pub const HEADERS_MAX: usize = 20;
/// Entries of a week.
pub const DAYS_MAX: usize = 7;
/// Silence a menu or gather may allow.
pub const WAIT_SECS_MAX: u32 = 120;
/// Retries of a menu or gather.
pub const RETRIES_MAX: u32 = 20;
/// Digits of one gather.
pub const GATHER_DIGITS_MAX: u32 = 64;
/// Time a web service may have.
pub const CALLBACK_SECS_MAX: u32 = 30;

// Every digit of a gather must fit where they are kept.
const _: () = assert!(GATHER_DIGITS_MAX as usize <= DIGITS_AHEAD_MAX);
