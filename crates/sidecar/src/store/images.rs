//! The image ledger.

use super::Store;
use engine::failure::Failure;
use engine::ids::ImageRef;
use std::collections::BTreeMap;

/// An image that was built here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    /// The image's name, which follows from its parts.
    pub name: ImageRef,
    /// What it was built on.
    pub base: ImageRef,
    /// What the name is the hash of: part name → normalised content.
    pub parts: BTreeMap<String, String>,
    /// When it was built, in milliseconds since 1970.
    pub built_ms: u64,
    /// When a run last used it, in milliseconds since 1970.
    pub used_ms: u64,
    /// Bytes on disk.
    pub size: u64,
}

impl Store {
    /// Records a built image, or one built again.
    pub fn record_image(&mut self, image: &ImageRecord) -> Result<(), Failure> {
        let parts = serde_json::json!(image.parts).to_string();
        let sql = "INSERT INTO image (name, base, parts, built, used, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT (name) DO UPDATE SET base = excluded.base, parts = excluded.parts, \
                   built = excluded.built, used = max(used, excluded.used), size = excluded.size";
        self.write(|db| {
            db.prepare_cached(sql)?.execute((
                image.name.as_str(),
                image.base.as_str(),
                &parts,
                image.built_ms.cast_signed(),
                image.used_ms.cast_signed(),
                image.size.cast_signed(),
            ))
        })?;
        Ok(())
    }

    /// Notes that a run uses the image. An image that is not of ours is not noted.
    pub fn touch_image(&mut self, name: &ImageRef, now_ms: u64) -> Result<(), Failure> {
        let sql = "UPDATE image SET used = max(used, ?2) WHERE name = ?1";
        self.write(|db| db.prepare_cached(sql)?.execute((name.as_str(), now_ms.cast_signed())))?;
        Ok(())
    }

    /// All images built here, last used first.
    pub fn list_images(&self) -> Result<Vec<ImageRecord>, Failure> {
        let sql = "SELECT name, base, parts, built, used, size FROM image ORDER BY used DESC, name";
        self.read(|db| {
            db.prepare_cached(sql)?
                .query_map([], |row| {
                    Ok(ImageRecord {
                        name: ImageRef(row.get(0)?),
                        base: ImageRef(row.get(1)?),
                        parts: serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default(),
                        built_ms: row.get::<_, i64>(3)?.cast_unsigned(),
                        used_ms: row.get::<_, i64>(4)?.cast_unsigned(),
                        size: row.get::<_, i64>(5)?.cast_unsigned(),
                    })
                })?
                .collect()
        })
    }

    /// Takes an image off the ledger, after it was removed from the engine.
    pub fn forget_image(&mut self, name: &ImageRef) -> Result<(), Failure> {
        self.write(|db| db.execute("DELETE FROM image WHERE name = ?1", [name.as_str()]))?;
        Ok(())
    }
}
