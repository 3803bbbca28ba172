//! `aml/startRun`.

use crate::clock;
use crate::state::State;
use crate::store::RunRecord;
use engine::failure::Failure;
use engine::run::{Run, Wish};
use protocol::run::{RunAnswer, StartRunParams};
use std::path::PathBuf;

/// Gives the run a name, a folder and an owner, and starts reading its spec.
pub(crate) fn start_run(state: &mut State, params: StartRunParams) -> Result<RunAnswer, Failure> {
    let now = clock::now_ms();
    let spec = PathBuf::from(&params.spec);
    // Until the spec is read, its file's folder is the best name there is for the experiment.
    let experiment = params.experiment.clone().unwrap_or_else(|| folder_name(&spec));
    let id = state.store.new_run_id(&experiment, now)?;
    let mut record = RunRecord::new(id.clone(), &experiment, spec, now);
    record.debug = params.debug;
    if params.image_only {
        record.kind = "build".to_owned();
    }
    let ownership = state.store.begin(&record)?;
    let (run, effects) = Run::start(id.clone(), wish(state, &params), now);
    state.take_in(run, record, ownership, params, effects);
    Ok(RunAnswer { run: id.0 })
}

pub(super) fn wish(state: &State, params: &StartRunParams) -> Wish {
    Wish {
        debug: params.debug,
        rebuild: params.rebuild,
        pull: params.pull,
        image_only: params.image_only,
        wait_s: state.settings.wait_s,
    }
}

fn folder_name(spec: &std::path::Path) -> String {
    let folder = spec.parent().and_then(|folder| folder.file_name()).or(spec.file_stem());
    folder.map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}
