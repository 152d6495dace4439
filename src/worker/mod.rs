//! The one thread that trains, maps and answers; it owns the device and the model that the window shows.
//!
//! Tensors of one device must be worked on in one order, so those of a training never leave this thread: commands and events
//! are plain data. (Exporting and comparing make a model of their own on the CPU.) Losing the channel, or dropping the [`Worker`], stops the work after the current step; dropping it also ends
//! what the model is asked about all patches at the end of a training.

mod answering;
pub mod device;
mod engine;
pub mod folds;
pub mod insight;
pub mod job;
pub mod judges;
pub mod map_folder;
mod map_judge;
mod map_refine;
mod map_run;
pub mod mapping;
mod maps;
pub mod message;
pub mod models;
mod predicting;
pub mod provenance;
mod run;
pub mod spectra;
mod training;
mod warm;

use crossbeam_channel::{Receiver, Sender, unbounded};
use message::{Command, Event};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A handle to the worker thread.
pub struct Worker {
    commands: Option<Sender<Command>>,
    events: Receiver<Event>,
    /// True once it is being dropped: nobody waits for what is under way.
    leaving: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. `notify` is called after each event is queued; it need not know who listens.
    ///
    /// If the operating system refuses a thread, the first event says so.
    pub fn spawn(notify: impl Fn() + Send + 'static) -> Self {
        let (commands, inbox) = unbounded();
        let (outbox, events) = unbounded();
        let refused = outbox.clone();
        let leaving = Arc::new(AtomicBool::new(false));
        let left = leaving.clone();
        let thread = std::thread::Builder::new()
            .name("nanotheca-worker".into())
            .spawn(move || engine::run(&inbox, &outbox, &notify, &left));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(e) => {
                let event = Event::Failed {
                    message: "the background thread could not be started; close other programs and try again"
                        .into(),
                    details: e.to_string(),
                };
                drop(refused.send(event));
                None
            }
        };
        Self { commands: Some(commands), events, leaving, thread }
    }

    /// Queues a command. A worker that has ended ignores it; its last event said why.
    pub fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            drop(commands.send(command));
        }
    }

    /// What the worker tells, oldest first.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Closing the channel is the request to stop; the thread sees it after at most one step, or a part of what is longer.
        self.leaving.store(true, Ordering::Relaxed);
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
