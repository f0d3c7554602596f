//! One voice of a mix as sound: its packets decoded, what is missing recovered or concealed, 20 ms at a time.

use std::time::Instant;

use audio::limits::{PACKET_SAMPLES_MAX, RATE_HZ, WIDE_FRAME_SAMPLES, WIDE_RATE_HZ};
use audio::opus::Decoder;
use protocol::limits::FRAME_TICKS;

use super::jitter::{Jitter, Next};
use crate::base::slots::Slot;

/// Someone who is heard in a mix.
#[derive(Debug)]
pub struct Speaker {
    /// Its seat.
    pub seat: Slot,
    /// Its packets.
    pub jitter: Jitter,
    /// None if there was no memory for one: then the speaker is silent.
    decoder: Option<Decoder>,
    /// Decoded and not yet said.
    rest: Vec<f32>,
    frame: Box<[f32; WIDE_FRAME_SAMPLES]>,
    level: f32,
    concealed_in_row: u32,
    quiet_frames: u32,
    silent_frames: u32,
    /// Frames that were made up for lost packets.
    pub concealed: u64,
}

impl Speaker {
    /// A speaker who has said nothing yet.
    pub fn new(now: Instant, seat: Slot) -> Self {
        Self {
            seat,
            jitter: Jitter::new(now),
            decoder: Decoder::wide().ok(),
            rest: Vec::with_capacity(2 * PACKET_SAMPLES_MAX / RATIO),
            frame: Box::new([0.0; WIDE_FRAME_SAMPLES]),
            level: 0.0,
            concealed_in_row: 0,
            quiet_frames: u32::MAX,
            silent_frames: u32::MAX,
            concealed: 0,
        }
    }

    /// Makes the frame of `now`.
    pub fn speak(&mut self, now: Instant) {
        // A packet fills 2.5 ms at least, so a frame is full after a few.
        for _ in 0..PACKETS_A_FRAME_MAX {
            if self.rest.len() >= WIDE_FRAME_SAMPLES {
                break;
            }
            self.decode_next(now);
        }
        self.rest.resize(self.rest.len().max(WIDE_FRAME_SAMPLES), 0.0);
        for (to, from) in self.frame.iter_mut().zip(self.rest.drain(..WIDE_FRAME_SAMPLES)) {
            *to = from;
        }
        let power: f32 = self.frame.iter().map(|sample| sample * sample).sum();
        self.level = (power / WIDE_FRAME_SAMPLES as f32).sqrt();
        let count = |below: f32, frames: u32| if self.level < below { frames.saturating_add(1) } else { 0 };
        self.quiet_frames = count(QUIET_LEVEL, self.quiet_frames);
        self.silent_frames = count(SILENT_LEVEL, self.silent_frames);
    }

    /// The frame made last.
    pub fn frame(&self) -> &[f32; WIDE_FRAME_SAMPLES] {
        &self.frame
    }

    /// For how many frames it has not spoken.
    pub fn quiet_frames(&self) -> u32 {
        self.quiet_frames
    }

    /// For how many frames nothing at all was to be heard of it.
    pub fn silent_frames(&self) -> u32 {
        self.silent_frames
    }

    fn decode_next(&mut self, now: Instant) {
        let quiet = self.level < QUIET_LEVEL;
        let from = self.rest.len();
        let (next, ticks) = self.jitter.next(now, quiet);
        let samples = usize::try_from(ticks).unwrap_or(0) / RATIO;
        let Some(decoder) = self.decoder.as_mut() else { return self.rest.resize(from + samples, 0.0) };
        // libopus makes up sound in steps of 2.5 ms.
        let whole_steps = (samples / STEP_SAMPLES).max(1) * STEP_SAMPLES;
        let conceal = self.concealed_in_row < CONCEAL_FRAMES_MAX;
        let room = if matches!(next, Next::Packet(_)) { PACKET_SAMPLES_MAX / RATIO } else { whole_steps };
        self.rest.resize(from + room, 0.0);
        let Some(out) = self.rest.get_mut(from..) else { return };
        let made = match next {
            Next::Packet(packet) => decoder.decode(packet, out),
            Next::Copy(packet) => decoder.recover(packet, out),
            Next::Lost if conceal => decoder.conceal(out),
            Next::Lost | Next::Nothing => Ok(whole_steps),
        };
        match next {
            Next::Packet(_) => self.concealed_in_row = 0,
            Next::Copy(_) | Next::Lost => {
                self.concealed_in_row = self.concealed_in_row.saturating_add(1);
                self.concealed += 1;
            }
            Next::Nothing => {}
        }
        // A packet that cannot be decoded is a frame of silence.
        let made = made.unwrap_or(samples.max(STEP_SAMPLES)).min(room.max(samples));
        self.rest.resize(from + made, 0.0);
    }
}

/// RTP ticks a sample.
const RATIO: usize = (RATE_HZ / WIDE_RATE_HZ) as usize;
const STEP_SAMPLES: usize = WIDE_RATE_HZ as usize / 400;
const PACKETS_A_FRAME_MAX: usize = 9;
/// What is made up after a loss fades to silence within this many frames; then it is silence.
const CONCEAL_FRAMES_MAX: u32 = 5;
/// −50 dBFS: below it nobody is taken to speak.
const QUIET_LEVEL: f32 = 0.003_16;
/// −75 dBFS: below it there is not even a room.
const SILENT_LEVEL: f32 = 0.000_178;

const _: () = assert!(FRAME_TICKS as usize / RATIO == WIDE_FRAME_SAMPLES);
