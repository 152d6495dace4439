//! Slow work beside the window: one named thread a job, results through a channel.

mod work;

use super::picture::Picture;
use crate::error::Result;
use crate::particle::MicrographId;
use crate::particle::detect::Detection;
use crate::project::history::{History, StateId};
use crate::project::{MicrographEntry, Preparation, Project};
use crate::worker::job::Dataset;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
pub use work::{
    Export, OpenPictures, Seen, assemble, bring_back, import, load, open, sample, search, search_similar,
};

/// What a job brought.
#[allow(clippy::large_enum_variant)] // a few a second at most
pub enum Done {
    /// Paths chosen in the system's dialog; `None` if it could not be shown or was closed.
    Chosen {
        purpose: super::file_dialog::Purpose,
        paths: Option<Vec<PathBuf>>,
        /// It came back faster than a person can: there is no dialog on this system.
        instantly: bool,
    },
    Project {
        /// `None` for the sample.
        path: Option<PathBuf>,
        project: Result<Loaded>,
    },
    /// A picture that is being added, before anything else is known of it.
    Look(Arc<Picture>),
    /// The pages of a picture file, to be added to the project.
    Imported(Result<Imported>),
    Picture {
        id: MicrographId,
        of: PageOf,
        /// What it was prepared with.
        preparation: Preparation,
        picture: Result<Arc<Picture>>,
    },
    /// A small copy for the list; none of what cannot be opened.
    Small {
        id: MicrographId,
        of: PageOf,
        preparation: Preparation,
        small: Option<super::state::Small>,
    },
    /// How far a search is, 0..=1.
    Searching(f32),
    Detected {
        micrograph: MicrographId,
        found: Result<Vec<Detection>>,
    },
    Saved {
        path: PathBuf,
        state: StateId,
        result: Result<()>,
    },
    Assembling(f32),
    Assembled(Result<Dataset>),
    Measured(super::state::Measured),
    /// What there is to ask.
    Questions(super::review::Found),
    AnswersKept(Result<()>),
    /// The means of each class.
    Averaged(super::averages::Averaged),
    /// The table and the dots of newer results.
    Gathered(super::explore::gather::Gathered),
    Maps(super::maps::MapDone),
    /// A file of spectra was read.
    Spectra(Result<super::spectra::Subject>),
    /// A view was written.
    Taken {
        path: PathBuf,
        result: Result<()>,
    },
    /// Two kept models have been asked about the particles.
    Compared(Result<super::state::Compared>),
    Exported {
        dir: PathBuf,
        particles: usize,
        result: Result<()>,
    },
    /// The job of this name panicked.
    Broken(String),
}

/// Which file's page a picture is: another project numbers its micrographs alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOf {
    hash: String,
    page: usize,
}

impl PageOf {
    pub fn entry(entry: &MicrographEntry) -> Self {
        Self { hash: entry.hash.clone(), page: entry.page }
    }
}

/// A project from a file.
pub struct Loaded {
    pub project: Project,
    pub history: History,
    /// Changes that a program that died had not saved, brought back.
    pub recovered: usize,
    /// What the user should know, in sentences.
    pub notes: Vec<String>,
    /// Micrographs that were found under another path than the file says.
    pub moved: usize,
    /// Micrographs whose file is not there.
    pub missing: usize,
}

/// A picture file on its way into the project.
pub struct Imported {
    pub pages: Vec<Import>,
    /// What the reader wants the user to know, in sentences.
    pub notes: Vec<String>,
}

/// One page of a file on its way into the project.
pub struct Import {
    pub entry: MicrographEntry,
    /// Prepared already for the first page; others are opened when they are shown.
    pub picture: Option<Arc<Picture>>,
}

/// What a job may ask while it runs.
pub struct Context {
    stop: Arc<AtomicBool>,
    out: Sender<Letter>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// What a job sends to the window.
struct Letter {
    done: Done,
    /// The job that ends with it.
    last_of: Option<JobId>,
}

impl Context {
    /// True if the job should end: nobody waits for it any more.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Sends something before the job is done.
    pub fn tell(&self, done: Done) {
        self.send(Letter { done, last_of: None });
    }

    fn send(&self, letter: Letter) {
        if !self.stopped() && self.out.send(letter).is_ok() {
            (self.wake)();
        }
    }
}

struct Job {
    name: String,
    stop: Arc<AtomicBool>,
    /// Its result is wanted even if the window closes (a file is being written).
    must_finish: bool,
    /// Not told to the user: it has its own sign on screen.
    quiet: bool,
    /// See [`Jobs::outlives`].
    outlives: bool,
    thread: JoinHandle<()>,
}

/// Identifies a running job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(u64);

/// The running jobs. Dropping it stops those that nobody needs and waits for those that write.
pub struct Jobs {
    out: Sender<Letter>,
    letters: Receiver<Letter>,
    wake: Arc<dyn Fn() + Send + Sync>,
    running: BTreeMap<JobId, Job>,
    next: u64,
}

impl Jobs {
    /// `wake` is called after each result: the window should look.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (out, letters) = unbounded();
        Self { out, letters, wake: Arc::new(wake), running: BTreeMap::new(), next: 0 }
    }

    /// Starts a job that may be forgotten.
    pub fn start(&mut self, name: String, work: impl FnOnce(&Context) -> Done + Send + 'static) -> JobId {
        self.spawn(name, false, false, work)
    }

    /// Starts a job whose progress is shown where the eye is, not in the status line.
    pub fn start_quietly(
        &mut self,
        name: String,
        work: impl FnOnce(&Context) -> Done + Send + 'static,
    ) -> JobId {
        self.spawn(name, false, true, work)
    }

    /// Starts a job that writes: the program waits for it before it ends.
    pub fn start_writing(
        &mut self,
        name: String,
        work: impl FnOnce(&Context) -> Done + Send + 'static,
    ) -> JobId {
        self.spawn(name, true, false, work)
    }

    /// The same for what is too small to be told.
    pub fn start_writing_quietly(
        &mut self,
        name: String,
        work: impl FnOnce(&Context) -> Done + Send + 'static,
    ) -> JobId {
        self.spawn(name, true, true, work)
    }

    fn spawn(
        &mut self,
        name: String,
        must_finish: bool,
        quiet: bool,
        work: impl FnOnce(&Context) -> Done + Send + 'static,
    ) -> JobId {
        let stop = Arc::new(AtomicBool::new(false));
        let context = Context { stop: stop.clone(), out: self.out.clone(), wake: self.wake.clone() };
        let id = JobId(self.next);
        self.next += 1;
        let told = name.clone();
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            // A job that breaks must not take its result's place in the window with it.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&context)));
            context.send(Letter { done: done.unwrap_or(Done::Broken(told)), last_of: Some(id) });
        });
        // A system without threads left has larger trouble than this job.
        if let Ok(thread) = thread {
            self.running.insert(id, Job { name, stop, must_finish, quiet, outlives: must_finish, thread });
        }
        id
    }

    /// Tells a job to stop; its result is not delivered.
    pub fn stop(&mut self, id: JobId) {
        if let Some(job) = self.running.remove(&id) {
            job.stop.store(true, Ordering::Relaxed);
        }
    }

    /// This job is wanted whatever project is open; so is all that writes.
    pub fn outlives(&mut self, id: JobId) {
        self.running.entry(id).and_modify(|job| job.outlives = true);
    }

    /// Another project is open: what was done for the one before is wanted no more.
    pub fn stop_for_project(&mut self) {
        self.running.retain(|_, job| {
            job.stop.fetch_or(!job.outlives, Ordering::Relaxed);
            job.outlives
        });
    }

    /// Results that have come. A job is over with its last one, though its thread may take a moment more to end:
    /// nothing would wake the window when it has.
    pub fn drain(&mut self) -> Vec<Done> {
        let mut all = Vec::new();
        for Letter { done, last_of } in self.letters.try_iter() {
            if let Some(id) = last_of {
                self.running.remove(&id);
            }
            all.push(done);
        }
        all
    }

    /// True while this job runs.
    pub fn runs(&self, id: JobId) -> bool {
        self.running.contains_key(&id)
    }

    /// Names of the running jobs, oldest first, but for the quiet ones.
    pub fn names(&self) -> Vec<String> {
        self.running.values().filter(|job| !job.quiet).map(|job| job.name.clone()).collect()
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        for job in self.running.values().filter(|job| !job.must_finish) {
            job.stop.store(true, Ordering::Relaxed);
        }
        for (_, job) in std::mem::take(&mut self.running) {
            if job.must_finish {
                // A panic there has been reported by the thread itself.
                let _ = job.thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_job_is_over_with_its_result_though_its_thread_is_not() {
        let (looked, end) = sync_channel::<()>(0);
        let (wake, woken) = sync_channel::<()>(0);
        let end = std::sync::Mutex::new(end);
        let mut jobs = Jobs::new(move || {
            let _ = wake.send(());
            // The thread ends only after the window has looked.
            let _ = end.lock().map(|end| end.recv());
        });
        let id = jobs.start("Opening a.tif".into(), |_| Done::Searching(1.0));
        woken.recv().unwrap();
        assert_eq!(jobs.names(), ["Opening a.tif"]);
        assert_eq!(jobs.drain().len(), 1);
        assert!(!jobs.runs(id) && jobs.names().is_empty());
        looked.send(()).unwrap();
    }

    #[test]
    fn what_was_done_for_a_project_does_not_arrive_in_the_next() {
        let (wake, woken) = sync_channel::<()>(9);
        let (go, gone) = sync_channel::<()>(0);
        let gone = Arc::new(std::sync::Mutex::new(gone));
        let mut jobs = Jobs::new(move || wake.send(()).unwrap_or_default());
        let work = |share| {
            let gone = gone.clone();
            move |_: &Context| {
                let _ = gone.lock().map(|gone| gone.recv());
                Done::Searching(share)
            }
        };
        jobs.start("Comparing two models".into(), work(1.0));
        let dialog = jobs.start("File dialog".into(), work(2.0));
        jobs.outlives(dialog);
        jobs.start_writing("Saving a".into(), work(3.0));
        jobs.stop_for_project();
        assert_eq!(jobs.names(), ["File dialog", "Saving a"]);
        (0..3).for_each(|_| go.send(()).unwrap());
        (0..2).for_each(|_| woken.recv().unwrap());
        let mut shares: Vec<f32> = Vec::new();
        shares.extend(jobs.drain().iter().filter_map(|done| match done {
            Done::Searching(share) => Some(*share),
            _ => None,
        }));
        shares.sort_by(f32::total_cmp);
        assert_eq!(shares, [2.0, 3.0]);
    }
}
