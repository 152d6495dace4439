//! EMAN's boxes, `x y w h` a line, and crYOLO's CBOX, the same as a STAR table. x and y are the corner of the box in
//! whole pixels counted by their centres, so the particle lies at x + w / 2.

use super::{read_text, row};
use crate::library::star;
use crate::particle::Particle;
use crate::project::labels::LabelRow;
use crate::project::{MicrographEntry, Project};
use crate::{Error, Result};
use std::io::{self, Write};
use std::path::Path;

const FORMAT: &str = "BOX";

pub(super) fn read(path: &Path, image: impl Fn() -> Result<String>) -> Result<Vec<LabelRow>> {
    let text = read_text(path, FORMAT)?;
    let image = image()?;
    let mut rows = Vec::new();
    let mut add = |line: usize, numbers: &[f64]| {
        let [x, y, w, h, ..] = *numbers else {
            let problem = format!("{} numbers where a box has four: x y w h", numbers.len());
            return Err(Error::file(path, FORMAT, format!("line {line}"), problem));
        };
        if !(w > 0.0 && h > 0.0 && x.is_finite() && y.is_finite() && w.is_finite() && h.is_finite()) {
            let problem = format!("{x} {y} {w} {h} is no box");
            return Err(Error::file(path, FORMAT, format!("line {line}"), problem));
        }
        let mut row = row(line, &image, x + w / 2.0, y + h / 2.0);
        row.diameter = Some(w.min(h) as f32);
        rows.push(row);
        Ok(())
    };
    if text.contains("data_") {
        let star = star::read(&text, path)?;
        let columns = ["CoordinateX", "CoordinateY", "Width", "Height"];
        let table = star
            .blocks
            .iter()
            .find_map(|block| columns.iter().map(|column| block.numbers(column)).collect::<Option<Vec<_>>>());
        let Some(table) = table else {
            let problem = format!("there is no table with {}", columns.join(", "));
            return Err(Error::file(path, FORMAT, "columns", problem));
        };
        let places = table[0].iter().zip(&table[1]).zip(table[2].iter().zip(&table[3]));
        for (i, ((x, y), (w, h))) in places.enumerate() {
            add(i + 1, &[*x, *y, *w, *h])?;
        }
    } else {
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let numbers = line.split([' ', '\t', ',']).filter(|word| !word.is_empty());
            let numbers = numbers.map(|word| {
                let problem = || {
                    Error::file(path, FORMAT, format!("line {}", i + 1), format!("`{word}` is not a number"))
                };
                word.parse::<f64>().map_err(|_| problem())
            });
            add(i + 1, &numbers.collect::<Result<Vec<f64>>>()?)?;
        }
    }
    Ok(rows)
}

pub(super) fn write(project: &Project, entry: &MicrographEntry) -> io::Result<Vec<u8>> {
    let mut to = Vec::new();
    let usual = project.usual_diameter(entry.id);
    for Particle { x, y, diameter, .. } in project.particles_on(entry.id) {
        // An even whole side, as EMAN wants it; the corner then keeps the centre's fraction.
        let side = 2.0 * (diameter.unwrap_or(usual) / 2.0).round().max(1.0);
        writeln!(to, "{:.3}\t{:.3}\t{side}\t{side}", x - side / 2.0, y - side / 2.0)?;
    }
    Ok(to)
}
