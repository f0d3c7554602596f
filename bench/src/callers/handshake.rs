//! DTLS as a client, by a crate that is not the server's, on a thread of its own: it happens once a leg.

use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use webrtc_dtls::config::{ClientAuthType, Config, ExtendedMasterSecretType};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::Certificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_util::conn::Conn;
use webrtc_util::{Error, KeyingMaterialExporter};

use super::mailbox::Mailbox;
use super::srtp::Keys;
use super::street::Order;

/// One handshake to be made.
pub struct Begin {
    /// Whose.
    pub leg: usize,
    /// The socket it leaves by.
    pub socket: Arc<UdpSocket>,
    /// The server.
    pub server: SocketAddrV4,
    /// SHA-256 of the server's certificate, from its answer.
    pub fingerprint: [u8; 32],
    /// What comes in for it.
    pub datagrams: UnboundedReceiver<Vec<u8>>,
}

/// The certificate of all callers, and where handshakes are ordered.
pub struct Handshakes {
    /// SHA-256 of the callers' certificate.
    pub fingerprint: [u8; 32],
    /// Takes orders.
    pub begin: UnboundedSender<Begin>,
}

impl Handshakes {
    /// Starts the thread; it ends when `begin` is dropped. Keys go to `orders`.
    ///
    /// # Errors
    /// One sentence if no certificate can be made or no thread started.
    pub fn start(orders: Mailbox<Order>) -> Result<Self, String> {
        // WHY: with two providers in one build, the crate's own look-up panics.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = Certificate::generate_self_signed(vec!["bench".to_owned()])
            .map_err(|why| format!("cannot make a certificate: {why}"))?;
        let first = certificate.certificate.first().ok_or("a certificate without bytes")?;
        let fingerprint = Sha256::digest(first).into();
        let (begin, mut wanted) = unbounded_channel::<Begin>();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|why| why.to_string())?;
        let work = move || {
            runtime.block_on(async move {
                while let Some(next) = wanted.recv().await {
                    let (certificate, orders) = (certificate.clone(), orders.clone());
                    tokio::spawn(async move {
                        let leg = next.leg;
                        let outcome = tokio::time::timeout(PATIENCE, shake(next, certificate)).await;
                        let outcome = outcome.unwrap_or_else(|_| Err("dtls took longer than 15 s".to_owned()));
                        orders.put(Order::Keys { leg, keys: outcome });
                    });
                }
            });
        };
        std::thread::Builder::new().name("handshakes".to_owned()).spawn(work).map_err(|why| why.to_string())?;
        Ok(Self { fingerprint, begin })
    }
}

async fn shake(begin: Begin, certificate: Certificate) -> Result<Keys, String> {
    let Begin { socket, server, fingerprint, datagrams, .. } = begin;
    let line = Line { socket, server, datagrams: tokio::sync::Mutex::new(datagrams) };
    let config = Config {
        certificates: vec![certificate],
        srtp_protection_profiles: vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm],
        client_auth: ClientAuthType::RequireAnyClientCert,
        extended_master_secret: ExtendedMasterSecretType::Require,
        insecure_skip_verify: true,
        flight_interval: FLIGHT,
        ..Config::default()
    };
    let conn = DTLSConn::new(Arc::new(line), config, true, None).await.map_err(|why| format!("dtls: {why}"))?;
    if conn.selected_srtpprotection_profile() != SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm {
        return Err("dtls chose another srtp profile".to_owned());
    }
    let state = conn.connection_state().await;
    let theirs = state.peer_certificates.first().map(|der| <[u8; 32]>::from(Sha256::digest(der)));
    if theirs != Some(fingerprint) {
        return Err("the server's certificate is not the one its answer named".to_owned());
    }
    let exported = state.export_keying_material(LABEL, &[], EXPORTED_BYTES).await;
    Keys::of_client(&exported.map_err(|why| format!("dtls: {why}"))?).ok_or_else(|| "too few keys".to_owned())
}

/// The face the crate wants of a socket: one peer, datagrams both ways.
struct Line {
    socket: Arc<UdpSocket>,
    server: SocketAddrV4,
    datagrams: tokio::sync::Mutex<UnboundedReceiver<Vec<u8>>>,
}

type Done<T> = Result<T, Error>;

#[async_trait]
impl Conn for Line {
    async fn connect(&self, _: SocketAddr) -> Done<()> {
        Ok(())
    }

    // The crate does not bear an error here: it would ask again at once, for ever.
    async fn recv(&self, room: &mut [u8]) -> Done<usize> {
        match self.datagrams.lock().await.recv().await {
            Some(datagram) => {
                let length = datagram.len().min(room.len());
                room[..length].copy_from_slice(&datagram[..length]);
                Ok(length)
            }
            None => std::future::pending().await,
        }
    }

    async fn recv_from(&self, room: &mut [u8]) -> Done<(usize, SocketAddr)> {
        Ok((self.recv(room).await?, self.server.into()))
    }

    async fn send(&self, bytes: &[u8]) -> Done<usize> {
        Ok(self.socket.send_to(bytes, self.server)?)
    }

    async fn send_to(&self, bytes: &[u8], _: SocketAddr) -> Done<usize> {
        self.send(bytes).await
    }

    fn local_addr(&self) -> Done<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some(self.server.into())
    }

    async fn close(&self) -> Done<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

const LABEL: &str = "EXTRACTOR-dtls_srtp";
/// Two keys of 16 bytes, two salts of 12.
const EXPORTED_BYTES: usize = 56;
const PATIENCE: Duration = Duration::from_secs(15);
const FLIGHT: Duration = Duration::from_millis(250);
