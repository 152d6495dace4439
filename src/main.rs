//! The program: window or command line, nothing else.

use nanotheca::{app, cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = cli::execute().and_then(|asked| match asked {
        cli::Asked::Done => Ok(()),
        cli::Asked::Window(files) => app::run(app::Open::files(files)),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nanotheca: {error}");
            ExitCode::FAILURE
        }
    }
}
