//! Our certificate, one per process, and the fingerprints by which certificates are known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, DtlsCertificate};
use sha2::{Digest, Sha256};

use super::Role;

/// A self-signed P-256 certificate with its key, made once per process; copies share it.
#[derive(Clone)]
pub struct Certificate {
    inner: Arc<Inner>,
}

struct Inner {
    pair: DtlsCertificate,
    config: Arc<Config>,
    fingerprint: [u8; 32],
}

impl Certificate {
    /// Makes key and certificate from the system's randomness.
    ///
    /// # Errors
    /// If the crypto library fails; the process cannot serve calls then.
    pub fn generate() -> Result<Self, NoCertificate> {
        let pair = dimpl::certificate::generate_self_signed_certificate().map_err(|e| NoCertificate(e.to_string()))?;
        let config = Config::builder()
            .mtu(MTU_BYTES)
            .max_queue_rx(QUEUE_MAX)
            .max_queue_tx(QUEUE_MAX)
            .require_client_certificate(true)
            // ICE has proven the address before the first record is taken.
            .use_server_cookie(false)
            .flight_start_rto(FLIGHT_RTO)
            .flight_retries(FLIGHT_RETRIES)
            .handshake_timeout(super::HANDSHAKE_MAX.saturating_mul(2))
            .build()
            .map_err(|e| NoCertificate(e.to_string()))?;
        let fingerprint = fingerprint_of(&pair.certificate);
        Ok(Certificate { inner: Arc::new(Inner { pair, config: Arc::new(config), fingerprint }) })
    }

    /// SHA-256 of the certificate, for `a=fingerprint`.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.inner.fingerprint
    }

    /// A fresh association of dimpl.
    pub(super) fn engine(&self, role: Role, now: Instant) -> dimpl::Dtls {
        let mut engine = dimpl::Dtls::new_12(Arc::clone(&self.inner.config), self.inner.pair.clone(), now);
        if role == Role::Client {
            engine.set_active(true);
        }
        engine
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

/// No certificate could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate could be made: {0}")]
pub struct NoCertificate(String);

/// SHA-256 of a certificate in DER.
pub(super) fn fingerprint_of(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// Compares two fingerprints in the same time wherever they differ.
pub(super) fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0
}

/// Below what any path carries, IPv6 and a TURN header included.
const MTU_BYTES: usize = 1_200;
/// Records that wait on either side of dimpl.
const QUEUE_MAX: usize = 64;
/// Before the first resend; dimpl doubles it each time.
const FLIGHT_RTO: Duration = Duration::from_millis(150);
/// Resends that a peer's repetitions cause count too; time alone ends a handshake.
const FLIGHT_RETRIES: usize = 64;
