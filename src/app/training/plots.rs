//! Loss and hold-out accuracy over the epochs.

use super::super::axes::numbered;
use super::super::run::{Training, interval, smoothed};
use super::super::theme;
use crate::train::curve::MEMORY;
use crate::worker::message::LossParts;
use egui::{Align2, Button, Color32, RichText, Ui};
use egui_plot::{FilledArea, Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotUi, Points, Text, VLine};
use std::collections::BTreeSet;

/// Curves of the loss plot that are not to be seen.
pub type Hidden = BTreeSet<&'static str>;

const LOSS: &str = "loss";

/// A quiet plot: no dragging, the bounds follow the data.
fn plot<'a>(
    ui: &Ui,
    name: &'static str,
    x_label: &'static str,
    y_label: &'static str,
    height: f32,
) -> Plot<'a> {
    let plot = Plot::new(name)
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .grid_color(theme::grid(ui.visuals()))
        .include_x(1.0);
    numbered(plot, x_label, y_label, 44.0)
}

/// The moments at which new labels joined, each with its caption at the top of the plot.
fn mark_joined(plot: &mut PlotUi<'_>, run: &Training, colour: Color32, top: f64) {
    let last = run.curve.last().map_or(0, |last| last.epoch);
    let mut told: Option<usize> = None;
    for epoch in &run.joined {
        let x = *epoch as f64;
        let line = VLine::new("", x).color(colour).width(1.2).style(LineStyle::dashed_dense());
        plot.vline(line.allow_hover(false));
        // Every curve is hidden, or the caption before reaches as far.
        if !top.is_finite() || told.is_some_and(|before| 3 * (epoch - before) < last) {
            continue;
        }
        told = Some(*epoch);
        let caption = RichText::new(" new labels").small();
        let late = 3 * epoch > 2 * last;
        let anchor = if late { Align2::RIGHT_TOP } else { Align2::LEFT_TOP };
        plot.text(Text::new("", PlotPoint::new(x, top), caption).color(colour).anchor(anchor));
    }
}

/// Names in the colours of their curves; a click hides one. They stand above the plot, which is too small to hold them.
fn names(ui: &mut Ui, curves: &[(&'static str, Color32)], hidden: &mut Hidden) {
    ui.horizontal_wrapped(|ui| {
        for &(name, colour) in curves {
            let text = RichText::new(name).small();
            let there = !hidden.contains(name);
            let text = if there { text.color(colour) } else { text.weak().strikethrough() };
            let meaning = if there { "A click hides this curve." } else { "A click shows this curve again." };
            if ui.add(Button::new(text).frame(false)).on_hover_text(meaning).clicked() && !hidden.remove(name)
            {
                hidden.insert(name);
            }
        }
    });
}

/// Loss over the epochs, with its parts in thin lines.
/// The axis of the epochs is named by the plot below, if there is one.
pub fn loss(ui: &mut Ui, run: &Training, logarithmic: bool, height: f32, hidden: &mut Hidden) {
    let x_label = if run.curve.iter().any(|point| point.accuracy.is_some()) { "" } else { "epoch" };
    let curve = &run.curve;
    let value = |loss: f64| if logarithmic { loss.log10() } else { loss };
    let raw: Vec<[f64; 2]> = curve.iter().map(|point| [point.epoch as f64, value(point.loss)]).collect();
    let losses: Vec<f64> = curve.iter().map(|point| point.loss).collect();
    let line: Vec<[f64; 2]> = smoothed(&losses, MEMORY)
        .into_iter()
        .zip(curve)
        .map(|(loss, point)| [point.epoch as f64, value(loss)])
        .collect();
    let colour = if ui.visuals().dark_mode { theme::ACCENT } else { Color32::from_rgb(0x1f, 0x55, 0xc4) };
    let mut plot = plot(ui, "loss", x_label, "nats / image", height).label_formatter(move |at| {
        let egui_plot::HoverPosition::NearDataPoint { position, .. } = at else { return None };
        let loss = if logarithmic { 10.0_f64.powf(position.y) } else { position.y };
        Some(format!("epoch {:.0}\n{loss:.1}", position.x))
    });
    if logarithmic {
        plot = plot.y_axis_formatter(|mark, _| {
            let value = 10.0_f64.powf(mark.value);
            if value >= 10.0 { format!("{value:.0}") } else { format!("{value:.2}") }
        });
    }
    let mark = ui.visuals().warn_fg_color;
    let parts = parts(run, logarithmic, ui.visuals().dark_mode);
    if parts.is_empty() {
        hidden.clear(); // there would be no name to click
    } else {
        let all = parts.iter().map(|(name, colour, _)| (*name, *colour));
        names(ui, &std::iter::once((LOSS, colour)).chain(all).collect::<Vec<_>>(), hidden);
    }
    // As high as what is shown: a word above it would keep the scale of what is hidden.
    let losses = raw.iter().filter(|_| !hidden.contains(LOSS));
    let others = parts.iter().filter(|(name, ..)| !hidden.contains(name)).flat_map(|(.., points)| points);
    let top = losses.chain(others).map(|point| point[1]).fold(f64::NEG_INFINITY, f64::max);
    plot.show(ui, |plot| {
        mark_joined(plot, run, mark, top);
        if !hidden.contains(LOSS) {
            let dots = Points::new("each epoch", PlotPoints::new(raw)).radius(1.8);
            plot.points(dots.color(colour.gamma_multiply(0.45)));
            let line = Line::new("smoothed", PlotPoints::new(line)).color(colour).width(1.8);
            plot.line(line.allow_hover(false));
        }
        for (name, colour, points) in parts.into_iter().filter(|(name, ..)| !hidden.contains(name)) {
            let line = Line::new(name, PlotPoints::new(points)).color(colour).width(0.9);
            plot.line(line.allow_hover(false));
        }
    });
}

/// The parts of the loss as lines; what has no logarithm is left out of a logarithmic one.
fn parts(run: &Training, logarithmic: bool, dark: bool) -> Vec<(&'static str, Color32, Vec<[f64; 2]>)> {
    type Part = (&'static str, [u8; 3], fn(&LossParts) -> f64);
    let all: [Part; 3] = [
        ("reconstruction", if dark { [0x56, 0xb4, 0xe9] } else { [0x00, 0x72, 0xb2] }, |p| p.reconstruction),
        ("KL of the latents", if dark { [0xe6, 0x9f, 0x00] } else { [0xa8, 0x6e, 0x00] }, |p| p.kl_latent),
        ("KL of the class", if dark { [0xcc, 0x79, 0xa7] } else { [0x9c, 0x3f, 0x75] }, |p| p.kl_class),
    ];
    let line = |(name, [r, g, b], of): Part| {
        let known = run.curve.iter().filter_map(|point| Some((point.epoch as f64, of(&point.parts?))));
        let points = known.filter(|(_, value)| !logarithmic || *value > 0.0);
        let value = |v: f64| if logarithmic { v.log10() } else { v };
        let points: Vec<[f64; 2]> = points.map(|(epoch, v)| [epoch, value(v)]).collect();
        (name, Color32::from_rgb(r, g, b), points)
    };
    all.into_iter().map(line).filter(|(_, _, points)| !points.is_empty()).collect()
}

/// Hold-out accuracy over the epochs, in its 95 % interval.
pub fn accuracy(ui: &mut Ui, run: &Training, height: f32) {
    let points: Vec<[f64; 2]> = run
        .curve
        .iter()
        .filter_map(|point| {
            let accuracy = point.accuracy.filter(|accuracy| accuracy.of > 0)?;
            Some([point.epoch as f64, accuracy.right as f64 / accuracy.of as f64])
        })
        .collect();
    let band = run.curve.iter().filter_map(|point| {
        let (low, high) = interval(point.accuracy?)?;
        Some([point.epoch as f64, low, high])
    });
    let band: Vec<[f64; 3]> = band.collect();
    let column = |i: usize| -> Vec<f64> { band.iter().map(|row| row[i]).collect() };
    let (epochs, low, high) = (column(0), column(1), column(2));
    let colour = if ui.visuals().dark_mode {
        Color32::from_rgb(0x56, 0xc8, 0x9a)
    } else {
        Color32::from_rgb(0, 0x7a, 0x58)
    };
    let mark = ui.visuals().warn_fg_color;
    plot(ui, "accuracy", "epoch", "accuracy", height)
        .include_y(0.0)
        .include_y(1.0)
        .label_formatter(|at| {
            let egui_plot::HoverPosition::NearDataPoint { position, .. } = at else { return None };
            Some(format!("epoch {:.0}\n{:.3}", position.x, position.y))
        })
        .show(ui, |plot| {
            let band = FilledArea::new("95 % interval", &epochs, &low, &high);
            plot.add(band.fill_color(colour.gamma_multiply(0.18)).allow_hover(false));
            mark_joined(plot, run, mark, 1.0);
            plot.line(Line::new("accuracy", PlotPoints::new(points)).color(colour).width(1.8));
        });
}
