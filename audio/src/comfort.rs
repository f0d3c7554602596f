//! Packets to send when there is nothing to say: soft noise that never repeats audibly.

use crate::limits::FRAME_SAMPLES;
use crate::opus::{Encoder, OpusError, Preset};
use crate::pcm::{Noise, from_db, rms_dbfs};

/// A ring of [`COMFORT_PACKETS`] CELT packets of noise at [`COMFORT_DBFS`]. Made once at start, shared by every leg.
///
/// Each packet is independent of the one before (prediction is off), so the ring may be entered and left anywhere and has
/// no loop point; 64 of them do not buzz as one repeated packet would (its period is 20 ms: 50 Hz).
#[derive(Debug, Clone)]
pub struct ComfortNoise {
    packets: Vec<Box<[u8]>>,
}

impl ComfortNoise {
    /// Makes the ring; the same for the same seed. Costs about 64 encodes (5 ms).
    pub fn seeded(seed: u64) -> Result<ComfortNoise, OpusError> {
        let mut samples = soft_noise(seed, (COMFORT_PACKETS + WARM_UP) * FRAME_SAMPLES);
        let gain = from_db(COMFORT_DBFS - rms_dbfs(&samples));
        samples.iter_mut().for_each(|s| *s *= gain);
        let mut encoder = Encoder::new(Preset::Comfort)?;
        let mut packets = Vec::with_capacity(COMFORT_PACKETS);
        for (at, frame) in samples.chunks(FRAME_SAMPLES).enumerate() {
            let packet = encoder.encode(frame)?;
            if at >= WARM_UP {
                packets.push(packet.into_boxed_slice());
            }
        }
        Ok(ComfortNoise { packets })
    }

    /// The packet for a leg's `turn`-th silent slot; turns wrap around.
    pub fn packet(&self, turn: usize) -> &[u8] {
        &self.packets[turn % self.packets.len()]
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

/// White noise through a gentle low-pass, as a quiet room sounds.
fn soft_noise(seed: u64, samples: usize) -> Vec<f32> {
    let mut noise = Noise::seeded(seed);
    let mut low = 0.0f32;
    (0..samples)
        .map(|_| {
            low += LOW_PASS * (noise.next_sample() - low);
            low
        })
        .collect()
}

/// Packets in the ring.
pub const COMFORT_PACKETS: usize = 64;
/// Level of the noise, RMS.
pub const COMFORT_DBFS: f32 = -60.0;
/// Packets thrown away while the encoder settles.
const WARM_UP: usize = 4;
/// One-pole coefficient: about 2 kHz.
const LOW_PASS: f32 = 0.23;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{opus, toc};

    #[test]
    fn every_packet_is_celt_twenty_milliseconds_and_quiet_wherever_one_enters() {
        let ring = ComfortNoise::seeded(7).unwrap();
        assert_eq!(ring.len(), COMFORT_PACKETS);
        for turn in 0..COMFORT_PACKETS {
            let packet = ring.packet(turn);
            assert!(packet.len() >= 3 && toc::is_celt_only(packet[0]) && toc::is_20_ms(packet), "{turn}");
        }
        for start in [0, 17, 63] {
            let packets: Vec<&[u8]> = (0..200).map(|n| ring.packet(start + n)).collect();
            let level = rms_dbfs(&opus::decode_all(&packets).unwrap()[FRAME_SAMPLES..]);
            assert!((level - COMFORT_DBFS).abs() < 3.0, "{level} dBFS from packet {start}");
        }
    }

    #[test]
    fn the_ring_is_the_same_for_the_same_seed_and_does_not_repeat_itself() {
        let (a, b, c) =
            (ComfortNoise::seeded(1).unwrap(), ComfortNoise::seeded(1).unwrap(), ComfortNoise::seeded(2).unwrap());
        assert!((0..COMFORT_PACKETS).all(|n| a.packet(n) == b.packet(n)));
        assert!((0..COMFORT_PACKETS).any(|n| a.packet(n) != c.packet(n)));
        let packets: Vec<&[u8]> = (0..COMFORT_PACKETS).map(|n| a.packet(n)).collect();
        let sound = opus::decode_all(&packets).unwrap();
        let (one, next) = (&sound[..sound.len() - FRAME_SAMPLES], &sound[FRAME_SAMPLES..]);
        let dot: f32 = one.iter().zip(next).map(|(x, y)| x * y).sum();
        let power: f32 = one.iter().map(|x| x * x).sum();
        assert!((dot / power).abs() < 0.2, "autocorrelation at 20 ms is {}", dot / power);
    }
}
