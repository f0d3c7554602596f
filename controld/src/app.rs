//! The parts of the house, wired once and handed to every request.

pub mod demo;
pub mod intake;
pub mod links;
pub mod logins;
pub mod passwords;
pub mod readiness;
pub mod searches;
pub mod seldom;
pub mod sounds;
pub mod speech;
pub mod surroundings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, broadcast};

use crate::config::Config;
use crate::config::network::Network;
use crate::desk::{Desk, DeskError, DeskParts, Rules, Sounds};
use crate::jobs;
use crate::jobs::archive::Archive;
use crate::model::counts::Counts;
use crate::model::{Millis, clock};
use crate::outside::interfaces;
use crate::outside::mediad::Whereabouts;
use crate::store::{Store, StoreError};
use intake::Intake;
use links::LinkKey;
use logins::Logins;
use passwords::Passwords;
use readiness::Readiness;
use searches::Searches;
use seldom::Seldom;

/// Every part, shared. Cloning shares.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the house is made of.
pub struct Parts {
    /// Every setting.
    pub config: Config,
    /// The rows.
    pub store: Store,
    /// Where live calls are run.
    pub desk: Desk,
    /// Hashes passwords, a few at once.
    pub passwords: Passwords,
    /// Who tried to sign in how often.
    pub logins: Mutex<Logins>,
    /// Room for webhooks on their way in.
    pub intake: Intake,
    /// Whether the database can be written, as last seen.
    pub readiness: Readiness,
    /// Sessions that have just ended by their own wish, as the store names them.
    pub signed_out: broadcast::Sender<String>,
    /// Who is searching the call log.
    pub searches: Searches,
    /// When a bad signature was last spoken of.
    pub bad_signature_said: Seldom,
    /// Proxies whose word about their clients is taken.
    pub proxies: Vec<Network>,
    /// Makes words into clips.
    pub speech: speech::Speech,
    /// Makes clips.
    pub sounds: sounds::Sounds,
    /// Lengths of shared sounds that have been read.
    pub lengths: Mutex<BTreeMap<String, u64>>,
    /// Signs links to recordings.
    pub links: LinkKey,
    /// What is counted for `/metrics`.
    pub counts: Arc<Counts>,
}

/// Why the parts could not be wired.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The store refused.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The desk did not start.
    #[error("{0}")]
    Desk(#[from] DeskError),
    /// A sound of the house has an impossible name.
    #[error("[calling] hold_music_file cannot be a sound: {0:?}")]
    Sounds(String),
}

impl App {
    /// Wires the parts around an open store, starts the desk and the jobs. `file` is the configuration file, for the
    /// mediad that may have to be started.
    pub async fn wire(
        config: Config,
        file: Option<PathBuf>,
        store: Store,
        passwords: Passwords,
    ) -> Result<Self, WireError> {
        let fresh: [u8; 32] = rand::random();
        let key = store.fact_or(LINK_KEY_FACT, &hex::encode(fresh)).await?;
        let logins = known_logins(&store).await?;
        let (counts, archive_bell) = (Arc::new(Counts::default()), Arc::new(Notify::new()));
        let desk = Desk::start(desk_parts(&config, file, &store, &archive_bell)?).await?;
        jobs::start(jobs::Parts {
            store: store.clone(),
            archive: Archive::at(&config, store.clone(), Arc::clone(&counts)),
            archive_bell,
        });
        Ok(Self(Arc::new(Parts {
            proxies: config.server.trusted_proxies.iter().filter_map(|entry| Network::read(entry)).collect(),
            config,
            store,
            desk,
            passwords,
            logins: Mutex::new(logins),
            intake: Intake::default(),
            readiness: Readiness::default(),
            signed_out: broadcast::Sender::new(SIGNED_OUT_KEPT),
            searches: Searches::default(),
            bad_signature_said: Seldom::default(),
            speech: speech::Speech::new(),
            sounds: sounds::Sounds::new(),
            lengths: Mutex::default(),
            links: LinkKey::new(key.into_bytes()),
            counts,
        })))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

fn desk_rules(config: &Config) -> Rules {
    Rules {
        transfer_timeout_ms: u64::from(config.calling.transfer_timeout_secs) * 1000,
        max_call_ms: u64::from(config.calling.max_call_duration) * 1000,
        recording: config.calling.recording_enabled,
        vouched_hosts: config.callbacks.hosts.clone(),
        callback_ports: config.callbacks.ports.clone(),
        own: own_addresses(config).into_iter().collect(),
        ..Rules::default()
    }
}

/// Where this machine can be reached, as configured and as its interfaces say.
fn own_addresses(config: &Config) -> BTreeSet<IpAddr> {
    let mut own = interfaces::own_addresses();
    own.extend(
        [&config.calling.public_ip, &config.media.media_ip].into_iter().filter_map(|ip| ip.parse::<IpAddr>().ok()),
    );
    own
}

/// A restart does not make strangers of those who have signed in before.
async fn known_logins(store: &Store) -> Result<Logins, StoreError> {
    let mut logins = Logins::default();
    for (email, address, at) in store.logins_since(clock::now().saturating_sub(KNOWN_MS)).await? {
        if let Ok(address) = address.parse() {
            logins.know(&email, address, at);
        }
    }
    Ok(logins)
}

fn desk_parts(
    config: &Config,
    file: Option<PathBuf>,
    store: &Store,
    archive_bell: &Arc<Notify>,
) -> Result<DeskParts, WireError> {
    let music = &config.calling.hold_music_file;
    // A mediad that is not there cannot be started; one may be started by hand, and is found on its socket.
    let binary = Some(config.mediad_binary()).filter(|binary| binary.is_file());
    let rules = desk_rules(config);
    Ok(DeskParts {
        store: store.for_desk(),
        mediad: Whereabouts { socket: PathBuf::from(&config.media.socket), binary, config: file },
        graph_url: config.whatsapp.graph_url.clone(),
        sounds: Sounds::with_music(music).ok_or_else(|| WireError::Sounds(music.clone()))?,
        rules,
        archive_bell: Arc::clone(archive_bell),
    })
}

/// Thirty days.
const KNOWN_MS: Millis = 30 * 24 * 60 * 60 * 1000;
const SIGNED_OUT_KEPT: usize = 256;
const LINK_KEY_FACT: &str = "links.key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_have_no_business_at_any_address_of_this_machine() {
        let mut config = Config::default();
        config.calling.public_ip = "203.0.113.9".into();
        let rules = desk_rules(&config);
        assert!(rules.own.contains(&"203.0.113.9".parse().unwrap()));
        for address in interfaces::own_addresses() {
            assert!(rules.own.contains(&address), "{address}");
        }
    }
}
