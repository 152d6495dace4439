//! Plots as SVG: a histogram, a rose of angles, a calibration curve.

use super::escape;
use crate::particle::trust::Calibration;
use std::fmt::Write;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 190.0;
/// Room for the axes.
const LEFT: f64 = 38.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 8.0;
const RIGHT: f64 = 10.0;

pub(super) fn mean_sd(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (!values.is_empty() && mean.is_finite()).then_some((mean, square.sqrt()))
}

fn open(label: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n", escape(label))
}

/// Round numbers within a range, about `parts` of them, never more than a few.
pub(in crate::library) fn ticks(range: (f64, f64), parts: f64) -> Vec<f64> {
    let rough = (range.1 - range.0) / parts;
    if !rough.is_finite() || rough <= 0.0 {
        return vec![range.0];
    }
    let unit = 10_f64.powf(rough.log10().floor());
    let step = unit * [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * unit >= rough).unwrap_or(10.0);
    let first = (range.0 / step).ceil();
    let at = |i: usize| (first + i as f64) * step + 0.0;
    (0..16).map(at).take_while(|at| *at <= range.1 + 1e-9 * step).collect()
}

/// Ticks, each with its number.
pub(in crate::library) fn labelled(ticks: Vec<f64>) -> impl Iterator<Item = (f64, String)> {
    let apart = |i: usize| {
        let near = [i.checked_sub(1), Some(i + 1)].into_iter().flatten().filter_map(|j| ticks.get(j));
        let nearest = near.map(|other| (other - ticks[i]).abs()).fold(f64::INFINITY, f64::min);
        if nearest.is_finite() { nearest } else { 0.01 * ticks[i].abs() }
    };
    let labels: Vec<String> = (0..ticks.len()).map(|i| tidy(ticks[i], apart(i))).collect();
    ticks.into_iter().zip(labels)
}

/// A number with the digits that tell it from one that is `apart` from it, without idle zeros.
pub(in crate::library) fn tidy(value: f64, apart: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    // What rounding leaves of a power of ten is one.
    let order = |v: f64| (v.abs().max(f64::MIN_POSITIVE).log10() + 1e-6).floor();
    if !(1e-4..1e6).contains(&value.abs()) {
        let digits = (order(value) - order(apart)).clamp(0.0, 9.0) as usize;
        return format!("{value:.digits$e}");
    }
    let digits = (-order(apart)).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, content: &str) {
    let _ =
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escape(content));
}

/// Bins by Freedman & Diaconis (1981), 5 to 40 of them; `None` for fewer than two values.
pub(super) fn histogram(values: &[f64], axis: &str) -> Option<String> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    if sorted.len() < 2 {
        return None;
    }
    let span = (high - low).max(low.abs() * 1e-6).max(1e-9);
    let quartile = |q: f64| sorted[((sorted.len() - 1) as f64 * q) as usize];
    let width = 2.0 * (quartile(0.75) - quartile(0.25)) / (sorted.len() as f64).cbrt();
    let bins = if width > 0.0 { (span / width).ceil().clamp(5.0, 40.0) as usize } else { 10 };
    let mut counts = vec![0_usize; bins];
    for v in &sorted {
        counts[(((v - low) / span * bins as f64) as usize).min(bins - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let (x, y) = axes_of((low, low + span), most as f64);
    let mut svg = open(&format!("Histogram of {axis}"));
    for (i, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        let (a, b) = (low + span * i as f64 / bins as f64, low + span * (i + 1) as f64 / bins as f64);
        let _ = writeln!(
            svg,
            "<rect class=\"bar\" x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\"/>",
            x(a) + 0.5,
            y(*count as f64),
            (x(b) - x(a) - 1.0).max(0.5),
            y(0.0) - y(*count as f64)
        );
    }
    axes(&mut svg, (low, low + span), most as f64, axis, "particles");
    svg.push_str("</svg>");
    Some(svg)
}

fn axes_of(range: (f64, f64), most: f64) -> (impl Fn(f64) -> f64, impl Fn(f64) -> f64) {
    let span = (range.1 - range.0).max(1e-9);
    let x = move |v: f64| LEFT + (v - range.0) / span * (WIDTH - LEFT - RIGHT);
    let y = move |v: f64| HEIGHT - BOTTOM - v / most.max(1e-9) * (HEIGHT - BOTTOM - TOP);
    (x, y)
}

fn axes(svg: &mut String, range: (f64, f64), most: f64, across: &str, up: &str) {
    let (x, y) = axes_of(range, most);
    let _ = writeln!(
        svg,
        "<path class=\"axis\" d=\"M{:.1} {:.1}V{:.1}H{:.1}\"/>",
        LEFT,
        TOP,
        HEIGHT - BOTTOM,
        WIDTH - RIGHT
    );
    for (at, label) in labelled(ticks(range, 5.0)) {
        text(svg, x(at), HEIGHT - BOTTOM + 14.0, "middle", &label);
    }
    for (at, label) in labelled(ticks((0.0, most), 4.0)).filter(|(at, _)| *at > 0.0) {
        text(svg, LEFT - 4.0, y(at) + 4.0, "end", &label);
    }
    text(svg, f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 5.0, "middle", across);
    let _ = writeln!(
        svg,
        "<text transform=\"translate(10 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        (HEIGHT - BOTTOM) / 2.0,
        escape(up)
    );
}

/// Sectors of 15 degrees whose area counts; 0 to the right, 90 up. `None` without an angle.
pub(super) fn rose(angles_deg: &[f64]) -> Option<String> {
    const SECTORS: usize = 24;
    let mut counts = [0_usize; SECTORS];
    for a in angles_deg.iter().filter(|a| a.is_finite()) {
        let turn = a.rem_euclid(360.0) / 360.0;
        counts[((turn * SECTORS as f64) as usize).min(SECTORS - 1)] += 1;
    }
    let most = counts.iter().copied().max().filter(|m| *m > 0)?;
    let (cx, cy, radius) = (WIDTH / 2.0, HEIGHT / 2.0, HEIGHT / 2.0 - 20.0);
    let mut svg = open("Rose of the learned angles");
    let _ = writeln!(svg, "<circle class=\"grid\" cx=\"{cx}\" cy=\"{cy}\" r=\"{radius:.1}\"/>");
    for (i, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        let r = radius * (*count as f64 / most as f64).sqrt();
        let at = |k: usize| {
            let a = k as f64 / SECTORS as f64 * std::f64::consts::TAU;
            (cx + r * a.cos(), cy - r * a.sin())
        };
        let ((x0, y0), (x1, y1)) = (at(i), at(i + 1));
        let _ = writeln!(
            svg,
            "<path class=\"bar\" d=\"M{cx} {cy}L{x0:.2} {y0:.2}A{r:.2} {r:.2} 0 0 0 {x1:.2} {y1:.2}Z\"/>"
        );
    }
    for (x, y, anchor, label) in [
        (cx + radius + 4.0, cy + 4.0, "start", "0°"),
        (cx, cy - radius - 5.0, "middle", "90°"),
        (cx - radius - 4.0, cy + 4.0, "end", "180°"),
        (cx, cy + radius + 15.0, "middle", "-90°"),
    ] {
        text(&mut svg, x, y, anchor, label);
    }
    text(&mut svg, WIDTH - 4.0, HEIGHT - 6.0, "end", &format!("longest: {most}"));
    svg.push_str("</svg>");
    Some(svg)
}

/// Accuracy against confidence, with the diagonal of a model that knows itself.
pub(super) fn calibration(found: &Calibration) -> String {
    let (x, y) = axes_of((0.0, 1.0), 1.0);
    let mut svg = open("Calibration: accuracy against confidence");
    let _ = writeln!(
        svg,
        "<path class=\"grid\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    let most = found.bins.iter().map(|b| b.particles).max().unwrap_or(1).max(1) as f64;
    let filled: Vec<_> = found.bins.iter().filter(|b| b.particles > 0).collect();
    let line: Vec<String> =
        filled.iter().map(|b| format!("{:.2},{:.2}", x(b.confidence), y(b.accuracy))).collect();
    let _ = writeln!(svg, "<polyline class=\"line\" points=\"{}\"/>", line.join(" "));
    for b in filled {
        let r = 2.0 + 6.0 * (b.particles as f64 / most).sqrt();
        let _ = writeln!(
            svg,
            "<circle class=\"bar\" cx=\"{:.2}\" cy=\"{:.2}\" r=\"{r:.2}\"/>",
            x(b.confidence),
            y(b.accuracy)
        );
    }
    axes(&mut svg, (0.0, 1.0), 1.0, "confidence", "accuracy");
    svg.push_str("</svg>");
    svg
}
