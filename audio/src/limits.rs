//! Every limit of this crate, by name.

/// Samples a second of all PCM in this crate.
pub const RATE_HZ: u32 = 48_000;
/// The one frame length we send: 20 ms.
pub const FRAME_MS: u32 = 20;
/// Samples of one 20 ms frame.
pub const FRAME_SAMPLES: usize = 960;
/// Samples a second where voices are mixed: wideband, all that a call carries.
pub const WIDE_RATE_HZ: u32 = 16_000;
/// Samples of one 20 ms frame at [`WIDE_RATE_HZ`].
pub const WIDE_FRAME_SAMPLES: usize = 320;
/// The longest Opus packet, in samples: 120 ms (RFC 6716 §3.2.5).
pub const PACKET_SAMPLES_MAX: usize = 5_760;
/// The longest Opus frame, in bytes (RFC 6716 §3.4).
pub const FRAME_BYTES_MAX: usize = 1_275;
/// The most frames in an Opus packet: 48 of 2.5 ms.
pub const FRAMES_MAX: usize = 48;

/// A sound file handed to us, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 20 * 1024 * 1024;
/// How much sound a file may hold once decoded, in seconds. Bytes are no limit: 1 MB of Opus can hold 11 hours.
pub const UPLOAD_SECS_MAX: u32 = 600;
/// An `OpusTags` packet, in bytes; longer ones (cover pictures) are refused.
pub const TAGS_BYTES_MAX: usize = 64 * 1024;
/// Links of a chained Ogg file.
pub const CHAIN_LINKS_MAX: usize = 64;
/// Channels of an uploaded file.
pub const CHANNELS_MAX: usize = 8;
/// A prepared clip, in packets: ten minutes.
pub const CLIP_PACKETS_MAX: usize = 30_000;
/// A prepared clip's file, in bytes.
pub const CLIP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a reader of a stranger's file may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes_max: usize,
    /// Sound it may hold, in samples at 48 kHz.
    pub samples_max: u64,
}

impl Limits {
    /// Limits for an upload: [`UPLOAD_BYTES_MAX`] and [`UPLOAD_SECS_MAX`].
    pub const UPLOAD: Limits =
        Limits { bytes_max: UPLOAD_BYTES_MAX, samples_max: UPLOAD_SECS_MAX as u64 * RATE_HZ as u64 };
    /// Limits for a recording of ours: 12 hours.
    pub const RECORDING: Limits = Limits { bytes_max: 1024 * 1024 * 1024, samples_max: 12 * 3_600 * RATE_HZ as u64 };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::UPLOAD
    }
}

const _: () = assert!(RATE_HZ / 1_000 * FRAME_MS == FRAME_SAMPLES as u32);
const _: () = assert!(WIDE_RATE_HZ / 1_000 * FRAME_MS == WIDE_FRAME_SAMPLES as u32);
const _: () = assert!(PACKET_SAMPLES_MAX == 6 * FRAME_SAMPLES);
// Ten minutes of 20 ms packets.
const _: () = assert!(CLIP_PACKETS_MAX as u32 == UPLOAD_SECS_MAX * 50);
