//! The server under test: a mediad in a folder of its own, how to talk to it, and what it costs.

pub mod control;
pub mod cost;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cost::Counters;

/// A running mediad. Dropping it ends it and removes its folder.
pub struct Server {
    child: Child,
    folder: PathBuf,
    admin: SocketAddr,
}

/// How to start one.
pub struct Setup<'a> {
    /// The program.
    pub binary: &'a Path,
    /// First UDP port and how many.
    pub ports: (u16, u16),
    /// Where prepared clips are.
    pub audio_dir: &'a Path,
    /// Legs it may hold.
    pub legs_max: usize,
}

impl Server {
    /// Starts one and waits until its control socket answers. It inherits the core and the priority of this thread.
    ///
    /// # Errors
    /// One sentence.
    pub fn start(setup: &Setup<'_>) -> Result<Server, String> {
        let folder = std::env::temp_dir().join(format!("patchbay-bench-{}-{}", std::process::id(), setup.ports.0));
        std::fs::create_dir_all(&folder).map_err(|why| format!("cannot make {}: {why}", folder.display()))?;
        let admin = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let admin = admin.map_err(|why| format!("no free tcp port: {why}"))?;
        let (first, last) = (setup.ports.0, setup.ports.0 + (setup.ports.1 - 1));
        let text = format!(
            "[server]\nlog = \"warn\"\n[calling]\naudio_dir = {:?}\nudp_port_min = {first}\nudp_port_max = {last}\n\
             [media]\nsocket = {:?}\nspool_dir = {:?}\nadmin_listen = \"{admin}\"\nmedia_ip = \"127.0.0.1\"\n\
             legs_max = {}\n",
            setup.audio_dir,
            folder.join("mediad.sock"),
            folder.join("spool"),
            setup.legs_max,
        );
        let config = folder.join("config.toml");
        std::fs::write(&config, text).map_err(|why| format!("cannot write {}: {why}", config.display()))?;
        let log = std::fs::File::create(folder.join("mediad.log")).map_err(|why| format!("no log: {why}"))?;
        let child = Command::new(setup.binary)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|why| format!("cannot start {}: {why}", setup.binary.display()))?;
        let mut server = Server { child, folder, admin };
        let began = Instant::now();
        while UnixStream::connect(server.socket()).is_err() {
            let is_gone = matches!(server.child.try_wait(), Ok(Some(_)));
            if is_gone || began.elapsed() > PATIENCE {
                return Err(format!("mediad did not come up: {}", server.log()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its control socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("mediad.sock")
    }

    /// Where its recordings are.
    pub fn spool(&self) -> PathBuf {
        self.folder.join("spool")
    }

    /// The end of what it logged.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("mediad.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }

    /// Its counters now.
    ///
    /// # Errors
    /// As the connection.
    pub fn counters(&self) -> io::Result<Counters> {
        let mut stream = TcpStream::connect(self.admin)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(Counters::read(&text))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The first of `count` UDP ports in a row that are free on loopback, below those the kernel hands out by itself.
pub fn free_ports(count: u16) -> Option<u16> {
    let seed = std::process::id().wrapping_mul(2_654_435_761) >> 8;
    let room = u32::from(PORTS_END - PORTS_FROM - count);
    let free = |first: u16| (first..first + count).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok());
    (0..200).map(|n| PORTS_FROM + ((seed + n * 1_009) % room.max(1)) as u16).find(|first| free(*first))
}

const PATIENCE: Duration = Duration::from_secs(10);
const PORTS_FROM: u16 = 14_000;
const PORTS_END: u16 = 32_000;
