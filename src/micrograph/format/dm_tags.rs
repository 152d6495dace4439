//! The tag tree of Gatan's files: groups within groups of numbers, texts and arrays.
//!
//! Version 3 counts with 32 bits, version 4 with 64 and says before a tag how long it is. Names, counts and types are
//! big-endian; the data of the tags are in the order that the header names. Nothing is kept here: a visitor is told of
//! every tag, and of an array only where it lies.

use super::sample::ByteOrder;
use super::source::{SeekRead, Source};
use crate::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom};

/// Groups within groups: instruments write about a dozen.
const MAX_DEPTH: usize = 64;
/// Tags of one file: instruments write some hundreds, in long series some ten thousands.
const MAX_TAGS: u64 = 1 << 20;
/// Words that describe the type of one tag.
const MAX_TYPE: u64 = 1024;
/// Characters of a tag's name or text that are looked at; no name or unit that means something here is longer.
const MAX_TEXT: u64 = 256;
/// What is skipped by reading on, not by seeking.
const NEAR: u64 = 1 << 12;

/// What comes next in a group: another group, or a tag with data.
const GROUP: u8 = 20;
const DATA: u8 = 21;
/// Types that are made of others.
const STRUCTURE: u64 = 15;
const TEXT: u64 = 18;
const ARRAY: u64 = 20;

/// What a tag holds.
pub(super) enum Value {
    Number(f64),
    Array(Array),
    /// A text of old writers or a structure, which nobody asks for.
    Other,
}

/// Numbers in a row, somewhere in the file.
pub(super) struct Array {
    /// Where the first byte is; all of them lie within the file.
    pub at: u64,
    pub bytes: u64,
    /// What it says, if it is a short array of 16-bit numbers: that is how texts are stored.
    pub text: String,
}

/// Told of every tag: its path from the root (tags without a name have their number in the group, from 0), and its value.
pub(super) type Visitor<'v> = &'v mut dyn FnMut(&[String], Value);

/// The version of a file that starts so: 3 or 4, or nothing if it is none of Gatan's.
pub(super) fn version(head: &[u8]) -> Option<u8> {
    let (version, after) = match head {
        [0, 0, 0, 3, rest @ ..] => (3, rest.get(4..)?),
        [0, 0, 0, 4, rest @ ..] => (4, rest.get(8..)?),
        _ => return None,
    };
    // The byte order, and whether the root group is sorted and open, are 0 or 1; the root begins with a group or a tag.
    let first_tag = 6 + if version == 3 { 4 } else { 8 };
    let flags = matches!(after.first_chunk::<6>(), Some([0, 0, 0, 0 | 1, 0 | 1, 0 | 1]));
    (flags && matches!(after.get(first_tag), Some(&(GROUP | DATA)))).then_some(version)
}

/// The tree of one file, on the way through it.
pub(super) struct Tags<'a> {
    source: &'a Source,
    name: &'static str,
    reader: Box<dyn SeekRead + 'a>,
    /// The next byte to be read.
    at: u64,
    /// True if counts have 64 bits.
    wide: bool,
    pub order: ByteOrder,
    /// Tags seen so far.
    seen: u64,
    path: Vec<String>,
}

impl<'a> Tags<'a> {
    /// Reads the header; `name` is the format's name in errors.
    ///
    /// # Errors
    /// [`Error::File`] naming the field, if the file is not of that kind.
    pub fn open(source: &'a Source, name: &'static str) -> Result<Self> {
        let Some(version) = version(&source.head) else {
            return Err(source.bad(name, "header", format!("it cannot be read: {}", source.describe())));
        };
        let wide = version == 4;
        let (reader, order) = (source.reader()?, ByteOrder::Big);
        let mut tags = Self { source, name, reader, at: 0, wide, order, seen: 0, path: Vec::new() };
        tags.skip(if wide { 12 } else { 8 })?;
        if tags.bytes::<4>()? == [0, 0, 0, 1] {
            tags.order = ByteOrder::Little;
        }
        Ok(tags)
    }

    /// Goes through a group and all that lies in it; at first that is the whole tree, and a truncated one is an error
    /// even where the pixels are complete.
    ///
    /// # Errors
    /// [`Error::File`] naming the tag's path.
    pub fn walk(&mut self, visit: Visitor<'_>) -> Result<()> {
        if self.path.len() >= MAX_DEPTH {
            return Err(self.bad(format!("more than {MAX_DEPTH} groups lie within each other")));
        }
        self.skip(2)?;
        let count = self.word()?;
        self.seen = self.seen.saturating_add(count);
        // The shortest member is an empty group: its kind, the length of its name, two flags and a count.
        let (left, least) = (self.source.len.saturating_sub(self.at), 9);
        if self.seen > MAX_TAGS || count > left / least {
            return Err(
                self.bad(format!("{count} tags are promised, more than the file can hold: it is truncated"))
            );
        }
        for number in 0..count {
            let kind = self.bytes::<1>()?;
            let length = u64::from(u16::from_be_bytes(self.bytes()?));
            let name = self.text(length, 1)?;
            self.path.push(if length == 0 { number.to_string() } else { name });
            if self.wide {
                self.word()?;
            }
            match kind {
                [GROUP] => self.walk(visit)?,
                [DATA] => {
                    let value = self.value()?;
                    visit(&self.path, value);
                }
                [other] => return Err(self.bad(format!("it is of kind {other}, neither a group nor a tag"))),
            }
            self.path.pop();
        }
        Ok(())
    }

    fn value(&mut self) -> Result<Value> {
        if self.bytes::<4>()? != *b"%%%%" {
            return Err(self.bad("the mark %%%% before its value is missing"));
        }
        let length = self.word()?;
        if length > MAX_TYPE {
            return Err(self.bad(format!("{length} words describe its type, at most {MAX_TYPE} are read")));
        }
        let words = (0..length).map(|_| self.word()).collect::<Result<Vec<u64>>>()?;
        let mut rest = words.iter();
        let bytes = match measure(&mut rest, 0) {
            Some(bytes) if rest.len() == 0 => bytes,
            _ => return Err(self.bad("its type is not known")),
        };
        let at = self.at;
        if bytes > self.source.len.saturating_sub(at) {
            let problem = format!(
                "it needs {bytes} bytes, the file ends before (it has {}): it is truncated",
                self.source.len
            );
            return Err(self.bad(problem));
        }
        Ok(match *words.as_slice() {
            [kind] => self.number(kind)?,
            [ARRAY, kind, count] => {
                let text = if kind == 4 && count <= MAX_TEXT { self.text(count, 2)? } else { String::new() };
                self.skip(at.saturating_add(bytes).saturating_sub(self.at))?;
                Value::Array(Array { at, bytes, text })
            }
            _ => {
                self.skip(bytes)?;
                Value::Other
            }
        })
    }

    /// One number of the type that `kind` stands for, which [`measure`] knows.
    fn number(&mut self, kind: u64) -> Result<Value> {
        macro_rules! read {
            ($t:ty) => {{
                let bytes = self.bytes()?;
                match self.order {
                    ByteOrder::Little => <$t>::from_le_bytes(bytes),
                    ByteOrder::Big => <$t>::from_be_bytes(bytes),
                }
            }};
        }
        Ok(Value::Number(match kind {
            2 => read!(i16).into(),
            3 => read!(i32).into(),
            4 => read!(u16).into(),
            5 => read!(u32).into(),
            6 => read!(f32).into(),
            7 => read!(f64),
            9 => read!(i8).into(),
            11 => read!(i64) as f64,
            12 => read!(u64) as f64,
            _ => read!(u8).into(),
        }))
    }

    /// A text of `length` characters of `size` bytes; what is too long to mean something is skipped.
    fn text(&mut self, length: u64, size: usize) -> Result<String> {
        let read = length.min(MAX_TEXT) as usize;
        let mut bytes = vec![0; read * size];
        self.fill(&mut bytes)?;
        self.skip((length - read as u64) * size as u64)?;
        if size == 1 {
            return Ok(bytes.iter().map(|&b| char::from(b)).collect());
        }
        let units = bytes.as_chunks::<2>().0.iter().map(|&pair| match self.order {
            ByteOrder::Little => u16::from_le_bytes(pair),
            ByteOrder::Big => u16::from_be_bytes(pair),
        });
        Ok(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    }

    /// A count, in the width of the file's version.
    fn word(&mut self) -> Result<u64> {
        if self.wide {
            Ok(u64::from_be_bytes(self.bytes()?))
        } else {
            Ok(u32::from_be_bytes(self.bytes()?).into())
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.reader.read_exact(bytes).map_err(|e| self.broken(&e))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.source.len.saturating_sub(self.at) {
            return Err(self.broken(&io::ErrorKind::UnexpectedEof.into()));
        }
        let to = self.at + bytes;
        if bytes <= NEAR {
            io::copy(&mut self.reader.by_ref().take(bytes), &mut io::sink()).map_err(|e| self.broken(&e))?;
        } else {
            self.reader.seek(SeekFrom::Start(to)).map_err(|e| self.broken(&e))?;
        }
        self.at = to;
        Ok(())
    }

    /// The path of the tag that is being read.
    fn place(&self) -> String {
        match self.path.as_slice() {
            [] => "tags".into(),
            path => format!("tag {}", path.join(".").escape_debug()),
        }
    }

    fn bad(&self, problem: impl Into<String>) -> Error {
        self.source.bad(self.name, self.place(), problem)
    }

    fn broken(&self, error: &io::Error) -> Error {
        self.source.broken(self.name, self.place(), error)
    }
}

/// Bytes of a value of the type that these words describe, or nothing if it is none that is known.
fn measure(words: &mut std::slice::Iter<'_, u64>, depth: usize) -> Option<u64> {
    if depth > 8 {
        return None;
    }
    Some(match *words.next()? {
        8..=10 => 1,
        2 | 4 => 2,
        3 | 5 | 6 => 4,
        7 | 11 | 12 => 8,
        TEXT => *words.next()?,
        STRUCTURE => {
            // The length of a name, the number of fields, and the same length and a type for each.
            words.next()?;
            let mut bytes = 0_u64;
            for _ in 0..*words.next()? {
                words.next()?;
                bytes = bytes.checked_add(measure(words, depth + 1)?)?;
            }
            bytes
        }
        ARRAY => {
            let element = measure(words, depth + 1)?;
            element.checked_mul(*words.next()?)?
        }
        _ => return None,
    })
}
