//! A slider for each latent and for each part of the pose, over the range of the class's particles.

use super::super::explore::data::Data;
use super::super::state::State;
use super::super::take::pages;
use super::TraversalPanel;
use crate::review::ranges::Ranges;
use egui::{RichText, Slider, SliderClamping, Ui};

impl TraversalPanel {
    pub(super) fn sliders(&mut self, ui: &mut Ui, state: &State, data: &Data, ranges: &Ranges) {
        ui.spacing_mut().slider_width = (ui.available_width() - 240.0).clamp(60.0, 320.0);
        for (i, latent) in self.latents.iter_mut().enumerate() {
            let [low, high] = ranges.latents.get(i).copied().unwrap_or([-3.0, 3.0]);
            let meaning = data.meaning(self.class, i);
            // "z1: aspect ratio, r = 0.93".
            let text = RichText::new(meaning.map_or_else(|| format!("z{}", i + 1), |m| m.text.clone()));
            let collapsed = meaning.is_some_and(|m| m.collapsed);
            ui.add(slider(latent, [low, high]).text(if collapsed { text.weak() } else { text }));
        }
        let angle = Slider::new(&mut self.angle_deg, -180.0..=180.0).fixed_decimals(0).suffix("°");
        ui.add(angle.text("angle"));
        self.pose(ui, state, ranges);
        if ui.small_button("Reset").on_hover_text("Back to the middle of the prior, upright.").clicked() {
            self.latents.fill(0.0);
            (self.angle_deg, self.shift, self.scale) = (0.0, [0.0; 2], 1.0);
        }
    }

    fn pose(&mut self, ui: &mut Ui, state: &State, ranges: &Ranges) {
        let (pixel, unit) = pages::patch_pixel(state).unwrap_or((1.0, "px of the patch"));
        let pixel = pixel as f32;
        for (axis, name) in ["shift to the right", "shift down"].into_iter().enumerate() {
            let [low, high] = ranges.shift.map_or([-1.0, 1.0], |ends| ends[axis]);
            let mut shown = self.shift[axis] * pixel;
            let slider = slider(&mut shown, [low * pixel, high * pixel]).suffix(format!(" {unit}"));
            let response = ui.add_enabled(ranges.shift.is_some(), slider.text(name));
            if response.on_disabled_hover_text("This model does not learn shifts.").changed() {
                self.shift[axis] = shown / pixel;
            }
        }
        let [low, high] = ranges.scale.unwrap_or([0.5, 2.0]);
        let response =
            ui.add_enabled(ranges.scale.is_some(), slider(&mut self.scale, [low, high]).text("scale"));
        response.on_disabled_hover_text("This model does not learn scales.");
    }
}

/// A value that already lies beyond the range stays: the range moves while the model learns.
fn slider(value: &mut f32, [low, high]: [f32; 2]) -> Slider<'_> {
    Slider::new(value, low..=high).fixed_decimals(2).clamping(SliderClamping::Edits)
}
