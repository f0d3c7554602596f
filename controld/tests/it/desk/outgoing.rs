//! A call that an agent places: what is asked of WhatsApp, what the agent sees and hears, how it can end.

use controld::model::softphone::{AgentCallState, Ask};
use controld::model::{CallStatus, ContactId, Direction, EndedBy, OrgId, clock};
use controld::store::calls::CallRow;
use controld::store::contacts::Seen;
use serde_json::{Value, json};

use super::world::{Tab, World, envelope, until, until_async};

#[tokio::test]
async fn a_contact_is_called_answers_talks_and_hangs_up_and_the_log_has_one_row() {
    let world = World::open().await;
    let (mut ana, row) = dials(&world).await;
    let asked = &world.graph.asked("connect")[0];
    assert_eq!((asked["to"].as_str(), asked["session"]["sdp_type"].as_str()), (Some("15550002222"), Some("offer")));
    assert_eq!(asked["biz_opaque_callback_data"], row.id.as_str());

    world.webhook(&status("out1", "RINGING", &row)).await;
    shows(&mut ana, AgentCallState::Ringing).await;
    until("ringback", || (world.log.count("music ringback.ogg") == 1).then_some(())).await;
    world.webhook(&answer("out1", &row)).await;
    until("the answer", || (world.log.count("answer_leg v=0") == 1).then_some(())).await;
    // The path is up; nobody has picked up: not a sound leaves yet.
    assert_eq!((world.log.count("open_gate caller"), world.log.count("bridge")), (0, 0));
    world.webhook(&status("out1", "ACCEPTED", &row)).await;
    shows(&mut ana, AgentCallState::Connected).await;
    world.log.assert_order(&[
        "offer_leg",
        "ask connect",
        "music ringback.ogg",
        "answer_leg v=0",
        "open_gate caller",
        "bridge",
    ]);

    world.webhook(&terminate("out1", "COMPLETED", &row)).await;
    ana.until("no call", |phone| phone.call.is_none()).await;
    let over = world.ended("out1").await;
    assert_eq!((over.id, over.direction, over.status), (row.id, Direction::Outgoing, CallStatus::Completed));
    assert_eq!((over.agent, over.wait_ms), (row.agent, 0));
    assert!(over.answered_at.is_some() && over.recording.is_some());
    assert_eq!(over.ended.unwrap().by, EndedBy::Caller);
    assert_eq!(world.log.count("ask terminate"), 0, "WhatsApp knows");
}

#[tokio::test]
async fn a_refusal_is_shown_in_words_with_metas_code() {
    let world = World::open().await;
    let mut ana = world.agent("usr_ana").await;
    let no = json!({"error": {"message": "No approved call permission from the recipient", "code": 138_006}});
    world.graph.next("connect", 0, 401, no);
    let contact = contact(&world).await;
    ana.ask(Ask::Dial { contact, account: None }).await.unwrap();
    ana.noticed("has not permitted calls (code 138006").await;
    ana.until("no call", |phone| phone.call.is_none()).await;
    until_async("the row is over", async || world.store.live_calls().await.unwrap().is_empty()).await;
    assert_eq!(world.log.count("close_leg caller"), 1);
}

#[tokio::test]
async fn declined_unanswered_and_cancelled_calls_end_with_their_own_word() {
    let mut world = World::open().await;
    let (mut ana, row) = dials(&world).await;
    world.webhook(&status("out1", "REJECTED", &row)).await;
    world.webhook(&terminate("out1", "COMPLETED", &row)).await;
    ana.noticed("The contact declined").await;
    assert_eq!(world.ended("out1").await.status, CallStatus::Rejected);

    placed_as(&world, "out2");
    redial(&world, &mut ana, "out2").await;
    ana.ask(Ask::HangUp).await.unwrap();
    let over = world.ended("out2").await;
    assert_eq!((over.status, over.ended.unwrap().reason.as_str()), (CallStatus::Missed, "agent_hung_up"));
    until("terminate", || (world.log.count("ask terminate") == 1).then_some(())).await;

    world.kill();
    world.rules.dial_ms = 50;
    world.start().await;
    let mut ben = world.agent("usr_ben").await;
    placed_as(&world, "out3");
    let contact = contact(&world).await;
    ben.ask(Ask::Dial { contact, account: None }).await.unwrap();
    ben.noticed("The contact did not answer").await;
    assert_eq!(world.ended("out3").await.ended.unwrap().reason, "no_answer");
    until("terminate", || (world.log.count("ask terminate") == 2).then_some(())).await;
}

#[tokio::test]
async fn an_agent_on_a_call_cannot_place_another_and_a_queue_does_not_ring_who_dials() {
    let world = World::open().await;
    let _leg = world.waits("w1").await;
    let mut ana = world.agent("usr_ana").await;
    let ringing = ana.rung().await;
    placed_as(&world, "out1");
    redial(&world, &mut ana, "out1").await;
    ana.until("the ring stops", |phone| phone.ringing.is_empty() && phone.call.is_some()).await;
    assert!(ana.ask(Ask::Answer { call: ringing }).await.is_err());
    let contact = contact(&world).await;
    let why = ana.ask(Ask::Dial { contact, account: None }).await.unwrap_err();
    assert_eq!(why, "you are on another call");
    let unknown = Ask::Dial { contact: ContactId::from("con_nobody"), account: None };
    let mut ben = world.agent("usr_ben").await;
    assert_eq!(ben.ask(unknown).await.unwrap_err(), "no such contact");
}

#[tokio::test]
async fn a_call_that_whatsapp_placed_while_we_died_is_ended_there_by_its_first_webhook() {
    let mut world = World::open().await;
    world.graph.next("connect", 30_000, 200, json!({"calls": [{"id": "out1"}]}));
    let mut ana = world.agent("usr_ana").await;
    let contact = contact(&world).await;
    ana.ask(Ask::Dial { contact, account: None }).await.unwrap();
    until("the request", || (world.log.count("ask connect") == 1).then_some(())).await;
    let row = world.store.live_calls().await.unwrap().remove(0);
    world.kill();
    world.start().await;
    world.row_when(row.id.as_str(), "given up", |row| row.ended.is_some()).await;
    world.webhook(&status("out1", "RINGING", &row)).await;
    until("terminate", || (world.log.count("ask terminate") == 1).then_some(())).await;
    assert_eq!(world.graph.asked("terminate")[0]["call_id"], "out1");
}

#[tokio::test]
async fn a_call_that_rings_outlives_a_restart() {
    let mut world = World::open().await;
    let (ana, row) = dials(&world).await;
    world.webhook(&status("out1", "RINGING", &row)).await;
    world.row_when("out1", "named", |_| true).await;
    until("ringback", || (world.log.count("music ringback.ogg") == 1).then_some(())).await;
    drop(ana);
    world.kill();
    world.start().await;
    let mut ana = world.agent("usr_ana").await;
    shows(&mut ana, AgentCallState::Ringing).await;
    world.webhook(&answer("out1", &row)).await;
    world.webhook(&status("out1", "ACCEPTED", &row)).await;
    shows(&mut ana, AgentCallState::Connected).await;
}

#[tokio::test]
async fn another_numbers_webhook_cannot_speak_of_this_call() {
    let world = World::open().await;
    let (_ana, row) = dials(&world).await;
    let mut other = terminate("elsewhere", "COMPLETED", &row);
    other["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("999");
    world.webhook(&other).await;
    world.webhook(&status("out1", "RINGING", &row)).await;
    until("ringback", || (world.log.count("music ringback.ogg") == 1).then_some(())).await;
    assert_eq!(world.row("out1").await.status, CallStatus::Ringing);
}

/// Ana has placed a call that WhatsApp calls `out1`.
async fn dials(world: &World) -> (Tab, CallRow) {
    let mut ana = world.agent("usr_ana").await;
    placed_as(world, "out1");
    let row = redial(world, &mut ana, "out1").await;
    (ana, row)
}

async fn redial(world: &World, tab: &mut Tab, wacid: &str) -> CallRow {
    let contact = contact(world).await;
    tab.ask(Ask::Dial { contact, account: None }).await.unwrap();
    shows(tab, AgentCallState::Dialling).await;
    world.row(wacid).await
}

fn placed_as(world: &World, wacid: &str) {
    world.graph.next("connect", 0, 200, json!({"messaging_product": "whatsapp", "calls": [{"id": wacid}]}));
}

async fn contact(world: &World) -> ContactId {
    let seen = Seen { wa_id: Some("15550002222".into()), user_key: None, name: "Joana".into() };
    world.store.contact(&OrgId::from("org_demo"), &seen, clock::now()).await.unwrap()
}

async fn shows(tab: &mut Tab, state: AgentCallState) {
    tab.until(&format!("{state:?}"), |phone| phone.call.as_ref().is_some_and(|call| call.state == state)).await;
}

fn status(wacid: &str, word: &str, row: &CallRow) -> Value {
    envelope(json!({"statuses": [{"id": wacid, "type": "call", "status": word, "recipient_id": "15550002222",
        "timestamp": (clock::now() / 1000).to_string(), "biz_opaque_callback_data": row.id.as_str()}]}))
}

fn answer(wacid: &str, row: &CallRow) -> Value {
    envelope(json!({"calls": [{"id": wacid, "from": "15559990000", "to": "15550002222", "event": "connect",
        "direction": "BUSINESS_INITIATED", "timestamp": (clock::now() / 1000).to_string(),
        "biz_opaque_callback_data": row.id.as_str(), "session": {"sdp_type": "answer", "sdp": "v=0"}}]}))
}

fn terminate(wacid: &str, status: &str, row: &CallRow) -> Value {
    envelope(json!({"calls": [{"id": wacid, "from": "15559990000", "to": "15550002222", "event": "terminate",
        "direction": "BUSINESS_INITIATED", "timestamp": (clock::now() / 1000).to_string(), "status": status,
        "biz_opaque_callback_data": row.id.as_str()}]}))
}
