//! What the colours of the scatter say: classes and micrographs by name, numbers as a bar with both ends.

use super::super::state::State;
use super::super::theme;
use super::gather::Scatter;
use super::paint::{self, ColourBy, gradient};
use crate::review::{Table, Variable};
use egui::{Color32, Mesh, Rect, RichText, Sense, Ui, pos2, vec2};

/// Micrographs that are named; there may be thousands.
const NAMED: usize = 8;
/// Size of the bar, points.
const BAR: egui::Vec2 = vec2(140.0, 12.0);

/// One line.
pub fn ui(ui: &mut Ui, state: &State, table: &Table, scatter: &Scatter) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
        match &scatter.look.colour {
            ColourBy::Class | ColourBy::Label => {
                for class in &state.project.classes {
                    theme::marker(ui, class);
                    ui.label(RichText::new(&class.name).small());
                }
                let none = scatter.look.colour == ColourBy::Label;
                ui.weak(RichText::new(if none { "grey: no label" } else { "paler: less sure" }).small());
            }
            ColourBy::Micrograph => {
                let names = paint::micrographs(table);
                for (i, name) in names.iter().take(NAMED).enumerate() {
                    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
                    ui.painter().circle_filled(rect.center(), 4.0, paint::of_micrograph(i, names.len()));
                    ui.label(RichText::new(*name).small());
                }
                if names.len() > NAMED {
                    ui.weak(RichText::new(format!("and {} more", names.len() - NAMED)).small());
                }
            }
            ColourBy::Value(variable) => bar(ui, table, variable, scatter.ends.unwrap_or_default()),
        }
    });
}

fn bar(ui: &mut Ui, table: &Table, variable: &Variable, (low, high): (f64, f64)) {
    let (name, unit) = (variable.name(&table.classes), variable.unit(table.in_nm));
    ui.label(RichText::new(number(low)).small());
    let (rect, response) = ui.allocate_exact_size(BAR, Sense::hover());
    let map = gradient(variable);
    let mut mesh = Mesh::default();
    let cells = 48;
    for i in 0..cells {
        let at = |i: usize| rect.left() + rect.width() * i as f32 / cells as f32;
        let c = map.eval_continuous((i as f64 + 0.5) / cells as f64);
        let cell = Rect::from_min_max(pos2(at(i), rect.top()), pos2(at(i + 1), rect.bottom()));
        mesh.add_colored_rect(cell, Color32::from_rgb(c.r, c.g, c.b));
    }
    ui.painter().add(mesh);
    let told = format!("Colours: {name} from {} to {} {unit}", number(low), number(high));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, told.trim_end()));
    response.on_hover_text("The 2 % at either end share the colour of that end.");
    ui.label(RichText::new(format!("{} {unit}", number(high))).small());
    ui.weak(RichText::new(name).small());
}

/// Three digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        s if !(1e-3..1e5).contains(&s) => format!("{value:.1e}"),
        s if s >= 100.0 => format!("{value:.0}"),
        s if s >= 10.0 => format!("{value:.1}"),
        s if s >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
