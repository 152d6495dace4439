//! Plots of curves in this workspace: quiet ones, whose bounds follow the data.

use super::plain;
use crate::app::{axes, theme};
use egui::{Color32, Ui, Visuals};
use egui_plot::{HoverPosition, Plot, PlotPoints};

/// Colours of curves; each reads on its ground.
pub struct Colours {
    pub accent: Color32,
    pub model: Color32,
    pub mean: Color32,
    pub faint: Color32,
}

impl Colours {
    pub fn of(visuals: &Visuals) -> Self {
        let (accent, model) = if visuals.dark_mode {
            (theme::ACCENT, Color32::from_rgb(0xf2, 0xb8, 0x4b))
        } else {
            (Color32::from_rgb(0x1f, 0x55, 0xc4), Color32::from_rgb(0x8a, 0x53, 0x00))
        };
        let mean = visuals.strong_text_color();
        Self { accent, model, mean, faint: visuals.weak_text_color().gamma_multiply(0.45) }
    }
}

/// A plot that is not dragged; the name and both values with their units stand beside the curve under the pointer.
pub fn plot<'a>(ui: &Ui, id: impl egui::AsIdSalt, x: String, y: impl Into<String>, height: f32) -> Plot<'a> {
    let y = y.into();
    let names = [x.clone(), y.clone()];
    let plot = Plot::new(id)
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .grid_color(theme::grid(ui.visuals()))
        .label_formatter(move |at| {
            let HoverPosition::NearDataPoint { plot_name, position, .. } = at else { return None };
            let [x, y] = [(&names[0], position.x), (&names[1], position.y)].map(|(name, v)| told(name, v));
            Some(format!("{plot_name}\n{x}\n{y}"))
        });
    axes::numbered(plot, x, y, 40.0)
}

/// "x 7.1515 eV", of an axis "x (eV)".
fn told(axis: &str, value: f64) -> String {
    let (name, unit) = axis.strip_suffix(')').and_then(|axis| axis.split_once(" (")).unwrap_or((axis, ""));
    let tiny = value != 0.0 && value.abs() < 1e-3;
    let number = if tiny { format!("{value:.3e}").replace('-', "−") } else { plain(value) };
    format!("{name} {number} {unit}").trim_end().to_owned()
}

/// A curve over the axis.
pub fn points<'a>(x: &[f64], y: &[f32]) -> PlotPoints<'a> {
    PlotPoints::new(x.iter().zip(y).map(|(x, y)| [*x, f64::from(*y)]).collect())
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_value_is_told_with_its_name_and_unit() {
        assert_eq!(told("x (eV)", 7.1515), "x 7.1515 eV");
        assert_eq!(told("intensity (as in the file)", -0.313), "intensity −0.313 as in the file");
        assert_eq!(told("intensity", -2.5e-10), "intensity −2.500e−10");
        assert_eq!((told("x", 2.0), told("epoch", 3.0)), ("x 2".to_owned(), "epoch 3".to_owned()));
    }
}
