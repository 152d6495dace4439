//! The tree of a Gwyddion file, walked from component to component without reading what lies in between.
//!
//! An object is its type's name, the u32 size of its content, and components one after the other: a name, a letter for
//! the type, the value. All numbers are little-endian; texts end with a zero byte.

use super::source::{SeekRead, Source};
use crate::{Error, Result};
use std::io::{self, Read, SeekFrom};

pub(super) const NAME: &str = "Gwyddion GWY";
/// What is kept of a text: the names that matter are far shorter, the log of a file may be long.
const KEPT_TEXT: usize = 256;
/// Components of a whole file: what Gwyddion writes has hundreds.
const MOST_COMPONENTS: u32 = 1 << 20;
/// Bytes that are read away rather than jumped over, which would empty the reader's buffer.
const SHORT: u64 = 4096;

/// A stretch of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub start: u64,
    pub end: u64,
}

/// A component's value, as far as pictures need it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i32),
    Real(f64),
    Text(String),
    /// An array of f64: where its numbers stand, and how many there are.
    Reals(Span, u32),
    /// An object: its type, and where its components stand.
    Object(String, Span),
    Other,
}

/// A place in the file, from which components are read one by one.
pub(super) struct Tree<'a> {
    source: &'a Source,
    reader: Box<dyn SeekRead + 'a>,
    at: u64,
    components: u32,
}

impl<'a> Tree<'a> {
    /// The outermost object: the tree, the object's type, and where its components stand.
    ///
    /// # Errors
    /// [`Error::File`] if the object is longer than the file.
    pub fn open(source: &'a Source) -> Result<(Self, String, Span)> {
        let mut tree = Self { source, reader: source.reader()?, at: 0, components: 0 };
        let whole = Span { start: 0, end: source.len };
        tree.skip(4, whole, "header")?;
        let (kind, size) = tree.object_head(whole, "header")?;
        let end = tree.at + u64::from(size);
        if end > source.len {
            let problem = format!(
                "the header promises {end} bytes; the file has {}: it is truncated, or no Gwyddion file",
                source.len
            );
            return Err(source.bad(NAME, "size", problem));
        }
        let inside = Span { start: tree.at, end };
        Ok((tree, kind, inside))
    }

    /// Goes to the first component of an object.
    pub fn enter(&mut self, object: Span) -> Result<()> {
        self.reader
            .seek(SeekFrom::Start(object.start))
            .map_err(|e| self.source.broken(NAME, "object", &e))?;
        self.at = object.start;
        Ok(())
    }

    /// The next component of the object, or nothing at its end. The reader then stands behind the component.
    pub fn next(&mut self, object: Span) -> Result<Option<(String, Value)>> {
        if self.at >= object.end {
            return Ok(None);
        }
        self.components += 1;
        if self.components > MOST_COMPONENTS {
            let problem = format!("more than {MOST_COMPONENTS} parts: the file is damaged");
            return Err(self.source.bad(NAME, "components", problem));
        }
        let name = self.text(object, "component's name")?;
        let [kind] = self.bytes(object, &name)?;
        let value = match kind {
            b'b' | b'c' => self.skip(1, object, &name).map(|()| Value::Other)?,
            b'q' => self.skip(8, object, &name).map(|()| Value::Other)?,
            b'i' => Value::Integer(i32::from_le_bytes(self.bytes(object, &name)?)),
            b'd' => Value::Real(f64::from_le_bytes(self.bytes(object, &name)?)),
            b's' => Value::Text(self.text(object, &name)?),
            b'o' => {
                let (kind, inside) = self.object(object, &name)?;
                Value::Object(kind, inside)
            }
            b'C' => self.array(1, object, &name).map(|_| Value::Other)?,
            b'I' => self.array(4, object, &name).map(|_| Value::Other)?,
            b'Q' => self.array(8, object, &name).map(|_| Value::Other)?,
            b'D' => {
                let (inside, count) = self.array(8, object, &name)?;
                Value::Reals(inside, count)
            }
            b'S' => {
                for _ in 0..u32::from_le_bytes(self.bytes(object, &name)?) {
                    self.text(object, &name)?;
                }
                Value::Other
            }
            b'O' => {
                for _ in 0..u32::from_le_bytes(self.bytes(object, &name)?) {
                    self.object(object, &name)?;
                }
                Value::Other
            }
            _ => {
                let problem = format!("`{}` is no type of a value: the file is damaged", kind.escape_ascii());
                return Err(self.source.bad(NAME, field(&name), problem));
            }
        };
        Ok(Some((name, value)))
    }

    /// The type's name and the size of an object that begins here.
    fn object_head(&mut self, within: Span, name: &str) -> Result<(String, u32)> {
        let kind = self.text(within, name)?;
        Ok((kind, u32::from_le_bytes(self.bytes(within, name)?)))
    }

    /// Jumps over an object.
    fn object(&mut self, within: Span, name: &str) -> Result<(String, Span)> {
        let (kind, size) = self.object_head(within, name)?;
        let start = self.at;
        self.skip(u64::from(size), within, name)?;
        Ok((kind, Span { start, end: self.at }))
    }

    /// Jumps over an array of numbers of `size` bytes.
    fn array(&mut self, size: u64, within: Span, name: &str) -> Result<(Span, u32)> {
        let count = u32::from_le_bytes(self.bytes(within, name)?);
        let start = self.at;
        self.skip(size * u64::from(count), within, name)?;
        Ok((Span { start, end: self.at }, count))
    }

    fn bytes<const N: usize>(&mut self, within: Span, name: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        if within.end.saturating_sub(self.at) < N as u64 {
            return Err(self.cut(name));
        }
        self.reader.read_exact(&mut bytes).map_err(|e| self.source.broken(NAME, field(name), &e))?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn text(&mut self, within: Span, name: &str) -> Result<String> {
        let mut kept = Vec::new();
        loop {
            let buffer = self.reader.fill_buf().map_err(|e| self.source.broken(NAME, field(name), &e))?;
            let left = usize::try_from(within.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let part = buffer.get(..left).unwrap_or(buffer);
            if part.is_empty() {
                return Err(self.cut(name));
            }
            let stop = part.iter().position(|&b| b == 0);
            let length = stop.unwrap_or(part.len());
            kept.extend(part.iter().take(length.min(KEPT_TEXT.saturating_sub(kept.len()))));
            let taken = length + usize::from(stop.is_some());
            self.reader.consume(taken);
            self.at += taken as u64;
            if stop.is_some() {
                return Ok(String::from_utf8_lossy(&kept).into_owned());
            }
        }
    }

    fn skip(&mut self, count: u64, within: Span, name: &str) -> Result<()> {
        if within.end.saturating_sub(self.at) < count {
            return Err(self.cut(name));
        }
        let to = self.at + count;
        let done = if count <= SHORT {
            io::copy(&mut self.reader.by_ref().take(count), &mut io::sink())
        } else {
            self.reader.seek(SeekFrom::Start(to))
        };
        done.map_err(|e| self.source.broken(NAME, field(name), &e))?;
        self.at = to;
        Ok(())
    }

    fn cut(&self, name: &str) -> Error {
        let problem = "it is longer than the object around it: the file is truncated or damaged";
        self.source.bad(NAME, field(name), problem)
    }
}

/// A component's name for an error: a damaged one may be long or strange.
fn field(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    if shown.is_empty() { "component without a name".into() } else { shown }
}
