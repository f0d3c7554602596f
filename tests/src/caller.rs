//! A caller that is not ours: Pion as ICE-lite offerer in `peers/caller`.

use std::path::{Path, PathBuf};

use audio::ogg_opus::{OpusHead, OpusTags, Writer};
use tokio::process::Command;

use crate::house::{House, peer};
use crate::talk::Talk;
use crate::tone;

/// A customer's phone on Pion.
pub struct Caller {
    talk: Talk,
    /// WhatsApp's id of its call.
    pub call: String,
    record: PathBuf,
}

impl Caller {
    /// Calls, talking a pure tone, and waits until the media is up.
    pub async fn calls(house: &House, hz: f32) -> Caller {
        let (play, record) = (house.path("pion-says.ogg"), house.path("pion-heard.packets"));
        write_tone(&play, hz);
        let mut command = Command::new(peer("caller"));
        command.args(["--control", &house.meta_url()]);
        command.arg("--play").arg(&play).arg("--record").arg(&record);
        let mut talk = Talk::start("the Pion caller", command);
        let offered = talk.until("its offer", |t| t["what"] == "offered").await;
        let call = offered["call"].as_str().expect("a call has an id").to_owned();
        talk.until("that it is connected", |t| t["what"] == "state" && t["state"] == "connected").await;
        talk.until("that it hears something", |t| t["what"] == "heard").await;
        Caller { talk, call, record }
    }

    /// Presses keys, RFC 4733.
    pub async fn presses(&mut self, digits: &str) {
        self.talk.say(&format!("digits {digits}")).await;
        self.talk.until("that the keys are pressed", |t| t["what"] == "pressed").await;
    }

    /// Closes the peer and gives the packets it heard, in order of arrival.
    pub async fn closes(mut self) -> Vec<Vec<u8>> {
        self.talk.say("quit").await;
        self.talk.until("that its track ended", |t| t["what"] == "silent").await;
        let bytes = std::fs::read(&self.record).expect("Pion wrote what it heard");
        packets(&bytes)
    }
}

/// Packets, each behind its length in two bytes, big-endian.
fn packets(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some((len, rest)) = file.split_first_chunk::<2>() {
        let (packet, rest) = rest.split_at(usize::from(u16::from_be_bytes(*len)));
        found.push(packet.to_vec());
        file = rest;
    }
    found
}

/// Four seconds of a sine, one packet a page, as `peers/caller` reads it.
fn write_tone(path: &Path, hz: f32) {
    let (mut writer, mut file) = Writer::new(&OpusHead::mono(312), &OpusTags::ours(&[]), 1, 20);
    for packet in tone::encoded(&tone::sine(hz, 4.0)) {
        file.extend(writer.push(packet, 960).unwrap_or_default());
    }
    file.extend(writer.finish(0));
    std::fs::write(path, file).expect("the house's folder can be written");
}
