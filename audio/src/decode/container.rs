//! Everything but Ogg Opus: containers and codecs of symphonia, and Opus inside WebM and MP4.

use super::DecodeError;
use crate::limits::{CHAIN_LINKS_MAX, CHANNELS_MAX, Limits, PACKET_SAMPLES_MAX, RATE_HZ, TAGS_BYTES_MAX};
use crate::ogg_opus::OpusHead;
use crate::opus;
use crate::resample::To48k;
use std::io::Cursor;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

/// The whole file as mono samples at 48 kHz.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Vec<f32>, DecodeError> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let metadata = MetadataOptions::default()
        .limit_tag_bytes(Limit::Maximum(TAGS_BYTES_MAX))
        .limit_visual_bytes(Limit::Maximum(TAGS_BYTES_MAX));
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), source, FormatOptions::default(), metadata)
        .map_err(|why| match why {
            Error::Unsupported(what) if what.contains(NO_READER) => DecodeError::UnknownFormat,
            why => DecodeError::Broken(words(&why)),
        })?;
    let mut sink = Sink { to_48k: None, mono: Vec::new(), limits: *limits };
    for _ in 0..CHAIN_LINKS_MAX {
        let (track_id, mut codec) = Codec::of_default_track(format.as_ref())?;
        if !decode_link(format.as_mut(), track_id, &mut codec, &mut sink)? {
            break;
        }
    }
    sink.to_48k.map_or(Ok(Vec::new()), |to_48k| Ok(to_48k.finish()?))
}

/// Decodes up to the end, or to where the file begins anew (`true`).
fn decode_link(
    format: &mut dyn FormatReader,
    track_id: u32,
    codec: &mut Codec,
    sink: &mut Sink,
) -> Result<bool, DecodeError> {
    let mut bad_packets = 0;
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == track_id => packet,
            Ok(Some(_)) => continue,
            Ok(None) => return Ok(false),
            Err(Error::ResetRequired) => return Ok(true),
            // A file that is cut off gives what is there.
            Err(Error::IoError(_)) => return Ok(false),
            Err(why) if sink.is_empty() => return Err(DecodeError::Broken(words(&why))),
            Err(_) => return Ok(false),
        };
        if !codec.decode(&packet, sink)? {
            bad_packets += 1;
            if bad_packets > BAD_PACKETS_MAX {
                return Err(DecodeError::Broken("too many of its packets cannot be decoded".to_owned()));
            }
        }
    }
}

/// What went wrong, without the library's own classification in front.
fn words(why: &Error) -> String {
    match why {
        Error::DecodeError(what) | Error::Unsupported(what) | Error::LimitError(what) => (*what).to_owned(),
        Error::IoError(_) => "it ends too early".to_owned(),
        why => why.to_string(),
    }
}

/// One track's decoder.
enum Codec {
    Symphonia(Box<dyn AudioDecoder>, Vec<f32>),
    Opus { decoder: opus::Decoder, skip: usize },
}

impl Codec {
    fn of_default_track(format: &dyn FormatReader) -> Result<(u32, Codec), DecodeError> {
        let track = format.default_track(TrackType::Audio).ok_or(DecodeError::NoSound)?;
        let params = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or(DecodeError::NoSound)?;
        let codec = if params.codec == CODEC_ID_OPUS {
            Codec::opus(params)?
        } else {
            let decoder = symphonia::default::get_codecs()
                .make_audio_decoder(params, &AudioDecoderOptions::default())
                .map_err(|why| DecodeError::Unsupported(words(&why)))?;
            Codec::Symphonia(decoder, Vec::new())
        };
        Ok((track.id, codec))
    }

    fn opus(params: &AudioCodecParameters) -> Result<Codec, DecodeError> {
        let channels = params.channels.as_ref().map_or(1, symphonia::core::audio::Channels::count);
        if channels > 2 {
            return Err(DecodeError::Unsupported(format!("Opus of {channels} channels outside Ogg")));
        }
        let head = params.extra_data.as_deref().and_then(OpusHead::parse);
        let skip = head.map_or(OPUS_SKIP, |head| usize::from(head.pre_skip));
        let decoder = opus::Decoder::new().map_err(|why| DecodeError::Broken(why.to_string()))?;
        Ok(Codec::Opus { decoder, skip })
    }

    /// `false` if the packet is bad; the file may go on.
    fn decode(&mut self, packet: &Packet, sink: &mut Sink) -> Result<bool, DecodeError> {
        match self {
            Codec::Opus { decoder, skip } => {
                let mut out = [0f32; PACKET_SAMPLES_MAX];
                let Ok(made) = decoder.decode(&packet.data, &mut out) else { return Ok(false) };
                let dropped = made.min(*skip);
                *skip -= dropped;
                sink.take(&out[dropped..made], 1, RATE_HZ)?;
            }
            Codec::Symphonia(decoder, samples) => {
                let Ok(buffer) = decoder.decode(packet) else { return Ok(false) };
                let (channels, rate_hz) = (buffer.spec().channels().count(), buffer.spec().rate());
                if channels == 0 || channels > CHANNELS_MAX {
                    return Err(DecodeError::Unsupported(format!("sound of {channels} channels")));
                }
                samples.resize(buffer.samples_interleaved(), 0.0);
                buffer.copy_to_slice_interleaved(samples.as_mut_slice());
                sink.take(samples, channels, rate_hz)?;
            }
        }
        Ok(true)
    }
}

/// Where decoded samples go: mixed to mono, resampled, counted.
struct Sink {
    to_48k: Option<To48k>,
    mono: Vec<f32>,
    limits: Limits,
}

impl Sink {
    fn is_empty(&self) -> bool {
        self.to_48k.as_ref().is_none_or(|to_48k| to_48k.samples() == 0)
    }

    fn take(&mut self, interleaved: &[f32], channels: usize, rate_hz: u32) -> Result<(), DecodeError> {
        if self.to_48k.is_none() {
            self.to_48k = Some(To48k::new(rate_hz)?);
        }
        let Some(to_48k) = &mut self.to_48k else { return Ok(()) };
        if to_48k.rate_hz() != rate_hz {
            return Err(DecodeError::Unsupported("sound whose sample rate changes".to_owned()));
        }
        self.mono.clear();
        // Decoders of lossy codecs overshoot; a number that is none becomes silence.
        let mix = |frame: &[f32]| (frame.iter().sum::<f32>() / channels as f32).clamp(-1.0, 1.0);
        self.mono.extend(interleaved.chunks_exact(channels).map(mix).map(|s| if s.is_nan() { 0.0 } else { s }));
        to_48k.push(&self.mono)?;
        if to_48k.samples() > self.limits.samples_max {
            return Err(DecodeError::TooLong { samples_max: self.limits.samples_max });
        }
        Ok(())
    }
}

/// What the probe says when no reader wants the file.
const NO_READER: &str = "no suitable format reader";
/// A damaged file may have a few bad packets.
const BAD_PACKETS_MAX: u32 = 100;
/// What libopus encoders look ahead, when the container does not say.
const OPUS_SKIP: usize = 312;
