//! What controld counts about itself, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Every count.
#[derive(Debug, Default)]
pub struct Counts {
    /// HTTP answers by class: 1xx to 5xx.
    pub answers: [Count; 5],
    /// People who signed in.
    pub logins_ok: Count,
    /// Wrong password, unknown or locked-out person.
    pub logins_refused: Count,
    /// Refused before the password was looked at.
    pub logins_limited: Count,
    /// Requests without a valid session.
    pub unauthenticated: Count,
    /// Requests above the person's role.
    pub forbidden: Count,
    /// Changes refused because they may come from another site.
    pub cross_site: Count,
    /// Links to recordings that were forged or over.
    pub bad_links: Count,
    /// Webhooks whose signature was missing or wrong.
    pub bad_signatures: Count,
    /// Recordings moved to the archive.
    pub archived: Count,
    /// Attempts to archive that failed and will be repeated.
    pub archive_retries: Count,
    /// Recordings that hold nothing to hear.
    pub archive_failed: Count,
}

impl Counts {
    /// An HTTP answer with this status left.
    pub fn answered(&self, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(count) = self.answers.get(class) {
            count.add();
        }
    }
}
