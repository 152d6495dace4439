//! What each latent means: the curves that the decoder draws along it, the others at 0.

use super::lines;
use super::run::{SpectraWork, Subject};
use crate::app::action::Action;
use crate::app::take::{self, Figure};
use crate::app::{shades, theme};
use crate::project::Colours;
use crate::spectrum::Found;
use egui::{Color32, Layout, RichText, Role, Ui, WidgetInfo, vec2};
use egui_plot::Line;

/// Draws the pane: a family of curves a latent.
pub fn ui(ui: &mut Ui, work: &SpectraWork, subject: &Subject, actions: &mut Vec<Action>) {
    let Some(found) = &work.found else {
        theme::hint(ui, "What each latent means, as curves from −2 to +2 standard deviations.");
        return;
    };
    take::menu(ui, &[(Figure::Traversal, true)], actions);
    let n = found.traversals.len().max(1);
    let across = if n > 3 { n.div_ceil(2) } else { n };
    let gap = 8.0;
    let size = vec2(
        (ui.available_width() - gap * (across - 1) as f32) / across as f32,
        (ui.available_height() - gap * (n.div_ceil(across) - 1) as f32) / n.div_ceil(across) as f32,
    );
    ui.spacing_mut().item_spacing = vec2(gap, gap);
    for first in (0..n).step_by(across) {
        ui.horizontal_top(|ui| {
            for k in first..(first + across).min(n) {
                ui.allocate_ui_with_layout(size, Layout::top_down(egui::Align::Min), |ui| {
                    ui.set_min_size(size);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    family(ui, work, subject, found, k, size.y);
                });
            }
        });
    }
}

fn family(ui: &mut Ui, work: &SpectraWork, subject: &Subject, found: &Found, k: usize, height: f32) {
    let collapsed = found.collapsed(k);
    let sd = found.spread.get(k).copied().unwrap_or(0.0);
    let text = if collapsed {
        format!("z{k} has collapsed: it carries nothing (sd {sd:.2})")
    } else {
        format!("z{k}, sd {sd:.2}: from −2 sd (dark) to +2 sd (bright)")
    };
    let text = RichText::new(text).small();
    ui.add(egui::Label::new(if collapsed { text.weak() } else { text }).truncate());
    let Some(drawn) = found.traversals.get(k) else { return };
    let x = &subject.spectra.x;
    let weak = ui.visuals().weak_text_color();
    let last = found.steps.len().saturating_sub(1).max(1) as f64;
    let colour = |i: usize| -> Color32 {
        if collapsed { weak } else { shades::map(Colours::Viridis, 0.1 + 0.75 * i as f64 / last) }
    };
    let plot = lines::plot(ui, ("traversal", k), work.axis(), "intensity", (height - 20.0).max(70.0));
    let shown = plot.show(ui, |plot| {
        for (i, (step, curve)) in found.steps.iter().zip(drawn.chunks_exact(x.len())).enumerate() {
            let line = Line::new(format!("z{k} = {step:.1} sd"), lines::points(x, curve));
            plot.line(line.color(colour(i)).width(1.6));
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, format!("Traversal of z{k}")));
}
