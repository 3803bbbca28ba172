//! Values of the command line, read and checked.

use super::arguments::{Image, Values};
use crate::settings::{Settings, read_env_file};
use engine::failure::{Blame, Failure};
use engine::message;
use protocol::run::StartRunParams;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to start, from the words of `run` and `build`.
pub(crate) fn start_params(
    settings: &Settings,
    file: &Path,
    values: &Values,
    image: &Image,
) -> Result<StartRunParams, Failure> {
    if !file.exists() {
        return Err(Failure::new(Blame::User, message!("cli.no-such-file", file = file.display()))
            .with_fix(message!("cli.no-such-file.fix")));
    }
    Ok(StartRunParams {
        spec: std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).to_string_lossy().into_owned(),
        environment: image.environment.clone(),
        inputs: inputs(&values.set)?,
        env: environment(settings, &values.env, &values.env_file)?,
        secrets: values.secret.clone(),
        rebuild: image.rebuild,
        pull: image.pull,
        ..StartRunParams::default()
    })
}

fn inputs(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let one = |text: &String| {
        let (name, value) = text.split_once('=')?;
        Some((name.strip_prefix("inputs.")?.to_owned(), value.to_owned()))
    };
    set.iter().map(|text| one(text).ok_or_else(|| bad("--set", text, "inputs.NAME=VALUE"))).collect()
}

/// Files first, then flags; a later one wins.
pub(crate) fn environment(
    settings: &Settings,
    env: &[String],
    env_file: &[PathBuf],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut environment = BTreeMap::new();
    for file in env_file {
        environment.extend(read_env_file(file, |name| settings.variable(name).map(str::to_owned))?);
    }
    for text in env {
        let (name, value) = text.split_once('=').ok_or_else(|| bad("--env", text, "NAME=VALUE"))?;
        environment.insert(name.to_owned(), value.to_owned());
    }
    Ok(environment)
}

/// A place of `--break`, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BreakPlace {
    /// The file as written.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: u32,
}

/// `FILE:LINE`; a colon in the file's name or a drive letter is the file's.
pub(crate) fn break_place(text: &str) -> Result<BreakPlace, Failure> {
    let place = || {
        let (file, line) = text.rsplit_once(':')?;
        let line = line.parse().ok().filter(|line| *line > 0)?;
        (!file.is_empty()).then(|| BreakPlace { file: file.to_owned(), line })
    };
    place().ok_or_else(|| bad("--break", text, "FILE:LINE"))
}

impl BreakPlace {
    /// The file as a step of a pipeline is looked for by it: absolute if it is one of the working directory's.
    pub(crate) fn file_of_step(&self) -> String {
        let here = std::path::absolute(&self.file).unwrap_or_else(|_| PathBuf::from(&self.file));
        if here.is_file() { here.to_string_lossy().into_owned() } else { self.file.clone() }
    }

    /// The file on this machine: against the working directory first, then the code folder.
    pub(crate) fn local(&self, code: &Path) -> Result<PathBuf, Failure> {
        let here = std::path::absolute(&self.file).unwrap_or_else(|_| PathBuf::from(&self.file));
        let places = [here, code.join(&self.file)];
        places.iter().find(|place| place.is_file() && place.starts_with(code)).cloned().ok_or_else(|| {
            Failure::new(Blame::User, message!("cli.break-file", file = self.file, code = code.display()))
                .with_fix(message!("cli.break-file.fix"))
        })
    }
}

fn bad(flag: &str, text: &str, form: &str) -> Failure {
    Failure::new(Blame::User, message!("cli.bad-value", flag = flag, value = text, form = form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_names_a_file_and_a_line_from_one() {
        let place = |file: &str, line| BreakPlace { file: file.to_owned(), line };
        assert_eq!(break_place("src/train.py:23").unwrap(), place("src/train.py", 23));
        assert_eq!(break_place(r"C:\a\train.py:7").unwrap(), place(r"C:\a\train.py", 7));
        for wrong in ["train.py", "train.py:", "train.py:0", ":4", "train.py:x"] {
            assert_eq!(break_place(wrong).unwrap_err().blame, Blame::User, "{wrong}");
        }
    }
}
