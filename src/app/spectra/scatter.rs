//! Two planes of dots: any two of what was found against each other, and the shift against the index.

use super::dots::Dots;
use super::run::SpectraWork;
use super::{Eye, Field};
use crate::app::action::Action;
use crate::app::take::{self, Figure};
use crate::app::theme;
use crate::spectrum::Found;
use egui::{ComboBox, Ui};

/// What the scatter alone remembers.
#[derive(Default)]
pub struct ScatterPanel {
    across: Option<Field>,
    up: Option<Field>,
    colour: Option<Field>,
    of: Option<(u64, [Field; 3])>,
    dots: Dots,
}

impl ScatterPanel {
    /// What is shown across, up and as colours: as it was chosen, or what says most.
    pub fn fields(&self, found: &Found) -> [Field; 3] {
        let all = Field::all(found);
        let known = |field: &Option<Field>| field.filter(|field| all.contains(field));
        let [across, up] = usual(found);
        [known(&self.across).unwrap_or(across), known(&self.up).unwrap_or(up), self.colour_of(found)]
    }

    fn colour_of(&self, found: &Found) -> Field {
        self.colour.filter(|field| Field::all(found).contains(field)).unwrap_or(Field::Shift)
    }

    /// What colours the dots of all panes.
    pub fn colour(&self, work: &SpectraWork) -> Field {
        work.found.as_ref().map_or(Field::Shift, |found| self.colour_of(found))
    }

    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, work: &SpectraWork, eye: &mut Eye, actions: &mut Vec<Action>) {
        let Some(found) = &work.found else {
            theme::hint(ui, "Each spectrum becomes a dot here after the first epoch.");
            return;
        };
        let all = Field::all(found);
        let [mut across, mut up, mut colour] = self.fields(found);
        ui.horizontal(|ui| {
            for (name, field, chosen) in [
                ("Across", &mut across, &mut self.across),
                ("Up", &mut up, &mut self.up),
                ("Colour", &mut colour, &mut self.colour),
            ] {
                let before = *field;
                choice(ui, name, field, &all, found);
                // What nobody chose goes on following what is found.
                if *field != before {
                    *chosen = Some(*field);
                }
            }
            take::menu(ui, &[(Figure::SpectraScatter, true)], actions);
        });
        let key = (work.revision, [across, up, colour]);
        if self.of != Some(key) {
            self.of = Some(key);
            self.dots = Dots::new(&across.values(found), &up.values(found), colour, found);
        }
        let labels = [across.label(&work.unit), up.label(&work.unit)];
        self.dots.ui(ui, "Latent scatter plot", labels, &work.unit, eye);
    }
}

/// The latents that carry something, and the shift where there are not two of them.
fn usual(found: &Found) -> [Field; 2] {
    let mut alive = (0..found.latent()).filter(|k| !found.collapsed(*k)).map(Field::Latent);
    match (alive.next(), alive.next()) {
        (Some(first), Some(second)) => [first, second],
        (Some(first), None) => [first, Field::Shift],
        _ => [Field::Latent(0), Field::Shift],
    }
}

/// One of what was found; what carries nothing is grey.
pub fn choice(ui: &mut Ui, name: &str, field: &mut Field, all: &[Field], found: &Found) {
    let label = ui.weak(name);
    ComboBox::from_id_salt(("spectra", name))
        .selected_text(field.name())
        .width(58.0)
        .show_ui(ui, |ui| {
            for other in all {
                let text = egui::RichText::new(other.name());
                let collapsed = other.collapsed(found);
                let text = if collapsed { text.weak() } else { text };
                let row = ui.selectable_value(field, *other, text);
                if collapsed {
                    row.on_hover_text("Collapsed: it carries nothing.");
                }
            }
        })
        .response
        .labelled_by(label.id);
}

/// What the plane of shifts alone remembers.
#[derive(Default)]
pub struct ShiftPanel {
    of: Option<(u64, Field)>,
    dots: Dots,
}

impl ShiftPanel {
    /// Draws the pane; its dots have the colours of those beside it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        work: &SpectraWork,
        colour: Field,
        eye: &mut Eye,
        actions: &mut Vec<Action>,
    ) {
        let Some(found) = &work.found else {
            theme::hint(ui, "How far each spectrum lies to the right or to the left of the others.");
            return;
        };
        if found.shift.iter().all(|shift| *shift == 0.0) {
            theme::hint(ui, "This model knows no shift: it was not told to be blind to it.");
            return;
        }
        let key = (work.revision, colour);
        if self.of != Some(key) {
            self.of = Some(key);
            let index: Vec<f64> = (0..found.shift.len()).map(|i| i as f64).collect();
            self.dots = Dots::new(&index, &found.shift, colour, found);
        }
        let labels = ["index of the spectrum".to_owned(), Field::Shift.label(&work.unit)];
        take::menu(ui, &[(Figure::Shifts, true)], actions);
        self.dots.ui(ui, "Shift plot", labels, &work.unit, eye);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_what_carries_something() {
        let of = |spread: &[f64]| usual(&Found { spread: spread.to_vec(), ..Found::default() });
        assert_eq!(of(&[0.9, 0.5]), [Field::Latent(0), Field::Latent(1)]);
        assert_eq!(of(&[0.02, 0.5, 0.7]), [Field::Latent(1), Field::Latent(2)]);
        assert_eq!(of(&[0.02, 0.5]), [Field::Latent(1), Field::Shift]);
        assert_eq!(of(&[0.02]), [Field::Latent(0), Field::Shift]);
    }
}
