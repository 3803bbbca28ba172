//! Two texts → a unified diff, as `diff -u` and every editor know it.

use crate::diagnostic::{Position, Range};
use similar::{DiffTag, TextDiff};

/// Lines around a change that tell where it is.
const CONTEXT: usize = 3;

/// The diff from one text to another of a file; empty where they are the same. Bytes that are not UTF-8 are
/// shown as replacement characters.
pub fn unified(file: &str, old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    diff.unified_diff().context_radius(CONTEXT).header(&format!("a/{file}"), &format!("b/{file}")).to_string()
}

/// The edits that make one text of another, whole lines each, as an editor applies them: in the order of the
/// text, none touching the next.
pub fn edits(old: &str, new: &str) -> Vec<(Range, String)> {
    let diff = TextDiff::from_lines(old, new);
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let after: Vec<&str> = new.split_inclusive('\n').collect();
    // A last line without its end is the only one that does not end where the next begins.
    let begin_of = |line: usize| match lines.last() {
        Some(last) if line == lines.len() && !last.ends_with('\n') => {
            Position { line: line as u32 - 1, character: last.encode_utf16().count() as u32 }
        }
        _ => Position { line: line as u32, character: 0 },
    };
    let changed = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    changed
        .map(|op| {
            let (of, by) = (op.old_range(), op.new_range());
            (Range { start: begin_of(of.start), end: begin_of(of.end) }, after[by].concat())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(old: &str, edits: &[(Range, String)]) -> String {
        let mut text = String::new();
        let mut at = 0;
        let place = |wanted: Position| {
            let line: usize = old.split_inclusive('\n').take(wanted.line as usize).map(str::len).sum();
            line + wanted.character as usize
        };
        for (range, new) in edits {
            text.push_str(&old[at..place(range.start)]);
            text.push_str(new);
            at = place(range.end);
        }
        text + &old[at..]
    }

    #[test]
    fn edits_make_one_text_of_another_wherever_they_differ() {
        let texts = ["", "a", "a\n", "a\nb\nc", "x\na\nb\ny\nc", "a\nc\n", "c", "b\r\na\r\n", "a\nb\nc\nd"];
        for old in texts {
            for new in texts {
                assert_eq!(applied(old, &edits(old, new)), new, "{old:?} -> {new:?}");
            }
        }
        assert_eq!(edits("a\nb\n", "a\nx\nb\n").len(), 1);
    }
}
