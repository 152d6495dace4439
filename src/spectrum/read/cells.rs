//! The text of a table as lines of cells: what separates them, what is a comment, and how a number is written.

use super::unit_in;
use std::borrow::Cow;

/// So many lines, evenly over the file, tell what separates their cells.
const ASKED: usize = 64;
/// A quotation mark that so many lines do not close is a mark of inches.
const QUOTED: usize = 8;
/// What a row of units below the headings may hold for an axis.
pub(super) const UNITS: &[&str] = &[
    "eV", "meV", "keV", "nm", "um", "µm", "μm", "Å", "cm-1", "cm^-1", "cm⁻¹", "1/cm", "V", "mV", "Hz", "kHz",
    "MHz", "GHz", "THz", "s", "ms", "K", "°", "deg", "ppm",
];
/// Holds the parts of a heading together where spaces separate.
const GLUE: char = '\u{a0}';

/// The lines of a table that are neither empty nor comments.
pub(super) struct Lines<'a> {
    /// Each with its place in the file, from 1.
    pub lines: Vec<(usize, Cow<'a, str>)>,
    /// Tab, semicolon or comma; a space stands for runs of spaces.
    pub separator: char,
    /// The last comment above them, without its mark: some programs write the names of the columns there.
    pub comment: Option<(usize, Cow<'a, str>)>,
}

impl<'a> Lines<'a> {
    /// Lines that start with `#`, `%` or `//` are comments.
    pub fn new(text: &'a str) -> Self {
        let end = if text.contains('\n') { '\n' } else { '\r' };
        let raw: Vec<&str> = text.split(end).map(|line| line.trim_end_matches('\r')).collect();
        let open = |line: &str| line.matches('"').count() % 2 == 1;
        let (mut lines, mut comment) = (Vec::new(), None);
        let mut at = 0;
        while let Some(&line) = raw.get(at) {
            at += 1;
            let row = at;
            let trimmed = line.trim_start();
            let said = trimmed.strip_prefix(['#', '%']).or_else(|| trimmed.strip_prefix("//"));
            if let Some(said) = said {
                if lines.is_empty() {
                    comment = Some((row, Cow::Borrowed(said)));
                }
                continue;
            }
            // Rows that a spreadsheet left empty still have their separators.
            if line.chars().all(|c| c.is_whitespace() || matches!(c, ',' | ';')) {
                continue;
            }
            // A heading in quotation marks may have a line break.
            let after = raw.get(at..).unwrap_or_default();
            let close = if open(line) { after.iter().take(QUOTED).position(|line| open(line)) } else { None };
            let line = close.map_or(Cow::Borrowed(line), |close| {
                let rest = after.get(..=close).unwrap_or_default().join(" ");
                Cow::Owned(format!("{line} {rest}"))
            });
            at += close.map_or(0, |close| close + 1);
            lines.push((row, line));
        }
        let separator = separator(&lines);
        if separator == ' ' {
            lines.iter_mut().chain(&mut comment).for_each(|(_, line)| glue(line));
        }
        Self { lines, separator, comment }
    }

    /// The cells of a line.
    pub fn cells<'l>(&self, line: &'l str) -> Vec<&'l str> {
        cells(line, self.separator)
    }

    /// The number in a cell.
    pub fn number(&self, cell: &str) -> Option<f64> {
        number(cell, self.separator)
    }
}

/// Bytes as text: UTF-8; UTF-16, where its mark says so (Excel's Unicode text); else each byte is a character, which is
/// right for the micro and degree signs of western instruments.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| from(*pair)).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let rest = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            let latin = || Cow::Owned(rest.iter().map(|byte| char::from(*byte)).collect());
            std::str::from_utf8(rest).map_or_else(|_| latin(), Cow::Borrowed)
        }
    }
}

/// That which finds the most numbers, and the fewest words beside them; among alike ones the one that numbers themselves
/// hold least, so that `1,5;2,5` is two numbers with decimal commas.
fn separator(lines: &[(usize, Cow<'_, str>)]) -> char {
    let step = lines.len().div_ceil(ASKED).max(1);
    let found = |separator: char| -> i64 {
        let numbers = |line: &str| {
            let cells = cells(line, separator);
            let numbers = cells.iter().filter(|cell| number(cell, separator).is_some()).count();
            let words = cells.iter().filter(|cell| !cell.is_empty()).count() - numbers;
            if cells.len() < 2 || numbers == 0 { 0 } else { numbers as i64 - words as i64 }
        };
        lines.iter().step_by(step).map(|(_, line)| numbers(line)).sum()
    };
    let best = [',', ' ', ';', '\t'].into_iter().map(|c| (found(c), c)).max_by_key(|(found, _)| *found);
    best.filter(|(found, _)| *found > 0).map_or(',', |(_, separator)| separator)
}

/// Without the spaces and quotation marks round them. A separator at the end closes the last cell and opens none.
fn cells(line: &str, separator: char) -> Vec<&str> {
    if separator == ' ' {
        return line
            .split(|c: char| c.is_whitespace() && c != GLUE)
            .filter(|cell| !cell.is_empty())
            .collect();
    }
    let mut quoted = false;
    let parts = line.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    let mut cells: Vec<&str> = parts.map(|cell| unquoted(cell.trim())).collect();
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.is_empty()) {
        cells.pop();
    }
    cells
}

fn unquoted(cell: &str) -> &str {
    cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).map_or(cell, str::trim)
}

/// A decimal comma is understood where it does not separate cells.
fn number(cell: &str, separator: char) -> Option<f64> {
    match cell.split_once(',').filter(|_| separator != ',') {
        Some((whole, part)) => {
            let digits = whole.ends_with(|c: char| c.is_ascii_digit())
                && part.starts_with(|c: char| c.is_ascii_digit())
                && !whole.contains('.');
            if digits { format!("{whole}.{part}").parse().ok() } else { None }
        }
        None => cell.parse().ok(),
    }
}

/// Keeps `Energy (eV)` and `Wavelength / nm` one cell where spaces separate.
fn glue(line: &mut Cow<'_, str>) {
    if !line.contains(['(', '[', '/']) {
        return;
    }
    let mut whole = line.replace(" (", "\u{a0}(").replace(" [", "\u{a0}[").replace(" / ", "\u{a0}/\u{a0}");
    let mut depth = 0_usize;
    let inside = |c: char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == ' ' && depth > 0 { GLUE } else { c }
    };
    whole = whole.chars().map(inside).collect();
    *line = Cow::Owned(whole);
}

/// At most as much of a cell as a message has room for.
pub(super) fn short(cell: &str) -> String {
    cell.chars().take(24).collect()
}

/// The unit in the heading of an axis: `x` has none, `x (eV)` has eV; nothing for what is no such heading.
pub(super) fn unit_of(cell: &str) -> Option<String> {
    let rest = cell.strip_prefix(['x', 'X'])?.trim();
    if rest.is_empty() {
        Some(String::new())
    } else {
        heading_unit(cell).filter(|_| rest.starts_with(['(', '[', '/']))
    }
}

/// The unit of a heading: `Energy (eV)`, `Energy [eV]`, `Wavelength / nm`.
pub(super) fn heading_unit(cell: &str) -> Option<String> {
    let cell = cell.replace(GLUE, " ");
    let square = || Some(cell.trim().strip_suffix(']')?.rsplit_once('[')?.1.to_owned());
    let slash = || {
        let letters = || cell.split_once('/').filter(|(name, _)| name.ends_with(char::is_alphabetic));
        Some(cell.split_once(" / ").or_else(letters)?.1.to_owned())
    };
    let unit = unit_in(&cell).or_else(square).or_else(slash)?.trim().to_owned();
    Some(unit).filter(|unit| !unit.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn separated(text: &str, separator: char, first: &[&str]) {
        let lines = Lines::new(text);
        assert_eq!(lines.separator, separator, "{text}");
        assert_eq!(lines.cells(&lines.lines[0].1), first);
    }

    #[test]
    fn what_separates_is_what_finds_the_most_numbers() {
        separated("1,2,3\n4,5,6\n", ',', &["1", "2", "3"]);
        separated("1, 2,3,\n4 ,5, 6,\n", ',', &["1", "2", "3"]);
        separated("1,5;2,5\n3,5;4,5", ';', &["1,5", "2,5"]);
        separated("1,5\t2,5\n\t4,5", '\t', &["1,5", "2,5"]);
        separated("  1,5   2,5\n3,5 4,5", ' ', &["1,5", "2,5"]);
        // A gap is a gap, although without it the tabs would be spaces.
        separated("1\t\t3\n4\t5\t6\n", '\t', &["1", "", "3"]);
        separated(
            "Energy (arb. u.) day / h I1\n1 2 3\n4 5 6",
            ' ',
            &["Energy\u{a0}(arb.\u{a0}u.)", "day\u{a0}/\u{a0}h", "I1"],
        );
        separated("\"E, fine\n(eV)\",\"5\"\n4,5", ',', &["E, fine (eV)", "5"]);
        separated("only words", ',', &["only words"]);
    }

    #[test]
    fn a_decimal_comma_is_one_where_it_does_not_separate() {
        assert_eq!((number("-1,5e3", ';'), number("2.5", '\t')), (Some(-1500.0), Some(2.5)));
        for cell in ["1.234,5", "1,234,567", "1,", ",5", "1,x", ""] {
            assert_eq!(number(cell, ';'), None, "{cell}");
        }
        assert_eq!(number("1,5", ','), None);
    }

    #[test]
    fn lines_keep_their_places_and_comments_are_left_out() {
        let lines = Lines::new("# a\r\n#b c\r\n\r\n1,2\r\n,,,\r\n % d\r\n// e\r\n3,4\r\n");
        let rows: Vec<usize> = lines.lines.iter().map(|(row, _)| *row).collect();
        assert_eq!((rows, lines.comment), (vec![4, 8], Some((2, "b c".into()))));
        assert_eq!(Lines::new("1,2\r3,4\r").lines.len(), 2);
    }

    #[test]
    fn text_is_read_in_the_three_ways_that_instruments_write() {
        let wide: Vec<u8> = "\u{feff}\u{b5}m\t1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(&wide), "\u{b5}m\t1");
        assert_eq!(decoded(b"\xb5m"), "\u{b5}m");
        assert_eq!(decoded("\u{feff}\u{b5}m".as_bytes()), "\u{b5}m");
    }

    #[test]
    fn the_unit_stands_in_brackets_or_after_a_slash() {
        for (heading, unit) in [
            ("Energy (eV)", Some("eV")),
            ("Raman shift [cm-1]", Some("cm-1")),
            ("Wavelength / nm", Some("nm")),
            ("Wavelength/nm", Some("nm")),
            ("k / 1/nm", Some("1/nm")),
            ("Energy", None),
            ("Energy ()", None),
        ] {
            assert_eq!(heading_unit(heading).as_deref(), unit, "{heading}");
        }
    }
}
