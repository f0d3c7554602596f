//! The instruments: electric piano, pad, bass, plucked string, bell, and a room. All are added onto a ring, so that what
//! rings on at the end is heard at the beginning.

use audio::pcm::{Noise, Pcm, samples_of_ms};
use std::f32::consts::TAU;

/// A loop of sound: adding beyond its end goes on at its beginning.
pub struct Ring(pub Vec<f32>);

impl Ring {
    pub fn new(samples: usize) -> Ring {
        Ring(vec![0.0; samples])
    }

    pub fn add(&mut self, at: usize, gain: f32, sound: impl Iterator<Item = f32>) {
        let length = self.0.len();
        for (n, sample) in sound.enumerate() {
            self.0[(at + n) % length] += gain * sample;
        }
    }

    /// Adds `other`, sample by sample.
    pub fn mix(&mut self, gain: f32, other: &Ring) {
        self.0.iter_mut().zip(&other.0).for_each(|(to, from)| *to += gain * from);
    }
}

/// The pitch of a MIDI note.
pub fn hz(note: u8) -> f32 {
    440.0 * ((f32::from(note) - 69.0) / 12.0).exp2()
}

/// A soft electric piano: two operators, the bite fading faster than the tone, and a short tine above.
pub fn piano(note: u8, held: f32, touch: f32) -> impl Iterator<Item = f32> {
    let pitch = hz(note);
    let life = 2.6 - (f32::from(note) - 60.0) * 0.03;
    seconds(held + 1.2).map(move |t| {
        let damp = release(t, held, 0.28);
        let body = (-t / life).exp() * attack(t, 0.004) * damp;
        let bite = (0.7 + 1.4 * touch) * (-t / 0.35).exp();
        let tine = 0.07 * touch * (-t / 0.12).exp() * (TAU * pitch * 7.0 * t).sin();
        body * ((TAU * pitch * t + bite * (TAU * pitch * t).sin()).sin() + tine)
    })
}

/// A slow, warm chord voice: two strings a hair apart, with enough overtones that no part of the band is empty (a decoder
/// that enters the music after speech guesses the level of empty bands too high).
pub fn pad(note: u8, held: f32) -> impl Iterator<Item = f32> {
    let pitch = hz(note);
    seconds(held + 1.6).map(move |t| {
        let swell = (t / 1.1).min(1.0);
        let level = swell * swell * (3.0 - 2.0 * swell) * release(t, held, 0.55);
        let voice = |pitch: f32| {
            (1..=PAD_HARMONICS).map(|h| (TAU * pitch * f32::from(h) * t).sin() / f32::from(h).powf(1.22)).sum::<f32>()
        };
        level * 0.5 * (voice(pitch * 0.9988) + voice(pitch * 1.0012))
    })
}

/// A round bass; the second and third harmonic carry it through small loudspeakers.
pub fn bass(note: u8, held: f32) -> impl Iterator<Item = f32> {
    let pitch = hz(note);
    seconds(held + 0.4).map(move |t| {
        let level = attack(t, 0.012) * (-t / 1.6).exp() * release(t, held, 0.08);
        let tone = (TAU * pitch * t).sin() + 0.45 * (TAU * 2.0 * pitch * t).sin() + 0.2 * (TAU * 3.0 * pitch * t).sin();
        level * tone
    })
}

/// A nylon string (Karplus and Strong): filtered noise in a loop one period long, tuned by interpolation.
pub fn pluck(note: u8, touch: f32, noise: &mut Noise) -> impl Iterator<Item = f32> + use<> {
    // The averaging filter below delays by half a sample.
    let period = 48_000.0 / hz(note) - 0.5;
    let (whole, part) = (period as usize, period.fract());
    let mut string: Vec<f32> = (0..=whole).map(|_| noise.next_sample()).collect();
    // A soft finger: the quieter, the duller.
    for _ in 0..(1.0 + 6.0 * (1.0 - touch)) as usize {
        let first = string[0];
        for n in 0..string.len() {
            let next = string.get(n + 1).copied().unwrap_or(first);
            string[n] = 0.5 * (string[n] + next);
        }
    }
    let middle = string.iter().sum::<f32>() / string.len() as f32;
    let peak = string.iter().fold(0.01f32, |peak, s| peak.max((s - middle).abs()));
    string.iter_mut().for_each(|s| *s = (*s - middle) / peak);
    let decay = 0.9965 - (f32::from(note) - 60.0) * 0.00008;
    let mut at = 0;
    let mut last = 0.0;
    seconds(2.4).map(move |t| {
        let length = string.len();
        let (a, b) = (string[at], string[(at + 1) % length]);
        let sample = a + (b - a) * (1.0 - part);
        string[at] = decay * 0.5 * (sample + last);
        last = sample;
        at = (at + 1) % length;
        sample * attack(t, 0.002) * (1.0 - t / 2.4)
    })
}

/// Two bell notes, one after the other: asks for attention without alarm.
pub fn chime(notes_hz: &[f32]) -> Pcm {
    let mut sound = Pcm::silence(900);
    for (n, pitch) in notes_hz.iter().enumerate() {
        let bell: Vec<f32> = seconds(0.62)
            .map(|t| {
                let ends = (1.0 - t / 0.62).min(1.0);
                0.16 * attack(t, 0.006)
                    * ends
                    * (-t / 0.22).exp()
                    * ((TAU * pitch * t).sin() + 0.3 * (TAU * pitch * 2.0 * t).sin())
            })
            .collect();
        sound.add(&bell, n * samples_of_ms(220));
    }
    sound
}

/// A small room around a ring: four combs and two all-passes, run through twice so that it, too, is a loop.
pub fn room(dry: &Ring) -> Ring {
    let mut wet = Ring::new(dry.0.len());
    let mut lines: Vec<Line> = COMBS.iter().map(|(length, feedback)| Line::new(*length, *feedback)).collect();
    let mut diffusers: Vec<Line> = DIFFUSERS.iter().map(|length| Line::new(*length, 0.6)).collect();
    for _ in 0..2 {
        for (to, from) in wet.0.iter_mut().zip(&dry.0) {
            let mut sample = lines.iter_mut().map(|line| line.comb(*from)).sum::<f32>() * 0.25;
            for diffuser in &mut diffusers {
                sample = diffuser.all_pass(sample);
            }
            *to = sample;
        }
    }
    wet
}

struct Line {
    samples: Vec<f32>,
    at: usize,
    feedback: f32,
    low: f32,
}

impl Line {
    fn new(length: usize, feedback: f32) -> Line {
        Line { samples: vec![0.0; length], at: 0, feedback, low: 0.0 }
    }

    fn comb(&mut self, input: f32) -> f32 {
        let out = self.samples[self.at];
        // Walls take the highs first.
        self.low += 0.45 * (out - self.low);
        self.put(input + self.feedback * self.low);
        out
    }

    fn all_pass(&mut self, input: f32) -> f32 {
        let delayed = self.samples[self.at];
        let kept = input + self.feedback * delayed;
        self.put(kept);
        delayed - self.feedback * kept
    }

    fn put(&mut self, sample: f32) {
        self.samples[self.at] = sample;
        self.at = (self.at + 1) % self.samples.len();
    }
}

fn seconds(length: f32) -> impl Iterator<Item = f32> {
    (0..(length * 48_000.0) as usize).map(|n| n as f32 / 48_000.0)
}

fn attack(t: f32, rise: f32) -> f32 {
    (t / rise).min(1.0)
}

fn release(t: f32, held: f32, fall: f32) -> f32 {
    if t < held { 1.0 } else { (-(t - held) / fall).exp() }
}

const PAD_HARMONICS: u8 = 14;
const COMBS: [(usize, f32); 4] = [(2_113, 0.82), (2_399, 0.80), (2_687, 0.78), (2_999, 0.76)];
const DIFFUSERS: [usize; 2] = [523, 197];
