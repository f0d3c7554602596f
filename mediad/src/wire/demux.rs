//! Tells by its first two bytes what a datagram on a media port is (RFC 7983, RFC 5761).

/// What a datagram claims to be. A claim only: nothing is authenticated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// STUN: connectivity checks and consent.
    Stun,
    /// A DTLS record.
    Dtls,
    /// SRTP.
    Rtp,
    /// SRTCP.
    Rtcp,
}

/// The kind of a datagram, or nothing for ZRTP, TURN channel data, QUIC and the unknown.
pub fn demux(bytes: &[u8]) -> Option<Kind> {
    match *bytes.first()? {
        // RFC 7983 §7
        0..=3 => Some(Kind::Stun),
        20..=63 => Some(Kind::Dtls),
        128..=191 => match *bytes.get(1)? {
            // RFC 5761 §4: 64..=95 after the marker bit is taken off never names an RTP payload type.
            192..=223 => Some(Kind::Rtcp),
            _ => Some(Kind::Rtp),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_is_routed_as_rfc_7983_says() {
        for first in 0..=255u8 {
            let expected = match first {
                0..=3 => Some(Kind::Stun),
                20..=63 => Some(Kind::Dtls),
                128..=191 => Some(Kind::Rtp),
                _ => None,
            };
            assert_eq!(demux(&[first, 111]), expected, "first byte {first}");
        }
        assert_eq!(demux(&[]), None);
        assert_eq!(demux(&[0x80]), None);
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_the_second_byte() {
        for second in 0..=255u8 {
            let expected = if (192..=223).contains(&second) { Kind::Rtcp } else { Kind::Rtp };
            assert_eq!(demux(&[0x80, second]), Some(expected));
        }
    }
}
