//! The window: [`App`] drains events and applies actions in `logic`, draws and emits actions in `ui`.
//!
//! A click travels: a panel emits an `Action`, `apply` turns it into an edit of the project (through the
//! history, so that it can be undone), a message to the worker, or a job beside the window. Panels read `State` and
//! own only what they alone care about.

mod accepting;
mod action;
mod apply;
mod arrivals;
mod averages;
mod axes;
mod bar;
mod calibration;
mod canvas;
mod class_acts;
mod classes;
mod contrast;
mod detection;
mod dialogs;
mod drag;
mod edits;
mod events;
mod explore;
mod export;
mod file_dialog;
mod files;
mod going;
mod grid;
mod icon;
mod jobs;
mod layout;
mod log;
mod maps;
mod marks;
mod memory;
mod micrographs;
mod models;
mod opening;
mod overlay;
mod palette;
mod panes;
mod picture;
mod preparation;
mod relearn;
mod review;
mod run;
mod sanity;
mod settings;
mod shades;
mod spectra;
mod start;
mod state;
mod status;
mod table;
mod take;
mod theme;
mod tiles;
mod toasts;
mod training;
mod traversal;
mod view;
mod welcome;

use crate::project::{Project, session};
use crate::worker::Worker;
use crate::worker::job::Dataset;
use crate::worker::models::Kept;
use action::Action;
use dialogs::Dialog;
use jobs::{JobId, Jobs};
use memory::Memory;
pub use start::{memory_file, run, unsaved_folder};
use state::State;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use toasts::Toasts;

/// How long a toast stays.
const TOAST: Duration = Duration::from_secs(8);

/// What the window opens with.
#[derive(Clone, Debug, Default)]
pub struct Open {
    pub project: Option<PathBuf>,
    /// Added to the project, or to an empty one.
    pub images: Vec<PathBuf>,
    /// Open the sample project if nothing else is given.
    pub sample: bool,
    /// Where the work on projects without a file is kept safe; nowhere if not given.
    pub unsaved: Option<PathBuf>,
    /// The file in which theme, layout and recent projects are remembered; they are forgotten if not given.
    pub memory: Option<PathBuf>,
}

/// The window's state and the threads that work for it.
pub struct App {
    state: State,
    layout: layout::Layout,
    dialog: Dialog,
    toasts: Toasts,
    jobs: Jobs,
    map_jobs: maps::MapJobs,
    worker: Worker,
    /// Actions that wait for the next `logic`.
    actions: Vec<Action>,
    detecting: Option<JobId>,
    /// The table of what is known is being made.
    gathering: Option<JobId>,
    assembling: Option<Assembling>,
    export: Option<export::Export>,
    /// Pictures that are still to be opened, one after the other.
    opening: VecDeque<PathBuf>,
    importing: Option<JobId>,
    /// The shown picture is being prepared in another way.
    renewing: Option<JobId>,
    /// A picture is opened for its small copy alone.
    making_small: Option<JobId>,
    /// A project on its way; pictures wait for it.
    loading: Option<JobId>,
    /// The revision of the project when its changes were saved or given up for another.
    left_at: Option<u64>,
    /// Projects that were left and that the worker has not forgotten yet.
    forgetting: usize,
    /// The next picture that comes in is shown.
    show_import: bool,
    /// What unsaved changes stand in the way of.
    leaving: Option<Leaving>,
    /// Saving was chosen: go on with `leaving` when it is done.
    leave_after_save: bool,
    may_close: bool,
    /// Runs that were told to stop and whose last events do not concern this project.
    left_runs: usize,
    memory: Memory,
    /// See [`Open::unsaved`].
    unsaved: Option<PathBuf>,
    /// Where the project lay before it was saved under another name, until that is done.
    path_before: Option<Option<PathBuf>>,
    /// Told already.
    journal_problem: Option<String>,
    /// The models that the worker is writing to keep them.
    keeping: Vec<Kept>,
    /// Models of a project without a file; they go with the window.
    unsaved_models: Option<tempfile::TempDir>,
    /// Models of projects that were opened, which the worker was told to read.
    waking: Vec<PathBuf>,
    /// What the worker is told to learn, until it has taken it in.
    learning: Option<Arc<Dataset>>,
    /// The models to compare once the patches are cut.
    to_compare: Option<[PathBuf; 2]>,
    /// Writes the answers of the review.
    keeper: review::Keeper,
    /// When the state of the training was last written.
    state_written: Option<Instant>,
    title: String,
}

/// What ends the work on the project that is open.
enum Leaving {
    Close,
    New,
    Sample,
    BringBack(PathBuf),
    Paths(Vec<PathBuf>),
    /// Another project has been read meanwhile.
    Arrived(Option<PathBuf>, Box<jobs::Loaded>),
}

/// What patches are being cut for.
struct Assembling {
    job: JobId,
    purpose: AssemblePurpose,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AssemblePurpose {
    Train,
    GoOn,
    /// New labels and particles join the training.
    Learn,
    /// Kept models are to be asked about the particles.
    Compare,
    Export,
    /// Patches are wanted before there is a model, to propose what to label.
    Look,
    /// A model was loaded: what does it say of the particles?
    Classify,
    /// The same where nobody asked: a project was opened that has a model.
    Wake,
}

impl App {
    /// Starts the worker and opens what was asked for.
    pub fn new(cc: &eframe::CreationContext<'_>, open: Open) -> Self {
        let ctx = cc.egui_ctx.clone();
        let memory = Memory::load(open.memory);
        theme::install(&ctx);
        ctx.set_theme(memory.theme());
        let wake = move || ctx.request_repaint();
        let mut actions = Vec::new();
        let mut paths: Vec<PathBuf> = open.project.into_iter().collect();
        paths.extend(open.images);
        let recent: Vec<PathBuf> = memory.recent().cloned().collect();
        if !paths.is_empty() {
            actions.push(Action::OpenPaths(paths));
        } else if let Some(path) = recent.iter().find(|path| session::left_changes(path)) {
            // The program died while it was open: it comes back with all that was done.
            actions.push(Action::OpenPaths(vec![path.clone()]));
        } else if open.sample && recent.is_empty() {
            // Who has projects of their own is asked which.
            actions.push(Action::OpenSample);
        }
        let left = open.unsaved.as_deref().map(session::left_unsaved).unwrap_or_default();
        let dialog = left.last().map_or(Dialog::None, |journal| Dialog::LeftUnsaved {
            journal: journal.clone(),
            about: start::about_unsaved(journal),
        });
        let mut app = Self {
            state: State::default(),
            layout: layout::Layout::restored([&memory.panes, &memory.map_panes, &memory.spectra_panes]),
            dialog,
            toasts: Toasts::default(),
            jobs: Jobs::new(wake.clone()),
            map_jobs: maps::MapJobs::default(),
            worker: Worker::spawn(wake),
            actions,
            detecting: None,
            gathering: None,
            assembling: None,
            export: None,
            opening: VecDeque::new(),
            importing: None,
            renewing: None,
            making_small: None,
            loading: None,
            left_at: None,
            forgetting: 0,
            show_import: false,
            leaving: None,
            leave_after_save: false,
            may_close: false,
            left_runs: 0,
            unsaved: open.unsaved,
            memory,
            path_before: None,
            journal_problem: None,
            keeping: Vec::new(),
            unsaved_models: None,
            waking: Vec::new(),
            learning: None,
            to_compare: None,
            keeper: review::Keeper::default(),
            state_written: None,
            title: String::new(),
        };
        app.begin_journal();
        app
    }

    /// The project as it is now.
    pub fn project(&self) -> &Project {
        &self.state.project
    }

    /// True if there are changes that have not been saved.
    pub fn is_dirty(&self) -> bool {
        self.state.history.is_dirty()
    }

    /// Revisions of the predictions: the last that arrived, and the one that the scatter shows.
    pub fn arrivals(&self) -> [u64; 2] {
        [self.state.results.as_ref().map_or(0, |results| results.revision), self.layout.scatter_revision()]
    }

    /// Milliseconds that a training step takes, while one is made.
    pub fn step_ms(&self) -> Option<f64> {
        let seconds = self.state.training.progress.as_ref()?.seconds_per_step;
        (seconds > 0.0).then_some(1e3 * seconds)
    }

    fn set_title(&mut self, ctx: &egui::Context) {
        let star = if self.state.history.is_dirty() { " *" } else { "" };
        let title = format!("{}{star} – Nanotheca", self.state.name());
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Asks before unsaved work is lost; training does not hold the window open.
    fn on_close_request(&mut self, ctx: &egui::Context) {
        if !ctx.input(|input| input.viewport().close_requested()) || self.may_close {
            return;
        }
        if self.state.has_unsaved_work() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.leaving = Some(Leaving::Close);
            self.dialog = Dialog::Unsaved;
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.on_close_request(ctx);
        self.drain(ctx);
        for action in std::mem::take(&mut self.actions) {
            self.apply(ctx, action);
        }
        self.keep_going();
        self.follow_review();
        self.ask_model();
        self.watch_journal();
        self.state.under_way = self.jobs.names();
        if self.state.is_blank() || self.state.recent.first() != self.memory.recent.first() {
            self.state.recent = self.memory.recent().cloned().collect();
        }
        self.set_title(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let mut actions = Vec::new();
        if self.dialog == Dialog::None {
            actions.extend(action::pressed(ui.ctx(), self.state.workspace));
        }
        let dropped: Vec<PathBuf> = ui.input(|input| {
            let files = input.raw.dropped_files.iter();
            files.map(|file| file.path().to_owned()).filter(|path| !path.as_os_str().is_empty()).collect()
        });
        if !dropped.is_empty() {
            actions.push(spectra::dropped(dropped, &self.state));
        }
        self.layout.ui(ui, &self.state, &mut actions);
        let asked = dialogs::show(ui.ctx(), &mut self.dialog, &self.state);
        actions.extend(asked.actions);
        if asked.choose_folder {
            self.ask_path(file_dialog::Purpose::ExportFolder);
        }
        canvas::drop_hint(ui.ctx());
        self.toasts.show(ui.ctx(), &self.state.messages, &mut actions);
        if !actions.is_empty() {
            self.actions.extend(actions);
            // They are applied before the next frame is drawn.
            ui.ctx().request_repaint();
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // What has been trained so far can go on tomorrow.
        self.write_state();
        self.keep_answers_now();
        // A window that ends without being asked (a logout, a crash) leaves its journal for the next start.
        if self.may_close || !self.state.has_unsaved_work() {
            self.state.history.finish_journal();
        }
        [self.memory.panes, self.memory.map_panes, self.memory.spectra_panes] = self.layout.remembered();
        self.memory.save();
    }
}
