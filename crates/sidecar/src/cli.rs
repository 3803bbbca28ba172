//! The command line: the same engine as the editor's, with a terminal or a program at the other end.

mod arguments;
mod breaks;
mod check;
mod deploy;
mod deployments;
mod foreground;
mod images;
mod instrument;
mod printer;
mod remote;
mod runs;
mod session;
mod values;
mod variant;

use crate::serve;
use crate::settings::Settings;
use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser};
use engine::failure::{Blame, Failure};
use engine::message;
use printer::Printer;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;
use tracing_subscriber::EnvFilter;

/// Runs the command that the process was started with. `began` is when that was.
pub fn main(began: Instant) -> ExitCode {
    let arguments = Arguments::parse();
    let mut printer = Printer::new(arguments.command.wants_json());
    let outcome = Settings::from_environment().and_then(|settings| {
        log_to_stderr(&settings);
        // One provider for the whole process, before anything makes a TLS connection.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = runtime()?;
        let code = runtime.block_on(perform(arguments.command, settings, &mut printer, began));
        // Standard input is read by a thread that cannot be told to stop.
        runtime.shutdown_background();
        code
    });
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.blame.exit_code())
        }
    }
}

async fn perform(
    command: Command,
    settings: Settings,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    match command {
        Command::Serve => serve::serve(settings, tokio::io::stdin(), tokio::io::stdout()).await,
        Command::Run(run) => foreground::run(settings, run, printer, began).await,
        Command::Rerun(rerun) => foreground::rerun(settings, rerun, printer, began).await,
        Command::Build(build) => foreground::build(settings, build, printer, began).await,
        Command::Attach(attach) => match (attach.name(), attach.node) {
            (Some(name), _) => foreground::attach(settings, name, printer, began).await,
            (None, node) => remote::attach(settings, node, printer, began).await,
        },
        Command::Deploy(deploy) => deploy::deploy(settings, deploy, printer, began).await,
        Command::Deployments(verb) => deployments::deployments(settings, verb, printer).await,
        Command::Check(check) => check::check(&check, printer),
        Command::Variant(arguments) => variant::make(&settings, &arguments, printer),
        Command::Instrument(arguments) => instrument::instrument(&arguments, printer),
        Command::Runs(runs) => runs::runs(settings, runs, printer).await,
        Command::Images(images) => images::images(settings, images, printer).await,
        Command::Doctor(_) => runs::doctor(&settings, printer).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "aml-debug", &mut script);
            // Of a name with a hyphen the generator makes two, and bash then finds no words below the first.
            let script = String::from_utf8_lossy(&script).replace("aml__subcmd__debug", "aml__debug");
            let _ = std::io::stdout().write_all(script.as_bytes());
            Ok(0)
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // Two workers: one may be in the middle of writing a log while a debugger's frame has to pass.
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
        Failure::new(Blame::Environment, message!("internal.no-runtime")).with_detail([error.to_string()])
    })
}

fn log_to_stderr(settings: &Settings) {
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
}
