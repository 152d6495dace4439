//! The worker's loop: drain the inbox, step, tell.

use super::answering::Model;
use super::folds::Folds;
use super::map_run::MapRun;
use super::mapping::{MapEvent, MapQuery};
use super::maps::MapModel;
use super::message::{Command, Event, FinishReason, PreviewRequest};
use super::predicting::Predicting;
use super::run::Run;
use super::spectra::Desk;
use crate::error::Error;
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// The state of the thread.
pub(super) struct Engine<'a> {
    pub(super) outbox: &'a Sender<Event>,
    pub(super) notify: &'a dyn Fn(),
    /// True once nobody waits any more.
    pub(super) leaving: &'a AtomicBool,
    pub(super) run: Option<Run>,
    /// The last training that ended: new labels take it up again.
    pub(super) ended: Option<Run>,
    pub(super) model: Option<Model>,
    /// What the model is being asked about. Another model ends it: its answer would be taken for that one's.
    pub(super) classifying: Option<Box<Predicting>>,
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
pub fn run(inbox: &Receiver<Command>, outbox: &Sender<Event>, notify: &dyn Fn(), leaving: &AtomicBool) {
    let mut engine = Engine {
        outbox,
        notify,
        leaving,
        run: None,
        ended: None,
        model: None,
        classifying: None,
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
            engine.classifying = None;
            engine.stop_validating();
            let details = panic_text(panic.as_ref());
            let message =
                "the computation failed unexpectedly; the model as it was before stays. Try again on the CPU";
            match engine.map.take() {
                Some(run) => engine.map_failed(&run, message.into(), details),
                None => engine.tell(Event::Failed { message: message.into(), details }),
            }
        }
    }
}

impl Engine<'_> {
    /// One model is learned at a time: maps, spectra and a cross-validation that are under way end.
    pub(super) fn stop_others(&mut self) {
        self.stop_map();
        self.stop_validating();
        self.stop_spectra();
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.heard &= self.outbox.send(event).is_ok();
        (self.notify)();
    }

    /// Tells what went wrong. While anything is learned it was something asked beside it, and that has not failed.
    pub(super) fn fail(&mut self, error: &Error) {
        self.fell_short(error.to_string(), format!("{error:?}"));
    }

    fn fell_short(&mut self, message: String, details: String) {
        let learns = self.run.is_some() || self.map.is_some() || self.spectra.learns();
        self.tell(if learns { Event::Refused { message } } else { Event::Failed { message, details } });
    }

    fn training(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.pause.is_none())
    }

    fn mapping(&self) -> bool {
        self.map.as_ref().is_some_and(|run| run.pause.is_none())
    }

    /// Takes all waiting commands, or waits for one when there is nothing to do. False once the channel is closed.
    fn drain(&mut self, inbox: &Receiver<Command>) -> bool {
        let asked = self.preview.is_some() || self.map_query.is_some() || self.classifying.is_some();
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
        let maps = matches!(command, Command::Map(_));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.obey(command))) {
            let message = "the computation failed unexpectedly; nothing of your work is lost".to_owned();
            let details = panic_text(panic.as_ref());
            if maps {
                self.tell(Event::Map(MapEvent::Failed { message, details }));
            } else {
                self.fell_short(message, details);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        if matches!(
            command,
            Command::Train(_)
                | Command::GoOn { .. }
                | Command::Relabel { .. }
                | Command::Load(_)
                | Command::Forget
        ) {
            self.classifying = None;
        }
        match command {
            Command::Train(job) => self.begin(job),
            Command::Relabel { job, from } => self.relabel(job, from.as_deref()),
            Command::Halt(path) => self.halt(&path),
            Command::GoOn { job, from } => self.go_on(job, &from),
            Command::Validate { job, folds, kept } => self.validate(job, folds, kept),
            Command::Map(job) => self.begin_map(job),
            Command::MapAsk(query) => self.map_query = Some(query),
            Command::MapSave { run, path } => self.save_map(run, &path),
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
            Command::Classify(patches) => self.classify(patches),
            Command::Preview(request) => self.preview = Some(request),
            Command::Save(path) => self.save(&path),
            Command::Load(path) => {
                // It is about the model that was there.
                self.stop_validating();
                self.load(&path);
            }
            Command::StopValidating => self.stop_validating(),
            Command::Forget => {
                (self.run, self.ended, self.model, self.folds) = (None, None, None, None);
                self.tell(Event::Forgotten);
            }
        }
    }

    /// The newest questions, then one training step, if one is due: who asks during a step waits for that step alone.
    fn turn(&mut self) {
        if let Some(request) = self.preview.take() {
            self.answer(request);
        }
        if let Some(query) = self.map_query.take() {
            self.answer_map(query);
        }
        self.classify_on();
        if self.training() {
            self.step();
        }
        if self.mapping() {
            self.map_turn();
        }
        self.validate_on();
        self.spectra_turn();
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
