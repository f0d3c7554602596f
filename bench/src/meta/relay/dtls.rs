//! OpenSSL's DTLS 1.2 behind str0m's face, with one SRTP profile that we choose.
//!
//! str0m's own OpenSSL backend lets OpenSSL prefer AES-256-GCM. Meta's choice is not documented; every client that is
//! known to work offers AES_CM_128_HMAC_SHA1_80, so that is what the relay takes unless told otherwise.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContextBuilder, SslMethod, SslOptions, SslStream, SslVerifyMode};
use openssl::x509::X509;
use str0m::config::CryptoProvider;
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial, ProtocolVersion,
    SrtpProfile,
};

/// str0m's OpenSSL, but for the DTLS: AES_CM_128_HMAC_SHA1_80, or AEAD_AES_128_GCM when `aead`.
pub fn provider(aead: bool) -> CryptoProvider {
    let dtls_provider: &'static dyn DtlsProvider = if aead { &AEAD } else { &CM };
    CryptoProvider { dtls_provider, ..str0m::crypto::from_feature_flags() }
}

#[derive(Debug)]
struct Provider {
    profile: SrtpProfile,
    openssl_name: &'static str,
}

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let stream = self.stream(cert, mtu).map_err(|error| CryptoError::Other(error.to_string()))?;
        Ok(Box::new(Dtls {
            stream,
            profile: self.profile,
            active: false,
            up: false,
            closed: false,
            begun: false,
            told: VecDeque::new(),
            due: now + RESEND_CHECK,
        }))
    }
}

impl Provider {
    fn stream(&self, cert: &DtlsCert, mtu: Option<usize>) -> Result<SslStream<Pipe>, openssl::error::ErrorStack> {
        let mut context = SslContextBuilder::new(SslMethod::dtls())?;
        context.set_cipher_list(CIPHERS)?;
        context.set_tlsext_use_srtp(self.openssl_name)?;
        // WHY: certificates are self-signed; what counts is the fingerprint, which str0m checks.
        context.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, |_, _| true);
        context.set_certificate(X509::from_der(&cert.certificate)?.as_ref())?;
        context.set_private_key(PKey::private_key_from_der(&cert.private_key)?.as_ref())?;
        context.set_options(SslOptions::NO_DTLSV1 | SslOptions::NO_QUERY_MTU | SslOptions::SINGLE_ECDH_USE);
        let mut ssl = Ssl::new(&context.build())?;
        ssl.set_mtu(mtu.and_then(|mtu| u32::try_from(mtu).ok()).unwrap_or(MTU))?;
        SslStream::new(ssl, Pipe::default())
    }
}

/// What OpenSSL reads from and writes to: whole datagrams.
#[derive(Debug, Default)]
struct Pipe {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let length = datagram.len().min(buffer.len());
        buffer.iter_mut().zip(&datagram).for_each(|(to, from)| *to = *from);
        Ok(length)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.push_back(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Dtls {
    stream: SslStream<Pipe>,
    profile: SrtpProfile,
    active: bool,
    up: bool,
    closed: bool,
    begun: bool,
    told: VecDeque<Told>,
    due: Instant,
}

#[derive(Debug)]
enum Told {
    Connected,
    PeerCertificate(Vec<u8>),
    Keys(Vec<u8>),
    Closed,
}

impl Dtls {
    fn advance(&mut self) -> Result<(), DtlsImplError> {
        if self.closed {
            return Ok(());
        }
        if self.up { self.read() } else { self.shake_hands() }
    }

    fn shake_hands(&mut self) -> Result<(), DtlsImplError> {
        let outcome = if self.active { self.stream.connect() } else { self.stream.accept() };
        match outcome {
            Ok(()) => self.connected(),
            Err(error) if error.code() == ErrorCode::WANT_READ || error.code() == ErrorCode::WANT_WRITE => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "DTLS handshake failed");
                self.closed = true;
                Err(DtlsImplError::ConnectionClosed)
            }
        }
    }

    fn connected(&mut self) -> Result<(), DtlsImplError> {
        let ssl = self.stream.ssl();
        let certificate = ssl.peer_certificate().and_then(|certificate| certificate.to_der().ok());
        let mut keys = vec![0u8; self.profile.keying_material_len()];
        let exported = ssl.export_keying_material(&mut keys, SRTP_LABEL, None).is_ok();
        let (Some(certificate), true, true) = (certificate, exported, ssl.selected_srtp_profile().is_some()) else {
            self.closed = true;
            return Err(DtlsImplError::ConnectionClosed);
        };
        self.up = true;
        // INVARIANT: str0m checks the fingerprint before it takes the keys.
        self.told.extend([Told::PeerCertificate(certificate), Told::Keys(keys), Told::Connected]);
        Ok(())
    }

    /// Nothing is expected after the handshake but a goodbye or a repeated flight.
    fn read(&mut self) -> Result<(), DtlsImplError> {
        let mut bytes = [0u8; 2048];
        for _ in 0..READS_MAX {
            match self.stream.ssl_read(&mut bytes) {
                Ok(_) => {}
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => {
                    self.closed = true;
                    self.told.push_back(Told::Closed);
                    return Ok(());
                }
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

impl DtlsInstance for Dtls {
    fn set_active(&mut self, active: bool) {
        self.active = active;
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.begun = true;
        // An empty packet is str0m's word for "begin".
        if !packet.is_empty() && self.stream.get_ref().incoming.len() < QUEUE_MAX {
            self.stream.get_mut().incoming.push_back(packet.to_vec());
        }
        self.advance()
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        let mut put = |bytes: &[u8]| {
            let length = bytes.len().min(buffer.len());
            buffer.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            length
        };
        if let Some(packet) = self.stream.get_mut().outgoing.pop_front() {
            let length = put(&packet);
            return DtlsOutput::Packet(buffer.split_at(length).0);
        }
        match self.told.pop_front() {
            Some(Told::Connected) => DtlsOutput::Connected,
            Some(Told::Closed) => DtlsOutput::CloseNotify,
            Some(Told::PeerCertificate(certificate)) => {
                let length = put(&certificate);
                DtlsOutput::PeerCert(buffer.split_at(length).0)
            }
            Some(Told::Keys(keys)) => {
                let length = put(&keys);
                DtlsOutput::KeyingMaterial(KeyingMaterial::new(buffer.split_at(length).0), self.profile)
            }
            None => DtlsOutput::Timeout(self.due),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        if self.up || self.closed {
            self.due = now + IDLE;
            return Ok(());
        }
        self.due = now + RESEND_CHECK;
        // OpenSSL looks at its own timer when it is asked to go on, and sends the last flight again if it is due.
        if self.stream.get_ref().outgoing.is_empty() && self.begun { self.advance() } else { Ok(()) }
    }

    fn send_application_data(&mut self, _data: &[u8]) -> Result<(), DtlsImplError> {
        Ok(())
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.up.then_some(ProtocolVersion::DTLS1_2)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        if self.up && !self.closed {
            // WHY: a goodbye that cannot be written is a goodbye that is lost, as on any network.
            let _ = self.stream.shutdown();
        }
        self.closed = true;
        Ok(())
    }
}

static CM: Provider = Provider { profile: SrtpProfile::AES128_CM_SHA1_80, openssl_name: "SRTP_AES128_CM_SHA1_80" };
static AEAD: Provider = Provider { profile: SrtpProfile::AEAD_AES_128_GCM, openssl_name: "SRTP_AEAD_AES_128_GCM" };
const CIPHERS: &str = "ECDHE+AESGCM:ECDHE+AES256:ECDHE+AES128";
const SRTP_LABEL: &str = "EXTRACTOR-dtls_srtp";
const MTU: u32 = 1150;
const RESEND_CHECK: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(3600);
const QUEUE_MAX: usize = 64;
const READS_MAX: usize = 16;
