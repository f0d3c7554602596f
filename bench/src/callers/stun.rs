//! The binding requests and answers of ICE, read and written by hand (RFC 8489, RFC 8445).

use std::net::{Ipv4Addr, SocketAddrV4};

use hmac::{Hmac, Mac};
use sha1::Sha1;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Binding request.
    Request,
    /// Binding success.
    Success,
    /// Anything else.
    Other,
}

/// The key of one password, made once.
#[derive(Clone)]
pub struct Key(Hmac<Sha1>);

impl Key {
    /// The key of a password.
    pub fn new(password: &str) -> Option<Self> {
        <Hmac<Sha1> as Mac>::new_from_slice(password.as_bytes()).ok().map(Key)
    }
}

/// One message, looked at only as far as ICE needs.
pub struct Message<'a> {
    bytes: &'a [u8],
    /// What it is.
    pub class: Class,
    /// First half of USERNAME: whom it is for.
    pub receiver: Option<&'a str>,
    /// USE-CANDIDATE.
    pub nominates: bool,
    integrity_at: Option<usize>,
}

impl<'a> Message<'a> {
    /// Nothing if it is no STUN message of right length.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let length = usize::from(u16::from_be_bytes([*head.get(2)?, *head.get(3)?]));
        if head.get(4..8)? != MAGIC || length != rest.len() {
            return None;
        }
        let class = match head.get(..2)? {
            [0, 1] => Class::Request,
            [1, 1] => Class::Success,
            _ => Class::Other,
        };
        let mut message = Message { bytes, class, receiver: None, nominates: false, integrity_at: None };
        while let Some((attribute, after)) = rest.split_first_chunk::<4>() {
            let [t0, t1, l0, l1] = *attribute;
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let (value, _) = after.split_at_checked(length)?;
            match u16::from_be_bytes([t0, t1]) {
                USERNAME => message.receiver = std::str::from_utf8(value).ok()?.split_once(':').map(|(ours, _)| ours),
                USE_CANDIDATE => message.nominates = true,
                MESSAGE_INTEGRITY => message.integrity_at = Some(bytes.len() - rest.len()),
                _ => {}
            }
            rest = after.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(message)
    }

    /// The transaction it belongs to.
    pub fn transaction(&self) -> [u8; 12] {
        self.bytes.get(8..HEAD_BYTES).and_then(|id| id.first_chunk().copied()).unwrap_or_default()
    }

    /// Whether who wrote it knew the password.
    pub fn is_genuine(&self, key: &Key) -> bool {
        let Some(at) = self.integrity_at else { return false };
        let (Some(covered), Some(tag)) = (self.bytes.get(..at), self.bytes.get(at + 4..at + 24)) else { return false };
        let mut covered = covered.to_vec();
        set_length(&mut covered, at + 24 - HEAD_BYTES);
        let mut mac = key.0.clone();
        mac.update(&covered);
        mac.verify_slice(tag).is_ok()
    }
}

/// A check. `username` is `theirs:ours`; who sends it controls.
pub fn check(transaction: [u8; 12], username: &str, key: &Key, tie: u64, nominate: bool) -> Vec<u8> {
    let mut out = head(0x0001, transaction);
    put(&mut out, USERNAME, username.as_bytes());
    put(&mut out, PRIORITY, &PRIORITY_OF_OURS.to_be_bytes());
    put(&mut out, ICE_CONTROLLING, &tie.to_be_bytes());
    if nominate {
        put(&mut out, USE_CANDIDATE, &[]);
    }
    close(out, key)
}

/// The answer to a check that came from `from`.
pub fn success(transaction: [u8; 12], from: SocketAddrV4, key: &Key) -> Vec<u8> {
    let mut out = head(0x0101, transaction);
    let port = from.port() ^ 0x2112;
    let ip = u32::from(*from.ip()) ^ 0x2112_a442;
    let mut value = [0, 1, 0, 0, 0, 0, 0, 0];
    value[2..4].copy_from_slice(&port.to_be_bytes());
    value[4..].copy_from_slice(&ip.to_be_bytes());
    put(&mut out, XOR_MAPPED_ADDRESS, &value);
    close(out, key)
}

/// RFC 7983: the first byte of a STUN message is 0 to 3.
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|b| *b < 4)
}

fn head(kind: u16, transaction: [u8; 12]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&transaction);
    out
}

fn put(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn close(mut out: Vec<u8>, key: &Key) -> Vec<u8> {
    let covered = out.len() + 24 - HEAD_BYTES;
    set_length(&mut out, covered);
    let mut mac = key.0.clone();
    mac.update(&out);
    let tag: [u8; 20] = mac.finalize().into_bytes().into();
    put(&mut out, MESSAGE_INTEGRITY, &tag);
    let covered = out.len() + 8 - HEAD_BYTES;
    set_length(&mut out, covered);
    let crc = crc32fast::hash(&out) ^ 0x5354_554e;
    put(&mut out, FINGERPRINT, &crc.to_be_bytes());
    out
}

fn set_length(out: &mut [u8], length: usize) {
    if let Some(room) = out.get_mut(2..4) {
        room.copy_from_slice(&(length as u16).to_be_bytes());
    }
}

/// An address of ours that nobody can reach us by, for a leg without one.
pub const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
const HEAD_BYTES: usize = 20;
const MAGIC: &[u8] = &[0x21, 0x12, 0xA4, 0x42];
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLING: u16 = 0x802A;
/// Peer-reflexive, as RFC 8445 §7.1.1 wants it in a check.
const PRIORITY_OF_OURS: u32 = (110 << 24) | (65_535 << 8) | 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_read_back_and_only_the_right_password_proves_it() {
        let (key, other) = (Key::new("the password of twenty-two").unwrap(), Key::new("another").unwrap());
        let bytes = check([7; 12], "theirs:ours", &key, 5, true);
        let message = Message::read(&bytes).unwrap();
        assert_eq!((message.class, message.receiver, message.nominates), (Class::Request, Some("theirs"), true));
        assert!(message.is_genuine(&key) && !message.is_genuine(&other));
        let answer = success(message.transaction(), "127.0.0.1:5000".parse().unwrap(), &key);
        let answer = Message::read(&answer).unwrap();
        assert_eq!((answer.class, answer.transaction()), (Class::Success, [7; 12]));
        assert!(answer.is_genuine(&key));
    }
}
