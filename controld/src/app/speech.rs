//! Words of prompts made into clips: each text once for a voice and an organisation.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::sync::Mutex;

use super::Parts;
use super::sounds::{NoClip, Purpose};
use crate::ivr::flow::Flow;
use crate::model::{ClipId, OrgId, UserId, clock};
use crate::outside::tts::{Mute, Piper, one_line};
use crate::store::StoreError;
use crate::store::clips::{ClipRow, ClipSource};

/// One voice, one text at a time: a second would only make both slower.
pub struct Speech(Mutex<()>);

/// Why words are not sound.
#[derive(Debug, thiserror::Error)]
pub enum Unspoken {
    /// The voice.
    #[error("{0}")]
    Mute(#[from] Mute),
    /// What it wrote.
    #[error("what the speech program wrote cannot be used: {0}")]
    Clip(#[from] NoClip),
    /// The row.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The disk.
    #[error("the disk refused: {0}")]
    Disk(#[from] std::io::Error),
}

impl Speech {
    /// Nobody speaks.
    pub fn new() -> Self {
        Self(Mutex::new(()))
    }
}

impl Default for Speech {
    fn default() -> Self {
        Self::new()
    }
}

impl Parts {
    /// The clip that says these words, made if it is not there yet; and whether it was made now.
    ///
    /// # Errors
    /// The piece that is missing, or what went wrong.
    pub async fn speak(&self, org: &OrgId, words: &str, by: &UserId) -> Result<(ClipRow, bool), Unspoken> {
        let words = one_line(words);
        if words.is_empty() {
            return Err(Mute::NoWords.into());
        }
        let piper = Piper::find(&self.config.tts.piper_binary, &self.config.tts.piper_model)?;
        let voice = piper.voice();
        let _turn = self.speech.0.lock().await;
        if let Some(known) = self.store.speech(org, &words, &voice).await? {
            return Ok((known, false));
        }
        let folder = Path::new(&self.config.calling.audio_dir);
        let wav = piper.say(&words, &folder.join("own").join(".saying")).await?;
        let made = self.sounds.prepare_in_turn(wav, Purpose::Prompt).await?;
        let now = clock::now();
        let id = ClipId::fresh(now);
        let place = format!("own/{org}/{id}.ogg");
        self.sounds.put(&folder.join(&place), &made.ogg).await?;
        let row = ClipRow {
            org: org.clone(),
            name: words.chars().take(NAME_CHARS).collect(),
            place,
            duration_ms: i64::try_from(made.duration_ms).unwrap_or(i64::MAX),
            bytes: i64::try_from(made.ogg.len()).unwrap_or(i64::MAX),
            lufs: made.lufs,
            source: ClipSource::Speech,
            words: Some(words),
            voice: Some(voice),
            created_by: Some(by.clone()),
            created_at: now,
            id,
        };
        self.store.add_clip(&row).await?;
        Ok((row, true))
    }

    /// Makes every text of a flow that has no clip into sound; says how many were made.
    ///
    /// # Errors
    /// The first that could not be made.
    pub async fn speak_all(&self, org: &OrgId, flow: &Flow, by: &UserId) -> Result<usize, Unspoken> {
        let texts: BTreeSet<String> = flow.unspoken().map(one_line).collect();
        let known = self.store.speech_of(org).await?;
        let mut made = 0;
        for text in texts.iter().filter(|text| !known.contains_key(*text)) {
            self.speak(org, text, by).await?;
            made += 1;
        }
        Ok(made)
    }
}

const NAME_CHARS: usize = 60;
