//! A clip as players use it: its packets, and for music a second packet for each place at which it may be entered.

use audio::clip::{Clip, ClipError};
use audio::limits::FRAME_SAMPLES;
use audio::opus::{Encoder, OpusError, Preset, decode_all};

/// A clip and what was made of it when it was loaded.
#[derive(Debug)]
pub struct Prepared {
    clip: Clip,
    /// Packet `n` sounds like packet `n` of the clip and needs nothing before it.
    entries: Option<Clip>,
}

/// Why a clip cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The codec.
    #[error(transparent)]
    Opus(#[from] OpusError),
    /// What the codec made.
    #[error(transparent)]
    Clip(#[from] ClipError),
}

impl Prepared {
    /// A clip that is played from its beginning: nothing is made for it.
    pub fn plain(clip: Clip) -> Self {
        Self { clip, entries: None }
    }

    /// Music that is entered anywhere, and tones that are left anywhere.
    ///
    /// A CELT packet tells its band energies by their difference from the packet before. A decoder that comes from a
    /// voice has none, and begins at the codec's mean level: where the music is quieter than that, it hisses for 60 ms.
    /// A packet coded without prediction needs no packet before it, so each place gets one (`docs/decisions/0002`). Costs
    /// 0.05 ms and 81 bytes a packet: for the longest clip, ten minutes, 1.4 s on the thread that reads clips.
    ///
    /// # Errors
    /// If the codec fails.
    pub fn of(mut clip: Clip) -> Result<Self, PrepareError> {
        if clip.wants_stops() {
            clip.prepare_stops()?;
        }
        let entries = if clip.looped() { Some(entries(&clip)?) } else { None };
        Ok(Self { clip, entries })
    }

    /// The clip.
    pub fn clip(&self) -> &Clip {
        &self.clip
    }

    /// The packet with which the clip is entered at `index` (wrapped around).
    pub fn entry(&self, index: usize) -> &[u8] {
        self.entries.as_ref().unwrap_or(&self.clip).packet_wrapped(index)
    }

    /// Bytes of its packets, for whoever bounds memory.
    pub fn bytes(&self) -> usize {
        let of = |clip: &Clip| clip.packets().map(<[u8]>::len).sum::<usize>();
        of(&self.clip) + self.entries.as_ref().map_or(0, of)
    }
}

/// One encoder makes them all: it predicts nothing, so that none of its packets needs the one before.
fn entries(clip: &Clip) -> Result<Clip, PrepareError> {
    let len = clip.len();
    // The sound of a packet reaches into its neighbours: some of both sides is decoded along.
    let packets: Vec<&[u8]> = (len - WARM_UP % len..len + len + 1).map(|at| clip.packet_wrapped(at)).collect();
    let sound = decode_all(&packets)?;
    let mut encoder = Encoder::new(Preset::Entry)?;
    let mut made = Vec::with_capacity(len);
    for frame in 0..WARM_UP % len + len {
        // What a decoder gives is late by the encoder's lookahead: taken out, so that the entry and the packet after it
        // are cut from the same place.
        let start = frame * FRAME_SAMPLES + LOOKAHEAD_SAMPLES;
        made.push(encoder.encode(sound.get(start..start + FRAME_SAMPLES).unwrap_or(&[0.0; FRAME_SAMPLES]))?);
    }
    made.drain(..WARM_UP % len);
    Ok(Clip::of_packets(&made)?)
}

/// Packets before the first entry, for encoder and decoder to settle on.
const WARM_UP: usize = 4;
/// 2.5 ms: the lookahead of libopus with restricted low delay.
const LOOKAHEAD_SAMPLES: usize = 120;
