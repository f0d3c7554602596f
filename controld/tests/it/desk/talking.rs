//! Caller and agent: hold, hang-up from either side, and the sums of the row.

use std::time::{Duration, Instant};

use controld::desk::Rules;
use controld::model::softphone::{AgentCallState, Ask};
use controld::model::{CallStatus, EndedBy, UserId};
use protocol::LegEnd;

use super::world::{Tab, World, short_rules, terminate, until};

#[tokio::test]
async fn a_soft_tone_tells_both_that_the_longest_call_is_nearly_over() {
    let world = World::with(Rules { max_call_ms: 60_000, warning_ms: 57_000, ..short_rules() }).await;
    let _talk = talk(&world).await;
    until("a tone for both", || (world.log.count("beep warning.ogg") == 2).then_some(())).await;
}

async fn talk(world: &World) -> (Tab, protocol::LegId) {
    let mut ana = world.agent("usr_ana").await;
    let leg = world.waits("w1").await;
    let call = ana.rung().await;
    ana.ask(Ask::Answer { call }).await.unwrap();
    ana.until("a call", |phone| phone.call.as_ref().is_some_and(|c| c.state == AgentCallState::Connected)).await;
    world.row_when("w1", "connected", |row| row.status == CallStatus::Connected).await;
    (ana, leg)
}

#[tokio::test]
async fn a_whole_call_leaves_one_row_whose_sums_add_up() {
    let world = World::open().await;
    let (mut ana, _) = talk(&world).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    ana.ask(Ask::Hold).await.unwrap();
    let phone = ana.until("on hold", |p| p.call.as_ref().is_some_and(|c| c.state == AgentCallState::OnHold)).await;
    assert!(phone.call.unwrap().held_since.is_some());
    assert_eq!(world.row("w1").await.status, CallStatus::OnHold);
    ana.ask(Ask::Hold).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    ana.ask(Ask::Resume).await.unwrap();
    ana.ask(Ask::HangUp).await.unwrap();
    ana.until("no call", |phone| phone.call.is_none()).await;
    let row = world.ended("w1").await;
    let ended = row.ended.clone().unwrap();
    assert_eq!((row.status, ended.by, ended.reason.as_str()), (CallStatus::Completed, EndedBy::Agent, "agent_hung_up"));
    assert_eq!(row.agent, Some(UserId::from("usr_ana")));
    assert!(row.hold_ms >= 60 && row.talk_ms >= 60, "{row:?}");
    let whole = ended.at - row.queued_at.unwrap();
    let sums = row.wait_ms + row.talk_ms + row.hold_ms;
    assert!((whole - sums).abs() <= 5, "wait, talk and hold are {sums} ms of {whole} ms: {row:?}");
    assert_eq!((world.log.count("hold"), world.log.count("resume"), world.log.count("record")), (1, 1, 1));
    until("terminate", || (world.log.count("ask terminate") == 1).then_some(())).await;
    let kinds = world.kinds(&row.id).await;
    for kind in ["connect", "accepted", "node", "digit", "queued", "rung", "connected", "held", "resumed", "ended"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind} is missing in {kinds:?}");
    }
    let recording = world.store.recording_of(&row.org, &row.id).await.unwrap();
    assert!(recording.is_some());
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_gone_from_the_agents_screen_within_300_ms() {
    let world = World::open().await;
    let (mut ana, _) = talk(&world).await;
    let since = Instant::now();
    world.webhook(&terminate("w1", "COMPLETED")).await;
    ana.until("no call", |phone| phone.call.is_none()).await;
    assert!(since.elapsed() < Duration::from_millis(300), "{:?}", since.elapsed());
    ana.noticed("The caller hung up").await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().by), (CallStatus::Completed, EndedBy::Caller));
    until("one leg", || (world.mediad.legs() == 1).then_some(())).await;
    let recording = world.store.recording_of(&row.org, &row.id).await.unwrap().unwrap();
    assert_eq!(row.recording, Some(recording.id));
}

#[tokio::test]
async fn media_that_the_peer_closes_ends_the_call_before_the_webhook_comes() {
    let world = World::open().await;
    let (mut ana, leg) = talk(&world).await;
    world.mediad.leg_ends(&leg, LegEnd::PeerClosed);
    ana.until("no call", |phone| phone.call.is_none()).await;
    world.webhook(&terminate("w1", "COMPLETED")).await;
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().by), (CallStatus::Completed, EndedBy::Caller));
}

#[tokio::test]
async fn only_the_agent_who_has_the_call_can_hold_or_end_it() {
    let world = World::open().await;
    let (_ana, _) = talk(&world).await;
    let mut ben = world.agent("usr_ben").await;
    assert_eq!(ben.ask(Ask::HangUp).await.unwrap_err(), "you are not on a call");
    assert!(ben.ask(Ask::Hold).await.is_err());
    assert!(world.row("w1").await.ended.is_none());
}

#[tokio::test]
async fn keys_of_the_agent_are_sent_and_nonsense_is_refused() {
    let world = World::open().await;
    let (mut ana, _) = talk(&world).await;
    ana.ask(Ask::Digits { digits: "12#".into() }).await.unwrap();
    assert!(world.log.all().iter().any(|line| line.starts_with("SendDigits")));
    assert!(ana.ask(Ask::Digits { digits: "x".into() }).await.is_err());
    assert!(ana.ask(Ask::Digits { digits: String::new() }).await.is_err());
}

#[tokio::test]
async fn a_supervisor_ends_a_call_and_only_of_the_own_organisation() {
    let world = World::open().await;
    let (mut ana, _) = talk(&world).await;
    let row = world.row("w1").await;
    let other = controld::model::OrgId::from("org_other");
    assert!(world.desk().end_call(&other, &row.id, UserId::from("usr_olga")).await.is_err());
    world.desk().end_call(&row.org, &row.id, UserId::from("usr_sam")).await.unwrap();
    ana.until("no call", |phone| phone.call.is_none()).await;
    let row = world.ended("w1").await;
    assert_eq!(row.ended.unwrap().reason, "ended_by_force");
}
