//! `nanotheca cards`: the published test pictures, drawn.

use crate::error::{Error, Result};
use crate::project::atomic::write_file;
use crate::sample::cards::{self, Cards, Outlines, Ranges};
use clap::{Args, ValueEnum};
use npyz::WriterBuilder;
use npyz::npz::NpzWriter;
use std::io::{self, Cursor};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Options {
    /// Folder for labelled.npz, unlabelled.npz and validation.npz.
    #[arg(long)]
    out: PathBuf,
    /// Side of a picture, pixels.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(8..=512))]
    px: u16,
    /// How the suits are drawn: spades as hearts turned over, or as the symbols of a font, as in the published pictures.
    #[arg(long, value_enum, default_value_t)]
    outlines: Drawn,
    /// Largest rotation of unlabelled and validation pictures, degrees; labelled ones stand upright within 5.
    #[arg(long, default_value_t = 60.0)]
    angle: f32,
    /// Labelled pictures a suit.
    #[arg(long, default_value_t = 200)]
    labelled: usize,
    /// Pictures a suit without a label.
    #[arg(long, default_value_t = 3000)]
    unlabelled: usize,
    /// Pictures a suit that only measure accuracy.
    #[arg(long, default_value_t = 1000)]
    validation: usize,
    /// Normal noise laid over the validation pictures, standard deviation; they span 0..1.
    #[arg(long, default_value_t = 0.0)]
    noise: f32,
    /// Share of the validation pictures' pixels that are overwritten with 1.
    #[arg(long, default_value_t = 0.0)]
    overwritten: f32,
    /// Another seed draws other pictures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How the suits are drawn.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Drawn {
    /// A spade is a heart turned over, with a foot.
    #[default]
    Alike,
    /// As a font's.
    Symbols,
}

impl From<Drawn> for Outlines {
    fn from(drawn: Drawn) -> Self {
        match drawn {
            Drawn::Alike => Self::Alike,
            Drawn::Symbols => Self::Symbols,
        }
    }
}

/// Draws and writes the three sets.
///
/// # Errors
/// A range that makes no sense; a file that cannot be written.
pub fn run(options: &Options) -> Result<()> {
    let fine = options.angle.is_finite()
        && options.noise.is_finite()
        && options.noise >= 0.0
        && (0.0..=1.0).contains(&options.overwritten);
    if !fine {
        let problem = "angle and noise must be numbers, noise at least 0, overwritten from 0 to 1";
        return Err(Error::invalid("cards", problem));
    }
    std::fs::create_dir_all(&options.out).map_err(|e| Error::io(&options.out, "create", e))?;
    let (upright, turned) = (
        Ranges { outlines: options.outlines.into(), angle_deg: 5.0, ..Ranges::default() },
        Ranges {
            outlines: options.outlines.into(),
            angle_deg: options.angle,
            shift: 0.1,
            ..Ranges::default()
        },
    );
    let sets = [
        ("labelled", options.labelled, upright),
        ("unlabelled", options.unlabelled, turned),
        ("validation", options.validation, turned),
    ];
    for (i, (name, n, ranges)) in sets.into_iter().enumerate() {
        let mut set = cards::draw(n, usize::from(options.px), ranges, options.seed * 3 + i as u64);
        if name == "validation" {
            set.spoil(options.noise, options.overwritten, options.seed);
        }
        write(options, name, &set)?;
        say!("{name}: {} pictures of {} px", set.factors.len(), set.side);
    }
    Ok(())
}

fn write(options: &Options, name: &str, set: &Cards) -> Result<()> {
    let bytes = npz(set, name != "unlabelled").map_err(|e| Error::io(&options.out, "write", e))?;
    write_file(&options.out.join(format!("{name}.npz")), |to| to.write_all(&bytes))
}

/// Images f32, labels (-1 where they are a secret) and every factor.
fn npz(set: &Cards, labels: bool) -> io::Result<Vec<u8>> {
    let (n, side) = (set.factors.len() as u64, set.side as u64);
    let mut bytes = Cursor::new(Vec::new());
    let mut out = NpzWriter::new(&mut bytes);
    let mut array = |name: &str, shape: &[u64], values: Vec<f32>| -> io::Result<()> {
        let mut writer = out
            .array(name, npyz::zip::write::FileOptions::default())?
            .default_dtype()
            .shape(shape)
            .begin_nd()?;
        writer.extend(values)?;
        writer.finish()
    };
    let each = |of: fn(&cards::Factors) -> f32| set.factors.iter().map(of).collect::<Vec<f32>>();
    let pair = |of: fn(&cards::Factors) -> [f32; 2]| set.factors.iter().flat_map(of).collect::<Vec<f32>>();
    array("images", &[n, side, side], set.pixels.clone())?;
    array("angle_deg", &[n], each(|f| f.angle_deg))?;
    array("scale", &[n], each(|f| f.scale))?;
    array("shear_deg", &[n, 2], pair(|f| f.shear_deg))?;
    array("shift", &[n, 2], pair(|f| f.shift))?;
    let mut writer = out
        .array("labels", npyz::zip::write::FileOptions::default())?
        .default_dtype()
        .shape(&[n])
        .begin_nd()?;
    writer.extend(set.factors.iter().map(|f| if labels { f.suit as i32 } else { -1 }))?;
    writer.finish()?;
    drop(out);
    Ok(bytes.into_inner())
}
