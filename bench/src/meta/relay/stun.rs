//! The little of STUN that routing needs, read before str0m sees the datagram.

/// What a binding request says about whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The first half of USERNAME: our user fragment.
    pub ufrag: &'a str,
    /// The sender says that it is controlled.
    pub controlled: bool,
}

impl<'a> Request<'a> {
    /// None unless this is a binding request with a USERNAME of two halves. Nothing is verified here.
    pub fn parse(bytes: &'a [u8]) -> Option<Request<'a>> {
        let (head, mut rest) = bytes.split_at_checked(HEAD_BYTES)?;
        if head.get(..2)? != BINDING_REQUEST || head.get(4..8)? != MAGIC {
            return None;
        }
        let (mut ufrag, mut controlled) = (None, false);
        while let Some((attribute, after)) = rest.split_at_checked(4) {
            let [t0, t1, l0, l1] = *attribute else { return None };
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let (value, _) = after.split_at_checked(length)?;
            match u16::from_be_bytes([t0, t1]) {
                USERNAME => ufrag = std::str::from_utf8(value).ok()?.split_once(':').map(|(ours, _)| ours),
                ICE_CONTROLLED => controlled = true,
                _ => {}
            }
            rest = after.get(length.checked_next_multiple_of(4)?..).unwrap_or_default();
        }
        Some(Request { ufrag: ufrag?, controlled })
    }
}

/// RFC 7983: the first byte of a STUN message is 0 to 3.
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|b| *b < 4)
}

/// What an RTP header says without its keys. None for RTCP and everything else.
pub fn rtp_head(bytes: &[u8]) -> Option<(u8, u32)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    // RFC 7983 and RFC 5761 §4: 128..=191 is RTP or RTCP; packet types 192..=223 are RTCP.
    if !(128..192).contains(&first) || (192..224).contains(&second) {
        return None;
    }
    let ssrc = bytes.get(8..12)?;
    Some((second & 0x7f, u32::from_be_bytes(ssrc.try_into().ok()?)))
}

const HEAD_BYTES: usize = 20;
const BINDING_REQUEST: &[u8] = &[0x00, 0x01];
const MAGIC: &[u8] = &[0x21, 0x12, 0xA4, 0x42];
const USERNAME: u16 = 0x0006;
const ICE_CONTROLLED: u16 = 0x8029;
