//! `--env-file`: the variables of a file, by the rules of `docker run --env-file`.
//!
//! A variable a line. What stands behind `=` is the value as it is: quotes, `#` and spaces at the end
//! belong to it. A name alone takes the value of the caller's environment, and is left out if there is none.

use engine::failure::{Blame, Failure};
use engine::message;
use std::path::Path;

/// Reads a file of variables, in its order.
pub fn read_env_file(
    path: &Path,
    own: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, Failure> {
    parse(path, &crate::files::read_text(path)?, own)
}

fn parse(
    path: &Path,
    text: &str,
    own: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, own(line)),
        };
        check_name(path, number, name)?;
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(variables)
}

fn check_name(path: &Path, line: u32, name: &str) -> Result<(), Failure> {
    // The line may hold a secret, so a message shows the name alone.
    let what = if name.is_empty() {
        message!("settings.env-file-no-name", path = path.display(), line = line)
    } else if name.contains([' ', '\t']) {
        message!("settings.env-file-space", path = path.display(), line = line, name = name)
    } else {
        return Ok(());
    };
    Err(Failure::new(Blame::User, what).with_fix(message!("settings.env-file.fix")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let own = |name: &str| (name == "MINE").then(|| "my value".to_owned());
        parse(Path::new(".env"), text, own).map_err(|failure| failure.what.text())
    }

    #[test]
    fn values_are_taken_as_docker_takes_them() {
        let text =
            "\u{feff}A=1\r\n\n  # comment\n  B=\"quoted\" # not a comment \nC=\nMINE\nNOBODYS\nD=x=y\nA=2";
        let expected = [
            ("A", "1"),
            ("B", "\"quoted\" # not a comment "),
            ("C", ""),
            ("MINE", "my value"),
            ("D", "x=y"),
            ("A", "2"),
        ];
        assert_eq!(read(text).unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_line_without_a_proper_name_is_refused_without_showing_its_value() {
        assert_eq!(read("A=1\n=hidden").unwrap_err(), ".env line 2: there is no name before \"=\"");
        assert_eq!(
            read("export A=hidden").unwrap_err(),
            ".env line 1: the name \"export A\" has a space in it"
        );
    }
}
