//! The contrast panel: a histogram with a black and a white point to drag, gamma, inversion and colour maps.
//!
//! While something is held only the screen follows; letting go is one step of the history.

use super::action::Action;
use super::picture::Picture;
use super::shades::{MAPS, map};
use super::theme;
use crate::particle::MicrographId;
use crate::project::edit::Edit;
use crate::project::{MicrographEntry, Tone};
use egui::{Color32, Mesh, Rect, Sense, Slider, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Bars of the histogram.
const BARS: usize = 128;

/// What is shown: percentiles of black and white, and the tone between them.
pub type Shown = ((f32, f32), Tone);

/// What the panel alone remembers.
#[derive(Default)]
pub struct ContrastPanel {
    /// While a handle or slider is held.
    held: Option<(MicrographId, Shown)>,
    /// Which point is dragged: false black, true white.
    dragged: bool,
    /// Of the picture at this place in memory: a filter makes another.
    histogram: Option<(usize, Vec<f32>)>,
}

impl ContrastPanel {
    /// What the canvas should show of a micrograph now.
    pub fn shown(&self, entry: &MicrographEntry) -> Shown {
        match self.held {
            Some((id, shown)) if id == entry.id => shown,
            _ => (entry.contrast, entry.tone),
        }
    }

    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, picture: &Picture, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        let before = self.shown(entry);
        let ((mut low, mut high), mut tone) = before;
        self.histogram(ui, picture, (&mut low, &mut high), tone);
        ui.horizontal(|ui| {
            ui.label("Percentiles");
            let field = |value: &mut f32, name: &str, ui: &mut Ui| {
                ui.add(
                    egui::DragValue::new(value).range(0.0..=100.0).speed(0.1).max_decimals(2).suffix(" %"),
                )
                .accessible_name(name);
            };
            field(&mut low, "Black point, percentile", ui);
            field(&mut high, "White point, percentile", ui);
        });
        ui.add(Slider::new(&mut tone.gamma, 0.1..=10.0).logarithmic(true).max_decimals(2).text("gamma"));
        ui.horizontal(|ui| {
            for (colours, name) in MAPS {
                ui.selectable_value(&mut tone.colours, colours, name);
            }
        });
        ui.checkbox(&mut tone.invert, "Invert");
        high = high.clamp(0.1, 100.0);
        low = low.clamp(0.0, high - 0.05);
        ui.horizontal(|ui| {
            if ui
                .button("Automatic")
                .on_hover_text("From the 0.5th to the 99.5th percentile, as it was opened.")
                .clicked()
            {
                (low, high, tone) = (0.5, 99.5, Tone::default());
            }
            if ui.button("To all").on_hover_text("Show all micrographs as this one.").clicked() {
                actions.push(Action::CopyContrast);
            }
        });
        let now = ((low, high), tone);
        if now != before {
            self.held = Some((entry.id, now));
        }
        self.settle(ui, entry, actions);
    }

    /// When everything is let go the change becomes an edit.
    fn settle(&mut self, ui: &Ui, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        let held = ui.input(|input| input.pointer.any_down()) || ui.ctx().text_edit_focused();
        if held {
            return;
        }
        if let Some((id, (contrast, tone))) = self.held.take()
            && id == entry.id
            && (contrast, tone) != (entry.contrast, entry.tone)
        {
            let edit = Edit::ChangeMicrograph(MicrographEntry { contrast, tone, ..entry.clone() });
            actions.push(Action::Change { name: "change contrast".into(), edit });
        }
    }

    fn histogram(&mut self, ui: &mut Ui, picture: &Picture, (low, high): (&mut f32, &mut f32), tone: Tone) {
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), 64.0), Sense::click_and_drag());
        response.widget_info(|| {
            WidgetInfo::labeled(egui::Role::Slider, true, "Histogram with black and white point")
        });
        // The ends of the axis: a hot pixel must not press the rest together.
        let (from, to) = picture.range((0.05, 99.95));
        let margin = 0.08 * (to - from);
        let (from, to) = (from - margin, to + margin);
        let of = std::ptr::from_ref(picture) as usize;
        if self.histogram.as_ref().is_none_or(|(other, _)| *other != of) {
            self.histogram = Some((of, bars(picture, from, to)));
        }
        let x_of = |grey: f32| rect.min.x + (grey - from) / (to - from) * rect.width();
        let grey_at = |x: f32| from + (x - rect.min.x) / rect.width() * (to - from);
        let (black, white) = picture.range((*low, *high));
        if let Some(pos) = response.interact_pointer_pos() {
            if response.drag_started() || response.clicked() {
                self.dragged = (pos.x - x_of(white)).abs() < (pos.x - x_of(black)).abs();
            }
            let percent = picture.percent(grey_at(pos.x));
            if self.dragged {
                *high = percent.max(*low + 0.05);
            } else {
                *low = percent.min(*high - 0.05);
            }
        }
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        if let Some((_, bars)) = &self.histogram {
            painter.add(drawn(bars, rect, ui.visuals().weak_text_color()));
        }
        // The colours as they are now, along the foot.
        let foot = Rect::from_min_max(pos2(rect.min.x, rect.max.y - 7.0), rect.max);
        for i in 0..64 {
            let left = foot.min.x + foot.width() * i as f32 / 64.0;
            let share = ((grey_at(left) - black) / (white - black)).clamp(0.0, 1.0);
            let share = f64::from(share).powf(f64::from(tone.gamma));
            let colour = map(tone.colours, if tone.invert { 1.0 - share } else { share });
            let cell = Rect::from_min_max(
                pos2(left, foot.min.y),
                pos2(left + foot.width() / 64.0 + 0.5, foot.max.y),
            );
            painter.rect_filled(cell, 0.0, colour);
        }
        for (grey, fill) in [(black, Color32::BLACK), (white, Color32::WHITE)] {
            let x = x_of(grey).clamp(rect.min.x + 1.0, rect.max.x - 1.0);
            painter.line_segment([pos2(x, rect.min.y), pos2(x, rect.max.y)], Stroke::new(1.5, theme::ACCENT));
            painter.circle(pos2(x, rect.min.y + 6.0), 4.0, fill, Stroke::new(1.5, theme::ACCENT));
        }
        response.on_hover_text("Drag the black and the white point.");
    }
}

/// Shares of the pixels, the root of them so that few are seen, too.
fn bars(picture: &Picture, from: f32, to: f32) -> Vec<f32> {
    let mut counts = vec![0.0_f32; BARS];
    for value in picture.smallest().pixels {
        let place = ((value - from) / (to - from) * BARS as f32).clamp(0.0, (BARS - 1) as f32);
        counts[place as usize] += 1.0;
    }
    let most = counts.iter().fold(1.0_f32, |most, c| most.max(*c));
    counts.iter().map(|count| (count / most).sqrt()).collect()
}

fn drawn(bars: &[f32], rect: Rect, colour: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    let width = rect.width() / bars.len() as f32;
    for (i, height) in bars.iter().enumerate() {
        let left = rect.min.x + i as f32 * width;
        let top = rect.max.y - 8.0 - height * (rect.height() - 10.0);
        mesh.add_colored_rect(
            Rect::from_min_max(pos2(left, top), pos2(left + width, rect.max.y - 8.0)),
            colour,
        );
    }
    mesh
}
