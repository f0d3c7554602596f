//! RFC 3711 B, RFC 6188, RFC 7714 and libsrtp's packets, byte for byte, and none of them with a flipped bit.

use serde_json::Value;

use super::super::kdf;
use super::*;

fn vector(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../../../tests/vectors/vectors.json")).unwrap();
    all[name].clone()
}

fn bytes(entry: &Value, field: &str) -> Vec<u8> {
    hex::decode(entry[field].as_str().unwrap()).unwrap()
}

#[test]
fn the_counter_keystream_is_that_of_rfc_3711_and_6188() {
    let entry = vector("rfc3711_B.2_aes_cm_keystream");
    let iv: [u8; 16] = bytes(&entry, "iv_block0").try_into().unwrap();
    let mut stream = vec![0; 16 * 0xff02];
    kdf::keystream(&bytes(&entry, "session_key"), &iv, &mut stream);
    for (list, first) in [("blocks_0_1_2", 0), ("blocks_feff_ff00_ff01", 0xfeff)] {
        for (at, block) in entry[list].as_array().unwrap().iter().enumerate() {
            let from = (first + at) * 16;
            assert_eq!(hex::encode(&stream[from..from + 16]), block.as_str().unwrap());
        }
    }
    let entry = vector("rfc6188_7.1_aes256_cm");
    let iv: [u8; 16] = [bytes(&entry, "session_salt"), vec![0, 0]].concat().try_into().unwrap();
    let mut stream = [0; 48];
    kdf::keystream(&bytes(&entry, "session_key"), &iv, &mut stream);
    assert_eq!(hex::encode(stream), entry["keystream48"].as_str().unwrap());
}

#[test]
fn session_keys_are_derived_as_rfc_3711_shows() {
    let entry = vector("rfc3711_B.3_kdf");
    let (key, salt) = (bytes(&entry, "master_key"), bytes(&entry, "master_salt"));
    let master = MasterKey::new(Profile::AesCm128HmacSha1_80, &key, &salt).unwrap();
    let derive = |label, len| {
        let mut out = vec![0; len];
        kdf::derive(&master, label, &mut out);
        hex::encode(out)
    };
    assert_eq!(derive(kdf::RTP_KEY, 16), entry["label0_cipher_key"].as_str().unwrap());
    assert_eq!(derive(kdf::RTP_SALT, 14), entry["label2_cipher_salt"].as_str().unwrap());
    assert_eq!(derive(kdf::RTP_AUTH, 94), entry["label1_auth_key_94"].as_str().unwrap());
}

/// Fresh sealer and opener of one vector, and its plain and sealed RTP and RTCP.
struct Case {
    sealer: Sealer,
    opener: fn(&str) -> Opener,
    rtp: (Packet, Packet),
    rtcp: (Packet, Packet),
}

fn libsrtp_master() -> MasterKey {
    let entry = vector("libsrtp_validate_rtp_AES128_CM_SHA1_80");
    MasterKey::new(Profile::AesCm128HmacSha1_80, &bytes(&entry, "master_key"), &bytes(&entry, "master_salt")).unwrap()
}

fn gcm(name: &str) -> (Cipher, Cipher) {
    let entry = vector(name);
    let profile = if name.contains("256") { Profile::AeadAes256Gcm } else { Profile::AeadAes128Gcm };
    let cipher =
        || Cipher::from_session(profile, &bytes(&entry, "session_key"), &bytes(&entry, "session_salt"), &[]).unwrap();
    (cipher(), cipher())
}

fn case(name: &str) -> Case {
    let pair = |entry: &Value, plain: &str, sealed: &str| {
        (packet(entry[plain].as_str().unwrap()), packet(entry[sealed].as_str().unwrap()))
    };
    if name == "libsrtp" {
        let rtp = vector("libsrtp_validate_rtp_AES128_CM_SHA1_80");
        let rtcp = vector("libsrtp_validate_rtcp_AES128_CM_SHA1_80");
        return Case {
            sealer: Sealer::new(&libsrtp_master(), 0xcafe_babe).unwrap(),
            opener: |_| Opener::new(&libsrtp_master()).unwrap(),
            rtp: pair(&rtp, "plaintext", "srtp"),
            rtcp: pair(&rtcp, "plaintext", "srtcp"),
        };
    }
    let entry = vector(name);
    let (rtp, rtcp) = gcm(name);
    let index = entry["srtcp_index"].as_u64().unwrap();
    Case {
        sealer: Sealer::from_ciphers(rtp, rtcp, 0, index),
        opener: |name| {
            let (rtp, rtcp) = gcm(name);
            Opener::from_ciphers(rtp, rtcp)
        },
        rtp: pair(&entry, "rtp_plain", "srtp"),
        rtcp: pair(&entry, "rtcp_plain", "srtcp"),
    }
}

const CASES: [&str; 3] = ["libsrtp", "rfc7714_16_17_aes128_gcm", "rfc7714_16_17_aes256_gcm"];

fn ssrc_of(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn published_packets_are_sealed_and_opened_byte_for_byte() {
    for name in CASES {
        let mut case = case(name);
        let mut packet = case.rtp.0.clone();
        case.sealer.set_ssrc(ssrc_of(packet.as_slice(), 8));
        case.sealer.seal_rtp(&mut packet).unwrap();
        assert_eq!(hex::encode(packet.as_slice()), hex::encode(case.rtp.1.as_slice()), "{name} rtp");
        (case.opener)(name).open_rtp(&mut packet).unwrap();
        assert_eq!(packet, case.rtp.0, "{name} rtp");

        let mut packet = case.rtcp.0.clone();
        case.sealer.set_ssrc(ssrc_of(packet.as_slice(), 4));
        case.sealer.seal_rtcp(&mut packet).unwrap();
        assert_eq!(hex::encode(packet.as_slice()), hex::encode(case.rtcp.1.as_slice()), "{name} rtcp");
        (case.opener)(name).open_rtcp(&mut packet).unwrap();
        assert_eq!(packet, case.rtcp.0, "{name} rtcp");
    }
}

#[test]
fn no_flipped_bit_is_accepted_and_none_leaves_a_trace() {
    for name in CASES {
        let case = case(name);
        let mut opener = (case.opener)(name);
        for bit in 0..case.rtp.1.len() * 8 {
            let mut flipped = case.rtp.1.clone();
            flipped.as_mut_slice()[bit / 8] ^= 1 << (bit % 8);
            assert!(opener.open_rtp(&mut flipped).is_err(), "{name} rtp bit {bit}");
        }
        for bit in 0..case.rtcp.1.len() * 8 {
            let mut flipped = case.rtcp.1.clone();
            flipped.as_mut_slice()[bit / 8] ^= 1 << (bit % 8);
            assert!(opener.open_rtcp(&mut flipped).is_err(), "{name} rtcp bit {bit}");
        }
        assert_eq!(opener.state().count(), 0, "{name}");
        assert!(opener.open_rtp(&mut case.rtp.1.clone()).is_ok(), "{name}");
        assert!(opener.open_rtcp(&mut case.rtcp.1.clone()).is_ok(), "{name}");
    }
}

#[test]
fn no_truncated_packet_is_accepted() {
    for name in CASES {
        let case = case(name);
        let mut opener = (case.opener)(name);
        for len in 0..case.rtp.1.len() {
            let mut short = case.rtp.1.clone();
            short.truncate(len);
            assert!(opener.open_rtp(&mut short).is_err());
            let mut short = case.rtcp.1.clone();
            short.truncate(len.min(case.rtcp.1.len() - 1));
            assert!(opener.open_rtcp(&mut short).is_err());
        }
    }
}
