//! webrtc-srtp seals what we open and opens what we seal, byte for byte.

use webrtc_srtp::context::Context;
use webrtc_srtp::option::srtp_no_replay_protection;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::*;
use crate::wire::rtcp::{ReportBlock, SenderInfo, write_bye, write_report};

fn other(profile: Profile, key: &MasterKey) -> Context {
    let profile = match profile {
        Profile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    Context::new(key.key(), key.salt(), profile, Some(srtp_no_replay_protection()), None).unwrap()
}

#[test]
fn rtp_is_the_same_bytes_both_ways_across_two_roll_overs() {
    for profile in PROFILES {
        let key = master(profile, 21);
        let (mut theirs, mut sealer) = (other(profile, &key), Sealer::new(&key, 0xdead_beef).unwrap());
        let (mut their_opener, mut opener) = (other(profile, &key), Opener::new(&key).unwrap());
        for index in 65_000..198_000u64 {
            // Every third late by one, as a network would have it.
            let index = if index % 3 == 0 {
                index + 1
            } else if index % 3 == 1 {
                index - 1
            } else {
                index
            };
            let plain = rtp(0xdead_beef, index as u16, &vec![index as u8; 1 + (index % 160) as usize]);
            let mut sealed = plain.clone();
            assert_eq!(sealer.seal_rtp(&mut sealed), Ok(index));
            assert_eq!(theirs.encrypt_rtp(plain.as_slice()).unwrap(), sealed.as_slice(), "{profile:?} {index}");
            assert_eq!(their_opener.decrypt_rtp(sealed.as_slice()).unwrap(), plain.as_slice(), "{profile:?} {index}");
            assert_eq!(opener.open_rtp(&mut sealed).map(|opened| opened.index), Ok(index));
            assert_eq!(sealed, plain);
        }
    }
}

#[test]
fn rtp_with_sources_and_an_extension_is_the_same_bytes_too() {
    for profile in PROFILES {
        let key = master(profile, 22);
        let mut bytes = vec![0x92, 0xef, 0, 7, 0, 0, 0, 2, 0, 0, 0, 9];
        bytes.extend_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0]);
        bytes.extend_from_slice(b"payload");
        let mut sealed = Packet::from_slice(&bytes).unwrap();
        Sealer::new(&key, 9).unwrap().seal_rtp(&mut sealed).unwrap();
        assert_eq!(other(profile, &key).encrypt_rtp(&bytes).unwrap(), sealed.as_slice(), "{profile:?}");
        let opened = Opener::new(&key).unwrap().open_rtp(&mut sealed).unwrap();
        assert_eq!((opened.header.header_bytes, sealed.as_slice()), (28, &bytes[..]));
    }
}

#[test]
fn rtcp_is_the_same_bytes_both_ways() {
    for profile in PROFILES {
        let key = master(profile, 23);
        let (mut theirs, mut sealer) = (other(profile, &key), Sealer::new(&key, 9).unwrap());
        let (mut their_opener, mut opener) = (other(profile, &key), Opener::new(&key).unwrap());
        for round in 1..2_000u32 {
            let sent =
                SenderInfo { ntp: u64::from(round) << 32, rtp_timestamp: round, packets: round, payload_bytes: 3 };
            let plain = match round % 3 {
                0 => write_bye(9, "c"),
                1 => write_report(9, None, &[], "some name"),
                _ => write_report(9, Some(&sent), &[ReportBlock::default()], "c"),
            };
            let mut sealed = plain.clone();
            assert_eq!(sealer.seal_rtcp(&mut sealed), Ok(round));
            assert_eq!(theirs.encrypt_rtcp(plain.as_slice()).unwrap(), sealed.as_slice(), "{profile:?} {round}");
            assert_eq!(their_opener.decrypt_rtcp(sealed.as_slice()).unwrap(), plain.as_slice(), "{profile:?} {round}");
            assert_eq!(opener.open_rtcp(&mut sealed), Ok(round));
            assert_eq!(sealed, plain);
        }
    }
}
