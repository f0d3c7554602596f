//! `bench`: plays the other side of Patchbay's wires, and measures.

use bench::cli::{self, Asked};
use bench::meta::Meta;

fn main() -> std::process::ExitCode {
    match cli::read(std::env::args().skip(1)) {
        Ok(Asked::Help(text)) => {
            print!("{text}");
            std::process::ExitCode::SUCCESS
        }
        Ok(Asked::Meta(settings)) => run(*settings),
        Ok(Asked::Bare) => bench::bare::run().map_or_else(|why| fail(&why), |()| std::process::ExitCode::SUCCESS),
        Ok(Asked::Run(wanted)) => match bench::run::run(&wanted) {
            Ok(report) => {
                print!("{report}");
                if report.passed() { std::process::ExitCode::SUCCESS } else { THRESHOLD_MISSED.into() }
            }
            Err(why) => fail(&why),
        },
        Err(why) => fail(&why),
    }
}

fn run(settings: bench::meta::Settings) -> std::process::ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,str0m=error".into()),
        )
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let code = runtime.block_on(async {
        let webhook = settings.webhook.clone();
        let meta = match Meta::start(settings).await {
            Ok(meta) => meta,
            Err(error) => return fail(&error.to_string()),
        };
        println!("Caller's phone   http://{}/", meta.listen);
        println!("Graph API        http://{}/v23.0", meta.listen);
        println!("Media relay      udp {}", meta.media);
        println!("Webhooks go to   {webhook}");
        stopped().await;
        meta.stop().await;
        std::process::ExitCode::SUCCESS
    });
    runtime.shutdown_background();
    code
}

/// Ctrl-C, or a polite kill.
async fn stopped() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

fn fail(why: &str) -> std::process::ExitCode {
    eprintln!("bench: {why}");
    std::process::ExitCode::FAILURE
}

/// As k6 has it: it ran, and did not come out as wanted.
const THRESHOLD_MISSED: u8 = 99;
