//! The watchdog in a whole engine: which hop is broken, told once, within 5 s; and how a voice sounds, every 5 s.

use std::sync::Arc;

use audio::toc::CELT_SILENCE;
use protocol::{BridgeId, CallId, ClipName, Command, Event, Hop, LegId, Peer};

use super::sound::tone;
use super::{Link, World, numbered_clip, offer};

fn hops(world: &World, leg: &LegId) -> Vec<(u64, Event)> {
    let of_leg = |event: &Event| match event {
        Event::HopBroken { leg: of, .. } | Event::HopMended { leg: of, .. } => of == leg,
        _ => false,
    };
    world.events.iter().filter(|(_, event)| of_leg(event)).cloned().collect()
}

/// The one hop event since `from_ms`.
fn only(world: &World, leg: &LegId, from_ms: u64) -> (u64, Event) {
    let mut found = hops(world, leg);
    found.retain(|(at, _)| *at >= from_ms);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_caller_who_is_not_heard_is_told_as_which_hop_and_as_mended_when_he_is() {
    let mut world = World::seeded(1);
    let (caller, _) = world.caller_and_agent();
    let leg = world.peers[caller].leg.clone();
    let broken = |hop| Event::HopBroken { leg: leg.clone(), hop };
    let mended = |hop| Event::HopMended { leg: leg.clone(), hop };

    world.run_to(10_000);
    let (at, event) = only(&world, &leg, 0);
    assert_eq!(event, broken(Hop::DtlsButNoRtp));
    assert!(at <= 5_000, "{at}");

    world.peers[caller].speak_frames(world.now, tone(500.0));
    world.run_to(20_000);
    let (at, event) = only(&world, &leg, 10_000);
    assert_eq!(event, mended(Hop::DtlsButNoRtp));
    assert!(at <= 12_000, "{at}");

    world.peers[caller].speak_frames(world.now, Arc::new(vec![CELT_SILENCE.to_vec()]));
    world.run_to(30_000);
    let (at, event) = only(&world, &leg, 20_000);
    assert_eq!(event, broken(Hop::RtpButSilent));
    assert!((23_000..=27_000).contains(&at), "{at}");

    world.peers[caller].speak_frames(world.now, tone(500.0));
    world.run_to(40_000);
    assert_eq!(only(&world, &leg, 30_000).1, mended(Hop::RtpButSilent));

    world.peers[caller].voice = None;
    let way = world.peers[caller].way;
    for n in 0..500u16 {
        let packet = [&[0x80, 111][..], &n.to_be_bytes(), &[0, 0, 0, n as u8, 1, 2, 3, 4], &[7; 60]].concat();
        world.inject(way, &packet);
        world.run_for(20);
    }
    let (at, event) = only(&world, &leg, 40_000);
    assert_eq!(event, broken(Hop::RtpButNotDecryptable));
    assert!(at <= 46_000, "{at}");
}

#[test]
fn a_peer_that_answers_no_check_is_told_long_before_it_is_given_up() {
    let mut world = World::seeded(2);
    let leg = LegId::new("unreached").unwrap();
    let (call, offer) = (CallId::new("call").unwrap(), offer("198.51.100.9:40000".parse().unwrap()));
    world.ok(Command::OpenLeg {
        leg: leg.clone(),
        call,
        peer: Peer::Meta,
        offer,
        life_secs: 60,
        reach: protocol::Reach::default(),
    });
    world.run_to(10_000);
    let (at, event) = only(&world, &leg, 0);
    assert_eq!(event, Event::HopBroken { leg, hop: Hop::NoStunAnswer });
    assert!(at <= 5_000, "{at}");
}

#[test]
fn an_agent_without_a_microphone_is_missed_only_while_someone_is_to_hear_him() {
    let mut world = World::seeded(3);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    world.peers[caller].speak_frames(world.now, tone(500.0));
    let leg = world.peers[agent].leg.clone();
    world.run_to(20_000);
    assert_eq!(hops(&world, &leg), [], "a standing leg is left alone");
    let (from, music) = (world.peers[caller].leg.clone(), ClipName::new("music.ogg").unwrap());
    world.ok(Command::Bridge { bridge: BridgeId::new("b").unwrap(), caller: from, agent: leg.clone(), music });
    world.run_to(30_000);
    let (at, event) = only(&world, &leg, 20_000);
    assert_eq!(event, Event::HopBroken { leg: leg.clone(), hop: Hop::DtlsButNoRtp });
    assert!(at <= 25_000, "{at}");
    assert_eq!(hops(&world, &world.peers[caller].leg.clone()), []);
}

#[test]
fn every_five_seconds_loss_is_worth_its_points_in_the_score() {
    let scores = |loss: f64| {
        let mut world = World::seeded(4);
        let (caller, _) = world.caller_and_agent();
        world.peers[caller].up = Link { loss, ..Link::clean() };
        world.peers[caller].speak_frames(world.now, tone(500.0));
        world.run_to(60_500);
        let leg = world.peers[caller].leg.clone();
        let of_caller = world.events.iter().filter_map(|(at, event)| match event {
            Event::Quality { leg: of, mos, .. } if *of == leg => Some((*at, mos.unwrap())),
            _ => None,
        });
        of_caller.collect::<Vec<_>>()
    };
    let (clean, lossy) = (scores(0.0), scores(0.1));
    for found in [&clean, &lossy] {
        assert_eq!(found.len(), 12);
        assert!(found.windows(2).all(|two| two[1].0 - two[0].0 == 5_000));
    }
    assert!(clean.iter().all(|(_, mos)| (4.3..=4.5).contains(mos)), "{clean:?}");
    let mean = lossy.iter().map(|(_, mos)| mos).sum::<f32>() / lossy.len() as f32;
    assert!((2.6..3.8).contains(&mean), "{mean}");
}
