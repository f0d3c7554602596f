//! The hold music, composed for Patchbay: sixteen slow bars in D major, which end where they begin.

use super::synth::{Ring, bass, pad, piano, pluck, room};
use audio::pcm::{Noise, Pcm};

/// One loop of it, 53.76 seconds, circular.
pub fn hold_music() -> Pcm {
    let length = BARS.len() * 4 * BEAT_SAMPLES;
    let mut hands = Noise::seeded(4);
    let (mut chords, mut melody) = (Ring::new(length), Ring::new(length));
    for (bar, (root, chord, tune)) in BARS.iter().enumerate() {
        let start = bar * 4 * BEAT_SAMPLES;
        let beat = |at: f32| start + (at * BEAT_SAMPLES as f32) as usize;
        for &note in *chord {
            chords.add(beat(0.0), 0.044, pad(note, 4.0 * BEAT_SECS));
        }
        chords.add(beat(0.0), 0.14, bass(*root, 1.6 * BEAT_SECS));
        chords.add(beat(2.5), 0.09, bass(root + 7, 1.2 * BEAT_SECS));
        // A chord on the one, a lighter one before the three of every other bar.
        strum(&mut chords, beat(0.0), 0.105, chord, 2.2 * BEAT_SECS, 0.6, &mut hands);
        if bar % 2 == 0 {
            strum(&mut chords, beat(2.5), 0.07, chord, 1.3 * BEAT_SECS, 0.3, &mut hands);
        } else {
            broken(&mut chords, beat(2.0), chord, &mut hands);
        }
        for &(at, note) in *tune {
            let touch = 0.62 + 0.16 * hands.next_sample();
            let late = (400.0 * (1.0 + hands.next_sample())) as usize;
            let string = pluck(note, touch, &mut hands);
            melody.add(beat(at) + late, 0.62 * touch, string);
            // The piano doubles the melody an octave below, hardly there.
            melody.add(beat(at) + late, 0.05, piano(note - 12, 0.8, 0.2));
        }
    }
    let mut all = Ring::new(length);
    all.mix(1.0, &chords);
    all.mix(1.0, &melody);
    let mut send = Ring::new(length);
    send.mix(0.5, &chords);
    send.mix(1.0, &melody);
    all.mix(0.34, &room(&send));
    air(&mut all, &mut hands);
    Pcm::new(all.0)
}

/// A breath of noise, as a room has.
fn air(ring: &mut Ring, noise: &mut Noise) {
    let mut low = 0.0;
    let breath: Vec<f32> = (0..ring.0.len())
        .map(|_| {
            low += 0.3 * (noise.next_sample() - low);
            low
        })
        .collect();
    ring.add(0, AIR, breath.into_iter());
}

/// The notes of a chord from below, a hair apart as fingers are.
fn strum(ring: &mut Ring, at: usize, gain: f32, chord: &[u8], held: f32, touch: f32, hands: &mut Noise) {
    for (n, &note) in chord.iter().enumerate() {
        let late = n * 700 + (300.0 * (1.0 + hands.next_sample())) as usize;
        let soft = 1.0 + 0.12 * hands.next_sample();
        ring.add(at + late, gain * soft, piano(note, held, touch));
    }
}

/// The notes of a chord one after the other, in eighths.
fn broken(ring: &mut Ring, at: usize, chord: &[u8], hands: &mut Noise) {
    for (n, &note) in chord.iter().enumerate() {
        let soft = 1.0 + 0.15 * hands.next_sample();
        ring.add(at + n * BEAT_SAMPLES / 2, 0.075 * soft, piano(note, 0.9 * BEAT_SECS, 0.35));
    }
}

/// The breath's level: about 45 dB below the music.
const AIR: f32 = 0.003;
/// 42 frames of 20 ms: 71.4 beats a minute, and a loop of whole frames.
const BEAT_SAMPLES: usize = 40_320;
const BEAT_SECS: f32 = BEAT_SAMPLES as f32 / 48_000.0;

/// Bass note, chord, melody (beat and note) of a bar. MIDI notes: 60 is middle C.
type Bar = (u8, &'static [u8], &'static [(f32, u8)]);

const BARS: [Bar; 16] = [
    (50, &[57, 61, 64, 66], &[(0.0, 69), (1.0, 74), (2.0, 78)]),
    (47, &[57, 61, 62, 66], &[(0.0, 76), (1.5, 74), (2.0, 73), (3.0, 71)]),
    (43, &[57, 59, 62, 66], &[(0.0, 74), (1.0, 71), (2.0, 69)]),
    (45, &[55, 59, 62, 66], &[(0.0, 71), (1.0, 69), (2.0, 64)]),
    (54, &[57, 61, 64, 66], &[(0.5, 69), (1.0, 73), (2.0, 76), (3.0, 73)]),
    (47, &[57, 61, 62, 66], &[(0.0, 74), (1.5, 78), (2.0, 81)]),
    (52, &[55, 59, 62, 66], &[(0.0, 79), (1.0, 78), (2.0, 76), (3.0, 74)]),
    (45, &[55, 57, 62, 64], &[(0.0, 76), (1.5, 74), (2.0, 76)]),
    (43, &[57, 59, 62, 66], &[(0.0, 71), (0.5, 74), (1.0, 78), (2.0, 81)]),
    (43, &[57, 61, 64, 69], &[(0.0, 76), (1.0, 73), (2.0, 69), (3.0, 73)]),
    (54, &[57, 61, 64, 69], &[(0.0, 76), (1.5, 73), (2.0, 69)]),
    (47, &[57, 62, 66, 69], &[(0.0, 74), (1.0, 73), (2.0, 71), (3.0, 66)]),
    (52, &[55, 59, 62, 66], &[(0.0, 67), (1.0, 71), (2.0, 74), (2.5, 76), (3.0, 78)]),
    (45, &[55, 59, 62, 66], &[(0.0, 76), (2.0, 74), (3.0, 71)]),
    (50, &[57, 61, 64, 66], &[(0.0, 74), (1.0, 69), (2.0, 66)]),
    (45, &[55, 59, 62, 64], &[(2.0, 69), (3.0, 71)]),
];
