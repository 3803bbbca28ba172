//! `cargo xtask dist`: the VSIX for a platform, with the program, debugpy and the licences in it.
//!
//! A program links against the C library of the machine that made it, and runs on no older one. People's machines are
//! older than a builder's, so on Linux it is linked by `zig`, which carries the symbols of every glibc. The same makes
//! the package for the other processor.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::command::{self, Command};
use crate::repository::Repository;
use crate::setup::{self, base_image};
use crate::{bundle, editor, interpreters, notices};

/// Bytes that the extension's own code may have, and the whole package.
const MOST_EXTENSION: u64 = 400_000;
const MOST_PACKAGE: u64 = 15 << 20;

/// The oldest glibc that the program runs on: that of Debian 10 and RHEL 8, and what VS Code asks for itself.
const OLDEST_GLIBC: (u32, u32) = (2, 28);

/// What links for another glibc or processor, with its hashes for both processors it may run on.
const LINKER: &str = "\
cargo-zigbuild==0.24.1 \
--hash=sha256:238a1ab54a95053a4eadc34775c81f795a8ad75f80bfed63f3f445f518102375 \
--hash=sha256:07c5e3dcddf208500462ec927c556bb306cca2b533b0abe29446bffb63767b85
ziglang==0.17.1 \
--hash=sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54 \
--hash=sha256:b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e
";

/// Where a package runs.
struct Platform {
    /// VS Code's name for it.
    name: &'static str,
    os: &'static str,
    arch: &'static str,
    /// The compiler's name for it.
    triple: &'static str,
}

const PLATFORMS: [Platform; 4] = [
    Platform { name: "linux-x64", os: "linux", arch: "x86_64", triple: "x86_64-unknown-linux-gnu" },
    Platform { name: "linux-arm64", os: "linux", arch: "aarch64", triple: "aarch64-unknown-linux-gnu" },
    Platform { name: "darwin-x64", os: "macos", arch: "x86_64", triple: "x86_64-apple-darwin" },
    Platform { name: "darwin-arm64", os: "macos", arch: "aarch64", triple: "aarch64-apple-darwin" },
];

impl Platform {
    fn is_here(&self) -> bool {
        (self.os, self.arch) == (std::env::consts::OS, std::env::consts::ARCH)
    }

    /// The platform that is named, or this machine's.
    fn of(name: Option<&str>) -> anyhow::Result<&'static Platform> {
        let Some(name) = name else {
            let here = PLATFORMS.iter().find(|platform| platform.is_here());
            return here.context("find VS Code's name for this platform");
        };
        // One system's linker does not know the other's libraries.
        let made: Vec<_> = PLATFORMS.iter().filter(|it| it.os == std::env::consts::OS).collect();
        let names: Vec<_> = made.iter().map(|platform| platform.name).collect();
        let found = made.iter().copied().find(|platform| platform.name == name);
        found.with_context(|| {
            format!("a package for {name} cannot be made here, only for {}", names.join(", "))
        })
    }
}

/// Makes the package. `words` are the platform and `--prove`: that the program runs in the oldest Debian there is, and
/// that a VS Code into which the package is installed debugs the sample of its walkthrough with nothing beside it.
pub(crate) fn dist(repository: &Repository, words: &[&str]) -> anyhow::Result<()> {
    let (flags, names): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('-'));
    anyhow::ensure!(
        flags.iter().all(|&flag| flag == "--prove") && names.len() < 2,
        "dist [--prove] [PLATFORM]"
    );
    let prove = !flags.is_empty();
    let platform = Platform::of(names.first().copied())?;
    anyhow::ensure!(!prove || platform.is_here(), "a package for {} cannot run here", platform.name);
    if !editor::is_there(repository) {
        editor::get(repository)?;
    }
    if !bundle::is_there(repository) {
        bundle::make(repository)?;
    }
    let program = release(repository, platform)?;
    editor::build(repository)?;
    let package = pack(repository, platform, &program)?;
    let extension = editor::folder(repository).join("dist/extension.js");
    println!("program: {} KiB", fs::metadata(&program)?.len() / 1024);
    for (file, most) in [(&extension, MOST_EXTENSION), (&package, MOST_PACKAGE)] {
        let bytes = fs::metadata(file)?.len();
        println!("{}: {} KiB", file.display(), bytes / 1024);
        anyhow::ensure!(bytes <= most, "{} is larger than {} KiB", file.display(), most / 1024);
    }
    if prove {
        setup::setup(repository, setup::For::Test)?;
        if platform.os == "linux" {
            runs_in_the_oldest(repository, &program)?;
        }
        Command::new("cargo").args(["build", "--package", "sidecar"]).folder(&repository.root).run()?;
        editor::stories(repository)?.arg("walkthrough").env("AML_DEBUG_E2E_PACKAGE", package).run()?;
    }
    Ok(())
}

/// Puts everything that the extension does not find by itself into its folder, and packs it.
fn pack(repository: &Repository, platform: &Platform, program: &Path) -> anyhow::Result<PathBuf> {
    let extension = editor::folder(repository);
    let server = extension.join("server");
    let _ = fs::remove_dir_all(&server);
    fs::create_dir_all(server.join("bundle"))?;
    fs::copy(program, server.join("aml-debug"))?;
    let bundle = repository.bundle();
    fs::copy(&bundle, server.join("bundle/debugpy.tar"))?;
    let licences = bundle.with_file_name("debugpy-LICENSE.txt");
    fs::copy(&licences, server.join("bundle/debugpy-LICENSE.txt"))?;
    fs::copy(repository.root.join("LICENSE"), extension.join("LICENSE"))?;
    fs::write(extension.join("NOTICES.txt"), notices::notices(repository, &extension, platform.triple)?)?;
    let out = repository.target.join("dist").join(format!("aml-debug-{}.vsix", platform.name));
    fs::create_dir_all(repository.target.join("dist"))?;
    editor::pack(repository, platform.name, &out)?;
    fs::remove_dir_all(&server)?;
    Ok(out)
}

/// Builds the program to be packed.
fn release(repository: &Repository, platform: &Platform) -> anyhow::Result<PathBuf> {
    let libraries =
        Command::new("rustc").args(["--print", "target-libdir", "--target", platform.triple]).read()?;
    if !Path::new(libraries.trim()).exists() {
        Command::new("rustup")
            .args(["target", "add", platform.triple])
            .folder(&repository.root)
            .run_quietly()?;
    }
    let build = |verb: &str, target: &str| {
        let command =
            Command::new("cargo").args([verb, "--release", "--package", "sidecar", "--target", target]);
        command.folder(&repository.root)
    };
    let program = repository.target.join(platform.triple).join("release/aml-debug");
    if platform.os != "linux" {
        build("build", platform.triple).run()?;
        return Ok(program);
    }
    let linker = linker(repository)?;
    let (major, minor) = OLDEST_GLIBC;
    build("zigbuild", &format!("{}.{major}.{minor}", platform.triple))
        .env("PATH", format!("{}:{}", linker.join("bin").display(), command::search_path()))
        .env("CARGO_ZIGBUILD_ZIG_PATH", linker.join("ziglang/zig"))
        .run()?;
    let newest = newest_glibc(&fs::read(&program)?).context("find what the program asks of its C library")?;
    println!("runs from glibc {}.{} on", newest.0, newest.1);
    anyhow::ensure!(newest <= OLDEST_GLIBC, "{} asks for more than glibc {major}.{minor}", program.display());
    Ok(program)
}

/// Where the linker is; it is fetched where it is not there in this version.
fn linker(repository: &Repository) -> anyhow::Result<PathBuf> {
    let folder = repository.target.join("dist/linker");
    let stamp = folder.join("made-from.txt");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == LINKER) {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, LINKER)?;
    Command::new("python3")
        .args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
        ])
        .arg("--target")
        .arg(&folder)
        .arg("--requirement")
        .arg(&wanted)
        .run()?;
    fs::write(stamp, LINKER)?;
    Ok(folder)
}

/// The newest version of glibc whose symbols a program names. The names of versions stand in it as text.
fn newest_glibc(program: &[u8]) -> Option<(u32, u32)> {
    const MARK: &[u8] = b"GLIBC_";
    let places = program.windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK);
    let versions = places.filter_map(|(place, _)| {
        let rest = &program[place + MARK.len()..];
        let word = rest.split(|byte| !(byte.is_ascii_digit() || *byte == b'.')).next()?;
        let mut numbers = std::str::from_utf8(word).ok()?.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions.max()
}

/// The program starts in the oldest release of Debian that can be had, and reads a spec there.
fn runs_in_the_oldest(repository: &Repository, program: &Path) -> anyhow::Result<()> {
    let image = base_image::of_suite(repository, interpreters::SUITES[0])?;
    let container = Command::new("docker")
        .args(["create", &image])
        .args(["/aml-debug", "check", "/iris/job.yml"])
        .read()?;
    let container = container.trim();
    let copy = |from: &Path, to: &str| {
        Command::new("docker").arg("cp").arg(from).arg(format!("{container}:{to}")).read()
    };
    // Copied, not mounted: the engine may see other folders than this program does.
    let said = copy(program, "/aml-debug")
        .and_then(|_| copy(&repository.root.join("examples/iris"), "/iris"))
        .and_then(|_| Command::new("docker").args(["start", "--attach", container]).read());
    Command::new("docker").args(["rm", "--force", container]).read()?;
    print!("in {image}: {}", said?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_the_c_library_is_found() {
        let program = b"\x7fELF\0GLIBC_2.2.5\0GLIBC_2.28\0GLIBC_2.4\0GLIBC_PRIVATE\0GLIBCXX_3.4.30\0";
        assert_eq!(newest_glibc(program), Some((2, 28)));
        assert_eq!(newest_glibc(b"\x7fELF\0__gmon_start__"), None);
    }
}
