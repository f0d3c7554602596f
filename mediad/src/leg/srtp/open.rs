//! The peer's side of SRTP: nothing is kept of a packet that is not proven genuine.

use super::cipher::{Cipher, Slot};
use super::seal::{ENCRYPTED, INDEX_BYTES, RTCP_CLEAR, rtcp_ssrc};
use super::window::{Standing, Window};
use super::{MasterKey, RTP_INDEX_END};
use crate::base::packet::Packet;
use crate::wire::rtp::{BadRtp, Header};

/// Opens what a peer seals, for at most [`SOURCES_MAX`] sources.
pub struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    /// Only sources from which a genuine packet came.
    sources: Vec<Source>,
}

struct Source {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
}

/// A genuine RTP packet, decrypted in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedRtp {
    /// Its header.
    pub header: Header,
    /// Its 48-bit index: sequence number with the roll-over counter above it.
    pub index: u64,
}

impl Opener {
    /// `None` if the crypto library refuses the key, which it does for no key of right length.
    pub fn new(key: &MasterKey) -> Option<Self> {
        let (rtp, rtcp) = (Cipher::rtp(key)?, Cipher::rtcp(key)?);
        Some(Opener { rtp, rtcp, sources: Vec::with_capacity(SOURCES_MAX) })
    }

    /// An opener that goes on where another process stopped: each source with its highest RTP and RTCP index.
    /// Packets up to them count as replayed.
    pub fn resume(key: &MasterKey, sources: &[(u32, Option<u64>, Option<u64>)]) -> Option<Self> {
        let mut opener = Opener::new(key)?;
        let closed = |highest: Option<u64>| highest.map(Window::closed_up_to).unwrap_or_default();
        let kept = sources.iter().take(SOURCES_MAX);
        opener.sources.extend(kept.map(|&(ssrc, rtp, rtcp)| Source { ssrc, rtp: closed(rtp), rtcp: closed(rtcp) }));
        Some(opener)
    }

    /// Each source with its highest RTP and RTCP index, for [`Opener::resume`].
    pub fn state(&self) -> impl Iterator<Item = (u32, Option<u64>, Option<u64>)> + '_ {
        self.sources.iter().map(|source| (source.ssrc, source.rtp.highest(), source.rtcp.highest()))
    }

    /// Opens an SRTP packet in place: afterwards `packet` is plain RTP. Returns its header and its 48-bit index.
    ///
    /// # Errors
    /// Says why the packet is dropped. Its bytes are then of no use, and no state has changed.
    pub fn open_rtp(&mut self, packet: &mut Packet) -> Result<OpenedRtp, BadSrtp> {
        let header = Header::parse(packet.as_slice()).map_err(BadSrtp::Header)?;
        let tag_bytes = self.rtp.tag_bytes();
        let plain_bytes = packet.len().checked_sub(tag_bytes).ok_or(BadSrtp::Short)?;
        if plain_bytes < header.header_bytes {
            return Err(BadSrtp::Short);
        }
        let at = self.find(header.ssrc)?;
        let known = at.and_then(|at| self.sources.get(at));
        let index = match known {
            Some(source) => source.rtp.guess(header.sequence).ok_or(BadSrtp::Old)?,
            None => u64::from(header.sequence),
        };
        check(known.map(|source| &source.rtp), index)?;
        if index >= RTP_INDEX_END {
            return Err(BadSrtp::Exhausted);
        }
        let roc = u32::try_from(index >> 16).unwrap_or(u32::MAX).to_be_bytes();
        let slot = Slot::Rtp { ssrc: header.ssrc, index };
        if !self.rtp.open(slot, packet.as_mut_slice(), header.header_bytes, &roc) {
            return Err(BadSrtp::Forged);
        }
        packet.truncate(plain_bytes);
        self.source(at, header.ssrc).rtp.mark(index);
        Ok(OpenedRtp { header, index })
    }

    /// Opens an SRTCP packet in place: afterwards `packet` is a plain compound. Returns its 31-bit index.
    ///
    /// # Errors
    /// As [`Opener::open_rtp`]; [`BadSrtp::Unencrypted`] if the E flag is not set, whatever its tag says.
    pub fn open_rtcp(&mut self, packet: &mut Packet) -> Result<u32, BadSrtp> {
        let tag_bytes = self.rtcp.tag_bytes();
        let plain_bytes = packet.len().checked_sub(tag_bytes.saturating_add(INDEX_BYTES)).ok_or(BadSrtp::Short)?;
        if plain_bytes < RTCP_CLEAR {
            return Err(BadSrtp::Short);
        }
        let ssrc = rtcp_ssrc(packet.as_slice()).ok_or(BadSrtp::Header(BadRtp::Version))?;
        let bytes = packet.as_mut_slice();
        // RFC 3711 §3.4 puts the index before the tag, RFC 7714 §9.2 behind it.
        let index_at = match self.rtcp {
            Cipher::Cm { .. } => plain_bytes,
            Cipher::Gcm { .. } => plain_bytes.saturating_add(tag_bytes),
        };
        let flagged = *bytes.get(index_at..).and_then(|b| b.first_chunk::<INDEX_BYTES>()).ok_or(BadSrtp::Short)?;
        let word = u32::from_be_bytes(flagged);
        if word & ENCRYPTED == 0 {
            return Err(BadSrtp::Unencrypted);
        }
        let index = word & !ENCRYPTED;
        let at = self.find(ssrc)?;
        check(at.and_then(|at| self.sources.get(at)).map(|source| &source.rtcp), u64::from(index))?;
        let slot = Slot::Rtcp { ssrc, index };
        let genuine = match &self.rtcp {
            Cipher::Cm { .. } => open_rtcp_cm(&self.rtcp, slot, bytes, plain_bytes, &flagged),
            Cipher::Gcm { .. } => {
                bytes.get_mut(..index_at).is_some_and(|sealed| self.rtcp.open(slot, sealed, RTCP_CLEAR, &flagged))
            }
        };
        if !genuine {
            return Err(BadSrtp::Forged);
        }
        packet.truncate(plain_bytes);
        self.source(at, ssrc).rtcp.mark(u64::from(index));
        Ok(index)
    }

    /// Where the state of `ssrc` is; nothing for a new source, an error for one too many.
    fn find(&self, ssrc: u32) -> Result<Option<usize>, BadSrtp> {
        match self.sources.iter().position(|source| source.ssrc == ssrc) {
            Some(at) => Ok(Some(at)),
            None if self.sources.len() < SOURCES_MAX => Ok(None),
            None => Err(BadSrtp::TooManySources),
        }
    }

    /// The state of a source that has just proven itself.
    fn source(&mut self, at: Option<usize>, ssrc: u32) -> &mut Source {
        let at = at.unwrap_or_else(|| {
            self.sources.push(Source { ssrc, rtp: Window::default(), rtcp: Window::default() });
            self.sources.len().saturating_sub(1)
        });
        #[expect(clippy::indexing_slicing, reason = "`at` was found or has just been pushed")]
        &mut self.sources[at]
    }

    #[cfg(test)]
    pub(super) fn from_ciphers(rtp: Cipher, rtcp: Cipher) -> Self {
        Opener { rtp, rtcp, sources: Vec::new() }
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.state()).finish()
    }
}

/// Why a packet of a peer is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadSrtp {
    /// Its header does not hold.
    #[error("srtp header: {0}")]
    Header(BadRtp),
    /// It is shorter than header and tag.
    #[error("srtp packet is shorter than its tag")]
    Short,
    /// RTCP whose E flag is not set.
    #[error("srtcp packet is not encrypted")]
    Unencrypted,
    /// Its index was opened before.
    #[error("srtp packet is replayed")]
    Replayed,
    /// Its index lies behind the replay window.
    #[error("srtp packet is too old")]
    Old,
    /// Its tag is wrong.
    #[error("srtp packet is forged")]
    Forged,
    /// [`SOURCES_MAX`] other sources have proven themselves on this key.
    #[error("too many srtp sources")]
    TooManySources,
    /// Its index lies beyond what a key may seal.
    #[error("srtp key is exhausted")]
    Exhausted,
}

fn check(window: Option<&Window>, index: u64) -> Result<(), BadSrtp> {
    match window.map_or(Standing::Fresh, |window| window.standing(index)) {
        Standing::Fresh => Ok(()),
        Standing::Seen => Err(BadSrtp::Replayed),
        Standing::Old => Err(BadSrtp::Old),
    }
}

/// Counter mode has the index between what is encrypted and the tag; the tag is moved over it, so that packet and
/// tag lie together as the cipher expects them.
fn open_rtcp_cm(cipher: &Cipher, slot: Slot, bytes: &mut [u8], plain_bytes: usize, flagged: &[u8; 4]) -> bool {
    bytes.copy_within(plain_bytes.saturating_add(INDEX_BYTES).., plain_bytes);
    let end = bytes.len().saturating_sub(INDEX_BYTES);
    bytes.get_mut(..end).is_some_and(|sealed| cipher.open(slot, sealed, RTCP_CLEAR, flagged))
}

/// How many sources one key opens: a peer sends one, two more survive its changes of mind.
pub const SOURCES_MAX: usize = 4;
