//! What came out: rows, ratios, thresholds missed; for people and as JSON.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::machine::Machine;
use super::row::{Row, Times};
use crate::scenario::Scenario;

/// Everything that came out of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Of this form; it changes when a reader would stumble.
    pub version: u32,
    /// What was done.
    pub scenario: Scenario,
    /// On which machine.
    pub machine: Machine,
    /// What was seen, in order.
    pub rows: Vec<Row>,
    /// CPU time per packet of the server against the bare loop's, the mean of valid rows of either.
    pub ratio_to_bare: Option<f64>,
    /// Thresholds that were missed, each a sentence.
    pub missed: Vec<String>,
}

impl Report {
    /// A report without rows.
    pub fn new(scenario: Scenario, machine: Machine) -> Self {
        Report { version: VERSION, scenario, machine, rows: Vec::new(), ratio_to_bare: None, missed: Vec::new() }
    }

    /// Whether everything came out as wanted, and the callers were not the bottleneck.
    pub fn passed(&self) -> bool {
        self.missed.is_empty()
    }

    /// Holds the rows against the thresholds.
    pub fn judge(&mut self) {
        let mean = |of_bare: bool| {
            let rows = self.rows.iter().filter(|row| (row.what == BARE) == of_bare && row.invalid.is_none());
            let costs: Vec<f64> = rows.map(|row| row.us_per_packet).collect();
            (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64)
        };
        self.ratio_to_bare = mean(false).zip(mean(true)).map(|(server, bare)| server / bare);
        let mut missed: Vec<String> =
            too_much("all", "ratio_to_bare", self.ratio_to_bare, self.scenario.thresholds.ratio_to_bare)
                .into_iter()
                .collect();
        for row in &self.rows {
            if row.what != BARE {
                missed.extend(missed_by(row, &self.scenario));
            }
            missed.extend(row.invalid.as_ref().map(|why| format!("{}: INVALID, {why}", row.what)));
        }
        self.missed = missed;
    }
}

/// The thresholds one row misses.
fn missed_by(row: &Row, scenario: &Scenario) -> Vec<String> {
    let (what, wanted, in_storm) = (row.what.as_str(), &scenario.thresholds, row.storm_legs.is_some());
    let loss = row.lost as f64 / row.said.max(1) as f64;
    let held = [
        ("latency_p50_ms", row.latency_ms.map(|t| t.p50), wanted.latency_p50_ms),
        ("latency_p99_ms", row.latency_ms.map(|t| t.p99), wanted.latency_p99_ms),
        ("loss", Some(loss), wanted.loss),
        ("jitter_p99_ms", Some(row.jitter_ms.p99), wanted.jitter_p99_ms),
        ("gap_max_ms", Some(row.gap_ms.max), wanted.gap_max_ms),
        ("setup_p99_ms", row.setup_ms.map(|t| t.p99), wanted.setup_p99_ms),
        ("us_per_packet", Some(row.us_per_packet), wanted.us_per_packet.filter(|_| !in_storm)),
        ("failed_legs", Some(row.legs_up_failed[1] as f64), wanted.failed_legs),
        ("setup_cpu_ms", row.setup_cpu_ms, wanted.setup_cpu_ms.filter(|_| in_storm)),
        ("kb_per_call", row.kb_per_call, wanted.kb_per_call.filter(|_| !in_storm)),
    ];
    let too_few = row.recordings.filter(|[held, _]| *held < scenario.calls as u64);
    let too_few = too_few.map(|[held, _]| format!("{what}: {held} recordings of {} calls", scenario.calls));
    held.into_iter().filter_map(|(name, is, most)| too_much(what, name, is, most)).chain(too_few).collect()
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cores, kernel, memory_mb, commit, server_sha256 } = &self.machine;
        let s = &self.scenario;
        writeln!(f, "{}: {} calls, {:?}{}", s.name, s.calls, s.kind, if s.record { ", recorded" } else { "" })?;
        writeln!(f, "machine  {cpu}, {cores} cores, {memory_mb} MB, Linux {kernel}")?;
        writeln!(f, "server   commit {commit}, sha256 {server_sha256}…, core {}", core(s.server_core))?;
        let first = if s.first { "SCHED_FIFO" } else { "ordinary" };
        writeln!(f, "callers  core {}, both {first}, {} relays, {} ports", core(s.caller_core), s.relays, s.ports)?;
        for row in &self.rows {
            writeln!(f)?;
            show(f, row)?;
        }
        if let Some(ratio) = self.ratio_to_bare {
            writeln!(f, "\nCPU per packet, server : bare loop = {ratio:.2} : 1")?;
        }
        writeln!(f)?;
        match self.missed.is_empty() {
            true => writeln!(f, "passed"),
            false => self.missed.iter().try_for_each(|missed| writeln!(f, "MISSED  {missed}")),
        }
    }
}

fn too_much(what: &str, name: &str, is: Option<f64>, most: Option<f64>) -> Option<String> {
    let most = most?;
    match is {
        Some(is) if is <= most => None,
        Some(is) => Some(format!("{what}: {name} is {is:.3}, more than {most}")),
        None => Some(format!("{what}: {name} was not measured")),
    }
}

fn show(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    writeln!(f, "{}{}", row.what, if row.invalid.is_some() { "  INVALID" } else { "" })?;
    let profile = row.srtp_profile.as_deref().unwrap_or("unknown");
    writeln!(f, "  window      {:.1} s, {} packets came, {} lost, srtp {profile}", row.window_s, row.came, row.lost)?;
    let [again, late, strays, moved, foreign] = row.again_late_strays_moved_foreign;
    let [good, bad] = row.verified_unverified;
    writeln!(f, "  verified    {good} opened by webrtc-srtp and right, {bad} not genuine, {} deaf legs", row.deaf)?;
    if again + late + strays + moved + foreign > 0 {
        writeln!(
            f,
            "  odd         {again} twice, {late} overtaken, {strays} strays, {moved} moved, {foreign} foreign"
        )?;
    }
    let mut times = |name: &str, t: &Times| {
        writeln!(f, "  {name:<11} p50 {:.3}  p95 {:.3}  p99 {:.3}  max {:.3} ms", t.p50, t.p95, t.p99, t.max)
    };
    row.latency_ms.iter().try_for_each(|t| times("added", t))?;
    times("jitter", &row.jitter_ms)?;
    times("gap", &row.gap_ms)?;
    row.setup_ms.iter().try_for_each(|t| times("set-up", t))?;
    times("lateness", &row.caller_lateness_ms)?;
    show_server(f, row)?;
    show_harness(f, row)
}

fn show_server(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    let (cpu, us) = (row.server_cpu * 100.0, row.us_per_packet);
    let (loop_cpu, loop_us) = (row.loop_cpu * 100.0, row.loop_us_per_packet);
    writeln!(f, "  server      {cpu:.1} % of a core, {us:.2} µs a packet; its loop {loop_cpu:.1} %, {loop_us:.2} µs")?;
    let [sleeps, pushed] = row.sleeps_pushed_per_s;
    writeln!(f, "              sleeps {sleeps:.0}/s, pushed off {pushed:.0}/s, {} kB", row.server_kb)?;
    let counted = |name: &str| row.counters.get(name).copied().unwrap_or(0.0);
    let turns = counted("turns_total");
    if turns > 0.0 {
        let (a_turn, late) = (counted("datagrams_in_total") / turns, counted("late_turns_total"));
        writeln!(
            f,
            "              {:.0} turns/s, {a_turn:.1} datagrams a turn, {late} turns late",
            turns / row.window_s
        )?;
    }
    if let Some([files, kb]) = row.recordings {
        let missed = counted("slots_missed_total");
        writeln!(f, "  recordings  {files} files, {kb} kB, {missed} slots missed")?;
    }
    row.kb_per_call.iter().try_for_each(|kb| writeln!(f, "              {kb:.1} kB a call"))?;
    if let (Some(legs), Some(ms)) = (row.storm_legs, row.setup_cpu_ms) {
        writeln!(f, "  storm       {legs} legs, {ms:.3} ms of CPU each")?;
    }
    Ok(())
}

fn show_harness(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    let [callers, harness] = row.caller_cpu.map(|part| part * 100.0);
    let us = row.caller_us_per_packet;
    writeln!(f, "  callers     {callers:.1} % of a core, {us:.2} µs a packet; the whole harness {harness:.1} %")?;
    let n = row.noise;
    writeln!(
        f,
        "  noise       steal {:.1} %, others {:.2} cores, load {:.1}, kernel drops {}",
        n.steal * 100.0,
        n.others,
        n.load,
        n.kernel_drops
    )?;
    let [up, failed] = row.legs_up_failed;
    if failed + row.surprises > 0 {
        let why = row.reasons.join("; ");
        writeln!(f, "  trouble     {up} legs up, {failed} failed, {} surprises: {why}", row.surprises)?;
    }
    Ok(())
}

fn core(core: Option<usize>) -> String {
    core.map_or_else(|| "any".to_owned(), |core| core.to_string())
}

const VERSION: u32 = 1;
/// The name of the bare loop's rows.
const BARE: &str = "bare loop";

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn row(what: &str, us: f64) -> Row {
        Row { what: what.to_owned(), us_per_packet: us, said: 100, came: 100, ..Row::default() }
    }

    fn report(rows: Vec<Row>) -> Report {
        let text = "name = 'a'\nkind = 'bridge'\ncalls = 2\nrecord = true\n[thresholds]\nloss = 0.0\nratio_to_bare = 1.4\n\
                    latency_p99_ms = 3.0";
        let mut report = Report::new(Scenario::of(text).unwrap(), Machine::here(Path::new("/nowhere")));
        report.rows = rows;
        report.judge();
        report
    }

    #[test]
    fn what_is_missed_is_named() {
        let mut lossy = row("mediad", 15.0);
        lossy.lost = 1;
        lossy.recordings = Some([1, 10]);
        let report = report(vec![lossy, row(BARE, 10.0)]);
        let expected = [
            "all: ratio_to_bare is 1.500, more than 1.4",
            "mediad: latency_p99_ms was not measured",
            "mediad: loss is 0.010, more than 0",
            "mediad: 1 recordings of 2 calls",
        ];
        assert_eq!(report.missed, expected);
        assert!(!report.passed() && report.to_string().contains("MISSED  mediad: loss"));
    }

    #[test]
    fn rows_in_which_the_callers_were_the_bottleneck_count_for_nothing_and_fail_the_run() {
        let mut good = row("mediad", 12.0);
        good.latency_ms = Some(Times::default());
        good.recordings = Some([2, 10]);
        let mut bad = good.clone();
        (bad.us_per_packet, bad.invalid) = (99.0, Some("the callers sent late".to_owned()));
        let report = report(vec![good, row(BARE, 10.0), bad, row(BARE, 10.0)]);
        assert_eq!(report.ratio_to_bare.map(|ratio| (ratio * 100.0).round()), Some(120.0));
        assert_eq!(report.missed, ["mediad: INVALID, the callers sent late"]);
    }
}
