//! One step of a run: a server, its callers, a window, and the row that comes of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::dialer::{Dialer, Happening, Tally};
use super::machine::{Books, Noise};
use super::row::{Row, Seen};
use crate::bare::{Plan, Side};
use crate::callers::handshake::Handshakes;
use crate::callers::mailbox::Mailbox;
use crate::callers::sound::Ring;
use crate::callers::srtp::{Keys, Master};
use crate::callers::{Figures, Grounds, News, Order, Street, sys};
use crate::scenario::{Kind, Scenario};
use crate::server::control::Control;
use crate::server::cost::{Cost, Counters};
use crate::server::{Server, Setup, free_ports};

/// The real server: its row, and of a storm the row before it and the row in it.
///
/// # Errors
/// One sentence: what could not be started, or did not come up.
pub fn mediad(scenario: &Scenario, binary: &Path, audio_dir: &Path) -> Result<Vec<Row>, String> {
    let ports = (free_ports(scenario.ports).ok_or("no free range of udp ports")?, scenario.ports);
    let lines = Lines::open(scenario)?;
    place(scenario.server_core, scenario.first.then_some(LOOPS))?;
    let legs_max = scenario.legs() + (scenario.storm_per_s as usize) * 10 + 16;
    let server = Server::start(&Setup { binary, ports, audio_dir, legs_max })?;
    place(scenario.caller_core, scenario.first.then_some(HELPERS))?;
    let orders = Mailbox::default();
    let handshakes = Handshakes::start(orders.clone())?;
    let happenings = Mailbox::default();
    let (of_street, of_server) = (happenings.clone(), happenings.clone());
    let grounds = lines.grounds(scenario, ports, Some(handshakes.begin))?;
    let tell = move |news: &mut Vec<News>| {
        let mut happened = news.drain(..).map(Happening::Street).collect();
        of_street.try_put(&mut happened);
        news.extend(happened.into_iter().filter_map(Happening::news));
    };
    let street = Street::new(grounds, orders.clone(), Box::new(tell));
    let street = Walk::start(street, orders.clone(), scenario.first)?;
    let control = Control::open(&server.socket(), move |message| of_server.put(Happening::Server(message)))?;
    let mut dialer =
        Dialer::new(scenario, control, orders.clone(), happenings, &lines.addresses, handshakes.fingerprint);
    dialer.wait_until(Instant::now() + SETTLE)?;
    let empty = Cost::of(server.pid());
    dialer.bring_up().map_err(|why| format!("{why} ({})", server.log()))?;
    dialer.wait_until(Instant::now() + Duration::from_secs_f64(scenario.warm_s))?;
    let mut rows = Vec::new();
    let watched = Watched { pid: server.pid(), server: Some(&server), orders: &orders };
    let seen = watched.window(|| dialer.wait_until(Instant::now() + length(scenario)))?;
    let kb = Cost::of(server.pid()).memory_kb.saturating_sub(empty.memory_kb);
    let profile = dialer.describe_first().ok().and_then(|leg| leg.srtp_profile);
    let mut row = Row::of("mediad", scenario, &seen, Some(&dialer.tally));
    row.kb_per_call = (scenario.calls > 0).then(|| kb as f64 / scenario.calls as f64);
    row.srtp_profile.clone_from(&profile);
    row.recordings = scenario.record.then(|| recordings(&server.spool()));
    let quiet = row.server_cpu;
    rows.push(row);
    if scenario.kind == Kind::Storm {
        dialer.tally = Tally::default();
        let mut opened = 0;
        let seen = watched.window(|| {
            opened = dialer.storm_until(Instant::now() + length(scenario))?;
            Ok(())
        })?;
        let mut row = Row::of("mediad in the storm", scenario, &seen, Some(&dialer.tally));
        row.srtp_profile = profile;
        row.storm_legs = Some(opened);
        row.setup_cpu_ms = Some((row.server_cpu - quiet) * row.window_s * 1_000.0 / opened.max(1) as f64);
        rows.push(row);
    }
    drop(street);
    Ok(rows)
}

/// The same packets through the bare loop.
///
/// # Errors
/// One sentence.
pub fn bare(scenario: &Scenario, bench: &Path) -> Result<Row, String> {
    let ports = (free_ports(scenario.ports).ok_or("no free range of udp ports")?, scenario.ports);
    let lines = Lines::open(scenario)?;
    let (plan, legs) = plan(scenario, ports, &lines.addresses)?;
    place(scenario.server_core, scenario.first.then_some(LOOPS))?;
    let server = BareServer::start(bench, &plan)?;
    place(scenario.caller_core, scenario.first.then_some(HELPERS))?;
    let orders = Mailbox::default();
    let grounds = lines.grounds(scenario, ports, None)?;
    let street =
        Walk::start(Street::new(grounds, orders.clone(), Box::new(Vec::clear)), orders.clone(), scenario.first)?;
    for (leg, (socket, keys)) in legs.iter().enumerate() {
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, plan.legs[leg].port);
        orders.put(Order::Direct { leg, socket: *socket, to, ssrc: leg as u32 + 1, keys: *keys });
    }
    for (leg, side) in plan.legs.iter().enumerate() {
        if let Some(other) = side.heard_by.filter(|other| *other > leg) {
            orders.put(Order::Pair(leg, other));
        }
    }
    if scenario.kind != Kind::Play || scenario.callers_talk {
        (0..legs.len()).for_each(|leg| orders.put(Order::Talk(leg)));
    }
    std::thread::sleep(Duration::from_secs_f64(scenario.warm_s));
    let watched = Watched { pid: server.0.id(), server: None, orders: &orders };
    let seen = watched.window(|| {
        std::thread::sleep(length(scenario));
        Ok(())
    })?;
    drop(street);
    Ok(Row::of("bare loop", scenario, &seen, None))
}

/// The callers' addresses: relays first, then desks.
struct Lines {
    sockets: Vec<Arc<UdpSocket>>,
    addresses: Vec<SocketAddrV4>,
}

impl Lines {
    fn open(scenario: &Scenario) -> Result<Lines, String> {
        let desks = if scenario.kind == Kind::Play { 0 } else { scenario.desks };
        let relay = |n: usize| Ipv4Addr::new(127, 0, 1, n as u8 + 1);
        let desk = |n: usize| Ipv4Addr::new(127, 0, 2, n as u8 + 1);
        let ips: Vec<Ipv4Addr> = (0..scenario.relays).map(relay).chain((0..desks).map(desk)).collect();
        let bind = |port: u16| ips.iter().map(|ip| UdpSocket::bind((*ip, port))).collect::<Result<Vec<_>, _>>().ok();
        let mut rng = StdRng::seed_from_u64(u64::from(std::process::id()));
        let sockets = (0..100).find_map(|_| bind(rng.random_range(3_480..14_000))).ok_or("no free relay port")?;
        let mut lines = Lines { sockets: Vec::new(), addresses: Vec::new() };
        for (socket, ip) in sockets.into_iter().zip(ips) {
            sys::prepare(&socket, true).map_err(|why| format!("{ip}: {why}"))?;
            let port = socket.local_addr().map_err(|why| why.to_string())?.port();
            lines.addresses.push(SocketAddrV4::new(ip, port));
            lines.sockets.push(Arc::new(socket));
        }
        Ok(lines)
    }

    fn grounds(
        &self,
        scenario: &Scenario,
        ports: (u16, u16),
        handshakes: Option<tokio::sync::mpsc::UnboundedSender<crate::callers::handshake::Begin>>,
    ) -> Result<Grounds, String> {
        let ring = Ring::voice().map_err(|why| format!("the callers have no voice: {why}"))?;
        let (sockets, tick_us, seed) = (self.sockets.clone(), scenario.tick_us, scenario.seed);
        Ok(Grounds { sockets, ports, tick_us, ring, handshakes, seed })
    }
}

/// A street that walks on a thread of its own until it is dropped.
struct Walk {
    orders: Mailbox<Order>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Walk {
    fn start(street: Street, orders: Mailbox<Order>, first: bool) -> Result<Walk, String> {
        let walk = move || {
            if first && let Err(why) = sys::run_first(Some(LOOPS)) {
                eprintln!("bench: the callers cannot run first: {why}");
            }
            street.run();
        };
        let thread = std::thread::Builder::new().name("callers".to_owned()).spawn(walk);
        Ok(Walk { orders, thread: Some(thread.map_err(|why| why.to_string())?) })
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.orders.put(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct BareServer(Child);

impl BareServer {
    fn start(bench: &Path, plan: &Plan) -> Result<BareServer, String> {
        let child = Command::new(bench).arg("bare").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut server = BareServer(child.map_err(|why| format!("cannot start the bare loop: {why}"))?);
        let mut line = serde_json::to_vec(plan).map_err(|why| why.to_string())?;
        line.push(b'\n');
        let into = server.0.stdin.as_mut().ok_or("the bare loop has no input")?;
        into.write_all(&line).map_err(|why| format!("the bare loop takes no plan: {why}"))?;
        let out = server.0.stdout.take().ok_or("the bare loop has no output")?;
        let mut said = String::new();
        let _ = BufReader::new(out).read_line(&mut said);
        if said.trim() != "ready" { Err("the bare loop did not start".to_owned()) } else { Ok(server) }
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A window over a server and its callers.
struct Watched<'a> {
    pid: u32,
    server: Option<&'a Server>,
    orders: &'a Mailbox<Order>,
}

impl Watched<'_> {
    fn window(&self, act: impl FnOnce() -> Result<(), String>) -> Result<Seen, String> {
        let counters = || self.server.and_then(|server| server.counters().ok()).unwrap_or_default();
        let before = (Cost::of(self.pid), counters(), Books::now(), sys::process_cpu_ns());
        self.orders.put(Order::Open);
        let began = Instant::now();
        act()?;
        let (give, take) = channel();
        self.orders.put(Order::Close(give));
        let cost = Cost::of(self.pid).since(before.0);
        let window_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let own_ns = sys::process_cpu_ns().saturating_sub(before.3);
        let noise = Books::now().noise_since(before.2, cost.cpu_ns + own_ns, window_ns);
        let counters = grown(&counters(), &before.1);
        let figures: Figures = take.recv_timeout(PATIENCE).map_err(|_| "the callers do not report".to_owned())?;
        Ok(Seen { figures, cost, window_ns, own_ns, counters, noise: Noise { ..noise } })
    }
}

fn grown(after: &Counters, before: &Counters) -> std::collections::BTreeMap<String, f64> {
    after.all_grown(before, "")
}

/// The bare loop's plan, and for each leg the callers' socket and keys.
fn plan(
    scenario: &Scenario,
    ports: (u16, u16),
    addresses: &[SocketAddrV4],
) -> Result<(Plan, Vec<(usize, Keys)>), String> {
    let mut rng = StdRng::seed_from_u64(scenario.seed);
    let mut taken = std::collections::HashSet::new();
    let (mut sides, mut legs) = (Vec::new(), Vec::new());
    let two = scenario.kind != Kind::Play;
    for number in 0..scenario.legs() {
        let socket = match (two, number % 2) {
            (true, 1) => scenario.relays + (number / 2) % scenario.desks,
            _ => (number / 2) % scenario.relays,
        };
        let free = |n: &u16| !taken.contains(&(socket, (number as u16).wrapping_add(*n) % ports.1));
        let port = (0..ports.1).find(free).ok_or("too few ports")?;
        let port = (number as u16).wrapping_add(port) % ports.1;
        taken.insert((socket, port));
        let mut master = || Master { key: rng.random(), salt: rng.random() };
        let keys = Keys { ours: master(), theirs: master() };
        let heard_by = two.then_some(number ^ 1);
        let (caller, ssrc) = (*addresses.get(socket).ok_or("too few addresses")?, 0x2000_0000 | number as u32);
        sides.push(Side { port: ports.0 + port, caller, ssrc, theirs: keys.ours, ours: keys.theirs, heard_by });
        legs.push((socket, keys));
    }
    Ok((Plan { ports, turn_us: scenario.bare_turn_us, legs: sides }, legs))
}

/// How many recordings a spool holds, and their kilobytes.
fn recordings(spool: &Path) -> [u64; 2] {
    let files = std::fs::read_dir(spool).into_iter().flatten().flatten();
    let sizes: Vec<u64> = files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).collect();
    let held = sizes.iter().filter(|size| **size > RECORDING_BYTES_MIN).count();
    [held as u64, sizes.iter().sum::<u64>() / 1_024]
}

/// Where this thread, and what it starts from now on, runs.
fn place(core: Option<usize>, rank: Option<i32>) -> Result<(), String> {
    if let Some(core) = core {
        sys::pin_to(core).map_err(|why| format!("cannot use core {core}: {why}"))?;
    }
    sys::run_first(rank).map_err(|why| format!("cannot run first ({why}); say `first = false`"))
}

fn length(scenario: &Scenario) -> Duration {
    Duration::from_secs_f64(scenario.measure_s)
}

/// The rank of the server and of the callers' loop: before everything ordinary, behind the kernel's own threads.
const LOOPS: i32 = 5;
/// The rank of what works for the callers' loop: handshakes, the conversation.
const HELPERS: i32 = 4;
/// A recording that has sound in it, beyond its headers.
const RECORDING_BYTES_MIN: u64 = 1_024;
const SETTLE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);
