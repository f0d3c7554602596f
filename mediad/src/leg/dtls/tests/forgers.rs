//! Records anybody can forge: none ends a call, none is answered, none panics.

use serde_json::Value;

use super::*;

/// The DTLS entries of the collection of attacks.
fn attacks() -> Vec<(String, Vec<u8>)> {
    let all: Value = serde_json::from_str(include_str!("../../../../tests/vectors/attack_packets.json")).unwrap();
    let entries = all.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("dtls"));
    entries.map(|(name, entry)| (name.clone(), hex::decode(entry["hex"].as_str().unwrap()).unwrap())).collect()
}

/// Gives a datagram to both ends as if the other had sent it; nothing may leave for it.
fn forge(world: &mut World, bytes: &[u8]) {
    for end in &mut world.ends {
        let before = end.outgoing.len();
        let _ = end.take(world.now, bytes);
        assert!(end.outgoing.len() <= before, "a forged record was answered");
    }
}

#[test]
fn attacks_before_during_and_after_the_handshake_change_nothing() {
    let attacks = attacks();
    assert_eq!(attacks.len(), 4);
    for (name, bytes) in &attacks {
        let mut world = World::new(5, 0.0);
        while !world.ends.iter().all(Dtls::is_connected) {
            world.drain();
            forge(&mut world, bytes);
            assert!(world.step(world.now + Duration::from_secs(15)), "{name}: {:?}", world.events);
        }
        for _ in 0..1_000 {
            forge(&mut world, bytes);
        }
        world.keys();
        assert_eq!(world.ends.each_ref().map(|end| end.restarts), [0, 0], "{name}");
        let now = world.now;
        world.ends[0].close(now);
        assert!(world.run(Duration::from_secs(1), |world| world.events[1].len() == 2), "{name} broke the goodbye");
    }
}

#[test]
fn each_attack_is_dropped_by_its_reason() {
    let expected = [
        ("dtls_clienthello_null_cipher_ES2023-03", BadRecord::Hello),
        ("dtls_plaintext_close_notify_epoch0", BadRecord::Clear),
        ("dtls_plaintext_fatal_alert_epoch0", BadRecord::Clear),
        ("dtls_short_epoch1_record", BadRecord::ShortProtected),
    ];
    for (name, bytes) in attacks() {
        let reason = expected.iter().find(|(of, _)| *of == name).unwrap().1;
        for (connected, role) in
            [(false, Role::Client), (false, Role::Server), (true, Role::Client), (true, Role::Server)]
        {
            assert_eq!(record::sift(&bytes, connected, role), Err(reason), "{name}");
        }
    }
}

#[test]
fn of_a_repeated_flight_only_the_handshake_messages_pass() {
    let record = |content: u8, epoch: u8, body: &[u8]| {
        let mut out = vec![content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9, 0, body.len() as u8];
        out.extend_from_slice(body);
        out
    };
    let key_exchange = record(22, 0, &[16; 30]);
    let finished = record(22, 1, &[9; 40]);
    let flight = [key_exchange.clone(), record(20, 0, &[1]), finished.clone()].concat();
    let kept = record::sift(&flight, true, Role::Server).unwrap();
    assert_eq!(kept.as_slice(), [key_exchange, finished].concat());
    assert_eq!(record::sift(&flight, false, Role::Server).unwrap().as_slice(), flight);
    assert_eq!(record::sift(&flight[..flight.len() - 1], false, Role::Server), Err(BadRecord::Length));
    assert_eq!(record::sift(&record(23, 0, b"data"), false, Role::Server), Err(BadRecord::Clear));
    assert_eq!(record::sift(&record(23, 2, &[0; 40]), true, Role::Server), Err(BadRecord::Epoch));
    assert_eq!(record::sift(&record(24, 0, &[0; 40]), false, Role::Server), Err(BadRecord::Content));
}

#[test]
fn noise_of_every_length_and_first_byte_ends_nothing() {
    let mut world = World::new(6, 0.0);
    assert!(world.connects());
    let mut rng = StdRng::seed_from_u64(6);
    for len in 0..=1_500usize {
        let mut noise = vec![0u8; len];
        rng.fill(&mut noise[..]);
        for first in 20..=63 {
            if let Some(byte) = noise.first_mut() {
                *byte = first;
            }
            // Half of them with a header that holds, so that they come as far as they can.
            if first % 2 == 0 && len > 13 {
                let body = ((len - 13) as u16).to_be_bytes();
                noise[1..5].copy_from_slice(&[0xfe, 0xfd, 0, first / 2 % 2]);
                noise[11..13].copy_from_slice(&body);
            }
            forge(&mut world, &noise);
        }
    }
    world.keys();
    let now = world.now;
    world.ends[1].close(now);
    assert!(world.run(Duration::from_secs(1), |world| world.events[0].len() == 2));
}

/// A record with a handshake message as a forger on the path would make it: the right form, and noise inside.
fn forged_message(rng: &mut StdRng, kind: u8) -> Vec<u8> {
    let mut body: Vec<u8> = (0..rng.random_range(12..80)).map(|_| rng.random()).collect();
    let rest = (body.len() - 12) as u8;
    body[..12].copy_from_slice(&[kind, 0, 0, rest, 0, 1, 0, 0, 0, 0, 0, rest]);
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 77, 0, body.len() as u8];
    record.extend_from_slice(&body);
    record
}

/// Whether a handshake is done though up to six forged messages come in its midst.
fn survives_forging(seed: u64) -> bool {
    let mut world = World::new(seed, 0.0);
    let mut forged = 0;
    while !world.ends.iter().all(Dtls::is_connected) {
        if forged < 6 && world.rng.random_bool(0.5) {
            let record = forged_message(&mut world.rng, [2, 11, 12, 14, 16, 20][forged]);
            forged += 1;
            for end in &mut world.ends {
                let _ = end.take(world.now, &record);
            }
        }
        if !world.step(world.now + HANDSHAKE_MAX)
            || world.events.iter().flatten().any(|e| matches!(e, DtlsEvent::Failed(_)))
        {
            return false;
        }
    }
    let [client, server] = world.keys();
    client.ours == server.theirs
}

#[test]
fn a_handshake_upset_by_forged_messages_begins_anew_and_is_done() {
    // dimpl's own randomness is not ours to seed: one of thousands may still find no end in time.
    let survived = (0..40).filter(|seed| survives_forging(*seed)).count();
    assert!(survived >= 38, "{survived} of 40");
}

#[test]
fn a_flood_of_half_handshakes_keeps_memory_bounded() {
    let mut world = World::new(7, 0.0);
    let now = world.now;
    for sequence in 0..100_000u32 {
        // A fragment of a long message that never becomes whole, and protected records before their time.
        let [_, a, b, c] = sequence.to_be_bytes();
        let fragment =
            [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, a, b, c, 0, 13, 11, 0, 0x40, 0, 0, 3, 0, b, c, 0, 0, 1][..], &[7]]
                .concat();
        let early = [&[22, 0xfe, 0xfd, 0, 1, 0, 0, 0, a, b, c, 0, 40][..], &[9; 40]].concat();
        let _ = world.ends[1].take(now, &fragment);
        let _ = world.ends[1].take(now, &early);
        assert!(world.ends[1].outgoing.len() <= OUTGOING_MAX);
    }
}
