//! What training uses, one plain line each. A change is one step of the history, made when the field is let go.

mod advanced;

use super::action::Action;
use super::detection::choose;
use super::state::State;
use crate::particle::patch::{Normalise, PatchGeometry};
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use crate::train::config::{Preset, TrainConfig};
use crate::worker::message::DeviceChoice;
use egui::{DragValue, RichText, Ui};

/// What the panel alone remembers: values while a field is held.
#[derive(Default)]
pub struct SettingsPanel {
    config: Option<TrainConfig>,
    patch: Option<PatchGeometry>,
}

/// Fields hold numbers of double precision: whole ones up to here are exact.
const MOST_SEED: u64 = 1 << 53;
/// A patch of fewer pixels of its micrograph shows nothing.
const FEWEST_PX: f64 = 6.0;

const PATIENCE: &str = "When neither hold-out accuracy nor loss has improved for so long. Careful: before it jumps, this \
     model often stands still for a while, and would be stopped there.";

impl SettingsPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let saved = state.train_config();
        let mut config = self.config.clone().unwrap_or_else(|| saved.clone());
        let mut patch = self.patch.clone().unwrap_or_else(|| state.project.patch.clone());
        let mut device = state.training.choice;
        egui::ScrollArea::vertical().id_salt("settings").auto_shrink(false).show(ui, |ui| {
            if state.training.phase.is_active() {
                ui.weak("Changes hold for the next training.");
            }
            training(ui, &mut config);
            ui.separator();
            patches(ui, &mut patch);
            if let Some(text) = too_small(state, &patch) {
                ui.add(egui::Label::new(RichText::new(text).color(ui.visuals().warn_fg_color)).wrap());
            }
            ui.separator();
            line(ui, "Where to compute; the CPU is always there.", |ui| {
                let choices = [
                    (DeviceChoice::Auto, "Automatic"),
                    (DeviceChoice::Gpu, "GPU"),
                    (DeviceChoice::Cpu, "CPU"),
                ];
                choice(ui, "Device", &mut device, &choices);
            });
        });
        if device != state.training.choice {
            actions.push(Action::UseDevice(device));
        }
        let held = ui.input(|input| input.pointer.any_down()) || ui.ctx().text_edit_focused();
        self.config = (config != saved).then_some(config);
        self.patch = (patch != state.project.patch).then_some(patch);
        if held {
            return;
        }
        if let Some(config) = self.config.take()
            && let Ok(value) = serde_json::to_value(&config)
        {
            actions.push(Action::Change {
                name: "change training settings".into(),
                edit: Edit::SetTraining(value),
            });
        }
        if let Some(patch) = self.patch.take() {
            actions.push(Action::Change { name: "change patch size".into(), edit: Edit::SetPatch(patch) });
        }
    }
}

/// A field's name, as wide as the others, so that the fields stand in one column.
fn name(ui: &mut Ui, text: &str) -> egui::Response {
    let size = egui::vec2(116.0, ui.spacing().interact_size.y);
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.set_min_width(size.x);
        ui.label(text)
    })
    .inner
}

fn choice<T: PartialEq + Copy>(ui: &mut Ui, what: &str, value: &mut T, choices: &[(T, &str)]) {
    let label = name(ui, what);
    choose(ui, &label, what, value, choices);
}

/// A field with one plain line under it.
fn line(ui: &mut Ui, meaning: &str, field: impl FnOnce(&mut Ui)) {
    // In a narrow pane the field stands under its name.
    ui.horizontal_wrapped(field);
    ui.add(egui::Label::new(RichText::new(meaning).weak().small()).wrap());
    ui.add_space(2.0);
}

fn training(ui: &mut Ui, config: &mut TrainConfig) {
    line(
        ui,
        "Default looks at every particle at all angles at once; Paper is the published recipe to the letter. A click sets \
         every field here but the seed.",
        |ui| {
            name(ui, "Preset");
            for (which, name) in [(Preset::Default, "Default"), (Preset::Paper, "Paper")] {
                let settings = TrainConfig { seed: config.seed, ..TrainConfig::of(which) };
                if ui.selectable_label(settings == *config, name).clicked() {
                    *config = settings;
                }
            }
        },
    );
    line(ui, "How often all particles are seen; few of them more often.", |ui| {
        let label = name(ui, "Epochs");
        ui.add(DragValue::new(&mut config.epochs).range(1..=100_000).update_while_editing(false))
            .labelled_by(label.id);
    });
    line(ui, PATIENCE, |ui| {
        let mut early = config.patience.is_some();
        if ui.checkbox(&mut early, "Stop early").changed() {
            config.patience = early.then_some(50);
        }
        if let Some(epochs) = &mut config.patience {
            ui.add(DragValue::new(epochs).range(1..=100_000).suffix(" epochs").update_while_editing(false))
                .accessible_name("Epochs without an improvement");
        }
    });
    line(ui, "Particles a step at most; more is smoother and needs more memory.", |ui| {
        let label = name(ui, "Batch");
        ui.add(DragValue::new(&mut config.batch).range(1..=4096).update_while_editing(false))
            .labelled_by(label.id);
    });
    line(ui, "Numbers that describe a particle besides its class and pose.", |ui| {
        let label = name(ui, "Latents");
        ui.add(DragValue::new(&mut config.latent).range(1..=64).update_while_editing(false))
            .labelled_by(label.id);
    });
    line(ui, "Step size of the optimiser (Adam).", |ui| {
        let label = name(ui, "Learning rate");
        ui.add(
            DragValue::new(&mut config.learning_rate)
                .range(1e-6..=0.05)
                .speed(1e-5)
                .custom_formatter(
                    |rate, _| if rate < 1e-4 { format!("{rate:.1e}") } else { format!("{rate:.5}") },
                )
                .update_while_editing(false),
        )
        .labelled_by(label.id);
    });
    line(ui, "What must not make two particles different.", |ui| {
        name(ui, "Blind to");
        ui.checkbox(&mut config.invariances.rotation, "rotation");
        ui.checkbox(&mut config.invariances.translation, "shift");
        ui.checkbox(&mut config.invariances.scale, "size");
    });
    line(ui, "The same seed on the CPU gives the same model.", |ui| {
        let label = name(ui, "Seed");
        ui.add(DragValue::new(&mut config.seed).range(0..=MOST_SEED).update_while_editing(false))
            .labelled_by(label.id);
    });
    egui::CollapsingHeader::new("Advanced")
        .id_salt("advanced training")
        .show(ui, |ui| advanced::ui(ui, config));
}

fn number(ui: &mut Ui, what: &str, value: &mut f32, range: std::ops::RangeInclusive<f32>, speed: f64) {
    let label = name(ui, what);
    ui.add(DragValue::new(value).range(range).speed(speed).max_decimals(3).update_while_editing(false))
        .labelled_by(label.id);
}

/// What is wrong with a patch that shows next to nothing of some micrograph.
fn too_small(state: &State, patch: &PatchGeometry) -> Option<String> {
    let on = |entry: &MicrographEntry| {
        (patch.extent_on(entry.pixel_size.map(|size| size.x_nm)), entry.file_name())
    };
    let (px, name) = state.project.micrographs.iter().map(on).min_by(|a, b| a.0.total_cmp(&b.0))?;
    (px < FEWEST_PX)
        .then(|| format!("On {name} such a patch has {px:.1} pixels a side: too few to show a particle."))
}

fn patches(ui: &mut Ui, patch: &mut PatchGeometry) {
    line(
        ui,
        "Square cut round each particle where the pixel size is known; off: as many pixels as below.",
        |ui| {
            let mut known = patch.extent_nm.is_some();
            if ui.checkbox(&mut known, "Patch in nm").changed() {
                patch.extent_nm = known.then_some(100.0);
            }
            if let Some(nm) = &mut patch.extent_nm {
                ui.add(
                    DragValue::new(nm)
                        .range(0.01..=1e6)
                        .speed(0.5)
                        .max_decimals(2)
                        .suffix(" nm")
                        .update_while_editing(false),
                )
                .accessible_name("Patch extent in nanometres");
            }
        },
    );
    line(ui, "Square where the pixel size is not known.", |ui| {
        let label = name(ui, "Patch in pixels");
        ui.add(
            DragValue::new(&mut patch.extent_px)
                .range(4.0..=4096.0)
                .max_decimals(1)
                .suffix(" px")
                .update_while_editing(false),
        )
        .labelled_by(label.id);
    });
    line(ui, "Pixels a side the model sees; more shows finer detail and is slower.", |ui| {
        let label = name(ui, "Patch resolution");
        ui.add(DragValue::new(&mut patch.side).range(24..=64).suffix(" px").update_while_editing(false))
            .labelled_by(label.id);
    });
    line(ui, "Black and white from the whole micrograph keep brightness; from each patch forget it.", |ui| {
        let choices = [(Normalise::Micrograph, "of the micrograph"), (Normalise::Patch, "of each patch")];
        choice(ui, "Brightness", &mut patch.normalise, &choices);
    });
    line(ui, "In crowded fields a neighbour in the patch is replaced by background.", |ui| {
        ui.checkbox(&mut patch.blank_neighbours, "Blank neighbours");
    });
}
