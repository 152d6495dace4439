//! Promise: every micrograph format opens with the right pixels and pixel size, and a file that is broken, lying or foreign
//! gives an error that names the file, the format and the field: never a panic, never a part of a picture.
//!
//! The files are written by the tests, byte by byte where the format is simple enough.

// The allowance for tests in clippy.toml does not reach their writers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrays;
mod bad_input;
mod chance;
mod data_sets;
mod dm;
mod dm_write;
mod gwy;
mod ibw;
mod matrices;
mod mrc;
mod raster;
mod ser;
mod sxm;
mod tiff;
mod write;
