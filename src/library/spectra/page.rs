//! `report.html` of spectra: what was found, on one page that needs nothing beside it.

use super::SpectraFolder;
use crate::Result;
use crate::library::drawing::BLUE;
use crate::library::drawing::chart::{Axis, Chart, Series};
use crate::library::figure::{self, Style};
use crate::library::html::{figure as picture, frame, paragraph, parts, plot, table};
use crate::spectrum::Found;
use serde_json::{Value, json};

/// Points of a plot; more are thinned evenly.
const POINTS: usize = 2000;
/// Pixels along the longer side of a map on the page.
const LARGEST: usize = 512;
/// Width of a curve, points.
const LINE: f32 = 1.5;

/// The whole page.
///
/// # Errors
/// Maps whose sizes do not fit together.
pub fn page(folder: &SpectraFolder<'_>) -> Result<String> {
    let (spectra, found) = (folder.spectra, folder.found);
    let mut out = String::new();
    let grid =
        spectra.grid.map_or_else(String::new, |[r, c]| format!(" on a grid of {r} rows and {c} columns"));
    let last = found.curve.last().copied().unwrap_or_default();
    let text = format!(
        "{} spectra of {} points{grid}; loss {:.2} nats a spectrum after {} epochs, {:.1} s on {}.",
        spectra.count(),
        spectra.x.len(),
        last.loss,
        found.curve.len(),
        folder.seconds,
        folder.device
    );
    paragraph(&mut out, "lead", &text);
    out.push_str("<h2>Latents</h2>\n");
    let rows = found.spread.iter().enumerate().map(|(k, sd)| {
        let what = if found.collapsed(k) { "collapsed: it carries nothing" } else { "carries something" };
        vec![format!("z{k}"), format!("{sd:.3}"), what.into()]
    });
    table(&mut out, &["latent", "sd", ""], rows);
    out.push_str("<div class=\"row maps\">\n");
    for chart in charts(folder) {
        out.push_str(&plot(&chart.draw()));
    }
    out.push_str("</div>\n");
    if spectra.grid.is_some() {
        out.push_str("<h2>Maps over the grid</h2>\n<div class=\"row maps\">\n");
        folder.each_map(&mut |name, map, colours, unit| {
            if !name.ends_with("_sd") {
                let style = Style { colours, range: None, unit: unit.to_owned() };
                let drawn = figure::draw_within(map, None, &style, LARGEST);
                out.push_str(&picture(
                    &drawn,
                    &format!("Map {name}"),
                    &format!("{name}, a pixel a spectrum."),
                ));
            }
            Ok(())
        })?;
        out.push_str("</div>\n");
    }
    let mut all = json!({ "settings": folder.settings, "device": folder.device, "command": folder.command });
    if let Some(all) = all.as_object_mut() {
        all.retain(|_, value| *value != Value::Null);
    }
    parts::made(&mut out, &all, &[]);
    Ok(frame(&format!("Spectra of {}", folder.name), &out))
}

fn charts(folder: &SpectraFolder<'_>) -> Vec<Chart> {
    let found = folder.found;
    let x = if folder.unit.is_empty() { "x".to_owned() } else { format!("x ({})", folder.unit) };
    let shift = if folder.unit.is_empty() { "shift".to_owned() } else { format!("shift ({})", folder.unit) };
    let losses = found.curve.iter().enumerate().map(|(i, l)| [(i + 1) as f64, l.loss]);
    let mut all = vec![Chart {
        across: Axis::named("epoch"),
        up: Axis::named("−ELBO (nats / spectrum)"),
        series: vec![Series::new("", BLUE, LINE, 0.0, losses)],
        caption: "How the training went.".into(),
        ..Chart::default()
    }];
    all.extend((0..found.traversals.len()).filter_map(|k| traversal(found, &folder.spectra.x, &x, k)));
    let numbers: Vec<f64> = (0..found.shift.len()).map(|i| i as f64).collect();
    all.push(Chart {
        across: Axis::named("spectrum"),
        up: Axis::named(shift.as_str()),
        series: vec![dots(&numbers, &found.shift)],
        caption: "Shift of each spectrum.".into(),
        ..Chart::default()
    });
    let latents: Vec<Vec<f64>> =
        (0..found.latent()).map(|k| found.column(k).into_iter().map(f64::from).collect()).collect();
    if let [first, second, ..] = &latents[..] {
        all.push(Chart {
            across: Axis::named("z0 (prior sd)"),
            up: Axis::named("z1 (prior sd)"),
            series: vec![dots(first, second)],
            caption: "Where each spectrum lies in the first two latents.".into(),
            ..Chart::default()
        });
    } else if let [only] = &latents[..] {
        all.push(Chart {
            across: Axis::named("z0 (prior sd)"),
            up: Axis::named(shift),
            series: vec![dots(only, &found.shift)],
            caption: "Shift of each spectrum against its latent.".into(),
            ..Chart::default()
        });
    }
    all
}

/// What the decoder draws along a latent, the others at 0; `axis` is the name of `x`.
pub fn traversal(found: &Found, x: &[f64], axis: &str, k: usize) -> Option<Chart> {
    let (drawn, steps) = (found.traversals.get(k)?, &found.steps);
    let last = steps.len().saturating_sub(1).max(1) as f64;
    let series = drawn.chunks_exact(x.len().max(1)).zip(steps).enumerate().map(|(i, (curve, step))| {
        let c = colorous::VIRIDIS.eval_continuous(0.9 * i as f64 / last);
        let points = x.iter().zip(curve).map(|(x, y)| [*x, f64::from(*y)]);
        Series::new(&format!("z{k} = {step:+.1} sd"), [c.r, c.g, c.b, 255], LINE, 0.0, points)
    });
    Some(Chart {
        across: Axis::named(axis),
        up: Axis::named("intensity (as in the file)"),
        series: series.collect(),
        caption: format!("What the model draws along z{k}, the others at 0."),
        ..Chart::default()
    })
}

fn dots(across: &[f64], up: &[f64]) -> Series {
    let every = across.len().div_ceil(POINTS).max(1);
    let ink = [BLUE[0], BLUE[1], BLUE[2], 150];
    let pairs = across.iter().zip(up).step_by(every);
    Series::new("", ink, 0.0, 1.8, pairs.map(|(x, y)| [*x, *y]))
}
