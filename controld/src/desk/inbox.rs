//! The inbox, worked off: each webhook once, whatever their order and number (D11).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::House;
use super::adopt::{self, first_memo, line_of};
use super::call::ringing;
use super::post::{News, Post};
use crate::model::{CallId, CallStatus, Direction, EndedBy, FlowId, Millis, clock};
use crate::outside::mediad::limits;
use crate::outside::whatsapp::parse::{Told, What, parse};
use crate::outside::whatsapp::verify::from_inbox;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::calls::{Begun, CallRow, Ended, Move};
use crate::store::contacts::Seen;
use crate::store::inbox::Waiting;
use crate::store::journal::NewEntry;
use crate::store::orgs::Org;

/// Works for as long as the desk lives.
pub(super) async fn run(house: Arc<House>) {
    let clerk = Clerk { house, under_way: Arc::default() };
    loop {
        let rest = match clerk.round().await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::error!("the inbox cannot be read: {error}");
                false
            }
        };
        if !rest {
            // The bell may have been missed by a controld that died; the clock has not.
            let bell = clerk.house.inbox_bell.notified();
            let _rung = tokio::time::timeout(Duration::from_millis(LOOK_EVERY_MS), bell).await;
        }
    }
}

struct Clerk {
    house: Arc<House>,
    /// Webhooks that wait for a call's task to finish with them.
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

impl Clerk {
    /// Works off what is there; says whether there may be more.
    async fn round(&self) -> Result<bool, StoreError> {
        let waiting = self.house.store.waiting_webhooks(BATCH).await?;
        let mut fresh = 0_usize;
        for webhook in waiting {
            if self.under_way.lock().unwrap_or_else(PoisonError::into_inner).contains(&webhook.id) {
                continue;
            }
            fresh += 1;
            self.work(webhook).await;
        }
        Ok(fresh > 0)
    }

    async fn work(&self, webhook: Waiting) {
        let mut outcomes = Vec::new();
        let mut pending = Vec::new();
        match self.read(&webhook).await {
            Ok((account, org, told)) => {
                for told in told {
                    match self.take(&account, &org, told, webhook.received_at).await {
                        Ok(Outcome::Done(word)) => outcomes.push(word.to_owned()),
                        Ok(Outcome::InHand(ended)) => pending.push(ended),
                        // Read again in the next round: everything in it that is done already is a repeat then.
                        Ok(Outcome::Later) => return,
                        Err(error) => {
                            tracing::error!("webhook {} waits for the database: {error}", webhook.id);
                            tokio::time::sleep(Duration::from_millis(FAULT_PAUSE_MS)).await;
                            return;
                        }
                    }
                }
            }
            Err(Unread::Store(error)) => {
                tracing::error!("webhook {} waits for the database: {error}", webhook.id);
                tokio::time::sleep(Duration::from_millis(FAULT_PAUSE_MS)).await;
                return;
            }
            Err(Unread::Meaningless(why)) => outcomes.push(why),
        }
        self.finish(webhook.id, outcomes, pending);
    }

    /// Marks a webhook as done once the calls it ended are over in the database, and not before.
    fn finish(&self, id: String, mut outcomes: Vec<String>, pending: Vec<oneshot::Receiver<()>>) {
        let (house, under_way) = (Arc::clone(&self.house), Arc::clone(&self.under_way));
        under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        tokio::spawn(async move {
            for ended in pending {
                // A task that has gone has ended its call.
                let _gone = ended.await;
                outcomes.push("ended".to_owned());
            }
            outcomes.dedup();
            if let Err(error) = house.store.webhook_done(&id, &outcomes.join(", "), clock::now()).await {
                tracing::error!("webhook {id} was worked off and not marked: {error}");
            }
            under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }

    async fn read(&self, webhook: &Waiting) -> Result<(Account, Org, Vec<Told>), Unread> {
        let account = self.house.store.account(&webhook.account).await?.ok_or("no such number")?;
        let org = self.house.store.org(&account.org).await?.ok_or("no such organisation")?;
        let batch = parse(from_inbox(&webhook.body)).map_err(|error| Unread::Meaningless(error.to_string()))?;
        if batch.told.is_empty() {
            return Err(Unread::Meaningless(format!("skipped: {}", batch.skipped.join(", "))));
        }
        Ok((account, org, batch.told))
    }

    async fn take(&self, account: &Account, org: &Org, told: Told, received_at: Millis) -> Result<Outcome, StoreError> {
        if matches!(&told.what, What::Connect { sdp } if sdp.len() > limits::SDP_BYTES_MAX) {
            return Ok(Outcome::Done("a session description that is too long"));
        }
        if !told.phone_number_id.is_empty() && told.phone_number_id != account.phone_number_id {
            return Ok(Outcome::Done("another number's"));
        }
        match (told.what.clone(), told.direction) {
            (What::Connect { sdp }, Direction::Incoming) => self.connect(account, org, &told, sdp).await,
            (What::Terminate { failed, errors }, _) => {
                if let Some(call) = self.live(account, &told) {
                    let (done, ended) = oneshot::channel();
                    let letter = Post::CallerGone { failed, errors, done };
                    let is_posted = self.house.switchboard.post(&call, letter);
                    return Ok(if is_posted { Outcome::InHand(ended) } else { Outcome::Later });
                }
                self.tombstone(account, &told, received_at).await
            }
            (What::Connect { sdp }, Direction::Outgoing) => {
                self.outgoing(account, &told, Some(News::Answer(sdp))).await
            }
            (What::Status(word), _) => self.outgoing(account, &told, news(&word)).await,
        }
    }

    fn live(&self, account: &Account, told: &Told) -> Option<CallId> {
        self.house.switchboard.call_of(&account.id, &told.wacid, told.ours.as_deref())
    }

    /// WhatsApp tells of a call we placed. One that is over here is ended there: we died, or gave up, while placing it.
    async fn outgoing(&self, account: &Account, told: &Told, news: Option<News>) -> Result<Outcome, StoreError> {
        let Some(news) = news else { return Ok(Outcome::Done("a state we do not know")) };
        if let Some(call) = self.live(account, told) {
            let letter = Post::Outgoing { wacid: told.wacid.clone(), news };
            let is_posted = self.house.switchboard.post(&call, letter);
            return Ok(if is_posted { Outcome::Done("told the call") } else { Outcome::Later });
        }
        let is_over = self.is_over(account, told).await?;
        if is_over && news != News::Declined {
            let (graph, line, wacid) = (self.house.graph.clone(), line_of(account), told.wacid.clone());
            tokio::spawn(async move {
                if let Err(error) = graph.terminate(&line, &wacid).await {
                    tracing::warn!("WhatsApp was not told that {wacid} is over: {error}");
                }
            });
        }
        Ok(Outcome::Done(if is_over { "over here, so ended there" } else { "no call of ours" }))
    }

    /// A call of this number that is over, by WhatsApp's name or ours.
    async fn is_over(&self, account: &Account, told: &Told) -> Result<bool, StoreError> {
        let known = match self.house.store.call_by_wacid(&told.wacid).await? {
            Some(known) => Some(known),
            None => match &told.ours {
                Some(ours) => self.house.store.call_row(&account.org, &CallId::from(ours.as_str())).await?,
                None => None,
            },
        };
        Ok(known.is_some_and(|row| row.account == account.id && row.ended.is_some()))
    }

    /// WhatsApp offers a call.
    async fn connect(&self, account: &Account, org: &Org, told: &Told, offer: String) -> Result<Outcome, StoreError> {
        if self.live(account, told).is_some() {
            return Ok(Outcome::Done("repeat"));
        }
        let now = clock::now();
        let mut row = self.new_row(account, told, now).await?;
        let stale_ms = Millis::try_from(self.house.rules.stale_ms).unwrap_or(Millis::MAX);
        if told.at.is_some_and(|at| now.saturating_sub(at) > stale_ms) {
            let text = "WhatsApp's offer came too late to be answered";
            return self.log_only(row, CallStatus::Missed, "stale_connect", text, now).await;
        }
        let flow = match self.way_in(account, org).await? {
            Ok(flow) => flow,
            Err((reason, text)) => {
                let outcome = self.log_only(row.clone(), CallStatus::Rejected, reason, text, now).await?;
                if matches!(outcome, Outcome::Done("logged")) {
                    self.reject(account, row);
                }
                return Ok(outcome);
            }
        };
        row.flow = Some(flow);
        let memo = first_memo(offer, now);
        let place = serde_json::to_string(&memo).unwrap_or_default();
        let flows = adopt::flows(&self.house, &org.id, row.flow.as_ref()).await?;
        let entries = [connect_entry(&row)];
        let first = Move { row: &row, place: &place, entries: &entries, hunt: None, at: now };
        if self.house.store.begin_call(&first).await? == Begun::Known {
            return Ok(Outcome::Done("repeat"));
        }
        // Who calls is in the log of calls, which people must sign in to read.
        tracing::info!(call.id = %row.id, "call {} rings", row.id);
        adopt::run_new(&self.house, row, account, org, flows, memo);
        Ok(Outcome::Done("began a call"))
    }

    /// The flow a caller starts in, or why the call is refused: a word and a sentence.
    async fn way_in(
        &self,
        account: &Account,
        org: &Org,
    ) -> Result<Result<(FlowId, i64), (&'static str, &'static str)>, StoreError> {
        if !account.calling_enabled || !org.calling_enabled {
            return Ok(Err(("calling_disabled", "Refused: calling is turned off for this number")));
        }
        // WHY: each of them has a leg, a task and a request to WhatsApp; a flood at one house must not take the others'.
        if self.house.store.arriving_calls(&org.id).await? >= self.house.rules.arriving_max {
            return Ok(Err(("too_many_calls", "Refused: too many calls were arriving at once")));
        }
        let Some(flow) = &account.start_flow else {
            return Ok(Err(("no_flow", "Refused: the number has no flow")));
        };
        Ok(match self.house.store.published_flow(&org.id, flow).await? {
            Some((version, _)) => Ok((flow.clone(), version)),
            None => Err(("no_flow", "Refused: the number's flow is not published")),
        })
    }

    /// A row that is over from the start.
    async fn log_only(
        &self,
        mut row: CallRow,
        status: CallStatus,
        reason: &str,
        text: &str,
        now: Millis,
    ) -> Result<Outcome, StoreError> {
        row.status = status;
        row.ended = Some(Ended { at: now, by: EndedBy::System, reason: reason.to_owned() });
        let entries = [connect_entry(&row), NewEntry::new("ended", text, json!({"reason": reason, "status": status}))];
        let only = Move { row: &row, place: "", entries: &entries, hunt: None, at: now };
        Ok(match self.house.store.begin_call(&only).await? {
            Begun::New => {
                tracing::info!(call.id = %row.id, reason, "call {} was not answered: {text}", row.id);
                Outcome::Done("logged")
            }
            Begun::Known => Outcome::Done("repeat"),
        })
    }

    /// The end of a call came before its beginning: the beginning will find this row and stop.
    async fn tombstone(&self, account: &Account, told: &Told, received_at: Millis) -> Result<Outcome, StoreError> {
        if let Some(known) = self.house.store.call_by_wacid(&told.wacid).await? {
            let word = if known.ended.is_some() { "over already" } else { "the call cannot be taken up" };
            return Ok(Outcome::Done(word));
        }
        if told.direction == Direction::Outgoing {
            return Ok(Outcome::Done("over already"));
        }
        let mut row = self.new_row(account, told, told.at.unwrap_or(received_at)).await?;
        row.status = CallStatus::Abandoned;
        row.ended = Some(Ended { at: received_at, by: EndedBy::Caller, reason: "caller_hung_up".to_owned() });
        let text = "The caller hung up before the call reached us";
        let entries = [NewEntry::new("ended", text, json!({"reason": "caller_hung_up"}))];
        let only = Move { row: &row, place: "", entries: &entries, hunt: None, at: received_at };
        self.house.store.begin_call(&only).await?;
        Ok(Outcome::Done("tombstone"))
    }

    async fn new_row(&self, account: &Account, told: &Told, now: Millis) -> Result<CallRow, StoreError> {
        let peer = &told.peer;
        let key = peer.user_key.clone().or_else(|| peer.wa_id.clone()).unwrap_or_default();
        let seen = Seen { wa_id: peer.wa_id.clone(), user_key: peer.user_key.clone(), name: peer.name.clone() };
        let contact = match key.is_empty() {
            true => None,
            false => Some(self.house.store.contact(&account.org, &seen, now).await?),
        };
        Ok(CallRow {
            wacid: told.wacid.clone(),
            contact,
            caller_name: peer.name.chars().take(NAME_CHARS_MAX).collect(),
            caller_phone: peer.wa_id.clone().unwrap_or_default(),
            caller_key: key,
            ..ringing(account, told.direction, now)
        })
    }

    fn reject(&self, account: &Account, row: CallRow) {
        let (graph, line) = (self.house.graph.clone(), line_of(account));
        tokio::spawn(async move {
            if let Err(error) = graph.reject(&line, &row.wacid).await {
                tracing::warn!(call.id = %row.id, "WhatsApp was not told that call {} is refused: {error}", row.id);
            }
        });
    }
}

/// What became of one thing a webhook told.
enum Outcome {
    /// Dealt with; a word for the inbox row.
    Done(&'static str),
    /// The call's mailbox is full: not now.
    Later,
    /// A call's task has it.
    InHand(oneshot::Receiver<()>),
}

/// Why a webhook tells nothing.
enum Unread {
    /// Not now.
    Store(StoreError),
    /// Not ever.
    Meaningless(String),
}

impl From<StoreError> for Unread {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<&str> for Unread {
    fn from(why: &str) -> Self {
        Self::Meaningless(why.to_owned())
    }
}

fn news(word: &str) -> Option<News> {
    match word {
        "RINGING" => Some(News::Rings),
        "ACCEPTED" => Some(News::PickedUp),
        "REJECTED" => Some(News::Declined),
        _ => None,
    }
}

fn connect_entry(row: &CallRow) -> NewEntry {
    let name = if row.caller_name.is_empty() { &row.caller_key } else { &row.caller_name };
    NewEntry::new("connect", format!("{name} called"), json!({"wacid": row.wacid}))
}

const BATCH: i64 = 100;
const LOOK_EVERY_MS: u64 = 5_000;
const FAULT_PAUSE_MS: u64 = 500;
const NAME_CHARS_MAX: usize = 200;
