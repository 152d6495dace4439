//! Plots of curves in this workspace: quiet ones, whose bounds follow the data.

use crate::app::theme;
use egui::{Color32, Ui, Visuals};
use egui_plot::{AxisHints, HoverPosition, Plot, PlotPoints};

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

/// A plot that is not dragged; the name and both values stand beside the curve under the pointer.
pub fn plot<'a>(ui: &Ui, id: impl egui::AsIdSalt, x: String, y: impl Into<String>, height: f32) -> Plot<'a> {
    Plot::new(id)
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .custom_x_axes(vec![AxisHints::new_x().label(x).label_spacing(28.0..=56.0)])
        .y_axis_label(y.into())
        .y_axis_min_width(40.0)
        .grid_color(theme::grid(ui.visuals()))
        .label_formatter(|at| {
            let HoverPosition::NearDataPoint { plot_name, position, .. } = at else { return None };
            Some(format!("{plot_name}\n{:.4}\n{:.4}", position.x, position.y))
        })
}

/// A curve over the axis.
pub fn points<'a>(x: &[f64], y: &[f32]) -> PlotPoints<'a> {
    PlotPoints::new(x.iter().zip(y).map(|(x, y)| [*x, f64::from(*y)]).collect())
}
