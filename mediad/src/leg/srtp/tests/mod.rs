//! SRTP against published vectors, a 64-bit model and an implementation that is not ours.

mod interop;
mod model;
mod refusals;
mod vectors;

use super::cipher::Cipher;
use super::*;
use crate::base::packet::Packet;
use crate::wire::rtp::Outgoing;

const PROFILES: [Profile; 3] = [Profile::AesCm128HmacSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];

fn master(profile: Profile, fill: u8) -> MasterKey {
    let key: Vec<u8> = (0..profile.key_bytes()).map(|n| fill.wrapping_add(n as u8)).collect();
    let salt: Vec<u8> = (0..profile.salt_bytes()).map(|n| fill.wrapping_mul(3).wrapping_add(n as u8)).collect();
    MasterKey::new(profile, &key, &salt).unwrap()
}

fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Packet {
    let timestamp = u32::from(sequence).wrapping_mul(960);
    let mut packet =
        Packet::from_slice(&Outgoing { marker: false, payload_type: 111, sequence, timestamp, ssrc }.write()).unwrap();
    assert!(packet.extend(payload));
    packet
}

fn packet(hex: &str) -> Packet {
    Packet::from_slice(&hex::decode(hex).unwrap()).unwrap()
}

#[test]
fn exported_keys_are_cut_in_the_order_of_rfc_5764() {
    for profile in PROFILES {
        let (k, s) = (profile.key_bytes(), profile.salt_bytes());
        let exported = [vec![1; k], vec![2; k], vec![3; s], vec![4; s]].concat();
        let client = Keys::from_exported(profile, &exported, true).unwrap();
        assert_eq!((client.ours.key()[0], client.ours.salt()[0]), (1, 3));
        assert_eq!((client.theirs.key()[0], client.theirs.salt()[0]), (2, 4));
        let server = Keys::from_exported(profile, &exported, false).unwrap();
        assert_eq!((server.ours, server.theirs), (client.theirs, client.ours));
        assert_eq!(Keys::from_exported(profile, &exported[1..], true), None);
        assert_eq!(Keys::from_exported(profile, &[exported, vec![0]].concat(), true), None);
    }
}
