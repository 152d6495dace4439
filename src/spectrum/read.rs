//! Files of spectra: tables (CSV, TXT), the arrays of NPY and NPZ, and spectroscopy grids of Nanonis.

mod cells;
mod direction;
mod nanonis;
mod table;

use super::Spectra;
use crate::error::{Error, Result};
use crate::micrograph::format::{Arrays, Numbers};
use std::path::Path;

/// The endings of the files that are read, for dialogs.
pub const ENDINGS: &[&str] = &["csv", "txt", "npy", "npz", "3ds"];

/// The array of an NPZ file that holds the spectra, and the one that holds their axis.
const SPECTRA: &str = "spectra";
const AXIS: &str = "x";

/// Reads spectra by the file's ending.
///
/// - CSV and TXT: a spectrum a row or a spectrum a column, separated by commas, semicolons, tabs or runs of spaces; other
///   than commas, numbers may have decimal commas. Lines that start with `#`, `%` or `//` are comments.
///   - A spectrum a row: a row that begins with `x` or `x (unit)` is the axis, and so is a first row of a name and
///     numbers; first rows of words alone are left out.
///   - A spectrum a column, the axis in the first: where a header of words stands above a first column that only rises or
///     only falls, and there are more rows than columns; without a header, where the first column goes in even steps over
///     at least eight rows, more than there are columns; or where the header begins with `x` or `x (unit)`, or is that
///     alone. The unit is that of the first heading: `Energy (eV)`, `Energy [eV]`, `Wavelength / nm`.
///   - What may be either is refused, and it is said how to tell.
/// - NPY: (spectra, points), or (rows, columns, points) for a grid.
/// - NPZ: the same under the name `spectra`, and, if it is there, the axis under `x`.
/// - 3DS (Nanonis): the first channel of a grid over its sweep.
///
/// # Errors
/// [`Error::File`] naming the row and the column, the array or the spectrum that cannot be used; [`Error::Io`].
pub fn open(path: &Path) -> Result<Spectra> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (format, read): (_, Result<Read>) = match ending.as_str() {
        "csv" | "txt" => ("CSV", table::open(path)),
        "npy" => ("NPY", arrays(path)),
        "npz" => ("NPZ", arrays(path)),
        "3ds" => ("3DS", nanonis::grid(path)),
        other => {
            let problem = format!("`{other}` is not read; use CSV, NPY, NPZ or 3DS");
            return Err(Error::file(path, "spectra", "ending", problem));
        }
    };
    let Read { x, values, grid, unit } = read?;
    let spectra = Spectra::over(x, values, grid).map_err(|e| match e {
        Error::Invalid { what, problem } => Error::file(path, format, what, problem),
        other => other,
    })?;
    Ok(spectra.in_units(unit))
}

/// What stands in a file, not yet looked at.
struct Read {
    x: Vec<f64>,
    values: Vec<f32>,
    grid: Option<[usize; 2]>,
    unit: String,
}

/// The unit in brackets at the end of a name: `Bias (V)` has V.
fn unit_in(name: &str) -> Option<String> {
    let (_, unit) = name.trim().strip_suffix(')')?.rsplit_once('(')?;
    Some(unit.trim().to_owned())
}

fn index(points: usize) -> Vec<f64> {
    (0..points).map(|i| i as f64).collect()
}

fn arrays(path: &Path) -> Result<Read> {
    let file = Arrays::open(path)?;
    let Some(Numbers { shape, values }) = file.numbers(SPECTRA)? else {
        let names = file.names()?.join(", ");
        return Err(file.bad(SPECTRA, format!("there is no array of this name; the file has {names}")));
    };
    let (points, grid) = match *shape.as_slice() {
        [_, points] => (points, None),
        [rows, columns, points] => (points, Some([rows, columns])),
        _ => {
            let problem = format!("{shape:?}: give (spectra, points), or (rows, columns, points) for a grid");
            return Err(file.bad("shape", problem));
        }
    };
    let axis = if file.is_archive() { file.exact(AXIS)? } else { None };
    let x = match axis {
        Some(axis) if axis.shape == [points] => axis.values,
        Some(axis) => {
            let problem = format!("its shape is {:?}, the spectra have {points} points", axis.shape);
            return Err(file.bad(AXIS, problem));
        }
        None => index(points),
    };
    Ok(Read { x, values, grid, unit: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::WriterBuilder;
    use std::io::Write;

    fn npy(shape: &[u64], values: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(shape);
        let mut file = options.writer(&mut bytes).begin_nd().unwrap();
        file.extend(values.iter().copied()).unwrap();
        file.finish().unwrap();
        bytes
    }

    fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in arrays {
            zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Spectra> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        open(&path)
    }

    fn refused(name: &str, bytes: &[u8]) -> String {
        let said = read(name, bytes).unwrap_err().to_string();
        assert!(said.contains(name), "the file is named: {said}");
        said
    }

    fn ramp(n: usize) -> Vec<f32> {
        (0..n).map(|i| i as f32).collect()
    }

    #[test]
    fn an_array_of_three_axes_is_a_grid_row_by_row() {
        let spectra = read("a.npy", &npy(&[3, 4, 10], &ramp(120))).unwrap();
        assert_eq!((spectra.grid, spectra.count(), spectra.x.len()), (Some([3, 4]), 12, 10));
        assert_eq!(spectra.of(5)[0], 50.0);
        let flat = read("a.npy", &npy(&[12, 10], &ramp(120))).unwrap();
        assert_eq!((flat.grid, flat.values), (None, spectra.values));
    }

    #[test]
    fn an_archive_has_its_axis_with_all_its_digits() {
        let x: Vec<f64> = (0..10).map(|i| 1e4 + 1e-3 * f64::from(i)).collect();
        let mut axis = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(&[10]);
        let mut file = options.writer(&mut axis).begin_nd().unwrap();
        file.extend(x.iter().copied()).unwrap();
        file.finish().unwrap();
        let spectra = read("a.npz", &npz(&[("spectra", npy(&[3, 4, 10], &ramp(120))), ("x", axis)])).unwrap();
        assert_eq!((spectra.x, spectra.grid), (x, Some([3, 4])));
    }

    #[test]
    fn a_table_has_its_axis_with_its_unit() {
        let row = |first: &str, from: i32| {
            let cells: Vec<String> = (from..from + 8).map(|v| v.to_string()).collect();
            if first.is_empty() { cells.join(",") } else { format!("{first}, {}", cells.join(", ")) }
        };
        let rows: Vec<String> = (0..8).map(|i| row("", i)).collect();
        let text = format!("{}\n{}\n", row("x (eV)", 20), rows.join("\n"));
        let spectra = read("a.csv", text.as_bytes()).unwrap();
        assert_eq!((spectra.unit.as_str(), spectra.x[0], spectra.count()), ("eV", 20.0, 8));
        let plain = read("a.csv", format!("a,b,c,d,e,f,g,h\n{}\n", rows.join("\n")).as_bytes()).unwrap();
        assert_eq!((plain.unit.as_str(), plain.x[7]), ("", 7.0));
        // Another name than x, and Excel's mark before the first number.
        let named = read("a.csv", text.replace("x (eV)", "Energy (meV)").as_bytes()).unwrap();
        assert_eq!((named.unit.as_str(), named.x[0], named.count()), ("meV", 20.0, 8));
        let bare = read("a.csv", text.replace("x (eV)", "sample 1").as_bytes()).unwrap();
        assert_eq!((bare.unit.as_str(), bare.x[7], bare.count()), ("", 27.0, 8));
        let marked = read("a.csv", format!("\u{feff}{}\n", rows.join("\n")).as_bytes()).unwrap();
        assert_eq!((marked.x[0], marked.count()), (0.0, 8));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (shape, n) in [(&[120][..], 120), (&[2, 3, 4, 5][..], 120)] {
            let said = refused("a.npy", &npy(shape, &ramp(n)));
            assert!(said.contains("(rows, columns, points) for a grid"), "{said}");
        }
        let mut values = ramp(120);
        values[57] = f32::NAN;
        let said = refused("a.npy", &npy(&[3, 4, 10], &values));
        assert!(said.contains("spectrum 5 (row 1, column 1): point 7 is not a finite number"), "{said}");
        let said = refused("a.npz", &npz(&[("data", npy(&[12, 10], &ramp(120)))]));
        assert!(said.contains("spectra: there is no array of this name; the file has data"), "{said}");
        let wrong = [("spectra", npy(&[12, 10], &ramp(120))), ("x", npy(&[9], &ramp(9)))];
        let said = refused("a.npz", &npz(&wrong));
        assert!(said.contains("x: its shape is [9], the spectra have 10 points"), "{said}");
        let said = refused("a.csv", b"1,2,3,4,5,6,7,8\n1,2,3\n");
        assert!(said.contains("row 2: it has 3 values, the first spectrum 8"), "{said}");
        let said = refused("a.csv", b"1,2,3,4,5,6,7,8\n1,2,3,4,many,6,7,8\n");
        assert!(said.contains("row 2: `many` in column 5 is not a number"), "{said}");
        let said = refused("a.csv", b"1,2,3,4,5,6,7,8\nx,1,2,3\n");
        assert!(said.contains("row 2: the axis has 3 values, the spectra 8"), "{said}");
        // An axis or a spectrum with a typing error does not go without a word.
        let said = refused("a.csv", b"x (eV),1,2,3,4,5,6,7,8..0\n1,2,3,4,5,6,7,8\n");
        assert!(said.contains("row 1: `8..0` in column 9 is not a number"), "{said}");
        let said = refused("a.csv", b"1,2,3,4,5,6,7,8..0\n1,2,3,4,5,6,7,8\n");
        assert!(said.contains("row 1: `8..0` in column 8 is not a number"), "{said}");
        let said = refused("a.csv", b"1..0,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,8\n");
        assert!(said.contains("row 1: `1..0` in column 1 is not a number"), "{said}");
        let said = refused("a.csv", b"x,1,2\n1,2\nx,3,4\n");
        assert!(said.contains("row 3: it is an axis, too; the first one is row 1"), "{said}");
        let said = refused("a.hdf5", b"1,2");
        assert!(said.contains("`hdf5` is not read; use CSV, NPY, NPZ or 3DS"), "{said}");
        let said = refused("a.npy", b"no array");
        assert!(said.contains("NPY"), "{said}");
        let whole = npy(&[12, 10], &ramp(120));
        let said = refused("a.npy", &whole[..whole.len() - 40]);
        assert!(said.contains("truncated"), "{said}");
    }
}
