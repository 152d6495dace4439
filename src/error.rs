//! The one error of the program: it names the file, the format and the field it is about.

use std::path::{Path, PathBuf};

/// Shorthand for results with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in words for the person at the microscope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused: `action` is a verb phrase such as "open" or "write".
    #[error("cannot {action} {}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: std::io::Error },
    /// A file's content is not what its format promises.
    #[error("{}: {format}: {field}: {problem}", path.display())]
    File { path: PathBuf, format: &'static str, field: String, problem: String },
    /// A value given by the user (option, setting, label, table column) cannot be used.
    #[error("{what}: {problem}")]
    Invalid { what: String, problem: String },
    /// The compute device could not be used.
    #[error("device: {0}")]
    Device(String),
    /// Training could not start or go on.
    #[error("training: {0}")]
    Training(String),
    /// There is no screen to open a window on.
    #[error("no display to open a window on; run `nanotheca demo` to do the same work on the command line")]
    NoDisplay,
    /// The user stopped the work.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// An operating-system error about `path`.
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), action, source }
    }

    /// A broken or foreign file: which field of which format, and what is wrong with it.
    pub fn file(
        path: impl AsRef<Path>,
        format: &'static str,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::File { path: path.as_ref().to_owned(), format, field: field.into(), problem: problem.into() }
    }

    /// A value the user gave that cannot be used.
    pub fn invalid(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), problem: problem.into() }
    }
}
