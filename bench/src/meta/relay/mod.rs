//! Meta's media relay: one UDP address for every call, and a second one for phones that are browsers.

mod circuit;
mod dtls;
mod floor;
pub mod heard;
pub mod keys;
mod outlet;
mod peer;
pub mod source;
pub mod stun;
mod tally;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use str0m::config::DtlsCert;
use tokio::sync::{mpsc, oneshot};

use super::answer::Remote;
use super::exchange::lock;
use super::sdp::Ice;
use heard::Heard;
use source::Frames;

pub use circuit::{OPUS, TELEPHONE_EVENT};
pub use source::Source;
pub use tally::{Counts, Ticket};

/// A grip on the relay's thread; dropping the last one ends it.
pub struct Relay {
    media: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
    frames: Mutex<Vec<(Source, Frames)>>,
}

/// A call that needs media.
#[derive(Debug, Clone)]
pub struct Open {
    /// Meta's side of ICE.
    pub ice: Ice,
    /// Meta's one SSRC.
    pub ssrc: u32,
    /// Who speaks.
    pub phone: Phone,
    /// An RSA certificate instead of an ECDSA one.
    pub rsa: bool,
    /// AEAD_AES_128_GCM instead of AES_CM_128_HMAC_SHA1_80.
    pub aead: bool,
    /// The payload types of Opus and of telephone-events.
    pub payload_types: [u8; 2],
    /// Send nothing before the business does.
    pub waits_for_rtp: bool,
    /// Packets to the business that are lost, in percent.
    pub loss_percent: u8,
    /// For loss and first numbers.
    pub seed: u64,
}

/// Who is at the caller's end.
#[derive(Debug, Clone)]
pub enum Phone {
    /// A phone inside the relay.
    Scripted(Source),
    /// A browser that made this offer.
    Browser {
        /// Its SDP.
        offer: String,
    },
}

/// A phone that was put behind a call.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The SDP for the browser, if it is one.
    pub browser_answer: Option<String>,
    /// What a scripted phone hears.
    pub heard: Option<Arc<Mutex<Heard>>>,
}

/// The two DTLS certificates of one relay.
#[derive(Debug, Clone)]
struct Certificates {
    ecdsa: DtlsCert,
    rsa: DtlsCert,
}

enum Command {
    Open { open: Box<Open>, frames: Option<Frames>, reply: oneshot::Sender<Result<Ticket, String>> },
    Answer { key: u64, remote: Box<Remote>, client: bool },
    Attach { key: u64, phone: Phone, frames: Option<Frames>, reply: oneshot::Sender<Result<Attached, String>> },
    Accept { key: u64 },
    Press { key: u64, digits: String },
    Close { key: u64 },
}

impl Relay {
    /// Binds `media` and a free port on the same IP for browsers, and starts the thread.
    pub fn start(media: SocketAddr) -> std::io::Result<Relay> {
        let provider = str0m::crypto::from_feature_flags();
        let ecdsa = provider
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| std::io::Error::other("no DTLS certificate could be made"))?;
        let rsa = DtlsCert { certificate: RSA_CERTIFICATE.to_vec(), private_key: RSA_KEY.to_vec() };
        let meta = bind(media)?;
        let phones = bind(SocketAddr::new(media.ip(), 0))?;
        let media = meta.local_addr()?;
        let (commands, inbox) = mpsc::unbounded_channel();
        let certificates = Certificates { ecdsa, rsa };
        std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || floor::run(meta, phones, certificates, inbox))?;
        Ok(Relay { media, commands, frames: Mutex::new(Vec::new()) })
    }

    /// The relay's address.
    pub fn media(&self) -> SocketAddr {
        self.media
    }

    /// Opens a call's media. Errors: an unusable offer or sound file.
    pub async fn open(&self, open: Open) -> Result<Ticket, String> {
        let frames = self.frames_of(&open.phone).await?;
        let (reply, answered) = oneshot::channel();
        self.send(Command::Open { open: Box::new(open), frames, reply });
        answered.await.map_err(|_| "the relay has stopped".to_owned())?
    }

    /// The business's SDP. `client` is the relay's DTLS role.
    pub fn answer(&self, ticket: &Ticket, remote: Remote, client: bool) {
        self.send(Command::Answer { key: ticket.key, remote: Box::new(remote), client });
    }

    /// Puts another phone behind a call: the user picks up with it. Errors as of [`Relay::open`].
    pub async fn attach(&self, key: u64, phone: Phone) -> Result<Attached, String> {
        let frames = self.frames_of(&phone).await?;
        let (reply, answered) = oneshot::channel();
        self.send(Command::Attach { key, phone, frames, reply });
        answered.await.map_err(|_| "the relay has stopped".to_owned())?
    }

    /// Media may flow.
    pub fn accept(&self, ticket: &Ticket) {
        self.send(Command::Accept { key: ticket.key });
    }

    /// Keys to send as telephone-events.
    pub fn press(&self, ticket: &Ticket, digits: &str) {
        self.send(Command::Press { key: ticket.key, digits: digits.to_owned() });
    }

    /// Nothing more in either direction.
    pub fn close(&self, ticket: &Ticket) {
        self.send(Command::Close { key: ticket.key });
    }

    fn send(&self, command: Command) {
        // WHY: the thread lives as long as this sender; a failure means that it panicked, and open() says so.
        let _ = self.commands.send(command);
    }

    async fn frames_of(&self, phone: &Phone) -> Result<Option<Frames>, String> {
        match phone {
            Phone::Scripted(source) => Ok(Some(self.frames(source).await?)),
            Phone::Browser { .. } => Ok(None),
        }
    }

    /// Sound is encoded once and kept; only files are read anew, for they may have changed.
    async fn frames(&self, source: &Source) -> Result<Frames, String> {
        if let Some((_, frames)) = lock(&self.frames).iter().find(|(known, _)| known == source) {
            return Ok(frames.clone());
        }
        let wanted = source.clone();
        let made = tokio::task::spawn_blocking(move || Frames::of(&wanted)).await;
        let frames = made.map_err(|error| error.to_string())??;
        let mut kept = lock(&self.frames);
        if !matches!(source, Source::File(_)) && kept.len() < FRAMES_KEPT {
            kept.push((source.clone(), frames.clone()));
        }
        Ok(frames)
    }
}

fn bind(addr: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind(addr)?;
    socket.set_nonblocking(true)?;
    // WHY: a busy machine may not run the relay for a while; the kernel gives what it allows.
    let buffers = socket2::SockRef::from(&socket);
    let _ = buffers.set_recv_buffer_size(SOCKET_BYTES);
    let _ = buffers.set_send_buffer_size(SOCKET_BYTES);
    Ok(socket)
}

fn scripted(frames: Frames) -> (circuit::Far, Arc<Mutex<Heard>>) {
    let heard = Arc::new(Mutex::new(Heard::default()));
    (circuit::Far::Scripted { frames, heard: Arc::clone(&heard) }, heard)
}

const SOCKET_BYTES: usize = 4 * 1024 * 1024;
const FRAMES_KEPT: usize = 64;
// A throw-away pair for the RSA switch; it protects nothing.
const RSA_CERTIFICATE: &[u8] = include_bytes!("../../../assets/relay-rsa.crt.der");
const RSA_KEY: &[u8] = include_bytes!("../../../assets/relay-rsa.key.der");
