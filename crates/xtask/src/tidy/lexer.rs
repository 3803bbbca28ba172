//! Just enough of Rust's lexical rules to tell code from comments, strings and tests.
//!
//! Blanked text becomes spaces, so every line keeps its number.

/// What is left when part of the text is blanked.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Keep {
    /// Code alone: neither comments nor the content of strings.
    Code,
    /// Code and strings.
    Strings,
    /// Comments alone.
    Comments,
}

/// The text with everything else blanked.
pub(super) fn keep(text: &str, keep: Keep) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let (length, kind) = token(rest, at.checked_sub(1).map(|before| characters[before]));
        for character in &rest[..length] {
            let stays = *character == '\n'
                || match kind {
                    Kind::Comment => keep == Keep::Comments,
                    Kind::Text => keep == Keep::Strings,
                    Kind::Code => keep != Keep::Comments,
                };
            kept.push(if stays { *character } else { ' ' });
        }
        at += length;
    }
    kept
}

/// The text without the items that are compiled for tests only.
pub(super) fn without_tests(code: &str) -> String {
    let blanked = |text: &str| text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect::<String>();
    if code.contains("#![cfg(test)]") {
        return blanked(code);
    }
    let mut left = code.to_owned();
    let mut from = 0;
    while let Some(found) = left[from..].find("#[cfg(test)]") {
        let begin = from + found;
        let Some(open) = left[begin..].find(['{', ';']).map(|open| begin + open) else { break };
        let end = if left.as_bytes()[open] == b'{' { closing(&left, open) } else { open };
        let blank = blanked(&left[begin..=end]);
        from = begin + blank.len();
        left.replace_range(begin..=end, &blank);
    }
    left
}

/// Where the brace that stands at `open` is closed. Call it on code without strings and comments.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len() - 1
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Comment,
    Text,
}

/// Length and kind of what begins here.
fn token(rest: &[char], before: Option<char>) -> (usize, Kind) {
    let inside_a_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match rest {
        ['/', '/', ..] => (until(rest, 0, &['\n']).min(rest.len()), Kind::Comment),
        ['/', '*', ..] => (block_comment(rest), Kind::Comment),
        ['"', ..] => (quoted(rest, 1, '"'), Kind::Text),
        ['b' | 'c', '"', ..] if !inside_a_word => (quoted(rest, 2, '"'), Kind::Text),
        ['r', '"' | '#', ..] if !inside_a_word => raw(rest, 1),
        ['b' | 'c', 'r', '"' | '#', ..] if !inside_a_word => raw(rest, 2),
        // A character, as opposed to a lifetime.
        ['\'', '\\', ..] => (quoted(rest, 1, '\''), Kind::Text),
        ['\'', _, '\'', ..] => (3, Kind::Text),
        _ => (1, Kind::Code),
    }
}

fn until(rest: &[char], from: usize, end: &[char]) -> usize {
    let found = rest[from..].windows(end.len()).position(|window| window == end);
    found.map_or(rest.len(), |position| from + position)
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[char], mut at: usize, quote: char) -> usize {
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw(rest: &[char], prefix: usize) -> (usize, Kind) {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        // A raw identifier.
        return (prefix, Kind::Code);
    }
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    let length = until(rest, prefix + hashes + 1, &end) + end.len();
    (length.min(rest.len()), Kind::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_comments_and_strings_are_told_apart() {
        let text = r##"a("b // c", 'd', '\'', r#"e"f"#); // g /* h
fn f<'i>(x: &'i str) {} /* j /* k */ l */ m"##;
        assert_eq!(
            keep(text, Keep::Code).split_whitespace().collect::<Vec<_>>().join(" "),
            "a( , , , ); fn f<'i>(x: &'i str) {} m"
        );
        assert_eq!(
            keep(text, Keep::Comments).split_whitespace().collect::<Vec<_>>().join(" "),
            "// g /* h /* j /* k */ l */"
        );
        assert!(keep(text, Keep::Strings).contains(r##"a("b // c", 'd', '\'', r#"e"f"#);"##));
    }

    #[test]
    fn tests_are_left_out_and_lines_keep_their_numbers() {
        let code = "a\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nb\n#[cfg(test)]\nmod more;\nc\n";
        let left = without_tests(code);
        assert_eq!(left.lines().map(str::trim).collect::<Vec<_>>(), ["a", "", "", "", "", "b", "", "", "c"]);
        assert_eq!(without_tests("#![cfg(test)]\nfn f() {}\n").trim(), "");
    }
}
