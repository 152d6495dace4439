//! NPY files: one array of 2 or 3 axes (a stack), or colour with a last axis of 1, 3 or 4.
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use super::sample::{ByteOrder, LUMINANCE, SampleType, merge_channels, read_samples};
use super::source::Source;
use super::{Page, detect, guarded};
use crate::{Error, Result};
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use std::io::{self, Read, SeekFrom};

pub(super) const NAME: &str = "NPY";
/// numpy refuses headers above 10,000 bytes unless told otherwise.
const MAX_HEADER: usize = 1 << 16;
/// A shape in a dictionary nests twice; far deeper is an attack on the parser's stack.
const MAX_NESTING: usize = 16;

/// An array's header.
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub kind: SampleType,
    pub order: ByteOrder,
    pub fortran: bool,
    /// Bytes before the numbers.
    pub offset: u64,
}

/// The axes of an array as pictures: pages, rows, columns, channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub pages: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

/// Builds an error from a field and what is wrong with it.
pub(super) type Bad<'a> = &'a dyn Fn(&str, String) -> Error;

/// # Errors
/// [`Error::File`] naming the field.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    guarded(source, NAME, || {
        let bad = |field: &str, problem: String| source.bad(NAME, field, problem);
        let mut reader = source.reader()?;
        let array = read_header(&mut reader, &bad)?;
        array.check_length(source.len, &bad)?;
        let layout = array.layout(&bad)?;
        source.pixel_count(NAME, "shape", layout.width, layout.height)?;
        source.check_page(NAME, page, layout.pages)?;
        let start = array.offset + array.page_start(layout, page);
        let broken = |e: io::Error| source.broken(NAME, "data", &e);
        reader.seek(SeekFrom::Start(start)).map_err(broken)?;
        let pixels = array.read_page(&mut reader, layout, page).map_err(broken)?;
        Ok(array.into_page(layout, pixels))
    })
}

/// Reads the header; the reader stands at the first number afterwards.
pub(super) fn read_header(reader: &mut dyn Read, bad: Bad<'_>) -> Result<Array> {
    let cut = |e: io::Error| bad("header", format!("cannot be read ({e}): the file is truncated or damaged"));
    let mut bytes = vec![0; 10];
    reader.read_exact(&mut bytes).map_err(cut)?;
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(bad("header", format!("not an array: {}", detect::describe(&bytes))));
    }
    let mut length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    if bytes[6] >= 2 {
        let mut upper = [0; 2];
        reader.read_exact(&mut upper).map_err(cut)?;
        length += usize::from(u16::from_le_bytes(upper)) << 16;
        bytes.extend_from_slice(&upper);
    }
    if length > MAX_HEADER {
        return Err(bad("header", format!("it claims {length} bytes, more than any array needs")));
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    reader.read_exact(&mut bytes[start..]).map_err(cut)?;
    let nesting = bytes[start..].iter().filter(|b| matches!(b, b'(' | b'[' | b'{')).count();
    if nesting > MAX_NESTING {
        return Err(bad("header", "it nests too deeply".into()));
    }
    let header = NpyHeader::from_reader(bytes.as_slice()).map_err(|e| bad("header", e.to_string()))?;
    let (kind, order) = number_type(&header.dtype(), bad)?;
    let shape: Option<Vec<usize>> = header.shape().iter().map(|&n| usize::try_from(n).ok()).collect();
    let shape = shape.ok_or_else(|| bad("shape", format!("{:?} is too large", header.shape())))?;
    Ok(Array { shape, kind, order, fortran: header.order() == Order::Fortran, offset: bytes.len() as u64 })
}

fn number_type(dtype: &DType, bad: Bad<'_>) -> Result<(SampleType, ByteOrder)> {
    let refuse = || bad("descr", format!("{} is not a type of real numbers", dtype.descr()));
    let DType::Plain(name) = dtype else { return Err(refuse()) };
    let kind = match (name.type_char(), name.size_field()) {
        (TypeChar::Bool, 1) | (TypeChar::Uint, 1) => SampleType::U8,
        (TypeChar::Int, 1) => SampleType::I8,
        (TypeChar::Uint, 2) => SampleType::U16,
        (TypeChar::Int, 2) => SampleType::I16,
        (TypeChar::Uint, 4) => SampleType::U32,
        (TypeChar::Int, 4) => SampleType::I32,
        (TypeChar::Uint, 8) => SampleType::U64,
        (TypeChar::Int, 8) => SampleType::I64,
        (TypeChar::Float, 2) => SampleType::F16,
        (TypeChar::Float, 4) => SampleType::F32,
        (TypeChar::Float, 8) => SampleType::F64,
        _ => return Err(refuse()),
    };
    let order = if name.endianness() == Endianness::Big { ByteOrder::Big } else { ByteOrder::Little };
    Ok((kind, order))
}

impl Array {
    /// How many numbers there are, if they fit into `available` bytes, the header included.
    pub fn check_length(&self, available: u64, bad: Bad<'_>) -> Result<usize> {
        let count = self.shape.iter().try_fold(1_usize, |n, &side| n.checked_mul(side));
        let needed =
            count.and_then(|n| (n as u64).checked_mul(self.kind.bytes() as u64)?.checked_add(self.offset));
        match (count, needed) {
            (Some(count), Some(needed)) if needed <= available => Ok(count),
            _ => {
                let problem = format!(
                    "{:?} of {} does not fit into the {available} bytes there are: the file is truncated",
                    self.shape,
                    self.kind.name()
                );
                Err(bad("shape", problem))
            }
        }
    }

    /// Which axis is what. Three axes are a stack of pictures, unless the last has length 1, 3 or 4 and the others are
    /// too long to be a strip: that is colour.
    pub fn layout(&self, bad: Bad<'_>) -> Result<Layout> {
        let layout = |pages, height, width, channels| Layout { pages, height, width, channels };
        let found = match *self.shape.as_slice() {
            [h, w] => layout(1, h, w, 1),
            [h, w, c @ (1 | 3 | 4)] if h > 4 && w > 4 => layout(1, h, w, c),
            [n, h, w] => layout(n, h, w, 1),
            [n, h, w, c @ (1 | 3 | 4)] => layout(n, h, w, c),
            _ => {
                let problem = format!("{:?}: a picture has 2 axes, a stack of pictures 3", self.shape);
                return Err(bad("shape", problem));
            }
        };
        if self.shape.contains(&0) {
            return Err(bad("shape", format!("{:?} has no numbers in it", self.shape)));
        }
        Ok(found)
    }

    /// Bytes from the first number to where reading `page` starts.
    pub fn page_start(&self, layout: Layout, page: usize) -> u64 {
        // In Fortran order the pages are interleaved: all of the array has to be gone through.
        if self.fortran { 0 } else { (page * layout.numbers() * self.kind.bytes()) as u64 }
    }

    /// One page, from a reader that stands at [`Array::page_start`].
    pub fn read_page(&self, reader: &mut dyn Read, layout: Layout, page: usize) -> io::Result<Vec<f32>> {
        let Layout { pages, height, width, channels } = layout;
        if !self.fortran {
            let mut pixels = Vec::with_capacity(width * height);
            let mut keep = |block: &[f32]| merge_channels(block, channels, &mut pixels);
            read_samples(reader, self.kind, self.order, layout.numbers(), &mut keep)?;
            return Ok(pixels);
        }
        // The first axis runs fastest: page, row, column, channel.
        let mut pixels = vec![0.0; width * height];
        let (mut p, mut y, mut x, mut c) = (0, 0, 0, 0);
        let mut keep = |block: &[f32]| {
            for &v in block {
                if p == page {
                    let share = if channels == 1 { 1.0 } else { LUMINANCE.get(c).copied().unwrap_or(0.0) };
                    pixels[y * width + x] += share * v;
                }
                p += 1;
                if p == pages {
                    (p, y) = (0, y + 1);
                }
                if y == height {
                    (y, x) = (0, x + 1);
                }
                if x == width {
                    (x, c) = (0, c + 1);
                }
            }
        };
        read_samples(reader, self.kind, self.order, pages * layout.numbers(), &mut keep)?;
        Ok(pixels)
    }

    /// The picture as the other formats give it. Arrays never state a scale.
    pub fn into_page(self, layout: Layout, pixels: Vec<f32>) -> Page {
        Page {
            width: layout.width,
            height: layout.height,
            pixels,
            pages: layout.pages,
            channels: layout.channels,
            sample_type: self.kind.name().into(),
            scale: None,
            notes: Vec::new(),
        }
    }
}

impl Layout {
    /// Numbers of one page.
    fn numbers(self) -> usize {
        self.height * self.width * self.channels
    }
}
