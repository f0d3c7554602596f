//! The agent's end: standing leg, tabs that come and go, an agent whose sound stops.

use controld::desk::Rules;
use controld::model::softphone::{AgentCallState, Ask};
use controld::model::{CallStatus, Presence, UserId};
use protocol::{Event, LegEnd};

use super::world::{Tab, World, short_rules};

async fn talk(world: &World) -> (Tab, protocol::LegId) {
    let mut ana = world.agent("usr_ana").await;
    let leg = world.waits("w1").await;
    let call = ana.rung().await;
    ana.ask(Ask::Answer { call }).await.unwrap();
    state(&mut ana, AgentCallState::Connected).await;
    (ana, leg)
}

async fn state(tab: &mut Tab, state: AgentCallState) {
    tab.until("a state", |phone| phone.call.as_ref().is_some_and(|c| c.state == state)).await;
}

#[tokio::test]
async fn the_newest_tab_has_the_sound_and_the_older_is_told() {
    let world = World::open().await;
    let mut first = world.agent("usr_ana").await;
    let mut second = world.tab("usr_ana").await;
    second.attach().await;
    first.until_detached().await;
    assert!(!second.detached);
    assert_eq!((world.log.count("open_leg Browser"), world.log.count("restart_leg")), (1, 1));
    second.until("is reachable", |phone| phone.reachable).await;
}

#[tokio::test]
async fn a_reload_during_a_call_keeps_the_leg_and_the_call() {
    let world = World::open().await;
    let (ana, _) = talk(&world).await;
    drop(ana);
    let mut again = world.agent("usr_ana").await;
    state(&mut again, AgentCallState::Connected).await;
    assert_eq!((world.log.count("restart_leg"), world.log.count("unbridge")), (1, 0));
}

#[tokio::test]
async fn an_agent_whose_sound_stops_is_reconnecting_and_comes_back() {
    let world = World::open().await;
    let (mut ana, _) = talk(&world).await;
    let bridge = world.mediad.bridge().await;
    world.mediad.tell(Event::AgentSilent { bridge: bridge.clone() });
    state(&mut ana, AgentCallState::Reconnecting).await;
    world.mediad.tell(Event::AgentBack { bridge });
    state(&mut ana, AgentCallState::Connected).await;
}

#[tokio::test]
async fn an_agent_who_does_not_come_back_gives_the_caller_to_the_next_first_in_line() {
    let world = World::with(Rules { agent_lost_ms: 150, ..short_rules() }).await;
    let (mut ana, _) = talk(&world).await;
    let before = world.row("w1").await;
    let leg = world.mediad.leg_of("usr_ana").unwrap();
    world.mediad.leg_ends(&leg, LegEnd::ConsentLost);
    state(&mut ana, AgentCallState::Reconnecting).await;
    ana.noticed("went back to the queue").await;
    ana.until("no call", |phone| phone.call.is_none() && !phone.reachable).await;
    let mut ben = world.agent("usr_ben").await;
    let call = ben.rung().await;
    let hunt = world.store.hunt(&call).await.unwrap().unwrap();
    assert_eq!(hunt.since, before.queued_at.unwrap(), "the time already waited counts");
    ben.ask(Ask::Answer { call }).await.unwrap();
    state(&mut ben, AgentCallState::Connected).await;
    let row = world.row_when("w1", "Ben's", |row| row.agent == Some(UserId::from("usr_ben"))).await;
    assert_eq!(row.status, CallStatus::Connected);
    assert_eq!(world.log.count("record"), 1, "one recording goes through");
}

#[tokio::test]
async fn an_agent_whose_leg_ended_is_joined_again_over_a_new_one() {
    let world = World::open().await;
    let (mut ana, caller) = talk(&world).await;
    ana.ask(Ask::Hold).await.unwrap();
    let leg = world.mediad.leg_of("usr_ana").unwrap();
    world.mediad.leg_ends(&leg, LegEnd::IceFailed);
    state(&mut ana, AgentCallState::Reconnecting).await;
    world.mediad.heard(&caller, "hold-music.ogg").await;
    ana.attach().await;
    state(&mut ana, AgentCallState::OnHold).await;
    assert_eq!((world.log.count("bridge"), world.log.count("hold")), (2, 2));
}

#[tokio::test]
async fn an_agent_without_a_tab_goes_offline_and_one_on_a_call_does_not() {
    let world = World::with(Rules { tab_gone_ms: 100, ..short_rules() }).await;
    let ben = world.agent("usr_ben").await;
    drop(ben);
    for _ in 0..2_000 {
        let duty = world.store.on_duty(&UserId::from("usr_ben")).await.unwrap().unwrap();
        if duty.presence == Presence::Offline {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let duty = world.store.on_duty(&UserId::from("usr_ben")).await.unwrap().unwrap();
    assert_eq!(duty.presence, Presence::Offline);
    let (ana, _) = talk(&world).await;
    drop(ana);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(world.row("w1").await.ended.is_none(), "the media is fine, so the call stays up");
    let mut back = world.tab("usr_ana").await;
    state(&mut back, AgentCallState::Connected).await;
}

#[tokio::test]
async fn the_ninth_tab_sends_the_oldest_away_but_not_the_one_with_the_sound() {
    let world = World::open().await;
    let ana = world.agent("usr_ana").await;
    let mut tabs = Vec::new();
    for _ in 0..7 {
        tabs.push(world.tab("usr_ana").await);
    }
    assert!(!tabs[0].is_closed().await);
    let _ninth = world.tab("usr_ana").await;
    assert!(tabs[0].is_closed().await && tabs[0].is_crowded_out());
    assert!(!tabs[1].is_closed().await && !tabs[1].is_crowded_out());
    drop(ana);
}

#[tokio::test]
async fn whoever_is_put_out_loses_the_sound_of_the_running_call_at_once() {
    let world = World::open().await;
    let (mut ana, _) = talk(&world).await;
    let display = world.tab("usr_ana").await;
    display.put_out();
    ana.ask(Ask::Hold).await.unwrap();
    assert_eq!(world.log.count("close_leg agent"), 0, "a tab without the sound takes it from nobody");
    ana.put_out();
    state(&mut ana, AgentCallState::Reconnecting).await;
    assert_eq!(world.log.count("close_leg agent"), 1);
    assert!(world.row("w1").await.ended.is_none(), "the caller is kept");
}

#[tokio::test]
async fn an_agent_who_is_locked_out_without_a_tab_loses_the_sound_too() {
    let world = World::open().await;
    let (ana, _) = talk(&world).await;
    drop(ana);
    world.store.set_disabled(&UserId::from("usr_ana"), true).await.unwrap();
    super::world::until("the leg is closed", || (world.log.count("close_leg agent") >= 1).then_some(())).await;
}
