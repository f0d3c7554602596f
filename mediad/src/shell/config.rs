//! What mediad reads of `config.toml`: `[calling]`, `[media]` and how to log. Everything else is controld's.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use crate::leg::e_model::EModel;
use protocol::ClipName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::names::IceServer;
use crate::leg::relay::LoginKind;
use crate::leg::turn::Account;
use crate::wire::turn::ServerUrl;

/// Settings, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where prepared clips are.
    pub audio_dir: PathBuf,
    /// The organisation's hold music: read at the start, so that the first caller on hold does not wait for it.
    pub hold_music: Option<ClipName>,
    /// First and last UDP port.
    pub ports: (u16, u16),
    /// What peers are told instead of our own addresses.
    pub public_ip: Option<IpAddr>,
    /// The control socket.
    pub socket: PathBuf,
    /// Where recordings are written.
    pub spool_dir: PathBuf,
    /// Where `/livez`, `/readyz` and `/metrics` are.
    pub admin_listen: Option<SocketAddr>,
    /// The one local IPv4 address to bind and to offer; nothing: all of them.
    pub media_ip: Option<IpAddr>,
    /// The one local IPv6 address to bind and to offer.
    pub media_ip6: Ipv6,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// All media goes through a TURN server, unless a command says otherwise.
    pub relay_only: bool,
    /// Certificates that TURN servers may have beside those the system trusts, PEM.
    pub turn_ca: Option<PathBuf>,
    /// Legs open at once.
    pub legs_max: usize,
    /// How long legs in no bridge live without any client.
    pub orphan_after_secs: u64,
    /// How good a voice is said to sound.
    pub e_model: EModel,
    /// Filter of the log, as `RUST_LOG` has it.
    pub log: String,
    /// Log as JSON.
    pub log_json: bool,
}

/// What of IPv6 mediad uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipv6 {
    /// None: an IPv4 address was named and no IPv6 one.
    Off,
    /// Every address the machine has, if it has any.
    Any,
    /// This one.
    One(Ipv6Addr),
}

/// Why mediad does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// Its form.
    #[error("{0} is not valid TOML: {1}")]
    Toml(PathBuf, toml::de::Error),
    /// A section.
    #[error("[{0}] {1}")]
    Section(&'static str, String),
    /// A value.
    #[error("{0}: {1}")]
    Value(&'static str, String),
}

impl Config {
    /// Reads the file at `path` and lays `vars` (the environment) over it.
    ///
    /// # Errors
    /// One sentence that names the key.
    pub fn read(path: PathBuf, vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(&path).map_err(|why| ConfigError::Read(path.clone(), why))?;
        let table: Table = toml::from_str(&text).map_err(|why| ConfigError::Toml(path, why))?;
        Self::of(&protocol::overlay(table, vars))
    }

    fn of(table: &Table) -> Result<Self, ConfigError> {
        let calling: Calling = section(table, "calling")?;
        let media: Media = section(table, "media")?;
        let server: Log = section(table, "server")?;
        let e_model: EModelSection = section(table, "e_model")?;
        let (first, last) = (calling.udp_port_min, calling.udp_port_max);
        if first == 0 || last < first {
            let why = format!("{first} to {last} is no range of ports");
            return Err(ConfigError::Value("calling.udp_port_min and udp_port_max", why));
        }
        if media.legs_max == 0 {
            return Err(ConfigError::Value("media.legs_max", "must be 1 at least".to_owned()));
        }
        let public_ip = parse("calling.public_ip", &calling.public_ip)?;
        let media_ip = parse("media.media_ip", &media.media_ip)?;
        for (key, ip) in [("calling.public_ip", public_ip), ("media.media_ip", media_ip)] {
            if ip.is_some_and(|ip: IpAddr| ip.is_ipv6() || ip.is_unspecified()) {
                return Err(ConfigError::Value(key, "must be an IPv4 address peers can send to".to_owned()));
            }
        }
        let media_ip6 = match parse("media.media_ip6", &media.media_ip6)? {
            Some(Ipv6Addr::UNSPECIFIED) => Ipv6::Any,
            Some(ip) => Ipv6::One(ip),
            None if media_ip.is_none() => Ipv6::Any,
            None => Ipv6::Off,
        };
        Ok(Self {
            audio_dir: calling.audio_dir.into(),
            hold_music: ClipName::new(calling.hold_music_file).ok(),
            ports: (first, last),
            public_ip,
            socket: media.socket.into(),
            spool_dir: media.spool_dir.into(),
            admin_listen: parse("media.admin_listen", &media.admin_listen)?,
            media_ip,
            media_ip6,
            ice_servers: calling.ice_servers.into_iter().map(ice_server).collect::<Result<_, _>>()?,
            relay_only: calling.relay_only,
            turn_ca: Some(PathBuf::from(media.turn_ca)).filter(|file| !file.as_os_str().is_empty()),
            legs_max: media.legs_max,
            orphan_after_secs: media.orphan_after_secs,
            e_model: e_model.checked()?,
            log: server.log,
            log_json: server.log_format == "json",
        })
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Calling {
    audio_dir: String,
    hold_music_file: String,
    udp_port_min: u16,
    udp_port_max: u16,
    public_ip: String,
    relay_only: bool,
    ice_servers: Vec<Server>,
}

/// One `[[calling.ice_servers]]`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Server {
    urls: Vec<String>,
    username: String,
    credential: String,
    secret: String,
    credential_ttl: u32,
}

impl Default for Calling {
    fn default() -> Self {
        Self {
            audio_dir: "./audio".into(),
            hold_music_file: "hold-music.ogg".into(),
            udp_port_min: 10_000,
            udp_port_max: 10_100,
            public_ip: String::new(),
            relay_only: false,
            ice_servers: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Media {
    socket: String,
    spool_dir: String,
    admin_listen: String,
    media_ip: String,
    media_ip6: String,
    turn_ca: String,
    legs_max: usize,
    orphan_after_secs: u64,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            socket: "var/mediad.sock".into(),
            spool_dir: "var/spool".into(),
            admin_listen: "127.0.0.1:9090".into(),
            media_ip: String::new(),
            media_ip6: String::new(),
            turn_ca: String::new(),
            legs_max: 4000,
            orphan_after_secs: 300,
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Log {
    log: String,
    log_format: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { log: "info".into(), log_format: "text".into() }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct EModelSection {
    ro: f32,
    is: f32,
    a: f32,
    ie: f32,
    bpl: f32,
    burst_r: f32,
    ends_ms: f32,
}

impl Default for EModelSection {
    fn default() -> Self {
        let EModel { ro, is, a, ie, bpl, burst_r, ends_ms } = EModel::default();
        Self { ro, is, a, ie, bpl, burst_r, ends_ms }
    }
}

impl EModelSection {
    fn checked(self) -> Result<EModel, ConfigError> {
        let Self { ro, is, a, ie, bpl, burst_r, ends_ms } = self;
        for (key, value) in [("e_model.bpl", bpl), ("e_model.burst_r", burst_r)] {
            if value <= 0.0 {
                return Err(ConfigError::Value(key, "must be above 0".to_owned()));
            }
        }
        Ok(EModel { ro, is, a, ie, bpl, burst_r, ends_ms })
    }
}

fn ice_server(server: Server) -> Result<IceServer, ConfigError> {
    let refused = |why: crate::wire::turn::BadUrl| ConfigError::Value("calling.ice_servers.urls", why.to_string());
    let urls = server.urls.iter().map(|url| ServerUrl::parse(url)).collect::<Result<_, _>>().map_err(refused)?;
    let login = match server.secret.is_empty() {
        true => LoginKind::Fixed(Account { username: server.username, password: server.credential }),
        false => LoginKind::Shared {
            secret: server.secret.into(),
            ttl_secs: if server.credential_ttl == 0 { CREDENTIAL_TTL_SECS } else { server.credential_ttl },
        },
    };
    Ok(IceServer { urls, login })
}

fn section<T: DeserializeOwned + Default>(table: &Table, name: &'static str) -> Result<T, ConfigError> {
    match table.get(name).cloned() {
        None => Ok(T::default()),
        Some(Value::Table(section)) => {
            section.try_into().map_err(|why| ConfigError::Section(name, why.message().to_owned()))
        }
        Some(_) => Err(ConfigError::Section(name, "is not a section".to_owned())),
    }
}

fn parse<T: std::str::FromStr>(key: &'static str, text: &str) -> Result<Option<T>, ConfigError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| ConfigError::Value(key, format!("`{text}` is no address")))
}

/// How long a login lives that is made from a shared secret, unless the file says otherwise.
const CREDENTIAL_TTL_SECS: u32 = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Config, ConfigError> {
        Config::of(&toml::from_str(text).unwrap())
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let config = of("[storage]\ns3_bucket = 'ours to ignore'").unwrap();
        assert_eq!(config.ports, (10_000, 10_100));
        assert_eq!(config.admin_listen, Some("127.0.0.1:9090".parse().unwrap()));
        assert_eq!((config.media_ip, config.legs_max, config.orphan_after_secs), (None, 4000, 300));
    }

    #[test]
    fn a_wrong_value_is_one_sentence_that_names_the_key() {
        let why = |text: &str| of(text).unwrap_err().to_string();
        assert!(why("[calling]\nudp_port_min = 9\nudp_port_max = 8").contains("udp_port_min"));
        assert!(why("[calling]\nudp_port_max = 70000").contains("[calling]"));
        assert!(why("[media]\nmedia_ip = 'here'").contains("media.media_ip"));
        assert!(why("[calling]\npublic_ip = '::1'").contains("calling.public_ip"));
        assert!(why("media = 3").contains("[media]"));
        assert!(why("[e_model]\nbpl = 0.0").contains("e_model.bpl"));
        assert!(why("[media]\nmedia_ip6 = '127.0.0.1'").contains("media.media_ip6"));
    }

    #[test]
    fn servers_have_a_login_or_a_secret() {
        let config =
            of("[calling]\nrelay_only = true\n[[calling.ice_servers]]\nurls = ['turn:t.example']\nsecret = 's'\n\
             [[calling.ice_servers]]\nurls = ['stun:192.0.2.1']\nusername = 'u'\ncredential = 'p'")
            .unwrap();
        assert!(config.relay_only);
        assert_eq!(config.ice_servers[0].login, LoginKind::Shared { secret: "s".into(), ttl_secs: 600 });
        let account = Account { username: "u".into(), password: "p".into() };
        assert_eq!(config.ice_servers[1].login, LoginKind::Fixed(account));
        let wrong = of("[[calling.ice_servers]]\nurls = ['http://x']").unwrap_err().to_string();
        assert!(wrong.contains("calling.ice_servers"), "{wrong}");
    }

    #[test]
    fn ipv6_goes_with_ipv4_unless_one_address_is_named() {
        let ip6 = |text: &str| of(text).unwrap().media_ip6;
        assert_eq!(ip6(""), Ipv6::Any);
        assert_eq!(ip6("[media]\nmedia_ip = '127.0.0.1'"), Ipv6::Off);
        assert_eq!(ip6("[media]\nmedia_ip = '127.0.0.1'\nmedia_ip6 = '::'"), Ipv6::Any);
        assert_eq!(ip6("[media]\nmedia_ip6 = '::1'"), Ipv6::One(Ipv6Addr::LOCALHOST));
    }
}
