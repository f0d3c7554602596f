//! The window: opened, closed, waited for what is on the way, reported.

use std::sync::mpsc::Sender;

use super::{Street, Window};
use crate::callers::figures::Figures;
use crate::callers::sys;
use crate::callers::voice::Talker;

impl Street {
    pub(super) fn open(&mut self) {
        self.figures = Figures::default();
        for talker in self.talkers.iter_mut().flatten() {
            talker.window = (talker.mouth.said, u64::MAX);
            talker.ear.open_window();
            talker.counts = true;
        }
        self.opened_at = (sys::steady_ns(), sys::thread_cpu_ns());
        self.window = Window::Open;
    }

    pub(super) fn close(&mut self, to: Sender<Figures>) {
        let now = sys::steady_ns();
        self.figures.window_ns = now.saturating_sub(self.opened_at.0);
        self.figures.cpu_ns = sys::thread_cpu_ns().saturating_sub(self.opened_at.1);
        for talker in self.talkers.iter_mut().flatten() {
            talker.window.1 = talker.mouth.said.saturating_sub(1);
            // Of players what counts is what came while the window was open.
            if talker.hears.is_none() {
                let first = talker.ear.newest_before.unwrap_or(talker.ear.newest());
                talker.window = (first, talker.ear.newest());
            }
        }
        self.window = Window::Closing(now + ON_THE_WAY_NS, to);
    }

    /// Packets of the window that are meant for this leg.
    pub(super) fn said_to(&self, talker: &Talker) -> u64 {
        let Some(other) = talker.hears else { return talker.window.1.saturating_sub(talker.window.0) };
        let window = self.talkers.get(other).and_then(Option::as_ref).map_or((1, 0), |other| other.window);
        (window.1 + 1).saturating_sub(window.0)
    }

    pub(super) fn is_all_there(&self) -> bool {
        let mut heard = self.talkers.iter().flatten().filter(|talker| talker.counts);
        heard.all(|talker| talker.ear.came >= self.said_to(talker))
    }

    pub(super) fn report(&mut self) {
        let mut figures = std::mem::take(&mut self.figures);
        for talker in self.talkers.iter().flatten().filter(|talker| talker.counts) {
            let said = self.said_to(talker);
            let lost = said.saturating_sub(talker.ear.came);
            figures.talkers += 1;
            figures.deaf += u64::from(talker.ear.came == 0);
            figures.said += said;
            figures.came += talker.ear.came;
            figures.lost += lost;
            figures.lost_by_one = figures.lost_by_one.max(lost);
            figures.jitter.add(talker.ear.jitter_ns());
        }
        if let Window::Closing(_, to) = std::mem::replace(&mut self.window, Window::Shut) {
            let _ = to.send(figures);
        }
    }
}

/// A packet that takes longer is lost.
const ON_THE_WAY_NS: u64 = 3_000_000_000;
