//! The same work without a window. Commands that train or map drive the same worker as the window; the others compute where
//! they stand.

/// Prints a line. A reader that has gone, as behind `| head`, is nobody to tell, and no reason to stop.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

mod cards;
mod classify;
mod demo;
mod detect;
mod follow;
mod info;
mod map;
mod new;
mod pages;
mod run;
mod spectra;
mod train;

use crate::error::{Error, Result};
use crate::train::config::{Invariances, Preset, TrainConfig};
use crate::worker::map_folder::quoted;
use crate::worker::message::DeviceChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// Classified particle libraries from micrographs.
#[derive(Debug, Parser)]
#[command(name = "nanotheca", version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Task>,
    /// A project, or micrographs, to open in the window; the sample project without any.
    files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// The sample project from pictures to library: train, classify, export, print the hold-out accuracy.
    Demo(demo::Options),
    /// What is in a picture file: format, size, sample type, pixel size, range.
    Info(info::Options),
    /// Train on NPZ data sets of ready-made patches.
    Train(train::Options),
    /// Classify NPZ patches with a model of this program (.safetensors) or pyroVED's (.pt).
    Classify(classify::Options),
    /// Find particles on pictures.
    Detect(detect::Options),
    /// Make a project from pictures, labels and detection.
    New(new::Options),
    /// Draw the published card-suit sets, with every factor known.
    Cards(cards::Options),
    /// Maps of order parameters of an atomically resolved image.
    Map(map::Options),
    /// The shift-VAE on spectra: what is only a shift, and what else varies.
    Spectra(spectra::Options),
    /// Train on a project, classify all its particles and export the library.
    Run(run::Options),
    /// Export the library of a project with the model trained before.
    Export(run::ExportOptions),
}

/// What the command line asks of the program.
#[derive(Debug)]
pub enum Asked {
    /// Open the window on these files.
    Window(Vec<PathBuf>),
    /// The command is done.
    Done,
}

/// Reads the arguments and does what they ask for, but leaves opening a window to the caller.
///
/// # Errors
/// Whatever the command failed with.
pub fn execute() -> Result<Asked> {
    let cli = Cli::parse();
    let Some(command) = cli.command else { return Ok(Asked::Window(cli.files)) };
    match command {
        Task::Demo(options) => demo::run(&options),
        Task::Info(options) => info::run(&options),
        Task::Train(options) => train::run(&options),
        Task::Classify(options) => classify::run(&options),
        Task::Detect(options) => detect::run(&options),
        Task::New(options) => new::run(&options),
        Task::Cards(options) => cards::run(&options),
        Task::Map(options) => map::run(&options),
        Task::Spectra(options) => spectra::run(&options),
        Task::Run(options) => run::run(&options),
        Task::Export(options) => run::export(&options),
    }?;
    Ok(Asked::Done)
}

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum DeviceName {
    /// The GPU if a hardware one is there, else the CPU.
    #[default]
    Auto,
    Cpu,
    Gpu,
}

impl From<DeviceName> for DeviceChoice {
    fn from(name: DeviceName) -> Self {
        match name {
            DeviceName::Auto => Self::Auto,
            DeviceName::Cpu => Self::Cpu,
            DeviceName::Gpu => Self::Gpu,
        }
    }
}

/// Which settings to start from.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum PresetName {
    /// The published recipe.
    Paper,
    /// What the program proposes.
    #[default]
    Default,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Paper => Self::Paper,
            PresetName::Default => Self::Default,
        }
    }
}

/// Options every computing command shares.
#[derive(Clone, Copy, Debug, Args)]
struct Compute {
    /// Where to compute.
    #[arg(long, value_enum, default_value_t)]
    device: DeviceName,
    /// Same seed, same result on the CPU; 1 unless the project says another.
    #[arg(long)]
    seed: Option<u64>,
}

/// Settings that have no option of their own.
#[derive(Clone, Debug, Default, Args)]
struct Tuning {
    /// Any setting by its name in report.json (of maps: map.json), as in `--set epochs=30`; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    more: Vec<String>,
}

impl Tuning {
    /// The settings with these replaced, all in their ranges.
    fn apply(&self, config: TrainConfig) -> Result<TrainConfig> {
        let config = self.apply_to(config)?;
        config.check()?;
        Ok(config)
    }

    /// Any settings with these replaced.
    fn apply_to<T: Serialize + DeserializeOwned>(&self, settings: T) -> Result<T> {
        self.more.iter().try_fold(settings, |settings, setting| with(settings, setting))
    }
}

/// The settings with one of them, `name=value` with the value as JSON, replaced.
fn with<T: Serialize + DeserializeOwned>(config: T, setting: &str) -> Result<T> {
    let wrong = |problem: String| Error::invalid(format!("--set {setting}"), problem);
    let (name, value) = setting.split_once('=').ok_or_else(|| wrong("it must be NAME=VALUE".into()))?;
    let value: serde_json::Value =
        serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    let mut all = serde_json::to_value(&config).map_err(|e| wrong(e.to_string()))?;
    let mut at = &mut all;
    for part in name.split('.') {
        at = at.get_mut(part).ok_or_else(|| wrong(format!("there is no setting `{name}`")))?;
    }
    *at = value;
    serde_json::from_value(all).map_err(|e| wrong(e.to_string()))
}

/// `r,t,s` in any order; an empty word means none.
fn parse_invariances(text: &str) -> Result<Invariances> {
    let mut found = Invariances { rotation: false, translation: false, scale: false };
    for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        match word {
            "r" => found.rotation = true,
            "t" => found.translation = true,
            "s" => found.scale = true,
            other => {
                let problem =
                    format!("`{other}` is unknown; use r (rotation), t (translation), s (scale), as in r,t");
                return Err(Error::invalid("--invariances", problem));
            }
        }
    }
    Ok(found)
}

/// The command as it was typed, for reports.
fn command_line() -> String {
    let words = std::env::args().skip(1).map(|word| quoted(&word));
    std::iter::once("nanotheca".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_setting_can_be_given_by_name_those_that_are_off_too() {
        let set = |more: &str| Tuning { more: vec![more.to_owned()] }.apply(TrainConfig::proposed());
        assert_eq!(TrainConfig::proposed().patience, None);
        assert_eq!(set("patience=20").unwrap().patience, Some(20));
        assert_eq!(set("augmentation.noise=0.5").unwrap().augmentation.unwrap().noise, 0.5);
        let message = set("patience=0").unwrap_err().to_string();
        assert!(message.contains("patience") && message.contains("at least 1"), "{message}");
        assert!(set("patients=3").unwrap_err().to_string().contains("there is no setting"));
    }
}
