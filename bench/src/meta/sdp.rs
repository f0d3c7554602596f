//! The SDP that Meta writes: today's captured shape, the older published one, and an answer for a browser.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt as _;

/// What an SDP of ours says.
#[derive(Debug, Clone)]
pub struct Description {
    /// The relay's address: `c=`, the m-line's port and the one candidate.
    pub relay: SocketAddr,
    /// Our side of ICE.
    pub ice: Ice,
    /// `AA:BB:…` of the DTLS certificate, SHA-256.
    pub fingerprint: String,
    /// The one SSRC the relay sends with.
    pub ssrc: u32,
    /// Session id; Meta prints unix milliseconds.
    pub unix_ms: u64,
    /// For the two msid identifiers.
    pub stream_ids: [String; 2],
}

/// ICE user fragment and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ice {
    /// `a=ice-ufrag`.
    pub ufrag: String,
    /// `a=ice-pwd`.
    pub pwd: String,
}

impl Ice {
    /// As Meta makes them today: 16 characters, and 24 of base64 that may end in `==`.
    pub fn today(padded: bool, rng: &mut impl rand::Rng) -> Ice {
        let mut bytes = vec![0u8; if padded { 16 } else { 18 }];
        rng.fill(bytes.as_mut_slice());
        Ice { ufrag: letters(16, rng), pwd: STANDARD.encode(bytes) }
    }

    /// As the older published sample has them: 14 and 32 characters.
    pub fn older(rng: &mut impl rand::Rng) -> Ice {
        Ice { ufrag: letters(14, rng), pwd: letters(32, rng) }
    }
}

/// A user-initiated call's offer, line for line as captured in 2025 and 2026.
pub fn offer_today(d: &Description) -> String {
    let (ip, port) = (d.relay.ip(), d.relay.port());
    let family = if d.relay.is_ipv4() { "IP4" } else { "IP6" };
    let [stream, track] = &d.stream_ids;
    let lines = [
        "v=0".to_owned(),
        format!("o=- {} 2 IN IP4 127.0.0.1", d.unix_ms),
        "s=-".to_owned(),
        "t=0 0".to_owned(),
        "a=group:BUNDLE audio".to_owned(),
        format!("a=msid-semantic: WMS {stream}"),
        "a=ice-lite".to_owned(),
        format!("m=audio {port} UDP/TLS/RTP/SAVPF 111 126"),
        format!("c=IN {family} {ip}"),
        "a=rtcp:9 IN IP4 0.0.0.0".to_owned(),
        format!("a=candidate:2275956755 1 udp 2122260223 {ip} {port} typ host generation 0 network-cost 50"),
        format!("a=ice-ufrag:{}", d.ice.ufrag),
        format!("a=ice-pwd:{}", d.ice.pwd),
        format!("a=fingerprint:sha-256 {}", d.fingerprint),
        "a=setup:actpass".to_owned(),
        "a=mid:audio".to_owned(),
        "a=sendrecv".to_owned(),
        format!("a=msid:{track} WhatsAppTrack1"),
        "a=rtcp-mux".to_owned(),
        "a=rtpmap:111 opus/48000/2".to_owned(),
        "a=rtcp-fb:111 transport-cc".to_owned(),
        format!("a=fmtp:111 {FMTP_TODAY}"),
        "a=rtpmap:126 telephone-event/8000".to_owned(),
        "a=maxptime:20".to_owned(),
        "a=ptime:20".to_owned(),
        format!("a=ssrc:{} cname:{CNAME}", d.ssrc),
    ];
    crlf(&lines)
}

/// The shape of Meta's older published sample.
pub fn offer_older(d: &Description) -> String {
    let (ip, port) = (d.relay.ip(), d.relay.port());
    let [stream, track] = &d.stream_ids;
    let lines = [
        "v=0".to_owned(),
        format!("o=- {} 2 IN IP4 127.0.0.1", d.unix_ms),
        "s=-".to_owned(),
        "t=0 0".to_owned(),
        "a=group:BUNDLE audio".to_owned(),
        "a=extmap-allow-mixed".to_owned(),
        format!("a=msid-semantic: WMS {stream}"),
        "a=ice-lite".to_owned(),
        format!("m=audio {port} UDP/TLS/RTP/SAVPF 111 126"),
        format!("c=IN IP4 {ip}"),
        "a=rtcp:9 IN IP4 0.0.0.0".to_owned(),
        format!(
            "a=candidate:1972637320 1 udp 2113937151 {ip} {port} typ host generation 0 network-cost 50 ufrag {}",
            d.ice.ufrag
        ),
        format!("a=ice-ufrag:{}", d.ice.ufrag),
        format!("a=ice-pwd:{}", d.ice.pwd),
        format!("a=fingerprint:sha-256 {}", d.fingerprint),
        "a=setup:actpass".to_owned(),
        "a=mid:audio".to_owned(),
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level".to_owned(),
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time".to_owned(),
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01".to_owned(),
        "a=sendrecv".to_owned(),
        format!("a=msid:{stream} {track}"),
        "a=rtcp-mux".to_owned(),
        "a=rtpmap:111 opus/48000/2".to_owned(),
        "a=rtcp-fb:111 transport-cc".to_owned(),
        "a=fmtp:111 minptime=10;useinbandfec=1".to_owned(),
        "a=rtpmap:126 telephone-event/8000".to_owned(),
        "a=maxptime:20".to_owned(),
        "a=ptime:20".to_owned(),
        format!("a=ssrc:{} cname:{CNAME}", d.ssrc),
        format!("a=ssrc:{} msid:{stream} {track}", d.ssrc),
        format!("a=ssrc:{} mslabel:{stream}", d.ssrc),
        format!("a=ssrc:{} label:{track}", d.ssrc),
    ];
    crlf(&lines)
}

/// The answer to the phone page's browser: the stand-in's own line, not Meta's.
/// `mid` and `opus` are the browser's; the DTLS role is passive.
pub fn answer_browser(d: &Description, mid: &str, opus: u8) -> String {
    let (ip, port) = (d.relay.ip(), d.relay.port());
    let family = if d.relay.is_ipv4() { "IP4" } else { "IP6" };
    let lines = [
        "v=0".to_owned(),
        format!("o=- {} 2 IN IP4 127.0.0.1", d.unix_ms),
        "s=-".to_owned(),
        "t=0 0".to_owned(),
        format!("a=group:BUNDLE {mid}"),
        "a=ice-lite".to_owned(),
        format!("m=audio {port} UDP/TLS/RTP/SAVPF {opus}"),
        format!("c=IN {family} {ip}"),
        format!("a=candidate:1 1 udp 2122260223 {ip} {port} typ host generation 0"),
        "a=end-of-candidates".to_owned(),
        format!("a=ice-ufrag:{}", d.ice.ufrag),
        format!("a=ice-pwd:{}", d.ice.pwd),
        format!("a=fingerprint:sha-256 {}", d.fingerprint),
        "a=setup:passive".to_owned(),
        format!("a=mid:{mid}"),
        "a=sendrecv".to_owned(),
        format!("a=msid:{} phone", d.stream_ids[0]),
        "a=rtcp-mux".to_owned(),
        format!("a=rtpmap:{opus} opus/48000/2"),
        format!("a=fmtp:{opus} {FMTP_TODAY}"),
        "a=ptime:20".to_owned(),
        "a=maxptime:20".to_owned(),
        format!("a=ssrc:{} cname:phone", d.ssrc),
    ];
    crlf(&lines)
}

/// A random identifier in the form of a UUID (version 4).
pub fn uuid(rng: &mut impl rand::Rng) -> String {
    let n: u128 = rng.random();
    let hex = format!("{n:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn letters(count: usize, rng: &mut impl rand::Rng) -> String {
    (0..count).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}

/// Lines to text, CRLF after each.
pub fn crlf(lines: &[String]) -> String {
    let mut text = lines.join("\r\n");
    text.push_str("\r\n");
    text
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// What Meta asks of Opus today.
pub const FMTP_TODAY: &str =
    "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1";
/// The canonical name of the relay's stream.
pub const CNAME: &str = "WhatsAppAudioStream1";
