//! `aml/check`.

use crate::main_loop::{Reply, give};
use crate::spec_finder::{self, FoundSpec};
use crate::to_proto;
use engine::spec::Body;
use protocol::check::{CheckAnswer, CheckParams, FileReport};
use std::path::{Path, PathBuf};

pub(crate) fn check(params: CheckParams, reply: Reply<CheckAnswer>) {
    tokio::task::spawn_blocking(move || {
        let names: Vec<_> = params.files.iter().map(PathBuf::from).collect();
        let specs = spec_finder::find(&names);
        give(reply, specs.map(|specs| CheckAnswer { files: specs.into_iter().map(report).collect() }));
    });
}

fn report(FoundSpec { shown, reading }: FoundSpec) -> FileReport {
    let body = reading.spec.as_ref().map(|spec| &spec.body);
    let steps = match body {
        Some(Body::Pipeline(pipeline)) => pipeline.commands(),
        _ => Vec::new(),
    };
    let entry_script = match body {
        Some(Body::Deployment(deployment)) => {
            let folder = reading.spec.as_ref().and_then(|spec| spec.path.parent()).unwrap_or(Path::new(""));
            deployment.script_from(folder).map(|path| path.to_string_lossy().into_owned())
        }
        _ => None,
    };
    FileReport {
        deployable: reading.kind.is_online_deployment(),
        steps,
        entry_script,
        file: shown,
        kind: reading.kind.word().to_owned(),
        runnable: reading.kind.runs_here(),
        wants_environment: reading.kind.wants_environment(),
        summary: reading.summary.unwrap_or_default(),
        diagnostics: reading.diagnostics.iter().map(to_proto::diagnostic).collect(),
    }
}
