//! Specs as a language: what may stand at a place, what stands there means, and where it leads.
//!
//! While somebody types, a text is rarely whole. So the place of the cursor is read from the lines above it by their
//! columns ([`place`]), and the tree, where one is needed, is that of the text without the cursor's line. What is
//! offered comes from the tables by which specs are checked: nothing is offered that is then refused.

mod meaning;
mod place;

use super::Kind;
use super::files::resolve;
use super::schema::tables::Shape;
use super::schema::{Ty, expected, flatten, may_be};
use crate::diagnostic::{Position, Range};
use crate::message::{Arg, Message};
use crate::yaml::{self, Node, Source, Span, Value};
use place::{Slot, Step};
use std::path::{Path, PathBuf};

/// Something to insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is shown, and what is typed to find it.
    pub label: String,
    /// What it is.
    pub form: Form,
    /// What it may hold, in a few words.
    pub detail: Arg,
    /// What it means.
    pub meaning: Option<Message>,
    /// What is inserted.
    pub text: String,
    /// Whether a spec of this kind is nothing without it.
    pub required: bool,
}

/// What an [`Offer`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A key of a mapping.
    Key,
    /// One of a few words.
    Word,
    /// An input, an output or a step of this spec.
    Reference,
    /// A file or a folder.
    File,
}

/// What may stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    /// What an offer replaces.
    pub range: Range,
    /// The offers.
    pub offers: Vec<Offer>,
    /// Where the names of files go on, if one may stand here.
    pub files: Option<FilesOf>,
}

/// The files of a folder may stand here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesOf {
    /// The folder, as far as the path is written.
    pub folder: PathBuf,
    /// What is written of it, up to the last `/`; an offer begins with it.
    pub written: String,
    /// Whether a folder will do, and whether a file will.
    pub wanted: Wanted,
}

/// What kind of path is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Either.
    Any,
    /// A file; folders lead to it.
    File,
    /// A folder.
    Folder,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// The word.
    pub range: Range,
    /// The key it belongs to.
    pub key: String,
    /// What it means.
    pub meaning: Option<Message>,
    /// What it may hold.
    pub expected: Arg,
    /// Whether it has to be there.
    pub required: bool,
}

/// Where something leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file that may be there.
    File(PathBuf),
    /// Another place in the same text.
    Here(Range),
}

/// What may stand at a place of a spec.
pub fn complete(path: &Path, text: &str, at: Position) -> Option<Offers> {
    let place = place::find(text, at)?;
    let root = root_without(text, at.line as usize);
    let kind = Kind::of_file(path, &root);
    let range = place.range;
    if let Some(written) = place.open_binding() {
        let mut offers = bindings(&root, &place.steps, &written);
        let line = text.lines().nth(at.line as usize).unwrap_or("");
        if !line
            .get(place::byte_of(line, at.character)..)
            .is_some_and(|rest| rest.trim_start().starts_with("}}"))
        {
            offers.iter_mut().for_each(|offer| offer.text.push_str("}}"));
        }
        let range =
            Range { start: shifted(range.end, -(written.encode_utf16().count() as i64)), end: range.end };
        return Some(Offers { range, offers, files: None });
    }
    let (types, node) = descend(kind.shape(&root)?, &root, &place.steps);
    let mut offers = Vec::new();
    let mut files = None;
    match &place.slot {
        Slot::Key(_) => offers.extend(keys(&types, node)),
        Slot::Value(written) => {
            offers.extend(words(&types));
            files = files_of(path, &types, written);
        }
    }
    Some(Offers { range, offers, files })
}

/// What stands at a place of a spec.
pub fn hover(path: &Path, text: &str, at: Position) -> Option<Hover> {
    let (root, source) = whole(text)?;
    let kind = Kind::of_file(path, &root);
    let mut steps = place::steps_to(text, at)?;
    let Some(Step::Key(key)) = steps.pop() else { return None };
    let (types, _) = descend(kind.shape(&root)?, &root, &steps);
    let fields = types.iter().filter_map(|ty| match ty {
        Ty::Nested(shape) | Ty::Open(shape) => shape.fields().iter().find(|field| field.key == key),
        _ => None,
    });
    let field = fields.clone().find(|field| field.required).or_else(|| fields.clone().next())?;
    let line = source.line(at.line as usize);
    let start = line.start + source.slice(line).find(&key)?;
    Some(Hover {
        range: source.range(Span { start, end: start + key.len() }),
        meaning: meaning::of(&key),
        expected: expected(&field.ty),
        required: field.required,
        key,
    })
}

/// Where the word at a place leads: the file it names, or the input it is bound to.
pub fn definition(path: &Path, text: &str, at: Position) -> Vec<Target> {
    let Some((root, source)) = whole(text) else { return Vec::new() };
    let line = source.line(at.line as usize);
    let column = place::byte_of(source.slice(line), at.character);
    let Some(word) = word_at(source.slice(line), column) else { return Vec::new() };
    if let Some(target) = binding_at(source.slice(line), column).and_then(|name| bound(&root, &source, &name))
    {
        return vec![Target::Here(target)];
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let word = word.strip_prefix("file:").unwrap_or(word);
    if word.contains("://") || word.starts_with("azureml:") {
        return Vec::new();
    }
    let code = root.text("code").filter(|code| !code.contains(':'));
    // A script of the command stands in the code folder; what a key names stands beside the spec.
    let in_code = code.map(|code| Target::File(resolve(&resolve(folder, code), word)));
    [Some(Target::File(resolve(folder, word))), in_code].into_iter().flatten().collect()
}

/// Where the names of a pipeline's steps stand.
pub fn steps(text: &str) -> Vec<(String, Range)> {
    let Some((root, source)) = whole(text) else { return Vec::new() };
    let steps = root.get("jobs").map(Node::entries).unwrap_or_default();
    steps.iter().map(|entry| (entry.key.clone(), source.range(entry.key_span))).collect()
}

/// The tree of a text of which a line may be half written; an empty mapping if there is none.
fn root_without(text: &str, line: usize) -> Node {
    let whole = yaml::parse(text.as_bytes()).root;
    let without = || {
        let lines = text.split_inclusive('\n').enumerate();
        let kept: String = lines.map(|(at, kept)| if at == line { "\n" } else { kept }).collect();
        yaml::parse(kept.as_bytes()).root
    };
    let before = || {
        let kept: String = text.split_inclusive('\n').take(line).collect();
        yaml::parse(kept.as_bytes()).root
    };
    let is_map = |root: &Node| matches!(root.value, Value::Map(_));
    let empty = Node { span: Span::default(), value: Value::Map(Vec::new()) };
    // A key without its value says less than none at all.
    without().filter(is_map).or(whole).filter(is_map).or_else(before).filter(is_map).unwrap_or(empty)
}

fn whole(text: &str) -> Option<(Node, Source)> {
    let parsed = yaml::parse(text.as_bytes());
    Some((parsed.root?, parsed.source))
}

/// What may stand where the steps lead, and what does.
fn descend<'a>(shape: Shape, root: &'a Node, steps: &[Step]) -> (Vec<Ty>, Option<&'a Node>) {
    let mut types = vec![Ty::Nested(shape)];
    let mut node = Some(root);
    for step in steps {
        let within = |ty: &Ty| match (step, ty) {
            (Step::Key(key), Ty::Nested(shape) | Ty::Open(shape)) => {
                shape.fields().iter().find(|field| field.key == key && !field.read_only).map(|field| field.ty)
            }
            (Step::Key(_), Ty::MapOf(inner) | Ty::Steps(inner)) => Some(**inner),
            (Step::Item(_), Ty::ListOf(inner)) => Some(**inner),
            _ => None,
        };
        let found: Vec<Ty> = types.iter().filter_map(within).collect();
        node = node.and_then(|node| match step {
            Step::Key(key) => node.get(key),
            Step::Item(index) => node.items().get(*index),
        });
        types.clear();
        flatten(&found, &mut types);
        types.retain(|ty| node.is_none_or(|node| !matches!(node.value, Value::Map(_)) || may_be(node, ty)));
    }
    (types, node)
}

fn keys(types: &[Ty], node: Option<&Node>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for ty in types {
        let (Ty::Nested(shape) | Ty::Open(shape)) = ty else { continue };
        for field in shape.fields().iter().filter(|field| !field.read_only) {
            let is_there = node.is_some_and(|node| node.get(field.key).is_some());
            if is_there || offers.iter().any(|offer| offer.label == field.key) {
                continue;
            }
            let end = if holds_only_more(&field.ty) { ":" } else { ": " };
            offers.push(Offer {
                label: field.key.to_owned(),
                form: Form::Key,
                detail: expected(&field.ty),
                meaning: meaning::of(field.key),
                text: format!("{}{end}", field.key),
                required: field.required,
            });
        }
    }
    offers
}

/// Whether a value of the type never stands behind its key on the same line.
fn holds_only_more(ty: &Ty) -> bool {
    let mut flat = Vec::new();
    flatten(std::slice::from_ref(ty), &mut flat);
    flat.iter().all(|ty| match ty {
        Ty::Nested(shape) => !shape.may_be_file(),
        Ty::Open(_) | Ty::Map | Ty::MapOf(_) | Ty::Steps(_) | Ty::ListOf(_) => true,
        _ => false,
    })
}

/// The few words that a value may be.
fn words(types: &[Ty]) -> Vec<Offer> {
    let mut flat = Vec::new();
    flatten(types, &mut flat);
    let mut offers: Vec<Offer> = Vec::new();
    let mut offer = |label: &str, detail: Arg| {
        if offers.iter().all(|offer| offer.label != label) {
            let (label, text) = (label.to_owned(), label.to_owned());
            offers.push(Offer { label, form: Form::Word, detail, meaning: None, text, required: false });
        }
    };
    for ty in &flat {
        match ty {
            Ty::OneOf(values) | Ty::SnakeOneOf(values) | Ty::ExactlyOneOf(values) => {
                values.iter().for_each(|value| offer(value, Arg::default()));
            }
            Ty::Bool => ["true", "false"].iter().for_each(|value| offer(value, Arg::default())),
            Ty::Arm(_) | Ty::ArmVersioned(_) | Ty::ArmAnyVersion(_) => offer("azureml:", expected(ty)),
            Ty::Registry => offer("azureml://registries/", expected(ty)),
            _ => {}
        }
    }
    offers
}

fn files_of(path: &Path, types: &[Ty], written: &str) -> Option<FilesOf> {
    let mut flat = Vec::new();
    flatten(types, &mut flat);
    let wanted = flat.iter().find_map(|ty| match ty {
        Ty::LocalPath => Some(Wanted::Any),
        Ty::LocalFile | Ty::ComponentFile(_) | Ty::JobFile => Some(Wanted::File),
        Ty::LocalFolder => Some(Wanted::Folder),
        Ty::Nested(shape) if shape.may_be_file() => Some(Wanted::File),
        _ => None,
    });
    // A conda file may also stand there as a mapping, and the path of an input is a text like any other.
    let wanted =
        wanted.or_else(|| flat.iter().any(|ty| matches!(ty, Ty::Any | Ty::Url)).then_some(Wanted::Any))?;
    let only_as_file = flat.iter().any(|ty| matches!(ty, Ty::Nested(shape) if shape.may_be_file()));
    let rest = written.strip_prefix("file:").unwrap_or(written);
    if rest.contains(':')
        || (only_as_file && rest == written && !written.is_empty() && !"file:".starts_with(written))
    {
        return None;
    }
    let prefix = if only_as_file { "file:" } else { "" };
    let down_to = rest.rfind('/').map_or("", |slash| &rest[..=slash]);
    let folder = resolve(path.parent().unwrap_or(Path::new("")), down_to);
    Some(FilesOf { folder, written: format!("{prefix}{down_to}"), wanted })
}

/// What may stand in `${{ … }}`: the inputs and outputs in sight, by their names.
fn bindings(root: &Node, steps: &[Step], written: &str) -> Vec<Offer> {
    let names = |node: &Node, key: &str| -> Vec<String> {
        node.get(key).map(Node::entries).unwrap_or_default().iter().map(|entry| entry.key.clone()).collect()
    };
    let mut paths = Vec::new();
    let step = match steps {
        [Step::Key(jobs), Step::Key(name), ..] if jobs == "jobs" => {
            root.get("jobs").and_then(|jobs| jobs.get(name))
        }
        _ => None,
    };
    // The command of a step sees the step; what a step is given sees the pipeline and the other steps.
    let own = step.unwrap_or(root);
    let is_command = matches!(steps.last(), Some(Step::Key(key)) if key == "command" || key == "args");
    if step.is_none() || is_command {
        for group in ["inputs", "outputs", "search_space"] {
            paths.extend(names(own, group).iter().map(|name| format!("{group}.{name}")));
        }
    }
    if step.is_some() && !is_command {
        for group in ["inputs", "outputs"] {
            paths.extend(names(root, group).iter().map(|name| format!("parent.{group}.{name}")));
        }
        for job in root.get("jobs").map(Node::entries).unwrap_or_default() {
            paths.extend(
                names(&job.value, "outputs")
                    .iter()
                    .map(|name| format!("parent.jobs.{}.outputs.{name}", job.key)),
            );
        }
    }
    paths
        .into_iter()
        .filter(|path| path.starts_with(written) || written.is_empty())
        .map(|path| Offer {
            label: path.clone(),
            form: Form::Reference,
            detail: Arg::default(),
            meaning: None,
            text: path,
            required: false,
        })
        .collect()
}

/// The name in the `${{ … }}` around a column.
fn binding_at(line: &str, column: usize) -> Option<String> {
    let open = line.get(..column)?.rfind("${{")?;
    let inner = &line[open + 3..];
    let end = inner.find("}}")?;
    (open + 3 + end >= column).then(|| inner[..end].trim().to_owned())
}

/// Where the input, output or step of a binding is written.
fn bound(root: &Node, source: &Source, name: &str) -> Option<Range> {
    let mut parts = name.split('.').skip_while(|part| *part == "parent");
    let mut node = root;
    let mut span = None;
    for part in parts.by_ref() {
        let Some(entry) = node.entry(part) else { break };
        span = Some(entry.key_span);
        node = &entry.value;
    }
    span.map(|span| source.range(span))
}

/// The word around a column: a path, or what stands between spaces.
fn word_at(line: &str, column: usize) -> Option<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '[' | ']');
    let start = line.get(..column)?.rfind(ends).map_or(0, |at| at + 1);
    let end = line.get(column..)?.find(ends).map_or(line.len(), |at| column + at);
    let word = line.get(start..end)?;
    (!word.is_empty() && !word.ends_with(':')).then_some(word)
}

fn shifted(at: Position, by: i64) -> Position {
    Position { character: u32::try_from(i64::from(at.character) + by).unwrap_or(0), ..at }
}

#[cfg(test)]
mod tests;
