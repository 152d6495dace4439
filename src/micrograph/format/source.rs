//! A file to read: its own length, its first bytes, and gzip taken off. Readers ask it before they allocate anything.

use super::describe;
use crate::micrograph::MAX_PIXELS;
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

/// How much of the file's start is kept for telling its format: enough for an MRC header.
const HEAD: usize = 4096;
/// The most that a gzip file may unpack to: it is held in memory.
const MAX_UNPACKED: u64 = 4 << 30;
/// Deflate cannot do better than this, so a file of n bytes never holds more than n times this.
pub(super) const DEFLATE_RATIO: u64 = 1032;

/// What the decoders need of a reader.
pub(super) trait SeekRead: BufRead + Seek {}
impl<T: BufRead + Seek> SeekRead for T {}

/// A file, opened and looked at, not yet read.
pub(super) struct Source {
    pub path: PathBuf,
    /// Bytes in the file, or in what was packed in it.
    pub len: u64,
    /// The first bytes, at most 4,096.
    pub head: Vec<u8>,
    /// The content of a gzip file.
    unpacked: Option<Vec<u8>>,
}

impl Source {
    /// # Errors
    /// [`Error::Io`] if it cannot be opened, [`Error::File`] if it is empty or broken gzip.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
        let meta = file.metadata().map_err(|e| Error::io(path, "open", e))?;
        if meta.is_dir() {
            return Err(Error::io(path, "open", io::ErrorKind::IsADirectory.into()));
        }
        let mut head = Vec::with_capacity(HEAD);
        file.take(HEAD as u64).read_to_end(&mut head).map_err(|e| Error::io(path, "read", e))?;
        let source = Self { path: path.to_owned(), len: meta.len(), head, unpacked: None };
        if source.head.is_empty() {
            let format = source.extension_format().map_or("image", |f| f.name());
            return Err(Error::file(path, format, "size", "the file is empty (0 bytes)"));
        }
        if source.head.starts_with(&[0x1F, 0x8B]) { source.unpack() } else { Ok(source) }
    }

    /// The same with gzip taken off.
    fn unpack(self) -> Result<Self> {
        let bad = |problem: String| Error::file(&self.path, "gzip", "content", problem);
        let file = File::open(&self.path).map_err(|e| Error::io(&self.path, "open", e))?;
        let mut bytes = Vec::new();
        flate2::bufread::MultiGzDecoder::new(BufReader::new(file))
            .take(MAX_UNPACKED + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| bad(format!("cannot be unpacked ({e}): the file is truncated or damaged")))?;
        if bytes.len() as u64 > MAX_UNPACKED {
            return Err(bad("more than 4 GiB when unpacked: unpack it with gunzip first".into()));
        }
        if bytes.is_empty() {
            return Err(bad("nothing is packed in it".into()));
        }
        if bytes.starts_with(&[0x1F, 0x8B]) {
            return Err(bad("gzip within gzip: unpack it with gunzip first".into()));
        }
        let head = bytes.iter().copied().take(HEAD).collect();
        Ok(Self { path: self.path, len: bytes.len() as u64, head, unpacked: Some(bytes) })
    }

    /// A fresh reader at the first byte.
    pub fn reader(&self) -> Result<Box<dyn SeekRead + '_>> {
        match &self.unpacked {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.as_slice()))),
            None => {
                let file = File::open(&self.path).map_err(|e| Error::io(&self.path, "open", e))?;
                Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
            }
        }
    }

    /// The extension in lower case, without a dot; that of the packed file if there is one.
    pub fn extension(&self) -> String {
        let lower = |p: &Path| p.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let outer = lower(&self.path);
        if outer == "gz" { lower(Path::new(self.path.file_stem().unwrap_or_default())) } else { outer }
    }

    /// The first bytes in words, for errors.
    pub fn describe(&self) -> String {
        describe(&self.head)
    }

    /// An error about a field of this file.
    pub fn bad(&self, format: &'static str, field: impl Into<String>, problem: impl Into<String>) -> Error {
        Error::file(&self.path, format, field, problem)
    }

    /// The operating system's or a decoder's refusal in the middle of `field`.
    pub fn broken(&self, format: &'static str, field: impl Into<String>, error: &io::Error) -> Error {
        let problem = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                format!("the file ends too early (it has {} bytes): it is truncated", self.len)
            }
            _ => error.to_string(),
        };
        self.bad(format, field, problem)
    }

    /// `width * height`, if that is a picture this program can hold.
    pub fn pixel_count(
        &self,
        format: &'static str,
        field: &str,
        width: usize,
        height: usize,
    ) -> Result<usize> {
        match width.checked_mul(height) {
            Some(0) => Err(self.bad(format, field, format!("{width} x {height} is no picture"))),
            Some(n) if n <= MAX_PIXELS => Ok(n),
            _ => {
                let problem =
                    format!("{width} x {height} is more than the {MAX_PIXELS} pixels a picture may have");
                Err(self.bad(format, field, problem))
            }
        }
    }

    /// The page asked for, if the file has it.
    pub fn check_page(&self, format: &'static str, page: usize, pages: usize) -> Result<()> {
        if page < pages {
            return Ok(());
        }
        Err(self.bad(format, "page", format!("page {page} was asked for; there are {pages}, counted from 0")))
    }
}
