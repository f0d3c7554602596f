//! Where a test's rows are: a SQLite file of its own, or, where a cluster is named, a PostgreSQL database of its own.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Names the cluster that the tests of this process use: its port.
const NAMED: &str = "PATCHBAY_TEST_POSTGRES_PORT";

/// The address of this folder's database; the same folder has the same one.
pub fn database(folder: &Path) -> String {
    let Ok(port) = std::env::var(NAMED) else { return format!("sqlite://{}/house.db", folder.display()) };
    let name = folder.file_name().unwrap().to_string_lossy();
    let name = format!("t_{}", hex::encode(name.as_bytes()));
    // It may be there already: a house that is opened again.
    let made = program("createdb").args(["-h", "127.0.0.1", "-p", &port, "-U", USER, &name]).output().unwrap();
    let why = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() || why.contains("already exists"), "createdb: {why}");
    format!("postgres://{USER}@127.0.0.1:{port}/{name}")
}

/// Whether this process is one that [`run_again`] started.
pub fn is_named() -> bool {
    std::env::var_os(NAMED).is_some()
}

/// Runs these tests of this very program once more, on a PostgreSQL cluster of its own.
pub fn run_again(tests: &[&str]) {
    let cluster = Cluster::start();
    let out = Command::new(std::env::current_exe().unwrap())
        .args(tests)
        .args(["--test-threads", "2"])
        .env(NAMED, cluster.port.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let ran = said.lines().filter(|line| line.ends_with("... ok")).count();
    println!("{ran} tests held on PostgreSQL");
    assert!(out.status.success(), "on PostgreSQL:\n{said}\n{}", String::from_utf8_lossy(&out.stderr));
    assert!(ran >= tests.len(), "too few tests ran:\n{said}");
}

/// A PostgreSQL server on loopback, its files in a folder that goes with it.
struct Cluster {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        own(folder.path());
        let made = as_nobody("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", USER, "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        // Another process may take the port before the server does: then another one is tried.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = serve(folder.path(), &data, port);
            if is_ready(&mut server, port) {
                return Self { server, port, _folder: folder };
            }
        }
        panic!("PostgreSQL does not start");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A fast shutdown; what is left in the folder is of no use.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

fn serve(folder: &Path, data: &Path, port: u16) -> Child {
    let mut command = as_nobody("postgres");
    command.arg("-D").arg(data).arg("-k").arg(folder).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    for setting in ["fsync=off", "full_page_writes=off", "max_connections=600"] {
        command.args(["-c", setting]);
    }
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn is_ready(server: &mut Child, port: u16) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until && server.try_wait().unwrap().is_none() {
        let asked = program("pg_isready").args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", USER, "-q"]).status();
        if asked.unwrap().success() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// PostgreSQL refuses to run as root.
fn as_nobody(name: &str) -> Command {
    let program = path_of(name);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    // It ends with this process, however this process ends.
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT"]).arg(program);
    command
}

fn own(folder: &Path) {
    if is_root() {
        let id = |flag: &str| {
            let out = Command::new("id").args([flag, "postgres"]).output().unwrap();
            String::from_utf8_lossy(&out.stdout).trim().parse::<u32>().unwrap()
        };
        chown(folder, Some(id("-u")), Some(id("-g"))).unwrap();
    }
}

fn is_root() -> bool {
    let out = Command::new("id").arg("-u").output().unwrap();
    out.stdout.starts_with(b"0")
}

fn program(name: &str) -> Command {
    Command::new(path_of(name))
}

/// Debian keeps the programs of each version in a folder of its own.
fn path_of(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file()).max();
    newest.unwrap_or_else(|| panic!("PostgreSQL's {name} is missing: deploy/install.sh test installs it"))
}

const USER: &str = "patchbay";
