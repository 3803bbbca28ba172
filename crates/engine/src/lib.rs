//! What a run is and what happens next: text and events in, plans and effects out.
//!
//! Nothing here touches a file, a socket, a clock, an environment variable or a global. That is what
//! makes every rule of the product testable in microseconds, and `cargo xtask tidy` keeps it so.

pub mod ids;
pub mod message;

pub mod failure;

pub mod diagnostic;

pub mod warm;
pub mod yaml;

pub mod spec;

pub mod bytecode;
pub mod check;

pub mod command_line;

pub mod plan;

pub mod run;

pub mod pipeline;

pub mod debuggee;
pub mod deployment;

pub mod attach;

pub mod log;

mod jsonc;

pub mod launch_json;

pub mod dap;

pub mod ledger;

pub mod diff;

pub mod instrument;

pub mod variant;

pub mod reach;
