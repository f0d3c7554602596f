//! Serving: the parts are wired, the door opens, and a signal closes it again.

use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use controld::app::passwords::Passwords;
use controld::app::{App, WireError, demo};
use controld::config::Config;
use controld::http;
use controld::http::door::{Door, DoorError};
use controld::http::serving;
use controld::model::clock;
use controld::store::vault::{Vault, VaultError};
use controld::store::{Store, StoreError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

/// Runs until a signal comes.
pub(crate) fn run(config: Config, file: Option<PathBuf>) -> Result<(), ServeError> {
    // WHY: before anything else touches TLS. With two providers in one build, whoever asks first would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    log(&config)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?
        .block_on(house(config, file))
}

/// What ended the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Ctrl-C: a person wants everything gone.
    Interrupt,
    /// SIGTERM: a restart; calls go on in mediad (D14).
    Terminate,
}

/// Why the house does not stand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// No threads.
    #[error("the runtime does not start: {0}")]
    Runtime(#[source] std::io::Error),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The key of the secrets.
    #[error("{0}")]
    Vault(#[from] VaultError),
    /// A part.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// The demo.
    #[error("{0}")]
    Demo(#[from] demo::SeedError),
    /// A folder.
    #[error("{0} cannot be used: {1}")]
    Folder(String, #[source] std::io::Error),
    /// The door.
    #[error("{0}")]
    Door(#[from] DoorError),
    /// The log filter.
    #[error("[server] log is no filter: {0}")]
    Log(String),
}

async fn house(config: Config, file: Option<PathBuf>) -> Result<(), ServeError> {
    for folder in [&config.calling.audio_dir, &config.media.spool_dir, &config.media.recordings_dir] {
        std::fs::create_dir_all(folder).map_err(|why| ServeError::Folder(folder.clone(), why))?;
    }
    for folder in [&config.media.spool_dir, &config.media.recordings_dir] {
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder, private).map_err(|why| ServeError::Folder(folder.clone(), why))?;
    }
    let key_file = config.key_file();
    let store = Store::open(&config.database.url).await?.with_vault(Vault::with_key_in(&key_file)?);
    let passwords = Passwords::new();
    let audio_dir = &config.calling.audio_dir;
    demo::put_sounds(Path::new(audio_dir)).map_err(|why| ServeError::Folder(audio_dir.clone(), why))?;
    if config.server.demo {
        open_demo(&store, &passwords).await?;
    }
    let app = App::wire(config, file, store, passwords).await?;
    let door = Door::open(&app.config).await?;
    info!("controld listens on {}; people find it at {}", door.address(), app.config.server.public_url);
    let house = http::house(app.clone());
    let (say_end, end) = tokio::sync::watch::channel(None);
    let mut closing = end.clone();
    tokio::spawn(async move { say_end.send_replace(Some(signalled().await)) });
    let (say_closing, closed) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        let _ = closing.wait_for(Option::is_some).await;
        say_closing.send_replace(true);
        std::future::pending::<()>().await;
    });
    let serving = serving::serve(door, house, &app.proxies, serving::Limits::default(), closed);
    // WHY: a WebSocket never ends by itself; what is not finished a moment after the signal is cut.
    let mut cut = end.clone();
    let patience = async move {
        let _ = cut.wait_for(Option::is_some).await;
        tokio::time::sleep(Duration::from_millis(PATIENCE_MS)).await;
    };
    tokio::select! {
        () = serving => {}
        () = patience => {}
    }
    let ended = *end.borrow();
    info!("controld ends{}", if ended == Some(Ended::Terminate) { "; calls go on in mediad" } else { "" });
    app.desk.close(ended == Some(Ended::Interrupt)).await;
    app.store.close().await;
    Ok(())
}

async fn open_demo(store: &Store, passwords: &Passwords) -> Result<(), ServeError> {
    if demo::move_in(store, passwords, clock::now()).await? {
        warn!("the demo organisation has moved in; its password is published, keep this server to yourself");
    }
    Ok(())
}

async fn signalled() -> Ended {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return Ended::Interrupt;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ended::Interrupt,
        _ = terminate.recv() => Ended::Terminate,
    }
}

fn log(config: &Config) -> Result<(), ServeError> {
    let filter = EnvFilter::try_new(&config.server.log).map_err(|why| ServeError::Log(why.to_string()))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match config.server.log_format.as_str() {
        "json" => lines.json().init(),
        _ => lines.init(),
    }
    Ok(())
}

const PATIENCE_MS: u64 = 2_000;
