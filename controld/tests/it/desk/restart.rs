//! controld is killed at any moment and started again: mediad and its calls went on.

use controld::model::CallStatus;
use controld::model::softphone::{AgentCallState, Ask};
use controld::model::{UserId, clock};
use serde_json::json;

use super::world::{World, connect, terminate, until};

#[tokio::test]
async fn a_call_in_the_menu_goes_on_and_a_digit_pressed_meanwhile_counts_once() {
    let mut world = World::open().await;
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.mediad.play_ended(&leg, "demo/welcome.ogg");
    world.mediad.heard(&leg, "demo/menu.ogg").await;
    world.kill();
    world.mediad.digit(&leg, '1');
    world.start().await;
    world.mediad.heard(&leg, "hold-music.ogg").await;
    let row = world.row_when("w1", "queued", |row| row.status == CallStatus::Queued).await;
    world.kill();
    world.start().await;
    let kinds = world.kinds(&row.id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "digit").count(), 1, "{kinds:?}");
    assert_eq!((world.log.count("ask accept"), world.log.count("ask terminate")), (1, 0));
}

#[tokio::test]
async fn a_prompt_that_ended_while_we_were_away_is_followed_by_the_next() {
    let mut world = World::open().await;
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.kill();
    world.mediad.play_ended(&leg, "demo/welcome.ogg");
    world.start().await;
    world.mediad.heard(&leg, "demo/menu.ogg").await;
}

#[tokio::test]
async fn a_waiting_caller_waits_on_and_is_answered() {
    let mut world = World::open().await;
    let leg = world.waits("w1").await;
    world.row_when("w1", "queued", |row| row.status == CallStatus::Queued).await;
    world.kill();
    world.start().await;
    let mut ana = world.agent("usr_ana").await;
    let call = ana.rung().await;
    assert_eq!(world.mediad.hears(&leg).as_deref(), Some("hold-music.ogg"));
    ana.ask(Ask::Answer { call }).await.unwrap();
    assert_eq!(world.log.count("bridge"), 1);
}

#[tokio::test]
async fn a_conversation_is_untouched_seen_again_and_can_be_hung_up() {
    let mut world = World::open().await;
    let mut ana = world.agent("usr_ana").await;
    world.waits("w1").await;
    let call = ana.rung().await;
    ana.ask(Ask::Answer { call: call.clone() }).await.unwrap();
    ana.ask(Ask::Hold).await.unwrap();
    world.row_when("w1", "on hold", |row| row.status == CallStatus::OnHold).await;
    let before = world.log.all().len();
    world.kill();
    drop(ana);
    world.start().await;
    let mut again = world.tab("usr_ana").await;
    again.until("the call", |phone| phone.call.as_ref().is_some_and(|c| c.state == AgentCallState::OnHold)).await;
    assert_eq!(
        world.log.all().len(),
        before,
        "nothing was asked of mediad or WhatsApp: {:?}",
        &world.log.all()[before..]
    );
    again.ask(Ask::Resume).await.unwrap();
    again.ask(Ask::HangUp).await.unwrap();
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.recording.is_some()), (CallStatus::Completed, true));
    until("terminate", || (world.log.count("terminate 200") == 1).then_some(())).await;
}

#[tokio::test]
async fn a_claim_that_was_written_before_the_kill_is_carried_out_after_it() {
    let mut world = World::open().await;
    let mut ana = world.agent("usr_ana").await;
    world.waits("w1").await;
    let call = ana.rung().await;
    world.kill();
    drop(ana);
    let claim = world.store.claim(&call, &UserId::from("usr_ana"), clock::now()).await.unwrap();
    assert_eq!(claim, controld::store::hunts::Claim::Won);
    world.start().await;
    let mut again = world.tab("usr_ana").await;
    again.until("the call", |phone| phone.call.as_ref().is_some_and(|c| c.state == AgentCallState::Connected)).await;
    assert_eq!(world.log.count("bridge"), 1);
}

#[tokio::test]
async fn a_call_whose_leg_is_gone_is_failed_and_ended_once_at_whatsapp() {
    let mut world = World::open().await;
    world.waits("w1").await;
    world.row_when("w1", "queued", |row| row.status == CallStatus::Queued).await;
    world.kill();
    world.mediad.die();
    world.start().await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Failed, "media_lost"));
    until("terminate", || (world.log.count("terminate 200") == 1).then_some(())).await;
    world.kill();
    world.start().await;
    assert_eq!(world.log.count("ask terminate"), 1);
}

#[tokio::test]
async fn a_call_that_was_ringing_is_answered_with_the_same_answer() {
    let mut world = World::open().await;
    world.graph.next("accept", 60_000, 200, json!({"success": true}));
    world.calls("w1").await;
    until("accept", || (world.log.count("ask accept") == 1).then_some(())).await;
    world.kill();
    let done = json!({"error": {"code": 100, "error_data": {"details": "Call is already in progress"}}});
    world.graph.next("accept", 0, 400, done);
    world.start().await;
    let leg = world.mediad.caller_leg().await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    let asked = world.graph.asked("accept");
    assert_eq!(asked[0]["session"], asked[1]["session"]);
    assert_eq!((world.log.count("open_leg Meta"), world.log.count("open_gate caller")), (1, 1));
}

#[tokio::test]
async fn a_webhook_stored_before_the_kill_is_worked_off_after_it() {
    let mut world = World::open().await;
    world.kill();
    world.webhook(&connect("w1", clock::now())).await;
    world.start().await;
    let leg = world.mediad.caller_leg().await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.kill();
    world.webhook(&terminate("w1", "COMPLETED")).await;
    world.start().await;
    assert!(world.ended("w1").await.ended.is_some());
    until("no leg", || (world.mediad.legs() == 0).then_some(())).await;
}

#[tokio::test]
async fn a_leg_that_belongs_to_nobody_is_closed() {
    let mut world = World::open().await;
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.kill();
    let url = crate::cluster::database(world.folder.path());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    for table in ["places", "journal", "calls"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&pool).await.unwrap();
    }
    world.start().await;
    until("no leg", || (world.mediad.legs() == 0).then_some(())).await;
}
