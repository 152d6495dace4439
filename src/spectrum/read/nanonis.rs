//! Spectroscopy grids of Nanonis (3DS): lines `name="value"` up to `:HEADER_END:`, then for each place of the grid its
//! parameters and its channels, one after the other, as big-endian f32.

use super::{Read, index, unit_in};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

const END: &[u8] = b":HEADER_END:";
/// A header longer than this is none.
const LONGEST: usize = 1 << 20;

/// Reads the first channel of a grid, row by row from the top.
///
/// # Errors
/// [`Error::File`] naming the field that is missing or lies, or how much of the data is there; [`Error::Io`].
pub(super) fn grid(path: &Path) -> Result<Read> {
    let wrong = |field: &str, problem: String| Error::file(path, "3DS", field, problem);
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "open", source))?;
    let head = bytes.len().min(LONGEST);
    let Some(end) = bytes[..head].windows(END.len()).position(|part| part == END) else {
        return Err(wrong("header", "there is no line :HEADER_END:; this is no 3DS file".into()));
    };
    let header = Header::new(&bytes[..end]);
    let data = &bytes[end + END.len()..];
    // One line break, whichever it is, ends the line.
    let data = data.strip_prefix(b"\r\n").or_else(|| data.strip_prefix(b"\n")).unwrap_or(data);
    let number = |field: &str| -> Result<usize> {
        let text = header.value(field).ok_or_else(|| wrong(field, "it is missing".into()))?;
        text.trim().parse().map_err(|_| wrong(field, format!("`{}` is not a number", short(text))))
    };
    let [columns, rows] = header.dimensions().map_err(|problem| wrong("Grid dim", problem))?;
    let (parameters, points) = (number("# Parameters (4 byte)")?, number("Points")?);
    let channels = header.list("Channels");
    if channels.is_empty() {
        return Err(wrong("Channels", "no channel is named".into()));
    }
    let place = channels.len().checked_mul(points).and_then(|n| n.checked_add(parameters));
    let all = place.and_then(|place| place.checked_mul(columns)?.checked_mul(rows)?.checked_mul(4));
    let (Some(place), Some(all)) = (place, all) else {
        return Err(wrong("Grid dim", "no file is as large as these fields say".into()));
    };
    if data.len() < all {
        let there = data.len() / (4 * place.max(1));
        let problem = format!(
            "truncated: {there} of {} spectra are there; the grid was not finished, or the file was cut",
            columns * rows
        );
        return Err(wrong("data", problem));
    }
    let value = |i: usize| -> f32 {
        let at = data.get(4 * i..4 * i + 4).and_then(|bytes| bytes.try_into().ok());
        at.map_or(f32::NAN, f32::from_be_bytes)
    };
    let x = if parameters < 2 { index(points) } else { sweep(value(0), value(1), points) };
    let from_below = header.place_of("Y (m)").filter(|at| *at < parameters).is_some_and(|at| {
        let last = (rows.max(1) - 1) * columns * place;
        value(last + at) > value(at)
    });
    let mut values = Vec::with_capacity(columns * rows * points);
    for row in 0..rows {
        let row = if from_below { rows - 1 - row } else { row };
        for column in 0..columns {
            let first = (row * columns + column) * place + parameters;
            values.extend((first..first + points).map(value));
        }
    }
    let unit = header.value("Sweep Signal").and_then(unit_in).unwrap_or_default();
    Ok(Read { x, values, grid: Some([rows, columns]), unit })
}

/// Evenly from the first to the last value of the sweep.
fn sweep(start: f32, end: f32, points: usize) -> Vec<f64> {
    let (start, end) = (f64::from(start), f64::from(end));
    let part = |i: usize| i as f64 / (points.max(2) - 1) as f64;
    (0..points).map(|i| start + (end - start) * part(i)).collect()
}

/// At most as much of a value as a message has room for.
fn short(text: &str) -> String {
    text.chars().take(24).collect()
}

/// The fields of the header by name.
struct Header(BTreeMap<String, String>);

impl Header {
    fn new(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let field = |line: &str| {
            let (name, value) = line.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
        };
        Self(text.lines().filter_map(field).collect())
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.value(name).unwrap_or_default().split(';').map(str::trim).filter(|s| !s.is_empty()).collect()
    }

    /// Columns and rows: `32 x 24`.
    fn dimensions(&self) -> std::result::Result<[usize; 2], String> {
        let text = self.value("Grid dim").ok_or("it is missing")?;
        let wrong = || format!("`{}` is not `columns x rows`", short(text));
        let (columns, rows) = text.split_once('x').ok_or_else(wrong)?;
        let side = |text: &str| text.trim().parse().ok().filter(|n: &usize| *n > 0).ok_or_else(wrong);
        Ok([side(columns)?, side(rows)?])
    }

    /// Where a parameter stands among those of a place: the fixed ones come first.
    fn place_of(&self, name: &str) -> Option<usize> {
        let fixed = self.list("Fixed parameters");
        fixed.into_iter().chain(self.list("Experiment parameters")).position(|parameter| parameter == name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use crate::error::Result;
    use crate::spectrum::Spectra;

    /// A grid of 4 columns and 3 rows with 10 points of two channels; the value says row, column, point and channel.
    fn file(header: impl Fn(String) -> String, from_below: bool) -> Vec<u8> {
        let text = [
            "Grid dim=\"4 x 3\"",
            "Grid settings=0.0;0.0;3.0E-9;2.0E-9;0.0",
            "Sweep Signal=\"Bias (V)\"",
            "Fixed parameters=\"Sweep Start;Sweep End\"",
            "Experiment parameters=\"X (m);Y (m);Z (m)\"",
            "# Parameters (4 byte)=5",
            "Experiment size (bytes)=80",
            "Points=10",
            "Channels=\"Current (A);LI Demod 1 X (A)\"",
            ":HEADER_END:",
        ];
        let mut bytes = header(text.join("\r\n")).into_bytes();
        bytes.extend(b"\r\n");
        for row in 0..3 {
            for column in 0..4 {
                let y = if from_below { row as f32 } else { -(row as f32) } * 1e-9;
                let mut place = vec![-0.5_f32, 1.3, column as f32 * 1e-9, y, 0.0];
                for channel in 0..2 {
                    place.extend((0..10).map(|i| (row * 1000 + column * 100 + i + channel * 50) as f32));
                }
                place.iter().for_each(|v| bytes.extend(v.to_be_bytes()));
            }
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Spectra> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.3ds");
        std::fs::write(&path, bytes).unwrap();
        open(&path)
    }

    #[test]
    fn a_grid_has_its_first_channel_row_by_row_from_the_top_and_its_sweep() {
        let spectra = read(&file(|h| h, false)).unwrap();
        assert_eq!((spectra.grid, spectra.unit.as_str()), (Some([3, 4]), "V"));
        assert!((spectra.x[0] + 0.5).abs() < 1e-6 && (spectra.x[9] - 1.3).abs() < 1e-6);
        assert_eq!(spectra.of(6)[..3], [1200.0, 1201.0, 1202.0]);
        // A grid that was recorded upwards is turned over.
        let spectra = read(&file(|h| h, true)).unwrap();
        assert_eq!((spectra.of(0)[0], spectra.of(11)[9]), (2000.0, 309.0));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        let refused = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        let said = refused(b"Grid dim=\"4 x 3\"");
        assert!(said.contains("grid.3ds") && said.contains("no 3DS file"), "{said}");
        for (from, to, field, problem) in [
            ("Grid dim=\"4 x 3\"", "Grid dim=\"4\"", "Grid dim", "columns x rows"),
            ("4 x 3", "4 x 0", "Grid dim", "columns x rows"),
            ("4 x 3", "99999999999999 x 99999999999999", "Grid dim", "no file is as large"),
            ("Points=10", "Points=many", "Points", "`many` is not a number"),
            ("Points=10", "Point=10", "Points", "missing"),
            ("Current (A);LI Demod 1 X (A)", "", "Channels", "no channel"),
            ("4 x 3", "4 x 4", "data", "12 of 16 spectra"),
        ] {
            let said = refused(&file(|header| header.replace(from, to), false));
            assert!(said.contains(field) && said.contains(problem), "{said}");
        }
        let whole = file(|h| h, false);
        let said = refused(&whole[..whole.len() - 1]);
        assert!(said.contains("truncated: 11 of 12 spectra"), "{said}");
        let mut broken = whole;
        let last = broken.len() - 4 * 15;
        broken[last..last + 4].copy_from_slice(&f32::NAN.to_be_bytes());
        let said = refused(&broken);
        assert!(said.contains("spectrum 11 (row 2, column 3)") && said.contains("not a finite"), "{said}");
    }
}
