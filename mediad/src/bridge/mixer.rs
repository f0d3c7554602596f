//! Voices summed for those who hear more than one: one mix for all who only listen, one for each who also speaks.

use std::time::{Duration, Instant};

use audio::limits::{FRAME_BYTES_MAX, WIDE_FRAME_SAMPLES};
use audio::opus::{Encoder, Preset};
use audio::toc::CELT_SILENCE;
use protocol::limits::FRAME_TICKS;

use super::jitter::Held;
use super::speaker::Speaker;
use crate::base::slots::Slot;
use crate::leg::sender::{FRAME, SourceId};

/// Mixes for one bridge, every 20 ms on a phase of its own.
#[derive(Debug)]
pub struct Mixer {
    /// Names the mixes among all sources.
    number: u64,
    next: Instant,
    speakers: Vec<Seated>,
    ears: Vec<Listening>,
    mixes: Vec<Mix>,
    mixes_made: u32,
    total: Box<[f32; WIDE_FRAME_SAMPLES]>,
    sum: Box<[f32; WIDE_FRAME_SAMPLES]>,
}

/// Someone who hears a mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// Its seat.
    pub seat: Slot,
    /// It is heard by all, so its own voice is taken out of what it hears.
    pub party: bool,
    /// Someone whispers to it.
    pub whispered: bool,
}

/// Someone who is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Its seat.
    pub seat: Slot,
    /// By whom: all, or this one only.
    pub only_by: Option<Slot>,
}

/// One frame of a mix on its way to an ear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mixed {
    /// The mix as a source of packets.
    pub id: SourceId,
    /// Its running number.
    pub index: u64,
    /// Its clock.
    pub ticks: u64,
    /// Bytes written.
    pub bytes: usize,
}

#[derive(Debug)]
struct Seated {
    speaker: Speaker,
    only_by: Option<Slot>,
    /// It is in the sum: one of the [`FLOOR_MAX`] who spoke last.
    on_floor: bool,
}

#[derive(Debug)]
struct Mix {
    /// Whose; `None` for all who only listen.
    of: Option<Slot>,
    number: u32,
    /// None if there was no memory for one: then the mix is silence.
    encoder: Option<Encoder>,
    limiter: Limiter,
    frames: u64,
    /// Someone was heard since the mix began, so the encoder runs.
    runs: bool,
    silent_frames: u32,
    packet: Vec<u8>,
    loss_percent: u8,
    used: bool,
}

impl Mixer {
    /// A mixer whose first frame is due half a frame after `now`: between two packets, whatever the phase of the ears was.
    /// `number` names it, and `mixes_made` those of its mixes that went before.
    pub fn new(now: Instant, number: u64, mixes_made: u32) -> Self {
        Self {
            number: number | MIX_MARK,
            next: now + FRAME / 2,
            speakers: Vec::new(),
            ears: Vec::new(),
            mixes: Vec::new(),
            mixes_made,
            total: Box::new([0.0; WIDE_FRAME_SAMPLES]),
            sum: Box::new([0.0; WIDE_FRAME_SAMPLES]),
        }
    }

    /// How many mixes there have been: the next mixer of this number goes on from there.
    pub fn mixes_made(&self) -> u32 {
        self.mixes_made
    }

    /// When the next frame is due.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// Who is heard and who hears from now on. Those who stay keep their packets, decoders and encoders.
    pub fn seat(&mut self, now: Instant, heard: &[Heard], ears: Vec<Listening>) {
        self.ears = ears;
        self.speakers.retain(|seated| heard.iter().any(|heard| heard.seat == seated.speaker.seat));
        for heard in heard {
            match self.speakers.iter_mut().find(|seated| seated.speaker.seat == heard.seat) {
                Some(seated) => seated.only_by = heard.only_by,
                None => self.speakers.push(Seated {
                    speaker: Speaker::new(now, heard.seat),
                    only_by: heard.only_by,
                    on_floor: false,
                }),
            }
        }
        if self.parties() <= FLOOR_MAX {
            self.speakers.iter_mut().for_each(|seated| seated.on_floor = true);
        }
    }

    /// The speaker in a seat.
    pub fn speaker(&mut self, seat: Slot) -> Option<&mut Speaker> {
        self.speakers.iter_mut().map(|seated| &mut seated.speaker).find(|speaker| speaker.seat == seat)
    }

    /// What a speaker has said that was not mixed yet.
    pub fn waiting(&self, seat: Slot) -> Option<(Option<SourceId>, &[Held])> {
        let found = self.speakers.iter().find(|seated| seated.speaker.seat == seat)?;
        Some(found.speaker.jitter.waiting())
    }

    /// What the network loses towards the ears of a mix, in percent: its encoder sends copies against it.
    pub fn expect_loss(&mut self, ear: Listening, percent: u8) {
        let of = self.own_mix(ear);
        if let Some(mix) = self.mixes.iter_mut().find(|mix| mix.of == of) {
            mix.loss_percent = mix.loss_percent.max(percent.min(LOSS_PERCENT_MAX));
        }
    }

    /// Makes the frame that is due, if one is: decodes every voice once, encodes every mix once. True if it did.
    pub fn mix(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        let due = self.next;
        let late = now.saturating_duration_since(due) > CATCH_UP;
        self.next = if late { now + FRAME } else { due + FRAME };
        for seated in &mut self.speakers {
            seated.speaker.speak(due);
        }
        self.give_floor();
        self.open_mixes();
        self.total.fill(0.0);
        for seated in self.speakers.iter().filter(|seated| seated.only_by.is_none() && seated.on_floor) {
            add(&mut self.total, seated.speaker.frame(), 1.0);
        }
        let awake = self.speakers.iter().any(|seated| seated.speaker.silent_frames() < AWAKE_FRAMES);
        for mix in &mut self.mixes {
            self.sum.copy_from_slice(&self.total[..]);
            for seated in &self.speakers {
                let own = seated.only_by.is_none() && seated.on_floor && mix.of == Some(seated.speaker.seat);
                let whispered = seated.only_by.is_some() && seated.only_by == mix.of;
                if own || whispered {
                    add(&mut self.sum, seated.speaker.frame(), if own { -1.0 } else { 1.0 });
                }
            }
            mix.encode(&mut self.sum, awake);
        }
        true
    }

    /// The ears, one after the other.
    pub fn ear(&self, at: usize) -> Option<Listening> {
        self.ears.get(at).copied()
    }

    /// What an ear hears in the frame made last; its bytes go to `packet`.
    pub fn frame(&self, ear: Listening, packet: &mut [u8; FRAME_BYTES_MAX]) -> Option<Mixed> {
        let of = self.own_mix(ear);
        let mix = self.mixes.iter().find(|mix| mix.of == of)?;
        let bytes = mix.packet.len().min(FRAME_BYTES_MAX);
        packet.get_mut(..bytes)?.copy_from_slice(mix.packet.get(..bytes)?);
        let id = SourceId { leg: self.number, ssrc: mix.number };
        Some(Mixed { id, index: mix.frames, ticks: mix.frames * u64::from(FRAME_TICKS), bytes })
    }

    /// How many mixes are encoded.
    pub fn mixes(&self) -> usize {
        self.mixes.len()
    }

    /// Frames that were made up for lost packets since this was asked last.
    pub fn take_concealed(&mut self) -> u64 {
        self.speakers.iter_mut().map(|seated| std::mem::take(&mut seated.speaker.concealed)).sum()
    }

    fn parties(&self) -> usize {
        self.speakers.iter().filter(|seated| seated.only_by.is_none()).count()
    }

    /// Whose mix an ear hears: who is not in the sum and hears no whisper hears what all hear.
    fn own_mix(&self, ear: Listening) -> Option<Slot> {
        let on_floor = || self.speakers.iter().any(|seated| seated.speaker.seat == ear.seat && seated.on_floor);
        (ear.whispered || (ear.party && on_floor())).then_some(ear.seat)
    }

    /// In a large conference the sum holds those who spoke last. Who begins to speak takes the place of the one who has
    /// been quiet longest; while all of them speak, nobody is cut off.
    fn give_floor(&mut self) {
        if self.parties() <= FLOOR_MAX {
            return;
        }
        for at in 0..self.speakers.len() {
            let Some(seated) = self.speakers.get(at) else { return };
            if seated.on_floor || seated.only_by.is_some() || seated.speaker.quiet_frames() > 0 {
                continue;
            }
            let on_floor = self.speakers.iter().enumerate();
            let on_floor = on_floor.filter(|(_, seated)| seated.on_floor && seated.only_by.is_none());
            let (count, quietest) =
                on_floor.fold((0, None), |(count, quietest): (usize, Option<(u32, usize)>), (n, seated)| {
                    (count + 1, quietest.max(Some((seated.speaker.quiet_frames(), n))))
                });
            match quietest {
                Some((quiet, n)) if count >= FLOOR_MAX => {
                    if quiet < YIELD_FRAMES {
                        continue;
                    }
                    if let Some(seated) = self.speakers.get_mut(n) {
                        seated.on_floor = false;
                    }
                }
                _ => {}
            }
            if let Some(seated) = self.speakers.get_mut(at) {
                seated.on_floor = true;
            }
        }
    }

    /// One mix for everyone who needs his own, one for all others.
    fn open_mixes(&mut self) {
        self.mixes.iter_mut().for_each(|mix| mix.used = false);
        for at in 0..self.ears.len() {
            let Some(ear) = self.ears.get(at).copied() else { return };
            let of = self.own_mix(ear);
            match self.mixes.iter_mut().find(|mix| mix.of == of) {
                Some(mix) => mix.used = true,
                None => {
                    self.mixes_made += 1;
                    self.mixes.push(Mix::new(of, self.mixes_made));
                }
            }
        }
        self.mixes.retain(|mix| mix.used);
    }
}

impl Mix {
    fn new(of: Option<Slot>, number: u32) -> Self {
        Self {
            of,
            number,
            encoder: Encoder::new(Preset::Mix).ok(),
            limiter: Limiter::default(),
            frames: 0,
            runs: false,
            silent_frames: 0,
            packet: Vec::with_capacity(FRAME_BYTES_MAX),
            loss_percent: 0,
            used: true,
        }
    }

    /// While nobody has spoken, the packet is CELT silence: the encoder begins behind it without a history, and so does
    /// the decoder at the far end (design D5).
    fn encode(&mut self, sum: &mut [f32; WIDE_FRAME_SAMPLES], awake: bool) {
        self.frames += 1;
        self.silent_frames = if awake { 0 } else { self.silent_frames.saturating_add(1) };
        if !awake && self.silent_frames > REST_AFTER_FRAMES && self.runs {
            self.runs = false;
            self.encoder = self.encoder.take().and_then(|mut encoder| encoder.reset().ok().map(|()| encoder));
        }
        self.runs |= awake;
        self.limiter.limit(sum);
        if self.frames.is_multiple_of(LOSS_EVERY_FRAMES) {
            if let Some(encoder) = self.encoder.as_mut() {
                let _ = encoder.expect_loss(self.loss_percent);
            }
            self.loss_percent = 0;
        }
        self.packet.resize(FRAME_BYTES_MAX, 0);
        let encoder = self.encoder.as_mut().filter(|_| self.runs);
        let bytes = encoder.and_then(|encoder| encoder.encode_into(sum, &mut self.packet).ok());
        match bytes.filter(|bytes| *bytes >= CELT_SILENCE.len()) {
            Some(bytes) => self.packet.truncate(bytes),
            None => {
                self.packet.clear();
                self.packet.extend_from_slice(&CELT_SILENCE);
            }
        }
    }
}

/// Keeps a sum of voices below full scale: turned down at once, as a whole and without a step, turned up again slowly.
#[derive(Debug)]
struct Limiter {
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl Limiter {
    fn limit(&mut self, frame: &mut [f32; WIDE_FRAME_SAMPLES]) {
        let peak = frame.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        let wanted = if peak > CEILING { CEILING / peak } else { 1.0 };
        let from = self.gain;
        self.gain = wanted.min(from * RELEASE).min(1.0);
        if from >= 1.0 && self.gain >= 1.0 {
            return;
        }
        for (at, sample) in frame.iter_mut().enumerate() {
            let turned = (at as f32 / RAMP_SAMPLES).min(1.0);
            *sample = (*sample * (from + (self.gain - from) * turned)).clamp(-1.0, 1.0);
        }
    }
}

fn add(sum: &mut [f32; WIDE_FRAME_SAMPLES], frame: &[f32; WIDE_FRAME_SAMPLES], sign: f32) {
    for (sum, sample) in sum.iter_mut().zip(frame) {
        *sum += sign * sample;
    }
}

/// No leg has this bit in its number.
const MIX_MARK: u64 = 1 << 63;
/// Voices in one sum. More at once nobody understands, and nobody has to pay for.
pub const FLOOR_MAX: usize = 6;
/// Half a second of quiet, and another may take the place in the sum.
const YIELD_FRAMES: u32 = 25;
/// Someone who was heard a second ago is still awake.
const AWAKE_FRAMES: u32 = 50;
/// After a second more of silence a mix stops its encoder.
const REST_AFTER_FRAMES: u32 = 50;
/// What an encoder is told to expect: beyond this, copies cost more than they mend.
const LOSS_PERCENT_MAX: u8 = 30;
const LOSS_EVERY_FRAMES: u64 = 100;
/// How late the loop may be before frames are left out.
const CATCH_UP: Duration = Duration::from_millis(100);
/// −1 dBFS.
const CEILING: f32 = 0.891;
/// 1 dB every 100 ms.
const RELEASE: f32 = 1.023;
/// 5 ms.
const RAMP_SAMPLES: f32 = 80.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limiter_keeps_a_loud_sum_below_full_scale_without_a_step_and_lets_go_slowly() {
        let tone = |gain: f32, from: usize| {
            let mut frame = [0.0f32; WIDE_FRAME_SAMPLES];
            for (at, sample) in frame.iter_mut().enumerate() {
                *sample = gain * ((from + at) as f32 * 0.17).sin();
            }
            frame
        };
        let mut limiter = Limiter::default();
        let mut soft = tone(0.5, 0);
        limiter.limit(&mut soft);
        assert_eq!(soft, tone(0.5, 0), "what fits is left as it is");
        let (mut last, mut steepest) = (*soft.last().unwrap(), 0.0f32);
        for n in 1..20 {
            let mut frame = tone(1.7, n * WIDE_FRAME_SAMPLES);
            limiter.limit(&mut frame);
            assert!(frame.iter().all(|sample| sample.abs() <= 1.0));
            if n > 1 {
                assert!(frame.iter().all(|sample| sample.abs() <= CEILING + 0.01));
                steepest = frame.iter().fold(steepest, |worst, sample| {
                    let step = (sample - last).abs();
                    last = *sample;
                    worst.max(step)
                });
            }
            last = *frame.last().unwrap();
        }
        assert!(steepest <= 0.17 * CEILING + 0.01, "{steepest}");
        let mut after = tone(0.5, 0);
        limiter.limit(&mut after);
        assert!(after.iter().fold(0.0f32, |peak, s| peak.max(s.abs())) < 0.5 * 0.6, "turned up slowly");
    }
}
