//! Plain matrices: numbers in a text file, one row of pixels a line, and SPIEPy's binary form of the same.
//!
//! Text: numbers are separated by spaces, tabs, commas or semicolons. Where semicolons or tabs separate, a comma is a
//! decimal comma. Lines that start with `#`, `%` or `//` are comments; `nan` and `inf` are read and replaced later.
//! Such a file states no scale.

use super::sample::{ByteOrder, SampleType, read_samples};
use super::source::Source;
use super::{Page, detect};
use crate::Result;
use crate::micrograph::MAX_PIXELS;
use std::io::{BufRead, Read, SeekFrom};

const TEXT: &str = "text matrix";
const SPIEPY: &str = "SPIEPy matrix";
const SPIEPY_HEADER: u64 = 8;

/// Rows and columns of SPIEPy's header: two u32, little-endian.
fn spiepy_size(source: &Source) -> Option<(u64, u64)> {
    let (numbers, _) = source.head.get(..8)?.as_chunks::<4>();
    match numbers {
        [rows, columns] => {
            Some((u64::from(u32::from_le_bytes(*rows)), u64::from(u32::from_le_bytes(*columns))))
        }
        _ => None,
    }
}

/// True if the header promises exactly the file's length: chance does not do that.
pub(super) fn is_spiepy(source: &Source) -> bool {
    spiepy_size(source).is_some_and(|(rows, columns)| {
        rows > 0 && rows.checked_mul(columns).and_then(|n| n.checked_mul(8)) == source.len.checked_sub(8)
    })
}

/// SPIEPy's binary matrix: u32 rows, u32 columns, then f64, all little-endian.
pub(super) fn read_spiepy(source: &Source, page: usize) -> Result<Page> {
    source.check_page(SPIEPY, page, 1)?;
    let (rows, columns) = spiepy_size(source)
        .ok_or_else(|| source.bad(SPIEPY, "header", format!("the file has only {} bytes", source.len)))?;
    if !is_spiepy(source) {
        let problem = format!(
            "the header promises {rows} x {columns} numbers, which needs {} bytes; the file has {}: it is truncated, or no matrix ({})",
            SPIEPY_HEADER as u128 + 8 * u128::from(rows) * u128::from(columns),
            source.len,
            source.describe()
        );
        return Err(source.bad(SPIEPY, "rows, columns", problem));
    }
    let (height, width) = (rows as usize, columns as usize);
    let count = source.pixel_count(SPIEPY, "rows, columns", width, height)?;
    let broken = |e: std::io::Error| source.broken(SPIEPY, "numbers", &e);
    let mut reader = source.reader()?;
    reader.seek(SeekFrom::Start(SPIEPY_HEADER)).map_err(broken)?;
    let mut pixels = Vec::with_capacity(count);
    let mut keep = |block: &[f32]| pixels.extend_from_slice(block);
    read_samples(&mut reader, SampleType::F64, ByteOrder::Little, count, &mut keep).map_err(broken)?;
    Ok(page_of(width, height, pixels, "f64"))
}

/// A matrix of numbers in a text file.
pub(super) fn read_text(source: &Source, page: usize) -> Result<Page> {
    source.check_page(TEXT, page, 1)?;
    let mut reader = source.reader()?;
    let (mut pixels, mut width, mut height) = (Vec::new(), 0, 0);
    let (mut line, mut number) = (Vec::new(), 0_usize);
    loop {
        line.clear();
        // No line can be longer than this and still be a row of a picture.
        let limit = 64 * MAX_PIXELS as u64;
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line);
        if read.map_err(|e| source.broken(TEXT, format!("line {}", number + 1), &e))? == 0 {
            break;
        }
        number += 1;
        let bad = |problem: String| source.bad(TEXT, format!("line {number}"), problem);
        if !detect::is_text(&line) {
            return Err(bad("it holds bytes that are no text: this is a binary file".into()));
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if text.is_empty() || text.starts_with(['#', '%']) || text.starts_with("//") {
            continue;
        }
        let before = pixels.len();
        row(text, &mut pixels).map_err(bad)?;
        let columns = pixels.len() - before;
        if height > 0 && columns != width {
            return Err(bad(format!(
                "it has {columns} numbers, the lines before have {width}: the file is truncated or no matrix"
            )));
        }
        (width, height) = (columns, height + 1);
        if pixels.len() > MAX_PIXELS {
            return Err(bad(format!("the matrix has more than the {MAX_PIXELS} numbers a picture may have")));
        }
    }
    if pixels.is_empty() {
        return Err(source.bad(TEXT, "rows", "there is no line of numbers in the file"));
    }
    Ok(page_of(width, height, pixels, "text"))
}

/// Appends the numbers of one line.
fn row(text: &str, out: &mut Vec<f32>) -> std::result::Result<(), String> {
    let mut push = |token: &str, comma_is_decimal: bool| {
        let parsed = if comma_is_decimal && token.contains(',') {
            token.replace(',', ".").parse::<f64>()
        } else {
            token.parse()
        };
        match parsed {
            Ok(v) => {
                out.push(v as f32);
                Ok(())
            }
            Err(_) => {
                let shown: String = token.chars().take(24).collect();
                Err(format!("`{shown}` is not a number"))
            }
        }
    };
    // A separator at the end of the line closes the last number and opens none.
    if let Some(separator) = [';', '\t'].into_iter().find(|&c| text.contains(c)) {
        let text = text.strip_suffix(separator).unwrap_or(text);
        text.split(separator).try_for_each(|token| push(token.trim(), true))
    } else if text.contains(',') {
        let text = text.strip_suffix(',').unwrap_or(text);
        text.split(',').try_for_each(|token| push(token.trim(), false))
    } else {
        text.split_whitespace().try_for_each(|token| push(token, false))
    }
}

fn page_of(width: usize, height: usize, pixels: Vec<f32>, sample_type: &str) -> Page {
    Page {
        width,
        height,
        pixels,
        pages: 1,
        channels: 1,
        sample_type: sample_type.into(),
        scale: None,
        notes: Vec::new(),
    }
}
