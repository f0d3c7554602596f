//! Streams to TURN servers, plain or inside TLS: datagrams of a port and a server in, datagrams out (RFC 8656 §2.1).

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::Path as File;
use std::sync::Arc;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::base::outbox::Path;
use crate::base::packet::Packet;
use crate::wire::turn::message_bytes;

/// All streams. One is named by the leg's port and the server; its token is `tokens` plus its place.
pub struct Links {
    places: Vec<Option<Link>>,
    by: HashMap<(u16, SocketAddr), usize>,
    /// Streams that were not read empty.
    unread: Vec<usize>,
    tls: Option<Arc<ClientConfig>>,
    tokens: usize,
    /// Datagrams dropped because a server reads too slowly, or more streams were wanted than there may be.
    pub dropped: u64,
}

struct Link {
    path: Path,
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

/// A stream is over.
#[derive(Debug)]
struct Over;

impl Links {
    /// None yet. `trusted`: certificates to be believed beside the system's, in a PEM file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn new(tokens: usize, trusted: Option<&File>) -> io::Result<Self> {
        let tls = client_config(trusted)?;
        Ok(Self { places: Vec::new(), by: HashMap::new(), unread: Vec::new(), tls, tokens, dropped: 0 })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by.is_empty()
    }

    /// Whether some must still be read.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Opens one. False if it cannot even be begun.
    pub fn open(&mut self, registry: &Registry, path: Path, name: Option<&str>) -> bool {
        self.close(path.local.port(), path.remote);
        match self.begin(registry, path, name) {
            Some(at) => {
                self.by.insert((path.local.port(), path.remote), at);
                true
            }
            None => false,
        }
    }

    fn begin(&mut self, registry: &Registry, path: Path, name: Option<&str>) -> Option<usize> {
        let at = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if at >= LINKS_MAX {
            self.dropped += 1;
            return None;
        }
        let tls = match name {
            None => None,
            Some(name) => {
                let name = ServerName::try_from(name.to_owned()).ok()?;
                let mut tls = ClientConnection::new(Arc::clone(self.tls.as_ref()?), name).ok()?;
                tls.set_buffer_limit(Some(OUTGOING_BYTES_MAX));
                Some(Box::new(tls))
            }
        };
        let mut stream = TcpStream::connect(path.remote).ok()?;
        registry.register(&mut stream, Token(self.tokens + at), Interest::READABLE | Interest::WRITABLE).ok()?;
        let link = Link { path, stream, tls, incoming: Vec::new(), outgoing: Vec::new() };
        match self.places.get_mut(at) {
            Some(place) => *place = Some(link),
            None => self.places.push(Some(link)),
        }
        Some(at)
    }

    /// Closes one, if it is there. What waits is written as far as the system takes it.
    pub fn close(&mut self, port: u16, server: SocketAddr) {
        let Some(at) = self.by.remove(&(port, server)) else { return };
        if let Some(mut link) = self.places.get_mut(at).and_then(Option::take) {
            if let Some(tls) = link.tls.as_mut() {
                tls.send_close_notify();
            }
            let _ = link.write();
        }
        self.unread.retain(|unread| *unread != at);
    }

    /// Takes a datagram that goes by a stream. False if there is none for its path.
    pub fn send(&mut self, path: Path, bytes: &[u8]) -> bool {
        let Some(at) = self.by.get(&(path.local.port(), path.remote)) else { return false };
        if let Some(link) = self.places.get_mut(*at).and_then(Option::as_mut)
            && !link.put(bytes)
        {
            self.dropped += 1;
        }
        true
    }

    /// Writes what waits, everywhere. Gives the paths of streams that broke.
    pub fn flush(&mut self) -> Vec<Path> {
        let broke = |link: &mut Link| link.write().is_err().then_some(link.path);
        let over: Vec<Path> = self.places.iter_mut().flatten().filter_map(broke).collect();
        over.iter().for_each(|path| self.close(path.local.port(), path.remote));
        over
    }

    /// The loop was told that something can be done with the stream at `token`.
    pub fn mark(&mut self, token: Token) {
        let at = token.0 - self.tokens;
        if !self.unread.contains(&at) {
            self.unread.push(at);
        }
    }

    /// Reads what has come and hands each message to `take`. Gives the paths of streams that broke.
    pub fn read(&mut self, mut take: impl FnMut(Path, &mut Packet)) -> Vec<Path> {
        let mut over = Vec::new();
        for at in std::mem::take(&mut self.unread) {
            let Some(link) = self.places.get_mut(at).and_then(Option::as_mut) else { continue };
            match link.read(&mut take) {
                Ok(true) => self.unread.push(at),
                Ok(false) => {}
                Err(Over) => over.push(link.path),
            }
        }
        over.iter().for_each(|path| self.close(path.local.port(), path.remote));
        over
    }
}

impl Link {
    /// Adds one message, whole or not at all. ChannelData is filled up to four bytes.
    fn put(&mut self, bytes: &[u8]) -> bool {
        let padding = &[0; 3][..bytes.len().next_multiple_of(4) - bytes.len()];
        match self.tls.as_mut() {
            None => {
                let fits = self.outgoing.len() + bytes.len() + padding.len() <= OUTGOING_BYTES_MAX;
                if fits {
                    self.outgoing.extend_from_slice(bytes);
                    self.outgoing.extend_from_slice(padding);
                }
                fits
            }
            Some(tls) => {
                let whole = [bytes, padding].concat();
                // The limit is checked before anything is taken; a part of a message would spoil all after it.
                let taken = tls.writer().write(&whole).unwrap_or(0);
                if taken != 0 && taken != whole.len() {
                    self.tls = None;
                    self.outgoing.clear();
                    let _ = self.stream.shutdown(std::net::Shutdown::Both);
                }
                taken == whole.len()
            }
        }
    }

    fn write(&mut self) -> Result<(), Over> {
        if let Some(tls) = self.tls.as_mut() {
            while tls.wants_write() {
                match tls.write_tls(&mut self.stream) {
                    Ok(0) => return Err(Over),
                    Ok(_) => {}
                    Err(why) if waits(&why) => return Ok(()),
                    Err(_) => return Err(Over),
                }
            }
            return Ok(());
        }
        while !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(0) => return Err(Over),
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(why) if waits(&why) => return Ok(()),
                Err(_) => return Err(Over),
            }
        }
        Ok(())
    }

    /// Reads at most [`READS_A_TURN`] pieces. True if there may be more.
    fn read(&mut self, take: &mut impl FnMut(Path, &mut Packet)) -> Result<bool, Over> {
        let _ = self.stream.set_nodelay(true);
        for _ in 0..READS_A_TURN {
            if !self.read_piece()? {
                return self.write().map(|()| false);
            }
            self.cut(take)?;
        }
        self.write().map(|()| true)
    }

    /// Reads one piece. False if there is nothing now.
    fn read_piece(&mut self) -> Result<bool, Over> {
        let mut piece = [0; PIECE_BYTES];
        let Some(tls) = self.tls.as_mut() else {
            return match self.stream.read(&mut piece) {
                Ok(0) => Err(Over),
                Ok(read) => {
                    self.incoming.extend_from_slice(&piece[..read]);
                    Ok(true)
                }
                Err(why) if waits(&why) => Ok(false),
                Err(_) => Err(Over),
            };
        };
        match tls.read_tls(&mut self.stream) {
            Ok(0) => return Err(Over),
            Ok(_) => {}
            Err(why) if waits(&why) => return Ok(false),
            Err(_) => return Err(Over),
        }
        tls.process_new_packets().map_err(|_| Over)?;
        loop {
            match tls.reader().read(&mut piece) {
                Ok(0) => return Err(Over),
                Ok(read) => self.incoming.extend_from_slice(&piece[..read]),
                Err(why) if waits(&why) => return Ok(true),
                Err(_) => return Err(Over),
            }
        }
    }

    /// Hands out the whole messages.
    fn cut(&mut self, take: &mut impl FnMut(Path, &mut Packet)) -> Result<(), Over> {
        let mut from = 0;
        while let Some(bytes) = message_bytes(&self.incoming[from..]).map_err(|_| Over)? {
            let Some(message) = self.incoming.get(from..from + bytes) else { break };
            if let Some(mut packet) = Packet::from_slice(message) {
                take(self.path, &mut packet);
            }
            from += bytes;
        }
        self.incoming.drain(..from);
        Ok(())
    }
}

fn waits(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected | io::ErrorKind::Interrupted)
}

/// TLS as TURN servers are to be spoken to; nothing if the system trusts nobody and no file was named.
fn client_config(trusted: Option<&File>) -> io::Result<Option<Arc<ClientConfig>>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = trusted {
        let all = CertificateDer::pem_file_iter(file).map_err(io::Error::other)?;
        for certificate in all {
            roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
    }
    if roots.is_empty() {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(io::Error::other)?;
    Ok(Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}

/// Streams at once.
pub const LINKS_MAX: usize = 4096;
/// What may wait for a slow server: two seconds of one leg, then whole datagrams are dropped.
const OUTGOING_BYTES_MAX: usize = 64 * 1024;
const PIECE_BYTES: usize = 4096;
/// Pieces of one stream a turn.
const READS_A_TURN: usize = 8;
