//! One tab of an agent: what it asks, the standing leg it is given, what happens when it goes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::outgoing;
use super::post::{Post, Wish};
use super::{DeskError, House};
use crate::model::softphone::{Ask, FromTab, ToTab};
use crate::model::{CallId, Presence, UserId, clock};
use crate::outside::mediad::{Command, LegId, MediaCallId, MediadError, Peer, Reach, limits};

/// A tab that is connected. Dropping it says that the tab has gone.
pub struct TabLink {
    /// What to send to the tab. Closed by the desk when the tab reads too slowly.
    pub tell: mpsc::Receiver<ToTab>,
    house: Arc<House>,
    user: UserId,
    tab: u64,
}

/// The half that asks, for a socket that reads and writes in two tasks.
#[derive(Clone)]
pub struct Asker {
    house: Arc<House>,
    user: UserId,
    tab: u64,
}

pub(super) async fn connect(house: &Arc<House>, user: UserId) -> Result<TabLink, DeskError> {
    let duty = house.store.on_duty(&user).await?.ok_or_else(|| DeskError::UnknownAgent(user.clone()))?;
    house.floor.enter(duty);
    let (tab, tell) = house.floor.open_tab(&user).ok_or_else(|| DeskError::UnknownAgent(user.clone()))?;
    Ok(TabLink { tell, house: Arc::clone(house), user, tab })
}

impl TabLink {
    /// Carries out what the tab asks; the answer comes with `tell`.
    pub async fn ask(&self, line: FromTab) {
        self.asker().ask(line).await;
    }

    /// So many newer tabs of this agent were opened that this one had to go.
    pub fn is_crowded_out(&self) -> bool {
        self.house.floor.is_crowded_out(&self.user, self.tab)
    }

    /// Whoever sits at this tab may not be here any more: the sound of a running call ends for them at once.
    pub fn put_out(&self) {
        if let Some(leg) = self.house.floor.leg_of_tab(&self.user, self.tab) {
            self.house.mediad.tell(Command::CloseLeg { leg });
        }
    }

    /// The half that asks.
    pub fn asker(&self) -> Asker {
        Asker { house: Arc::clone(&self.house), user: self.user.clone(), tab: self.tab }
    }
}

impl Drop for TabLink {
    fn drop(&mut self) {
        if self.house.floor.close_tab(&self.user, self.tab) == 0 {
            go_home_later(&self.house, self.user.clone());
        }
    }
}

impl Asker {
    /// Carries out what the tab asks; the answer comes with the link's `tell`.
    pub async fn ask(&self, line: FromTab) {
        let FromTab { id, ask } = line;
        let outcome = match ask {
            Ask::Pong => return,
            Ask::Attach { offer } if offer.len() > limits::SDP_BYTES_MAX => Err("the offer is too long".to_owned()),
            Ask::Attach { offer } => match self.attach(offer).await {
                Ok(answer) => return self.tell(ToTab::Attached { id, answer }),
                Err(why) => Err(why),
            },
            Ask::Presence { presence, reason } => self.presence(presence, reason).await,
            Ask::Dial { contact, account } => outgoing::dial(&self.house, &self.user, &contact, account.as_ref()).await,
            Ask::Answer { call } => self.post(&call, |user, done| Post::Claim { user, done }).await,
            Ask::Decline { call } => self.post(&call, |user, done| Post::Decline { user, done }).await,
            Ask::Hold => self.wish(Wish::Hold).await,
            Ask::Resume => self.wish(Wish::Resume).await,
            Ask::HangUp => self.wish(Wish::HangUp).await,
            Ask::Digits { digits } => self.wish(Wish::Digits(digits)).await,
        };
        self.tell(match outcome {
            Ok(()) => ToTab::Done { id },
            Err(why) => ToTab::Refused { id, why },
        });
    }

    fn tell(&self, line: ToTab) {
        self.house.floor.tell_tab(&self.user, self.tab, line);
    }

    async fn attach(&self, offer: String) -> Result<String, String> {
        let lock = self.house.floor.attach_lock(&self.user).ok_or("this tab is signed out")?;
        let _one_at_a_time = lock.lock().await;
        let answer = match self.house.floor.leg(&self.user) {
            Some(old) => match self.restart(old.leg.clone(), &offer).await {
                Ok(answer) => Ok(answer),
                Err(MediadError::Late | MediadError::Full) => Err(MediadError::Late),
                Err(_) => {
                    self.house.mediad.tell(Command::CloseLeg { leg: old.leg });
                    self.open(offer).await
                }
            },
            None => self.open(offer).await,
        };
        answer.map_err(|error| format!("your sound cannot be connected: {error}"))
    }

    async fn restart(&self, leg: LegId, offer: &str) -> Result<String, MediadError> {
        let asked = self.house.mediad.ask(Command::RestartLeg {
            leg: leg.clone(),
            offer: offer.to_owned(),
            reach: Reach::default(),
        });
        self.house.floor.attach(&self.user, Some(self.tab), leg);
        asked.sdp().await
    }

    async fn open(&self, offer: String) -> Result<String, MediadError> {
        let leg = LegId::new(format!("desk-{:016x}", rand::random::<u64>())).map_err(|_| MediadError::Mistaken)?;
        let call = MediaCallId::new(self.user.as_str()).map_err(|_| MediadError::Mistaken)?;
        self.house.floor.attach(&self.user, Some(self.tab), leg.clone());
        let command = Command::OpenLeg {
            leg: leg.clone(),
            call,
            peer: Peer::Browser,
            offer,
            life_secs: limits::LIFE_SECS_MAX,
            reach: Reach::default(),
        };
        let answer = self.house.mediad.ask(command).sdp().await;
        match &answer {
            Ok(_) => self.house.floor.leg_opened(&leg, self.house.mediad.conversation()),
            Err(_) => drop(self.house.floor.leg_ended(&leg)),
        }
        answer
    }

    async fn presence(&self, presence: Presence, reason: Option<String>) -> Result<(), String> {
        let reason = reason.map(|text| text.chars().take(REASON_CHARS_MAX).collect::<String>());
        set_presence(&self.house, &self.user, presence, reason).await
    }

    async fn wish(&self, wish: Wish) -> Result<(), String> {
        let call = self.house.floor.call_of(&self.user).ok_or("you are not on a call")?;
        self.post(&call, |user, done| Post::Wish { user, wish, done }).await
    }

    async fn post(
        &self,
        call: &CallId,
        letter: impl FnOnce(UserId, oneshot::Sender<Result<(), String>>) -> Post,
    ) -> Result<(), String> {
        let (done, said) = oneshot::channel();
        let is_ours = self.house.floor.org(&self.user).is_some_and(|org| self.house.switchboard.is_of(call, &org));
        if !is_ours || !self.house.switchboard.post(call, letter(self.user.clone(), done)) {
            return Err("the caller has hung up".to_owned());
        }
        said.await.unwrap_or_else(|_| Err("the call is over".to_owned()))
    }
}

/// Ends the sound of agents who were locked out and have no tab that could notice it.
pub(super) async fn watch_locked_out(house: Arc<House>) {
    loop {
        tokio::time::sleep(Duration::from_millis(LOCKED_OUT_LOOK_MS)).await;
        match house.store.locked_out().await {
            Ok(users) => {
                for leg in users.iter().filter_map(|user| house.floor.leg(user)) {
                    house.mediad.tell(Command::CloseLeg { leg: leg.leg });
                }
            }
            Err(error) => tracing::error!("who is locked out cannot be read: {error}"),
        }
    }
}

/// Sets presence in the database and on the floor.
pub(super) async fn set_presence(
    house: &House,
    user: &UserId,
    presence: Presence,
    reason: Option<String>,
) -> Result<(), String> {
    let now = clock::now();
    if let Err(error) = house.store.set_presence(user, presence, reason.as_deref(), now).await {
        tracing::error!(agent.id = %user, "presence of {user} was not written: {error}");
        return Err("your presence could not be saved; please try again".to_owned());
    }
    house.floor.set_presence(user, presence, reason, now);
    Ok(())
}

/// An agent without a tab and without a call goes offline after a while, and their leg is closed.
pub(super) fn go_home_later(house: &Arc<House>, user: UserId) {
    let house = Arc::clone(house);
    // A desk that is dropped outside a runtime has nobody to send home.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let after = Duration::from_millis(house.rules.tab_gone_ms);
        tokio::time::sleep(after).await;
        let Some(leg) = house.floor.leave_if_gone(&user, after) else { return };
        if let Some(leg) = leg {
            house.mediad.tell(Command::CloseLeg { leg });
        }
        if let Err(error) = house.store.set_presence(&user, Presence::Offline, None, clock::now()).await {
            tracing::error!(agent.id = %user, "presence of {user} was not written: {error}");
        }
        tracing::info!(agent.id = %user, "agent {user} went offline: no tab is left");
    });
}

const LOCKED_OUT_LOOK_MS: u64 = 3_000;
const REASON_CHARS_MAX: usize = 100;
