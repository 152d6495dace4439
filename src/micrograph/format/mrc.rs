//! MRC, MRCS, MAP, REC and ST files: <https://www.ccpem.ac.uk/mrc-format/mrc2014/>.
//!
//! Rows keep the order of the file: its first row is the top row here. Some programs draw the first row at the bottom;
//! their pictures look mirrored top to bottom beside ours, and coordinates written by this program count from the first
//! row, as RELION's do. Sections of a stack or volume are pages.

use super::sample::{ByteOrder, SampleType, read_samples};
use super::scale::Scale;
use super::source::Source;
use super::{Page, detect};
use crate::Result;
use std::io::{Read, SeekFrom};

const NAME: &str = "MRC";
const HEADER: usize = 1024;
/// No detector and no tomogram has a longer side.
const MAX_SIDE: i32 = 1 << 20;

/// How a section's numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain(SampleType),
    /// Mode 101: two pixels a byte, the first in the low half; each row starts a new byte.
    Packed4,
}

/// The header's fields that matter, believed only after they were checked against the file's length.
#[derive(Debug)]
struct Header {
    order: ByteOrder,
    nx: usize,
    ny: usize,
    nz: usize,
    mode: Mode,
    /// Bytes before the first section.
    offset: u64,
    /// Angstrom a pixel along x and y, as the cell's size gives it.
    cell: (f64, f64),
    /// True if the extended header has the microscope's own fields ("FEI1", "FEI2").
    fei: bool,
}

/// What is wrong with a header, and how far reading it came: the further, the more it is an MRC header after all.
struct Refusal {
    stage: u8,
    field: &'static str,
    problem: String,
}

/// True if the file, whatever its name, has an MRC header that promises exactly the file's length.
pub(super) fn is_plausible(source: &Source) -> bool {
    header(source).is_ok_and(|(h, _)| h.offset + section_bytes(&h) * h.nz as u64 == source.len)
}

/// # Errors
/// [`crate::Error::File`] naming the header's field that cannot be true.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    let (header, note) = header(source).map_err(|refusal| {
        let (field, problem) = if detect::is_text(&source.head) {
            ("header", format!("{}, not an MRC file", source.describe()))
        } else {
            (refusal.field, refusal.problem)
        };
        source.bad(NAME, field, problem)
    })?;
    source.check_page(NAME, page, header.nz)?;
    let pixels = section(source, &header, page)?;
    let mut notes: Vec<String> = note.into_iter().collect();
    let scale = scale(source, &header, &mut notes);
    let sample_type = match header.mode {
        Mode::Plain(kind) => kind.name(),
        Mode::Packed4 => "u4",
    };
    Ok(Page {
        width: header.nx,
        height: header.ny,
        pixels,
        pages: header.nz,
        channels: 1,
        sample_type: sample_type.into(),
        scale,
        notes,
    })
}

/// The header in the byte order of the machine stamp; if that makes no sense, in the other, with a note.
fn header(source: &Source) -> std::result::Result<(Header, Option<String>), Refusal> {
    let Some(head) = source.head.first_chunk::<HEADER>() else {
        let problem = format!("an MRC file has at least {HEADER} bytes, this one has {}", source.len);
        return Err(Refusal { stage: 0, field: "header", problem });
    };
    let (stamped, other) = match head[212..214] {
        [0x11, 0x11] => (ByteOrder::Big, ByteOrder::Little),
        _ => (ByteOrder::Little, ByteOrder::Big),
    };
    let refusal = match parse(head, stamped, source) {
        Ok(header) => return Ok((header, None)),
        Err(refusal) => refusal,
    };
    match parse(head, other, source) {
        Ok(header) => {
            let note = format!("the machine stamp is wrong or missing: the numbers are {other:?}-endian");
            Ok((header, Some(note)))
        }
        Err(second) if second.stage > refusal.stage => Err(second),
        Err(_) => Err(refusal),
    }
}

fn parse(head: &[u8; HEADER], order: ByteOrder, source: &Source) -> std::result::Result<Header, Refusal> {
    let refuse = |stage, field, problem| Refusal { stage, field, problem };
    let int = |at| int(head, at, order);
    let float = |at| f64::from(f32::from_bits(int(at).cast_unsigned()));

    let mode = mode(int(12), head, order).map_err(|problem| refuse(1, "mode", problem))?;
    for (field, at) in [("nx", 0), ("ny", 4), ("nz", 8)] {
        if !(1..=MAX_SIDE).contains(&int(at)) {
            return Err(refuse(2, field, format!("{} is no number of pixels or sections", int(at))));
        }
    }
    let [nx, ny, nz] = [0, 4, 8].map(|at| int(at).cast_unsigned() as usize);
    let extended = u64::try_from(int(92))
        .map_err(|_| refuse(3, "nsymbt", format!("the extended header has {} bytes", int(92))))?;
    // The axis (0 x, 1 y, 2 z) that columns and rows run along; old files leave it empty.
    let axis = |at: usize, usual: usize| match int(at) {
        n @ 1..=3 => n.cast_unsigned() as usize - 1,
        _ => usual,
    };
    let pixel = |axis: usize| match int(28 + 4 * axis) {
        m if m > 0 => float(40 + 4 * axis) / f64::from(m),
        _ => 0.0,
    };
    let header = Header {
        order,
        nx,
        ny,
        nz,
        mode,
        offset: HEADER as u64 + extended,
        cell: (pixel(axis(64, 0)), pixel(axis(68, 1))),
        fei: matches!(&head[104..108], b"FEI1" | b"FEI2"),
    };
    let needed = u128::from(header.offset) + u128::from(section_bytes(&header)) * nz as u128;
    if needed > u128::from(source.len) {
        let problem = format!(
            "the header promises {nx} x {ny} pixels in {nz} section(s), which needs {needed} bytes; the file has {}: it is truncated, or no MRC file",
            source.len
        );
        return Err(refuse(4, "nx, ny, nz", problem));
    }
    Ok(header)
}

fn mode(mode: i32, head: &[u8; HEADER], order: ByteOrder) -> std::result::Result<Mode, String> {
    // IMOD says with a stamp and a flag whether its bytes have a sign; without the stamp MRC2014 rules, and they do, unless
    // the header's own minimum and maximum (as older writers have them) cannot be those of such bytes.
    let imod = int(head, 152, order) == 1_146_047_817;
    let [least, most] = [76, 80].map(|at| f32::from_bits(int(head, at, order).cast_unsigned()));
    let unsigned_bytes = if imod { int(head, 156, order) & 1 == 0 } else { least >= 0.0 && most > 127.0 };
    Ok(match mode {
        0 if unsigned_bytes => Mode::Plain(SampleType::U8),
        0 => Mode::Plain(SampleType::I8),
        1 => Mode::Plain(SampleType::I16),
        2 => Mode::Plain(SampleType::F32),
        6 => Mode::Plain(SampleType::U16),
        12 => Mode::Plain(SampleType::F16),
        101 => Mode::Packed4,
        3 | 4 => return Err(format!("mode {mode} is a Fourier transform, not a picture")),
        _ => return Err(format!("{mode} is none of the modes that are read: 0, 1, 2, 6, 12, 101")),
    })
}

fn int(head: &[u8; HEADER], at: usize, order: ByteOrder) -> i32 {
    let bytes = head[at..].first_chunk::<4>().copied().unwrap_or_default();
    match order {
        ByteOrder::Little => i32::from_le_bytes(bytes),
        ByteOrder::Big => i32::from_be_bytes(bytes),
    }
}

fn section_bytes(header: &Header) -> u64 {
    let row = match header.mode {
        Mode::Plain(kind) => header.nx * kind.bytes(),
        Mode::Packed4 => header.nx.div_ceil(2),
    };
    row as u64 * header.ny as u64
}

fn section(source: &Source, header: &Header, page: usize) -> Result<Vec<f32>> {
    let count = source.pixel_count(NAME, "nx, ny", header.nx, header.ny)?;
    let broken = |e: std::io::Error| source.broken(NAME, format!("section {page}"), &e);
    let mut reader = source.reader()?;
    reader.seek(SeekFrom::Start(header.offset + section_bytes(header) * page as u64)).map_err(broken)?;
    let mut pixels = Vec::with_capacity(count);
    match header.mode {
        Mode::Plain(kind) => {
            let mut keep = |block: &[f32]| pixels.extend_from_slice(block);
            read_samples(&mut reader, kind, header.order, count, &mut keep).map_err(broken)?;
        }
        Mode::Packed4 => {
            let mut row = vec![0; header.nx.div_ceil(2)];
            for _ in 0..header.ny {
                reader.read_exact(&mut row).map_err(broken)?;
                let halves = row.iter().flat_map(|&b| [b & 15, b >> 4]);
                pixels.extend(halves.take(header.nx).map(f32::from));
            }
        }
    }
    Ok(pixels)
}

/// The cell's size over its sampling. The microscope's extended header is asked only if that is missing or exactly 1
/// angstrom, which programs write that do not know: an extended header is often copied along when pixels are binned, so
/// it must not overrule a cell that somebody set.
fn scale(source: &Source, header: &Header, notes: &mut Vec<String>) -> Option<Scale> {
    let cell = Scale::new(header.cell.0, header.cell.1, "Å", "cell size in the header");
    let is_default = header.cell == (1.0, 1.0);
    if header.fei && (cell.is_none() || is_default) {
        let found =
            fei_pixel_size(source, header).and_then(|(x, y)| Scale::new(x, y, "m", "FEI extended header"));
        if found.is_some() {
            return found;
        }
    }
    if is_default {
        notes.push("a pixel size of exactly 1 Å is what programs write that do not know it".into());
    }
    cell
}

/// Pixel size in metres from the first section's fields: f64 at bytes 156 and 164 of the extended header.
fn fei_pixel_size(source: &Source, header: &Header) -> Option<(f64, f64)> {
    if header.offset < HEADER as u64 + 172 {
        return None;
    }
    let mut bytes = [0; 16];
    let mut reader = source.reader().ok()?;
    reader.seek(SeekFrom::Start(HEADER as u64 + 156)).ok()?;
    reader.read_exact(&mut bytes).ok()?;
    let (numbers, _) = bytes.as_chunks::<8>();
    let read = |b: &[u8; 8]| match header.order {
        ByteOrder::Little => f64::from_le_bytes(*b),
        ByteOrder::Big => f64::from_be_bytes(*b),
    };
    let (x, y) = (read(numbers.first()?), read(numbers.last()?));
    // An atom is 1e-10 m and a light microscope's pixel 1e-6 m: anything else is no pixel size.
    let plausible = |v: f64| (1e-14..1e-3).contains(&v);
    (plausible(x) && plausible(y)).then_some((x, y))
}
