//! The house keeps its walls: which folder may use which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of `src` -> the folders it may name. `micrograph <- particle <- project <- review <- library`, `micrograph <-
/// lattice <- order`, `micrograph <- spectrum`, `model <- train <- explore <- worker <- {cli, app}`; train and explore
/// also use particle; sample is data for cli and app; review looks again at particles and predictions.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("micrograph", &[]),
    ("spectrum", &["micrograph"]),
    ("lattice", &["micrograph"]),
    ("order", &["micrograph", "lattice"]),
    ("particle", &["micrograph"]),
    ("project", &["micrograph", "particle"]),
    ("review", &["micrograph", "particle", "project"]),
    ("library", &["micrograph", "particle", "project", "review", "lattice", "order", "spectrum"]),
    ("model", &[]),
    ("train", &["model", "particle"]),
    ("explore", &["micrograph", "lattice", "order", "model", "train", "particle", "spectrum"]),
    ("sample", &["micrograph", "particle", "project", "order", "lattice"]),
    (
        "worker",
        &[
            "micrograph",
            "spectrum",
            "lattice",
            "order",
            "particle",
            "project",
            "review",
            "library",
            "model",
            "train",
            "explore",
        ],
    ),
    (
        "cli",
        &[
            "micrograph",
            "spectrum",
            "lattice",
            "order",
            "particle",
            "project",
            "review",
            "library",
            "model",
            "train",
            "explore",
            "worker",
            "sample",
        ],
    ),
    (
        "app",
        &[
            "micrograph",
            "spectrum",
            "lattice",
            "order",
            "particle",
            "project",
            "review",
            "library",
            "train",
            "worker",
            "sample",
            "cli",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn names(code: &str, word: &str) -> bool {
    let boundary = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        boundary(code[..at].chars().next_back()) && boundary(code[at + word.len()..].chars().next())
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn every_folder_uses_only_what_it_may() {
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(known.contains(name.as_str()), "src/{name} has no rule; give it one");
        }
    }
    let mut broken = Vec::new();
    for (folder, allowed) in MAY_USE {
        for path in sources(&root().join(folder)) {
            let code = code(&path);
            for other in &known {
                let named = names(&code, &format!("crate::{other}"));
                if named && *other != folder && !allowed.contains(other) {
                    broken.push(format!("{} uses {other}", path.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_window_and_the_tensors_do_not_meet() {
    let mut broken = Vec::new();
    for path in sources(&root()) {
        let code = code(&path);
        let inside = |folders: &[&str]| folders.iter().any(|f| path.starts_with(root().join(f)));
        for word in ["egui", "eframe", "egui_plot", "egui_tiles", "egui_notify", "rfd"] {
            if names(&code, word) && !inside(&["app"]) {
                broken.push(format!("{} names {word}", path.display()));
            }
        }
        for word in ["burn", "burn_wgpu"] {
            if names(&code, word) && !inside(&["model", "train", "explore", "worker"]) {
                broken.push(format!("{} names {word}", path.display()));
            }
        }
        if inside(&["model"])
            && (names(&code, "std::fs") || names(&code, "std::thread") || names(&code, "Path"))
        {
            broken.push(format!("{} names a file or a thread", path.display()));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
