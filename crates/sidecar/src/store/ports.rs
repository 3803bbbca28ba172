//! The gateway's port of each target, the same from run to run.
//!
//! The first choice follows from the folder's name and the target, not from where the folder lies, so
//! that two people with the same project mostly get the same port and share one launch.json.

use super::Store;
use engine::failure::Failure;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// Below the ports that Linux, macOS and Windows hand out by themselves.
const FIRST: u16 = 20000;
const COUNT: u16 = 10000;

impl Store {
    /// The port for a target in a workspace folder, chosen at the first call and then kept.
    pub fn port_for(&mut self, folder: &Path, target: &str) -> Result<u16, Failure> {
        let key = folder.to_string_lossy().into_owned();
        if let Some(port) = self.read(|db| known(db, &key, target))? {
            return Ok(port);
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let first = first_choice(&name, target);
        self.write(|db| {
            // Another process may have chosen meanwhile.
            if let Some(port) = known(db, &key, target)? {
                return Ok(port);
            }
            let port = free_from(db, first)?;
            db.execute("INSERT INTO port (folder, target, port) VALUES (?1, ?2, ?3)", (&key, target, port))?;
            Ok(port)
        })
    }

    /// Remembers that a target's port had to move, or stands in a shared launch.json.
    pub fn set_port(&mut self, folder: &Path, target: &str, port: u16) -> Result<(), Failure> {
        let sql = "INSERT INTO port (folder, target, port) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (folder, target) DO UPDATE SET port = excluded.port";
        self.write(|db| db.execute(sql, (folder.to_string_lossy(), target, port)))?;
        Ok(())
    }
}

fn known(db: &Connection, folder: &str, target: &str) -> rusqlite::Result<Option<u16>> {
    db.prepare_cached("SELECT port FROM port WHERE folder = ?1 AND target = ?2")?
        .query_row([folder, target], |row| row.get(0))
        .optional()
}

/// The next port that no other target has. With all taken, the first choice: a port that two targets
/// share only hurts when both are debugged at once, and then the gateway moves.
fn free_from(db: &Connection, first: u16) -> rusqlite::Result<u16> {
    let mut taken = db.prepare("SELECT EXISTS (SELECT 1 FROM port WHERE port = ?1)")?;
    for step in 0..COUNT {
        let port = FIRST + (first - FIRST + step) % COUNT;
        if !taken.query_row([port], |row| row.get(0))? {
            return Ok(port);
        }
    }
    Ok(first)
}

/// FNV-1a: stable between versions of this program, which the standard library's hash is not.
fn first_choice(folder_name: &str, target: &str) -> u16 {
    let hash = [folder_name, "\n", target]
        .iter()
        .flat_map(|part| part.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let step = u16::try_from(hash % u64::from(COUNT)).unwrap_or(0);
    FIRST + step
}
