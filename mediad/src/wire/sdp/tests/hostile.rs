//! Descriptions nobody should make: each is taken or refused with a reason, none is slow, none panics.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::*;
use super::{chrome, meta, wire};

/// The refusal of Meta's offer with one change.
fn refusal(from: &str, to: &str) -> SdpError {
    assert!(meta().contains(from), "{from}");
    parse_offer(&meta().replace(from, to)).unwrap_err()
}

#[test]
fn a_line_that_must_be_there_is_missed_by_name() {
    assert_eq!(refusal("a=rtcp-mux\r\n", ""), SdpError::Missing("a=rtcp-mux"));
    assert_eq!(refusal("a=setup:actpass\r\n", ""), SdpError::Missing("a=setup"));
    assert_eq!(refusal("a=ice-ufrag:", "a=ice-none:"), SdpError::Missing("a=ice-ufrag"));
    assert_eq!(refusal("a=ice-pwd:", "a=ice-none:"), SdpError::Missing("a=ice-pwd"));
    assert_eq!(refusal("a=fingerprint:", "a=footprint:"), SdpError::Missing("a=fingerprint"));
    assert_eq!(refusal("m=audio", "m=video"), SdpError::NoAudio);
    assert_eq!(refusal("m=audio 3480", "m=audio 0"), SdpError::NoAudio);
    assert_eq!(refusal("UDP/TLS/RTP/SAVPF", "RTP/AVP"), SdpError::NoAudio);
}

#[test]
fn a_line_that_makes_no_sense_is_named() {
    let sentence = |from: &str, to: &str| refusal(from, to).to_string();
    assert_eq!(
        sentence("sha-256 00:11", "sha-1 00:11").split('`').nth(1).map(|line| &line[..22]),
        Some("a=fingerprint:sha-1 00")
    );
    assert!(sentence("sha-256 00:11:", "sha-256 00:").contains("32 pairs"));
    assert!(sentence("sha-256 00:11:", "sha-256 0:011:").contains("32 pairs"));
    assert!(sentence("setup:actpass", "setup:holdconn").contains("a=setup:holdconn"));
    assert!(sentence("a=ice-pwd:q83vEjRWeJq83vEjRWeJqQ==", "a=ice-pwd:short").contains("a=ice-pwd"));
    assert!(sentence("a=ice-ufrag:Wm4kT9xQz1LpR7sA", "a=ice-ufrag:a:b:c").contains("a=ice-ufrag"));
    assert!(sentence("opus/48000/2", "opus/16000/1").contains("m=audio 3480"));
    assert!(sentence("RTP/SAVPF 111 126", "RTP/SAVPF 126").contains("no opus"));
}

#[test]
fn sdes_is_refused_by_name() {
    let sdes = meta().replace("UDP/TLS/RTP/SAVPF", "RTP/SAVP");
    assert!(matches!(parse_offer(&sdes), Err(SdpError::Sdes(_))));
    let keys = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n";
    let start = meta().find("a=fingerprint").unwrap();
    let end = start + meta()[start..].find('\n').unwrap() + 1;
    let crypto = format!("{}{keys}{}", &meta()[..start], &meta()[end..]);
    assert!(matches!(parse_offer(&crypto), Err(SdpError::Sdes(_))));
}

#[test]
fn of_several_fingerprints_the_sha_256_one_counts_in_any_case() {
    let sha1 = format!("a=fingerprint:sha-1 {}\r\na=fingerprint:", ["00"; 20].join(":"));
    let several = meta().replace("a=fingerprint:sha-256", &format!("{sha1}SHA-256"));
    assert_eq!(parse_offer(&several).unwrap().fingerprint[1], 0x11);
}

#[test]
fn bounds_hold() {
    let long = format!("{}a=x:{}\r\n", meta(), "y".repeat(17_000));
    assert!(matches!(parse_offer(&long), Err(SdpError::TooLong(_))));
    let sections = meta() + &"m=audio 0 X 0\r\n".repeat(100);
    assert_eq!(parse_offer(&sections), Err(SdpError::TooManySections(101)));
    let formats = meta().replace("111 126", &(0..65).map(|_| "111").collect::<Vec<_>>().join(" "));
    assert!(matches!(parse_offer(&formats), Err(SdpError::TooManyFormats(_))));
    let candidates: String =
        (0..200).map(|n| format!("a=candidate:1 1 udp 1 192.0.2.1 {} typ host\r\n", 1_000 + n)).collect();
    let many = parse_offer(&(meta() + &candidates)).unwrap();
    assert_eq!(many.candidates.len(), CANDIDATES_MAX);
    let none: String =
        meta().lines().filter(|line| !line.starts_with("a=candidate")).map(|l| format!("{l}\r\n")).collect();
    assert_eq!(parse_offer(&none).unwrap().candidates, []);
}

#[test]
fn addresses_that_are_nobodys_are_passed_over() {
    for nobody in [
        "0.0.0.0 5",
        "224.0.0.1 5",
        "255.255.255.255 5",
        ":: 5",
        "ff02::1 5",
        "192.0.2.1 0",
        "host.local 5",
        "::ffff:0.0.0.0 5",
    ] {
        let line = format!("a=candidate:1 1 udp 1 {nobody} typ host\r\n");
        assert_eq!(parse_offer(&(meta() + &line)).unwrap().candidates.len(), 2, "{nobody}");
    }
    let mapped = meta() + "a=candidate:1 1 udp 1 ::ffff:192.0.2.9 5 typ host\r\n";
    assert_eq!(parse_offer(&mapped).unwrap().candidates[2].addr, "192.0.2.9:5".parse().unwrap());
}

#[test]
fn payload_types_that_look_like_rtcp_are_not_used() {
    let odd = meta().replace("111", "72");
    assert!(matches!(parse_offer(&odd), Err(SdpError::NoOpus(_))));
}

#[test]
fn lines_may_end_in_a_bare_line_feed_and_the_last_in_nothing() {
    assert!(parse_offer(&meta().replace('\r', "")).is_ok());
    assert!(parse_offer(meta().trim_end()).is_ok());
    for nothing in ["", "\r\n", "v=0", "v=0\r\n", "\0", "a=\r\n", "m=", "m=audio\r\n"] {
        assert!(parse_offer(nothing).is_err(), "{nothing:?}");
    }
}

#[test]
fn what_the_peer_calls_its_sections_cannot_break_our_lines() {
    let odd = chrome().replace("a=mid:1\r\n", "a=mid:1\u{2028}a=setup:active\r\n").replace("m=video 9", "m=vi\tdeo 9");
    if let Ok(remote) = parse_offer(&odd) {
        let answer = write_answer(&super::local(), &remote);
        assert!(answer.lines().all(|line| line.chars().nth(1) == Some('=')), "{answer}");
    }
}

#[test]
fn ten_thousand_mutants_are_taken_or_refused_and_never_panic() {
    let seed = 5;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let firefox = wire(include_str!("../fixtures/firefox-offer.sdp"));
    let (mut taken, mut refused) = (0, 0);
    for round in 0..10_000 {
        let base = [meta(), chrome(), firefox.clone()][round % 3].clone();
        let mut lines: Vec<String> = base.split_inclusive('\n').map(str::to_owned).collect();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..lines.len());
            match rng.random_range(0..5) {
                0 => lines.truncate(at.max(1)),
                1 => lines[at] = lines[at].chars().rev().collect(),
                2 => lines[at] = lines[at].replace(|c: char| c.is_ascii_digit(), "99999999999999999999"),
                3 => {
                    let noisy = lines[at].chars().map(|c| if rng.random_bool(0.1) { rng.random() } else { c });
                    lines[at] = noisy.collect();
                }
                _ => lines.swap(at, 0),
            }
        }
        match parse_offer(&lines.concat()) {
            Ok(remote) => {
                taken += 1;
                assert!(parse_answer(&write_answer(&super::local(), &remote)).is_ok(), "{}", lines.concat());
            }
            Err(_) => refused += 1,
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}
