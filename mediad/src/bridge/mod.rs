//! Who hears whom, and what is written down of it.

pub mod ear;
pub mod jitter;
pub mod lane;
pub mod mixer;
pub mod recorder;
pub mod speaker;

use std::time::{Duration, Instant};

use protocol::{BridgeId, LegId};

use crate::base::slots::Slot;
use ear::Backdrop;
use mixer::{Heard, Listening, Mixer};

/// A caller, the person at the desk, and whoever else hears them or is heard.
#[derive(Debug)]
pub struct Bridge {
    /// Its name.
    pub id: BridgeId,
    /// The caller's seat: recorded, and on music while it is on hold.
    pub caller: Slot,
    /// The names of the two it was made of.
    pub pair: (LegId, LegId),
    /// What the caller hears on hold, and who is alone.
    pub music: Backdrop,
    /// While someone hears more than one voice.
    pub mixer: Option<Box<Mixer>>,
    /// Mixes of earlier mixers.
    mixes_made: u32,
    members: Vec<Member>,
    state: State,
}

/// Someone in a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its seat.
    pub seat: Slot,
    /// Who hears it.
    pub role: Role,
    /// What it hears now.
    pub hears: Hears,
}

/// Who hears a member: [`protocol::Role`], with its seat at hand. Every member hears all parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// All.
    Party,
    /// Nobody.
    Listener,
    /// One member only.
    Whisperer {
        /// That one.
        to: Slot,
    },
}

/// What a member hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hears {
    /// Comfort noise.
    Quiet,
    /// The bridge's music.
    Music,
    /// One voice: its packets, untouched.
    One(Slot),
    /// Several voices, mixed.
    Mix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All hear each other. The silence of all but the caller is counted from `since` at the earliest.
    Talking { since: Instant },
    /// By command.
    Held,
    /// By itself: nothing came from any other party for [`AGENT_SILENT_AFTER`].
    Silent,
}

impl Bridge {
    /// A bridge whose two hear each other from `now` on.
    pub fn new(now: Instant, id: BridgeId, caller: (Slot, LegId), agent: (Slot, LegId), music: Backdrop) -> Self {
        let party = |seat| Member { seat, role: Role::Party, hears: Hears::Quiet };
        Self {
            id,
            caller: caller.0,
            pair: (caller.1, agent.1),
            music,
            mixer: None,
            mixes_made: 0,
            members: vec![party(caller.0), party(agent.0)],
            state: State::Talking { since: now },
        }
    }

    /// Whether its members hear each other.
    pub fn talks(&self) -> bool {
        matches!(self.state, State::Talking { .. })
    }

    /// On hold by command.
    pub fn on_hold(&self) -> bool {
        self.state == State::Held
    }

    /// On hold because the media of all but the caller stopped.
    pub fn agent_silent(&self) -> bool {
        self.state == State::Silent
    }

    /// The members in the order in which they came.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// A member by its seat.
    pub fn member(&self, seat: Slot) -> Option<&Member> {
        self.members.iter().find(|member| member.seat == seat)
    }

    /// How many parties there are.
    pub fn parties(&self) -> usize {
        self.members.iter().filter(|member| member.role == Role::Party).count()
    }

    /// Whether someone hears what this member says now.
    pub fn is_heard(&self, seat: Slot) -> bool {
        let voice = self.member(seat).filter(|_| self.talks());
        voice.is_some_and(|voice| self.members.iter().any(|ear| voice.reaches(ear)))
    }

    /// Takes someone in, or gives him another role.
    pub fn seat(&mut self, seat: Slot, role: Role) {
        match self.members.iter_mut().find(|member| member.seat == seat) {
            Some(member) => member.role = role,
            None => self.members.push(Member { seat, role, hears: Hears::Quiet }),
        }
    }

    /// Lets someone go.
    pub fn leave(&mut self, seat: Slot) {
        self.members.retain(|member| member.seat != seat);
    }

    /// What a member is to hear as things are: it may not do so yet.
    pub fn wants(&self, ear: &Member) -> Hears {
        if !self.talks() {
            return if ear.seat == self.caller { Hears::Music } else { Hears::Quiet };
        }
        let mut voices = self.members.iter().filter(|voice| voice.reaches(ear));
        match (voices.next(), voices.next()) {
            (None, _) if ear.role == Role::Party => Hears::Music,
            (None, _) => Hears::Quiet,
            (Some(one), None) => Hears::One(one.seat),
            (Some(_), Some(_)) => Hears::Mix,
        }
    }

    /// Notes what a member hears from now on.
    pub fn set_hears(&mut self, seat: Slot, hears: Hears) {
        if let Some(member) = self.members.iter_mut().find(|member| member.seat == seat) {
            member.hears = hears;
        }
    }

    /// Whom a mixer must listen to, and for whom: `None` if nobody hears more than one voice.
    pub fn mixing(&self) -> Option<(Vec<Heard>, Vec<Listening>)> {
        let mixed: Vec<&Member> = self.members.iter().filter(|ear| self.wants(ear) == Hears::Mix).collect();
        if mixed.is_empty() {
            return None;
        }
        let voices = self.members.iter().filter(|voice| mixed.iter().any(|ear| voice.reaches(ear)));
        let heard = voices.map(|voice| Heard {
            seat: voice.seat,
            only_by: match voice.role {
                Role::Whisperer { to } => Some(to),
                Role::Party | Role::Listener => None,
            },
        });
        let whispered = |ear: &Member| {
            let whisper = |voice: &&Member| matches!(voice.role, Role::Whisperer { .. }) && voice.reaches(ear);
            self.members.iter().any(|voice| whisper(&voice))
        };
        let ears = mixed.iter().map(|ear| Listening {
            seat: ear.seat,
            party: ear.role == Role::Party,
            whispered: whispered(ear),
        });
        Some((heard.collect(), ears.collect()))
    }

    /// The mixer; `number` names a new one. Also whether it is new.
    pub fn mixer(&mut self, now: Instant, number: u64) -> (&mut Mixer, bool) {
        let fresh = self.mixer.is_none();
        let mixes_made = self.mixes_made;
        (self.mixer.get_or_insert_with(|| Box::new(Mixer::new(now, number, mixes_made))), fresh)
    }

    /// Drops the mixer if nobody hears more than one voice.
    pub fn rest_mixer(&mut self) {
        if self.mixing().is_none()
            && let Some(mixer) = self.mixer.take()
        {
            self.mixes_made = mixer.mixes_made();
        }
    }

    /// Holds. True if they talked until now.
    pub fn hold(&mut self) -> bool {
        let talked = self.talks();
        self.state = State::Held;
        talked
    }

    /// Lets all hear each other. True if they did not until now.
    pub fn talk(&mut self, now: Instant) -> bool {
        let parted = !self.talks();
        if parted {
            self.state = State::Talking { since: now };
        }
        parted
    }

    /// Counts the silence of the others anew: someone has come or gone.
    pub fn rest_silence(&mut self, now: Instant) {
        if let State::Talking { since } = &mut self.state {
            *since = now;
        }
    }

    /// Those whose silence brings the caller music, if there is a caller to hear it.
    pub fn others(&self) -> impl Iterator<Item = Slot> {
        let with_caller = self.member(self.caller).is_some_and(|member| member.role == Role::Party);
        let others = self.members.iter().filter(move |m| with_caller && m.seat != self.caller && m.role == Role::Party);
        others.map(|member| member.seat)
    }

    /// When the others' silence will be too long, if one of them was last heard at `heard`.
    pub fn silent_at(&self, heard: Option<Instant>) -> Option<Instant> {
        match self.state {
            State::Talking { since } if self.others().next().is_some() => {
                Some(heard.map_or(since, |at| at.max(since)) + AGENT_SILENT_AFTER)
            }
            State::Talking { .. } | State::Held | State::Silent => None,
        }
    }

    /// Holds if the others have been silent too long. True if it does so now.
    pub fn notice_silence(&mut self, now: Instant, heard: Option<Instant>) -> bool {
        let silent = self.silent_at(heard).is_some_and(|at| at <= now);
        if silent {
            self.state = State::Silent;
        }
        silent
    }
}

impl Member {
    /// Whether this member is to be heard by `ear`.
    fn reaches(&self, ear: &Member) -> bool {
        self.seat != ear.seat
            && match self.role {
                Role::Party => true,
                Role::Listener => false,
                Role::Whisperer { to } => to == ear.seat,
            }
    }
}

/// Without an authenticated packet from any party but the caller for this long, the caller hears music (design D6).
pub const AGENT_SILENT_AFTER: Duration = Duration::from_secs(5);
