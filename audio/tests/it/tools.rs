//! Other people's programs, run with a time limit, and small measurements.

use audio::pcm::{Wav, read_wav};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Asserts that `opusinfo` finds nothing wrong with a file, and returns what it says.
pub fn opusinfo(file: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.ogg");
    std::fs::write(&path, file).unwrap();
    let output = run("opusinfo", &[path.to_str().unwrap()], "apt-get install opus-tools");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let clean = output.status.success() && !said.contains("WARNING") && !said.contains("ERROR");
    assert!(clean, "opusinfo is not content:\n{said}");
    said
}

/// A file decoded by `opusdec`.
pub fn opusdec(file: &[u8]) -> Wav {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("file.ogg"), dir.path().join("file.wav"));
    std::fs::write(&from, file).unwrap();
    let args = ["--quiet", "--no-dither", "--rate", "48000", from.to_str().unwrap(), to.to_str().unwrap()];
    let output = run("opusdec", &args, "apt-get install opus-tools");
    assert!(output.status.success(), "opusdec: {}", String::from_utf8_lossy(&output.stderr));
    read_wav(&std::fs::read(to).unwrap()).unwrap()
}

/// Runs ffmpeg from a file of bytes to a file of bytes; `to` names the kind by its extension.
pub fn ffmpeg(input: &[u8], from: &str, args: &[&str], to: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join(from), dir.path().join(to));
    std::fs::write(&from, input).unwrap();
    let mut all = vec!["-nostdin", "-v", "error", "-y", "-i", path(&from)];
    all.extend_from_slice(args);
    all.push(path(&to));
    let output = run("ffmpeg", &all, "apt-get install ffmpeg");
    assert!(output.status.success(), "ffmpeg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(to).unwrap()
}

/// Level in dBFS of one frequency (the sine's peak is 0 dB at full scale).
pub fn level_at(samples: &[f32], hz: f64) -> f64 {
    let step = std::f64::consts::TAU * hz / 48_000.0;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let phase = step * n as f64;
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    let peak = 2.0 * (re * re + im * im).sqrt() / samples.len().max(1) as f64;
    20.0 * peak.max(1e-9).log10()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(tool: &str, args: &[&str], remedy: &str) -> Output {
    // `timeout` answers 127 when the tool is missing.
    let output = Command::new("timeout").arg("60").arg(tool).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.code() != Some(127), "{tool} is needed for this test: {remedy}");
    assert!(output.status.code() != Some(124), "{tool} took longer than a minute");
    output
}
