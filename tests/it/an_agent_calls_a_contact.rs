//! A call the other way: the agent's end is aiortc, the contact's phone is the stand-in's, and WhatsApp's rules stand between.

use std::time::Duration;

use serde_json::{Value, json};
use tests::agent::Agent;
use tests::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_who_permits_calls_is_rung_answers_talks_and_hangs_up() {
    let house = House::start().await;
    let desk = house.desk("ana@demo.example").await;
    let (status, contact) = desk.post("/api/contacts", &json!({"name": "Joana", "phone": "+1 555 000 2222"})).await;
    assert_eq!(status, 201, "{contact}");
    let id = contact["id"].as_str().unwrap().to_owned();
    let mut agent = Agent::on_duty(&house, "ana@demo.example", 600).await;

    // Nobody may be called who has not permitted it: in words, with Meta's code, and in the log.
    let before = desk.get(&format!("/api/contacts/{id}")).await;
    assert_eq!((&before["permission"]["status"], &before["permission"]["can_call"]), (&json!("none"), &json!(false)));
    agent.dials(&id).await;
    agent.is_told("has not permitted calls (code 138006").await;
    agent.is_free().await;

    house.meta().permits_calls(USER).await;
    house.meta().will_answer(USER, "tone").await;
    let now = desk.get(&format!("/api/contacts/{id}")).await;
    assert_eq!((&now["permission"]["status"], &now["permission"]["can_call"]), (&json!("permanent"), &json!(true)));
    agent.dials(&id).await;
    agent.is("ringing").await;
    agent.is("connected").await;
    let heard = agent.hears(Duration::from_secs(2)).await;
    let tone = heard.iter().rev().take(6).filter(|hz| (*hz - 440).abs() < 20).count();
    assert!(tone >= 5, "the contact's tone, not the ringing before it: {heard:?}");
    agent.says("hang_up").await;
    agent.is_free().await;

    let is_over =
        |page: &Value| page["items"].as_array().is_some_and(|rows| rows.iter().all(|row| !row["ended_by"].is_null()));
    house.wait_for("both calls are over", || async { is_over(&desk.get("/api/calls?direction=outgoing").await) }).await;
    let rows = desk.get("/api/calls?direction=outgoing").await;
    let rows = rows["items"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let (talked, refused) = (&rows[0], &rows[1]);
    assert_eq!((&talked["status"], &talked["ended_by"]), (&json!("completed"), &json!("agent")));
    assert!(talked["talk_ms"].as_i64() > Some(1_500) && talked["wait_ms"] == 0, "{talked}");
    assert_eq!(refused["status"], "failed");
    let wacid = talked["wacid"].as_str().unwrap();
    house.wait_for("the phone is hung up", || async { house.meta().state(wacid).await == "ended" }).await;
}

const USER: &str = "15550002222";
