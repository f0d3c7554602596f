//! The call of the README, in two real Chromium processes: who hears what in each phase, proved by spectrum at both ends.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;
use tests::house::House;
use tests::{spectrum, tone};
use tokio::process::Command;

use crate::recordings;

#[tokio::test(flavor = "multi_thread")]
async fn two_browsers_hold_a_call() {
    let house = House::start().await;
    let (caller, agent) = (tone::chirps(450.0, 950.0, 20.0), tone::chirps(1_500.0, 2_300.0, 20.0));
    std::fs::write(house.path("caller.wav"), tone::wav(&caller)).unwrap();
    std::fs::write(house.path("agent.wav"), tone::wav(&agent)).unwrap();

    let story = play(&house).await;
    let menu = tone::clip(&house.path("audio/demo/menu.ogg"));
    let music = tone::clip(&house.path("audio/hold-music.ogg"));
    let known = [("prompt", &menu), ("music", &music), ("caller", &caller), ("agent", &agent)]
        .map(|(name, sound)| (name, spectrum::shape(sound)))
        .into_iter()
        .collect::<BTreeMap<_, _>>();

    let phone = Ear::of(&house, "phone", &story);
    let desk = Ear::of(&house, "desk", &story);
    let expected = [
        ("prompt", "prompt", None),
        ("queue", "music", None),
        ("talk", "agent", Some("caller")),
        ("hold", "music", None),
        ("resumed", "agent", Some("caller")),
    ];
    for (phase, caller_hears, agent_hears) in expected {
        assert_eq!(phone.hears(phase, &known), Some(caller_hears), "the caller, while {phase}");
        assert_eq!(desk.hears(phase, &known), agent_hears, "the agent, while {phase}");
    }
    assert_eq!(phone.hears("over", &known), None, "the caller, after the end");
    assert_eq!(desk.hears("over", &known), None, "the agent, after the end");
    // Hang-up at one end is the end at the other within 300 ms.
    let spread = story["ended_phone"].as_f64().unwrap() - story["pressed_end"].as_f64().unwrap();
    assert!(spread <= 300.0, "the phone was told after {spread} ms");

    the_recording_is_caller_left_agent_right_hold_silent(&house, &story, &known).await;
}

async fn the_recording_is_caller_left_agent_right_hold_silent(
    house: &House,
    story: &Value,
    known: &BTreeMap<&str, spectrum::Shape>,
) {
    let desk = house.desk("admin@demo.example").await;
    let wacid = story["call"].as_str().unwrap();
    let lanes = recordings::play(house, &desk, wacid).await;
    let row = desk.row_of(wacid).await;
    assert_eq!(row["digits"], "81", "the wrong digit is in the path too");
    let began = row["connected_at"].as_f64().unwrap();
    let cut = |lane: &[f32], phase: &str| {
        let (from, to) = bounds(story, phase);
        let at = |ms: f64| (((ms - began).max(0.0) * tone::RATE as f64 / 1000.0) as usize).min(lane.len());
        lane[at(from)..at(to)].to_vec()
    };
    for phase in ["talk", "resumed"] {
        assert_eq!(spectrum::nearest(&cut(&lanes.left, phase), known), Some("caller"), "left, while {phase}");
        assert_eq!(spectrum::nearest(&cut(&lanes.right, phase), known), Some("agent"), "right, while {phase}");
    }
    assert_eq!(spectrum::nearest(&cut(&lanes.left, "hold"), known), None, "left is silent on hold");
    assert_eq!(spectrum::nearest(&cut(&lanes.right, "hold"), known), None, "right is silent on hold");
    let length_ms = lanes.left.len() as f64 / 48.0;
    let told_ms = row["talk_ms"].as_f64().unwrap() + row["hold_ms"].as_f64().unwrap();
    assert!((length_ms - told_ms).abs() < 400.0, "{length_ms} ms recorded, {told_ms} ms in the row");
}

/// Runs `browser/call.mjs` and gives the moments it tells.
async fn play(house: &House) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/call.mjs");
    let out = Command::new("node")
        .arg(script)
        .env("DESK", house.desk_url())
        .env("PHONE", house.meta_url())
        .env("FOLDER", house.path(""))
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node is installed");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "the browsers failed: {text}\n{}", house.logs());
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("the script ends with its story")
}

/// What one page heard, on the clock of the story.
struct Ear<'a> {
    story: &'a Value,
    sound: Vec<f32>,
    began: f64,
}

impl<'a> Ear<'a> {
    fn of(house: &House, name: &str, story: &'a Value) -> Ear<'a> {
        let bytes = std::fs::read(house.path(&format!("{name}.f32"))).expect("the page's sound was kept");
        let sound = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ear { story, sound, began: story[format!("heard_{name}")].as_f64().unwrap_or(0.0) }
    }

    fn hears<'k>(&self, phase: &str, known: &BTreeMap<&'k str, spectrum::Shape>) -> Option<&'k str> {
        let (from, to) = bounds(self.story, phase);
        let at = |ms: f64| (((ms - self.began).max(0.0) * 48.0) as usize).min(self.sound.len());
        spectrum::nearest(&self.sound[at(from)..at(to)], known)
    }
}

/// From and to of a phase, ms since 1970, its first 600 ms left out: what was under way may still sound.
fn bounds(story: &Value, phase: &str) -> (f64, f64) {
    let moments = &story["phases"][phase];
    let moment = |at: usize| moments[at].as_f64().unwrap_or_else(|| panic!("the story has no {phase}: {story}"));
    (moment(0) + 600.0, moment(1))
}
