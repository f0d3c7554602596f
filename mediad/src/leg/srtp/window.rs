//! Which of the last indices were seen, and the index a sequence number stands for (RFC 3711 §3.3.1–3.3.2).

/// The highest index seen and the [`WINDOW`] indices up to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    highest: Option<u64>,
    /// Bit `index % WINDOW` is set if `index` was seen.
    seen: [u64; WORDS],
}

/// How an index stands to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not seen yet.
    Fresh,
    /// Seen.
    Seen,
    /// Behind the window: perhaps seen.
    Old,
}

impl Window {
    /// A window in which everything up to `highest` counts as seen.
    pub(super) fn closed_up_to(highest: u64) -> Self {
        Window { highest: Some(highest), seen: [u64::MAX; WORDS] }
    }

    pub(super) fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// The 48-bit index nearest to the highest one that ends in `sequence`; `None` if it would lie before the
    /// beginning. A window that has seen nothing takes the sequence number itself.
    pub(super) fn guess(&self, sequence: u16) -> Option<u64> {
        let Some(highest) = self.highest else { return Some(u64::from(sequence)) };
        let roc = highest >> 16;
        let last = (highest & 0xffff) as u16;
        let roc = if last < HALF && sequence.saturating_sub(last) > HALF {
            roc.checked_sub(1)?
        } else if last >= HALF && last.saturating_sub(HALF) > sequence {
            roc.checked_add(1)?
        } else {
            roc
        };
        Some((roc << 16) | u64::from(sequence))
    }

    pub(super) fn standing(&self, index: u64) -> Standing {
        match self.highest {
            None => Standing::Fresh,
            Some(highest) if index > highest => Standing::Fresh,
            Some(highest) if highest.saturating_sub(index) >= WINDOW => Standing::Old,
            Some(_) => {
                let (word, bit) = place(index);
                let hit = self.seen.get(word).is_some_and(|w| w & bit != 0);
                if hit { Standing::Seen } else { Standing::Fresh }
            }
        }
    }

    /// Notes `index` as seen. Only for an index whose packet is proven genuine, or is being sealed by us.
    pub(super) fn mark(&mut self, index: u64) {
        match self.highest {
            Some(highest) if index <= highest => {}
            Some(highest) => {
                let gap = index.saturating_sub(highest);
                if gap >= WINDOW {
                    self.seen = [0; WORDS];
                } else {
                    (highest.saturating_add(1)..=index).for_each(|passed| self.set(passed, false));
                }
                self.highest = Some(index);
            }
            None => self.highest = Some(index),
        }
        self.set(index, true);
    }

    fn set(&mut self, index: u64, seen: bool) {
        let (word, bit) = place(index);
        if let Some(word) = self.seen.get_mut(word) {
            *word = if seen { *word | bit } else { *word & !bit };
        }
    }
}

fn place(index: u64) -> (usize, u64) {
    let slot = index % WINDOW;
    ((slot / 64) as usize, 1 << (slot % 64))
}

/// How many indices back a late packet is still told from a repeated one: 20 s of voice.
pub(super) const WINDOW: u64 = 1_024;
const WORDS: usize = (WINDOW / 64) as usize;
const HALF: u16 = 1 << 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_fresh_once_and_old_behind_the_window() {
        let mut window = Window::default();
        window.mark(5_000);
        assert_eq!(window.standing(5_000), Standing::Seen);
        assert_eq!(window.standing(5_000 - WINDOW + 1), Standing::Fresh);
        assert_eq!(window.standing(5_000 - WINDOW), Standing::Old);
        window.mark(5_003);
        assert_eq!(window.standing(5_001), Standing::Fresh);
        window.mark(5_001);
        assert_eq!(window.standing(5_001), Standing::Seen);
        window.mark(9_000);
        assert_eq!(window.standing(8_999), Standing::Fresh);
        assert_eq!(window.standing(5_003), Standing::Old);
    }

    #[test]
    fn the_guess_follows_the_wrap_both_ways() {
        let mut window = Window::default();
        assert_eq!(window.guess(65_535), Some(65_535));
        window.mark(65_535);
        assert_eq!(window.guess(0), Some(65_536));
        window.mark(65_536);
        assert_eq!(window.guess(65_534), Some(65_534));
        let mut early = Window::default();
        early.mark(1);
        assert_eq!(early.guess(65_535), None);
    }

    #[test]
    fn a_closed_window_has_seen_everything() {
        let window = Window::closed_up_to(70_000);
        assert_eq!(window.standing(70_000), Standing::Seen);
        assert_eq!(window.standing(69_500), Standing::Seen);
        assert_eq!(window.standing(1), Standing::Old);
        assert_eq!(window.standing(70_001), Standing::Fresh);
    }
}
