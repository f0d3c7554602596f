//! What a scripted phone hears: every Opus packet with its time, and files made of it on demand.

use std::sync::Arc;
use std::time::Instant;

use audio::limits::FRAME_SAMPLES;
use audio::ogg_opus::{OpusHead, OpusTags, Writer};
use audio::opus::Decoder;
use audio::pcm::Pcm;
use audio::toc::CELT_SILENCE;
use serde_json::{Value, json};

/// Packets in order of arrival, on a clock that starts at `accept`.
#[derive(Debug, Default)]
pub struct Heard {
    opened: Option<Instant>,
    packets: Vec<Frame>,
}

#[derive(Debug, Clone)]
struct Frame {
    at_ms: u64,
    /// Slot of 20 ms by RTP timestamp, counted from `accept`.
    slot: u64,
    payload: Arc<[u8]>,
}

impl Heard {
    /// `accept`: the clock starts.
    pub fn open(&mut self, now: Instant) {
        self.opened.get_or_insert(now);
    }

    /// An Opus packet of the business, `rtp` samples (48 kHz) after its first packet.
    pub fn take(&mut self, now: Instant, rtp: u64, payload: &Arc<[u8]>) {
        let Some(opened) = self.opened else { return };
        if self.packets.len() >= PACKETS_MAX {
            return;
        }
        let at_ms = u64::try_from(now.saturating_duration_since(opened).as_millis()).unwrap_or(u64::MAX);
        let first_ms = self.packets.first().map_or(at_ms, |first| first.at_ms);
        let slot = first_ms / 20 + rtp / FRAME_SAMPLES as u64;
        self.packets.push(Frame { at_ms, slot, payload: Arc::clone(payload) });
    }

    /// How much there is.
    pub fn view(&self) -> Value {
        json!({
            "packets": self.packets.len(),
            "first_ms": self.packets.first().map(|frame| frame.at_ms),
            "last_ms": self.packets.last().map(|frame| frame.at_ms),
        })
    }

    /// An Ogg Opus file: the packets as they came, and 20 ms of silence for each slot that nothing came for.
    pub fn ogg(&self) -> Vec<u8> {
        let tags = OpusTags::ours(&[("TITLE", "what the caller heard")]);
        let (mut writer, mut file) = Writer::new(&OpusHead::mono(0), &tags, SERIAL, 500);
        for packet in self.slots() {
            let payload = packet.map_or_else(|| CELT_SILENCE.to_vec(), |payload| payload.to_vec());
            let samples = audio::toc::packet_samples(&payload).unwrap_or(FRAME_SAMPLES);
            file.extend(writer.push(payload, samples).unwrap_or_default());
        }
        file.extend(writer.finish(0));
        file
    }

    /// A WAV of the same. None if the decoder cannot be made.
    pub fn wav(&self) -> Option<Vec<u8>> {
        let mut decoder = Decoder::new().ok()?;
        let mut samples = Vec::new();
        let mut frame = vec![0f32; audio::limits::PACKET_SAMPLES_MAX];
        for packet in self.slots() {
            let decoded = match packet {
                Some(payload) => decoder.decode(payload, &mut frame).unwrap_or(0),
                None => 0,
            };
            if decoded == 0 {
                samples.extend(std::iter::repeat_n(0f32, FRAME_SAMPLES));
            } else {
                samples.extend(frame.iter().take(decoded));
            }
        }
        Some(Pcm::new(samples).to_wav())
    }

    /// One entry a slot from `accept` on; late and doubled packets stay out.
    fn slots(&self) -> Vec<Option<&Arc<[u8]>>> {
        let mut slots: Vec<Option<&Arc<[u8]>>> = Vec::new();
        for frame in &self.packets {
            let Ok(slot) = usize::try_from(frame.slot) else { continue };
            if slot >= PACKETS_MAX {
                continue;
            }
            if slot >= slots.len() {
                slots.resize(slot + 1, None);
            }
            slots[slot] = Some(&frame.payload);
        }
        slots
    }
}

/// An hour.
const PACKETS_MAX: usize = 180_000;
const SERIAL: u32 = 0x5048_4f4e;
