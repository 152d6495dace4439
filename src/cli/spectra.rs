//! `nanotheca spectra`: the shift-VAE on one-dimensional data.

use super::{Compute, PresetName, command_line};
use crate::error::{Error, Result};
use crate::explore::spectra::{self, COLLAPSED_SD, Spectra, SpectraFound};
use crate::library::maps::refuse_used;
use crate::project::atomic;
use crate::train::shift::{self, MapSettings};
use crate::worker::device;
use clap::Args;
use npyz::NpyFile;
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Args)]
pub struct Options {
    /// CSV (a spectrum a row; a first row of numbers that rise or fall evenly under the heading `x` is the axis), NPY of
    /// shape (N, points), or NPZ with `spectra` and, if it has one, `x`.
    file: PathBuf,
    /// A new folder for what is found.
    #[arg(long)]
    out: PathBuf,
    /// Content latents, 1 to 8.
    #[arg(long)]
    latent: Option<usize>,
    #[arg(long)]
    epochs: Option<usize>,
    /// Standard deviation of the shift prior; the axis is 2 long. 0 is a plain VAE, which knows no shift.
    #[arg(long)]
    dx_prior: Option<f32>,
    #[arg(long, value_enum, default_value_t)]
    preset: PresetName,
    /// Print what spectra.json holds.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Learns and writes the folder.
///
/// # Errors
/// A file that cannot be read, options out of range, a folder that cannot be written.
pub fn run(options: &Options) -> Result<()> {
    refuse_used(&options.out)?;
    let spectra = open(&options.file)?;
    let settings = options.settings()?;
    let chosen = device::choose(options.compute.device.into());
    if let Some(sentence) = &chosen.fallback {
        eprintln!("{sentence}");
    }
    let began = Instant::now();
    let found = spectra::learn(&spectra, &settings, &chosen.device, chosen.tiled, &mut |_, _| true)?;
    let seconds = began.elapsed().as_secs_f64();
    let document = document(options, &spectra, &found, &settings, seconds, &chosen.name);
    write(&options.out, &spectra, &found, &settings, &document)?;
    if options.json {
        println!("{document:#}");
    } else {
        print(&found, seconds, &options.out);
    }
    Ok(())
}

impl Options {
    fn settings(&self) -> Result<MapSettings> {
        let mut settings = MapSettings::spectra(self.preset.into());
        settings.latent = self.latent.unwrap_or(settings.latent);
        settings.epochs = self.epochs.unwrap_or(settings.epochs);
        settings.seed = self.compute.seed;
        match self.dx_prior {
            Some(0.0) => {
                settings.invariances.translation = false;
                settings.preset = crate::train::config::Preset::Default;
            }
            Some(prior) => settings.shift_prior = Some(prior),
            None => {}
        }
        settings.check()?;
        Ok(settings)
    }
}

/// Reads spectra by the file's ending.
fn open(path: &Path) -> Result<Spectra> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let read = match ending.as_str() {
        "csv" | "txt" => csv(path),
        "npy" => npy(path),
        "npz" => npz(path),
        other => {
            let problem = format!("`{other}` is not read; use CSV, NPY or NPZ");
            Err(Error::file(path, "spectra", "ending", problem))
        }
    };
    let (x, values) = read?;
    Spectra::new(x, values).map_err(|e| Error::file(path, "spectra", "content", e.to_string()))
}

type Table = (Vec<f64>, Vec<f32>);
/// Shape and values, or what is wrong with them.
type Array = std::result::Result<(Vec<usize>, Vec<f64>), String>;

fn csv(path: &Path) -> Result<Table> {
    let wrong = |row: usize, problem: String| Error::file(path, "CSV", format!("row {}", row + 1), problem);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| Error::file(path, "CSV", "file", e.to_string()))?;
    let (mut x, mut values, mut points) = (None, Vec::new(), None);
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| wrong(row, e.to_string()))?;
        let named = record.get(0).is_some_and(|first| first.eq_ignore_ascii_case("x"));
        let cells: Vec<&str> = record.iter().skip(usize::from(named)).collect();
        let numbers: std::result::Result<Vec<f64>, _> = cells.iter().map(|c| c.parse::<f64>()).collect();
        match numbers {
            Err(_) if row == 0 => {}
            Err(_) => return Err(wrong(row, "it holds something that is not a number".into())),
            Ok(numbers) if named => x = Some(numbers),
            Ok(numbers) => {
                let expected = *points.get_or_insert(numbers.len());
                if numbers.len() != expected {
                    let problem = format!("it has {} values, the first spectrum {expected}", numbers.len());
                    return Err(wrong(row, problem));
                }
                values.extend(numbers.iter().map(|v| *v as f32));
            }
        }
    }
    let points = points.unwrap_or(0);
    let x = x.unwrap_or_else(|| index(points));
    if x.len() != points {
        return Err(wrong(0, format!("the axis has {} values, the spectra {points}", x.len())));
    }
    Ok((x, values))
}

fn index(points: usize) -> Vec<f64> {
    (0..points).map(|i| i as f64).collect()
}

fn npy(path: &Path) -> Result<Table> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, "open", e))?;
    let (shape, values) = array(&bytes[..]).map_err(|e| Error::file(path, "NPY", "array", e))?;
    let points = shape.last().copied().unwrap_or(0);
    Ok((index(points), values.iter().map(|v| *v as f32).collect()))
}

fn npz(path: &Path) -> Result<Table> {
    let wrong = |field: &str, problem: String| Error::file(path, "NPZ", field, problem);
    let file = std::fs::File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| wrong("archive", e.to_string()))?;
    let mut read = |name: &str| -> Option<Array> {
        let mut entry = archive.by_name(&format!("{name}.npy")).ok()?;
        let mut bytes = Vec::new();
        Some(entry.read_to_end(&mut bytes).map_err(|e| e.to_string()).and_then(|_| array(&bytes[..])))
    };
    let (shape, values) = read("spectra")
        .ok_or_else(|| wrong("spectra", "there is no array of this name".into()))?
        .map_err(|e| wrong("spectra", e))?;
    let points = shape.last().copied().unwrap_or(0);
    let x = match read("x") {
        Some(x) => x.map_err(|e| wrong("x", e))?.1,
        None => index(points),
    };
    if x.len() != points {
        return Err(wrong("x", format!("it has {} values, the spectra {points}", x.len())));
    }
    Ok((x, values.iter().map(|v| *v as f32).collect()))
}

/// Shape and values of an NPY array of floating-point numbers, row-major.
fn array(bytes: &[u8]) -> Array {
    let file = NpyFile::new(bytes).map_err(|e| e.to_string())?;
    if file.order() != npyz::Order::C {
        return Err("it is stored column by column; save it with numpy.ascontiguousarray".into());
    }
    let shape: Vec<usize> = file.shape().iter().map(|n| *n as usize).collect();
    let kind = file.dtype().descr();
    let values = if kind.contains("f8") {
        file.into_vec::<f64>().map_err(|e| e.to_string())?
    } else if kind.contains("f4") {
        file.into_vec::<f32>().map_err(|e| e.to_string())?.into_iter().map(f64::from).collect()
    } else {
        return Err(format!("its type is {kind}; use float32 or float64"));
    };
    Ok((shape, values))
}

fn document(
    options: &Options,
    spectra: &Spectra,
    found: &SpectraFound,
    settings: &MapSettings,
    seconds: f64,
    device: &str,
) -> Value {
    let last = found.curve.last().copied().unwrap_or_default();
    json!({
        "file": options.file.file_name().map(|n| n.to_string_lossy()),
        "spectra": spectra.count(),
        "points": spectra.x.len(),
        "loss": last.loss,
        "reconstruction": last.reconstruction,
        "kl": last.kl,
        "latent_sd": found.spread,
        "collapsed": found.spread.iter().map(|sd| *sd < COLLAPSED_SD).collect::<Vec<bool>>(),
        "seconds": seconds,
        "device": device,
        "settings": settings,
        "version": env!("CARGO_PKG_VERSION"),
        "command": command_line(),
    })
}

fn write(
    out: &Path,
    spectra: &Spectra,
    found: &SpectraFound,
    settings: &MapSettings,
    document: &Value,
) -> Result<()> {
    let parent = atomic::folder_of(out);
    std::fs::create_dir_all(parent).map_err(|e| Error::io(parent, "create", e))?;
    let temporary = atomic::temporary_folder(parent).map_err(|e| Error::io(out, "create", e))?;
    let folder = temporary.path();
    let latent = found.spread.len();
    let mut head: Vec<String> = ["index", "shift"].map(String::from).into();
    head.extend((0..latent).map(|k| format!("z{k}")));
    head.extend((0..latent).map(|k| format!("z{k}_sd")));
    head.push("recon_error".into());
    let rows = (0..spectra.count()).map(|i| {
        let mut row = vec![i.to_string(), found.shift[i].to_string()];
        row.extend(found.latents[i * latent..(i + 1) * latent].iter().map(f32::to_string));
        row.extend(found.sd[i * latent..(i + 1) * latent].iter().map(f32::to_string));
        row.push(found.error[i].to_string());
        row
    });
    table(&folder.join("spectra.csv"), &head, rows)?;
    for (k, drawn) in found.traversals.iter().enumerate() {
        let mut head = vec!["x".to_owned()];
        head.extend(found.steps.iter().map(|s| format!("z{k}={s}")));
        let points = spectra.x.len();
        let rows = (0..points).map(|p| {
            let mut row = vec![spectra.x[p].to_string()];
            row.extend(drawn.iter().skip(p).step_by(points).map(f32::to_string));
            row
        });
        table(&folder.join(format!("traversal_z{k}.csv")), &head, rows)?;
    }
    shift::save(&found.vae, settings, &folder.join("model.safetensors"))?;
    atomic::write_file(&folder.join("spectra.json"), |to| {
        to.write_all(format!("{document:#}\n").as_bytes())
    })?;
    if out.is_dir() {
        std::fs::remove_dir(out).map_err(|e| Error::io(out, "replace", e))?;
    }
    std::fs::rename(temporary.keep(), out).map_err(|e| Error::io(out, "create", e))
}

fn table(path: &Path, head: &[String], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    atomic::write_file(path, |to| {
        let mut table = csv::Writer::from_writer(to);
        table.write_record(head).map_err(std::io::Error::other)?;
        for row in rows {
            table.write_record(row).map_err(std::io::Error::other)?;
        }
        table.flush()
    })
}

fn print(found: &SpectraFound, seconds: f64, out: &Path) {
    let last = found.curve.last().copied().unwrap_or_default();
    println!("{} spectra, loss {:.2}, {seconds:.0} s", found.shift.len(), last.loss);
    for (k, sd) in found.spread.iter().enumerate() {
        let what = if *sd < COLLAPSED_SD { "collapsed: it carries nothing" } else { "carries something" };
        println!("z{k}: sd {sd:.2}, {what}");
    }
    println!("shifts, latents and traversals: {}", out.display());
}
