//! SRTP and SRTCP in place: state only after authentication, no index ever sealed twice (RFC 3711, RFC 7714).
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod cipher;
mod kdf;
mod open;
mod seal;
mod window;

pub use open::{BadSrtp, OpenedRtp, Opener, SOURCES_MAX};
pub use seal::{CannotSeal, Sealed, Sealer};

/// A protection profile of DTLS-SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 cut to 80 bits.
    AesCm128HmacSha1_80,
    /// AES-128 in Galois/counter mode.
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode.
    AeadAes256Gcm,
}

impl Profile {
    /// Length of a master key, in bytes.
    pub fn key_bytes(self) -> usize {
        match self {
            Profile::AesCm128HmacSha1_80 | Profile::AeadAes128Gcm => 16,
            Profile::AeadAes256Gcm => 32,
        }
    }

    /// Length of a master salt, in bytes.
    pub fn salt_bytes(self) -> usize {
        match self {
            Profile::AesCm128HmacSha1_80 => 14,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 12,
        }
    }

    /// What sealing adds to an RTP packet, in bytes. RTCP grows by four more.
    pub fn tag_bytes(self) -> usize {
        match self {
            Profile::AesCm128HmacSha1_80 => 10,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 16,
        }
    }
}

/// Master key and salt of one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey {
    profile: Profile,
    key: [u8; KEY_BYTES_MAX],
    salt: [u8; SALT_BYTES_MAX],
}

impl MasterKey {
    /// Nothing if a length does not fit the profile.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        if key.len() != profile.key_bytes() || salt.len() != profile.salt_bytes() {
            return None;
        }
        let mut master = MasterKey { profile, key: [0; KEY_BYTES_MAX], salt: [0; SALT_BYTES_MAX] };
        master.key.get_mut(..key.len())?.copy_from_slice(key);
        master.salt.get_mut(..salt.len())?.copy_from_slice(salt);
        Some(master)
    }

    /// The profile this key is for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The key, for the journal of a leg.
    pub fn key(&self) -> &[u8] {
        self.key.get(..self.profile.key_bytes()).unwrap_or_default()
    }

    /// The salt, for the journal of a leg.
    pub fn salt(&self) -> &[u8] {
        self.salt.get(..self.profile.salt_bytes()).unwrap_or_default()
    }
}

/// The keys of both directions of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// What we seal with.
    pub ours: MasterKey,
    /// What the peer seals with.
    pub theirs: MasterKey,
}

impl Keys {
    /// Cuts what DTLS exported (RFC 5764 §4.2: client key, server key, client salt, server salt). `client` is whether
    /// *we* were the DTLS client. Nothing if the length does not fit the profile.
    pub fn from_exported(profile: Profile, exported: &[u8], client: bool) -> Option<Self> {
        let (client_key, rest) = exported.split_at_checked(profile.key_bytes())?;
        let (server_key, rest) = rest.split_at_checked(profile.key_bytes())?;
        let (client_salt, server_salt) = rest.split_at_checked(profile.salt_bytes())?;
        let of_client = MasterKey::new(profile, client_key, client_salt)?;
        let of_server = MasterKey::new(profile, server_key, server_salt)?;
        Some(match client {
            true => Keys { ours: of_client, theirs: of_server },
            false => Keys { ours: of_server, theirs: of_client },
        })
    }

    /// The profile of both directions.
    pub fn profile(&self) -> Profile {
        self.ours.profile
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({:?})", self.profile)
    }
}

const KEY_BYTES_MAX: usize = 32;
const SALT_BYTES_MAX: usize = 14;
/// One more than the greatest RTP index of a key (RFC 3711 §9.2).
const RTP_INDEX_END: u64 = 1 << 48;
/// One more than the greatest RTCP index of a key (RFC 3711 §9.2).
const RTCP_INDEX_END: u64 = 1 << 31;

#[cfg(test)]
mod tests;
