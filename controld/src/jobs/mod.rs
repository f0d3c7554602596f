//! Work that no request waits for.

use std::time::Duration;

use tracing::warn;

use crate::app::App;
use crate::http::guard::IDLE_MS;
use crate::model::clock;

/// Starts every job. They end with the process: each can be cut at any moment and takes up its work again.
pub fn start(app: &App) {
    tokio::spawn(sweep_sessions(app.clone()));
}

async fn sweep_sessions(app: App) {
    loop {
        if let Err(why) = app.store.sweep_sessions(clock::now(), IDLE_MS).await {
            warn!(error = %why, "sessions were not swept: {why}");
        }
        tokio::time::sleep(Duration::from_secs(SWEEP_SECS)).await;
    }
}

const SWEEP_SECS: u64 = 600;
