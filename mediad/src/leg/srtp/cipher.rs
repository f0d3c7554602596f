//! The two ciphers behind one face: seal and open a packet whose index is known.

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use hmac::{Hmac, Mac};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;

use super::{MasterKey, Profile, kdf};

/// Session keys of one direction, one of RTP and RTCP.
#[expect(clippy::large_enum_variant, reason = "two per leg, built once, used inline on the packet path")]
pub(super) enum Cipher {
    /// Counter mode with HMAC-SHA1-80.
    Cm { aes: Aes128Enc, mac: Hmac<Sha1>, salt: [u8; 14] },
    /// Galois/counter mode.
    Gcm { key: LessSafeKey, salt: [u8; 12] },
}

/// What a packet is, as far as a cipher must know.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    /// RTP at a 48-bit index.
    Rtp { ssrc: u32, index: u64 },
    /// RTCP at a 31-bit index.
    Rtcp { ssrc: u32, index: u32 },
}

impl Cipher {
    /// The keys for RTP.
    pub(super) fn rtp(master: &MasterKey) -> Option<Self> {
        Cipher::derive(master, [kdf::RTP_KEY, kdf::RTP_AUTH, kdf::RTP_SALT])
    }

    /// The keys for RTCP.
    pub(super) fn rtcp(master: &MasterKey) -> Option<Self> {
        Cipher::derive(master, [kdf::RTCP_KEY, kdf::RTCP_AUTH, kdf::RTCP_SALT])
    }

    fn derive(master: &MasterKey, [key_label, auth_label, salt_label]: [u8; 3]) -> Option<Self> {
        let mut key = [0; super::KEY_BYTES_MAX];
        let key = key.get_mut(..master.profile().key_bytes())?;
        kdf::derive(master, key_label, key);
        let mut salt = [0; super::SALT_BYTES_MAX];
        let salt = salt.get_mut(..master.profile().salt_bytes())?;
        kdf::derive(master, salt_label, salt);
        let mut auth = [0; AUTH_KEY_BYTES];
        kdf::derive(master, auth_label, &mut auth);
        Cipher::from_session(master.profile(), key, salt, &auth)
    }

    /// From session keys; nothing if a length does not fit the profile.
    pub(super) fn from_session(profile: Profile, key: &[u8], salt: &[u8], auth: &[u8]) -> Option<Self> {
        let algorithm = match profile {
            Profile::AesCm128HmacSha1_80 => {
                let aes = Aes128Enc::new_from_slice(key).ok()?;
                let mac = <Hmac<Sha1> as Mac>::new_from_slice(auth).ok()?;
                return Some(Cipher::Cm { aes, mac, salt: salt.try_into().ok()? });
            }
            Profile::AeadAes128Gcm => &AES_128_GCM,
            Profile::AeadAes256Gcm => &AES_256_GCM,
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
        Some(Cipher::Gcm { key, salt: salt.try_into().ok()? })
    }

    /// What the tag of this cipher takes, in bytes.
    pub(super) fn tag_bytes(&self) -> usize {
        match self {
            Cipher::Cm { .. } => CM_TAG_BYTES,
            Cipher::Gcm { .. } => GCM_TAG_BYTES,
        }
    }

    /// Encrypts everything behind `clear` bytes and returns the tag, whose first [`Cipher::tag_bytes`] count.
    ///
    /// `trailer` is what the tag covers besides: the roll-over counter of RTP (counter mode), the flagged index of RTCP.
    pub(super) fn seal(&self, slot: Slot, bytes: &mut [u8], clear: usize, trailer: &[u8]) -> Option<[u8; 16]> {
        let (head, body) = bytes.split_at_mut_checked(clear)?;
        match self {
            Cipher::Cm { aes, mac, salt } => {
                cm_stream(aes, salt, slot).apply_keystream(body);
                let mut mac = mac.clone();
                mac.update(bytes);
                mac.update(trailer);
                let full: [u8; 20] = mac.finalize().into_bytes().into();
                full.first_chunk::<16>().copied()
            }
            Cipher::Gcm { key, salt } => {
                let nonce = Nonce::assume_unique_for_key(gcm_nonce(salt, slot));
                let tag = match gcm_aad(slot, head, trailer)? {
                    Covered::Head => key.seal_in_place_separate_tag(nonce, Aad::from(&*head), body),
                    Covered::Both(aad) => key.seal_in_place_separate_tag(nonce, Aad::from(aad), body),
                };
                tag.ok()?.as_ref().try_into().ok()
            }
        }
    }

    /// Proves and decrypts in place everything behind `clear` bytes; `bytes` ends with the tag. False if it is not
    /// genuine, and the bytes behind `clear` are then of no use.
    pub(super) fn open(&self, slot: Slot, bytes: &mut [u8], clear: usize, trailer: &[u8]) -> bool {
        self.try_open(slot, bytes, clear, trailer).is_some()
    }

    fn try_open(&self, slot: Slot, bytes: &mut [u8], clear: usize, trailer: &[u8]) -> Option<()> {
        match self {
            Cipher::Cm { aes, mac, salt } => {
                let (covered, tag) = bytes.split_at_mut_checked(bytes.len().checked_sub(CM_TAG_BYTES)?)?;
                let mut mac = mac.clone();
                mac.update(covered);
                mac.update(trailer);
                mac.verify_truncated_left(tag).ok()?;
                cm_stream(aes, salt, slot).apply_keystream(covered.get_mut(clear..)?);
            }
            Cipher::Gcm { key, salt } => {
                let (head, body) = bytes.split_at_mut_checked(clear)?;
                let nonce = Nonce::assume_unique_for_key(gcm_nonce(salt, slot));
                match gcm_aad(slot, head, trailer)? {
                    Covered::Head => key.open_in_place(nonce, Aad::from(&*head), body).ok()?,
                    Covered::Both(aad) => key.open_in_place(nonce, Aad::from(aad), body).ok()?,
                };
            }
        }
        Some(())
    }
}

// RFC 3711 §4.1.1: salt · 2^16 ⊕ SSRC · 2^64 ⊕ index · 2^16, the low 16 bits count blocks.
fn cm_stream<'a>(
    aes: &'a Aes128Enc,
    salt: &[u8; 14],
    slot: Slot,
) -> StreamCipherCoreWrapper<ctr::CtrCore<&'a Aes128Enc, ctr::flavors::Ctr128BE>> {
    let (ssrc, index) = match slot {
        Slot::Rtp { ssrc, index } => (ssrc, index),
        Slot::Rtcp { ssrc, index } => (ssrc, u64::from(index)),
    };
    let mut block = [0; 16];
    if let Some(head) = block.first_chunk_mut::<14>() {
        *head = *salt;
    }
    let iv = u128::from_be_bytes(block) ^ (u128::from(ssrc) << 64) ^ (u128::from(index) << 16);
    StreamCipherCoreWrapper::from_core(ctr::CtrCore::inner_iv_init(aes, &iv.to_be_bytes().into()))
}

// RFC 7714 §8.1 and §9.1: two zero bytes, SSRC, then roll-over counter and sequence number, or two more zero bytes
// and the RTCP index; the salt laid over it.
fn gcm_nonce(salt: &[u8; 12], slot: Slot) -> [u8; 12] {
    let (ssrc, index) = match slot {
        Slot::Rtp { ssrc, index } => (ssrc, index),
        Slot::Rtcp { ssrc, index } => (ssrc, u64::from(index)),
    };
    let wide = (u128::from(ssrc) << 48) | u128::from(index & 0xffff_ffff_ffff);
    let mut nonce = *salt;
    for (byte, over) in nonce.iter_mut().zip(wide.to_be_bytes().into_iter().skip(4)) {
        *byte ^= over;
    }
    nonce
}

enum Covered {
    Head,
    Both([u8; 12]),
}

// RFC 7714 §8.2 and §9.2: the header alone, or the RTCP header and the flagged index.
fn gcm_aad(slot: Slot, head: &[u8], trailer: &[u8]) -> Option<Covered> {
    match slot {
        Slot::Rtp { .. } => Some(Covered::Head),
        Slot::Rtcp { .. } => {
            let mut aad = [0; 12];
            let (first, last) = aad.split_at_mut_checked(8)?;
            first.copy_from_slice(head.get(..8)?);
            last.copy_from_slice(trailer.get(..4)?);
            Some(Covered::Both(aad))
        }
    }
}

const AUTH_KEY_BYTES: usize = 20;
const CM_TAG_BYTES: usize = 10;
const GCM_TAG_BYTES: usize = 16;
