//! Looking for an agent: music, rings, the one claim, and what happens when nobody comes.

use serde_json::json;

use super::call::{Call, Due};
use super::memo::{Leaving, Stage, Waiting};
use super::post::Said;
use crate::model::softphone::RingingCall;
use crate::model::{CallStatus, Millis, TeamId, UserId, clock};
use crate::store::hunts::{Claim, NewHunt};
use crate::store::journal::NewEntry;
use crate::store::teams::Strategy;

impl Call {
    /// The flow hands the caller to a team. The music is playing already.
    pub(super) async fn enter_queue(&mut self, team: TeamId) {
        let name = match self.house.store.team(&self.row.org, &team).await {
            Ok(Some(found)) => found.name,
            Ok(None) => return self.no_team(&team).await,
            Err(error) => {
                tracing::error!(call.id = %self.row.id, "the team of call {} cannot be read: {error}", self.row.id);
                return self.no_team(&team).await;
            }
        };
        let now = clock::now();
        self.memo.phase_since = now;
        let text = format!("Waiting for {name}");
        self.queue(team, name, now, NewEntry::new("queued", text, json!({}))).await;
    }

    /// The agent was lost: back to the queue with the time already waited, so first in line.
    pub(super) async fn queue(&mut self, team: TeamId, team_name: String, since: Millis, mut entry: NewEntry) {
        let now = clock::now();
        let timeout = i64::try_from(self.transfer_timeout_ms).unwrap_or(i64::MAX);
        let deadline = now.saturating_add(timeout);
        entry.data = json!({"team": team.as_str(), "team_name": team_name});
        self.row.status = CallStatus::Queued;
        self.row.team = Some(team.clone());
        self.row.queued_at.get_or_insert(now);
        self.row.held_since = None;
        self.ringing.clear();
        self.declined.clear();
        self.due.set(Due::NobodyFree, self.transfer_timeout_ms);
        self.due.clear(Due::NextRing);
        self.memo.stage = Stage::Waiting(Waiting { team: team.clone(), team_name, since, deadline });
        self.save(&[entry], Some(NewHunt { team, since, deadline }), now).await;
        self.look_around().await;
    }

    /// Rings whoever can be rung now, and stops ringing who no longer can.
    pub(super) async fn look_around(&mut self) {
        let Stage::Waiting(waiting) = &self.memo.stage else { return };
        let team = waiting.team.clone();
        let (strategy, members) = match self.house.store.team(&self.row.org, &team).await {
            Ok(Some(found)) => (found.strategy, self.house.store.members(&team).await.unwrap_or_default()),
            _ => return,
        };
        let free = self.house.floor.free(&members);
        let is_free = |user: &UserId| free.iter().any(|(free, _)| free == user);
        let lost: Vec<UserId> = self.ringing.iter().filter(|user| !is_free(user)).cloned().collect();
        for user in lost {
            self.ringing.remove(&user);
            self.house.floor.stop_ring(&user, &self.row.id, None);
        }
        let mut fresh = free;
        fresh.retain(|(user, _)| !self.ringing.contains(user) && !self.declined.contains(user));
        let chosen = self.choose(strategy, &team, fresh).await;
        if !chosen.is_empty() {
            self.ring(chosen).await;
        }
    }

    /// An agent wants this caller.
    pub(super) async fn claim(&mut self, user: UserId, done: Said) {
        let said = self.try_claim(&user).await;
        let won = said.is_ok();
        if won {
            self.claimed(user).await;
        }
        // The tab may have gone in the meantime; the claim holds.
        let _gone = done.send(said);
    }

    /// The caller is this agent's: everybody else's ring stops, with the name of who has them.
    pub(super) async fn claimed(&mut self, user: UserId) {
        let Stage::Waiting(waiting) = &self.memo.stage else { return };
        let waiting = waiting.clone();
        let name = self.house.floor.name(&user);
        let text = format!("{name} took the call from {}", self.caller().name);
        for other in std::mem::take(&mut self.ringing) {
            let why = Some(text.as_str()).filter(|_| other != user);
            self.house.floor.stop_ring(&other, &self.row.id, why);
        }
        self.due.clear(Due::NobodyFree);
        self.due.clear(Due::NextRing);
        self.start_talking(user, name, Some(waiting)).await;
    }

    /// An agent wants no more of this ring; nobody else's changes.
    pub(super) async fn decline(&mut self, user: UserId, done: Said) {
        if !matches!(self.memo.stage, Stage::Waiting(_)) || !self.ringing.remove(&user) {
            let _gone = done.send(Err("this call does not ring for you".to_owned()));
            return;
        }
        self.declined.insert(user.clone());
        self.house.floor.stop_ring(&user, &self.row.id, None);
        let _gone = done.send(Ok(()));
        let name = self.house.floor.name(&user);
        let entry = NewEntry::new("declined", format!("{name} declined"), json!({"agent": user.as_str()}));
        if let Err(error) = self.house.store.decline(&self.row.id, &user, &[entry], clock::now()).await {
            tracing::error!(call.id = %self.row.id, "a decline of call {} was not written: {error}", self.row.id);
        }
        self.due.clear(Due::NextRing);
        self.look_around().await;
    }

    /// Nobody has come in time.
    pub(super) async fn nobody_free(&mut self) {
        if !matches!(self.memo.stage, Stage::Waiting(_)) {
            return;
        }
        for user in std::mem::take(&mut self.ringing) {
            self.house.floor.stop_ring(&user, &self.row.id, Some("The caller waited too long"));
        }
        self.row.wait_ms += self.close_phase(clock::now());
        let leaving = Leaving {
            clip: self.house.sounds.nobody_free.as_str().to_owned(),
            status: CallStatus::Missed,
            reason: "no_answer".to_owned(),
            text: "Nobody answered in time".to_owned(),
        };
        let entry = NewEntry::new("no_answer", "Nobody answered in time", json!({}));
        self.leave_with(self.house.sounds.nobody_free.clone(), leaving, &[entry]).await;
    }

    async fn try_claim(&mut self, user: &UserId) -> Result<(), String> {
        match &self.memo.stage {
            Stage::Waiting(_) if self.ringing.contains(user) => {}
            Stage::Waiting(_) => return Err("this call does not ring for you".to_owned()),
            Stage::Talking(talking) if talking.agent == *user => return Err("you have this call already".to_owned()),
            Stage::Talking(talking) => return Err(format!("{} was quicker", talking.agent_name)),
            _ => return Err("the caller waits no more".to_owned()),
        }
        match self.house.store.claim(&self.row.id, user, clock::now()).await {
            Ok(Claim::Won) => Ok(()),
            Ok(Claim::Taken { name, .. }) => Err(format!("{name} was quicker")),
            Ok(Claim::Engaged) => Err("you are on another call".to_owned()),
            Ok(Claim::Over) => Err("the caller waits no more".to_owned()),
            Err(error) => {
                tracing::error!(call.id = %self.row.id, "a claim of call {} was not written: {error}", self.row.id);
                Err("your answer could not be saved; please try again".to_owned())
            }
        }
    }

    async fn choose(&mut self, strategy: Strategy, team: &TeamId, mut fresh: Vec<(UserId, Millis)>) -> Vec<UserId> {
        match strategy {
            Strategy::All => return fresh.into_iter().map(|(user, _)| user).collect(),
            // One after the other: the next only when nobody rings any more, or the last has rung long enough.
            _ if !self.ringing.is_empty() && self.due.is_set(Due::NextRing) => return Vec::new(),
            Strategy::LongestIdle => fresh.sort_by_key(|(_, idle_since)| *idle_since),
            Strategy::RoundRobin => {
                let rung = self.house.store.last_rung(team).await.unwrap_or_default();
                fresh.sort_by_key(|(user, _)| rung.get(user).copied().unwrap_or_default());
            }
        }
        let next: Vec<UserId> = fresh.into_iter().map(|(user, _)| user).take(1).collect();
        if !next.is_empty() {
            self.due.set(Due::NextRing, self.house.rules.next_ring_ms);
        }
        next
    }

    async fn ring(&mut self, chosen: Vec<UserId>) {
        let Stage::Waiting(waiting) = &self.memo.stage else { return };
        let card = RingingCall {
            call: self.row.id.clone(),
            caller: self.caller(),
            team: waiting.team_name.clone(),
            waiting_since: waiting.since,
            so_far: self.memo.so_far.clone(),
        };
        let names: Vec<String> = chosen.iter().map(|user| self.house.floor.name(user)).collect();
        for user in &chosen {
            self.house.floor.ring(user, card.clone());
            self.ringing.insert(user.clone());
        }
        let ids: Vec<&str> = chosen.iter().map(UserId::as_str).collect();
        let entry = NewEntry::new("rung", format!("Rang {}", names.join(", ")), json!({"agents": ids}));
        if let Err(error) = self.house.store.ring(&self.row.id, &chosen, &[entry], clock::now()).await {
            tracing::error!(call.id = %self.row.id, "a ring of call {} was not written: {error}", self.row.id);
        }
    }

    async fn no_team(&mut self, team: &TeamId) {
        let text = format!("The flow sends callers to team {team}, which is not there");
        let leaving = Leaving {
            clip: self.house.sounds.apology.as_str().to_owned(),
            status: CallStatus::Failed,
            reason: "no_such_team".to_owned(),
            text: text.clone(),
        };
        let entry = NewEntry::new("fault", text, json!({"team": team.as_str()}));
        self.leave_with(self.house.sounds.apology.clone(), leaving, &[entry]).await;
    }
}
