//! What a finding says: what is wrong, what was wanted, and what was probably meant.

use super::tables::Shape;
use super::{Checker, FILE_PREFIX, Field, Ty, flatten, head};
use crate::diagnostic::{Diagnostic, Severity};
use crate::message;
use crate::message::Arg;
use crate::spec::environment::DEFAULT_IMAGE;
use crate::spec::rules;
use crate::yaml::{Entry, Node, Span, Value};

impl Checker<'_> {
    /// Says what is wrong with a value that no alternative takes, in the words of the alternative that was
    /// most likely meant.
    pub(super) fn explain(&mut self, node: &Node, ty: &Ty, flat: &[Ty], possible: &[Ty]) -> bool {
        if let Value::Map(_) = node.value {
            let knows_type = |ty: &Ty| matches!(ty, Ty::Nested(shape) | Ty::Open(shape) if shape.fields().iter().any(|field| field.key == "type"));
            if let Some(kind) = node.get("type")
                && !possible.iter().any(knows_type)
            {
                let mut known: Vec<&str> = flat.iter().flat_map(type_values).collect();
                known.sort_unstable();
                known.dedup();
                if !known.is_empty() {
                    let found = kind.printed().unwrap_or_default();
                    return self.not_one_of(kind.span, &found, &known);
                }
            }
            let best = possible
                .iter()
                .filter(|ty| matches!(ty, Ty::Nested(_) | Ty::Open(_)))
                .map(|ty| {
                    let start = self.findings.len();
                    self.check(node, ty);
                    let findings = self.findings.split_off(start.min(self.findings.len()));
                    (self.weight(&findings), findings)
                })
                .min_by_key(|(weight, _)| *weight);
            if let Some((_, findings)) = best {
                self.findings.extend(findings);
                return false;
            }
        }
        let Some(text) = node.as_str() else { return self.wrong_type(node, ty) };
        if let Some(file) = possible.iter().find(|ty| matches!(ty, Ty::ComponentFile(_))) {
            return self.check(node, file);
        }
        if text.starts_with(FILE_PREFIX) {
            let nested = possible
                .iter()
                .find(|ty| matches!(ty, Ty::Nested(shape) | Ty::Open(shape) if shape.may_be_file()));
            if let Some(nested) = nested {
                return self.check(node, nested);
            }
        }
        let resource = flat.iter().find_map(|ty| match ty {
            Ty::Arm(name) | Ty::ArmVersioned(name) | Ty::ArmAnyVersion(name) => Some(*name),
            _ => None,
        });
        if let Some(name) = resource {
            if text.starts_with("azureml:") {
                return self.error(node.span, message!("spec.reference", found = text, resource = name));
            }
            if let Some(path) =
                flat.iter().find(|ty| matches!(ty, Ty::LocalPath | Ty::LocalFile | Ty::LocalFolder))
            {
                return self.local_path(node, path);
            }
            return self.not_a_reference(node, text, name);
        }
        self.wrong_type(node, ty)
    }

    /// A path where a registered asset or an inline mapping is wanted is the usual mistake.
    fn not_a_reference(&mut self, node: &Node, text: &str, resource: &str) -> bool {
        let is_yaml = text.ends_with(".yml") || text.ends_with(".yaml");
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        if resource == "environments" && is_yaml {
            let parsed = self.parsed(text).flatten();
            let root = parsed.as_ref().and_then(|parsed| parsed.root.as_ref());
            if root.is_some_and(|root| root.get("dependencies").is_some()) {
                let message = message!("spec.environment-is-a-conda-file", path = text);
                let new_text = format!("{{image: \"{DEFAULT_IMAGE}\", conda_file: {quoted}}}");
                let fix = (message!("spec.environment-is-a-conda-file.fix"), new_text);
                return self.error_with(node.span, message, Some(fix));
            }
            let message = message!("spec.environment-is-a-file", path = text);
            let fix = root.map(|_| {
                let new_text = format!("file:{text}");
                (message!("spec.rename.fix", from = text, to = new_text), new_text)
            });
            return self.error_with(node.span, message, fix);
        }
        if resource == "environments" && text.contains(['/', ':']) && !text.starts_with(['.', '/']) {
            let message = message!("spec.environment-is-an-image", image = text);
            let fix = (message!("spec.mapping.fix"), format!("{{image: {quoted}}}"));
            return self.error_with(node.span, message, Some(fix));
        }
        if resource == "models" && text.contains(['/', '.', '\\']) {
            let message = message!("spec.model-is-a-path", path = text);
            let fix = (message!("spec.mapping.fix"), format!("{{path: {quoted}}}"));
            return self.error_with(node.span, message, Some(fix));
        }
        self.error(node.span, message!("spec.reference", found = text, resource = resource))
    }

    /// How far a set of findings is from "nearly right": a wrong key weighs more than a wrong value.
    fn weight(&self, findings: &[Diagnostic]) -> usize {
        findings
            .iter()
            .map(|finding| match finding.message.id.as_str() {
                "spec.unknown-key" | "spec.missing-key" => 3,
                "spec.not-one-of" => 4,
                _ => 2,
            })
            .sum()
    }

    pub(super) fn unknown_key(&mut self, entry: &Entry, fields: &[Field], node: &Node) -> bool {
        if self.quiet > 0 || self.is_full() {
            return false;
        }
        let free = fields.iter().filter(|field| !field.read_only && node.get(field.key).is_none());
        let names: Vec<&str> = free.map(|field| field.key).collect();
        match nearest(&entry.key, &names) {
            Some(near) => {
                let message = message!("spec.unknown-key.near", key = entry.key, near = near);
                let title = message!("spec.rename.fix", from = entry.key, to = near);
                self.error_with(entry.key_span, message, Some((title, near.to_owned())))
            }
            None => {
                let message = message!("spec.unknown-key", key = entry.key, expected = names.join(", "));
                self.error(entry.key_span, message)
            }
        }
    }

    /// azure-ai-ml lets the key through; one that is nearly a known key is a misspelling all the same, and
    /// the reason why a key is missing that has to be there.
    pub(super) fn unknown_but_allowed(&mut self, entry: &Entry, fields: &[Field], node: &Node) -> bool {
        if self.quiet > 0 || self.is_full() {
            return true;
        }
        let Some(near) = meant_by(entry, fields, node) else { return true };
        let severity = if near.required { Severity::Error } else { Severity::Warning };
        let message = message!("spec.unknown-key.near", key = entry.key, near = near.key);
        let title = message!("spec.rename.fix", from = entry.key, to = near.key);
        self.find(severity, entry.key_span, message, Some((title, near.key.to_owned())));
        !near.required
    }

    pub(super) fn missing_key(&mut self, node: &Node, field: &Field, shape: Shape) -> bool {
        let fields = shape.fields();
        if self.quiet > 0 {
            return false;
        }
        if rules::is_added_by_command_line(fields, field.key) {
            let message = message!("spec.endpoint-name-missing");
            self.find(Severity::Warning, head(node), message, None);
            return true;
        }
        // A misspelt key is reported once, as the misspelling.
        let is_meant = |entry: &Entry| {
            let is_unknown =
                fields.iter().all(|known| known.key != entry.key) && !rules::is_ignored(shape, &entry.key);
            is_unknown && meant_by(entry, fields, node).is_some_and(|meant| meant.key == field.key)
        };
        if node.entries().iter().any(is_meant) {
            return false;
        }
        self.error(head(node), message!("spec.missing-key", key = field.key, expected = expected(&field.ty)))
    }

    pub(super) fn bad_enum(&mut self, node: &Node, ty: &Ty) -> bool {
        let (Ty::OneOf(values) | Ty::SnakeOneOf(values) | Ty::ExactlyOneOf(values)) = ty else {
            return false;
        };
        let found = node.printed().unwrap_or_else(|| kind_of(node).to_string());
        self.not_one_of(node.span, &found, values)
    }

    pub(crate) fn not_one_of(&mut self, span: Span, found: &str, values: &[&str]) -> bool {
        if self.quiet > 0 {
            return false;
        }
        let message = message!("spec.not-one-of", found = found, expected = values.join(", "));
        let lower = found.to_lowercase();
        let mut longer = values.iter().filter(|value| lower.len() > 2 && value.contains(&lower)).copied();
        let only = longer.next().filter(|_| longer.next().is_none());
        let fix = nearest(&lower, values)
            .or(only)
            .map(|near| (message!("spec.rename.fix", from = found, to = near), near.to_owned()));
        self.error_with(span, message, fix)
    }

    pub(super) fn wrong_type(&mut self, node: &Node, ty: &Ty) -> bool {
        if self.quiet > 0 {
            return false;
        }
        let span = match node.value {
            Value::Map(_) | Value::List(_) => head(node),
            _ => node.span,
        };
        self.error(span, message!("spec.wrong-type", found = kind_of(node), expected = expected(ty)))
    }
}

/// The key that an unknown one was meant to be, among those that are not there yet.
fn meant_by<'f>(entry: &Entry, fields: &'f [Field], node: &Node) -> Option<&'f Field> {
    let free = fields.iter().filter(|field| !field.read_only && node.get(field.key).is_none());
    let names: Vec<&str> = free.map(|field| field.key).collect();
    let near = nearest(&entry.key, &names)?;
    fields.iter().find(|field| field.key == near)
}

/// The words that `type` may hold in an alternative.
fn type_values(ty: &Ty) -> Vec<&'static str> {
    let (Ty::Nested(shape) | Ty::Open(shape)) = ty else { return Vec::new() };
    let field = shape.fields().iter().find(|field| field.key == "type");
    match field.map(|field| field.ty) {
        Some(Ty::OneOf(values) | Ty::SnakeOneOf(values) | Ty::ExactlyOneOf(values)) => values.to_vec(),
        _ => Vec::new(),
    }
}

/// The candidate that a misspelt word was meant to be: at most a third of it may differ.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be changed, added, dropped or swapped with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let normal = |text: &str| -> Vec<char> {
        text.chars().take(64).map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
    };
    let (a, b) = (normal(a), normal(b));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            next[j] = (row[j] + 1).min(next[j - 1] + 1).min(row[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

/// What a value is, in words.
pub(crate) fn kind_of(node: &Node) -> Arg {
    match &node.value {
        Value::Null => message!("spec.kind.null"),
        Value::Bool(_) => message!("spec.kind.bool"),
        Value::Int(_) | Value::Float(_) => message!("spec.kind.number"),
        Value::Str(text) if text.len() <= 60 => return Arg::Plain(format!("\"{text}\"")),
        Value::Str(_) => message!("spec.kind.text"),
        Value::Date(_) => message!("spec.kind.date"),
        Value::List(_) => message!("spec.kind.list"),
        Value::Map(_) => message!("spec.kind.map"),
    }
    .argument()
}

/// What is wanted, in words.
pub(in crate::spec) fn expected(ty: &Ty) -> Arg {
    let mut flat = Vec::new();
    flatten(std::slice::from_ref(ty), &mut flat);
    let mut words: Vec<Arg> = Vec::new();
    for ty in flat {
        let word = match ty {
            Ty::Any => message!("spec.kind.any"),
            Ty::Str | Ty::ComponentName | Ty::EndpointName => message!("spec.kind.text"),
            Ty::Int | Ty::WholeOnly => message!("spec.kind.whole-number"),
            Ty::Number | Ty::AnyNumber | Ty::FloatOnly => message!("spec.kind.number"),
            Ty::Bool => message!("spec.kind.bool"),
            Ty::Time => message!("spec.kind.date"),
            Ty::Version | Ty::ComponentVersion => message!("spec.kind.version"),
            Ty::Binding | Ty::OutputBinding => message!("spec.kind.binding"),
            Ty::Arm(name) => message!("spec.kind.reference", resource = name),
            Ty::ArmVersioned(name) | Ty::ArmAnyVersion(name) => {
                message!("spec.kind.versioned-reference", resource = name)
            }
            Ty::Registry => message!("spec.kind.registry"),
            Ty::Feed => continue,
            Ty::Url => message!("spec.kind.url"),
            Ty::Git => message!("spec.kind.git"),
            Ty::LocalPath => message!("spec.kind.path"),
            Ty::LocalFile | Ty::ComponentFile(_) | Ty::JobFile => message!("spec.kind.file"),
            Ty::LocalFolder => message!("spec.kind.folder"),
            Ty::OneOf(values) | Ty::SnakeOneOf(values) | Ty::ExactlyOneOf(values) => {
                let values = Arg::Plain(values.join(" | "));
                if !words.contains(&values) {
                    words.push(values);
                }
                continue;
            }
            Ty::Map | Ty::MapOf(_) | Ty::Steps(_) | Ty::Nested(_) | Ty::Open(_) => {
                message!("spec.kind.map")
            }
            Ty::ListOf(_) => message!("spec.kind.list"),
            Ty::OrNull(_) | Ty::Union(_) => continue,
        };
        let word = word.argument();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    message::list(words)
}
