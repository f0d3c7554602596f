//! What the callers say: one real voice, encoded once, every packet different from every other.

use std::collections::HashSet;

use audio::limits::Limits;

/// A ring of Opus packets of 20 ms. Its packets are all different, so a packet heard says which one was sent.
pub struct Ring {
    packets: Vec<Vec<u8>>,
}

impl Ring {
    /// The voice that comes with the harness.
    ///
    /// # Errors
    /// If the file that comes with the harness cannot be read.
    pub fn voice() -> Result<Self, audio::ogg_opus::ReadError> {
        let limits = Limits { bytes_max: VOICE.len(), samples_max: u64::from(u32::MAX) };
        let links = audio::ogg_opus::read(VOICE, &limits)?;
        let mut seen = HashSet::new();
        let packets = links.into_iter().flat_map(|link| link.packets);
        let fits = |packet: &Vec<u8>| (PACKET_BYTES_MIN..=PACKET_BYTES_MAX).contains(&packet.len());
        Ok(Self { packets: packets.filter(fits).filter(|packet| seen.insert(packet.clone())).collect() })
    }

    /// How many packets.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The packet at `at`, counted round.
    pub fn packet(&self, at: u64) -> &[u8] {
        let len = self.packets.len().max(1) as u64;
        self.packets.get((at % len) as usize).map_or(&[], Vec::as_slice)
    }
}

const VOICE: &[u8] = include_bytes!("../../assets/sample-voice.ogg");
/// Shorter ones are silence, and silence is alike.
const PACKET_BYTES_MIN: usize = 8;
const PACKET_BYTES_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voice_lasts_some_seconds_and_goes_round() {
        let ring = Ring::voice().unwrap();
        assert!(ring.len() > 150, "{} packets", ring.len());
        assert_eq!(ring.packet(0), ring.packet(ring.len() as u64));
        assert_ne!(ring.packet(0), ring.packet(1));
    }
}
