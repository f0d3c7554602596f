//! Piper: words in, a WAV file out. Only what its C++ and its Python program have in common is relied on: one line on
//! standard input, `--model`, `--output_file`, the exit code, and a file that holds sound.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piper {
    binary: PathBuf,
    model: PathBuf,
}

/// Why nothing was said. Each names the piece that is missing.
#[derive(Debug, thiserror::Error)]
pub enum Mute {
    /// No program in the configuration.
    #[error("no speech program is set: [tts] piper_binary is empty")]
    NoBinarySet,
    /// No voice in the configuration.
    #[error("no voice is set: [tts] piper_model is empty")]
    NoModelSet,
    /// The program is not there, or cannot be started.
    #[error("the speech program {0} cannot be started: {1}")]
    Binary(String, String),
    /// The voice is not there.
    #[error("the voice {0} is not there")]
    Model(String),
    /// The voice's description is not there.
    #[error("the description of the voice, {0}, is not there")]
    ModelConfig(String),
    /// Nothing to say.
    #[error("there are no words to say")]
    NoWords,
    /// The program ended with an error.
    #[error("the speech program failed: {0}")]
    Failed(String),
    /// The program said that all is well, and it is not.
    #[error("the speech program wrote no sound")]
    NoSound,
    /// Too slow.
    #[error("the speech program took longer than {} s", TIMEOUT_MS / 1000)]
    Late,
    /// The disk.
    #[error("the disk refused: {0}")]
    Disk(#[from] std::io::Error),
}

impl Piper {
    /// The voice the configuration names, if program and voice are there.
    ///
    /// # Errors
    /// The piece that is missing.
    pub fn find(binary: &str, model: &str) -> Result<Self, Mute> {
        if binary.is_empty() {
            return Err(Mute::NoBinarySet);
        }
        if model.is_empty() {
            return Err(Mute::NoModelSet);
        }
        let by_path = binary.contains('/');
        if by_path && !Path::new(binary).is_file() {
            return Err(Mute::Binary(binary.to_owned(), "there is no such file".to_owned()));
        }
        if !Path::new(model).is_file() {
            return Err(Mute::Model(model.to_owned()));
        }
        let config = format!("{model}.json");
        if !Path::new(&config).is_file() {
            return Err(Mute::ModelConfig(config));
        }
        Ok(Self { binary: binary.into(), model: model.into() })
    }

    /// What people call the voice: the file's name without its ending.
    pub fn voice(&self) -> String {
        self.model.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Says words into a WAV file; its bytes. `scratch` is a folder for the file while it is written.
    ///
    /// # Errors
    /// Why nothing was said.
    pub async fn say(&self, words: &str, scratch: &Path) -> Result<Vec<u8>, Mute> {
        // Several lines are one utterance to one program and several to the other.
        let line = one_line(words);
        if line.is_empty() {
            return Err(Mute::NoWords);
        }
        tokio::fs::create_dir_all(scratch).await?;
        let to = scratch.join(format!("say-{:016x}.wav", rand::random::<u64>()));
        let said = tokio::time::timeout(Duration::from_millis(TIMEOUT_MS), self.run(&line, &to)).await;
        let bytes = tokio::fs::read(&to).await;
        // Whatever became of it, nobody needs the file any more.
        let _ = tokio::fs::remove_file(&to).await;
        said.map_err(|_| Mute::Late)??;
        bytes.ok().filter(|bytes| bytes.len() > WAV_HEAD_BYTES).ok_or(Mute::NoSound)
    }

    async fn run(&self, line: &str, to: &Path) -> Result<(), Mute> {
        let cannot = |why: std::io::Error| Mute::Binary(self.binary.display().to_string(), why.to_string());
        let mut child = Command::new(&self.binary)
            .arg("--model")
            .arg(&self.model)
            .arg("--output_file")
            .arg(to)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its line says why by its exit.
            let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
        }
        let done = child.wait_with_output().await?;
        if done.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&done.stderr);
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
        Err(Mute::Failed(last.trim().chars().take(REASON_CHARS_MAX).collect()))
    }
}

/// Words as one line, each gap one space.
pub fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

const TIMEOUT_MS: u64 = 60_000;
const WAV_HEAD_BYTES: usize = 44;
const REASON_CHARS_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn path(&self, name: &str) -> String {
            self.0.path().join(name).display().to_string()
        }

        /// A program that keeps the contract as far as `script` does.
        fn program(script: &str) -> (Self, Piper) {
            let folder = Self(tempfile::tempdir().unwrap());
            fs::write(folder.path("piper"), format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(folder.path("piper"), fs::Permissions::from_mode(0o755)).unwrap();
            fs::write(folder.path("voice.onnx"), "").unwrap();
            fs::write(folder.path("voice.onnx.json"), "{}").unwrap();
            let piper = Piper::find(&folder.path("piper"), &folder.path("voice.onnx")).unwrap();
            (folder, piper)
        }
    }

    #[test]
    fn the_missing_piece_is_named() {
        let folder = Folder(tempfile::tempdir().unwrap());
        let why = |binary: &str, model: &str| Piper::find(binary, model).unwrap_err().to_string();
        let (binary, model) = (folder.path("piper"), folder.path("voice.onnx"));
        assert!(why("", &model).contains("piper_binary is empty"));
        assert!(why(&binary, "").contains("piper_model is empty"));
        assert!(why(&binary, &model).contains("piper cannot be started: there is no such file"));
        fs::write(&binary, "").unwrap();
        assert!(why(&binary, &model).ends_with("voice.onnx is not there"));
        fs::write(&model, "").unwrap();
        assert!(why(&binary, &model).ends_with("voice.onnx.json, is not there"));
    }

    #[tokio::test]
    async fn words_go_in_as_one_line_and_what_is_written_comes_out() {
        let (folder, piper) =
            Folder::program("[ $# = 4 ] && [ $1 = --model ] && [ $3 = --output_file ] || exit 9\ncat > \"$4\"");
        let scratch = folder.0.path().join("scratch");
        let words = "  For sales,\n press one. \r\n\tFor support, press two, and then wait for us.";
        let said = piper.say(words, &scratch).await.unwrap();
        assert_eq!(said, b"For sales, press one. For support, press two, and then wait for us.\n");
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "nothing is left behind");
        assert_eq!(piper.voice(), "voice");
        assert!(matches!(piper.say(" \n ", &scratch).await, Err(Mute::NoWords)));
    }

    #[tokio::test]
    async fn a_program_that_fails_or_only_says_it_did_not_is_found_out() {
        let (folder, piper) = Folder::program("echo 'ValueError: no such voice' >&2; exit 1");
        let why = piper.say("Hello", folder.0.path()).await.unwrap_err();
        assert_eq!(why.to_string(), "the speech program failed: ValueError: no such voice");
        let (folder, piper) = Folder::program("exit 0");
        assert!(matches!(piper.say("Hello", folder.0.path()).await, Err(Mute::NoSound)));
        let (folder, piper) = Folder::program(": > \"$4\"");
        assert!(matches!(piper.say("Hello", folder.0.path()).await, Err(Mute::NoSound)));
    }
}
