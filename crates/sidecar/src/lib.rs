//! The process: owns state, does I/O, speaks JSON-RPC, is the command line.
//!
//! In the order in which a request passes: front end ([`serve`] or [`cli`]) → [`main_loop`] → `handlers`
//! → the engine crate → [`effects`] → and back as an event; what people see leaves through [`outbox`].

pub mod cli;
pub mod serve;

mod backend;
mod guard;
mod language;

pub mod main_loop;
pub mod state;

mod handlers;
mod http;

pub mod effects;

mod gateway;

pub mod outbox;

mod attach;
mod doctor;
mod remote;
mod spec_finder;
mod spec_reader;
mod to_proto;
mod variant;

pub mod settings;
pub mod store;

pub mod files;

mod clock;
mod mount_points;
mod warm;
