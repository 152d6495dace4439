//! `nanotheca classify`: ready-made patches through a trained model.

use super::parse_invariances;
use crate::error::{Error, Result};
use crate::explore::drawings::Drawings;
use crate::explore::embed;
use crate::micrograph::format::read_images_npz;
use crate::particle::Prediction;
use crate::particle::patch::PatchSet;
use crate::project::atomic::write_file;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::worker::device;
use clap::{Args, ValueEnum};
use std::io;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Options {
    /// A model of this program (.safetensors) or pyroVED's weights (.pt).
    #[arg(long)]
    model: PathBuf,
    /// Which of r,t,s a .pt file was trained with; it does not say so itself.
    #[arg(long, default_value = "r,t")]
    invariances: String,
    /// NPZ with `images` (N, H, W).
    #[arg(long)]
    patches: PathBuf,
    /// What tells the class.
    #[arg(long, value_enum, default_value = "classifier")]
    by: By,
    /// CSV to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// The networks that learned to.
    Classifier,
    /// What the model can draw: slower, and better where pictures are much noisier than those it learned from.
    Decoder,
}

/// Writes label, probabilities, pose, latents and reconstruction error of every patch.
///
/// # Errors
/// A model or data set that cannot be used, a table that cannot be written.
pub fn run(options: &Options) -> Result<()> {
    let images = read_images_npz(&options.patches)?;
    let dims = vec![images.height, images.width];
    let foreign = options.model.extension().is_some_and(|e| e.eq_ignore_ascii_case("pt"));
    let checkpoint = if foreign {
        let invariances = parse_invariances(&options.invariances)?;
        Checkpoint::load_pyroved(
            &options.model,
            dims.clone(),
            &TrainConfig { invariances, ..TrainConfig::paper() },
        )?
    } else {
        Checkpoint::load(&options.model)?
    };
    let model = &checkpoint.description.model;
    if model.dims != dims {
        let problem = format!("they are {dims:?} but the model was trained on {:?}", model.dims);
        return Err(Error::file(&options.patches, "NPZ", "images", problem));
    }
    let chosen = device::cpu(None);
    let vae = checkpoint.vae(&chosen.device, chosen.tiled)?;
    let found = if options.by == By::Decoder {
        Drawings::new(&vae, &mut || true)?.predict(&images.images, &mut || true)?
    } else if model.look.is_some() {
        let none = vec![None; images.n];
        let (side, pixels) = (dims[0], images.images.into());
        let set = PatchSet { side, wide: side, pixels, labels: none.clone(), held_out: none };
        embed::predict_with_pose(&vae, &set, &mut || true)?
    } else {
        embed::predict_plain(&vae, &images.images)?
    };
    write_file(&options.out, |to| {
        let mut table = csv::Writer::from_writer(to);
        let wrong = |e: csv::Error| io::Error::other(e);
        table.write_record(header(model.classes, model.latent)).map_err(wrong)?;
        for (prediction, pose) in &found {
            table.write_record(row(prediction, pose)).map_err(wrong)?;
        }
        table.flush()
    })?;
    say!("{} patches; table: {}", found.len(), options.out.display());
    Ok(())
}

fn header(classes: usize, latent: usize) -> Vec<String> {
    let mut names = vec!["label".to_owned()];
    names.extend((0..classes).map(|c| format!("p_{c}")));
    names.extend(["angle_rad", "shift_0", "shift_1", "scale"].map(str::to_owned));
    names.extend((0..latent).map(|i| format!("mu_{i}")));
    names.extend((0..latent).map(|i| format!("sigma_{i}")));
    names.push("recon_error".into());
    names
}

/// The pose is the transform of the coordinates, as pyroVED's latents mean it: shift along axis 0 and axis 1 of an
/// image that is 2 wide.
fn row(prediction: &Prediction, pose: &[f32; 4]) -> Vec<String> {
    let mut cells = vec![prediction.best().to_string()];
    let numbers = prediction
        .probabilities
        .iter()
        .chain(pose)
        .chain(&prediction.mu)
        .chain(&prediction.sigma)
        .chain([&prediction.recon_error]);
    cells.extend(numbers.map(|v| v.to_string()));
    cells
}
