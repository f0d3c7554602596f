//! Prepared sound, ready to be sent packet by packet.

use crate::limits::{CLIP_BYTES_MAX, CLIP_PACKETS_MAX, FRAME_MS, FRAME_SAMPLES, Limits, RATE_HZ};
use crate::ogg_opus::{self, ReadError};
use crate::opus::{self, Encoder, OpusError, Preset};
use crate::toc::{self, CELT_SILENCE};

/// A clip: mono packets of 20 ms, sent as they are from packet 0 on (the file's pre-skip is not played on the wire). A loop
/// goes on with packet 0 after the last one.
///
/// Every clip may follow or precede any live voice through the one rule of the sender
/// ([`toc::needs_silence_between`]): it is either CELT-only, or begins with [`CELT_SILENCE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    packets: Packets,
    looped: bool,
    fade_stop: bool,
    stops: Option<Packets>,
}

impl Clip {
    /// Reads a prepared Ogg Opus file, as [`crate::transcode`] makes it: one link, mono, 20 ms packets of three bytes or
    /// more, all CELT or the first one [`CELT_SILENCE`], none with FEC, ten minutes at most.
    pub fn read(file: &[u8]) -> Result<Clip, ClipError> {
        let samples_max = CLIP_PACKETS_MAX as u64 * FRAME_SAMPLES as u64;
        let mut links = ogg_opus::read(file, &Limits { bytes_max: CLIP_BYTES_MAX, samples_max })?;
        let (Some(link), true) = (links.pop(), links.is_empty()) else { return Err(ClipError::Chained) };
        if link.head.channels != 1 || link.head.streams != 1 || link.head.coupled != 0 {
            return Err(ClipError::NotMono);
        }
        check(&link.packets)?;
        Ok(Clip {
            packets: Packets::of(&link.packets),
            looped: link.tags.get(LOOP_TAG) == Some("1"),
            fade_stop: link.tags.get(FADE_STOP_TAG) == Some("1"),
            stops: None,
        })
    }

    /// A clip of packets, checked as [`Clip::read`] does.
    pub fn of_packets<P: AsRef<[u8]>>(packets: &[P]) -> Result<Clip, ClipError> {
        check(packets)?;
        Ok(Clip { packets: Packets::of(packets), looped: false, fade_stop: false, stops: None })
    }

    /// How many packets it has; at least one.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Never: a clip without sound is refused.
    pub fn is_empty(&self) -> bool {
        self.packets.len() == 0
    }

    /// How long it lasts, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.len() as u64 * u64::from(FRAME_MS)
    }

    /// A packet; `None` after the last one.
    pub fn packet(&self, index: usize) -> Option<&[u8]> {
        self.packets.get(index)
    }

    /// A packet of an endless loop: `index` wraps around.
    pub fn packet_wrapped(&self, index: usize) -> &[u8] {
        self.packets.get(index % self.len()).unwrap_or(&CELT_SILENCE)
    }

    /// The packets in order.
    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.packet(index))
    }

    /// Was it prepared to go on with packet 0 after the last packet without a joint that can be heard?
    pub fn looped(&self) -> bool {
        self.looped
    }

    /// A steady tone, which clicks when it is cut: [`Clip::prepare_stops`] is worth its price.
    pub fn wants_stops(&self) -> bool {
        self.fade_stop
    }

    /// Prepares for each packet one to send in its place when the clip is to stop there: the same sound, faded out in
    /// 15 ms. Costs about 0.1 ms a packet; music and speech do not need it.
    pub fn prepare_stops(&mut self) -> Result<(), OpusError> {
        let packets: Vec<&[u8]> = self.packets().collect();
        let sound = opus::decode_all(&packets)?;
        let stops = (0..packets.len()).map(|at| faded(&sound, at)).collect::<Result<Vec<_>, _>>()?;
        self.stops = Some(Packets::of(&stops));
        Ok(())
    }

    /// The packet that stops the clip softly at `index` (wrapped around), if such packets were prepared. It is CELT-only.
    pub fn stop_packet(&self, index: usize) -> Option<&[u8]> {
        self.stops.as_ref()?.get(index % self.len())
    }
}

/// Packets in one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packets {
    bytes: Box<[u8]>,
    ends: Box<[u32]>,
}

impl Packets {
    fn of<P: AsRef<[u8]>>(packets: &[P]) -> Packets {
        let mut bytes = Vec::with_capacity(packets.iter().map(|p| p.as_ref().len()).sum());
        let mut ends = Vec::with_capacity(packets.len());
        for packet in packets {
            bytes.extend_from_slice(packet.as_ref());
            ends.push(bytes.len() as u32);
        }
        Packets { bytes: bytes.into(), ends: ends.into() }
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let begin = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).map(|e| *e as usize))?;
        self.bytes.get(begin..end)
    }
}

fn check<P: AsRef<[u8]>>(packets: &[P]) -> Result<(), ClipError> {
    let packets = || packets.iter().map(AsRef::as_ref);
    let first = packets().next().ok_or(ClipError::Empty)?;
    if packets().len() > CLIP_PACKETS_MAX || packets().map(<[u8]>::len).sum::<usize>() > CLIP_BYTES_MAX {
        return Err(ClipError::TooLong);
    }
    for (index, packet) in packets().enumerate() {
        if !toc::is_20_ms(packet) {
            return Err(ClipError::NotTwentyMs { index });
        }
        // Receivers take one or two bytes for DTX or comfort noise.
        if packet.len() < PACKET_BYTES_MIN {
            return Err(ClipError::TooShort { index });
        }
        if packet.first().is_some_and(|&b0| toc::is_stereo(b0)) {
            return Err(ClipError::NotMono);
        }
        if opus::has_fec(packet) {
            return Err(ClipError::Fec { index });
        }
    }
    let celt_only = packets().all(|packet| packet.first().is_some_and(|&b0| toc::is_celt_only(b0)));
    if celt_only || first == CELT_SILENCE { Ok(()) } else { Err(ClipError::NoSilenceFirst) }
}

/// Packet `at` of `sound`, faded out, as a fresh encoder that heard the two frames before it makes it.
fn faded(sound: &[f32], at: usize) -> Result<Vec<u8>, OpusError> {
    let mut encoder = Encoder::new(Preset::Music)?;
    let frame = |at: usize| &sound[at * FRAME_SAMPLES..(at + 1) * FRAME_SAMPLES];
    let frames = sound.len() / FRAME_SAMPLES;
    for before in [2, 1] {
        encoder.encode(frame((at + frames - before % frames) % frames))?;
    }
    let fade = FADE_MS as usize * RATE_HZ as usize / 1_000;
    let last: Vec<f32> = frame(at)
        .iter()
        .enumerate()
        .map(|(n, sample)| {
            let phase = (n as f32 / fade as f32).min(1.0) * std::f32::consts::FRAC_PI_2;
            sample * phase.cos().powi(2)
        })
        .collect();
    encoder.encode(&last)
}

/// Tag of a file that loops: `PATCHBAY_LOOP=1`.
pub const LOOP_TAG: &str = "PATCHBAY_LOOP";
/// Tag of a tone that is to be faded when it is stopped: `PATCHBAY_FADE_STOP=1`.
pub const FADE_STOP_TAG: &str = "PATCHBAY_FADE_STOP";
/// Packets below this many bytes mean something else to a receiver.
pub const PACKET_BYTES_MIN: usize = 3;
const FADE_MS: u32 = 15;

/// Why a file is not a prepared clip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClipError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// More than one file in one.
    #[error("a clip is one Ogg stream, not a chain")]
    Chained,
    /// Stereo or several streams.
    #[error("a clip is mono")]
    NotMono,
    /// No packet.
    #[error("the clip is empty")]
    Empty,
    /// Over ten minutes or 8 MiB.
    #[error("a clip lasts ten minutes at most")]
    TooLong,
    /// A packet of another length.
    #[error("packet {index} does not last 20 ms")]
    NotTwentyMs {
        /// Which one, from 0.
        index: usize,
    },
    /// A packet of one or two bytes.
    #[error("packet {index} has fewer than three bytes")]
    TooShort {
        /// Which one, from 0.
        index: usize,
    },
    /// A packet with a copy of the one before it.
    #[error("packet {index} carries FEC, which leaks sound at a switch")]
    Fec {
        /// Which one, from 0.
        index: usize,
    },
    /// SILK from the first packet on.
    #[error("a clip that is not all CELT begins with 20 ms of CELT silence")]
    NoSilenceFirst,
}
