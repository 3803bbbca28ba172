//! Reading specs from disk: the loop that gives the engine crate the files it asks for.

use crate::files;
use engine::diagnostic::{Diagnostic, Severity};
use engine::failure::{Blame, Failure};
use engine::message;
use engine::spec::environment::Environment;
use engine::spec::files::Files;
use engine::spec::{self, Body, Reading};
use std::path::{Path, PathBuf};

/// Far more rounds than a spec that is not a loop of references takes.
const ROUNDS: usize = 64;

/// Reads a spec with all that it refers to. `path` is absolute.
///
/// # Errors
/// The file itself cannot be read; what is wrong inside it is in the reading.
pub(crate) fn read(path: &Path) -> Result<Reading, Failure> {
    let bytes = files::read(path, files::TEXT_LIMIT)?;
    let mut known = Files::default();
    let mut reading = spec::read(path, &bytes, &known);
    for _ in 0..ROUNDS {
        if reading.needs.is_empty() {
            break;
        }
        for need in std::mem::take(&mut reading.needs) {
            let found = files::look(&need);
            known.insert(need, found);
        }
        reading = spec::read(path, &bytes, &known);
    }
    Ok(reading)
}

/// A path against the working directory.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(Blame::User, message!("files.cannot-read", path = path.display()))
            .with_detail([error.to_string()])
    })
}

/// What a person names as an environment: a file with one, or an image.
///
/// # Errors
/// The file is there and is no environment, or is not well.
pub(crate) fn environment(named: &str) -> Result<Environment, Failure> {
    let path = absolute(Path::new(named))?;
    if !files::exists(&path) {
        return Ok(Environment::Inline { image: Some(named.to_owned()), conda: None, build: None });
    }
    let reading = read(&path)?;
    let kind = reading.kind;
    match reading.spec.map(|spec| spec.body) {
        Some(Body::Environment(environment)) => Ok(environment),
        _ => {
            let errors = reading.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
            let what = message!("run.no-environment-in", file = named, kind = kind.title());
            Err(Failure::new(Blame::User, what)
                .with_detail(errors.map(|finding| shown(named, finding)))
                .with_fix(message!("run.no-environment-in.fix")))
        }
    }
}

/// `job.yml:3:5: error: …`, as compilers show it.
pub(crate) fn shown(file: &str, finding: &Diagnostic) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
    };
    let start = finding.range.start;
    format!("{file}:{}:{}: {severity}: {}", start.line + 1, start.character + 1, finding.message)
}
