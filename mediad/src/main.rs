//! `mediad --config <path>`: the media server.

use std::path::PathBuf;
use std::process::ExitCode;

use mediad::shell::Shell;
use mediad::shell::config::Config;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let config = match arguments().map(|path| Config::read(path, std::env::vars())) {
        Ok(Ok(config)) => config,
        Ok(Err(why)) => return refuse(&why.to_string()),
        Err(usage) => return refuse(&usage),
    };
    start_log(&config);
    let shell = match Shell::open(&config) {
        Ok(shell) => shell,
        Err(why) => return refuse(&why.to_string()),
    };
    let (first, last) = config.ports;
    tracing::info!("mediad listens on {} and UDP ports {first} to {last}", config.socket.display());
    match shell.run() {
        Ok(()) => {
            tracing::info!("mediad has closed its recordings and ends");
            ExitCode::SUCCESS
        }
        Err(why) => {
            tracing::error!("mediad cannot go on: {why}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<PathBuf, String> {
    let mut words = std::env::args_os().skip(1);
    match (words.next(), words.next(), words.next()) {
        (Some(flag), Some(path), None) if flag == "--config" => Ok(path.into()),
        _ => Err("usage: mediad --config <path>".to_owned()),
    }
}

fn start_log(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.log_json {
        log.json().init();
    } else {
        log.with_target(false).init();
    }
}

/// One sentence, and the exit code for what the operator must change.
fn refuse(why: &str) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "mediad: {why}");
    ExitCode::from(2)
}
