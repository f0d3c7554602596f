//! The peer's description, read with bounds and reasons: sdp-types knows the grammar, the meaning is checked here.

use std::net::{IpAddr, SocketAddr};

use protocol::limits::SDP_BYTES_MAX;
use sdp_types::{Attribute, Media, Session};

use super::{
    CANDIDATES_MAX, Candidate, CandidateKind, Direction, Dtmf, FORMATS_MAX, Remote, SECTIONS_MAX, SdpError, Section,
    Setup,
};

/// Reads an offer.
///
/// # Errors
/// Says which line is missing or wrong.
pub fn parse_offer(sdp: &str) -> Result<Remote, SdpError> {
    read(sdp)
}

/// Reads an answer to an offer of ours.
///
/// # Errors
/// Says which line is missing or wrong; `a=setup:actpass` is none (RFC 5763 §5).
pub fn parse_answer(sdp: &str) -> Result<Remote, SdpError> {
    let remote = read(sdp)?;
    match remote.setup {
        Setup::Actpass => Err(SdpError::Invalid("a=setup:actpass".to_owned(), "an answer chooses a role")),
        Setup::Active | Setup::Passive => Ok(remote),
    }
}

fn read(sdp: &str) -> Result<Remote, SdpError> {
    let session = parse_bounded(sdp)?;
    let group = bundle_group(&session);
    let at = session.medias.iter().position(is_usable).ok_or_else(|| why_no_audio(&session))?;
    let audio = session.medias.get(at).ok_or(SdpError::NoAudio)?;
    let mid = value(&audio.attributes, "mid").map(str::to_owned);
    let bundle = mid.as_deref().is_some_and(|mid| group.contains(&mid));
    let tagged =
        session.medias.iter().find(|media| bundle && value(&media.attributes, "mid") == group.first().copied());
    let scope =
        Scope { places: [Some(&audio.attributes), tagged.map(|media| &media.attributes), Some(&session.attributes)] };
    if scope.flag("rtcp-mux").is_none() {
        return Err(SdpError::Missing("a=rtcp-mux"));
    }
    let (opus_pt, dtmf) = read_formats(audio)?;
    Ok(Remote {
        ice_ufrag: read_secret(&scope, "ice-ufrag", "a=ice-ufrag", 4)?,
        ice_pwd: read_secret(&scope, "ice-pwd", "a=ice-pwd", 22)?,
        ice_lite: session.attributes.iter().any(|a| a.attribute == "ice-lite"),
        candidates: read_candidates(&scope),
        fingerprint: read_fingerprint(&scope, audio)?,
        setup: read_setup(&scope)?,
        bundle,
        rtcp_mux: true,
        opus_pt,
        dtmf,
        ssrc: value(&audio.attributes, "ssrc").and_then(|v| v.split(' ').next()?.parse().ok()),
        direction: read_direction(&scope),
        sections: session.medias.iter().enumerate().map(|(i, media)| section(media, i == at)).collect(),
        mid,
    })
}

fn parse_bounded(sdp: &str) -> Result<Session, SdpError> {
    if sdp.len() > SDP_BYTES_MAX {
        return Err(SdpError::TooLong(sdp.len()));
    }
    let sections = sdp.lines().filter(|line| line.starts_with("m=")).count();
    if sections > SECTIONS_MAX {
        return Err(SdpError::TooManySections(sections));
    }
    if let Some(line) =
        sdp.lines().find(|l| l.starts_with("m=") && l.split(' ').count() > FORMATS_MAX.saturating_add(3))
    {
        return Err(SdpError::TooManyFormats(excerpt(line)));
    }
    Session::parse(sdp.as_bytes()).map_err(|e| SdpError::Malformed(e.to_string().to_lowercase()))
}

/// The mids of the first BUNDLE group.
fn bundle_group(session: &Session) -> Vec<&str> {
    let groups = session.attributes.iter().filter(|a| a.attribute == "group").filter_map(|a| a.value.as_deref());
    groups
        .filter_map(|v| v.strip_prefix("BUNDLE"))
        .map(|v| v.split_ascii_whitespace().collect())
        .next()
        .unwrap_or_default()
}

fn is_usable(media: &Media) -> bool {
    let open = media.port != 0 || media.attributes.iter().any(|a| a.attribute == "bundle-only");
    media.media == "audio" && open && matches!(media.proto.as_str(), "UDP/TLS/RTP/SAVPF" | "UDP/TLS/RTP/SAVP")
}

fn why_no_audio(session: &Session) -> SdpError {
    let sdes = |media: &&Media| media.media == "audio" && matches!(media.proto.as_str(), "RTP/SAVP" | "RTP/SAVPF");
    match session.medias.iter().find(sdes) {
        Some(media) => SdpError::Sdes(excerpt(&format!("m=audio {} {} {}", media.port, media.proto, media.fmt))),
        None => SdpError::NoAudio,
    }
}

/// Where attributes of the transport may stand: at the section, at the section that speaks for its bundle, or at the
/// session.
struct Scope<'a> {
    places: [Option<&'a Vec<Attribute>>; 3],
}

impl<'a> Scope<'a> {
    fn flag(&self, name: &str) -> Option<&'a Attribute> {
        self.places.iter().flatten().find_map(|place| place.iter().find(|a| a.attribute == name))
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.flag(name)?.value.as_deref()
    }

    /// All values of the first place that has any.
    fn values(&self, name: &str) -> Vec<&'a str> {
        let of = |place: &'a Vec<Attribute>| -> Vec<&'a str> {
            place.iter().filter(|a| a.attribute == name).filter_map(|a| a.value.as_deref()).collect()
        };
        self.places.iter().flatten().map(|place| of(place)).find(|found| !found.is_empty()).unwrap_or_default()
    }
}

// RFC 8839 §5.4 allows letters, digits, `+` and `/`; Meta's passwords are base64 and end in `=`.
fn read_secret(scope: &Scope<'_>, name: &str, line: &'static str, least: usize) -> Result<String, SdpError> {
    let value = scope.value(name).ok_or(SdpError::Missing(line))?;
    let invalid = |why| SdpError::Invalid(format!("{line}:…"), why);
    if value.len() < least || value.len() > SECRET_CHARS_MAX {
        return Err(invalid("its length is out of bounds"));
    }
    match value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b)) {
        true => Ok(value.to_owned()),
        false => Err(invalid("it holds a character that is none of ice's")),
    }
}

fn read_fingerprint(scope: &Scope<'_>, audio: &Media) -> Result<[u8; 32], SdpError> {
    let all = scope.values("fingerprint");
    let Some(first) = all.first() else {
        return Err(match audio.attributes.iter().find(|a| a.attribute == "crypto") {
            Some(_) => SdpError::Sdes("a=crypto".to_owned()),
            None => SdpError::Missing("a=fingerprint"),
        });
    };
    let sha256 = all.iter().filter_map(|v| v.split_once(' ')).find(|(hash, _)| hash.eq_ignore_ascii_case("sha-256"));
    let line = excerpt(&format!("a=fingerprint:{first}"));
    let Some((_, hex)) = sha256 else { return Err(SdpError::Invalid(line, "only sha-256 is accepted")) };
    read_hex(hex.trim()).ok_or(SdpError::Invalid(line, "sha-256 has 32 pairs of hex digits"))
}

fn read_hex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let mut pairs = text.split(':');
    for byte in &mut out {
        let pair = pairs.next()?;
        if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    pairs.next().is_none().then_some(out)
}

fn read_setup(scope: &Scope<'_>) -> Result<Setup, SdpError> {
    match scope.value("setup").ok_or(SdpError::Missing("a=setup"))? {
        "actpass" => Ok(Setup::Actpass),
        "active" => Ok(Setup::Active),
        "passive" => Ok(Setup::Passive),
        other => Err(SdpError::Invalid(excerpt(&format!("a=setup:{other}")), "the role is unknown")),
    }
}

fn read_direction(scope: &Scope<'_>) -> Direction {
    let [section, _, session] = scope.places;
    let of = |place: &Vec<Attribute>| {
        place.iter().find_map(|a| match a.attribute.as_str() {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        })
    };
    // RFC 8866 §6.7: sendrecv is what silence means.
    section.and_then(of).or_else(|| session.and_then(of)).unwrap_or(Direction::SendRecv)
}

/// Opus and the telephone-events among the payload types of the m-line, in its order.
fn read_formats(audio: &Media) -> Result<(u8, Vec<Dtmf>), SdpError> {
    let maps: Vec<(u8, &str)> = audio
        .attributes
        .iter()
        .filter(|a| a.attribute == "rtpmap")
        .filter_map(|a| a.value.as_deref()?.split_once(' '))
        .filter_map(|(pt, name)| Some((pt.parse().ok()?, name.trim())))
        .collect();
    let named =
        audio.fmt.split_ascii_whitespace().filter_map(|pt| pt.parse::<u8>().ok()).filter(|pt| is_ours_to_use(*pt));
    let mut opus = None;
    let mut dtmf = Vec::new();
    for pt in named.take(FORMATS_MAX) {
        let Some((_, name)) = maps.iter().find(|(of, _)| *of == pt) else { continue };
        match name.to_ascii_lowercase().as_str() {
            "opus/48000/2" => opus = opus.or(Some(pt)),
            "telephone-event/8000" | "telephone-event/8000/1" => dtmf.push(Dtmf { pt, clock_hz: 8_000 }),
            "telephone-event/48000" | "telephone-event/48000/1" => dtmf.push(Dtmf { pt, clock_hz: 48_000 }),
            _ => {}
        }
    }
    let line = || excerpt(&format!("m=audio {} {} {}", audio.port, audio.proto, audio.fmt));
    Ok((opus.ok_or_else(|| SdpError::NoOpus(line()))?, dtmf))
}

/// Not 64..=95, which cannot be told from RTCP on one port (RFC 5761 §4).
fn is_ours_to_use(pt: u8) -> bool {
    pt < 128 && !(64..=95).contains(&pt)
}

/// Candidates we can use. What we cannot (TCP, names, other components) is passed over, as trickle would do.
fn read_candidates(scope: &Scope<'_>) -> Vec<Candidate> {
    scope.values("candidate").into_iter().filter_map(read_candidate).take(CANDIDATES_MAX).collect()
}

// RFC 8839 §5.1: foundation component transport priority address port "typ" type …
fn read_candidate(line: &str) -> Option<Candidate> {
    let mut words = line.split_ascii_whitespace();
    let foundation = words.next()?;
    let component: u16 = words.next()?.parse().ok()?;
    let udp = words.next()?.eq_ignore_ascii_case("udp");
    let priority = words.next()?.parse().ok()?;
    let ip = words.next()?.parse::<IpAddr>().ok()?.to_canonical();
    let port: u16 = words.next()?.parse().ok()?;
    let kind = match (words.next()?, words.next()?) {
        ("typ", "host") => CandidateKind::Host,
        ("typ", "srflx") => CandidateKind::ServerReflexive,
        ("typ", "prflx") => CandidateKind::PeerReflexive,
        ("typ", "relay") => CandidateKind::Relayed,
        _ => return None,
    };
    let nobody = ip.is_unspecified() || ip.is_multicast() || port == 0 || ip == IpAddr::from([255; 4]);
    if component != 1 || !udp || nobody || foundation.len() > FOUNDATION_CHARS_MAX {
        return None;
    }
    Some(Candidate { addr: SocketAddr::new(ip, port), priority, kind, foundation: foundation.to_owned(), component })
}

fn section(media: &Media, ours: bool) -> Section {
    let first_format = media.fmt.split_ascii_whitespace().next().unwrap_or("0").to_owned();
    let mid = value(&media.attributes, "mid").map(str::to_owned);
    Section { media: media.media.clone(), proto: media.proto.clone(), first_format, mid, ours }
}

fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|a| a.attribute == name)?.value.as_deref()
}

/// As much of a line as a sentence bears.
fn excerpt(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(EXCERPT_CHARS).collect()
}

const SECRET_CHARS_MAX: usize = 256;
const FOUNDATION_CHARS_MAX: usize = 32;
const EXCERPT_CHARS: usize = 80;
