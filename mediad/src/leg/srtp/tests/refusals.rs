//! What is refused, by which reason, and that it costs the genuine packets nothing.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::wire::rtcp::{ReportBlock, write_report};

fn report(ssrc: u32) -> Packet {
    write_report(ssrc, None, &[ReportBlock::default()], "c")
}

#[test]
fn a_forged_first_packet_far_ahead_costs_no_genuine_one() {
    let key = master(Profile::AesCm128HmacSha1_80, 1);
    let (mut sealer, mut opener) = (Sealer::new(&key, 9).unwrap(), Opener::new(&key).unwrap());
    let mut forged = rtp(9, 20_100, &[0; 40]);
    assert_eq!(opener.open_rtp(&mut forged), Err(BadSrtp::Forged));
    for sequence in 100..600 {
        let mut packet = rtp(9, sequence, b"voice");
        sealer.seal_rtp(&mut packet).unwrap();
        assert!(opener.open_rtp(&mut packet).is_ok());
    }
}

#[test]
fn the_attacks_of_the_collection_are_dropped_and_cost_the_genuine_packets_nothing() {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/attack_packets.json")).unwrap();
    for profile in PROFILES {
        let key = master(profile, 1);
        let (mut sealer, mut opener) = (Sealer::new(&key, 9).unwrap(), Opener::new(&key).unwrap());
        for (sequence, (name, entry)) in all.as_object().unwrap().iter().enumerate() {
            for _ in 0..200 {
                assert!(opener.open_rtp(&mut packet(entry["hex"].as_str().unwrap())).is_err(), "{name}");
                assert!(opener.open_rtcp(&mut packet(entry["hex"].as_str().unwrap())).is_err(), "{name}");
            }
            let mut genuine = rtp(9, sequence as u16, b"voice");
            sealer.seal_rtp(&mut genuine).unwrap();
            assert!(opener.open_rtp(&mut genuine).is_ok(), "{name}");
        }
    }
}

#[test]
fn a_million_forged_sources_leave_no_state() {
    for profile in [Profile::AesCm128HmacSha1_80, Profile::AeadAes128Gcm] {
        let mut opener = Opener::new(&master(profile, 1)).unwrap();
        for ssrc in 0..500_000 {
            assert_eq!(opener.open_rtp(&mut rtp(ssrc, 1, &[0; 20])), Err(BadSrtp::Forged));
        }
        assert_eq!(opener.state().count(), 0);
    }
}

#[test]
fn a_fifth_source_is_one_too_many_however_genuine() {
    let key = master(Profile::AeadAes256Gcm, 1);
    let mut opener = Opener::new(&key).unwrap();
    for ssrc in 0..6 {
        let mut packet = rtp(ssrc, 1, b"x");
        Sealer::new(&key, ssrc).unwrap().seal_rtp(&mut packet).unwrap();
        let opened = opener.open_rtp(&mut packet);
        assert_eq!(opened.is_ok(), ssrc < 4);
        if ssrc >= 4 {
            assert_eq!(opened, Err(BadSrtp::TooManySources));
        }
    }
}

#[test]
fn rtcp_without_the_e_flag_is_refused_whatever_its_tag_says() {
    for profile in PROFILES {
        let key = master(profile, 1);
        let (mut sealer, mut opener) = (Sealer::new(&key, 9).unwrap(), Opener::new(&key).unwrap());
        let mut sealed = report(9);
        sealer.seal_rtcp(&mut sealed).unwrap();
        let flag_at = match profile {
            Profile::AesCm128HmacSha1_80 => sealed.len() - 14,
            _ => sealed.len() - 4,
        };
        let mut bare = sealed.clone();
        bare.as_mut_slice()[flag_at] &= 0x7f;
        assert_eq!(opener.open_rtcp(&mut bare), Err(BadSrtp::Unencrypted));
        assert_eq!(opener.open_rtcp(&mut sealed.clone()), Ok(1));
        assert_eq!(opener.open_rtcp(&mut sealed), Err(BadSrtp::Replayed));
    }
}

#[test]
fn a_sealer_refuses_what_it_must_not_seal() {
    let key = master(Profile::AeadAes128Gcm, 1);
    let mut sealer = Sealer::new(&key, 9).unwrap();
    assert_eq!(sealer.seal_rtp(&mut rtp(8, 1, b"x")), Err(CannotSeal::Source));
    assert_eq!(sealer.seal_rtcp(&mut report(8)), Err(CannotSeal::Source));
    assert_eq!(sealer.seal_rtp(&mut Packet::from_slice(b"short").unwrap()), Err(CannotSeal::Header));
    assert_eq!(sealer.seal_rtcp(&mut Packet::from_slice(b"short").unwrap()), Err(CannotSeal::Header));
    assert_eq!(sealer.seal_rtp(&mut rtp(9, 1, &[0; 1_480])), Err(CannotSeal::Room));
    assert_eq!(sealer.seal_rtp(&mut rtp(9, 5_000, b"x")), Ok(5_000));
    assert_eq!(sealer.seal_rtp(&mut rtp(9, 5_000, b"x")), Err(CannotSeal::Twice));
    assert_eq!(sealer.seal_rtp(&mut rtp(9, 3_900, b"x")), Err(CannotSeal::Old));
    assert_eq!(sealer.seal_rtp(&mut rtp(9, 65_535, b"x")), Err(CannotSeal::Old));
    assert_eq!(sealer.seal_rtp(&mut rtp(9, 4_999, b"x")), Ok(4_999));
}

#[test]
fn a_key_stops_at_its_last_index() {
    for profile in PROFILES {
        let key = master(profile, 1);
        let last = Sealed { ssrc: 9, rtp_highest: Some((1 << 48) - 2), rtcp_next: (1 << 31) - 1 };
        let mut sealer = Sealer::resume(&key, last).unwrap();
        assert_eq!(sealer.seal_rtp(&mut rtp(9, 0xffff, b"x")), Ok((1 << 48) - 1));
        assert_eq!(sealer.seal_rtp(&mut rtp(9, 0, b"x")), Err(CannotSeal::Exhausted));
        assert_eq!(sealer.seal_rtcp(&mut report(9)), Ok((1 << 31) - 1));
        assert_eq!(sealer.seal_rtcp(&mut report(9)), Err(CannotSeal::Exhausted));
        let mut opener = Opener::resume(&key, &[(9, Some((1 << 48) - 1), None)]).unwrap();
        assert_eq!(opener.open_rtp(&mut rtp(9, 0, &[0; 20])), Err(BadSrtp::Exhausted));
    }
}

#[test]
fn no_length_no_first_byte_and_no_noise_panics_or_is_accepted() {
    let seed = 13;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for profile in PROFILES {
        let mut opener = Opener::new(&master(profile, 1)).unwrap();
        for len in 0..=1_500usize {
            let mut noise = vec![0u8; len];
            rng.fill(&mut noise[..]);
            for first in (0x80..=0xbf).step_by(3) {
                if let Some(byte) = noise.first_mut() {
                    *byte = first;
                }
                let mut packet = Packet::from_slice(&noise).unwrap();
                assert!(opener.open_rtp(&mut packet).is_err());
                let mut packet = Packet::from_slice(&noise).unwrap();
                assert!(opener.open_rtcp(&mut packet).is_err());
            }
        }
        assert_eq!(opener.state().count(), 0);
    }
}
