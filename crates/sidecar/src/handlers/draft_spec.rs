//! `aml/draftSpec`: writes a new spec from the wizard's answers. Never over a file that is there.

use crate::files;
use crate::main_loop::{Reply, give};
use engine::failure::{Blame, Failure};
use engine::message;
use engine::spec::draft::{self, Draft, DraftEnvironment};
use protocol::draft::{DraftSpecAnswer, DraftSpecParams};
use std::path::{Path, PathBuf};

pub(crate) fn draft_spec(params: DraftSpecParams, reply: Reply<DraftSpecAnswer>) {
    tokio::task::spawn_blocking(move || give(reply, write(&params)));
}

fn write(params: &DraftSpecParams) -> Result<DraftSpecAnswer, Failure> {
    let file = PathBuf::from(&params.file);
    let is_v1 = file.extension().is_some_and(|ending| ending == "runconfig");
    // The paths of a run configuration in `.azureml` are seen from the folder above.
    let home = file.parent().unwrap_or(Path::new(""));
    let folder = if is_v1 && home.ends_with(".azureml") { home.parent().unwrap_or(home) } else { home };
    refuse_existing(&file)?;
    let (environment, conda) = environment(params, folder)?;
    let dataset = params.dataset.as_ref().map(|path| {
        let written = relative(Path::new(path), folder).unwrap_or_else(|_| path.clone());
        let is_file = files::is_file(&folder.join(&written));
        (written, is_file)
    });
    let script = relative(Path::new(&params.script), folder)?;
    let draft = Draft { experiment: params.experiment.clone(), environment, script, dataset };
    let text = if is_v1 { draft::run_configuration(&draft) } else { draft::command_job(&draft) };
    if let Some((path, text)) = &conda {
        files::write(path, text.as_bytes())?;
    }
    files::write(&file, text.as_bytes())?;
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    Ok(DraftSpecAnswer { file: shown(&file), conda: conda.map(|(path, _)| shown(&path)) })
}

/// The environment as the spec names it, and the copy of a conda file that gets debugpy.
fn environment(
    params: &DraftSpecParams,
    folder: &Path,
) -> Result<(DraftEnvironment, Option<(PathBuf, String)>), Failure> {
    let named = params.environment.clone();
    let path = || relative(Path::new(&params.environment), folder);
    Ok(match params.environment_kind.as_str() {
        "file" => (DraftEnvironment::File(path()?), None),
        "named" => (DraftEnvironment::Named(named), None),
        "dockerfile" => (DraftEnvironment::Dockerfile(path()?), None),
        "conda" => {
            let conda = path()?;
            let copy = if params.debugpy { with_debugpy(&conda, folder)? } else { None };
            let used = match &copy {
                Some((path, _)) => relative(path, folder)?,
                None => conda,
            };
            (DraftEnvironment::Conda(used), copy)
        }
        _ => (DraftEnvironment::Image(named), None),
    })
}

fn with_debugpy(conda: &str, folder: &Path) -> Result<Option<(PathBuf, String)>, Failure> {
    let path = folder.join(conda);
    let Some(text) = draft::with_debugpy(&files::read_text(&path)?) else { return Ok(None) };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let copy = path.with_file_name(format!("{stem}.debugpy.yml"));
    refuse_existing(&copy)?;
    Ok(Some((copy, draft::copied_from(conda) + &text)))
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if !files::exists(path) {
        return Ok(());
    }
    Err(Failure::new(Blame::User, message!("draft.exists", path = path.display()))
        .with_fix(message!("draft.exists.fix")))
}

/// A path as it is written in a spec of the folder: with `/`, and below the folder. One that is relative
/// already is left as it is.
fn relative(path: &Path, folder: &Path) -> Result<String, Failure> {
    let inside = if path.is_absolute() { path.strip_prefix(folder).ok() } else { Some(path) };
    match inside {
        Some(path) => Ok(path.to_string_lossy().replace('\\', "/")),
        None => {
            let what = message!("draft.outside", path = path.display(), folder = folder.display());
            Err(Failure::new(Blame::User, what).with_fix(message!("draft.outside.fix")))
        }
    }
}
