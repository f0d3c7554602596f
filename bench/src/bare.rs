//! The physical limit: receive, open, seal, send. The same packets over the same sockets, and no call logic at all.

use std::io::{BufRead as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;

use serde::{Deserialize, Serialize};

use crate::callers::srtp::{Cipher, HEADER_BYTES, Master, TAG_BYTES};
use crate::callers::sys::{self, Inbox, OUT_BYTES_MAX, Outbox, Watch};

/// What the loop is to do. It comes on standard input as one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// First port and how many.
    pub ports: (u16, u16),
    /// Microseconds between two looks at the sockets; 0: whenever something comes.
    pub turn_us: u32,
    /// Its legs.
    pub legs: Vec<Side>,
}

/// One leg.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Side {
    /// The port it lives on.
    pub port: u16,
    /// The caller's address.
    pub caller: SocketAddrV4,
    /// The source it is sent with.
    pub ssrc: u32,
    /// What the caller seals with.
    pub theirs: Master,
    /// What it is sealed with.
    pub ours: Master,
    /// The leg that hears it; none: this leg is played to.
    pub heard_by: Option<usize>,
}

struct Leg {
    port: usize,
    caller: SocketAddrV4,
    ssrc: u32,
    theirs: Cipher,
    ours: Cipher,
    heard_by: Option<usize>,
    first_index: Option<u64>,
    sent: u64,
}

/// Reads the plan, says `ready`, and forwards until standard input ends.
///
/// # Errors
/// One sentence.
pub fn run() -> Result<(), String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|why| why.to_string())?;
    let plan: Plan = serde_json::from_str(&line).map_err(|why| format!("the plan is none: {why}"))?;
    let sockets = open_sockets(&plan)?;
    let legs = plan.legs.iter().map(Leg::of).collect::<Option<Vec<Leg>>>().ok_or("a key is of no use")?;
    let mut bare = Bare::new(plan, sockets, legs);
    let watch = Watch::over(&bare.sockets).map_err(|why| format!("cannot watch: {why}"))?;
    // Whoever holds the other end of standard input lets go of it when it is time to end.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(0);
    });
    println!("ready");
    let _ = std::io::stdout().flush();
    match bare.legs.iter().any(|leg| leg.heard_by.is_none()) {
        true => bare.play(watch),
        false => bare.forward(watch),
    }
}

fn open_sockets(plan: &Plan) -> Result<Vec<UdpSocket>, String> {
    let (first, count) = plan.ports;
    let open = |port: u16| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).map_err(|why| format!("port {port}: {why}"))?;
        sys::prepare(&socket, false).map_err(|why| format!("port {port}: {why}"))?;
        Ok(socket)
    };
    (first..first + count).map(open).collect()
}

impl Leg {
    fn of(side: &Side) -> Option<Leg> {
        Some(Leg {
            port: 0,
            caller: side.caller,
            ssrc: side.ssrc,
            theirs: Cipher::new(&side.theirs)?,
            ours: Cipher::new(&side.ours)?,
            heard_by: side.heard_by,
            first_index: None,
            sent: 0,
        })
    }
}

struct Bare {
    plan: Plan,
    sockets: Vec<UdpSocket>,
    legs: Vec<Leg>,
    /// By port: callers' addresses and their legs.
    routes: Vec<Vec<(SocketAddrV4, usize)>>,
    inbox: Inbox,
    outbox: Outbox,
    /// What a turn wants to leave: port, to whom, from where to where in `bytes`.
    marks: Vec<(usize, SocketAddrV4, usize, usize)>,
    bytes: Vec<u8>,
}

impl Bare {
    fn new(plan: Plan, sockets: Vec<UdpSocket>, mut legs: Vec<Leg>) -> Self {
        let mut routes = vec![Vec::new(); sockets.len()];
        for (at, (leg, side)) in legs.iter_mut().zip(&plan.legs).enumerate() {
            leg.port = usize::from(side.port - plan.ports.0);
            routes[leg.port].push((side.caller, at));
        }
        let (inbox, outbox, marks, bytes) = (Inbox::new(), Outbox::new(), Vec::new(), Vec::new());
        Bare { plan, sockets, legs, routes, inbox, outbox, marks, bytes }
    }

    /// One turn: a batch from each socket that has something, then what came of it, socket by socket.
    fn forward(&mut self, mut watch: Watch) -> Result<(), String> {
        let mut ready = Vec::new();
        let mut next = sys::steady_ns();
        loop {
            if self.plan.turn_us > 0 {
                next = (next + u64::from(self.plan.turn_us) * 1_000).max(sys::steady_ns());
                sys::sleep_until(next);
            }
            ready.clear();
            ready.extend(watch.ready(WAIT_MS));
            self.take_in(&ready);
            self.flush();
        }
    }

    fn take_in(&mut self, ready: &[usize]) {
        let mut inbox = std::mem::take(&mut self.inbox);
        for at in ready {
            let Some(fd) = self.sockets.get(*at).map(AsRawFd::as_raw_fd) else { continue };
            let _ = inbox.read(fd, |arrival| self.pass(*at, arrival.from, arrival.bytes));
        }
        self.inbox = inbox;
    }

    fn pass(&mut self, port: usize, from: SocketAddrV4, packet: &mut [u8]) {
        let Some(leg) = self.routes[port].iter().find(|(caller, _)| *caller == from).map(|(_, leg)| *leg) else {
            return;
        };
        let Some(head) = packet.first_chunk::<HEADER_BYTES>().copied() else { return };
        let seq = u16::from_be_bytes([head[2], head[3]]);
        let speaker = &mut self.legs[leg];
        let index = index_of(speaker, seq);
        let ssrc = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
        let Some(len) = speaker.theirs.open(packet, ssrc, index) else { return };
        let Some(hearer) = speaker.heard_by else { return };
        let hearer = &self.legs[hearer];
        packet[8..12].copy_from_slice(&hearer.ssrc.to_be_bytes());
        let sealed = hearer.ours.seal(packet, len, hearer.ssrc, index);
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&packet[..sealed]);
        self.marks.push((hearer.port, hearer.caller, from, self.bytes.len()));
    }

    fn flush(&mut self) {
        self.marks.sort_by_key(|(port, ..)| *port);
        for group in self.marks.chunk_by(|a, b| a.0 == b.0) {
            let Some(fd) = group.first().and_then(|mark| self.sockets.get(mark.0)).map(AsRawFd::as_raw_fd) else {
                continue;
            };
            for (_, to, from, until) in group {
                let packet = &self.bytes[*from..*until];
                self.outbox.add(*to, |room| copy(packet, room));
                if self.outbox.is_full() {
                    self.outbox.flush(fd);
                }
            }
            self.outbox.flush(fd);
        }
        self.marks.clear();
        self.bytes.clear();
    }

    /// Sends each leg its packet each 20 ms, the legs spread over them, and opens what comes in between.
    fn play(&mut self, mut watch: Watch) -> Result<(), String> {
        let (began, mut tick) = (sys::steady_ns(), 0u64);
        let payload: Vec<u8> = (0..PLAYED_BYTES).map(|n| n as u8).collect();
        sys::want_exact_timers();
        let mut ready = Vec::new();
        loop {
            sys::sleep_until(began + tick * TICK_NS);
            while began + tick * TICK_NS <= sys::steady_ns() {
                let phase = (tick % TICKS) as usize;
                for leg in (phase..self.legs.len()).step_by(TICKS as usize) {
                    self.say(leg, &payload);
                }
                tick += 1;
            }
            ready.clear();
            ready.extend(watch.ready(0));
            self.take_in(&ready);
            self.flush();
        }
    }

    fn say(&mut self, leg: usize, payload: &[u8]) {
        let leg = &mut self.legs[leg];
        let mut room = [0; OUT_BYTES_MAX];
        let len = HEADER_BYTES + payload.len();
        let index = leg.sent;
        leg.sent += 1;
        (room[0], room[1]) = (0x80, 111);
        room[2..4].copy_from_slice(&(index as u16).to_be_bytes());
        room[4..8].copy_from_slice(&(index as u32).wrapping_mul(960).to_be_bytes());
        room[8..12].copy_from_slice(&leg.ssrc.to_be_bytes());
        room[HEADER_BYTES..len].copy_from_slice(payload);
        let sealed = leg.ours.seal(&mut room, len, leg.ssrc, index);
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&room[..sealed]);
        self.marks.push((leg.port, leg.caller, from, self.bytes.len()));
    }
}

/// The 48-bit index of a sequence number: nothing is lost or late here, so the nearest one ahead.
fn index_of(leg: &mut Leg, seq: u16) -> u64 {
    let newest = *leg.first_index.get_or_insert(u64::from(seq));
    let ahead = i64::from(seq.wrapping_sub(newest as u16) as i16);
    let index = newest.saturating_add_signed(ahead);
    leg.first_index = Some(index.max(newest));
    index
}

fn copy(packet: &[u8], room: &mut [u8; OUT_BYTES_MAX]) -> usize {
    let len = packet.len().min(OUT_BYTES_MAX);
    room[..len].copy_from_slice(&packet[..len]);
    len
}

const WAIT_MS: i32 = 1_000;
/// Ticks in 20 ms.
const TICKS: u64 = 20;
const TICK_NS: u64 = 1_000_000;
/// 20 ms of hold music at 24 kbit/s.
const PLAYED_BYTES: usize = 60;
const _: () = assert!(HEADER_BYTES + PLAYED_BYTES + TAG_BYTES <= OUT_BYTES_MAX);
