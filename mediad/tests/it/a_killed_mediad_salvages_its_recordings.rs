//! `kill -9` in the middle of a recording: the next start closes the file and says so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{Client, House};

#[test]
fn a_recording_cut_off_by_a_kill_is_whole_after_the_next_start_and_at_most_a_second_short() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::start(folder.path(), 24_300);
    let mut client = Client::hello(&house, Value::Null);
    let offer = client.ask(json!({"offer_leg": {"leg": "a", "call": "c", "peer": "browser", "life_secs": 60}}));
    let offer = offer["ok"]["leg_offered"]["offer"].clone();
    let answer =
        client.ask(json!({"open_leg": {"leg": "b", "call": "c", "peer": "browser", "offer": offer, "life_secs": 60}}));
    let answer = answer["ok"]["leg_opened"]["answer"].clone();
    client.ask(json!({"answer_leg": {"leg": "a", "answer": answer}}));
    client.event("leg_connected");
    client.event("leg_connected");
    for leg in ["a", "b"] {
        client.ask(json!({"open_gate": {"leg": leg}}));
    }
    assert_eq!(client.ask(json!({"record": {"leg": "b", "recording": "tape"}}))["ok"], "done");
    std::thread::sleep(Duration::from_millis(2_500));
    let page = client.ask(json!({"snapshot": {"after": null}}));
    let before_ms = page["ok"]["snapshot"]["recordings"][0]["duration_ms"].as_u64().unwrap();
    house.kill();
    drop(client);
    let house = House::start(folder.path(), 24_300);
    let mut client = Client::hello(&house, json!(["an earlier epoch", 5]));
    let ended = client.event("recording_ended");
    assert_eq!((ended["recording"].as_str(), ended["why"].as_str()), (Some("tape"), Some("salvaged")));
    let salvaged_ms = ended["duration_ms"].as_u64().unwrap();
    assert!(before_ms.saturating_sub(salvaged_ms) <= 1_000, "{salvaged_ms} of {before_ms} ms");
    let file = std::fs::read(folder.path().join("spool/tape.ogg")).unwrap();
    assert_eq!(file.len() as u64, ended["bytes"].as_u64().unwrap());
    assert!(audio::two_lane::salvage(&file).complete);
}
