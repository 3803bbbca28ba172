//! The door against a real engine. There is no test here that passes without one: an engine that cannot be
//! reached, or a base image that is not there, fails every test with a sentence that says so.

#![expect(clippy::print_stdout, reason = "measurements are printed; a test's standard output is no wire")]

mod build;
mod connect;
mod container;
mod cut;
mod debugpy;
mod pull;
mod support;
