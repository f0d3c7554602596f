//! OpenSSL at the other end, in both roles, over real datagrams on loopback.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use sha2::{Digest, Sha256};

use super::*;

/// OpenSSL's certificate in a folder of its own.
struct Openssl {
    folder: tempfile::TempDir,
    fingerprint: [u8; 32],
}

impl Openssl {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"])
            .args(["-days", "2", "-keyout", &path("key"), "-out", &path("cert")])
            .output()
            .ok()?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let der = Command::new("openssl").args(["x509", "-outform", "DER", "-in", &path("cert")]).output().unwrap();
        let fingerprint = Sha256::digest(&der.stdout).into();
        Some(Openssl { folder, fingerprint })
    }

    fn run(&self, role: &str, port_args: &[&str], profile: &str, key_bytes: usize) -> Running {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let child = Command::new("openssl")
            .arg(role)
            .args(port_args)
            .args(["-dtls1_2", "-mtu", "1200", "-cert", &path("cert"), "-key", &path("key"), "-use_srtp", profile])
            .args(["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", &key_bytes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Running(child.unwrap())
    }
}

/// A process that ends with the test, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_types, reason = "the other end is a process; it can be reached in no other way")]
type Socket = std::net::UdpSocket;

/// Drives our end over a socket until it is connected, and OpenSSL's report of the exported keys is read.
fn connect(
    mut dtls: Dtls,
    socket: &Socket,
    child: &mut Child,
    mut to: Option<std::net::SocketAddr>,
) -> (Keys, Vec<u8>) {
    let begun = origin();
    let mut buffer = [0; 2_048];
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let keys = loop {
        assert!(origin() - begun < HANDSHAKE_MAX, "openssl and we did not connect");
        while let Some((packet, to)) = to.and_then(|to| Some((dtls.give()?, to))) {
            // OpenSSL may not listen yet; the resend will find it.
            let _ = socket.send_to(packet.as_slice(), to);
        }
        match dtls.event() {
            Some(DtlsEvent::Connected(keys)) => break keys,
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        if let Ok((len, from)) = socket.recv_from(&mut buffer) {
            to = Some(from);
            let _ = dtls.take(origin(), &buffer[..len]);
        }
        dtls.wake(origin());
    };
    while let Some((packet, to)) = dtls.give().zip(to) {
        socket.send_to(packet.as_slice(), to).unwrap();
    }
    // The report may wait for a repeated last flight, so our end goes on listening beside the reader.
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found =
        lines.map_while(Result::ok).find_map(|line| line.trim().strip_prefix("Keying material: ").map(str::to_owned));
    (keys, hex::decode(found.unwrap()).unwrap())
}

fn profiles() -> [(Profile, &'static str); 2] {
    [(Profile::AesCm128HmacSha1_80, "SRTP_AES128_CM_SHA1_80"), (Profile::AeadAes128Gcm, "SRTP_AEAD_AES_128_GCM")]
}

fn free_port() -> (Socket, u16) {
    let socket = Socket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[test]
fn openssl_as_server_and_we_export_the_same_keys() {
    let Some(openssl) = Openssl::new() else { return println!("NOT RUN: no openssl here") };
    for (profile, name) in profiles() {
        let port = free_port().1;
        let key_bytes = 2 * (profile.key_bytes() + profile.salt_bytes());
        let accept = format!("127.0.0.1:{port}");
        let mut child = openssl.run("s_server", &["-accept", &accept, "-verify", "1"], name, key_bytes);
        let (socket, _) = free_port();
        let dtls = Dtls::new(Role::Client, &Certificate::generate().unwrap(), openssl.fingerprint, origin());
        let (keys, exported) = connect(dtls, &socket, &mut child.0, Some(accept.parse().unwrap()));
        assert_eq!(Keys::from_exported(profile, &exported, true), Some(keys), "{name}");
    }
}

#[test]
fn openssl_as_client_and_we_export_the_same_keys() {
    let Some(openssl) = Openssl::new() else { return println!("NOT RUN: no openssl here") };
    for (profile, name) in profiles() {
        let (socket, port) = free_port();
        let key_bytes = 2 * (profile.key_bytes() + profile.salt_bytes());
        let mut child = openssl.run("s_client", &["-connect", &format!("127.0.0.1:{port}")], name, key_bytes);
        let dtls = Dtls::new(Role::Server, &Certificate::generate().unwrap(), openssl.fingerprint, origin());
        let (keys, exported) = connect(dtls, &socket, &mut child.0, None);
        assert_eq!(Keys::from_exported(profile, &exported, false), Some(keys), "{name}");
    }
}
