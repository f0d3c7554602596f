//! Bridges: hold, resume, the agent's silence, and who ends whom.

use std::time::Duration;

use protocol::{BridgeId, ClipName, Command, Event, Filler, LegEnd};

use super::{Got, World, numbered_clip};

fn talking(seed: u64) -> (World, usize, usize, BridgeId) {
    let mut world = World::seeded(seed);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    world.peers[caller].speak_from(world.start + Duration::from_millis(3));
    world.peers[agent].speak_from(world.start + Duration::from_millis(11));
    let bridge = BridgeId::new("b").unwrap();
    let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
    let music = ClipName::new("music.ogg").unwrap();
    world.ok(Command::Bridge { bridge: bridge.clone(), caller: from, agent: to, music });
    world.run_to(2_000);
    (world, caller, agent, bridge)
}

fn at_of(world: &World, wanted: impl Fn(&Event) -> bool) -> Option<u64> {
    world.events.iter().find(|(_, event)| wanted(event)).map(|(at, _)| *at)
}

#[test]
fn hold_is_silence_on_the_next_frame_then_music_and_resume_is_the_voice_on_its_next_packet() {
    for seed in 0..20 {
        let (mut world, caller, agent, bridge) = talking(seed);
        world.run_for(seed);
        let held = world.now;
        world.ok(Command::Hold { bridge: bridge.clone() });
        world.run_for(1_000);
        let first = world.peers[caller].heard.iter().find(|got| got.clip_frame(7).is_some()).unwrap();
        assert!(first.at - held <= Duration::from_millis(50), "music after {:?}", first.at - held);
        let resumed = world.now;
        world.ok(Command::Resume { bridge });
        world.run_for(1_000);
        let back = world.peers[caller].heard.iter().find(|got| got.at > resumed && got.number().is_some()).unwrap();
        assert!(back.at - resumed <= Duration::from_millis(40), "voice after {:?}", back.at - resumed);
        for at in [caller, agent] {
            let heard = &world.peers[at].heard;
            let gap = heard.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
            assert!(gap <= Duration::from_millis(30), "seed {seed}: a gap of {gap:?}");
            assert!(heard.windows(2).all(|pair| pair[1].index == pair[0].index + 1), "seed {seed}");
            assert_eq!(world.peers[at].refused, 0);
        }
        let on_hold = world.peers[agent].heard.iter().filter(|got| got.at > held + Duration::from_millis(30));
        let voice = on_hold.take_while(|got| got.at < resumed).filter(|got| got.number().is_some()).count();
        assert_eq!(voice, 0, "the agent hears nothing of a caller on hold");
    }
}

#[test]
fn an_agent_whose_packets_come_later_than_before_the_hold_is_heard_at_once_all_the_same() {
    for later_ms in [1, 5, 10, 19, 20, 21, 45, 70, 130, 190, 210, 400] {
        let (mut world, caller, agent, bridge) = talking(7);
        world.ok(Command::Hold { bridge: bridge.clone() });
        // A slow clock over a long hold, or a longer way.
        world.peers[agent].up.delay_ms += later_ms;
        world.run_for(3_000);
        let resumed = world.now;
        world.ok(Command::Resume { bridge });
        world.run_for(2_000);
        let heard: Vec<&Got> = world.peers[caller].heard.iter().filter(|got| got.at > resumed).collect();
        let back = heard.iter().find(|got| got.number().is_some()).unwrap();
        assert!(back.at - resumed <= Duration::from_millis(120), "{later_ms} ms later: {:?}", back.at - resumed);
        let voices = heard.iter().filter(|got| got.number().is_some()).count();
        assert!(voices >= 90, "{later_ms} ms later: {voices} of 100 packets");
        let gap = heard.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
        assert!(gap <= Duration::from_millis(110), "{later_ms} ms later: a gap of {gap:?}");
        assert_eq!(world.peers[caller].refused, 0);
    }
}

#[test]
fn five_seconds_without_the_agent_bring_music_and_one_packet_brings_the_agent_back() {
    let (mut world, caller, agent, _) = talking(1);
    let voice = world.peers[agent].voice.take();
    world.run_for(10_000);
    let silent = at_of(&world, |event| matches!(event, Event::AgentSilent { .. })).unwrap();
    assert!((6_950..=7_050).contains(&silent), "{silent}");
    let music = world.peers[caller].heard.iter().find(|got| got.clip_frame(7).is_some()).unwrap();
    assert!((music.at - world.start).as_millis() as u64 <= silent + 60);
    let mut voice = voice.unwrap();
    voice.next = world.now;
    world.peers[agent].voice = Some(voice);
    let back_at = world.millis();
    world.run_for(1_000);
    let back = at_of(&world, |event| matches!(event, Event::AgentBack { .. })).unwrap();
    assert!(back - back_at <= 20, "{back} {back_at}");
    let last = world.peers[caller].heard.last().unwrap();
    assert!(last.number().is_some());
    assert_eq!(world.peers[caller].refused, 0);
}

#[test]
fn an_agent_on_hold_is_not_called_silent_and_music_goes_on_where_it_stopped() {
    let (mut world, caller, agent, bridge) = talking(2);
    world.ok(Command::Hold { bridge: bridge.clone() });
    world.peers[agent].voice = None;
    world.run_for(8_000);
    assert_eq!(at_of(&world, |event| matches!(event, Event::AgentSilent { .. })), None);
    let first: Vec<u32> = world.peers[caller].heard.iter().filter_map(|got| got.clip_frame(7)).collect();
    let music = ClipName::new("music.ogg").unwrap();
    world.ok(Command::Unbridge { bridge, caller_hears: Filler::Music(music) });
    world.run_for(500);
    let all: Vec<u32> = world.peers[caller].heard.iter().filter_map(|got| got.clip_frame(7)).collect();
    assert!(all.len() > first.len() + 20);
    assert!(all.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 500), "music never starts over");
}

#[test]
fn a_leg_that_ends_takes_its_bridge_along_and_leaves_the_other_on_its_filler() {
    let (mut world, caller, agent, _) = talking(3);
    let leg = world.peers[agent].leg.clone();
    world.ok(Command::CloseLeg { leg: leg.clone() });
    world.ok(Command::CloseLeg { leg });
    world.run_for(1_000);
    assert!(at_of(&world, |event| matches!(event, Event::BridgeEnded { .. })).is_some());
    let last = world.peers[caller].heard.last().unwrap();
    assert!(last.clip_frame(7).is_some(), "the caller is not left in silence");
    let gap = world.peers[caller].heard.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(gap <= Duration::from_millis(30), "{gap:?}");
}

#[test]
fn a_leg_ends_by_itself_when_its_life_is_over_after_an_hour_of_packets_none_sealed_twice() {
    let mut world = World::seeded(4);
    world.life_secs = 3_600;
    let (caller, agent) = world.caller_and_agent();
    world.run_to(3_601_000);
    let ends = world.events.iter().filter(|(_, event)| matches!(event, Event::LegEnded { why: LegEnd::LifeOver, .. }));
    assert_eq!(ends.count(), 2);
    for at in [caller, agent] {
        let heard: &Vec<Got> = &world.peers[at].heard;
        assert_eq!(world.peers[at].refused, 0);
        assert!((179_990..=180_010).contains(&heard.len()), "{}", heard.len());
        assert!(heard.last().unwrap().index > 2 * 65_536, "the sequence number has wrapped");
    }
}
