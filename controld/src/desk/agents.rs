//! The agents' floor: who is there, whom a call can reach, what each tab shows. A change is told to every tab at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::model::softphone::{AgentCall, RingingCall, Softphone, ToTab};
use crate::model::{CallId, Millis, OrgId, Presence, UserId, clock};
use crate::outside::mediad::LegId;
use crate::store::presence::OnDuty;

/// Every agent who has a tab, a standing leg or a call.
pub(super) struct Floor {
    agents: Mutex<BTreeMap<UserId, Agent>>,
    /// Counts changes: waiting callers look again.
    changed: watch::Sender<u64>,
}

/// One agent.
struct Agent {
    duty: OnDuty,
    tabs: BTreeMap<u64, mpsc::Sender<ToTab>>,
    /// The tab that has the standing leg.
    leader: Option<u64>,
    leg: Option<StandingLeg>,
    ringing: BTreeMap<CallId, RingingCall>,
    call: Option<AgentCall>,
    /// One `Attach` at a time.
    attaching: Arc<tokio::sync::Mutex<()>>,
    next_tab: u64,
    /// Without a tab since.
    gone_since: Option<Instant>,
}

/// An agent's standing leg (D13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StandingLeg {
    pub(super) leg: LegId,
    pub(super) connected: bool,
    /// The conversation with mediad in which it was opened; `None`: mediad has not answered yet.
    opened: Option<u64>,
}

impl Default for Floor {
    fn default() -> Self {
        Self { agents: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

impl Floor {
    /// Tells of every change that may let a call ring for somebody.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Puts an agent on the floor, or refreshes what the database knows of one who is there.
    pub(super) fn enter(&self, duty: OnDuty) {
        let mut agents = self.agents();
        match agents.get_mut(&duty.user) {
            // The call and the idle time of an agent who is here are known better here.
            Some(agent) => agent.duty = OnDuty { idle_since: agent.duty.idle_since, ..duty },
            None => drop(agents.insert(duty.user.clone(), Agent::new(duty))),
        }
    }

    /// A tab has come; its number and its lines.
    pub(super) fn open_tab(&self, user: &UserId) -> Option<(u64, mpsc::Receiver<ToTab>)> {
        let (tell, lines) = mpsc::channel(TAB_LINES_MAX);
        let opened = self.with(user, |agent| {
            while agent.tabs.len() >= TABS_MAX && agent.send_oldest_away() {}
            agent.next_tab += 1;
            agent.tabs.insert(agent.next_tab, tell);
            agent.gone_since = None;
            agent.next_tab
        })?;
        Some((opened, lines))
    }

    /// A tab has gone; says how many are left.
    pub(super) fn close_tab(&self, user: &UserId, tab: u64) -> usize {
        let left = self.with(user, |agent| {
            agent.tabs.remove(&tab);
            if agent.leader == Some(tab) {
                agent.leader = None;
            }
            agent.note_gone();
            agent.tabs.len()
        });
        left.unwrap_or_default()
    }

    /// As many newer tabs have come as an agent may have.
    pub(super) fn is_crowded_out(&self, user: &UserId, tab: u64) -> bool {
        let newer = self.agents().get(user).map_or(0, |agent| agent.next_tab.saturating_sub(tab));
        usize::try_from(newer).unwrap_or(usize::MAX) >= TABS_MAX.saturating_sub(1)
    }

    /// The standing leg, if this tab has it or nobody else's does.
    pub(super) fn leg_of_tab(&self, user: &UserId, tab: u64) -> Option<LegId> {
        let agents = self.agents();
        let agent = agents.get(user).filter(|agent| agent.leader.is_none_or(|leader| leader == tab))?;
        agent.leg.as_ref().map(|standing| standing.leg.clone())
    }

    /// Says something to one tab.
    pub(super) fn tell_tab(&self, user: &UserId, tab: u64, line: ToTab) {
        if let Some(agent) = self.agents().get_mut(user) {
            agent.tell_one(tab, line);
        }
    }

    /// Only one `Attach` of an agent runs at a time.
    pub(super) fn attach_lock(&self, user: &UserId) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.agents().get(user).map(|agent| Arc::clone(&agent.attaching))
    }

    /// The standing leg, if there is one.
    pub(super) fn leg(&self, user: &UserId) -> Option<StandingLeg> {
        self.agents().get(user)?.leg.clone()
    }

    /// The standing leg is this one, and not connected yet; the tab that asked for it leads, an older one is told.
    pub(super) fn attach(&self, user: &UserId, tab: Option<u64>, leg: LegId) {
        self.with(user, |agent| {
            let opened = agent.leg.take().filter(|old| old.leg == leg).and_then(|old| old.opened);
            agent.leg = Some(StandingLeg { leg, connected: false, opened });
            let Some(tab) = tab else { return };
            if let Some(old) = agent.leader.replace(tab).filter(|old| *old != tab) {
                agent.tell_one(old, ToTab::Detached);
            }
        });
    }

    /// mediad has opened this leg: a snapshot of a later conversation without it means that it is lost.
    pub(super) fn leg_opened(&self, leg: &LegId, conversation: u64) {
        let mut agents = self.agents();
        if let Some(standing) = agents.values_mut().filter_map(|agent| agent.leg.as_mut()).find(|s| s.leg == *leg) {
            standing.opened = Some(conversation);
        }
    }

    /// mediad tells that this leg is connected; says whose it is.
    pub(super) fn leg_connected(&self, leg: &LegId) -> Option<UserId> {
        let user = self.user_of_leg(leg)?;
        self.with(&user, |agent| {
            if let Some(standing) = &mut agent.leg {
                standing.connected = true;
            }
        });
        Some(user)
    }

    /// mediad tells that this leg is gone.
    pub(super) fn leg_ended(&self, leg: &LegId) -> Option<UserId> {
        let user = self.user_of_leg(leg)?;
        self.with(&user, |agent| agent.leg = None);
        Some(user)
    }

    /// Every standing leg.
    pub(super) fn legs(&self) -> Vec<LegId> {
        self.agents().values().filter_map(|agent| Some(agent.leg.as_ref()?.leg.clone())).collect()
    }

    /// The standing legs that were opened before this conversation with mediad.
    pub(super) fn legs_before(&self, conversation: u64) -> Vec<LegId> {
        let agents = self.agents();
        let legs = agents.values().filter_map(|agent| agent.leg.as_ref());
        legs.filter(|leg| leg.opened.is_some_and(|opened| opened < conversation)).map(|leg| leg.leg.clone()).collect()
    }

    /// Takes over a leg that mediad has kept over a restart of ours.
    pub(super) fn adopt_leg(&self, user: &UserId, leg: LegId, connected: bool, conversation: u64) -> bool {
        let adopted = self.with(user, |agent| {
            if agent.leg.is_some() {
                return false;
            }
            agent.leg = Some(StandingLeg { leg, connected, opened: Some(conversation) });
            true
        });
        adopted.unwrap_or_default()
    }

    /// The leg is connected and a tab is there to answer.
    pub(super) fn is_reachable(&self, user: &UserId) -> bool {
        self.agents().get(user).is_some_and(Agent::is_reachable)
    }

    /// Sets presence as the database has it now.
    pub(super) fn set_presence(&self, user: &UserId, presence: Presence, reason: Option<String>, now: Millis) {
        self.with(user, |agent| {
            agent.duty.presence = presence;
            agent.duty.reason = reason;
            agent.duty.since = now;
        });
    }

    /// Nobody sits here: no call, and no tab for so long. Says so, and takes the leg away to be closed.
    pub(super) fn leave_if_gone(&self, user: &UserId, after: Duration) -> Option<Option<LegId>> {
        let mut agents = self.agents();
        let is_gone =
            |agent: &&mut Agent| agent.call.is_none() && agent.gone_since.is_some_and(|since| since.elapsed() >= after);
        let agent = agents.get_mut(user).filter(is_gone)?;
        let leg = agent.leg.take().map(|standing| standing.leg);
        agents.remove(user);
        drop(agents);
        self.changed.send_modify(|count| *count += 1);
        Some(leg)
    }

    /// Who of these can be rung now, and since when they have been idle.
    pub(super) fn free(&self, members: &[UserId]) -> Vec<(UserId, Millis)> {
        let agents = self.agents();
        let free = members.iter().filter_map(|user| agents.get(user).filter(|agent| agent.is_free()));
        free.map(|agent| (agent.duty.user.clone(), agent.duty.idle_since)).collect()
    }

    /// A call rings for an agent.
    pub(super) fn ring(&self, user: &UserId, call: RingingCall) {
        self.quietly(user, |agent| drop(agent.ringing.insert(call.call.clone(), call)));
    }

    /// A call rings no more for an agent; `why` is worth a line on the screen.
    pub(super) fn stop_ring(&self, user: &UserId, call: &CallId, why: Option<&str>) {
        self.quietly(user, |agent| {
            let rang = agent.ringing.remove(call).is_some();
            if let Some(text) = why.filter(|_| rang) {
                agent.tell_all(&ToTab::Notice { text: text.to_owned() });
            }
        });
    }

    /// What the agent's screen shows of the call they are on.
    pub(super) fn show_call(&self, user: &UserId, call: AgentCall) {
        self.with(user, |agent| {
            agent.ringing.remove(&call.call);
            agent.call = Some(call);
        });
    }

    /// The agent is free again.
    pub(super) fn release(&self, user: &UserId, call: &CallId, why: Option<&str>) {
        self.with(user, |agent| {
            if agent.call.as_ref().is_some_and(|current| current.call == *call) {
                agent.call = None;
                agent.duty.idle_since = clock::now();
                if let Some(text) = why {
                    agent.tell_all(&ToTab::Notice { text: text.to_owned() });
                }
            }
        });
    }

    /// The call an agent is on.
    pub(super) fn call_of(&self, user: &UserId) -> Option<CallId> {
        self.agents().get(user)?.call.as_ref().map(|call| call.call.clone())
    }

    /// The call of the agent who has this standing leg.
    pub(super) fn call_of_leg(&self, leg: &LegId) -> Option<CallId> {
        self.call_of(&self.user_of_leg(leg)?)
    }

    /// No tab of this agent is there.
    pub(super) fn has_no_tab(&self, user: &UserId) -> bool {
        self.agents().get(user).is_some_and(|agent| agent.tabs.is_empty())
    }

    /// The agent's organisation.
    pub(super) fn org(&self, user: &UserId) -> Option<OrgId> {
        self.agents().get(user).map(|agent| agent.duty.org.clone())
    }

    /// The agent's name; their id if they are not on the floor.
    pub(super) fn name(&self, user: &UserId) -> String {
        self.agents().get(user).map_or_else(|| user.to_string(), |agent| agent.duty.name.clone())
    }

    /// Changes an agent and tells their tabs and every waiting caller.
    fn with<T>(&self, user: &UserId, change: impl FnOnce(&mut Agent) -> T) -> Option<T> {
        let result = self.quietly(user, change)?;
        self.changed.send_modify(|count| *count += 1);
        Some(result)
    }

    /// Changes what an agent sees, not whether they are free.
    fn quietly<T>(&self, user: &UserId, change: impl FnOnce(&mut Agent) -> T) -> Option<T> {
        let mut agents = self.agents();
        let agent = agents.get_mut(user)?;
        let result = change(agent);
        let state = ToTab::State(agent.softphone());
        agent.tell_all(&state);
        Some(result)
    }

    fn user_of_leg(&self, leg: &LegId) -> Option<UserId> {
        let agents = self.agents();
        let found = agents.iter().find(|(_, agent)| agent.leg.as_ref().is_some_and(|standing| standing.leg == *leg));
        found.map(|(user, _)| user.clone())
    }

    fn agents(&self) -> MutexGuard<'_, BTreeMap<UserId, Agent>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agent {
    fn new(duty: OnDuty) -> Self {
        Self {
            duty,
            tabs: BTreeMap::new(),
            leader: None,
            leg: None,
            ringing: BTreeMap::new(),
            call: None,
            attaching: Arc::default(),
            next_tab: 0,
            gone_since: Some(Instant::now()),
        }
    }

    fn is_reachable(&self) -> bool {
        self.leg.as_ref().is_some_and(|standing| standing.connected)
    }

    fn is_free(&self) -> bool {
        let has_tab = !self.tabs.is_empty();
        self.duty.presence == Presence::Available && self.call.is_none() && self.is_reachable() && has_tab
    }

    fn softphone(&self) -> Softphone {
        let mut ringing: Vec<RingingCall> = self.ringing.values().cloned().collect();
        ringing.sort_by_key(|call| call.waiting_since);
        Softphone {
            user: self.duty.user.clone(),
            presence: self.duty.presence,
            presence_since: self.duty.since,
            reachable: self.is_reachable(),
            ringing,
            call: self.call.clone(),
            now: clock::now(),
        }
    }

    /// The oldest tab goes, but not the one with the sound. False: there is none to send away.
    fn send_oldest_away(&mut self) -> bool {
        let oldest = self.tabs.keys().find(|tab| self.leader != Some(**tab)).copied();
        oldest.and_then(|tab| self.tabs.remove(&tab)).is_some()
    }

    fn tell_all(&mut self, line: &ToTab) {
        // A tab that does not read is gone: its channel closes, its socket with it, and it comes back fresh.
        self.tabs.retain(|_, tab| tab.try_send(line.clone()).is_ok());
        self.note_gone();
    }

    fn note_gone(&mut self) {
        if self.tabs.is_empty() && self.gone_since.is_none() {
            self.gone_since = Some(Instant::now());
        }
    }

    fn tell_one(&mut self, tab: u64, line: ToTab) {
        if self.tabs.get(&tab).is_some_and(|lines| lines.try_send(line).is_err()) {
            self.tabs.remove(&tab);
            self.note_gone();
        }
    }
}

/// Tabs of one agent: beyond them the oldest makes room.
const TABS_MAX: usize = 8;
/// Lines that may wait for a tab that reads slowly.
const TAB_LINES_MAX: usize = 64;
