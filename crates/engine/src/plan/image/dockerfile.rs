//! What of a Dockerfile matters before it is built: which images it begins with.
//!
//! Everything else is the engine's to read. Image rewriting holds for `FROM` as it does for a spec's image.

use crate::ids::ImageRef;
use crate::plan::rewrite::{ImageRewrite, apply};
use std::ops::Range;

/// One `FROM` line.
struct From {
    /// Where the image's name stands in the text.
    image: Range<usize>,
    /// `AS name`.
    stage: Option<String>,
    /// Whether the line asks for a platform of its own.
    has_platform: bool,
}

/// The text with the images of its `FROM` lines rewritten, and what became what.
pub fn rewritten(text: &str, rules: &[ImageRewrite]) -> (String, Vec<(String, String)>) {
    let mut new = text.to_owned();
    let mut changes = Vec::new();
    let lines = from_lines(text);
    for line in lines.iter().rev() {
        let image = &text[line.image.clone()];
        if is_stage(&lines, text, image) {
            continue;
        }
        if let Some(other) = apply(image, rules).filter(|other| other != image) {
            new.replace_range(line.image.clone(), &other);
            changes.push((image.to_owned(), other));
        }
    }
    changes.reverse();
    (new, changes)
}

/// The image that the last stage begins with; `None` where that is nothing, or up to the builder to know.
pub fn base(text: &str) -> Option<ImageRef> {
    let lines = from_lines(text);
    let mut line = lines.last()?;
    // As many stages as there are: one may begin with another.
    for _ in 0..lines.len() {
        let image = &text[line.image.clone()];
        match lines.iter().find(|other| other.is_named(image)) {
            Some(earlier) => line = earlier,
            None => {
                let is_known = !image.contains('$') && image != "scratch" && !line.has_platform;
                return is_known.then(|| ImageRef::from(image));
            }
        }
    }
    None
}

fn is_stage(lines: &[From], text: &str, image: &str) -> bool {
    lines.iter().any(|line| line.is_named(image) && &text[line.image.clone()] != image)
}

impl From {
    fn is_named(&self, name: &str) -> bool {
        self.stage.as_deref().is_some_and(|stage| stage.eq_ignore_ascii_case(name))
    }
}

fn from_lines(text: &str) -> Vec<From> {
    let directives = text.lines().take_while(|line| line.trim_start().starts_with('#'));
    let escape = directives.into_iter().find_map(escape_of).unwrap_or('\\');
    let mut found = Vec::new();
    let mut continues = false;
    let mut until: Vec<String> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let body = line.trim();
        if let Some(end) = until.first() {
            if body == end {
                until.remove(0);
            }
            continue;
        }
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        if !continues {
            until = heredocs(body);
            found.extend(from_line(line, start));
        }
        continues = until.is_empty() && body.ends_with(escape);
    }
    found
}

/// `# escape=` and a backtick, for paths of Windows.
fn escape_of(line: &str) -> Option<char> {
    let (name, value) = line.trim_start().trim_start_matches('#').split_once('=')?;
    (name.trim().eq_ignore_ascii_case("escape")).then(|| value.trim().chars().next())?
}

fn from_line(line: &str, start: usize) -> Option<From> {
    let mut words = words(line);
    let (_, first) = words.next()?;
    if !first.eq_ignore_ascii_case("from") {
        return None;
    }
    let mut has_platform = false;
    let (at, image) = words.find(|(_, word)| {
        has_platform |= word.starts_with("--");
        !word.starts_with("--")
    })?;
    let is_as = words.next().is_some_and(|(_, word)| word.eq_ignore_ascii_case("as"));
    let stage = words.next().filter(|_| is_as).map(|(_, name)| name.to_owned());
    Some(From { image: start + at..start + at + image.len(), stage, has_platform })
}

fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_ascii_whitespace().map(move |word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
}

/// What ends the texts that begin on this line: `RUN <<EOF`, `COPY <<"A" <<-B /`.
fn heredocs(line: &str) -> Vec<String> {
    let holds_text = ["run", "copy", "add"]
        .iter()
        .any(|word| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
    if !holds_text {
        return Vec::new();
    }
    let end = |word: &str| {
        let name = word.strip_prefix("<<")?.trim_start_matches('-').trim_matches(['"', '\'']);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_name.then(|| name.to_owned())
    };
    line.split_ascii_whitespace().filter_map(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<ImageRewrite> {
        ImageRewrite::parse(text).into_iter().collect()
    }

    #[test]
    fn only_images_of_from_lines_are_rewritten() {
        let text = "# syntax=docker/dockerfile:1\nARG V=1\nFROM  mcr.example/base:1 AS one\nRUN echo \\\n  FROM mcr.example/base:1\nRUN <<EOF\nFROM mcr.example/base:2\nEOF\nfrom one\nFROM --platform=linux/amd64 mcr.example/base\n";
        let (new, changes) = rewritten(text, &rules("mcr.example=mirror:5000"));
        assert_eq!(
            new,
            "# syntax=docker/dockerfile:1\nARG V=1\nFROM  mirror:5000/base:1 AS one\nRUN echo \\\n  FROM mcr.example/base:1\nRUN <<EOF\nFROM mcr.example/base:2\nEOF\nfrom one\nFROM --platform=linux/amd64 mirror:5000/base\n"
        );
        let change = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            changes,
            [
                change("mcr.example/base:1", "mirror:5000/base:1"),
                change("mcr.example/base", "mirror:5000/base")
            ]
        );
    }

    #[test]
    fn the_base_is_that_of_the_last_stage() {
        let table = [
            ("FROM a:1", Some("a:1")),
            ("FROM a AS x\nFROM b AS y\nFROM x", Some("a")),
            ("FROM python AS python\nFROM python", None),
            ("FROM scratch", None),
            ("ARG B=a\nFROM $B", None),
            ("FROM --platform=linux/arm64 a", None),
            ("# escape=`\r\nFROM a\r\nRUN x `\r\nFROM b\r\n", Some("a")),
            ("RUN x", None),
        ];
        for (text, wanted) in table {
            assert_eq!(base(text).as_ref().map(ImageRef::as_str), wanted, "{text}");
        }
    }
}
