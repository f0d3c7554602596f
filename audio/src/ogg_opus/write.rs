//! Writes an Ogg Opus stream as whole pages, each a `Vec<u8>` for one write(2).

use super::head::{OpusHead, OpusTags};
use crate::pcm::samples_of_ms;
use ogg::writing::{PacketWriteEndInfo, PacketWriter};

/// Turns packets into pages. The last packets are always held back, so that the last page can say that it is the last.
pub struct Writer {
    pages: PacketWriter<'static, Vec<u8>>,
    serial: u32,
    page_samples: usize,
    granule: u64,
    waiting: Vec<(Vec<u8>, u64)>,
    waiting_samples: usize,
    waiting_segments: usize,
}

impl Writer {
    /// A writer of pages of about `page_ms` milliseconds, and the two header pages as bytes. `serial` names the stream: a
    /// random number, or a fixed one for files that must be reproducible.
    pub fn new(head: &OpusHead, tags: &OpusTags, serial: u32, page_ms: u32) -> (Writer, Vec<u8>) {
        let mut writer = Writer {
            pages: PacketWriter::new(Vec::new()),
            serial,
            page_samples: samples_of_ms(page_ms).max(1),
            granule: 0,
            waiting: Vec::new(),
            waiting_samples: 0,
            waiting_segments: 0,
        };
        writer.put(head.write(), PacketWriteEndInfo::EndPage, 0);
        writer.put(tags.write(), PacketWriteEndInfo::EndPage, 0);
        let headers = writer.take_bytes();
        (writer, headers)
    }

    /// Takes a packet of `samples` samples (48 kHz). Gives the page before it when that one is full.
    pub fn push(&mut self, packet: Vec<u8>, samples: usize) -> Option<Vec<u8>> {
        let segments = packet.len() / 255 + 1;
        let full = !self.waiting.is_empty()
            && (self.waiting_samples >= self.page_samples || self.waiting_segments + segments > SEGMENTS_MAX);
        let page = full.then(|| self.flush(PacketWriteEndInfo::EndPage, 0));
        self.granule += samples as u64;
        self.waiting.push((packet, self.granule));
        self.waiting_samples += samples;
        self.waiting_segments += segments;
        page
    }

    /// Samples taken so far, pre-skip included.
    pub fn samples(&self) -> u64 {
        self.granule
    }

    /// The last page. `end_trim` samples at the end are encoded but not to be played (RFC 7845 §4.4). Empty if no packet
    /// was ever pushed: such a stream cannot be ended, and has nothing to play.
    pub fn finish(mut self, end_trim: u64) -> Vec<u8> {
        self.flush(PacketWriteEndInfo::EndStream, end_trim)
    }

    fn flush(&mut self, end: PacketWriteEndInfo, end_trim: u64) -> Vec<u8> {
        let waiting = std::mem::take(&mut self.waiting);
        (self.waiting_samples, self.waiting_segments) = (0, 0);
        let last = waiting.len().saturating_sub(1);
        for (at, (packet, granule)) in waiting.into_iter().enumerate() {
            if at == last {
                self.put(packet, end, granule.saturating_sub(end_trim));
            } else {
                self.put(packet, PacketWriteEndInfo::NormalPacket, granule);
            }
        }
        self.take_bytes()
    }

    fn put(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, granule: u64) {
        let written = self.pages.write_packet(packet, self.serial, end, granule);
        debug_assert!(written.is_ok(), "a Vec takes every byte");
    }

    fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(self.pages.inner_mut())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("serial", &self.serial).field("granule", &self.granule).finish_non_exhaustive()
    }
}

/// A page has 255 segments; below that no packet of ours is cut in two.
const SEGMENTS_MAX: usize = 250;
