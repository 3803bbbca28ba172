//! The `aml-debug` binary.

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    sidecar::cli::main(Instant::now())
}
