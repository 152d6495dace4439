//! What a finished run says: seeds compared, agreement, phase analysis, and places that the pattern does not explain.

use super::Scene;
use super::field::{Field, significant};
use super::overlay::{ADDED, MISSING};
use super::quality::{sentence, thumb};
use super::run::{Ask, Maps};
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::panes::beside;
use crate::app::{state::count, theme};
use crate::micrograph::PixelSize;
use crate::worker::mapping::{MapQuery, MapSet, Outlier, Summary};
use egui::{Button, Label, RichText, Slider, Ui};

/// Draws the pane.
pub fn ui(ui: &mut Ui, Scene { maps, own, size }: Scene<'_>, sight: &mut Sight, actions: &mut Vec<Action>) {
    let Some(summary) = maps.summary.as_ref().filter(|_| own) else {
        theme::hint(
            ui,
            "When all seeds are trained: which explains best, whether they agree, and what stands out.",
        );
        return;
    };
    // Both halves look at and change what is shown.
    let shared = std::cell::RefCell::new(sight);
    let right = Some(|ui: &mut Ui| outliers(ui, summary, size, &mut shared.borrow_mut(), actions));
    beside(ui, 0.55, "seeds", |ui| said(ui, maps, summary, &mut shared.borrow_mut()), right);
}

fn said(ui: &mut Ui, maps: &Maps, summary: &Summary, sight: &mut Sight) {
    ui.add(Label::new(sentence(&summary.verdict)).wrap());
    egui::Grid::new("seeds").num_columns(5).spacing([16.0, 3.0]).show(ui, |ui| {
        for name in ["seed", "leakage", "negative ELBO", "smoothness", "time"] {
            ui.weak(name);
        }
        ui.end_row();
        for (i, seed) in summary.seeds.iter().enumerate() {
            let best = if i == 0 && summary.seeds.len() > 1 { " (shown)" } else { "" };
            for text in [
                format!("{}{best}", seed.seed),
                format!("{:.3}", seed.leakage),
                format!("{:.2} nats", seed.negative_elbo),
                format!("{:.3} nats", seed.smoothness_cost),
                format!("{:.1} s", seed.seconds),
            ] {
                ui.label(RichText::new(text).monospace());
            }
            ui.end_row();
        }
    });
    if let Some(text) = maps.smoothness() {
        ui.label(sentence(&text));
    }
    if let Some(set) = &maps.set {
        seeds(ui, maps, set, sight);
    }
    if let Some(agreement) = summary.agreement {
        ui.label(format!("The seeds agree by {agreement:.2} (mean canonical correlation of their maps)."));
    }
    if let Some([x, y]) = summary.phase_analysis_r {
        ui.label(format!("Shift against phase analysis: |r| = {x:.2} along x, {y:.2} along y."));
    }
    ui.weak(format!(
        "First map after {:.1} s, all after {:.1} s.",
        summary.first_map_seconds, summary.seconds
    ));
}

/// The maps of each seed, small and beside each other; a click shows one large.
fn seeds(ui: &mut Ui, maps: &Maps, set: &MapSet, sight: &mut Sight) {
    for own in set.aligned.iter() {
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("{}", own.seed)).monospace()).on_hover_text("The seed");
            for latent in 0..own.content.len() {
                thumb(ui, maps, set, Field::Seed { seed: own.seed, latent }, sight);
            }
        });
    }
}

/// The list of marks; a click goes there.
fn outliers(
    ui: &mut Ui,
    summary: &Summary,
    size: Option<PixelSize>,
    sight: &mut Sight,
    actions: &mut Vec<Action>,
) {
    let all = &summary.outliers;
    if all.is_empty() {
        ui.weak("No place stands out of what the model leaves.");
        return;
    }
    let most = all.iter().map(|o| o.score.abs()).fold(0.0, f64::max);
    let least = all.iter().map(|o| o.score.abs()).fold(f64::INFINITY, f64::min);
    let shown = all.iter().filter(|o| o.score.abs() >= sight.least).count();
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("{} of {}", shown, count(all.len(), "outlier"))).strong());
        ui.spacing_mut().slider_width = 90.0;
        let slider = Slider::new(&mut sight.least, least.floor()..=most).max_decimals(1).suffix(" sd");
        ui.add(slider)
            .on_hover_text("Only those that stand out by at least so many robust standard deviations.");
    });
    let row = ui.spacing().interact_size.y;
    let visible: Vec<usize> = (0..all.len()).filter(|i| all[*i].score.abs() >= sight.least).collect();
    egui::ScrollArea::vertical().id_salt("outliers").auto_shrink(false).show_rows(
        ui,
        row,
        visible.len(),
        |ui, rows| {
            for place in rows {
                let i = visible[place];
                let Outlier { x, y, score } = all[i];
                let (what, colour) = if score < 0.0 { ("missing", MISSING) } else { ("added", ADDED) };
                let at = match size {
                    Some(size) => {
                        format!("{}, {} nm", significant(x * size.x_nm), significant(y * size.y_nm))
                    }
                    None => format!("{x:.0}, {y:.0} px"),
                };
                ui.horizontal(|ui| {
                    let (dot, _) = ui.allocate_exact_size(egui::vec2(12.0, 12.0), egui::Sense::hover());
                    ui.painter().circle_stroke(dot.center(), 4.5, egui::Stroke::new(1.8, colour));
                    let name = format!("{what} at {at}");
                    let button = Button::selectable(sight.outlier == Some(i), &name)
                        .right_text(RichText::new(format!("{:.1} sd", score.abs())).monospace())
                        .min_size(egui::vec2(ui.available_width(), row - 4.0));
                    if ui.add(button).clicked() {
                        sight.outlier = Some(i);
                        sight.marks = true;
                        sight.look_at = Some([x, y]);
                        let at = [x.round(), y.round()];
                        sight.place = Some(at);
                        actions.push(Action::Maps(Ask::Query(MapQuery::Place(at))));
                    }
                });
            }
        },
    );
}
