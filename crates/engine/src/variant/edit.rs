//! Insertions into YAML text: a few entries more, and everything else as it was.

use crate::yaml::{Entry, Node, Span};

/// A value that is put into a file.
#[derive(Debug, Clone)]
pub(super) enum New {
    /// A text, quoted.
    Text(String),
    /// A text of several lines.
    Lines(String),
    /// `true`, a number: as it is.
    Plain(&'static str),
    /// Entries.
    Map(Vec<(&'static str, New)>),
}

/// A text and what is to be changed in it.
#[derive(Debug)]
pub(super) struct Edits<'a> {
    pub(super) text: &'a str,
    edits: Vec<(Span, String)>,
}

impl<'a> Edits<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, edits: Vec::new() }
    }

    pub(super) fn replace(&mut self, span: Span, new: impl Into<String>) {
        self.edits.push((span, new.into()));
    }

    pub(super) fn insert(&mut self, at: usize, new: impl Into<String>) {
        self.replace(Span { start: at, end: at }, new);
    }

    /// Puts entries before the others of a mapping that has some.
    pub(super) fn add(&mut self, map: &Node, entries: &[(&'static str, New)]) {
        let own =
            |entry: &&Entry| map.span.start <= entry.key_span.start && entry.key_span.end <= map.span.end;
        if self.slice(map.span).starts_with('{') {
            let all: String =
                entries.iter().map(|(key, value)| format!("\"{key}\": {}, ", flow(value))).collect();
            self.insert(map.span.start + 1, all);
        } else if let Some(first) = map.entries().iter().find(own) {
            let at = first.key_span.start;
            let column = at - self.text[..at].rfind('\n').map_or(0, |end| end + 1);
            let all: String = entries.iter().map(|(key, value)| block(key, value, column, 0)).collect();
            // The key that stood here keeps its own indentation, which is in front of what is put in.
            let all = all.strip_prefix(&" ".repeat(column)).unwrap_or(&all).to_owned();
            self.insert(at, format!("{all}{}", " ".repeat(column)));
        }
    }

    /// Puts an item before the others of a list that has some.
    pub(super) fn add_item(&mut self, list: &Node, item: &str) {
        let Some(first) = list.items().first() else { return };
        if self.slice(list.span).starts_with('[') {
            return self.insert(list.span.start + 1, format!("\"{}\", ", item.trim_start_matches("- ")));
        }
        let Some(dash) = self.text[..first.span.start].rfind('-') else { return };
        let column = dash - self.text[..dash].rfind('\n').map_or(0, |end| end + 1);
        let indentation = " ".repeat(column);
        let lines: Vec<String> = item.lines().map(|line| format!("{line}\n{indentation}")).collect();
        self.insert(dash, lines.concat());
    }

    pub(super) fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// The text with everything changed, in its own line ends.
    pub(super) fn finish(mut self) -> String {
        self.edits.sort_by_key(|(span, _)| span.start);
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        let crlf = self.text.contains("\r\n");
        for (span, new) in self.edits {
            text.push_str(&self.text[at..span.start]);
            text.push_str(&if crlf { new.replace('\n', "\r\n") } else { new });
            at = span.end;
        }
        text.push_str(&self.text[at..]);
        text
    }
}

/// A value on one line, as JSON, which YAML reads too.
pub(super) fn flow(value: &New) -> String {
    match value {
        New::Text(text) | New::Lines(text) => serde_json::Value::from(text.as_str()).to_string(),
        New::Plain(word) => (*word).to_owned(),
        New::Map(entries) => {
            let all: Vec<String> =
                entries.iter().map(|(key, it)| format!("\"{key}\": {}", flow(it))).collect();
            format!("{{{}}}", all.join(", "))
        }
    }
}

fn block(key: &str, value: &New, column: usize, depth: usize) -> String {
    let indentation = " ".repeat(column + 2 * depth);
    match value {
        New::Text(_) | New::Plain(_) => format!("{indentation}{key}: {}\n", flow(value)),
        New::Lines(text) => {
            let lines: String = text.lines().map(|line| format!("{indentation}  {line}\n")).collect();
            format!("{indentation}{key}: |\n{lines}")
        }
        New::Map(entries) => {
            let all: String = entries.iter().map(|(key, it)| block(key, it, column, depth + 1)).collect();
            format!("{indentation}{key}:\n{all}")
        }
    }
}
