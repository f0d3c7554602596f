//! Design D6 and D16: no RTP and no report before `OpenGate`, never silence after it, and nothing at all to strangers.

use std::time::Duration;

use protocol::{ClipName, Command, Filler, Peer};

use super::{World, numbered_clip};
use crate::base::outbox::Path;

#[test]
fn a_shut_gate_lets_nothing_out_and_an_open_one_is_never_silent() {
    let mut world = World::seeded(1);
    world.clip("prompt.ogg", numbered_clip(1, 50));
    let caller = world.peer("caller", Peer::Meta);
    world.peers[caller].speak_from(world.start);
    let leg = world.peers[caller].leg.clone();
    let clip = ClipName::new("prompt.ogg").unwrap();
    world.ok(Command::Play { leg: leg.clone(), clip, stop_on_digit: false, then: Filler::Comfort });
    world.run_to(20_000);
    assert_eq!((world.peers[caller].heard.len(), world.peers[caller].reports), (0, 0));
    let opened = world.now;
    world.ok(Command::OpenGate { leg });
    world.run_to(40_000);
    let heard = &world.peers[caller].heard;
    assert!(heard[0].at - opened <= Duration::from_millis(30), "first packet after {:?}", heard[0].at - opened);
    assert_eq!(heard[0].clip_frame(1), Some(0), "the prompt begins when it can be heard");
    assert!(heard[0].header.marker);
    assert!(heard.windows(2).all(|pair| pair[1].at - pair[0].at <= Duration::from_millis(21)));
    assert!(world.peers[caller].reports >= 3, "{} reports in 20 s", world.peers[caller].reports);
}

#[test]
fn strangers_get_no_byte_and_are_counted() {
    let mut world = World::seeded(2);
    let (caller, _) = world.caller_and_agent();
    world.run_to(1_000);
    let local = world.peers[caller].way.local;
    let stranger = Path { local, remote: "203.0.113.66:5555".parse().unwrap() };
    let before = world.engine.figures().totals.datagrams_out;
    for first in 0..=255u8 {
        for len in [1, 2, 4, 8, 12, 13, 20, 28, 64, 172, 1500] {
            let mut bytes = vec![0xa5; len];
            bytes[0] = first;
            world.inject(stranger, &bytes);
            world.inject(world.peers[caller].way, &bytes);
        }
    }
    assert_eq!(world.engine.figures().totals.datagrams_out, before);
    let drops = world.engine.drops().named();
    for reason in ["unknown_kind", "unknown_source", "stun_stranger", "auth_failed", "bad_header"] {
        assert!(drops.get(reason).is_some_and(|count| *count > 0), "{reason}: {drops:?}");
    }
    let heard = world.peers[caller].heard.len();
    world.run_for(1_000);
    assert!(world.peers[caller].heard.len() >= heard + 49, "the leg is well");
}

#[test]
fn one_peer_cannot_have_more_than_its_share_of_work() {
    let mut world = World::seeded(3);
    let (caller, _) = world.caller_and_agent();
    world.peers[caller].speak_from(world.start);
    world.run_to(500);
    let now = world.now;
    for n in 0..5_000u64 {
        if let Some(voice) = world.peers[caller].voice.as_mut() {
            voice.next = now;
        }
        for bytes in world.peers[caller].speak(now) {
            let way = world.peers[caller].way;
            world.inject(way, &bytes);
        }
        assert!(n < 5_000);
    }
    assert!(world.engine.drops().of(crate::base::count::DropReason::Flood) > 4_500);
}
