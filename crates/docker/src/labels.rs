//! The names of the labels: the memory that survives any kill.

use engine::ids::{RunId, StoreId};
use std::collections::BTreeMap;

/// The labels by which our containers and volumes are found again.
pub struct Labels;

impl Labels {
    /// Identity of the workspace store that a container belongs to.
    pub const STORE: &'static str = "aml-debug.store";
    /// The run that a container carries out.
    pub const RUN: &'static str = "aml-debug.run";
    /// The code folder that a run's container has mounted.
    pub const CODE: &'static str = "aml-debug.code";
    /// The image whose bytecode a volume holds.
    pub const IMAGE: &'static str = "aml-debug.image";
    /// Identity of the store that built an image. No label of a container's, for a container has the labels of its
    /// image, and whose container it is is asked by [`Labels::STORE`].
    pub const BUILT_BY: &'static str = "aml-debug.built-by";
    /// What an image, a volume or a container is for: `environment`, [`Labels::ERRAND`]. A container has
    /// the labels of its image too, where it has none of its own of that name.
    pub const KIND: &'static str = "aml-debug.kind";

    /// The kind of what only does something for a run that is not the run itself.
    pub const ERRAND: &'static str = "errand";

    /// The labels of what belongs to a store and to none of its runs.
    pub fn of_store(store: &StoreId) -> BTreeMap<String, String> {
        BTreeMap::from([(Self::STORE.to_owned(), store.to_string())])
    }

    /// The labels of a run's container.
    pub fn of_run(store: &StoreId, run: &RunId) -> BTreeMap<String, String> {
        BTreeMap::from([(Self::STORE.to_owned(), store.to_string()), (Self::RUN.to_owned(), run.to_string())])
    }
}
