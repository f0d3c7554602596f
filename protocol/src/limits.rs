//! Every bound of the conversation, and of what it may ask for. A number that stands here stands nowhere else.

/// One message, newline included, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// One session description, in bytes. Meta's and a browser's are 1 to 6 KiB.
pub const SDP_BYTES_MAX: usize = 16 * 1024;
/// A call, leg, bridge or recording name, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// A clip name, in bytes.
pub const CLIP_NAME_BYTES_MAX: usize = 200;
/// Digits in one `SendDigits`.
pub const DIGITS_MAX: usize = 64;
/// Free text (who speaks, why a leg is closed), in bytes.
pub const TEXT_BYTES_MAX: usize = 200;
/// Legs in one snapshot page; a longer house is told in several.
pub const SNAPSHOT_LEGS_MAX: usize = 40;
/// Events mediad keeps for a controld that is away.
pub const EVENT_RING_LEN: usize = 16 * 1024;
/// Answers mediad remembers, so a repeated command id gets the same answer again.
pub const REPLY_MEMORY_LEN: usize = 4 * 1024;
/// Control connections open at once.
pub const CONNECTIONS_MAX: usize = 8;
/// Bytes waiting for a slow reader before its connection is closed.
pub const UNREAD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// STUN and TURN servers of one leg.
pub const ICE_SERVERS_MAX: usize = 8;
/// URLs of one of them.
pub const ICE_URLS_MAX: usize = 8;

/// Members of one bridge.
pub const BRIDGE_MEMBERS_MAX: usize = 32;

/// The longest tone of `Beep`, in milliseconds.
pub const BEEP_MS_MAX: u64 = 3_000;

/// One frame of sound, in milliseconds. Everything in the house is cut to it.
pub const FRAME_MS: u64 = 20;
/// The RTP clock of Opus (RFC 7587), in Hz.
pub const OPUS_CLOCK_HZ: u32 = 48_000;
/// RTP ticks in one frame.
pub const FRAME_TICKS: u32 = 960;

/// Longest life a leg may be given, in seconds.
pub const LIFE_SECS_MAX: u32 = 24 * 3600;
/// A sent digit lasts this long at least and at most, in milliseconds (RFC 4733 §2.5; Q.24 wants 40).
pub const TONE_MS_MIN: u16 = 40;
/// See [`TONE_MS_MIN`].
pub const TONE_MS_MAX: u16 = 6_000;

// An SDP travels inside one message, and JSON escaping may double it.
const _: () = assert!(SDP_BYTES_MAX * 2 < MESSAGE_BYTES_MAX);
// A page fits a message: a leg with its bridge and its recording stays under 1,500 bytes (tested in `snapshot`).
const _: () = assert!(SNAPSHOT_LEGS_MAX * 1_500 < MESSAGE_BYTES_MAX);
// Whole frames only.
const _: () = assert!(OPUS_CLOCK_HZ as u64 * FRAME_MS / 1000 == FRAME_TICKS as u64);
