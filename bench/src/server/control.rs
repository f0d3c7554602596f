//! One conversation with mediad, as controld holds it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use protocol::{Command, FromMediad, Hello, Request, ToMediad, VERSION};

/// The speaking half. What is heard goes to the closure given at the opening, from a thread of its own.
pub struct Control {
    stream: UnixStream,
    asked: u64,
}

impl Control {
    /// Says hello. `hear` gets everything that comes, and `None` when the conversation is over.
    ///
    /// # Errors
    /// One sentence.
    pub fn open(socket: &Path, mut hear: impl FnMut(Option<FromMediad>) + Send + 'static) -> Result<Self, String> {
        let stream = UnixStream::connect(socket).map_err(|why| format!("cannot reach mediad: {why}"))?;
        let lines = BufReader::new(stream.try_clone().map_err(|why| why.to_string())?);
        let listen = move || {
            for line in lines.lines() {
                match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
                    Some(message) => hear(Some(message)),
                    None => break,
                }
            }
            hear(None);
        };
        std::thread::Builder::new().name("control".to_owned()).spawn(listen).map_err(|why| why.to_string())?;
        let mut control = Self { stream, asked: 0 };
        control.say(&ToMediad::Hello { hello: Hello { version: VERSION, who: "bench".to_owned(), seen: None } })?;
        Ok(control)
    }

    /// Sends a command; gives the number its answer will carry.
    ///
    /// # Errors
    /// If mediad has gone.
    pub fn ask(&mut self, command: Command) -> Result<u64, String> {
        self.asked += 1;
        self.say(&ToMediad::Request(Request { id: self.asked, command }))?;
        Ok(self.asked)
    }

    fn say(&mut self, line: &ToMediad) -> Result<(), String> {
        let mut bytes = serde_json::to_vec(line).map_err(|why| why.to_string())?;
        bytes.push(b'\n');
        self.stream.write_all(&bytes).map_err(|why| format!("mediad does not listen: {why}"))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}
