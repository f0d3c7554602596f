//! One connection after another to mediad: hello, replay, snapshot, then commands down and events up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::{FrameError, FromMediad, Hello, Lines, Numbered, Replay, Request, Snapshot, ToMediad, Welcome, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};

use super::start::Starter;
use super::{Alive, Command, Event, LegId, MediadError, Order, Reply, Shared, Told, Whereabouts};
use crate::model::secret::variant_name;

pub(super) struct Link {
    starter: Starter,
    orders: mpsc::Receiver<Order>,
    told: mpsc::Sender<Told>,
    shared: Arc<Shared>,
    /// Life of mediad and number of the last event passed on.
    seen: Option<(String, u64)>,
    next_id: u64,
    /// Sent and not answered, in the order they were sent.
    waiting: BTreeMap<u64, Order>,
    snapshot: Option<Paging>,
}

struct Paging {
    request: u64,
    alive: Alive,
}

/// Why a conversation ended.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the socket failed: {0}")]
    Socket(#[from] std::io::Error),
    #[error("mediad closed the conversation")]
    Closed,
    #[error("mediad said goodbye: {0}")]
    Bye(String),
    #[error("mediad sent what is no message: {0}")]
    Frame(#[from] FrameError),
    #[error("mediad was silent for too long")]
    Silent,
    #[error("event {wanted} is missing")]
    Gap { wanted: u64 },
    #[error("this life of mediad is told from its beginning")]
    FromItsBeginning,
    #[error("the desk is gone")]
    NoDesk,
}

impl Link {
    pub(super) fn new(
        whereabouts: Whereabouts,
        orders: mpsc::Receiver<Order>,
        told: mpsc::Sender<Told>,
        shared: Arc<Shared>,
        seen: Option<(String, u64)>,
        first_id: u64,
    ) -> Self {
        let starter = Starter::new(whereabouts);
        Self { starter, orders, told, shared, seen, next_id: first_id, waiting: BTreeMap::new(), snapshot: None }
    }

    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let stream = tokio::select! {
                stream = self.starter.reach() => stream,
                _ = stop.wait_for(|stopping| *stopping) => return,
            };
            if let Ok(Some(pid)) = stream.peer_cred().map(|peer| peer.pid()) {
                self.shared.pid.store(pid, Ordering::Relaxed);
            }
            let broken = tokio::select! {
                broken = self.converse(stream) => broken,
                _ = stop.wait_for(|stopping| *stopping) => return,
            };
            self.snapshot = None;
            let was_up = self.shared.up.swap(false, Ordering::Relaxed);
            match broken {
                Err(Broken::NoDesk) => return,
                Err(Broken::FromItsBeginning) | Ok(()) => {}
                Err(why) if was_up => tracing::warn!("the conversation with mediad broke off: {why}"),
                Err(why) => tracing::warn!("no conversation with mediad: {why}"),
            }
            if was_up && self.told.send(Told::Down).await.is_err() {
                return;
            }
        }
    }

    async fn converse(&mut self, stream: UnixStream) -> Result<(), Broken> {
        let (mut read, mut write) = stream.into_split();
        let hello = Hello { version: protocol::VERSION, who: "controld".to_owned(), seen: self.seen.clone() };
        send(&mut write, &encode(&ToMediad::Hello { hello })).await?;
        let mut lines = Lines::default();
        let mut buffer = vec![0_u8; READ_BYTES];
        loop {
            let is_up = self.shared.up.load(Ordering::Relaxed);
            tokio::select! {
                read_bytes = tokio::time::timeout(Duration::from_millis(WELCOME_TIMEOUT_MS), read.read(&mut buffer)) => {
                    let Ok(read_bytes) = read_bytes else {
                        // Open and quiet is a house without calls.
                        if is_up { continue } else { return Err(Broken::Silent) }
                    };
                    let read_bytes = read_bytes?;
                    if read_bytes == 0 {
                        return Err(Broken::Closed);
                    }
                    lines.push(buffer.get(..read_bytes).unwrap_or_default());
                    while let Some(message) = lines.next::<FromMediad>()? {
                        self.take(message, &mut write).await?;
                    }
                }
                order = self.orders.recv(), if is_up => {
                    let order = order.ok_or(Broken::NoDesk)?;
                    self.dispatch(order, &mut write).await?;
                }
            }
        }
    }

    async fn take(&mut self, message: FromMediad, write: &mut OwnedWriteHalf) -> Result<(), Broken> {
        match message {
            FromMediad::Welcome { welcome } => self.welcome(welcome, write).await,
            FromMediad::Event(event) => self.event(event).await,
            FromMediad::Bye { bye } => Err(Broken::Bye(bye)),
            FromMediad::Ok { re, ok } if self.snapshot.as_ref().is_some_and(|paging| paging.request == re) => {
                self.page(ok, write).await
            }
            FromMediad::Ok { re, ok } => {
                if let Some(Order { answer: Some(answer), .. }) = self.waiting.remove(&re) {
                    // Whoever asked may have stopped listening.
                    let _gone = answer.send(Ok(ok));
                }
                Ok(())
            }
            FromMediad::Err { re, err } => {
                match self.waiting.remove(&re) {
                    Some(Order { answer: Some(answer), .. }) => drop(answer.send(Err(MediadError::Refused(err)))),
                    Some(order) => tracing::warn!("mediad refused {}: {err}", variant_name(&order.command)),
                    None => {}
                }
                Ok(())
            }
        }
    }

    async fn welcome(&mut self, welcome: Welcome, write: &mut OwnedWriteHalf) -> Result<(), Broken> {
        let same_life = self.seen.as_ref().is_some_and(|(epoch, _)| *epoch == welcome.epoch);
        let missed_all = welcome.replay == Replay::Lapsed && self.seen.is_some() && !same_life && welcome.next_seq > 1;
        if missed_all {
            // What a new life told before we came (salvaged recordings) is worth hearing: ask for it from number 1.
            self.seen = Some((welcome.epoch, 0));
            self.forsake();
            return Err(Broken::FromItsBeginning);
        }
        if welcome.replay == Replay::Lapsed || !same_life {
            self.seen = Some((welcome.epoch.clone(), welcome.next_seq.saturating_sub(1)));
        }
        if !same_life {
            self.forsake();
        }
        self.shared.conversation.fetch_add(1, Ordering::AcqRel);
        self.shared.up.store(true, Ordering::Relaxed);
        tracing::info!(epoch = %welcome.epoch, "mediad is there");
        let after = self.seen.as_ref().map_or(0, |(_, seq)| *seq);
        self.told.send(Told::Up { epoch: welcome.epoch, after }).await.map_err(|_| Broken::NoDesk)?;
        // Nobody waits any more for an answer that came too late.
        self.waiting.retain(|_, order| order.answer.as_ref().is_none_or(|answer| !answer.is_closed()));
        // The same numbers again: what mediad has done already gets its remembered answer.
        for (id, order) in &self.waiting {
            send(write, &encode(&ToMediad::Request(Request { id: *id, command: order.command.clone() }))).await?;
        }
        self.ask_page(None, Alive::default(), write).await
    }

    async fn event(&mut self, numbered: Numbered) -> Result<(), Broken> {
        let Some((_, last)) = &mut self.seen else { return Ok(()) };
        if numbered.seq <= *last {
            return Ok(());
        }
        if numbered.seq > *last + 1 {
            return Err(Broken::Gap { wanted: *last + 1 });
        }
        *last = numbered.seq;
        if let (Some(paging), Event::LegEnded { leg, .. }) = (&mut self.snapshot, &numbered.event) {
            paging.alive.legs.retain(|summary| summary.leg != *leg);
        }
        let told = Told::Event { seq: numbered.seq, at_ms: numbered.at_ms, event: numbered.event };
        self.told.send(told).await.map_err(|_| Broken::NoDesk)
    }

    async fn dispatch(&mut self, order: Order, write: &mut OwnedWriteHalf) -> Result<(), Broken> {
        if order.answer.as_ref().is_some_and(tokio::sync::oneshot::Sender::is_closed) {
            return Ok(());
        }
        let id = self.number();
        let line = encode(&ToMediad::Request(Request { id, command: order.command.clone() }));
        if line.len() >= protocol::limits::MESSAGE_BYTES_MAX {
            // mediad would end the conversation, and get the same line again in the next.
            tracing::error!("{} is too long to be said to mediad", variant_name(&order.command));
            if let Some(answer) = order.answer {
                let _gone = answer.send(Err(MediadError::TooLong));
            }
            return Ok(());
        }
        self.waiting.insert(id, order);
        send(write, &line).await
    }

    async fn ask_page(&mut self, after: Option<LegId>, alive: Alive, write: &mut OwnedWriteHalf) -> Result<(), Broken> {
        let request = self.number();
        self.snapshot = Some(Paging { request, alive });
        let line = encode(&ToMediad::Request(Request { id: request, command: Command::Snapshot { after } }));
        send(write, &line).await
    }

    async fn page(&mut self, reply: Reply, write: &mut OwnedWriteHalf) -> Result<(), Broken> {
        let (Some(Paging { mut alive, .. }), Reply::Snapshot(page)) = (self.snapshot.take(), reply) else {
            return Ok(());
        };
        let Snapshot { legs, next, bridges, recordings, .. } = page;
        alive.legs.extend(legs);
        alive.bridges.extend(bridges);
        alive.recordings.extend(recordings);
        match next {
            Some(after) => self.ask_page(Some(after), alive, write).await,
            None => {
                let conversation = self.shared.conversation.load(Ordering::Acquire);
                self.told.send(Told::Snapshot { conversation, alive }).await.map_err(|_| Broken::NoDesk)
            }
        }
    }

    /// Another life of mediad knows nothing of what was asked of the last one.
    fn forsake(&mut self) {
        for (_, order) in std::mem::take(&mut self.waiting) {
            if let Some(answer) = order.answer {
                let _gone = answer.send(Err(MediadError::Gone));
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }
}

async fn send(write: &mut OwnedWriteHalf, line: &[u8]) -> Result<(), Broken> {
    let written = tokio::time::timeout(Duration::from_millis(WRITE_TIMEOUT_MS), write.write_all(line)).await;
    Ok(written.map_err(|_| Broken::Silent)??)
}

const READ_BYTES: usize = 64 * 1024;
const WELCOME_TIMEOUT_MS: u64 = 5_000;
const WRITE_TIMEOUT_MS: u64 = 5_000;
