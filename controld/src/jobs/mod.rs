//! Work that no request waits for.

pub mod archive;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::warn;

use crate::model::clock;
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
    tokio::spawn(sweep_sessions(parts.store));
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

async fn fill_archive(mut archive: Archive, bell: Arc<Notify>) {
    loop {
        archive.pass(clock::now()).await;
        let _ = tokio::time::timeout(Duration::from_secs(ARCHIVE_SECS), bell.notified()).await;
    }
}

const SWEEP_SECS: u64 = 600;
/// The bell is for speed; this is for what was left behind by a crash.
const ARCHIVE_SECS: u64 = 5;
