//! The parts of the house, wired once and handed to every request.

pub mod counts;
pub mod demo;
pub mod links;
pub mod logins;
pub mod passwords;

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::config::Config;
use crate::model::UserId;
use crate::store::{Store, StoreError};
use counts::Counts;
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
    /// Hashes passwords, a few at once.
    pub passwords: Passwords,
    /// Who tried to sign in how often.
    pub logins: Mutex<Logins>,
    /// Signs links to recordings.
    pub links: LinkKey,
    /// What is counted for `/metrics`.
    pub counts: Counts,
    /// Wakes the archive: a recording is complete in the spool.
    pub archive_bell: Arc<Notify>,
}

impl App {
    /// Wires the parts around an open store.
    pub async fn wire(config: Config, store: Store) -> Result<Self, StoreError> {
        let fresh: [u8; 32] = rand::random();
        let key = store.fact_or(LINK_KEY_FACT, &hex::encode(fresh)).await?;
        Ok(Self(Arc::new(Parts {
            config,
            store,
            passwords: Passwords::new(),
            logins: Mutex::new(Logins::default()),
            links: LinkKey::new(key.into_bytes()),
            counts: Counts::default(),
            archive_bell: Arc::new(Notify::new()),
        })))
    }
}

impl Parts {
    /// An agent's standing leg is connected.
    pub fn is_reachable(&self, _agent: &UserId) -> bool {
        false
    }

    /// mediad answers.
    pub fn has_mediad(&self) -> bool {
        false
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

const LINK_KEY_FACT: &str = "links.key";
