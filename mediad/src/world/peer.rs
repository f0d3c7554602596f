//! The other end of a leg: speaks, presses keys, and writes down what it hears. Shares with the leg only SRTP itself.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::LegId;
use rand::RngExt;
use rand::rngs::StdRng;

use super::{Checks, Link};
use crate::base::outbox::Path;
use crate::base::packet::Packet;
use crate::leg::srtp::{Keys, Opener, Sealer};
use crate::wire::demux::{Kind, demux};
use crate::wire::rtp::{Header, Outgoing};

/// A simulated peer.
pub(crate) struct Sim {
    pub(crate) leg: LegId,
    pub(crate) way: Path,
    pub(crate) up: Link,
    pub(crate) down: Link,
    pub(crate) voice: Option<Voice>,
    /// RTP it heard, in order of arrival.
    pub(crate) heard: Vec<Got>,
    /// RTCP it heard.
    pub(crate) reports: usize,
    /// Packets it could not open: forged, or an index it has seen.
    pub(crate) refused: usize,
    /// The sealed packets of its own that the network delivered.
    pub(crate) delivered: BTreeSet<Vec<u8>>,
    /// What it sent: sealed bytes and number of the frame, voice only.
    pub(crate) sent: Vec<(Vec<u8>, u64)>,
    /// Its side of ICE, if it has one.
    pub(crate) checks: Option<Checks>,
    /// What it has to send for what it has just heard.
    pub(crate) replies: Vec<Vec<u8>>,
    /// When something was sent to it, in milliseconds, whatever became of that.
    pub(crate) sent_to: Vec<u64>,
    sealer: Sealer,
    opener: Opener,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u64,
    pub(crate) ticks: u64,
    /// Keys to be pressed: when, which.
    pub(crate) keys: VecDeque<(Instant, u8)>,
    pressing: Option<Pressing>,
}

struct Pressing {
    code: u8,
    ticks: u32,
    step: u16,
}

/// What a peer says.
pub(crate) struct Voice {
    pub(crate) next: Instant,
    /// Frames in a circle; empty for numbered SILK frames.
    pub(crate) frames: Arc<Vec<Vec<u8>>>,
    pub(crate) said: u64,
}

/// One RTP packet as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) at: Instant,
    pub(crate) index: u64,
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

impl Got {
    /// The number of a numbered SILK frame.
    pub(crate) fn number(&self) -> Option<u64> {
        let bytes = self.payload.strip_prefix(&[0x48])?.first_chunk::<8>()?;
        Some(u64::from_be_bytes(*bytes))
    }

    /// The number of a frame of a numbered clip of this kind.
    pub(crate) fn clip_frame(&self, kind: u8) -> Option<u32> {
        let bytes = self.payload.strip_prefix(&[0xB8, kind])?.first_chunk::<4>()?;
        (self.payload.len() == 6).then(|| u32::from_be_bytes(*bytes))
    }
}

impl Sim {
    pub(crate) fn new(leg: LegId, way: Path, keys: &Keys, rng: &mut StdRng) -> Self {
        let ssrc = rng.random();
        Self {
            leg,
            way,
            up: Link::clean(),
            down: Link::clean(),
            voice: None,
            heard: Vec::new(),
            reports: 0,
            refused: 0,
            delivered: BTreeSet::new(),
            sent: Vec::new(),
            checks: None,
            replies: Vec::new(),
            sent_to: Vec::new(),
            sealer: Sealer::new(&keys.theirs, ssrc).unwrap(),
            opener: Opener::new(&keys.ours).unwrap(),
            ssrc,
            sequence: rng.random_range(0..30_000),
            ticks: u64::from(rng.random::<u32>()),
            keys: VecDeque::new(),
            pressing: None,
        }
    }

    /// Speaks numbered frames from `at` on.
    pub(crate) fn speak_from(&mut self, at: Instant) {
        self.voice = Some(Voice { next: at, frames: Arc::new(Vec::new()), said: 0 });
    }

    /// Speaks these frames in a circle from `at` on.
    pub(crate) fn speak_frames(&mut self, at: Instant, frames: Arc<Vec<Vec<u8>>>) {
        self.voice = Some(Voice { next: at, frames, said: 0 });
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        let check = self.checks.as_ref().filter(|checks| checks.full).map(|checks| checks.next);
        self.voice.as_ref().map(|voice| voice.next).into_iter().chain(check).min()
    }

    /// The packets due now, a check among them.
    pub(crate) fn speak(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let check = self.checks.as_mut().and_then(|checks| checks.ask(now));
        let mut all = self.say(now);
        all.extend(check);
        all
    }

    /// Voice due now. While a key is pressed it takes the place of the voice.
    fn say(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let Some(voice) = self.voice.as_mut().filter(|voice| voice.next <= now) else { return Vec::new() };
        voice.next += Duration::from_millis(20);
        let number = voice.said;
        voice.said += 1;
        self.ticks += 960;
        if self.pressing.is_none() && self.keys.front().is_some_and(|(at, _)| *at <= now) {
            let (_, code) = self.keys.pop_front().unwrap();
            self.pressing = Some(Pressing { code, ticks: self.ticks as u32, step: 0 });
        }
        if let Some(pressing) = self.pressing.as_mut() {
            pressing.step += 1;
            let (end, first) = (pressing.step > 4, pressing.step == 1);
            let duration = 160 * pressing.step.min(5);
            let payload = [pressing.code, if end { 0x8a } else { 10 }, (duration >> 8) as u8, duration as u8];
            let (ticks, last) = (pressing.ticks, pressing.step == 7);
            if last {
                self.pressing = None;
            }
            return vec![self.seal(126, ticks, first, &payload)];
        }
        let voice = self.voice.as_ref().unwrap();
        let payload = match voice.frames.len() {
            0 => [&[0x48][..], &number.to_be_bytes(), &[9; 30]].concat(),
            len => voice.frames[number as usize % len].clone(),
        };
        let sealed = self.seal(111, self.ticks as u32, false, &payload);
        self.sent.push((sealed.clone(), number));
        vec![sealed]
    }

    pub(crate) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        let mut packet = Packet::from_slice(bytes).unwrap();
        match demux(bytes) {
            Some(Kind::Rtp) => match self.opener.open_rtp(&mut packet) {
                Ok(opened) => {
                    let payload = packet.as_slice()[opened.header.payload(packet.as_slice()).unwrap()].to_vec();
                    self.heard.push(Got { at: now, index: opened.index, header: opened.header, payload });
                }
                Err(_) => self.refused += 1,
            },
            Some(Kind::Rtcp) => match self.opener.open_rtcp(&mut packet) {
                Ok(_) => self.reports += 1,
                Err(_) => self.refused += 1,
            },
            Some(Kind::Stun) => {
                let answer = self.checks.as_mut().and_then(|checks| checks.answer(now, self.way.local, bytes));
                self.replies.extend(answer.map(|packet| packet.as_slice().to_vec()));
            }
            _ => {}
        }
    }

    /// Numbers of the voice frames that the network delivered.
    pub(crate) fn delivered_numbers(&self) -> BTreeSet<u64> {
        self.sent.iter().filter(|(sealed, _)| self.delivered.contains(sealed)).map(|(_, number)| *number).collect()
    }

    fn seal(&mut self, payload_type: u8, timestamp: u32, marker: bool, payload: &[u8]) -> Vec<u8> {
        self.sequence += 1;
        let header = Outgoing { marker, payload_type, sequence: self.sequence as u16, timestamp, ssrc: self.ssrc };
        let mut packet = Packet::from_slice(&header.write()).unwrap();
        assert!(packet.extend(payload));
        self.sealer.seal_rtp(&mut packet).unwrap();
        packet.as_slice().to_vec()
    }
}
