//! RTCP of one leg: what we heard and what we sent, told to the peer and to controld (RFC 3550 §6, design D3).

use std::time::{Duration, Instant};

use protocol::limits::OPUS_CLOCK_HZ;

use crate::base::packet::Packet;
use crate::wire::rtcp::{Compound, Part, ReportBlock, SenderInfo, write_report};

/// Counts one peer's stream and ours, and writes the reports.
#[derive(Debug)]
pub struct Reports {
    /// The zero of our NTP clock: monotonic, so that a step of the wall clock never shows in a round trip.
    born: Instant,
    heard: Option<Heard>,
    sent_packets: u32,
    sent_bytes: u32,
    far: Far,
    next: Instant,
    quality_next: Instant,
    quality_mark: (u64, u64),
}

/// What the peer reports of our stream.
#[derive(Debug, Clone, Copy, Default)]
struct Far {
    loss: Option<u8>,
    jitter_ticks: Option<u32>,
    rtt: Option<Duration>,
}

/// The peer's stream.
#[derive(Debug)]
struct Heard {
    ssrc: u32,
    first: u64,
    highest: u64,
    received: u64,
    /// Expected and received at the last report.
    mark: (u64, u64),
    transit: Option<i64>,
    /// RFC 3550 A.8, scaled by 16.
    jitter: i64,
    last_sr: Option<(u32, Instant)>,
}

/// A quality event's figures, as in [`protocol::Event::Quality`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// 0 to 1.
    pub loss: f32,
    /// Milliseconds.
    pub jitter_ms: f32,
    /// Milliseconds.
    pub rtt_ms: Option<f32>,
    /// 0 to 1.
    pub far_loss: Option<f32>,
    /// Milliseconds.
    pub far_jitter_ms: Option<f32>,
}

/// What a sender report says of our stream now.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Our SSRC.
    pub ssrc: u32,
    /// The RTP timestamp of now, `None` before the first packet: then it is a receiver report.
    pub timestamp: Option<u32>,
}

impl Reports {
    /// Reports of a leg born `now`; `phase` in 0 to 1 keeps legs that were born together apart.
    pub fn new(now: Instant, phase: f64) -> Self {
        Self {
            born: now,
            heard: None,
            sent_packets: 0,
            sent_bytes: 0,
            far: Far::default(),
            next: now + EVERY.mul_f64(0.5 + phase.clamp(0.0, 1.0)),
            quality_next: now + QUALITY_EVERY,
            quality_mark: (0, 0),
        }
    }

    /// An authenticated RTP packet of the peer. `index` and `ticks` are unwrapped. Packets of a key press are no measure of
    /// jitter: all of them carry the time at which it began (`ticks` is `None`).
    pub fn heard(&mut self, now: Instant, ssrc: u32, index: u64, ticks: Option<u64>) {
        let arrival = duration_ticks(now.saturating_duration_since(self.born));
        let transit = ticks.map(|ticks| arrival - ticks as i64);
        let Some(heard) = self.heard.as_mut().filter(|heard| heard.ssrc == ssrc) else {
            let (first, mark) = (index, (0, 0));
            let new = Heard { ssrc, first, highest: index, received: 1, mark, transit, jitter: 0, last_sr: None };
            self.heard = Some(new);
            self.quality_mark = (0, 0);
            return;
        };
        heard.received += 1;
        heard.highest = heard.highest.max(index);
        heard.first = heard.first.min(index);
        let Some(transit) = transit else { return };
        if let Some(before) = heard.transit.replace(transit) {
            heard.jitter += (transit - before).abs() - ((heard.jitter + 8) >> 4);
        }
    }

    /// An RTP packet of ours left.
    pub fn sent(&mut self, payload_bytes: usize) {
        self.sent_packets = self.sent_packets.wrapping_add(1);
        self.sent_bytes = self.sent_bytes.wrapping_add(payload_bytes as u32);
    }

    /// Takes decrypted, authenticated RTCP. `ours` is our SSRC.
    pub fn take(&mut self, now: Instant, ours: u32, compound: &Compound<'_>) {
        for part in compound.iter() {
            match part {
                Part::Sender { ssrc, sent, blocks } => {
                    if let Some(heard) = self.heard.as_mut().filter(|heard| heard.ssrc == ssrc) {
                        heard.last_sr = Some(((sent.ntp >> 16) as u32, now));
                    }
                    self.take_blocks(now, ours, blocks.iter());
                }
                Part::Receiver { blocks, .. } => self.take_blocks(now, ours, blocks.iter()),
                // RFC 3550 §6.6: a goodbye ends no call.
                Part::Bye { .. } | Part::Description | Part::Other(_) => {}
            }
        }
    }

    /// The loss the peer last reported of our stream, in 256ths.
    pub fn far_loss(&self) -> Option<u8> {
        self.far.loss
    }

    /// When a report or a quality event is due.
    pub fn due(&self) -> Instant {
        self.next.min(self.quality_next)
    }

    /// The next report, if one is due. `onward_loss` is what the one who hears this peer reports, in 256ths: the peer is
    /// told the worse of the two hops, because holes are forwarded (design D3).
    pub fn give(&mut self, now: Instant, sent: Sent, onward_loss: Option<u8>, cname: &str) -> Option<Packet> {
        if now < self.next {
            return None;
        }
        while self.next <= now {
            self.next += EVERY;
        }
        let block = self.heard.as_mut().map(|heard| heard.block(now, onward_loss));
        let info = sent.timestamp.map(|rtp_timestamp| SenderInfo {
            ntp: ntp(now.saturating_duration_since(self.born)),
            rtp_timestamp,
            packets: self.sent_packets,
            payload_bytes: self.sent_bytes,
        });
        Some(write_report(sent.ssrc, info.as_ref(), block.as_slice(), cname))
    }

    /// The figures of the last 5 s, if they are due and the peer has been heard.
    pub fn quality(&mut self, now: Instant) -> Option<Figures> {
        if now < self.quality_next {
            return None;
        }
        while self.quality_next <= now {
            self.quality_next += QUALITY_EVERY;
        }
        let heard = self.heard.as_ref()?;
        let (expected, received) = (heard.expected(), heard.received);
        let (expected_now, received_now) =
            (expected - self.quality_mark.0.min(expected), received - self.quality_mark.1);
        self.quality_mark = (expected, received);
        let lost = expected_now.saturating_sub(received_now);
        Some(Figures {
            loss: if expected_now == 0 { 0.0 } else { lost as f32 / expected_now as f32 },
            jitter_ms: (heard.jitter >> 4) as f32 * 1000.0 / OPUS_CLOCK_HZ as f32,
            far_jitter_ms: self.far.jitter_ticks.map(|ticks| ticks as f32 * 1000.0 / OPUS_CLOCK_HZ as f32),
            rtt_ms: self.far.rtt.map(|rtt| rtt.as_secs_f32() * 1000.0),
            far_loss: self.far.loss.map(|loss| f32::from(loss) / 256.0),
        })
    }

    fn take_blocks(&mut self, now: Instant, ours: u32, blocks: impl Iterator<Item = ReportBlock>) {
        for block in blocks.filter(|block| block.ssrc == ours) {
            self.far.loss = Some(block.fraction_lost);
            self.far.jitter_ticks = Some(block.jitter_ticks);
            if block.last_sr == 0 {
                continue;
            }
            // RFC 3550 §6.4.1: A − LSR − DLSR, in 65536ths of a second.
            let here = (ntp(now.saturating_duration_since(self.born)) >> 16) as u32;
            let rtt = here.wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_last_sr);
            if rtt < RTT_MAX {
                self.far.rtt = Some(Duration::from_micros(u64::from(rtt) * 1_000_000 / 65_536));
            }
        }
    }
}

impl Heard {
    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }

    /// RFC 3550 A.3.
    fn block(&mut self, now: Instant, onward_loss: Option<u8>) -> ReportBlock {
        let expected = self.expected();
        let lost = expected as i64 - self.received as i64;
        let (expected_now, received_now) = (expected - self.mark.0.min(expected), self.received - self.mark.1);
        self.mark = (expected, self.received);
        let lost_now = expected_now.saturating_sub(received_now);
        let own =
            (lost_now * 256).checked_div(expected_now).map_or(0, |of_256| u8::try_from(of_256).unwrap_or(u8::MAX));
        let (last_sr, delay) = self.last_sr.map_or((0, 0), |(middle, at)| {
            let since = now.saturating_duration_since(at);
            (middle, u32::try_from(since.as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX))
        });
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: own.max(onward_loss.unwrap_or(0)),
            cumulative_lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest_sequence: self.highest as u32,
            jitter_ticks: u32::try_from(self.jitter >> 4).unwrap_or(u32::MAX),
            last_sr,
            delay_since_last_sr: delay,
        }
    }
}

/// 32.32 seconds since the leg was born, plus a constant: a zero would read as "never".
fn ntp(since: Duration) -> u64 {
    let since = since + NTP_OFFSET;
    (since.as_secs() << 32) | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
}

fn duration_ticks(time: Duration) -> i64 {
    i64::try_from(time.as_micros() * u128::from(OPUS_CLOCK_HZ) / 1_000_000).unwrap_or(i64::MAX / 4)
}

/// RFC 3550 §6.2: 5 s; the first after half to one and a half of it.
const EVERY: Duration = Duration::from_secs(5);
const QUALITY_EVERY: Duration = Duration::from_secs(5);
const NTP_OFFSET: Duration = Duration::from_secs(86_400);
/// Round trips above 30 s are a confused peer.
const RTT_MAX: u32 = 30 * 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        Instant::now()
    }

    fn block_of(packet: &Packet) -> ReportBlock {
        match Compound::parse(packet.as_slice()).unwrap().iter().next().unwrap() {
            Part::Sender { blocks, .. } | Part::Receiver { blocks, .. } => blocks.iter().next().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lost_fifth_is_reported_as_51_of_256_and_as_a_fifth() {
        let begin = start();
        let mut reports = Reports::new(begin, 0.5);
        for index in (0..250u64).filter(|index| index % 5 != 4) {
            reports.heard(begin + Duration::from_millis(20 * index), 7, 1000 + index, Some(960 * index));
        }
        reports.heard(begin + Duration::from_millis(4980), 7, 1249, Some(960 * 249));
        let sent = Sent { ssrc: 1, timestamp: None };
        let now = begin + Duration::from_secs(8);
        let block = block_of(&reports.give(now, sent, None, "x").unwrap());
        assert_eq!((block.ssrc, block.highest_sequence, block.cumulative_lost), (7, 1249, 49));
        assert_eq!(block.fraction_lost, (49 * 256 / 250) as u8);
        assert_eq!(block.jitter_ticks, 0);
        let figures = reports.quality(now).unwrap();
        assert!((figures.loss - 49.0 / 250.0).abs() < 1e-6);
        assert_eq!(reports.give(now, sent, None, "x"), None);
        let later = block_of(&reports.give(now + EVERY, sent, Some(99), "x").unwrap());
        assert_eq!(later.fraction_lost, 99, "the far hop was worse");
    }

    #[test]
    fn a_round_trip_is_what_passed_less_what_the_peer_held_it() {
        let begin = start();
        let mut reports = Reports::new(begin, 0.0);
        let sent = Sent { ssrc: 5, timestamp: Some(1) };
        let at = begin + Duration::from_secs(4);
        let ours = reports.give(at, sent, None, "x").unwrap();
        let Some(Part::Sender { sent: info, .. }) = Compound::parse(ours.as_slice()).unwrap().iter().next() else {
            panic!()
        };
        let block = ReportBlock {
            ssrc: 5,
            fraction_lost: 64,
            last_sr: (info.ntp >> 16) as u32,
            delay_since_last_sr: 65_536,
            ..ReportBlock::default()
        };
        let theirs = write_report(9, None, &[block], "peer");
        reports.take(at + Duration::from_millis(1080), 5, &Compound::parse(theirs.as_slice()).unwrap());
        assert!((reports.far.rtt.unwrap().as_secs_f32() - 0.08).abs() < 0.001);
        assert_eq!(reports.far_loss(), Some(64));
    }

    #[test]
    fn a_steady_wobble_of_10_ms_is_10_ms_of_jitter() {
        let begin = start();
        let mut reports = Reports::new(begin, 0.5);
        for index in 0..400u64 {
            let late = if index % 2 == 0 { 10 } else { 0 };
            reports.heard(begin + Duration::from_millis(20 * index + late), 7, index, Some(960 * index));
        }
        let figures = reports.quality(begin + Duration::from_secs(8)).unwrap();
        assert!((figures.jitter_ms - 10.0).abs() < 0.5, "{}", figures.jitter_ms);
    }
}
