//! User fragment and password of one generation.

use rand::{Rng, RngExt};

use crate::wire::stun::Key;

/// Our user fragment and password of one generation.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// 24 characters.
    pub ufrag: String,
    /// 32 characters.
    pub pwd: String,
}

impl Credentials {
    /// Fresh ones: 144 and 192 bits of what `rng` gives, which must be unpredictable outside tests.
    pub fn generate(rng: &mut impl Rng) -> Self {
        Credentials { ufrag: text(rng, UFRAG_CHARS), pwd: text(rng, PWD_CHARS) }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.ufrag)
    }
}

/// One generation of ours, with the key its checks are signed with.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) ufrag: String,
    pub(super) key: Key,
}

impl From<Credentials> for Ours {
    fn from(credentials: Credentials) -> Self {
        Ours { key: Key::new(credentials.pwd.as_bytes()), ufrag: credentials.ufrag }
    }
}

/// What is known of the peer in this generation.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) key: Key,
    /// USERNAME of our checks: `theirs:ours`.
    pub(super) username: String,
    pub(super) lite: bool,
}

fn text(rng: &mut impl Rng, chars: usize) -> String {
    let pick = |_| ICE_CHARS.get(rng.random_range(0..ICE_CHARS.len())).copied().map_or('A', char::from);
    (0..chars).map(pick).collect()
}

/// RFC 8839 §5.4: ice-char, 6 bits each.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const UFRAG_CHARS: usize = 24;
const PWD_CHARS: usize = 32;
