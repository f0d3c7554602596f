//! The command line of controld: serve, check-config, openapi.

use std::path::PathBuf;
use std::process::ExitCode;

use controld::config::Config;

fn main() -> ExitCode {
    let words = match CommandLine::read(std::env::args().skip(1)) {
        Ok(words) => words,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(BAD_CONFIG);
        }
    };
    match words.what {
        What::Help => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        What::CheckConfig | What::Serve => check_config(words.config),
    }
}

enum What {
    Serve,
    CheckConfig,
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
                "help" | "--help" | "-h" => line.what = What::Help,
                other => return Err(format!("controld does not know {other:?}")),
            }
        }
        Ok(line)
    }
}

fn check_config(path: Option<PathBuf>) -> ExitCode {
    let config = match Config::load(path.as_deref(), std::env::vars()) {
        Ok(config) => config,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(BAD_CONFIG);
        }
    };
    for remark in config.remarks() {
        println!("note: {remark}");
    }
    let faults = config.faults();
    for fault in &faults {
        eprintln!("wrong: {fault}");
    }
    if faults.is_empty() {
        println!("the configuration is sound");
        return ExitCode::SUCCESS;
    }
    ExitCode::from(BAD_CONFIG)
}

const BAD_CONFIG: u8 = 2;
const USAGE: &str = "\
controld [--config PATH]                 serve
controld [--config PATH] check-config    say what is wrong before anything starts
controld openapi                         print the API's document";
