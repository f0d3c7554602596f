//! TURN around STUN: ChannelData frames, streams cut into messages, and the URLs servers are named by.

use std::ops::Range;

use super::split;

/// Number and payload of a ChannelData frame that fills a datagram (RFC 8656 §12.4). Padding behind it is allowed.
pub fn read_channel_data(bytes: &[u8]) -> Option<(u16, Range<usize>)> {
    let ([n0, n1, l0, l1], rest) = split::<4>(bytes)?;
    let number = u16::from_be_bytes([n0, n1]);
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let end = len.checked_add(4)?;
    (CHANNEL_FIRST..=CHANNEL_LAST).contains(&number).then_some(())?;
    (len <= rest.len() && rest.len().saturating_sub(len) < 4).then_some((number, 4..end))
}

/// The head of a ChannelData frame around `len` bytes.
pub fn channel_head(number: u16, len: usize) -> Option<[u8; 4]> {
    let ([n0, n1], [l0, l1]) = (number.to_be_bytes(), u16::try_from(len).ok()?.to_be_bytes());
    Some([n0, n1, l0, l1])
}

/// How many bytes the message at the head of a stream has, padding of ChannelData included (RFC 8656 §12.5). Nothing
/// while its head is not whole.
///
/// # Errors
/// It is neither STUN nor ChannelData, or longer than [`MESSAGE_BYTES_MAX`]: the stream cannot be followed any more.
pub fn message_bytes(stream: &[u8]) -> Result<Option<usize>, BadStream> {
    let Some(([k0, _, l0, l1], _)) = split::<4>(stream) else { return Ok(None) };
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let whole = match k0 >> 6 {
        0 => len.saturating_add(STUN_HEADER_BYTES),
        1 => len.saturating_add(4).next_multiple_of(4),
        _ => return Err(BadStream::Unknown),
    };
    if whole > MESSAGE_BYTES_MAX { Err(BadStream::TooLong) } else { Ok(Some(whole)) }
}

/// Why a stream from a TURN server cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadStream {
    /// Its next bytes begin no message.
    #[error("turn stream holds neither stun nor channel data")]
    Unknown,
    /// A message is longer than a packet holds.
    #[error("turn stream holds a message over 1500 bytes")]
    TooLong,
}

/// How a TURN server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

/// A server as a URL names it (RFC 7064, RFC 7065).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// How it relays; nothing: it is a STUN server, which relays not.
    pub relay: Option<Transport>,
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl ServerUrl {
    /// Reads `stun:host[:port]`, `turn:host[:port][?transport=udp|tcp]` and `turns:host[:port][?transport=tcp]`.
    ///
    /// # Errors
    /// One sentence.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        if url.len() > URL_BYTES_MAX {
            return Err(BadUrl::TooLong);
        }
        let bad = || BadUrl::Malformed(url.to_owned());
        let (scheme, rest) = url.split_once(':').ok_or_else(bad)?;
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let transport = match query {
            None => None,
            Some(query) => Some(query.strip_prefix("transport=").ok_or_else(bad)?.to_ascii_lowercase()),
        };
        let relay = match (scheme.to_ascii_lowercase().as_str(), transport.as_deref()) {
            ("stun", None) => None,
            ("turn", None | Some("udp")) => Some(Transport::Udp),
            ("turn", Some("tcp")) => Some(Transport::Tcp),
            ("turns", None | Some("tcp")) => Some(Transport::Tls),
            ("stun" | "stuns" | "turn" | "turns", _) => return Err(BadUrl::Transport(url.to_owned())),
            _ => return Err(bad()),
        };
        let (host, port) = split_place(place).ok_or_else(bad)?;
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?,
            None if relay == Some(Transport::Tls) => 5349,
            None => 3478,
        };
        let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte));
        if host.is_empty() || !plain {
            return Err(bad());
        }
        Ok(Self { relay, host: host.to_owned(), port })
    }
}

fn split_place(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(inside) = place.strip_prefix('[') {
        let (host, rest) = inside.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

/// Why a URL names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It is longer than [`URL_BYTES_MAX`].
    #[error("ice server url has more than 300 bytes")]
    TooLong,
    /// It has not the form of one.
    #[error("`{0}` is no stun:, turn: or turns: url")]
    Malformed(String),
    /// It asks for a transport its scheme has not.
    #[error("`{0}` asks for a transport we do not speak")]
    Transport(String),
}

/// The first number a channel may have (RFC 8656 §12).
pub const CHANNEL_FIRST: u16 = 0x4000;
/// And the last.
pub const CHANNEL_LAST: u16 = 0x4fff;
/// The longest message taken from a stream: what a packet holds.
pub const MESSAGE_BYTES_MAX: usize = crate::base::packet::PACKET_BYTES_MAX;
/// A server's URL, in bytes.
pub const URL_BYTES_MAX: usize = 300;
const STUN_HEADER_BYTES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_data_is_read_with_its_padding_and_nothing_longer() {
        let frame = [0x40, 1, 0, 3, 7, 8, 9, 0];
        assert_eq!(read_channel_data(&frame), Some((0x4001, 4..7)));
        assert_eq!(read_channel_data(&frame[..7]), Some((0x4001, 4..7)));
        assert_eq!(read_channel_data(&frame[..6]), None, "cut");
        assert_eq!(read_channel_data(&[0x40, 1, 0, 0, 1, 2, 3, 4]), None, "more behind it than padding");
        assert_eq!(read_channel_data(&[0x50, 0, 0, 0]), None, "no channel has that number");
        assert_eq!(channel_head(0x4001, 3), Some([0x40, 1, 0, 3]));
    }

    #[test]
    fn a_stream_is_cut_at_its_messages_whatever_its_bytes() {
        assert_eq!(message_bytes(&[0, 1, 0]), Ok(None));
        assert_eq!(message_bytes(&[0, 1, 0, 8, 9]), Ok(Some(28)));
        assert_eq!(message_bytes(&[0x40, 0, 0, 5]), Ok(Some(12)));
        assert_eq!(message_bytes(&[0x80, 0, 0, 5]), Err(BadStream::Unknown));
        assert_eq!(message_bytes(&[0x40, 0, 0xff, 0xff]), Err(BadStream::TooLong));
    }

    #[test]
    fn urls_name_their_servers() {
        let of = |url: &str| ServerUrl::parse(url).map(|server| (server.relay, server.host, server.port));
        let ok = |relay, host: &str, port| Ok((relay, host.to_owned(), port));
        assert_eq!(of("stun:stun.example.net"), ok(None, "stun.example.net", 3478));
        assert_eq!(of("turn:192.0.2.7:3479?transport=tcp"), ok(Some(Transport::Tcp), "192.0.2.7", 3479));
        assert_eq!(of("turn:[2001:db8::7]"), ok(Some(Transport::Udp), "2001:db8::7", 3478));
        assert_eq!(of("turns:t.example:443?transport=tcp"), ok(Some(Transport::Tls), "t.example", 443));
        assert_eq!(of("TURNS:t.example"), ok(Some(Transport::Tls), "t.example", 5349));
        for bad in ["", "stun:", "http:x", "turn:a:b", "turn:a:0", "turn:::1", "turn:[::1", "turn:a b", "turn:a?x=1"] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert_eq!(of("turns:a?transport=udp"), Err(BadUrl::Transport("turns:a?transport=udp".into())));
        assert_eq!(of(&format!("turn:{}", "a".repeat(400))), Err(BadUrl::TooLong));
    }
}
