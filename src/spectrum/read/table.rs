//! Tables of spectra: a spectrum a row, or a spectrum a column beside its axis.

use super::cells::{Lines, UNITS, decoded, heading_unit, short, unit_of};
use super::{Read, index};
use crate::error::{Error, Result};
use crate::spectrum::uneven;
use std::path::Path;

/// Fewer spectra, or points, are not learned from.
pub(super) const LEAST: usize = 8;
const LEAVE_OUT: &str = "mend it, or begin the line with # to leave it out";

/// Reads a table.
///
/// # Errors
/// [`Error::File`] naming the row and the column that cannot be used, or saying how to tell rows from columns;
/// [`Error::Io`].
pub(super) fn open(path: &Path) -> Result<Read> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "open", source))?;
    let text = decoded(&bytes);
    let table = Table::new(path, &text);
    table.check_decimals()?;
    if table.in_columns()? { table.columns() } else { table.rows() }
}

/// The text of a table, looked at as a whole.
pub(super) struct Table<'a> {
    pub path: &'a Path,
    pub lines: Lines<'a>,
    /// So many of the lines, the first ones, are words alone.
    pub head: usize,
    /// Cells of the first line after them.
    pub wide: usize,
}

impl<'a> Table<'a> {
    fn new(path: &'a Path, text: &'a str) -> Self {
        let mut lines = Lines::new(text);
        let is_words = |lines: &Lines<'_>, line: &str| {
            let cells = lines.cells(line);
            cells.iter().any(|c| !c.is_empty()) && cells.iter().all(|c| lines.number(c).is_none())
        };
        let head =
            |lines: &Lines<'_>| lines.lines.iter().take_while(|(_, line)| is_words(lines, line)).count();
        let wide = |lines: &Lines<'_>, head: usize| {
            lines.lines.get(head).map_or(0, |(_, line)| lines.cells(line).len())
        };
        // NumPy writes the headings, or the axis of rows, as a comment.
        if let Some((row, line)) = lines.comment.take()
            && head(&lines) == 0
        {
            let cells = lines.cells(&line);
            let wide = wide(&lines, 0);
            let names = cells.len() == wide && is_words(&lines, &line);
            let axis = cells.split_first().is_some_and(|(first, rest)| {
                let numbers = rest.iter().all(|cell| lines.number(cell).is_some());
                unit_of(first).is_some() && (rest.is_empty() || rest.len() == wide && numbers)
            });
            if names || axis {
                lines.lines.insert(0, (row, line));
            }
        }
        let head = head(&lines);
        let wide = wide(&lines, head);
        Self { path, lines, head, wide }
    }

    /// Rows with their cells: the headings.
    pub fn headings(&self) -> impl Iterator<Item = Vec<&str>> {
        self.lines.lines.iter().take(self.head).map(|(_, line)| self.lines.cells(line))
    }

    /// Rows, counted from 1, with their cells: what stands below the headings.
    pub fn body(&self) -> impl Iterator<Item = (usize, Vec<&str>)> {
        self.lines.lines.iter().skip(self.head).map(|(row, line)| (*row, self.lines.cells(line)))
    }

    pub fn wrong(&self, row: usize, problem: impl Into<String>) -> Error {
        Error::file(self.path, "CSV", format!("row {row}"), problem)
    }

    /// Two ways to write decimals in one file: one of them separates thousands.
    fn check_decimals(&self) -> Result<()> {
        let first = |mark: char| {
            let lines = self.lines.lines.iter().filter(|(_, line)| line.contains(mark));
            lines.into_iter().find_map(|(row, line)| {
                let cells = self.lines.cells(line);
                let marked = |cell: &&str| cell.contains(mark) && self.lines.number(cell).is_some();
                cells.iter().position(marked).map(|column| (*row, column + 1, cells[column].to_owned()))
            })
        };
        if self.lines.separator == ',' {
            return Ok(());
        }
        let Some((row, column, with)) = first(',') else { return Ok(()) };
        let Some((other, place, without)) = first('.') else { return Ok(()) };
        let problem = format!(
            "`{}` in column {column} has a comma, `{}` in row {other}, column {place} a point: write all decimals alike, and \
             nothing between thousands",
            short(&with),
            short(&without)
        );
        Err(self.wrong(row, problem))
    }

    /// A word, or nothing, before numbers alone.
    pub fn is_corner(&self, cells: &[&str]) -> bool {
        let is_number = |cell: &&str| self.lines.number(cell).is_some();
        cells.len() > 1 && !cells.first().is_some_and(is_number) && cells.iter().skip(1).all(is_number)
    }

    fn numbers(&self, row: usize, cells: &[&str], skip: usize) -> Result<Vec<f64>> {
        let number = |(column, cell): (usize, &&str)| {
            self.lines.number(cell).ok_or_else(|| {
                let what = if cell.is_empty() {
                    format!("column {} is empty; fill it, or {LEAVE_OUT}", column + 1)
                } else {
                    format!("`{}` in column {} is not a number; {LEAVE_OUT}", short(cell), column + 1)
                };
                self.wrong(row, what)
            })
        };
        cells.iter().enumerate().skip(skip).map(number).collect()
    }

    fn rows(&self) -> Result<Read> {
        let mut axis: Option<(usize, Vec<f64>, String)> = None;
        let (mut values, mut points) = (Vec::new(), None);
        for (i, (row, cells)) in self.body().enumerate() {
            let name = cells.first().copied().unwrap_or_default();
            // In the first row an axis may have any name.
            let named = i == 0 && self.head == 0 && self.is_named(&cells);
            let unit = unit_of(name).or_else(|| named.then(|| heading_unit(name).unwrap_or_default()));
            let numbers = self.numbers(row, &cells, usize::from(unit.is_some()))?;
            match (unit, &axis) {
                (Some(unit), None) => axis = Some((row, numbers, unit)),
                (Some(_), Some((first, ..))) => {
                    return Err(self.wrong(row, format!("it is an axis, too; the first one is row {first}")));
                }
                (None, _) => {
                    let expected = *points.get_or_insert(numbers.len());
                    if numbers.len() != expected {
                        let problem = format!(
                            "it has {} values, the first spectrum {expected}; {LEAVE_OUT}",
                            numbers.len()
                        );
                        return Err(self.wrong(row, problem));
                    }
                    values.extend(numbers.iter().map(|v| *v as f32));
                }
            }
        }
        let points = points.unwrap_or(0);
        let Some((row, x, unit)) = axis else {
            return Ok(Read { x: index(points), values, grid: None, unit: String::new() });
        };
        if x.len() != points {
            let problem = format!("the axis has {} values, the spectra {points}; {LEAVE_OUT}", x.len());
            return Err(self.wrong(row, problem));
        }
        Ok(Read { x, values, grid: None, unit })
    }

    /// A name and numbers, of which one that is mistyped is no name.
    fn is_named(&self, cells: &[&str]) -> bool {
        self.is_corner(cells) && cells.first().is_some_and(|name| name.starts_with(char::is_alphabetic))
    }

    fn columns(&self) -> Result<Read> {
        let heads: Vec<Vec<&str>> = self
            .headings()
            .filter(|cells| {
                cells.len() == self.wide || cells.first().is_some_and(|cell| unit_of(cell).is_some())
            })
            .collect();
        let firsts = || heads.iter().filter_map(|cells| cells.first());
        let below = || firsts().skip(1).find(|cell| UNITS.contains(cell)).map(|cell| (*cell).to_owned());
        let unit = firsts().find_map(|cell| heading_unit(cell)).or_else(below).unwrap_or_default();
        let count = self.wide.saturating_sub(1);
        if count < LEAST {
            let problem = format!(
                "{count} stand beside the axis in column 1; at least {LEAST} spectra are needed: put them side by side into one file"
            );
            return Err(Error::file(self.path, "CSV", "columns", problem));
        }
        let (mut x, mut by_points, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (row, cells) in self.body() {
            if cells.len() != self.wide {
                let problem = format!(
                    "it has {} cells, the first row of numbers {}; {LEAVE_OUT}",
                    cells.len(),
                    self.wide
                );
                return Err(self.wrong(row, problem));
            }
            let numbers = self.numbers(row, &cells, 0)?;
            if let Some(column) = numbers.iter().position(|v| !(*v as f32).is_finite()) {
                let problem = format!(
                    "`{}` in column {} is not a finite number; {LEAVE_OUT}",
                    cells[column],
                    column + 1
                );
                return Err(self.wrong(row, problem));
            }
            x.push(numbers[0]);
            places.push(row);
            by_points.extend(numbers.iter().skip(1).map(|v| *v as f32));
        }
        if let Some(i) = uneven(&x) {
            let problem =
                format!("{} in column 1, the axis, is not evenly spaced; resample the spectra", x[i]);
            return Err(self.wrong(places[i], problem));
        }
        let mut values = Vec::with_capacity(by_points.len());
        for spectrum in 0..count {
            values.extend(by_points.iter().skip(spectrum).step_by(count));
        }
        // Pairs of columns, each with an axis of its own.
        let names = heads.iter().find(|cells| cells.len() == self.wide);
        let again = |column: &usize| {
            let named = names.is_some_and(|names| !names[0].is_empty() && names[*column] == names[0]);
            named
                || values[(column - 1) * x.len()..*column * x.len()]
                    .iter()
                    .zip(&x)
                    .all(|(v, x)| *v == *x as f32)
        };
        if let Some(column) = (1..self.wide).find(again) {
            let problem = "it is the axis of column 1 again; keep one axis, and a column for each spectrum";
            return Err(Error::file(self.path, "CSV", format!("column {}", column + 1), problem));
        }
        Ok(Read { x, values, grid: None, unit })
    }
}

#[cfg(test)]
mod tests {
    use crate::error::Result;
    use crate::spectrum::Spectra;

    fn read(text: &str) -> Result<Spectra> {
        crate::spectrum::read::tests::read("a.txt", text.as_bytes())
    }

    /// Ten rows of an axis and eight spectra; the value says spectrum and point.
    fn columns(separator: &str) -> String {
        let cell = |point: usize, column: usize| match column {
            0 => format!("{}", 400.5 - 0.5 * point as f64),
            _ => format!("{}.25", 100 * column + point),
        };
        let line = |point| (0..9).map(|column| cell(point, column)).collect::<Vec<_>>().join(separator);
        (0..10).map(|point| line(point) + "\n").collect()
    }

    #[track_caller]
    fn is_columns(text: &str, unit: &str) {
        let spectra = read(text).unwrap();
        assert_eq!((spectra.count(), spectra.unit.as_str()), (8, unit), "{text}");
        assert_eq!((spectra.x[0], spectra.x[9]), (400.5, 396.0));
        assert_eq!((spectra.of(0)[1], spectra.of(7)[9]), (101.25, 809.25));
    }

    #[test]
    fn columns_are_read_as_programs_write_them() {
        let names = |separator: &str| (1..9).map(|i| format!("{separator}s{i}")).collect::<String>();
        for separator in [",", ";", "\t", "  "] {
            let (names, body) = (names(separator), columns(separator));
            is_columns(&format!("Energy (eV){names}\n{body}"), "eV");
            is_columns(&format!("# taken today\r\n\r\nWavelength / nm{names}\r\n{body}"), "nm");
            is_columns(&format!("# taken today\n# Energy [meV]{names}\n{body}"), "meV");
            is_columns(&body, "");
            if separator != "," {
                is_columns(&format!("Energy (eV){names}\n{}", body.replace('.', ",")), "eV");
            }
        }
        // A title, and the unit and remarks below the names.
        let below = "eV\ta.u.\ta.u.\ta.u.\ta.u.\ta.u.\ta.u.\ta.u.\ta.u.\n\tfirst\t\t\t\t\t\t\tlast\n";
        is_columns(&format!("EELS of a film\nEnergy{}\n{below}{}", names("\t"), columns("\t")), "eV");
        // Excel's rows of separators, and its separator at the end of each row.
        let body = columns(";").replace('\n', ";\n");
        is_columns(&format!("\"Energy, of loss\n(eV)\"{};\n;;;;\n{body};;;;\n", names(";")), "eV");
    }

    #[test]
    fn rows_have_every_separator_too() {
        for (separator, decimal) in [(",", "."), (";", ","), ("\t", ","), (" ", ",")] {
            let row = |first: &str| {
                format!("{first}{separator}{}", ["1.5"; 8].join(separator)).replace('.', decimal)
            };
            let axis: Vec<String> = (0..9).map(|i| format!("{}{decimal}5", 2 * i)).collect();
            let rows: String = [4, 2, 7, 1, 8, 0, 3, 9].iter().map(|v| row(&v.to_string()) + "\n").collect();
            for mark in ["", "# "] {
                let text = format!("{mark}x (eV){separator}{}\n{rows}", axis.join(separator));
                let spectra = read(&text).unwrap();
                assert_eq!((spectra.count(), spectra.x[8], spectra.unit.as_str()), (8, 16.5, "eV"));
                assert_eq!(spectra.of(2)[..2], [7.0, 1.5]);
            }
        }
    }

    #[test]
    fn what_is_wrong_with_columns_is_said_with_its_row_and_column() {
        let text = format!("Energy (eV),a,b,c,d,e,f,g,h\n{}", columns(","));
        for (from, to, said) in [
            (
                "302.25",
                "many",
                "row 4: `many` in column 4 is not a number; mend it, or begin the line with #",
            ),
            ("302.25", "", "row 4: column 4 is empty; fill it"),
            ("302.25", "nan", "row 4: `nan` in column 4 is not a finite number"),
            ("302.25,", "", "row 4: it has 8 cells, the first row of numbers 9"),
            ("398.5", "398.4", "row 6: 398.4 in column 1, the axis, is not evenly spaced; resample"),
            ("398.5", "39B.5", "row 6: `39B.5` in column 1 is not a number"),
            ("b,c,d", "b,Energy (eV),d", "column 4: it is the axis of column 1 again; keep one axis"),
        ] {
            let error = read(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains("a.txt: CSV: ") && error.contains(said), "{error}");
        }
        let few = read("Energy (eV)\tcounts\n1,5\t3\n2,5\t4\n3,5\t9\n").unwrap_err().to_string();
        assert!(few.contains("columns: 1 stand beside the axis in column 1; at least 8 spectra"), "{few}");
        let mixed = columns("\t").replacen("302.25", "1,302", 1);
        let error = read(&mixed).unwrap_err().to_string();
        assert!(
            error.contains("row 3: `1,302` in column 4 has a comma, `400.5` in row 1, column 1 a"),
            "{error}"
        );
    }
}
