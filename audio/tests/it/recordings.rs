//! A two-lane recording keeps both voices apart, whatever packets came.

use crate::tools::{ffmpeg, level_at, opusdec, opusinfo};
use audio::limits::{FRAME_SAMPLES, Limits};
use audio::ogg_opus;
use audio::opus::{Preset, decode_all, encode_all};
use audio::pcm::{Pcm, Wav, read_wav};
use audio::toc::{self, CELT_SILENCE};
use audio::two_lane::{PRE_SKIP_SAMPLES, Slot, TwoLane, lanes};

const LEFT_HZ: f64 = 440.0;
const RIGHT_HZ: f64 = 880.0;

#[test]
fn left_and_right_are_heard_where_they_belong_by_every_decoder() {
    let file = record(&voices(440.0, 150), &voices(880.0, 150));
    let said = opusinfo(&file);
    assert!(said.contains("Streams: 2, Coupled: 0") && said.contains("Family: 1 Map: [0, 1]"), "{said}");
    for (name, wav) in [("opusdec", opusdec(&file)), ("ffmpeg", by_ffmpeg(&file))] {
        assert_eq!(wav.channels[0].len(), playable(150), "{name}: it lasts as long as it was recorded");
        assert_apart(&wav.channels[0], &wav.channels[1], name);
    }
    // And by our own hand: every packet taken apart, each lane decoded by itself.
    let (left, right) = lanes_of(&file);
    assert_apart(&decode_all(&left).unwrap(), &decode_all(&right).unwrap(), "lane by lane");
}

#[test]
fn not_a_bit_of_an_ordinary_packet_is_changed() {
    let (voice, music) =
        (voices(440.0, 60), encode_all(Preset::Music, &Pcm::tone(880.0, -12.0, 1_200).samples).unwrap());
    let (left, right) = lanes_of(&record(&voice, &music));
    assert_eq!(left, voice);
    assert_eq!(right, music);
}

#[test]
fn packets_of_ten_forty_and_sixty_milliseconds_become_pairs_of_twenty() {
    let tone = Pcm::tone(440.0, -12.0, 2_400).samples;
    let tens = odd_packets(&tone, 480);
    let steady = voices(880.0, 120);
    for length in [1_920, 2_880] {
        let long = odd_packets(&tone, length);
        let per_slot = length / FRAME_SAMPLES;
        let (mut machine, mut file) = TwoLane::new(5, &[]);
        for slot in 0..120 {
            let left = if slot % per_slot == 0 { Slot::Sound(&long[slot / per_slot]) } else { Slot::Lost };
            file.extend(machine.push(left, Slot::Sound(&steady[slot])).unwrap_or_default());
        }
        assert_eq!(machine.left_counts().recoded as usize, 120 / per_slot, "SILK of {length} samples is one frame");
        assert_eq!((machine.left_counts().sound, machine.left_counts().lost), (120, 0));
        file.extend(machine.finish());
        check_pair(&file, 120);
    }
    let (mut machine, mut file) = TwoLane::new(5, &[]);
    for slot in 0..120 {
        let left = Slot::Halves(Some(&tens[2 * slot]), Some(&tens[2 * slot + 1]));
        file.extend(machine.push(left, Slot::Sound(&steady[slot])).unwrap_or_default());
    }
    assert_eq!(machine.left_counts().recoded, 0, "10 ms frames of one kind are joined, not encoded again");
    file.extend(machine.finish());
    check_pair(&file, 120);
}

#[test]
fn sixty_milliseconds_of_celt_are_split_without_a_codec() {
    let frames = encode_all(Preset::Music, &Pcm::tone(440.0, -12.0, 600).samples).unwrap();
    let packed: Vec<Vec<u8>> = frames
        .chunks(3)
        .map(|three| {
            let bodies: Vec<&[u8]> = three.iter().map(|f| &f[1..]).collect();
            let mut out = Vec::new();
            toc::Packet::of(three[0][0], &bodies).unwrap().write(&mut out);
            out
        })
        .collect();
    let (mut machine, mut file) = TwoLane::new(1, &[]);
    for slot in 0..30 {
        let left = if slot % 3 == 0 { Slot::Sound(&packed[slot / 3]) } else { Slot::Lost };
        file.extend(machine.push(left, Slot::Silent).unwrap_or_default());
    }
    assert_eq!(machine.left_counts().recoded, 0);
    file.extend(machine.finish());
    assert_eq!(lanes_of(&file).0, frames);
}

#[test]
fn a_loss_is_the_lanes_own_first_byte_five_times_and_then_silence() {
    let voice = voices(440.0, 10);
    let (mut machine, mut file) = TwoLane::new(1, &[]);
    let mut push = |machine: &mut TwoLane, slot: Slot<'_>| {
        file.extend(machine.push(slot, Slot::Silent).unwrap_or_default());
    };
    push(&mut machine, Slot::Lost);
    voice.iter().for_each(|packet| push(&mut machine, Slot::Sound(packet)));
    (0..7).for_each(|_| push(&mut machine, Slot::Lost));
    push(&mut machine, Slot::Sound(&voice[0]));
    push(&mut machine, Slot::Silent);
    push(&mut machine, Slot::Lost);
    push(&mut machine, Slot::Sound(&[]));
    push(&mut machine, Slot::Sound(&[0xFF, 0x00]));
    assert_eq!(machine.left_counts().malformed, 2);
    file.extend(machine.finish());
    let (left, _) = lanes_of(&file);
    assert_eq!(left[0], CELT_SILENCE, "nobody was there yet");
    assert!(left[11..16].iter().all(|packet| packet == &[voice[9][0] & 0xFC]), "{:?}", &left[11..16]);
    assert!(left[16..18].iter().all(|packet| packet == &CELT_SILENCE));
    assert!(left[19..].iter().all(|packet| packet == &CELT_SILENCE), "hold is silence, and so is what is lost in it");
    opusinfo(&file);
    assert_eq!(opusdec(&file).channels[0].len(), playable(left.len()));
}

#[test]
fn half_a_pair_of_tens_is_kept_in_its_half() {
    let tens = odd_packets(&Pcm::tone(440.0, -12.0, 400).samples, 480);
    let (mut machine, mut file) = TwoLane::new(1, &[]);
    for slot in 0..20 {
        let left = match slot % 3 {
            0 => Slot::Halves(Some(&tens[2 * slot]), None),
            1 => Slot::Halves(None, Some(&tens[2 * slot + 1])),
            _ => Slot::Halves(Some(&tens[2 * slot]), Some(&tens[2 * slot + 1])),
        };
        file.extend(machine.push(left, Slot::Silent).unwrap_or_default());
    }
    file.extend(machine.finish());
    opusinfo(&file);
    assert_eq!(opusdec(&file).channels[0].len(), playable(20));
}

#[test]
fn a_page_is_written_every_half_second_and_an_empty_recording_still_plays() {
    let voice = voices(440.0, 126);
    let (mut machine, _) = TwoLane::new(1, &[("CALL", "call_1")]);
    let pages: Vec<usize> =
        (0..126).filter(|&n| machine.push(Slot::Sound(&voice[n]), Slot::Sound(&voice[n])).is_some()).collect();
    assert_eq!(pages, [25, 50, 75, 100, 125]);
    assert_eq!(machine.duration_ms(), 126 * 20 - 7);

    let (machine, mut file) = TwoLane::new(1, &[]);
    file.extend(machine.finish());
    opusinfo(&file);
    assert_eq!(opusdec(&file).channels.len(), 2);
}

/// Both lanes hold their tone, and not the other's.
fn assert_apart(left: &[f32], right: &[f32], by: &str) {
    let middle = |lane: &[f32]| lane[lane.len() / 4..lane.len() * 3 / 4].to_vec();
    let (left, right) = (middle(left), middle(right));
    let own = [level_at(&left, LEFT_HZ), level_at(&right, RIGHT_HZ)];
    let other = [level_at(&left, RIGHT_HZ), level_at(&right, LEFT_HZ)];
    assert!(own.iter().all(|db| (*db + 12.0).abs() < 2.0), "{by}: own tones at {own:?} dB");
    assert!(other.iter().all(|db| *db < -50.0), "{by}: the other's tones at {other:?} dB");
}

fn check_pair(file: &[u8], slots: usize) {
    opusinfo(file);
    let wav = opusdec(file);
    assert_eq!(wav.channels[0].len(), playable(slots));
    assert_apart(&wav.channels[0], &wav.channels[1], "opusdec");
}

/// Samples of so many slots without the pre-skip.
fn playable(slots: usize) -> usize {
    slots * FRAME_SAMPLES - usize::from(PRE_SKIP_SAMPLES)
}

fn voices(hz: f32, packets: u32) -> Vec<Vec<u8>> {
    encode_all(Preset::Live, &Pcm::tone(hz, -12.0, packets * 20).samples).unwrap()
}

/// SILK packets of another length than 20 ms.
fn odd_packets(samples: &[f32], length: usize) -> Vec<Vec<u8>> {
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip).unwrap();
    encoder.set_bitrate(opus::Bitrate::Bits(20_000)).unwrap();
    encoder.set_max_bandwidth(opus::Bandwidth::Wideband).unwrap();
    encoder.set_inband_fec(true).unwrap();
    samples.chunks_exact(length).map(|frame| encoder.encode_vec_float(frame, 1_275).unwrap()).collect()
}

fn record(left: &[Vec<u8>], right: &[Vec<u8>]) -> Vec<u8> {
    let (mut machine, mut file) = TwoLane::new(0xC0FFEE, &[("CALL", "call_1")]);
    for (left, right) in left.iter().zip(right) {
        file.extend(machine.push(Slot::Sound(left), Slot::Sound(right)).unwrap_or_default());
    }
    file.extend(machine.finish());
    file
}

fn lanes_of(file: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let links = ogg_opus::read(file, &Limits::RECORDING).unwrap();
    links[0].packets.iter().map(|packet| lanes(packet).unwrap()).map(|(l, r)| (l, r.to_vec())).unzip()
}

fn by_ffmpeg(file: &[u8]) -> Wav {
    read_wav(&ffmpeg(file, "in.ogg", &["-ar", "48000", "-c:a", "pcm_s16le"], "out.wav")).unwrap()
}
