//! The profile across a wall, and how wide the wall is.

use super::Scene;
use super::field::{self, Field, significant};
use super::run::Ask;
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::axes::numbered;
use crate::app::take::{self, Figure};
use crate::app::theme;
use crate::micrograph::PixelSize;
use crate::order::profile::fit_wall;
use crate::order::{Profile, WallFit};
use crate::worker::mapping::{MapSet, Plan};
use egui::{Color32, Label, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints};

/// Points of the drawn fit.
const FINE: usize = 200;
const MEANING: &str = "The fit is middle + half step × tanh(2 (distance − centre) / width); the value makes 76 % of its step over \
                       the width. A map is a mean over cells and windows, which makes walls wider; the mean over cells is \
                       known and can be taken out. A latent need not be in proportion to what changes: walls may \
                       look about a fifth narrower.";

/// A profile across a map, or why there is none.
pub struct Wall {
    pub revision: u64,
    pub field: Field,
    pub line: field::Line,
    pub result: Result<Profile, String>,
    pub fit: Result<WallFit, String>,
}

impl Wall {
    /// The profile of a map along a line, and the wall in it.
    pub fn measured(
        set: &MapSet,
        plan: Option<&Plan>,
        revision: u64,
        field: Field,
        line: field::Line,
    ) -> Self {
        let smear = plan.map(|plan| field.smear(plan)).unwrap_or_default();
        let map = field.of(set).ok_or_else(|| format!("there is no map of {}", field.name()));
        let result = map.and_then(|map| {
            Profile::along(map, line.from, line.to, line.breadth).map_err(|error| error.to_string())
        });
        let fit = result.as_ref().map_err(Clone::clone);
        let fit = fit.and_then(|profile| fit_wall(profile, &smear).map_err(|e| e.to_string()));
        Self { revision, field, line, result, fit }
    }

    /// How wide the wall is, as exactly as it is known, and what the map can show of it; why there is none.
    pub fn in_words(&self, size: Option<PixelSize>) -> String {
        let (fit, profile) = match (&self.fit, &self.result) {
            (Ok(fit), Ok(profile)) => (fit, profile),
            (Err(why), _) | (_, Err(why)) => return why.clone(),
        };
        let (nm, unit) = size.map_or((1.0, "px"), |size| (profile.nm_per_px(size), "nm"));
        let (of_value, factor) = self.field.unit(size);
        let number = |v: f64| significant(v * nm);
        let known = |width: f64, error: f64| format!("{} ± {} {unit}", number(width), number(error));
        let mut words = format!(
            "Wall {} wide, r² = {:.3}, step {} {of_value}.",
            known(fit.width_px, fit.width_error_px),
            fit.r2,
            significant(2.0 * factor * fit.half_step.abs())
        );
        if fit.upper_bound {
            let finest = number(fit.resolution_px);
            words += &format!(" An upper bound: the map shows nothing finer than {finest} {unit}.");
        }
        if let Some([width, error]) = fit.before_mean_px {
            words += &format!(" Without the averaging it would be {} wide.", known(width, error));
        }
        words
    }
}

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
            ui.add(Label::new(wall.in_words(size)).wrap()).on_hover_text(MEANING);
            plot(ui, wall.field, profile, wall.fit.as_ref().ok(), size);
        }
    }
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
    let across = format!("distance ({unit})");
    let up = format!("{} ({of_value})", field.name());
    numbered(Plot::new("profile"), across, up, 40.0)
        .height(ui.available_height().max(90.0))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
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
