//! What is measured, as a TOML file: the load, the machine's part, and what must come out.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// One scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, for the report.
    pub name: String,
    /// What the legs do.
    pub kind: Kind,
    /// Calls held while measuring.
    pub calls: usize,
    /// Bridged calls are recorded.
    #[serde(default)]
    pub record: bool,
    /// What callers hear of `play`, and on hold: a clip of the audio folder.
    #[serde(default = "music")]
    pub clip: String,
    /// Callers of `play` talk while they listen, as WhatsApp's do.
    #[serde(default = "yes")]
    pub callers_talk: bool,
    /// Addresses of Meta's relays.
    #[serde(default = "sixteen")]
    pub relays: usize,
    /// Addresses of agents.
    #[serde(default = "sixteen")]
    pub desks: usize,
    /// UDP ports of the server.
    #[serde(default = "ports")]
    pub ports: u16,
    /// Legs set up a second before measuring.
    #[serde(default = "setup_per_s")]
    pub setup_per_s: u32,
    /// Seconds of calls before the window opens.
    #[serde(default = "warm_s")]
    pub warm_s: f64,
    /// Seconds the window is open.
    #[serde(default = "measure_s")]
    pub measure_s: f64,
    /// How often it is all done.
    #[serde(default = "once")]
    pub repeats: usize,
    /// After each time, the same packets through a loop that does nothing else.
    #[serde(default)]
    pub against_bare: bool,
    /// The bare loop looks at its sockets this often, in microseconds; 0: whenever something comes.
    #[serde(default)]
    pub bare_turn_us: u32,
    /// `storm`: legs a second set up, beside the calls, while the window is open.
    #[serde(default)]
    pub storm_per_s: u32,
    /// `storm`: such a leg's gate is opened, and it hears comfort noise; else it costs nothing but its set-up.
    #[serde(default)]
    pub storm_gate: bool,
    /// `storm`: how long such a leg lives, in milliseconds.
    #[serde(default = "storm_hold_ms")]
    pub storm_hold_ms: u64,
    /// The server's core; none: wherever the system puts it.
    #[serde(default)]
    pub server_core: Option<usize>,
    /// The callers' core.
    #[serde(default)]
    pub caller_core: Option<usize>,
    /// Both run before ordinary work (SCHED_FIFO), so that other work on the machine disturbs less.
    #[serde(default)]
    pub first: bool,
    /// Microseconds between two looks of the callers at the clock.
    #[serde(default = "tick_us")]
    pub tick_us: u32,
    /// Same seed, same phases.
    #[serde(default = "seed")]
    pub seed: u64,
    /// What must come out.
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// What the legs of a scenario do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Callers hear a clip, over and over.
    Play,
    /// Callers and agents hear each other.
    Bridge,
    /// As `bridge`, with legs set up and closed beside the calls.
    Storm,
}

/// What must come out; what is not named is not asked for. Each is an upper bound.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Added latency, in milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// The same.
    pub latency_p99_ms: Option<f64>,
    /// Packets lost of those said, 0 to 1.
    pub loss: Option<f64>,
    /// RFC 3550 jitter of legs, in milliseconds.
    pub jitter_p99_ms: Option<f64>,
    /// The longest wait of any leg for its next packet, in milliseconds.
    pub gap_max_ms: Option<f64>,
    /// From `open_leg` to keys on both sides, in milliseconds.
    pub setup_p99_ms: Option<f64>,
    /// CPU time of the server per packet that came, in microseconds.
    pub us_per_packet: Option<f64>,
    /// The same against the bare loop of the same run.
    pub ratio_to_bare: Option<f64>,
    /// Memory of the server per call, in kilobytes.
    pub kb_per_call: Option<f64>,
    /// `storm`: the server's CPU time for a leg's whole set-up, in milliseconds.
    pub setup_cpu_ms: Option<f64>,
    /// Legs that could not be set up.
    pub failed_legs: Option<f64>,
}

impl Scenario {
    /// Reads one.
    ///
    /// # Errors
    /// One sentence that names the file, and the key if it is one.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|why| format!("cannot read {}: {why}", path.display()))?;
        Self::of(&text).map_err(|why| format!("{}: {why}", path.display()))
    }

    /// Reads one from its text.
    ///
    /// # Errors
    /// One sentence that names the key.
    pub fn of(text: &str) -> Result<Self, String> {
        let scenario: Scenario = toml::from_str(text).map_err(|why| why.message().to_owned())?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        let ranges = [
            ("relays", self.relays, 1, 200),
            ("desks", self.desks, 1, 200),
            ("ports", usize::from(self.ports), 1, 10_000),
            ("repeats", self.repeats, 1, 100),
            ("calls", self.calls, usize::from(self.kind != Kind::Storm), 20_000),
        ];
        for (key, is, least, most) in ranges {
            if !(least..=most).contains(&is) {
                return Err(format!("{key} must lie between {least} and {most}, not {is}"));
            }
        }
        let room = self.relays * usize::from(self.ports);
        if self.calls > room {
            return Err(format!(
                "{} relays and {} ports carry {room} callers, not {}",
                self.relays, self.ports, self.calls
            ));
        }
        if !(0.2..=3_600.0).contains(&self.measure_s) || !(0.0..=600.0).contains(&self.warm_s) {
            return Err("measure_s must lie between 0.2 and 3600, warm_s between 0 and 600".to_owned());
        }
        if self.setup_per_s == 0 || (self.kind == Kind::Storm && self.storm_per_s == 0) {
            return Err("setup_per_s, and storm_per_s of a storm, must be 1 at least".to_owned());
        }
        if self.tick_us == 0 || 20_000 % self.tick_us != 0 {
            return Err(format!("tick_us must divide 20000, and {} does not", self.tick_us));
        }
        Ok(())
    }

    /// Legs of all calls.
    pub fn legs(&self) -> usize {
        match self.kind {
            Kind::Play => self.calls,
            Kind::Bridge | Kind::Storm => self.calls * 2,
        }
    }
}

fn music() -> String {
    "hold-music.ogg".to_owned()
}

fn yes() -> bool {
    true
}

fn sixteen() -> usize {
    16
}

fn ports() -> u16 {
    101
}

fn setup_per_s() -> u32 {
    200
}

fn warm_s() -> f64 {
    3.0
}

fn measure_s() -> f64 {
    15.0
}

fn once() -> usize {
    1
}

fn storm_hold_ms() -> u64 {
    1_000
}

fn tick_us() -> u32 {
    250
}

fn seed() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_file_is_a_scenario_and_a_wrong_one_says_which_key() {
        let scenario = Scenario::of("name = 'a'\nkind = 'bridge'\ncalls = 4\n[thresholds]\nloss = 0.0").unwrap();
        assert_eq!((scenario.legs(), scenario.ports, scenario.thresholds.loss), (8, 101, Some(0.0)));
        let why = |text: &str| Scenario::of(text).unwrap_err();
        assert!(why("name = 'a'\nkind = 'bridge'\ncalls = 4\nrelais = 3").contains("relais"));
        assert!(why("name = 'a'\nkind = 'play'\ncalls = 5000").contains("callers"));
        assert!(why("name = 'a'\nkind = 'play'\ncalls = 5\ntick_us = 333").contains("tick_us"));
        assert!(why("name = 'a'\nkind = 'storm'\ncalls = 0").contains("storm_per_s"));
    }

    #[test]
    fn every_scenario_that_comes_with_the_harness_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(files.len() >= 4);
        for file in files {
            Scenario::read(&file).unwrap();
        }
    }
}
