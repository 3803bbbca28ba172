//! The `aml-debug` binary.

fn main() {}
