//! The process: owns state, does I/O, speaks JSON-RPC, is the command line.

pub mod files;
pub mod settings;
pub mod store;
