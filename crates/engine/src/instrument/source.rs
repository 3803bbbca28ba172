//! Bytes of a Python file → a text of the same length that a parser can read.
//!
//! Places in the text are places in the bytes, whatever the file's encoding. Nothing is translated: in an
//! encoding that is not UTF-8, every byte beyond ASCII becomes an `x`, which is right wherever Python
//! allows such a byte at all (names, strings, comments).

use crate::failure::{Blame, Failure};
use crate::message;

/// Encodings of two-byte letters whose second byte may look like ASCII, a backslash among them.
const JAPANESE: [&str; 6] = ["shift-jis", "sjis", "cp932", "ms932", "mskanji", "windows-31j"];
const CHINESE_AND_KOREAN: [&str; 7] = ["gbk", "gb18030", "cp936", "big5", "cp950", "cp949", "johab"];

/// Encodings that Python reads by changing what ASCII bytes mean.
const STATEFUL: [&str; 5] = ["iso-2022", "iso2022", "utf-7", "utf7", "hz"];

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The text, and how many bytes of the file stand before it.
pub(super) fn text_of(bytes: &[u8]) -> Result<(String, usize), Failure> {
    let (bytes, before) = match bytes.strip_prefix(BOM) {
        Some(rest) => (rest, BOM.len()),
        None => (bytes, 0),
    };
    let cookie = cookie(bytes).unwrap_or_else(|| "utf-8".to_owned());
    let unreadable = |encoding: &str| {
        Failure::new(Blame::User, message!("instrument.encoding", encoding = encoding))
            .with_fix(message!("instrument.encoding.fix"))
    };
    if bytes.contains(&0) || STATEFUL.iter().any(|name| cookie.starts_with(name)) {
        return Err(unreadable(if bytes.contains(&0) { "utf-16" } else { &cookie }));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((text.to_owned(), before));
    }
    if before > 0 || cookie.starts_with("utf") {
        return Err(unreadable(&cookie));
    }
    Ok((masked(bytes, &cookie), before))
}

fn masked(bytes: &[u8], encoding: &str) -> String {
    let leads = |byte: u8| match encoding {
        // Between the two ranges stand katakana of one byte.
        name if JAPANESE.contains(&name) => matches!(byte, 0x81..=0x9f | 0xe0..=0xfc),
        name => CHINESE_AND_KOREAN.contains(&name),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte.is_ascii() {
            true => text.push(char::from(*byte)),
            false => text.push('x'),
        }
        if !byte.is_ascii() && leads(*byte) && rest.next().is_some() {
            text.push('x');
        }
    }
    text
}

/// The encoding that one of the first two lines names, in small letters.
fn cookie(bytes: &[u8]) -> Option<String> {
    let mut lines = bytes.split(|byte| *byte == b'\n').take(2).map(String::from_utf8_lossy);
    lines.find_map(|line| {
        let comment = line.trim_start_matches([' ', '\t', '\x0c']).strip_prefix('#')?.to_owned();
        let rest = comment.split_once("coding")?.1;
        let name = rest.strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
        let end = name.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
        let name = &name[..end.unwrap_or(name.len())];
        (!name.is_empty()).then(|| name.to_ascii_lowercase().replace('_', "-"))
    })
}
