//! Everything a user can do, in one enum: menus, buttons, keys and the list of keys come from it.

use super::dialogs::ExportPlan;
use super::icon::Icon;
use super::maps::{Ask, MapTool, Workspace};
use super::state::State;
use crate::particle::{ClassId, MicrographId, ParticleId};
use crate::project::edit::Edit;
use crate::worker::message::{DeviceChoice, PreviewRequest};
use egui::{Key, KeyboardShortcut, Modifiers, ThemePreference};
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
    ImportLabels,
    ExportLabels,
    Save,
    SaveAs,
    Export,
    LoadModel,
    SaveModel,
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
    /// Cut the patches, so that the program can propose what to label.
    LookAtParticles,
    // With something to carry
    Theme(ThemePreference),
    /// The class in this place of the list, from 0: becomes current and labels the selection.
    ClassAt(usize),
    ChooseClass(ClassId),
    AddClass(String),
    /// Asks what becomes of its particles, if it has some.
    RemoveClass(ClassId),
    MoveClass {
        class: ClassId,
        place: usize,
    },
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
    /// A change of the project as one step of the history.
    Change {
        name: String,
        edit: Edit,
    },
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

/// Name, key and picture of an action.
pub struct Look {
    pub name: &'static str,
    pub keys: &'static [KeyboardShortcut],
    pub icon: Option<Icon>,
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

const fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn command_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// Every action that has a name, for keys, palette and the list of keys. Those with more modifiers come first: egui
/// ignores an extra Shift when it matches.
pub const ALL: &[Action] = &[
    Action::Redo,
    Action::SaveAs,
    Action::OpenSample,
    Action::ImportLabels,
    Action::ExportLabels,
    Action::LoadModel,
    Action::SaveModel,
    Action::CopyContrast,
    Action::ResetLayout,
    Action::Theme(ThemePreference::Dark),
    Action::Theme(ThemePreference::Light),
    Action::Theme(ThemePreference::System),
    Action::Use(Tool::Outline),
    Action::PreviousUnlabelled,
    Action::Stop,
    Action::Undo,
    Action::New,
    Action::Open,
    Action::AddMicrographs,
    Action::Save,
    Action::Export,
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

impl Action {
    /// Name, keys and icon; actions that only panels emit have no key.
    pub fn look(&self) -> Look {
        let look = |name, keys, icon| Look { name, keys, icon };
        match self {
            Action::New => look("New project", const { &[command(Key::N)] }, None),
            Action::Open => look("Open…", const { &[command(Key::O)] }, None),
            Action::OpenSample => look("Open sample", const { &[command_shift(Key::O)] }, None),
            Action::AddMicrographs => look("Add micrographs…", const { &[command(Key::I)] }, None),
            Action::ImportLabels => look("Import labels…", const { &[command_shift(Key::I)] }, None),
            Action::ExportLabels => look("Export labels…", const { &[command_shift(Key::E)] }, None),
            Action::Save | Action::SaveTo(_) => look("Save", const { &[command(Key::S)] }, None),
            Action::SaveAs => look("Save as…", const { &[command_shift(Key::S)] }, None),
            Action::Export | Action::ExportTo(_) => look("Export…", const { &[command(Key::E)] }, None),
            Action::LoadModel | Action::LoadModelFrom(_) => {
                look("Load model…", const { &[command_shift(Key::L)] }, None)
            }
            Action::SaveModel | Action::SaveModelTo(_) => {
                look("Save model…", const { &[command_shift(Key::M)] }, None)
            }
            Action::Quit => look("Quit", const { &[command(Key::Q)] }, None),
            Action::Undo => look("Undo", const { &[command(Key::Z)] }, Some(Icon::Undo)),
            Action::Redo => {
                look("Redo", const { &[command_shift(Key::Z), command(Key::Y)] }, Some(Icon::Redo))
            }
            Action::Delete => look("Delete selected", const { &[plain(Key::Delete)] }, None),
            Action::Unlabel => look("Take label off", const { &[plain(Key::U)] }, None),
            Action::HoldOut => look("Hold out for testing", const { &[plain(Key::H)] }, None),
            Action::SelectAll => look("Select all", const { &[command(Key::A)] }, None),
            Action::SelectNone => look("Select none", const { &[plain(Key::Escape)] }, None),
            Action::Use(Tool::Pick) => look("Pick", const { &[plain(Key::P)] }, Some(Icon::Pick)),
            Action::Use(Tool::Select) => look("Select", const { &[plain(Key::V)] }, Some(Icon::Select)),
            Action::Use(Tool::Lasso) => look("Lasso", const { &[plain(Key::L)] }, Some(Icon::Lasso)),
            Action::Use(Tool::Outline) => {
                look("Exclude an outline", const { &[shift(Key::X)] }, Some(Icon::Outline))
            }
            Action::Use(Tool::Measure) => {
                look("Measure a scale bar", const { &[plain(Key::M)] }, Some(Icon::Measure))
            }
            Action::History => look("History", const { &[command(Key::H)] }, None),
            Action::Palette => look("All actions", const { &[command(Key::P)] }, None),
            Action::FocusPanels => look("Go to the panels", const { &[plain(Key::F6)] }, None),
            Action::NextUnlabelled => look("Next without a label", const { &[plain(Key::Tab)] }, None),
            Action::PreviousUnlabelled => {
                look("Previous without a label", const { &[shift(Key::Tab)] }, None)
            }
            Action::FindSimilar => look("Pick similar", const { &[plain(Key::S)] }, None),
            Action::Detect(_) => look("Find particles", const { &[plain(Key::D)] }, None),
            Action::CopyContrast => look("Contrast to all", const { &[command_shift(Key::K)] }, None),
            Action::Use(Tool::Exclude) => look("Exclude", const { &[plain(Key::X)] }, Some(Icon::Exclude)),
            Action::Fit => look("Fit", const { &[plain(Key::F)] }, Some(Icon::Fit)),
            Action::ZoomIn => look("Zoom in", const { &[plain(Key::Plus), plain(Key::Equals)] }, None),
            Action::ZoomOut => look("Zoom out", const { &[plain(Key::Minus)] }, None),
            Action::ActualSize => look("Actual pixels", const { &[plain(Key::Num0)] }, None),
            Action::NextMicrograph => look("Next micrograph", const { &[plain(Key::PageDown)] }, None),
            Action::PreviousMicrograph => look("Previous micrograph", const { &[plain(Key::PageUp)] }, None),
            Action::ResetLayout => look("Reset layout", const { &[command_shift(Key::R)] }, None),
            Action::Keys => look("Keys", const { &[plain(Key::F1)] }, None),
            Action::Messages => look("Messages", const { &[plain(Key::F2)] }, None),
            Action::TrainOrPause => look("Train or pause", const { &[plain(Key::T)] }, None),
            Action::Train => look("Train", &[], Some(Icon::Play)),
            Action::Pause => look("Pause", &[], Some(Icon::Pause)),
            Action::Resume => look("Resume", &[], Some(Icon::Play)),
            Action::Stop => look("Stop", const { &[shift(Key::T)] }, Some(Icon::Stop)),
            Action::ClassAt(place) => class_look(*place),
            Action::Theme(ThemePreference::Dark) => look("Dark", const { &[command_shift(Key::D)] }, None),
            Action::Theme(ThemePreference::Light) => look("Light", const { &[command_shift(Key::B)] }, None),
            Action::Theme(ThemePreference::System) => {
                look("As the system", const { &[command_shift(Key::U)] }, None)
            }
            Action::AcceptDetections => look("Accept all", const { &[plain(Key::A)] }, None),
            Action::Workspace(Workspace::Particles) => {
                look("Particles workspace", const { &[command(Key::Num1)] }, None)
            }
            Action::Workspace(Workspace::Maps) => {
                look("Maps workspace", const { &[command(Key::Num2)] }, None)
            }
            Action::MapTool(MapTool::Inspect) => {
                look("Inspect pixels", const { &[plain(Key::I)] }, Some(Icon::Pick))
            }
            Action::MapTool(MapTool::Outline) => {
                look("Draw round pixels", const { &[plain(Key::O)] }, Some(Icon::Lasso))
            }
            Action::MapTool(MapTool::Wall) => {
                look("Wall profile", const { &[plain(Key::W)] }, Some(Icon::Measure))
            }
            _ => look("", &[], None),
        }
    }
}

impl Action {
    /// Whether it would do anything now; menus, buttons and the palette ask the same question.
    pub fn is_possible(&self, state: &State) -> bool {
        let opened = !state.is_blank();
        let maps = state.workspace == Workspace::Maps;
        let phase = if maps { &state.maps.phase } else { &state.training.phase };
        let active = phase.is_active();
        if !self.belongs_to(state.workspace) {
            return false;
        }
        match self {
            Action::Export if maps => state.maps.set.is_some(),
            Action::Save
            | Action::SaveAs
            | Action::ImportLabels
            | Action::SelectAll
            | Action::Use(_)
            | Action::Fit
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::ActualSize
            | Action::NextMicrograph
            | Action::PreviousMicrograph
            | Action::NextUnlabelled
            | Action::PreviousUnlabelled
            | Action::CopyContrast
            | Action::TrainOrPause => opened,
            Action::ExportLabels => !state.project.particles.is_empty(),
            Action::Export => super::bar::can_export(state),
            Action::LoadModel => opened && !state.training.phase.is_active(),
            Action::SaveModel => state.training.model.is_some() && !state.training.phase.is_active(),
            Action::Stop => active,
            Action::Undo => state.history.undo_name().is_some(),
            Action::Redo => state.history.redo_name().is_some(),
            Action::History => !state.history.is_empty(),
            Action::SelectNone if maps => true,
            Action::Delete | Action::Unlabel | Action::HoldOut | Action::SelectNone => {
                !state.selection.is_empty()
            }
            Action::Detect(_) | Action::FindSimilar => state.picture().is_some(),
            Action::AcceptDetections => !state.detection.found.is_empty(),
            Action::ClassAt(place) => *place < state.project.classes.len(),
            _ => true,
        }
    }
}

impl Action {
    /// False for what acts on particles while maps are shown, and the other way round: no key changes what is not seen.
    pub fn belongs_to(&self, workspace: Workspace) -> bool {
        match self {
            Action::MapTool(_) => workspace == Workspace::Maps,
            Action::SelectAll
            | Action::Delete
            | Action::Unlabel
            | Action::HoldOut
            | Action::FindSimilar
            | Action::NextUnlabelled
            | Action::PreviousUnlabelled
            | Action::Detect(_)
            | Action::AcceptDetections
            | Action::ClassAt(_)
            | Action::LoadModel
            | Action::SaveModel
            | Action::CopyContrast
            | Action::Use(_) => workspace == Workspace::Particles,
            _ => true,
        }
    }
}

fn class_look(place: usize) -> Look {
    const KEYS: [[KeyboardShortcut; 1]; 9] = [
        [plain(Key::Num1)],
        [plain(Key::Num2)],
        [plain(Key::Num3)],
        [plain(Key::Num4)],
        [plain(Key::Num5)],
        [plain(Key::Num6)],
        [plain(Key::Num7)],
        [plain(Key::Num8)],
        [plain(Key::Num9)],
    ];
    const NAMES: [&str; 9] = [
        "Class 1, and give it to the selection",
        "Class 2",
        "Class 3",
        "Class 4",
        "Class 5",
        "Class 6",
        "Class 7",
        "Class 8",
        "Class 9",
    ];
    match (NAMES.get(place), KEYS.get(place)) {
        (Some(name), Some(keys)) => Look { name, keys, icon: None },
        _ => Look { name: "", keys: &[], icon: None },
    }
}

/// The actions whose keys were pressed since the last frame; none while the user types text.
pub fn pressed(ctx: &egui::Context, workspace: Workspace) -> Vec<Action> {
    // An open menu keeps its own keys: Escape closes it.
    if ctx.text_edit_focused() || egui::Popup::is_any_open(ctx) {
        return Vec::new();
    }
    let mut actions = Vec::new();
    // Tab goes from widget to widget where the keyboard is in the panels, else from particle to particle.
    let in_panels = ctx.memory(|memory| memory.focused().is_some());
    ctx.input_mut(|input| {
        for action in ALL.iter().filter(|action| action.belongs_to(workspace)) {
            for keys in action.look().keys.iter().filter(|keys| !(in_panels && keys.logical_key == Key::Tab))
            {
                if input.consume_shortcut(keys) {
                    actions.push(action.clone());
                }
            }
        }
    });
    if actions.iter().any(|action| matches!(action, Action::NextUnlabelled | Action::PreviousUnlabelled)) {
        ctx.memory_mut(|memory| memory.move_focus(egui::FocusDirection::None));
    }
    actions
}

/// The keys of an action as text for menus, such as "Ctrl+S"; empty if it has none.
pub fn keys_text(ctx: &egui::Context, action: &Action) -> String {
    action.look().keys.first().map(|keys| ctx.format_shortcut(keys)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_a_key() {
        let mut all: Vec<KeyboardShortcut> =
            ALL.iter().flat_map(|action| action.look().keys.iter().copied()).collect();
        let count = all.len();
        all.sort_by_key(|keys| format!("{keys:?}"));
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn no_lone_letter_or_digit_deletes() {
        for action in ALL.iter().filter(|action| matches!(action, Action::Delete | Action::SelectNone)) {
            for keys in action.look().keys {
                assert!(keys.logical_key.name().len() > 1, "{:?}", keys.logical_key);
            }
        }
    }

    #[test]
    fn every_action_with_a_key_has_a_name() {
        for action in ALL {
            let look = action.look();
            assert!(!look.name.is_empty() && !look.keys.is_empty(), "{action:?}");
        }
    }
}
