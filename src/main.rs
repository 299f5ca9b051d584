//! The binary `signet`: see the crate's documentation for the map.

use std::process::ExitCode;

fn main() -> ExitCode {
    signet::cli::run()
}
