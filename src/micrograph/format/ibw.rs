//! Igor binary waves, as Asylum Research's microscopes write them: WaveMetrics' technical note TN003.
//!
//! Two headers, then the numbers with x running fastest, then texts whose sizes the first header has. Layers of a wave are
//! pages, named by the labels of the third dimension. y points up in a wave, so its last line is the top of the picture.
//! Waves before version 5 have one dimension and are no pictures.

use super::Page;
use super::channels::{self, Channel};
use super::sample::{ByteOrder, SampleType, read_samples};
use super::scale::{Scale, length};
use super::source::Source;
use crate::Result;
use std::io::{Read, SeekFrom};

const NAME: &str = "Igor IBW";
/// Both headers of version 5, and the first alone.
const HEADERS: usize = 384;
const FIRST: usize = 64;
const WAVE: u64 = 320;
/// A label with the zero bytes behind it.
const LABEL: u64 = 32;
/// What is read of a text that has no fixed size.
const MAX_TEXT: u64 = 256;

/// A header in its byte order.
struct Head<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
    version: u8,
}

/// The wave as the headers of version 5 describe it.
struct Wave {
    order: ByteOrder,
    kind: SampleType,
    width: usize,
    height: usize,
    layers: usize,
    /// Length of a step along x and y in `units`.
    steps: [f64; 2],
    units: [String; 2],
    data_unit: String,
    /// Names of the layers, as many as the file has.
    labels: Vec<String>,
}

/// True if the file, whatever its name, has the headers of a wave with a true checksum and a length that fits.
pub(super) fn is_wave(source: &Source) -> bool {
    Head::of(source).is_some_and(|head| {
        // The size of the second header and the numbers stands behind the version, in version 5 also behind the checksum.
        let at = if head.version == 5 { 4 } else { 2 };
        let size = u64::from(head.u32(at));
        head.is_whole() && size >= head.wave_bytes() && size <= source.len
    })
}

/// # Errors
/// [`crate::Error::File`] naming the field that is missing or cannot be true.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    let wave = wave(source)?;
    source.check_page(NAME, page, wave.layers)?;
    let count = source.pixel_count(NAME, "nDim", wave.width, wave.height)?;
    // One unit stands for all layers of a wave, though metres of height are none of phase: with several it says nothing.
    let unit = if wave.layers == 1 { wave.data_unit.as_str() } else { "" };
    let channel = |(layer, label): (usize, &String)| {
        let unnamed = format!("layer {layer}");
        Channel::new(if label.is_empty() { &unnamed } else { label }, unit)
    };
    let channels: Vec<Channel> = wave.labels.iter().enumerate().map(channel).collect();
    let order = channels::order(&channels, &mut |_| Ok(false))?;
    let place = order.get(page).copied().unwrap_or(page);

    let broken = |e: std::io::Error| source.broken(NAME, format!("layer {place}"), &e);
    let mut reader = source.reader()?;
    let start = HEADERS as u64 + (count * wave.kind.bytes()) as u64 * place as u64;
    reader.seek(SeekFrom::Start(start)).map_err(broken)?;
    let mut pixels = Vec::with_capacity(count);
    let mut keep = |block: &[f32]| pixels.extend_from_slice(block);
    read_samples(&mut reader, wave.kind, wave.order, count, &mut keep).map_err(broken)?;
    let [dx, dy] = wave.steps;
    channels::mirror(&mut pixels, wave.width, dx < 0.0, dy.is_nan() || dy >= 0.0);
    Ok(Page {
        width: wave.width,
        height: wave.height,
        pixels,
        pages: wave.layers,
        channels: 1,
        sample_type: wave.kind.name().into(),
        scale: pixel_size(&wave),
        notes: channels::note(&channels, &order).into_iter().collect(),
    })
}

/// Steps along x and y, each in the unit of its own dimension.
fn pixel_size(wave: &Wave) -> Option<Scale> {
    let [x, y] = &wave.units;
    let ((x_nm, _), (y_nm, _)) = (length(x)?, length(y)?);
    let [dx, dy] = wave.steps;
    Scale::new(dx.abs(), dy.abs() * y_nm / x_nm, x, "scaling of the wave's dimensions")
}

impl<'a> Head<'a> {
    /// Nothing if the first bytes are no version of a wave.
    fn of(source: &'a Source) -> Option<Self> {
        let (order, version) = match source.head.get(..2)? {
            [v @ (1 | 2 | 3 | 5), 0] => (ByteOrder::Little, *v),
            [0, v @ (1 | 2 | 3 | 5)] => (ByteOrder::Big, *v),
            _ => return None,
        };
        Some(Self { bytes: &source.head, order, version })
    }

    /// Bytes over which the checksum runs: both headers, and before version 5 the first 16 behind them.
    fn len(&self) -> usize {
        match self.version {
            1 => 8 + 126,
            2 => 16 + 126,
            3 => 20 + 126,
            _ => HEADERS,
        }
    }

    /// Bytes of the second header.
    fn wave_bytes(&self) -> u64 {
        if self.version == 5 { WAVE } else { 110 }
    }

    /// True if all 16-bit numbers of the headers add up to 0, as their checksum makes them do.
    fn is_whole(&self) -> bool {
        self.bytes.get(..self.len()).is_some_and(|head| {
            let (numbers, _) = head.as_chunks::<2>();
            let number = |b: &[u8; 2]| match self.order {
                ByteOrder::Little => u16::from_le_bytes(*b),
                ByteOrder::Big => u16::from_be_bytes(*b),
            };
            numbers.iter().map(number).fold(0, u16::wrapping_add) == 0
        })
    }

    /// The bytes at a place; zeros where the file has ended.
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn u16(&self, at: usize) -> u16 {
        match self.order {
            ByteOrder::Little => u16::from_le_bytes(self.field(at)),
            ByteOrder::Big => u16::from_be_bytes(self.field(at)),
        }
    }

    fn u32(&self, at: usize) -> u32 {
        match self.order {
            ByteOrder::Little => u32::from_le_bytes(self.field(at)),
            ByteOrder::Big => u32::from_be_bytes(self.field(at)),
        }
    }

    fn f64(&self, at: usize) -> f64 {
        match self.order {
            ByteOrder::Little => f64::from_le_bytes(self.field(at)),
            ByteOrder::Big => f64::from_be_bytes(self.field(at)),
        }
    }
}

fn wave(source: &Source) -> Result<Wave> {
    let bad = |field: &str, problem: String| source.bad(NAME, field, problem);
    let head = Head::of(source).ok_or_else(|| {
        bad("version", format!("the file does not start as a wave does: {}", source.describe()))
    })?;
    if source.head.len() < head.len() {
        let problem = format!("they need {} bytes, the file has {}: it is truncated", head.len(), source.len);
        return Err(bad("headers", problem));
    }
    if !head.is_whole() {
        return Err(bad(
            "checksum",
            "it does not fit to the headers: the file is damaged, or no wave".into(),
        ));
    }
    if head.version < 5 {
        let problem = format!(
            "waves of version {} have one dimension and are no pictures: save a matrix from Igor Pro 3 or later",
            head.version
        );
        return Err(bad("version", problem));
    }
    let kind = sample_type(head.u16(FIRST + 16)).map_err(|problem| bad("type", problem))?;
    let sides: [u32; 4] = std::array::from_fn(|i| head.u32(FIRST + 68 + 4 * i));
    // A dimension that is not used has 0 points.
    let (width, height, layers) = match sides {
        [x, y, z, 0 | 1] if x > 0 && y > 0 => (x, y, z.max(1)),
        _ => {
            let problem =
                format!("a wave of {sides:?} points is no picture, which has two dimensions or three");
            return Err(bad("nDim", problem));
        }
    };
    let points = [height, layers].into_iter().fold(u128::from(width), |n, side| n * u128::from(side));
    let data = points * kind.bytes() as u128;
    if data + u128::from(WAVE) != u128::from(head.u32(4)) || points != u128::from(head.u32(FIRST + 12)) {
        let problem = format!(
            "{width} x {height} pixels in {layers} layer(s) of {} do not fit to {} points in {} bytes",
            kind.name(),
            head.u32(FIRST + 12),
            head.u32(4)
        );
        return Err(bad("nDim, npnts, wfmSize", problem));
    }
    // The texts behind the numbers, in the order of their sizes: formula, note, long unit of the data, long units of the four
    // dimensions, their labels, and the places of texts in a wave of texts.
    let mut ends = [0_u64; 12];
    let mut end = FIRST as u64 + u64::from(head.u32(4));
    for (i, slot) in ends.iter_mut().enumerate() {
        end += u64::from(head.u32(8 + 4 * i));
        *slot = end;
    }
    if end > source.len {
        let problem =
            format!("the headers promise {end} bytes; the file has {}: it is truncated", source.len);
        return Err(bad("wfmSize, noteSize, dimLabelsSize", problem));
    }
    let [_, note, data_unit, x_unit, y_unit, .., before, labels, _, _] = ends;
    // A unit of up to three letters stands in the header.
    let unit = |at: usize, start: u64, end: u64| -> Result<String> {
        if start < end {
            return Ok(name(&text(source, start, end.min(start + MAX_TEXT))?));
        }
        Ok(name(&head.field::<4>(FIRST + at)))
    };
    // The first label is that of the dimension itself.
    let named = before + LABEL * (u64::from(layers) + 1);
    let names = text(source, before, labels.min(named))?;
    Ok(Wave {
        order: head.order,
        kind,
        width: width as usize,
        height: height as usize,
        layers: layers as usize,
        steps: [head.f64(FIRST + 84), head.f64(FIRST + 92)],
        units: [unit(152, data_unit, x_unit)?, unit(156, x_unit, y_unit)?],
        data_unit: unit(148, note, data_unit)?,
        labels: names.chunks(LABEL as usize).skip(1).map(name).collect(),
    })
}

fn sample_type(kind: u16) -> std::result::Result<SampleType, String> {
    Ok(match kind {
        0x02 => SampleType::F32,
        0x04 => SampleType::F64,
        0x08 => SampleType::I8,
        0x10 => SampleType::I16,
        0x20 => SampleType::I32,
        0x80 => SampleType::I64,
        0x48 => SampleType::U8,
        0x50 => SampleType::U16,
        0x60 => SampleType::U32,
        0xC0 => SampleType::U64,
        0 => return Err("the wave holds text, not a picture".into()),
        _ if kind & 1 == 1 => {
            return Err("the wave holds complex numbers: save their magnitude as a wave of its own".into());
        }
        _ => return Err(format!("{kind} is no type of number that is known")),
    })
}

/// The bytes from `start` to `end`, which lie in the file.
fn text(source: &Source, start: u64, end: u64) -> Result<Vec<u8>> {
    let broken = |e: std::io::Error| source.broken(NAME, "labels and units", &e);
    let mut bytes = Vec::new();
    let mut reader = source.reader()?;
    reader.seek(SeekFrom::Start(start)).map_err(broken)?;
    reader.take(end.saturating_sub(start)).read_to_end(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

/// The text up to its first zero byte.
fn name(bytes: &[u8]) -> String {
    let text = bytes.split(|&b| b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).trim().into()
}
