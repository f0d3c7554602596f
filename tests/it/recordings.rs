//! What the log plays back: the caller left, the agent right, silence on hold.

use std::process::Command;

use serde_json::json;
use tests::desk::Desk;
use tests::house::House;
use tests::tone::RATE;

/// Both lanes of a recording, 48 kHz.
pub struct Lanes {
    /// The caller.
    pub left: Vec<f32>,
    /// The agent.
    pub right: Vec<f32>,
}

/// Waits until a call's recording can be played, and plays it through ffmpeg.
pub async fn play(house: &House, desk: &Desk, wacid: &str) -> Lanes {
    house.wait_for("the recording is ready", || async { desk.row_of(wacid).await["recording"] == "ready" }).await;
    let url = link(desk, wacid).await;
    let (status, part) = desk.bytes(&url, Some("bytes=0-99")).await;
    assert_eq!((status, part.len()), (206, 100), "ranges are served");
    let (status, bytes) = desk.bytes(&url, None).await;
    assert_eq!(status, 200);
    let file = house.path("recording.ogg");
    std::fs::write(&file, bytes).unwrap();
    opusinfo_is_clean(&file);
    decode(&file)
}

/// A signed link to a call's recording.
pub async fn link(desk: &Desk, wacid: &str) -> String {
    let id = desk.row_of(wacid).await["id"].as_str().expect("a row has an id").to_owned();
    let (status, answer) = desk.post(&format!("/api/calls/{id}/recording-link"), &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    answer["url"].as_str().expect("a link").to_owned()
}

/// `opusinfo` finds nothing to say against a file.
pub fn opusinfo_is_clean(file: &std::path::Path) {
    let out = Command::new("opusinfo").arg(file).output().expect("opusinfo is installed (opus-tools)");
    let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !text.to_lowercase().contains("warning"), "{text}");
}

fn decode(file: &std::path::Path) -> Lanes {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-f", "f32le", "-ar", &RATE.to_string(), "-ac", "2", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let samples: Vec<f32> = out.stdout.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let lane = |at: usize| samples.iter().skip(at).step_by(2).copied().collect();
    Lanes { left: lane(0), right: lane(1) }
}
