//! The key of MESSAGE-INTEGRITY, with its two hash blocks computed once.

use hmac::{Hmac, Mac};
use sha1::Sha1;
use stun_rs::{Algorithm, AlgorithmId, HMACKey};

/// A short-term password or a long-term key, ready for HMAC-SHA1.
#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha1>,
}

impl Key {
    /// The key made of a short-term password (as ICE has them), or of the 16 bytes of a long-term key.
    pub fn new(password: &[u8]) -> Self {
        // HMAC takes keys of any length, so the error cannot occur; an all-zero key is the answer if it ever does.
        let mac = Hmac::new_from_slice(password).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Key { mac }
    }

    /// The key of an account on a server (RFC 8489 §9.2.2): MD5 over account, realm and password, each made canonical.
    /// Nothing if one of them holds a character that accounts may not have.
    pub fn long_term(username: &str, realm: &str, password: &str) -> Option<Self> {
        let key = HMACKey::new_long_term(username, realm, password, Algorithm::from(AlgorithmId::MD5)).ok()?;
        Some(Key::new(key.as_bytes()))
    }

    /// Whether `tag` proves `covered`, counting `after` bytes of attributes into the length field.
    pub(super) fn fits(&self, covered: &[u8], after: usize, tag: &[u8]) -> bool {
        self.over(covered, after).is_some_and(|mac| mac.verify_slice(tag).is_ok())
    }

    /// The tag over `covered`, counting `after` bytes of attributes into the length field.
    pub(super) fn tag(&self, covered: &[u8], after: usize) -> Option<[u8; 20]> {
        Some(self.over(covered, after)?.finalize().into_bytes().into())
    }

    // RFC 8489 §14.5: the length field counts up to and including MESSAGE-INTEGRITY, whatever follows it.
    fn over(&self, covered: &[u8], after: usize) -> Option<Hmac<Sha1>> {
        let len = covered.len().checked_sub(super::HEADER_BYTES)?.checked_add(after)?;
        let mut mac = self.mac.clone();
        mac.update(covered.get(..2)?);
        mac.update(&u16::try_from(len).ok()?.to_be_bytes());
        mac.update(covered.get(4..)?);
        Some(mac)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}
