//! Calls that are refused, and calls that end by themselves.

use controld::desk::Rules;
use controld::model::{CallStatus, EndedBy, clock};
use protocol::LegEnd;

use super::world::{World, connect, short_rules, until};

#[tokio::test]
async fn a_call_to_a_number_whose_calling_is_off_is_rejected_with_a_reason() {
    let world = World::open().await;
    let url = crate::cluster::database(world.folder.path());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query("UPDATE organisations SET calling_enabled = 0").execute(&pool).await.unwrap();
    world.webhook(&connect("w1", clock::now())).await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Rejected, "calling_disabled"));
    sqlx::query("UPDATE organisations SET calling_enabled = 1").execute(&pool).await.unwrap();
    sqlx::query("UPDATE accounts SET start_flow_id = NULL").execute(&pool).await.unwrap();
    world.webhook(&connect("w2", clock::now())).await;
    let row = world.ended("w2").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Rejected, "no_flow"));
    until("two rejects", || (world.log.count("reject 200") == 2).then_some(())).await;
    assert_eq!(world.log.count("open_leg Meta"), 0);
}

#[tokio::test]
async fn the_flows_hang_up_says_goodbye_and_ends_at_whatsapp() {
    let world = World::open().await;
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.mediad.digit(&leg, '9');
    world.mediad.heard(&leg, "demo/goodbye.ogg").await;
    assert!(world.row("w1").await.ended.is_none());
    world.mediad.play_ended(&leg, "demo/goodbye.ogg");
    let row = world.ended("w1").await;
    let ended = row.ended.unwrap();
    assert_eq!((row.status, ended.by, ended.reason.as_str()), (CallStatus::Completed, EndedBy::Flow, "flow_ended"));
    until("terminate", || (world.log.count("terminate 200") == 1).then_some(())).await;
    until("no leg", || (world.mediad.legs() == 0).then_some(())).await;
}

#[tokio::test]
async fn the_longest_length_ends_a_call() {
    let world = World::with(Rules { max_call_ms: 400, warning_ms: 100, ..short_rules() }).await;
    world.calls("w1").await;
    let row = world.ended("w1").await;
    assert_eq!(row.ended.unwrap().reason, "max_duration");
    until("terminate", || (world.log.count("ask terminate") == 1).then_some(())).await;
}

#[tokio::test]
async fn media_that_is_lost_fails_the_call_and_tells_whatsapp_once() {
    let world = World::open().await;
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.mediad.leg_ends(&leg, LegEnd::ConsentLost);
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Failed, "media_lost"));
    until("terminate", || (world.log.count("terminate 200") == 1).then_some(())).await;
    assert_eq!(world.log.count("ask terminate"), 1);
}

#[tokio::test]
async fn a_flood_of_calls_at_one_house_is_rejected_beyond_its_bound_and_logged() {
    let world = World::with(Rules { arriving_max: 1, ..short_rules() }).await;
    world.graph.next("accept", 60_000, 200, serde_json::json!({"success": true}));
    world.webhook(&connect("w1", clock::now())).await;
    world.row("w1").await;
    world.webhook(&connect("w2", clock::now())).await;
    let row = world.ended("w2").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Rejected, "too_many_calls"));
    until("reject", || (world.log.count("ask reject") == 1).then_some(())).await;
    assert!(world.row("w1").await.ended.is_none());
}
