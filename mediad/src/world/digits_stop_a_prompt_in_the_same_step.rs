//! Prompts, music and the caller's keys, without asking anyone.

use std::time::Duration;

use protocol::{ClipName, Command, Event, Filler, PlayEnd};

use super::{World, numbered_clip};

#[test]
fn a_key_ends_the_prompt_within_60_ms_and_music_follows_one_frame_of_silence() {
    for seed in 0..20 {
        let mut world = World::seeded(seed);
        world.clip("prompt.ogg", numbered_clip(1, 500));
        world.clip("music.ogg", numbered_clip(2, 100));
        let (caller, _) = world.caller_and_agent();
        world.peers[caller].speak_from(world.start + Duration::from_millis(seed));
        world.peers[caller].keys.push_back((world.start + Duration::from_millis(1_500), 1));
        let (clip, then) = (ClipName::new("prompt.ogg").unwrap(), Filler::Music(ClipName::new("music.ogg").unwrap()));
        let leg = world.peers[caller].leg.clone();
        world.ok(Command::Play { leg, clip, stop_on_digit: true, then });
        world.run_to(3_000);
        let (digit_at, _) = world.events.iter().find(|(_, event)| matches!(event, Event::Digit { .. })).unwrap();
        let over = world
            .events
            .iter()
            .any(|(at, event)| at == digit_at && matches!(event, Event::PlayEnded { why: PlayEnd::Digit, .. }));
        assert!(over, "seed {seed}");
        let heard = &world.peers[caller].heard;
        let last = heard.iter().rev().find(|got| got.clip_frame(1).is_some()).unwrap();
        let first = heard.iter().find(|got| got.clip_frame(2).is_some()).unwrap();
        let digit_at = world.start + Duration::from_millis(*digit_at);
        assert!(last.at <= digit_at + Duration::from_millis(30), "seed {seed}");
        assert_eq!(first.at - last.at, Duration::from_millis(40), "seed {seed}: one slot between");
        assert_eq!(first.clip_frame(2), Some(0));
        assert_eq!(first.index, last.index + 2);
        assert_eq!(first.header.timestamp.wrapping_sub(last.header.timestamp), 2 * 960);
    }
}

#[test]
fn sent_keys_are_heard_at_the_far_end_and_do_not_disturb_the_numbers() {
    let mut world = World::seeded(9);
    let (caller, _) = world.caller_and_agent();
    world.run_to(1_000);
    let digits = "12#".chars().map(|key| protocol::Digit::try_from(key).unwrap()).collect();
    let leg = world.peers[caller].leg.clone();
    world.ok(Command::SendDigits { leg, digits, tone_ms: 100 });
    world.run_to(3_000);
    let heard = &world.peers[caller].heard;
    assert!(heard.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    let mut keypad = crate::leg::keypad::Keypad::default();
    let keys: String = heard
        .iter()
        .filter(|got| got.header.payload_type == 126)
        .filter_map(|got| keypad.take(u64::from(got.header.timestamp), 8_000, &got.payload))
        .map(protocol::Digit::as_char)
        .collect();
    assert_eq!(keys, "12#");
    let voice: Vec<_> = heard.iter().filter(|got| got.header.payload_type == 111).collect();
    let gap = voice.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(gap <= Duration::from_millis(200), "{gap:?}");
    for pair in voice.windows(2) {
        let ms = u128::from(pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp) / 48);
        let wall = (pair[1].at - pair[0].at).as_millis();
        assert!(ms.abs_diff(wall) <= 20, "{ms} ms of timestamps over {wall} ms");
    }
}

#[test]
fn keys_pressed_as_sound_are_heard_once_asked_for_and_not_before() {
    let mut sound = audio::pcm::Pcm::silence(600);
    for (hz, dbfs) in [(852.0, -16.0), (1_336.0, -16.0)] {
        sound.add(&audio::pcm::Pcm::tone(hz, dbfs, 120).samples, 48 * 240);
    }
    let frames = audio::opus::encode_all(audio::opus::Preset::Live, &sound.samples).unwrap();
    let mut world = World::seeded(5);
    let (caller, _) = world.caller_and_agent();
    world.peers[caller].speak_frames(world.start, std::sync::Arc::new(frames));
    let leg = world.peers[caller].leg.clone();
    world.run_to(1_210);
    assert_eq!(world.digits(), "");
    world.ok(Command::ListenForTones { leg: leg.clone(), on: true });
    world.run_to(3_010);
    assert_eq!(world.digits(), "888");
    world.ok(Command::ListenForTones { leg, on: false });
    world.run_to(6_000);
    assert_eq!(world.digits(), "888");
}
