//! Driving the worker from the terminal: send a job, show its progress, wait for the end.

use super::map::Found;
use crate::error::{Error, Result};
use crate::explore::sanity::Sanity;
use crate::library::report::wilson;
use crate::order::seeds::smoothness_in_words;
use crate::particle::Prediction;
use crate::train::lineage::CrossValidated;
use crate::worker::Worker;
use crate::worker::mapping::{MapEvent, MapJob, MapProgress, MapStage};
use crate::worker::message::{Accuracy, Command, Event, Progress, TrainJob};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a finished training leaves.
pub struct Trained {
    /// One a patch of the job.
    pub predictions: Arc<[Prediction]>,
    pub device: String,
    pub epochs: usize,
    pub seconds: f64,
    pub accuracy: Option<Accuracy>,
    /// The model measured on the patches of the job.
    pub sanity: Option<Arc<Sanity>>,
}

/// A training's state is written at least this far apart.
const NOW_AND_THEN: Duration = Duration::from_secs(20);

/// Where a training comes from and where its state goes.
#[derive(Clone, Debug, Default, Args)]
pub struct Between {
    /// Goes on with a training that was stopped: here with --state, or in the window (PROJECT.training). Its settings
    /// stay, so none can be given; on the CPU the result is the same to the bit as if it had never stopped.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["more", "seed"])]
    pub resume: Option<PathBuf>,
    /// Writes the training's state here as it goes, so that it can be stopped at any time.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

impl Between {
    /// For sentences that tell a time: it is that of the epochs since the training was taken up.
    pub fn the_last(&self) -> &'static str {
        if self.resume.is_some() { ", the last of them" } else { "" }
    }
}

/// Trains, or goes on with a training, saves the model to `model` and returns what the worker found. Where it fails after an
/// epoch, the model as it was then goes to `failed`. `epoch` hears of every complete epoch.
///
/// # Errors
/// Whatever the worker failed with; a state that does not belong to these patches.
pub fn train(
    job: TrainJob,
    model: Option<&Path>,
    failed: Option<&Path>,
    between: &Between,
    mut epoch: impl FnMut(&Progress),
) -> Result<Trained> {
    let bar = bar();
    let worker = Worker::spawn(|| {});
    let mut written: Option<Instant> = None;
    let (mut learned, mut why) = (false, None);
    let job = Box::new(job);
    worker.send(match &between.resume {
        Some(from) => Command::GoOn { job, from: from.clone() },
        None => Command::Train(job),
    });
    let mut trained = Trained {
        predictions: Arc::new([]),
        device: String::new(),
        epochs: 0,
        seconds: 0.0,
        accuracy: None,
        sanity: None,
    };
    for event in worker.events() {
        match event {
            Event::Device { name, fallback } => {
                if let Some(sentence) = fallback {
                    bar.suspend(|| eprintln!("{sentence}"));
                }
                trained.device = name;
            }
            Event::WarmingUp { done, of } => bar.set_message(format!("preparing the GPU {done}/{of}")),
            Event::Progress(progress) => {
                show(&bar, &progress);
                if progress.loss.is_some() {
                    learned = true;
                    trained.accuracy = progress.accuracy.or(trained.accuracy);
                    bar.suspend(|| epoch(&progress));
                    if let Some(path) = &between.state
                        && written.is_none_or(|at| at.elapsed() >= NOW_AND_THEN)
                    {
                        written = Some(Instant::now());
                        worker.send(Command::Halt(path.clone()));
                    }
                }
            }
            Event::Predictions { predictions, .. } => trained.predictions = predictions,
            Event::Checked(sanity) => trained.sanity = Some(sanity),
            Event::Finished { epochs, seconds, .. } => {
                (trained.epochs, trained.seconds) = (epochs, seconds);
                bar.finish_and_clear();
                match model {
                    Some(path) => worker.send(Command::Save(path.to_owned())),
                    None => return Ok(trained),
                }
            }
            Event::Saved(path) if why.is_some() && failed == Some(path.as_path()) => {
                let why = why.unwrap_or_default();
                return Err(Error::Training(format!("{why}. The model as it was then: {}", path.display())));
            }
            Event::Saved(path) if model == Some(path.as_path()) => return Ok(trained),
            Event::Refused { message } => bar.suspend(|| eprintln!("{message}")),
            Event::Failed { message, .. } => {
                bar.finish_and_clear();
                let told: String = message.trim_start_matches("training: ").to_owned();
                match (failed, &why) {
                    // What was learned so far is still there.
                    (Some(path), None) if learned => {
                        why = Some(told);
                        worker.send(Command::Save(path.to_owned()));
                    }
                    _ => return Err(Error::Training(why.unwrap_or(told))),
                }
            }
            Event::Saved(_)
            | Event::Forgotten
            | Event::Preview(_)
            | Event::NoPreview(_)
            | Event::Map(_)
            | Event::Folds(_)
            | Event::Spectra(_)
            | Event::Paused
            | Event::Resumed
            | Event::Relabelled { .. }
            | Event::Loaded { .. } => {}
        }
    }
    Err(Error::Training("the background thread ended without an answer".into()))
}

/// Finds the accuracy of such a training by cross-validation, and prints it.
///
/// # Errors
/// Whatever the worker failed with; labels of which none can judge.
pub fn validate(job: TrainJob, folds: usize) -> Result<CrossValidated> {
    let bar = bar();
    let worker = Worker::spawn(|| {});
    worker.send(Command::Validate { job: Box::new(job), folds, kept: None });
    for event in worker.events() {
        match event {
            Event::Folds(progress) => {
                bar.set_length(1000);
                bar.set_position((1000.0 * progress.share) as u64);
                bar.set_message(format!(
                    "cross-validation, training {} of {}",
                    (progress.trained + 1).min(progress.of),
                    progress.of
                ));
                if let Some(found) = progress.found() {
                    bar.finish_and_clear();
                    return Ok(found);
                }
            }
            Event::Failed { message, .. } => {
                bar.finish_and_clear();
                return Err(Error::Training(message.trim_start_matches("training: ").to_owned()));
            }
            _ => {}
        }
    }
    Err(Error::Training("the background thread ended without an answer".into()))
}

/// "cross-validated accuracy 0.930 (95 % interval 0.861 to 0.967), 93 of 100 right, 5 trainings".
pub fn found_in_words(found: CrossValidated) -> String {
    let CrossValidated { right, of, folds } = found;
    let share = right as f64 / of.max(1) as f64;
    let interval = wilson(right, of)
        .map(|[low, high]| format!(" (95 % interval {low:.3} to {high:.3})"))
        .unwrap_or_default();
    format!("cross-validated accuracy {share:.3}{interval}, {right} of {of} right, {folds} trainings")
}

/// Maps an image and saves the model to `model`.
///
/// # Errors
/// Whatever the worker failed with.
pub fn map(job: MapJob, model: &Path) -> Result<Found> {
    let bar = bar();
    let worker = Worker::spawn(|| {});
    let run = job.run;
    worker.send(Command::Map(Box::new(job)));
    let (mut device, mut plan, mut maps, mut summary) = (String::new(), None, None, None);
    for event in worker.events() {
        match event {
            Event::Device { name, fallback } => {
                if let Some(sentence) = fallback {
                    bar.suspend(|| eprintln!("{sentence}"));
                }
                device = name;
            }
            Event::Map(MapEvent::Planned(found)) => plan = Some(found),
            Event::Map(MapEvent::Maps(found)) => maps = Some(found),
            Event::Map(MapEvent::Progress(progress)) => show_map(&bar, &progress),
            Event::Map(MapEvent::Finished(found)) => {
                summary = Some(found);
                bar.finish_and_clear();
                worker.send(Command::MapSave { run, path: model.to_owned() });
            }
            Event::Map(MapEvent::Saved(_)) => {
                if let (Some(plan), Some(maps), Some(summary)) = (plan.take(), maps.take(), summary.take()) {
                    return Ok(Found { plan, maps, summary, device });
                }
            }
            Event::Map(MapEvent::Failed { message, .. } | MapEvent::NotSaved(message))
            | Event::Failed { message, .. } => {
                bar.finish_and_clear();
                return Err(Error::Training(message.trim_start_matches("training: ").to_owned()));
            }
            _ => {}
        }
    }
    Err(Error::Training("the background thread ended without an answer".into()))
}

fn show_map(bar: &ProgressBar, progress: &MapProgress) {
    if progress.stage != MapStage::Learning {
        bar.set_length(100);
        bar.set_position((100.0 * progress.share) as u64);
        return bar.set_message(progress.in_words());
    }
    let done = (progress.seed.saturating_sub(1) * progress.epochs + progress.epoch.saturating_sub(1)) as f32
        + progress.share;
    bar.set_length((progress.seeds * progress.epochs * 100) as u64);
    bar.set_position((100.0 * done) as u64);
    let mut words =
        format!("seed {}/{}  epoch {}/{}", progress.seed, progress.seeds, progress.epoch, progress.epochs);
    if let (Some(loss), Some(spread)) = (progress.loss, progress.spread) {
        words += &format!("  loss {loss:.1}  latent sd {spread:.2}");
    }
    if let (Some(cost), Some(roughness)) = (progress.smoothness_cost, progress.roughness) {
        words += &format!("  {}", smoothness_in_words(cost, roughness));
    }
    bar.set_message(words);
}

/// A bar on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let done = (progress.epoch.saturating_sub(1)) * progress.steps + progress.step;
    bar.set_length((progress.epochs * progress.steps) as u64);
    bar.set_position(done as u64);
    let mut words = format!("epoch {}/{}", progress.epoch, progress.epochs);
    if let Some(loss) = progress.loss {
        words += &format!("  loss {loss:.1}");
    }
    if let Some(accuracy) = progress.accuracy {
        words += &format!("  hold-out {:.3}", accuracy.right as f64 / accuracy.of.max(1) as f64);
    }
    bar.set_message(format!("{words}  {:.0} images/s", progress.images_per_second));
}
