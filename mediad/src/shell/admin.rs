//! `/livez`, `/readyz` and `/metrics` over the smallest HTTP that serves them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use crate::engine::Engine;

/// The admin port.
pub struct Admin {
    listener: TcpListener,
    visitors: BTreeMap<usize, Visitor>,
    next: usize,
    tokens: usize,
}

struct Visitor {
    stream: TcpStream,
    asked: Vec<u8>,
    answer: Option<(Vec<u8>, usize)>,
}

/// What only the shell counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShellCounts {
    /// Datagrams longer than a packet holds.
    pub too_long: u64,
    /// Datagrams the system refused to send.
    pub unsent: u64,
    /// Recorded slots that found the writer's queue full.
    pub slots_missed: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Turns that began more than 5 ms after their deadline.
    pub late_turns: u64,
}

impl Admin {
    /// Listens on `address`; visitors get tokens from `tokens` on, [`VISITORS_MAX`] of them.
    ///
    /// # Errors
    /// As `bind`.
    pub fn open(registry: &Registry, address: SocketAddr, listener: Token, tokens: usize) -> io::Result<Self> {
        let mut socket = TcpListener::bind(address)?;
        registry.register(&mut socket, listener, Interest::READABLE)?;
        Ok(Self { listener: socket, visitors: BTreeMap::new(), next: 0, tokens })
    }

    /// Takes in whoever knocks; over the limit the oldest has to go.
    pub fn accept(&mut self, registry: &Registry) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let at = self.next % VISITORS_MAX;
            self.next += 1;
            self.visitors.remove(&at);
            let interest = Interest::READABLE | Interest::WRITABLE;
            if registry.register(&mut stream, Token(self.tokens + at), interest).is_ok() {
                self.visitors.insert(at, Visitor { stream, asked: Vec::new(), answer: None });
            }
        }
    }

    /// A visitor can be read or written.
    pub fn serve(&mut self, token: Token, engine: &Engine, counts: ShellCounts) {
        let Some(at) = token.0.checked_sub(self.tokens) else { return };
        let Some(visitor) = self.visitors.get_mut(&at) else { return };
        if visitor.serve(engine, counts).is_none() {
            self.visitors.remove(&at);
        }
    }
}

impl Visitor {
    /// Nothing when the visit is over.
    fn serve(&mut self, engine: &Engine, counts: ShellCounts) -> Option<()> {
        while self.answer.is_none() {
            let mut chunk = [0; 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(read) => self.asked.extend_from_slice(&chunk[..read]),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Some(()),
                Err(_) => return None,
            }
            if self.asked.windows(4).any(|end| end == b"\r\n\r\n") {
                self.answer = Some((respond(&self.asked, engine, counts), 0));
            } else if self.asked.len() > REQUEST_BYTES_MAX {
                return None;
            }
        }
        let (bytes, from) = self.answer.as_mut()?;
        while *from < bytes.len() {
            match self.stream.write(&bytes[*from..]) {
                Ok(0) => return None,
                Ok(written) => *from += written,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Some(()),
                Err(_) => return None,
            }
        }
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        None
    }
}

fn respond(asked: &[u8], engine: &Engine, counts: ShellCounts) -> Vec<u8> {
    let line = asked.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = match (method, path) {
        (b"GET", b"/livez") => ("200 OK", "alive\n".to_owned()),
        (b"GET", b"/readyz") => ready(engine),
        (b"GET", b"/metrics") => ("200 OK", metrics(engine, counts)),
        (b"GET", _) => ("404 Not Found", "there are /livez, /readyz and /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "only GET\n".to_owned()),
    };
    let length = body.len();
    let head = "Content-Type: text/plain; version=0.0.4\r\nConnection: close\r\nCache-Control: no-store";
    format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn ready(engine: &Engine) -> (&'static str, String) {
    match engine.figures() {
        figures if figures.ports_free == 0 => ("503 Service Unavailable", "every port is taken\n".to_owned()),
        figures if figures.clients == 0 => ("503 Service Unavailable", "no controld is connected\n".to_owned()),
        _ => ("200 OK", "ready\n".to_owned()),
    }
}

fn metrics(engine: &Engine, counts: ShellCounts) -> String {
    let figures = engine.figures();
    let totals = figures.totals;
    let mut text = String::new();
    let mut put = |name: &str, kind: &str, help: &str, value: u64| {
        let _ = writeln!(text, "# HELP mediad_{name} {help}\n# TYPE mediad_{name} {kind}\nmediad_{name} {value}");
    };
    put("legs", "gauge", "Legs open.", figures.legs as u64);
    put("bridges", "gauge", "Bridges standing.", figures.bridges as u64);
    put("recordings", "gauge", "Recordings in the making.", figures.recordings as u64);
    put("clients", "gauge", "Control connections.", figures.clients as u64);
    put("ports_free", "gauge", "Legs that still fit towards the most crowded next hop.", u64::from(figures.ports_free));
    put("datagrams_in_total", "counter", "Datagrams taken in.", totals.datagrams_in);
    put("datagrams_out_total", "counter", "Datagrams handed out.", totals.datagrams_out);
    put("datagrams_unsent_total", "counter", "Datagrams the system refused.", counts.unsent);
    put("forwarded_total", "counter", "Voice packets forwarded from leg to leg.", totals.forwarded);
    put("mixed_total", "counter", "Frames of a mix handed to an ear.", totals.mixed);
    put("encoded_total", "counter", "Mixes encoded.", totals.encoded);
    put("concealed_total", "counter", "Frames of voices made up for lost packets, in mixes.", totals.concealed);
    put("played_total", "counter", "Frames of clips and music sent.", totals.played);
    put("filled_total", "counter", "Frames of comfort noise sent.", totals.filled);
    put("legs_opened_total", "counter", "Legs opened.", totals.legs_opened);
    put("legs_ended_total", "counter", "Legs ended.", totals.legs_ended);
    put("defects_total", "counter", "Legs ended by a defect of mediad.", totals.defects);
    put("relays_lost_total", "counter", "Times a TURN server was lost or refused.", totals.relays_lost);
    put("commands_total", "counter", "Commands carried out.", totals.commands);
    put("refusals_total", "counter", "Commands refused.", totals.refusals);
    put("digits_total", "counter", "Key presses heard.", totals.digits);
    put("slots_missed_total", "counter", "Recorded 20 ms slots lost to a slow disk.", counts.slots_missed);
    put("turns_total", "counter", "Turns of the loop.", counts.turns);
    put("late_turns_total", "counter", "Turns begun more than 5 ms late.", counts.late_turns);
    let _ = writeln!(text, "# HELP mediad_drops_total Datagrams dropped.\n# TYPE mediad_drops_total counter");
    let mut drops = engine.drops().named();
    if counts.too_long > 0 {
        drops.insert("too_long".to_owned(), counts.too_long);
    }
    for (reason, count) in drops {
        let _ = writeln!(text, "mediad_drops_total{{reason=\"{reason}\"}} {count}");
    }
    text
}

/// Visitors at once.
pub const VISITORS_MAX: usize = 16;
/// A request is a line and a few headers.
const REQUEST_BYTES_MAX: usize = 4096;
