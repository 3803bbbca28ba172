//! The debugpy bundle: what `aml-debug` puts beside the user's code in a container, so that nothing has to be
//! downloaded at run time.
//!
//! Two pure-Python wheels, because no single release serves every Python that Azure ML images carry. Each folder
//! of the archive goes on `sys.path` as it is. The archive is the same byte for byte wherever it is made: its
//! hash names the volume that it is uploaded to.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::command::Command;
use crate::repository::Repository;

/// One wheel of the bundle.
struct Wheel {
    /// Folder in the archive.
    folder: &'static str,
    version: &'static str,
    /// A Python that the wheel serves, so that pip does not refuse it for the Python it runs on itself.
    python: &'static str,
    sha256: &'static str,
}

const WHEELS: [Wheel; 2] = [
    Wheel {
        folder: "debugpy",
        version: "1.8.22",
        python: "3.10",
        sha256: "a9e9d3550e15ca479c59333e90845029190531f0cacfedab3b815a57bd913947",
    },
    // The last release that runs on Python 3.8 and 3.9.
    Wheel {
        folder: "debugpy-py38",
        version: "1.8.21",
        python: "3.8",
        sha256: "b1e37d333663c8851516a47364ef473da127f9caebe4417e6df6f5825a7e9a92",
    },
];

/// Native helpers for attaching to a process by its id: three quarters of the wheel, never used by us.
const STRIPPED: &str = "pydevd_attach_to_process";

/// Sources of native speed-ups and Windows builds of them: the bundle serves every Python, so it is pure.
const STRIPPED_ENDINGS: [&str; 7] = [".c", ".cpp", ".h", ".pxd", ".pyd", ".pyx", ".so"];

/// Raised when the archive's layout changes, so that an older one is made anew.
const LAYOUT: u32 = 1;

/// What a reader is told before it is made.
pub(crate) fn intent() -> String {
    let versions = WHEELS.map(|wheel| wheel.version).join(" and ");
    format!("download debugpy {versions} from the Python package index and bundle them")
}

/// Whether the bundle of this version of the tools is there.
pub(crate) fn is_there(repository: &Repository) -> bool {
    let stamp = fs::read_to_string(stamp(repository)).unwrap_or_default();
    stamp == recipe() && repository.bundle().is_file()
}

/// Downloads, checks, strips and packs the wheels. Needs `python3` with pip.
pub(crate) fn make(repository: &Repository) -> anyhow::Result<()> {
    let bundle = repository.bundle();
    let folder = bundle.parent().context("find the bundle's folder")?;
    let work = folder.join("work");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;

    let mut contents = Vec::new();
    for wheel in &WHEELS {
        let unpacked = unpack(&work, wheel)?;
        let licence = unpacked.join(format!("debugpy-{}.dist-info/licenses/LICENSE", wheel.version));
        let licence =
            fs::read(&licence).with_context(|| format!("read the licence {}", licence.display()))?;
        let notices = fs::read(unpacked.join("debugpy/ThirdPartyNotices.txt"))?;
        fs::write(folder.join("debugpy-LICENSE.txt"), [licence.clone(), b"\n\n".to_vec(), notices].concat())?;
        contents.push((format!("{}/debugpy/LICENSE", wheel.folder), licence));
        collect(&unpacked.join("debugpy"), &format!("{}/debugpy", wheel.folder), &mut contents)?;
    }
    contents.sort();
    write_archive(&bundle, &contents)?;
    fs::write(stamp(repository), recipe())?;
    fs::remove_dir_all(&work)?;
    println!("{} files, {} KiB: {}", contents.len(), fs::metadata(&bundle)?.len() / 1024, bundle.display());
    Ok(())
}

fn unpack(work: &Path, wheel: &Wheel) -> anyhow::Result<PathBuf> {
    Command::new("python3")
        .args(["-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"])
        .args(["--only-binary", ":all:", "--platform", "any", "--implementation", "py", "--abi", "none"])
        .args(["--python-version", wheel.python, "--dest"])
        .arg(work)
        .arg(format!("debugpy=={}", wheel.version))
        .run()?;
    let file = work.join(format!("debugpy-{}-py2.py3-none-any.whl", wheel.version));
    let bytes = fs::read(&file).with_context(|| format!("read the wheel {}", file.display()))?;
    let found = hex(&Sha256::digest(&bytes));
    anyhow::ensure!(
        found == wheel.sha256,
        "the package index gave another debugpy {}: its hash is {found}, expected {}",
        wheel.version,
        wheel.sha256
    );
    let unpacked = work.join(wheel.folder);
    Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&file).arg(&unpacked).read()?;
    Ok(unpacked)
}

fn collect(folder: &Path, name: &str, contents: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name().to_string_lossy().into_owned();
        let name = format!("{name}/{file_name}");
        let stripped = STRIPPED_ENDINGS.iter().any(|ending| file_name.ends_with(ending));
        if stripped || file_name == STRIPPED || file_name == "__pycache__" {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), &name, contents)?,
            false => contents.push((name, fs::read(entry.path())?)),
        }
    }
    Ok(())
}

fn write_archive(path: &Path, contents: &[(String, Vec<u8>)]) -> anyhow::Result<()> {
    let unfinished = path.with_extension("tar.unfinished");
    let mut archive = tar::Builder::new(BufWriter::new(File::create(&unfinished)?));
    for (name, bytes) in contents {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        // Python compares a source's time with its bytecode's; zero counts as "no time" in some tools.
        header.set_mtime(1);
        archive.append_data(&mut header, name, bytes.as_slice())?;
    }
    archive.into_inner()?.flush()?;
    fs::rename(&unfinished, path)?;
    Ok(())
}

fn recipe() -> String {
    let wheels = WHEELS.map(|wheel| format!("{} {} {}\n", wheel.folder, wheel.version, wheel.sha256));
    format!("layout {LAYOUT}\n{}", wheels.concat())
}

fn stamp(repository: &Repository) -> PathBuf {
    repository.bundle().with_extension("recipe")
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_makes_the_same_archive_whatever_the_order_and_the_clock() -> anyhow::Result<()> {
        let folder = std::env::temp_dir().join(format!("aml-debug-bundle-{}", std::process::id()));
        let source = folder.join("source");
        fs::create_dir_all(source.join(STRIPPED))?;
        fs::create_dir_all(source.join("pkg"))?;
        fs::write(source.join(STRIPPED).join("helper.py"), "not wanted")?;
        fs::write(source.join("pkg/fast.pyd"), "not wanted")?;
        let mut archives = Vec::new();
        for names in [["b.py", "a.py"], ["a.py", "b.py"]] {
            for name in names {
                fs::write(source.join("pkg").join(name), name)?;
            }
            let mut contents = Vec::new();
            collect(&source, "debugpy", &mut contents)?;
            contents.sort();
            let path = folder.join("bundle.tar");
            write_archive(&path, &contents)?;
            archives.push((contents.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), fs::read(&path)?));
        }
        assert_eq!(archives[0].0, ["debugpy/pkg/a.py", "debugpy/pkg/b.py"]);
        assert!(archives[0].1 == archives[1].1);
        Ok(fs::remove_dir_all(folder)?)
    }
}
