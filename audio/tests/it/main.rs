//! What this crate promises, checked with tools we did not write: opusinfo, opusdec, ffmpeg, libopus.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod assets;
mod bombs;
mod clicks;
mod damage;
mod recordings;
mod salvage;
mod tools;
mod uploads;
