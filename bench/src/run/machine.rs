//! The machine a figure was measured on, and how noisy it was.

use std::path::Path;
use std::process::Command;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The machine and what ran on it.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor, by its own name.
    pub cpu: String,
    /// Its cores.
    pub cores: usize,
    /// The kernel.
    pub kernel: String,
    /// Memory in megabytes.
    pub memory_mb: u64,
    /// The commit of the working directory; `+` behind it: with changes.
    pub commit: String,
    /// First eight digits of the server program's SHA-256.
    pub server_sha256: String,
}

impl Machine {
    /// This one.
    pub fn here(server: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()));
        let memory = read("/proc/meminfo").split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok());
        let digest = std::fs::read(server).map(|bytes| hex::encode(Sha256::digest(bytes)));
        Machine {
            cpu: cpu.unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_mb: memory.unwrap_or(0) / 1_024,
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            server_sha256: digest.map(|hex| hex.chars().take(8).collect()).unwrap_or_default(),
        }
    }
}

fn commit() -> Option<String> {
    let git = |words: &[&str]| {
        let out = Command::new("git").args(words).output().ok().filter(|out| out.status.success())?;
        Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    Some(git(&["rev-parse", "--short", "HEAD"])? + if changed { "+" } else { "" })
}

/// What else the machine did while a window was open.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Noise {
    /// Part of all cores' time that the hypervisor gave to others, 0 to 1.
    pub steal: f64,
    /// Cores' worth of work that was neither the server's nor the callers'.
    pub others: f64,
    /// Load average over a minute, at the end.
    pub load: f64,
    /// Datagrams the kernel dropped for want of room, anywhere on the machine.
    pub kernel_drops: u64,
}

/// The kernel's books at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Books {
    total: u64,
    busy: u64,
    steal: u64,
    drops: u64,
}

impl Books {
    /// Now.
    pub fn now() -> Self {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = first.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
        let (total, steal) = (ticks.iter().sum(), ticks.get(7).copied().unwrap_or(0));
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Books { total, busy: total - idle - steal, steal, drops: receive_errors() }
    }

    /// What happened since `before`, beside `ours_ns` of CPU time of our own, in a window of `window_ns`.
    pub fn noise_since(self, before: Books, ours_ns: u64, window_ns: u64) -> Noise {
        let total = self.total.saturating_sub(before.total).max(1) as f64;
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let busy = self.busy.saturating_sub(before.busy) as f64 / total * cores;
        let ours = ours_ns as f64 / window_ns.max(1) as f64;
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Noise {
            steal: self.steal.saturating_sub(before.steal) as f64 / total,
            others: (busy - ours).max(0.0),
            load: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
            kernel_drops: self.drops.saturating_sub(before.drops),
        }
    }
}

fn receive_errors() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return 0 };
    let at = names.split(' ').position(|name| name == "RcvbufErrors");
    at.and_then(|at| values.split(' ').nth(at)?.parse().ok()).unwrap_or(0)
}
