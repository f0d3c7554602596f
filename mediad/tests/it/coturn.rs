//! A TURN server we did not write: coturn on loopback, in a folder of its own, stopped when the test ends.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::house::until;

pub struct Coturn {
    child: Child,
    port: u16,
}

impl Coturn {
    /// Listens on `port` for UDP and TCP, relays on the hundred ports after it. `more` are further words of its command line.
    pub fn start(folder: &Path, port: u16, more: &[&str]) -> Coturn {
        let coturn = Coturn::spawn(Command::new("turnserver"), "127.0.0.1", folder, port, more);
        assert!(until(|| TcpStream::connect(("127.0.0.1", port)).is_ok()), "coturn did not come up");
        coturn
    }

    /// The same by another command that begins it, at another address, whether it is up or not.
    pub fn spawn(mut command: Command, ip: &str, folder: &Path, port: u16, more: &[&str]) -> Coturn {
        let file = |name: &str| folder.join(format!("{port}-{name}")).display().to_string();
        let child = command
            .args(["-n", "--realm=patchbay.test", "--allow-loopback-peers", "--no-cli", "--no-dtls", "--simple-log"])
            .args([format!("--listening-ip={ip}"), format!("--relay-ip={ip}"), format!("--listening-port={port}")])
            .args([format!("--min-port={}", port + 1), format!("--max-port={}", port + 99)])
            .args([format!("--userdb={}", file("db")), format!("--pidfile={}", file("pid"))])
            .arg(format!("--log-file={}", file("log")))
            .args(more)
            .args(if more.iter().any(|word| word.starts_with("--cert")) { None } else { Some("--no-tls") })
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("coturn is installed by deploy/install.sh test");
        Coturn { child, port }
    }

    /// As a command or a browser is told of it.
    pub fn url(&self, scheme: &str, transport: &str) -> String {
        format!("{scheme}:127.0.0.1:{}?transport={transport}", self.port)
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The account all of ours have.
pub const ACCOUNT: [&str; 2] = ["--lt-cred-mech", "--user=north:wind"];
