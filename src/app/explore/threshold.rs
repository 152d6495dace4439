//! A histogram of one property with a line in it: where it is dragged to, the query says.

use super::super::theme;
use super::data::{Data, Key};
use super::legend::number;
use crate::review::query::comparison;
use crate::review::{Table, Variable};
use egui::{Align, ComboBox, Layout, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Bars of the histogram, and its height in points.
const BARS: usize = 80;
const HIGH: f32 = 56.0;

/// What it alone remembers.
pub struct Threshold {
    variable: Variable,
    /// Those above are meant, not those below.
    above: bool,
    limit: Option<f64>,
    /// The table and the property of the bars.
    of: Option<(Option<Key>, Variable)>,
    bars: Bars,
}

impl Default for Threshold {
    fn default() -> Self {
        Self { variable: Variable::Error, above: true, limit: None, of: None, bars: Bars::default() }
    }
}

impl Threshold {
    /// Draws it; true when the line was let go, and the query is to be asked.
    pub fn ui(&mut self, ui: &mut Ui, data: &Data, query: &mut String) -> bool {
        let Some(table) = data.table() else { return false };
        let key = data.key();
        if self.of.as_ref().is_none_or(|(of, variable)| *of != key || *variable != self.variable) {
            if self.of.as_ref().is_some_and(|(_, variable)| *variable != self.variable) {
                self.limit = None;
            }
            self.of = Some((key, self.variable.clone()));
            self.bars = Bars::of(&table.column(&self.variable));
        }
        let mut turned = false;
        ui.horizontal_wrapped(|ui| {
            ComboBox::from_id_salt("threshold")
                .selected_text(self.variable.name(&table.classes))
                .show_ui(ui, |ui| {
                    for one in table.variables() {
                        let name = one.name(&table.classes);
                        ui.selectable_value(&mut self.variable, one, name);
                    }
                })
                .response
                .accessible_name("Property of the histogram");
            for (above, name) in [(false, "below"), (true, "above")] {
                turned |= ui.selectable_value(&mut self.above, above, name).clicked();
            }
            match self.limit {
                Some(limit) => ui.label(format!("{} {}", number(limit), self.variable.unit(table.in_nm))),
                None => ui.weak("Drag a line through the histogram."),
            };
        });
        let [moved, let_go] = self.histogram(ui, table);
        self.ends(ui, table);
        let asked = let_go || (turned && self.limit.is_some());
        if let Some(limit) = self.limit.filter(|_| moved || asked) {
            *query = comparison(&self.variable, self.above, limit, table);
        }
        asked
    }

    /// From where to where the histogram goes, under it.
    fn ends(&self, ui: &mut Ui, table: &Table) {
        if self.bars.counts.is_empty() {
            return;
        }
        let unit = self.variable.unit(table.in_nm);
        let end = |value: f64| RichText::new(format!("{} {unit}", number(value))).small().weak();
        ui.horizontal(|ui| {
            ui.label(end(self.bars.low));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(end(self.bars.high)));
        });
    }

    /// The bars and the line: whether it moved, and whether it was let go.
    fn histogram(&mut self, ui: &mut Ui, table: &Table) -> [bool; 2] {
        let bars = &self.bars;
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), HIGH), Sense::click_and_drag());
        let name = format!("Histogram of {}", self.variable.name(&table.classes));
        response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &name));
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        let width = rect.width() / BARS as f32;
        let x_of =
            |value: f64| rect.left() + ((value - bars.low) / (bars.high - bars.low)) as f32 * rect.width();
        let hand = response.interact_pointer_pos().filter(|_| !bars.counts.is_empty());
        if let Some(pos) = hand {
            let part = f64::from(((pos.x - rect.left()) / rect.width()).clamp(0.0, 1.0));
            self.limit = Some(bars.low + part * (bars.high - bars.low));
        }
        let most = bars.counts.iter().max().map_or(1.0, |most| (*most).max(1) as f32);
        for (i, count) in bars.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            // The root, so that few are seen, too.
            let high = (*count as f32 / most).sqrt() * (rect.height() - 4.0);
            let left = rect.left() + i as f32 * width;
            let bar =
                Rect::from_min_max(pos2(left, rect.bottom() - high), pos2(left + width - 0.5, rect.bottom()));
            let middle = bars.low + (i as f64 + 0.5) / BARS as f64 * (bars.high - bars.low);
            let meant = self.limit.is_some_and(|limit| (middle > limit) == self.above);
            let colour = if meant { theme::ACCENT } else { ui.visuals().weak_text_color() };
            painter.rect_filled(bar, 0.0, colour);
        }
        if let Some(limit) = self.limit {
            let x = x_of(limit);
            painter
                .line_segment([pos2(x, rect.top()), pos2(x, rect.bottom())], Stroke::new(2.0, theme::ACCENT));
        }
        [hand.is_some(), hand.is_some() && (response.drag_stopped() || response.clicked())]
    }
}

/// How the values are spread.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bars {
    low: f64,
    high: f64,
    counts: Vec<usize>,
}

impl Bars {
    fn of(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            return Self::default();
        }
        // All alike still has a width.
        let high = high.max(low + 1e-9 * low.abs().max(1e-3));
        let mut counts = vec![0; BARS];
        for value in finite() {
            let place = ((value - low) / (high - low) * BARS as f64) as usize;
            counts[place.min(BARS - 1)] += 1;
        }
        Self { low, high, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bar_and_none_is_no_trouble() {
        let values: Vec<f64> = (0..100).map(f64::from).chain([f64::NAN]).collect();
        let bars = Bars::of(&values);
        assert_eq!((bars.low, bars.high, bars.counts.iter().sum::<usize>()), (0.0, 99.0, 100));
        let flat = Bars::of(&[2.0; 7]);
        assert!(flat.high > flat.low && flat.counts.iter().sum::<usize>() == 7);
        assert_eq!(Bars::of(&[f64::NAN]), Bars::default());
    }
}
