//! Whether a table has a spectrum a row or a spectrum a column. It is read only where that is certain: taken the wrong way
//! round, a table still looks like spectra.

use super::cells::{heading_unit, unit_of};
use super::table::{LEAST, Table};
use crate::error::{Error, Result};
use crate::spectrum::uneven;

impl Table<'_> {
    /// True for a spectrum a column.
    ///
    /// # Errors
    /// [`Error::File`] saying how to tell, where the table may be either.
    pub fn in_columns(&self) -> Result<bool> {
        let is_x = |cells: &[&str]| cells.first().is_some_and(|cell| unit_of(cell).is_some());
        if self.headings().any(|cells| is_x(&cells)) {
            return Ok(true);
        }
        if let Some((row, cells)) = self.body().next().filter(|(_, cells)| self.is_corner(cells)) {
            // The numbers may be the axis, above numbered spectra, or names of columns, beside an axis.
            let next = self.body().nth(1).map(|(_, cells)| cells.len());
            let either = next == Some(cells.len()) && self.course(1).is_some_and(|course| course.strict);
            return if either && !is_x(&cells) { Err(self.wrong(row, CORNER)) } else { Ok(false) };
        }
        // An axis of rows, and what cannot be read, has a word in the first column.
        let Some(course) = self.course(0) else { return Ok(false) };
        let rows = self.lines.lines.len() - self.head;
        let long = rows > self.wide;
        // Too few for spectra of rows, so this says what is missing.
        if course.strict && long && self.wide < LEAST {
            return Ok(true);
        }
        let header = self.headings().any(|cells| cells.len() > 1);
        let unit = self.headings().any(|cells| {
            cells.len() == self.wide && cells.first().is_some_and(|cell| heading_unit(cell).is_some())
        });
        let even = course.even && rows >= LEAST;
        // What counts may only number the spectra.
        let axis = if header { unit || !course.counting } else { even && !course.counting };
        if course.strict && long && axis {
            return Ok(true);
        }
        // Numbers of an axis that is rounded may repeat. In a wide table without headings an uneven column is taken for the
        // first point of spectra that change: an uneven axis would not be read.
        let either = if long {
            course.strict || course.leaning
        } else {
            course.strict && self.wide > LEAST && (header || even)
        };
        if either && rows >= LEAST {
            return Err(Error::file(self.path, "CSV", "rows", EITHER));
        }
        Ok(false)
    }

    /// How the first column goes on below so many rows of numbers; nothing if it holds a word.
    fn course(&self, skip: usize) -> Option<Course> {
        let numbers = self.body().skip(skip).map(|(_, cells)| self.lines.number(cells.first()?));
        numbers.collect::<Option<Vec<f64>>>().map(|numbers| Course::new(&numbers))
    }
}

const CORNER: &str = "its numbers may be the axis, or names of columns. A spectrum a row: begin this row with `x`, and leave \
                      column 1 out of the others. A spectrum a column: give each column a name that begins with a letter";
const EITHER: &str = "they may be spectra or points, for column 1 may be an axis. A spectrum a column: write a line `x` or \
                      `x (unit)` above the first row of numbers. A spectrum a row: give the axis in a row that begins with \
                      `x`, and leave column 1 out if it only numbers the spectra";

/// How the numbers of a column go on.
struct Course {
    /// They only rise or only fall.
    strict: bool,
    /// They do so but for a few, as rounded or mistyped ones.
    leaning: bool,
    /// They only rise or fall, in even steps.
    even: bool,
    /// 0, 1, 2 … or 1, 2, 3 …
    counting: bool,
}

impl Course {
    fn new(numbers: &[f64]) -> Self {
        let steps = numbers.len().saturating_sub(1);
        let up = numbers.windows(2).filter(|pair| pair[1] > pair[0]).count();
        let down = numbers.windows(2).filter(|pair| pair[1] < pair[0]).count();
        let strict = steps > 0 && up.max(down) == steps;
        let leaning = numbers.len() >= LEAST && 3 * up.max(down) >= steps && 10 * up.min(down) <= steps;
        let from = numbers.first().copied().unwrap_or_default();
        let counting =
            (from == 0.0 || from == 1.0) && numbers.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
        Self { strict, leaning, even: strict && uneven(numbers).is_none(), counting }
    }
}

#[cfg(test)]
mod tests {
    use crate::error::Result;
    use crate::spectrum::Spectra;

    fn read(text: &str) -> Result<Spectra> {
        crate::spectrum::read::tests::read("a.txt", text.as_bytes())
    }

    /// A first column, and beside it values that say row and column.
    fn table(first: impl Fn(usize) -> f64, rows: usize, columns: usize) -> String {
        let value = |row: usize, column: usize| ((row * 7 + column * 3) % 11 + column).to_string();
        let cells = |row: usize| -> Vec<String> { (1..columns).map(|column| value(row, column)).collect() };
        let line = |row: usize| format!("{},{}\n", first(row), cells(row).join(","));
        (0..rows).map(line).collect()
    }

    fn header(first: &str, columns: usize) -> String {
        let names: Vec<String> = (1..columns).map(|column| format!("s{column}")).collect();
        format!("{first},{}\n", names.join(","))
    }

    #[track_caller]
    fn is(text: &str, count: usize, points: usize, unit: &str) {
        let spectra = read(text).unwrap();
        assert_eq!((spectra.count(), spectra.x.len(), spectra.unit.as_str()), (count, points, unit));
    }

    #[track_caller]
    fn may_be_either(text: &str) {
        let said = read(text).unwrap_err().to_string();
        assert!(said.contains("a.txt: CSV: rows: they may be spectra or points"), "{said}");
    }

    fn energy(row: usize) -> f64 {
        20.0 - 0.25 * row as f64
    }

    fn count(row: usize) -> f64 {
        row as f64 + 1.0
    }

    #[test]
    fn a_header_above_an_axis_that_is_longer_than_the_table_is_wide_is_one_of_columns() {
        is(&(header("Energy (eV)", 10) + &table(energy, 12, 10)), 9, 12, "eV");
        is(&(header("Energy", 10) + &table(energy, 12, 10)), 9, 12, "");
        // Numbers that count are an axis if they have a unit.
        is(&(header("Channel [px]", 10) + &table(count, 12, 10)), 9, 12, "px");
        may_be_either(&(header("Channel", 10) + &table(count, 12, 10)));
        // One that repeats a value is not taken for spectra.
        may_be_either(&(header("Energy", 10) + &table(|row| energy(row - row % 2), 20, 10)));
        // A wide one may have names of points.
        may_be_either(&(header("Energy (eV)", 20) + &table(energy, 12, 20)));
    }

    #[test]
    fn without_a_header_only_even_steps_are_an_axis() {
        is(&table(energy, 12, 10), 9, 12, "");
        may_be_either(&table(count, 12, 10));
        may_be_either(&table(|row| energy(row).powi(2), 12, 10));
        may_be_either(&table(energy, 12, 20));
    }

    #[test]
    fn x_above_the_first_column_makes_it_the_axis() {
        for first in [count, energy] {
            for columns in [10, 20] {
                is(&(header("x (nm)", columns) + &table(first, 12, columns)), columns - 1, 12, "nm");
                is(&format!("x / nm\n{}", table(first, 12, columns)), columns - 1, 12, "nm");
                is(&format!("x\n{}", table(first, 12, columns)), columns - 1, 12, "");
            }
        }
    }

    #[test]
    fn spectra_in_rows_stay_spectra_in_rows() {
        let changing = |row: usize| (row * 7 % 5) as f64;
        is(&table(changing, 12, 10), 12, 10, "");
        is(&(header("first", 10) + &table(changing, 12, 10)), 12, 10, "");
        // Spectra that grow, at a point or at all.
        is(&table(|row| energy(row).powi(2), 12, 20), 12, 20, "");
        let axis = |name: &str, columns: usize| {
            let axis: Vec<String> = (0..columns).map(|i| (400 + i).to_string()).collect();
            format!("{name},{}\n", axis.join(","))
        };
        for first in [count, energy] {
            is(&(axis("x (nm)", 10) + &table(first, 12, 10)), 12, 10, "nm");
            is(&(axis("Wavelength / nm", 10) + &table(first, 12, 10)), 12, 10, "nm");
            is(&(table(first, 12, 10) + &axis("x", 10)), 12, 10, "");
            // One more in each row than in the axis: they may be numbered, or the axis may be theirs.
            for name in ["Wavelength / nm", ""] {
                let said = read(&(axis(name, 9) + &table(first, 12, 10))).unwrap_err().to_string();
                assert!(said.contains("row 1: its numbers may be the axis, or names of columns"), "{said}");
            }
            let said = read(&(axis("x", 9) + &table(first, 12, 10))).unwrap_err().to_string();
            assert!(said.contains("row 1: the axis has 9 values, the spectra 10"), "{said}");
        }
    }
}
