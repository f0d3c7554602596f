//! Small files that hold hours are refused before they cost anything.

use crate::tools::ffmpeg;
use audio::decode::{DecodeError, decode};
use audio::limits::Limits;
use audio::ogg_opus::{OpusHead, OpusTags, ReadError, Writer, read};
use audio::pcm::Pcm;
use audio::toc::CELT_SILENCE;
use std::time::{Duration, Instant};

#[test]
fn eleven_hours_in_a_megabyte_are_refused_at_once() {
    // Packets of two bytes that last 120 ms each: code 3, constant length, six empty frames of 20 ms.
    let packets = 11 * 3_600 * 1_000 / 120;
    let (mut writer, mut file) = Writer::new(&OpusHead::mono(312), &OpusTags::ours(&[]), 1, 20_000);
    for _ in 0..packets {
        file.extend(writer.push(vec![0x4B, 0x06], 5_760).unwrap_or_default());
    }
    file.extend(writer.finish(0));
    assert!(file.len() < 1_100_000, "{} bytes", file.len());
    let start = Instant::now();
    let why = decode(&file, &Limits::UPLOAD).unwrap_err();
    assert!(matches!(why, DecodeError::TooLong { .. }), "{why}");
    assert_eq!(why.to_string(), "the sound lasts longer than 10 minutes");
    assert!(start.elapsed() < Duration::from_secs(1), "took {:?}", start.elapsed());
}

#[test]
fn an_hour_of_silence_in_a_small_flac_is_refused_while_it_decodes() {
    let hour = ["-t", "3600", "-af", "apad", "-ar", "8000"];
    let file = ffmpeg(&Pcm::silence(100).to_wav(), "in.wav", &hour, "hour.flac");
    assert!(file.len() < 1_000_000);
    let start = Instant::now();
    assert!(matches!(decode(&file, &Limits::UPLOAD), Err(DecodeError::TooLong { .. })));
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
}

#[test]
fn a_wav_that_claims_four_gigabytes_gives_what_it_has() {
    let mut file = Pcm::tone(440.0, -12.0, 500).to_wav();
    file[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    file[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode(&file, &Limits::UPLOAD).unwrap().duration_ms(), 500);
}

#[test]
fn a_wav_of_no_rate_or_of_255_channels_is_refused() {
    let mut file = Pcm::tone(440.0, -12.0, 500).to_wav();
    file[24..28].fill(0);
    assert!(decode(&file, &Limits::UPLOAD).is_err());
    let mut file = Pcm::tone(440.0, -12.0, 500).to_wav();
    file[22..24].copy_from_slice(&255u16.to_le_bytes());
    file[32..34].copy_from_slice(&510u16.to_le_bytes());
    assert!(decode(&file, &Limits::UPLOAD).is_err());
}

#[test]
fn long_tags_and_long_chains_are_refused() {
    let link = |serial: u32, remark: &str| {
        let mut tags = OpusTags::ours(&[]);
        tags.vendor = remark.to_owned();
        let (mut writer, mut file) = Writer::new(&OpusHead::mono(0), &tags, serial, 1_000);
        file.extend(writer.push(CELT_SILENCE.to_vec(), 960).unwrap_or_default());
        file.extend(writer.finish(0));
        file
    };
    assert_eq!(read(&link(1, &"x".repeat(64 * 1024)), &Limits::UPLOAD), Err(ReadError::BadTags));
    let chain: Vec<u8> = (0..5).flat_map(|n| link(n, "v")).collect();
    let links = read(&chain, &Limits::UPLOAD).unwrap();
    assert_eq!(links.len(), 5);
    assert!(links.iter().all(|link| link.playable == 960 && link.ended));
    assert_eq!(decode(&chain, &Limits::UPLOAD).unwrap().duration_ms(), 100);
    let chain: Vec<u8> = (0..65).flat_map(|n| link(n, "v")).collect();
    assert_eq!(read(&chain, &Limits::UPLOAD), Err(ReadError::TooManyLinks));
}
