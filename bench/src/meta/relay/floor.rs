//! The relay's thread: two sockets, every circuit, one clock.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use str0m::config::DtlsCert;
use str0m::ice::StunMessage;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::UnboundedReceiver;

use super::circuit::{Circuit, Datagram, Far, Side};
use super::outlet::Outlet;
use super::peer::{Making, Peer};
use super::source::Frames;
use super::stun::{self, Request};
use super::tally::{Counts, Ticket};
use super::{Attached, Certificates, Command, Open, Phone, scripted};
use crate::meta::answer::Remote;
use crate::meta::exchange::lock;
use crate::meta::sdp::{self, Description, Ice};

/// Runs until the last command sender is gone.
pub(super) fn run(
    meta: std::net::UdpSocket,
    phones: std::net::UdpSocket,
    certificates: Certificates,
    mut inbox: UnboundedReceiver<Command>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "the relay cannot start"),
    };
    runtime.block_on(async {
        let (meta, phones) = match (UdpSocket::from_std(meta), UdpSocket::from_std(phones)) {
            (Ok(meta), Ok(phones)) => (meta, phones),
            (Err(error), _) | (_, Err(error)) => return tracing::error!(%error, "the relay cannot start"),
        };
        let mut floor = match Floor::new(meta, phones, certificates) {
            Ok(floor) => floor,
            Err(error) => return tracing::error!(%error, "the relay cannot start"),
        };
        while floor.turn(&mut inbox).await {}
    });
}

struct Floor {
    sockets: [(UdpSocket, SocketAddr); 2],
    certificates: Certificates,
    circuits: HashMap<u64, Circuit>,
    /// (side, our user fragment) and (side, their address) of every circuit.
    ufrags: HashMap<(Side, String), (u64, String)>,
    addresses: HashMap<(Side, SocketAddr), u64>,
    schedule: BTreeSet<(Instant, u64)>,
    planned: HashMap<u64, Instant>,
    next_key: u64,
    out: Vec<Datagram>,
}

impl Floor {
    fn new(meta: UdpSocket, phones: UdpSocket, certificates: Certificates) -> std::io::Result<Floor> {
        let addresses = (meta.local_addr()?, phones.local_addr()?);
        Ok(Floor {
            sockets: [(meta, addresses.0), (phones, addresses.1)],
            certificates,
            circuits: HashMap::new(),
            ufrags: HashMap::new(),
            addresses: HashMap::new(),
            schedule: BTreeSet::new(),
            planned: HashMap::new(),
            next_key: 1,
            out: Vec::new(),
        })
    }

    /// Waits for one of: a command, a datagram, a deadline. False when nobody can send commands any more.
    async fn turn(&mut self, inbox: &mut UnboundedReceiver<Command>) -> bool {
        let due = self.schedule.first().map_or_else(|| Instant::now() + IDLE, |(at, _)| *at);
        let [meta, phones] = &self.sockets;
        tokio::select! {
            command = inbox.recv() => match command {
                Some(command) => self.obey(command),
                None => return false,
            },
            _ = meta.0.readable() => self.receive(Side::Business),
            _ = phones.0.readable() => self.receive(Side::Browser),
            () = tokio::time::sleep_until(due.into()) => {}
        }
        self.wake_due(Instant::now());
        self.flush();
        true
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Open { open, frames, reply } => {
                let _ = reply.send(self.open(now, &open, frames));
            }
            Command::Answer { key, remote, client } => {
                self.with(now, key, |circuit| circuit.answer(now, &remote, client));
            }
            Command::Attach { key, phone, frames, reply } => {
                let _ = reply.send(self.attach(now, key, &phone, frames));
            }
            Command::Accept { key } => self.with(now, key, |circuit| circuit.accept(now)),
            Command::Press { key, digits } => self.with(now, key, |circuit| circuit.press(now, &digits)),
            Command::Close { key } => self.close(key),
        }
    }

    fn with(&mut self, now: Instant, key: u64, act: impl FnOnce(&mut Circuit)) {
        if let Some(circuit) = self.circuits.get_mut(&key) {
            act(circuit);
            circuit.wake(now, &mut self.out);
            self.plan(key);
        }
    }

    fn open(&mut self, now: Instant, open: &Open, frames: Option<Frames>) -> Result<Ticket, String> {
        let mut rng = StdRng::seed_from_u64(open.seed);
        let certificate = if open.rsa { &self.certificates.rsa } else { &self.certificates.ecdsa };
        let making = Making {
            local: self.sockets[Side::Business as usize].1,
            ice: &open.ice,
            certificate,
            ssrc: open.ssrc,
            aead: open.aead,
            payload_types: &open.payload_types,
        };
        let business = Peer::new(now, &making)?;
        let counts = Arc::new(Mutex::new(Counts::default()));
        let key = self.next_key;
        let mut ticket = Ticket {
            key,
            fingerprint: fingerprint(certificate),
            browser_answer: None,
            counts: Arc::clone(&counts),
            heard: None,
        };
        let (far, attached) = self.far(now, key, &open.phone, frames, &mut rng)?;
        ticket.heard = attached.heard;
        ticket.browser_answer = attached.browser_answer;
        self.next_key += 1;
        self.ufrags.insert((Side::Business, open.ice.ufrag.clone()), (key, open.ice.pwd.clone()));
        let circuit = Circuit::new(business, far, counts, open);
        self.circuits.insert(key, circuit);
        self.with(now, key, |_| {});
        Ok(ticket)
    }

    fn attach(&mut self, now: Instant, key: u64, phone: &Phone, frames: Option<Frames>) -> Result<Attached, String> {
        let mut rng = StdRng::seed_from_u64(key);
        if !self.circuits.contains_key(&key) {
            return Err("the call has ended".to_owned());
        }
        let (far, attached) = self.far(now, key, phone, frames, &mut rng)?;
        self.with(now, key, |circuit| circuit.attach(far));
        Ok(attached)
    }

    fn far(
        &mut self,
        now: Instant,
        key: u64,
        phone: &Phone,
        frames: Option<Frames>,
        rng: &mut StdRng,
    ) -> Result<(Far, Attached), String> {
        match (phone, frames) {
            (Phone::Scripted(_), Some(frames)) => {
                let (far, heard) = scripted(frames);
                Ok((far, Attached { browser_answer: None, heard: Some(heard) }))
            }
            (Phone::Scripted(_), None) => Err("a scripted phone without sound".to_owned()),
            (Phone::Browser { offer }, _) => {
                let (far, answer, ice) = self.browser(now, offer, rng)?;
                self.ufrags.insert((Side::Browser, ice.ufrag), (key, ice.pwd));
                Ok((far, Attached { browser_answer: Some(answer), heard: None }))
            }
        }
    }

    fn browser(&self, now: Instant, offer: &str, rng: &mut StdRng) -> Result<(Far, String, Ice), String> {
        let remote = Remote::parse(offer);
        let opus = remote.opus().ok_or("the browser offers no Opus")?;
        let mid = remote.mid.clone().ok_or("the browser's offer has no a=mid")?;
        let (ice, ssrc) = (Ice::today(false, rng), rand::RngExt::random(rng));
        let making = Making {
            local: self.sockets[Side::Browser as usize].1,
            ice: &ice,
            certificate: &self.certificates.ecdsa,
            ssrc,
            aead: false,
            payload_types: &[opus],
        };
        let mut peer = Peer::new(now, &making)?;
        peer.answer(&remote, false)?;
        let description = Description {
            relay: self.sockets[1].1,
            ice: ice.clone(),
            fingerprint: fingerprint(&self.certificates.ecdsa),
            ssrc,
            unix_ms: 1,
            stream_ids: [sdp::uuid(rng), sdp::uuid(rng)],
        };
        let answer = sdp::answer_browser(&description, &mid, opus);
        Ok((Far::Browser { peer: Box::new(peer), outlet: Outlet::new(rng), opus }, answer, ice))
    }

    fn close(&mut self, key: u64) {
        self.circuits.remove(&key);
        self.ufrags.retain(|_, (other, _)| *other != key);
        self.addresses.retain(|_, other| *other != key);
        if let Some(at) = self.planned.remove(&key) {
            self.schedule.remove(&(at, key));
        }
    }

    /// Reads what has come, but no more than a bounded number of datagrams a turn.
    fn receive(&mut self, side: Side) {
        let mut bytes = [0u8; DATAGRAM_MAX];
        for _ in 0..DATAGRAMS_A_TURN {
            let Ok((length, from)) = self.sockets[side as usize].0.try_recv_from(&mut bytes) else { return };
            let now = Instant::now();
            let Some(datagram) = bytes.get(..length) else { continue };
            let Some(key) = self.route(now, side, from, datagram) else { continue };
            if let Some(circuit) = self.circuits.get_mut(&key) {
                circuit.take(now, side, from, datagram, &mut self.out);
                self.plan(key);
            }
        }
    }

    /// Whose datagram it is: checks by user fragment, all else by the address a good check came from.
    fn route(&mut self, now: Instant, side: Side, from: SocketAddr, bytes: &[u8]) -> Option<u64> {
        if !stun::is_stun(bytes) {
            return self.addresses.get(&(side, from)).copied();
        }
        let request = Request::parse(bytes)?;
        let (key, pwd) = self.ufrags.get(&(side, request.ufrag.to_owned()))?;
        let (key, controlled) = (*key, request.controlled);
        if controlled {
            let reply = conflict(bytes, pwd)?;
            let circuit = self.circuits.get(&key)?;
            lock(circuit.counts()).controlled += 1;
            self.out.push(Datagram { side, to: from, bytes: reply });
            return None;
        }
        let circuit = self.circuits.get(&key)?;
        if !circuit.accepts(now, side, from, bytes) {
            return None;
        }
        if side == Side::Business {
            let mut counts = lock(circuit.counts());
            counts.ice.get_or_insert(now);
            counts.address = Some(from);
        }
        if let Some(before) = self.addresses.insert((side, from), key).filter(|before| *before != key)
            && let Some(loser) = self.circuits.get(&before)
        {
            lock(loser.counts()).address_taken += 1;
        }
        Some(key)
    }

    fn wake_due(&mut self, now: Instant) {
        while let Some((at, key)) = self.schedule.first().copied().filter(|(at, _)| *at <= now) {
            self.schedule.remove(&(at, key));
            self.planned.remove(&key);
            if let Some(circuit) = self.circuits.get_mut(&key) {
                circuit.wake(now, &mut self.out);
                self.plan_after(key, now);
            }
        }
    }

    fn plan(&mut self, key: u64) {
        let Some(circuit) = self.circuits.get(&key) else { return };
        let due = circuit.due();
        if let Some(at) = self.planned.insert(key, due) {
            self.schedule.remove(&(at, key));
        }
        self.schedule.insert((due, key));
    }

    /// As [`Floor::plan`], but never in this same turn again: a peer that is due at once must not spin the loop.
    fn plan_after(&mut self, key: u64, now: Instant) {
        let Some(circuit) = self.circuits.get(&key) else { return };
        let due = circuit.due().max(now + PAUSE_MIN);
        self.planned.insert(key, due);
        self.schedule.insert((due, key));
    }

    fn flush(&mut self) {
        for Datagram { side, to, bytes } in self.out.drain(..) {
            // WHY: a full socket buffer loses a datagram, as a network would.
            let _ = self.sockets[side as usize].0.try_send_to(&bytes, to);
        }
    }
}

/// 487, if the check's integrity is right: Meta is always controlled.
fn conflict(bytes: &[u8], pwd: &str) -> Option<Vec<u8>> {
    let provider = str0m::crypto::from_feature_flags();
    let hmac = |key: &[u8], parts: &[&[u8]]| provider.sha1_hmac_provider.sha1_hmac(key, parts);
    let message = StunMessage::parse(bytes).ok()?;
    if !message.verify(pwd.as_bytes(), hmac) {
        return None;
    }
    let mut reply = vec![0u8; DATAGRAM_MAX];
    let length = StunMessage::binding_role_conflict_reply(message.trans_id())
        .to_bytes(Some(pwd.as_bytes()), &mut reply, hmac)
        .ok()?;
    reply.truncate(length);
    Some(reply)
}

fn fingerprint(certificate: &DtlsCert) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(&certificate.certificate);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

const IDLE: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_micros(500);
const DATAGRAM_MAX: usize = 2048;
const DATAGRAMS_A_TURN: usize = 64;
