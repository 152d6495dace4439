//! The profile across a wall, and how wide the wall is.

use super::Scene;
use super::field::{Field, significant};
use super::run::{Ask, Maps, Wall};
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::take::{self, Figure};
use crate::app::theme;
use crate::micrograph::PixelSize;
use crate::order::{Profile, WallFit};
use egui::{Color32, Label, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints};

/// Points of the drawn fit.
const FINE: usize = 200;

/// Draws the pane.
pub fn ui(ui: &mut Ui, Scene { maps, own, size }: Scene<'_>, sight: &mut Sight, actions: &mut Vec<Action>) {
    if !own || maps.set.is_none() || sight.line.is_none() {
        theme::hint(ui, "Press W and draw a line across a wall in a map: its width is measured.");
        return;
    }
    let field = sight.shown.field();
    ui.horizontal(|ui| {
        let label = ui.label("Averaged over");
        let field_of = egui::DragValue::new(&mut sight.breadth)
            .range(0.0..=2000.0)
            .speed(0.5)
            .max_decimals(0)
            .suffix(" px");
        ui.add(field_of)
            .labelled_by(label.id)
            .on_hover_text("Breadth of the line; values across it are averaged.");
        if ui.button("Remove the line").clicked() {
            sight.line = None;
            actions.push(Action::Maps(Ask::Profile(None)));
        }
        let there = maps.wall.as_ref().is_some_and(|wall| wall.result.is_ok());
        take::menu(ui, &[(Figure::WallProfile, there)], actions);
    });
    let Some(mut line) = sight.line else { return };
    line.breadth = sight.breadth;
    sight.line = Some(line);
    // Newer maps, another map or another breadth are measured anew; one at a time.
    let fresh = |wall: &Wall| (wall.revision, wall.field, wall.line) == (maps.revision, field, line);
    if !maps.measuring && !maps.wall.as_deref().is_some_and(fresh) {
        actions.push(Action::Maps(Ask::Profile(Some((field, line)))));
    }
    let Some(wall) = &maps.wall else { return };
    match &wall.result {
        Err(why) => {
            ui.label(RichText::new(why).color(ui.visuals().error_fg_color));
        }
        Ok(profile) => {
            said(ui, maps, wall, profile, size);
            plot(ui, wall.field, profile, wall.fit.as_ref().ok(), size);
        }
    }
}

/// The width in words, as exactly as it is known.
fn said(ui: &mut Ui, maps: &Maps, wall: &Wall, profile: &Profile, size: Option<PixelSize>) {
    let text = match &wall.fit {
        Err(why) => why.clone(),
        Ok(fit) => {
            let (nm, unit) = size.map_or((1.0, "px"), |size| (profile.nm_per_px(size), "nm"));
            let number = |v: f64| significant(v * nm);
            let width = format!("{} ± {} {unit}", number(fit.width_px), number(fit.width_error_px));
            let window = maps.plan.as_ref().map_or(f64::INFINITY, |plan| plan.window_px);
            let smeared = if fit.width_px < 1.5 * window {
                " An upper bound: the window is about as wide."
            } else {
                ""
            };
            format!("Wall {width} wide, r² = {:.3}, step {:.2}.{smeared}", fit.r2, 2.0 * fit.half_step.abs())
        }
    };
    ui.add(Label::new(text).wrap()).on_hover_text(
        "The fit is middle + half step × tanh(2 (distance − centre) / width); the value makes 76 % of its step over the width.",
    );
}

fn plot(ui: &mut Ui, field: Field, profile: &Profile, fit: Option<&WallFit>, size: Option<PixelSize>) {
    let (nm, unit) = size.map_or((1.0, "px"), |size| (profile.nm_per_px(size), "nm"));
    let (of_value, factor) = field.unit(size);
    let known = profile.distance_px.iter().zip(&profile.values).filter(|(_, v)| v.is_finite());
    let points: Vec<[f64; 2]> = known.map(|(d, v)| [d * nm, v * factor]).collect();
    let last = profile.distance_px.last().copied().unwrap_or(0.0);
    let dark = ui.visuals().dark_mode;
    let colour = if dark { theme::ACCENT } else { Color32::from_rgb(0x1f, 0x55, 0xc4) };
    let fitted = if dark { Color32::from_rgb(0xf2, 0xb8, 0x4b) } else { Color32::from_rgb(0x8a, 0x53, 0x00) };
    let curve = fit.map(|fit| -> Vec<[f64; 2]> {
        let at = |i: usize| last * i as f64 / FINE as f64;
        let value = |d: f64| fit.middle + fit.half_step * (2.0 * (d - fit.centre_px) / fit.width_px).tanh();
        (0..=FINE).map(|i| [at(i) * nm, value(at(i)) * factor]).collect()
    });
    Plot::new("profile")
        .height(ui.available_height().max(90.0))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .x_axis_label(format!("distance ({unit})"))
        .y_axis_label(format!("{} ({of_value})", field.name()))
        .y_axis_min_width(40.0)
        .grid_color(theme::grid(ui.visuals()))
        .label_formatter(move |at| {
            let egui_plot::HoverPosition::NearDataPoint { position, .. } = at else { return None };
            Some(format!("{:.3} {unit}\n{:.3} {of_value}", position.x, position.y))
        })
        .show(ui, |plot| {
            plot.line(Line::new("map", PlotPoints::new(points)).color(colour).width(1.6));
            if let Some(curve) = curve {
                plot.line(
                    Line::new("fit", PlotPoints::new(curve)).color(fitted).width(1.6).allow_hover(false),
                );
            }
        });
}
