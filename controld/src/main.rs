//! The command line of controld: serve, check-config, openapi.

mod serve;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use controld::config::Config;
use controld::outside::callback::guard::Guard;

fn main() -> ExitCode {
    // Before any file: what this house writes is for nobody else on the machine, and mediad inherits it.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let line = match CommandLine::read(std::env::args().skip(1)) {
        Ok(line) => line,
        Err(why) => return refused(&format!("{why}\n{USAGE}")),
    };
    match line.what {
        What::Help => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        What::OpenApi => print_document(),
        What::CheckConfig => check_config(line.config),
        What::Serve => serve(line.config),
    }
}

enum What {
    Serve,
    CheckConfig,
    OpenApi,
    Help,
}

struct CommandLine {
    what: What,
    config: Option<PathBuf>,
}

impl CommandLine {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut line = Self { what: What::Serve, config: None };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--config" => line.config = Some(words.next().ok_or("--config needs a path")?.into()),
                "check-config" => line.what = What::CheckConfig,
                "openapi" => line.what = What::OpenApi,
                "help" | "--help" | "-h" => line.what = What::Help,
                other => return Err(format!("controld does not know {other:?}")),
            }
        }
        Ok(line)
    }
}

fn print_document() -> ExitCode {
    match controld::http::document().to_pretty_json() {
        Ok(text) => {
            // Who stops reading early has seen enough.
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(why) => refused(&format!("the document cannot be written: {why}")),
    }
}

fn check_config(path: Option<PathBuf>) -> ExitCode {
    let config = match Config::load(path.as_deref(), std::env::vars()) {
        Ok(config) => config,
        Err(why) => return refused(&why.to_string()),
    };
    for remark in config.remarks() {
        println!("note: {remark}");
    }
    let faults = faults(&config);
    for fault in &faults {
        eprintln!("wrong: {fault}");
    }
    if faults.is_empty() {
        println!("the configuration is sound");
        return ExitCode::SUCCESS;
    }
    ExitCode::from(BAD_CONFIG)
}

fn serve(path: Option<PathBuf>) -> ExitCode {
    let config = match Config::load(path.as_deref(), std::env::vars()) {
        Ok(config) => config,
        Err(why) => return refused(&why.to_string()),
    };
    let faults = faults(&config);
    if !faults.is_empty() {
        return refused(&faults.join("\n"));
    }
    match serve::run(config, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// What the configuration says of itself, and what the rooms that use it say.
fn faults(config: &Config) -> Vec<String> {
    let mut faults = config.faults();
    if let Err(why) = Guard::new(&config.callbacks.hosts, &config.callbacks.ports, &[]) {
        faults.push(format!("[callbacks] hosts: {why}"));
    }
    faults
}

fn refused(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(BAD_CONFIG)
}

const BAD_CONFIG: u8 = 2;
const USAGE: &str = "\
controld [--config PATH]                 serve
controld [--config PATH] check-config    say what is wrong before anything starts
controld openapi                         print the API's document";
