//! What each map is worth, beside each other, and how the training went.

use super::Scene;
use super::field::{Field, Shown};
use super::map_bar::numbers;
use super::run::{MapPoint, Maps};
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::panes::beside;
use crate::app::take::{self, Figure};
use crate::app::{axes, shades, theme};
use crate::order::Judgement;
use crate::project::Colours;
use crate::worker::mapping::MapSet;
use egui::{Color32, Label, RichText, Role, Sense, Ui, WidgetInfo};
use egui_plot::{Line, Plot, PlotPoints};

/// Draws the pane.
pub fn ui(ui: &mut Ui, Scene { maps, own, .. }: Scene<'_>, sight: &mut Sight, actions: &mut Vec<Action>) {
    if !own || (maps.set.is_none() && maps.curve.is_empty()) {
        theme::hint(ui, "How free of the lattice each map is, and how the training goes.");
        return;
    }
    let right = (maps.curve.len() > 1).then_some(|ui: &mut Ui| {
        take::menu(ui, &[(Figure::MapLoss, true)], actions);
        curve(ui, maps);
    });
    beside(ui, 0.56, "judgements", |ui| judged(ui, maps, sight), right);
}

fn judged(ui: &mut Ui, maps: &Maps, sight: &mut Sight) {
    let Some(set) = &maps.set else { return };
    if set.judgements.is_empty() {
        ui.add(
            Label::new("Without a lattice it cannot be said how much of it shows through the maps.").wrap(),
        );
    }
    for i in 0..set.content.len() {
        ui.horizontal(|ui| {
            thumb(ui, maps, set, Field::Content(i), sight);
            ui.vertical(|ui| {
                if let Some(judgement) = set.judgements.get(i) {
                    judgement_of(ui, i, judgement);
                }
            });
        });
    }
    let every = if set.stride > 1 {
        format!("a value every {} px", set.stride)
    } else {
        "a value for each pixel".into()
    };
    ui.weak(format!("Seed {}, after {} epochs, {every}.", set.seed, set.epoch));
    if let Some(text) = maps.smoothness() {
        ui.weak(sentence(&text)).on_hover_text(
            "Nats a window that the penalty on rough maps adds to the loss, and the penalty itself: 0 where \
             neighbouring windows have the same latents, 1 a latent where they are unrelated.",
        );
    }
    if let Some(text) = maps.finishing() {
        ui.label(sentence(&text));
    }
}

/// The map, small; a click shows it large.
pub fn thumb(ui: &mut Ui, maps: &Maps, set: &MapSet, field: Field, sight: &mut Sight) {
    const SIDE: f32 = 52.0;
    let (rect, response) = ui.allocate_exact_size(egui::Vec2::splat(SIDE), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Show {}", field.name())));
    ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
    if let Some(texture) = sight.thumb(ui.ctx(), set, field, maps.revision) {
        let size = texture.size_vec2();
        let inner = egui::Rect::from_center_size(rect.center(), size * (SIDE / size.max_elem()));
        egui::Image::new((texture.id(), inner.size())).paint_at(ui, inner);
    }
    if sight.shown == Shown::One(field) {
        ui.painter().rect_stroke(rect, 2.0, egui::Stroke::new(1.5, theme::ACCENT), egui::StrokeKind::Inside);
    }
    if response.on_hover_text("Show this map").clicked() {
        sight.shown = Shown::One(field);
    }
}

fn judgement_of(ui: &mut Ui, i: usize, judgement: &Judgement) {
    ui.horizontal(|ui| {
        let name = RichText::new(format!("z{i}")).strong();
        let name = if judgement.collapsed { name.color(ui.visuals().weak_text_color()) } else { name };
        ui.label(name);
        ui.label(RichText::new(numbers(judgement)).monospace()).on_hover_text(format!(
            "Leakage: share of the map's power at the lattice's own frequencies (noise alone would leak {:.3}).\n\
             Over all orders that the map can show it is {:.3} (noise {:.3}).\n\
             Roughness: share at wavelengths below 1.5 lattice vectors.\n\
             Sd: how much the latent varies; its prior has 1.",
            judgement.leakage_of_noise,
            judgement.leakage_all_orders,
            judgement.leakage_all_orders_of_noise
        ));
    });
    let bad = judgement.collapsed || judgement.leakage > 0.3;
    let colour = if bad { ui.visuals().warn_fg_color } else { ui.visuals().text_color() };
    ui.add(Label::new(RichText::new(sentence(&judgement.verdict)).small().color(colour)).wrap());
}

/// With a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// A line a seed.
fn curve(ui: &mut Ui, maps: &Maps) {
    let seeds = maps.curve.iter().map(|point| point.seed).max().unwrap_or(1);
    let of = |seed: usize| -> Vec<[f64; 2]> {
        let own = maps.curve.iter().filter(|point: &&MapPoint| point.seed == seed);
        own.map(|point| [point.epoch as f64, point.loss]).collect()
    };
    let dark = ui.visuals().dark_mode;
    let colour = |seed: usize| {
        if seeds == 1 {
            return if dark { theme::ACCENT } else { Color32::from_rgb(0x1f, 0x55, 0xc4) };
        }
        // The middle of the scale reads on both grounds.
        shades::map(Colours::Viridis, 0.3 + 0.5 * (seed - 1) as f64 / (seeds - 1) as f64)
    };
    let plot = Plot::new("map loss")
        .height(ui.available_height().max(80.0))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .grid_color(theme::grid(ui.visuals()))
        .include_x(1.0)
        .label_formatter(|at| {
            let egui_plot::HoverPosition::NearDataPoint { position, .. } = at else { return None };
            Some(format!("epoch {:.0}\n{:.1} nats / window", position.x, position.y))
        });
    axes::numbered(plot, "epoch", "−ELBO (nats / window)", 56.0).show(ui, |plot| {
        for seed in 1..=seeds {
            let line = Line::new(format!("seed {seed}"), PlotPoints::new(of(seed)));
            plot.line(line.color(colour(seed)).width(1.8));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn verdicts_read_as_sentences() {
        assert_eq!(sentence("clean: a slow change"), "Clean: a slow change.");
        assert_eq!(sentence(""), ".");
    }
}
