//! Where connections come in: plain, for use behind a proxy that ends TLS, or TLS by ourselves.

pub mod turns;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use self::turns::Turns;
use crate::app::logins::Place;
use crate::config::Config;

/// An open door.
pub struct Door {
    local: SocketAddr,
    way: Way,
}

enum Way {
    Plain(TcpListener),
    /// Connections whose handshake is done.
    Tls(mpsc::Receiver<(Stream, SocketAddr)>),
}

/// A connection, plain or not.
pub type Stream = Box<dyn Duplex>;

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The address at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Why the door stays closed.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The address.
    #[error("{0} cannot be listened on: {1}")]
    Listen(String, #[source] io::Error),
    /// The certificate or its key.
    #[error("[server] {0} cannot be used: {1}")]
    Pem(&'static str, String),
}

impl Door {
    /// Listens where the configuration says, over TLS if it names a certificate.
    pub async fn open(config: &Config) -> Result<Self, DoorError> {
        let server = &config.server;
        let tls = match server.tls_cert.as_str() {
            "" => None,
            cert => Some(tls(Path::new(cert), Path::new(&server.tls_key))?),
        };
        let refused = |why| DoorError::Listen(server.listen.clone(), why);
        let listener = TcpListener::bind(&server.listen).await.map_err(refused)?;
        let local = listener.local_addr().map_err(refused)?;
        let way = match tls {
            None => Way::Plain(listener),
            Some(tls) => {
                let (ready, done) = mpsc::channel(HANDSHAKES_MAX);
                tokio::spawn(shake_hands(listener, TlsAcceptor::from(tls), ready));
                Way::Tls(done)
            }
        };
        Ok(Self { local, way })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.local
    }
}

impl Listener for Door {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        match &mut self.way {
            Way::Plain(listener) => {
                let (stream, peer) = accept(listener).await;
                (Box::new(stream), peer)
            }
            Way::Tls(done) => match done.recv().await {
                Some(connection) => connection,
                // The accepting task ends only with the runtime.
                None => std::future::pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A ring must not wait for a fuller packet. A socket that refuses is served all the same.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            // Out of descriptors, or the peer is gone already: neither ends the service.
            Err(_) => tokio::time::sleep(Duration::from_millis(ACCEPT_REST_MS)).await,
        }
    }
}

/// Many handshakes at once, each with a deadline and each address with its share: peers that say nothing hold up nobody.
async fn shake_hands(listener: TcpListener, tls: TlsAcceptor, ready: mpsc::Sender<(Stream, SocketAddr)>) {
    let turns = Arc::new(Mutex::new(Turns::<oneshot::Sender<()>>::new(HANDSHAKES_MAX, HANDSHAKES_A_PLACE)));
    loop {
        let (stream, peer) = accept(&listener).await;
        let (go, must_go) = oneshot::channel();
        let place = Some(Place::from(peer.ip()));
        // Whoever had to go for this one hears it by its dropped sender.
        let (turn, _gone) = turns.lock().unwrap_or_else(PoisonError::into_inner).enter(place, go);
        let (tls, ready, turns) = (tls.clone(), ready.clone(), Arc::clone(&turns));
        tokio::spawn(async move {
            tokio::select! {
                () = shake(tls, stream, peer, ready) => {}
                _ = must_go => {}
            }
            turns.lock().unwrap_or_else(PoisonError::into_inner).leave(turn);
        });
    }
}

async fn shake(tls: TlsAcceptor, stream: TcpStream, peer: SocketAddr, ready: mpsc::Sender<(Stream, SocketAddr)>) {
    if let Ok(Ok(stream)) = timeout(Duration::from_secs(HANDSHAKE_SECS), tls.accept(stream)).await {
        let stream: Stream = Box::new(stream);
        // Nobody takes it only when the house is closing.
        let _ = ready.send((stream, peer)).await;
    }
}

fn tls(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, DoorError> {
    let bad_cert = |why: String| DoorError::Pem("tls_cert", why);
    let chain = CertificateDer::pem_file_iter(cert).map_err(|why| bad_cert(why.to_string()))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|why| bad_cert(why.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|why| DoorError::Pem("tls_key", why.to_string()))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|why| bad_cert(why.to_string()))?;
    // HTTP/1.1 only: WebSockets of every browser work over it.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

const HANDSHAKES_MAX: usize = 256;
const HANDSHAKES_A_PLACE: u32 = 16;
const HANDSHAKE_SECS: u64 = 3;
const ACCEPT_REST_MS: u64 = 50;
