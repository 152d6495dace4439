//! Nanonis SXM files: a header of tags and lines of text, then f32 behind the bytes 1A 04.
//!
//! Each channel that `DATA_INFO` lists has a forward picture, a backward one, or both in this order. The file has lines and
//! points in the order of their scan: an upward scan begins at the bottom, and a backward line at its right end. Here all
//! pictures lie as the sample does, with the top left first. Points that the scan did not come to are NaN.

use super::Page;
use super::channels::{self, Channel};
use super::sample::{ByteOrder, SampleType, read_samples};
use super::scale::Scale;
use super::source::Source;
use crate::Result;
use std::io::{Read, SeekFrom};

const NAME: &str = "Nanonis SXM";
/// Headers have some kilobytes; a comment may add to them.
const MAX_HEADER: u64 = 1 << 20;
const END: &[u8] = b":SCANIT_END:";
/// What follows the header's end and some line feeds.
const MARK: &[u8] = &[0x1A, 0x04];

/// The scan as the header describes it.
struct Scan {
    width: usize,
    height: usize,
    order: ByteOrder,
    /// True if the first line in the file is the bottom of the picture.
    up: bool,
    /// In the order of the file, and whether their lines run backward.
    channels: Vec<Channel>,
    backward: Vec<bool>,
}

/// # Errors
/// [`crate::Error::File`] naming the header's tag that is missing or cannot be true.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    let (text, offset) = header(source)?;
    let scan = scan(source, &text)?;
    let count = source.pixel_count(NAME, "SCAN_PIXELS", scan.width, scan.height)?;
    let pages = scan.channels.len();
    let needed = u128::from(offset) + 4 * count as u128 * pages as u128;
    if needed > u128::from(source.len) {
        let problem = format!(
            "the header promises {} x {} pixels in {pages} picture(s), which needs {needed} bytes; the file has {}: it is truncated",
            scan.width, scan.height, source.len
        );
        return Err(source.bad(NAME, "SCAN_PIXELS, DATA_INFO", problem));
    }
    source.check_page(NAME, page, pages)?;
    let order = channels::order(&scan.channels, &mut |place| {
        let pixels = picture(source, &scan, offset, count, place)?;
        let mut known = pixels.iter().filter(|v| v.is_finite());
        let first = known.next();
        Ok(known.all(|v| Some(v) == first))
    })?;
    let place = order.get(page).copied().unwrap_or(page);
    Ok(Page {
        width: scan.width,
        height: scan.height,
        pixels: picture(source, &scan, offset, count, place)?,
        pages,
        channels: 1,
        sample_type: SampleType::F32.name().into(),
        scale: pixel_size(&text, scan.width, scan.height),
        notes: channels::note(&scan.channels, &order).into_iter().collect(),
    })
}

/// The picture at a place in the file, as it lies on the sample. `count` is its number of pixels.
fn picture(source: &Source, scan: &Scan, offset: u64, count: usize, place: usize) -> Result<Vec<f32>> {
    let broken = |e: std::io::Error| source.broken(NAME, format!("picture {place}"), &e);
    let mut reader = source.reader()?;
    reader.seek(SeekFrom::Start(offset + 4 * count as u64 * place as u64)).map_err(broken)?;
    let mut pixels = Vec::with_capacity(count);
    let mut keep = |block: &[f32]| pixels.extend_from_slice(block);
    read_samples(&mut reader, SampleType::F32, scan.order, count, &mut keep).map_err(broken)?;
    let backward = scan.backward.get(place).copied().unwrap_or_default();
    channels::mirror(&mut pixels, scan.width, backward, scan.up);
    Ok(pixels)
}

/// The header's text, and how many bytes stand before the first picture.
fn header(source: &Source) -> Result<(String, u64)> {
    let mut bytes = Vec::new();
    source
        .reader()?
        .take(MAX_HEADER)
        .read_to_end(&mut bytes)
        .map_err(|e| source.broken(NAME, "header", &e))?;
    let bad = |problem: &str| source.bad(NAME, "SCANIT_END", problem);
    let end = bytes
        .windows(END.len())
        .position(|part| part == END)
        .ok_or_else(|| bad("the header has no end: the file is truncated or damaged"))?;
    let (text, rest) = bytes.split_at(end);
    let rest = rest.get(END.len()..).unwrap_or_default();
    let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    if !rest.get(blank..).is_some_and(|rest| rest.starts_with(MARK)) {
        return Err(bad("the bytes 1A 04 do not follow it: the file is truncated or damaged"));
    }
    let offset = end + END.len() + blank + MARK.len();
    Ok((String::from_utf8_lossy(text).into_owned(), offset as u64))
}

/// The lines below a tag, up to the next one; nothing if the tag is missing.
fn lines<'a>(text: &'a str, tag: &str) -> Vec<&'a str> {
    let tag = format!(":{tag}:");
    let is_tag = |line: &str| line.len() > 2 && line.starts_with(':') && line.ends_with(':');
    let below = text.lines().skip_while(|line| line.trim() != tag).skip(1);
    below.take_while(|line| !is_tag(line.trim())).collect()
}

/// The words below a tag.
fn words<'a>(text: &'a str, tag: &str) -> Vec<&'a str> {
    lines(text, tag).into_iter().flat_map(str::split_whitespace).collect()
}

fn scan(source: &Source, text: &str) -> Result<Scan> {
    let bad = |field: &str, found: &[&str], wanted: &str| {
        let found: String = found.join(" ").chars().take(40).collect();
        let problem = if found.is_empty() {
            "it is missing: the file is damaged".into()
        } else {
            format!("`{found}` is not {wanted}")
        };
        source.bad(NAME, field, problem)
    };
    let kind = words(text, "SCANIT_TYPE");
    let order = match kind.as_slice() {
        ["FLOAT", "MSBFIRST"] => ByteOrder::Big,
        ["FLOAT", "LSBFIRST"] => ByteOrder::Little,
        _ => return Err(bad("SCANIT_TYPE", &kind, "FLOAT MSBFIRST or FLOAT LSBFIRST")),
    };
    let size = words(text, "SCAN_PIXELS");
    let sides: Option<Vec<usize>> = size.iter().map(|n| n.parse().ok()).collect();
    let Some([width, height]) = sides.as_deref() else {
        return Err(bad("SCAN_PIXELS", &size, "a number of points and one of lines"));
    };
    let direction = words(text, "SCAN_DIR");
    let up = match direction.as_slice() {
        ["up"] => true,
        ["down"] => false,
        _ => return Err(bad("SCAN_DIR", &direction, "up or down")),
    };
    let mut scan =
        Scan { width: *width, height: *height, order, up, channels: Vec::new(), backward: Vec::new() };
    let table = lines(text, "DATA_INFO");
    let mut rows = table.iter().filter(|row| !row.trim().is_empty()).map(|row| cells(row));
    let head = rows.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    let (Some(name), Some(unit), Some(way)) = (column("Name"), column("Unit"), column("Direction")) else {
        return Err(bad("DATA_INFO", &head, "a table with the columns Name, Unit and Direction"));
    };
    for row in rows {
        let cell = |column: usize| row.get(column).copied().unwrap_or_default();
        let ways: &[bool] = match cell(way).to_lowercase().as_str() {
            "both" => &[false, true],
            "forward" => &[false],
            "backward" => &[true],
            _ => {
                return Err(bad("DATA_INFO", &row, "a channel whose direction is both, forward or backward"));
            }
        };
        for &backward in ways {
            let way = if backward { "backward" } else { "forward" };
            scan.channels.push(Channel::new(&format!("{} {way}", cell(name)), cell(unit)));
            scan.backward.push(backward);
        }
    }
    if scan.channels.is_empty() {
        return Err(source.bad(NAME, "DATA_INFO", "it lists no channel: there is no picture in the file"));
    }
    Ok(scan)
}

/// The cells of a row: between tabs, the first of which opens the row, or between spaces, as early versions have it.
fn cells(row: &str) -> Vec<&str> {
    let row = row.trim_end();
    if row.contains('\t') {
        row.strip_prefix('\t').unwrap_or(row).split('\t').map(str::trim).collect()
    } else {
        row.split_whitespace().collect()
    }
}

/// The scan's sides in metres over its points.
fn pixel_size(text: &str, width: usize, height: usize) -> Option<Scale> {
    let sides: Option<Vec<f64>> = words(text, "SCAN_RANGE").iter().map(|n| n.parse().ok()).collect();
    match sides.as_deref() {
        Some([x, y]) => Scale::new(x / width as f64, y / height as f64, "m", "SCAN_RANGE"),
        _ => None,
    }
}
