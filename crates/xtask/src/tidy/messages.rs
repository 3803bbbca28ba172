//! Message ids: what the code says is in the catalogue, and what is in the catalogue is said.

use std::collections::BTreeSet;

use super::lexer::{self, Keep};
use super::{Finding, Source};

const CATALOGUE: &str = "crates/engine/messages/en.properties";
const MACRO: &str = "message!(";

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut catalogue = BTreeSet::new();
    for source in sources.iter().filter(|source| source.path == CATALOGUE) {
        for (index, line) in source.text.lines().enumerate() {
            match line.split_once(" = ") {
                _ if line.is_empty() || line.starts_with('#') => {}
                Some((id, text)) if !text.is_empty() => drop(catalogue.insert((id, index + 1))),
                _ => findings.push(Finding::on_line(CATALOGUE, index + 1, "not of the form `id = text`")),
            }
        }
    }
    let mut literals = BTreeSet::new();
    for source in
        sources.iter().filter(|source| source.is_rust() && !source.is_test() && source.room() != "xtask")
    {
        let text = product_text(&source.text);
        for (at, _) in text.match_indices(MACRO) {
            let Some(id) = first_literal(&text[at + MACRO.len()..]) else { continue };
            if !catalogue.iter().any(|(known, _)| *known == id) {
                let line = text[..at].matches('\n').count() + 1;
                findings.push(Finding::on_line(
                    &source.path,
                    line,
                    format!("the catalogue has no message `{id}`"),
                ));
            }
        }
        // An id may reach the macro by another one, so a literal that equals it counts as its use.
        literals.extend(text.split('"').map(str::to_owned));
    }
    let unused = catalogue.iter().filter(|(id, _)| !literals.contains(*id));
    findings
        .extend(unused.map(|(id, line)| Finding::on_line(CATALOGUE, *line, format!("nobody says `{id}`"))));
    findings
}

/// Code and strings, without comments and tests.
fn product_text(text: &str) -> String {
    let with_tests = lexer::keep(text, Keep::Code);
    let without_tests = lexer::without_tests(&with_tests);
    let strings = lexer::keep(text, Keep::Strings);
    // A line of a test is blank in the one and not in the other.
    let same = with_tests.lines().zip(without_tests.lines()).map(|(with, without)| with == without);
    let lines = strings.lines().zip(same).map(|(line, same)| if same { line } else { "" });
    lines.collect::<Vec<_>>().join("\n")
}

fn first_literal(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn ids_are_compared_both_ways() {
        let code = r#"//! X; see `message!("not.code")`.
fn f() { message!("spec.known", key = k); message!(
    "spec.unknown"
); by_another_way("spec.indirect"); }
#[cfg(test)]
mod tests {
    fn t() { message!("only.in-a-test"); "spec.unused"; }
}
"#;
        let catalogue = "# Block.\nspec.known = a\nspec.indirect = b\nspec.unused = c\nspec.broken\n";
        let found = said(findings, &[("crates/engine/src/x.rs", code), (CATALOGUE, catalogue)]);
        assert_eq!(
            found,
            [
                "crates/engine/messages/en.properties:5: not of the form `id = text`",
                "crates/engine/src/x.rs:2: the catalogue has no message `spec.unknown`",
                "crates/engine/messages/en.properties:4: nobody says `spec.unused`",
            ]
        );
    }
}
