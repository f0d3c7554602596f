//! Meta's SDP answer to a business's offer: today's way of writing, and the published sample's.

use super::answer::Remote;
use super::sdp::{CNAME, Description, FMTP_TODAY, crlf};

/// What the answer takes from the offer.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// `a=mid`, and the BUNDLE group if there is one.
    pub mid: Option<String>,
    /// The payload type of Opus.
    pub opus: u8,
    /// The payload type of telephone-event/8000; Meta's own if the offer has none.
    pub keys: u8,
    /// The m-line's payload types.
    pub formats: Vec<u8>,
    /// `active` or `passive`.
    pub setup: &'static str,
}

impl Mirror {
    /// Reads the offer; `active` is our DTLS role. Payload types that the offer lacks are Meta's usual ones.
    pub fn of(offer: &Remote, active: bool, usual: [u8; 2]) -> Mirror {
        let [opus, keys] = usual;
        let dropped = |pt: &u8| offer.codecs.iter().any(|(known, name)| known == pt && name.starts_with("red/"));
        let (opus, keys) = (offer.opus().unwrap_or(opus), offer.telephone_event().unwrap_or(keys));
        let mut formats: Vec<u8> = offer.formats.iter().copied().filter(|pt| !dropped(pt)).collect();
        if !formats.contains(&keys) {
            formats.push(keys);
        }
        Mirror { mid: offer.mid.clone(), opus, keys, formats, setup: if active { "active" } else { "passive" } }
    }
}

/// As Meta writes its offers today; of its answers there is no recent capture.
pub fn answer_today(d: &Description, m: &Mirror) -> String {
    let [stream, track] = &d.stream_ids;
    let (ip, port, opus, keys) = (d.relay.ip(), d.relay.port(), m.opus, m.keys);
    let mut lines = head(d, m);
    lines.extend([
        format!("a=msid-semantic: WMS {stream}"),
        "a=ice-lite".to_owned(),
        format!("m=audio {port} UDP/TLS/RTP/SAVPF {opus} {keys}"),
        format!("c=IN {} {ip}", family(d)),
        "a=rtcp:9 IN IP4 0.0.0.0".to_owned(),
        format!("a=candidate:2275956755 1 udp 2122260223 {ip} {port} typ host generation 0 network-cost 50"),
    ]);
    lines.extend(transport(d, m));
    lines.extend([
        "a=sendrecv".to_owned(),
        format!("a=msid:{track} WhatsAppTrack1"),
        "a=rtcp-mux".to_owned(),
        format!("a=rtpmap:{opus} opus/48000/2"),
        format!("a=rtcp-fb:{opus} transport-cc"),
        format!("a=fmtp:{opus} {FMTP_TODAY}"),
        format!("a=rtpmap:{keys} telephone-event/8000"),
        "a=maxptime:20".to_owned(),
        "a=ptime:20".to_owned(),
        format!("a=ssrc:{} cname:{CNAME}", d.ssrc),
    ]);
    crlf(&lines)
}

/// The shape of the one answer that was published: the offer's payload types but for RED, `ice-options`, extensions.
pub fn answer_older(d: &Description, m: &Mirror) -> String {
    let [stream, track] = &d.stream_ids;
    let (ip, port, opus, keys) = (d.relay.ip(), d.relay.port(), m.opus, m.keys);
    let formats: Vec<String> = m.formats.iter().map(u8::to_string).collect();
    let mut lines = head(d, m);
    lines.extend([
        "a=extmap-allow-mixed".to_owned(),
        format!("a=msid-semantic: WMS {stream}"),
        "a=ice-lite".to_owned(),
        format!("m=audio {port} UDP/TLS/RTP/SAVPF {}", formats.join(" ")),
        format!("c=IN {} {ip}", family(d)),
        "a=rtcp:9 IN IP4 0.0.0.0".to_owned(),
        format!("a=candidate:1972637320 1 udp 2113937151 {ip} {port} typ host generation 0 network-cost 50"),
        "a=ice-options:trickle".to_owned(),
    ]);
    lines.extend(transport(d, m));
    lines.extend([
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level".to_owned(),
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time".to_owned(),
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01".to_owned(),
        "a=sendrecv".to_owned(),
        format!("a=msid:{stream} {track}"),
        "a=rtcp-mux".to_owned(),
        format!("a=rtpmap:{opus} opus/48000/2"),
        format!("a=rtcp-fb:{opus} transport-cc"),
        format!("a=fmtp:{opus} minptime=10;useinbandfec=1"),
        format!("a=rtpmap:{keys} telephone-event/8000"),
        "a=maxptime:20".to_owned(),
        "a=ptime:20".to_owned(),
        format!("a=ssrc:{} cname:{CNAME}", d.ssrc),
        format!("a=ssrc:{} msid:{stream} {track}", d.ssrc),
        format!("a=ssrc:{} mslabel:{stream}", d.ssrc),
        format!("a=ssrc:{} label:{track}", d.ssrc),
    ]);
    crlf(&lines)
}

fn head(d: &Description, m: &Mirror) -> Vec<String> {
    let mut lines =
        vec!["v=0".to_owned(), format!("o=- {} 2 IN IP4 127.0.0.1", d.unix_ms), "s=-".to_owned(), "t=0 0".to_owned()];
    lines.extend(m.mid.iter().map(|mid| format!("a=group:BUNDLE {mid}")));
    lines
}

fn transport(d: &Description, m: &Mirror) -> Vec<String> {
    let mut lines = vec![
        format!("a=ice-ufrag:{}", d.ice.ufrag),
        format!("a=ice-pwd:{}", d.ice.pwd),
        format!("a=fingerprint:sha-256 {}", d.fingerprint),
        format!("a=setup:{}", m.setup),
    ];
    lines.extend(m.mid.iter().map(|mid| format!("a=mid:{mid}")));
    lines
}

fn family(d: &Description) -> &'static str {
    if d.relay.is_ipv4() { "IP4" } else { "IP6" }
}
