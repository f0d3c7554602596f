//! How fast a tab may speak: a burst, and then so many lines a second. Pure: time is an argument.

/// A bucket of tokens, one for each line.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Thousandths of a token.
    left: u64,
    seen_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { left: BURST_LINES * TOKEN, seen_ms: 0 }
    }
}

impl Pace {
    /// Takes a token at this moment, counted from the start of the conversation. False: too fast.
    pub fn take(&mut self, now_ms: u64) -> bool {
        let earned = now_ms.saturating_sub(self.seen_ms).saturating_mul(LINES_A_SECOND);
        self.seen_ms = self.seen_ms.max(now_ms);
        self.left = self.left.saturating_add(earned).min(BURST_LINES * TOKEN);
        match self.left.checked_sub(TOKEN) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

const TOKEN: u64 = 1_000;
const LINES_A_SECOND: u64 = 20;
const BURST_LINES: u64 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_forty_is_taken_and_then_twenty_a_second() {
        let mut pace = Pace::default();
        assert_eq!((0..100).filter(|_| pace.take(0)).count(), 40);
        assert!(!pace.take(49));
        assert!(pace.take(50) && !pace.take(50));
        assert_eq!((51..=1_050).filter(|now| pace.take(*now)).count(), 20);
        assert_eq!((0..100).filter(|_| pace.take(3_600_000)).count(), 40);
        assert!(!pace.take(0), "a clock that goes back earns nothing");
    }
}
