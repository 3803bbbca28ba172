//! Reading specs from disk: the engine crate asks for files, and here they are looked up.

use crate::files;
use engine::check;
use engine::diagnostic::Severity;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::spec::environment::Environment;
use engine::spec::files::Files;
use engine::spec::{self, Body, Reading};
use std::path::{Path, PathBuf};

/// The files of this machine, as they are when each is first asked for.
pub(crate) fn on_disk() -> Files {
    Files::looking(files::look)
}

/// Reads a spec with all that it refers to. `path` is absolute.
///
/// # Errors
/// The file itself cannot be read; what is wrong inside it is in the reading.
pub(crate) fn read(path: &Path) -> Result<Reading, Failure> {
    read_with(path, &on_disk())
}

/// The same; what was looked up is kept for the next spec.
pub(crate) fn read_with(path: &Path, known: &Files) -> Result<Reading, Failure> {
    let bytes = files::read(path, files::TEXT_LIMIT)?;
    Ok(spec::read(path, &bytes, known))
}

/// What an image that has all in it is known by where no script is mounted over its own: a name in the working
/// directory.
pub(crate) fn of_image(image: &str) -> Result<PathBuf, Failure> {
    absolute(Path::new(image.rsplit('/').next().unwrap_or(image)))
}

/// A path against the working directory.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(Blame::User, message!("files.read", path = path.display(), cause = error))
    })
}

/// What a person names as an environment: a file with one, or an image.
///
/// # Errors
/// The file is there and is no environment, or is not well.
pub(crate) fn environment(named: &str) -> Result<Environment, Failure> {
    let path = absolute(Path::new(named))?;
    if !files::exists(&path) {
        return Ok(Environment::of_image(named));
    }
    let reading = read(&path)?;
    let kind = reading.kind;
    match reading.spec.map(|spec| spec.body) {
        Some(Body::Environment(environment)) => Ok(environment),
        _ => {
            let errors = reading.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
            let what = message!("run.no-environment-in", file = named, kind = kind.title());
            Err(Failure::new(Blame::User, what)
                .with_said(errors.map(|finding| check::plain(named, finding)))
                .with_fix(message!("run.no-environment-in.fix")))
        }
    }
}
