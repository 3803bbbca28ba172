//! User stories, told to the real binary against a real engine.
//!
//! Every story has a workspace, a store and containers of its own, so all of them run side by side; what a
//! user would read is what a story checks. `cargo xtask test NAME` runs those whose names contain NAME.

mod support;

mod again;
mod answers;
mod breakpoints;
mod bytecode;
mod cancel;
mod conda;
mod contexts;
mod debug_images;
mod deploy;
mod deploy_kinds;
mod deploy_trouble;
mod engine_trouble;
mod images;
mod instrument;
mod invoke;
mod launch_json;
mod owner_killed;
mod pipeline;
mod plain_run;
mod probes;
mod processes;
mod registries;
mod remote;
mod remote_engine;
mod resources;
mod several;
mod sources;
mod torch;
mod trouble;
mod variant;
mod warm;
