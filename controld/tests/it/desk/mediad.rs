//! A mediad without media: it keeps legs and bridges as values, says yes, and tells what a test wants told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{
    BridgeId, BridgeSummary, ClipName, Command, Digit, ErrorCode, Event, Filler, FromMediad, LegEnd, LegId, LegState,
    LegSummary, Lines, Numbered, PlayEnd, RecordingEnd, RecordingSummary, Refusal, Replay, Reply, Snapshot, ToMediad,
    Welcome, encode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::world::Log;

#[derive(Clone)]
pub struct ScriptedMediad {
    state: Arc<Mutex<State>>,
    /// Counts events: every conversation sends what it has not sent yet.
    told: watch::Sender<u64>,
    log: Log,
    socket: PathBuf,
}

struct State {
    epoch: String,
    events: Vec<Numbered>,
    legs: BTreeMap<LegId, LegSummary>,
    bridges: BTreeMap<BridgeId, BridgeSummary>,
    recordings: BTreeMap<protocol::RecordingId, LegId>,
    answered: BTreeMap<u64, FromMediad>,
    connects: bool,
    refuses: Option<(&'static str, ErrorCode)>,
}

impl ScriptedMediad {
    pub fn open(socket: &Path, log: Log) -> Self {
        let state = State {
            epoch: "one".into(),
            events: vec![],
            legs: BTreeMap::new(),
            bridges: BTreeMap::new(),
            recordings: BTreeMap::new(),
            answered: BTreeMap::new(),
            connects: true,
            refuses: None,
        };
        let mediad =
            Self { state: Arc::new(Mutex::new(state)), told: watch::Sender::new(0), log, socket: socket.to_owned() };
        let listener = UnixListener::bind(&mediad.socket).unwrap();
        let host = mediad.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(host.clone().converse(stream));
            }
        });
        mediad
    }

    /// Legs opened from now on connect by themselves, or not.
    pub fn connects(&self, connects: bool) {
        self.state.lock().unwrap().connects = connects;
    }

    /// The next command of this name is refused.
    pub fn refuse(&self, word: &'static str, code: ErrorCode) {
        self.state.lock().unwrap().refuses = Some((word, code));
    }

    /// Another life: nothing is left, and a new epoch.
    pub fn die(&self) {
        let mut state = self.state.lock().unwrap();
        state.epoch.push('+');
        state.events.clear();
        state.legs.clear();
        state.bridges.clear();
        state.answered.clear();
    }

    pub fn tell(&self, event: Event) {
        let mut state = self.state.lock().unwrap();
        state.apply(&event);
        let seq = state.events.len() as u64 + 1;
        state.events.push(Numbered { seq, at_ms: seq, event });
        drop(state);
        self.told.send_modify(|count| *count += 1);
    }

    pub fn digit(&self, leg: &LegId, key: char) {
        self.tell(Event::Digit { leg: leg.clone(), digit: Digit::try_from(key).unwrap() });
    }

    pub fn play_ended(&self, leg: &LegId, clip: &str) {
        let clip = ClipName::new(clip).unwrap();
        self.tell(Event::PlayEnded { leg: leg.clone(), clip, why: PlayEnd::Finished });
    }

    /// The caller's leg, once there is one.
    pub async fn caller_leg(&self) -> LegId {
        self.find("the caller's leg", |state| {
            state.legs.values().find(|leg| leg.peer == protocol::Peer::Meta).map(|leg| leg.leg.clone())
        })
        .await
    }

    pub async fn bridge(&self) -> BridgeId {
        self.find("a bridge", |state| state.bridges.keys().next().cloned()).await
    }

    pub fn leg_of(&self, user: &str) -> Option<LegId> {
        let state = self.state.lock().unwrap();
        state.legs.values().find(|leg| leg.call.as_str() == user).map(|leg| leg.leg.clone())
    }

    pub fn legs(&self) -> usize {
        self.state.lock().unwrap().legs.len()
    }

    pub fn hears(&self, leg: &LegId) -> Option<String> {
        let state = self.state.lock().unwrap();
        state.legs.get(leg)?.clip.as_ref().map(|clip| clip.as_str().to_owned())
    }

    /// Waits until the leg hears this clip.
    pub async fn heard(&self, leg: &LegId, clip: &str) {
        self.find(&format!("{clip} on {leg}"), |state| {
            (state.legs.get(leg)?.clip.as_ref()?.as_str() == clip).then_some(())
        })
        .await;
    }

    async fn find<T>(&self, what: &str, look: impl Fn(&State) -> Option<T>) -> T {
        for _ in 0..1_000 {
            if let Some(found) = look(&self.state.lock().unwrap()) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("mediad never had {what}; so far: {:#?}", self.log.all());
    }

    async fn converse(self, mut stream: UnixStream) {
        let (mut lines, mut buffer) = (Lines::default(), vec![0; 65_536]);
        let mut sent = None;
        let mut told = self.told.subscribe();
        loop {
            tokio::select! {
                read = stream.read(&mut buffer) => {
                    let Ok(n) = read else { return };
                    if n == 0 { return }
                    lines.push(&buffer[..n]);
                    while let Ok(Some(message)) = lines.next::<ToMediad>() {
                        let answer = match message {
                            ToMediad::Hello { hello } => {
                                let (welcome, from) = self.welcome(hello.seen);
                                sent = Some(from);
                                FromMediad::Welcome { welcome }
                            }
                            ToMediad::Request(request) => self.obey(request.id, request.command),
                        };
                        if stream.write_all(&encode(&answer)).await.is_err() { return }
                        if !self.flush(&mut stream, &mut sent).await { return }
                    }
                }
                _ = told.changed() => if !self.flush(&mut stream, &mut sent).await { return },
            }
        }
    }

    async fn flush(&self, stream: &mut UnixStream, sent: &mut Option<u64>) -> bool {
        let Some(from) = sent else { return true };
        let news: Vec<Numbered> = self.state.lock().unwrap().events.iter().filter(|e| e.seq > *from).cloned().collect();
        for event in news {
            *from = event.seq;
            if stream.write_all(&encode(&FromMediad::Event(event))).await.is_err() {
                return false;
            }
        }
        true
    }

    fn welcome(&self, seen: Option<(String, u64)>) -> (Welcome, u64) {
        let state = self.state.lock().unwrap();
        let last = state.events.len() as u64;
        let (replay, from) = match seen {
            Some((epoch, seq)) if epoch == state.epoch => (Replay::Complete, seq),
            _ => (Replay::Lapsed, last),
        };
        (Welcome { version: protocol::VERSION, epoch: state.epoch.clone(), next_seq: last + 1, replay }, from)
    }

    fn obey(&self, id: u64, command: Command) -> FromMediad {
        if let Some(remembered) = self.state.lock().unwrap().answered.get(&id) {
            return remembered.clone();
        }
        let line = line(&command);
        if !line.starts_with("snapshot") {
            self.log.add(&line);
        }
        let mut state = self.state.lock().unwrap();
        let refusal = state.refuses.take_if(|(word, _)| line.starts_with(*word));
        if let Some((word, code)) = refusal {
            return FromMediad::Err { re: id, err: Refusal { code, why: format!("{word} is refused") } };
        }
        let (answer, events) = state.carry_out(command);
        let message = match answer {
            Ok(ok) => FromMediad::Ok { re: id, ok },
            Err(err) => FromMediad::Err { re: id, err },
        };
        state.answered.insert(id, message.clone());
        drop(state);
        for event in events {
            self.tell(event);
        }
        message
    }
}

impl State {
    fn carry_out(&mut self, command: Command) -> (Result<Reply, Refusal>, Vec<Event>) {
        let unknown = |leg: &LegId| Refusal { code: ErrorCode::UnknownLeg, why: format!("no leg is called {leg}") };
        match command {
            Command::OpenLeg { leg, call, peer, .. } => {
                let state = if self.connects { LegState::Connected } else { LegState::Checking };
                let (clip, bridge, role) = (None, None, None);
                let summary = LegSummary { leg: leg.clone(), call, peer, state, gate_open: false, clip, bridge, role };
                self.legs.insert(leg.clone(), summary);
                let answer = format!("answer of {leg}");
                (Ok(Reply::LegOpened { answer }), self.connected(leg))
            }
            Command::OfferLeg { leg, call, peer, .. } => {
                let summary = LegSummary {
                    leg: leg.clone(),
                    call,
                    peer,
                    state: LegState::Checking,
                    gate_open: false,
                    clip: None,
                    bridge: None,
                    role: None,
                };
                self.legs.insert(leg.clone(), summary);
                (Ok(Reply::LegOffered { offer: format!("offer of {leg}") }), vec![])
            }
            Command::AnswerLeg { leg, .. } => (Ok(Reply::Done), self.connected(leg)),
            Command::RestartLeg { leg, .. } if self.legs.contains_key(&leg) => {
                let answer = format!("answer of {leg}");
                (Ok(Reply::LegOpened { answer }), self.connected(leg))
            }
            Command::RestartLeg { leg, .. } => (Err(unknown(&leg)), vec![]),
            Command::Play { leg, clip, .. } => (self.sound(&leg, Some(clip)), vec![]),
            Command::Fill { leg, with } => {
                let clip = match with {
                    Filler::Music(clip) => Some(clip),
                    Filler::Comfort => None,
                };
                (self.sound(&leg, clip), vec![])
            }
            Command::OpenGate { leg } => match self.legs.get_mut(&leg) {
                Some(summary) => {
                    summary.gate_open = true;
                    (Ok(Reply::Done), vec![])
                }
                None => (Err(unknown(&leg)), vec![]),
            },
            Command::Bridge { bridge, caller, agent, .. } => {
                let summary =
                    BridgeSummary { bridge: bridge.clone(), caller, agent, on_hold: false, agent_silent: false };
                self.bridges.insert(bridge, summary);
                (Ok(Reply::Done), vec![])
            }
            Command::Hold { bridge } => (self.set_hold(&bridge, true), vec![]),
            Command::Resume { bridge } => (self.set_hold(&bridge, false), vec![]),
            Command::Unbridge { bridge, .. } => {
                self.bridges.remove(&bridge);
                (Ok(Reply::Done), vec![])
            }
            Command::Record { leg, recording } => {
                self.recordings.insert(recording, leg);
                (Ok(Reply::Done), vec![])
            }
            Command::CloseLeg { leg } => {
                let gone = self.legs.contains_key(&leg);
                let ended = Event::LegEnded { leg, why: LegEnd::Closed };
                (Ok(Reply::Done), if gone { self.with_what_ends(ended) } else { vec![] })
            }
            Command::Snapshot { .. } => (Ok(Reply::Snapshot(self.snapshot())), vec![]),
            _ => (Ok(Reply::Done), vec![]),
        }
    }

    fn connected(&self, leg: LegId) -> Vec<Event> {
        if self.connects { vec![Event::LegConnected { leg }] } else { vec![] }
    }

    fn sound(&mut self, leg: &LegId, clip: Option<ClipName>) -> Result<Reply, Refusal> {
        let why = format!("no leg is called {leg}");
        let summary = self.legs.get_mut(leg).ok_or(Refusal { code: ErrorCode::UnknownLeg, why })?;
        summary.clip = clip;
        Ok(Reply::Done)
    }

    fn set_hold(&mut self, bridge: &BridgeId, on_hold: bool) -> Result<Reply, Refusal> {
        let why = format!("no bridge is called {bridge}");
        let summary = self.bridges.get_mut(bridge).ok_or(Refusal { code: ErrorCode::UnknownBridge, why })?;
        summary.on_hold = on_hold;
        Ok(Reply::Done)
    }

    /// A leg's end ends its bridge and its recording.
    pub fn with_what_ends(&self, ended: Event) -> Vec<Event> {
        let Event::LegEnded { leg, .. } = &ended else { return vec![] };
        let bridges = self.bridges.values().filter(|bridge| bridge.caller == *leg || bridge.agent == *leg);
        let mut events: Vec<Event> = bridges.map(|b| Event::BridgeEnded { bridge: b.bridge.clone() }).collect();
        events.extend(self.recordings.iter().filter(|(_, tapped)| *tapped == leg).map(|(recording, _)| {
            let why = RecordingEnd::Finished;
            Event::RecordingEnded { recording: recording.clone(), why, duration_ms: 1_000, bytes: 4_000 }
        }));
        events.push(ended);
        events
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::LegEnded { leg, .. } => drop(self.legs.remove(leg)),
            Event::BridgeEnded { bridge } => drop(self.bridges.remove(bridge)),
            Event::RecordingEnded { recording, .. } => drop(self.recordings.remove(recording)),
            Event::PlayEnded { leg, .. } => {
                if let Some(summary) = self.legs.get_mut(leg) {
                    summary.clip = None;
                }
            }
            Event::LegConnected { leg } => {
                if let Some(summary) = self.legs.get_mut(leg) {
                    summary.state = LegState::Connected;
                }
            }
            _ => {}
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            seq: self.events.len() as u64,
            legs: self.legs.values().cloned().collect(),
            next: None,
            bridges: self.bridges.values().cloned().collect(),
            recordings: self
                .recordings
                .iter()
                .map(|(r, leg)| RecordingSummary {
                    recording: r.clone(),
                    leg: leg.clone(),
                    duration_ms: 0,
                    paused: false,
                })
                .collect(),
            ports_free: 100,
        }
    }
}

impl ScriptedMediad {
    /// A leg ends by itself, and its bridge and recording with it.
    pub fn leg_ends(&self, leg: &LegId, why: LegEnd) {
        let events = self.state.lock().unwrap().with_what_ends(Event::LegEnded { leg: leg.clone(), why });
        for event in events {
            self.tell(event);
        }
    }
}

fn line(command: &Command) -> String {
    match command {
        Command::OpenLeg { peer, .. } => format!("open_leg {peer:?}"),
        Command::RestartLeg { .. } => "restart_leg".into(),
        Command::OfferLeg { .. } => "offer_leg".into(),
        Command::AnswerLeg { answer, .. } => format!("answer_leg {answer}"),
        Command::OpenGate { leg } => format!("open_gate {}", side(leg)),
        Command::Play { clip, .. } => format!("play {clip}"),
        Command::Fill { with: Filler::Music(clip), .. } => format!("music {clip}"),
        Command::Fill { with: Filler::Comfort, .. } => "comfort".into(),
        Command::Bridge { .. } => "bridge".into(),
        Command::Beep { clip, .. } => format!("beep {clip}"),
        Command::Hold { .. } => "hold".into(),
        Command::Resume { .. } => "resume".into(),
        Command::Unbridge { .. } => "unbridge".into(),
        Command::Record { .. } => "record".into(),
        Command::CloseLeg { leg } => format!("close_leg {}", side(leg)),
        Command::Snapshot { .. } => "snapshot".into(),
        other => format!("{other:?}"),
    }
}

fn side(leg: &LegId) -> &'static str {
    if leg.as_str().starts_with("desk-") { "agent" } else { "caller" }
}
