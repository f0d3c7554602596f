//! Many measured times in little memory: a histogram with three per cent of error, for percentiles.

/// Counts of values, finer where they are smaller. Values are nanoseconds, or whatever the reader says.
#[derive(Clone)]
pub struct Spread {
    counts: Vec<u32>,
    total: u64,
    max: u64,
    sum: u128,
}

impl Default for Spread {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: 0, sum: 0 }
    }
}

impl Spread {
    /// Counts one value.
    pub fn add(&mut self, value: u64) {
        if let Some(count) = self.counts.get_mut(bucket(value)) {
            *count += 1;
        }
        self.total += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The greatest.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// Their mean.
    pub fn mean(&self) -> u64 {
        u64::try_from(self.sum / u128::from(self.total.max(1))).unwrap_or(u64::MAX)
    }

    /// The value that `part` of all do not exceed, 0 to 1; 0 of none.
    pub fn at(&self, part: f64) -> u64 {
        let wanted = ((self.total as f64) * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && *count > 0 {
                return value_of(at).min(self.max);
            }
        }
        self.max
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        (self.total, self.max, self.sum) = (0, 0, 0);
    }

    /// Adds what another has counted.
    pub fn absorb(&mut self, other: &Spread) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }
}

fn bucket(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let octave = u64::from(value.ilog2() - STEPS.ilog2());
    ((octave * STEPS) + (value >> octave)) as usize
}

/// The upper end of a bucket.
fn value_of(at: usize) -> u64 {
    let at = at as u64;
    if at < STEPS {
        return at;
    }
    let octave = at / STEPS - 1;
    let within = at % STEPS + STEPS;
    ((within + 1) << octave).saturating_sub(1)
}

/// Buckets an octave.
const STEPS: u64 = 32;
/// Up to 2^40 ns, 18 minutes.
const BUCKETS: usize = (STEPS * 37) as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_per_cent() {
        let mut spread = Spread::default();
        (1..=100_000u64).for_each(|n| spread.add(n * 10));
        for part in [0.5, 0.95, 0.99] {
            let (is, should) = (spread.at(part) as f64, part * 1_000_000.0);
            assert!((is - should).abs() / should < 0.035, "{part}: {is} for {should}");
        }
        assert_eq!((spread.max(), spread.total(), spread.mean()), (1_000_000, 100_000, 500_005));
        let mut both = Spread::default();
        both.absorb(&spread);
        assert_eq!(both.at(0.5), spread.at(0.5));
        spread.clear();
        assert_eq!((spread.at(0.99), spread.total()), (0, 0));
    }

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for value in (0..5_000).chain([1 << 20, (1 << 20) + 1, 1 << 39]) {
            let end = value_of(bucket(value));
            assert!(end >= value, "{value} ends at {end}");
            assert_eq!(bucket(end), bucket(value));
        }
    }
}
