//! `check`: one file's findings in the form of the command line and the wire.

use crate::diagnostic::{Diagnostic, Range, Severity};
use crate::message;
use crate::message::Message;
use crate::spec::{Kind, Reading};
use serde_json::{Value, json};
use std::path::Path;

/// Whether a file that nobody named is meant as a spec: YAML and JSON serve many masters.
///
/// A `$schema` of Azure ML's says so. Without one, a file counts that is well, or most of whose keys fit.
pub fn is_meant_as_spec(path: &Path, bytes: &[u8], reading: &Reading) -> bool {
    let says_so = bytes.windows(SCHEMAS.len()).any(|window| window == SCHEMAS);
    let is_json = path.extension().is_some_and(|ending| ending == "json");
    match reading.kind {
        _ if says_so && !is_json => true,
        Kind::RunConfig => true,
        Kind::Unknown | Kind::Unparsable | Kind::Script | Kind::Notebook => false,
        // `package.json` has dependencies, too.
        _ if is_json => false,
        _ if reading.is_well() => true,
        _ => {
            let is_key = |line: &&[u8]| line.first().is_some_and(u8::is_ascii_alphabetic);
            let keys = bytes.split(|byte| *byte == b'\n').filter(is_key).count();
            let errors = reading.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
            let at_the_top = errors.filter(|finding| finding.range.start.character == 0).count();
            at_the_top * 2 <= keys
                && !reading.diagnostics.iter().any(|it| it.message.id == "spec.type-missing")
        }
    }
}

/// Stands in the address of each of Azure ML's schemas.
const SCHEMAS: &[u8] = b"azuremlschemas";

/// The line of `check --json` for a file: `file`, `kind`, `summary`, `diagnostics`.
pub fn line(file: &str, reading: &Reading) -> Value {
    json!({
        "file": file,
        "kind": reading.kind.word(),
        "summary": reading.summary,
        "diagnostics": reading.diagnostics.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// A finding on a terminal: `job.yml:3:5: error: … [spec.unknown-key]`.
pub fn plain(file: &str, finding: &Diagnostic) -> Message {
    let at = finding.range.start;
    let severity = serde_json::to_value(finding.severity).unwrap_or_default();
    message!(
        "spec.finding",
        file = file,
        line = at.line + 1,
        column = at.character + 1,
        severity = severity.as_str().unwrap_or_default(),
        text = finding.message,
        code = finding.message.id
    )
}

fn finding(finding: &Diagnostic) -> Value {
    let range = |range: &Range| serde_json::to_value(range).unwrap_or_default();
    json!({
        "severity": finding.severity,
        "code": finding.message.id,
        "message": finding.message.text(),
        "range": range(&finding.range),
        "fix": finding.fix.as_ref().map(|fix| json!({
            "title": fix.title.text(),
            "range": range(&fix.range),
            "newText": fix.new_text,
        })),
    })
}

#[cfg(test)]
mod tests;
