//! The row at the top: menus, undo and redo, the project's name, the device, and the buttons of the run.

use super::action::{Action, Tool, keys_text};
use super::class_acts::ClassAct;
use super::icon::{self, Icon};
use super::maps::{self, MapTool, Workspace};
use super::run::Phase;
use super::spectra;
use super::state::{Readiness, State};
use egui::{Button, Label, MenuBar, RichText, ThemePreference, Ui};

/// Draws the row.
pub fn ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    MenuBar::new().ui(ui, |ui| {
        menus(ui, state, actions);
        ui.separator();
        history(ui, state, actions);
        ui.separator();
        workspaces(ui, state, actions);
        ui.separator();
        // The run's buttons keep their place at the right; the name in between gives way.
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            // Menus are bare words, these are buttons.
            ui.scope(|ui| {
                ui.reset_style();
                run(ui, state, actions);
            });
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let star = if state.history.is_dirty() { " *" } else { "" };
                let name = RichText::new(format!("{}{star}", state.name())).strong();
                let path =
                    state.path.as_ref().map_or("Not saved yet".to_owned(), |path| path.display().to_string());
                ui.add(Label::new(name).truncate()).on_hover_text(path);
            });
        });
    });
}

/// Which work is shown.
fn workspaces(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    for (workspace, name, meaning) in [
        (Workspace::Particles, "Particles", "Label, train, classify and take the library away"),
        (Workspace::Maps, "Maps", "Order-parameter maps of an atomically resolved image"),
        (Workspace::Spectra, "Spectra", "What is only a shift among spectra, and what else varies"),
    ] {
        let action = Action::Workspace(workspace);
        let keys = keys_text(ui.ctx(), &action);
        let button = ui.selectable_label(state.workspace == workspace, name);
        if button.on_hover_text(format!("{meaning} ({keys})")).clicked() {
            actions.push(action);
        }
    }
}

/// The menus: names and keys come from the actions, a bar divides groups.
const MENUS: [(&str, &[&[Action]]); 5] = [
    (
        "File",
        &[
            &[Action::New, Action::Open, Action::OpenSample, Action::AddMicrographs, Action::OpenSpectra],
            &[Action::Save, Action::SaveAs],
            &[Action::ImportLabels, Action::ExportLabels],
            &[Action::Export, Action::ExportSelection, Action::TakeAway],
            &[Action::Quit],
        ],
    ),
    (
        "Edit",
        &[
            &[Action::Undo, Action::Redo, Action::History],
            &[Action::SelectAll, Action::SelectNone, Action::Delete, Action::Unlabel, Action::HoldOut],
            &[Action::NextUnlabelled, Action::PreviousUnlabelled],
            &[Action::Detect(true), Action::FindSimilar, Action::AcceptDetections],
            &[
                Action::OfClass(ClassAct::Add),
                Action::OfClass(ClassAct::Rename),
                Action::OfClass(ClassAct::Recolour),
                Action::OfClass(ClassAct::Up),
                Action::OfClass(ClassAct::Down),
                Action::OfClass(ClassAct::Merge),
                Action::OfClass(ClassAct::Hide),
                Action::OfClass(ClassAct::SelectIts),
                Action::OfClass(ClassAct::Remove),
            ],
        ],
    ),
    (
        "View",
        &[
            &[Action::Fit, Action::ActualSize, Action::ZoomIn, Action::ZoomOut],
            &[Action::NextMicrograph, Action::PreviousMicrograph, Action::CopyContrast],
            &[
                Action::Use(Tool::Pick),
                Action::Use(Tool::Select),
                Action::Use(Tool::Lasso),
                Action::Use(Tool::Exclude),
                Action::Use(Tool::Outline),
                Action::Use(Tool::Measure),
            ],
            &[
                Action::Workspace(Workspace::Particles),
                Action::Workspace(Workspace::Maps),
                Action::Workspace(Workspace::Spectra),
                Action::MapTool(MapTool::Inspect),
                Action::MapTool(MapTool::Outline),
                Action::MapTool(MapTool::Wall),
            ],
            &[
                Action::Theme(ThemePreference::Dark),
                Action::Theme(ThemePreference::Light),
                Action::Theme(ThemePreference::System),
                Action::ResetLayout,
            ],
        ],
    ),
    (
        "Model",
        &[
            &[Action::TrainOrPause, Action::Stop, Action::GoOn],
            &[Action::LookAtParticles, Action::Ask, Action::LearnNewLabels, Action::CrossValidate],
            &[Action::KeepModel, Action::LoadModel, Action::SaveModel],
        ],
    ),
    ("Help", &[&[Action::Palette, Action::Keys, Action::Messages, Action::FocusPanels]]),
];

fn menus(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    for (name, groups) in MENUS {
        ui.menu_button(name, |ui| {
            for (i, group) in groups.iter().enumerate() {
                if i > 0 {
                    ui.separator();
                }
                for action in *group {
                    item(ui, action, action.is_possible(state), actions);
                }
            }
            if name == "File" && !state.recent.is_empty() {
                ui.separator();
                ui.menu_button("Open recent", |ui| {
                    for path in &state.recent {
                        let name = path.file_stem().unwrap_or_default().to_string_lossy();
                        let button = ui.button(name).on_hover_text(path.display().to_string());
                        if button.clicked() {
                            actions.push(Action::OpenPaths(vec![path.clone()]));
                            ui.close();
                        }
                    }
                });
            }
            if name == "Help" {
                ui.separator();
                ui.label(RichText::new(concat!("Nanotheca ", env!("CARGO_PKG_VERSION"))).weak());
            }
        });
    }
}

fn item(ui: &mut Ui, action: &Action, enabled: bool, actions: &mut Vec<Action>) {
    let button = Button::new(action.look().name).shortcut_text(keys_text(ui.ctx(), action));
    if ui.add_enabled(enabled, button).clicked() {
        actions.push(action.clone());
        ui.close();
    }
}

/// True if there is a model that can be asked about the particles, and it is not busy learning.
pub fn can_export(state: &State) -> bool {
    let free = !state.training.phase.is_active() || state.training.phase == Phase::Paused;
    state.training.model.is_some() && free && !state.project.particles.is_empty()
}

/// What training still lacks.
fn missing(state: &State) -> Option<String> {
    match state.readiness() {
        Readiness::Missing(why) => Some(why),
        Readiness::Ready { .. } => None,
    }
}

fn history(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    for (action, name) in
        [(Action::Undo, state.history.undo_name()), (Action::Redo, state.history.redo_name())]
    {
        let look = action.look();
        let Some(picture) = look.icon else { continue };
        let button = icon::button(ui, picture, look.name, false, false, name.is_some());
        let what = name.map_or_else(String::new, |name| format!(": {name}"));
        if button.on_hover_text(format!("{}{what} ({})", look.name, keys_text(ui.ctx(), &action))).clicked() {
            actions.push(action);
        }
    }
}

/// Right to left: Export, Stop, Train or Pause or Resume, the device.
fn run(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let workspace = state.workspace;
    let phase = state.phase();
    let can = Action::Export.is_possible(state);
    let export = ui.add_enabled(can, Button::new("Export…"));
    let why = match workspace {
        Workspace::Maps => "Maps can be taken away once there are some.",
        Workspace::Spectra => "What was found can be taken away once there is something.",
        Workspace::Particles => "Train first, or pause: the library is written with the model's classes.",
    };
    if export.on_disabled_hover_text(why).clicked() {
        actions.push(Action::Export);
    }
    let stoppable = phase.is_active() && *phase != Phase::Stopping;
    if icon::button(ui, Icon::Stop, "Stop", true, false, stoppable).clicked() {
        actions.push(Action::Stop);
    }
    let missing = match workspace {
        Workspace::Maps => maps::missing(state),
        Workspace::Spectra => spectra::missing(state),
        Workspace::Particles => missing(state),
    };
    let (action, enabled, why) = match (phase, missing) {
        (Phase::Paused, _) => (Action::Resume, true, String::new()),
        (phase, _) if phase.is_active() => (Action::Pause, phase.can_pause(), String::new()),
        (_, Some(why)) => (Action::Train, false, why),
        _ => (Action::Train, true, String::new()),
    };
    let look = action.look();
    let name = match (workspace, &action) {
        (Workspace::Maps, Action::Train) => "Start",
        (Workspace::Spectra, Action::Train) => "Learn",
        _ => look.name,
    };
    let picture = look.icon.unwrap_or(Icon::Play);
    // The widest name decides, so that Stop does not move when Train becomes Resume.
    ui.allocate_ui_with_layout(
        egui::vec2(92.0, ui.spacing().interact_size.y),
        egui::Layout::right_to_left(egui::Align::Center),
        |ui| {
            let selected = matches!(action, Action::Train) && enabled;
            let button = icon::button(ui, picture, name, true, selected, enabled);
            let button =
                if why.is_empty() { button.on_hover_text("T") } else { button.on_disabled_hover_text(why) };
            if button.clicked() {
                actions.push(action);
            }
        },
    );
    let room = ui.available_width().min(260.0);
    if let Some(device) = state.training.device.as_ref().filter(|_| room > 50.0) {
        // How far it is, whichever pane is open.
        let text = match state.training.progress.as_ref().filter(|_| state.training.phase.is_active()) {
            Some(at) => format!("epoch {} of {} · {device}", at.epoch, at.epochs),
            None => device.clone(),
        };
        let device = Label::new(RichText::new(text).small().weak()).truncate();
        ui.scope(|ui| {
            ui.set_max_width(room);
            ui.add(device).on_hover_text("What computes");
        });
    }
}
