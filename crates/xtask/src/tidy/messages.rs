//! Message ids: what the code says is in the catalogue, and what is in the catalogue is said.

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::{self, Keep};
use super::{Finding, Source};

const CATALOGUE: &str = "crates/engine/messages/en.properties";
const MACRO: &str = "message!(";

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut catalogue = BTreeSet::new();
    let mut texts = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path == CATALOGUE) {
        for (index, line) in source.text.lines().enumerate() {
            match line.split_once(" = ") {
                _ if line.is_empty() || line.starts_with('#') => {}
                Some((id, text)) if !text.is_empty() => {
                    catalogue.insert((id, index + 1));
                    texts.insert(id, places(text));
                }
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
            let rest = &text[at + MACRO.len()..];
            let Some(id) = first_literal(rest) else { continue };
            let problem = match texts.get(id) {
                None => format!("the catalogue has no message `{id}`"),
                Some(places) if *places != arguments(rest) => {
                    format!("`{id}` has the places {places:?} and is given {:?}", arguments(rest))
                }
                Some(_) => continue,
            };
            let line = text[..at].matches('\n').count() + 1;
            findings.push(Finding::on_line(&source.path, line, problem));
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

/// The names between braces of a text.
fn places(text: &str) -> BTreeSet<&str> {
    let inner = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    inner
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect()
}

/// The names of a macro call's arguments, from behind its opening parenthesis.
fn arguments(rest: &str) -> BTreeSet<&str> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut names = BTreeSet::new();
    for (at, letter) in rest.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                let Some((name, _)) = rest[at + 1..].split_once('=') else { continue };
                let name = name.trim();
                if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !name.is_empty() {
                    names.insert(name);
                }
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn ids_are_compared_both_ways() {
        let code = r#"//! X; see `message!("not.code")`.
fn f() { message!("spec.known", key = g(k, "a, b = )")); message!("spec.places", file = f); message!(
    "spec.unknown"
); by_another_way("spec.indirect"); }
#[cfg(test)]
mod tests {
    fn t() { message!("only.in-a-test"); "spec.unused"; }
}
"#;
        let catalogue = "# Block.\nspec.known = a {key} ${{inputs.x}}\nspec.places = {path}\nspec.indirect = b\nspec.unused = c\nspec.broken\n";
        let found = said(findings, &[("crates/engine/src/x.rs", code), (CATALOGUE, catalogue)]);
        assert_eq!(
            found,
            [
                "crates/engine/messages/en.properties:6: not of the form `id = text`",
                "crates/engine/src/x.rs:2: `spec.places` has the places {\"path\"} and is given {\"file\"}",
                "crates/engine/src/x.rs:2: the catalogue has no message `spec.unknown`",
                "crates/engine/messages/en.properties:5: nobody says `spec.unused`",
            ]
        );
    }
}
