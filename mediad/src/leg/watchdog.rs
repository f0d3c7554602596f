//! Where a leg's media is stuck, told long before the peer gives up: which hop should have come up and has not.

use std::time::{Duration, Instant};

use protocol::Hop;

/// Watches one leg, hop by hop.
#[derive(Debug)]
pub struct Watchdog {
    /// What has been missing, and since when.
    missing: Option<(Hop, Instant)>,
    told: Option<Hop>,
    next: Instant,
    /// Packets seen and refused at the last look.
    mark: (u64, u64),
}

/// What there is of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// The peer's description is known, so checks are on their way.
    pub described: bool,
    /// A pair of addresses is selected.
    pub way: bool,
    /// Keys are agreed.
    pub keys: bool,
    /// The peer is to be heard by someone.
    pub expected: bool,
    /// Authenticated packets so far.
    pub received: u64,
    /// Packets whose tag was wrong so far.
    pub refused: u64,
    /// When the peer was last heard to say something louder than silence.
    pub loud_at: Option<Instant>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// This hop is broken.
    Broken(Hop),
    /// It is no longer.
    Mended(Hop),
}

impl Watchdog {
    /// Watches from `now` on.
    pub fn new(now: Instant) -> Self {
        Self { missing: None, told: None, next: now, mark: (0, 0) }
    }

    /// When it wants to look.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// Whether something was told as broken and not yet as mended.
    pub fn has_told(&self) -> bool {
        self.told.is_some()
    }

    /// Looks, if it is time to. Each hop is told once, and once again when it has come up.
    pub fn look(&mut self, now: Instant, sight: Sight) -> Option<Change> {
        if now < self.next {
            return None;
        }
        self.next = now + LOOK_EVERY;
        let missing = self.missing_of(now, sight);
        self.mark = (sight.received, sight.refused);
        self.missing = match (missing, self.missing) {
            (Some(hop), Some((before, since))) if hop == before => Some((hop, since)),
            (Some(hop), _) => Some((hop, now)),
            (None, _) => None,
        };
        let late = self.missing.filter(|(_, since)| now.saturating_duration_since(*since) >= LATE_AFTER);
        let broken = late.map(|(hop, _)| hop);
        match (self.told, broken) {
            (None, Some(hop)) => {
                self.told = Some(hop);
                Some(Change::Broken(hop))
            }
            // It is past the hop that was told, whatever the next one does.
            (Some(hop), _) if missing != Some(hop) => {
                self.told = None;
                Some(Change::Mended(hop))
            }
            _ => None,
        }
    }

    fn missing_of(&self, now: Instant, sight: Sight) -> Option<Hop> {
        let (received, refused) = (sight.received > self.mark.0, sight.refused > self.mark.1);
        let loud = || sight.loud_at.is_some_and(|at| now.saturating_duration_since(at) < LOOK_EVERY * 2);
        match sight {
            Sight { described: false, .. } => None,
            Sight { way: false, .. } => Some(Hop::NoStunAnswer),
            Sight { keys: false, .. } => Some(Hop::StunButNoDtls),
            Sight { expected: false, .. } => None,
            _ if received && loud() => None,
            _ if received => Some(Hop::RtpButSilent),
            _ if refused => Some(Hop::RtpButNotDecryptable),
            _ => Some(Hop::DtlsButNoRtp),
        }
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// With a look a second, a broken hop is told within 5 s.
const LATE_AFTER: Duration = Duration::from_millis(3_900);

const _: () = assert!(LATE_AFTER.as_millis() + LOOK_EVERY.as_millis() <= 5_000);

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks as often as it wants to for `secs`, with what there is at each moment.
    fn watch(secs: u64, sight: impl Fn(u64) -> Sight) -> Vec<(u64, Change)> {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        let start = Instant::now();
        let mut dog = Watchdog::new(start);
        let mut told = Vec::new();
        while dog.due() <= start + Duration::from_secs(secs) {
            let now = dog.due();
            let ms = (now - start).as_millis() as u64;
            let mut sight = sight(ms);
            // A test says when it was loud by a plain "yes".
            sight.loud_at = sight.loud_at.map(|_| now);
            told.extend(dog.look(now, sight).map(|change| (ms, change)));
        }
        told
    }

    fn up(ms: u64) -> Sight {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        let loud_at = Some(Instant::now());
        Sight { described: true, way: true, keys: true, expected: true, received: ms / 20, refused: 0, loud_at }
    }

    #[test]
    fn each_broken_hop_is_named_once_within_five_seconds() {
        type Case = (Hop, fn(u64) -> Sight);
        let cases: [Case; 5] = [
            (Hop::NoStunAnswer, |ms| Sight { way: false, keys: false, received: 0, ..up(ms) }),
            (Hop::StunButNoDtls, |ms| Sight { keys: false, received: 0, ..up(ms) }),
            (Hop::DtlsButNoRtp, |ms| Sight { received: 0, ..up(ms) }),
            (Hop::RtpButNotDecryptable, |ms| Sight { received: 0, refused: ms / 20, ..up(ms) }),
            (Hop::RtpButSilent, |ms| Sight { loud_at: None, ..up(ms) }),
        ];
        for (hop, sight) in cases {
            let told = watch(30, sight);
            assert_eq!(told.len(), 1, "{hop:?}: {told:?}");
            assert_eq!(told[0].1, Change::Broken(hop));
            assert!(told[0].0 <= 5_000, "{hop:?} after {} ms", told[0].0);
        }
    }

    #[test]
    fn a_hop_that_comes_up_late_is_told_as_mended_and_a_short_pause_is_nothing() {
        assert_eq!(watch(60, up), []);
        let pause = |ms: u64| Sight { received: if (5_000..8_000).contains(&ms) { 250 } else { ms / 20 }, ..up(ms) };
        assert_eq!(watch(60, pause), []);
        let late = |ms: u64| Sight { keys: ms > 8_000, ..up(ms) };
        let told = watch(60, late);
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[1].1, Change::Mended(Hop::StunButNoDtls));
        assert!(told[1].0 <= 10_000);
    }

    #[test]
    fn a_leg_that_nobody_is_to_hear_is_not_missed() {
        let standing = |ms: u64| Sight { expected: false, received: 0, ..up(ms) };
        assert_eq!(watch(60, standing), []);
        let offered = |ms: u64| Sight { described: false, way: false, keys: false, ..up(ms) };
        assert_eq!(watch(60, offered), []);
    }
}
