//! `aml-debug serve` as an editor sees it: the real binary, raw JSON-RPC over its pipes.
//!
//! `rows` holds the framework to what an editor needs (`docs/decisions/0002`), `stories` are told against
//! the real container engine, with somebody else's DAP client at the gateway.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(
    clippy::print_stderr,
    reason = "a failed test shows what the server said, a passed one its figures"
)]

mod debugging;
mod editor;
mod ground;
mod neovim;
mod remote;
mod rows;
mod stories;
mod third_party;
