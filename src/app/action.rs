//! Everything a user can do, in one enum: menus, buttons, keys and the list of keys come from it.

use super::dialogs::ExportPlan;
use super::icon::Icon;
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
    /// A dragged box becomes a region without particles.
    Exclude,
}

/// One thing to do. Panels emit them, the program applies them in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    // Files
    New,
    Open,
    OpenSample,
    AddMicrographs,
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
    // Training
    TrainOrPause,
    Train,
    Pause,
    Resume,
    Stop,
    // With something to carry
    Theme(ThemePreference),
    /// The class in this place of the list, from 0: becomes current and labels the selection.
    ClassAt(usize),
    ChooseClass(ClassId),
    AddClass(String),
    RemoveClass(ClassId),
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
    UseDevice(DeviceChoice),
    Preview(PreviewRequest),
    /// Paths that were dropped on the window, given on the command line, chosen or typed.
    OpenPaths(Vec<PathBuf>),
    SaveTo(PathBuf),
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

const fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn command_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// Actions with a key, those with more modifiers first: egui ignores an extra Shift when it matches.
pub const WITH_KEYS: &[Action] = &[
    Action::Redo,
    Action::SaveAs,
    Action::Undo,
    Action::New,
    Action::Open,
    Action::AddMicrographs,
    Action::Save,
    Action::Export,
    Action::Quit,
    Action::SelectAll,
    Action::SelectNone,
    Action::Delete,
    Action::Unlabel,
    Action::HoldOut,
    Action::Use(Tool::Pick),
    Action::Use(Tool::Select),
    Action::Use(Tool::Exclude),
    Action::Fit,
    Action::ZoomIn,
    Action::ZoomOut,
    Action::ActualSize,
    Action::NextMicrograph,
    Action::PreviousMicrograph,
    Action::TrainOrPause,
    Action::Keys,
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
            Action::OpenSample => look("Open sample", &[], None),
            Action::AddMicrographs => look("Add micrographs…", const { &[command(Key::I)] }, None),
            Action::Save | Action::SaveTo(_) => look("Save", const { &[command(Key::S)] }, None),
            Action::SaveAs => look("Save as…", const { &[command_shift(Key::S)] }, None),
            Action::Export | Action::ExportTo(_) => look("Export…", const { &[command(Key::E)] }, None),
            Action::LoadModel | Action::LoadModelFrom(_) => look("Load model…", &[], None),
            Action::SaveModel | Action::SaveModelTo(_) => look("Save model…", &[], None),
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
            Action::Use(Tool::Exclude) => look("Exclude", const { &[plain(Key::X)] }, Some(Icon::Exclude)),
            Action::Fit => look("Fit", const { &[plain(Key::F)] }, Some(Icon::Fit)),
            Action::ZoomIn => look("Zoom in", const { &[plain(Key::Plus), plain(Key::Equals)] }, None),
            Action::ZoomOut => look("Zoom out", const { &[plain(Key::Minus)] }, None),
            Action::ActualSize => look("Actual pixels", const { &[plain(Key::Num0)] }, None),
            Action::NextMicrograph => look("Next micrograph", const { &[plain(Key::PageDown)] }, None),
            Action::PreviousMicrograph => look("Previous micrograph", const { &[plain(Key::PageUp)] }, None),
            Action::ResetLayout => look("Reset layout", &[], None),
            Action::Keys => look("Keys", const { &[plain(Key::F1)] }, None),
            Action::Messages => look("Messages", &[], None),
            Action::TrainOrPause => look("Train or pause", const { &[plain(Key::T)] }, None),
            Action::Train => look("Train", &[], Some(Icon::Play)),
            Action::Pause => look("Pause", &[], Some(Icon::Pause)),
            Action::Resume => look("Resume", &[], Some(Icon::Play)),
            Action::Stop => look("Stop", &[], Some(Icon::Stop)),
            Action::ClassAt(place) => class_look(*place),
            Action::Theme(ThemePreference::Dark) => look("Dark", &[], None),
            Action::Theme(ThemePreference::Light) => look("Light", &[], None),
            Action::Theme(ThemePreference::System) => look("As the system", &[], None),
            Action::AcceptDetections => look("Accept all", &[], None),
            _ => look("", &[], None),
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
pub fn pressed(ctx: &egui::Context) -> Vec<Action> {
    // An open menu keeps its own keys: Escape closes it.
    if ctx.text_edit_focused() || egui::Popup::is_any_open(ctx) {
        return Vec::new();
    }
    let mut actions = Vec::new();
    ctx.input_mut(|input| {
        for action in WITH_KEYS {
            for keys in action.look().keys {
                if input.consume_shortcut(keys) {
                    actions.push(action.clone());
                }
            }
        }
    });
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
            WITH_KEYS.iter().flat_map(|action| action.look().keys.iter().copied()).collect();
        let count = all.len();
        all.sort_by_key(|keys| format!("{keys:?}"));
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn no_lone_letter_or_digit_deletes() {
        for action in [Action::Delete] {
            for keys in action.look().keys {
                assert!(keys.logical_key.name().len() > 1, "{:?}", keys.logical_key);
            }
        }
    }

    #[test]
    fn every_action_with_a_key_has_a_name() {
        for action in WITH_KEYS {
            let look = action.look();
            assert!(!look.name.is_empty() && !look.keys.is_empty(), "{action:?}");
        }
    }
}
