//! The licence notices of what is compiled into the program and bundled into the extension: each work with its
//! licence, and each text once, with the works that come with it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use crate::command::Command;
use crate::repository::Repository;

/// How files with a licence's text begin, in capitals.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// Something that somebody else has made.
#[derive(Debug)]
struct Work {
    /// Name, version, and where it is from.
    name: String,
    /// As its author has it, by the words of SPDX.
    licence: String,
    texts: Vec<String>,
}

/// The notices, as the package carries them.
pub(crate) fn notices(repository: &Repository, extension: &Path, triple: &str) -> anyhow::Result<String> {
    let mut works = crates(repository, triple)?;
    works.extend(modules(extension)?);
    Ok(written(&works))
}

/// What is compiled into the program for a platform; tools and tests are not in it.
fn crates(repository: &Repository, triple: &str) -> anyhow::Result<Vec<Work>> {
    let cargo = |words: &[&str]| Command::new("cargo").args(words).folder(&repository.root).read();
    let tree = cargo(&[
        "tree",
        "--package",
        "sidecar",
        "--target",
        triple,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ])?;
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1"])?)?;
    let packages = metadata["packages"].as_array().context("list the packages")?;
    let mut works = Vec::new();
    for package in packages.iter().filter(|package| !package["source"].is_null()) {
        let [name, version, licence] = ["name", "version", "license"].map(|key| text(&package[key]));
        let inside = format!("{name} v{version}");
        if tree.lines().any(|line| line == inside || line.starts_with(&format!("{inside} "))) {
            let folder = Path::new(package["manifest_path"].as_str().unwrap_or_default()).parent();
            let texts = texts(folder.context("find the package's folder")?)?;
            works.push(Work { name: format!("{name} {version} (crates.io)"), licence, texts });
        }
    }
    Ok(works)
}

/// What is bundled into the extension.
fn modules(extension: &Path) -> anyhow::Result<Vec<Work>> {
    let lock: Value = serde_json::from_str(&fs::read_to_string(extension.join("package-lock.json"))?)?;
    let packages = lock["packages"].as_object().context("list the packages")?;
    let bundled = packages.iter().filter(|(path, package)| !path.is_empty() && package["dev"] != true);
    bundled
        .map(|(path, package)| {
            let name = path.rsplit("node_modules/").next().unwrap_or(path);
            let name = format!("{name} {} (npm)", text(&package["version"]));
            Ok(Work { name, licence: text(&package["license"]), texts: texts(&extension.join(path))? })
        })
        .collect()
}

fn texts(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("read {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
            path.is_file() && NAMES.iter().any(|known| name.starts_with(known))
        })
        .collect();
    files.sort();
    files.iter().map(|file| Ok(String::from_utf8_lossy(&fs::read(file)?).replace("\r\n", "\n"))).collect()
}

fn written(works: &[Work]) -> String {
    let mut all = "Debugger for Azure ML contains the following works.\n\n".to_owned();
    let mut by_text: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Work { name, licence, texts } in works {
        let _ = writeln!(all, "{name}: {licence}");
        for text in texts {
            by_text.entry(text.trim()).or_default().push(name);
        }
    }
    all.push_str("debugpy (PyPI): MIT, see server/bundle/debugpy-LICENSE.txt\n");
    for (text, names) in by_text {
        let _ = write!(all, "\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join("\n"));
    }
    all
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_is_named_with_its_licence_and_every_text_stands_once() {
        let work = |name: &str, texts: &[&str]| Work {
            name: name.to_owned(),
            licence: "MIT".to_owned(),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        let all = written(&[
            work("one 1.0", &["Permission is granted\n"]),
            work("two 2.0", &["Permission is granted", "Other"]),
        ]);
        assert!(all.contains("one 1.0: MIT\ntwo 2.0: MIT\n"), "{all}");
        assert!(all.contains("one 1.0\ntwo 2.0\n\nPermission is granted\n"), "{all}");
        assert!(all.contains("two 2.0\n\nOther\n"), "{all}");
        assert_eq!(all.matches("Permission is granted").count(), 1, "{all}");
    }

    #[test]
    fn what_the_program_is_made_of_comes_with_a_licence() -> anyhow::Result<()> {
        let works = crates(&Repository::find()?, "x86_64-unknown-linux-gnu")?;
        assert!(works.iter().any(|work| work.name.starts_with("tokio ")), "{works:?}");
        assert!(
            !works.iter().any(|work| work.name.starts_with("proptest ")),
            "a tool of the tests: {works:?}"
        );
        let without: Vec<_> =
            works.iter().filter(|work| work.licence == "?" && work.texts.is_empty()).collect();
        assert!(without.is_empty(), "{without:?}");
        Ok(())
    }
}
