//! The command line of `bench`, read without a library: few words, each with one meaning.

use std::net::SocketAddr;

use crate::meta::Settings;
use crate::run::Wanted;

/// What was asked for.
#[derive(Debug)]
pub enum Asked {
    /// Run the stand-in.
    Meta(Box<Settings>),
    /// Measure.
    Run(Wanted),
    /// Be the bare loop.
    Bare,
    /// Print this and leave.
    Help(&'static str),
}

/// Reads the arguments after the program's name. The error is one sentence for the terminal.
pub fn read(args: impl IntoIterator<Item = String>) -> Result<Asked, String> {
    let mut args = args.into_iter();
    match args.next().as_deref() {
        Some("meta") => meta(args),
        Some("run") => run(args),
        Some("bare") => Ok(Asked::Bare),
        None | Some("help" | "-h" | "--help") => Ok(Asked::Help(HELP)),
        Some(other) => Err(format!("unknown command {other:?}; try bench --help")),
    }
}

fn meta(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    // WHY: the business keeps its calls over a restart; ids that came again would look like repeats of old webhooks.
    let mut settings = Settings { seed: rand::random(), ..Settings::default() };
    while let Some(flag) = args.next() {
        if flag == "-h" || flag == "--help" {
            return Ok(Asked::Help(HELP_META));
        }
        let (flag, value) = match flag.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (flag, args.next()),
        };
        if !FLAGS.contains(&flag.as_str()) {
            return Err(format!("unknown option {flag}; try bench meta --help"));
        }
        let value = value.ok_or_else(|| format!("{flag} needs a value"))?;
        set(&mut settings, &flag, value)?;
    }
    Ok(Asked::Meta(Box::new(settings)))
}

fn run(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut wanted = Wanted::default();
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "-h" | "--help" => return Ok(Asked::Help(HELP_RUN)),
            "--mediad" => wanted.mediad = Some(value()?.into()),
            "--audio" => wanted.audio_dir = Some(value()?.into()),
            "--json" => wanted.json = Some(value()?.into()),
            "--against-bare" => wanted.against_bare = true,
            "--calls" => wanted.calls = Some(number(&flag, &value()?)?),
            "--measure" => wanted.measure_s = Some(number(&flag, &value()?)?),
            "--repeats" => wanted.repeats = Some(number(&flag, &value()?)?),
            other if other.starts_with('-') => return Err(format!("unknown option {other}; try bench run --help")),
            _ if wanted.scenario.as_os_str().is_empty() => wanted.scenario = flag.into(),
            other => return Err(format!("one scenario at a time; {other:?} is the second")),
        }
    }
    match wanted.scenario.as_os_str().is_empty() {
        true => Err("bench run needs a scenario, such as bench/scenarios/bridge.toml".to_owned()),
        false => Ok(Asked::Run(wanted)),
    }
}

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} must be a number, not {value:?}"))
}

fn set(settings: &mut Settings, flag: &str, value: String) -> Result<(), String> {
    match flag {
        "--listen" => settings.listen = address(flag, &value)?,
        "--media" => {
            settings.media = address(flag, &value)?;
            if settings.media.ip().is_unspecified() {
                return Err("--media must name one address: it is written into the SDP".to_owned());
            }
        }
        "--webhook" => settings.webhook = value,
        "--app-secret" => settings.app_secret = value,
        "--verify-token" => settings.verify_token = value,
        "--token" => settings.token = value,
        "--phone-number-id" => settings.phone_number_id = value,
        "--display-number" => settings.display_number = value.chars().filter(char::is_ascii_digit).collect(),
        "--seed" => settings.seed = value.parse().map_err(|_| format!("--seed must be a number, not {value:?}"))?,
        "--time-scale" => {
            let scale: f64 = value.parse().map_err(|_| format!("--time-scale must be a number, not {value:?}"))?;
            if !(0.001..=1.0).contains(&scale) {
                return Err("--time-scale must lie between 0.001 and 1".to_owned());
            }
            settings.time_scale = scale;
        }
        other => return Err(format!("unknown option {other}")),
    }
    Ok(())
}

fn address(flag: &str, value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_| format!("{flag} must be an address such as 127.0.0.1:8090, not {value:?}"))
}

const FLAGS: [&str; 10] = [
    "--listen",
    "--media",
    "--webhook",
    "--app-secret",
    "--verify-token",
    "--token",
    "--phone-number-id",
    "--display-number",
    "--seed",
    "--time-scale",
];

const HELP: &str = "bench: the other side of Patchbay's wires

usage: bench <command> [options]

commands:
  run     put load on a mediad and measure it
  meta    play Meta for one business number: Graph API, webhooks, media relay, and a phone to call from
  bare    be the loop a server is held against; bench run starts it by itself

bench <command> --help says more.
";

const HELP_RUN: &str = "bench run: real legs (ICE, DTLS, SRTP, Opus) against a real mediad, on this machine's loopback

usage: bench run SCENARIO.toml [options]

  --mediad PROGRAM   the server                                            [the mediad beside this program]
  --audio FOLDER     prepared clips                                        [the house's own]
  --calls N          instead of the scenario's number of calls
  --measure SECONDS  instead of the scenario's length
  --repeats N        instead of the scenario's number of times
  --against-bare     each time also the bare loop: same packets, same sockets, no call logic
  --json FILE        the report, every figure of it, as JSON

Exit code: 0 passed; 99 a threshold was missed, or the callers were the bottleneck; anything else: it did not run.
Scenarios that come with it: bench/scenarios/. Build both for speed: cargo build --release -p mediad -p bench
";

const HELP_META: &str = "bench meta: a stand-in for Meta's side of WhatsApp calling

usage: bench meta [options]

  --listen ADDR           Graph façade, control API and the caller's phone page   [127.0.0.1:8090]
  --media ADDR            the relay's one UDP address for all calls               [127.0.0.1:3480]
  --webhook URL           where the business takes webhooks                       [http://127.0.0.1:8080/webhooks/acc_demo]
  --app-secret TEXT       signs the webhooks                                      [demo-app-secret]
  --verify-token TEXT     sent with the webhook challenge                         [demo-verify]
  --token TEXT            bearer token the Graph façade wants                     [demo-token]
  --phone-number-id ID    the business number's id                                [106540352242922]
  --display-number N      the business number                                     [15559990000]
  --seed N                same seed, same ids and numbers                         [random]
  --time-scale X          seconds of real time for one second of Meta's timers    [1]

A phone to use:    http://ADDR/            in a browser
To place a call:   curl -X POST http://ADDR/control/calls -d '{\"name\":\"Ana\",\"source\":\"speech\"}'
To look at it:     curl http://ADDR/control/calls/WACID          (percent-encode the id)
To press keys:     curl -X POST http://ADDR/control/calls/WACID/digits -H 'content-type: application/json' -d '{\"digits\":\"1\"}'
What it heard:     http://ADDR/control/calls/WACID/heard.ogg and heard.wav
To be called:      curl -X PUT http://ADDR/control/users/15550001111/permission -d '{\"status\":\"permanent\"}'
                   curl -X PUT http://ADDR/control/users/15550001111/script -d '{\"then\":\"answer\"}'
The rest of it:    bench/README.md
Sources of sound:  silence, tone (tone_hz), speech, file (file)
Faults of a call:  {\"faults\":{\"duplicate\":2,\"drop\":\"connect\",\"delay_ms\":500,\"terminate_before_connect\":true,
                   \"wrong_signature\":true,\"ice_pwd_padded\":true,\"missing_contacts\":true,\"missing_phone\":true,
                   \"stale_secs\":600,\"shuffled_keys\":true,\"old_sdp\":true,\"rsa_certificate\":true, ...}}
                   (each knob is described in bench/src/meta/faults.rs)
";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Asked, String> {
        read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn a_run_takes_one_scenario_and_its_options_in_any_order() {
        let Ok(Asked::Run(wanted)) = words("run --calls 7 a.toml --against-bare --json out.json") else {
            panic!("not a run")
        };
        assert_eq!((wanted.calls, wanted.against_bare, wanted.json), (Some(7), true, Some("out.json".into())));
        assert_eq!(wanted.scenario, std::path::PathBuf::from("a.toml"));
        assert!(words("run").unwrap_err().contains("scenario"));
        assert!(words("run a.toml b.toml").unwrap_err().contains("b.toml"));
        assert!(words("run a.toml --calls many").unwrap_err().contains("--calls"));
        assert!(matches!(words("bare"), Ok(Asked::Bare)));
    }
}
