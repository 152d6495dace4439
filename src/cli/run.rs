//! `nanotheca run` and `nanotheca export`: from a project to a library.

use super::follow::Between;
use super::{Compute, Tuning, command_line, follow};
use crate::error::{Error, Result};
use crate::explore::embed;
use crate::explore::sanity::Sanity;
use crate::library::report::{HoldOut, wilson};
use crate::project::{Project, atomic, store};
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::resume::Halted;
use crate::worker::message::{DeviceChoice, TrainJob};
use crate::worker::provenance::Made;
use crate::worker::{device, folds, job, models};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Options {
    project: PathBuf,
    /// A new folder for the library.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    tuning: Tuning,
    #[command(flatten)]
    between: Between,
    /// Also finds the accuracy by cross-validation: so many trainings, each without a part of the labels, which then
    /// judges it. For projects with too few labels to hold some out.
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    folds: Option<usize>,
}

#[derive(Debug, Args)]
pub struct ExportOptions {
    project: PathBuf,
    /// A new folder for the library.
    #[arg(long)]
    out: PathBuf,
    /// Another model than the project's last (of `nanotheca run` or of the window), such as one of PROJECT.models.
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

/// Trains on the project, classifies all its particles and exports.
///
/// # Errors
/// A project that cannot be read or trained on, a folder that cannot be written.
pub fn run(options: &Options) -> Result<()> {
    let project = open(&options.project)?;
    let more = More { tuning: &options.tuning, between: &options.between, folds: options.folds };
    library(&project, &options.project, &options.out, options.compute, more).map(|_| ())
}

/// What a training on a project may be asked for besides.
#[derive(Clone, Copy, Debug)]
pub struct More<'a> {
    pub tuning: &'a Tuning,
    pub between: &'a Between,
    pub folds: Option<usize>,
}

/// The whole way from an open project to an exported library; prints the hold-out accuracy.
///
/// # Errors
/// As [`run`].
pub fn library(
    project: &Project,
    path: &Path,
    out: &Path,
    compute: Compute,
    More { tuning, between, folds }: More<'_>,
) -> Result<Option<HoldOut>> {
    refuse_used(out)?;
    let mut config = settings_of(project)?;
    config.seed = compute.seed.unwrap_or(config.seed);
    let mut dataset = job::assemble(project, &|id| job::open(project, id), &|_| true)?;
    let config = match &between.resume {
        Some(from) => {
            let halt = Halted::peek(from)?;
            if !halt.labels.is_empty() {
                dataset.relabel(project, job::known_classes(project, &halt.classes), &halt.lineage.roles);
            }
            halt.config
        }
        None => tuning.apply(config)?,
    };
    dataset.check_classes()?;
    let choice = DeviceChoice::from(compute.device);
    let train = TrainJob {
        config,
        classes: dataset.model_names(),
        patches: dataset.patches.clone(),
        ids: dataset.ids.clone(),
        validation: None,
        geometry: Some(project.patch.clone()),
        device: choice,
    };
    let model = model_of(path);
    let cross_validated = folds.map(|folds| follow::validate(train.clone(), folds)).transpose()?;
    // Not in the place of a model that is good.
    let failed = model.with_extension("failed.safetensors");
    let trained = follow::train(train, Some(&model), Some(&failed), between, |_| {})?;
    if let Some(found) = cross_validated {
        folds::write_found(&model, found)?;
    }
    let description = Checkpoint::load(&model)?.description;
    let made = Made::by(&description, &trained.device, choice, Some(&command_line()));
    job::export(project, &dataset, &trained.predictions, Some(&model), out, false, made)?;
    say!(
        "{} particles, {} epochs{} in {:.0} s on {}",
        dataset.ids.len(),
        trained.epochs,
        between.the_last(),
        trained.seconds,
        trained.device
    );
    if let Some(found) = cross_validated {
        say!("{}", follow::found_in_words(found));
    }
    let hold_out = job::hold_out(&dataset, &trained.predictions)?;
    if let Some(hold_out) = &hold_out {
        print_hold_out(hold_out);
    }
    if let Some(sanity) = &trained.sanity {
        print_sanity(sanity);
    }
    say!("library: {}", out.display());
    Ok(hold_out)
}

/// Classifies with the model trained before and exports.
///
/// # Errors
/// As [`run`]; also if the project has no model yet.
pub fn export(options: &ExportOptions) -> Result<()> {
    refuse_used(&options.out)?;
    let mut project = open(&options.project)?;
    let model = options.model.clone().unwrap_or_else(|| last_model(&options.project));
    if !model.is_file() {
        let problem = "the project has no model yet; train one with `nanotheca run` or in the window";
        return Err(Error::invalid(model.display().to_string(), problem));
    }
    let checkpoint = Checkpoint::load(&model)?;
    let description = checkpoint.description.clone();
    // Patches as the model learned them, whatever the project says by now.
    if let Some(geometry) = &description.geometry {
        project.patch.clone_from(geometry);
    }
    let mut dataset = job::assemble(&project, &|id| job::open(&project, id), &|_| true)?;
    let classes = job::known_classes(&project, &description.classes);
    dataset.relabel(&project, classes, &description.lineage.roles);
    let chosen = device::cpu(None);
    let vae = checkpoint.vae(&chosen.device, chosen.tiled)?;
    let predictions = embed::predict(&vae, &dataset.patches, &mut || true)?;
    let made = Made::by(&description, &chosen.name, DeviceChoice::Cpu, Some(&command_line()));
    job::export(&project, &dataset, &predictions, Some(&model), &options.out, false, made)?;
    say!("{} particles; library: {}", dataset.ids.len(), options.out.display());
    Ok(())
}

/// The project's training settings, or the program's.
///
/// # Errors
/// Settings that cannot be understood.
pub fn settings_of(project: &Project) -> Result<TrainConfig> {
    if project.training.is_null() {
        return Ok(TrainConfig::proposed());
    }
    serde_json::from_value(project.training.clone())
        .map_err(|e| Error::invalid("training settings", e.to_string()))
}

/// The model of a project lies beside it.
pub fn model_of(project: &Path) -> PathBuf {
    project.with_extension("safetensors")
}

/// The project's last model: the one of [`run`] or the newest that the window kept, whichever is younger.
fn last_model(project: &Path) -> PathBuf {
    let ours = model_of(project);
    let written = std::fs::metadata(&ours).and_then(|file| file.modified()).ok();
    let since_1970 = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let kept = models::list(&models::folder(project)).into_iter().next();
    match kept {
        Some(kept) if since_1970.is_none_or(|ours| kept.at > ours.as_secs()) => kept.path,
        _ => ours,
    }
}

/// Before hours of training, not after.
fn refuse_used(out: &Path) -> Result<()> {
    let used = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    if used || out.is_file() {
        let problem = "it is there already and is not empty; name a new folder";
        return Err(Error::invalid(out.display().to_string(), problem));
    }
    Ok(())
}

fn print_hold_out(hold_out: &HoldOut) {
    let Some(accuracy) = hold_out.accuracy else { return };
    let interval = wilson(hold_out.right, hold_out.of)
        .map(|[low, high]| format!(" (95 % interval {low:.3} to {high:.3})"))
        .unwrap_or_default();
    say!("hold-out accuracy {accuracy:.3}{interval}, {} of {} right", hold_out.right, hold_out.of);
    for (class, row) in hold_out.classes.iter().zip(&hold_out.confusion) {
        let cells: Vec<String> = row.iter().map(|n| format!("{n:4}")).collect();
        say!("  {class:12} {}", cells.join(" "));
    }
}

fn print_sanity(sanity: &Sanity) {
    if sanity.turned > 0 {
        let angle = sanity.angle_error_deg.map_or_else(
            || "no class has an angle".to_owned(),
            |[median, most]| format!("angle within {median:.1} degrees (median), {most:.1} (nine in ten)"),
        );
        say!("turned by known angles: class kept {:.3}, {angle}", sanity.class_agreement);
    }
    if let Some(calibration) = &sanity.calibration {
        say!("calibration error {:.3}", calibration.expected_error);
    }
    let collapsed = sanity.collapsed.iter().filter(|c| **c).count();
    if collapsed > 0 {
        say!("{collapsed} of {} content latents measure nothing", sanity.collapsed.len());
    }
}

/// The project, with the micrographs that moved found again by their content.
fn open(path: &Path) -> Result<Project> {
    let mut project = store::load(path)?;
    let moved = store::relocate(&mut project, atomic::folder_of(path)).len();
    if moved > 0 {
        eprintln!("{moved} of the micrographs found in another place, by content");
    }
    Ok(project)
}
