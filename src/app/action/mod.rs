//! Everything a user can do, in one enum: menus, buttons, keys and the list of keys come from it.

mod keys;
mod look;
mod possible;

use super::class_acts::ClassAct;
use super::dialogs::ExportPlan;
use super::maps::{Ask, MapTool, Workspace};
use super::spectra::SpectraAsk;
use super::take::Take;
use crate::micrograph::prepare::Step;
use crate::particle::{ClassId, MicrographId, ParticleId};
use crate::project::edit::Edit;
use crate::worker::message::{DeviceChoice, PreviewRequest};
use egui::ThemePreference;
pub use keys::{keys_text, pressed};
use std::path::PathBuf;

/// What the mouse does on the micrograph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// A click adds a particle of the current class, or gives the class to the particle under it.
    #[default]
    Pick,
    /// A click or a dragged box selects.
    Select,
    /// An outline drawn by hand selects what lies in it.
    Lasso,
    /// A dragged box becomes a region without particles.
    Exclude,
    /// The same with an outline drawn by hand.
    Outline,
    /// A line along the picture's own scale bar gives the pixel size.
    Measure,
}

impl Tool {
    /// In the order of the tool row.
    pub const ALL: [Tool; 6] =
        [Tool::Pick, Tool::Select, Tool::Lasso, Tool::Exclude, Tool::Outline, Tool::Measure];
}

/// One thing to do. Panels emit them, the program applies them in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    // Files
    New,
    Open,
    OpenSample,
    AddMicrographs,
    OpenSpectra,
    ImportLabels,
    ExportLabels,
    Save,
    SaveAs,
    Export,
    /// The selected particles as a library of their own.
    ExportSelection,
    LoadModel,
    SaveModel,
    /// Asks for a name under which the model is kept beside the project.
    KeepModel,
    /// Lists all views, to write one into a file.
    TakeAway,
    Quit,
    // Changes
    Undo,
    Redo,
    Delete,
    Unlabel,
    HoldOut,
    SelectAll,
    SelectNone,
    /// The list of all changes.
    History,
    /// Finds what looks like the labelled particles.
    FindSimilar,
    /// Selects the next particle, or proposal, without a label.
    NextUnlabelled,
    PreviousUnlabelled,
    /// Shows all micrographs as the one on the canvas.
    CopyContrast,
    // Maps
    Workspace(Workspace),
    MapTool(MapTool),
    Maps(Ask),
    Spectra(SpectraAsk),
    // View
    Use(Tool),
    Fit,
    ZoomIn,
    ZoomOut,
    ActualSize,
    NextMicrograph,
    PreviousMicrograph,
    ResetLayout,
    Keys,
    Messages,
    /// All actions by name.
    Palette,
    /// Moves the keyboard from the picture to the panels.
    FocusPanels,
    // Training
    TrainOrPause,
    Train,
    Pause,
    Resume,
    Stop,
    /// The labels given since go into the training under way, or the last one.
    LearnNewLabels,
    /// Find the accuracy by cross-validation, and stop doing so.
    CrossValidate,
    StopValidating,
    /// The training that was stopped, perhaps by an earlier run of the program, goes on.
    GoOn,
    /// Make the averages of each class.
    Average,
    /// Cut the patches, so that the program can propose what to label.
    LookAtParticles,
    // Review
    /// Questions about particles, one after the other.
    Ask,
    /// What could be asked is looked for beside the window.
    LookForQuestions,
    /// What the model proposes is the answer.
    Agree,
    SkipQuestion,
    StopAsking,
    // With something to carry
    Theme(ThemePreference),
    /// The class in this place of the list, from 0: becomes current and labels the selection.
    ClassAt(usize),
    ChooseClass(ClassId),
    /// Chooses the class and gives it to what is selected.
    LabelAs(ClassId),
    AddClass(String),
    /// Asks what becomes of its particles, if it has some.
    RemoveClass(ClassId),
    MoveClass {
        class: ClassId,
        place: usize,
    },
    /// Of the current class.
    OfClass(ClassAct),
    /// Hides the particles of a class, or shows them again.
    ToggleClass(ClassId),
    Show(MicrographId),
    RemoveMicrograph(MicrographId),
    /// A click with the pick tool: a new particle of the current class here (pixels).
    AddParticle {
        x: f32,
        y: f32,
    },
    /// A click with the pick tool on a particle.
    LabelParticle(ParticleId),
    RemoveParticle(ParticleId),
    /// By so many pixels.
    MoveParticles {
        particles: Vec<ParticleId>,
        dx: f32,
        dy: f32,
    },
    /// A line of this many pixels was drawn along a scale bar.
    Calibrate {
        length_px: f32,
    },
    /// Undoes or redoes until so many changes are done.
    GoTo(usize),
    /// These become the selection, or join it.
    Select {
        particles: Vec<ParticleId>,
        join: bool,
    },
    /// Joins the selection, or leaves it.
    ToggleSelected(ParticleId),
    /// It becomes the selection, its micrograph comes up, and the view moves until it is in sight.
    GoToParticle(ParticleId),
    /// A change of the project as one step of the history.
    Change {
        name: String,
        edit: Edit,
    },
    /// Steps of preparation are tried on a micrograph while a control is held; `None`: they are let go.
    TryPreparation(Option<(MicrographId, Vec<Step>)>),
    /// The sentences of the first start are read.
    Greeted,
    /// The list of micrographs lacks a small copy of this one.
    WantSmall(MicrographId),
    Detect(bool),
    DetectSettings(crate::particle::detect::Settings),
    AcceptDetections,
    /// One proposal becomes a particle of the current class.
    AcceptProposal(usize),
    /// Only proposals of this score or better are shown and accepted.
    LeastScore(f32),
    UseDevice(DeviceChoice),
    Preview(PreviewRequest),
    /// Paths that were dropped on the window, given on the command line, chosen or typed.
    OpenPaths(Vec<PathBuf>),
    SaveTo(PathBuf),
    ImportLabelsFrom(PathBuf),
    ExportLabelsTo(PathBuf),
    LoadModelFrom(PathBuf),
    SaveModelTo(PathBuf),
    ExportTo(ExportPlan),
    /// Asks where a view goes.
    TakeView(Take),
    TakeViewTo(Take, PathBuf),
    KeepModelAs(String),
    ForgetModel(PathBuf),
    /// What two kept models say of the particles, side by side.
    CompareModels(PathBuf, PathBuf),
    /// Work that was never saved, from its journal.
    BringBack(PathBuf),
    /// Removes such a journal.
    ThrowAway(PathBuf),
    /// Undoes (or redoes) everything since the project was saved.
    BackToSaved,
    /// Answers to the question about unsaved changes.
    SaveFirst,
    DiscardChanges,
    StayHere,
}

/// Every action that has a name, for keys, palette and the list of keys. Those with more modifiers come first: egui
/// ignores an extra Shift when it matches.
pub const ALL: &[Action] = &[
    Action::Redo,
    Action::SaveAs,
    Action::OpenSample,
    Action::OpenSpectra,
    Action::ImportLabels,
    Action::ExportLabels,
    Action::LoadModel,
    Action::SaveModel,
    Action::CopyContrast,
    Action::ResetLayout,
    Action::ExportSelection,
    Action::Theme(ThemePreference::Dark),
    Action::Theme(ThemePreference::Light),
    Action::Theme(ThemePreference::System),
    Action::Use(Tool::Outline),
    Action::PreviousUnlabelled,
    Action::OfClass(ClassAct::Add),
    Action::OfClass(ClassAct::Recolour),
    Action::OfClass(ClassAct::Hide),
    Action::OfClass(ClassAct::SelectIts),
    Action::OfClass(ClassAct::Remove),
    Action::OfClass(ClassAct::Rename),
    Action::OfClass(ClassAct::Merge),
    Action::OfClass(ClassAct::Up),
    Action::OfClass(ClassAct::Down),
    Action::Stop,
    Action::Undo,
    Action::New,
    Action::Open,
    Action::AddMicrographs,
    Action::Save,
    Action::Export,
    Action::TakeAway,
    Action::KeepModel,
    Action::GoOn,
    Action::LearnNewLabels,
    Action::CrossValidate,
    Action::LookAtParticles,
    Action::Quit,
    Action::SelectAll,
    Action::History,
    Action::Palette,
    Action::SelectNone,
    Action::Delete,
    Action::Unlabel,
    Action::HoldOut,
    Action::Workspace(Workspace::Particles),
    Action::Workspace(Workspace::Maps),
    Action::Workspace(Workspace::Spectra),
    Action::Use(Tool::Pick),
    Action::Use(Tool::Select),
    Action::Use(Tool::Lasso),
    Action::Use(Tool::Exclude),
    Action::Use(Tool::Measure),
    Action::MapTool(MapTool::Inspect),
    Action::MapTool(MapTool::Outline),
    Action::MapTool(MapTool::Wall),
    Action::Fit,
    Action::ZoomIn,
    Action::ZoomOut,
    Action::ActualSize,
    Action::NextMicrograph,
    Action::PreviousMicrograph,
    Action::NextUnlabelled,
    Action::FindSimilar,
    Action::Detect(true),
    Action::AcceptDetections,
    Action::TrainOrPause,
    Action::Ask,
    Action::Agree,
    Action::SkipQuestion,
    Action::Keys,
    Action::Messages,
    Action::FocusPanels,
    Action::ClassAt(0),
    Action::ClassAt(1),
    Action::ClassAt(2),
    Action::ClassAt(3),
    Action::ClassAt(4),
    Action::ClassAt(5),
    Action::ClassAt(6),
    Action::ClassAt(7),
    Action::ClassAt(8),
];

#[cfg(test)]
mod tests;
