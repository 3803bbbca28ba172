//! Holds a v1 run configuration against its key tables, with the judgement of azureml-core.
//!
//! The SDK reads YAML 1.2, ignores unknown keys and turns values by Python's own `int()` and `bool()`; what
//! it refuses is an error here, and what it takes for something else than was meant is a warning.

use super::keys::{COMPUTE, ENVIRONMENT, Fate, Holds, Key, LEGACY, ROOT};
use super::{camel, entry, printed};
use crate::diagnostic::{Diagnostic, Severity};
use crate::message;
use crate::message::Message;
use crate::spec::schema::{Checker, head, kind_of, nearest};
use crate::yaml::{Entry, Node, Span, Value};
use std::collections::HashSet;

/// Checks the whole file. What a v2 job has no place for is collected in `left_out`.
pub(super) fn root(checker: &mut Checker<'_>, node: &Node, left_out: &mut Vec<Diagnostic>) {
    Walk { checker, left_out }.section(node, ROOT, "");
}

/// Checks a file of the time before `environment`.
pub(super) fn legacy(checker: &mut Checker<'_>, node: &Node, left_out: &mut Vec<Diagnostic>) {
    let known: Vec<&Key> = LEGACY.iter().chain(ROOT).collect();
    Walk { checker, left_out }.keys(node, &known, "");
}

/// Checks the environment where it stands in a file of its own.
pub(super) fn environment(checker: &mut Checker<'_>, node: &Node, left_out: &mut Vec<Diagnostic>) {
    Walk { checker, left_out }.section(node, ENVIRONMENT, "environment.");
}

/// Checks a `.compute` file, which has many more keys than matter here.
pub(super) fn compute(checker: &mut Checker<'_>, node: &Node) {
    let mut left_out = Vec::new();
    let mut walk = Walk { checker, left_out: &mut left_out };
    for key in COMPUTE {
        if let Some(entry) = entry(node, key.name) {
            walk.value(entry, key, "");
        }
    }
}

struct Walk<'w, 'c> {
    checker: &'w mut Checker<'c>,
    left_out: &'w mut Vec<Diagnostic>,
}

impl Walk<'_, '_> {
    fn section(&mut self, node: &Node, keys: &[Key], prefix: &str) {
        let known: Vec<&Key> = keys.iter().collect();
        self.keys(node, &known, prefix);
    }

    fn keys(&mut self, node: &Node, keys: &[&Key], prefix: &str) {
        match &node.value {
            Value::Null => return,
            Value::Map(_) => {}
            _ => {
                let message = message!("spec.not-a-mapping", found = kind_of(node));
                self.checker.error(node.span, message);
                return;
            }
        }
        let names: Vec<String> = node.entries().iter().map(|entry| camel(&entry.key)).collect();
        let said: HashSet<&str> = names.iter().map(String::as_str).collect();
        let free: Vec<&str> = keys.iter().map(|key| key.name).filter(|name| !said.contains(name)).collect();
        let mut seen = HashSet::new();
        for (entry, name) in node.entries().iter().zip(&names) {
            match keys.iter().find(|key| key.name == *name) {
                Some(key) => {
                    if !seen.insert(key.name) {
                        let message = message!("spec.v1.two-spellings", key = key.name);
                        self.checker.find(Severity::Warning, entry.key_span, message, None);
                    }
                    self.value(entry, key, prefix);
                    self.leave_out(entry, key, prefix);
                }
                None => self.unknown(entry, &free),
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, free: &[&str]) {
        if self.checker.is_full() {
            return;
        }
        let near = nearest(&entry.key, free).or_else(|| nearest(&camel(&entry.key), free));
        match near {
            Some(near) => {
                let message = message!("spec.v1.unknown-key.near", key = entry.key, near = near);
                let fix = (message!("spec.rename.fix", from = entry.key, to = near), near.to_owned());
                self.checker.find(Severity::Warning, entry.key_span, message, Some(fix));
            }
            None => {
                let message = message!("spec.v1.unknown-key", key = entry.key);
                self.checker.find(Severity::Warning, entry.key_span, message, None);
            }
        }
    }

    fn value(&mut self, entry: &Entry, key: &Key, prefix: &str) {
        let node = &entry.value;
        if node.value == Value::Null {
            return;
        }
        let inside = |name: &str| format!("{prefix}{name}.");
        match key.holds {
            Holds::Anything => {}
            Holds::Text => self.text(node),
            Holds::Whole => self.whole(node),
            Holds::Switch => self.switch(node),
            Holds::Texts => self.texts(node),
            Holds::Command => match node.value {
                Value::List(_) => self.texts(node),
                _ => self.text(node),
            },
            Holds::Word(words) => self.word(node, words, Severity::Warning),
            Holds::OnlyWord(words) => self.word(node, words, Severity::Error),
            Holds::Variables => self.variables(node),
            Holds::Section(keys) => self.section(node, keys, &inside(key.name)),
            Holds::Environment => {
                if node.as_str().is_none() {
                    self.section(node, ENVIRONMENT, &inside(key.name));
                }
            }
            Holds::Named(keys) => {
                if !matches!(node.value, Value::Map(_)) {
                    let message = message!("spec.not-a-mapping", found = kind_of(node));
                    self.checker.error(node.span, message);
                }
                for named in node.entries() {
                    self.renamed(named, key.name);
                    self.section(&named.value, keys, &format!("{prefix}{}.{}.", key.name, named.key));
                }
            }
            Holds::Sections(keys) => match &node.value {
                Value::List(items) => {
                    items.iter().for_each(|item| self.section(item, keys, &inside(key.name)))
                }
                _ => self.wrong(node, message!("spec.kind.list")),
            },
        }
    }

    /// The SDK gives these names another spelling too, and with it the environment variable of the data.
    fn renamed(&mut self, entry: &Entry, section: &str) {
        let name = camel(&entry.key);
        if name != entry.key {
            let message = message!("spec.v1.renamed", read = name, section = section);
            let fix = (message!("spec.rename.fix", from = entry.key, to = name), name);
            self.checker.find(Severity::Warning, entry.key_span, message, Some(fix));
        }
    }

    fn text(&mut self, node: &Node) {
        match &node.value {
            Value::List(_) | Value::Map(_) => self.wrong(node, message!("spec.kind.text")),
            Value::Str(text) if text == "None" => {
                let fix = (message!("spec.v1.none.fix"), "null".to_owned());
                self.checker.find(Severity::Warning, node.span, message!("spec.v1.none"), Some(fix));
            }
            _ => {}
        }
    }

    fn whole(&mut self, node: &Node) {
        if whole(node).is_some() {
            return;
        }
        if node.as_str() == Some("None") {
            let fix = (message!("spec.v1.none.fix"), "null".to_owned());
            self.checker.find(Severity::Error, node.span, message!("spec.v1.none"), Some(fix));
            return;
        }
        self.wrong(node, message!("spec.kind.whole-number"));
    }

    /// To Python a text is true unless it is empty, and to YAML 1.2 `no` is a text.
    fn switch(&mut self, node: &Node) {
        let found = match &node.value {
            Value::List(_) | Value::Map(_) => return self.wrong(node, message!("spec.kind.bool")),
            Value::Str(text) => text.clone(),
            Value::Bool(_) => self.checker.source().slice(node.span).to_owned(),
            _ => return,
        };
        let is_text = node.as_str().is_some() || !matches!(found.to_lowercase().as_str(), "true" | "false");
        let sounds_false =
            matches!(found.to_lowercase().as_str(), "false" | "no" | "off" | "n" | "f" | "0" | "none");
        if is_text && sounds_false {
            let message = message!("spec.v1.switch", found = found);
            let fix = (message!("spec.rename.fix", from = found, to = "false"), "false".to_owned());
            self.checker.find(Severity::Warning, node.span, message, Some(fix));
        }
    }

    fn texts(&mut self, node: &Node) {
        let Value::List(items) = &node.value else {
            return self.wrong(node, message!("spec.kind.list"));
        };
        for item in items {
            if matches!(item.value, Value::List(_) | Value::Map(_)) {
                self.wrong(item, message!("spec.kind.text"));
            }
        }
    }

    fn variables(&mut self, node: &Node) {
        if !matches!(node.value, Value::Map(_)) {
            return self.wrong(node, message!("spec.kind.map"));
        }
        for entry in node.entries() {
            if matches!(entry.value.value, Value::List(_) | Value::Map(_)) {
                self.wrong(&entry.value, message!("spec.kind.text"));
            }
        }
    }

    fn word(&mut self, node: &Node, words: &[&str], severity: Severity) {
        let found = printed(self.checker, node).unwrap_or_else(|| kind_of(node).to_string());
        if words.iter().any(|word| word.eq_ignore_ascii_case(&found)) {
            return;
        }
        let message = message!("spec.not-one-of", found = found, expected = words.join(", "));
        let fix = nearest(&found, words)
            .map(|near| (message!("spec.rename.fix", from = found, to = near), near.to_owned()));
        self.checker.find(severity, value_span(node), message, fix);
    }

    fn wrong(&mut self, node: &Node, expected: Message) {
        let message = message!("spec.wrong-type", found = kind_of(node), expected = expected);
        self.checker.error(value_span(node), message);
    }

    fn leave_out(&mut self, entry: &Entry, key: &Key, prefix: &str) {
        let Fate::Left(default) = key.fate else { return };
        if says_nothing(&entry.value) || text_of(self.checker, &entry.value) == default.to_lowercase() {
            return;
        }
        let message = message!("spec.v1.left-out", key = format!("{prefix}{}", key.name));
        let range = self.checker.source().range(entry.key_span);
        self.left_out.push(Diagnostic { severity: Severity::Information, message, range, fix: None });
    }
}

/// What `int()` makes of a value.
pub(super) fn whole(node: &Node) -> Option<i64> {
    match &node.value {
        Value::Int(number) => Some(*number),
        Value::Float(number) if number.is_finite() => Some(*number as i64),
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Str(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

fn value_span(node: &Node) -> Span {
    match node.value {
        Value::Map(_) | Value::List(_) => head(node),
        _ => node.span,
    }
}

/// Null, empty, or nothing but that inside.
fn says_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.iter().all(|entry| says_nothing(&entry.value)),
        _ => false,
    }
}

fn text_of(checker: &Checker<'_>, node: &Node) -> String {
    let text = match &node.value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().filter_map(|item| printed(checker, item)).collect();
            items.join(" ")
        }
        _ => printed(checker, node).unwrap_or_default(),
    };
    text.to_lowercase()
}
