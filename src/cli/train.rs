//! `nanotheca train`: on ready-made patches.

use super::{Compute, PresetName, Tuning, follow, parse_invariances};
use crate::error::{Error, Result};
use crate::explore::bound;
use crate::micrograph::format::{LabelledImages, read_images_npz};
use crate::particle::patch::PatchSet;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::worker::message::{Progress, TrainJob};
use crate::worker::{device, folds};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Options {
    /// NPZ with `images` (N, H, W) and `labels` (N). Without it the model is unsupervised.
    #[arg(long)]
    labelled: Option<PathBuf>,
    /// NPZ with `images`; labels in it are not looked at.
    #[arg(long)]
    unlabelled: PathBuf,
    /// NPZ with `images` and `labels` that only measure accuracy.
    #[arg(long)]
    validation: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t, conflicts_with = "resume")]
    preset: PresetName,
    /// How often all images are seen; few of them more often (see --batch).
    #[arg(long, conflicts_with = "resume")]
    epochs: Option<usize>,
    /// Images a step; at most, with the default preset, whose epochs have at least 20 steps.
    #[arg(long, conflicts_with = "resume")]
    batch: Option<usize>,
    /// Width of every hidden layer.
    #[arg(long, conflicts_with = "resume")]
    hidden: Option<usize>,
    /// Number of content latents.
    #[arg(long, conflicts_with = "resume")]
    latent: Option<usize>,
    /// Learning rate.
    #[arg(long, conflicts_with = "resume")]
    lr: Option<f64>,
    /// Any of r,t,s.
    #[arg(long, conflicts_with = "resume")]
    invariances: Option<String>,
    #[command(flatten)]
    tuning: Tuning,
    #[command(flatten)]
    between: follow::Between,
    /// Only labels teach: the same classifier without the model, to compare with.
    #[arg(long, conflicts_with = "resume")]
    labels_only: bool,
    #[command(flatten)]
    compute: Compute,
    /// Where to write the model.
    #[arg(long)]
    out: Option<PathBuf>,
    /// At the end, print the exact unlabelled loss: all pixels, all classes, beta 2.
    #[arg(long)]
    bound: bool,
    /// Also find the accuracy by cross-validation: so many trainings, each without a part of the labels, which then judges
    /// it. It is printed, and written into the model.
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    folds: Option<usize>,
    /// One JSON object an epoch instead of a table.
    #[arg(long)]
    json: bool,
}

/// Trains and prints epoch, seconds, loss and accuracy.
///
/// # Errors
/// A data set or setting that cannot be used; whatever training failed with.
pub fn run(options: &Options) -> Result<()> {
    let config = config(options)?;
    let (patches, classes) = training_set(options)?;
    let validation = options
        .validation
        .as_deref()
        .map(|path| validation_set(path, &patches, classes.len()))
        .transpose()?;
    let job = TrainJob {
        config,
        classes,
        patches: Arc::new(patches),
        ids: Vec::new(),
        validation: validation.map(Arc::new),
        geometry: None,
        device: options.compute.device.into(),
    };
    if !options.json {
        say!("epoch  seconds      loss  accuracy");
    }
    let scratch =
        tempfile::tempdir().map_err(|e| Error::io(std::env::temp_dir(), "create a folder in", e))?;
    let scratch = scratch.path().join("model.safetensors");
    let model = options.out.as_deref().or(options.bound.then_some(scratch.as_path()));
    let patches = job.patches.clone();
    let found = options.folds.map(|folds| follow::validate(job.clone(), folds)).transpose()?;
    let trained = follow::train(job, model, options.out.as_deref(), &options.between, |progress| {
        print(progress, options.json);
    })?;
    if let Some(found) = found {
        if let Some(path) = &options.out {
            folds::write_found(path, found)?;
        }
        if options.json {
            let accuracy = found.right as f64 / found.of.max(1) as f64;
            let (right, of, folds) = (found.right, found.of, found.folds);
            let found = serde_json::json!({ "accuracy": accuracy, "right": right, "of": of, "folds": folds });
            say!("{}", serde_json::json!({ "cross_validation": found }));
        } else {
            say!("{}", follow::found_in_words(found));
        }
    }
    if let (true, Some(model)) = (options.bound, model) {
        print_bound(model, &patches, options.json)?;
    }
    if let (Some(path), false) = (&options.out, options.json) {
        say!(
            "{} epochs{} in {:.1} s on {}; model: {}",
            trained.epochs,
            options.between.the_last(),
            trained.seconds,
            trained.device,
            path.display()
        );
    }
    Ok(())
}

fn print_bound(model: &Path, patches: &PatchSet, json: bool) -> Result<()> {
    let chosen = device::cpu(None);
    let vae = Checkpoint::load(model)?.vae(&chosen.device, chosen.tiled)?;
    let unlabelled: Vec<usize> = (0..patches.len()).filter(|&i| patches.labels[i].is_none()).collect();
    let loss = bound::unlabelled(&vae, patches, &unlabelled, 2.0, 1)?;
    if json {
        say!("{}", serde_json::json!({ "bound": loss }));
    } else {
        say!("exact unlabelled loss, beta 2: {loss:.2} nats an image");
    }
    Ok(())
}

fn print(progress: &Progress, json: bool) {
    let accuracy = progress.accuracy.map(|a| a.right as f64 / a.of.max(1) as f64);
    let loss = progress.loss.unwrap_or(f64::NAN);
    if json {
        let parts = progress.parts;
        let line = serde_json::json!({
            "epoch": progress.epoch, "seconds": progress.seconds, "loss": loss, "accuracy": accuracy,
            "reconstruction": parts.map(|p| p.reconstruction),
            "kl_latent": parts.map(|p| p.kl_latent),
            "kl_class": parts.map(|p| p.kl_class),
        });
        say!("{line}");
    } else {
        let accuracy = accuracy.map_or_else(|| "-".to_owned(), |a| format!("{a:.4}"));
        say!("{:5}  {:7.1}  {loss:8.2}  {accuracy:>8}", progress.epoch, progress.seconds);
    }
}

fn config(options: &Options) -> Result<TrainConfig> {
    let mut config = TrainConfig::of(options.preset.into());
    config.seed = options.compute.seed.unwrap_or(config.seed);
    if let Some(width) = options.hidden {
        config = config.with_hidden(width);
    }
    if let Some(text) = &options.invariances {
        config.invariances = parse_invariances(text)?;
    }
    config.epochs = options.epochs.unwrap_or(config.epochs);
    config.batch = options.batch.unwrap_or(config.batch);
    config.latent = options.latent.unwrap_or(config.latent);
    config.learning_rate = options.lr.unwrap_or(config.learning_rate);
    config.labels_only = options.labels_only;
    options.tuning.apply(config)
}

/// Labelled images first, then unlabelled ones.
fn training_set(options: &Options) -> Result<(PatchSet, Vec<String>)> {
    let unlabelled = read_images_npz(&options.unlabelled)?;
    let side = square(&options.unlabelled, &unlabelled)?;
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    let mut classes = vec!["all".to_owned()];
    if let Some(path) = &options.labelled {
        let labelled = read_images_npz(path)?;
        same_side(path, &labelled, side)?;
        labels = labels_of(path, &labelled)?;
        let k = labels.iter().flatten().max().map_or(0, |most| most + 1);
        if k < 2 {
            let problem = if k == 0 { "there is no label" } else { "all labels are 0: one class only" };
            return Err(Error::file(
                path,
                "NPZ",
                "labels",
                format!("{problem}; at least two classes are needed"),
            ));
        }
        classes = (0..k).map(|c| c.to_string()).collect();
        pixels = labelled.images;
    }
    labels.resize(labels.len() + unlabelled.n, None);
    pixels.extend_from_slice(&unlabelled.images);
    let held_out = vec![None; labels.len()];
    Ok((PatchSet { side, wide: side, pixels: pixels.into(), labels, held_out }, classes))
}

fn validation_set(path: &Path, trained: &PatchSet, classes: usize) -> Result<PatchSet> {
    let images = read_images_npz(path)?;
    same_side(path, &images, trained.side)?;
    let held_out = labels_of(path, &images)?;
    if let Some(label) = held_out.iter().flatten().find(|l| **l >= classes) {
        let problem = format!("label {label} is not among the {classes} classes of the labelled set");
        return Err(Error::file(path, "NPZ", "labels", problem));
    }
    let side = trained.side;
    Ok(PatchSet { side, wide: side, pixels: images.images.into(), labels: vec![None; images.n], held_out })
}

fn square(path: &Path, images: &LabelledImages) -> Result<usize> {
    if images.height == images.width && images.n > 0 {
        return Ok(images.height);
    }
    let problem =
        format!("{} images of {} x {}; square images are needed", images.n, images.height, images.width);
    Err(Error::file(path, "NPZ", "images", problem))
}

fn same_side(path: &Path, images: &LabelledImages, side: usize) -> Result<()> {
    let found = square(path, images)?;
    if found == side {
        return Ok(());
    }
    let problem = format!("they are {found} x {found} but the unlabelled ones are {side} x {side}");
    Err(Error::file(path, "NPZ", "images", problem))
}

/// One label an image; -1 is none.
fn labels_of(path: &Path, images: &LabelledImages) -> Result<Vec<Option<usize>>> {
    let Some(labels) = &images.labels else {
        return Err(Error::file(path, "NPZ", "labels", "the array is missing"));
    };
    labels
        .iter()
        .map(|&label: &i64| match label {
            -1 => Ok(None),
            0..=999 => Ok(Some(label as usize)),
            _ => {
                Err(Error::file(path, "NPZ", "labels", format!("{label} is not -1 or a class from 0 to 999")))
            }
        })
        .collect()
}
