//! Numbers as files store them, and their way to f32 pixels.

use std::io::{self, Read};

/// Samples that are decoded at a time: a multiple of 1, 3 and 4, so that no colour is cut in two.
const BLOCK: usize = 3 * 4 * 8192;

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// The type of one stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

/// A number that becomes a pixel.
pub(super) trait Sample: Copy {
    fn to_f32(self) -> f32;
}

macro_rules! sample_by_cast {
    ($($t:ty)*) => { $(impl Sample for $t { fn to_f32(self) -> f32 { self as f32 } })* };
}
sample_by_cast!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);

impl Sample for half::f16 {
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

/// Appends what `$each` makes of the numbers of type `$t` in `$bytes` to `$out`, as many at a time as the processor can.
macro_rules! numbers {
    ($t:ty, $order:expr, $bytes:expr, $out:expr, $each:expr) => {{
        let (numbers, _) = $bytes.as_chunks::<{ size_of::<$t>() }>();
        match $order {
            ByteOrder::Little => $out.extend(numbers.iter().map(|b| <$t>::from_le_bytes(*b)).map($each)),
            ByteOrder::Big => $out.extend(numbers.iter().map(|b| <$t>::from_be_bytes(*b)).map($each)),
        }
    }};
}

impl SampleType {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// As `info` shows it: "u16".
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Appends the numbers in `bytes` to `out`; what is left over at the end is dropped.
    pub fn decode(self, order: ByteOrder, bytes: &[u8], out: &mut Vec<f32>) {
        match self {
            Self::U8 => out.extend(bytes.iter().map(|&b| f32::from(b))),
            Self::I8 => out.extend(bytes.iter().map(|&b| f32::from(b.cast_signed()))),
            Self::U16 => numbers!(u16, order, bytes, out, Sample::to_f32),
            Self::I16 => numbers!(i16, order, bytes, out, Sample::to_f32),
            Self::U32 => numbers!(u32, order, bytes, out, Sample::to_f32),
            Self::I32 => numbers!(i32, order, bytes, out, Sample::to_f32),
            Self::U64 => numbers!(u64, order, bytes, out, Sample::to_f32),
            Self::I64 => numbers!(i64, order, bytes, out, Sample::to_f32),
            Self::F16 => numbers!(half::f16, order, bytes, out, Sample::to_f32),
            Self::F32 => numbers!(f32, order, bytes, out, Sample::to_f32),
            Self::F64 => numbers!(f64, order, bytes, out, Sample::to_f32),
        }
    }

    /// The numbers in `bytes` without loss, or nothing if they are not whole numbers or leave i64.
    pub fn decode_integers(self, order: ByteOrder, bytes: &[u8]) -> Option<Vec<i64>> {
        let mut out: Vec<Option<i64>> = Vec::with_capacity(bytes.len() / self.bytes());
        match self {
            Self::U8 => out.extend(bytes.iter().map(|&b| Some(b.into()))),
            Self::I8 => out.extend(bytes.iter().map(|&b| Some(b.cast_signed().into()))),
            Self::U16 => numbers!(u16, order, bytes, out, |v| Some(v.into())),
            Self::I16 => numbers!(i16, order, bytes, out, |v| Some(v.into())),
            Self::U32 => numbers!(u32, order, bytes, out, |v| Some(v.into())),
            Self::I32 => numbers!(i32, order, bytes, out, |v| Some(v.into())),
            Self::U64 => numbers!(u64, order, bytes, out, |v| v.try_into().ok()),
            Self::I64 => numbers!(i64, order, bytes, out, Some),
            Self::F16 | Self::F32 | Self::F64 => return None,
        }
        out.into_iter().collect()
    }
}

/// Reads exactly `count` numbers and hands them on in blocks, so that a large picture is never held twice.
///
/// # Errors
/// `UnexpectedEof` if the reader ends first.
pub(super) fn read_samples(
    reader: &mut dyn Read,
    kind: SampleType,
    order: ByteOrder,
    count: usize,
    each: &mut dyn FnMut(&[f32]),
) -> io::Result<()> {
    let mut bytes = vec![0; BLOCK.min(count) * kind.bytes()];
    let mut values = Vec::with_capacity(BLOCK.min(count));
    let mut left = count;
    while left > 0 {
        let n = left.min(BLOCK);
        let part = &mut bytes[..n * kind.bytes()];
        reader.read_exact(part)?;
        values.clear();
        kind.decode(order, part, &mut values);
        each(&values);
        left -= n;
    }
    Ok(())
}

/// The shares of red, green and blue in luminance (Rec. 709).
pub(super) const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Luminance; a grey stays exactly what it is.
pub(super) fn luminance(r: f32, g: f32, b: f32) -> f32 {
    if r == g && g == b { r } else { LUMINANCE[0] * r + LUMINANCE[1] * g + LUMINANCE[2] * b }
}

/// One pixel from `channels` interleaved values: grey, grey + alpha, RGB or RGB + alpha. Alpha is left out.
pub(super) fn merge_channels<T: Sample>(values: &[T], channels: usize, out: &mut Vec<f32>) {
    match channels {
        1 => out.extend(values.iter().map(|v| v.to_f32())),
        2 => out.extend(values.as_chunks::<2>().0.iter().map(|[v, _]| v.to_f32())),
        _ => out.extend(values.chunks_exact(channels).filter_map(|c| match c {
            [r, g, b, ..] => Some(luminance(r.to_f32(), g.to_f32(), b.to_f32())),
            _ => None,
        })),
    }
}
