//! Name, keys and picture of each action.

use super::super::class_acts::ClassAct;
use super::super::icon::Icon;
use super::super::maps::{MapTool, Workspace};
use super::{Action, Tool};
use egui::{Key, KeyboardShortcut, Modifiers, ThemePreference};

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

const fn command_alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::ALT), key)
}

const fn command_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

impl Action {
    /// Name, keys and icon; actions that only panels emit have no key.
    pub fn look(&self) -> Look {
        let look = |name, keys, icon| Look { name, keys, icon };
        match self {
            Action::New => look("New project", const { &[command(Key::N)] }, None),
            Action::Open => look("Open…", const { &[command(Key::O)] }, None),
            Action::OpenSample => look("Open sample", const { &[command_shift(Key::O)] }, None),
            Action::AddMicrographs => look("Add micrographs…", const { &[command(Key::I)] }, None),
            Action::OpenSpectra => look("Open spectra…", const { &[command_shift(Key::P)] }, None),
            Action::ImportLabels => look("Import labels…", const { &[command_shift(Key::I)] }, None),
            Action::ExportLabels => look("Export labels…", const { &[command_shift(Key::E)] }, None),
            Action::Save | Action::SaveTo(_) => look("Save", const { &[command(Key::S)] }, None),
            Action::SaveAs => look("Save as…", const { &[command_shift(Key::S)] }, None),
            Action::Export | Action::ExportTo(_) => look("Export…", const { &[command(Key::E)] }, None),
            Action::ExportSelection => look("Export selection…", const { &[command_alt(Key::E)] }, None),
            Action::TakeAway => look("Take a view away…", const { &[command(Key::T)] }, None),
            Action::KeepModel => look("Keep this model as…", const { &[command(Key::K)] }, None),
            Action::GoOn => look("Go on with the stopped training", const { &[command(Key::G)] }, None),
            Action::LearnNewLabels => look("Learn the new labels", const { &[command(Key::J)] }, None),
            Action::Ask => look("Review particles", const { &[plain(Key::R)] }, None),
            Action::Agree => look("The model is right", const { &[plain(Key::Enter)] }, None),
            Action::SkipQuestion => look("Skip the question", const { &[plain(Key::N)] }, None),
            Action::CrossValidate => look("Cross-validate", const { &[command_shift(Key::V)] }, None),
            Action::LookAtParticles => look("Propose what to label", const { &[command(Key::L)] }, None),
            Action::OfClass(act) => look(class_act_name(*act), class_act_keys(*act), None),
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
            Action::Workspace(Workspace::Spectra) => {
                look("Spectra workspace", const { &[command(Key::Num3)] }, None)
            }
            Action::MapTool(MapTool::Inspect) => {
                look("Inspect pixels", const { &[plain(Key::I)] }, Some(Icon::Pick))
            }
            Action::MapTool(MapTool::Outline) => {
                look("Draw round pixels", const { &[plain(Key::O)] }, Some(Icon::Lasso))
            }
            Action::MapTool(MapTool::Wall) => {
                look("Line across a wall", const { &[plain(Key::W)] }, Some(Icon::Measure))
            }
            _ => look("", &[], None),
        }
    }
}

const fn alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::ALT, key)
}

fn class_act_name(act: ClassAct) -> &'static str {
    match act {
        ClassAct::Add => "New class",
        ClassAct::Rename => "Rename the class",
        ClassAct::Recolour => "Next colour for the class",
        ClassAct::Up => "Move the class up",
        ClassAct::Down => "Move the class down",
        ClassAct::Merge => "Merge the class into…",
        ClassAct::Hide => "Hide or show the class",
        ClassAct::SelectIts => "Select the particles of the class",
        ClassAct::Remove => "Remove the class",
    }
}

fn class_act_keys(act: ClassAct) -> &'static [KeyboardShortcut] {
    match act {
        ClassAct::Add => const { &[command_shift(Key::N)] },
        ClassAct::Rename => const { &[command(Key::R)] },
        ClassAct::Recolour => const { &[command_alt(Key::R)] },
        ClassAct::Up => const { &[alt(Key::ArrowUp)] },
        ClassAct::Down => const { &[alt(Key::ArrowDown)] },
        ClassAct::Merge => const { &[command(Key::M)] },
        ClassAct::Hide => const { &[shift(Key::H)] },
        ClassAct::SelectIts => const { &[shift(Key::A)] },
        // Shift and Delete cut text on Windows.
        ClassAct::Remove => const { &[alt(Key::Delete)] },
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
