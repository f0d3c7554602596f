//! The control socket: who may speak, whole lines only, and a slow or broken client harms nobody but itself.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use protocol::limits::{CONNECTIONS_MAX, UNREAD_BYTES_MAX};
use protocol::{FromMediad, Hello, Lines, Numbered, Request, ToMediad, encode};

use super::clips::Wanted;
use super::sys;
use crate::engine::port::Client;

/// All clients.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    clients: BTreeMap<Client, Connection>,
    /// The next client's number; its token is `tokens` plus that.
    next: u64,
    tokens: usize,
}

/// What a client said.
#[derive(Debug)]
pub enum Said {
    /// Its first line.
    Hello(Client, Hello),
    /// A command.
    Command(Client, Request),
    /// A command that waits for clips.
    Wants(Client, Wanted),
    /// It is gone.
    Gone(Client),
}

struct Connection {
    stream: UnixStream,
    lines: Lines,
    unread: Vec<u8>,
    greeted: bool,
    /// It gets events.
    welcomed: bool,
    /// The system has said that there is something to read, and not yet that there is nothing.
    readable: bool,
    /// A command that waits for its clips; those after it wait too.
    waiting: Option<Request>,
    /// It is cut once what waits for it is written.
    ending: bool,
}

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another mediad answers on it.
    #[error("another mediad listens on {0}")]
    Taken(PathBuf),
    /// Anything else.
    #[error("cannot listen on {0}: {1}")]
    Io(PathBuf, io::Error),
}

impl Control {
    /// Listens on `path`. Its folder is made with mode 0700 if it is missing; a socket that nobody listens on is replaced.
    ///
    /// # Errors
    /// If somebody listens on it, or it cannot be made.
    pub fn open(registry: &Registry, path: PathBuf, listener: Token, tokens: usize) -> Result<Self, SocketError> {
        let failed = |why| SocketError::Io(path.clone(), why);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        if std::os::unix::net::UnixStream::connect(&path).is_ok() {
            return Err(SocketError::Taken(path));
        }
        if path.exists() {
            std::fs::remove_file(&path).map_err(failed)?;
        }
        let mut socket = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        registry.register(&mut socket, listener, Interest::READABLE).map_err(failed)?;
        Ok(Self { listener: socket, path, clients: BTreeMap::new(), next: 0, tokens })
    }

    /// Takes in whoever knocks.
    pub fn accept(&mut self, registry: &Registry) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let uid = sys::peer_uid(stream.as_raw_fd());
            if !uid.is_ok_and(|uid| uid == sys::own_uid() || uid == 0) {
                tracing::warn!("a process of another user knocked at the control socket");
                continue;
            }
            if self.clients.len() >= CONNECTIONS_MAX {
                let bye =
                    FromMediad::Bye { bye: format!("{CONNECTIONS_MAX} clients are connected, which is the limit") };
                let _ = stream.write(&encode(&bye));
                continue;
            }
            let client = Client(self.next);
            let token = Token(self.tokens + self.next as usize);
            if registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE).is_err() {
                continue;
            }
            self.next += 1;
            self.clients.insert(client, Connection::new(stream));
        }
    }

    /// The client of a token.
    pub fn client(&self, token: Token) -> Option<Client> {
        let client = Client(token.0.checked_sub(self.tokens)? as u64);
        self.clients.contains_key(&client).then_some(client)
    }

    /// The system says that a client can be read.
    pub fn mark_readable(&mut self, client: Client) {
        if let Some(connection) = self.clients.get_mut(&client) {
            connection.readable = true;
        }
    }

    /// The next thing a client has said, at most one a call: the loop does other work in between.
    pub fn hear(&mut self, client: Client) -> Option<Said> {
        let connection = self.clients.get_mut(&client)?;
        if connection.ending || connection.waiting.is_some() {
            return None;
        }
        match connection.next_line() {
            Ok(Some(ToMediad::Hello { hello })) if !connection.greeted => {
                connection.greeted = true;
                Some(Said::Hello(client, hello))
            }
            Ok(Some(ToMediad::Hello { .. })) => self.say_bye(client, "hello is said once, as the first line"),
            Ok(Some(ToMediad::Request(request))) => match Wanted::by(&request.command) {
                Some(wanted) => {
                    connection.waiting = Some(request);
                    Some(Said::Wants(client, wanted))
                }
                None => Some(Said::Command(client, request)),
            },
            Ok(None) => None,
            Err(Broken::Frame(why)) => self.say_bye(client, &why),
            Err(Broken::Closed) => Some(self.drop(client)),
        }
    }

    /// The command that waited for its clips.
    pub fn resume(&mut self, client: Client) -> Option<Request> {
        self.clients.get_mut(&client)?.waiting.take()
    }

    /// A line for one client. A welcome makes it one that gets events; a goodbye ends it.
    pub fn answer(&mut self, client: Client, message: &FromMediad) -> Option<Said> {
        let connection = self.clients.get_mut(&client)?;
        match message {
            FromMediad::Welcome { .. } => connection.welcomed = true,
            FromMediad::Bye { .. } => connection.ending = true,
            _ => {}
        }
        connection.unread.extend_from_slice(&encode(message));
        self.write(client)
    }

    /// A line for every client that was welcomed.
    pub fn tell(&mut self, event: Numbered) -> Vec<Said> {
        let line = encode(&FromMediad::Event(event));
        let welcomed: Vec<Client> =
            self.clients.iter().filter(|(_, client)| client.welcomed).map(|(client, _)| *client).collect();
        let mut gone = Vec::new();
        for client in welcomed {
            if let Some(connection) = self.clients.get_mut(&client) {
                connection.unread.extend_from_slice(&line);
                gone.extend(self.write(client));
            }
        }
        gone
    }

    /// Writes what a client has room for. Tells if it is gone by that.
    pub fn write(&mut self, client: Client) -> Option<Said> {
        let connection = self.clients.get_mut(&client)?;
        let written = connection.write_out();
        let over = connection.unread.len() > UNREAD_BYTES_MAX;
        if over {
            tracing::warn!(client = client.0, "a client left {UNREAD_BYTES_MAX} bytes unread and is cut");
        }
        let done = connection.ending && connection.unread.is_empty();
        (written.is_err() || over || done).then(|| self.drop(client))
    }

    /// Removes the socket from the folder.
    pub fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn say_bye(&mut self, client: Client, why: &str) -> Option<Said> {
        tracing::warn!(client = client.0, "a client is cut: {why}");
        self.answer(client, &FromMediad::Bye { bye: why.to_owned() })
    }

    fn drop(&mut self, client: Client) -> Said {
        self.clients.remove(&client);
        Said::Gone(client)
    }
}

enum Broken {
    Frame(String),
    Closed,
}

impl Connection {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            lines: Lines::default(),
            unread: Vec::new(),
            greeted: false,
            welcomed: false,
            readable: true,
            waiting: None,
            ending: false,
        }
    }

    fn next_line(&mut self) -> Result<Option<ToMediad>, Broken> {
        loop {
            match self.lines.next() {
                Ok(Some(message)) => return Ok(Some(message)),
                Err(why) => return Err(Broken::Frame(why.to_string())),
                Ok(None) if !self.readable => return Ok(None),
                Ok(None) => {}
            }
            let mut chunk = [0; CHUNK_BYTES];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Broken::Closed),
                Ok(read) => self.lines.push(&chunk[..read]),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken::Closed),
            }
        }
    }

    fn write_out(&mut self) -> io::Result<()> {
        let mut from = 0;
        let result = loop {
            if from == self.unread.len() {
                break Ok(());
            }
            match self.stream.write(&self.unread[from..]) {
                Ok(written) => from += written,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => break Err(why),
            }
        };
        self.unread.drain(..from);
        result
    }
}

/// Read at once from a client.
const CHUNK_BYTES: usize = 16 * 1024;
