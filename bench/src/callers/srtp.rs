//! SRTP as cheap as it gets: AES-GCM in place, keys cut once (RFC 3711 §4.3, RFC 7714).

use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

/// Master key and salt of one direction, as DTLS exports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Master {
    /// AES-128 key.
    pub key: [u8; 16],
    /// GCM salt.
    pub salt: [u8; 12],
}

/// Both directions of one leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// What the callers seal with.
    pub ours: Master,
    /// What the server seals with.
    pub theirs: Master,
}

impl Keys {
    /// Cuts what a DTLS client exported (RFC 5764 §4.2). Nothing if there is too little of it.
    pub fn of_client(exported: &[u8]) -> Option<Self> {
        let (client_key, rest) = exported.split_first_chunk::<16>()?;
        let (server_key, rest) = rest.split_first_chunk::<16>()?;
        let (client_salt, rest) = rest.split_first_chunk::<12>()?;
        let server_salt = rest.first_chunk::<12>()?;
        Some(Keys {
            ours: Master { key: *client_key, salt: *client_salt },
            theirs: Master { key: *server_key, salt: *server_salt },
        })
    }
}

/// The RTP session key of one direction.
pub struct Cipher {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Cipher {
    /// Nothing if the library refuses the key, which it does for none of this length.
    pub fn new(master: &Master) -> Option<Self> {
        let (mut key, mut salt) = ([0; 16], [0; 12]);
        derive(master, RTP_KEY, &mut key);
        derive(master, RTP_SALT, &mut salt);
        Some(Cipher { key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?), salt })
    }

    /// Seals the packet in `packet[..len]`, whose header has [`HEADER_BYTES`]; gives the new length. `index` is the
    /// sequence number with the roll-over counter above it.
    pub fn seal(&self, packet: &mut [u8], len: usize, ssrc: u32, index: u64) -> usize {
        let Some((head, body)) = packet.get_mut(..len + TAG_BYTES).and_then(|p| p.split_at_mut_checked(HEADER_BYTES))
        else {
            return 0;
        };
        let Some((body, tag_room)) = body.split_at_mut_checked(len - HEADER_BYTES) else { return 0 };
        let nonce = Nonce::assume_unique_for_key(self.nonce(ssrc, index));
        match self.key.seal_in_place_separate_tag(nonce, Aad::from(&*head), body) {
            Ok(tag) => {
                tag_room.copy_from_slice(tag.as_ref());
                len + TAG_BYTES
            }
            Err(_) => 0,
        }
    }

    /// Opens the packet in place; gives the length without the tag, nothing if it is not genuine.
    pub fn open(&self, packet: &mut [u8], ssrc: u32, index: u64) -> Option<usize> {
        let (head, body) = packet.split_at_mut_checked(HEADER_BYTES)?;
        let nonce = Nonce::assume_unique_for_key(self.nonce(ssrc, index));
        let plain = self.key.open_in_place(nonce, Aad::from(&*head), body).ok()?;
        Some(HEADER_BYTES + plain.len())
    }

    // RFC 7714 §8.1: two zero bytes, SSRC, roll-over counter, sequence number; the salt laid over it.
    fn nonce(&self, ssrc: u32, index: u64) -> [u8; 12] {
        let wide = (u128::from(ssrc) << 48) | u128::from(index & 0xffff_ffff_ffff);
        let mut nonce = self.salt;
        for (byte, over) in nonce.iter_mut().zip(wide.to_be_bytes().into_iter().skip(4)) {
            *byte ^= over;
        }
        nonce
    }
}

// RFC 3711 §4.3.1; RFC 7714 §11 fills the shorter salt with zeros.
fn derive(master: &Master, label: u8, out: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..12].copy_from_slice(&master.salt);
    iv[LABEL_AT] ^= label;
    out.fill(0);
    Ctr128BE::<Aes128>::new(&master.key.into(), &iv.into()).apply_keystream(out);
}

/// RTP header without sources and extensions.
pub const HEADER_BYTES: usize = 12;
/// What sealing adds.
pub const TAG_BYTES: usize = 16;
const RTP_KEY: u8 = 0;
const RTP_SALT: u8 = 2;
const LABEL_AT: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use webrtc_srtp::context::Context;
    use webrtc_srtp::protection_profile::ProtectionProfile;

    #[test]
    fn what_we_seal_another_implementation_opens_and_the_other_way_round() {
        let master = Master { key: *b"sixteen byte key", salt: *b"a salt of 12" };
        let cipher = Cipher::new(&master).unwrap();
        let mut theirs = Context::new(&master.key, &master.salt, ProtectionProfile::AeadAes128Gcm, None, None).unwrap();
        let mut packet = vec![0x80, 111, 0, 7, 0, 0, 3, 192, 0, 0, 0, 9];
        packet.extend_from_slice(b"voice of twenty milliseconds");
        let plain = packet.clone();
        packet.resize(plain.len() + TAG_BYTES, 0);
        let sealed = cipher.seal(&mut packet, plain.len(), 9, 7);
        assert_eq!(sealed, packet.len());
        assert_eq!(theirs.decrypt_rtp(&packet).unwrap(), plain);
        let mut back = theirs.encrypt_rtp(&plain).unwrap().to_vec();
        assert_eq!(cipher.open(&mut back, 9, 7), Some(plain.len()));
        assert_eq!(back[..plain.len()], plain[..]);
        assert_eq!(cipher.open(&mut packet, 9, 8), None);
    }
}
