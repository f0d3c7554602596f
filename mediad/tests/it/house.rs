//! A running mediad in a folder of its own, and a client that speaks to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A mediad of our own. It is killed when the test ends, however it ends.
pub struct House {
    child: Child,
    folder: PathBuf,
    admin_port: u16,
    pub first_port: u16,
}

impl House {
    /// Starts one in `folder` with ports that no other test uses.
    pub fn start(folder: &Path, first_port: u16) -> House {
        House::start_with(folder, first_port, "")
    }

    /// The same with `more` at the end of its config.toml.
    pub fn start_with(folder: &Path, first_port: u16, more: &str) -> House {
        House::spawn(Command::new(env!("CARGO_BIN_EXE_mediad")), folder, first_port, "127.0.0.1", more)
    }

    /// The same by another command that begins it, with another address for media.
    pub fn spawn(mut command: Command, folder: &Path, first_port: u16, media_ip: &str, more: &str) -> House {
        let admin_port = first_port + 50;
        let config = folder.join("config.toml");
        let (socket, spool) = (folder.join("run/mediad.sock"), folder.join("spool"));
        let audio = concat!(env!("CARGO_MANIFEST_DIR"), "/../audio/assets");
        let text = format!(
            "[calling]\naudio_dir = {audio:?}\nudp_port_min = {first_port}\nudp_port_max = {}\n[media]\nsocket = {socket:?}\n\
             spool_dir = {spool:?}\nadmin_listen = \"127.0.0.1:{admin_port}\"\nmedia_ip = \"{media_ip}\"\n{more}",
            first_port + 9
        );
        std::fs::write(&config, text).unwrap();
        let child = command.arg("--config").arg(&config).stderr(Stdio::null()).spawn().unwrap();
        let house = House { child, folder: folder.to_owned(), admin_port, first_port };
        let up = until(|| UnixStream::connect(house.socket()).is_ok());
        assert!(up, "mediad did not come up");
        house
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("run/mediad.sock")
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin_port)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One control connection.
pub struct Client {
    lines: BufReader<UnixStream>,
    id: u64,
    pub events: Vec<Value>,
}

impl Client {
    /// Says hello; `seen` as in the protocol.
    pub fn hello(house: &House, seen: Value) -> Client {
        let stream = UnixStream::connect(house.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut client = Client { lines: BufReader::new(stream), id: 0, events: Vec::new() };
        client.send(&json!({"hello": {"version": 1, "who": "test", "seen": seen}}));
        assert!(client.line()["welcome"].is_object());
        client
    }

    pub fn ask(&mut self, command: Value) -> Value {
        self.id += 1;
        self.send(&json!({"id": self.id, "do": command}));
        loop {
            let line = self.line();
            if line["re"] == self.id {
                return line;
            }
            self.events.push(line);
        }
    }

    /// Reads until an event of this kind has come.
    pub fn event(&mut self, kind: &str) -> Value {
        loop {
            if let Some(at) = self.events.iter().position(|event| event["event"][kind].is_object()) {
                return self.events.remove(at)["event"][kind].clone();
            }
            let line = self.line();
            self.events.push(line);
        }
    }

    fn send(&mut self, line: &Value) {
        writeln!(self.lines.get_mut(), "{line}").unwrap();
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{line:?}: {why}"))
    }
}

/// What the clock says, for figures.
#[expect(clippy::disallowed_methods, reason = "a test beside a real process has a clock of its own")]
pub fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Looks again until it holds, at most ten seconds.
pub fn until(mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..1_000 {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
