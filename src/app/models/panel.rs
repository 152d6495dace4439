//! The list of kept models: back to one, or two side by side.

use super::super::action::Action;
use super::super::run::interval;
use super::super::state::{Compared, State, ago, count};
use super::super::take::{self, Figure, Taken};
use super::super::theme;
use crate::library::drawing::{Drawing, Table, cell};
use crate::review::compare::Aligned;
use crate::worker::message::Accuracy;
use crate::worker::models::Kept;
use egui::{Label, RichText, Ui};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Moved particles that are listed.
const LISTED: usize = 8;

/// What the panel alone remembers.
#[derive(Default)]
pub struct ModelsPanel {
    /// Those that are marked for comparing, the earlier mark first.
    marked: Vec<PathBuf>,
}

impl ModelsPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.marked.retain(|path| state.models.iter().any(|kept| kept.path == *path));
        egui::ScrollArea::vertical().id_salt("models").auto_shrink(false).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                let can = Action::KeepModel.is_possible(state);
                if ui.add_enabled(can, egui::Button::new("Keep this model as…")).clicked() {
                    actions.push(Action::KeepModel);
                }
                ui.weak("Each training keeps its model by itself, the last ten of them.");
            });
            if state.models.is_empty() {
                return theme::hint(ui, "No model is kept yet. Train, or keep the present one under a name.");
            }
            ui.separator();
            for kept in &state.models {
                self.row(ui, state, kept, actions);
            }
            ui.separator();
            self.comparison(ui, state, actions);
        });
    }

    fn row(&mut self, ui: &mut Ui, state: &State, kept: &Kept, actions: &mut Vec<Action>) {
        ui.horizontal_wrapped(|ui| {
            let mut marked = self.marked.contains(&kept.path);
            let mark = ui.checkbox(&mut marked, "").on_hover_text("Mark two to compare them.");
            if mark.accessible_name(format!("Mark {}", kept.name)).changed() {
                self.marked.retain(|path| *path != kept.path);
                if marked {
                    self.marked.push(kept.path.clone());
                    // A third mark takes the place of the first.
                    let extra = self.marked.len().saturating_sub(2);
                    self.marked.drain(..extra);
                }
            }
            let name = RichText::new(&kept.name);
            let shown = ui.label(if kept.automatic { name } else { name.strong() });
            shown.on_hover_text(format!(
                "{}; {} to train on\n{}",
                kept.classes.join(", "),
                count(kept.labels, "label"),
                kept.path.display()
            ));
            let free = !state.training.phase.is_active();
            let back = ui.add_enabled(free, egui::Button::new("Go back").small());
            let back = back.on_hover_text("It becomes the model of this project.");
            if back.accessible_name(format!("Go back to {}", kept.name)).clicked() {
                actions.push(Action::LoadModelFrom(kept.path.clone()));
            }
            if ui.small_button("Remove").accessible_name(format!("Remove {}", kept.name)).clicked() {
                actions.push(Action::ForgetModel(kept.path.clone()));
            }
        });
        let accuracy = kept.accuracy.map_or_else(|| "hold-out accuracy unknown".to_owned(), hold_out);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let text =
            format!("{}, {accuracy}, {}", count(kept.epochs, "epoch"), ago(now.saturating_sub(kept.at)));
        ui.weak(RichText::new(text).small());
    }

    fn comparison(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        // The list has the latest first; what changed is told from the earlier one on.
        let listed = state.models.iter().rev().map(|kept| kept.path.clone());
        let both: Vec<PathBuf> = listed.filter(|path| self.marked.contains(path)).collect();
        let both = <[PathBuf; 2]>::try_from(both).ok();
        ui.horizontal_wrapped(|ui| {
            let button = ui.add_enabled(both.is_some(), egui::Button::new("Compare the two"));
            if let (true, Some([first, second])) = (button.clicked(), both.clone()) {
                actions.push(Action::CompareModels(first, second));
            }
            if both.is_none() {
                ui.weak("Mark two models: what do they say of the same particles?");
            }
        });
        if let Some(compared) = &state.compared {
            found(ui, compared, actions);
        }
    }
}

fn found(ui: &mut Ui, compared: &Compared, actions: &mut Vec<Action>) {
    let [first, second] = &compared.names;
    let share = |(right, of)| hold_out(Accuracy { right, of });
    let [before, after] = compared.found.accuracy.map(share);
    ui.add(Label::new(format!("{first}: {before}.")).wrap());
    ui.add(Label::new(format!("{second}: {after}.")).wrap());
    let lines = alignment(&compared.found.latents);
    if !lines.is_empty() {
        ui.label("Latents, the first model's and what became of them:").on_hover_text(
            "Correlation over the particles of the class; −1 is the same latent turned round.",
        );
        for line in lines {
            ui.add(Label::new(RichText::new(line).small()).wrap());
        }
    }
    let moved = &compared.found.moved;
    take::menu(ui, &[(Figure::Comparison, true)], actions);
    ui.horizontal_wrapped(|ui| {
        ui.label(format!("{} get another class from {second}.", count(moved.len(), "particle")));
        if !moved.is_empty() && ui.button("Select them").clicked() {
            let particles = moved.iter().map(|moved| moved.id).collect();
            actions.push(Action::Select { particles, join: false });
        }
    });
    for moved in moved.iter().take(LISTED) {
        let text = format!("{}: {} to {} ({:.2})", moved.id.0, moved.from, moved.to, moved.probability);
        if ui.link(RichText::new(text).small()).clicked() {
            actions.push(Action::GoToParticle(moved.id));
        }
    }
}

/// The numbers: accuracies, latents, and each particle whose class is another.
pub fn taken(compared: &Compared) -> Option<Taken> {
    let mut table = Table::new(&["what", "class_or_particle", "first", "second", "value"]);
    let [first, second] = compared.names.clone();
    let [before, after] = compared.found.accuracy.map(|(right, of)| format!("{right} of {of}"));
    let mut row = |cells: [String; 5]| table.rows.push(cells.to_vec());
    row(["model".into(), String::new(), first, second, String::new()]);
    row(["hold-out labels right".into(), String::new(), before, after, String::new()]);
    for one in &compared.found.latents {
        let names = [one.before, one.after].map(|latent| format!("z{latent}"));
        let [before, after] = names;
        row(["latent, r".into(), one.class.clone(), before, after, cell(one.r)]);
    }
    for moved in &compared.found.moved {
        let (from, to) = (moved.from.clone(), moved.to.clone());
        row(["particle, probability".into(), moved.id.0.to_string(), from, to, cell(moved.probability)]);
    }
    Some(Taken { page: Drawing::default(), table })
}

/// Which latent of the first model is which of the second, a line a class: "rod: z1 to z2, r = −0.98".
fn alignment(latents: &[Aligned]) -> Vec<String> {
    let mut lines: Vec<(&str, Vec<String>)> = Vec::new();
    for one in latents {
        let sign = if one.r < 0.0 { "−" } else { "" };
        let text = format!("z{} to z{}, r = {sign}{:.2}", one.before, one.after, one.r.abs());
        match lines.iter_mut().find(|(class, _)| *class == one.class) {
            Some((_, texts)) => texts.push(text),
            None => lines.push((&one.class, vec![text])),
        }
    }
    lines.into_iter().map(|(class, texts)| format!("{class}: {}", texts.join("; "))).collect()
}

/// "hold-out accuracy 0.94 (0.88–0.97)".
fn hold_out(accuracy: Accuracy) -> String {
    match interval(accuracy) {
        Some((low, high)) => {
            let share = accuracy.right as f64 / accuracy.of as f64;
            format!("hold-out accuracy {share:.2} ({low:.2}–{high:.2})")
        }
        None => "hold-out accuracy unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::particle::ParticleId;
    use crate::review::compare::{Comparison, Moved};

    #[test]
    fn latents_of_two_models_are_told_a_line_a_class() {
        let one = |class: &str, before, after, r| Aligned { class: class.into(), before, after, r };
        let latents = [one("rod", 1, 2, -0.98), one("rod", 2, 1, 0.871), one("cube", 1, 1, 1.0)];
        assert_eq!(
            alignment(&latents),
            ["rod: z1 to z2, r = −0.98; z2 to z1, r = 0.87", "cube: z1 to z1, r = 1.00"]
        );
        assert!(alignment(&[]).is_empty());
    }

    #[test]
    fn a_comparison_is_taken_with_all_that_moved() {
        let moved = Moved { id: ParticleId(9), from: "rod".into(), to: "cube".into(), probability: 0.75 };
        let latents = vec![Aligned { class: "rod".into(), before: 1, after: 2, r: -0.5 }];
        let found = Comparison { accuracy: [(3, 4), (4, 4)], moved: vec![moved], latents };
        let taken = taken(&Compared { names: ["a".into(), "b".into()], found }).unwrap();
        assert_eq!(taken.table.rows[1][2..4], ["3 of 4", "4 of 4"]);
        assert_eq!(taken.table.rows[2], ["latent, r", "rod", "z1", "z2", "-0.5"]);
        assert_eq!(taken.table.rows[3], ["particle, probability", "9", "rod", "cube", "0.75"]);
    }

    #[test]
    fn accuracies_come_with_their_interval() {
        assert_eq!(hold_out(Accuracy { right: 94, of: 100 }), "hold-out accuracy 0.94 (0.88–0.97)");
        assert_eq!(hold_out(Accuracy { right: 0, of: 0 }), "hold-out accuracy unknown");
    }
}
