//! The call log: calls as people read them, newest first, page by page.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::recordings::RecordingState;
use super::{Store, StoreError, as_word, calls, word};
use crate::model::log::{Call, CallFacts, NamedAccount, NamedAgent, NamedFlow, NamedTeam, Party, Recorded};
use crate::model::{AccountId, CallId, CallStatus, Direction, FlowId, Millis, OrgId, TeamId, UserId};

/// Which calls are wanted. `None` asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// How they stand.
    pub status: Option<CallStatus>,
    /// Which way.
    pub direction: Option<Direction>,
    /// On which number.
    pub account: Option<AccountId>,
    /// Begun on which flow.
    pub flow: Option<FlowId>,
    /// With which agent.
    pub agent: Option<UserId>,
    /// Begun at or after.
    pub from: Option<Millis>,
    /// Begun before.
    pub to: Option<Millis>,
    /// Part of the caller's name or number, or of the call's id, ours or WhatsApp's; whatever the case.
    pub text: Option<String>,
    /// Not over.
    pub live: bool,
    /// Only what this agent may see: their own calls and those of their teams.
    pub seen_by: Option<UserId>,
    /// Only this call.
    pub call: Option<CallId>,
    /// Only older than this one; the page after it.
    pub after: Option<Mark>,
}

/// A place in the log: pages are cut by it, so new calls do not move old ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When the call began.
    pub started_at: Millis,
    /// Which call.
    pub call: CallId,
}

impl Mark {
    /// As the API gives it out.
    pub fn text(&self) -> String {
        format!("{}.{}", self.started_at, self.call)
    }

    /// As the API takes it back.
    pub fn read(text: &str) -> Option<Self> {
        let (started_at, call) = text.split_once('.')?;
        Some(Self { started_at: started_at.parse().ok()?, call: CallId::from(call) })
    }
}

impl Store {
    /// At most `limit` calls of a tenant, newest first.
    pub async fn call_log(&self, org: &OrgId, wanted: &Wanted, limit: i64) -> Result<Vec<Call>, StoreError> {
        let rows = sqlx::query(LOG)
            .bind(org.as_str())
            .bind(wanted.status.as_ref().map(as_word))
            .bind(wanted.direction.as_ref().map(as_word))
            .bind(wanted.account.as_ref().map(AccountId::as_str))
            .bind(wanted.flow.as_ref().map(FlowId::as_str))
            .bind(wanted.agent.as_ref().map(UserId::as_str))
            .bind(wanted.from)
            .bind(wanted.to)
            .bind(wanted.text.as_deref().map(pattern))
            .bind(i64::from(wanted.live))
            .bind(wanted.seen_by.as_ref().map(UserId::as_str))
            .bind(wanted.call.as_ref().map(CallId::as_str))
            .bind(wanted.after.as_ref().map(|mark| mark.started_at))
            .bind(wanted.after.as_ref().map(|mark| mark.call.as_str()))
            .bind(limit)
            .fetch_all(self.read())
            .await?;
        let mut log = rows.iter().map(call).collect::<Result<Vec<_>, _>>()?;
        for page in log.chunks_mut(DIGITS_PAGE) {
            let mut digits = self.digits(page).await?;
            for call in page {
                call.facts.digits = digits.remove(&call.facts.id).unwrap_or_default();
            }
        }
        Ok(log)
    }

    /// Calls of every tenant that are not over.
    pub async fn live_count(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM calls WHERE ended_at IS NULL")
            .fetch_one(self.read())
            .await?;
        Ok(row.try_get(0)?)
    }

    /// The keys pressed in these calls, at most [`DIGITS_PAGE`] of them.
    async fn digits(&self, calls: &[Call]) -> Result<HashMap<CallId, String>, StoreError> {
        let mut query = sqlx::query(DIGITS);
        for n in 0..DIGITS_PAGE {
            query = query.bind(calls.get(n).map(|call| call.facts.id.as_str()));
        }
        let rows = query.fetch_all(self.read()).await?;
        let mut all: HashMap<CallId, String> = HashMap::new();
        for row in rows {
            let pressed = all.entry(CallId(row.try_get("call_id")?)).or_default();
            pressed.push_str(&keys(row.try_get("body")?));
        }
        Ok(all)
    }
}

/// The keys a journal line tells of: one `digit`, or the `digits` of a gather.
fn keys(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let told = ["digit", "digits"].into_iter().find_map(|name| body.pointer(&format!("/data/{name}")));
    told.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn call(row: &AnyRow) -> Result<Call, StoreError> {
    let name = |column: &str| row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default);
    let state: Option<String> = row.try_get("recording_state")?;
    let known = calls::read(row)?;
    let recording = match state {
        None => Recorded::None,
        Some(state) => heard(word("recordings", known.id.as_str(), &state)?),
    };
    let contact_name = [known.caller_name, name("contact_name")?, known.caller_phone.clone()];
    let facts = CallFacts {
        wacid: known.wacid,
        direction: known.direction,
        status: known.status,
        account: NamedAccount { id: known.account, name: name("account_name")? },
        contact: Party {
            name: contact_name.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "Unknown".to_owned()),
            phone: known.caller_phone,
        },
        flow: match known.flow {
            Some((id, version)) => Some(NamedFlow { id, name: name("flow_name")?, version }),
            None => None,
        },
        team: match known.team {
            Some(id) => Some(NamedTeam { id: TeamId(id.0), name: name("team_name")? }),
            None => None,
        },
        agent: match known.agent {
            Some(id) => Some(NamedAgent { id, name: name("agent_name")? }),
            None => None,
        },
        started_at: known.started_at,
        answered_at: known.answered_at,
        queued_at: known.queued_at,
        connected_at: known.connected_at,
        ended_at: known.ended.as_ref().map(|ended| ended.at),
        wait_ms: known.wait_ms,
        talk_ms: known.talk_ms,
        hold_ms: known.hold_ms,
        ended_by: known.ended.as_ref().map(|ended| ended.by),
        end_reason: known.ended.map(|ended| ended.reason),
        digits: String::new(),
        id: known.id,
    };
    Ok(Call { facts, recording })
}

/// How far a recording has come, in the words of the log.
pub fn heard(state: RecordingState) -> Recorded {
    match state {
        RecordingState::Recording | RecordingState::Spooled => Recorded::Recording,
        RecordingState::Archived => Recorded::Ready,
        RecordingState::Failed => Recorded::Failed,
    }
}

/// A LIKE pattern that holds `text` anywhere, its own `%` and `_` meaning themselves.
pub(in crate::store) fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if ['%', '_', '!'].contains(&letter) {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

// WHY: one fixed statement; an unwanted filter is a NULL. The index on (org_id, started_at, id) gives the order, and
// a page stops after `limit` rows.
const LOG: &str = "
    SELECT c.*, a.name AS account_name, f.name AS flow_name, t.name AS team_name, u.name AS agent_name,
           k.name AS contact_name, r.state AS recording_state
    FROM calls c
    JOIN accounts a ON a.id = c.account_id
    LEFT JOIN flows f ON f.id = c.flow_id
    LEFT JOIN teams t ON t.id = c.team_id
    LEFT JOIN users u ON u.id = c.agent_id
    LEFT JOIN contacts k ON k.id = c.contact_id
    LEFT JOIN recordings r ON r.id = c.recording_id
    WHERE c.org_id = $1
      AND ($2 IS NULL OR c.status = $2)
      AND ($3 IS NULL OR c.direction = $3)
      AND ($4 IS NULL OR c.account_id = $4)
      AND ($5 IS NULL OR c.flow_id = $5)
      AND ($6 IS NULL OR c.agent_id = $6)
      AND ($7 IS NULL OR c.started_at >= $7)
      AND ($8 IS NULL OR c.started_at < $8)
      AND ($9 IS NULL OR LOWER(c.caller_name) LIKE $9 ESCAPE '!' OR c.caller_phone LIKE $9 ESCAPE '!'
           OR LOWER(k.name) LIKE $9 ESCAPE '!' OR LOWER(c.id) LIKE $9 ESCAPE '!'
           OR LOWER(c.wacid) LIKE $9 ESCAPE '!')
      AND ($10 = 0 OR c.ended_at IS NULL)
      AND ($11 IS NULL OR c.agent_id = $11
           OR c.team_id IN (SELECT m.team_id FROM team_members m WHERE m.user_id = $11))
      AND ($12 IS NULL OR c.id = $12)
      AND ($13 IS NULL OR c.started_at < $13 OR (c.started_at = $13 AND c.id < $14))
    ORDER BY c.started_at DESC, c.id DESC
    LIMIT $15";

/// Calls whose digits are asked for at once: a NULL fills what a page leaves empty, so one statement serves all.
const DIGITS_PAGE: usize = 50;
const DIGITS: &str = "
    SELECT call_id, body FROM journal WHERE kind IN ('digit', 'invalid') AND call_id IN (
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46,
        $47, $48, $49, $50)
    ORDER BY call_id, seq";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_searched_for_as_it_is() {
        assert_eq!(pattern("50%_A!"), "%50!%!_a!!%");
    }

    #[test]
    fn a_mark_reads_back_as_it_was_given_out() {
        let mark = Mark { started_at: 17, call: CallId::from("call_1.2") };
        assert_eq!(Mark::read(&mark.text()), Some(mark));
        for bad in ["", "17", "x.call_1"] {
            assert_eq!(Mark::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_come_from_a_digit_and_from_the_digits_of_a_gather() {
        assert_eq!(keys(r#"{"text":"Pressed 1","data":{"digit":"1"}}"#), "1");
        assert_eq!(keys(r#"{"text":"Entered","data":{"digits":"4711","store_as":"pin"}}"#), "4711");
        assert_eq!(keys("mangled"), "");
    }
}
