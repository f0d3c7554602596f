//! Which mailbox belongs to which call, leg and bridge.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::post::Post;
use crate::model::secret::variant_name;
use crate::model::{AccountId, CallId, OrgId};

/// Every live call's mailbox, found by each of its names.
#[derive(Default)]
pub(super) struct Switchboard(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    calls: BTreeMap<CallId, Line>,
    by_wacid: BTreeMap<String, CallId>,
    by_leg: BTreeMap<String, CallId>,
    by_bridge: BTreeMap<String, CallId>,
}

struct Line {
    mailbox: mpsc::Sender<Post>,
    wacid: String,
    /// The number whose webhooks may speak of this call.
    account: AccountId,
    /// Whose agents may have it.
    org: OrgId,
    /// The caller's leg, once mediad has opened it, and in which conversation with mediad that was.
    leg: Option<(String, u64)>,
}

impl Switchboard {
    /// Opens a call's mailbox.
    pub(super) fn open(&self, call: &CallId, wacid: &str, account: &AccountId, org: &OrgId) -> mpsc::Receiver<Post> {
        let (mailbox, letters) = mpsc::channel(MAILBOX_MAX);
        let mut lines = self.lines();
        lines.by_wacid.insert(wacid.to_owned(), call.clone());
        let line = Line { mailbox, wacid: wacid.to_owned(), account: account.clone(), org: org.clone(), leg: None };
        lines.calls.insert(call.clone(), line);
        letters
    }

    /// WhatsApp has named a call that we placed.
    pub(super) fn name_wacid(&self, call: &CallId, wacid: &str) {
        let mut lines = self.lines();
        let Some(line) = lines.calls.get_mut(call) else { return };
        let old = std::mem::replace(&mut line.wacid, wacid.to_owned());
        lines.by_wacid.remove(&old);
        lines.by_wacid.insert(wacid.to_owned(), call.clone());
    }

    /// Takes every name of a call from the board.
    pub(super) fn close(&self, call: &CallId) {
        let mut lines = self.lines();
        if let Some(line) = lines.calls.remove(call) {
            lines.by_wacid.remove(&line.wacid);
        }
        lines.by_leg.retain(|_, owner| owner != call);
        lines.by_bridge.retain(|_, owner| owner != call);
    }

    /// Events of this leg go to this call.
    pub(super) fn name_leg(&self, call: &CallId, leg: &str) {
        self.lines().by_leg.insert(leg.to_owned(), call.clone());
    }

    /// mediad has this leg: a snapshot of a later conversation without it means that it is lost.
    pub(super) fn leg_is_open(&self, call: &CallId, leg: &str, conversation: u64) {
        if let Some(line) = self.lines().calls.get_mut(call) {
            line.leg = Some((leg.to_owned(), conversation));
        }
    }

    /// Events of this bridge go to this call.
    pub(super) fn name_bridge(&self, call: &CallId, bridge: &str) {
        self.lines().by_bridge.insert(bridge.to_owned(), call.clone());
    }

    /// The legs that were opened before this conversation with mediad, with their calls.
    pub(super) fn legs_before(&self, conversation: u64) -> Vec<(CallId, String)> {
        let lines = self.lines();
        let legs = lines.calls.iter().filter_map(|(call, line)| Some((call.clone(), line.leg.clone()?)));
        legs.filter(|(_, (_, opened))| *opened < conversation).map(|(call, (leg, _))| (call, leg)).collect()
    }

    /// The call of a leg.
    pub(super) fn call_of_leg(&self, leg: &str) -> Option<CallId> {
        self.lines().by_leg.get(leg).cloned()
    }

    /// The call of a bridge.
    pub(super) fn call_of_bridge(&self, bridge: &str) -> Option<CallId> {
        self.lines().by_bridge.get(bridge).cloned()
    }

    /// The live call of this number with WhatsApp's name, or with ours if WhatsApp's is new to us.
    pub(super) fn call_of(&self, account: &AccountId, wacid: &str, ours: Option<&str>) -> Option<CallId> {
        let lines = self.lines();
        let ours = || ours.map(CallId::from).filter(|call| lines.calls.contains_key(call));
        let call = lines.by_wacid.get(wacid).cloned().or_else(ours)?;
        lines.calls.get(&call).is_some_and(|line| line.account == *account).then_some(call)
    }

    /// The call is live, and of this organisation.
    pub(super) fn is_of(&self, call: &CallId, org: &OrgId) -> bool {
        self.lines().calls.get(call).is_some_and(|line| line.org == *org)
    }

    /// Puts something into a call's mailbox. `false`: there is no such live call. A mailbox that is full belongs to a
    /// call that is stuck; what does not fit is lost and logged.
    pub(super) fn post(&self, call: &CallId, post: Post) -> bool {
        let Some(mailbox) = self.lines().calls.get(call).map(|line| line.mailbox.clone()) else { return false };
        match mailbox.try_send(post) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(post)) => {
                tracing::error!(call.id = %call, "the mailbox of {call} is full, lost: {}", variant_name(&post));
                false
            }
        }
    }

    /// How many calls are live.
    pub(super) fn len(&self) -> usize {
        self.lines().calls.len()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAILBOX_MAX: usize = 256;
