//! Session keys from a master key (RFC 3711 §4.3; RFC 7714 §11 fills the shorter salt with zeros).

use aes::cipher::{KeyIvInit, StreamCipher};
use aes::{Aes128, Aes256};
use ctr::Ctr128BE;

use super::{MasterKey, SALT_BYTES_MAX};

/// The session key of `label`, as many bytes as `out` holds.
pub(super) fn derive(master: &MasterKey, label: u8, out: &mut [u8]) {
    let mut iv = [0; 16];
    for (slot, byte) in iv.iter_mut().zip(master.salt) {
        *slot = byte;
    }
    if let Some(slot) = iv.get_mut(LABEL_AT) {
        *slot ^= label;
    }
    out.fill(0);
    keystream(master.key(), &iv, out);
}

/// Lays the AES counter keystream of `key` (16 or 32 bytes) over `out`.
pub(super) fn keystream(key: &[u8], iv: &[u8; 16], out: &mut [u8]) {
    if let Ok(mut stream) = Ctr128BE::<Aes128>::new_from_slices(key, iv) {
        stream.apply_keystream(out);
    } else if let Ok(mut stream) = Ctr128BE::<Aes256>::new_from_slices(key, iv) {
        stream.apply_keystream(out);
    } else {
        debug_assert!(false, "a master key has 16 or 32 bytes");
    }
}

pub(super) const RTP_KEY: u8 = 0;
pub(super) const RTP_AUTH: u8 = 1;
pub(super) const RTP_SALT: u8 = 2;
pub(super) const RTCP_KEY: u8 = 3;
pub(super) const RTCP_AUTH: u8 = 4;
pub(super) const RTCP_SALT: u8 = 5;
// RFC 3711 §4.3.1: the label stands before the 48 bits of the index, at the right end of the 112 bits of salt.
const LABEL_AT: usize = SALT_BYTES_MAX - 7;
