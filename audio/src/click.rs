//! A measuring instrument: is there a click where one stream was cut and another goes on?
//!
//! The metric asks for both parents. In bands of 5 ms windows it looks for sound at the cut that is louder than either
//! parent ever was nearby; natural onsets cannot raise it. Calibration: uncut sound 0.0 dB; [`CLICK_FREE_DB`] is the limit
//! of "no click"; up to [`CLICK_DB`] is as bad as one lost packet; above is a click. A set of 100 or more cuts passes
//! when its 95th percentile is at most 3 dB and at most 1 % of it exceed 6 dB.

use crate::limits::RATE_HZ;
use std::f64::consts::TAU;

/// A cut to be judged: three streams on one time axis (48 kHz, full scale 1.0), each decoded by a decoder of its own.
#[derive(Debug, Clone, Copy)]
pub struct Cut<'a> {
    /// What came out across the cut.
    pub out: &'a [f32],
    /// The stream before the cut, and beyond it. Where it does not exist: shorter, or zeros.
    pub before: &'a [f32],
    /// The stream after the cut, and before it.
    pub after: &'a [f32],
    /// The sample at which the first packet of something else than `before` begins.
    pub at: usize,
    /// Packets of 20 ms put between the two streams; `after` goes on behind them.
    pub inserted: usize,
}

/// X in dB: by how much some band at the cut is louder than either parent. 0 or less is no trace of the cut.
pub fn excess_db(cut: &Cut<'_>) -> f64 {
    Meter::new().excess_db(cut)
}

/// The instrument, for many cuts.
#[derive(Debug, Clone)]
pub struct Meter {
    window: Vec<f64>,
    /// cos and sin of every multiple of the base angle.
    circle: Vec<(f64, f64)>,
    /// Bins of each band.
    bands: Vec<std::ops::Range<usize>>,
    scale: f64,
}

impl Default for Meter {
    fn default() -> Self {
        Meter::new()
    }
}

impl Meter {
    /// Makes its tables.
    pub fn new() -> Meter {
        let window: Vec<f64> =
            (0..WINDOW).map(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / WINDOW as f64).cos()).collect();
        let bin_hz = f64::from(RATE_HZ) / WINDOW as f64;
        let bin = |hz: f64| (hz / bin_hz).ceil() as usize;
        Meter {
            scale: window.iter().map(|w| w * w).sum::<f64>() * (WINDOW / 2) as f64,
            circle: (0..WINDOW).map(|n| (TAU * n as f64 / WINDOW as f64).sin_cos()).map(|(s, c)| (c, s)).collect(),
            bands: EDGES_HZ.windows(2).map(|edge| bin(edge[0])..bin(edge[1])).collect(),
            window,
        }
    }

    /// X of one cut, in dB.
    pub fn excess_db(&self, cut: &Cut<'_>) -> f64 {
        self.worst(cut).excess_db
    }

    /// Where the trace of a cut is plainest.
    pub fn worst(&self, cut: &Cut<'_>) -> Trace {
        let shift_ms = cut.inserted as f64 * 20.0;
        let before = self.powers(cut.before, cut.at, -30.0, 2.5);
        let after = self.powers(cut.after, cut.at, shift_ms - 2.5, shift_ms + 90.0);
        let near = after.iter().filter(|(ms, _)| *ms <= shift_ms + 30.0);
        let loudest = before.iter().chain(near).map(|(_, p)| p.iter().sum::<f64>()).fold(0.0, f64::max);
        let floor = db_to_power(FLOOR_DB).max(loudest * db_to_power(-BELOW_LOUDEST_DB));
        let reference: Vec<f64> = (0..self.bands.len())
            .map(|band| before.iter().chain(&after).map(|(_, p)| p[band]).fold(floor, f64::max))
            .collect();
        let mut worst = Trace { excess_db: f64::NEG_INFINITY, band_hz: (0.0, 0.0), after_ms: 0.0, level_db: 0.0 };
        for (after_ms, powers) in self.powers(cut.out, cut.at, -5.0, shift_ms + 60.0) {
            for (band, (out, reference)) in powers.iter().zip(&reference).enumerate() {
                let excess_db = 10.0 * (out.max(floor) / reference).log10();
                if excess_db > worst.excess_db {
                    let band_hz = (EDGES_HZ[band], EDGES_HZ[band + 1]);
                    worst = Trace { excess_db, band_hz, after_ms, level_db: 10.0 * out.max(floor).log10() };
                }
            }
        }
        worst
    }

    /// Band powers of every window whose middle lies in `from_ms..=to_ms` around `at`, each with its place in ms.
    fn powers(&self, samples: &[f32], at: usize, from_ms: f64, to_ms: f64) -> Vec<(f64, Vec<f64>)> {
        let place = |ms: f64| (ms * f64::from(RATE_HZ) / 1_000.0) as isize;
        (place(from_ms)..=place(to_ms))
            .step_by(HOP)
            .map(|from_cut| {
                let start = at as isize + from_cut - (WINDOW / 2) as isize;
                (from_cut as f64 * 1_000.0 / f64::from(RATE_HZ), self.spectrum(samples, start))
            })
            .collect()
    }

    fn spectrum(&self, samples: &[f32], start: isize) -> Vec<f64> {
        let sample = |n: usize| {
            let place = usize::try_from(start + n as isize).ok();
            f64::from(place.and_then(|place| samples.get(place)).copied().unwrap_or(0.0))
        };
        let shaped: Vec<f64> = self.window.iter().enumerate().map(|(n, w)| w * sample(n)).collect();
        if shaped.iter().all(|s| *s == 0.0) {
            return vec![0.0; self.bands.len()];
        }
        self.bands.iter().map(|bins| bins.clone().map(|bin| self.bin_power(&shaped, bin)).sum()).collect()
    }

    fn bin_power(&self, shaped: &[f64], bin: usize) -> f64 {
        let (mut re, mut im, mut turn) = (0.0, 0.0, 0);
        for sample in shaped {
            let (cos, sin) = self.circle[turn];
            re += sample * cos;
            im += sample * sin;
            turn = (turn + bin) % WINDOW;
        }
        (re * re + im * im) / self.scale
    }
}

/// The plainest trace of a cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trace {
    /// X: how much louder than either parent, in dB.
    pub excess_db: f64,
    /// In which band, in Hz.
    pub band_hz: (f64, f64),
    /// How long after the cut, in milliseconds.
    pub after_ms: f64,
    /// How loud there, in dB against full scale.
    pub level_db: f64,
}

/// What a set of cuts came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many cuts.
    pub cuts: usize,
    /// 95th percentile of X, in dB.
    pub p95_db: f64,
    /// The worst, in dB.
    pub max_db: f64,
    /// Share of cuts above [`CLICK_FREE_DB`], 0–1.
    pub over_3: f64,
    /// Share of cuts above [`CLICK_DB`], 0–1.
    pub over_6: f64,
}

impl Summary {
    /// Sums up X of many cuts.
    pub fn of(excess_db: &[f64]) -> Summary {
        let mut sorted = excess_db.to_vec();
        sorted.sort_by(f64::total_cmp);
        let share = |limit: f64| sorted.iter().filter(|x| **x > limit).count() as f64 / sorted.len().max(1) as f64;
        let last = sorted.len().saturating_sub(1);
        Summary {
            cuts: sorted.len(),
            p95_db: sorted.get((last as f64 * 0.95).round() as usize).copied().unwrap_or(f64::NEG_INFINITY),
            max_db: sorted.last().copied().unwrap_or(f64::NEG_INFINITY),
            over_3: share(CLICK_FREE_DB),
            over_6: share(CLICK_DB),
        }
    }

    /// No clicks: what every pair of sources must reach where one of them is prepared sound.
    pub fn is_clean(&self) -> bool {
        self.p95_db <= 3.0 && self.over_6 <= 0.01
    }

    /// As bad as one lost packet: what may be asked where live speech is chopped, or one live voice follows another.
    pub fn is_like_one_loss(&self) -> bool {
        self.p95_db <= 6.0 && self.over_6 <= 0.05
    }
}

fn db_to_power(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}

/// Up to here, X means no click.
pub const CLICK_FREE_DB: f64 = 3.0;
/// Above this, X means a click.
pub const CLICK_DB: f64 = 6.0;
const WINDOW: usize = 240;
const HOP: usize = 60;
const FLOOR_DB: f64 = -65.0;
const BELOW_LOUDEST_DB: f64 = 40.0;
const EDGES_HZ: [f64; 19] = [
    100.0, 300.0, 500.0, 700.0, 900.0, 1_100.0, 1_400.0, 1_700.0, 2_100.0, 2_600.0, 3_200.0, 4_000.0, 5_000.0, 6_400.0,
    8_000.0, 10_000.0, 13_000.0, 16_000.0, 20_000.0,
];
