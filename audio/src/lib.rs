//! Sound as values: PCM, Opus, Ogg, clips and recordings, with no IO and no clock.
//!
//! | module | what it is for |
//! |---|---|
//! | [`pcm`] | 48 kHz mono samples, tones, 16-bit WAV |
//! | [`toc`] | what an Opus packet says about itself, and how it comes apart (RFC 6716 §3) |
//! | [`opus`] | libopus with our presets |
//! | [`comfort`] | packets to send when there is nothing to say |
//! | [`ogg_opus`] | Ogg Opus files, written page by page and read with limits (RFC 7845) |
//! | [`two_lane`] | recordings: two mono voices side by side without transcoding, and their salvage |
//! | [`clip`] | prepared sound, ready to be sent packet by packet |
//!
//! Floors: `pcm`, `toc` and `limits` stand below `opus`; `ogg_opus` below `clip` and `two_lane`; `transcode` on top.

pub mod clip;
pub mod comfort;
pub mod limits;
pub mod ogg_opus;
pub mod opus;
pub mod pcm;
pub mod toc;
pub mod two_lane;
