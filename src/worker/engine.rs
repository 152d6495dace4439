//! The worker's loop: drain the inbox, step, tell.

use super::device::{self, Chosen};
use super::folds::Folds;
use super::map_run::MapRun;
use super::mapping::MapQuery;
use super::maps::MapModel;
use super::message::{
    Accuracy, Command, DeviceChoice, Event, FinishReason, PreviewImages, PreviewRequest, TrainJob,
};
use super::run::Run;
use super::spectra::Desk;
use crate::error::Error;
use crate::explore::traverse::Pose;
use crate::explore::{embed, sanity, traverse};
use crate::model::vae::Vae;
use crate::particle::Prediction;
use crate::particle::patch::{PatchGeometry, PatchSet};
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::present::Seen;
use crate::train::trainer::{Sums, Trainer};
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// At most about 15 progress events a second.
const TELL: Duration = Duration::from_millis(66);
/// On a GPU the first steps compile shaders; after this many they run at full speed.
const WARM_UP: usize = 3;

/// A model that answers, in training or not.
pub(super) struct Model {
    vae: Vae,
    train: TrainConfig,
    classes: Vec<String>,
    geometry: Option<PatchGeometry>,
    epochs: usize,
}

/// The state of the thread.
pub(super) struct Engine<'a> {
    pub(super) outbox: &'a Sender<Event>,
    pub(super) notify: &'a dyn Fn(),
    pub(super) run: Option<Run>,
    /// The last training that ended: new labels take it up again.
    pub(super) ended: Option<Run>,
    pub(super) model: Option<Model>,
    pub(super) preview: Option<PreviewRequest>,
    /// A map run under way, the model of the last one, and the newest question to it.
    pub(super) map: Option<MapRun>,
    /// A cross-validation under way.
    pub(super) folds: Option<Folds>,
    pub(super) map_model: Option<MapModel>,
    pub(super) map_query: Option<MapQuery>,
    /// The same for spectra.
    pub(super) spectra: Desk,
    /// False once nobody listens.
    pub(super) heard: bool,
}

/// Works until the inbox is closed.
pub fn run(inbox: &Receiver<Command>, outbox: &Sender<Event>, notify: &dyn Fn()) {
    let mut engine = Engine {
        outbox,
        notify,
        run: None,
        ended: None,
        model: None,
        preview: None,
        map: None,
        folds: None,
        map_model: None,
        map_query: None,
        spectra: Desk::default(),
        heard: true,
    };
    while engine.heard && engine.drain(inbox) {
        // A panic in a library must not end the thread without a word.
        let turn = catch_unwind(AssertUnwindSafe(|| engine.turn()));
        if let Err(panic) = turn {
            engine.run = None;
            engine.map = None;
            engine.stop_validating();
            let details = panic_text(panic.as_ref());
            engine.tell(Event::Failed {
                message: "the computation failed unexpectedly; the model as it was before stays. Try again on the CPU".into(),
                details,
            });
        }
    }
}

impl Engine<'_> {
    pub(super) fn tell(&mut self, event: Event) {
        self.heard &= self.outbox.send(event).is_ok();
        (self.notify)();
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.tell(Event::Failed { message: error.to_string(), details: format!("{error:?}") });
    }

    fn training(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.pause.is_none())
    }

    fn mapping(&self) -> bool {
        self.map.as_ref().is_some_and(|run| run.pause.is_none())
    }

    /// Takes all waiting commands, or waits for one when there is nothing to do. False once the channel is closed.
    fn drain(&mut self, inbox: &Receiver<Command>) -> bool {
        let asked = self.preview.is_some() || self.map_query.is_some();
        if !self.training() && !self.mapping() && self.folds.is_none() && !self.spectra.is_busy() && !asked {
            match inbox.recv() {
                Ok(command) => self.obey_safely(command),
                Err(_) => return false,
            }
        }
        loop {
            match inbox.try_recv() {
                Ok(command) => self.obey_safely(command),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn obey_safely(&mut self, command: Command) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.obey(command))) {
            self.tell(Event::Failed {
                message: "the computation failed unexpectedly; nothing of your work is lost".into(),
                details: panic_text(panic.as_ref()),
            });
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Train(job) => self.begin(job),
            Command::Relabel { classes, patches } => self.relabel(&classes, patches),
            Command::Halt(path) => self.halt(&path),
            Command::GoOn { job, from } => self.go_on(job, &from),
            Command::Validate(job) => self.validate(job),
            Command::Map(job) => self.begin_map(job),
            Command::MapAsk(query) => self.map_query = Some(query),
            Command::MapSave(path) => self.save_map(&path),
            Command::Spectra(command) => self.obey_spectra(command),
            Command::Pause => {
                if let Some(run) = self.map.as_mut().filter(|run| run.pause.is_none()) {
                    run.pause = Some(Instant::now());
                    self.tell(Event::Paused);
                }
                if let Some(run) = self.run.as_mut().filter(|run| run.pause.is_none()) {
                    run.pause = Some(Instant::now());
                    self.tell(Event::Paused);
                }
            }
            Command::Resume => {
                if self.map.as_mut().is_some_and(MapRun::resume) {
                    self.tell(Event::Resumed);
                }
                if let Some(run) = &mut self.run
                    && let Some(pause) = run.pause.take()
                {
                    run.rested += pause.elapsed();
                    self.tell(Event::Resumed);
                }
            }
            Command::Stop => {
                self.stop_map();
                self.stop_validating();
                if self.run.is_some() {
                    self.finish(FinishReason::Stopped);
                }
            }
            Command::Classify(patches) => self.classify(&patches),
            Command::Preview(request) => self.preview = Some(request),
            Command::Save(path) => self.save(&path),
            Command::Load(path) => self.load(&path),
        }
    }

    fn begin(&mut self, job: Box<TrainJob>) {
        if self.run.is_some() {
            self.finish(FinishReason::Stopped);
        }
        self.stop_map();
        self.stop_validating();
        self.stop_spectra();
        self.ended = None;
        let chosen = device::choose(job.device);
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        self.start(job, chosen);
    }

    fn start(&mut self, job: Box<TrainJob>, chosen: Chosen) {
        let trainer =
            Trainer::new(job.config.clone(), &job.classes, job.patches.clone(), &chosen.device, chosen.tiled);
        match trainer {
            Err(e) => self.fail(&e),
            Ok(trainer) => {
                if !chosen.tiled {
                    self.tell(Event::WarmingUp { done: 0, of: WARM_UP });
                }
                self.run = Some(Run::new(job, trainer, chosen));
            }
        }
    }

    /// The newest questions, then one training step, if one is due: who asks during a step waits for that step alone.
    fn turn(&mut self) {
        if let Some(request) = self.preview.take() {
            self.answer(request);
        }
        if let Some(query) = self.map_query.take() {
            self.answer_map(&query);
        }
        if self.training() {
            self.step();
        }
        if self.mapping() {
            self.map_turn();
        }
        self.validate_on();
        self.spectra_turn();
    }

    fn step(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        run.began.get_or_insert_with(Instant::now);
        let stepped = catch_unwind(AssertUnwindSafe(|| run.trainer.step()));
        let step = match stepped {
            Ok(Ok(step)) => step,
            Ok(Err(Error::Training(message))) => {
                self.keep(&run);
                return self.tell(Event::Failed { details: message.clone(), message });
            }
            Ok(Err(e)) => return self.lost(run, &e.to_string()),
            Err(panic) => return self.lost(run, &panic_text(panic.as_ref())),
        };
        run.steps += 1;
        run.images += step.images as f64;
        if !run.chosen.tiled && run.steps <= WARM_UP {
            self.tell(Event::WarmingUp { done: run.steps, of: WARM_UP });
        }
        match step.epoch {
            Some(sums) => self.end_of_epoch(&mut run, sums),
            None if run.told.elapsed() >= TELL => {
                let progress = run.progress(None, None);
                self.tell(Event::Progress(progress));
            }
            None => {}
        }
        self.look_on(&mut run);
        let done = run.trainer.done();
        self.run = Some(run);
        if done {
            self.finish(FinishReason::AllEpochs);
        }
    }

    /// The device failed in mid-training: a GPU is given up for the CPU, from the weights before the step if they can
    /// still be read, else from the beginning.
    fn lost(&mut self, run: Run, why: &str) {
        if run.chosen.tiled {
            return self.tell(Event::Failed {
                message: "the computation failed unexpectedly; nothing of your work is lost".into(),
                details: why.to_owned(),
            });
        }
        let chosen = device::cpu(Some(format!(
            "The GPU stopped answering ({why}); training starts again on the CPU."
        )));
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        self.start(run.job, chosen);
    }

    fn end_of_epoch(&mut self, run: &mut Run, sums: Sums) {
        self.keep(run);
        let (patches, seen) = run.judges();
        let accuracy = self.accuracy(patches, seen);
        let progress = run.progress(Some(sums), accuracy);
        self.tell(Event::Progress(progress));
        if !run.trainer.done() {
            run.look();
        }
    }

    /// Makes the run's present weights the model that answers.
    fn keep(&mut self, run: &Run) {
        self.model = Some(Model {
            vae: run.trainer.snapshot(),
            train: run.job.config.clone(),
            classes: run.job.classes.clone(),
            geometry: run.job.geometry.clone(),
            epochs: run.trainer.epoch,
        });
    }

    fn accuracy(&mut self, patches: &PatchSet, seen: Option<&Seen>) -> Option<Accuracy> {
        let model = self.model.as_ref()?;
        let which: Vec<usize> = (0..patches.len()).filter(|&i| patches.held_out[i].is_some()).collect();
        if which.is_empty() {
            return None;
        }
        match embed::classify_seen(&model.vae, patches, seen, &which) {
            Ok(found) => {
                let right =
                    which.iter().zip(&found).filter(|(i, c)| patches.held_out[**i] == Some(**c)).count();
                Some(Accuracy { right, of: which.len() })
            }
            Err(e) => {
                self.fail(&e);
                None
            }
        }
    }

    fn predict(&mut self, patches: &PatchSet) -> Option<Arc<[Prediction]>> {
        let model = self.model.as_ref()?;
        let epoch = model.epochs;
        match embed::predict(&model.vae, patches, &mut || true) {
            Ok(predictions) => {
                let predictions: Arc<[Prediction]> = predictions.into();
                self.tell(Event::Predictions { epoch, predictions: predictions.clone() });
                Some(predictions)
            }
            Err(e) => {
                self.fail(&e);
                None
            }
        }
    }

    /// Measures the model on the patches it has just predicted.
    fn check(&mut self, patches: &PatchSet, predictions: &[Prediction]) {
        let Some(model) = &self.model else { return };
        match sanity::check(&model.vae, patches, predictions, &mut || true) {
            Ok(sanity) => self.tell(Event::Checked(Arc::new(sanity))),
            Err(e) => self.fail(&e),
        }
    }

    pub(super) fn finish(&mut self, reason: FinishReason) {
        let Some(run) = self.run.take() else { return };
        self.keep(&run);
        if let Some(predictions) = self.predict(&run.job.patches) {
            self.check(&run.job.patches, &predictions);
        }
        self.tell(Event::Finished { reason, epochs: run.trainer.epoch, seconds: run.worked().as_secs_f64() });
        self.ended = Some(run);
    }

    fn classify(&mut self, patches: &PatchSet) {
        if self.model.is_some() {
            self.predict(patches);
        } else {
            self.fail(&Error::Training("there is no model yet; train one or open one".into()));
        }
    }

    fn answer(&mut self, request: PreviewRequest) {
        if let Some(run) = self.run.take() {
            // The newest weights, which may be younger than the last epoch.
            self.keep(&run);
            self.run = Some(run);
        }
        // A request from before there is a model is not an error; the window asks again.
        let Some(model) = &self.model else { return };
        let images = match &request {
            PreviewRequest::Manifold { class, axes, per_side, ranges } => {
                traverse::plane(&model.vae, *class, *axes, *per_side, *ranges)
            }
            PreviewRequest::At { class, latents, angle_rad, shift, scale } => {
                let pose = Pose { angle_rad: *angle_rad, shift_px: *shift, scale: *scale };
                traverse::image(&model.vae, *class, latents, pose)
            }
            PreviewRequest::Film { class, codes, angle_rad, shift, scale } => {
                let pose = Pose { angle_rad: *angle_rad, shift_px: *shift, scale: *scale };
                traverse::film(&model.vae, *class, codes, pose)
            }
        };
        let side = model.vae.config.dims[0];
        match images {
            Ok(images) => self.tell(Event::Preview(PreviewImages { request, side, images: images.into() })),
            Err(e) => self.fail(&e),
        }
    }

    fn save(&mut self, path: &Path) {
        if let Some(run) = self.run.take() {
            self.keep(&run);
            self.run = Some(run);
        }
        let Some(model) = &self.model else {
            return self.fail(&Error::Training("there is no model yet; train one or open one".into()));
        };
        let checkpoint =
            Checkpoint::of(&model.vae, &model.train, &model.classes, model.geometry.clone(), model.epochs);
        match checkpoint.save(path) {
            Ok(()) => self.tell(Event::Saved(path.to_owned())),
            Err(e) => self.fail(&e),
        }
    }

    /// Reads a model. It answers from the CPU: a handful of images is not worth preparing a GPU for.
    fn load(&mut self, path: &Path) {
        let loaded = Checkpoint::load(path).and_then(|checkpoint| {
            let chosen = device::choose(DeviceChoice::Cpu);
            checkpoint.vae(&chosen.device, chosen.tiled).map(|vae| (checkpoint, vae))
        });
        match loaded {
            Ok((checkpoint, vae)) => {
                let d = checkpoint.description;
                let event = Event::Loaded {
                    classes: d.classes.clone(),
                    side: vae.config.dims[0],
                    latent: vae.config.latent,
                    geometry: d.geometry.clone(),
                };
                // New labels would go on with a training that is not this model's.
                self.ended = None;
                self.model = Some(Model {
                    vae,
                    train: d.train,
                    classes: d.classes,
                    geometry: d.geometry,
                    epochs: d.epochs,
                });
                self.tell(event);
            }
            Err(e) => self.fail(&e),
        }
    }
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("panic without a message")
        .to_owned()
}
