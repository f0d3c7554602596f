//! Media of one leg: SRTP in, opened and sorted; frames and forwarded packets out, numbered and sealed.

use std::time::{Duration, Instant};

use audio::toc::CELT_SILENCE;
use protocol::Digit;
use protocol::limits::OPUS_CLOCK_HZ;

use super::Leg;
use super::news::News;
use super::reports::Sent;
use super::sender::{SourceId, Spent, Stamp};
use super::srtp::BadSrtp;
use crate::base::count::DropReason;
use crate::base::outbox::{Outbox, Path};
use crate::base::packet::Packet;
use crate::wire::rtcp::Compound;
use crate::wire::rtp;

/// What a datagram means for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Nothing.
    Nothing,
    /// A voice packet.
    Voice(Heard),
    /// A packet that is not to be forwarded; its number must leave no hole. With the key, if one was pressed.
    NotVoice {
        /// The source it shares its numbers with.
        ssrc: u32,
        /// Its unwrapped sequence number.
        index: u64,
        /// A key press, on its first packet.
        digit: Option<Digit>,
    },
}

/// A voice packet, opened in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its source.
    pub ssrc: u32,
    /// Its unwrapped sequence number.
    pub index: u64,
    /// Its unwrapped RTP timestamp.
    pub ticks: u64,
    /// Where the Opus packet lies in the datagram.
    pub payload: std::ops::Range<usize>,
    /// A key that was pressed as sound.
    pub digit: Option<Digit>,
}

impl Leg {
    pub(super) fn take_rtp(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Taken {
        match self.open_rtp(now, path, packet) {
            Ok(taken) => taken,
            Err(reason) => {
                self.drops.add(reason);
                Taken::Nothing
            }
        }
    }

    fn open_rtp(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Result<Taken, DropReason> {
        if !self.trusts(path) {
            return Err(DropReason::NotValidated);
        }
        let crypto = self.crypto.as_mut().ok_or(DropReason::NoKeys)?;
        if !self.toll.pass(now) {
            return Err(DropReason::Flood);
        }
        let opened = crypto.opener.open_rtp(packet).map_err(reason)?;
        if self.way == Some(path) {
            self.ice.hear(now);
        }
        let (header, index) = (opened.header, opened.index);
        let payload = header.payload(packet.as_slice()).map_err(|_| DropReason::BadPayload)?;
        let ticks = self.streams.ticks(header.ssrc, header.timestamp);
        let remote = self.remote.as_ref().ok_or(DropReason::NoKeys)?;
        let is_voice = header.payload_type == remote.opus_pt;
        self.reports.heard(now, header.ssrc, index, is_voice.then_some(ticks));
        if self.received_packets == 0 {
            self.news.push_back(News::Heard);
        }
        self.received_packets += 1;
        if is_voice {
            self.last_voice = Some(now);
            if payload.len() > QUIET_BYTES {
                self.loud_at = Some(now);
            }
            let digit = self.hear_tones(now, packet.as_slice().get(payload.clone()).unwrap_or_default());
            return Ok(Taken::Voice(Heard { ssrc: header.ssrc, index, ticks, payload, digit }));
        }
        let Some(clock_hz) = remote.dtmf_clock_hz(header.payload_type) else {
            self.drops.add(DropReason::UnknownPayload);
            return Ok(Taken::NotVoice { ssrc: header.ssrc, index, digit: None });
        };
        self.last_voice = Some(now);
        let event = packet.as_slice().get(payload).unwrap_or_default();
        self.keyed_at = Some(now);
        let digit = self.keypad.take(ticks, clock_hz, event);
        Ok(Taken::NotVoice { ssrc: header.ssrc, index, digit })
    }

    /// A key in the voice, unless the same press came as an event: gateways send both.
    fn hear_tones(&mut self, now: Instant, payload: &[u8]) -> Option<Digit> {
        let digit = self.tones.as_mut()?.take(payload)?;
        let as_event = self.keyed_at.is_some_and(|at| now.saturating_duration_since(at) < SAME_PRESS);
        (!as_event).then_some(digit)
    }

    pub(super) fn take_rtcp(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Taken {
        if let Err(reason) = self.open_rtcp(now, path, packet) {
            self.drops.add(reason);
        }
        Taken::Nothing
    }

    fn open_rtcp(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Result<(), DropReason> {
        if !self.trusts(path) {
            return Err(DropReason::NotValidated);
        }
        let crypto = self.crypto.as_mut().ok_or(DropReason::NoKeys)?;
        if !self.toll.pass(now) {
            return Err(DropReason::Flood);
        }
        crypto.opener.open_rtcp(packet).map_err(reason)?;
        let compound = Compound::parse(packet.as_slice()).map_err(|_| DropReason::BadPayload)?;
        self.reports.take(now, self.sender.ssrc(), &compound);
        Ok(())
    }

    /// When the leg wants a frame of its own, if it may speak.
    pub fn frame_due(&self) -> Option<Instant> {
        (self.ready() && !self.presser.busy()).then(|| self.sender.due())
    }

    /// Spends the leg's slot on `frame`, if one is due. True if the frame itself was sent, false if a silence was, and
    /// the frame is still to be sent.
    pub fn say(&mut self, now: Instant, frame: &[u8], out: &mut Outbox) -> Option<bool> {
        self.frame_due()?;
        match self.sender.frame(now, *frame.first()?)? {
            Spent::Silence(stamp) => {
                self.seal_voice(stamp, &CELT_SILENCE, out);
                Some(false)
            }
            Spent::Sound(stamp) => {
                self.seal_voice(stamp, frame, out);
                Some(true)
            }
        }
    }

    /// Sends another leg's packet on. True if it (or the silence it gave its slot to) was sent.
    pub fn forward(
        &mut self,
        now: Instant,
        id: SourceId,
        heard: &Heard,
        payload: &[u8],
        out: &mut Outbox,
    ) -> Result<(), DropReason> {
        if !self.ready() {
            return Err(DropReason::HearerNotReady);
        }
        if self.presser.busy() {
            self.sender.skip(id, heard.index);
            return Ok(());
        }
        let toc = *payload.first().ok_or(DropReason::BadPayload)?;
        let spent = self.sender.forward(now, id, heard.index, heard.ticks, toc);
        match spent.map_err(|_| DropReason::TooLate)? {
            Spent::Silence(stamp) => self.seal_voice(stamp, &CELT_SILENCE, out),
            Spent::Sound(stamp) => self.seal_voice(stamp, payload, out),
        }
        Ok(())
    }

    /// A packet of the source this leg hears is not for it: it leaves no hole.
    pub fn pass_over(&mut self, id: SourceId, index: u64) {
        self.sender.skip(id, index);
    }

    /// The leg hears frames of its own from now on.
    pub fn hear_own(&mut self, now: Instant) {
        self.sender.hear_own(now);
    }

    /// The leg hears another leg from now on.
    pub fn hear_other(&mut self) {
        self.sender.hear_other();
    }

    /// The frames of its own come from another clip from now on.
    pub fn new_clip(&mut self) {
        self.sender.new_clip();
    }

    /// The loss this peer reports of what we send it, in 256ths: the one it hears is told.
    pub fn far_loss(&self) -> Option<u8> {
        self.reports.far_loss()
    }

    /// What the one who hears this peer reports.
    pub fn set_onward_loss(&mut self, loss: Option<u8>) {
        self.onward_loss = loss;
    }

    /// The figures of the last 5 s, when they are due.
    pub fn quality(&mut self, now: Instant) -> Option<super::reports::Figures> {
        self.reports.quality(now)
    }

    /// Whether key presses can be sent to the peer now.
    pub fn takes_keys(&self) -> bool {
        self.ready() && self.remote.as_ref().is_some_and(|remote| !remote.dtmf.is_empty())
    }

    pub(super) fn press_keys(&mut self, now: Instant, out: &mut Outbox) {
        let Some(dtmf) = self.remote.as_ref().and_then(|remote| remote.dtmf.first().copied()) else { return };
        while let Some(key) = self.presser.give(now, dtmf.clock_hz) {
            let stamp = self.sender.key(key.began, key.first);
            self.seal(stamp, dtmf.pt, &key.payload, out);
            if !self.presser.busy() {
                self.sender.rest_until(now);
            }
        }
    }

    pub(super) fn report(&mut self, now: Instant, out: &mut Outbox) {
        let sent = Sent { ssrc: self.sender.ssrc(), timestamp: self.sender.timestamp_at(now) };
        let Some(report) = self.reports.give(now, sent, self.onward_loss, &self.ours.cname) else { return };
        let (Some(way), Some(crypto)) = (self.way, self.crypto.as_mut()) else { return };
        let packet = out.next(way);
        if !packet.extend(report.as_slice()) || crypto.sealer.seal_rtcp(packet).is_err() {
            out.take_back();
        }
    }

    fn seal_voice(&mut self, stamp: Stamp, payload: &[u8], out: &mut Outbox) {
        let Some(opus_pt) = self.remote.as_ref().map(|remote| remote.opus_pt) else { return };
        self.seal(stamp, opus_pt, payload, out);
    }

    fn seal(&mut self, stamp: Stamp, payload_type: u8, payload: &[u8], out: &mut Outbox) {
        let (Some(way), Some(crypto)) = (self.way, self.crypto.as_mut()) else { return };
        let header = rtp::Outgoing {
            marker: stamp.marker,
            payload_type,
            sequence: stamp.index as u16,
            timestamp: stamp.timestamp,
            ssrc: self.sender.ssrc(),
        };
        let packet = out.next(way);
        let written = packet.extend(&header.write()) && packet.extend(payload);
        if !written || crypto.sealer.seal_rtp(packet).is_err() {
            out.take_back();
            return;
        }
        self.sent_packets += 1;
        self.reports.sent(payload.len());
    }
}

fn reason(bad: BadSrtp) -> DropReason {
    match bad {
        BadSrtp::Header(_) | BadSrtp::Short | BadSrtp::Unencrypted => DropReason::BadHeader,
        BadSrtp::Forged | BadSrtp::Exhausted => DropReason::AuthFailed,
        BadSrtp::Replayed | BadSrtp::Old => DropReason::Replayed,
        BadSrtp::TooManySources => DropReason::TooManySsrcs,
    }
}

/// A tone this soon after an event is the same press: both take at most this long to be noticed.
const SAME_PRESS: Duration = Duration::from_millis(300);
/// An Opus packet of at most this many bytes holds silence.
const QUIET_BYTES: usize = 16;

const _: () = assert!(OPUS_CLOCK_HZ == 48_000);
