//! Where a cursor stands, told from the lines: the keys that lead there, and what is half written.

use crate::diagnostic::{Position, Range};

/// A step from a mapping or a list to what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The value of a key.
    Key(String),
    /// An item of a list, from 0.
    Item(usize),
}

/// What is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// A key, as far as it is written.
    Key(String),
    /// A value, as far as it is written. Its key is the last step.
    Value(String),
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The way from the root.
    pub(super) steps: Vec<Step>,
    /// What is being written there.
    pub(super) slot: Slot,
    /// Where it is written, up to the cursor.
    pub(super) range: Range,
}

impl Place {
    /// What is written behind a `${{` that is still open.
    pub(super) fn open_binding(&self) -> Option<String> {
        let (Slot::Value(written) | Slot::Key(written)) = &self.slot;
        let inner = &written[written.rfind("${{")? + 3..];
        (!inner.contains("}}")).then(|| inner.trim_start().to_owned())
    }
}

/// A line of block style.
struct Line<'a> {
    /// Column of the dash, if the line begins an item.
    dash: Option<usize>,
    /// Column of the first character behind the dash.
    column: usize,
    /// The key.
    key: Option<&'a str>,
    /// What stands behind it.
    value: &'a str,
}

impl Line<'_> {
    /// Whether what stands below belongs to the line's key.
    fn holds_more(&self) -> bool {
        self.key.is_some() && (self.value.is_empty() || self.value.starts_with(['|', '>', '&']))
    }
}

/// Reads a line; `None` of one that says nothing.
fn read(line: &str) -> Option<Line<'_>> {
    let trimmed = line.trim_start();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return None;
    }
    let indent = line.len() - trimmed.len();
    let (dash, rest) = match trimmed.strip_prefix('-') {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => (Some(indent), rest.trim_start()),
        _ => (None, trimmed),
    };
    let column = line.len() - rest.len();
    let split = rest.split_once(": ").or_else(|| Some((rest.trim_end().strip_suffix(':')?, "")));
    let is_key = |key: &str| !key.is_empty() && !key.contains(['"', '\'', '{', '[', ' ']);
    let (key, value) = match split.filter(|(key, _)| is_key(key)) {
        Some((key, value)) => (Some(key), value.split(" #").next().unwrap_or(value).trim()),
        None => (None, rest),
    };
    Some(Line { dash, column, key, value })
}

/// The place of a cursor; `None` in a comment.
pub(super) fn find(text: &str, at: Position) -> Option<Place> {
    let lines: Vec<&str> = text.lines().collect();
    let line = lines.get(at.line as usize).copied().unwrap_or("");
    let before = line.get(..byte_of(line, at.character))?;
    if before.trim_start().starts_with('#') {
        return None;
    }
    let above = lines.get(..(at.line as usize).min(lines.len())).unwrap_or(&lines);
    let own = read(before).unwrap_or(Line { dash: None, column: before.len(), key: None, value: "" });
    let mut steps = way_up(above, &own);
    let written = before.get(own.column..).unwrap_or("");
    let (slot, written) = match own.key {
        // `key:` right at the cursor is still the key; behind a space it is the value.
        Some(key) if before.ends_with([' ', '\t']) || !own.value.is_empty() => {
            let value = written.get(key.len() + 1..).unwrap_or("").trim_start();
            steps.push(Step::Key(key.to_owned()));
            (Slot::Value(value.to_owned()), value)
        }
        _ if is_in_block_scalar(above, own.column) => (Slot::Value(written.to_owned()), written),
        _ => (Slot::Key(written.to_owned()), written),
    };
    let length = written.encode_utf16().count() as u32;
    let start = Position { line: at.line, character: at.character.saturating_sub(length) };
    Some(Place { steps, slot, range: Range { start, end: at } })
}

/// The steps to the key of a line, that key included.
pub(super) fn steps_to(text: &str, at: Position) -> Option<Vec<Step>> {
    let lines: Vec<&str> = text.lines().collect();
    let own = read(lines.get(at.line as usize)?)?;
    let key = own.key?;
    let mut steps = way_up(lines.get(..at.line as usize)?, &own);
    steps.push(Step::Key(key.to_owned()));
    Some(steps)
}

/// Whether a line of this column continues a text like that of `command: |`.
fn is_in_block_scalar(above: &[&str], column: usize) -> bool {
    let parent = above.iter().rev().filter_map(|line| read(line)).find(|line| line.column < column);
    parent.is_some_and(|line| line.key.is_some() && line.value.starts_with(['|', '>']))
}

/// The keys and items that a line stands in, outermost first.
fn way_up(above: &[&str], own: &Line<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut column = own.column;
    // The column of the list that we are in and have not left yet, and how many of its items lie before ours.
    let mut list = own.dash.map(|dash| (dash, 0));
    for line in above.iter().rev().filter_map(|line| read(line)) {
        match list {
            Some((dash, before)) if line.dash == Some(dash) => list = Some((dash, before + 1)),
            // The key of a list may stand in the column of its dashes.
            Some((dash, before)) if line.column <= dash && line.holds_more() => {
                steps.push(Step::Item(before));
                steps.extend(line.key.map(|key| Step::Key(key.to_owned())));
                column = line.column;
                list = line.dash.map(|dash| (dash, 0));
            }
            Some(_) => {}
            None if line.column < column && line.holds_more() => {
                steps.extend(line.key.map(|key| Step::Key(key.to_owned())));
                column = line.column;
                list = line.dash.map(|dash| (dash, 0));
            }
            None if line.column == column && line.dash.is_some() => list = line.dash.map(|dash| (dash, 0)),
            None => {}
        }
    }
    steps.reverse();
    steps
}

/// The byte of a UTF-16 column.
pub(super) fn byte_of(line: &str, character: u32) -> usize {
    let mut left = character as usize;
    for (byte, c) in line.char_indices() {
        if left == 0 {
            return byte;
        }
        left = left.saturating_sub(c.len_utf16());
    }
    line.len()
}
