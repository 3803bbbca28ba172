//! `.dockerignore`: which files of a folder stay out of its build context, by Docker's own rules.
//!
//! The last line that fits decides; a line also fits everything below what it names; `!` takes back.

use crate::failure::{Blame, Failure};
use crate::message;
use globset::{GlobBuilder, GlobMatcher};

/// The lines of a `.dockerignore`, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    glob: GlobMatcher,
    takes_back: bool,
}

impl Ignore {
    /// Reads the file's text.
    ///
    /// # Errors
    /// A line that is no pattern.
    pub fn parse(text: &str) -> Result<Ignore, Failure> {
        let mut rules = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (takes_back, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let pattern = cleaned(pattern);
            if pattern.is_empty() {
                continue;
            }
            let glob = GlobBuilder::new(&pattern).literal_separator(true).backslash_escape(true).build();
            let glob = glob.map_err(|error| {
                let what = message!("image.bad-dockerignore", line = number + 1, pattern = line);
                Failure::new(Blame::User, what).with_detail([error.kind().to_string()])
            })?;
            rules.push(Rule { glob: glob.compile_matcher(), takes_back });
        }
        Ok(Ignore { rules })
    }

    /// Whether a file stays out; its path is seen from the context's folder, with `/`.
    pub fn ignores(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let fits = |rule: &&Rule| ends.clone().any(|end| rule.glob.is_match(&path[..end]));
        self.rules.iter().rev().find(fits).is_some_and(|rule| !rule.takes_back)
    }

    /// Whether nothing below a folder can be wanted, so that nobody needs to look into it.
    pub fn hides(&self, folder: &str) -> bool {
        self.ignores(folder) && !self.rules.iter().any(|rule| rule.takes_back)
    }
}

/// A pattern without what means nothing: `/a/./b/` is `a/b`. Braces are letters to Docker.
fn cleaned(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/").replace('{', "\\{").replace('}', "\\}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_fits_decides_and_folders_take_all_below() {
        let ignore = Ignore::parse(
            "# nothing\n/data/\n*.pyc\n**/*.log\nnotes.*\n!data/keep.csv\nx/**/y\n  ./out  \n{a}\n",
        )
        .expect("patterns");
        let table = [
            ("data/a/b.csv", true),
            ("data/keep.csv", false),
            ("src/data/x", false),
            ("a.pyc", true),
            ("src/a.pyc", false),
            ("src/deep/a.log", true),
            ("a.log", true),
            ("notes.md", true),
            ("x/y", true),
            ("x/a/b/y", true),
            ("out/model", true),
            ("{a}", true),
            ("a", false),
            ("Dockerfile", false),
        ];
        for (path, ignored) in table {
            assert_eq!(ignore.ignores(path), ignored, "{path}");
        }
        assert!(!ignore.hides("data"), "something below is taken back");
        assert!(Ignore::parse("data\n").expect("patterns").hides("data"));
    }

    #[test]
    fn a_line_that_is_no_pattern_is_named() {
        let failure = Ignore::parse("ok\n[a\n").expect_err("no pattern");
        assert_eq!(failure.what.text(), "line 2 of the .dockerignore is no pattern: [a");
    }
}
