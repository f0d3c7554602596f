//! How good a voice sounds, by the E-model of ITU-T G.107: from loss and delay to a mean opinion score.

/// The constants of the model, by their names in G.107. What it says of Opus is our assumption: G.113 has no figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EModel {
    /// Ro: the signal against the noise.
    pub ro: f32,
    /// Is: what happens together with the voice.
    pub is: f32,
    /// A: what the convenience of a call without wires is worth.
    pub a: f32,
    /// Ie: what the codec costs without loss.
    pub ie: f32,
    /// Bpl: how well the codec bears loss.
    pub bpl: f32,
    /// BurstR: 1 for losses that know nothing of each other, more for bursts.
    pub burst_r: f32,
    /// One way through codec, packets and the listener's jitter buffer, in milliseconds.
    pub ends_ms: f32,
}

impl Default for EModel {
    fn default() -> Self {
        Self { ro: 94.77, is: 1.41, a: 0.0, ie: 0.0, bpl: 20.0, burst_r: 1.0, ends_ms: 66.5 }
    }
}

impl EModel {
    /// The mean opinion score, 1 to 4.5, for a share of packets lost (0 to 1), a round trip and an interarrival jitter in
    /// milliseconds. The listener's buffer is taken to hold twice the jitter more.
    pub fn mos(&self, loss: f32, rtt_ms: Option<f32>, jitter_ms: f32) -> f32 {
        let one_way_ms = rtt_ms.unwrap_or(0.0) / 2.0 + self.ends_ms + 2.0 * jitter_ms;
        let r = self.ro - self.is - Self::id(one_way_ms) - self.ie_eff(loss) + self.a;
        match r {
            r if r <= 0.0 => 1.0,
            r if r >= 100.0 => 4.5,
            // Annex B of G.107: a cubic that dips below 1 for the smallest R.
            r => (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0),
        }
    }

    /// Id: what delay costs. Its echo parts (Idte, Idle) are those of the default connection, its last part is Idd.
    fn id(one_way_ms: f32) -> f32 {
        if one_way_ms <= 100.0 {
            return ID_ECHO;
        }
        let x = (one_way_ms / 100.0).log2();
        let part = |x: f32| (1.0 + x.powi(6)).powf(1.0 / 6.0);
        ID_ECHO + 25.0 * (part(x) - 3.0 * part(x / 3.0) + 2.0)
    }

    /// Ie,eff: what codec and loss cost together.
    fn ie_eff(&self, loss: f32) -> f32 {
        let ppl = 100.0 * loss.clamp(0.0, 1.0);
        if ppl <= 0.0 {
            return self.ie;
        }
        self.ie + (95.0 - self.ie) * ppl / (ppl / self.burst_r + self.bpl)
    }
}

/// Idte and Idle of a connection without an echo.
const ID_ECHO: f32 = 0.15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_connection_has_the_r_of_93_2_that_g_107_gives_and_a_mos_of_4_41() {
        let model = EModel { ends_ms: 0.0, ..EModel::default() };
        assert!((model.ro - model.is - EModel::id(0.0) - 93.2).abs() < 0.02);
        assert!((model.mos(0.0, None, 0.0) - 4.41).abs() < 0.01);
    }

    #[test]
    fn delay_costs_what_the_formula_gives_by_hand() {
        // Idd for one-way delays, worked out with a pencil to the first decimal.
        for (ms, idd) in [(100.0, 0.0), (200.0, 3.0), (300.0, 14.8), (400.0, 24.1), (500.0, 30.6)] {
            let got = EModel::id(ms) - ID_ECHO;
            assert!((got - idd).abs() < 0.1, "{ms} ms: {got}");
        }
    }

    #[test]
    fn more_loss_delay_or_jitter_is_never_better_and_the_score_stays_between_1_and_4_5() {
        let model = EModel::default();
        let mut last = 5.0;
        for loss in 0..=100 {
            let mos = model.mos(loss as f32 / 100.0, Some(80.0), 3.0);
            assert!((1.0..=4.5).contains(&mos) && mos <= last);
            last = mos;
        }
        assert!(model.mos(0.01, Some(600.0), 3.0) < model.mos(0.01, Some(100.0), 3.0));
        assert!(model.mos(0.01, Some(300.0), 60.0) < model.mos(0.01, Some(300.0), 1.0));
        assert!(model.mos(0.05, Some(80.0), 3.0) < 4.0);
    }
}
