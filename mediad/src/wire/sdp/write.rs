//! Our descriptions, line by line, as design D1 and D3 have them.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Direction, Dtmf, Local, Remote, Section, Setup, host_priority, reflexive_priority, relayed_priority};

/// The answer to `remote`: Opus and telephone-event with the offer's payload types, and nothing else. Other sections
/// are declined with port 0 and leave the bundle.
pub fn write_answer(local: &Local, remote: &Remote) -> String {
    let audio = Audio {
        mid: remote.mid.as_deref(),
        setup: remote.setup.answer(),
        direction: remote.direction.mirrored(),
        opus_pt: remote.opus_pt,
        dtmf: &remote.dtmf,
    };
    let mut out = Lines::default();
    write_head(&mut out, local, remote.mid.as_deref().filter(|_| remote.bundle));
    for section in &remote.sections {
        match section.ours {
            true => write_audio(&mut out, local, &audio),
            false => decline(&mut out, section),
        }
    }
    out.0
}

/// Our offer: Opus as 111, telephone-event/8000 as 126.
pub fn write_offer(local: &Local) -> String {
    let audio = Audio {
        mid: Some(OFFER_MID),
        setup: local.setup,
        direction: Direction::SendRecv,
        opus_pt: OFFER_OPUS_PT,
        dtmf: &[Dtmf { pt: OFFER_DTMF_PT, clock_hz: 8_000 }],
    };
    let mut out = Lines::default();
    write_head(&mut out, local, Some(OFFER_MID));
    write_audio(&mut out, local, &audio);
    out.0
}

struct Audio<'a> {
    mid: Option<&'a str>,
    setup: Setup,
    direction: Direction,
    opus_pt: u8,
    dtmf: &'a [Dtmf],
}

/// Lines, each ended by CRLF.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(line);
        self.0.push_str("\r\n");
    }
}

fn write_head(out: &mut Lines, local: &Local, bundled: Option<&str>) {
    out.add(format_args!("v=0"));
    out.add(format_args!("o=- {} {} IN IP4 127.0.0.1", local.session_id, local.session_version));
    out.add(format_args!("s=-"));
    out.add(format_args!("t=0 0"));
    if let Some(mid) = bundled {
        out.add(format_args!("a=group:BUNDLE {mid}"));
    }
}

fn write_audio(out: &mut Lines, local: &Local, audio: &Audio<'_>) {
    let at = [&local.candidates, &local.reflexive, &local.relayed].into_iter().flatten().next().copied();
    let at = at.unwrap_or(NOWHERE);
    let mut formats = audio.opus_pt.to_string();
    for dtmf in audio.dtmf {
        let _ = write!(formats, " {}", dtmf.pt);
    }
    out.add(format_args!("m=audio {} UDP/TLS/RTP/SAVPF {formats}", at.port()));
    out.add(format_args!("c=IN {}", family_and_ip(at.ip())));
    write_candidates(out, local);
    write_transport(out, local, audio);
    write_formats(out, audio);
    out.add(format_args!("a=msid:{} audio", local.cname));
    out.add(format_args!("a=ssrc:{} cname:{}", local.ssrc, local.cname));
}

fn write_candidates(out: &mut Lines, local: &Local) {
    let hosts = local.candidates.iter().enumerate().map(|(order, addr)| (host_priority(order), addr, "host"));
    // RFC 8839 §5.1: the related address may be hidden, and nobody needs it.
    let seen = local.reflexive.iter().enumerate();
    let seen = seen.map(|(order, addr)| (reflexive_priority(order), addr, "srflx raddr 0.0.0.0 rport 9"));
    let held = local.relayed.iter().enumerate();
    let held = held.map(|(order, addr)| (relayed_priority(order), addr, "relay raddr 0.0.0.0 rport 9"));
    let mut foundation = 0u32;
    for (priority, addr, kind) in hosts.chain(seen).chain(held) {
        foundation = foundation.saturating_add(1);
        out.add(format_args!("a=candidate:{foundation} 1 udp {priority} {} {} typ {kind}", addr.ip(), addr.port()));
    }
    if foundation > 0 {
        out.add(format_args!("a=end-of-candidates"));
    }
}

fn write_transport(out: &mut Lines, local: &Local, audio: &Audio<'_>) {
    out.add(format_args!("a=ice-ufrag:{}", local.ice_ufrag));
    out.add(format_args!("a=ice-pwd:{}", local.ice_pwd));
    out.add(format_args!("a=fingerprint:sha-256 {}", colons(&local.fingerprint)));
    out.add(format_args!("a=setup:{}", setup_word(audio.setup)));
    if let Some(mid) = audio.mid {
        out.add(format_args!("a=mid:{mid}"));
    }
    out.add(format_args!("a={}", direction_word(audio.direction)));
    out.add(format_args!("a=rtcp-mux"));
}

fn write_formats(out: &mut Lines, audio: &Audio<'_>) {
    let pt = audio.opus_pt;
    out.add(format_args!("a=rtpmap:{pt} opus/48000/2"));
    out.add(format_args!("a=fmtp:{pt} {OPUS_FMTP}"));
    for dtmf in audio.dtmf {
        out.add(format_args!("a=rtpmap:{} telephone-event/{}", dtmf.pt, dtmf.clock_hz));
    }
    out.add(format_args!("a=ptime:20"));
    out.add(format_args!("a=maxptime:20"));
}

// RFC 3264 §6: every section of the offer is answered, with port 0 if it is not wanted.
fn decline(out: &mut Lines, section: &Section) {
    out.add(format_args!("m={} 0 {} {}", section.media, section.proto, section.first_format));
    out.add(format_args!("c=IN IP4 0.0.0.0"));
    if let Some(mid) = &section.mid {
        out.add(format_args!("a=mid:{mid}"));
    }
    out.add(format_args!("a=inactive"));
}

fn family_and_ip(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => format!("IP4 {v4}"),
        IpAddr::V6(v6) => format!("IP6 {v6}"),
    }
}

fn colons(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn setup_word(setup: Setup) -> &'static str {
    match setup {
        Setup::Actpass => "actpass",
        Setup::Active => "active",
        Setup::Passive => "passive",
    }
}

fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }
}

/// What WhatsApp takes, asked of everyone, so that a bridge never transcodes: 20 ms, wideband, 20 kbit/s, no DTX.
const OPUS_FMTP: &str = "minptime=20;maxaveragebitrate=20000;maxplaybackrate=16000;useinbandfec=1;usedtx=0";
/// Port 9 is "discard": what a description without an address says (RFC 8839 §4.2.1).
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9);
const OFFER_MID: &str = "audio";
const OFFER_OPUS_PT: u8 = 111;
const OFFER_DTMF_PT: u8 = 126;
