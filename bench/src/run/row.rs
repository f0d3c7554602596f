//! One row of a report: everything that was seen in one window, in the units people use.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dialer::Tally;
use super::machine::Noise;
use crate::callers::Figures;
use crate::callers::spread::Spread;
use crate::scenario::Scenario;
use crate::server::cost::Cost;

/// What was seen in one window.
pub struct Seen {
    /// By the callers.
    pub figures: Figures,
    /// What the server used.
    pub cost: Cost,
    /// How long it lasted.
    pub window_ns: u64,
    /// CPU time of the whole harness.
    pub own_ns: u64,
    /// How much the server's counters grew.
    pub counters: BTreeMap<String, f64>,
    /// What else the machine did.
    pub noise: Noise,
}

/// One row.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// Which server.
    pub what: String,
    /// Calls held.
    pub calls: usize,
    /// Seconds.
    pub window_s: f64,
    /// Why the row says nothing about the server, if so.
    pub invalid: Option<String>,
    /// What DTLS agreed on; of the bare loop, what it was given.
    pub srtp_profile: Option<String>,
    /// Packets said by the legs of calls, or numbered by the player.
    pub said: u64,
    /// Of those, how many came.
    pub came: u64,
    /// Of those, how many did not.
    pub lost: u64,
    /// Packets twice, overtaken, of nobody, of a moved numbering, of nobody's saying.
    pub again_late_strays_moved_foreign: [u64; 5],
    /// Packets opened by webrtc-srtp and right, and those that were not genuine.
    pub verified_unverified: [u64; 2],
    /// Legs that heard nothing.
    pub deaf: u64,
    /// Added latency in milliseconds; nothing for players.
    pub latency_ms: Option<Times>,
    /// From packet to packet, in milliseconds.
    pub gap_ms: Times,
    /// RFC 3550 jitter of the legs, in milliseconds.
    pub jitter_ms: Times,
    /// From `open_leg` to keys on both sides, in milliseconds.
    pub setup_ms: Option<Times>,
    /// CPU of the server: cores.
    pub server_cpu: f64,
    /// Of its first thread alone.
    pub loop_cpu: f64,
    /// CPU time of the server per packet that came, in microseconds.
    pub us_per_packet: f64,
    /// Of its first thread alone.
    pub loop_us_per_packet: f64,
    /// Times a second its first thread slept, and was pushed off its core.
    pub sleeps_pushed_per_s: [f64; 2],
    /// Memory per call, in kilobytes.
    pub kb_per_call: Option<f64>,
    /// Files in the spool that hold a recording, and their kilobytes.
    pub recordings: Option<[u64; 2]>,
    /// Memory in all, in kilobytes.
    pub server_kb: u64,
    /// `storm`: legs opened in the window.
    pub storm_legs: Option<u64>,
    /// `storm`: CPU time of the server for one of them, in milliseconds.
    pub setup_cpu_ms: Option<f64>,
    /// Legs set up, and legs that could not be.
    pub legs_up_failed: [u64; 2],
    /// The first reasons.
    pub reasons: Vec<String>,
    /// Agents taken for silent, bridges ended by themselves.
    pub surprises: u64,
    /// How late the callers sent, in milliseconds.
    pub caller_lateness_ms: Times,
    /// CPU time of the callers per packet sent or taken in, in microseconds.
    pub caller_us_per_packet: f64,
    /// CPU of the callers' loop, and of the whole harness: cores.
    pub caller_cpu: [f64; 2],
    /// How much the server's own counters grew.
    pub counters: BTreeMap<String, f64>,
    /// What else the machine did.
    pub noise: Noise,
}

/// Percentiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Times {
    /// Half.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
    /// All.
    pub max: f64,
}

impl Times {
    fn of(spread: &Spread) -> Times {
        let ms = |ns: u64| ns as f64 / 1e6;
        Times { p50: ms(spread.at(0.5)), p95: ms(spread.at(0.95)), p99: ms(spread.at(0.99)), max: ms(spread.max()) }
    }
}

impl Row {
    /// The row of a window.
    pub fn of(what: &str, scenario: &Scenario, seen: &Seen, tally: Option<&Tally>) -> Row {
        let Seen { figures, cost, window_ns, own_ns, counters, noise } = seen;
        let part = |ns: u64| ns as f64 / (*window_ns).max(1) as f64;
        let per_packet = |ns: u64| ns as f64 / 1e3 / figures.came.max(1) as f64;
        let per_s = |count: u64| count as f64 * 1e9 / (*window_ns).max(1) as f64;
        let harness_busy = (part(*own_ns) >= BUSY_MAX).then(|| format!("the harness took {:.2} cores", part(*own_ns)));
        Row {
            what: what.to_owned(),
            calls: scenario.calls,
            window_s: *window_ns as f64 / 1e9,
            invalid: figures.invalid().or(harness_busy),
            srtp_profile: Some("aead_aes_128_gcm".to_owned()),
            said: figures.said,
            came: figures.came,
            lost: figures.lost,
            again_late_strays_moved_foreign: [
                figures.again,
                figures.late,
                figures.strays,
                figures.moved,
                figures.foreign,
            ],
            verified_unverified: [figures.verified, figures.unverified],
            deaf: figures.deaf,
            latency_ms: (figures.latency.total() > 0).then(|| Times::of(&figures.latency)),
            gap_ms: Times::of(&figures.gap),
            jitter_ms: Times::of(&figures.jitter),
            setup_ms: tally.filter(|tally| tally.setup.total() > 0).map(|tally| Times::of(&tally.setup)),
            server_cpu: part(cost.cpu_ns),
            loop_cpu: part(cost.loop_ns),
            us_per_packet: per_packet(cost.cpu_ns),
            loop_us_per_packet: per_packet(cost.loop_ns),
            sleeps_pushed_per_s: [per_s(cost.sleeps), per_s(cost.pushed_off)],
            server_kb: cost.memory_kb,
            legs_up_failed: tally.map_or([0, 0], |tally| [tally.up, tally.failed]),
            reasons: tally.map(|tally| tally.reasons.clone()).unwrap_or_default(),
            surprises: tally.map_or(0, |tally| tally.surprises),
            caller_lateness_ms: Times::of(&figures.lateness),
            caller_us_per_packet: figures.cpu_per_packet_ns() as f64 / 1e3,
            caller_cpu: [figures.cpu_part(), part(*own_ns)],
            counters: counters.clone(),
            noise: *noise,
            ..Row::default()
        }
    }
}

/// Busier than this, the harness as a whole is the bottleneck.
const BUSY_MAX: f64 = 0.95;
