//! SER files, as TIA (TEM Imaging and Analysis, FEI) writes them: a series of pictures, each with its own size and scale.
//!
//! All numbers are little-endian. TIA counts y upwards, so the first row in the file is the lowest; rows are turned here
//! to stand as TIA shows them. What was recorded with which settings is in the EMI file beside it, which is not needed.

use super::Page;
use super::sample::{ByteOrder, SampleType, read_samples};
use super::scale::Scale;
use super::source::{SeekRead, Source};
use crate::Result;
use std::io::SeekFrom;

const NAME: &str = "SER";
/// Kinds of data: one axis or two.
const SPECTRA: u32 = 0x4120;
const PICTURES: u32 = 0x4122;
/// Bytes of a picture's own header.
const HEADER: u64 = 50;

/// The file's header, of which only what leads to the pictures is read.
struct Series {
    /// Pictures that were to be recorded.
    planned: u32,
    /// Pictures that were.
    recorded: u32,
    /// Where the list of their places is.
    places: u64,
    /// Bytes of a place: 4, in newer files 8.
    width: u64,
}

/// A picture's own header.
struct Picture {
    kind: SampleType,
    width: usize,
    height: usize,
    /// Metres a pixel, in diffraction patterns 1/m.
    size: (f64, f64),
}

/// # Errors
/// [`crate::Error::File`] naming the field that cannot be true, or that the file holds spectra.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    let series = series(source)?;
    let pages = series.recorded as usize;
    source.check_page(NAME, page, pages)?;
    let mut reader = source.reader()?;
    // The last picture has to begin within the file, or something is missing; what follows it is only when it was taken.
    place(source, &mut *reader, &series, pages - 1)?;
    let at = place(source, &mut *reader, &series, page)?;
    let picture = picture(source, &mut *reader, at, page)?;
    let Picture { kind, width, height, size } = picture;
    let count = source.pixel_count(NAME, "ArraySizeX, ArraySizeY", width, height)?;
    let needed = (count as u64).saturating_mul(kind.bytes() as u64);
    let there = source.len.saturating_sub(at).saturating_sub(HEADER);
    if needed > there {
        let problem = format!(
            "picture {page} has {width} x {height} pixels, which needs {needed} bytes; the file has {there} after its header: it is truncated"
        );
        return Err(source.bad(NAME, "ArraySizeX, ArraySizeY", problem));
    }
    let mut pixels = Vec::with_capacity(count);
    let mut keep = |block: &[f32]| pixels.extend_from_slice(block);
    read_samples(&mut reader, kind, ByteOrder::Little, count, &mut keep)
        .map_err(|e| source.broken(NAME, format!("picture {page}"), &e))?;
    turn(&mut pixels, width);
    let mut notes = Vec::new();
    if series.recorded < series.planned {
        let Series { recorded, planned, .. } = series;
        notes.push(format!("the recording was stopped: {recorded} of {planned} pictures are in the file"));
    }
    let scale = scale(size, &mut notes);
    Ok(Page { width, height, pixels, pages, channels: 1, sample_type: kind.name().into(), scale, notes })
}

fn series(source: &Source) -> Result<Series> {
    let short =
        || source.bad(NAME, "header", format!("the file has only {} bytes: it is truncated", source.len));
    let head = source.head.first_chunk::<30>().ok_or_else(short)?;
    let version = u16::from_le_bytes([head[4], head[5]]);
    let width = match version {
        0x210 => 4,
        0x220 => 8,
        _ => {
            let problem =
                format!("version {version:#x} is neither 0x210 nor 0x220: export the series as TIFF");
            return Err(source.bad(NAME, "SeriesVersion", problem));
        }
    };
    let number = |at: usize| u32::from_le_bytes(head[at..].first_chunk().copied().unwrap_or_default());
    let high = if width == 8 { u64::from(number(26)) << 32 } else { 0 };
    let places = u64::from(number(22)) | high;
    let (content, planned, recorded) = (number(6), number(14), number(18));
    match content {
        PICTURES => {}
        SPECTRA => {
            let problem = "it holds spectra, not pictures: export them from TIA as text";
            return Err(source.bad(NAME, "DataTypeID", problem));
        }
        _ => {
            let problem =
                format!("{content:#x} is neither pictures ({PICTURES:#x}) nor spectra ({SPECTRA:#x})");
            return Err(source.bad(NAME, "DataTypeID", problem));
        }
    }
    if recorded == 0 {
        return Err(source.bad(NAME, "ValidNumberElements", "no picture was recorded"));
    }
    if u64::from(recorded) * width > source.len.saturating_sub(places) {
        let problem = format!(
            "the places of {recorded} picture(s) are said to begin at byte {places}; the file has {}: it is truncated or damaged",
            source.len
        );
        return Err(source.bad(NAME, "OffsetArrayOffset", problem));
    }
    Ok(Series { planned, recorded, places, width })
}

/// Where a picture begins: its header lies within the file.
fn place(source: &Source, reader: &mut dyn SeekRead, series: &Series, page: usize) -> Result<u64> {
    let field = || format!("place of picture {page}");
    let mut bytes = [0; 8];
    let (read, _) = bytes.split_at_mut(series.width as usize);
    reader
        .seek(SeekFrom::Start(series.places + series.width * page as u64))
        .and_then(|_| reader.read_exact(read))
        .map_err(|e| source.broken(NAME, field(), &e))?;
    let at = u64::from_le_bytes(bytes);
    if at.checked_add(HEADER).is_none_or(|end| end > source.len) {
        let problem =
            format!("it is said to begin at byte {at}; the file has {}: it is truncated", source.len);
        return Err(source.bad(NAME, field(), problem));
    }
    Ok(at)
}

/// The header of a picture; the reader then stands at its first pixel.
fn picture(source: &Source, reader: &mut dyn SeekRead, at: u64, page: usize) -> Result<Picture> {
    let mut head = [0; HEADER as usize];
    reader
        .seek(SeekFrom::Start(at))
        .and_then(|_| reader.read_exact(&mut head))
        .map_err(|e| source.broken(NAME, format!("picture {page}"), &e))?;
    let float = |at: usize| f64::from_le_bytes(head[at..].first_chunk().copied().unwrap_or_default());
    let number = |at: usize| u32::from_le_bytes(head[at..].first_chunk().copied().unwrap_or_default());
    let kind = match u16::from_le_bytes([head[40], head[41]]) {
        1 => SampleType::U8,
        2 => SampleType::U16,
        3 => SampleType::U32,
        4 => SampleType::I8,
        5 => SampleType::I16,
        6 => SampleType::I32,
        7 => SampleType::F32,
        8 => SampleType::F64,
        9 | 10 => {
            let problem = "its pixels are complex numbers, as of a Fourier transform: \
                           export their modulus or phase from TIA as TIFF";
            return Err(source.bad(NAME, "DataType", problem));
        }
        other => {
            let problem = format!("{other} is none of the types of pixels, which are 1 to 10");
            return Err(source.bad(NAME, "DataType", problem));
        }
    };
    Ok(Picture { kind, width: number(42) as usize, height: number(46) as usize, size: (float(8), float(28)) })
}

/// Puts the last row first.
fn turn(pixels: &mut [f32], width: usize) {
    let mut rows = pixels.chunks_exact_mut(width);
    while let (Some(upper), Some(lower)) = (rows.next(), rows.next_back()) {
        upper.swap_with_slice(lower);
    }
}

/// The unit is not in the file: a picture is in metres, a diffraction pattern in 1/m, which is always a large number.
fn scale((x, y): (f64, f64), notes: &mut Vec<String>) -> Option<Scale> {
    // An atom is 1e-10 m and a light microscope's pixel 1e-6 m: anything else is no pixel size.
    let plausible = |v: f64| (1e-14..1e-3).contains(&v);
    if plausible(x) && plausible(y) {
        return Scale::new(x, y, "m", "calibration of the picture's axes");
    }
    notes.push(format!(
        "{x:.4e} and {y:.4e} a pixel are no length in metres (a diffraction pattern is in 1/m): the pixel size is not known"
    ));
    None
}
