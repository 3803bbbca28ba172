//! Build contexts of the user's: what is in the folder, and the archive that is sent of it.
//!
//! A context is read twice: for its name before it is known whether anything has to be built, and for the
//! archive. A file that changes in between gets into the image under the older name; the next run sees it.

use crate::files;
use bytes::Bytes;
use docker::Archive;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::plan::image::Recipe;
use engine::plan::image::context::{BuildContext, ContextFacts, ContextFile};
use engine::plan::image::dockerfile;
use engine::plan::image::dockerignore::Ignore;
use engine::plan::rewrite::ImageRewrite;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// What is in a build context. Reads every file of it.
///
/// # Errors
/// There is no Dockerfile, or a file cannot be read.
pub(super) fn read(context: &BuildContext, rules: &[ImageRewrite]) -> Result<ContextFacts, Failure> {
    let path = context.folder.join(&context.dockerfile);
    let text = match &context.text {
        Some(text) => text.clone(),
        None if !path.is_file() => {
            return Err(Failure::new(Blame::User, message!("image.no-dockerfile", path = path.display()))
                .with_fix(message!("image.no-dockerfile.fix")));
        }
        None => files::read_text(&path)?,
    };
    let (dockerfile, rewritten) = dockerfile::rewritten(&text, rules);
    let mut found = Vec::new();
    if context.text.is_none() {
        let ignore = ignore_of(context)?;
        let own = context.dockerfile_in_archive();
        let walk = Walk { root: &context.folder, ignore: &ignore, always: own };
        walk.walk(&context.folder, "", &mut found)?;
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(ContextFacts { dockerfile, rewritten, files: found })
}

/// A Dockerfile may have ignore rules of its own, which then stand for the folder's.
fn ignore_of(context: &BuildContext) -> Result<Ignore, Failure> {
    let own = context.folder.join(format!("{}.dockerignore", context.dockerfile));
    let text = match files::read_text_if_there(&own)? {
        Some(text) => Some(text),
        None => files::read_text_if_there(&context.folder.join(".dockerignore"))?,
    };
    text.as_deref().map_or_else(|| Ok(Ignore::default()), Ignore::parse)
}

struct Walk<'a> {
    root: &'a Path,
    ignore: &'a Ignore,
    /// Sent whatever the rules say, as Docker does.
    always: &'a str,
}

impl Walk<'_> {
    fn walk(&self, folder: &Path, prefix: &str, found: &mut Vec<ContextFile>) -> Result<(), Failure> {
        let failed = |path: &Path, cause: &io::Error| {
            Failure::new(Blame::User, message!("files.read", path = path.display(), cause = cause))
        };
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
            let entry = entry.map_err(|error| failed(folder, &error))?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let facts = entry.metadata().map_err(|error| failed(&entry.path(), &error))?;
            if facts.is_dir() {
                if !self.ignore.hides(&path) {
                    self.walk(&entry.path(), &format!("{path}/"), found)?;
                }
            } else if (path == self.always || !self.ignore.ignores(&path)) && is_sent(&facts) {
                let digest = digest(&self.root.join(&path), &facts);
                let digest = digest.map_err(|error| failed(&entry.path(), &error))?;
                found.push(ContextFile { path, digest });
            }
        }
        Ok(())
    }
}

/// Sockets, pipes and devices are not.
fn is_sent(facts: &Metadata) -> bool {
    facts.is_file() || facts.is_symlink()
}

fn digest(path: &Path, facts: &Metadata) -> io::Result<String> {
    let mut sha = Sha256::new();
    if facts.is_symlink() {
        sha.update(b"link ");
        sha.update(fs::read_link(path)?.to_string_lossy().as_bytes());
    } else {
        sha.update(format!("file {:o} ", mode(facts)));
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                length => sha.update(&buffer[..length]),
            }
        }
    }
    Ok(sha.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(unix)]
fn mode(facts: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    facts.permissions().mode() & 0o777
}

/// As Docker does where the file system has no such thing.
#[cfg(not(unix))]
fn mode(_facts: &Metadata) -> u32 {
    0o755
}

/// The archive of a recipe's folder, made while it is sent; `None` if it has none.
pub(super) fn archive(recipe: &Recipe) -> Option<Archive> {
    let (folder, facts) = recipe.folder.clone()?;
    let own = (recipe.dockerfile_path.clone(), recipe.dockerfile.clone());
    // So many pieces may wait for the engine to take them.
    let (sender, mut pieces) = mpsc::channel(16);
    tokio::task::spawn_blocking(move || {
        let mut to = BufWriter::with_capacity(PIECE, Pieces(sender.clone()));
        if let Err(error) = write_archive(&mut to, &folder.folder, &facts.files, &own) {
            // Nobody listens any more if the build has ended.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Some(futures::stream::poll_fn(move |cx| pieces.poll_recv(cx)).boxed())
}

const PIECE: usize = 64 << 10;

/// The writing end of a stream of bytes.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_archive(
    to: &mut impl Write,
    folder: &Path,
    files: &[ContextFile],
    own: &(String, String),
) -> io::Result<()> {
    let mut archive = tar::Builder::new(to);
    let mut header = tar::Header::new_gnu();
    header.set_size(own.1.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, &own.0, own.1.as_bytes())?;
    for ContextFile { path, .. } in files.iter().filter(|file| file.path != own.0) {
        append(&mut archive, &folder.join(path), path)
            .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    }
    archive.into_inner()?.flush()
}

fn append(archive: &mut tar::Builder<impl Write>, file: &PathBuf, path: &str) -> io::Result<()> {
    let facts = fs::symlink_metadata(file)?;
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode(&facts));
    let since = facts.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    header.set_mtime(since.as_secs());
    if facts.is_symlink() {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        return archive.append_link(&mut header, path, fs::read_link(file)?);
    }
    header.set_size(facts.len());
    // Never more than was announced: a log that grows would break the archive.
    archive.append_data(&mut header, path, File::open(file)?.take(facts.len()))
}
