//! From WhatsApp's offer to the first sound.

use controld::model::{CallStatus, FlowId, OrgId, UserId};
use controld::store::clips::{ClipRow, ClipSource};
use controld::store::flow_versions::Publication;
use controld::store::flows::{Draft, Saved};
use serde_json::{Value, json};

use super::world::{World, connect, terminate};
use controld::model::clock;

#[tokio::test]
async fn the_gate_opens_only_after_accept_returned_200() {
    let world = World::open().await;
    world.graph.next("accept", 150, 200, json!({"success": true}));
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    world.log.assert_order(&[
        "open_leg Meta",
        "ask pre_accept",
        "pre_accept 200",
        "ask accept",
        "accept 200",
        "open_gate caller",
        "play demo/welcome.ogg",
    ]);
    let sdp = |action| world.graph.asked(action)[0]["session"]["sdp"].clone();
    assert_eq!(sdp("accept"), sdp("pre_accept"), "accept must carry the very answer of pre_accept");
    let row = world.row("w1").await;
    assert_eq!((row.status, row.caller_name.as_str()), (CallStatus::Ivr, "Maria"));
}

#[tokio::test]
async fn accept_does_not_wait_for_ever_for_a_path_that_is_late() {
    let world = World::open().await;
    world.mediad.connects(false);
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    assert_eq!(world.log.count("accept 200"), 1);
}

#[tokio::test]
async fn accept_is_repeated_after_a_fault_and_already_in_progress_means_yes() {
    let world = World::open().await;
    world.graph.next("accept", 0, 500, Value::Null);
    let in_progress = json!({"error": {"code": 100, "message": "(#100) Invalid parameter",
        "error_data": {"details": "Call is already in progress"}}});
    world.graph.next("accept", 0, 400, in_progress);
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/welcome.ogg").await;
    assert_eq!(world.log.count("ask accept"), 2);
    assert_eq!(world.log.count("ask terminate"), 0);
}

#[tokio::test]
async fn a_refused_accept_leaves_no_leg_and_a_reason() {
    let world = World::open().await;
    let no = json!({"error": {"code": 138_000, "message": "(#138000) Calling API not enabled"}});
    world.graph.next("accept", 0, 401, no);
    world.webhook(&connect("w1", clock::now())).await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Failed, "accept_failed"));
    let text = world.store.journal(&row.id).await.unwrap().pop().unwrap().text;
    assert!(text.contains("138000") && text.contains("not enabled"), "{text}");
    super::world::until("no leg", || (world.mediad.legs() == 0).then_some(())).await;
    assert_eq!(world.log.count("open_gate caller"), 0);
}

#[tokio::test]
async fn a_caller_who_hangs_up_while_we_accept_never_hears_us_and_is_over_at_once() {
    let world = World::open().await;
    world.graph.next("accept", 400, 200, json!({"success": true}));
    world.calls("w1").await;
    super::world::until("accept", || (world.log.count("ask accept") == 1).then_some(())).await;
    world.webhook(&terminate("w1", "COMPLETED")).await;
    let row = world.ended("w1").await;
    assert_eq!(row.status, CallStatus::Abandoned);
    super::world::until("the answer to accept", || {
        (world.log.count("accept 200") == 1 || world.log.count("close_leg caller") == 1).then_some(())
    })
    .await;
    super::world::until("no leg", || (world.mediad.legs() == 0).then_some(())).await;
    assert_eq!(world.log.count("open_gate caller"), 0);
    assert_eq!(world.log.count("ask terminate"), 0);
}

#[tokio::test]
async fn an_offer_that_mediad_cannot_read_is_rejected_at_whatsapp() {
    let world = World::open().await;
    world.mediad.refuse("open_leg", protocol::ErrorCode::BadSdp);
    world.webhook(&connect("w1", clock::now())).await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Failed, "media_refused"));
    super::world::until("reject", || (world.log.count("ask reject") == 1).then_some(())).await;
}

#[tokio::test]
async fn a_clip_that_is_missing_does_not_leave_the_caller_in_silence() {
    let world = World::open().await;
    world.mediad.refuse("play demo/welcome.ogg", protocol::ErrorCode::BadClip);
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "demo/menu.ogg").await;
}

#[tokio::test]
async fn words_that_were_made_into_sound_are_heard() {
    let world = World::open().await;
    let (org, flow, admin) = (OrgId::from("org_demo"), FlowId::from("flow_demo"), UserId::from("usr_admin"));
    let body =
        r#"{"name":"Talks","entry":"a","nodes":[{"id":"a","kind":"hangup","prompt":{"text":"Welcome\n to us."}}]}"#;
    let draft = Draft { name: "Talks", body, revision: 1 };
    assert_eq!(world.store.save_draft(&org, &flow, draft, &admin, 1).await.unwrap(), Saved::Done(2));
    let clip = ClipRow {
        id: "clip_1".into(),
        org: org.clone(),
        name: "Welcome".into(),
        place: "own/org_demo/clip_1.ogg".into(),
        duration_ms: 1,
        bytes: 1,
        lufs: -19.0,
        source: ClipSource::Speech,
        words: Some("Welcome to us.".into()),
        voice: Some("en".into()),
        created_by: None,
        created_at: 1,
    };
    world.store.add_clip(&clip).await.unwrap();
    let publication = Publication { revision: Some(2), note: "", by: Some(&admin) };
    assert_eq!(world.store.publish_flow(&org, &flow, publication, 2).await.unwrap(), Saved::Done(2));
    let leg = world.calls("w1").await;
    world.mediad.heard(&leg, "own/org_demo/clip_1.ogg").await;
    world.mediad.play_ended(&leg, "own/org_demo/clip_1.ogg");
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Completed, "flow_ended"));
}
