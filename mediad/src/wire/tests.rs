//! Every length and every first byte, and the collection of attacks, through demux and the checks behind it.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::demux::{Kind, demux};
use super::{rtcp, rtp, stun, telephone_event};

/// What the parsers behind demux make of a datagram: true if it may go on to be authenticated.
fn passes(bytes: &[u8]) -> bool {
    match demux(bytes) {
        Some(Kind::Stun) => stun::Message::parse(bytes).is_ok(),
        // The records are looked at in `leg::dtls`.
        Some(Kind::Dtls) | None => false,
        Some(Kind::Rtp) => rtp::Header::parse(bytes).is_ok_and(|header| {
            let payload = header.payload(bytes);
            assert!(
                payload.clone().is_err() || payload.is_ok_and(|range| bytes.get(range).is_some_and(|p| !p.is_empty()))
            );
            true
        }),
        Some(Kind::Rtcp) => rtcp::Compound::parse(bytes).is_ok_and(|compound| compound.iter().count() > 0),
    }
}

#[test]
fn every_length_and_first_byte_is_quiet() {
    let seed = 3;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut noise = vec![0u8; 1_500];
    let mut passed = 0;
    for len in 0..=1_500usize {
        rng.fill(&mut noise[..]);
        for first in 0..=255u8 {
            noise[0] = first;
            passed += u32::from(passes(&noise[..len]));
            let _ = telephone_event::TelephoneEvent::parse(&noise[..len]);
        }
    }
    println!("{passed} of 384256 have the form of RTP");
}

#[test]
fn forms_that_hold_with_noise_inside_are_quiet() {
    let seed = 4;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..300_000 {
        let words = rng.random_range(0..40u8);
        let mut bytes = vec![0u8; 20 + usize::from(words) * 4];
        rng.fill(&mut bytes[..]);
        // RTCP whose first length holds, and STUN whose header holds.
        let mut report = bytes.clone();
        report[0] = 0x80 | (report[0] & 0x3f);
        report[1] = 192 + report[1] % 32;
        report[2] = 0;
        report[3] %= 6;
        passes(&report);
        bytes[..8].copy_from_slice(&[rng.random_range(0..2), 1, 0, words * 4, 0x21, 0x12, 0xa4, 0x42]);
        if let Some(kind) = bytes.get_mut(20..24) {
            kind.copy_from_slice(&[0, [6, 8, 9, 0x20, 0x24, 0x25][usize::from(words) % 6], 0, 4]);
        }
        if let Ok(message) = stun::Message::parse(&bytes) {
            let _ = (message.receiver_ufrag(), message.priority(), message.role(), message.mapped());
            let _ = (message.error_code(), message.unknown_required().count(), message.fingerprint());
            assert!(message.verify(&stun::Key::new(b"key")).is_err());
        }
    }
}

#[test]
fn each_attack_is_of_the_kind_it_claims_and_stops_where_it_should() {
    let all: Value = serde_json::from_str(include_str!("../../tests/vectors/attack_packets.json")).unwrap();
    for (name, entry) in all.as_object().unwrap() {
        let bytes = hex::decode(entry["hex"].as_str().unwrap()).unwrap();
        let expected = match name.split('_').next().unwrap() {
            "dtls" => Kind::Dtls,
            "srtcp" | "rtcp" => Kind::Rtcp,
            _ => Kind::Rtp,
        };
        assert_eq!(demux(&bytes), Some(expected), "{name}");
        // What has the form of RTP goes on, and fails to authenticate: see `leg::srtp`.
        let has_form = matches!(name.as_str(), "srtp_garbage_13B_ES2021-09" | "rtp_spray_172B_ES2025-01");
        assert_eq!(passes(&bytes), has_form, "{name}");
    }
}
