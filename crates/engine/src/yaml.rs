//! The one door for YAML and JSON text: bytes in, a tree of nodes that know their place out.
//!
//! Scalars mean what they mean to azure-ai-ml, which reads with PyYAML (YAML 1.1: `yes` is true, `1e-3` is
//! text, `1:30` is ninety), and the tree is bounded: nesting, alias expansion and the number of findings all
//! have a limit, so no input can make this code recurse, swell or panic.

mod mistakes;

use crate::diagnostic::{Diagnostic, Fix, Position, Range, Severity};
use crate::message;
use crate::message::Message;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use std::collections::{HashMap, HashSet};

/// How deep mappings and lists may stand in one another.
const MAX_DEPTH: usize = 100;
/// How many nodes aliases and merge keys may add to a document.
const MAX_COPIED_NODES: usize = 100_000;
/// How many findings one file may have; behind it they help nobody.
pub const MAX_FINDINGS: usize = 200;

/// A stretch of a [`Source`], in bytes, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
}

/// A text with its line starts, so that a place in bytes can be told in lines and UTF-16 columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Takes a text over. A byte order mark counts as nothing: it is blanked out of the first column.
    pub fn new(text: String) -> Self {
        let mut line_starts = vec![0];
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            let ends_line = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends_line {
                line_starts.push(at + 1);
            }
        }
        Self { text, line_starts }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a stretch; empty where the stretch is not of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// A stretch as the Language Server Protocol counts.
    pub fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end.max(span.start)) }
    }

    /// A byte as line and UTF-16 column.
    pub fn position(&self, byte: usize) -> Position {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let line = self.line_starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let start = self.line_starts.get(line).copied().unwrap_or(0);
        let before = self.text.get(start..byte).unwrap_or("").trim_start_matches('\u{feff}');
        Position { line: line as u32, character: before.encode_utf16().count() as u32 }
    }

    /// The stretch of a whole line without its line break, lines from 0.
    pub fn line(&self, line: usize) -> Span {
        let start = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(line + 1).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or("");
        Span { start, end: start + text.trim_end_matches(['\r', '\n']).len() }
    }
}

/// A value and where it stands. A value that came through an alias or a merge key stands where it was
/// written, not where it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub span: Span,
    /// What.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point, or one too large to be whole here.
    Float(f64),
    /// Text.
    Str(String),
    /// `2026-01-31`: a date to YAML 1.1, and text to nobody.
    Date(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file, no key twice.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key that is there and not null.
    pub fn some(&self, key: &str) -> Option<&Node> {
        self.get(key).filter(|node| node.value != Value::Null)
    }

    /// The entry of a key, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The text of the value of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Any scalar as Python prints it: what Azure puts into a command or an environment variable.
    pub fn printed(&self) -> Option<String> {
        match &self.value {
            Value::Null => Some("None".to_owned()),
            Value::Bool(true) => Some("True".to_owned()),
            Value::Bool(false) => Some("False".to_owned()),
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(print_float(*number)),
            Value::Str(text) | Value::Date(text) => Some(text.clone()),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    fn size(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|entry| 1 + entry.value.size()).sum::<usize>(),
            _ => 1,
        }
    }
}

/// What [`parse`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The text, for places.
    pub source: Source,
    /// The document; `None` where the text is no YAML or is empty.
    pub root: Option<Node>,
    /// Findings about the text as YAML. An error among them means that azure-ai-ml refuses the text too.
    pub findings: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether the text could not be read at all.
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Reads one YAML document; JSON is YAML too.
pub fn parse(bytes: &[u8]) -> Parsed {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => return not_utf8(bytes, error.valid_up_to()),
    };
    let source = Source::new(text);
    let mut builder = Builder::new(&source);
    builder.run();
    let Builder { root, mut findings, .. } = builder;
    findings.sort_by_key(|finding| finding.range.start);
    let root = if findings.iter().any(|finding| finding.severity == Severity::Error) { None } else { root };
    Parsed { source, root, findings }
}

fn not_utf8(bytes: &[u8], valid: usize) -> Parsed {
    let source = Source::new(String::from_utf8_lossy(bytes).into_owned());
    let range = source.range(Span { start: valid, end: valid + '\u{fffd}'.len_utf8() });
    let byte = bytes.get(valid).map(|byte| format!("0x{byte:02x}")).unwrap_or_default();
    let message = message!("spec.not-utf8", byte = byte);
    let finding = Diagnostic { severity: Severity::Error, message, range, fix: None };
    Parsed { source, root: None, findings: vec![finding] }
}

/// A collection that is still open.
enum Frame {
    List { start: usize, anchor: usize, items: Vec<Node> },
    Map { start: usize, anchor: usize, entries: Vec<Entry>, merges: Vec<Node>, key: Option<Key> },
}

struct Key {
    text: String,
    span: Span,
    is_merge: bool,
}

struct Builder<'a> {
    source: &'a Source,
    /// Byte of every character; empty for ASCII, where they are the same.
    bytes_of_chars: Vec<usize>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    copied: usize,
    /// Quoted and block scalars, where a tab is text.
    texts: Vec<Span>,
    root: Option<Node>,
    findings: Vec<Diagnostic>,
    stopped: bool,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source) -> Self {
        let text = source.text();
        let bytes_of_chars = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect()
        };
        Self {
            source,
            bytes_of_chars,
            stack: Vec::new(),
            anchors: HashMap::new(),
            copied: 0,
            texts: Vec::new(),
            root: None,
            findings: Vec::new(),
            stopped: false,
        }
    }

    fn run(&mut self) {
        let text = self.source.text();
        if let Some(at) = text.find(is_forbidden) {
            let code = text[at..].chars().next().map(|c| format!("U+{:04X}", c as u32)).unwrap_or_default();
            let span = Span { start: at, end: at + 1 };
            return self.error(span, message!("spec.yaml-control-character", character = code), None);
        }
        let bom = if text.starts_with('\u{feff}') { 1 } else { 0 };
        let mut parser = Parser::new_from_str(text.trim_start_matches('\u{feff}'));
        let mut documents = 0;
        while !self.stopped {
            let (event, span) = match parser.next_event() {
                None => return self.refuse_tabs(),
                Some(Err(error)) => {
                    let at = self.byte(error.marker().index() + bom);
                    return self.syntax_error(at, error.info());
                }
                Some(Ok(found)) => found,
            };
            let start = self.byte(span.start.index() + bom);
            let end = self.byte(span.end.index() + bom).max(start);
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents == 2 {
                        let span = Span { start, end: end.max(start + 1) };
                        return self.error(span, message!("spec.yaml-two-documents"), None);
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.scalar(&text, style, anchor, tag.as_deref(), start, end)
                }
                Event::Alias(anchor) => self.alias(anchor, Span { start, end }),
                Event::SequenceStart(anchor, tag) => {
                    self.open(Frame::List { start, anchor, items: Vec::new() }, tag.as_deref(), start)
                }
                Event::MappingStart(anchor, tag) => {
                    let frame =
                        Frame::Map { start, anchor, entries: Vec::new(), merges: Vec::new(), key: None };
                    self.open(frame, tag.as_deref(), start)
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(end),
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
    }

    /// PyYAML knows a tab only in quotes, in block text and in comments.
    fn refuse_tabs(&mut self) {
        let text = self.source.text();
        let in_text = |at: usize, texts: &[Span]| {
            let after = texts.partition_point(|span| span.start <= at);
            after > 0 && texts.get(after - 1).is_some_and(|span| at < span.end)
        };
        let mut texts = std::mem::take(&mut self.texts);
        texts.sort_unstable_by_key(|span| span.start);
        let mut start = 0;
        let mut stray = None;
        for line in text.split_inclusive('\n') {
            if line.contains('\t') {
                let comment = line.match_indices('#').map(|(hash, _)| hash).find(|hash| {
                    let begins = *hash == 0 || line[..*hash].ends_with([' ', '\t']);
                    begins && !in_text(start + hash, &texts)
                });
                let code = &line[..comment.unwrap_or(line.len())];
                stray = code.match_indices('\t').map(|(at, _)| start + at).find(|at| !in_text(*at, &texts));
                if stray.is_some() {
                    break;
                }
            }
            start += line.len();
        }
        if let Some(at) = stray {
            let end = at + text[at..].len() - text[at..].trim_start_matches('\t').len();
            let span = Span { start: at, end };
            let new_text = " ".repeat(end - at);
            let fix = Fix { title: message!("spec.yaml-tab.fix"), range: self.source.range(span), new_text };
            self.error(span, message!("spec.yaml-tab"), Some(fix));
        }
    }

    fn byte(&self, character: usize) -> usize {
        if self.bytes_of_chars.is_empty() {
            return character.min(self.source.text().len());
        }
        self.bytes_of_chars.get(character).copied().unwrap_or(self.source.text().len())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        start: usize,
        end: usize,
    ) {
        let plain = style == ScalarStyle::Plain;
        let span = self.trimmed(start, end, style);
        if !plain {
            self.texts.push(Span { start, end });
        }
        let is_key = matches!(self.stack.last(), Some(Frame::Map { key: None, .. }));
        if is_key {
            if plain && text.is_empty() && self.source.text().as_bytes().get(start) == Some(&b':') {
                return self.error(Span { start, end: start + 1 }, message!("spec.yaml-no-key"), None);
            }
            let key = Key { text: text.to_owned(), span, is_merge: plain && tag.is_none() && text == "<<" };
            if anchor > 0 {
                self.anchors.insert(anchor, Node { span, value: Value::Str(text.to_owned()) });
            }
            if let Some(Frame::Map { key: slot, .. }) = self.stack.last_mut() {
                *slot = Some(key);
            }
            return;
        }
        let value = match tag.map(|tag| (tag.handle.as_str(), tag.suffix.as_str())) {
            None if plain => resolve(text),
            None | Some(("", "!")) | Some(("!", "")) => Value::Str(text.to_owned()),
            Some((handle, kind)) if handle == CORE => match kind {
                "str" => Value::Str(text.to_owned()),
                "null" | "bool" | "int" | "float" | "timestamp" => resolve(text),
                _ => return self.unknown_tag(span, kind),
            },
            Some((_, kind)) => return self.unknown_tag(span, kind),
        };
        self.put(Node { span, value }, anchor);
    }

    /// The parser's end of a scalar may include white space and a comment behind it.
    fn trimmed(&self, start: usize, end: usize, style: ScalarStyle) -> Span {
        let text = self.source.text().get(start..end).unwrap_or("");
        let length = match style {
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => text.trim_end().len(),
            ScalarStyle::SingleQuoted => quoted_length(text, '\''),
            ScalarStyle::DoubleQuoted => quoted_length(text, '"'),
        };
        Span { start, end: start + length }
    }

    fn alias(&mut self, anchor: usize, span: Span) {
        let Some(node) = self.anchors.get(&anchor) else {
            // The anchor is still open: the value would contain itself.
            return self.error(span, message!("spec.yaml-alias-loop"), None);
        };
        self.copied += node.size();
        if self.copied > MAX_COPIED_NODES {
            return self.error(span, message!("spec.yaml-alias-bomb", limit = MAX_COPIED_NODES), None);
        }
        let node = node.clone();
        if let Some(Frame::Map { key: slot @ None, .. }) = self.stack.last_mut() {
            match node.printed() {
                Some(text) => *slot = Some(Key { text, span, is_merge: false }),
                None => self.complex_key(span),
            }
            return;
        }
        self.put(node, 0);
    }

    fn open(&mut self, frame: Frame, tag: Option<&Tag>, start: usize) {
        if let Some(tag) = tag
            && !(tag.handle == CORE && matches!(tag.suffix.as_str(), "map" | "seq"))
        {
            return self.unknown_tag(Span { start, end: start + 1 }, &tag.suffix.clone());
        }
        if matches!(self.stack.last(), Some(Frame::Map { key: None, .. })) {
            return self.complex_key(Span { start, end: start + 1 });
        }
        if self.stack.len() >= MAX_DEPTH {
            let span = Span { start, end: start + 1 };
            return self.error(span, message!("spec.yaml-too-deep", limit = MAX_DEPTH), None);
        }
        self.stack.push(frame);
    }

    fn close(&mut self, end: usize) {
        match self.stack.pop() {
            None => {}
            Some(Frame::List { start, anchor, items }) => {
                let span = self.closed(start, end);
                self.put(Node { span, value: Value::List(items) }, anchor);
            }
            Some(Frame::Map { start, anchor, mut entries, merges, .. }) => {
                self.drop_duplicates(&mut entries);
                for merge in merges {
                    self.merge(&mut entries, merge);
                }
                let span = self.closed(start, end);
                self.put(Node { span, value: Value::Map(entries) }, anchor);
            }
        }
    }

    /// A block collection ends where its last value ends, not at the next token.
    fn closed(&self, start: usize, end: usize) -> Span {
        let text = self.source.text().get(start..end).unwrap_or("");
        Span { start, end: start + text.trim_end().len() }
    }

    fn put(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.copied += node.size();
            if self.copied > MAX_COPIED_NODES {
                return self.error(
                    node.span,
                    message!("spec.yaml-alias-bomb", limit = MAX_COPIED_NODES),
                    None,
                );
            }
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, merges, key, .. }) => match key.take() {
                Some(key) if key.is_merge => merges.push(node),
                Some(key) => entries.push(Entry { key: key.text, key_span: key.span, value: node }),
                None => {}
            },
        }
    }

    /// PyYAML takes the last of several equal keys in silence.
    fn drop_duplicates(&mut self, entries: &mut Vec<Entry>) {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|a, b| entries[*a].key.cmp(&entries[*b].key));
        let mut dropped = Vec::new();
        for pair in order.windows(2) {
            let (first, second) = (&entries[pair[0]], &entries[pair[1]]);
            if first.key == second.key {
                let earlier = self.source.position(first.key_span.start).line + 1;
                let later = self.source.position(second.key_span.start).line + 1;
                let message =
                    message!("spec.yaml-duplicate-key", key = second.key, line = earlier, later = later);
                self.find(Severity::Warning, second.key_span, message, None);
                dropped.push(pair[0]);
            }
        }
        if !dropped.is_empty() {
            dropped.sort_unstable();
            let mut at = 0;
            entries.retain(|_| {
                at += 1;
                dropped.binary_search(&(at - 1)).is_err()
            });
        }
    }

    /// `<<`: what the mapping says itself wins over what it merges, and an earlier merge over a later.
    fn merge(&mut self, entries: &mut Vec<Entry>, node: Node) {
        let span = node.span;
        match node.value {
            Value::Map(merged) => {
                let own: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
                entries.extend(merged.into_iter().filter(|entry| !own.contains(&entry.key)));
            }
            Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
                for item in items {
                    self.merge(entries, item);
                }
            }
            _ => self.error(span, message!("spec.yaml-merge"), None),
        }
    }

    fn complex_key(&mut self, span: Span) {
        let in_template = self.source.text().get(span.start..).is_some_and(|text| text.starts_with('{'));
        let message = if in_template { message!("spec.yaml-template") } else { message!("spec.yaml-key") };
        self.error(span, message, None);
    }

    fn unknown_tag(&mut self, span: Span, tag: &str) {
        self.error(span, message!("spec.yaml-tag", tag = tag), None);
    }

    fn syntax_error(&mut self, at: usize, info: &str) {
        let line = self.source.position(at).line as usize;
        // A plain text that a tab continues is found at its beginning.
        let continued = info.contains("found a tab").then(|| line + 1);
        if let Some((span, fix)) = self.tab_near(line).or_else(|| self.tab_near(continued?)) {
            return self.error(span, message!("spec.yaml-tab"), Some(fix));
        }
        let whole = self.source.line(line);
        let text = self.source.slice(whole);
        if text.contains("{{") && !text.contains("${{") {
            let start = whole.start + text.find("{{").unwrap_or(0);
            return self.error(Span { start, end: whole.end }, message!("spec.yaml-template"), None);
        }
        if let Some(mistake) = mistakes::usual(self.source, at, info) {
            let fix = mistake.fix.map(|(title, span, new_text)| {
                let range = self.source.range(span);
                Fix { title, range, new_text }
            });
            return self.error(mistake.span, mistake.message, fix);
        }
        let span = Span { start: at, end: whole.end.max(at) };
        self.error(span, message!("spec.yaml-syntax", reason = info), None);
    }

    /// A tab in the indentation of the line of an error or of the one before it is what is meant.
    fn tab_near(&self, line: usize) -> Option<(Span, Fix)> {
        let lines = [Some(line), line.checked_sub(1)];
        for line in lines.into_iter().flatten() {
            let whole = self.source.line(line);
            let text = self.source.slice(whole);
            let indent = &text[..text.len() - text.trim_start_matches([' ', '\t', '-']).len()];
            if indent.contains('\t') {
                let span = Span { start: whole.start, end: whole.start + indent.len() };
                let new_text = indent.replace('\t', "  ");
                let fix =
                    Fix { title: message!("spec.yaml-tab.fix"), range: self.source.range(span), new_text };
                return Some((span, fix));
            }
        }
        None
    }

    fn error(&mut self, span: Span, message: Message, fix: Option<Fix>) {
        self.find(Severity::Error, span, message, fix);
        self.stopped = true;
    }

    fn find(&mut self, severity: Severity, span: Span, message: Message, fix: Option<Fix>) {
        if self.findings.len() < MAX_FINDINGS || severity == Severity::Error {
            let range = self.source.range(span);
            self.findings.push(Diagnostic { severity, message, range, fix });
        }
    }
}

/// Length of a quoted scalar at the start of a text, both quotes included.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && quote == '"' {
            characters.next();
        } else if character == quote {
            let doubled = quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == quote);
            if !doubled {
                return at + quote.len_utf8();
            }
            characters.next();
        }
    }
    text.len()
}

const CORE: &str = "tag:yaml.org,2002:";

/// Characters that PyYAML refuses anywhere in a text.
fn is_forbidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{feff}' => false,
        _ => c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c) || c == '\u{fffe}' || c == '\u{ffff}',
    }
}

/// The meaning of a plain scalar in YAML 1.1 as PyYAML reads it.
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let starts_like_number = matches!(text.as_bytes().first(), Some(b'0'..=b'9' | b'-' | b'+' | b'.'));
    if !starts_like_number {
        return Value::Str(text.to_owned());
    }
    resolve_int(text)
        .or_else(|| resolve_float(text))
        .or_else(|| is_date(text).then(|| Value::Date(text.to_owned())))
        .unwrap_or_else(|| Value::Str(text.to_owned()))
}

fn resolve_int(text: &str) -> Option<Value> {
    let (negative, digits) = signed(text);
    let clean = |digits: &str| digits.replace('_', "");
    let of = |digits: &str, radix: u32| -> Option<i64> { i64::from_str_radix(&clean(digits), radix).ok() };
    let all = |digits: &str, allowed: fn(u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || allowed(byte))
    };
    let number = if let Some(binary) = digits.strip_prefix("0b") {
        all(binary, |byte| matches!(byte, b'0' | b'1')).then(|| of(binary, 2))?
    } else if let Some(hex) = digits.strip_prefix("0x") {
        all(hex, |byte| byte.is_ascii_hexdigit()).then(|| of(hex, 16))?
    } else if digits == "0" {
        Some(0)
    } else if let Some(octal) = digits.strip_prefix('0') {
        all(octal, |byte| (b'0'..=b'7').contains(&byte)).then(|| of(octal, 8))?
    } else if digits.contains(':') {
        sexagesimal(digits)
    } else {
        let starts_well = digits.as_bytes().first().is_some_and(|byte| (b'1'..=b'9').contains(byte));
        if !starts_well || !all(digits, |byte| byte.is_ascii_digit()) {
            return None;
        }
        match of(digits, 10) {
            Some(number) => Some(number),
            None => {
                return clean(digits).parse().ok().map(|n: f64| Value::Float(if negative { -n } else { n }));
            }
        }
    };
    number.map(|number| Value::Int(if negative { -number } else { number }))
}

/// `1:30` is ninety: the base-sixty numbers of YAML 1.1.
fn sexagesimal(digits: &str) -> Option<i64> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    let starts_well = first.as_bytes().first().is_some_and(|byte| (b'1'..=b'9').contains(byte));
    if !starts_well || !first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return None;
    }
    let mut number: i64 = first.replace('_', "").parse().ok()?;
    for part in parts {
        let small = matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        if !small {
            return None;
        }
        number = number.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(number)
}

/// A float of YAML 1.1 has a point, and its exponent a sign.
fn resolve_float(text: &str) -> Option<Value> {
    let (negative, rest) = signed(text);
    let number = match rest {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        ".nan" | ".NaN" | ".NAN" if rest.len() == text.len() => f64::NAN,
        _ => {
            let (whole, fraction) = rest.split_once('.')?;
            if whole.is_empty() && rest.len() != text.len() {
                return None;
            }
            let (fraction, exponent) = match fraction.find(['e', 'E']) {
                Some(at) => (&fraction[..at], Some(&fraction[at + 1..])),
                None => (fraction, None),
            };
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
            let starts = |part: &str| part.as_bytes().first().is_some_and(u8::is_ascii_digit);
            let whole_is_well = if whole.is_empty() { starts(fraction) } else { starts(whole) };
            if !whole_is_well || !digits(whole) || !digits(fraction) {
                return None;
            }
            if let Some(exponent) = exponent {
                let power = exponent.strip_prefix(['+', '-'])?;
                if power.is_empty() || !power.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
            }
            rest.replace('_', "").parse().ok()?
        }
    };
    Some(Value::Float(if negative { -number } else { number }))
}

fn signed(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let short = bytes.len() == 10
        && digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && bytes[4] == b'-'
        && bytes[7] == b'-';
    let long = bytes.len() > 14
        && digits(0..4)
        && bytes[4] == b'-'
        && text.contains(':')
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TtZ +".contains(&byte));
    short || long
}

/// A float as Python's `repr` prints it.
pub fn print_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..16).contains(&power) {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", power.abs());
    }
    let plain = number.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}

#[cfg(test)]
mod tests;
