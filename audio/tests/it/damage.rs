//! No bytes make a reader panic, and the readers agree with libopus on what a packet is.

use audio::clip::Clip;
use audio::decode::decode;
use audio::limits::Limits;
use audio::ogg_opus::read;
use audio::toc;
use audio::two_lane::{Slot, TwoLane, lanes, salvage};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

#[test]
fn damaged_clips_and_recordings_are_answered_not_panicked_at() {
    let seed = 0xA5;
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let whole: &[u8] = include_bytes!("../../assets/beep.ogg");
    for round in 0..3_000 {
        let mut file = whole.to_vec();
        for _ in 0..random.random_range(1..8) {
            let at = random.random_range(0..file.len());
            file[at] = random.random();
        }
        file.truncate(random.random_range(0..=file.len()));
        // Checksums stop most damage at the container; half of the rounds mend them, so that it gets further.
        if round % 2 == 0 {
            mend_checksums(&mut file);
        }
        let _ = read(&file, &Limits::UPLOAD);
        let _ = Clip::read(&file);
        let _ = salvage(&file);
        if round % 10 == 0 {
            let _ = decode(&file, &Limits::UPLOAD);
        }
    }
}

#[test]
fn random_packets_never_break_a_recording() {
    let seed = 0x5EED;
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut machine, mut file) = TwoLane::new(9, &[]);
    for _ in 0..3_000 {
        let packets: Vec<Vec<u8>> = (0..4)
            .map(|_| {
                let mut packet = vec![0u8; random.random_range(0..40)];
                random.fill_bytes(&mut packet);
                packet
            })
            .collect();
        let slot = |random: &mut StdRng, one: usize| match random.random_range(0..5) {
            0 => Slot::Lost,
            1 => Slot::Silent,
            2 => Slot::Halves(Some(&packets[one]), Some(&packets[one + 1])),
            3 => Slot::Halves(None, Some(&packets[one])),
            _ => Slot::Sound(&packets[one]),
        };
        let (left, right) = (slot(&mut random, 0), slot(&mut random, 2));
        file.extend(machine.push(left, right).unwrap_or_default());
    }
    file.extend(machine.finish());
    let links = read(&file, &Limits::RECORDING).unwrap();
    assert_eq!((links[0].samples, links[0].packets.len()), (3_000 * 960, 3_000));
    for packet in &links[0].packets {
        let (left, right) = lanes(packet).unwrap();
        assert!(toc::is_20_ms(&left) && toc::is_20_ms(right), "{packet:?}");
    }
    assert!(salvage(&file).complete);
}

/// Gives every page that can be found its right checksum, with the checksum of another hand: the `ogg` crate's writer.
fn mend_checksums(file: &mut [u8]) {
    let starts: Vec<usize> = file.windows(4).enumerate().filter(|(_, w)| w == b"OggS").map(|(at, _)| at).collect();
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(file.len());
        let page = &mut file[*start..end];
        if page.len() < 27 {
            continue;
        }
        page[22..26].fill(0);
        let sum = page.iter().fold(0u32, |crc, byte| {
            (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| {
                if crc & 0x8000_0000 != 0 { (crc << 1) ^ 0x04C1_1DB7 } else { crc << 1 }
            })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
    }
}
