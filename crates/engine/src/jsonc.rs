//! Bringing one named entry of a list in the user's JSON-with-comments file to what it has to be.
//!
//! Works on byte ranges of the text and only ever replaces a value of ours, removes a key that contradicts
//! ours, or inserts; so nothing else can change, whatever the file's style. (`jsonc_parser`'s own editable
//! tree was tried first: it takes blank lines away around the place of an insertion.) The result is parsed
//! again before it is given out.
//!
//! The language is that of VS Code's own files: comments and trailing commas, nothing looser.

use crate::failure::{Blame, Failure};
use crate::message;
use crate::message::Message;
use jsonc_parser::ast::{Array, Object, ObjectProp, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::Serialize as _;
use serde_json::{Map, Value};
use std::ops::Range;
use std::path::Path;

/// What an edit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// The file already says it; it need not be written.
    Unchanged,
    /// The file's new text.
    Changed(String),
}

/// Where in the file the entry stands.
pub(crate) struct Place<'a> {
    /// The file, for messages.
    pub(crate) file: &'a Path,
    /// Key of the list in the file's object.
    pub(crate) list: &'a str,
    /// Key by which an entry of the list is known.
    pub(crate) known_by: &'a str,
    /// `version` of a file that is made new.
    pub(crate) version: &'a str,
}

/// What the entry has to say.
pub(crate) struct Entry<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Keys that are ours. An object is gone into key by key; of a list of objects with an `id`, the ones
    /// with our ids are ours.
    pub(crate) ours: Map<String, Value>,
    /// Lists of objects among our keys, and the key that tells their elements apart.
    pub(crate) lists: &'a [(&'a str, &'a str)],
    /// Keys that are written when the entry is made and the user's from then on.
    pub(crate) first: Map<String, Value>,
    /// Keys beside which the entry cannot work.
    pub(crate) without: &'a [&'a str],
}

const BOM: char = '\u{feff}';

/// Makes the entry, or brings it up to date.
pub(crate) fn upsert(text: &str, place: &Place<'_>, entry: &Entry<'_>) -> Result<Edited, Failure> {
    let (bom, original) = match text.strip_prefix(BOM) {
        Some(rest) => (&text[..BOM.len_utf8()], rest),
        None => ("", text),
    };
    let mut body = original.to_owned();
    while let Some(edits) = removal(&body, place, entry)? {
        body = apply(&body, edits);
    }
    let edits = updates(&body, place, entry)?;
    body = apply(&body, edits);
    if body == original {
        return Ok(Edited::Unchanged);
    }
    // A second look at what was made: an edit that another edit would follow has gone wrong.
    if !updates(&body, place, entry).is_ok_and(|edits| edits.is_empty()) {
        let what = message!("launch-json.not-edited", file = place.file.display());
        return Err(Failure::new(Blame::Internal, what));
    }
    Ok(Edited::Changed(format!("{bom}{body}")))
}

/// The entry as it stands, if it does; for reading what a colleague's copy says.
pub(crate) fn find(text: &str, place: &Place<'_>, name: &str) -> Option<Value> {
    let text = text.strip_prefix(BOM).unwrap_or(text);
    let root = parse(text, place).ok()??;
    let list = property(root.as_object()?, place.list)?.value.as_array()?;
    Some(Value::from(Node::Object(entry_of(list, place, name)?.clone())))
}

/// Where the entry stands in the text.
#[cfg(test)]
pub(crate) fn range_of(text: &str, place: &Place<'_>, name: &str) -> Option<Range<usize>> {
    let bom = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let root = parse(&text[bom..], place).ok()??;
    let list = property(root.as_object()?, place.list)?.value.as_array()?;
    let found = range(entry_of(list, place, name)?);
    Some(found.start + bom..found.end + bom)
}

struct Edit {
    range: Range<usize>,
    text: String,
}

fn insertion(at: usize, text: String) -> Edit {
    Edit { range: at..at, text }
}

fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    // Stable, so that insertions at one place stay in order.
    edits.sort_by_key(|edit| edit.range.start);
    let mut result = String::with_capacity(text.len() + 512);
    let mut done = 0;
    for edit in edits {
        result.push_str(&text[done..edit.range.start]);
        result.push_str(&edit.text);
        done = edit.range.end;
    }
    result.push_str(&text[done..]);
    result
}

fn parse<'a>(text: &'a str, place: &Place<'_>) -> Result<Option<Node<'a>>, Failure> {
    let strict = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &CollectOptions::default(), &strict) {
        Ok(result) => Ok(result.value),
        Err(error) => {
            let what = message!(
                "launch-json.syntax",
                file = place.file.display(),
                line = error.line_display(),
                column = error.column_display(),
                cause = error.kind(),
            );
            Err(untouched(what))
        }
    }
}

/// The edits that take away one key that contradicts ours.
fn removal(text: &str, place: &Place<'_>, entry: &Entry<'_>) -> Result<Option<Vec<Edit>>, Failure> {
    let Some(root) = parse(text, place)? else { return Ok(None) };
    let found = root
        .as_object()
        .and_then(|object| property(object, place.list)?.value.as_array())
        .and_then(|list| entry_of(list, place, entry.name));
    let Some(object) = found else { return Ok(None) };
    let contradicts = |found: &ObjectProp<'_>| entry.without.contains(&found.name.as_str());
    Ok(object.properties.iter().position(contradicts).map(|index| remove(text, object, index)))
}

fn updates(text: &str, place: &Place<'_>, entry: &Entry<'_>) -> Result<Vec<Edit>, Failure> {
    let style = Style::of(text);
    let mut edits = Vec::new();
    let Some(root) = parse(text, place)? else {
        edits.push(new_file(text, &style, place, entry));
        return Ok(edits);
    };
    let Node::Object(object) = &root else {
        let (line, column) = position(text, root.range().start);
        let file = place.file.display();
        return Err(untouched(message!(
            "launch-json.not-an-object",
            file = file,
            line = line,
            column = column
        )));
    };
    let Some(found) = property(object, place.list) else {
        let list = Value::Array(vec![whole(place, entry)]);
        let version = Value::from(place.version);
        let mut new = vec![(place.list, &list)];
        if object.properties.is_empty() {
            new.insert(0, ("version", &version));
        }
        style.append_properties(&mut edits, object, new);
        return Ok(edits);
    };
    let Node::Array(list) = &found.value else {
        let (line, column) = position(text, found.value.range().start);
        let (file, list) = (place.file.display(), place.list);
        let what = message!("launch-json.not-a-list", file = file, line = line, column = column, list = list);
        return Err(untouched(what));
    };
    match entry_of(list, place, entry.name) {
        Some(object) => style.merge_object(&mut edits, object, &entry.ours, entry.lists),
        None => style.append_elements(&mut edits, list, &[whole(place, entry)]),
    }
    Ok(edits)
}

/// "Line, column" of a place, as editors count.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    (before.matches('\n').count() + 1, before[line_start(before, at)..].chars().count() + 1)
}

fn untouched(what: Message) -> Failure {
    Failure::new(Blame::User, what).with_fix(message!("launch-json.syntax.fix"))
}

fn new_file(text: &str, style: &Style<'_>, place: &Place<'_>, entry: &Entry<'_>) -> Edit {
    let mut object = Map::new();
    object.insert("version".to_owned(), place.version.into());
    object.insert(place.list.to_owned(), Value::Array(vec![whole(place, entry)]));
    let gap = if text.is_empty() || text.ends_with(['\n', '\r']) { "" } else { style.newline };
    let body = style.multi_line(&Value::Object(object), "");
    insertion(text.len(), format!("{gap}{body}{}", style.newline))
}

/// The entry as it is made new.
fn whole(place: &Place<'_>, entry: &Entry<'_>) -> Value {
    let name = (place.known_by.to_owned(), Value::from(entry.name));
    let rest = entry.ours.iter().chain(&entry.first).map(|(key, value)| (key.clone(), value.clone()));
    Value::Object(std::iter::once(name).chain(rest).collect())
}

/// The last one counts, as in JavaScript, if a key stands twice.
fn property<'n, 'a>(object: &'n Object<'a>, key: &str) -> Option<&'n ObjectProp<'a>> {
    object.properties.iter().rev().find(|property| property.name.as_str() == key)
}

/// The first one counts, as in VS Code, if a name stands twice.
fn entry_of<'n, 'a>(list: &'n Array<'a>, place: &Place<'_>, name: &str) -> Option<&'n Object<'a>> {
    find_by(list, place.known_by, name)
}

fn find_by<'n, 'a>(list: &'n Array<'a>, key: &str, value: &str) -> Option<&'n Object<'a>> {
    list.elements.iter().filter_map(Node::as_object).find(|object| {
        property(object, key).and_then(|it| it.value.as_string_lit()).is_some_and(|it| it.value == value)
    })
}

/// How the file is written.
struct Style<'a> {
    text: &'a str,
    newline: &'static str,
    /// One step of indentation.
    unit: String,
    one_line: bool,
}

impl<'a> Style<'a> {
    fn of(text: &'a str) -> Self {
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        let first_indented = text.lines().find_map(|line| {
            let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
            let member = line[indent.len()..].starts_with('"');
            (member && !indent.is_empty()).then_some(indent)
        });
        // VS Code's own default for a new file.
        let unit = first_indented.unwrap_or("    ").to_owned();
        // A file with nothing in it yet has no style.
        let one_line = text.contains('"') && !text.trim().contains(['\n', '\r']);
        Self { text, newline, unit, one_line }
    }

    fn merge_object(
        &self,
        edits: &mut Vec<Edit>,
        object: &Object<'_>,
        ours: &Map<String, Value>,
        lists: &[(&str, &str)],
    ) {
        let mut missing = Vec::new();
        for (key, value) in ours {
            let Some(found) = property(object, key) else {
                missing.push((key.as_str(), value));
                continue;
            };
            let id = lists.iter().find(|(list, _)| list == key).map(|(_, id)| *id);
            match (&found.value, value, id) {
                (Node::Object(inside), Value::Object(ours), _) => self.merge_object(edits, inside, ours, &[]),
                (Node::Array(inside), Value::Array(ours), Some(id)) => {
                    self.merge_list(edits, inside, ours, id);
                }
                (found, value, _) => self.replace(edits, found, value),
            }
        }
        self.append_properties(edits, object, missing);
    }

    fn merge_list(&self, edits: &mut Vec<Edit>, list: &Array<'_>, ours: &[Value], id: &str) {
        let mut missing = Vec::new();
        for value in ours {
            let found = value.get(id).and_then(Value::as_str).and_then(|name| find_by(list, id, name));
            match (found, value) {
                (Some(found), Value::Object(ours)) => self.merge_object(edits, found, ours, &[]),
                _ => missing.push(value.clone()),
            }
        }
        self.append_elements(edits, list, &missing);
    }

    fn replace(&self, edits: &mut Vec<Edit>, found: &Node<'_>, value: &Value) {
        if Value::from(found.clone()) == *value {
            return;
        }
        let range = range(found);
        let indent = line_indent(self.text, range.start);
        edits.push(Edit { text: self.value(value, Some(indent)), range });
    }

    fn append_properties(&self, edits: &mut Vec<Edit>, object: &Object<'_>, new: Vec<(&str, &Value)>) {
        let members: Vec<Range<usize>> = object.properties.iter().map(range).collect();
        self.append(edits, range(object), &members, new.len(), |index, indent| {
            let (key, value) = new[index];
            format!("{}: {}", Value::from(key), self.value(value, indent))
        });
    }

    fn append_elements(&self, edits: &mut Vec<Edit>, list: &Array<'_>, new: &[Value]) {
        let members: Vec<Range<usize>> = list.elements.iter().map(range).collect();
        self.append(edits, range(list), &members, new.len(), |index, indent| self.value(&new[index], indent));
    }

    /// Puts new members behind the last one of a bracketed list, by insertions alone.
    fn append(
        &self,
        edits: &mut Vec<Edit>,
        brackets: Range<usize>,
        members: &[Range<usize>],
        count: usize,
        member: impl Fn(usize, Option<&str>) -> String,
    ) {
        if count == 0 {
            return;
        }
        let close = brackets.end - 1;
        let comma = members.last().and_then(|last| comma_behind(self.text, last.end));
        let grown = self.text[brackets.clone()].contains('\n');
        if self.one_line || (!grown && !members.is_empty() && is_object(self.text, &brackets)) {
            let new: Vec<String> = (0..count).map(|index| member(index, None)).collect();
            let joined = new.join(", ");
            edits.push(match members.last() {
                Some(last) => insertion(last.end, format!(", {joined}")),
                None => insertion(brackets.start + 1, joined),
            });
            return;
        }
        let own_line = members.first().map(|first| first.start).filter(|at| starts_its_line(self.text, *at));
        let outer = line_indent(self.text, brackets.start);
        let indent = match own_line {
            Some(at) => line_indent(self.text, at).to_owned(),
            None => format!("{outer}{}", self.unit),
        };
        let base = match (members.last(), comma) {
            (Some(_), Some(comma)) => comma + 1,
            (Some(last), None) => {
                edits.push(insertion(last.end, ",".to_owned()));
                last.end
            }
            (None, _) => brackets.start + 1,
        };
        let at = behind_comments_of_line(self.text, base);
        let mut text = String::new();
        for index in 0..count {
            text.push_str(self.newline);
            text.push_str(&indent);
            text.push_str(&member(index, Some(&indent)));
            if index + 1 < count || comma.is_some() {
                text.push(',');
            }
        }
        if !self.text[at..close].contains('\n') {
            text.push_str(self.newline);
            text.push_str(outer);
        }
        edits.push(insertion(at, text));
    }

    /// A value on lines of this indentation, or on the line it stands on.
    fn value(&self, value: &Value, indent: Option<&str>) -> String {
        match indent {
            Some(indent) if !self.one_line => self.multi_line(value, indent),
            _ => value.to_string(),
        }
    }

    fn multi_line(&self, value: &Value, indent: &str) -> String {
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(self.unit.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        // Writing a value into memory cannot fail.
        let _ = value.serialize(&mut serializer);
        // A line break inside a string is written as \n, so each real one is layout.
        String::from_utf8_lossy(&bytes).replace('\n', &format!("{}{indent}", self.newline))
    }
}

fn range(node: &impl Ranged) -> Range<usize> {
    let range = node.range();
    range.start..range.end
}

fn is_object(text: &str, brackets: &Range<usize>) -> bool {
    text[brackets.clone()].starts_with('{')
}

/// Takes a property out with its comma, and with its line where it has one of its own.
fn remove(text: &str, object: &Object<'_>, index: usize) -> Vec<Edit> {
    let gone = range(&object.properties[index]);
    let delete = |range| Edit { range, text: String::new() };
    match comma_behind(text, gone.end) {
        Some(comma) if text[gone.end..comma].trim().is_empty() => {
            vec![delete(with_line(text, gone.start..comma + 1))]
        }
        // A comment before the comma stays.
        Some(comma) => vec![delete(gone), delete(comma..comma + 1)],
        None => {
            let previous = index.checked_sub(1).map(|index| range(&object.properties[index]).end);
            let comma = previous.and_then(|end| comma_behind(text, end));
            let mut edits: Vec<Edit> = comma.map(|at| delete(at..at + 1)).into_iter().collect();
            edits.push(delete(with_line(text, gone)));
            edits
        }
    }
}

fn with_line(text: &str, range: Range<usize>) -> Range<usize> {
    let start = line_start(text, range.start);
    let rest = &text[range.end..];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let newline = ["\r\n", "\n"].iter().find(|newline| rest[blank..].starts_with(**newline));
    match newline {
        Some(newline) if starts_its_line(text, range.start) => start..range.end + blank + newline.len(),
        _ => range.start..range.end + blank,
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_indent(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn starts_its_line(text: &str, at: usize) -> bool {
    at > 0 && line_start(text, at) > 0 && text[line_start(text, at)..at].trim().is_empty()
}

/// The place of the comma that follows a member, over white space and comments.
fn comma_behind(text: &str, end: usize) -> Option<usize> {
    let mut at = end;
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        match comment(&text[at..]) {
            Some(length) => at += length,
            None => return text[at..].starts_with(',').then_some(at),
        }
    }
}

/// Behind the comments that belong to what ends here: those that begin on the same line.
fn behind_comments_of_line(text: &str, end: usize) -> usize {
    let mut at = end;
    let mut behind = end;
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let Some(length) = comment(&text[at..]) else { return behind };
        at += length;
        behind = at;
    }
}

/// The length of the comment that the text begins with; a line comment ends before the line break.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find(['\n', '\r']).unwrap_or(text.len()));
    }
    let inside = text.strip_prefix("/*")?;
    Some(inside.find("*/").map_or(text.len(), |end| end + 4))
}
