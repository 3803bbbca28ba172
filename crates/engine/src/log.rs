//! Log bytes → lines. What a line means is decided elsewhere.

pub mod beacon;
pub mod lines;
pub mod ranks;
