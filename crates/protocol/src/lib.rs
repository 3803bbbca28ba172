//! The words on the wire between the sidecar and whoever drives it: JSON-RPC 2.0 in the base protocol of
//! the Language Server Protocol, over stdio.
//!
//! Versioning rule: fields and methods are added, never renamed and never removed. The TypeScript side is
//! generated from here by `cargo xtask codegen`; `docs/protocol.md` carries this folder's hash.

pub mod methods;
pub mod text;

pub mod run;

pub mod deployment;

pub mod log;

pub mod debug;

pub mod check;

pub mod draft;

pub mod images;

pub mod doctor;

pub mod remote;

pub mod error;

mod export;
