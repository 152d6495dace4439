//! Tables with a row a particle: RELION's STAR files, and this program's own CSV.

use super::{read_text, row};
use crate::library::star;
use crate::project::Project;
use crate::project::labels::LabelRow;
use crate::{Error, Result};
use std::io::{self, Write};
use std::path::Path;

const FORMAT: &str = "STAR";

/// Any table with `rlnCoordinateX` and `rlnCoordinateY`: particles of all versions of RELION, and picks, which name no
/// micrograph. A particle's origin is taken off, so that the point is its learned centre. Classes are named by
/// `nanoClassName`, which this program writes, or by `class 3` from `rlnClassNumber`.
pub(super) fn read_star(path: &Path, image: impl Fn() -> Result<String>) -> Result<Vec<LabelRow>> {
    let text = read_text(path, FORMAT)?;
    let star = star::read(&text, path)?;
    let table = star.blocks.iter().find(|block| block.columns.iter().any(|name| name == "rlnCoordinateX"));
    let Some(table) = table else {
        return Err(Error::file(path, FORMAT, "columns", "there is no table with rlnCoordinateX"));
    };
    let numbers = |column: &str| match table.texts(column) {
        None => Ok(None),
        Some(_) => table
            .numbers(column)
            .map(Some)
            .ok_or_else(|| Error::file(path, FORMAT, column, "one of its values is not a number")),
    };
    let needed = |column: &str| {
        numbers(column)?.ok_or_else(|| Error::file(path, FORMAT, column, "this column is missing"))
    };
    let (x, y) = (needed("rlnCoordinateX")?, needed("rlnCoordinateY")?);
    let pixel = pixel_sizes(&star, table);
    let mut origin = [numbers("rlnOriginX")?, numbers("rlnOriginY")?];
    for (origin, column) in origin.iter_mut().zip(["rlnOriginXAngst", "rlnOriginYAngst"]) {
        if origin.is_none()
            && let Some(angstrom) = numbers(column)?
        {
            let pixels = angstrom.iter().enumerate().map(|(i, v)| {
                if *v == 0.0 {
                    return Ok(0.0);
                }
                pixel(i).map(|size| v / size).ok_or_else(|| {
                    let problem =
                        "the optics table gives no pixel size, so that the origin cannot be taken off";
                    Error::file(path, FORMAT, column, problem)
                })
            });
            *origin = Some(pixels.collect::<Result<_>>()?);
        }
    }
    let class = numbers("rlnClassNumber")?;
    let (names, micrographs) = (table.texts("nanoClassName"), table.texts("rlnMicrographName"));
    let one = if micrographs.is_none() { image()? } else { String::new() };
    let at = |column: &Option<Vec<f64>>, i: usize| column.as_ref().map_or(0.0, |values| values[i]);
    (0..x.len())
        .map(|i| {
            let image = micrographs.as_ref().map_or(one.as_str(), |names| names[i]);
            let mut row = row(i + 1, image, x[i] - at(&origin[0], i), y[i] - at(&origin[1], i));
            if !(row.x.is_finite() && row.y.is_finite()) {
                return Err(Error::file(
                    path,
                    FORMAT,
                    format!("row {}", i + 1),
                    "the coordinates are not finite",
                ));
            }
            let number = at(&class, i);
            let numbered = (number >= 1.0).then(|| format!("class {number}"));
            row.class =
                names.as_ref().map_or(numbered, |names| Some(names[i].to_owned()).filter(|n| n != "none"));
            Ok(row)
        })
        .collect()
}

/// The micrograph's pixel size, in Angstrom, of each row of the table.
fn pixel_sizes(star: &star::Star, table: &star::Block) -> impl Fn(usize) -> Option<f64> {
    let groups = table.numbers("rlnOpticsGroup");
    let optics = star.block("optics").and_then(|optics| {
        let columns = ["rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize", "rlnImagePixelSize"];
        let sizes = columns.iter().find_map(|column| optics.numbers(column))?;
        Some((optics.numbers("rlnOpticsGroup"), sizes))
    });
    move |row| {
        let (numbers, sizes) = optics.as_ref()?;
        let place = match (numbers, &groups) {
            (Some(numbers), Some(groups)) => {
                numbers.iter().position(|number| Some(number) == groups.get(row))?
            }
            _ => 0,
        };
        sizes.get(place).copied().filter(|size| *size > 0.0)
    }
}

/// The picks of all micrographs as one STAR table.
///
/// # Errors
/// None that a project can cause.
pub fn write_star(project: &Project) -> io::Result<Vec<u8>> {
    let names = project.micrograph_names();
    let mut to = b"# version 30001\n\ndata_particles\n\nloop_\n".to_vec();
    let columns =
        ["rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY", "rlnClassNumber", "nanoClassName"];
    for (i, column) in columns.iter().enumerate() {
        writeln!(to, "_{column} #{}", i + 1)?;
    }
    for particle in project.particles.values() {
        let place = particle.label.and_then(|id| project.class_index(id));
        let class =
            place.and_then(|place| project.classes.get(place)).map_or("none", |class| class.name.as_str());
        let micrograph = names.get(&particle.micrograph).map_or("none", String::as_str);
        let number = place.map_or(0, |place| place + 1);
        let quoted = star::quoted;
        writeln!(
            to,
            "{} {:.4} {:.4} {number} {}",
            quoted(micrograph),
            particle.x,
            particle.y,
            quoted(class)
        )?;
    }
    writeln!(to)?;
    Ok(to)
}

/// All that [`crate::project::labels::read`] reads.
///
/// # Errors
/// None that a project can cause.
pub fn write_csv(project: &Project) -> io::Result<Vec<u8>> {
    let names = project.micrograph_names();
    let mut table = csv::Writer::from_writer(Vec::new());
    let plain = |error: csv::Error| io::Error::other(error.to_string());
    table.write_record(["image", "x", "y", "class", "held_out", "diameter"]).map_err(plain)?;
    for particle in project.particles.values() {
        let class = particle.label.and_then(|id| project.class(id)).map_or("", |class| class.name.as_str());
        let record = [
            names.get(&particle.micrograph).cloned().unwrap_or_default(),
            particle.x.to_string(),
            particle.y.to_string(),
            class.to_owned(),
            particle.held_out.to_string(),
            particle.diameter.map_or_else(String::new, |diameter| diameter.to_string()),
        ];
        table.write_record(record).map_err(plain)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}
