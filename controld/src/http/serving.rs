//! Connections served: each with a deadline for its next request head, all within a bound.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Extension};
use axum::serve::Listener;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{oneshot, watch};
use tower::Layer;

use super::door::turns::Turns;
use super::door::{Door, Peer, Stream};
use crate::app::logins::Place;
use crate::config::network::Network;

/// How long and how many.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A request's head has this long to arrive; a connection without one is closed after it.
    pub head_ms: u64,
    /// Connections at once.
    pub connections: usize,
    /// Of those, from one address that is neither a proxy of ours nor this machine.
    pub connections_a_place: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_ms: 10_000, connections: 4_096, connections_a_place: 512 }
    }
}

/// Serves the house until `closing` turns true; then finishes what has begun.
pub async fn serve(mut door: Door, house: Router, proxies: &[Network], limits: Limits, closing: watch::Receiver<bool>) {
    let floor = Floor {
        turns: Arc::new(Mutex::new(Turns::new(limits.connections, limits.connections_a_place))),
        head: Duration::from_millis(limits.head_ms),
        house,
    };
    // Every connection holds a copy; the last one to end ends the wait below.
    let (all_gone, alive) = watch::channel(());
    let mut stop = closing.clone();
    loop {
        let (stream, peer) = tokio::select! {
            connection = door.accept() => connection,
            _ = stop.wait_for(|closing| *closing) => break,
        };
        let place = speaks_for_one(proxies, peer.ip()).then(|| Place::from(peer.ip()));
        tokio::spawn(floor.clone().connection(stream, peer, place, closing.clone(), alive.clone()));
    }
    drop((door, alive));
    all_gone.closed().await;
}

#[derive(Clone)]
struct Floor {
    turns: Arc<Mutex<Turns<oneshot::Sender<()>>>>,
    head: Duration,
    house: Router,
}

impl Floor {
    async fn connection(
        self,
        stream: Stream,
        peer: SocketAddr,
        place: Option<Place>,
        mut closing: watch::Receiver<bool>,
        _alive: watch::Receiver<()>,
    ) {
        let (go, mut must_go) = oneshot::channel();
        let (turn, _gone) = self.turns().enter(place, go);
        // WHY HTTP/1 alone: hyper-util's builder for both waits without a deadline for the first bytes.
        let mut builder = Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.head);
        let service = TowerToHyperService::new(Extension(ConnectInfo(Peer(peer))).layer(self.house.clone()));
        let served = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut served = std::pin::pin!(served);
        let mut is_closing = false;
        loop {
            tokio::select! {
                // A connection that breaks is its other end's affair.
                _ = served.as_mut() => break,
                _ = closing.wait_for(|closing| *closing), if !is_closing => {
                    is_closing = true;
                    served.as_mut().graceful_shutdown();
                }
                _ = &mut must_go => break,
            }
        }
        self.turns().leave(turn);
    }

    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<()>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Behind a proxy of ours, or one on this machine, many people have one address.
pub(super) fn speaks_for_one(proxies: &[Network], address: IpAddr) -> bool {
    !address.to_canonical().is_loopback() && !proxies.iter().any(|network| network.holds(address))
}
