//! A recording that was cut off at any byte is mended, and at most a second of it is missing.

use crate::tools::{opusdec, opusinfo};
use audio::limits::Limits;
use audio::ogg_opus;
use audio::opus::{Preset, encode_all};
use audio::pcm::Pcm;
use audio::two_lane::{Slot, TwoLane, salvage};
use std::collections::BTreeSet;

#[test]
fn a_file_cut_at_any_byte_becomes_whole_and_loses_at_most_one_second() {
    let recording = Recording::of(130);
    let mut different = BTreeSet::new();
    for cut in 0..=recording.file.len() {
        let part = &recording.file[..cut];
        let mended = salvage(part);
        let file = mended.apply(part);
        let links = ogg_opus::read(&file, &Limits::RECORDING).unwrap_or_else(|why| panic!("cut at {cut}: {why}"));
        assert!(links.len() == 1 && links[0].ended, "cut at {cut}");
        assert_eq!(links[0].playable / 48, mended.duration_ms, "cut at {cut}");
        let missing = recording.duration_ms_at(cut).saturating_sub(mended.duration_ms);
        assert!(missing <= 1_000, "cut at {cut}: {missing} ms are missing");
        assert_eq!(mended.complete, cut == recording.file.len());
        assert!(salvage(&file).complete, "mended once is mended for good; cut at {cut}");
        different.insert(file);
    }
    // Most cuts give the same files: opusinfo needs to see each of them only once.
    assert!(different.len() >= 7, "{}", different.len());
    for file in &different {
        opusinfo(file);
        assert_eq!(opusdec(file).channels.len(), 2);
    }
}

#[test]
fn a_torn_page_ends_the_recording_before_it() {
    let recording = Recording::of(130);
    // One byte wrong in the third page of sound, as after a power cut that wrote pages out of order.
    let torn_at = recording.page_ends[4] - 3;
    let mut file = recording.file.clone();
    file[torn_at] ^= 0x10;
    let mended = salvage(&file);
    assert_eq!((mended.duration_ms, mended.complete), (993, false));
    opusinfo(&mended.apply(&file));
    assert!(mended.lost_bytes > 0);
}

#[test]
fn rubbish_after_the_end_is_cut_off_and_rubbish_alone_becomes_a_moment_of_silence() {
    let recording = Recording::of(60);
    let mut file = recording.file.clone();
    file.extend_from_slice(&[0; 4_096]);
    let mended = salvage(&file);
    assert_eq!(mended.apply(&file), recording.file);
    assert!(!mended.complete && mended.lost_bytes == 4_096);

    for rubbish in [vec![0u8; 5_000], b"OggS".repeat(1_000), Vec::new()] {
        let mended = salvage(&rubbish);
        assert!(mended.empty && mended.keep_bytes == 0);
        opusinfo(&mended.apply(&rubbish));
    }
}

struct Recording {
    file: Vec<u8>,
    /// Where pages end; the two headers first.
    page_ends: Vec<usize>,
    /// Slots that were pushed when a page came out.
    slots_at_page: Vec<u64>,
}

impl Recording {
    fn of(slots: usize) -> Recording {
        let left = encode_all(Preset::Live, &Pcm::tone(440.0, -12.0, slots as u32 * 20).samples).unwrap();
        let right = encode_all(Preset::Music, &Pcm::tone(880.0, -12.0, slots as u32 * 20).samples).unwrap();
        let (mut machine, mut file) = TwoLane::new(77, &[("CALL", "call_77")]);
        let headers: Vec<usize> = ogg_opus::page::pages(&file).map(|page| page.bytes.len()).collect();
        let mut page_ends = vec![headers[0], headers[0] + headers[1]];
        let mut slots_at_page = vec![0, 0];
        for slot in 0..slots {
            if let Some(page) = machine.push(Slot::Sound(&left[slot]), Slot::Sound(&right[slot])) {
                file.extend(page);
                page_ends.push(file.len());
                slots_at_page.push(slot as u64 + 1);
            }
        }
        file.extend(machine.finish());
        page_ends.push(file.len());
        slots_at_page.push(slots as u64);
        Recording { file, page_ends, slots_at_page }
    }

    /// How much had been recorded when the file had `bytes` bytes: the moment the next page would have come.
    fn duration_ms_at(&self, bytes: usize) -> u64 {
        let page = self.page_ends.iter().position(|end| *end > bytes).unwrap_or(self.page_ends.len() - 1);
        self.slots_at_page[page] * 20
    }
}
