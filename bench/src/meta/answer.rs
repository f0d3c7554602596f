//! Reads an SDP that a business or a browser sent us, and says in words what Meta would not accept.

use std::net::SocketAddr;

use super::sdp::Ice;

/// What matters of somebody else's SDP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remote {
    /// ICE credentials, when both lines are there.
    pub ice: Option<Ice>,
    /// (hash name as written, hex as written) of every `a=fingerprint`.
    pub fingerprints: Vec<(String, String)>,
    /// `a=setup`.
    pub setup: Option<String>,
    /// `a=mid` of the audio line.
    pub mid: Option<String>,
    /// Payload types of the audio line, in order.
    pub formats: Vec<u8>,
    /// (payload type, `opus/48000/2`) of every `a=rtpmap`.
    pub codecs: Vec<(u8, String)>,
    /// Distinct SSRCs named by `a=ssrc`.
    pub ssrcs: Vec<u32>,
    /// Addresses of UDP candidates that are numbers.
    pub candidates: Vec<SocketAddr>,
    /// `a=ptime`.
    pub ptime: Option<String>,
    /// The media kinds and transports of all m-lines.
    pub lines: Vec<(String, String)>,
}

/// Whether the SDP opens or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `actpass`, `active` and `passive` are legal.
    Offer,
    /// `actpass` is not legal.
    Answer,
}

impl Remote {
    /// Reads what is there; what cannot be read is left out. Line ends may be LF or CRLF.
    pub fn parse(text: &str) -> Remote {
        let mut remote = Remote::default();
        let (mut ufrag, mut pwd) = (None, None);
        for line in text.lines() {
            let line = line.trim_end_matches('\r');
            if let Some(rest) = line.strip_prefix("m=") {
                remote.take_media_line(rest);
            }
            let Some((name, value)) = line.strip_prefix("a=").and_then(|a| a.split_once(':')) else { continue };
            match name {
                "ice-ufrag" => ufrag = Some(value.to_owned()),
                "ice-pwd" => pwd = Some(value.to_owned()),
                "fingerprint" => {
                    if let Some((hash, hex)) = value.split_once(' ') {
                        remote.fingerprints.push((hash.to_owned(), hex.trim().to_owned()));
                    }
                }
                "setup" => remote.setup = Some(value.to_owned()),
                "mid" => remote.mid = Some(value.to_owned()),
                "ptime" => remote.ptime = Some(value.to_owned()),
                "rtpmap" => remote.codecs.extend(codec(value)),
                "ssrc" => remote.take_ssrc(value),
                "candidate" => remote.candidates.extend(candidate(value)),
                _ => {}
            }
        }
        remote.fingerprints.dedup();
        remote.ice = ufrag.zip(pwd).map(|(ufrag, pwd)| Ice { ufrag, pwd });
        remote
    }

    /// The payload type of `opus/48000/2`.
    pub fn opus(&self) -> Option<u8> {
        self.codecs.iter().find(|(_, name)| name.eq_ignore_ascii_case("opus/48000/2")).map(|(pt, _)| *pt)
    }

    /// The payload type of `telephone-event/8000`.
    pub fn telephone_event(&self) -> Option<u8> {
        self.codecs.iter().find(|(_, name)| is_telephone_8k(name)).map(|(pt, _)| *pt)
    }

    /// The SHA-256 fingerprint as 32 bytes.
    pub fn sha256(&self) -> Option<Vec<u8>> {
        let (_, text) = self.fingerprints.iter().find(|(hash, _)| hash.eq_ignore_ascii_case("sha-256"))?;
        let bytes = hex::decode(text.replace(':', "")).ok()?;
        (bytes.len() == 32).then_some(bytes)
    }

    fn take_media_line(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let kind = words.next().unwrap_or_default().to_owned();
        let _port = words.next();
        let transport = words.next().unwrap_or_default().to_owned();
        if kind == "audio" && self.formats.is_empty() {
            self.formats = words.filter_map(|word| word.parse().ok()).collect();
        }
        self.lines.push((kind, transport));
    }

    fn take_ssrc(&mut self, value: &str) {
        let Some(ssrc) = value.split(' ').next().and_then(|n| n.parse().ok()) else { return };
        if !self.ssrcs.contains(&ssrc) && self.ssrcs.len() < SSRCS_MAX {
            self.ssrcs.push(ssrc);
        }
    }
}

/// Checks an SDP by the rules Meta documents or shows; the sentence goes into `error_data.details`.
/// With `lax_codecs`, codecs that Meta does not speak may be named beside Opus, as its older samples do.
pub fn validate(text: &str, kind: Kind, lax_codecs: bool) -> Result<Remote, String> {
    check_shape(text)?;
    let remote = Remote::parse(text);
    check_media(&remote, lax_codecs)?;
    check_transport(&remote, kind)?;
    Ok(remote)
}

fn check_shape(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("SDP is empty".to_owned());
    }
    if text.len() > SDP_BYTES_MAX {
        return Err(format!("SDP is longer than {SDP_BYTES_MAX} bytes"));
    }
    if !text.ends_with("\r\n") || text.replace("\r\n", "").contains(['\r', '\n']) {
        return Err("SDP lines must end with CRLF".to_owned());
    }
    let mut lines = text.split("\r\n");
    if lines.next() != Some("v=0") {
        return Err("SDP must begin with v=0".to_owned());
    }
    for wanted in ["o=", "s=", "t="] {
        if !text.split("\r\n").any(|line| line.starts_with(wanted)) {
            return Err(format!("No {wanted} line found in SDP"));
        }
    }
    Ok(())
}

fn check_media(remote: &Remote, lax_codecs: bool) -> Result<(), String> {
    match remote.lines.as_slice() {
        [(kind, transport)] if kind == "audio" => {
            if transport != "UDP/TLS/RTP/SAVPF" {
                return Err(format!("Unsupported transport {transport} in SDP"));
            }
        }
        [] => return Err("No m=audio line found in SDP".to_owned()),
        _ => return Err("SDP must have exactly one m=audio line".to_owned()),
    }
    let opus = remote.opus().ok_or("No opus/48000/2 codec found in SDP")?;
    if !remote.formats.contains(&opus) {
        return Err("opus is mapped in SDP but absent from the m=audio line".to_owned());
    }
    for (pt, name) in &remote.codecs {
        let name = name.to_ascii_lowercase();
        if lax_codecs {
            break;
        }
        if name.starts_with("telephone-event") && !is_telephone_8k(&name) {
            return Err(format!("Unsupported clock rate of payload type {pt} in SDP: {name}"));
        }
        if !name.starts_with("telephone-event") && !name.starts_with("opus/") {
            return Err(format!("Unsupported codec of payload type {pt} in SDP: {name}"));
        }
    }
    if remote.ptime.as_deref().is_some_and(|ptime| ptime != "20") {
        return Err("ptime in SDP must be 20".to_owned());
    }
    if remote.ssrcs.len() > 1 {
        return Err("SDP must name one SSRC at most".to_owned());
    }
    Ok(())
}

fn check_transport(remote: &Remote, kind: Kind) -> Result<(), String> {
    match remote.fingerprints.as_slice() {
        [] => return Err("No fingerprint found in SDP".to_owned()),
        [_] if remote.sha256().is_some() => {}
        [_] => return Err("Fingerprint in SDP is not a valid sha-256".to_owned()),
        _ => return Err("More than one fingerprint found in SDP".to_owned()),
    }
    match (remote.setup.as_deref(), kind) {
        (Some("active" | "passive"), _) | (Some("actpass"), Kind::Offer) => {}
        (Some(other), _) => return Err(format!("a=setup:{other} is not allowed in this SDP")),
        (None, _) => return Err("No setup found in SDP".to_owned()),
    }
    let ice = remote.ice.as_ref().ok_or("No ice-ufrag and ice-pwd found in SDP")?;
    if ice.ufrag.len() < 4 || ice.pwd.len() < 22 {
        return Err("ice-ufrag or ice-pwd in SDP is too short".to_owned());
    }
    Ok(())
}

fn codec(value: &str) -> Option<(u8, String)> {
    let (pt, name) = value.split_once(' ')?;
    Some((pt.parse().ok()?, name.trim().to_owned()))
}

fn candidate(value: &str) -> Option<SocketAddr> {
    let words: Vec<&str> = value.split(' ').collect();
    let [_, _, transport, _, ip, port, ..] = words.as_slice() else { return None };
    if !transport.eq_ignore_ascii_case("udp") {
        return None;
    }
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

fn is_telephone_8k(name: &str) -> bool {
    name.eq_ignore_ascii_case("telephone-event/8000") || name.eq_ignore_ascii_case("telephone-event/8000/1")
}

const SDP_BYTES_MAX: usize = 16 * 1024;
const SSRCS_MAX: usize = 8;
