//! Looks at DTLS records before any library does, and lets pass only what can mean something now (RFC 6347 §4.1).

use super::Role;
use crate::base::packet::Packet;

/// The records of a datagram that may be passed on; `connected` is whether the handshake is done.
///
/// Plain records are anybody's: alerts, application data and, once connected, everything that is not a repeated
/// handshake message are left out. A server's hellos must offer what we can agree on.
///
/// # Errors
/// The reason of the first record left out, if none is left.
pub(super) fn sift(bytes: &[u8], connected: bool, role: Role) -> Result<Packet, BadRecord> {
    let mut kept = Packet::new();
    let mut first = None;
    let mut left = bytes;
    while !left.is_empty() {
        let (record, after) = Record::cut(left)?;
        match record.verdict(connected, role) {
            Ok(()) if kept.extend(record.whole) => {}
            Ok(()) => return Err(BadRecord::Long),
            Err(reason) => first = first.or(Some(reason)),
        }
        left = after;
    }
    if kept.is_empty() { Err(first.unwrap_or(BadRecord::Length)) } else { Ok(kept) }
}

/// The random of a ClientHello that begins in the first record of `bytes`.
pub(super) fn hello_random(bytes: &[u8]) -> Option<[u8; 32]> {
    let (record, _) = Record::cut(bytes).ok()?;
    let (header, hello) = record.body.split_first_chunk::<12>()?;
    let [CLIENT_HELLO, _, _, _, _, _, 0, 0, 0, ..] = *header else { return None };
    let plain = record.epoch == 0 && record.content == HANDSHAKE;
    hello.get(2..).filter(|_| plain)?.first_chunk::<32>().copied()
}

/// Why a record was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadRecord {
    /// Header or length runs past the end of the datagram.
    #[error("dtls record runs past the end")]
    Length,
    /// More than a datagram of ours holds.
    #[error("dtls datagram is too long")]
    Long,
    /// Not DTLS 1.2 (or 1.0, as a first hello may say).
    #[error("dtls version is not ours")]
    Version,
    /// A content type that is none.
    #[error("dtls content type is unknown")]
    Content,
    /// An epoch that never begins.
    #[error("dtls epoch is unknown")]
    Epoch,
    /// Protected, but too short to hold nonce and tag.
    #[error("dtls record is too short to be protected")]
    ShortProtected,
    /// In the clear where only protected records count.
    #[error("dtls record in the clear")]
    Clear,
    /// A hello that offers nothing we accept.
    #[error("dtls hello offers no suite of ours")]
    Hello,
    /// A hello while another is being answered.
    #[error("dtls hello while another is answered")]
    OtherHello,
    /// The association is over.
    #[error("dtls association is over")]
    Closed,
}

struct Record<'a> {
    content: u8,
    version: [u8; 2],
    epoch: u16,
    body: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Record<'a> {
    fn cut(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BadRecord> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(BadRecord::Length)?;
        let [content, v0, v1, e0, e1, _, _, _, _, _, _, l0, l1] = *header;
        let body_bytes = usize::from(u16::from_be_bytes([l0, l1]));
        let (body, after) = rest.split_at_checked(body_bytes).ok_or(BadRecord::Length)?;
        let whole = bytes.get(..HEADER_BYTES.saturating_add(body_bytes)).ok_or(BadRecord::Length)?;
        Ok((Record { content, version: [v0, v1], epoch: u16::from_be_bytes([e0, e1]), body, whole }, after))
    }

    fn verdict(&self, connected: bool, role: Role) -> Result<(), BadRecord> {
        if !matches!(self.version, [0xfe, 0xfd | 0xff]) {
            return Err(BadRecord::Version);
        }
        match (self.epoch, self.content) {
            (0, HANDSHAKE) if self.body.is_empty() => Err(BadRecord::Length),
            // A repeated flight makes us repeat ours (RFC 6347 §4.2.4); dimpl takes nothing new from it.
            (0, HANDSHAKE) if self.is_bad_hello(role) => Err(BadRecord::Hello),
            (0, HANDSHAKE) => Ok(()),
            (0, CHANGE_CIPHER_SPEC) if !connected => Ok(()),
            (0, CHANGE_CIPHER_SPEC | ALERT | APPLICATION_DATA) => Err(BadRecord::Clear),
            (1, ALERT | HANDSHAKE | APPLICATION_DATA) if self.body.len() < PROTECTED_BYTES_MIN => {
                Err(BadRecord::ShortProtected)
            }
            (1, ALERT | HANDSHAKE | APPLICATION_DATA) => Ok(()),
            (_, CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | APPLICATION_DATA) => Err(BadRecord::Epoch),
            _ => Err(BadRecord::Content),
        }
    }

    /// Whether this is a whole ClientHello without a suite of ours, or one sent to a client. A hello in fragments is
    /// left to dimpl.
    fn is_bad_hello(&self, role: Role) -> bool {
        if self.body.first() != Some(&CLIENT_HELLO) {
            return false;
        }
        role == Role::Client || self.suites().is_some_and(|suites| !suites.chunks_exact(2).any(is_ours))
    }

    /// The suites of a whole ClientHello; none if it is in fragments, or its lengths do not hold.
    fn suites(&self) -> Option<&'a [u8]> {
        let (header, hello) = self.body.split_first_chunk::<12>()?;
        let [_, t0, t1, t2, _, _, o0, o1, o2, f0, f1, f2] = *header;
        if [o0, o1, o2] != [0; 3] || [t0, t1, t2] != [f0, f1, f2] {
            return None;
        }
        // version 2, random 32, then session id, cookie and suites, each behind its length
        let rest = hello.get(34..)?;
        let (&id_bytes, rest) = rest.split_first()?;
        let rest = rest.get(usize::from(id_bytes)..)?;
        let (&cookie_bytes, rest) = rest.split_first()?;
        let rest = rest.get(usize::from(cookie_bytes)..)?;
        let (len, rest) = rest.split_first_chunk::<2>()?;
        rest.get(..usize::from(u16::from_be_bytes(*len)))
    }
}

fn is_ours(suite: &[u8]) -> bool {
    SUITES.iter().any(|ours| ours == suite)
}

const HEADER_BYTES: usize = 13;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
/// The shortest protected record of our suites: a tag and one byte.
const PROTECTED_BYTES_MIN: usize = 17;
/// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, …_AES_256_GCM_SHA384, …_CHACHA20_POLY1305_SHA256.
const SUITES: [[u8; 2]; 3] = [[0xc0, 0x2b], [0xc0, 0x2c], [0xcc, 0xa9]];
