//! Tells the program which compiler and which tensor library made it: reports name them.
#![allow(clippy::print_stdout)] // cargo listens there

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).arg("--version").output();
    let said = said.ok().and_then(|out| String::from_utf8(out.stdout).ok());
    println!("cargo::rustc-env=NANOTHECA_RUSTC={}", said.as_deref().map_or("unknown", str::trim));
    let lock = std::fs::read_to_string("Cargo.lock").unwrap_or_default();
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"burn\"").skip(1);
    let version = lines.next().and_then(|line| line.strip_prefix("version = "));
    println!("cargo::rustc-env=NANOTHECA_BURN={}", version.unwrap_or("unknown").trim_matches('"'));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
}
