//! One ICE-lite end on str0m with OpenSSL's DTLS: datagrams in, RTP out, and the reverse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::config::{DtlsCert, Fingerprint};
use str0m::format::{Codec, FormatParams};
use str0m::media::{Frequency, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RawPacket, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc, RtcConfig};

use super::{dtls, stun};
use crate::meta::answer::Remote;
use crate::meta::sdp::Ice;

/// The peer.
pub struct Peer {
    rtc: Rtc,
    mid: Mid,
    ssrc: u32,
    local: SocketAddr,
    known_ssrcs: Vec<u32>,
    due: Instant,
}

/// How a peer is made.
pub struct Making<'a> {
    /// The socket's address: the one host candidate.
    pub local: SocketAddr,
    /// Our ICE credentials.
    pub ice: &'a Ice,
    /// The DTLS certificate.
    pub certificate: &'a DtlsCert,
    /// The SSRC we send with.
    pub ssrc: u32,
    /// AEAD_AES_128_GCM instead of AES_CM_128_HMAC_SHA1_80.
    pub aead: bool,
    /// Payload types that may come and go.
    pub payload_types: &'a [u8],
}

/// What a peer has to say.
pub enum Said {
    /// Send this datagram.
    Send {
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Authenticated RTP.
    Rtp(Box<RtpPacket>),
    /// Authenticated RTCP.
    Rtcp,
    /// DTLS is up.
    Connected,
    /// It will never work again.
    Broken(String),
}

/// One RTP packet to send.
pub struct Write {
    /// Payload type.
    pub payload_type: u8,
    /// Extended sequence number.
    pub seq: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Payload.
    pub payload: Arc<[u8]>,
}

impl Peer {
    /// A peer that answers checks once [`Peer::answer`] was called.
    pub fn new(now: Instant, making: &Making<'_>) -> Result<Peer, String> {
        let creds = IceCreds { ufrag: making.ice.ufrag.clone(), pass: making.ice.pwd.clone() };
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(dtls::provider(making.aead)))
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_dtls_cert(making.certificate.clone())
            .set_local_ice_credentials(creds)
            .clear_codecs()
            .clear_extension_map()
            .enable_raw_packets(true);
        for payload_type in making.payload_types {
            // WHY: in RTP mode the codec gives str0m nothing but the clock. Telephone-events share the voice's
            // timestamps, so theirs is told as 48 kHz too; otherwise sender reports would jump at every key.
            let format = FormatParams::default();
            let clock = Frequency::FORTY_EIGHT_KHZ;
            config.codec_config().add_config((*payload_type).into(), None, Codec::Opus, clock, Some(2), format);
        }
        let mut rtc = config.build(now);
        let candidate = Candidate::host(making.local, "udp").map_err(|error| error.to_string())?;
        rtc.add_local_candidate(candidate);
        let mid: Mid = "audio".into();
        let mut direct = rtc.direct_api();
        direct.set_ice_controlling(false);
        direct.declare_media(mid, MediaKind::Audio);
        direct.declare_stream_tx(making.ssrc.into(), None, mid, None);
        Ok(Peer { rtc, mid, ssrc: making.ssrc, local: making.local, known_ssrcs: Vec::new(), due: now })
    }

    /// Applies the other side's SDP. `client` is our DTLS role.
    pub fn answer(&mut self, remote: &Remote, client: bool) -> Result<(), String> {
        let ice = remote.ice.as_ref().ok_or("no ICE credentials")?;
        let bytes = remote.sha256().ok_or("no sha-256 fingerprint")?;
        let mut direct = self.rtc.direct_api();
        direct.set_remote_ice_credentials(IceCreds { ufrag: ice.ufrag.clone(), pass: ice.pwd.clone() });
        direct.set_remote_fingerprint(Fingerprint { hash_func: "sha-256".to_owned(), bytes });
        direct.start_dtls(client).map_err(|error| error.to_string())
    }

    /// Whether a datagram that could be for several peers is for this one; STUN integrity included.
    pub fn accepts(&self, now: Instant, from: SocketAddr, bytes: &[u8]) -> bool {
        let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, bytes) else { return false };
        self.rtc.accepts(&Input::Receive(now, receive))
    }

    /// A datagram came in.
    pub fn take(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Result<(), String> {
        self.expect(bytes);
        let receive = Receive::new(Protocol::Udp, from, self.local, bytes).map_err(|error| error.to_string())?;
        self.rtc.handle_input(Input::Receive(now, receive)).map_err(|error| error.to_string())
    }

    /// Time passed.
    pub fn wake(&mut self, now: Instant) -> Result<(), String> {
        self.rtc.handle_input(Input::Timeout(now)).map_err(|error| error.to_string())
    }

    /// Sends one RTP packet with the next [`Peer::wake`] and [`Peer::give`].
    pub fn write(&mut self, now: Instant, write: Write) {
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_tx(&self.ssrc.into()) else { return };
        let Write { payload_type, seq, timestamp, marker, payload } = write;
        stream.write_rtp(RtpWrite::new(payload_type.into(), seq.into(), timestamp, now, payload).marker(marker));
    }

    /// The next thing it has to say; none when it is done, and [`Peer::due`] is fresh.
    pub fn give(&mut self) -> Option<Said> {
        loop {
            return match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.due = at;
                    None
                }
                Ok(Output::Transmit(sent)) => Some(Said::Send { to: sent.destination, bytes: sent.contents.to_vec() }),
                Ok(Output::Event(Event::RtpPacket(packet))) => Some(Said::Rtp(Box::new(packet))),
                Ok(Output::Event(Event::Connected)) => Some(Said::Connected),
                Ok(Output::Event(Event::RawPacket(raw))) => match *raw {
                    RawPacket::RtcpRx(_) => Some(Said::Rtcp),
                    _ => continue,
                },
                Ok(Output::Event(_)) => continue,
                Err(error) => {
                    self.rtc.disconnect();
                    self.due += FAR;
                    Some(Said::Broken(error.to_string()))
                }
            };
        }
    }

    /// When it wants to be woken.
    pub fn due(&self) -> Instant {
        self.due
    }

    // WHY: str0m drops RTP of an SSRC nobody announced, and Meta's answer format has no a=ssrc from many clients. The
    // packet still has to open with the call's keys.
    fn expect(&mut self, bytes: &[u8]) {
        let Some((_, ssrc)) = stun::rtp_head(bytes) else { return };
        if self.known_ssrcs.contains(&ssrc) || self.known_ssrcs.len() >= SSRCS_MAX {
            return;
        }
        self.known_ssrcs.push(ssrc);
        self.rtc.direct_api().expect_stream_rx(ssrc.into(), None, self.mid, None).suppress_nack(true);
    }
}

const SSRCS_MAX: usize = 4;
const FAR: std::time::Duration = std::time::Duration::from_secs(3600);
