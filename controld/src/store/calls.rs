//! The calls: one row each, whatever the webhooks do, written by the task that runs the call.

use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::hunts::{self, NewHunt};
use super::journal::{self, NewEntry};
use super::{Store, StoreError, as_word, presence, word};
use crate::model::{
    AccountId, CallId, CallStatus, ContactId, Direction, EndedBy, FlowId, Millis, OrgId, RecordingId, TeamId, UserId,
};

/// A call as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Ours.
    pub id: CallId,
    /// Whose.
    pub org: OrgId,
    /// The number it came in on or goes out from.
    pub account: AccountId,
    /// WhatsApp's name for it; our own on a call we place, until WhatsApp has named it.
    pub wacid: String,
    /// Who is at the other end.
    pub contact: Option<ContactId>,
    /// Profile name; empty if none was told.
    pub caller_name: String,
    /// Digits; empty for users with usernames.
    pub caller_phone: String,
    /// User id or phone number; empty only on a tombstone.
    pub caller_key: String,
    /// Which way.
    pub direction: Direction,
    /// How it stands.
    pub status: CallStatus,
    /// The flow it began on, and the version it keeps.
    pub flow: Option<(FlowId, i64)>,
    /// The team it was last sent to.
    pub team: Option<TeamId>,
    /// The agent who has it, or had it last.
    pub agent: Option<UserId>,
    /// Offered by WhatsApp.
    pub started_at: Millis,
    /// `accept` returned 200.
    pub answered_at: Option<Millis>,
    /// First in a queue.
    pub queued_at: Option<Millis>,
    /// First with an agent.
    pub connected_at: Option<Millis>,
    /// On hold since.
    pub held_since: Option<Millis>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// Time spent in queues.
    pub wait_ms: i64,
    /// Time spent talking, hold excluded.
    pub talk_ms: i64,
    /// Time spent on hold.
    pub hold_ms: i64,
    /// The caller's leg in mediad.
    pub leg: Option<String>,
    /// The recording, if there is one.
    pub recording: Option<RecordingId>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Millis,
    /// Who.
    pub by: EndedBy,
    /// A word: caller_hung_up, agent_hung_up, no_answer, media_lost …
    pub reason: String,
}

/// What a call's task writes in one transaction before its deeds.
#[derive(Debug)]
pub struct Move<'a> {
    /// The row as it stands from now on.
    pub row: &'a CallRow,
    /// Where the call stands, as the desk will read it after a restart. Not kept for a call that is over.
    pub place: &'a str,
    /// New lines of the journal.
    pub entries: &'a [NewEntry],
    /// A hunt that begins with this move.
    pub hunt: Option<NewHunt>,
    /// When.
    pub at: Millis,
}

/// What became of a call that WhatsApp offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Its row is new: run it.
    New,
    /// It has a row already: a repeat, or its end came first.
    Known,
}

impl Store {
    /// Makes the row of a call with its first place and journal line, unless WhatsApp's name has a row already. A
    /// tombstone learns who called.
    pub async fn begin_call(&self, first: &Move<'_>) -> Result<Begun, StoreError> {
        let mut change = self.write().await?;
        if insert(&mut change, first.row).await? == 0 {
            fill_tombstone(&mut change, first.row).await?;
            change.commit().await?;
            return Ok(Begun::Known);
        }
        journal::append(&mut change, &first.row.id, first.entries, first.at).await?;
        if first.row.ended.is_none() {
            journal::put_place(&mut change, &first.row.id, first.place, first.at).await?;
        }
        change.commit().await?;
        Ok(Begun::New)
    }

    /// Makes the row of a call that this agent places, if they are free: `false` says that they are not.
    pub async fn begin_outgoing(&self, first: &Move<'_>, agent: &UserId) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        if insert(&mut change, first.row).await? == 0 || !presence::engage(&mut change, &first.row.id, agent).await? {
            change.rollback().await?;
            return Ok(false);
        }
        update(&mut change, first.row).await?;
        journal::append(&mut change, &first.row.id, first.entries, first.at).await?;
        journal::put_place(&mut change, &first.row.id, first.place, first.at).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Writes a move of a live call. A call that is over keeps its row; `false` says so.
    pub async fn save_call(&self, moved: &Move<'_>) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        if update(&mut change, moved.row).await? == 0 {
            return Ok(false);
        }
        journal::append(&mut change, &moved.row.id, moved.entries, moved.at).await?;
        if moved.row.ended.is_some() {
            journal::forget_place(&mut change, &moved.row.id).await?;
            hunts::close(&mut change, &moved.row.id, moved.at).await?;
            presence::release(&mut change, &moved.row.id, moved.at).await?;
        } else {
            journal::put_place(&mut change, &moved.row.id, moved.place, moved.at).await?;
        }
        if let Some(hunt) = &moved.hunt {
            hunts::open(&mut change, moved.row, hunt, moved.at).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Calls of a tenant that WhatsApp has offered and that are not answered yet.
    pub async fn arriving_calls(&self, org: &OrgId) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM calls
             WHERE ended_at IS NULL AND org_id = $1 AND status = 'ringing' AND direction = 'incoming'",
        )
        .bind(org.as_str())
        .fetch_one(self.read())
        .await?;
        Ok(row.try_get(0)?)
    }

    /// The call with WhatsApp's name.
    pub async fn call_by_wacid(&self, wacid: &str) -> Result<Option<CallRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM calls WHERE wacid = $1").bind(wacid).fetch_optional(self.read()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The call, if it is of this organisation.
    pub async fn call_row(&self, org: &OrgId, call: &CallId) -> Result<Option<CallRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM calls WHERE id = $1 AND org_id = $2")
            .bind(call.as_str())
            .bind(org.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every call that is not over, oldest first.
    pub async fn live_calls(&self) -> Result<Vec<CallRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM calls WHERE ended_at IS NULL ORDER BY started_at, id")
            .fetch_all(self.read())
            .await?;
        rows.iter().map(read).collect()
    }
}

async fn insert(change: &mut Transaction<'static, Any>, row: &CallRow) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "INSERT INTO calls (id, org_id, account_id, wacid, contact_id, caller_name, caller_phone, caller_key, direction, \
         status, flow_id, flow_version, started_at, ended_at, ended_by, end_reason, leg_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (wacid) DO NOTHING",
    )
    .bind(row.id.as_str())
    .bind(row.org.as_str())
    .bind(row.account.as_str())
    .bind(row.wacid.as_str())
    .bind(row.contact.as_ref().map(ContactId::as_str))
    .bind(row.caller_name.as_str())
    .bind(row.caller_phone.as_str())
    .bind(row.caller_key.as_str())
    .bind(as_word(&row.direction))
    .bind(as_word(&row.status))
    .bind(row.flow.as_ref().map(|(flow, _)| flow.as_str()))
    .bind(row.flow.as_ref().map(|(_, version)| *version))
    .bind(row.started_at)
    .bind(row.ended.as_ref().map(|ended| ended.at))
    .bind(row.ended.as_ref().map(|ended| as_word(&ended.by)))
    .bind(row.ended.as_ref().map(|ended| ended.reason.as_str()))
    .bind(row.leg.as_deref())
    .execute(&mut **change)
    .await?;
    Ok(done.rows_affected())
}

async fn fill_tombstone(change: &mut Transaction<'static, Any>, row: &CallRow) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE calls SET contact_id = $1, caller_name = $2, caller_phone = $3, caller_key = $4 \
         WHERE wacid = $5 AND caller_name = ''",
    )
    .bind(row.contact.as_ref().map(ContactId::as_str))
    .bind(row.caller_name.as_str())
    .bind(row.caller_phone.as_str())
    .bind(row.caller_key.as_str())
    .bind(row.wacid.as_str())
    .execute(&mut **change)
    .await?;
    Ok(())
}

async fn update(change: &mut Transaction<'static, Any>, row: &CallRow) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE calls SET status = $1, flow_id = $2, flow_version = $3, team_id = $4, agent_id = $5, answered_at = $6, \
         queued_at = $7, connected_at = $8, held_since = $9, ended_at = $10, wait_ms = $11, talk_ms = $12, hold_ms = $13, \
         ended_by = $14, end_reason = $15, leg_id = $16, recording_id = $17, wacid = $18 WHERE id = $19 AND ended_at IS NULL",
    )
    .bind(as_word(&row.status))
    .bind(row.flow.as_ref().map(|(flow, _)| flow.as_str()))
    .bind(row.flow.as_ref().map(|(_, version)| *version))
    .bind(row.team.as_ref().map(TeamId::as_str))
    .bind(row.agent.as_ref().map(UserId::as_str))
    .bind(row.answered_at)
    .bind(row.queued_at)
    .bind(row.connected_at)
    .bind(row.held_since)
    .bind(row.ended.as_ref().map(|ended| ended.at))
    .bind(row.wait_ms)
    .bind(row.talk_ms)
    .bind(row.hold_ms)
    .bind(row.ended.as_ref().map(|ended| as_word(&ended.by)))
    .bind(row.ended.as_ref().map(|ended| ended.reason.as_str()))
    .bind(row.leg.as_deref())
    .bind(row.recording.as_ref().map(RecordingId::as_str))
    .bind(row.wacid.as_str())
    .bind(row.id.as_str())
    .execute(&mut **change)
    .await?;
    Ok(done.rows_affected())
}

/// A row of `calls` with all its columns.
pub(in crate::store) fn read(row: &AnyRow) -> Result<CallRow, StoreError> {
    let id: String = row.try_get("id")?;
    let text = |column: &str| row.try_get::<Option<String>, _>(column);
    let moment = |column: &str| row.try_get::<Option<i64>, _>(column);
    let direction: String = row.try_get("direction")?;
    let status: String = row.try_get("status")?;
    let ended = match (moment("ended_at")?, text("ended_by")?) {
        (Some(at), by) => {
            let by = by.unwrap_or_else(|| as_word(&EndedBy::System));
            Some(Ended { at, by: word("calls", &id, &by)?, reason: text("end_reason")?.unwrap_or_default() })
        }
        (None, _) => None,
    };
    Ok(CallRow {
        org: OrgId(row.try_get("org_id")?),
        account: AccountId(row.try_get("account_id")?),
        wacid: row.try_get("wacid")?,
        contact: text("contact_id")?.map(ContactId),
        caller_name: row.try_get("caller_name")?,
        caller_phone: row.try_get("caller_phone")?,
        caller_key: row.try_get("caller_key")?,
        direction: word("calls", &id, &direction)?,
        status: word("calls", &id, &status)?,
        flow: text("flow_id")?.map(FlowId).zip(moment("flow_version")?),
        team: text("team_id")?.map(TeamId),
        agent: text("agent_id")?.map(UserId),
        started_at: row.try_get("started_at")?,
        answered_at: moment("answered_at")?,
        queued_at: moment("queued_at")?,
        connected_at: moment("connected_at")?,
        held_since: moment("held_since")?,
        ended,
        wait_ms: row.try_get("wait_ms")?,
        talk_ms: row.try_get("talk_ms")?,
        hold_ms: row.try_get("hold_ms")?,
        leg: text("leg_id")?,
        recording: text("recording_id")?.map(RecordingId),
        id: CallId(id),
    })
}
