//! The Python that a script or a step is given to await a debugger.
//!
//! Each program is whole where it goes, since nothing of ours is installed there. What several of them do alike is
//! written once, in `attend.py`.

const ATTEND: &str = include_str!("../../python/instrument/attend.py");

/// What the line of a program begins with that stands for a function of [`ATTEND`].
const PLACE: &str = "# attend: ";

/// The convention, for a script.
pub(super) fn script() -> String {
    whole(include_str!("../../python/instrument/script.py"))
}

/// The wait of a scoring script.
pub(super) fn score() -> String {
    whole(include_str!("../../python/instrument/score.py"))
}

/// What a step of a variant runs before its script, where that has no convention of its own.
pub(crate) fn start() -> String {
    whole(include_str!("../../python/instrument/start.py"))
}

fn whole(program: &str) -> String {
    let mut whole = String::with_capacity(2 * program.len());
    for line in program.lines() {
        let code = line.trim_start();
        let Some(name) = code.strip_prefix(PLACE) else {
            whole.extend([line, "\n"]);
            continue;
        };
        let indentation = &line[..line.len() - code.len()];
        for line in function(name) {
            let indentation = if line.is_empty() { "" } else { indentation };
            whole.extend([indentation, line, "\n"]);
        }
        whole.push('\n');
    }
    whole
}

/// The lines of a function of [`ATTEND`].
fn function(name: &str) -> impl Iterator<Item = &'static str> {
    let begin = format!("def {name}(");
    let found = ATTEND.split("\n\n\n").find(|function| function.starts_with(&begin));
    found.unwrap_or_default().lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_whole_python() {
        for program in [script(), score(), start()] {
            assert!(!program.contains(PLACE), "{program}");
            assert!(
                program.contains("\n    def wait(debugpy, seconds):\n") || program.contains("\ndef wait(")
            );
            assert!(super::super::script::parse(&program).errors().is_empty(), "{program}");
        }
    }
}
