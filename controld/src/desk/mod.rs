//! Where live calls are run: one task a call with one mailbox, the agents' floor beside it.

mod adopt;
mod agents;
mod arrival;
mod call;
mod deeds;
mod ending;
mod events;
mod hunt;
mod inbox;
mod memo;
mod outgoing;
mod post;
mod rules;
mod switchboard;
mod tab;
mod talk;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::ivr::flow::{HousePrompts, Published};
use crate::model::{CallId, FlowId, OrgId, UserId, clock};
use crate::outside::callback::guard::{BadHost, Guard};
use crate::outside::callback::{Callbacks, NoCallbacks};
use crate::outside::mediad::{Mediad, Whereabouts};
use crate::outside::whatsapp::graph::{Graph, GraphError};
use crate::outside::whatsapp::permission::Permission;
use crate::store::accounts::Account;
use crate::store::contacts::Contact;
use crate::store::{Store, StoreError};
use agents::Floor;
use post::Post;
use switchboard::Switchboard;

pub use rules::{Rules, Sounds};
pub use tab::{Asker, TabLink};

/// The desk. Clones are the same desk.
#[derive(Clone)]
pub struct Desk(Arc<House>);

/// What a desk is made of.
pub struct DeskParts {
    /// The rows.
    pub store: Store,
    /// Where mediad is.
    pub mediad: Whereabouts,
    /// Meta's Graph API with its version.
    pub graph_url: String,
    /// The sounds of the house.
    pub sounds: Sounds,
    /// Limits and waits.
    pub rules: Rules,
    /// Rung when a recording is complete in the spool.
    pub archive_bell: Arc<Notify>,
}

/// Why the desk could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No such call in this organisation.
    #[error("no call is called {0}")]
    UnknownCall(CallId),
    /// No such agent, or a disabled one.
    #[error("no agent is called {0}")]
    UnknownAgent(UserId),
    /// The call is over already.
    #[error("call {0} is over")]
    Over(CallId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The way to WhatsApp could not be set up.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A host the operator vouches for is no host.
    #[error(transparent)]
    Host(#[from] BadHost),
    /// Web services cannot be asked.
    #[error(transparent)]
    Callbacks(#[from] NoCallbacks),
}

/// What every room of the desk shares.
struct House {
    store: Store,
    mediad: Mediad,
    graph: Graph,
    callbacks: Arc<Callbacks>,
    sounds: Sounds,
    rules: Rules,
    prompts: HousePrompts,
    switchboard: Switchboard,
    floor: Floor,
    inbox_bell: Notify,
    archive_bell: Arc<Notify>,
    /// Published flows by version: they never change, so each is read once.
    flows: Mutex<BTreeMap<(FlowId, i64), Arc<Published>>>,
}

impl House {
    fn known_flow(&self, flow: &FlowId, version: i64) -> Option<Arc<Published>> {
        let flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        flows.get(&(flow.clone(), version)).cloned()
    }

    fn know_flow(&self, published: &Arc<Published>) {
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        if flows.len() >= FLOWS_MAX {
            flows.clear();
        }
        flows.insert((published.id.clone(), published.version), Arc::clone(published));
    }
}

impl Desk {
    /// Starts the desk: finds or starts mediad, takes up the calls that were left, reads the inbox.
    pub async fn start(parts: DeskParts) -> Result<Self, DeskError> {
        let graph = Graph::new(&parts.graph_url)?;
        let seen = events::last_seen(&parts.store).await?;
        // Milliseconds times a thousand: above every number an earlier controld has used.
        let first_id = u64::try_from(clock::now()).unwrap_or_default().saturating_mul(1_000);
        let guard = Guard::new(&parts.rules.vouched_hosts, &parts.rules.callback_ports, &parts.rules.own)?;
        let callbacks = Arc::new(Callbacks::new(guard)?);
        let (mediad, told) = Mediad::start(parts.mediad, seen, first_id);
        let house = Arc::new(House {
            store: parts.store,
            mediad,
            graph,
            callbacks,
            sounds: parts.sounds,
            rules: parts.rules,
            prompts: HousePrompts::default(),
            switchboard: Switchboard::default(),
            floor: Floor::default(),
            inbox_bell: Notify::new(),
            archive_bell: parts.archive_bell,
            flows: Mutex::default(),
        });
        adopt::agents(&house).await?;
        adopt::calls(&house).await?;
        tokio::spawn(events::run(Arc::clone(&house), told));
        tokio::spawn(inbox::run(Arc::clone(&house)));
        tokio::spawn(tab::watch_locked_out(Arc::clone(&house)));
        Ok(Self(house))
    }

    /// Wakes the inbox: a webhook's row has been written.
    pub fn inbox_has_work(&self) {
        self.0.inbox_bell.notify_one();
    }

    /// A tab of this agent has come. Dropping the link says that it has gone.
    pub async fn connect_tab(&self, user: UserId) -> Result<TabLink, DeskError> {
        tab::connect(&self.0, user).await
    }

    /// Ends a call by force, for supervisors and admins.
    pub async fn end_call(&self, org: &OrgId, call: &CallId, by: UserId) -> Result<(), DeskError> {
        let row = self.0.store.call_row(org, call).await?.ok_or_else(|| DeskError::UnknownCall(call.clone()))?;
        if row.ended.is_some() {
            return Err(DeskError::Over(call.clone()));
        }
        let (done, ended) = oneshot::channel();
        if !self.0.switchboard.post(call, Post::EndBy { user: by, done }) {
            return Err(DeskError::Over(call.clone()));
        }
        // A call that ended by itself in the meantime is what was wanted.
        let _over = ended.await;
        Ok(())
    }

    /// The number from which this contact would be called, or one sentence why there is none.
    pub async fn number_for(&self, org: &OrgId, contact: &Contact) -> Result<Account, String> {
        outgoing::number_for(&self.0, org, contact).await
    }

    /// What WhatsApp says about calling this contact now, or one sentence why it says nothing.
    pub async fn permission(&self, account: &Account, contact: &Contact) -> Result<Permission, String> {
        let callee = contact.callee().ok_or(outgoing::NOBODY)?;
        self.0.graph.permission(&adopt::line_of(account), &callee).await.map_err(|error| error.to_string())
    }

    /// Asks a contact for permission to call, or says in one sentence why not.
    pub async fn ask_permission(&self, account: &Account, contact: &Contact, text: &str) -> Result<(), String> {
        let callee = contact.callee().ok_or(outgoing::NOBODY)?;
        let asked = self.0.graph.ask_permission(&adopt::line_of(account), &callee, text).await;
        asked.map_err(|error| format!("not asked: {error}"))
    }

    /// The agent's standing leg is connected: a call can ring and sound at once.
    pub fn reachable(&self, user: &UserId) -> bool {
        self.0.floor.is_reachable(user)
    }

    /// mediad answers: `/readyz` asks this.
    pub fn has_media(&self) -> bool {
        self.0.mediad.is_up()
    }

    /// Calls that are being run.
    pub fn live_calls(&self) -> usize {
        self.0.switchboard.len()
    }

    /// Lets go of mediad, for a controld that ends: `with_media` ends mediad too (Ctrl-C), otherwise its calls go on.
    pub async fn close(&self, with_media: bool) {
        if with_media {
            self.0.mediad.stop().await;
        } else {
            self.0.mediad.leave();
        }
    }
}

/// Flow versions kept ready.
const FLOWS_MAX: usize = 1_000;
