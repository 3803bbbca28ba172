//! Writes YAML by hand, block style, with comments; every text is written so that it reads back as the same.

use crate::yaml::{self, Value};

/// Width at which a command is broken.
const WIDTH: usize = 100;

/// A YAML text that grows.
#[derive(Default)]
pub(super) struct Writer {
    out: String,
    indent: usize,
}

impl Writer {
    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn line(&mut self, line: &str) {
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
        self.out.push_str(line);
        self.out.push('\n');
    }

    pub(super) fn open(&mut self, line: &str) {
        self.line(line);
        self.indent += 1;
    }

    pub(super) fn close(&mut self) {
        self.indent = self.indent.saturating_sub(1);
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.out.push('\n');
    }

    pub(super) fn comment(&mut self, comment: &str) {
        // What the user wrote may stand in it, and a comment ends with its line.
        let clean: String = comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.line(format!("# {clean}").trim_end());
    }

    pub(super) fn some(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.line(&format!("{key}: {}", text(value)));
        }
    }

    /// `command:`, an option a line where it is long.
    pub(super) fn command(&mut self, words: &[String], command: &str) {
        let may_fold = !words.is_empty() && words.iter().all(|word| may_stand_in_block(word));
        let is_short = "command: ".len() + command.len() <= WIDTH;
        if may_fold && (!is_short || needs_quotes(command)) {
            self.open("command: >-");
            let mut line = String::new();
            for word in words {
                let begins = word.starts_with("--") || line.len() + word.len() > WIDTH;
                if begins && !line.is_empty() {
                    self.line(&std::mem::take(&mut line));
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            self.line(&line);
            self.close();
        } else if command.contains('\n') && command.lines().all(may_stand_in_block_line) {
            let end = command.len() - command.trim_end_matches('\n').len();
            // `|` has one line break at the end, `|-` none.
            match end {
                0 => self.open("command: |-"),
                1 => self.open("command: |"),
                _ => return self.line(&format!("command: {}", text(command))),
            }
            for line in command.trim_end_matches('\n').split('\n') {
                if line.is_empty() { self.gap() } else { self.line(line) }
            }
            self.close();
        } else {
            self.line(&format!("command: {}", text(command)));
        }
    }

    /// A tree of the user's own.
    pub(super) fn value(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    match is_leaf(value) {
                        true => self.line(&format!("{}: {}", text(key), leaf(value))),
                        false => {
                            self.open(&format!("{}:", text(key)));
                            self.value(value);
                            self.close();
                        }
                    }
                }
            }
            serde_json::Value::Array(items) if !items.is_empty() => {
                for item in items {
                    match is_leaf(item) {
                        true => self.line(&format!("- {}", leaf(item))),
                        false => {
                            let mut inner = Writer { out: String::new(), indent: self.indent + 1 };
                            inner.value(item);
                            // The dash stands where the first line is indented.
                            let dash = self.indent * 2;
                            inner.out.replace_range(dash..dash + 1, "-");
                            self.out.push_str(&inner.out);
                        }
                    }
                }
            }
            other => self.line(&leaf(other)),
        }
    }
}

fn is_leaf(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(entries) => entries.is_empty(),
        serde_json::Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn leaf(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(value) => text(value),
        other => other.to_string(),
    }
}

/// Whether a word may stand in a folded block: no line break, and nothing that YAML forbids.
fn may_stand_in_block(word: &str) -> bool {
    !word.contains('\n') && may_stand_in_block_line(word) && !word.starts_with([' ', '\t'])
}

fn may_stand_in_block_line(line: &str) -> bool {
    !line.ends_with([' ', '\t'])
        && !line.starts_with([' ', '\t'])
        && line.chars().all(|c| c == '\t' || !is_special(c))
}

fn is_special(c: char) -> bool {
    c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

/// A text as YAML: plain where that means the same, else in double quotes.
pub(super) fn text(text: &str) -> String {
    if needs_quotes(text) { in_quotes(text) } else { text.to_owned() }
}

fn needs_quotes(text: &str) -> bool {
    let begins_badly = text.starts_with([
        '-', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '=',
        ' ',
    ]);
    let is_inline = !text.contains(": ") && !text.contains(" #") && !text.ends_with([':', ' ']);
    if begins_badly || !is_inline || text.chars().any(is_special) {
        return true;
    }
    // Whether it is a text at all is for the reader to say.
    let read = yaml::parse(text.as_bytes()).root;
    !read.is_some_and(|node| node.value == Value::Str(text.to_owned()))
}

fn in_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_special(c) => match u32::from(c) {
                code @ 0..=0xff => out.push_str(&format!("\\x{code:02x}")),
                code => out.push_str(&format!("\\u{code:04x}")),
            },
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
