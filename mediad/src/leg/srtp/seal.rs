//! Our side of SRTP: one source, every index at most once.

use super::cipher::{Cipher, Slot};
use super::window::{Standing, Window};
use super::{MasterKey, RTCP_INDEX_END, RTP_INDEX_END};
use crate::base::packet::Packet;
use crate::wire::rtp::Header;

/// Seals the packets of one source.
pub struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    ssrc: u32,
    sealed: Window,
    /// The index of the next RTCP packet.
    rtcp_next: u64,
}

/// How far a sealer has come: enough to go on in another process without sealing an index twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The source.
    pub ssrc: u32,
    /// The highest RTP index sealed, roll-over counter in the bits from 16 up; `None` before the first.
    pub rtp_highest: Option<u64>,
    /// The index the next RTCP packet gets.
    pub rtcp_next: u32,
}

impl Sealer {
    /// A sealer that has sealed nothing. `None` if the crypto library refuses the key, which it does for no key of
    /// right length.
    pub fn new(key: &MasterKey, ssrc: u32) -> Option<Self> {
        // webrtc and libsrtp begin at 1; 0 would be as good (RFC 3711 §3.4).
        Sealer::resume(key, Sealed { ssrc, rtp_highest: None, rtcp_next: 1 })
    }

    /// A sealer that goes on from `from`: everything up to its highest index counts as sealed. A journal that is
    /// behind must add a margin first.
    pub fn resume(key: &MasterKey, from: Sealed) -> Option<Self> {
        let sealed = from.rtp_highest.map(Window::closed_up_to).unwrap_or_default();
        let (rtp, rtcp) = (Cipher::rtp(key)?, Cipher::rtcp(key)?);
        Some(Sealer { rtp, rtcp, ssrc: from.ssrc, sealed, rtcp_next: u64::from(from.rtcp_next) })
    }

    /// How far it has come.
    pub fn state(&self) -> Sealed {
        let rtcp_next = u32::try_from(self.rtcp_next).unwrap_or(u32::MAX);
        Sealed { ssrc: self.ssrc, rtp_highest: self.sealed.highest(), rtcp_next }
    }

    /// The source whose packets it seals.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The roll-over counter of the highest index sealed.
    pub fn roc(&self) -> u32 {
        self.sealed.highest().and_then(|index| u32::try_from(index >> 16).ok()).unwrap_or(0)
    }

    /// The highest RTP index sealed.
    pub fn index(&self) -> Option<u64> {
        self.sealed.highest()
    }

    /// Seals a whole RTP packet in place and returns its index. A late sequence number is taken if it lies at most
    /// 1,023 behind the highest.
    ///
    /// # Errors
    /// Says why the packet must not leave; it is then unchanged, except by [`CannotSeal::Broken`].
    pub fn seal_rtp(&mut self, packet: &mut Packet) -> Result<u64, CannotSeal> {
        let header = Header::parse(packet.as_slice()).map_err(|_| CannotSeal::Header)?;
        if header.ssrc != self.ssrc {
            return Err(CannotSeal::Source);
        }
        let index = self.sealed.guess(header.sequence).ok_or(CannotSeal::Old)?;
        match self.sealed.standing(index) {
            Standing::Fresh if index < RTP_INDEX_END => {}
            Standing::Fresh => return Err(CannotSeal::Exhausted),
            Standing::Seen => return Err(CannotSeal::Twice),
            Standing::Old => return Err(CannotSeal::Old),
        }
        let tag_bytes = self.rtp.tag_bytes();
        if packet.room() < tag_bytes {
            return Err(CannotSeal::Room);
        }
        // Marked first: whatever happens next, this index is spent.
        self.sealed.mark(index);
        let roc = u32::try_from(index >> 16).unwrap_or(u32::MAX).to_be_bytes();
        let slot = Slot::Rtp { ssrc: self.ssrc, index };
        let tag = self.rtp.seal(slot, packet.as_mut_slice(), header.header_bytes, &roc).ok_or(CannotSeal::Broken)?;
        let fits = packet.extend(tag.get(..tag_bytes).unwrap_or_default());
        debug_assert!(fits, "room was checked");
        Ok(index)
    }

    /// Seals a whole RTCP compound in place and returns its index.
    ///
    /// # Errors
    /// As [`Sealer::seal_rtp`].
    pub fn seal_rtcp(&mut self, packet: &mut Packet) -> Result<u32, CannotSeal> {
        let ssrc = rtcp_ssrc(packet.as_slice()).ok_or(CannotSeal::Header)?;
        if ssrc != self.ssrc {
            return Err(CannotSeal::Source);
        }
        if self.rtcp_next >= RTCP_INDEX_END {
            return Err(CannotSeal::Exhausted);
        }
        let index = u32::try_from(self.rtcp_next).map_err(|_| CannotSeal::Exhausted)?;
        let tag_bytes = self.rtcp.tag_bytes();
        if packet.room() < tag_bytes.saturating_add(INDEX_BYTES) {
            return Err(CannotSeal::Room);
        }
        self.rtcp_next = self.rtcp_next.saturating_add(1);
        let flagged = (index | ENCRYPTED).to_be_bytes();
        let slot = Slot::Rtcp { ssrc, index };
        let tag = self.rtcp.seal(slot, packet.as_mut_slice(), RTCP_CLEAR, &flagged).ok_or(CannotSeal::Broken)?;
        let tag = tag.get(..tag_bytes).unwrap_or_default();
        // RFC 3711 §3.4 puts the index before the tag, RFC 7714 §9.2 behind it.
        let fits = match self.rtcp {
            Cipher::Cm { .. } => packet.extend(&flagged) && packet.extend(tag),
            Cipher::Gcm { .. } => packet.extend(tag) && packet.extend(&flagged),
        };
        debug_assert!(fits, "room was checked");
        Ok(index)
    }

    #[cfg(test)]
    pub(super) fn from_ciphers(rtp: Cipher, rtcp: Cipher, ssrc: u32, rtcp_next: u64) -> Self {
        Sealer { rtp, rtcp, ssrc, sealed: Window::default(), rtcp_next }
    }

    /// The vectors seal RTP and RTCP of different sources.
    #[cfg(test)]
    pub(super) fn set_ssrc(&mut self, ssrc: u32) {
        self.ssrc = ssrc;
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({:?})", self.state())
    }
}

/// Why a packet of ours is not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CannotSeal {
    /// It is not RTP, or not RTCP.
    #[error("packet to be sealed has no header")]
    Header,
    /// It names another source.
    #[error("packet to be sealed names another source")]
    Source,
    /// Its index has been sealed before.
    #[error("index has been sealed before")]
    Twice,
    /// Its index lies too far back to know whether it has been sealed.
    #[error("index is too old to be sealed")]
    Old,
    /// The key has sealed as many packets as it may.
    #[error("key has no index left")]
    Exhausted,
    /// The tag does not fit the packet.
    #[error("no room for the tag")]
    Room,
    /// The crypto library refused.
    #[error("cipher refused the packet")]
    Broken,
}

/// The source of an RTCP packet's first part.
pub(super) fn rtcp_ssrc(bytes: &[u8]) -> Option<u32> {
    let head = bytes.first_chunk::<8>()?;
    if head.first()? >> 6 != 2 {
        return None;
    }
    head.last_chunk::<4>().map(|ssrc| u32::from_be_bytes(*ssrc))
}

/// Bytes of RTCP that stay readable.
pub(super) const RTCP_CLEAR: usize = 8;
/// Bytes of the flagged RTCP index.
pub(super) const INDEX_BYTES: usize = 4;
/// The E flag: RTCP is encrypted.
pub(super) const ENCRYPTED: u32 = 1 << 31;
