//! A peer program that is told words on its input and tells happenings on its output, one JSON object a line.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running peer. It dies with this value.
pub struct Talk {
    name: String,
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Everything told so far.
    pub told: Vec<Value>,
}

impl Talk {
    /// Starts the program.
    pub fn start(name: &str, mut command: Command) -> Talk {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{name} starts: {e}"));
        let input = child.stdin.take().expect("stdin is a pipe");
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        Talk { name: name.to_owned(), _child: child, input, output, told: Vec::new() }
    }

    /// Says one line to it.
    pub async fn say(&mut self, line: &str) {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap_or_else(|e| panic!("{} hears: {e}", self.name));
    }

    /// Reads on until a happening fits; panics after 30 s with what was told instead.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let line = self.output.next_line().await.ok().flatten()?;
                let Ok(happening) = serde_json::from_str::<Value>(&line) else { continue };
                self.told.push(happening.clone());
                if fits(&happening) {
                    return Some(happening);
                }
            }
        });
        match found.await {
            Ok(Some(happening)) => happening,
            ended => {
                let tail: Vec<String> = self.told.iter().rev().take(12).map(Value::to_string).collect();
                panic!("{} never told {what} ({ended:?}); last: {tail:#?}", self.name)
            }
        }
    }

    /// Reads for a while and gives what was told meanwhile.
    pub async fn listen(&mut self, during: Duration) -> Vec<Value> {
        let from = self.told.len();
        let _ = tokio::time::timeout(during, async {
            while let Ok(Some(line)) = self.output.next_line().await {
                if let Ok(happening) = serde_json::from_str(&line) {
                    self.told.push(happening);
                }
            }
        })
        .await;
        self.told[from..].to_vec()
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
