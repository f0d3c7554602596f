//! `config.toml`: every key, its default, its one-line meaning, and what can be wrong with it.

mod faults;
pub mod network;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::model::Secret;

/// One key as people see it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it does, one line.
    pub doc: &'static str,
}

macro_rules! sections {
    ($($(#[doc = $about:literal])* $field:ident: $type:ident {
        $($(#[doc = $doc:literal])* $key:ident: $kind:ty = $default:expr,)*
    })*) => {
        $(
            $(#[doc = $about])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(default)]
            pub struct $type { $($(#[doc = $doc])* pub $key: $kind,)* }

            impl Default for $type {
                fn default() -> Self {
                    Self { $($key: $default,)* }
                }
            }
        )*

        /// Everything that can be set.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Config { $($(#[doc = $about])* pub $field: $type,)* }

        /// Sections with their meaning and their keys, in the order of the example file.
        pub const SECTIONS: &[(&str, &str, &[Key])] = &[$((
            stringify!($field),
            concat!($($about),*),
            &[$(Key { name: stringify!($key), doc: concat!($($doc),*) },)*],
        ),)*];
    };
}

sections! {
    /// Where people and Meta reach controld.
    server: Server {
        /// Address and port of the web app, the API and the webhooks.
        listen: String = "127.0.0.1:8080".into(),
        /// The same place as people and Meta see it; its origin is the only one whose pages may use the API.
        public_url: String = "http://127.0.0.1:8080".into(),
        /// Certificate chain, PEM; empty: plain HTTP, for use behind a proxy that ends TLS.
        tls_cert: String = String::new(),
        /// Private key of the certificate, PEM.
        tls_key: String = String::new(),
        /// Proxies whose X-Forwarded-For is believed when attempts to sign in are counted: addresses or networks, such as "10.0.0.0/8".
        trusted_proxies: Vec<String> = Vec::new(),
        /// What a machine says to read /metrics, as "Authorization: Bearer …"; empty: only admins may, and this machine while public_url is on it.
        metrics_key: Secret = Secret::default(),
        /// Fill an empty database with the demo organisation and put its sounds into audio_dir.
        demo: bool = false,
        /// What is logged: error, warn, info, debug, or a filter such as "info,controld=debug".
        log: String = "info".into(),
        /// "text" for people, "json" for machines.
        log_format: String = "text".into(),
    }
    /// Where the rows are.
    database: Database {
        /// A SQLite file, created with its folder, or a PostgreSQL database: postgres://user:password@host/name.
        url: String = "sqlite://var/patchbay.db".into(),
        /// File with the key that seals tokens and app secrets; made if missing. Empty: beside the SQLite file. Keep a copy elsewhere.
        key_file: String = String::new(),
    }
    /// The way out to WhatsApp.
    whatsapp: WhatsApp {
        /// Meta's Graph API with its version.
        graph_url: String = "https://graph.facebook.com/v23.0".into(),
    }
    /// mediad, and the files it shares with controld.
    media: Media {
        /// The Unix socket on which mediad takes commands.
        socket: String = "var/mediad.sock".into(),
        /// Where mediad writes recordings while a call runs.
        spool_dir: String = "var/spool".into(),
        /// Where finished recordings are kept.
        recordings_dir: String = "var/recordings".into(),
        /// The program to start when nobody answers on the socket; empty: the mediad beside controld itself.
        mediad_binary: String = String::new(),
        /// Address and port of mediad's health and metrics pages.
        admin_listen: String = "127.0.0.1:9090".into(),
        /// The local IPv4 address to bind and to offer; empty: every local address.
        media_ip: String = String::new(),
        /// The local IPv6 address to bind and to offer; "::": every one; empty: as media_ip is, every one or none.
        media_ip6: String = String::new(),
        /// Certificates that TURN servers may have beside those the system trusts, a PEM file; empty: none.
        turn_ca: String = String::new(),
        /// Legs mediad carries at once before it refuses politely.
        legs_max: u32 = 4000,
        /// Seconds after which a leg outside any bridge ends when controld stays away.
        orphan_after_secs: u32 = 300,
    }
    /// How good a voice is said to sound: the E-model of ITU-T G.107, by its own names.
    e_model: EModel {
        /// Ro, the signal against the noise.
        ro: f64 = 94.77,
        /// Is, what happens together with the voice.
        is: f64 = 1.41,
        /// A, what the convenience of a call without wires is worth.
        a: f64 = 0.0,
        /// Ie, what Opus costs without loss; G.113 has no figure, this one is assumed.
        ie: f64 = 0.0,
        /// Bpl, how well Opus bears loss; G.113 has no figure, this one is assumed.
        bpl: f64 = 20.0,
        /// BurstR, 1 for losses that know nothing of each other, more for bursts.
        burst_r: f64 = 1.0,
        /// Part of Ta in milliseconds: codec, packets and the listener's jitter buffer, one way.
        ends_ms: f64 = 66.5,
    }
    /// Calls, their sounds and their ports.
    calling: Calling {
        /// Folder of the prepared sounds.
        audio_dir: String = "./audio".into(),
        /// Hold music, relative to audio_dir; an organisation may choose its own.
        hold_music_file: String = "hold-music.ogg".into(),
        /// What an agent hears while an outgoing call rings, relative to audio_dir.
        ringback_file: String = "ringback.ogg".into(),
        /// Longest call, in seconds.
        max_call_duration: u32 = 3600,
        /// Seconds a caller waits for an agent before "nobody is free".
        transfer_timeout_secs: u32 = 120,
        /// Record the conversation of caller and agent.
        recording_enabled: bool = false,
        /// First UDP port for media.
        udp_port_min: u16 = 10000,
        /// Last UDP port for media.
        udp_port_max: u16 = 10100,
        /// The address to offer when this machine is behind NAT (required on most clouds).
        public_ip: String = String::new(),
        /// Send all media through the TURN servers.
        relay_only: bool = false,
        /// STUN and TURN servers, each its own [[calling.ice_servers]].
        ice_servers: Vec<IceServer> = Vec::new(),
    }
    /// What the web requests of flows may reach.
    callbacks: CallbackRules {
        /// Hosts on your own premises that flows may ask although they are not public: "crm.internal", "10.0.0.5:8080".
        hosts: Vec<String> = Vec::new(),
        /// Ports that flows may ask beside 80 and 443.
        ports: Vec<u16> = Vec::new(),
    }
    /// Object storage for recordings.
    storage: Storage {
        /// Bucket; empty: recordings stay in recordings_dir.
        s3_bucket: String = String::new(),
        /// Region of the bucket.
        s3_region: String = String::new(),
        /// Access key.
        s3_key: Secret = Secret::default(),
        /// Secret key.
        s3_secret: Secret = Secret::default(),
        /// Base address of an S3-compatible store that is not Amazon's.
        s3_endpoint: String = String::new(),
    }
    /// Speech for prompts that are typed.
    tts: Tts {
        /// The Piper program; empty: prompts are uploaded only.
        piper_binary: String = String::new(),
        /// Piper's voice, an .onnx file with its .onnx.json beside it.
        piper_model: String = String::new(),
        /// Accepted for old files and unused: encoding is libopus inside the program.
        opusenc_binary: String = "opusenc".into(),
    }
}

/// A STUN or TURN server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port`.
    pub urls: Vec<String>,
    /// For TURN with a fixed login.
    pub username: String,
    /// For TURN with a fixed login.
    pub credential: Secret,
    /// Shared secret for time-limited TURN logins, instead of a fixed one.
    pub secret: Secret,
    /// Seconds such a login lives; 0: 600.
    pub credential_ttl: u32,
}

impl Config {
    /// Reads `path` and lays the environment over it. Without a path, `config.toml` is read if it is there.
    pub fn load(path: Option<&Path>, vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let (file, must_exist) = (path.unwrap_or(Path::new("config.toml")), path.is_some());
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => String::new(),
            Err(error) => return Err(ConfigError::Unreadable(file.to_owned(), error)),
        };
        Self::read(&text, vars)
    }

    /// Reads the text of a file and lays `vars` over it.
    pub fn read(text: &str, vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let table: Table = toml::from_str(text).map_err(|e| ConfigError::NotToml(e.to_string()))?;
        let table = protocol::overlay(table, vars);
        refuse_unknown(&table)?;
        Value::Table(table).try_into().map_err(|e: toml::de::Error| ConfigError::BadValue(one_line(&e.to_string())))
    }

    /// Where the key of the secrets lies.
    pub fn key_file(&self) -> PathBuf {
        if !self.database.key_file.is_empty() {
            return PathBuf::from(&self.database.key_file);
        }
        let path =
            self.database.url.strip_prefix("sqlite:").map_or("var/patchbay", |rest| rest.trim_start_matches("//"));
        PathBuf::from(format!("{}.key", path.split('?').next().unwrap_or(path)))
    }

    /// The mediad to start: as configured, or the one beside our own executable.
    pub fn mediad_binary(&self) -> PathBuf {
        if !self.media.mediad_binary.is_empty() {
            return PathBuf::from(&self.media.mediad_binary);
        }
        let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|folder| folder.join("mediad")));
        beside.unwrap_or_else(|| PathBuf::from("mediad"))
    }

    /// The browser's cookie and HSTS rules: people reach us over TLS.
    pub fn is_tls(&self) -> bool {
        self.server.public_url.starts_with("https://")
    }

    /// Calls the port range can carry towards one relay address: a port serves one leg per next hop.
    pub fn ports(&self) -> u32 {
        (u32::from(self.calling.udp_port_max) + 1).saturating_sub(u32::from(self.calling.udp_port_min))
    }
}

/// The text of `config.example.toml`: every key with its default and its meaning.
pub fn example() -> String {
    let defaults = Table::try_from(Config::default()).unwrap_or_default();
    let mut text = String::from(EXAMPLE_HEAD);
    for (section, about, keys) in SECTIONS {
        text.push_str(&format!("\n#{about}\n[{section}]\n"));
        for key in keys.iter().filter(|key| key.name != "ice_servers") {
            let value =
                defaults.get(*section).and_then(|s| s.get(key.name)).map(ToString::to_string).unwrap_or_default();
            text.push_str(&format!("#{}\n{} = {value}\n", key.doc, key.name));
        }
        if *section == "calling" {
            text.push_str(EXAMPLE_ICE);
        }
    }
    text
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file is not TOML.
    #[error("the configuration is not TOML: {0}")]
    NotToml(String),
    /// A key nobody knows.
    #[error("{0}")]
    Unknown(String),
    /// A value of the wrong kind.
    #[error("a value does not fit: {0}")]
    BadValue(String),
}

fn refuse_unknown(table: &Table) -> Result<(), ConfigError> {
    for (name, value) in table {
        let Some((_, _, keys)) = SECTIONS.iter().find(|(section, ..)| section == name) else {
            return Err(unknown_section(name));
        };
        let Value::Table(section) = value else {
            return Err(ConfigError::Unknown(format!("{name} is a section: write [{name}] and its keys below")));
        };
        if let Some(key) = section.keys().find(|key| !keys.iter().any(|known| known.name == key.as_str())) {
            return Err(unknown_key(name, key));
        }
        let servers = section.get("ice_servers").and_then(Value::as_array).into_iter().flatten();
        for key in servers.filter_map(Value::as_table).flat_map(Table::keys) {
            if !ICE_KEYS.contains(&key.as_str()) {
                let near = nearest(key, ICE_KEYS.iter().copied()).unwrap_or("urls");
                let said = format!("[[calling.ice_servers]] has no key {key:?}; did you mean {near:?}?");
                return Err(ConfigError::Unknown(said));
            }
        }
    }
    Ok(())
}

fn unknown_section(name: &str) -> ConfigError {
    if let Some((section, ..)) = SECTIONS.iter().find(|(_, _, keys)| keys.iter().any(|key| key.name == name)) {
        return ConfigError::Unknown(format!("{name} stands outside a section; it belongs in [{section}]"));
    }
    let near = nearest(name, SECTIONS.iter().map(|(section, ..)| *section)).unwrap_or("server");
    ConfigError::Unknown(format!("there is no section [{name}]; did you mean [{near}]?"))
}

/// The same key in another section is nearer than any other spelling; then the own section's keys, then all.
fn unknown_key(section: &str, key: &str) -> ConfigError {
    let all = || SECTIONS.iter().flat_map(|(section, _, keys)| keys.iter().map(move |key| (*section, key.name)));
    let own = all().filter(|(s, _)| *s == section).map(|(_, k)| k);
    let near_own = nearest(key, own).unwrap_or_default();
    let near_all = nearest(key, all().map(|(_, k)| k)).unwrap_or_default();
    let near = if strsim::jaro_winkler(key, near_own) >= OWN_SECTION_ENOUGH { near_own } else { near_all };
    let home = all().find(|(s, k)| *k == near && (near != near_own || *s == section)).map_or(section, |(s, _)| s);
    ConfigError::Unknown(format!("[{section}] has no key {key:?}; did you mean {near:?} in [{home}]?"))
}

fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.max_by(|a, b| strsim::jaro_winkler(word, a).total_cmp(&strsim::jaro_winkler(word, b)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const OWN_SECTION_ENOUGH: f64 = 0.85;
const ICE_KEYS: [&str; 5] = ["urls", "username", "credential", "secret", "credential_ttl"];
const EXAMPLE_HEAD: &str = "\
# Every setting of Patchbay with its default. Copy it to config.toml and keep the lines you change.
# An environment variable wins over the file: PATCHBAY_CALLING__UDP_PORT_MAX=10200 sets udp_port_max in [calling].
# `controld check-config` says what is wrong before anything starts.
";
const EXAMPLE_ICE: &str = "\
# STUN and TURN servers, each its own section; none by default.
# [[calling.ice_servers]]
# urls = [\"stun:stun.example.net:3478\"]
# [[calling.ice_servers]]
# urls = [\"turn:turn.example.net:3478\"]
# A fixed login:
# username = \"\"
# credential = \"\"
# Or a secret shared with the TURN server, for logins that live credential_ttl seconds (0: 600):
# secret = \"\"
# credential_ttl = 0
";

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Config::read(text, []).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one_and_its_section() {
        assert_eq!(
            refused("[calling]\nudp_prt_max = 1"),
            "[calling] has no key \"udp_prt_max\"; did you mean \"udp_port_max\" in [calling]?"
        );
        assert_eq!(
            refused("[calling]\nspool_dir = 'x'"),
            "[calling] has no key \"spool_dir\"; did you mean \"spool_dir\" in [media]?"
        );
        assert_eq!(refused("[callling]\n"), "there is no section [callling]; did you mean [calling]?");
        assert_eq!(refused("audio_dir = 'x'"), "audio_dir stands outside a section; it belongs in [calling]");
        assert_eq!(
            refused("[[calling.ice_servers]]\nurl = 'x'"),
            "[[calling.ice_servers]] has no key \"url\"; did you mean \"urls\"?"
        );
    }

    #[test]
    fn a_misspelt_variable_is_refused_like_a_misspelt_key() {
        let vars = [("PATCHBAY_SERVER__LISTN".to_owned(), "x".to_owned())];
        assert!(Config::read("", vars).err().unwrap().to_string().contains("\"listen\" in [server]"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named() {
        assert!(refused("[calling]\nudp_port_min = 'many'").contains("udp_port_min"));
    }

    #[test]
    fn the_example_holds_every_default_and_nothing_else() {
        assert_eq!(Config::read(&example(), []).ok().unwrap(), Config::default());
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config.example.toml");
        if std::env::var_os("PATCHBAY_WRITE_EXAMPLE").is_some() {
            std::fs::write(&file, example()).unwrap();
        }
        let there = std::fs::read_to_string(file).unwrap();
        assert_eq!(there, example(), "run the test with PATCHBAY_WRITE_EXAMPLE=1 and commit the file");
    }

    #[test]
    fn a_secret_is_not_printed() {
        let mut config = Config::default();
        config.storage.s3_secret = Secret("hunter2".into());
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
