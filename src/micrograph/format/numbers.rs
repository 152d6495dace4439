//! Arrays of numbers as they are, whatever they mean: that of an NPY file, or those of an NPZ file by their names.

use super::npy::{self, Array, Bad};
use super::npz::{self, Archive};
use super::sample::{ByteOrder, SampleType, read_samples};
use super::source::Source;
use super::{Format, detect, guarded};
use crate::micrograph::MAX_PIXELS;
use crate::{Error, Result};
use std::io::{self, Read};
use std::path::Path;

/// An axis has no more values than this.
const MOST_EXACT: usize = 1 << 24;

/// A file of arrays, opened and not yet read.
pub struct Arrays {
    source: Source,
    format: Format,
}

/// An array with the lengths of its axes, the last one running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers<T = f32> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

impl Arrays {
    /// Opens an NPY or NPZ file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened, [`Error::File`] if it is neither.
    pub fn open(path: &Path) -> Result<Self> {
        let source = Source::open(path)?;
        let format = detect::detect(&source)?;
        if !matches!(format, Format::Npy | Format::Npz) {
            return Err(source.bad(format.name(), "format", "arrays are read from NPY or NPZ files"));
        }
        Ok(Self { source, format })
    }

    /// True if the arrays have names; an NPY file holds one without.
    pub fn is_archive(&self) -> bool {
        self.format == Format::Npz
    }

    /// Names of the arrays, in the order of the file; none for NPY.
    ///
    /// # Errors
    /// A damaged archive.
    pub fn names(&self) -> Result<Vec<String>> {
        if !self.is_archive() {
            return Ok(Vec::new());
        }
        guarded(&self.source, self.format.name(), || Ok(Archive::open(&self.source)?.names))
    }

    /// The array of this name, or the one that there is; `None` if there is none of the name.
    ///
    /// # Errors
    /// [`Error::File`] naming the array and what is wrong with it.
    pub fn numbers(&self, name: &str) -> Result<Option<Numbers>> {
        self.with(name, |array, reader, bad| {
            let count = count(&array, MAX_PIXELS, bad)?;
            let mut values = Vec::with_capacity(count);
            let mut keep = |block: &[f32]| values.extend_from_slice(block);
            read_samples(reader, array.kind, array.order, count, &mut keep)
                .and_then(|()| npz::finish(reader))
                .map_err(|e| broken(&e, bad))?;
            Ok(array.numbers(values))
        })
    }

    /// As [`Arrays::numbers`], with all the digits of the file: for an axis.
    ///
    /// # Errors
    /// As [`Arrays::numbers`].
    pub fn exact(&self, name: &str) -> Result<Option<Numbers<f64>>> {
        self.with(name, |array, reader, bad| {
            let mut bytes = vec![0; count(&array, MOST_EXACT, bad)? * array.kind.bytes()];
            reader.read_exact(&mut bytes).and_then(|()| npz::finish(reader)).map_err(|e| broken(&e, bad))?;
            let values = wide(array.kind, array.order, &bytes);
            Ok(array.numbers(values))
        })
    }

    /// An error about a field of this file.
    pub fn bad(&self, field: impl Into<String>, problem: impl Into<String>) -> Error {
        self.source.bad(self.format.name(), field, problem)
    }

    fn with<T>(
        &self,
        name: &str,
        use_it: impl FnOnce(Array, &mut dyn Read, Bad<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let source = &self.source;
        guarded(source, self.format.name(), || {
            if self.is_archive() {
                let mut archive = Archive::open(source)?;
                if !archive.names.iter().any(|known| known == name) {
                    return Ok(None);
                }
                return archive.with_array(name, use_it).map(Some);
            }
            let bad = |field: &str, problem: String| source.bad(npy::NAME, field, problem);
            let mut reader = source.reader()?;
            let array = npy::read_header(&mut reader, &bad)?;
            array.check_length(source.len, &bad)?;
            use_it(array, &mut reader, &bad).map(Some)
        })
    }
}

impl Array {
    /// The numbers as they stand in the file, the last axis made the fastest.
    fn numbers<T: Copy>(self, stored: Vec<T>) -> Numbers<T> {
        let values = if self.fortran { row_major(&stored, &self.shape) } else { stored };
        Numbers { shape: self.shape, values }
    }
}

/// How many numbers there are, if there are some and not more than `most`.
fn count(array: &Array, most: usize, bad: Bad<'_>) -> Result<usize> {
    match array.shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side)) {
        Some(0) => Err(bad("shape", format!("{:?} has no numbers in it", array.shape))),
        Some(n) if n <= most => Ok(n),
        _ => Err(bad("shape", format!("{:?} is more than {most} numbers", array.shape))),
    }
}

fn broken(error: &io::Error, bad: Bad<'_>) -> Error {
    bad("data", format!("cannot be read ({error}): the file is truncated or damaged"))
}

/// Every number with all its digits, as far as f64 has them.
fn wide(kind: SampleType, order: ByteOrder, bytes: &[u8]) -> Vec<f64> {
    if kind == SampleType::F64 {
        let (numbers, _) = bytes.as_chunks::<8>();
        return match order {
            ByteOrder::Little => numbers.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            ByteOrder::Big => numbers.iter().map(|b| f64::from_be_bytes(*b)).collect(),
        };
    }
    if let Some(whole) = kind.decode_integers(order, bytes) {
        return whole.into_iter().map(|v| v as f64).collect();
    }
    let mut narrow = Vec::new();
    kind.decode(order, bytes, &mut narrow);
    narrow.into_iter().map(f64::from).collect()
}

/// Numbers stored with the first axis fastest, in the order in which the last one is.
fn row_major<T: Copy>(stored: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let (mut at, mut place) = (vec![0; shape.len()], 0);
    let mut out = Vec::with_capacity(stored.len());
    for _ in 0..stored.len() {
        out.push(stored[place]);
        for axis in (0..shape.len()).rev() {
            at[axis] += 1;
            place += strides[axis];
            if at[axis] < shape[axis] {
                break;
            }
            place -= at[axis] * strides[axis];
            at[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_axis_made_the_slowest() {
        // numpy.asfortranarray(numpy.arange(24).reshape(2, 3, 4)).ravel("K")
        let stored = [0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23];
        assert_eq!(row_major(&stored, &[2, 3, 4]), (0..24).collect::<Vec<i32>>());
    }

    #[test]
    fn an_axis_keeps_all_its_digits() {
        let value = 10_000.012_345_678_9_f64;
        assert_eq!(wide(SampleType::F64, ByteOrder::Big, &value.to_be_bytes()), [value]);
        assert_eq!(wide(SampleType::U32, ByteOrder::Little, &u32::MAX.to_le_bytes()), [4_294_967_295.0]);
        assert_eq!(wide(SampleType::F32, ByteOrder::Little, &0.5_f32.to_le_bytes()), [0.5]);
    }
}
