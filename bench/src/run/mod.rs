//! `bench run`: does what a scenario says, holds it against its thresholds, and tells.

mod dialer;
pub mod machine;
mod report;
mod row;
mod step;

use std::path::{Path, PathBuf};

use machine::Machine;
pub use report::Report;
pub use row::{Row, Times};

use crate::callers::sys;
use crate::scenario::Scenario;

/// What was asked for on the command line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The scenario's file.
    pub scenario: PathBuf,
    /// The server's program; none: the mediad beside this program.
    pub mediad: Option<PathBuf>,
    /// Where prepared clips are; none: the house's own.
    pub audio_dir: Option<PathBuf>,
    /// Where to write the report as JSON.
    pub json: Option<PathBuf>,
    /// Also the bare loop, whatever the scenario says.
    pub against_bare: bool,
    /// Another number of calls than the scenario's.
    pub calls: Option<usize>,
    /// Another length of the window.
    pub measure_s: Option<f64>,
    /// Another number of times.
    pub repeats: Option<usize>,
}

/// Does it. The report says whether everything came out as wanted.
///
/// # Errors
/// One sentence: what could not be started or did not come up.
pub fn run(wanted: &Wanted) -> Result<Report, String> {
    let mut scenario = Scenario::read(&wanted.scenario)?;
    scenario.against_bare |= wanted.against_bare;
    scenario.calls = wanted.calls.unwrap_or(scenario.calls);
    scenario.measure_s = wanted.measure_s.unwrap_or(scenario.measure_s);
    scenario.repeats = wanted.repeats.unwrap_or(scenario.repeats);
    let mediad = match &wanted.mediad {
        Some(path) => path.clone(),
        None => beside("mediad")?,
    };
    let audio_dir = wanted.audio_dir.clone().unwrap_or_else(|| Path::new(AUDIO_DIR).to_owned());
    let report = measure(&scenario, &Programs { mediad, bench: beside("bench")?, audio_dir })?;
    if let Some(path) = &wanted.json {
        let text = serde_json::to_string_pretty(&report).map_err(|why| why.to_string())?;
        std::fs::write(path, text + "\n").map_err(|why| format!("cannot write {}: {why}", path.display()))?;
    }
    Ok(report)
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The server under test.
    pub mediad: PathBuf,
    /// This harness, for its bare loop.
    pub bench: PathBuf,
    /// Where prepared clips are.
    pub audio_dir: PathBuf,
}

/// Does what a scenario says with this server: A, then B if it is held against the bare loop, A, B, …
///
/// # Errors
/// As [`run`].
pub fn measure(scenario: &Scenario, programs: &Programs) -> Result<Report, String> {
    sys::raise_open_files();
    let mut report = Report::new(scenario.clone(), Machine::here(&programs.mediad));
    for _ in 0..scenario.repeats {
        report.rows.extend(step::mediad(scenario, &programs.mediad, &programs.audio_dir)?);
        if scenario.against_bare {
            report.rows.push(step::bare(scenario, &programs.bench)?);
        }
    }
    report.judge();
    Ok(report)
}

/// A program in this one's folder.
fn beside(name: &str) -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|why| why.to_string())?;
    let path = here.with_file_name(name);
    if path.exists() { Ok(path) } else { Err(format!("{} is not built", path.display())) }
}

const AUDIO_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../audio/assets");
