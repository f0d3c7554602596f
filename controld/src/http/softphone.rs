//! The agent's WebSocket: lines of [`ToTab`] out, lines of [`FromTab`] in, a ping to know that somebody is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::error::{ApiError, Refused};
use super::guard::{Who, is_our_origin, signed_in};
use super::pace::Pace;
use crate::app::App;
use crate::desk::{Asker, TabLink};
use crate::model::clock;
use crate::model::softphone::{FromTab, ToTab};

/// Opens the softphone's WebSocket. The browser must say that it comes from one of our own pages.
#[utoipa::path(get, path = "/api/softphone", tag = "softphone", responses(
    (status = 101, description = "lines of FromTab and ToTab, JSON"),
    (status = 401, body = Refused), (status = 403, body = Refused)))]
pub async fn open(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_our_origin(&app.config, origin) {
        return Err(ApiError::CrossSite);
    }
    let link = app.desk.connect_tab(who.user).await?;
    let session = who.token_hash;
    let upgrade = upgrade.max_message_size(LINE_BYTES_MAX).max_frame_size(LINE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| serve(socket, link, app, headers, session)))
}

async fn serve(socket: WebSocket, mut link: TabLink, app: App, headers: HeaderMap, session: String) {
    let mut signed_out = app.signed_out.subscribe();
    let (mut out, lines) = socket.split();
    let (started, heard_ms) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut reader = tokio::spawn(read(lines, link.asker(), started, Arc::clone(&heard_ms)));
    let mut ping = interval(Duration::from_millis(PING_EVERY_MS));
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.tick().await;
    let mut look = interval(Duration::from_millis(LOOK_EVERY_MS));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let goodbye = loop {
        tokio::select! {
            line = link.tell.recv() => {
                // The desk closes the line of a tab that reads too slowly; it comes back fresh.
                let Some(line) = line else {
                    break if link.is_crowded_out() { CROWDED } else { Goodbye(close_code::AGAIN, "") };
                };
                if !send(&mut out, &line).await {
                    break Goodbye(close_code::AWAY, "");
                }
            }
            goodbye = &mut reader => break goodbye.unwrap_or(Goodbye(close_code::ERROR, "")),
            _ = ping.tick() => {
                let silent_ms = elapsed_ms(started).saturating_sub(heard_ms.load(Ordering::Relaxed));
                if silent_ms > GONE_AFTER_MS || !send(&mut out, &ToTab::Ping).await {
                    break Goodbye(close_code::AWAY, "");
                }
            }
            // Whoever misses one of these is found out at the next look.
            over = signed_out.recv() => {
                if over.is_ok_and(|over| over == session) {
                    break SIGNED_OUT;
                }
            }
            _ = look.tick() => {
                // Only a definite no ends a tab: a database that is away for a moment must not cost a call.
                if matches!(signed_in(&app, &headers, clock::now()).await, Err(ApiError::Unauthenticated)) {
                    break SIGNED_OUT;
                }
            }
        }
    };
    reader.abort();
    if goodbye == SIGNED_OUT {
        // Who may not be here may not listen either.
        link.put_out();
    }
    let Goodbye(code, reason) = goodbye;
    let frame = CloseFrame { code, reason: reason.into() };
    // The other end may be gone already.
    let _gone = out.send(Message::Close(Some(frame))).await;
}

/// Carries out what the tab asks, in order; says how the conversation ends.
async fn read(mut lines: SplitStream<WebSocket>, asker: Asker, started: Instant, heard_ms: Arc<AtomicU64>) -> Goodbye {
    let mut pace = Pace::default();
    while let Some(Ok(message)) = lines.next().await {
        let now_ms = elapsed_ms(started);
        heard_ms.store(now_ms, Ordering::Relaxed);
        if !pace.take(now_ms) {
            return Goodbye(close_code::POLICY, "too many lines at once");
        }
        match message {
            Message::Text(text) => match serde_json::from_str::<FromTab>(&text) {
                Ok(line) => asker.ask(line).await,
                Err(_) => return Goodbye(close_code::INVALID, "this is no line of a softphone"),
            },
            Message::Binary(_) => return Goodbye(close_code::UNSUPPORTED, "lines are text"),
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    Goodbye(close_code::NORMAL, "")
}

/// A close code (RFC 6455 §7.4) and words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Goodbye(u16, &'static str);

async fn send(out: &mut SplitSink<WebSocket, Message>, line: &ToTab) -> bool {
    let Ok(text) = serde_json::to_string(line) else { return false };
    let sent = tokio::time::timeout(Duration::from_millis(SEND_TIMEOUT_MS), out.send(Message::Text(text.into()))).await;
    matches!(sent, Ok(Ok(())))
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

const SIGNED_OUT: Goodbye = Goodbye(close_code::POLICY, "signed out");
/// The page does not come back by itself: it would only send another tab away.
const CROWDED: Goodbye = Goodbye(4008, "this tab was closed because too many others were opened");
/// A session description of 16 KiB with its escapes fits.
const LINE_BYTES_MAX: usize = 64 * 1024;
const PING_EVERY_MS: u64 = 20_000;
/// Who is locked out, removed or signed out elsewhere is cut within 5 s.
const LOOK_EVERY_MS: u64 = 3_000;
const GONE_AFTER_MS: u64 = 45_000;
const SEND_TIMEOUT_MS: u64 = 5_000;
