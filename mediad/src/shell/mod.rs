//! The only floor that touches the world: sockets, files, threads, the clock. One loop moves it all.

pub mod admin;
pub mod clips;
pub mod clock;
pub mod config;
pub mod control;
pub mod links;
pub mod names;
pub mod spool;
pub mod sys;
pub mod udp;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audio::comfort::ComfortNoise;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use rand::RngExt;

use crate::engine::port::{Input, Link, Output};
use crate::engine::{Drain, Engine, Ground};
use crate::leg::dtls::Certificate;
use admin::{Admin, ShellCounts};
use clips::Shelf;
use config::{Config, Ipv6};
use control::{Control, Said};
use links::Links;
use names::Names;
use spool::{Spool, Told};
use sys::{Alarm, Signals};
use udp::{Outgoing, Ports};

/// The loop and all it holds.
pub struct Shell {
    poll: Poll,
    engine: Engine,
    ports: Ports,
    control: Control,
    links: Links,
    names: Names,
    admin: Option<Admin>,
    shelf: Shelf,
    spool: Spool,
    alarm: Alarm,
    armed: Option<Instant>,
    _signals: Signals,
    counts: ShellCounts,
    stopping: bool,
}

/// Why mediad cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port of the range.
    #[error(transparent)]
    Port(#[from] udp::PortError),
    /// The control socket.
    #[error(transparent)]
    Socket(#[from] control::SocketError),
    /// The admin port.
    #[error("cannot listen on media.admin_listen: {0}")]
    Admin(io::Error),
    /// The file of trusted certificates.
    #[error("cannot use media.turn_ca: {0}")]
    TurnCa(io::Error),
    /// The recordings' folder.
    #[error("cannot use media.spool_dir: {0}")]
    Spool(io::Error),
    /// No certificate.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] crate::leg::dtls::NoCertificate),
    /// No comfort noise.
    #[error("cannot make comfort noise: {0}")]
    Comfort(#[from] audio::opus::OpusError),
    /// Anything else the system refuses.
    #[error("the system refuses: {0}")]
    Io(#[from] io::Error),
}

impl Shell {
    /// Opens everything.
    ///
    /// # Errors
    /// One sentence that says what cannot be had.
    pub fn open(config: &Config) -> Result<Self, StartError> {
        sys::keep_files_private();
        let signals = Signals::new()?;
        let alarm = Alarm::new()?;
        let poll = Poll::new()?;
        let registry = poll.registry();
        registry.register(&mut SourceFd(&signals.as_raw_fd()), SIGNALS, Interest::READABLE)?;
        registry.register(&mut SourceFd(&alarm.as_raw_fd()), ALARM, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(registry, WAKER)?);
        let control = Control::open(registry, config.socket.clone(), CONTROL, CLIENTS_FROM)?;
        let (first, last) = config.ports;
        let locals = locals(config.media_ip, config.media_ip6);
        let ports = Ports::open(registry, first..=last, &bind(config, &locals), PORTS_FROM)?;
        let admin = match config.admin_listen {
            Some(address) => Some(Admin::open(registry, address, ADMIN, VISITORS_FROM).map_err(StartError::Admin)?),
            None => None,
        };
        let shelf = Shelf::open(config.audio_dir.clone(), Arc::clone(&waker))?;
        shelf.read_ahead(config.hold_music.clone());
        let spool = Spool::open(config.spool_dir.clone(), Arc::clone(&waker)).map_err(StartError::Spool)?;
        let links = Links::new(LINKS_FROM, config.turn_ca.as_deref()).map_err(StartError::TurnCa)?;
        let (names, servers) = Names::open(config.ice_servers.clone(), config.relay_only, waker)?;
        let mut rng = rand::rng();
        let ground = Ground {
            ports: first..=last,
            locals,
            public: config.public_ip,
            servers,
            legs_max: config.legs_max,
            orphan_after: Duration::from_secs(config.orphan_after_secs),
            e_model: config.e_model,
            certificate: Certificate::generate()?,
            comfort: ComfortNoise::seeded(COMFORT_SEED)?,
            epoch: format!("{:016x}", rng.random::<u64>()),
            seed: rng.random(),
        };
        let engine = Engine::new(clock::now(), ground);
        let (armed, counts, stopping) = (None, ShellCounts::default(), false);
        Ok(Self {
            poll,
            engine,
            ports,
            control,
            links,
            names,
            admin,
            shelf,
            spool,
            alarm,
            armed,
            _signals: signals,
            counts,
            stopping,
        })
    }

    /// Runs until a signal ends it. Recordings are closed before it returns.
    ///
    /// # Errors
    /// If the system's poll fails.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_A_TURN);
        while !self.stopping {
            let busy = self.ports.has_unread() || self.links.has_unread() || self.engine.has_work();
            let timeout = if busy { Some(Duration::ZERO) } else { self.arm() };
            match self.poll.poll(&mut events, timeout) {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                done => done?,
            }
            self.turn(&events);
        }
        self.step(Input::Stop);
        self.write_links();
        self.ports.flush();
        self.control.remove();
        self.spool.close(SPOOL_PATIENCE);
        Ok(())
    }

    /// Arms the timer to the engine's next deadline; a zero to poll with if it has passed.
    fn arm(&mut self) -> Option<Duration> {
        let due = self.engine.due()?;
        let now = clock::now();
        if due <= now {
            return Some(Duration::ZERO);
        }
        if self.armed != Some(due) {
            self.alarm.arm(due - now);
            self.armed = Some(due);
        }
        None
    }

    fn turn(&mut self, events: &Events) {
        self.counts.turns += 1;
        for event in events {
            self.notice(event.token(), event.is_readable() || event.is_read_closed(), event.is_writable());
        }
        self.read_ports();
        self.read_links();
        let now = clock::now();
        if self.engine.due().is_some_and(|due| now.saturating_duration_since(due) > LATE) {
            self.counts.late_turns += 1;
        }
        self.step(Input::Turn);
        if self.spool.has_noticed() {
            self.take_told();
        }
        self.write_links();
        self.counts.unsent += self.ports.flush() as u64;
    }

    fn notice(&mut self, token: Token, readable: bool, writable: bool) {
        match token {
            SIGNALS => self.stopping = true,
            ALARM => {
                self.alarm.clear();
                self.armed = None;
            }
            WAKER => self.take_answers(),
            CONTROL => self.control.accept(self.poll.registry()),
            ADMIN => {
                if let Some(admin) = self.admin.as_mut() {
                    admin.accept(self.poll.registry());
                }
            }
            Token(at) if (VISITORS_FROM..VISITORS_FROM + admin::VISITORS_MAX).contains(&at) => {
                if let Some(admin) = self.admin.as_mut() {
                    admin.serve(token, &self.engine, self.counts);
                }
            }
            Token(at) if (LINKS_FROM..LINKS_FROM + links::LINKS_MAX).contains(&at) => self.links.mark(token),
            Token(at) if (PORTS_FROM..LINKS_FROM).contains(&at) => self.ports.mark(at - PORTS_FROM),
            _ => self.notice_client(token, readable, writable),
        }
    }

    fn notice_client(&mut self, token: Token, readable: bool, writable: bool) {
        let Some(client) = self.control.client(token) else { return };
        if writable && let Some(gone) = self.control.write(client) {
            self.said(gone);
        }
        if readable {
            self.control.mark_readable(client);
            self.hear(client);
        }
    }

    fn hear(&mut self, client: crate::engine::port::Client) {
        while let Some(said) = self.control.hear(client) {
            self.said(said);
        }
    }

    fn said(&mut self, said: Said) {
        match said {
            Said::Hello(client, hello) => self.step(Input::Hello { client, hello }),
            Said::Command(client, request) => {
                let (clip, then) = Default::default();
                self.step(Input::Command { client, request, clip, then });
            }
            Said::Wants(client, wanted) => self.shelf.ask(client, wanted),
            Said::Gone(client) => self.step(Input::Gone { client }),
        }
    }

    /// What the threads have to say.
    fn take_answers(&mut self) {
        while let Some(fetched) = self.shelf.answer() {
            let client = fetched.client;
            if let Some(request) = self.control.resume(client) {
                self.step(Input::Command { client, request, clip: fetched.clip, then: fetched.then });
                self.hear(client);
            }
        }
        while let Some(servers) = self.names.found() {
            self.step(Input::Servers(servers));
        }
        self.take_told();
    }

    /// What became of recordings.
    fn take_told(&mut self) {
        while let Some(told) = self.spool.told() {
            self.step(match told {
                Told::Stuck { recording, why } => Input::Stuck { recording, why },
                Told::GoesOn { recording, lost_ms } => Input::GoesOn { recording, lost_ms },
                Told::Written(spool::Written { recording, why, duration_ms, bytes }) => {
                    Input::Written { recording, why, duration_ms, bytes }
                }
            });
        }
    }

    fn read_ports(&mut self) {
        let (now, wall_ms) = (clock::now(), clock::wall_ms());
        let (engine, counts) = (&mut self.engine, &mut self.counts);
        let mut outputs = Vec::new();
        self.ports.read(|path, packet, cut, outgoing: &mut Outgoing| {
            if cut {
                counts.too_long += 1;
                return;
            }
            let mut drain = engine.step(now, wall_ms, Input::Datagram { path, packet });
            outgoing.add(drain.datagrams());
            while let Some(output) = drain.next_output() {
                outputs.push(output);
            }
        });
        self.carry_out(outputs);
    }

    /// What came from TURN servers by streams goes the way of datagrams.
    fn read_links(&mut self) {
        if !self.links.has_unread() {
            return;
        }
        let (now, wall_ms) = (clock::now(), clock::wall_ms());
        let (engine, ports) = (&mut self.engine, &mut self.ports);
        let mut outputs = Vec::new();
        let broke = self.links.read(|path, packet| {
            let drain = engine.step(now, wall_ms, Input::Datagram { path, packet });
            outputs.extend(empty(drain, ports.outgoing()));
        });
        self.carry_out(outputs);
        self.tell_broken(broke);
    }

    /// What goes to TURN servers by streams does not go by datagrams.
    fn write_links(&mut self) {
        if self.links.is_empty() {
            return;
        }
        let links = &mut self.links;
        self.ports.outgoing().divert(|path, bytes| links.send(path, bytes));
        let broke = self.links.flush();
        self.tell_broken(broke);
    }

    fn tell_broken(&mut self, broke: Vec<crate::base::outbox::Path>) {
        for path in broke {
            self.step(Input::LinkDown { path });
        }
    }

    fn link(&mut self, link: Link) {
        match link {
            Link::Open { local, server, name } => {
                let path = crate::base::outbox::Path { local, remote: server };
                if !self.links.open(self.poll.registry(), path, name.as_deref()) {
                    self.tell_broken(vec![path]);
                }
            }
            Link::Close { port, server } => {
                let links = &mut self.links;
                if !links.is_empty() {
                    self.ports.outgoing().divert(|path, bytes| links.send(path, bytes));
                    links.close(port, server);
                }
            }
        }
    }

    fn step(&mut self, input: Input<'_>) {
        let drain = self.engine.step(clock::now(), clock::wall_ms(), input);
        let outputs = empty(drain, self.ports.outgoing());
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Answer { client, message } => {
                    if let Some(gone) = self.control.answer(client, &message) {
                        self.said(gone);
                    }
                }
                Output::Tell(event) => {
                    for gone in self.control.tell(event) {
                        self.said(gone);
                    }
                }
                Output::Link(link) => self.link(link),
                Output::Spool { recording, piece } => self.counts.slots_missed += self.spool.put(recording, piece),
            }
        }
    }
}

fn empty(mut drain: Drain<'_>, outgoing: &mut Outgoing) -> Vec<Output> {
    outgoing.add(drain.datagrams());
    std::iter::from_fn(|| drain.next_output()).collect()
}

/// The addresses we were told, or all of the machine's, IPv4 first; IPv4's loopback only if there is no other.
fn locals(media_ip: Option<IpAddr>, media_ip6: Ipv6) -> Vec<IpAddr> {
    let own = sys::own_addresses();
    let outside = |is_ipv6: bool| own.iter().copied().filter(move |ip| ip.is_ipv6() == is_ipv6 && !ip.is_loopback());
    let mut all: Vec<IpAddr> = match media_ip {
        Some(ip) => vec![ip],
        None => outside(false).take(LOCALS_MAX).collect(),
    };
    match media_ip6 {
        Ipv6::Off => {}
        Ipv6::One(ip) => all.push(ip.into()),
        Ipv6::Any => all.extend(outside(true).take(LOCALS6_MAX)),
    }
    if all.is_empty() { vec![Ipv4Addr::LOCALHOST.into()] } else { all }
}

/// What the sockets are bound to: the one address of a family, or any.
fn bind(config: &Config, locals: &[IpAddr]) -> Vec<IpAddr> {
    let four = config.media_ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let six = match config.media_ip6 {
        Ipv6::One(ip) => ip,
        Ipv6::Off | Ipv6::Any => Ipv6Addr::UNSPECIFIED,
    };
    let six = locals.iter().any(IpAddr::is_ipv6).then_some(six.into());
    [Some(four), six].into_iter().flatten().collect()
}

const SIGNALS: Token = Token(0);
const ALARM: Token = Token(1);
const WAKER: Token = Token(2);
const CONTROL: Token = Token(3);
const ADMIN: Token = Token(4);
const VISITORS_FROM: usize = 16;
const PORTS_FROM: usize = 64;
/// Two families of every port.
const LINKS_FROM: usize = PORTS_FROM + 2 * 65_536;
const CLIENTS_FROM: usize = LINKS_FROM + links::LINKS_MAX;
const EVENTS_A_TURN: usize = 1024;
/// Our own addresses offered, of each family: more are more checks, and seldom another way.
const LOCALS_MAX: usize = 4;
/// See [`LOCALS_MAX`].
const LOCALS6_MAX: usize = 2;
/// A turn this late is counted.
const LATE: Duration = Duration::from_millis(5);
/// How long the disk may take to close the recordings at the end.
const SPOOL_PATIENCE: Duration = Duration::from_secs(5);
/// Comfort noise is the same at every start: nothing depends on its being secret.
const COMFORT_SEED: u64 = 0x5057;

const _: () = assert!(VISITORS_FROM + admin::VISITORS_MAX <= PORTS_FROM);
