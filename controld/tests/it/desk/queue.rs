//! A caller who waits: music, rings, the claim, and nobody coming.

use std::time::{Duration, Instant};

use controld::desk::Rules;
use controld::model::softphone::{AgentCallState, Ask};
use controld::model::{CallStatus, Presence};

use super::world::{World, short_rules, terminate};

#[tokio::test]
async fn the_music_is_the_first_thing_after_the_digit() {
    let world = World::open().await;
    world.waits("w1").await;
    let all = world.log.all();
    let menu = all.iter().position(|line| line == "play demo/menu.ogg").unwrap();
    assert_eq!(all[menu + 1], "music hold-music.ogg");
    let row = world.row_when("w1", "queued", |row| row.status == CallStatus::Queued).await;
    assert_eq!(row.team.unwrap().as_str(), "team_sales");
}

#[tokio::test]
async fn every_free_agent_is_rung_and_the_first_claim_wins() {
    let world = World::open().await;
    let (mut ana, mut ben) = (world.agent("usr_ana").await, world.agent("usr_ben").await);
    world.waits("w1").await;
    let call = ana.rung().await;
    assert_eq!(ben.rung().await, call);
    let card = ana.until("a ring", |phone| !phone.ringing.is_empty()).await.ringing[0].clone();
    assert_eq!((card.caller.name.as_str(), card.team.as_str()), ("Maria", "Sales"));
    assert!(card.so_far.iter().any(|line| line.contains("Sales")), "{:?}", card.so_far);

    ben.ask(Ask::Answer { call: call.clone() }).await.unwrap();
    let since = Instant::now();
    ana.noticed("Ben took the call").await;
    assert!(since.elapsed() < Duration::from_millis(300));
    ana.until("no ring", |phone| phone.ringing.is_empty() && phone.call.is_none()).await;
    ben.until("a call", |phone| phone.call.as_ref().is_some_and(|c| c.state == AgentCallState::Connected)).await;
    let refused = ana.ask(Ask::Answer { call }).await.unwrap_err();
    assert_eq!(refused, "Ben was quicker");
    world.log.assert_order(&["music hold-music.ogg", "open_gate agent", "bridge", "record"]);
}

#[tokio::test]
async fn two_agents_who_answer_in_the_same_instant_get_one_caller_between_them() {
    let world = World::open().await;
    let (mut ana, mut ben) = (world.agent("usr_ana").await, world.agent("usr_ben").await);
    for round in 0..10 {
        let wacid = format!("w{round}");
        let before = world.log.count("bridge");
        world.calls(&wacid).await;
        let name = world.row(&wacid).await.leg.unwrap();
        let leg = protocol::LegId::new(name).unwrap();
        world.mediad.heard(&leg, "demo/welcome.ogg").await;
        world.mediad.digit(&leg, '1');
        let (call, _) = (ana.rung().await, ben.rung().await);
        let (a, b) =
            tokio::join!(ana.ask(Ask::Answer { call: call.clone() }), ben.ask(Ask::Answer { call: call.clone() }));
        assert!(a.is_ok() != b.is_ok(), "round {round}: {a:?} {b:?}");
        let winner = if a.is_ok() { &mut ana } else { &mut ben };
        winner.ask(Ask::HangUp).await.unwrap();
        world.ended(&wacid).await;
        ana.until("is free", |phone| phone.call.is_none() && phone.ringing.is_empty()).await;
        ben.until("is free", |phone| phone.call.is_none() && phone.ringing.is_empty()).await;
        assert_eq!(world.log.count("bridge"), before + 1);
    }
}

#[tokio::test]
async fn declining_silences_only_who_declines() {
    let world = World::open().await;
    let (mut ana, mut ben) = (world.agent("usr_ana").await, world.agent("usr_ben").await);
    world.waits("w1").await;
    let call = ana.rung().await;
    ben.rung().await;
    ana.ask(Ask::Decline { call: call.clone() }).await.unwrap();
    ana.until("no ring", |phone| phone.ringing.is_empty()).await;
    assert_eq!(ben.rung().await, call);
    // A change on the floor makes the desk look again; who declined is not rung again.
    ben.ask(Ask::Presence { presence: Presence::Away, reason: Some("lunch".into()) }).await.unwrap();
    ben.until("no ring", |phone| phone.ringing.is_empty()).await;
    assert!(ana.ask(Ask::Answer { call: call.clone() }).await.is_err());
    assert!(ben.ask(Ask::Answer { call }).await.is_err());
}

#[tokio::test]
async fn an_agent_who_comes_later_is_rung_too() {
    let world = World::open().await;
    world.waits("w1").await;
    world.row_when("w1", "queued", |row| row.status == CallStatus::Queued).await;
    let mut ana = world.agent("usr_ana").await;
    ana.rung().await;
}

#[tokio::test]
async fn nobody_in_time_is_said_and_logged_as_missed() {
    let world = World::with(Rules { transfer_timeout_ms: 300, ..short_rules() }).await;
    let mut ana = world.agent("usr_ana").await;
    let leg = world.waits("w1").await;
    let call = ana.rung().await;
    world.mediad.heard(&leg, "demo/nobody-free.ogg").await;
    ana.until("no ring", |phone| phone.ringing.is_empty()).await;
    assert!(ana.ask(Ask::Answer { call }).await.is_err());
    assert!(world.row("w1").await.ended.is_none(), "the sentence is heard to its end");
    world.mediad.play_ended(&leg, "demo/nobody-free.ogg");
    let row = world.ended("w1").await;
    assert_eq!((row.status, row.ended.unwrap().reason.as_str()), (CallStatus::Missed, "no_answer"));
    assert!(row.wait_ms >= 300, "{}", row.wait_ms);
    super::world::until("terminate", || (world.log.count("ask terminate") == 1).then_some(())).await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_while_waiting_stops_every_ring_and_is_abandoned() {
    let world = World::open().await;
    let (mut ana, mut ben) = (world.agent("usr_ana").await, world.agent("usr_ben").await);
    world.waits("w1").await;
    ana.rung().await;
    ben.rung().await;
    let since = Instant::now();
    world.webhook(&terminate("w1", "COMPLETED")).await;
    ana.until("no ring", |phone| phone.ringing.is_empty()).await;
    ben.until("no ring", |phone| phone.ringing.is_empty()).await;
    assert!(since.elapsed() < Duration::from_millis(300), "{:?}", since.elapsed());
    let row = world.ended("w1").await;
    assert_eq!(row.status, CallStatus::Abandoned);
    assert!(world.store.hunt(&row.id).await.unwrap().is_none());
    assert_eq!(world.log.count("ask terminate"), 0);
}
