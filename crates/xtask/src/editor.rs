//! The editor's extension: its tools, its checks, and its stories in a real VS Code.
//!
//! The VS Code is code-server, whose npm package carries one. Everything that is fetched stands under
//! `target/e2e/vscode` and `editors/vscode/node_modules`, with a stamp of the versions it was made from, so that a
//! second call fetches nothing and a changed version is seen.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{self, Command};
use crate::repository::Repository;
use crate::setup;

/// What code-server of this version wants, exactly: its start script compares the major version of Node.
const CODE_SERVER: &str = "4.139.1";
const NODE: &str = "24.21.0";
const NPM: &str = "11.21.2";

/// Programs of the distribution, with the package that brings each.
const PROGRAMS: [(&str, &str); 6] = [
    ("chromium", "chromium"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("g++", "g++"),
    ("make", "make"),
    ("fc-list", "fontconfig"),
];

/// Without these headers Node's own builder would download some.
const HEADERS: (&str, &str) = ("/usr/include/node/common.gypi", "libnode-dev");

/// So that a screenshot of the Japanese story can be read.
const JAPANESE_FONT: &str = "fonts-ipafont-gothic";

/// What a reader is told before it is fetched.
pub(crate) fn intent() -> String {
    format!("fetch code-server {CODE_SERVER} (a VS Code), Node {NODE} and the extension's tools from npm")
}

/// Packages of the distribution that are missing.
pub(crate) fn packages() -> Vec<&'static str> {
    let mut missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !command::on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if !Path::new(HEADERS.0).exists() {
        missing.push(HEADERS.1);
    }
    let fonts = Command::new("fc-list").arg(":lang=ja").read().unwrap_or_default();
    if fonts.trim().is_empty() {
        missing.push(JAPANESE_FONT);
    }
    missing
}

/// Whether all that comes from npm is there.
pub(crate) fn is_there(repository: &Repository) -> bool {
    let stamped = |path: PathBuf, wanted: &str| fs::read_to_string(path).is_ok_and(|found| found == wanted);
    let lock = fs::read_to_string(folder(repository).join("package-lock.json")).unwrap_or_default();
    stamped(tools(repository).join("made-from"), &recipe())
        && stamped(folder(repository).join("node_modules/made-from"), &lock)
}

/// Fetches it.
pub(crate) fn get(repository: &Repository) -> anyhow::Result<()> {
    if !fs::read_to_string(tools(repository).join("made-from")).is_ok_and(|found| found == recipe()) {
        get_code_server(&tools(repository))?;
        fs::write(tools(repository).join("made-from"), recipe())?;
    }
    let extension = folder(repository);
    npm(repository, &["ci", "--ignore-scripts"], &extension)?;
    fs::copy(extension.join("package-lock.json"), extension.join("node_modules/made-from"))?;
    Ok(())
}

/// The steps of code-server's own installer that a headless test needs: its other native modules are for sign-in
/// with Kerberos and for Windows, and one of them does not build without a library of the system.
fn get_code_server(tools: &Path) -> anyhow::Result<()> {
    if tools.exists() {
        fs::remove_dir_all(tools)?;
    }
    let (node, server) = (tools.join("node24"), tools.join("cs"));
    for folder in [&node, &server] {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
    }
    let packages = [format!("node@{NODE}"), format!("npm@{NPM}")];
    Command::new("npm")
        .args(["install", "--no-audit", "--no-fund"])
        .args(packages)
        .folder(&node)
        .run_quietly()?;
    let npm = |arguments: &[&str], folder: &Path| npm_of(tools, arguments, folder);
    npm(&["install", "--ignore-scripts", &format!("code-server@{CODE_SERVER}")], &server)?;
    let vscode = server.join("node_modules/code-server/lib/vscode");
    npm(&["install", "--omit=dev", "--ignore-scripts"], &vscode)?;
    npm(&["rebuild", "--nodedir=/usr", "@vscode/spdlog", "@vscode/native-watchdog"], &vscode)?;
    npm(&["install", "--omit=dev", "--ignore-scripts"], &vscode.join("extensions"))?;
    for (link, to) in
        [("bin/remote-cli/code-server", "code-linux.sh"), ("bin/helpers/browser.sh", "browser-linux.sh")]
    {
        let _ = fs::remove_file(vscode.join(link));
        std::os::unix::fs::symlink(to, vscode.join(link))?;
    }
    // A quarter of a gigabyte of assistants that nobody asks.
    let _ = fs::remove_dir_all(vscode.join("extensions/copilot"));
    Ok(())
}

/// The extension's own tests: what its manifest promises.
pub(crate) fn tests(repository: &Repository) -> anyhow::Result<Command> {
    let tests = fs::read_dir(folder(repository).join("tests"))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.ends_with(".test.ts"))
        .map(|name| format!("tests/{name}"));
    Ok(node(repository, &["--test", "--test-reporter=tap"]).args(tests))
}

/// The stories in a real VS Code, with the real sidecar and engine.
pub(crate) fn stories(repository: &Repository) -> anyhow::Result<Command> {
    let e2e = repository.target.join("e2e").display().to_string();
    let binary = repository.binary("debug").display().to_string();
    let variables = setup::variables(repository)?.into_iter();
    Ok(variables
        .chain([("AML_DEBUG_BIN", binary), ("AML_DEBUG_E2E", e2e)])
        .fold(node(repository, &["tests/e2e/main.ts"]), |command, (name, value)| command.env(name, value)))
}

/// How the stories are called, by their files.
pub(crate) fn names_of_stories(repository: &Repository) -> anyhow::Result<Vec<String>> {
    let files = fs::read_dir(folder(repository).join("tests/e2e/stories"))?;
    let names = files
        .map(|file| Ok(file?.path().file_stem().unwrap_or_default().to_string_lossy().replace('_', "-")));
    let mut names = names.collect::<std::io::Result<Vec<String>>>()?;
    // What they stand on.
    names.retain(|name| name != "ground");
    names.sort();
    Ok(names)
}

/// The driver of a window for the figures.
pub(crate) fn bench(repository: &Repository) -> Command {
    let e2e = repository.target.join("e2e").display().to_string();
    node(repository, &["tests/e2e/bench.ts"]).env("AML_DEBUG_E2E", e2e)
}

fn node(repository: &Repository, arguments: &[&str]) -> Command {
    let tools = tools(repository);
    let command = Command::new(bin(&tools).join("node")).args(arguments).folder(&folder(repository));
    command.env("PATH", path_of(&tools))
}

/// Checks the types and makes `dist/extension.js`.
pub(crate) fn build(repository: &Repository) -> anyhow::Result<()> {
    let extension = folder(repository);
    npm(repository, &["run", "check"], &extension)?;
    npm(repository, &["run", "build"], &extension)
}

/// How many tests a line of either runner tells of, passed and failed.
pub(crate) fn line(line: &str) -> Option<(u64, u64)> {
    let number = |text: &str| text.trim().parse().ok();
    if let Some(count) = line.strip_prefix("# pass ") {
        return Some((number(count)?, 0));
    }
    if let Some(count) = line.strip_prefix("# fail ") {
        return Some((0, number(count)?));
    }
    let (passed, rest) = line.strip_prefix("editor: ")?.split_once(" passed, ")?;
    Some((number(passed)?, number(rest.split_once(" failed")?.0)?))
}

/// Packs the extension's folder, with all that has been put into it, for a platform by VS Code's name.
pub(crate) fn pack(repository: &Repository, target: &str, out: &Path) -> anyhow::Result<()> {
    let tools = tools(repository);
    let extension = folder(repository);
    Command::new(bin(&tools).join("node"))
        .arg(extension.join("node_modules/@vscode/vsce/vsce"))
        .args(["package", "--no-dependencies", "--allow-missing-repository", "--target", target, "--out"])
        .arg(out)
        .env("PATH", path_of(&tools))
        .folder(&extension)
        .run_quietly()
}

pub(crate) fn folder(repository: &Repository) -> PathBuf {
    repository.root.join("editors/vscode")
}

fn tools(repository: &Repository) -> PathBuf {
    repository.target.join("e2e/vscode")
}

fn bin(tools: &Path) -> PathBuf {
    tools.join("node24/node_modules/.bin")
}

/// Programs of npm look for Node on the search path, and the distribution's is too old for some of them.
fn path_of(tools: &Path) -> String {
    format!("{}:{}", bin(tools).display(), command::search_path())
}

fn npm(repository: &Repository, arguments: &[&str], folder: &Path) -> anyhow::Result<()> {
    npm_of(&tools(repository), arguments, folder)
}

fn npm_of(tools: &Path, arguments: &[&str], folder: &Path) -> anyhow::Result<()> {
    Command::new(bin(tools).join("npm"))
        .args(arguments)
        .args(["--no-audit", "--no-fund"])
        .env("PATH", path_of(tools))
        // This Node has a list of authorities of its own; the distribution's reads the machine's.
        .env("NODE_USE_SYSTEM_CA", "1")
        .folder(folder)
        .run_quietly()
}

fn recipe() -> String {
    format!("code-server {CODE_SERVER}\nnode {NODE}\nnpm {NPM}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_both_runners_are_read() {
        assert_eq!(line("# pass 9"), Some((9, 0)));
        assert_eq!(line("# fail 2"), Some((0, 2)));
        assert_eq!(
            line("editor: 21 passed, 1 failed, 1 flaky; screenshots in target/e2e/results"),
            Some((21, 1))
        );
        assert_eq!(line("ok en: a job shows its code lenses (2.4 s)"), None);
    }
}
