//! The variant of a pipeline whose chosen steps await a debugger: made, written, and judged once more.

use crate::{files, spec_reader};
use engine::check;
use engine::diagnostic::Severity;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::message::Message;
use engine::variant::{Call, Variant, Wish, variant};
use std::path::{Path, PathBuf};

/// Seconds that a step waits for its debugger, as on the published page.
pub(crate) const WAIT_S: u32 = 300;

/// A variant that is written.
#[derive(Debug)]
pub(crate) struct Made {
    /// Where the pipeline of it stands.
    pub(crate) output: PathBuf,
    /// Its files and remarks.
    pub(crate) variant: Variant,
}

impl Made {
    /// What to do with it.
    pub(crate) fn next(&self, shown: &str, wait: u32) -> Message {
        message!("variant.next", file = shown, seconds = wait)
    }
}

/// What is asked for, as a person or an editor says it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The pipeline.
    pub(crate) pipeline: &'a Path,
    /// The chosen steps.
    pub(crate) steps: &'a [String],
    /// `NAME.debug.yml` beside the pipeline where nothing is said.
    pub(crate) output: Option<&'a Path>,
    /// Seconds that a step waits.
    pub(crate) wait: u32,
    /// Where the steps call, if they do.
    pub(crate) call: Option<Call<'a>>,
    /// The ranks that wait; all where none is named.
    pub(crate) ranks: &'a [u32],
}

/// Makes and writes it.
pub(crate) fn write(asked: Asked<'_>) -> Result<Made, Failure> {
    let Asked { steps, output, wait, call, ranks, .. } = asked;
    let pipeline = spec_reader::absolute(asked.pipeline)?;
    let output = match output {
        Some(output) => spec_reader::absolute(output)?,
        None => {
            let stem = pipeline.file_stem().unwrap_or_default().to_string_lossy();
            pipeline.with_file_name(format!("{stem}.debug.yml"))
        }
    };
    // The first word on a file that is not there or not well is the file's own.
    files::read_text(&pipeline)?;
    let before = errors(&pipeline)?;
    let wish = Wish { pipeline: &pipeline, steps, output: &output, wait, call, ranks };
    let made = variant(&wish, |path| files::read_text(path).ok())?;
    for file in &made.files {
        files::write(&file.to, file.new.as_bytes())?;
    }
    // What was well before is well now, or it is a defect of ours that nobody should submit.
    let after = errors(&output)?;
    if before.is_empty() && !after.is_empty() {
        return Err(Failure::new(Blame::Internal, message!("instrument.not-edited")).with_detail(after));
    }
    Ok(Made { output, variant: made })
}

fn errors(path: &Path) -> Result<Vec<String>, Failure> {
    let reading = spec_reader::read(path)?;
    let errors = reading.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    Ok(errors.map(|finding| check::plain(&path.display().to_string(), finding).text()).collect())
}
