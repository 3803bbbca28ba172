//! The debug adapter protocol, without a socket: bytes to messages, messages to facts and answers.
//!
//! Messages stay untyped JSON, because what we do not know must pass through unchanged.

pub mod frames;

pub mod gateway;

pub mod breaker;

pub mod path_doctor;
