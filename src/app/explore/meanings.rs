//! What the latents mean: for each class how they go with the measured properties of its particles.

use super::super::action::Action;
use super::super::state::State;
use super::super::take::{self, Figure, Taken};
use super::super::theme;
use super::data::Data;
use super::gather::Look;
use crate::library::drawing::{Drawing, Table as Numbers, cell as numbered};
use crate::particle::describe::Descriptor;
use crate::review::Variable;
use crate::review::meaning::{ClassMeaning, Correlation, Meaning};
use egui::{Button, Color32, Grid, RichText, ScrollArea, Ui};

/// The tables of all classes; a click on a number shows the latent over the property.
pub fn ui(ui: &mut Ui, state: &State, data: &Data, look: &mut Look, actions: &mut Vec<Action>) {
    if data.meanings().is_empty() {
        ui.weak("The particles are still being measured.");
        return;
    }
    let in_nm = data.table().is_some_and(|table| table.in_nm);
    let most = 0.5 * ui.available_height();
    ScrollArea::both().id_salt("meanings").max_height(most).auto_shrink([false, true]).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.weak("Pearson's r over the particles of a class. A click shows the latent over the property.");
            take::menu(ui, &[(Figure::Meanings, true)], actions);
        });
        for class in data.meanings() {
            ui.horizontal(|ui| {
                if let Some(class) = state.project.class_named(&class.class) {
                    theme::marker(ui, class);
                }
                ui.strong(&class.class);
                ui.weak(super::super::state::count(class.particles, "particle"));
                if let Some(angle) = &class.angle {
                    ui.weak(format!("angle follows the direction within {:.1}°", angle.spread_deg));
                }
            });
            of_class(ui, class, in_nm, look);
        }
    });
    ui.separator();
}

fn of_class(ui: &mut Ui, class: &ClassMeaning, in_nm: bool, look: &mut Look) {
    Grid::new(("meanings", &class.class)).striped(true).spacing([8.0, 2.0]).show(ui, |ui| {
        ui.label("");
        for descriptor in Descriptor::ALL {
            let unit = descriptor.unit(in_nm);
            let name = if unit.is_empty() {
                descriptor.name().to_owned()
            } else {
                format!("{} ({unit})", descriptor.name())
            };
            ui.label(RichText::new(name).small());
        }
        ui.end_row();
        for meaning in &class.latents {
            row(ui, class, meaning, look);
            ui.end_row();
        }
    });
}

fn row(ui: &mut Ui, class: &ClassMeaning, meaning: &Meaning, look: &mut Look) {
    let name = RichText::new(format!("z{}", meaning.latent));
    if meaning.collapsed {
        ui.weak(name).on_hover_text("It has collapsed: it says nothing about the particles of this class.");
        ui.weak("collapsed");
        return;
    }
    ui.label(name).on_hover_text(meaning.text.as_str());
    let named = meaning.strongest().map(|c| c.descriptor);
    for descriptor in Descriptor::ALL {
        let found = meaning.correlations.iter().find(|c| c.descriptor == descriptor);
        match found {
            Some(found) => {
                if cell(ui, class, meaning, found, named == Some(descriptor)) {
                    look.x = Variable::Measured(descriptor);
                    look.y = Variable::Latent(meaning.latent.saturating_sub(1));
                }
            }
            None => {
                ui.weak("–").on_hover_text("Too few particles, or it does not vary.");
            }
        }
    }
}

/// One correlation; true when it was clicked.
fn cell(ui: &mut Ui, class: &ClassMeaning, meaning: &Meaning, found: &Correlation, named: bool) -> bool {
    let [low, high] = found.interval_95;
    let text = RichText::new(signed(found.r)).monospace();
    let ground = theme::ACCENT.gamma_multiply(0.6 * found.r.abs() as f32);
    let button = Button::new(if named { text.strong() } else { text }).small();
    let response = ui.add(button.fill(if found.r.abs() < 0.1 { Color32::TRANSPARENT } else { ground }));
    let (what, latent) = (found.descriptor.name(), meaning.latent);
    response
        .accessible_name(format!("z{latent} of {} and {what}: r {}", class.class, signed(found.r)))
        .on_hover_text(format!("{} to {} (95 %)", signed(low), signed(high)))
        .clicked()
}

/// The numbers: a row for each latent of each class and each property.
pub fn taken(data: &Data) -> Option<Taken> {
    let mut table =
        Numbers::new(&["class", "particles", "latent", "collapsed", "property", "r", "low_95", "high_95"]);
    for class in data.meanings() {
        for meaning in &class.latents {
            let of = |what: &str, [r, low, high]: [f64; 3]| {
                let latent = format!("z{}", meaning.latent);
                let mut row = vec![class.class.clone(), class.particles.to_string(), latent];
                row.extend([u8::from(meaning.collapsed).to_string(), what.to_owned()]);
                row.extend([r, low, high].map(numbered));
                row
            };
            if meaning.correlations.is_empty() {
                table.rows.push(of("", [f64::NAN; 3]));
            }
            table.rows.extend(meaning.correlations.iter().map(|found| {
                let [low, high] = found.interval_95;
                of(found.descriptor.name(), [found.r, low, high])
            }));
        }
    }
    (!table.rows.is_empty()).then(|| Taken { page: Drawing::default(), table })
}

/// "−0.93", " 0.21".
fn signed(r: f64) -> String {
    if r < -0.005 { format!("−{:.2}", r.abs()) } else { format!(" {:.2}", r.abs()) }
}
