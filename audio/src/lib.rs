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
//! | [`decode`], [`resample`], [`loudness`], [`trim`], [`transcode`] | from an upload to a clip |
//! | [`click`] | a measuring instrument: is there a click at this cut? |
//!
//! Floors: `pcm`, `toc` and `limits` stand below `opus`; `ogg_opus` below `clip` and `two_lane`; `transcode` on top.

pub mod click;
pub mod clip;
pub mod comfort;
pub mod decode;
pub mod limits;
pub mod loudness;
pub mod ogg_opus;
pub mod opus;
pub mod pcm;
pub mod resample;
pub mod toc;
pub mod transcode;
pub mod trim;
pub mod two_lane;
