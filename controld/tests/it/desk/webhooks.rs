//! Webhooks in any number and order: one row a call, and each thing once.

use controld::model::{CallStatus, clock};
use serde_json::json;
use sqlx::Row;

use super::world::{World, connect, envelope, terminate, until};

async fn rows(world: &World) -> i64 {
    let url = crate::cluster::database(world.folder.path());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM calls").fetch_one(&pool).await.unwrap().get(0)
}

async fn inbox_is_empty(world: &World) {
    for _ in 0..2_000 {
        if world.store.waiting_webhooks(10).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the inbox was not worked off");
}

#[tokio::test]
async fn a_connect_that_comes_three_times_is_one_call() {
    let world = World::open().await;
    let at = clock::now();
    // The same bytes, and the same call in other bytes: Meta does both.
    world.webhook(&connect("w1", at)).await;
    world.webhook(&connect("w1", at)).await;
    let mut other = connect("w1", at);
    other["entry"][0]["id"] = json!("2");
    world.webhook(&other).await;
    inbox_is_empty(&world).await;
    let leg = world.mediad.caller_leg().await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    assert_eq!((world.log.count("open_leg Meta"), world.log.count("ask accept"), rows(&world).await), (1, 1, 1));
}

#[tokio::test]
async fn a_terminate_that_comes_first_leaves_a_tombstone_and_the_connect_is_not_answered() {
    let world = World::open().await;
    world.webhook(&terminate("w1", "COMPLETED")).await;
    inbox_is_empty(&world).await;
    world.webhook(&connect("w1", clock::now())).await;
    inbox_is_empty(&world).await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.caller_name.as_str()), (CallStatus::Abandoned, "Maria"));
    assert_eq!((world.log.all().len(), rows(&world).await), (0, 1), "{:?}", world.log.all());
}

#[tokio::test]
async fn a_connect_older_than_a_minute_is_logged_and_never_answered() {
    let world = World::open().await;
    world.webhook(&connect("w1", clock::now() - 61_000)).await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Missed, "stale_connect"));
    assert_eq!(world.log.all().len(), 0);
}

#[tokio::test]
async fn a_late_terminate_of_an_old_call_does_not_end_the_one_that_runs() {
    let world = World::open().await;
    let leg = world.calls("new").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.webhook(&terminate("old", "COMPLETED")).await;
    inbox_is_empty(&world).await;
    assert!(world.row("new").await.ended.is_none());
}

#[tokio::test]
async fn a_failed_terminate_is_logged_with_metas_code() {
    let world = World::open().await;
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    let errors = json!([{"code": 138_021, "title": "no media for a long time"}]);
    world
        .webhook(&envelope(json!({"calls": [{"id": "w1", "from": "15550001111", "event": "terminate",
            "status": "Failed", "errors": errors.clone()}], "errors": errors})))
        .await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Failed, "whatsapp_138021"));
}

#[tokio::test]
async fn a_user_without_a_phone_number_is_served() {
    let world = World::open().await;
    world
        .webhook(&envelope(json!({"contacts": [{"profile": {"name": "Zoë 🌷"}, "user_id": "US.1"}],
            "calls": [{"id": "w1", "from_user_id": "US.1", "event": "connect",
                "timestamp": (clock::now() / 1000), "session": {"sdp_type": "offer", "sdp": "v=0"}}]})))
        .await;
    let leg = world.mediad.caller_leg().await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    let row = world.row("w1").await;
    assert_eq!((row.caller_phone.as_str(), row.caller_key.as_str(), row.caller_name.as_str()), ("", "US.1", "Zoë 🌷"));
}

#[tokio::test]
async fn shuffled_and_doubled_webhooks_leave_the_same_rows_as_orderly_ones() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut turn = seed;
    let mut next = move |below: usize| {
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(turn >> 33).unwrap() % below
    };
    let world = World::open().await;
    let at = clock::now();
    let mut webhooks = Vec::new();
    for call in 0..12 {
        let wacid = format!("w{call}");
        for _ in 0..=next(2) {
            webhooks.push(connect(&wacid, at));
            webhooks.push(terminate(&wacid, "COMPLETED"));
        }
    }
    for i in (1..webhooks.len()).rev() {
        webhooks.swap(i, next(i + 1));
    }
    for webhook in &webhooks {
        world.webhook(webhook).await;
    }
    for call in 0..12 {
        let row = world.ended(&format!("w{call}")).await;
        let status = row.status;
        assert!(matches!(status, CallStatus::Abandoned | CallStatus::Completed), "seed {seed}, call {call}: {row:?}");
    }
    inbox_is_empty(&world).await;
    assert_eq!(rows(&world).await, 12, "seed {seed}");
    until("no leg", || (world.mediad.legs() == 0).then_some(())).await;
    assert_eq!(world.desk().live_calls(), 0);
}
