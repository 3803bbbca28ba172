//! `aml/check`.

use crate::main_loop::{Reply, give};
use crate::spec_finder::{self, FoundSpec};
use crate::to_proto;
use protocol::check::{CheckAnswer, CheckParams, FileReport};
use std::path::PathBuf;

pub(crate) fn check(params: CheckParams, reply: Reply<CheckAnswer>) {
    tokio::task::spawn_blocking(move || {
        let names: Vec<_> = params.files.iter().map(PathBuf::from).collect();
        let specs = spec_finder::find(&names);
        give(reply, specs.map(|specs| CheckAnswer { files: specs.into_iter().map(report).collect() }));
    });
}

fn report(FoundSpec { shown, reading }: FoundSpec) -> FileReport {
    FileReport {
        file: shown,
        kind: reading.kind.word().to_owned(),
        runnable: reading.kind.runs_here(),
        wants_environment: reading.kind.wants_environment(),
        summary: reading.summary.unwrap_or_default(),
        diagnostics: reading.diagnostics.iter().map(to_proto::diagnostic).collect(),
    }
}
