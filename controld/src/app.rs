//! The parts of the house, wired once and handed to every request.

pub mod demo;
pub mod links;
pub mod logins;
pub mod passwords;
pub mod sounds;
pub mod speech;
pub mod surroundings;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::config::Config;
use crate::config::network::Network;
use crate::desk::{Desk, DeskError, DeskParts, Rules, Sounds};
use crate::jobs;
use crate::jobs::archive::Archive;
use crate::model::counts::Counts;
use crate::outside::mediad::Whereabouts;
use crate::store::{Store, StoreError};
use links::LinkKey;
use logins::Logins;
use passwords::Passwords;

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
            logins: Mutex::new(Logins::default()),
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

fn desk_parts(
    config: &Config,
    file: Option<PathBuf>,
    store: &Store,
    archive_bell: &Arc<Notify>,
) -> Result<DeskParts, WireError> {
    let music = &config.calling.hold_music_file;
    // A mediad that is not there cannot be started; one may be started by hand, and is found on its socket.
    let binary = Some(config.mediad_binary()).filter(|binary| binary.is_file());
    let rules = Rules {
        transfer_timeout_ms: u64::from(config.calling.transfer_timeout_secs) * 1000,
        max_call_ms: u64::from(config.calling.max_call_duration) * 1000,
        recording: config.calling.recording_enabled,
        vouched_hosts: config.callbacks.hosts.clone(),
        callback_ports: config.callbacks.ports.clone(),
        own: [&config.calling.public_ip, &config.media.media_ip].into_iter().filter_map(|ip| ip.parse().ok()).collect(),
        ..Rules::default()
    };
    Ok(DeskParts {
        store: store.clone(),
        mediad: Whereabouts { socket: PathBuf::from(&config.media.socket), binary, config: file },
        graph_url: config.whatsapp.graph_url.clone(),
        sounds: Sounds::with_music(music).ok_or_else(|| WireError::Sounds(music.clone()))?,
        rules,
        archive_bell: Arc::clone(archive_bell),
    })
}

const LINK_KEY_FACT: &str = "links.key";
