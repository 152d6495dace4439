//! What the model sees at the pointed pixel and makes of it: window, reconstruction, rest, and the decoder's picture of
//! any latents, live.

use super::Scene;
use super::colour::Scale;
use super::field::significant;
use super::layer::CRISP;
use super::run::{Ask, Maps};
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::panes::scrolled;
use crate::app::theme;
use crate::micrograph::PixelSize;
use crate::micrograph::stats::percentiles;
use crate::worker::mapping::{MapAnswer, MapQuery};
use egui::{ColorImage, Image, RichText, Sense, Slider, SliderClamping, TextureHandle, Ui, WidgetInfo, vec2};

/// Latents that are worth drawing, prior standard deviations.
const REACH: f32 = 4.0;

/// What the pane alone remembers.
#[derive(Default)]
pub struct DecoderPanel {
    /// Window, reconstruction, rest, decoder.
    textures: [Option<TextureHandle>; 4],
    answers: u64,
    /// Where the sliders stand.
    latents: Vec<f32>,
    /// Root mean square of the rest as a part of the window's own spread.
    rest: Option<f32>,
}

impl DecoderPanel {
    /// Draws the pane.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        Scene { maps, own, size }: Scene<'_>,
        sight: &Sight,
        actions: &mut Vec<Action>,
    ) {
        let asking = &maps.asking;
        if !own || (asking.place.is_none() && asking.picture.is_none()) {
            self.answers = 0;
            theme::hint(
                ui,
                "Point at a pixel or into the latent plane: its window, and what the model makes of it.",
            );
            return;
        }
        if self.answers != asking.answers {
            self.answers = asking.answers;
            self.take(ui, maps);
        }
        scrolled(ui, "decoder", |ui| {
            self.pictures(ui);
            self.sentence(ui, maps, size, sight);
            self.sliders(ui, maps, actions);
        });
    }

    /// New answers have come.
    fn take(&mut self, ui: &Ui, maps: &Maps) {
        let asking = &maps.asking;
        let mut range = maps.plan.as_ref().map_or([0.0, 1.0], |plan| plan.range);
        if let Some(answer) = &asking.place {
            range = span(&answer.window, range);
            let rest: Vec<f32> =
                answer.window.iter().zip(&answer.reconstruction).map(|(w, r)| w - r).collect();
            let most = percentiles(&rest.iter().map(|v| v.abs()).collect::<Vec<_>>(), &[99.0]);
            let most = most.first().copied().unwrap_or(1.0).max(0.25 * (range[1] - range[0]));
            self.set(ui, 0, answer, &answer.window, Scale::Grey, range);
            self.set(ui, 1, answer, &answer.reconstruction, Scale::Grey, range);
            self.set(ui, 2, answer, &rest, Scale::Diverging, [-most, most]);
            self.rest = explained(&answer.window, &rest);
            if let MapQuery::Place(_) = answer.query {
                self.latents.clone_from(&answer.latents);
            }
        }
        if let Some(answer) = &asking.picture {
            let range = if asking.place.is_some() { range } else { span(&answer.reconstruction, range) };
            self.set(ui, 3, answer, &answer.reconstruction, Scale::Grey, range);
            if let MapQuery::Latents(latents) = &answer.query {
                self.latents.clone_from(latents);
            }
        }
    }

    fn set(
        &mut self,
        ui: &Ui,
        place: usize,
        answer: &MapAnswer,
        values: &[f32],
        scale: Scale,
        range: [f32; 2],
    ) {
        let side = answer.side;
        if values.len() != side * side || side == 0 {
            return;
        }
        let [low, high] = range;
        let least = (high - low).max(1e-12);
        let shade = |v: &f32| scale.at(f64::from(((v - low) / least).clamp(0.0, 1.0)));
        let image = ColorImage::new([side, side], values.iter().map(shade).collect());
        match &mut self.textures[place] {
            Some(texture) => texture.set(image, CRISP),
            none => *none = Some(ui.ctx().load_texture("decoder", image, CRISP)),
        }
    }

    fn pictures(&self, ui: &mut Ui) {
        let names = [
            (
                "window",
                "What the model sees: the image round the pixel, averaged over alike cells where the lattice is locked.",
            ),
            ("model", "What it makes of it."),
            ("rest", "Window less model: blue is missing, red is added."),
            ("decoder", "The pattern at the latents below, without a shift."),
        ];
        let gap = 6.0;
        let side = ((ui.available_width() - 3.0 * gap) / 4.0).clamp(40.0, 180.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            for (i, (name, meaning)) in names.into_iter().enumerate() {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
                    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, name));
                    ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
                    if let Some(texture) = &self.textures[i] {
                        Image::new((texture.id(), rect.size())).paint_at(ui, rect);
                    }
                    response.on_hover_text(meaning);
                    ui.label(RichText::new(name).small());
                });
            }
        });
    }

    fn sentence(&self, ui: &mut Ui, maps: &Maps, size: Option<PixelSize>, sight: &Sight) {
        let Some([x, y]) = sight.place.or(maps.asking.at()) else { return };
        let place = match size {
            Some(size) => format!("x {} nm, y {} nm", significant(x * size.x_nm), significant(y * size.y_nm)),
            None => format!("x {x:.0} px, y {y:.0} px"),
        };
        let rest = self
            .rest
            .map_or_else(String::new, |rest| format!("; {:.0} % of the variance explained", 100.0 * rest));
        ui.label(RichText::new(format!("{place}{rest}")).small());
    }

    fn sliders(&mut self, ui: &mut Ui, maps: &Maps, actions: &mut Vec<Action>) {
        let sd = maps.asking.place.as_ref().map(|answer| answer.sd.clone()).unwrap_or_default();
        let mut moved = false;
        for (i, value) in self.latents.iter_mut().enumerate() {
            ui.horizontal(|ui| {
                let label = ui.label(RichText::new(format!("z{i}")).monospace());
                ui.spacing_mut().slider_width = (ui.available_width() - 130.0).clamp(60.0, 240.0);
                // Only a hand moves it: kept to its range it would round what the model says and ask about that instead.
                let slider = Slider::new(value, -REACH..=REACH).clamping(SliderClamping::Edits);
                let slider = slider.fixed_decimals(2);
                moved |= ui.add(slider).labelled_by(label.id).changed();
                if let Some(sd) = sd.get(i) {
                    ui.label(
                        RichText::new(format!("± {sd:.2}")).small().color(ui.visuals().weak_text_color()),
                    );
                }
            });
        }
        if moved {
            actions.push(Action::Maps(Ask::Query(MapQuery::Latents(self.latents.clone()))));
        }
    }
}

/// Least and greatest value, but never nothing.
fn span(values: &[f32], usual: [f32; 2]) -> [f32; 2] {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high > low { [low, high] } else { usual }
}

/// Share of the window's variance that the model explains.
fn explained(window: &[f32], rest: &[f32]) -> Option<f32> {
    let n = window.len() as f32;
    let mean = window.iter().sum::<f32>() / n;
    let all: f32 = window.iter().map(|v| (v - mean).powi(2)).sum();
    let left: f32 = rest.iter().map(|v| v * v).sum();
    (all > 0.0).then(|| (1.0 - left / all).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_explained_share_is_that_of_the_variance() {
        let window = [1.0, 3.0, 1.0, 3.0];
        assert_eq!(explained(&window, &[0.0; 4]), Some(1.0));
        assert_eq!(explained(&window, &[0.5, -0.5, 0.5, -0.5]), Some(0.75));
        assert_eq!(explained(&[2.0; 4], &[0.0; 4]), None);
        assert_eq!(span(&[2.0; 4], [0.0, 1.0]), [0.0, 1.0]);
    }
}
