//! The offers of the two kinds of callers, and the little of an answer they need.

use std::net::SocketAddrV4;

/// What an offer says.
pub struct Offer<'a> {
    /// Where we are.
    pub at: SocketAddrV4,
    /// `a=ice-ufrag`.
    pub ufrag: &'a str,
    /// `a=ice-pwd`.
    pub pwd: &'a str,
    /// SHA-256 of our certificate.
    pub fingerprint: &'a [u8; 32],
    /// The one source we send with.
    pub ssrc: u32,
}

/// The offer of Meta's relay: ICE-lite, one candidate. The harness asks to be the DTLS client, in which role its DTLS
/// is sound.
pub fn of_relay(offer: &Offer<'_>) -> String {
    let fmtp = "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1";
    write(offer, "audio", "a=ice-lite\r\n", "111 126", fmtp)
}

/// The offer of a browser: full ICE, and in control of it.
pub fn of_browser(offer: &Offer<'_>) -> String {
    write(offer, "0", "", "111 126", "minptime=10;useinbandfec=1")
}

fn write(offer: &Offer<'_>, mid: &str, lite: &str, formats: &str, fmtp: &str) -> String {
    let (ip, port) = (offer.at.ip(), offer.at.port());
    let Offer { ufrag, pwd, ssrc, .. } = offer;
    let hex: Vec<String> = offer.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
    let fingerprint = hex.join(":");
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mid}\r\n{lite}\
         m=audio {port} UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 {ip}\r\n\
         a=candidate:1 1 udp 2122260223 {ip} {port} typ host generation 0\r\na=end-of-candidates\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:active\r\n\
         a=mid:{mid}\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 {fmtp}\r\n\
         a=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\na=maxptime:20\r\na=ssrc:{ssrc} cname:bench\r\n"
    )
}

/// What the server's answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its first candidate.
    pub at: SocketAddrV4,
    /// Its user fragment.
    pub ufrag: String,
    /// Its password.
    pub pwd: String,
    /// SHA-256 of its certificate.
    pub fingerprint: [u8; 32],
}

impl Answer {
    /// Nothing if a line is missing, or the server does not take the DTLS server's role.
    pub fn read(sdp: &str) -> Option<Self> {
        let value = |name: &str| sdp.lines().find_map(|line| line.strip_prefix(name));
        let candidate = value("a=candidate:")?;
        let words: Vec<&str> = candidate.split(' ').collect();
        let at = SocketAddrV4::new(words.get(4)?.parse().ok()?, words.get(5)?.parse().ok()?);
        let mut fingerprint = [0; 32];
        let pairs = value("a=fingerprint:sha-256 ")?.split(':');
        for (byte, pair) in fingerprint.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        (value("a=setup:")? == "passive").then_some(())?;
        Some(Answer { at, ufrag: value("a=ice-ufrag:")?.to_owned(), pwd: value("a=ice-pwd:")?.to_owned(), fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_one_that_wants_to_be_the_client_is_not() {
        let mut sdp = "v=0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 20007 typ host\r\na=ice-ufrag:abcd\r\n\
                       a=ice-pwd:secret\r\na=setup:passive\r\na=fingerprint:sha-256 "
            .to_owned();
        sdp.push_str(&["0A"; 32].join(":"));
        sdp.push_str("\r\n");
        let answer = Answer::read(&sdp).unwrap();
        assert_eq!((answer.at, answer.ufrag.as_str()), ("127.0.0.1:20007".parse().unwrap(), "abcd"));
        assert_eq!((answer.pwd.as_str(), answer.fingerprint), ("secret", [10; 32]));
        assert_eq!(Answer::read(&sdp.replace("passive", "active")), None);
    }
}
