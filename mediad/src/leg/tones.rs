//! Key presses as sound: the two tones of a key (ITU-T Q.23) found in a decoded voice, for lines that know no better.

use audio::limits::{PACKET_SAMPLES_MAX, RATE_HZ, WIDE_FRAME_SAMPLES, WIDE_RATE_HZ};
use audio::opus::Decoder;
use protocol::Digit;

/// Listens to one voice, block by block of 20 ms.
#[derive(Debug)]
pub struct Tones {
    decoder: Decoder,
    /// Decoded and not yet looked at.
    rest: Vec<f32>,
    /// What the last blocks held, oldest first.
    blocks: [Option<u8>; PRESS_BLOCKS],
    /// The key that is held; it counts again only after a pause.
    held: Option<u8>,
    pause_blocks: u32,
}

impl Tones {
    /// Listens from now on; nothing if there is no memory for a decoder.
    pub fn new() -> Option<Self> {
        Some(Self {
            decoder: Decoder::wide().ok()?,
            rest: Vec::with_capacity(2 * PACKET_SAMPLES_MAX / RATIO),
            blocks: [None; PRESS_BLOCKS],
            held: None,
            pause_blocks: 0,
        })
    }

    /// Takes a voice packet. Gives the key that was pressed, once a press.
    pub fn take(&mut self, payload: &[u8]) -> Option<Digit> {
        let from = self.rest.len().min(WIDE_FRAME_SAMPLES);
        self.rest.resize(from + PACKET_SAMPLES_MAX / RATIO, 0.0);
        let made = self.decoder.decode(payload, self.rest.get_mut(from..)?).unwrap_or(0);
        self.rest.truncate(from + made);
        let mut pressed = None;
        while let Some(block) = self.rest.first_chunk::<WIDE_FRAME_SAMPLES>() {
            let key = key_of(block);
            pressed = pressed.or(self.count(key));
            self.rest.drain(..WIDE_FRAME_SAMPLES);
        }
        pressed.and_then(Digit::from_event)
    }

    /// A key counts when [`PRESS_BLOCKS`] in a row hold it, and again when as many have not.
    fn count(&mut self, key: Option<u8>) -> Option<u8> {
        self.blocks.rotate_left(1);
        *self.blocks.last_mut()? = key;
        self.pause_blocks = if key.is_some() && key == self.held { 0 } else { self.pause_blocks + 1 };
        if self.pause_blocks >= PAUSE_BLOCKS {
            self.held = None;
        }
        let steady = key.filter(|key| self.blocks.iter().all(|block| *block == Some(*key)));
        if steady.is_none() || steady == self.held {
            return None;
        }
        self.pause_blocks = 0;
        self.held = steady;
        steady
    }
}

/// The key whose two tones a block holds, if it holds hardly anything else.
fn key_of(block: &[f32; WIDE_FRAME_SAMPLES]) -> Option<u8> {
    let energy: f32 = block.iter().map(|sample| sample * sample).sum();
    if energy < LEVEL_MIN * LEVEL_MIN * WIDE_FRAME_SAMPLES as f32 {
        return None;
    }
    let low = LOW_HZ.map(|hz| power(block, hz));
    let high = HIGH_HZ.map(|hz| power(block, hz));
    let (row, row_power) = strongest(&low)?;
    let (column, column_power) = strongest(&high)?;
    // Q.24: the two levels may differ, the high tone may be the stronger one by less.
    let twisted = column_power > row_power * TWIST_MAX || row_power > column_power * TWIST_MAX;
    // A pure tone of this energy has half of it, times the block, in its bin.
    let share = (row_power + column_power) / (energy * WIDE_FRAME_SAMPLES as f32 / 2.0);
    let alone = |powers: &[f32; 4], at: usize, best: f32| {
        powers.iter().enumerate().all(|(n, power)| n == at || *power * NEIGHBOUR_MIN < best)
    };
    let clean = share >= SHARE_MIN && alone(&low, row, row_power) && alone(&high, column, column_power);
    (clean && !twisted).then(|| KEYS[row][column])
}

fn strongest(powers: &[f32; 4]) -> Option<(usize, f32)> {
    powers.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Goertzel: the power of one frequency.
fn power(block: &[f32; WIDE_FRAME_SAMPLES], hz: f32) -> f32 {
    let step = 2.0 * (std::f32::consts::TAU * hz / WIDE_RATE_HZ as f32).cos();
    let (mut last, mut before) = (0.0f32, 0.0f32);
    for sample in block {
        (last, before) = (sample + step * last - before, last);
    }
    last * last + before * before - step * last * before
}

/// Q.23.
const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The RFC 4733 events of the keys by row and column: 1 2 3 A, 4 5 6 B, 7 8 9 C, * 0 # D.
const KEYS: [[u8; 4]; 4] = [[1, 2, 3, 12], [4, 5, 6, 13], [7, 8, 9, 14], [10, 0, 11, 15]];
/// Blocks in a row that make a press: 40 ms and the frame around it, as Q.24 asks.
const PRESS_BLOCKS: usize = 2;
/// Blocks without the key that end a press.
const PAUSE_BLOCKS: u32 = 2;
/// −36 dBFS.
const LEVEL_MIN: f32 = 0.016;
/// 8 dB.
const TWIST_MAX: f32 = 6.3;
/// Of a block's energy, what the two tones must hold. A voice holds far less in two lines.
const SHARE_MIN: f32 = 0.6;
/// 6 dB above every other tone of its group: 20 ms tell neighbours apart no better.
const NEIGHBOUR_MIN: f32 = 4.0;
const RATIO: usize = (RATE_HZ / WIDE_RATE_HZ) as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use audio::clip::Clip;
    use audio::opus::{Preset, encode_all};
    use audio::pcm::Pcm;

    /// Keys as a browser would send them: `tone_ms` each, `pause_ms` between, over some noise.
    fn dial(keys: &str, tone_ms: u32, pause_ms: u32, dbfs: f32, twist_db: f32) -> Vec<Vec<u8>> {
        let mut sound = Pcm::noise(1, -55.0, 200 + keys.len() as u32 * (tone_ms + pause_ms));
        for (n, key) in keys.chars().enumerate() {
            let event = Digit::try_from(key).unwrap().event();
            let place = |row: &usize| KEYS[*row].contains(&event);
            let row = (0..4).find(place).unwrap();
            let column = KEYS[row].iter().position(|have| *have == event).unwrap();
            let at = 48 * (100 + n as u32 * (tone_ms + pause_ms)) as usize;
            sound.add(&Pcm::tone(LOW_HZ[row], dbfs, tone_ms).samples, at);
            sound.add(&Pcm::tone(HIGH_HZ[column], dbfs + twist_db, tone_ms).samples, at);
        }
        encode_all(Preset::Live, &sound.samples).unwrap()
    }

    fn heard(packets: &[Vec<u8>]) -> String {
        let mut tones = Tones::new().unwrap();
        packets.iter().filter_map(|packet| tones.take(packet)).map(Digit::as_char).collect()
    }

    #[test]
    fn every_key_is_heard_once_through_a_browsers_codec() {
        let all = "1234567890*#ABCD";
        for (tone_ms, pause_ms, dbfs, twist_db) in
            [(100, 100, -14.0, 0.0), (80, 60, -20.0, 2.0), (70, 70, -10.0, -4.0), (250, 150, -26.0, 0.0)]
        {
            assert_eq!(heard(&dial(all, tone_ms, pause_ms, dbfs, twist_db)), all, "{tone_ms} ms at {dbfs} dBFS");
        }
        assert_eq!(heard(&dial("55", 100, 80, -14.0, 0.0)), "55", "the same key twice");
        assert_eq!(heard(&dial("7", 2_000, 0, -14.0, 0.0)), "7", "a key that is held");
    }

    #[test]
    fn speech_music_and_single_tones_are_no_keys() {
        let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/../audio/assets/");
        for name in ["demo/menu", "demo/hours", "demo/apology", "demo/welcome", "hold-music", "ringback", "warning"] {
            let clip = Clip::read(&std::fs::read(format!("{assets}{name}.ogg")).unwrap()).unwrap();
            let packets: Vec<Vec<u8>> = clip.packets().map(<[u8]>::to_vec).collect();
            assert_eq!(heard(&packets), "", "{name}");
        }
        for hz in [697.0, 1_209.0, 1_000.0] {
            assert_eq!(heard(&encode_all(Preset::Live, &Pcm::tone(hz, -14.0, 1_000).samples).unwrap()), "", "{hz} Hz");
        }
        assert_eq!(heard(&encode_all(Preset::Live, &Pcm::noise(3, -20.0, 2_000).samples).unwrap()), "");
    }
}
