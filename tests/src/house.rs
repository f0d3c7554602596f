//! One Patchbay with everything it needs, on ports of its own, in a folder that goes with it.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::desk::Desk;
use crate::meta::Meta;

/// A running house. Dropping it ends every process it started.
pub struct House {
    folder: TempDir,
    ports: Ports,
    controld: Option<Child>,
    meta: Child,
    /// More `section.key = value` lines than the demo's.
    settings: Vec<(String, String)>,
    /// One house at a time: each is three daemons and a call, and their ports are searched, not reserved.
    _alone: tokio::sync::MutexGuard<'static, ()>,
}

/// Waits until no house of this process runs, and keeps others from starting: their ports are searched, not reserved.
///
/// # Panics
/// In an asynchronous test, where a house of its own waits.
pub fn alone() -> impl Drop {
    ALONE.blocking_lock()
}

static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Ports of one house.
pub struct Ports {
    /// The desk, TCP.
    pub desk: u16,
    /// The stand-in's pages and Graph API, TCP.
    pub meta: u16,
    /// The stand-in's media relay, UDP.
    pub relay: u16,
    /// mediad's health page, TCP.
    pub admin: u16,
    /// mediad's media, UDP, first and last.
    pub media: (u16, u16),
}

impl House {
    /// Starts the stand-in for Meta and controld (which starts mediad), and waits until both are ready.
    pub async fn start() -> House {
        Self::with(&[]).await
    }

    /// The same, with more settings: `("calling", "transfer_timeout_secs", "3")`.
    pub async fn with(settings: &[(&str, &str, &str)]) -> House {
        // WHY: one provider for the process; reqwest without a default one panics.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let alone = ALONE.lock().await;
        let folder = tempfile::Builder::new().prefix("patchbay-house-").tempdir().expect("a temporary folder");
        let ports = Ports::free();
        let meta = start_meta(folder.path(), &ports);
        let settings = settings.iter().map(|(s, k, v)| (format!("PATCHBAY_{s}__{k}").to_uppercase(), (*v).to_owned()));
        let mut house = House { folder, ports, controld: None, meta, settings: settings.collect(), _alone: alone };
        house.start_controld().await;
        house
    }

    /// Starts controld again after [`House::kill_controld`].
    pub async fn start_controld(&mut self) {
        self.write_config();
        let mut command = Command::new(binary("controld"));
        command.arg("--config").arg(self.path("config.toml")).envs(self.settings.iter().cloned());
        self.controld = Some(spawn(command, &self.path("controld.log")));
        let url = format!("{}/readyz", self.desk_url());
        self.wait_for("controld is ready", || async { answers(&url).await }).await;
        let url = format!("{}/livez", self.meta_url());
        self.wait_for("the stand-in is ready", || async { answers(&url).await }).await;
    }

    /// `kill -9` of controld; mediad runs on.
    pub fn kill_controld(&mut self) {
        if let Some(mut child) = self.controld.take() {
            child.kill().expect("controld was running");
            child.wait().expect("controld is gone");
        }
    }

    /// `kill -9` of mediad; controld starts it again.
    pub fn kill_mediad(&self) {
        signal(self.mediad_pid().expect("mediad is running"), libc::SIGKILL);
    }

    /// The process at the other end of the control socket.
    pub fn mediad_pid(&self) -> Option<i32> {
        let socket = UnixStream::connect(self.path("mediad.sock")).ok()?;
        peer_pid(&socket)
    }

    /// Where the desk is.
    pub fn desk_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.desk)
    }

    /// Where the stand-in is.
    pub fn meta_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.meta)
    }

    /// mediad's UDP ports, first and last.
    pub fn media_ports(&self) -> (u16, u16) {
        self.ports.media
    }

    /// Signs in.
    pub async fn desk(&self, email: &str) -> Desk {
        Desk::sign_in(&self.desk_url(), email, "patchbay-demo").await
    }

    /// The stand-in's control API.
    pub fn meta(&self) -> Meta {
        Meta::at(&self.meta_url())
    }

    /// A file of this house.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What controld and the stand-in wrote, for a failing test.
    pub fn logs(&self) -> String {
        ["controld.log", "meta.log"]
            .iter()
            .map(|name| {
                let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
                let tail: Vec<&str> = text.lines().rev().take(60).collect();
                format!("--- {name}\n{}\n", tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
            })
            .collect()
    }

    /// Polls until `done`; panics with the logs after 30 s.
    pub async fn wait_for<F, D>(&self, what: &str, mut done: F)
    where
        F: FnMut() -> D,
        D: Future<Output = bool>,
    {
        let began = Instant::now();
        while !done().await {
            assert!(began.elapsed() < PATIENCE, "waited in vain until {what}\n{}", self.logs());
            tokio::time::sleep(POLL).await;
        }
    }

    fn write_config(&self) {
        let at = |name: &str| self.path(name).display().to_string();
        let text = format!(
            "[server]\ndemo = true\nlisten = \"127.0.0.1:{desk}\"\npublic_url = \"{url}\"\n\
             [database]\nurl = \"sqlite://{db}\"\n\
             [calling]\naudio_dir = \"{audio}\"\nrecording_enabled = true\nudp_port_min = {min}\nudp_port_max = {max}\n\
             [whatsapp]\ngraph_url = \"{meta}/v23.0\"\n\
             [media]\nsocket = \"{socket}\"\nspool_dir = \"{spool}\"\nrecordings_dir = \"{recordings}\"\n\
             admin_listen = \"127.0.0.1:{admin}\"\nmedia_ip = \"127.0.0.1\"\n",
            desk = self.ports.desk,
            url = self.desk_url(),
            db = at("patchbay.db"),
            audio = at("audio"),
            min = self.ports.media.0,
            max = self.ports.media.1,
            meta = self.meta_url(),
            socket = at("mediad.sock"),
            spool = at("spool"),
            recordings = at("recordings"),
            admin = self.ports.admin,
        );
        std::fs::write(self.path("config.toml"), text).expect("the house's folder can be written");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let mediad = self.mediad_pid();
        if let Some(child) = &mut self.controld {
            signal(child.id() as i32, libc::SIGINT);
            let began = Instant::now();
            while began.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(POLL);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(pid) = mediad {
            signal(pid, libc::SIGKILL);
        }
        let _ = self.meta.kill();
        let _ = self.meta.wait();
    }
}

impl Ports {
    /// Free right now. Another process may take one before we do; then the start fails and says so.
    pub fn free() -> Ports {
        let tcp = || TcpListener::bind("127.0.0.1:0").and_then(|s| s.local_addr()).expect("a free port").port();
        let relay = UdpSocket::bind("127.0.0.1:0").and_then(|s| s.local_addr()).expect("a free port").port();
        let seed = u64::from(std::process::id()) * 31 + Instant::now().elapsed().subsec_nanos() as u64;
        // Below the range the kernel hands out by itself (32768 and up).
        let first = (0..)
            .map(|n| 12_000 + ((seed * 7919 + n * 977) % 19_000) as u16)
            .find(|first| (*first..first + MEDIA_PORTS).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok()))
            .expect("an endless search ends");
        Ports { desk: tcp(), meta: tcp(), relay, admin: tcp(), media: (first, first + MEDIA_PORTS - 1) }
    }
}

/// A program of this workspace, built before the tests by `make build`.
pub fn binary(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a test knows its own path");
    let path = here.ancestors().nth(2).expect("target/debug/deps/it").join(name);
    assert!(path.exists(), "{} is not built: run `make build` first", path.display());
    path
}

/// A program built by `tests/peers/prepare.sh`.
pub fn peer(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a test knows its own path");
    let path = here.ancestors().nth(3).expect("target/debug/deps/it").join("peers").join(name);
    assert!(path.exists(), "{} is not built: run `tests/peers/prepare.sh` first", path.display());
    path
}

fn start_meta(folder: &Path, ports: &Ports) -> Child {
    let mut command = Command::new(binary("bench"));
    command
        .args([
            "meta",
            "--listen",
            &format!("127.0.0.1:{}", ports.meta),
            "--media",
            &format!("127.0.0.1:{}", ports.relay),
        ])
        .args(["--webhook", &format!("http://127.0.0.1:{}/webhooks/acc_demo", ports.desk)])
        .args(["--app-secret", "demo-app-secret", "--verify-token", "demo-verify", "--token", "demo-token"])
        .args(["--phone-number-id", "106540352242922", "--display-number", "15559990000"]);
    spawn(command, &folder.join("meta.log"))
}

fn spawn(mut command: Command, log: &Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log can be written");
    let errors = log.try_clone().expect("a log can be shared");
    command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("a built program starts")
}

async fn answers(url: &str) -> bool {
    reqwest::get(url).await.is_ok_and(|r| r.status().is_success())
}

/// Sends a signal to a process the test started, or to a group of them (`-pid`).
#[expect(unsafe_code, reason = "kill(2) has no safe wrapper in std")]
pub fn signal(pid: i32, signal: i32) {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(pid, signal) };
}

#[expect(unsafe_code, reason = "SO_PEERCRED has no safe wrapper in std")]
fn peer_pid(socket: &UnixStream) -> Option<i32> {
    use std::os::fd::AsRawFd;
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the buffer is a ucred and `length` is its size.
    let failed = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    (failed == 0).then_some(credentials.pid)
}

const MEDIA_PORTS: u16 = 16;
const PATIENCE: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);
