//! Two texts → a unified diff, as `diff -u` and every editor know it.

use similar::TextDiff;

/// Lines around a change that tell where it is.
const CONTEXT: usize = 3;

/// The diff from one text to another of a file; empty where they are the same. Bytes that are not UTF-8 are
/// shown as replacement characters.
pub fn unified(file: &str, old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    diff.unified_diff().context_radius(CONTEXT).header(&format!("a/{file}"), &format!("b/{file}")).to_string()
}
