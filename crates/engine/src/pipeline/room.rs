//! How many steps the engine's machine takes at once.

use crate::plan::container::Limits;
use serde::{Deserialize, Serialize};

/// What the machine has. `None` where nobody tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// CPUs, in billionths.
    pub nano_cpus: Option<u64>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
}

/// What a step takes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    nano_cpus: u64,
    memory_bytes: u64,
}

/// A step that says nothing is taken to keep one CPU busy. What memory it takes nobody knows.
const ONE_CPU: u64 = 1_000_000_000;

impl Demand {
    /// What a step takes at most, as far as its limits say it.
    pub fn of(limits: &Limits) -> Self {
        Self {
            nano_cpus: limits.nano_cpus.unwrap_or(ONE_CPU),
            memory_bytes: limits.memory_bytes.unwrap_or_default(),
        }
    }
}

/// What is taken by all that run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    steps: usize,
    nano_cpus: u64,
    memory_bytes: u64,
}

impl Load {
    /// One more runs.
    pub fn add(&mut self, one: Demand) {
        self.steps += 1;
        self.nano_cpus = self.nano_cpus.saturating_add(one.nano_cpus);
        self.memory_bytes = self.memory_bytes.saturating_add(one.memory_bytes);
    }
}

impl Room {
    /// Whether one more fits beside those that run. One alone always does: it runs slower than it wants to.
    pub fn has_place_for(self, one: Demand, load: Load) -> bool {
        let mut with = load;
        with.add(one);
        let fits = |wanted: u64, there: Option<u64>, unless: u64| wanted <= there.unwrap_or(unless);
        load.steps == 0
            || (fits(with.nano_cpus, self.nano_cpus, ONE_CPU)
                && fits(with.memory_bytes, self.memory_bytes, u64::MAX))
    }
}
