//! Lines of a requirements file: one spelling for what means the same, and which options a build can honour.

use crate::message;
use crate::message::Message;

/// Options whose value is an index or a place to find packages; they change what is installed.
const PLACES: [&str; 6] = ["-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index"];

/// Options about single packages that mean the same to uv.
const PASSED_ON: [&str; 3] = ["--no-binary", "--only-binary", "--require-hashes"];

/// Options that change nothing about the result.
const WITHOUT_EFFECT: [&str; 10] = [
    "--prefer-binary",
    "--use-pep517",
    "--use-feature",
    "--no-cache-dir",
    "--upgrade",
    "-U",
    "--quiet",
    "-q",
    "--progress-bar",
    "--disable-pip-version-check",
];

/// The lines of a conda file's pip section, sorted out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Requirements {
    /// Options for the requirements file, in the order given.
    pub(crate) options: Vec<String>,
    /// Packages in one spelling, sorted, none twice.
    pub(crate) packages: Vec<String>,
    /// Whether versions before a release count.
    pub(crate) prereleases: bool,
    /// Hosts whose certificates are not checked.
    pub(crate) trusted: Vec<String>,
    /// What cannot be honoured, each with the reason.
    pub(crate) refused: Vec<Message>,
}

impl Requirements {
    pub(crate) fn of(lines: &[String]) -> Self {
        let mut requirements = Self::default();
        for line in lines.iter().map(|line| without_comment(line)).filter(|line| !line.is_empty()) {
            requirements.take(line);
        }
        requirements.packages.sort();
        requirements.packages.dedup();
        requirements
    }

    fn take(&mut self, line: &str) {
        if let Some(reason) = refused(line) {
            self.refused.push(reason);
        } else if !line.starts_with('-') {
            self.packages.push(normalised(line));
        } else {
            let (option, value) = option(line);
            match option {
                "--pre" => self.prereleases = true,
                "--trusted-host" => self.trusted.push(value.to_owned()),
                _ if WITHOUT_EFFECT.contains(&option) => {}
                _ if value.is_empty() => self.options.push(option.to_owned()),
                _ => self.options.push(format!("{option} {value}")),
            }
        }
    }

    /// The file for uv.
    pub(crate) fn file(&self) -> String {
        self.options.iter().chain(&self.packages).fold(String::new(), |text, line| text + line + "\n")
    }

    /// The first package that is fetched over ssh.
    pub(crate) fn over_ssh(&self) -> Option<&str> {
        self.packages.iter().find(|line| line.contains("git+ssh://")).map(String::as_str)
    }

    /// Every address that a line names.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let words = self.options.iter().chain(&self.packages).flat_map(|line| line.split_whitespace());
        words.filter(|word| word.contains("://"))
    }

    /// Whether the file itself names the index, which then wins over the machine's setting.
    pub(crate) fn names_an_index(&self) -> bool {
        self.options.iter().any(|line| matches!(option(line).0, "-i" | "--index-url" | "--no-index"))
    }

    /// Whether packages may come from more than one index.
    pub(crate) fn has_extra_index(&self) -> bool {
        self.options.iter().any(|line| option(line).0 == "--extra-index-url")
    }
}

/// Why a line of a pip section cannot be honoured, if it cannot: it names a file beside the conda file, which
/// Azure does not upload with it, or an option that means nothing here.
pub fn refused(line: &str) -> Option<Message> {
    let line = without_comment(line);
    if line.contains("git+git@") {
        return Some(message!("image.git-form", line = redacted(line)));
    }
    if !line.starts_with('-') {
        let local = line.starts_with(['.', '/']) || line.starts_with("file:") || line.contains("@ file:");
        return local.then(|| message!("image.local-package", line = redacted(line)));
    }
    let (option, value) = option(line);
    match option {
        "-r" | "--requirement" | "-c" | "--constraint" | "-e" | "--editable" => {
            Some(message!("image.local-file", line = redacted(line)))
        }
        "-f" | "--find-links" if !value.starts_with("http") => {
            Some(message!("image.local-file", line = redacted(line)))
        }
        "--pre" | "--trusted-host" => None,
        _ if [&PLACES[..], &PASSED_ON, &WITHOUT_EFFECT].iter().any(|known| known.contains(&option)) => None,
        _ => Some(message!("image.unknown-option", option = option)),
    }
}

/// `--option=value`, `--option value`, `-rvalue`.
fn option(line: &str) -> (&str, &str) {
    if let Some((option, value)) = line.split_once(['=', ' ', '\t']) {
        return (option, value.trim_start_matches(['=', ' ', '\t']).trim());
    }
    let short = !line.starts_with("--") && line.len() > 2;
    if short && line.is_char_boundary(2) { line.split_at(2) } else { (line, "") }
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') {
        return "";
    }
    line.split_once(" #").map_or(line, |(before, _)| before.trim_end())
}

/// One spelling: name in lower case with `-` for `_` and `.`, no blanks around the version. What follows `;`
/// or `@` is left alone.
fn normalised(line: &str) -> String {
    if line.contains("://") && !line.contains('@') || line.starts_with("git+") {
        return line.to_owned();
    }
    let end = line.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let mut spelled = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            '_' | '.' | '-' if spelled.ends_with('-') => {}
            '_' | '.' => spelled.push('-'),
            c => spelled.push(c),
        }
    }
    let (version, marker) = match rest.find([';', '@']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let version: String = version.chars().filter(|c| !c.is_whitespace()).collect();
    let marker = match marker.split_at_checked(1) {
        Some(("@", place)) => format!(" @ {}", place.trim()),
        Some((sign, condition)) => format!("{sign} {}", condition.trim()),
        None => String::new(),
    };
    spelled + &version + &marker
}

/// The passwords of addresses, and those behind the word `password` as a `.netrc` has them.
pub(crate) fn passwords(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "'\"".contains(c)).collect();
    for (index, word) in words.iter().enumerate() {
        if let Some((_, rest)) = word.split_once("://") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
            // A name alone may be a token.
            found.push(login.split_once(':').map_or(login, |(_, password)| password));
        }
        if *word == "password" {
            found.extend(words.get(index + 1));
        }
    }
    // A shorter one stands in every log by chance.
    found.into_iter().filter(|password| password.len() >= 4).map(str::to_owned).collect()
}

/// The text without the user and password of any address in it.
pub(crate) fn redacted(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let ends = |c: char| c.is_whitespace() || "/?#".contains(c);
        let host_end = after.find(ends).unwrap_or(after.len());
        let host_start = after[..host_end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[host_start..];
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: &[&str]) -> String {
        Requirements::of(&lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>()).file()
    }

    #[test]
    fn what_means_the_same_is_spelled_the_same() {
        let one = file(&[
            "Scikit_Learn == 1.5",
            "numpy >=1.26, <3 ; python_version > '3.8'",
            "  # a note",
            "pandas",
        ]);
        let two = file(&[
            "pandas  # frames",
            "numpy>=1.26,<3;python_version > '3.8'",
            "scikit-learn==1.5",
            "pandas",
        ]);
        assert_eq!(one, two);
        assert_eq!(one, "numpy>=1.26,<3; python_version > '3.8'\npandas\nscikit-learn==1.5\n");
        assert_eq!(file(&["Mlflow[extras]==2"]), "mlflow[extras]==2\n");
        assert_eq!(file(&["pkg@https://h/Pkg-1.whl"]), "pkg @ https://h/Pkg-1.whl\n");
    }

    #[test]
    fn options_are_passed_on_or_refused_with_a_reason() {
        assert_eq!(
            file(&["torch", "--extra-index-url=https://h/cpu"]),
            "--extra-index-url https://h/cpu\ntorch\n"
        );
        let lines = ["--pre", "--trusted-host h", "-U", "x"].map(str::to_owned);
        let sorted = Requirements::of(&lines);
        assert_eq!((sorted.prereleases, sorted.trusted.as_slice()), (true, &["h".to_owned()][..]));
        assert_eq!(sorted.file(), "x\n");
        for line in [
            "-r requirements.txt",
            "-rrequirements.txt",
            "-e .",
            "./wheel.whl",
            "x @ git+git@h:x",
            "-f wheels/",
            "pkg @ file:///x",
        ] {
            assert!(refused(line).is_some(), "{line}");
        }
        let message = refused("--global-option=x").map(|message| message.text()).unwrap_or_default();
        assert!(message.contains("--global-option"), "{message}");
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(
            passwords(
                "machine h login me password sesame\nexport A='https://me:pa@ss@h/x' git+ssh://git@h/x"
            ),
            ["sesame", "pa@ss"]
        );
        assert_eq!(
            redacted("--index-url https://me:p@ss@h.example/simple https://open/ git+ssh://git@h/x@v1"),
            "--index-url https://h.example/simple https://open/ git+ssh://h/x@v1"
        );
    }
}
