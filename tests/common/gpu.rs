//! A GPU for tests, or a word that one is missing.

use nanotheca::worker::device::{self, Chosen};
use std::io::Write;

/// A GPU or a software driver that stands for one; `None`, told past the test harness, without either.
pub fn or_skip(test: &str) -> Option<Chosen> {
    match device::gpu(true) {
        Ok(chosen) => Some(chosen),
        Err(e) => {
            // Past the test harness, which keeps what a passing test prints to itself.
            let told = writeln!(std::io::stderr(), "SKIPPED: {test} needs a Vulkan driver ({e})");
            assert!(told.is_ok(), "nobody is told");
            // The project's own checks install a driver; there a skip is a failure.
            assert!(std::env::var_os("NANOTHECA_REQUIRE_GPU").is_none(), "a Vulkan driver was promised: {e}");
            None
        }
    }
}
