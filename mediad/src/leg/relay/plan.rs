//! The STUN and TURN servers of a leg, and the logins for them.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::leg::turn::Account;
use crate::wire::turn::Transport;

/// The servers of one leg. At most [`super::SERVERS_MAX`] of each kind count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Nothing goes to or comes from the peer but through a TURN server.
    pub only: bool,
    /// STUN servers.
    pub stun: Vec<SocketAddr>,
    /// TURN servers, best first.
    pub turn: Vec<TurnServer>,
}

/// A TURN server and how to log in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnServer {
    /// Where it is.
    pub addr: SocketAddr,
    /// How it is spoken to.
    pub transport: Transport,
    /// Its name, for TLS to check and for people.
    pub name: Arc<str>,
    /// The login.
    pub login: LoginKind,
}

/// Where the login comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum LoginKind {
    /// An account.
    Fixed(Account),
    /// A secret we share with the server, from which logins are made that expire.
    Shared {
        /// The secret.
        secret: Arc<str>,
        /// How long a login lives.
        ttl_secs: u32,
    },
}

impl LoginKind {
    /// The login to be used now. `wall_secs` is seconds since 1970.
    pub(super) fn account(&self, wall_secs: u64) -> Account {
        match self {
            LoginKind::Fixed(account) => account.clone(),
            LoginKind::Shared { secret, ttl_secs } => {
                let username = format!("{}:patchbay", wall_secs.saturating_add(u64::from(*ttl_secs)));
                let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes());
                let mut mac = mac.unwrap_or_else(|_| Hmac::new(&Default::default()));
                mac.update(username.as_bytes());
                let password = BASE64_STANDARD.encode(mac.finalize().into_bytes());
                Account { username, password }
            }
        }
    }
}

impl std::fmt::Debug for LoginKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            LoginKind::Fixed(_) => "Fixed",
            LoginKind::Shared { .. } => "Shared",
        })
    }
}
