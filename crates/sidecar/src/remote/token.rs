//! What a step has to know to call here: made once, and kept in a file of the store, which is the user's alone.

use crate::files;
use engine::failure::{Blame, Failure};
use engine::message;
use rustls::crypto::ring;
use std::path::{Path, PathBuf};

/// Nobody guesses 256 bits.
const BYTES: usize = 32;

/// Its file, below a store's folder.
pub(crate) fn file(home: &Path) -> PathBuf {
    home.join("call").join("token")
}

/// The token, made if need be.
pub(crate) fn token(home: &Path) -> Result<String, Failure> {
    let path = file(home);
    if let Some(text) = files::read_text_if_there(&path)?
        && !text.trim().is_empty()
    {
        return Ok(text.trim().to_owned());
    }
    let mut bytes = [0; BYTES];
    let random = ring::default_provider().secure_random.fill(&mut bytes);
    random.map_err(|_| Failure::new(Blame::Internal, message!("remote.no-token")))?;
    // Of a folder that the user made, others may read what is in it.
    files::make_private_folder(&home.join("call"))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    files::write(&path, format!("{token}\n").as_bytes())?;
    Ok(token)
}
