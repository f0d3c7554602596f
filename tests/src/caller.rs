//! A caller that is not ours: Pion as ICE-lite offerer in `peers/caller`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
    media_up: Instant,
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
        let media_up = Instant::now();
        talk.until("that it hears something", |t| t["what"] == "heard").await;
        Caller { talk, call, record, media_up }
    }

    /// Presses keys, RFC 4733.
    pub async fn presses(&mut self, digits: &str) {
        self.talk.say(&format!("digits {digits}")).await;
        self.talk.until("that the keys are pressed", |t| t["what"] == "pressed").await;
    }

    /// Closes the peer and gives what it heard, in order of arrival.
    pub async fn closes(mut self) -> Heard {
        self.talk.say("quit").await;
        self.talk.until("that its track ended", |t| t["what"] == "silent").await;
        let told = std::fs::read(&self.record).expect("Pion wrote what it heard");
        Heard::read(&told, self.media_up.elapsed())
    }
}

/// The packets a caller heard.
pub struct Heard {
    /// Opus, one after another.
    pub packets: Vec<Vec<u8>>,
    timestamps: Vec<u32>,
    elapsed: Duration,
}

impl Heard {
    /// Packets, each behind its RTP timestamp (4 bytes) and its length (2 bytes), big-endian.
    fn read(mut told: &[u8], elapsed: Duration) -> Heard {
        let (mut packets, mut timestamps) = (Vec::new(), Vec::new());
        while let Some((head, rest)) = told.split_first_chunk::<6>() {
            let [a, b, c, d, len @ ..] = *head;
            let (packet, rest) = rest.split_at(usize::from(u16::from_be_bytes(len)));
            timestamps.push(u32::from_be_bytes([a, b, c, d]));
            packets.push(packet.to_vec());
            told = rest;
        }
        Heard { packets, timestamps, elapsed }
    }

    /// That the caller got sound for every moment of its call, whoever was speaking: comfort, prompt, music, agent.
    ///
    /// # Panics
    /// If the packets jump in time, or fill less than the time since the media was up.
    pub fn is_without_a_gap(&self) {
        for (at, pair) in self.timestamps.windows(2).enumerate() {
            assert_eq!(pair[1].wrapping_sub(pair[0]), 960, "packet {} follows 20 ms after the one before", at + 1);
        }
        let filled = Duration::from_millis(20) * self.packets.len() as u32;
        assert!(filled + Duration::from_secs(1) >= self.elapsed, "{filled:?} of sound in {:?}", self.elapsed);
    }
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
