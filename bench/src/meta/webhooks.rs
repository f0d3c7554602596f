//! Posts webhooks as Meta does: signed over the exact bytes, retried, in no promised order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::wacid::Wacid;

/// Where webhooks go and how they are signed.
#[derive(Debug, Clone)]
pub struct Post {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: reqwest::Client,
    url: String,
    app_secret: String,
    verify_token: String,
    scale: f64,
    handshake: AtomicU32,
}

/// What a webhook is about: whose log its delivery goes into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A call.
    Call(Wacid),
    /// A user, by number.
    User(String),
}

/// One webhook on its way.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Whose it is.
    pub about: About,
    /// `connect`, `terminate`, `ringing`, `text`, …, for the log.
    pub event: &'static str,
    /// The bytes that are signed and sent.
    pub body: String,
    /// Waits this long first.
    pub delay: Duration,
    /// Extra copies.
    pub duplicate: u32,
    /// Signed with another secret.
    pub wrong_signature: bool,
}

/// How one delivery went: the exchange writes it into a log.
pub type Report = Arc<dyn Fn(&About, String) + Send + Sync>;

impl Post {
    /// Fails only if no HTTP client can be made.
    pub fn new(url: &str, app_secret: &str, verify_token: &str, scale: f64) -> Result<Post, reqwest::Error> {
        let client = reqwest::Client::builder()
            .user_agent("facebookexternalua")
            .timeout(ANSWER_TIMEOUT)
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(5))
            .build()?;
        let shared = Shared {
            client,
            url: url.to_owned(),
            app_secret: app_secret.to_owned(),
            verify_token: verify_token.to_owned(),
            scale,
            handshake: AtomicU32::new(HANDSHAKE_OPEN),
        };
        Ok(Post { shared: Arc::new(shared) })
    }

    /// Whether the business has answered the challenge.
    pub fn verified(&self) -> bool {
        self.shared.handshake.load(Ordering::Relaxed) == HANDSHAKE_DONE
    }

    /// Challenges the callback address until it answers; a wrong answer is told once and tried again.
    pub async fn shake_hands(self, challenge: u32) {
        let challenge = challenge.to_string();
        let mut told = false;
        loop {
            match self.challenge(&challenge).await {
                Ok(()) => {
                    self.shared.handshake.store(HANDSHAKE_DONE, Ordering::Relaxed);
                    tracing::info!(url = %self.shared.url, "webhook address verified");
                    return;
                }
                Err(why) if !told => {
                    told = true;
                    tracing::info!(url = %self.shared.url, "webhook address not verified yet: {why}; trying on");
                }
                Err(_) => {}
            }
            tokio::time::sleep(HANDSHAKE_EVERY).await;
        }
    }

    async fn challenge(&self, challenge: &str) -> Result<(), String> {
        let query = [
            ("hub.mode", "subscribe"),
            ("hub.challenge", challenge),
            ("hub.verify_token", self.shared.verify_token.as_str()),
        ];
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let joint = if self.shared.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{joint}{}", self.shared.url, query.join("&"));
        let answer = self.shared.client.get(url).send().await.map_err(|e| e.without_url().to_string())?;
        let status = answer.status();
        let body = answer.text().await.map_err(|e| e.without_url().to_string())?;
        match (status.as_u16(), body.trim() == challenge) {
            (200, true) => Ok(()),
            (200, false) => Err("200, but the body is not the challenge".to_owned()),
            (other, _) => Err(format!("HTTP {other}")),
        }
    }

    /// Sends a letter and its copies, each with its own retries, in the background.
    pub fn send(&self, letter: Letter, report: Report) {
        for copy in 0..=letter.duplicate.min(COPIES_MAX) {
            let (post, letter, report) = (self.clone(), letter.clone(), Arc::clone(&report));
            tokio::spawn(async move {
                tokio::time::sleep(letter.delay).await;
                post.deliver(&letter, copy, &report).await;
            });
        }
    }

    async fn deliver(&self, letter: &Letter, copy: u32, report: &Report) {
        let label = if copy == 0 { letter.event.to_owned() } else { format!("{} (copy {copy})", letter.event) };
        let mut pause = RETRY_FIRST.mul_f64(self.shared.scale);
        for attempt in 1..=ATTEMPTS_MAX {
            let started = Instant::now();
            let outcome = self.attempt(letter).await;
            let took_ms = started.elapsed().as_millis();
            match outcome {
                Ok(200) => return report(&letter.about, format!("webhook {label}: 200 in {took_ms} ms")),
                Ok(other) => report(&letter.about, format!("webhook {label}: HTTP {other}, attempt {attempt}")),
                Err(why) => report(&letter.about, format!("webhook {label}: {why}, attempt {attempt}")),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_LONGEST);
        }
        report(&letter.about, format!("webhook {label}: given up"));
    }

    async fn attempt(&self, letter: &Letter) -> Result<u16, String> {
        let secret = if letter.wrong_signature { "not the app secret" } else { &self.shared.app_secret };
        let answer = self
            .shared
            .client
            .post(&self.shared.url)
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature-256", sign(secret, letter.body.as_bytes()))
            .body(letter.body.clone())
            .send()
            .await
            .map_err(|e| e.without_url().to_string())?;
        Ok(answer.status().as_u16())
    }
}

/// `sha256=` and the lower-case hex of HMAC-SHA256 over the bytes.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(60);
const ATTEMPTS_MAX: u32 = 8;
const COPIES_MAX: u32 = 20;
const HANDSHAKE_EVERY: Duration = Duration::from_millis(500);
const HANDSHAKE_OPEN: u32 = 0;
const HANDSHAKE_DONE: u32 = 1;
