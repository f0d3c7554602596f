//! `kill -9` at any moment: what was recorded stays, what was talking talks on.

use std::time::Duration;

use serde_json::json;
use tests::agent::Agent;
use tests::house::House;
use tests::tone;

use crate::recordings;

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_survives_the_death_of_mediad() {
    let house = House::start().await;
    let (mut agent, call) = two_people_talk(&house).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    house.kill_mediad();
    let killed_ms = {
        let row = house.desk("admin@demo.example").await.row_of(&call).await;
        now_ms() - row["connected_at"].as_i64().expect("the call was connected")
    };

    let desk = house.desk("admin@demo.example").await;
    let lanes = recordings::play(&house, &desk, &call).await;
    let length_ms = (lanes.left.len() * 1000 / tone::RATE) as i64;
    assert!(killed_ms - length_ms <= 1_000 + SETUP_MS, "{length_ms} ms are left of {killed_ms} ms");
    assert!(tone::is_tone(&lanes.right[lanes.right.len() / 2..], AGENT_HZ), "the agent is in the right lane");
    agent.is_free().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_on_while_controld_is_dead_and_the_next_one_can_end_the_call() {
    let mut house = House::start().await;
    let (mut agent, call) = two_people_talk(&house).await;
    let mediad = house.mediad_pid();
    house.kill_controld();
    // The WebSocket is gone, the leg is not.
    let before = house.meta().look(&call).await["media"]["rtp_in"].as_u64().unwrap();
    let heard = agent.hears(Duration::from_secs(2)).await;
    let after = house.meta().look(&call).await["media"]["rtp_in"].as_u64().unwrap();
    assert!(heard.len() >= 8, "the agent still hears the caller: {heard:?}");
    assert!(after - before >= 90, "the caller still gets 50 packets a second, not {}", (after - before) / 2);

    house.start_controld().await;
    assert_eq!(house.mediad_pid(), mediad, "mediad was left alone");
    let desk = house.desk("sam@demo.example").await;
    house.wait_for("the call is shown", || async { desk.row_of(&call).await["status"] == "connected" }).await;
    let id = desk.row_of(&call).await["id"].as_str().unwrap().to_owned();
    let (status, _) = desk.post(&format!("/api/calls/{id}/hang-up"), &json!({})).await;
    assert_eq!(status, 204);
    house.wait_for("the phone is hung up", || async { house.meta().state(&call).await == "ended" }).await;
    assert_eq!(desk.rows_of(&call).await.len(), 1);
    let lanes = recordings::play(&house, &desk, &call).await;
    assert!(tone::is_tone(&lanes.left[tone::RATE..tone::RATE * 2], SCRIPTED_HZ), "the caller is in the left lane");
}

/// The scripted phone and the aiortc agent, talking.
async fn two_people_talk(house: &House) -> (Agent, String) {
    let mut agent = Agent::on_duty(house, "ana@demo.example", AGENT_HZ as u32).await;
    let call = house.meta().call("tone").await;
    house.wait_for("the call is accepted", || async { house.meta().state(&call).await == "accepted" }).await;
    house.meta().press(&call, "1").await;
    agent.rings().await;
    agent.answers().await;
    agent.hears_tone(SCRIPTED_HZ as i64).await;
    (agent, call)
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_millis() as i64
}

const AGENT_HZ: f32 = 600.0;
/// What the stand-in's scripted phone plays as `tone`.
const SCRIPTED_HZ: f32 = 440.0;
/// From the row's `connected_at` to the recording's first frame.
const SETUP_MS: i64 = 500;
