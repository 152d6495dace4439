//! What the spectra workspace does: opening, starting and stopping runs, taking away.

use super::run::{SpectraAsk, Subject};
use crate::app::App;
use crate::app::action::Action;
use crate::app::files::name_of;
use crate::app::jobs::Done;
use crate::app::maps::Workspace;
use crate::app::maps::export::new_folder;
use crate::app::run::Phase;
use crate::app::state::Level;
use crate::error::Result;
use crate::sample::spectra::SpectraRecipe;
use crate::spectrum::{self, Spectra};
use crate::worker::message::{Command, FinishReason};
use crate::worker::spectra::{SpectraCommand, SpectraEvent, SpectraJob, SpectraTold};
use std::path::{Path, PathBuf};

/// Rows and columns of the scan that is made to try the workspace on.
const SAMPLE: [usize; 2] = [30, 40];

impl App {
    /// What a pane asked for.
    pub(in crate::app) fn ask_spectra(&mut self, ask: SpectraAsk) {
        match ask {
            SpectraAsk::Sample => self.read_spectra("Making sample peaks".into(), sample),
            SpectraAsk::Open(path) => {
                self.memory.folder = path.parent().map(Path::to_owned);
                let name = name_of(&path);
                self.read_spectra(format!("Opening {name}"), move || {
                    Ok(Subject::new(name, spectrum::open(&path)?))
                });
            }
            SpectraAsk::Settings(settings) => self.state.spectra.settings = *settings,
            SpectraAsk::Unit(unit) => self.state.spectra.unit = unit,
            SpectraAsk::Model(index) => self.send_spectra(SpectraCommand::Ask(index)),
            SpectraAsk::ExportTo(folder) => self.export_spectra(&folder),
        }
    }

    fn send_spectra(&self, command: SpectraCommand) {
        self.worker.send(Command::Spectra(command));
    }

    fn read_spectra(&mut self, what: String, read: impl FnOnce() -> Result<Subject> + Send + 'static) {
        self.state.workspace = Workspace::Spectra;
        let job = self.jobs.start(what, move |_| Done::Spectra(read()));
        self.jobs.outlives(job);
        if let Some(before) = self.state.spectra.opening.replace(job) {
            self.jobs.stop(before);
        }
    }

    /// A job has come to its end: that of the file, perhaps.
    pub(in crate::app) fn opening_ended(&mut self) {
        self.state.spectra.opening.take_if(|job| !self.jobs.runs(*job));
    }

    pub(in crate::app) fn on_spectra_opened(&mut self, opened: Result<Subject>) {
        self.opening_ended();
        match opened {
            Ok(subject) => {
                self.end_spectra();
                self.layout.spectra_opened(subject.spectra.grid.is_some());
                self.state.spectra.open(subject);
            }
            Err(error) => self.complain(&error),
        }
    }

    /// Start, pause, resume, stop.
    pub(in crate::app) fn run_spectra(&mut self, action: &Action) {
        let phase = &self.state.spectra.phase;
        match (action, phase) {
            (Action::Pause | Action::TrainOrPause, phase) if phase.can_pause() => {
                self.send_spectra(SpectraCommand::Pause);
            }
            (Action::Resume | Action::TrainOrPause, Phase::Paused) => {
                self.send_spectra(SpectraCommand::Resume);
            }
            (Action::Stop, phase) if phase.is_active() => self.end_spectra(),
            (Action::Train | Action::TrainOrPause, phase) if !phase.is_active() => self.learn_spectra(),
            _ => {}
        }
    }

    fn learn_spectra(&mut self) {
        let Some(subject) = self.state.spectra.subject.clone() else {
            return self.tell(Level::Warning, "Open spectra first; then a run can start.", None);
        };
        let settings = self.state.spectra.settings.clone();
        if let Err(error) = settings.check() {
            return self.complain(&error);
        }
        // One model is learned at a time: the worker ends any other run.
        self.end_training();
        self.end_maps();
        self.state.spectra.begin();
        self.send_spectra(SpectraCommand::Learn(Box::new(SpectraJob {
            run: self.state.spectra.run,
            name: subject.name.clone(),
            spectra: subject.spectra.clone(),
            settings,
            device: self.state.training.choice,
        })));
    }

    /// Another run begins, or other spectra: the one under way is told to stop.
    pub(in crate::app) fn end_spectra(&mut self) {
        if self.state.spectra.phase.is_active() {
            self.state.spectra.phase = Phase::Stopping;
            self.send_spectra(SpectraCommand::Stop);
        }
    }

    pub(in crate::app) fn on_spectra_event(&mut self, event: SpectraEvent) {
        let own = self.state.spectra.take(&event);
        match event.told {
            SpectraTold::Written(folder) => {
                self.tell(Level::Done, format!("Spectra exported to {}", folder.display()), None);
            }
            SpectraTold::NotWritten(why) => self.tell(Level::Error, why, None),
            SpectraTold::Failed { message, details } if own => {
                let details = Some(details).filter(|details| !details.is_empty());
                self.tell(Level::Error, format!("Learning the spectra failed: {message}"), details);
            }
            SpectraTold::Ended { reason: FinishReason::AllEpochs, seconds } if own => {
                self.tell(Level::Done, format!("The spectra are learned after {seconds:.1} s."), None);
            }
            _ => {}
        }
    }

    fn export_spectra(&mut self, folder: &Path) {
        let work = &self.state.spectra;
        let Some(subject) = work.subject.as_ref().filter(|_| work.found.is_some()) else { return };
        let unit = work.unit.clone();
        match new_folder(folder, &subject.name, "spectra") {
            Ok(folder) => self.send_spectra(SpectraCommand::Write { folder, unit }),
            Err(error) => self.complain(&error),
        }
    }
}

/// Peaks over a grid: their place steps across a wall, their width grows downwards.
fn sample() -> Result<Subject> {
    let peaks = SpectraRecipe::default().scan(SAMPLE);
    let spectra = Spectra::over(peaks.x, peaks.values, Some(SAMPLE))?.in_units("eV");
    Ok(Subject::new("sample peaks", spectra))
}

/// What a drop on the window asks for: while spectra are shown a table or an array is one of spectra.
pub fn dropped(paths: Vec<PathBuf>, state: &crate::app::state::State) -> Action {
    let ending = |path: &PathBuf| path.extension().map(|end| end.to_string_lossy().to_lowercase());
    let spectra = |path: &&PathBuf| {
        state.workspace == Workspace::Spectra
            && ending(path).is_some_and(|end| spectrum::ENDINGS.contains(&end.as_str()))
    };
    match paths.first().filter(spectra) {
        Some(path) => Action::Spectra(SpectraAsk::Open(path.clone())),
        None => Action::OpenPaths(paths),
    }
}
