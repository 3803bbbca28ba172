//! Users and passwords in the addresses of a file of the user's. A plan is kept and so has none of them: whoever
//! carries it out reads the file again.

use super::requirements::redacted;
use crate::yaml::{self, Node, Value};
use std::collections::BTreeMap;

/// Address without user and password → the same with them.
pub type Logins = BTreeMap<String, String>;

/// Those of a conda file, or of a spec that has one in it.
pub fn logins(bytes: &[u8]) -> Logins {
    let mut found = Logins::new();
    if let Some(root) = yaml::parse(bytes).root {
        collect(&root, &mut found);
    }
    found
}

fn collect(node: &Node, found: &mut Logins) {
    match &node.value {
        Value::Str(text) => {
            let secret = addresses(text).filter(|address| is_secret(address));
            found.extend(secret.map(|address| (redacted(address), address.to_owned())));
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Map(entries) => entries.iter().for_each(|entry| collect(&entry.value, found)),
        _ => {}
    }
}

/// The text as it may be kept.
pub(crate) fn without(text: &str) -> String {
    replaced(text, |address| is_secret(address).then(|| redacted(address)))
}

/// The text as it was written, as far as the logins are known.
pub(super) fn with(text: &str, logins: &Logins) -> String {
    replaced(text, |address| logins.get(address).cloned())
}

fn replaced(text: &str, other: impl Fn(&str) -> Option<String>) -> String {
    let mut made = text.to_owned();
    for address in addresses(text) {
        if let Some(other) = other(address) {
            made = made.replacen(address, &other, 1);
        }
    }
    made
}

/// From the scheme to the next blank.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter_map(|word| {
        let sign = word.find("://")?;
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let begin = word[..sign].trim_end_matches(is_of_scheme).len();
        Some(&word[begin..])
    })
}

/// Whether there is a user that may be a token, or a password. The user of ssh is a name and needed.
fn is_secret(address: &str) -> bool {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let Some((login, _)) = authority.rsplit_once('@') else { return false };
    login.contains(':') || !scheme.ends_with("ssh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_of_a_line_is_found_again_in_the_file() {
        let file = "dependencies:\n- pip:\n  - '--index-url=https://me:p@ss@h.example/simple'\n  - x @ git+https://token@g.example/x@v1 ; python_version > '3'\n  - [y@https://me:pw@h/y.whl, plain]\n  - z @ git+ssh://git@g.example/z\n";
        let known = logins(file.as_bytes());
        for (line, kept) in [
            ("--index-url=https://me:p@ss@h.example/simple", "--index-url=https://h.example/simple"),
            (
                "x @ git+https://token@g.example/x@v1 ; python_version > '3'",
                "x @ git+https://g.example/x@v1 ; python_version > '3'",
            ),
            ("y@https://me:pw@h/y.whl", "y@https://h/y.whl"),
            ("z @ git+ssh://git@g.example/z", "z @ git+ssh://git@g.example/z"),
            ("plain==1", "plain==1"),
        ] {
            assert_eq!(without(line), kept);
            assert_eq!(with(kept, &known), line);
        }
        assert_eq!(known.len(), 3, "{:?}", known.keys());
    }
}
