//! The usual mistakes behind what a YAML parser calls an error.
//!
//! A parser names the place where it could not go on, which is often the line behind the mistake. Nothing
//! here decides whether a text is YAML: it only finds better words, and an edit where one is safe.

use super::{Source, Span};
use crate::message;
use crate::message::Message;

/// A mistake, and how to mend it: title, place and new text.
pub(super) struct Mistake {
    pub(super) span: Span,
    pub(super) message: Message,
    pub(super) fix: Option<(Message, Span, String)>,
}

/// A line without its indentation and without its end.
struct Line<'s> {
    start: usize,
    indent: usize,
    text: &'s str,
}

impl<'s> Line<'s> {
    fn of(source: &'s Source, number: usize) -> Self {
        let span = source.line(number);
        let whole = source.slice(span);
        let text = whole.trim_start_matches([' ', '\u{feff}']);
        Self { start: span.start, indent: whole.len() - text.len(), text: text.trim_end() }
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() || self.text.starts_with('#')
    }

    fn span(&self) -> Span {
        let start = self.start + self.indent;
        Span { start, end: start + self.text.len() }
    }

    /// Whether YAML sees a key in it: a colon at the end of a word.
    fn has_key(&self) -> bool {
        self.text.ends_with(':') || self.text.contains(": ")
    }

    /// Bytes of the word at the beginning, if it is one that could be a key.
    fn word(&self) -> Option<usize> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
        let end = self.text.find(|c| !is_part(c)).unwrap_or(self.text.len());
        (end > 0 && !self.text.starts_with('-')).then_some(end)
    }
}

/// The mistake that is most likely meant by a parser's error at a byte.
pub(super) fn usual(source: &Source, at: usize, info: &str) -> Option<Mistake> {
    let number = source.position(at).line as usize;
    let here = Line::of(source, number);
    if info.starts_with("unexpected character") || info.contains("unknown anchor") {
        return unquoted(source, at);
    }
    if info.contains("quoted scalar")
        && (info.contains("end of stream") || info.contains("invalid indentation"))
    {
        let span = Span { start: at, end: source.line(number).end.max(at + 1) };
        return Some(Mistake { span, message: message!("spec.yaml-open-quote"), fix: None });
    }
    let above = (0..number).rev().map(|number| Line::of(source, number)).find(|line| !line.is_empty());
    if info.contains("simple key expect") {
        let lines = [Some(here), above];
        return lines.into_iter().flatten().filter(|line| !line.is_empty()).find_map(|line| no_colon(&line));
    }
    if !info.contains("mapping values are not allowed") {
        return None;
    }
    if here.text.matches(": ").count() > 1 {
        return colon_in_value(&here);
    }
    let above = above?;
    if !above.has_key() && !above.text.starts_with(['-', '[', '{', '"', '\'']) {
        return no_colon(&above);
    }
    if here.indent > above.indent && above.has_key() && !above.text.ends_with(':') {
        let span = Span { start: here.start, end: here.start + here.indent };
        let fix = (message!("spec.yaml-indent.fix"), span, " ".repeat(above.indent));
        let message = message!("spec.yaml-indent");
        return Some(Mistake { span: here.span(), message, fix: Some(fix) });
    }
    None
}

/// A line that was meant to be a key: the colon is missing, or the space behind it.
fn no_colon(line: &Line<'_>) -> Option<Mistake> {
    if line.has_key() {
        return None;
    }
    let end = line.word()?;
    let rest = &line.text[end..];
    let start = line.start + line.indent + end;
    let (message, place, new_text) = match rest.strip_prefix(':') {
        // Space that is none to YAML comes with what is pasted from a web page.
        Some(value) if value.starts_with('\u{a0}') => {
            let length = value.len() - value.trim_start_matches('\u{a0}').len();
            (message!("spec.yaml-hard-space"), Span { start, end: start + 1 + length }, ": ")
        }
        Some(_) => (message!("spec.yaml-no-space"), Span { start, end: start + 1 }, ": "),
        None => {
            let blank = rest.len() - rest.trim_start_matches([' ', '=']).len();
            if blank == 0 {
                return None;
            }
            (message!("spec.yaml-no-colon"), Span { start, end: start + blank }, ": ")
        }
    };
    let fix = Some((message!("spec.yaml-no-colon.fix"), place, new_text.to_owned()));
    Some(Mistake { span: line.span(), message, fix })
}

/// A value with a colon and a space in it.
fn colon_in_value(line: &Line<'_>) -> Option<Mistake> {
    let key = line.text.find(": ")? + 2;
    let value = &line.text[key..];
    if !value.contains(": ") && !value.ends_with(':') || value.starts_with(['"', '\'', '[', '{', '|', '>']) {
        return None;
    }
    let start = line.start + line.indent + key;
    let span = Span { start, end: start + value.len() };
    Some(Mistake { span, message: message!("spec.yaml-colon-in-value"), fix: quote(span, value) })
}

/// A value that begins with a character that YAML keeps for itself.
fn unquoted(source: &Source, at: usize) -> Option<Mistake> {
    let end = source.line(source.position(at).line as usize).end;
    let value = source.slice(Span { start: at, end }).trim_end();
    let first = value.chars().next().filter(|c| matches!(c, '@' | '`' | '%' | '*'))?;
    let span = Span { start: at, end: at + value.len() };
    let message = message!("spec.yaml-unquoted", character = first);
    Some(Mistake { span, message, fix: quote(span, value) })
}

/// The value in quotes, where it has no comment behind it that would get into them.
fn quote(span: Span, value: &str) -> Option<(Message, Span, String)> {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    (!value.contains(" #")).then(|| (message!("spec.yaml-unquoted.fix"), span, quoted))
}
