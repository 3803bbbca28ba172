//! `check`: one file's findings in the form of the command line and the wire.

use crate::diagnostic::{Diagnostic, Range};
use crate::message;
use crate::spec::Reading;
use crate::spec::files::{Files, Found, Need};
use serde_json::{Value, json};

/// Whether the files that a reading depends on have all been looked up.
pub fn is_settled(reading: &Reading) -> bool {
    reading.needs.is_empty()
}

/// Answers every need of a reading with a caller's look at the disk.
pub fn settle(reading: &Reading, files: &mut Files, mut look: impl FnMut(&Need) -> Found) {
    for need in &reading.needs {
        let found = look(need);
        files.insert(need.clone(), found);
    }
}

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
pub fn plain(file: &str, finding: &Diagnostic) -> String {
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
    .text()
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
