//! A look into a running mediad: what is alive, everything about one leg, what happens, or the raw conversation.

use std::io::{BufRead, ErrorKind, Read, Write, stdin};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use protocol::{
    BridgeSummary, Command, FromMediad, Hello, LegDescription, LegId, LegSummary, Lines, Numbered, RecordingSummary,
    Reply, Request, Snapshot, ToMediad, VERSION, encode,
};

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(CallctlError::Usage(why)) => {
            eprintln!("{why}\n{USAGE}");
            ExitCode::from(2)
        }
        // The reader of our output has seen enough.
        Err(CallctlError::Stream(why)) if why.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum CallctlError {
    #[error("{0}")]
    Usage(String),
    #[error("mediad does not answer on {0}: {1}")]
    Connect(String, std::io::Error),
    #[error("the conversation broke off: {0}")]
    Stream(#[from] std::io::Error),
    #[error("mediad said something else: {0}")]
    Frame(#[from] protocol::FrameError),
    #[error("mediad closed the conversation: {0}")]
    Bye(String),
    #[error("{0}")]
    Refused(protocol::Refusal),
    #[error("mediad answered something else")]
    Unexpected,
}

fn run(mut words: impl Iterator<Item = String>) -> Result<(), CallctlError> {
    let mut socket = PathBuf::from("var/mediad.sock");
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--socket" => {
                let path = words.next().ok_or_else(|| CallctlError::Usage("--socket needs a path".to_owned()))?;
                socket = path.into();
            }
            _ => rest.push(word),
        }
    }
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match rest.as_slice() {
        ["snapshot"] => snapshot(&mut Line::open(&socket)?),
        ["describe", leg] => {
            let leg = LegId::new(*leg).map_err(|why| CallctlError::Usage(why.to_string()))?;
            describe(&mut Line::open(&socket)?, leg)
        }
        ["events"] => events(&mut Line::open(&socket)?),
        ["raw"] => raw(&socket),
        ["help" | "--help" | "-h"] => say(USAGE),
        _ => Err(CallctlError::Usage("say what to look at".to_owned())),
    }
}

/// A conversation with mediad, opened.
struct Line {
    stream: UnixStream,
    lines: Lines,
    asked: u64,
}

impl Line {
    fn open(socket: &PathBuf) -> Result<Self, CallctlError> {
        let stream = connect(socket)?;
        let mut line = Self { stream, lines: Lines::default(), asked: 0 };
        let hello = Hello { version: VERSION, who: "callctl".to_owned(), seen: None };
        line.stream.write_all(&encode(&ToMediad::Hello { hello }))?;
        match line.next()? {
            FromMediad::Welcome { .. } => Ok(line),
            FromMediad::Bye { bye } => Err(CallctlError::Bye(bye)),
            _ => Err(CallctlError::Unexpected),
        }
    }

    fn next(&mut self) -> Result<FromMediad, CallctlError> {
        loop {
            if let Some(message) = self.lines.next()? {
                return Ok(message);
            }
            let mut chunk = [0; 16 * 1024];
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(CallctlError::Bye("it ended".to_owned()));
            }
            self.lines.push(chunk.get(..read).unwrap_or_default());
        }
    }

    fn ask(&mut self, command: Command) -> Result<Reply, CallctlError> {
        // WHY: mediad remembers answers by number, so ours must be nobody else's.
        if self.asked == 0 {
            self.asked = rand::random::<u64>() >> 1 | 1 << 62;
        }
        self.asked += 1;
        let id = self.asked;
        self.stream.write_all(&encode(&ToMediad::Request(Request { id, command })))?;
        loop {
            match self.next()? {
                FromMediad::Ok { re, ok } if re == id => return Ok(ok),
                FromMediad::Err { re, err } if re == id => return Err(CallctlError::Refused(err)),
                FromMediad::Bye { bye } => return Err(CallctlError::Bye(bye)),
                _ => {}
            }
        }
    }
}

fn snapshot(line: &mut Line) -> Result<(), CallctlError> {
    let (mut after, mut legs) = (None, 0);
    loop {
        let Reply::Snapshot(page) = line.ask(Command::Snapshot { after })? else {
            return Err(CallctlError::Unexpected);
        };
        legs += page.legs.len();
        print_page(&page)?;
        match page.next {
            Some(next) => after = Some(next),
            None => return say(&format!("{legs} legs, {} more towards the most crowded next hop", page.ports_free)),
        }
    }
}

fn print_page(page: &Snapshot) -> Result<(), CallctlError> {
    for leg in &page.legs {
        say(&leg_line(leg))?;
        let mine = |bridge: &&BridgeSummary| bridge.caller == leg.leg;
        if let Some(BridgeSummary { bridge, agent, on_hold, agent_silent, .. }) = page.bridges.iter().find(mine) {
            let held = if *on_hold { ", on hold" } else { "" };
            let silent = if *agent_silent { ", agent silent" } else { "" };
            say(&format!("  bridge {bridge} with {agent}{held}{silent}"))?;
        }
        let tapped = |recording: &&RecordingSummary| recording.leg == leg.leg;
        if let Some(recording) = page.recordings.iter().find(tapped) {
            say(&format!("  recording {} for {} ms", recording.recording, recording.duration_ms))?;
        }
    }
    Ok(())
}

fn leg_line(leg: &LegSummary) -> String {
    let gate = if leg.gate_open { "open" } else { "closed" };
    let hears = leg.clip.as_ref().map(|clip| format!(", hears {clip}")).unwrap_or_default();
    format!("{}  {} of call {}, {}, gate {gate}{hears}", leg.leg, word(&leg.peer), leg.call, word(&leg.state))
}

fn describe(line: &mut Line, leg: LegId) -> Result<(), CallctlError> {
    let Reply::Described(leg) = line.ask(Command::Describe { leg })? else { return Err(CallctlError::Unexpected) };
    let LegDescription { summary, pair, srtp_profile, dtls_role, ssrc, sent_packets, received_packets, bridge, drops } =
        *leg;
    say(&leg_line(&summary))?;
    match pair {
        Some((ours, theirs)) => say(&format!("  pair      {ours} - {theirs}"))?,
        None => say("  pair      none yet")?,
    }
    say(&format!("  dtls      {dtls_role}, {}", srtp_profile.as_deref().unwrap_or("no keys yet")))?;
    say(&format!("  sent      {sent_packets} packets, SSRC {ssrc:08x}"))?;
    say(&format!("  received  {received_packets} packets"))?;
    if let Some(bridge) = bridge {
        say(&format!("  bridge    {bridge}"))?;
    }
    for (reason, count) in drops.iter().filter(|(_, count)| **count > 0) {
        say(&format!("  dropped   {count} {reason}"))?;
    }
    Ok(())
}

fn events(line: &mut Line) -> Result<(), CallctlError> {
    loop {
        match line.next()? {
            FromMediad::Event(Numbered { seq, at_ms, event }) => {
                let text = serde_json::to_string(&event).unwrap_or_default();
                say(&format!("{seq:>8}  {}  {text}", clock(at_ms)))?;
            }
            FromMediad::Bye { bye } => return Err(CallctlError::Bye(bye)),
            _ => {}
        }
    }
}

/// Lines from the keyboard to mediad, lines from mediad to the screen, nothing added.
fn raw(socket: &PathBuf) -> Result<(), CallctlError> {
    let mut stream = connect(socket)?;
    let mut answers = stream.try_clone()?;
    let reading = std::thread::spawn(move || std::io::copy(&mut answers, &mut std::io::stdout()));
    for line in stdin().lock().lines() {
        writeln!(stream, "{}", line?)?;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    reading.join().map_err(|_| CallctlError::Unexpected)??;
    Ok(())
}

fn connect(socket: &PathBuf) -> Result<UnixStream, CallctlError> {
    UnixStream::connect(socket).map_err(|why| CallctlError::Connect(socket.display().to_string(), why))
}

fn say(line: &str) -> Result<(), CallctlError> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Time of day, UTC.
fn clock(at_ms: u64) -> String {
    let day_ms = at_ms % (24 * 3600 * 1000);
    let (secs, ms) = (day_ms / 1000, day_ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", secs / 3600, secs / 60 % 60, secs % 60)
}

const USAGE: &str = "\
callctl [--socket PATH] snapshot       what is alive
callctl [--socket PATH] describe LEG   everything about one leg
callctl [--socket PATH] events         what happens, as it happens
callctl [--socket PATH] raw            the bare conversation, line by line; start with a hello";
