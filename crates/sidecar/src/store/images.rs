//! The image ledger.

use super::Store;
use engine::failure::Failure;
use engine::ids::ImageRef;
use engine::ledger::{ImageRecord, ImageUse};
use std::path::PathBuf;

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

    /// Which runs used which images, counted by image and spec; and which images are being made for a run that has
    /// none yet.
    pub fn image_uses(&self) -> Result<Vec<ImageUse>, Failure> {
        let sql = "SELECT image, spec, count(*), max(created), \
                   sum(state NOT IN ('completed', 'failed', 'cancelled', 'lost')) > 0 \
                   FROM run WHERE image IS NOT NULL GROUP BY image, spec \
                   UNION ALL SELECT made.value, run.spec, 0, 0, 1 FROM run, \
                   json_each(iif(json_valid(run.snapshot), run.snapshot, '{}'), '$.making') AS made \
                   WHERE run.state NOT IN ('completed', 'failed', 'cancelled', 'lost')";
        self.read(|db| {
            db.prepare_cached(sql)?
                .query_map([], |row| {
                    Ok(ImageUse {
                        image: ImageRef(row.get(0)?),
                        spec: PathBuf::from(row.get::<_, String>(1)?),
                        runs: row.get(2)?,
                        last_ms: row.get::<_, i64>(3)?.cast_unsigned(),
                        live: row.get(4)?,
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
