//! The stand-in for Meta: Graph façade, webhooks, media relay, and a phone to call from.

pub mod answer;
pub mod call;
pub mod control;
pub mod control_users;
pub mod dial;
pub mod exchange;
pub mod faults;
pub mod graph;
pub mod json;
mod mail;
pub mod message_notice;
pub mod messages;
pub mod notice;
pub mod number;
pub mod outgoing;
pub mod page;
pub mod people;
pub mod permission;
pub mod place;
pub mod refusal;
pub mod relay;
pub mod script;
pub mod sdp;
pub mod sdp_answer;
pub mod standing;
pub mod template;
pub mod user;
pub mod wacid;
pub mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use exchange::Exchange;
use notice::Line;
use relay::Relay;
use webhooks::Post;

/// Everything `bench meta` can be told; the defaults are the demo's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Graph façade, control API and phone page.
    pub listen: SocketAddr,
    /// The relay's one UDP address.
    pub media: SocketAddr,
    /// Where webhooks are posted.
    pub webhook: String,
    /// Signs the webhooks.
    pub app_secret: String,
    /// Answers to the challenge are asked with it.
    pub verify_token: String,
    /// The bearer token of Graph requests.
    pub token: String,
    /// The business number's id.
    pub phone_number_id: String,
    /// The business number, digits only.
    pub display_number: String,
    /// Same seed, same ids, numbers and SSRCs.
    pub seed: u64,
    /// Seconds of real time for one second of Meta's timers; below 1 in tests.
    pub time_scale: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            media: SocketAddr::from(([127, 0, 0, 1], 3480)),
            webhook: "http://127.0.0.1:8080/webhooks/acc_demo".to_owned(),
            app_secret: "demo-app-secret".to_owned(),
            verify_token: "demo-verify".to_owned(),
            token: "demo-token".to_owned(),
            phone_number_id: "106540352242922".to_owned(),
            display_number: "15559990000".to_owned(),
            seed: 1,
            time_scale: 1.0,
        }
    }
}

/// A running stand-in; dropping it stops it.
pub struct Meta {
    /// Where HTTP is served (the real port when 0 was asked for).
    pub listen: SocketAddr,
    /// The relay's address.
    pub media: SocketAddr,
    exchange: Arc<Exchange>,
    tasks: JoinSet<()>,
}

/// Why it could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is taken or not ours.
    #[error("cannot bind {what} {addr}: {source}")]
    Bind {
        /// Which of the addresses.
        what: &'static str,
        /// The address.
        addr: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// No HTTP client.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl Meta {
    /// Binds, starts the relay's thread and the tasks.
    pub async fn start(settings: Settings) -> Result<Meta, StartError> {
        // WHY: reqwest is built without a TLS provider; a second install is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bind = |what, addr| move |source| StartError::Bind { what, addr, source };
        let http = TcpListener::bind(settings.listen).await.map_err(bind("--listen", settings.listen))?;
        let listen = http.local_addr().map_err(bind("--listen", settings.listen))?;
        let relay = Relay::start(settings.media).map_err(bind("--media", settings.media))?;
        let media = relay.media();
        let post = Post::new(&settings.webhook, &settings.app_secret, &settings.verify_token, settings.time_scale)?;
        let line = Line {
            display_number: settings.display_number,
            phone_number_id: settings.phone_number_id,
            waba_id: WABA_ID.to_owned(),
        };
        let exchange =
            Arc::new(Exchange::new(line, settings.token, relay, post.clone(), settings.time_scale, settings.seed));
        let mut tasks = JoinSet::new();
        tasks.spawn(Exchange::run(Arc::downgrade(&exchange)));
        tasks.spawn(post.shake_hands(1_158_201_444));
        let app = app(Arc::clone(&exchange));
        tasks.spawn(async move {
            if let Err(error) = axum::serve(http, app).await {
                tracing::error!(%error, "the HTTP side of the stand-in stopped");
            }
        });
        Ok(Meta { listen, media, exchange, tasks })
    }

    /// The switchboard, for tests in the same process.
    pub fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Stops serving.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

fn app(exchange: Arc<Exchange>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .merge(page::routes())
        .merge(control::routes())
        .merge(control_users::routes())
        .merge(graph::routes())
        .fallback(graph::nowhere)
        .with_state(exchange)
}

const WABA_ID: &str = "102290129340398";
