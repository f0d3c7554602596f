//! An agent's end that is not ours: aiortc in `peers/agent.py`.

use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::house::{House, peer};
use crate::talk::Talk;

/// A signed-in agent with a standing leg, talking a pure tone.
pub struct Agent(Talk);

impl Agent {
    /// Signs in, attaches, becomes available and waits until calls can ring.
    pub async fn on_duty(house: &House, email: &str, hz: u32) -> Agent {
        let mut command = Command::new(peer("python/bin/python"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/agent.py"));
        command.args(["--desk", &house.desk_url(), "--email", email, "--password", "patchbay-demo"]);
        command.args(["--hz", &hz.to_string()]);
        let mut agent = Agent(Talk::start(email, command));
        agent.0.until("that it is reachable", |t| t["what"] == "state" && t["reachable"] == true).await;
        agent
    }

    /// Takes the call that rings.
    pub async fn answers(&mut self) {
        self.0.say("answer").await;
        self.is("connected").await;
    }

    /// Waits for a call to ring.
    pub async fn rings(&mut self) {
        self.0.until("that a call rings", |t| t["what"] == "state" && t["ringing"].as_u64() > Some(0)).await;
    }

    /// Waits until the call is in this state: `connected`, `on_hold`, `reconnecting`.
    pub async fn is(&mut self, state: &str) {
        self.0.until(state, |t| t["what"] == "state" && t["call"] == state).await;
    }

    /// Waits until there is no call.
    pub async fn is_free(&mut self) {
        self.0.until("that the call is over", |t| t["what"] == "state" && t["call"].is_null()).await;
    }

    /// Calls a contact.
    pub async fn dials(&mut self, contact: &str) {
        self.0.say(&format!("dial {contact}")).await;
    }

    /// Reads on until the screen says something with these words in it.
    pub async fn is_told(&mut self, words: &str) {
        let fits = |t: &Value| t["why"].as_str().is_some_and(|why| why.contains(words));
        self.0.until(words, fits).await;
    }

    /// `answer`, `hold`, `resume`, `hang_up`.
    pub async fn says(&mut self, word: &str) {
        self.0.say(word).await;
    }

    /// The strongest frequency in Hz of each loud 200 ms heard in a while.
    pub async fn hears(&mut self, during: Duration) -> Vec<i64> {
        let told = self.0.listen(during).await;
        let loud = |t: &&Value| t["what"] == "sound" && t["db"].as_f64() > Some(-50.0);
        told.iter().filter(loud).filter_map(|t| t["hz"].as_i64()).collect()
    }

    /// Reads on until a loud sound of about this frequency is heard.
    pub async fn hears_tone(&mut self, hz: i64) {
        let fits = |t: &Value| {
            t["what"] == "sound"
                && t["db"].as_f64() > Some(-40.0)
                && t["hz"].as_i64().is_some_and(|h| (h - hz).abs() < 20)
        };
        self.0.until(&format!("a tone of {hz} Hz"), fits).await;
    }
}
