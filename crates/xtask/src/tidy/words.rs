//! Words that only some rooms may say, and words that nobody may.
//!
//! Tests may say any of them: they set up files, and fake the other end of a wire.

use super::lexer::{self, Keep};
use super::{Finding, Source};

/// A path of Rust, the rooms that may say it, and what the others do instead.
struct Word {
    path: &'static str,
    rooms: &'static [&'static str],
    instead: &'static str,
}

const fn word(path: &'static str, rooms: &'static [&'static str], instead: &'static str) -> Word {
    Word { path, rooms, instead }
}

/// Not the engine and not the protocol, which are pure.
const IMPURE: &[&str] = &["docker", "azure", "sidecar", "xtask"];
const PURE: &str = "this room is pure: let it arrive in an event, or leave in an effect";

const WORDS: [Word; 14] = [
    word("bollard", &["docker"], "only `docker` speaks to the container engine"),
    word("reqwest", &["azure"], "only `azure` speaks to Azure"),
    word("rusqlite", &["sidecar"], "only `sidecar` keeps records"),
    word("tower_lsp", &["sidecar"], "only `sidecar` speaks JSON-RPC"),
    word("ts_rs", &["protocol"], "only `protocol` has a TypeScript side"),
    word("std::fs", &["sidecar", "xtask"], "only `sidecar` touches the user's files"),
    word("tokio", &["docker", "azure", "sidecar"], PURE),
    word("std::env", IMPURE, PURE),
    word("std::net", IMPURE, PURE),
    word("std::process", IMPURE, PURE),
    word("std::thread", IMPURE, PURE),
    word("Instant", IMPURE, PURE),
    word("SystemTime", IMPURE, PURE),
    word("std::io::stdin", IMPURE, PURE),
];

/// Shared state under concurrent handlers is what this design exists to avoid.
const STATE: [&str; 6] = ["Mutex", "RwLock", "OnceLock", "LazyLock", "OnceCell", "thread_local"];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        if !source.text.starts_with("//!") {
            findings.push(Finding::on_line(
                &source.path,
                1,
                "a file begins with `//!`: what it is, what keeps it true",
            ));
        }
        if source.is_test() {
            continue;
        }
        let code = lexer::without_tests(&lexer::keep(&source.text, Keep::Code));
        for (index, line) in code.lines().enumerate() {
            let said =
                WORDS.iter().filter(|word| !word.rooms.contains(&source.room()) && says(line, word.path));
            let said = said.map(|word| format!("`{}`: {}", word.path, word.instead));
            let state = STATE.iter().filter(|word| says(line, word));
            let state = state.map(|word| format!("`{word}`: one task owns all state of its process"));
            let is_static =
                is_static_item(line).then(|| "a `static`: one task owns all state of its process".to_owned());
            let what = said.chain(state).chain(is_static);
            findings.extend(what.map(|what| Finding::on_line(&source.path, index + 1, what)));
        }
    }
    findings
}

/// Whether the line says the path, whole or as part of a group: `std::{env, fs}`.
fn says(line: &str, path: &str) -> bool {
    let Some((outer, inner)) = path.rsplit_once("::") else { return has_word(line, path) };
    let group = format!("{outer}::{{");
    has_word(line, path)
        || line.find(&group).is_some_and(|begin| {
            // `std::{io::{self}, fs}`: what is deeper belongs to another path.
            let mut depth = 0;
            let own = line[begin + group.len()..].chars().filter(|c| {
                depth += i32::from(*c == '{') - i32::from(*c == '}');
                depth == 0
            });
            let own: String = own.collect();
            own.split(',').any(|part| part.trim().split("::").next() == Some(inner))
        })
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn is_static_item(line: &str) -> bool {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or(rest, |(_, rest)| rest),
        Some(rest) => rest,
        None => line,
    };
    line.trim_start().starts_with("static ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn a_word_in_the_wrong_room_is_found_and_in_a_test_or_a_comment_it_is_not() {
        let files = [
            ("crates/docker/src/image.rs", "//! Images.\nuse bollard::Docker;\n"),
            ("crates/engine/src/plan.rs", "//! Plans; no bollard.\nfn f() { std::fs::read(\"bollard\"); }\n"),
            ("crates/engine/src/run.rs", "//! Runs.\nuse std::{io::{self, Read}, env, fmt};\n"),
            (
                "crates/engine/src/log.rs",
                "//! Logs.\n#[cfg(test)]\nmod tests { use std::fs; use tokio::io; }\n",
            ),
            ("tests/it/main.rs", "//! Stories.\nuse std::fs;\n"),
        ];
        assert_eq!(
            said(findings, &files),
            [
                "crates/engine/src/plan.rs:2: `std::fs`: only `sidecar` touches the user's files",
                &format!("crates/engine/src/run.rs:2: `std::env`: {PURE}"),
            ]
        );
    }

    #[test]
    fn locks_and_statics_are_found_and_lifetimes_are_not() {
        let text =
            "//! X.\nuse std::sync::{Arc, Mutex};\npub(crate) static A: u8 = 1;\nfn f(x: &'static str) {}\n";
        let said = said(findings, &[("crates/sidecar/src/x.rs", text)]);
        assert_eq!(
            said,
            [
                "crates/sidecar/src/x.rs:2: `Mutex`: one task owns all state of its process",
                "crates/sidecar/src/x.rs:3: a `static`: one task owns all state of its process",
            ]
        );
    }

    #[test]
    fn a_file_without_a_beginning_is_found() {
        let said = said(findings, &[("crates/engine/src/x.rs", "use serde::Serialize;\n")]);
        assert_eq!(
            said,
            ["crates/engine/src/x.rs:1: a file begins with `//!`: what it is, what keeps it true"]
        );
    }
}
