//! The user's files: read with a limit, written whole or not at all.
//!
//! A write goes to a new file in the same folder that then takes the old one's name, so a reader sees the
//! old text or the new and a crash leaves one of them. It keeps the old file's permissions and owner,
//! writes through a link, and does not get round a write protection, which renaming otherwise would.

use bytes::Bytes;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::spec::files::{Found, Need};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

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

/// Whether it is a file and no folder.
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// The names in a folder and whether each is a folder, sorted; none of a folder that cannot be read.
pub fn entries(folder: &Path) -> Vec<(String, bool)> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut named: Vec<(String, bool)> = found
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().is_dir()))
        .collect();
    named.sort();
    named
}

/// User and group of this process; `None` where the platform has none.
#[cfg(target_os = "linux")]
pub fn own_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    let facts = fs::metadata("/proc/self").ok()?;
    Some((facts.uid(), facts.gid()))
}

/// User and group of this process; `None` where the platform does not tell by a file.
#[cfg(not(target_os = "linux"))]
pub fn own_user() -> Option<(u32, u32)> {
    None
}

/// A file of this machine with all links followed; `None` if it is none, or too odd to be named.
pub fn resolved(path: &Path) -> Option<String> {
    fs::canonicalize(path).ok()?.into_os_string().into_string().ok()
}

/// The kernel's table of IPv4 connections, where it has one.
pub fn tcp_table() -> Option<String> {
    fs::read_to_string("/proc/net/tcp").ok()
}

/// The kernel's table of IPv4 routes, where it has one.
pub fn routes() -> Option<String> {
    fs::read_to_string("/proc/net/route").ok()
}

/// The length of a file; `None` of one that is not there.
pub fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|facts| facts.len())
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| write_failure(path, &error))
}

/// Makes a folder that only this user may look into.
pub fn make_private_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    // On Windows a folder under the user's profile is the user's alone by inheritance.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path).map_err(|error| write_failure(path, &error))
}

/// Writes over the beginning of a file, made if need be. Only for files of ours in which a torn write is noticed.
pub fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || OpenOptions::new().create(true).truncate(false).write(true).open(path)?.write_all(bytes);
    write().map_err(|error| write_failure(path, &error))
}

/// Bytes that are free on the disk of a folder, for this user; `None` where nobody tells.
pub fn free_space(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

/// At most `limit` bytes of a file, from `offset` on; none where there is no such file.
pub fn read_from(path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read_failure(path, &error)),
    };
    let mut bytes = Vec::new();
    file.seek(io::SeekFrom::Start(offset))
        .and_then(|_| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| read_failure(path, &error))?;
    Ok(bytes)
}

/// The end of a text file, at most so many bytes; what cannot be read is empty.
pub fn read_end(path: &Path, limit: u64) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(io::SeekFrom::Start(length.saturating_sub(limit)))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// How many files of the user's are watched at most, and how deep below the code folder.
const WATCHED: usize = 500;
const WATCHED_DEPTH: usize = 6;

/// The Python files of a code folder, with what changes when they are written. Hidden folders are left out.
pub fn python_files(folder: &Path) -> Vec<(PathBuf, SystemTime, u64)> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(facts) = fs::metadata(&path) else { continue };
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if facts.is_dir() && !is_hidden && depth < WATCHED_DEPTH && entry.file_name() != "__pycache__" {
                open.push((path, depth + 1));
            } else if facts.is_file() && path.extension().is_some_and(|extension| extension == "py") {
                found.push((path, facts.modified().unwrap_or(SystemTime::UNIX_EPOCH), facts.len()));
            }
        }
        if found.len() > WATCHED {
            break;
        }
    }
    found.sort();
    found
}

/// Bytes as text that JSON can carry.
pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The bytes of such a text.
///
/// # Errors
/// It is none.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Failure> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| {
        Failure::new(Blame::User, message!("files.not-base64")).with_detail([error.to_string()])
    })
}

/// Every file below a folder, by its path from there with `/`, and its size; sorted. What cannot be looked
/// into is left out, and links are not followed.
pub fn list(folder: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => open.push((entry.path(), format!("{name}/"))),
                Ok(facts) if facts.is_file() => found.push((name, facts.len())),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// Names of the links in a folder, sorted: the outputs of a pipeline, which its steps have written.
pub fn links(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    let mut names: Vec<_> = links.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Folders in which nothing is that a program of the user's would read.
const NOT_CONTENT: [&str; 4] = [".git", ".vscode", "__pycache__", ".ipynb_checkpoints"];

/// Bytes of a file above which its size and time stand for its content: reading it would take longer than a
/// step may wait.
const LARGE: u64 = 256 << 20;

/// Digests a file, or every file below a folder with its path from there. Links are not followed.
pub fn digest(path: &Path, hash: &mut Sha256) -> Result<(), Failure> {
    let facts = fs::metadata(path).map_err(|error| read_failure(path, &error))?;
    if facts.is_file() {
        return digest_file(path, &facts, hash);
    }
    let mut names: Vec<_> = fs::read_dir(path)
        .map_err(|error| read_failure(path, &error))?
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
        .filter(|name| !NOT_CONTENT.iter().any(|skipped| name == skipped))
        .collect();
    names.sort();
    for name in names {
        let inner = path.join(&name);
        let facts = fs::symlink_metadata(&inner).map_err(|error| read_failure(&inner, &error))?;
        if facts.is_file() || facts.is_dir() {
            hash.update([1]);
            hash.update(name.as_encoded_bytes());
            digest(&inner, hash)?;
        }
    }
    hash.update([2]);
    Ok(())
}

fn digest_file(path: &Path, facts: &fs::Metadata, hash: &mut Sha256) -> Result<(), Failure> {
    hash.update(facts.len().to_le_bytes());
    if facts.len() > LARGE {
        let changed = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        hash.update(changed.unwrap_or_default().as_nanos().to_le_bytes());
        return Ok(());
    }
    let failed = |error: io::Error| read_failure(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(()),
            length => hash.update(&buffer[..length]),
        }
    }
}

/// Makes a link to a folder, in place of one that is there.
pub fn link(path: &Path, target: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| write_failure(path, &error);
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    link_folder(target, path).map_err(failed)
}

#[cfg(unix)]
fn link_folder(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(windows)]
fn link_folder(target: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(target, path)
}

/// Removes a folder if nothing is in it.
pub fn remove_empty_folder(path: &Path) {
    // A folder that somebody filled in the meantime stays.
    let _ = fs::remove_dir(path);
}

/// Removes a file of ours; one that is gone is removed already.
pub fn remove_file(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Holds an exclusive lock on a file, made if need be, until the value is dropped. Waits for other holders.
pub async fn lock(path: PathBuf) -> Result<File, Failure> {
    let taken = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        })
        .await
    };
    let taken = taken.unwrap_or_else(|cause| Err(io::Error::other(cause)));
    taken.map_err(|error| write_failure(&path, &error))
}

/// A tar archive with small files of ours put in front.
pub fn read_archive_with(archive: &Path, ours: &[(&str, &str)]) -> Result<Vec<u8>, Failure> {
    // Far above the 10 MB of the debugger.
    let theirs = read(archive, 256 << 20)?;
    let append = || {
        let mut all = tar::Builder::new(Vec::with_capacity(theirs.len() + (64 << 10)));
        for (path, text) in ours {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            all.append_data(&mut header, path, text.as_bytes())?;
        }
        // Without its end mark, ours goes on with theirs.
        let mut all = all.into_inner()?;
        all.truncate(all.len() - 1024);
        all.extend_from_slice(&theirs);
        Ok(all)
    };
    append().map_err(|error| read_failure(archive, &error))
}

/// A folder or file on its way into a container or out of it.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) host: PathBuf,
    /// Absolute path in the container.
    pub(crate) target: String,
    /// Goes in empty and comes back filled.
    pub(crate) back: bool,
    /// What ignore files name stays here.
    pub(crate) is_code: bool,
}

/// A tar archive of all of them, by their places in the container, piece by piece. Stops when nobody takes the
/// pieces any more.
pub(crate) fn archive(
    copies: &[Copy],
    owner: (u64, u64),
    pieces: mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Failure> {
    let mut archive = tar::Builder::new(io::BufWriter::with_capacity(256 << 10, Pieces(pieces)));
    archive.follow_symlinks(false);
    for copy in copies {
        let target = Path::new(copy.target.trim_start_matches('/'));
        let added = match copy.back {
            true => add_folder(&mut archive, target, owner),
            false => walk(copy).try_for_each(|path| {
                let inside = path.strip_prefix(&copy.host).unwrap_or(Path::new(""));
                // Joining nothing would add a slash to a file's name.
                let name =
                    if inside.as_os_str().is_empty() { target.to_owned() } else { target.join(inside) };
                add(&mut archive, &path, &name, owner)
            }),
        };
        added.map_err(|error| read_failure(&copy.host, &error))?;
    }
    let ended = archive.into_inner().and_then(|mut buffer| buffer.flush());
    // Whoever takes no more pieces knows why.
    let _ = ended;
    Ok(())
}

/// Azure leaves out what `.amlignore` names, and what `.gitignore` names where there is no `.amlignore`.
fn walk(copy: &Copy) -> impl Iterator<Item = PathBuf> + use<> {
    let mut walk = ignore::WalkBuilder::new(&copy.host);
    walk.standard_filters(false).hidden(false).require_git(false);
    if copy.is_code {
        match copy.host.join(".amlignore").exists() {
            true => walk.add_custom_ignore_filename(".amlignore"),
            false => walk.git_ignore(true),
        };
        walk.filter_entry(|entry| entry.file_name() != ".git");
    }
    walk.build().filter_map(Result::ok).map(ignore::DirEntry::into_path)
}

fn add<W: Write>(
    archive: &mut tar::Builder<W>,
    path: &Path,
    name: &Path,
    owner: (u64, u64),
) -> io::Result<()> {
    let facts = fs::symlink_metadata(path)?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&facts);
    header.set_uid(owner.0);
    header.set_gid(owner.1);
    if facts.is_dir() {
        archive.append_data(&mut header, name, io::empty())
    } else if facts.is_symlink() {
        archive.append_link(&mut header, name, fs::read_link(path)?)
    } else if facts.is_file() {
        // A file that grows while it is read would put the archive out of step.
        archive.append_data(&mut header, name, File::open(path)?.take(facts.len()))
    } else {
        Ok(())
    }
}

fn add_folder<W: Write>(archive: &mut tar::Builder<W>, name: &Path, owner: (u64, u64)) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    header.set_uid(owner.0);
    header.set_gid(owner.1);
    archive.append_data(&mut header, name, io::empty())
}

/// The sending end of an archive.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Unpacks a folder that the engine has packed, with the folder's own name before every name in it. Nothing
/// gets out of the folder whatever the archive says. The archive goes.
pub(crate) fn unpack(archive: &Path, folder: &Path) -> Result<(), Failure> {
    let unpacked = || {
        let mut entries = tar::Archive::new(io::BufReader::new(File::open(archive)?));
        let above = folder.parent().unwrap_or(folder);
        for entry in entries.entries()? {
            let mut entry = entry?;
            if entry.path()?.starts_with(folder.file_name().unwrap_or_default()) {
                entry.unpack_in(above)?;
            }
        }
        fs::remove_file(archive)
    };
    unpacked().map_err(|error| write_failure(folder, &error))
}

/// The bytes of the first file of a tar archive.
pub(crate) fn first_of_archive(archive: &[u8]) -> Option<Vec<u8>> {
    let mut entries = tar::Archive::new(archive);
    let mut entry = entries.entries().ok()?.next()?.ok()?;
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Appends to a file, and makes it if it is not there; how long it is then. A power cut may take that along.
pub(crate) fn append_or_make(path: &Path, bytes: &[u8]) -> Result<u64, Failure> {
    let append = || {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(bytes)?;
        Ok(file.metadata()?.len())
    };
    append().map_err(|error| write_failure(path, &error))
}

/// Appends to a file.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let append = || OpenOptions::new().append(true).open(path)?.write_all(bytes);
    append().map_err(|error| write_failure(path, &error))
}

/// What stands at a path, for the engine crate's reading of specs.
pub fn look(need: &Need) -> Found {
    match fs::metadata(&need.path) {
        Ok(facts) if facts.is_dir() => Found::Folder,
        Ok(_) if need.bytes => {
            read(&need.path, TEXT_LIMIT).map_or(Found::Missing, |bytes| Found::File(bytes.into()))
        }
        Ok(_) => Found::File(Vec::new().into()),
        Err(_) => Found::Missing,
    }
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
