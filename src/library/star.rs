//! `particles.star`: the library in the columns of RELION 3.1 and later.
//!
//! RELION turns and shifts an *image* to fit its reference: `image(x, y) = reference(x cos psi - y sin psi,
//! x sin psi + y cos psi)`, x right, y down, round the particle's centre, and the centre is
//! `coordinate - origin / pixel size`. So `rlnAnglePsi` is our `angle_deg`, a turn counter-clockwise on the screen, and
//! the origin is minus our shift. A test draws an F, turned and off its mark, and rebuilds it from the file alone.

use super::{Library, Record};
use crate::{Error, Result};
use std::io::{self, Write};
use std::path::Path;

const FORMAT: &str = "STAR";
/// Where the micrograph has no scale: the value written, in Angstrom per pixel.
const NO_SCALE: f64 = 1.0;

/// Writes `particles.star`. Patches are named `000001@stack.mrcs`, relative to the folder of the file.
///
/// # Errors
/// What the writer says.
pub fn write(library: &Library, to: &mut dyn Write) -> io::Result<()> {
    let groups = Optics::groups(library);
    comments(library, to)?;
    optics(&groups, library.side, to)?;
    let mut columns = vec![
        "rlnImageName",
        "rlnMicrographName",
        "rlnCoordinateX",
        "rlnCoordinateY",
        "rlnOpticsGroup",
        "rlnClassNumber",
        "rlnAngleRot",
        "rlnAngleTilt",
        "rlnAnglePsi",
        "rlnOriginXAngst",
        "rlnOriginYAngst",
        "rlnMaxValueProbDistribution",
    ];
    let latents: Vec<String> = (1..=library.latents).map(|i| format!("nanoLatent{i}")).collect();
    columns.extend(latents.iter().map(String::as_str));
    head("particles", &columns, to)?;
    for (i, record) in library.records.iter().enumerate() {
        let optics = Optics::of(record);
        let group = groups.iter().position(|other| *other == optics).map_or(1, |place| place + 1);
        let [shift_x, shift_y] = record.shift_px.unwrap_or_default();
        let origin = |shift: f64| 0.0 - shift * optics.micrograph();
        let probability = record.class.and_then(|class| record.probabilities.get(class).copied().flatten());
        write!(
            to,
            "{:06}@stack.mrcs {} {:12.6} {:12.6} {group} {} {:.6} {:.6} {:12.6} {:12.6} {:12.6} {:.6}",
            i + 1,
            quoted(&record.micrograph),
            record.x_px,
            record.y_px,
            record.class.map_or(0, |class| class + 1),
            0.0,
            0.0,
            record.angle_deg.unwrap_or(0.0),
            origin(shift_x),
            origin(shift_y),
            probability.unwrap_or(0.0),
        )?;
        for latent in &record.latents {
            write!(to, " {latent:10.6}")?;
        }
        writeln!(to)?;
    }
    writeln!(to)
}

/// Writes `classes.csv`, the names behind `rlnClassNumber`: STAR has no column for them.
///
/// # Errors
/// What the writer says.
pub fn write_classes(library: &Library, to: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(to);
    let plain = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    };
    table.write_record(["number", "name"]).map_err(plain)?;
    for (i, name) in library.classes.iter().enumerate() {
        table.write_record([(i + 1).to_string().as_str(), name]).map_err(plain)?;
    }
    table.flush()
}

/// Pixel sizes that go together, in femtometres (the 1e-5 A that is written), so that equal means equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Optics {
    scale: bool,
    micrograph_fm: u64,
    image_fm: u64,
}

impl Optics {
    fn of(record: &Record) -> Self {
        let fm = |angstrom: f64| (angstrom * 1e5).round() as u64;
        let [px, py] = record.patch_pixel_px;
        let micrograph = record.pixel_nm.map_or(NO_SCALE, |nm| 10.0 * (nm[0] * nm[1]).sqrt());
        let image = record.patch_pixel_nm.map_or(NO_SCALE * (px * py).sqrt(), |nm| 10.0 * nm);
        Self { scale: record.pixel_nm.is_some(), micrograph_fm: fm(micrograph), image_fm: fm(image) }
    }

    /// The different ones in the order of first use.
    fn groups(library: &Library) -> Vec<Self> {
        let mut groups = Vec::new();
        for optics in library.records.iter().map(Self::of) {
            if !groups.contains(&optics) {
                groups.push(optics);
            }
        }
        groups
    }

    /// Angstrom per pixel of the micrograph, as written.
    fn micrograph(&self) -> f64 {
        self.micrograph_fm as f64 / 1e5
    }

    /// Angstrom per pixel of the patch, as written.
    fn image(&self) -> f64 {
        self.image_fm as f64 / 1e5
    }
}

fn comments(library: &Library, to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "# nanotheca {}: a particle library for RELION 3.1 and later", env!("CARGO_PKG_VERSION"))?;
    writeln!(
        to,
        "# Image names are relative to the folder of this file; the names of the classes are in classes.csv."
    )?;
    writeln!(to, "# Coordinates: pixels, x right, y down, the centre of the top-left pixel is 0 0.")?;
    writeln!(to, "# Centre of a particle = coordinate - origin / micrograph pixel size.")?;
    writeln!(to, "# Psi: degrees, counter-clockwise with the first row of the image on top.")?;
    writeln!(
        to,
        "# Voltage, aberration and amplitude contrast are placeholders: RELION wants them, nothing here uses them."
    )?;
    if library.records.iter().any(|record| record.pixel_nm.is_none()) {
        writeln!(
            to,
            "# The pixel size of some micrographs is not known: 1 A per pixel stands in for it (group name noScale)."
        )?;
    }
    writeln!(to)
}

fn optics(groups: &[Optics], side: usize, to: &mut dyn Write) -> io::Result<()> {
    let columns = [
        "rlnOpticsGroupName",
        "rlnOpticsGroup",
        "rlnMicrographOriginalPixelSize",
        "rlnMicrographPixelSize",
        "rlnImagePixelSize",
        "rlnImageSize",
        "rlnImageDimensionality",
        "rlnVoltage",
        "rlnSphericalAberration",
        "rlnAmplitudeContrast",
    ];
    head("optics", &columns, to)?;
    for (i, group) in groups.iter().enumerate() {
        let (name, number) = (if group.scale { "opticsGroup" } else { "noScale" }, i + 1);
        let (micrograph, image) = (group.micrograph(), group.image());
        writeln!(
            to,
            "{name}{number} {number} {micrograph:.5} {micrograph:.5} {image:.5} {side} 2 300.000000 2.700000 0.100000"
        )?;
    }
    writeln!(to)
}

fn head(block: &str, columns: &[&str], to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "data_{block}\n\nloop_")?;
    for (i, column) in columns.iter().enumerate() {
        writeln!(to, "_{column} #{}", i + 1)?;
    }
    Ok(())
}

/// A value with spaces or signs that mean something in a STAR file goes between quotes.
pub(super) fn quoted(value: &str) -> String {
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '#');
    let reserved = ["data_", "loop_", "_", "$"].iter().any(|start| value.starts_with(start));
    if !value.is_empty() && !reserved && !value.contains(special) {
        return value.to_owned();
    }
    let value = value.replace(['\n', '\r', '\t'], " ");
    // Of two kinds of marks in a value the one that ends a word would end the value, too.
    let mark = match (value.contains('"'), value.contains('\'')) {
        (false, _) => '"',
        (true, true) if !value.contains("\" ") => '"',
        _ => '\'',
    };
    format!("{mark}{value}{mark}")
}

/// A STAR file read back: its data blocks in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Star {
    pub blocks: Vec<Block>,
}

/// One table of a STAR file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Without `data_`.
    pub name: String,
    /// Without the leading underscore.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Star {
    /// The block of this name.
    pub fn block(&self, name: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.name == name)
    }
}

impl Block {
    /// One column as text.
    pub fn texts(&self, column: &str) -> Option<Vec<&str>> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.rows.iter().map(|row| row.get(place).map(String::as_str)).collect()
    }

    /// One column as numbers; `None` if it is not there or a value is no number.
    pub fn numbers(&self, column: &str) -> Option<Vec<f64>> {
        self.texts(column)?.into_iter().map(|text| text.parse().ok()).collect()
    }
}

/// Reads the loops of a STAR file; `path` is named in errors.
///
/// # Errors
/// [`Error::File`] with the line for a value outside a table and for a row of another length than its table.
pub fn read(text: &str, path: &Path) -> Result<Star> {
    let mut star = Star { blocks: Vec::new() };
    for (i, line) in text.lines().enumerate() {
        let wrong = |problem: String| Error::file(path, FORMAT, format!("line {}", i + 1), problem);
        let values = tokens(line);
        let Some(first) = values.first() else { continue };
        if let Some(name) = line.trim_start().strip_prefix("data_") {
            star.blocks.push(Block { name: name.trim_end().to_owned(), ..Block::default() });
            continue;
        }
        let Some(block) = star.blocks.last_mut() else {
            return Err(wrong(format!("`{first}` stands before the first data block")));
        };
        if first == "loop_" {
            // A second table of the same data block.
            if !block.columns.is_empty() {
                let name = block.name.clone();
                star.blocks.push(Block { name, ..Block::default() });
            }
            continue;
        }
        // A value may begin with an underscore, too: columns end where rows begin.
        let heading = line.trim_start().strip_prefix('_').filter(|_| block.rows.is_empty());
        if let Some(column) = heading {
            block.columns.extend(column.split_whitespace().next().map(str::to_owned));
        } else if values.len() == block.columns.len() {
            block.rows.push(values);
        } else {
            let (values, columns) = (values.len(), block.columns.len());
            return Err(wrong(format!("{values} values for {columns} columns")));
        }
    }
    Ok(star)
}

/// The values of a line: between spaces, or between quotes; what follows a `#` is a comment. A quote within a word is part of
/// it, as STAR wants it: only one with a space or nothing behind it ends a value.
fn tokens(line: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '#' => break,
            '"' | '\'' => {
                let inner = &rest[1..];
                let ends = |i: &usize| inner[i + 1..].chars().next().is_none_or(char::is_whitespace);
                let mut marks = inner.match_indices(first).map(|(i, _)| i);
                let end = marks.find(ends).unwrap_or(inner.len());
                values.push(inner[..end].to_owned());
                (end + 2).min(rest.len())
            }
            _ => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                values.push(rest[..end].to_owned());
                end
            }
        };
        rest = rest[end..].trim_start();
    }
    values
}
