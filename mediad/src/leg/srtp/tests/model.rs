//! A million packets over a bad link, against a model that counts in 64 bits and never forgets.

use std::collections::HashSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::window::WINDOW;
use super::*;

/// What must become of a packet with `index`.
fn verdict(seen: &HashSet<u64>, highest: Option<u64>, index: u64) -> Result<u64, BadSrtp> {
    match highest {
        Some(highest) if index + WINDOW <= highest => Err(BadSrtp::Old),
        _ if seen.contains(&index) => Err(BadSrtp::Replayed),
        _ => Ok(index),
    }
}

#[test]
fn a_million_packets_with_loss_reorder_and_repeats_get_the_verdict_and_index_of_the_model() {
    let seed = 11;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let key = master(Profile::AeadAes128Gcm, 1);
    let mut sealer = Sealer::new(&key, 9).unwrap();
    let mut opener = Opener::new(&key).unwrap();
    let (mut seen, mut highest) = (HashSet::new(), None);
    let mut held: Vec<(u64, Packet)> = Vec::new();
    let mut index: u64 = 65_000;
    let mut packets = 0u32;
    let mut counts = [0u32; 3];
    while packets < 1_000_000 {
        // Now and then the sender jumps, a little less than what a sequence number can tell.
        index += if rng.random_bool(0.000_1) { rng.random_range(1..30_000) } else { 1 };
        let mut packet = rtp(9, index as u16, &index.to_be_bytes());
        assert_eq!(sealer.seal_rtp(&mut packet), Ok(index));
        let copies = if rng.random_bool(0.05) { 2 } else { 1 };
        (0..copies).for_each(|_| held.push((index, packet.clone())));
        if rng.random_bool(0.02) {
            held.pop();
        }
        let depth = if rng.random_bool(0.001) { 2_000 } else { 8 };
        while held.len() > depth {
            let at = rng.random_range(0..held.len());
            let (index, mut packet) = held.swap_remove(at);
            packets += 1;
            let expected = verdict(&seen, highest, index);
            let opened = opener.open_rtp(&mut packet).map(|opened| opened.index);
            assert_eq!(opened, expected, "packet {packets}, index {index}, highest {highest:?}");
            match expected {
                Ok(index) => {
                    assert_eq!(packet.as_slice()[12..], index.to_be_bytes());
                    seen.insert(index);
                    highest = highest.max(Some(index));
                    counts[0] += 1;
                }
                Err(BadSrtp::Replayed) => counts[1] += 1,
                Err(_) => counts[2] += 1,
            }
        }
    }
    println!("{counts:?} accepted, replayed, old; {} roll-overs", index >> 16);
    assert!(index >> 16 > 10 && counts.iter().all(|count| *count > 100), "{counts:?}");
}

#[test]
fn a_sender_that_reorders_never_seals_an_index_twice() {
    let seed = 12;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut sealer = Sealer::new(&master(Profile::AesCm128HmacSha1_80, 2), 9).unwrap();
    let mut sealed = HashSet::new();
    let mut next: i64 = 70;
    for _ in 0..200_000 {
        next += 1;
        let index = (next - rng.random_range(0..40)).max(0) as u64;
        match sealer.seal_rtp(&mut rtp(9, index as u16, b"x")) {
            Ok(got) => assert!(got == index && sealed.insert(got), "index {got} for {index}"),
            Err(CannotSeal::Twice) => assert!(sealed.contains(&index)),
            Err(other) => panic!("{other} at {index}"),
        }
    }
    assert!(sealer.roc() >= 3);
}

#[test]
fn each_of_ten_thousand_packets_is_opened_once_also_at_the_edge_of_the_window() {
    for profile in PROFILES {
        let key = master(profile, 3);
        let (mut sealer, mut opener) = (Sealer::new(&key, 9).unwrap(), Opener::new(&key).unwrap());
        let sealed: Vec<Packet> = (60_000..70_000u32)
            .map(|index| {
                let mut packet = rtp(9, index as u16, b"voice");
                sealer.seal_rtp(&mut packet).unwrap();
                packet
            })
            .collect();
        for (at, packet) in sealed.iter().enumerate() {
            assert!(opener.open_rtp(&mut packet.clone()).is_ok());
            assert_eq!(opener.open_rtp(&mut packet.clone()), Err(BadSrtp::Replayed));
            if let Some(edge) = at.checked_sub(WINDOW as usize - 1) {
                assert_eq!(opener.open_rtp(&mut sealed[edge].clone()), Err(BadSrtp::Replayed));
            }
            if let Some(behind) = at.checked_sub(WINDOW as usize) {
                assert_eq!(opener.open_rtp(&mut sealed[behind].clone()), Err(BadSrtp::Old));
            }
        }
    }
}

#[test]
fn a_sealer_resumed_from_its_state_goes_on_where_it_stopped() {
    for profile in PROFILES {
        let key = master(profile, 4);
        let mut first = Sealer::new(&key, 9).unwrap();
        let mut opener = Opener::new(&key).unwrap();
        for index in 65_500..65_600u32 {
            let mut packet = rtp(9, index as u16, b"x");
            first.seal_rtp(&mut packet).unwrap();
            opener.open_rtp(&mut packet).unwrap();
        }
        let mut second = Sealer::resume(&key, first.state()).unwrap();
        assert_eq!((second.state(), second.roc()), (first.state(), 1));
        assert_eq!(second.seal_rtp(&mut rtp(9, 63, b"x")), Err(CannotSeal::Twice));
        let mut packet = rtp(9, 64, b"x");
        assert_eq!(second.seal_rtp(&mut packet), Ok(65_600));
        let state: Vec<_> = opener.state().collect();
        let mut resumed = Opener::resume(&key, &state).unwrap();
        assert_eq!(resumed.open_rtp(&mut packet).map(|opened| opened.index), Ok(65_600));
    }
}
