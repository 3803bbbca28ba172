//! File names that say nothing, and notes that nobody follows.

use super::lexer::{self, Keep};
use super::{Finding, Source};

/// A file is named for its duty, not for its shape.
const SHAPELESS: [&str; 10] =
    ["common", "helper", "helpers", "imp", "impl", "misc", "mod", "types", "util", "utils"];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some((stem, kind)) = file_name(&source.path).rsplit_once('.') else { continue };
        if !["rs", "ts", "py", "toml", "sh"].contains(&kind) {
            continue;
        }
        if SHAPELESS.iter().any(|word| stem.split(['_', '-']).next() == Some(word)) {
            findings.push(Finding::new(&source.path, "a file is named for its duty"));
        }
        let notes =
            if kind == "rs" { lexer::keep(&source.text, Keep::Comments) } else { source.text.clone() };
        for (index, line) in notes.lines().enumerate() {
            if line.contains(FIX_ME) {
                findings.push(Finding::on_line(&source.path, index + 1, format!("{FIX_ME}: fix it")));
            }
            let numbered = |(at, _)| line[at..].trim_start_matches(TO_DO).starts_with("(#");
            if !line.match_indices(TO_DO).all(numbered) {
                let what = format!("{TO_DO} needs the number of its issue: {TO_DO}(#12)");
                findings.push(Finding::on_line(&source.path, index + 1, what));
            }
        }
    }
    findings
}

const TO_DO: &str = "TODO";
const FIX_ME: &str = "FIXME";

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn names_that_say_nothing_are_found() {
        let files = [
            ("crates/engine/src/utils.rs", "//! X.\n"),
            ("crates/engine/src/plan/mod.rs", "//! X.\n"),
            ("editors/vscode/src/helper_functions.ts", ""),
            ("crates/engine/src/import.rs", "//! X.\n"),
            ("crates/engine/src/model.rs", "//! X.\n"),
        ];
        let found = said(findings, &files);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[2].starts_with("editors/vscode/src/helper_functions.ts: "));
    }

    #[test]
    fn a_note_needs_an_issue() {
        let text =
            format!("//! X.\n// {TO_DO}(#7): later.\n// {TO_DO} some day.\nconst A: &str = \"{TO_DO}\";\n");
        let found = said(findings, &[("crates/engine/src/x.rs", &text), ("a.py", &format!("# {FIX_ME}\n"))]);
        assert_eq!(
            found,
            [
                "crates/engine/src/x.rs:3: TODO needs the number of its issue: TODO(#12)",
                "a.py:1: FIXME: fix it"
            ]
        );
    }
}
