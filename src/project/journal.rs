//! The journal: every change of the work, written beside the project as soon as it is made.
//!
//! A line is a checksum and a record in JSON. The first says what the changes start from; each further one is a change
//! with its way back, an undo, a redo, or that a certain state is about to be saved. Lines are only ever added, so a
//! program that dies leaves at worst a torn last line, which the checksum gives away. A thread of its own writes and
//! syncs, so that no click waits for the disk.
//!
//! The open journal is locked for as long as the program lives: whoever finds it locked knows that the project is open
//! elsewhere, and the system takes the lock away when a program dies.

mod lines;

pub(super) use lines::{Base, Contents, Record, read};

use super::history::Step;
use super::{atomic, paths};
use crate::{Error, Result};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use lines::{Begin, borrowed, line};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a journal that is locked is waited for.
const CLOSING: Duration = Duration::from_millis(300);

enum Message {
    Line(Record<Arc<Step>>),
    /// Answered when all before it is on the disk.
    Sync(Sender<()>),
    /// Nothing follows; a [`Mark`] may outlive its journal.
    End,
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    out: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    /// Changes, undos and redos so far.
    count: u64,
    problem: Arc<Mutex<Option<String>>>,
}

/// Tells a journal that a state of the project is about to be saved; made when the state is copied.
pub struct Mark {
    out: Sender<Message>,
    after: u64,
}

/// The journal of a project file, the same by whatever link the project is opened: there is one lock.
pub fn path_of(project: &Path) -> PathBuf {
    atomic::with_ending(&paths::real(project), ".journal")
}

/// What became of the wish to write a journal.
pub(super) enum Claimed {
    /// The file is ours and locked; it may hold what a program that died has left.
    Ours(File),
    /// Another program (of this number, if it can be told) writes it.
    Theirs(Option<u32>),
}

/// Opens and locks a journal, making the file if there is none.
///
/// # Errors
/// If it can be neither opened nor made.
pub(super) fn claim(path: &Path) -> io::Result<Claimed> {
    let start = Instant::now();
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            // A window that is just closing still holds it for a moment.
            Err(TryLockError::WouldBlock) if start.elapsed() < CLOSING => {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            Err(TryLockError::WouldBlock) => return Ok(Claimed::Theirs(writer(path))),
            // A file system without locks: better a journal without a lock than none.
            Err(TryLockError::Error(_)) => return Ok(Claimed::Ours(file)),
        }
        // It may have been removed by its owner between opening and locking; then the lock is on nothing.
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(again) if again.try_lock().is_err() => return Ok(Claimed::Ours(file)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

/// True if a program writes this journal now.
pub(super) fn is_claimed(path: &Path) -> bool {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn writer(path: &Path) -> Option<u32> {
    Some(read(&std::fs::read(path).ok()?)?.begin.process)
}

impl Contents {
    /// Goes on writing behind the good part, in the claimed file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] with `path` if it cannot be written.
    pub fn go_on(&self, path: &Path, file: File) -> Result<Journal> {
        file.set_len(self.length).map_err(|source| Error::io(path, "write", source))?;
        let count = self.records.iter().filter(|record| record.counts()).count();
        Journal::spawn(path, file, count as u64)
    }
}

impl Journal {
    /// Starts a journal in a claimed file, whatever it held before.
    ///
    /// # Errors
    /// [`Error::Io`] with `path` if it cannot be written.
    pub(super) fn begin(path: &Path, mut file: File, base: Base) -> Result<Self> {
        let begin = Begin::of(base);
        let mut start = || -> io::Result<()> {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(line(&begin)?.as_bytes())?;
            file.sync_all()
        };
        start().map_err(|source| Error::io(path, "write", source))?;
        atomic::sync_folder(atomic::folder_of(path));
        Self::spawn(path, file, 0)
    }

    fn spawn(path: &Path, file: File, count: u64) -> Result<Self> {
        let (out, inbox) = unbounded();
        let problem = Arc::new(Mutex::new(None));
        let told = problem.clone();
        let thread = std::thread::Builder::new().name("journal".into());
        let thread = thread.spawn(move || write_all(file, &inbox, &told));
        let thread = thread.map_err(|source| Error::io(path, "write", source))?;
        Ok(Self { path: path.to_owned(), out, thread: Some(thread), count, problem })
    }

    /// A change was made.
    pub(super) fn step(&mut self, step: Arc<Step>) {
        self.add(Record::Do(step));
    }

    /// The last change was taken back.
    pub(super) fn undo(&mut self) {
        self.add(Record::Undo);
    }

    /// The last change taken back was made again.
    pub(super) fn redo(&mut self) {
        self.add(Record::Redo);
    }

    fn add(&mut self, record: Record<Arc<Step>>) {
        self.count += 1;
        // The thread lives as long as this does.
        let _ = self.out.send(Message::Line(record));
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why changes are not being written, if so; they are tried again with every further change.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().ok().and_then(|problem| problem.clone())
    }

    /// Waits until everything so far is on the disk.
    pub fn sync(&self) {
        Mark { out: self.out.clone(), after: self.count }.sync();
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { out: self.out.clone(), after: self.count }
    }

    /// Ends the journal and removes its file.
    pub fn finish(mut self) {
        self.close();
        let _ = std::fs::remove_file(&self.path);
    }

    fn close(&mut self) {
        let _ = self.out.send(Message::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Mark {
    /// Notes, on the disk, that the marked state becomes a file of this hash.
    pub(super) fn saving(&self, hash: String) {
        let _ = self.out.send(Message::Line(Record::Saving { hash, after: self.after }));
        self.sync();
    }

    fn sync(&self) {
        let (done, wait) = bounded(1);
        if self.out.send(Message::Sync(done)).is_ok() {
            // Answered, or dropped with the journal.
            let _ = wait.recv();
        }
    }
}

/// Writes what comes, all that waits at once, and syncs it before more is taken.
fn write_all(mut file: File, inbox: &Receiver<Message>, problem: &Mutex<Option<String>>) {
    let mut good = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let mut pending = String::new();
    let mut ended = false;
    while !ended && let Ok(first) = inbox.recv() {
        let mut waiting = Vec::new();
        let mut trouble = None;
        for message in std::iter::once(first).chain(inbox.try_iter()) {
            match message {
                Message::Line(record) => match line(&borrowed(&record)) {
                    Ok(line) => pending.push_str(&line),
                    Err(error) => trouble = Some(error.to_string()),
                },
                Message::Sync(done) => waiting.push(done),
                Message::End => ended = true,
            }
        }
        match append(&mut file, good, &pending) {
            Ok(()) => {
                good += pending.len() as u64;
                pending.clear();
            }
            Err(error) => trouble = Some(error.to_string()),
        }
        if let Ok(mut problem) = problem.lock() {
            *problem = trouble;
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

/// Adds text behind the good part; a part of an earlier attempt that failed gives way.
fn append(file: &mut File, good: u64, text: &str) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? != good {
        file.set_len(good)?;
        file.seek(SeekFrom::Start(good))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// All bytes of a claimed file.
pub(super) fn bytes_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
