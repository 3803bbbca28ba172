//! User-visible text by message id.
//!
//! Every string that a person reads is a line of `messages/en.properties`; code names it by id and gives
//! the variable parts. The editor receives id and arguments and may format them in its own language.

use serde::{Deserialize, Serialize};

/// One user-visible sentence: an id of the catalogue and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Key in the catalogue, `room.what-happened`.
    pub id: String,
    /// Values for the `{name}` places of the catalogue's text.
    pub args: Vec<(String, String)>,
}

impl Message {
    /// The English text, arguments filled in.
    pub fn text(&self) -> String {
        let template = template(CATALOGUE, &self.id).unwrap_or(&self.id);
        fill(template, &self.args)
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// Makes a [`Message`]: `message!("spec.unknown-key", key = name, expected = list)`.
///
/// `cargo xtask tidy` compares the ids in the code with the catalogue, both ways.
#[macro_export]
macro_rules! message {
    ($id:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::message::Message {
            id: $id.to_owned(),
            args: vec![$((stringify!($name).to_owned(), $value.to_string())),*],
        }
    };
}

/// English texts, one `id = text` a line; `\n` in a text is a line break.
const CATALOGUE: &str = include_str!("../messages/en.properties");

fn template<'a>(catalogue: &'a str, id: &str) -> Option<&'a str> {
    catalogue.lines().find_map(|line| {
        let (key, text) = line.split_once(" = ")?;
        (key == id).then_some(text)
    })
}

fn fill(template: &str, args: &[(String, String)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let Some(close) = after.find('}') else {
            rest = &rest[open..];
            break;
        };
        match args.iter().find(|(name, _)| name == &after[..close]) {
            Some((_, value)) => text.push_str(value),
            None => text.push_str(&rest[open..open + close + 2]),
        }
        rest = &after[close + 1..];
    }
    text.push_str(rest);
    text.replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_filled_once_and_unknown_places_stay() {
        let args = vec![("a".to_owned(), "{b}".to_owned())];
        assert_eq!(fill("x {a} y {b} ${{c}} {", &args), "x {b} y {b} ${{c}} {");
    }

    #[test]
    fn every_line_of_the_catalogue_is_a_comment_or_an_entry_and_no_id_stands_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for line in CATALOGUE.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, _) = line.split_once(" = ").expect(line);
            assert!(seen.insert(id), "{id} stands twice");
        }
    }
}
