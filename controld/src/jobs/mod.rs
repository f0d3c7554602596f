//! Work that no request waits for.

pub mod archive;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::warn;

use crate::model::{Millis, clock};
use crate::store::Store;
use archive::Archive;

/// What the jobs work on.
pub struct Parts {
    /// The rows.
    pub store: Store,
    /// The archive of recordings.
    pub archive: Archive,
    /// Rung when a recording is complete in the spool.
    pub archive_bell: Arc<Notify>,
}

/// Starts every job. They end with the process: each can be cut at any moment and takes up its work again.
pub fn start(parts: Parts) {
    tokio::spawn(sweep_sessions(parts.store.clone()));
    tokio::spawn(prune_inbox(parts.store));
    tokio::spawn(fill_archive(parts.archive, parts.archive_bell));
}

async fn sweep_sessions(store: Store) {
    loop {
        if let Err(why) = store.sweep_sessions(clock::now()).await {
            warn!(error = %why, "sessions were not swept: {why}");
        }
        tokio::time::sleep(Duration::from_secs(SWEEP_SECS)).await;
    }
}

/// Webhooks hold what callers are called; they are kept while Meta may repeat one or somebody may ask what came.
async fn prune_inbox(store: Store) {
    loop {
        let rest = match store.prune_inbox(clock::now().saturating_sub(INBOX_KEPT_MS)).await {
            Ok(0) => Duration::from_secs(PRUNE_SECS),
            Ok(_) => Duration::from_millis(PRUNE_BREATH_MS),
            Err(why) => {
                warn!(error = %why, "the inbox was not pruned: {why}");
                Duration::from_secs(PRUNE_SECS)
            }
        };
        tokio::time::sleep(rest).await;
    }
}

async fn fill_archive(mut archive: Archive, bell: Arc<Notify>) {
    loop {
        archive.pass(clock::now()).await;
        let _ = tokio::time::timeout(Duration::from_secs(ARCHIVE_SECS), bell.notified()).await;
    }
}

const SWEEP_SECS: u64 = 600;
/// Thirty days.
const INBOX_KEPT_MS: Millis = 30 * 24 * 60 * 60 * 1000;
const PRUNE_SECS: u64 = 3_600;
/// Others write between two slices.
const PRUNE_BREATH_MS: u64 = 200;
/// The bell is for speed; this is for what was left behind by a crash.
const ARCHIVE_SECS: u64 = 5;
