//! The clocks of a peer's sources: 32-bit timestamps made into counters that never wrap.

/// One unwrapped clock a source, for as many sources as a key opens.
#[derive(Debug, Default)]
pub struct Streams {
    known: Vec<(u32, u64)>,
}

impl Streams {
    /// The unwrapped timestamp of an authenticated packet. The first of a source begins one whole turn above zero, so
    /// that a reordered one before it does not run below.
    pub fn ticks(&mut self, ssrc: u32, timestamp: u32) -> u64 {
        let Some((_, last)) = self.known.iter_mut().find(|(have, _)| *have == ssrc) else {
            let first = (1 << 32) + u64::from(timestamp);
            if self.known.len() == super::srtp::SOURCES_MAX {
                self.known.remove(0);
            }
            self.known.push((ssrc, first));
            return first;
        };
        let step = timestamp.wrapping_sub(*last as u32).cast_signed();
        let ticks = last.saturating_add_signed(i64::from(step));
        *last = (*last).max(ticks);
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on_over_its_wrap_and_back_for_a_late_packet() {
        let mut streams = Streams::default();
        let first = streams.ticks(1, u32::MAX - 959);
        assert_eq!(streams.ticks(1, 0), first + 960);
        assert_eq!(streams.ticks(1, u32::MAX - 1919), first - 960);
        assert_eq!(streams.ticks(1, 960), first + 1920);
        assert_eq!(streams.ticks(2, 5), (1 << 32) + 5);
    }
}
