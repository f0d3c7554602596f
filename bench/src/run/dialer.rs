//! Brings calls up and ends them: offers to the server, orders to the street, in the order in which things happen.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddrV4;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use protocol::{
    BridgeId, CallId, ClipName, Command, Event, Filler, FromMediad, LegDescription, LegId, Peer, Reach, RecordingId,
    Reply,
};

use crate::callers::mailbox::Mailbox;
use crate::callers::sdp::{self, Answer, Offer};
use crate::callers::spread::Spread;
use crate::callers::{Kind, News, Order};
use crate::scenario::{self, Scenario};
use crate::server::control::Control;

/// What the dialer waits for.
pub enum Happening {
    /// From the callers.
    Street(News),
    /// From the server; `None` when it has gone.
    Server(Option<FromMediad>),
}

impl Happening {
    /// What the callers said, if it was they.
    pub fn news(self) -> Option<News> {
        match self {
            Happening::Street(news) => Some(news),
            Happening::Server(_) => None,
        }
    }
}

/// Brings calls up.
pub struct Dialer<'a> {
    scenario: &'a Scenario,
    control: Control,
    orders: Mailbox<Order>,
    happenings: Mailbox<Happening>,
    /// The callers' addresses: relays first, then desks.
    addresses: &'a [SocketAddrV4],
    fingerprint: [u8; 32],
    legs: Vec<Leg>,
    by_name: HashMap<LegId, usize>,
    free: Vec<usize>,
    expected: HashMap<u64, Expect>,
    calls_up: usize,
    opened: u64,
    /// What has been found out.
    pub tally: Tally,
    /// Storm legs by when they are to be closed.
    to_close: VecDeque<(Instant, usize)>,
}

/// What the dialer has found out.
#[derive(Default)]
pub struct Tally {
    /// From `open_leg` to keys on both sides, in nanoseconds.
    pub setup: Spread,
    /// Legs set up.
    pub up: u64,
    /// Legs that could not be, and the first reasons.
    pub failed: u64,
    /// The first few reasons.
    pub reasons: Vec<String>,
    /// Events that should not have come: agents silent, legs ended by themselves.
    pub surprises: u64,
}

struct Leg {
    name: LegId,
    call: usize,
    kind: Kind,
    opened_at: Instant,
    has_keys: bool,
    is_connected: bool,
    in_storm: bool,
}

enum Expect {
    Opened(usize),
    Done,
    /// The last command of a call.
    CallDone,
    Described(Sender<Box<LegDescription>>),
}

impl<'a> Dialer<'a> {
    /// A dialer without calls.
    pub fn new(
        scenario: &'a Scenario,
        control: Control,
        orders: Mailbox<Order>,
        happenings: Mailbox<Happening>,
        addresses: &'a [SocketAddrV4],
        fingerprint: [u8; 32],
    ) -> Self {
        Self {
            scenario,
            control,
            orders,
            happenings,
            addresses,
            fingerprint,
            legs: Vec::new(),
            by_name: HashMap::new(),
            free: Vec::new(),
            expected: HashMap::new(),
            calls_up: 0,
            opened: 0,
            tally: Tally::default(),
            to_close: VecDeque::new(),
        }
    }

    /// Brings all calls of the scenario up, at its pace.
    ///
    /// # Errors
    /// One sentence if the server goes away, or calls do not come up.
    pub fn bring_up(&mut self) -> Result<(), String> {
        let per_call = self.scenario.legs() / self.scenario.calls.max(1);
        let began = Instant::now();
        let pace = Duration::from_secs_f64(per_call as f64 / f64::from(self.scenario.setup_per_s));
        for call in 0..self.scenario.calls {
            self.wait_until(began + pace * call as u32)?;
            self.open(call, Kind::Relay, false)?;
            if per_call == 2 {
                self.open(call, Kind::Browser, false)?;
            }
        }
        let until = Instant::now() + PATIENCE;
        while self.calls_up + (self.tally.failed as usize) < self.scenario.calls {
            if Instant::now() >= until {
                let (up, all) = (self.calls_up, self.scenario.calls);
                return Err(format!("only {up} of {all} calls came up: {}", self.tally.reasons.join("; ")));
            }
            self.wait_until(Instant::now() + Duration::from_millis(20))?;
        }
        Ok(())
    }

    /// Lets time pass, hearing what happens.
    ///
    /// # Errors
    /// If the server goes away.
    pub fn wait_until(&mut self, until: Instant) -> Result<(), String> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let happened = self.happenings.take_within(left);
            if happened.is_empty() && left.is_zero() {
                return Ok(());
            }
            for happening in happened {
                match happening {
                    Happening::Street(news) => self.hear_street(news)?,
                    Happening::Server(Some(message)) => self.hear_server(message)?,
                    Happening::Server(None) => return Err("mediad closed the conversation".to_owned()),
                }
            }
        }
    }

    /// Opens and closes legs beside the calls until then. Gives how many it opened.
    ///
    /// # Errors
    /// If the server goes away.
    pub fn storm_until(&mut self, until: Instant) -> Result<u64, String> {
        let (began, mut count) = (Instant::now(), 0u64);
        while Instant::now() < until {
            let due = began + Duration::from_secs_f64(count as f64 / f64::from(self.scenario.storm_per_s));
            if due >= until {
                self.wait_until(until)?;
                break;
            }
            self.wait_until(due)?;
            self.open(usize::MAX, Kind::Relay, true)?;
            count += 1;
            self.close_due(Instant::now())?;
        }
        Ok(count)
    }

    /// What the server says of the first leg.
    ///
    /// # Errors
    /// If the server goes away or does not answer.
    pub fn describe_first(&mut self) -> Result<Box<LegDescription>, String> {
        let leg = self.legs.first().map(|leg| leg.name.clone()).ok_or("there is no leg")?;
        let (give, take) = std::sync::mpsc::channel();
        self.ask(Command::Describe { leg }, Expect::Described(give))?;
        for _ in 0..100 {
            self.wait_until(Instant::now() + Duration::from_millis(20))?;
            if let Ok(described) = take.try_recv() {
                return Ok(described);
            }
        }
        Err("mediad does not describe the first leg".to_owned())
    }

    fn open(&mut self, call: usize, kind: Kind, in_storm: bool) -> Result<(), String> {
        let number = self.opened;
        self.opened += 1;
        let at = self.free.pop().unwrap_or(self.legs.len());
        let (relays, desks) = (self.scenario.relays, self.scenario.desks);
        let socket = match kind {
            Kind::Relay => (number as usize / 2) % relays,
            Kind::Browser => relays + (number as usize / 2) % desks,
        };
        let address = *self.addresses.get(socket).ok_or("too few addresses")?;
        let (ufrag, pwd) = (format!("bench{number}"), format!("password{number:020}"));
        let ssrc = 0x4000_0000 | (number as u32);
        let offer = Offer { at: address, ufrag: &ufrag, pwd: &pwd, fingerprint: &self.fingerprint, ssrc };
        let (offer, peer) = match kind {
            Kind::Relay => (sdp::of_relay(&offer), Peer::Meta),
            Kind::Browser => (sdp::of_browser(&offer), Peer::Browser),
        };
        let name = LegId::new(format!("leg-{number}")).map_err(|why| why.to_string())?;
        let opened_at = Instant::now();
        let leg = Leg { name: name.clone(), call, kind, opened_at, has_keys: false, is_connected: false, in_storm };
        self.by_name.insert(name.clone(), at);
        match self.legs.get_mut(at) {
            Some(room) => *room = leg,
            None => self.legs.push(leg),
        }
        self.orders.put(Order::Add { leg: at, kind, socket, ssrc, ufrag, pwd });
        let id = CallId::new(format!("call-{number}")).map_err(|why| why.to_string())?;
        self.ask(
            Command::OpenLeg { leg: name, call: id, peer, offer, life_secs: LIFE_S, reach: Reach::default() },
            Expect::Opened(at),
        )
    }

    fn ask(&mut self, command: Command, expect: Expect) -> Result<(), String> {
        let id = self.control.ask(command)?;
        self.expected.insert(id, expect);
        Ok(())
    }

    fn hear_street(&mut self, news: News) -> Result<(), String> {
        match news {
            News::Up { leg } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.has_keys = true;
                }
                self.look(leg)
            }
            News::Failed { leg: _, why } => {
                self.fail(why);
                Ok(())
            }
        }
    }

    fn hear_server(&mut self, message: FromMediad) -> Result<(), String> {
        match message {
            FromMediad::Ok { re, ok } => match (self.expected.remove(&re), ok) {
                (Some(Expect::Opened(leg)), Reply::LegOpened { answer }) => match Answer::read(&answer) {
                    Some(answer) => self.orders.put(Order::Answer { leg, answer }),
                    None => self.fail(format!("an answer without use: {answer:?}")),
                },
                (Some(Expect::CallDone), _) => self.calls_up += 1,
                (Some(Expect::Described(to)), Reply::Described(described)) => drop(to.send(described)),
                _ => {}
            },
            FromMediad::Err { re, err } => {
                self.expected.remove(&re);
                self.fail(err.why);
            }
            FromMediad::Event(numbered) => return self.hear_event(numbered.event),
            FromMediad::Bye { bye } => return Err(format!("mediad says goodbye: {bye}")),
            FromMediad::Welcome { .. } => {}
        }
        Ok(())
    }

    fn hear_event(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::LegConnected { leg } => {
                let Some(at) = self.by_name.get(&leg).copied() else { return Ok(()) };
                if let Some(leg) = self.legs.get_mut(at) {
                    leg.is_connected = true;
                }
                self.look(at)
            }
            Event::LegEnded { leg, why } => {
                if let Some(at) = self.by_name.remove(&leg) {
                    self.fail(format!("{leg} ended by itself: {why:?}"));
                    self.orders.put(Order::Forget(at));
                }
                Ok(())
            }
            Event::AgentSilent { .. } | Event::BridgeEnded { .. } => {
                self.tally.surprises += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// If a leg has come up, goes on with it; if its call has, connects it.
    fn look(&mut self, at: usize) -> Result<(), String> {
        let Some(leg) = self.legs.get(at).filter(|leg| leg.has_keys && leg.is_connected) else { return Ok(()) };
        let (call, in_storm, name) = (leg.call, leg.in_storm, leg.name.clone());
        let took = leg.opened_at.elapsed();
        self.tally.setup.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.tally.up += 1;
        if !in_storm || self.scenario.storm_gate {
            self.ask(Command::OpenGate { leg: name }, Expect::Done)?;
        }
        if in_storm {
            self.to_close.push_back((Instant::now() + Duration::from_millis(self.scenario.storm_hold_ms), at));
            return Ok(());
        }
        let is_up = |leg: &&Leg| leg.call == call && leg.has_keys && leg.is_connected && !leg.in_storm;
        // WHY: the legs of a call are opened one after the other, so they stand side by side.
        let near = at.saturating_sub(1)..(at + 2).min(self.legs.len());
        let of_call =
            |kind: Kind| near.clone().find(|n| self.legs.get(*n).filter(is_up).is_some_and(|leg| leg.kind == kind));
        match (self.scenario.kind, of_call(Kind::Relay), of_call(Kind::Browser)) {
            (scenario::Kind::Play, Some(caller), _) => self.play(caller),
            (scenario::Kind::Bridge | scenario::Kind::Storm, Some(caller), Some(agent)) => self.bridge(caller, agent),
            _ => Ok(()),
        }
    }

    fn play(&mut self, caller: usize) -> Result<(), String> {
        let Some(leg) = self.legs.get(caller).map(|leg| leg.name.clone()) else { return Ok(()) };
        let music = ClipName::new(&self.scenario.clip).map_err(|why| why.to_string())?;
        self.ask(Command::Fill { leg, with: Filler::Music(music) }, Expect::CallDone)?;
        if self.scenario.callers_talk {
            self.orders.put(Order::Talk(caller));
        }
        Ok(())
    }

    fn bridge(&mut self, caller: usize, agent: usize) -> Result<(), String> {
        let (Some(one), Some(other)) = (self.legs.get(caller), self.legs.get(agent)) else { return Ok(()) };
        let call = one.call;
        let (caller_name, agent_name) = (one.name.clone(), other.name.clone());
        let bridge = BridgeId::new(format!("bridge-{call}")).map_err(|why| why.to_string())?;
        let music = ClipName::new(&self.scenario.clip).map_err(|why| why.to_string())?;
        let expect = if self.scenario.record { Expect::Done } else { Expect::CallDone };
        self.ask(Command::Bridge { bridge, caller: caller_name.clone(), agent: agent_name, music }, expect)?;
        if self.scenario.record {
            let recording = RecordingId::new(format!("recording-{call}")).map_err(|why| why.to_string())?;
            self.ask(Command::Record { leg: caller_name, recording }, Expect::CallDone)?;
        }
        for order in [Order::Pair(caller, agent), Order::Talk(caller), Order::Talk(agent)] {
            self.orders.put(order);
        }
        Ok(())
    }

    fn close_due(&mut self, now: Instant) -> Result<(), String> {
        while let Some((_, at)) = self.to_close.pop_front_if(|(due, _)| *due <= now) {
            let Some(name) = self.legs.get(at).map(|leg| leg.name.clone()) else { continue };
            self.by_name.remove(&name);
            self.ask(Command::CloseLeg { leg: name }, Expect::Done)?;
            self.orders.put(Order::Forget(at));
            self.free.push(at);
        }
        Ok(())
    }

    fn fail(&mut self, why: String) {
        self.tally.failed += 1;
        if self.tally.reasons.len() < REASONS_MAX {
            self.tally.reasons.push(why);
        }
    }
}

const LIFE_S: u32 = 3_600;
const PATIENCE: Duration = Duration::from_secs(30);
const REASONS_MAX: usize = 5;
