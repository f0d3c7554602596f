//! Finding mediad on its socket, starting one if the socket is dead, ending it on Ctrl-C.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::Whereabouts;

pub(super) struct Starter {
    whereabouts: Whereabouts,
    child: Option<Child>,
    pause_ms: u64,
}

impl Starter {
    pub(super) fn new(whereabouts: Whereabouts) -> Self {
        Self { whereabouts, child: None, pause_ms: FIRST_PAUSE_MS }
    }

    /// Connects, however long it takes. Nobody on the socket: starts a mediad and waits for it.
    pub(super) async fn reach(&mut self) -> UnixStream {
        loop {
            if let Ok(stream) = UnixStream::connect(&self.whereabouts.socket).await {
                self.pause_ms = FIRST_PAUSE_MS;
                return stream;
            }
            if let Some(stream) = self.start_one().await {
                self.pause_ms = FIRST_PAUSE_MS;
                return stream;
            }
            sleep(Duration::from_millis(self.pause_ms)).await;
            self.pause_ms = (self.pause_ms * 2).min(LONGEST_PAUSE_MS);
        }
    }

    async fn start_one(&mut self) -> Option<UnixStream> {
        let binary = self.whereabouts.binary.clone()?;
        if !self.child_lives() {
            match spawn(&binary, self.whereabouts.config.as_deref()) {
                Ok(child) => {
                    tracing::info!(pid = child.id(), "started {}", binary.display());
                    self.child = Some(child);
                }
                Err(error) => {
                    tracing::error!("{} cannot be started: {error}", binary.display());
                    return None;
                }
            }
        }
        let deadline = Instant::now() + Duration::from_millis(START_TIMEOUT_MS);
        while Instant::now() < deadline {
            if let Ok(stream) = UnixStream::connect(&self.whereabouts.socket).await {
                return Some(stream);
            }
            if !self.child_lives() {
                tracing::error!("{} ended at once; its last words say why", binary.display());
                return None;
            }
            sleep(Duration::from_millis(LOOK_MS)).await;
        }
        tracing::error!("{} does not answer on {}", binary.display(), self.whereabouts.socket.display());
        None
    }

    fn child_lives(&mut self) -> bool {
        let lives = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !lives {
            self.child = None;
        }
        lives
    }
}

/// In its own process group: Ctrl-C in the terminal reaches controld alone, and `kill -9` of controld leaves it running.
fn spawn(binary: &Path, config: Option<&Path>) -> std::io::Result<Child> {
    let mut command = Command::new(binary);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(false).spawn()
}

/// Asks the process to end and waits until it has. The shell's `kill` spares this crate its only unsafe line.
pub(super) async fn end(pid: i32) {
    if pid <= 1 {
        return;
    }
    let ask = |signal: &'static str| async move {
        let line = format!("kill -{signal} {pid}");
        Command::new("sh").arg("-c").arg(line).stderr(Stdio::null()).status().await.is_ok_and(|status| status.success())
    };
    let mut lives = ask("TERM").await;
    let deadline = Instant::now() + Duration::from_millis(END_TIMEOUT_MS);
    while lives && Instant::now() < deadline {
        sleep(Duration::from_millis(LOOK_MS)).await;
        // A child that has ended stays a process until it is waited for; tokio does that in the background.
        lives = ask("0").await && !is_zombie(pid);
    }
}

fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

const FIRST_PAUSE_MS: u64 = 100;
const LONGEST_PAUSE_MS: u64 = 5_000;
const START_TIMEOUT_MS: u64 = 5_000;
const END_TIMEOUT_MS: u64 = 5_000;
const LOOK_MS: u64 = 25;
