//! User-visible text by message id.
//!
//! Every string that a person reads is a line of `messages/en.properties`, and the same in Japanese of
//! `messages/ja.properties`; code names it by id and gives the variable parts. The editor receives id and
//! arguments, and formats them in its own language.

use crate::message;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The languages that there is a catalogue for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// The one that logs, files and `--json` are in, and everybody whose language is none of these.
    #[default]
    English,
    /// 日本語
    Japanese,
}

impl Language {
    /// The language of a locale, as editors write it (`ja`, `ja-JP`) or as POSIX does (`ja_JP.UTF-8`). Of another
    /// character set than UTF-8, whose letters a terminal would not show, it is English.
    ///
    /// ```
    /// use engine::message::Language;
    /// assert_eq!(Language::of("ja-JP"), Language::Japanese);
    /// assert_eq!(Language::of("ja_JP.UTF-8"), Language::Japanese);
    /// assert_eq!(Language::of("ja_JP.eucJP"), Language::English);
    /// assert_eq!(Language::of("jam"), Language::English);
    /// ```
    pub fn of(locale: &str) -> Self {
        let (place, letters) = locale.split_once('.').unwrap_or((locale, "UTF-8"));
        let is_utf8 = letters.to_ascii_lowercase().replace('-', "") == "utf8";
        match place.split(['-', '_', '@']).next() {
            Some("ja") if is_utf8 => Language::Japanese,
            _ => Language::English,
        }
    }

    fn catalogue(self) -> &'static str {
        match self {
            Language::English => ENGLISH,
            Language::Japanese => JAPANESE,
        }
    }
}

/// One user-visible sentence: an id of the catalogue and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Key in the catalogue, `room.what-happened`.
    pub id: String,
    /// Values for the `{name}` places of the catalogue's text.
    pub args: Vec<(String, Arg)>,
}

impl Message {
    /// The English text, arguments filled in.
    pub fn text(&self) -> String {
        self.text_in(Language::English)
    }

    /// The text in a language, arguments filled in.
    pub fn text_in(&self, language: Language) -> String {
        let english = || template(ENGLISH, &self.id).unwrap_or(&self.id);
        fill(template(language.catalogue(), &self.id).unwrap_or_else(english), &self.args, language)
    }

    /// Covers what is to be covered in its arguments.
    pub(crate) fn cover(&mut self, cover: &dyn Fn(&str) -> String) {
        for (_, argument) in &mut self.args {
            match argument {
                Arg::Plain(text) => *text = cover(text),
                Arg::Said(message) => message.cover(cover),
            }
        }
    }

    /// The sentence as a part of another.
    pub fn argument(&self) -> Arg {
        Arg::Said(Box::new(self.clone()))
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// What fills a place of a sentence.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Arg {
    /// A name, a path, a number, somebody else's words: the same in every language.
    Plain(String),
    /// Words of ours.
    Said(Box<Message>),
}

impl Arg {
    /// Its text in a language.
    pub fn text_in(&self, language: Language) -> Cow<'_, str> {
        match self {
            Arg::Plain(text) => text.into(),
            Arg::Said(message) => message.text_in(language).into(),
        }
    }

    /// Itself.
    pub fn argument(&self) -> Arg {
        self.clone()
    }
}

impl std::fmt::Display for Arg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text_in(Language::English))
    }
}

impl Default for Arg {
    fn default() -> Self {
        Arg::Plain(String::new())
    }
}

impl std::fmt::Debug for Arg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Arg::Plain(text) => text.fmt(f),
            Arg::Said(message) => message.fmt(f),
        }
    }
}

/// Several words as one, with what stands between the items of a list.
pub fn list(items: impl IntoIterator<Item = Arg>) -> Arg {
    let joined = items
        .into_iter()
        .reduce(|before, after| message!("list.between", before = before, after = after).argument());
    joined.unwrap_or_default()
}

/// Whatever can fill a place of a sentence as it prints. [`Message`] and [`Arg`] have a method of the same name, which
/// wins where [`message!`](crate::message!) calls it: a sentence in another one stays what it is and is not frozen in English.
pub trait Printed {
    /// The value as an argument.
    fn argument(&self) -> Arg;
}

impl<T: std::fmt::Display + ?Sized> Printed for T {
    fn argument(&self) -> Arg {
        Arg::Plain(self.to_string())
    }
}

/// Makes a [`Message`]: `message!("spec.unknown-key", key = name, expected = list)`.
///
/// `cargo xtask tidy` compares the ids in the code with the catalogue, both ways.
#[macro_export]
macro_rules! message {
    ($id:literal $(, $name:ident = $value:expr)* $(,)?) => {
        {
            #[allow(unused_imports, reason = "a sentence may have no gap, or only gaps for other sentences")]
            use $crate::message::Printed as _;
            $crate::message::Message {
                id: $id.to_owned(),
                args: vec![$((stringify!($name).to_owned(), $value.argument())),*],
            }
        }
    };
}

/// The texts, one `id = text` a line; `\n` in a text is a line break.
const ENGLISH: &str = include_str!("../messages/en.properties");
const JAPANESE: &str = include_str!("../messages/ja.properties");

fn template<'a>(catalogue: &'a str, id: &str) -> Option<&'a str> {
    catalogue.lines().find_map(|line| {
        let (key, text) = line.split_once(" = ")?;
        (key == id).then_some(text)
    })
}

fn fill(template: &str, args: &[(String, Arg)], language: Language) -> String {
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
            Some((_, value)) => {
                let value = value.text_in(language);
                // Japanese has a space between Latin and Japanese letters, and none between Japanese ones.
                if text.ends_with(' ')
                    && is_wide(text.trim_end().chars().next_back())
                    && is_wide(value.chars().next())
                {
                    text.pop();
                }
                text.push_str(&value);
                rest = &after[close + 1..];
                if is_wide(value.chars().next_back()) && is_wide(rest.trim_start().chars().next()) {
                    rest = rest.trim_start();
                }
                continue;
            }
            None => text.push_str(&rest[open..open + close + 2]),
        }
        rest = &after[close + 1..];
    }
    text.push_str(rest);
    text.replace("\\n", "\n")
}

/// Whether it is one of the letters and signs that Japanese is written with.
fn is_wide(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| matches!(letter, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn arguments_are_filled_once_and_unknown_places_stay() {
        let args = vec![("a".to_owned(), "{b}".argument())];
        assert_eq!(fill("x {a} y {b} ${{c}} {", &args, Language::English), "x {b} y {b} ${{c}} {");
    }

    #[test]
    fn words_of_ours_within_a_sentence_are_in_the_language_of_the_sentence() {
        let expected = list([
            message!("spec.kind.list").argument(),
            message!("spec.kind.map").argument(),
            "\"x\"".argument(),
        ]);
        let message = message!("spec.wrong-type", expected = expected, found = message!("spec.kind.number"));
        assert_eq!(message.text(), "Expected a list, a mapping, \"x\", found a number.");
        let japanese = "リスト、マッピング、\"x\" が必要ですが、数値があります。";
        assert_eq!(message.text_in(Language::Japanese), japanese);
    }

    #[test]
    fn a_message_that_an_older_version_stored_is_read() {
        let stored = r#"{"id":"files.missing","args":[["path","job.yml"]]}"#;
        assert_eq!(
            serde_json::from_str::<Message>(stored).expect("a message"),
            message!("files.missing", path = "job.yml")
        );
        let nested = message!("plan.not-here", kind = message!("spec.title.sweep-job"));
        let stored = serde_json::to_string(&nested).expect("json");
        assert_eq!(serde_json::from_str::<Message>(&stored).expect("a message"), nested);
    }

    #[test]
    fn every_sentence_is_there_in_both_languages_with_the_same_places_code_and_full_stop() {
        let (english, mut japanese) = (entries(ENGLISH), entries(JAPANESE));
        let mut wrong = Vec::new();
        for (id, text) in english {
            let Some(translated) = japanese.remove(id) else {
                wrong.push(format!("ja.properties lacks {id} = {text}"));
                continue;
            };
            if quoted(text, '{', '}') != quoted(translated, '{', '}') {
                wrong.push(format!("{id} has other places in ja.properties"));
            }
            if quoted(text, '`', '`') != quoted(translated, '`', '`') {
                wrong.push(format!("{id} has other code in ja.properties"));
            }
            if text.ends_with('.') != translated.ends_with('。') {
                wrong.push(format!("{id} is a sentence in one language and a part of one in the other"));
            }
        }
        wrong.extend(japanese.keys().map(|id| format!("ja.properties has {id}, which nobody says")));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn entries(catalogue: &str) -> BTreeMap<&str, &str> {
        let mut entries = BTreeMap::new();
        for line in catalogue.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (id, text) = line.split_once(" = ").expect(line);
            assert!(entries.insert(id, text).is_none(), "{id} stands twice");
        }
        entries
    }

    fn quoted(text: &str, open: char, close: char) -> Vec<&str> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((_, behind)) = rest.split_once(open) {
            let Some((inner, after)) = behind.split_once(close) else { break };
            found.push(inner);
            rest = after;
        }
        found.sort_unstable();
        found
    }
}
