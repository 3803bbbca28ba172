//! `aml/check`.

use crate::main_loop::{Reply, give};
use crate::{spec_reader, to_proto};
use engine::failure::Failure;
use protocol::check::{CheckAnswer, CheckParams, FileReport};
use std::path::Path;

pub(crate) fn check(params: CheckParams, reply: Reply<CheckAnswer>) {
    tokio::task::spawn_blocking(move || {
        let files = params.files.iter().map(|file| report(file)).collect::<Result<_, _>>();
        give(reply, files.map(|files| CheckAnswer { files }));
    });
}

/// What there is to say of one file.
///
/// # Errors
/// The file cannot be read at all.
pub(crate) fn report(file: &str) -> Result<FileReport, Failure> {
    let path = spec_reader::absolute(Path::new(file))?;
    let reading = spec_reader::read(&path)?;
    Ok(FileReport {
        file: file.to_owned(),
        kind: reading.kind.word().to_owned(),
        runnable: reading.kind.runs_here(),
        wants_environment: reading.kind.wants_environment(),
        summary: reading.summary.unwrap_or_default(),
        diagnostics: reading.diagnostics.iter().map(to_proto::diagnostic).collect(),
    })
}
