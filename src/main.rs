//! The program: window or command line, nothing else.

use nanotheca::{app, cli};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = cli::execute().and_then(|asked| match asked {
        cli::Asked::Done => Ok(()),
        cli::Asked::Window(files) => app::run(open(files)),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nanotheca: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A project among the files is opened, pictures are added to it; without any file it is the sample.
fn open(files: Vec<PathBuf>) -> app::Open {
    let is_project = |path: &PathBuf| path.extension().is_some_and(|e| e == "nanotheca");
    let sample = files.is_empty();
    let (projects, images): (Vec<_>, Vec<_>) = files.into_iter().partition(is_project);
    let (unsaved, memory) = (app::unsaved_folder(), app::memory_file());
    app::Open { project: projects.into_iter().next(), images, sample, unsaved, memory }
}
