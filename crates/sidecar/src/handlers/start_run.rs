//! `aml/startRun`.

use crate::clock;
use crate::state::State;
use crate::store::RunRecord;
use engine::failure::Failure;
use engine::run::{Run, Wish};
use protocol::run::{RunAnswer, StartRunParams};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

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
        children: params.children,
    }
}

/// The project folder's name; SDK v1 keeps its run configurations one folder further down.
fn folder_name(spec: &Path) -> String {
    let names = spec.ancestors().skip(1).filter_map(Path::file_name).map(|name| name.to_string_lossy());
    let own = names.into_iter().find(|name| name != ".azureml" && name != "aml_config");
    own.map_or_else(|| "run".to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_the_project_until_its_spec_is_read() {
        assert_eq!(folder_name(Path::new("/p/iris/job.yml")), "iris");
        assert_eq!(folder_name(Path::new("/p/iris/.azureml/train.runconfig")), "iris");
        assert_eq!(folder_name(Path::new("job.yml")), "run");
    }
}
