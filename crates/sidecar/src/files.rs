//! The user's files: read with a limit, written whole or not at all.
//!
//! A write goes to a new file in the same folder that then takes the old one's name, so a reader sees the
//! old text or the new and a crash leaves one of them. It keeps the old file's permissions and owner,
//! writes through a link, and does not get round a write protection, which renaming otherwise would.

use engine::failure::{Blame, Failure};
use engine::message;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// More than any spec, launch.json or script that a person wrote; above it, something else was named.
pub const TEXT_LIMIT: u64 = 16 << 20;

/// Reads a text file of the user's of at most [`TEXT_LIMIT`] bytes. Line endings and BOM are kept.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = read(path, TEXT_LIMIT)?;
    String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))
}

/// The same; a file that is not there has no text.
pub fn read_text_if_there(path: &Path) -> Result<Option<String>, Failure> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    read_text(path).map(Some)
}

/// Reads a file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| read_failure(path, &error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Failure::new(Blame::User, message!("files.folder", path = path.display())));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too long; its stated size may be a lie.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        let what = message!("files.too-big", path = path.display(), mib = limit >> 20);
        return Err(Failure::new(Blame::User, what));
    }
    Ok(bytes)
}

/// Writes a whole file, making its folder if need be.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(path, bytes).map_err(|error| write_failure(path, &error))
}

/// Whether there is anything of that name.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// User and group of this process; `None` where the platform does not say.
#[cfg(target_os = "linux")]
pub fn own_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").ok().map(|facts| (facts.uid(), facts.gid()))
}

/// User and group of this process. Elsewhere engines run in a machine of their own, which maps users itself.
#[cfg(not(target_os = "linux"))]
pub fn own_user() -> Option<(u32, u32)> {
    None
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = behind_links(path)?;
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let old = match fs::metadata(&target) {
        Ok(facts) => Some(facts),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(facts) = &old {
        refuse_protected(&target, facts)?;
    }
    let new = Unfinished::create(&target)?;
    new.fill(bytes, old.as_ref())?;
    new.take_name(&target)
}

/// The file that a link means, so that the link stays one. A link to nothing is followed too.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

fn refuse_protected(path: &Path, facts: &fs::Metadata) -> io::Result<()> {
    if facts.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if facts.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    OpenOptions::new().write(true).open(path).map(drop)
}

/// A file that has not got its name yet; dropped, it goes away.
struct Unfinished {
    path: PathBuf,
    named: bool,
}

impl Unfinished {
    fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        for number in 0..100 {
            let path = target.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()));
            match File::create_new(&path) {
                Ok(_) => return Ok(Self { path, named: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn fill(&self, bytes: &[u8], old: Option<&fs::Metadata>) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.write_all(bytes)?;
        if let Some(old) = old {
            keep_owner(&self.path, old);
            file.set_permissions(old.permissions())?;
        }
        // Without this, a power cut after the renaming could leave an empty file.
        file.sync_all()
    }

    fn take_name(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.named = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.named {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Root that edits a user's file leaves it the user's. Nobody else may give files away; then the file
/// becomes the editor's, as with any program that saves by renaming.
#[cfg(unix)]
fn keep_owner(path: &Path, old: &fs::Metadata) {
    use std::os::unix::fs::MetadataExt;
    let _ = std::os::unix::fs::chown(path, Some(old.uid()), Some(old.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_path: &Path, _old: &fs::Metadata) {}

fn read_failure(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Blame::User, message!("files.missing", path = path.display()))
                .with_fix(message!("files.missing.fix"))
        }
        _ => Failure::new(Blame::Environment, message!("files.read", path = path.display(), cause = error)),
    }
}

fn write_failure(path: &Path, error: &io::Error) -> Failure {
    let what = message!("files.write", path = path.display(), cause = error);
    Failure::new(Blame::Environment, what).with_fix(message!("files.write.fix"))
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Failure {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
    Failure::new(Blame::User, message!("files.not-utf8", path = path.display(), line = line))
        .with_fix(message!("files.not-utf8.fix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_file_is_written_whole_in_a_new_folder_and_read_back_byte_by_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".vscode/launch.json");
        assert_eq!(read_text_if_there(&path).unwrap(), None);
        write(&path, b"\xef\xbb\xbf{\r\n}\r\n").unwrap();
        write(&path, b"\xef\xbb\xbf{\r\n\t}\r\n").unwrap();
        assert_eq!(read_text(&path).unwrap(), "\u{feff}{\r\n\t}\r\n");
        assert_eq!(names(path.parent().unwrap()), ["launch.json"], "nothing else stays");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay_and_a_protected_file_is_left_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
        let mode = |mode| fs::set_permissions(&real, fs::Permissions::from_mode(mode)).unwrap();
        std::os::unix::fs::symlink("real.json", &link).unwrap();
        fs::write(&real, "old").unwrap();
        mode(0o640);
        write(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);

        mode(0o440);
        let failure = write(&link, b"lost").unwrap_err();
        assert_eq!(failure.what.text(), format!("cannot write {}: permission denied", link.display()));
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(names(folder.path()).len(), 2, "no rest of the attempt");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.yml");
        let said =
            |path: &Path| read_text(path).unwrap_err().what.text().replace(&path.display().to_string(), "IT");
        assert_eq!(said(&path), "there is no file IT");
        assert_eq!(said(folder.path()), "IT is a folder, and a file is needed");
        fs::write(&path, b"a: 1\nb: \xff\n").unwrap();
        assert_eq!(said(&path), "IT is not UTF-8 text: line 2");
        File::create(&path).unwrap().set_len(TEXT_LIMIT + 1).unwrap();
        assert_eq!(said(&path), "IT is larger than 16 MiB");
    }
}
