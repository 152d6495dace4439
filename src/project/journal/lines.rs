//! The lines of a journal: a checksum and a record in JSON.

use super::super::history::Step;
use super::super::{Project, exact};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Arc;

/// The newest version of the journal that this program reads, and the one it writes.
const VERSION: u32 = 1;
/// Hex digits of a line's checksum.
const CHECK: usize = 8;

/// What the changes of a journal start from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// A project file whose text has this blake3 hash.
    File(String),
    /// A project that was never saved.
    Project(Box<Project>),
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begin {
    version: u32,
    pub base: Base,
    /// Who writes, for a second window that finds the journal locked.
    pub(super) process: u32,
}

impl Begin {
    /// That of a journal which this program writes.
    pub(super) fn of(base: Base) -> Self {
        Self { version: VERSION, base, process: std::process::id() }
    }
}

/// Every other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record<S> {
    Do(S),
    Undo,
    Redo,
    /// The project as it was after `after` changes, undos and redos is about to become a file with this hash.
    Saving {
        hash: String,
        after: u64,
    },
}

impl<S> Record<S> {
    /// True for a change, an undo, a redo.
    pub fn counts(&self) -> bool {
        !matches!(self, Record::Saving { .. })
    }
}

/// The good part of a journal.
pub struct Contents {
    pub begin: Begin,
    pub records: Vec<Record<Step>>,
    /// Bytes of it.
    pub length: u64,
}

/// Reads up to the first line that is not whole; what follows it was never acknowledged. `None` if not even the first
/// line is there, or a newer program wrote it.
pub fn read(bytes: &[u8]) -> Option<Contents> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next()?;
    let begin: Begin = parse(first).filter(|begin: &Begin| begin.version <= VERSION)?;
    let mut contents = Contents { begin, records: Vec::new(), length: first.len() as u64 };
    for line in lines {
        let Some(record) = parse(line) else { break };
        contents.records.push(record);
        contents.length += line.len() as u64;
    }
    Some(contents)
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = line.strip_suffix(b"\n")?;
    let (check, json) = line.split_at_checked(CHECK)?;
    let json = json.strip_prefix(b" ")?;
    (check == checksum(json).as_bytes()).then(|| serde_json::from_slice(json).ok()).flatten()
}

fn checksum(json: &[u8]) -> String {
    blake3::hash(json).to_hex().as_str().get(..CHECK).unwrap_or_default().to_owned()
}

/// A record as its line.
pub(super) fn line<T: Serialize>(record: &T) -> io::Result<String> {
    let json = exact::to_string(record).map_err(io::Error::from)?;
    Ok(format!("{} {json}\n", checksum(json.as_bytes())))
}

pub(super) fn borrowed(record: &Record<Arc<Step>>) -> Record<&Step> {
    match record {
        Record::Do(step) => Record::Do(step),
        Record::Undo => Record::Undo,
        Record::Redo => Record::Redo,
        Record::Saving { hash, after } => Record::Saving { hash: hash.clone(), after: *after },
    }
}
