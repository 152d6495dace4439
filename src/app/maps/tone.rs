//! How one map is coloured: its scale, the values at both ends, and the histogram on which they are dragged.

use super::colour::{Scale, at_least};
use super::field::{Field, significant};
use crate::app::theme;
use crate::micrograph::PixelSize;
use crate::micrograph::stats::percentiles;
use crate::order::Map;
use egui::{Mesh, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Bars of the histogram.
const BARS: usize = 96;
/// Points under the bars for the colours.
const FOOT: f32 = 9.0;

/// What a person chose for a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    pub scale: Scale,
    /// Values at both ends of the colours; `None` takes percentiles 1 and 99.
    pub range: Option<[f32; 2]>,
}

impl Tone {
    /// As a map is first shown: signed values round zero, others from dark to bright.
    pub fn of(field: Field) -> Self {
        let scale = match field {
            Field::Content(_) | Field::Seed { .. } => Scale::Diverging,
            Field::Shift(_) | Field::PhaseAnalysis(_) | Field::Strain(_) => Scale::Diverging,
            Field::Uncertainty(_) | Field::Error => Scale::Sequential,
            Field::Rotation => Scale::Cyclic,
        };
        Self { scale, range: None }
    }

    /// The values at both ends; the second is larger.
    pub fn ends(&self, spread: &Spread) -> [f32; 2] {
        let [low, high] = self.range.unwrap_or(match self.scale {
            Scale::Diverging => {
                let most = spread.usual[0].abs().max(spread.usual[1].abs());
                [-most, most]
            }
            Scale::Cyclic => [-180.0, 180.0],
            Scale::Sequential | Scale::Grey => spread.usual,
        });
        // A flat map must not divide by zero. Heights may be 1e-10 m.
        let least = (low.abs().max(high.abs()) * 1e-6).max(1e-30);
        [low, high.max(low + least)]
    }
}

/// How the values of a map are spread.
pub struct Spread {
    /// Percentiles 1 and 99.
    pub usual: [f32; 2],
    /// Ends of the histogram.
    ends: [f32; 2],
    /// Root of the shares, so that few are seen, too.
    bars: Vec<f32>,
}

impl Spread {
    /// Of a map whose colours span at least `least`.
    pub fn of(map: &Map, least: f32) -> Self {
        let p = percentiles(&map.values, &[0.1, 1.0, 99.0, 99.9]);
        let at = |i: usize| p.get(i).copied().filter(|v| v.is_finite()).unwrap_or(0.0);
        let margin = (0.06 * (at(3) - at(0))).max(1e-6 * at(0).abs().max(at(3).abs())).max(1e-30);
        let ends = at_least([at(0) - margin, at(3) + margin], least);
        let mut counts = vec![0.0_f32; BARS];
        // Neighbours are alike: every seventh of a large map is enough.
        let step = if map.values.len() > 1 << 18 { 7 } else { 1 };
        for value in map.values.iter().step_by(step).filter(|v| v.is_finite()) {
            let place = (value - ends[0]) / (ends[1] - ends[0]) * BARS as f32;
            if place >= 0.0 && place < BARS as f32 {
                counts[place as usize] += 1.0;
            }
        }
        let most = counts.iter().fold(1.0_f32, |most, c| most.max(*c));
        Self {
            usual: at_least([at(1), at(2)], least),
            ends,
            bars: counts.iter().map(|c| (c / most).sqrt()).collect(),
        }
    }
}

/// Draws the histogram with the colours under it; a drag moves the nearer end, a double click takes the usual ends.
pub fn histogram(ui: &mut Ui, field: Field, size: Option<PixelSize>, spread: &Spread, tone: &mut Tone) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 54.0), Sense::click_and_drag());
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Slider, true, "Histogram of the map with both ends of its colours")
    });
    let mut ends = tone.ends(spread);
    // Chosen ends may lie outside of what is usual.
    let (from, to) = (spread.ends[0].min(ends[0]), spread.ends[1].max(ends[1]));
    let text = 16.0;
    let bars = Rect::from_min_max(rect.min, pos2(rect.max.x, rect.max.y - text));
    let x_of = |value: f32| rect.min.x + (value - from) / (to - from) * rect.width();
    if response.double_clicked() {
        tone.range = None;
        ends = tone.ends(spread);
    } else if let Some(pos) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let value = from + ((pos.x - rect.min.x) / rect.width()).clamp(0.0, 1.0) * (to - from);
        let least = 1e-3 * (to - from);
        if (pos.x - x_of(ends[1])).abs() < (pos.x - x_of(ends[0])).abs() {
            ends[1] = value.max(ends[0] + least);
        } else {
            ends[0] = value.min(ends[1] - least);
        }
        tone.range = Some(ends);
    }
    let painter = ui.painter_at(rect);
    painter.rect_filled(bars, 2.0, ui.visuals().extreme_bg_color);
    let mut mesh = Mesh::default();
    let width = (spread.ends[1] - spread.ends[0]) / BARS as f32;
    for (i, height) in spread.bars.iter().enumerate() {
        let low = spread.ends[0] + width * i as f32;
        let top = bars.max.y - FOOT - height * (bars.height() - FOOT - 2.0);
        let bar = Rect::from_min_max(pos2(x_of(low), top), pos2(x_of(low + width), bars.max.y - FOOT));
        mesh.add_colored_rect(bar, ui.visuals().weak_text_color());
    }
    let cells = 96;
    for i in 0..cells {
        let left = rect.min.x + rect.width() * i as f32 / cells as f32;
        let value = from + (to - from) * (i as f32 + 0.5) / cells as f32;
        let share = f64::from(((value - ends[0]) / (ends[1] - ends[0])).clamp(0.0, 1.0));
        let cell = Rect::from_min_max(
            pos2(left, bars.max.y - FOOT + 1.0),
            pos2(left + rect.width() / cells as f32, bars.max.y),
        );
        mesh.add_colored_rect(cell, tone.scale.at(share));
    }
    painter.add(mesh);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let colour = ui.visuals().text_color();
    let (unit, factor) = field.unit(size);
    for (i, value) in ends.iter().enumerate() {
        let x = x_of(*value).clamp(rect.min.x + 1.0, rect.max.x - 1.0);
        painter.line_segment([pos2(x, bars.min.y), pos2(x, bars.max.y)], Stroke::new(2.0, theme::ACCENT));
        let anchor = if i == 0 { egui::Align2::LEFT_BOTTOM } else { egui::Align2::RIGHT_BOTTOM };
        let at = pos2(if i == 0 { rect.min.x } else { rect.max.x }, rect.max.y);
        painter.text(at, anchor, signed(f64::from(*value) * factor), font.clone(), colour);
    }
    painter.text(pos2(rect.center().x, rect.max.y), egui::Align2::CENTER_BOTTOM, unit, font, colour);
    response.on_hover_text("Drag the ends of the colours; a double click takes the 1st and 99th percentile.");
}

/// With a true minus sign.
fn signed(value: f64) -> String {
    let text = significant(value.abs());
    if value < 0.0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_maps_are_shown_round_zero_and_flat_ones_do_not_divide_by_it() {
        let map = Map::over(10, 10, (0..100).map(|i| i as f32 / 50.0 - 0.4).collect()).unwrap();
        let spread = Spread::of(&map, 0.0);
        let [low, high] = Tone::of(Field::Content(0)).ends(&spread);
        assert!(low == -high && high > 1.5, "{low} {high}");
        let [low, high] = Tone::of(Field::Error).ends(&spread);
        assert!(low > -0.4 && low < -0.3 && high > 1.5);
        let flat = Spread::of(&Map::over(4, 4, vec![2.0; 16]).unwrap(), 0.0);
        let [low, high] = Tone::of(Field::Error).ends(&flat);
        assert!(low < high);
        let nothing = Spread::of(&Map::over(4, 4, vec![f32::NAN; 16]).unwrap(), 0.0);
        assert!(nothing.bars.iter().all(|b| *b == 0.0));
    }
}
