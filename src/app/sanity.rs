//! What the model can be trusted with, measured on the user's own patches after training.

use super::theme;
use crate::particle::trust::Calibration;
use crate::worker::message::Sanity;
use egui::{Color32, Label, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints, Points};

/// Figures below which a line is marked: agreement of class, and its complement for errors.
const AGREES: f32 = 0.95;
const ANGLE_DEG: f32 = 10.0;
const GAP: f64 = 0.05;

/// Draws the panel.
pub fn ui(ui: &mut Ui, sanity: &Sanity) {
    egui::CollapsingHeader::new("Self-check").default_open(true).show(ui, |ui| {
        for (fine, text) in sentences(sanity) {
            let colour = if fine { ui.visuals().text_color() } else { ui.visuals().warn_fg_color };
            let mark = if fine { "" } else { "Look: " };
            ui.add(Label::new(RichText::new(format!("{mark}{text}")).color(colour)).wrap());
        }
        if let Some(found) = &sanity.calibration {
            calibration(ui, found);
        }
    });
}

/// One plain sentence a figure, and whether it is as it should be.
fn sentences(sanity: &Sanity) -> Vec<(bool, String)> {
    let mut out = Vec::new();
    if sanity.turned > 0 {
        let agreement = sanity.class_agreement;
        out.push((
            agreement >= AGREES,
            format!("Turned by known angles, {:.0} % keep their class.", agreement * 100.0),
        ));
        out.push(match sanity.angle_error_deg {
            Some([median, most]) => (
                median <= ANGLE_DEG,
                format!("The learned angle follows within {median:.1}° (median), {most:.1}° (nine in ten)."),
            ),
            None => (true, "No class has an angle: all look the same when turned.".to_owned()),
        });
        if sanity.collapsed.contains(&false) {
            let drift = sanity.content_drift;
            let text = format!("Turning moves the content latents by {drift:.2} of their spread.");
            out.push((drift < 0.5, text));
        }
    }
    if let Some(Calibration { expected_error: error, .. }) = &sanity.calibration {
        out.push((*error <= GAP, format!("Probabilities are off by {:.1} % on average.", error * 100.0)));
    }
    let collapsed: Vec<String> =
        (1..).zip(&sanity.collapsed).filter(|(_, c)| **c).map(|(i, _)| format!("z{i}")).collect();
    let text = match collapsed.len() {
        0 => return out,
        all if all == sanity.collapsed.len() => {
            "No latent measures anything: within a class no difference was learned.".to_owned()
        }
        1 => format!("{} measures next to nothing: fewer latents would do.", collapsed[0]),
        _ => format!("{} measure next to nothing: fewer latents would do.", collapsed.join(", ")),
    };
    out.push((true, text));
    out
}

/// Share that is right against the probability the model gives, on held-out labels.
fn calibration(ui: &mut Ui, found: &Calibration) {
    let points: Vec<[f64; 2]> = found.filled().map(|bin| [bin.confidence, bin.accuracy]).collect();
    let ideal = PlotPoints::new(vec![[0.0, 0.0], [1.0, 1.0]]);
    ui.weak("Share right against the probability given, on held-out labels");
    Plot::new("calibration")
        .height(130.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_crosshair(false)
        .include_x(0.0)
        .include_x(1.0)
        .include_y(0.0)
        .include_y(1.0)
        .custom_x_axes(vec![egui_plot::AxisHints::new_x().label("probability")])
        .y_axis_label("right")
        .grid_color(theme::grid(ui.visuals()))
        .show(ui, |plot| {
            plot.line(Line::new("perfect", ideal).color(Color32::GRAY).width(1.0).allow_hover(false));
            plot.points(Points::new("this model", PlotPoints::new(points)).radius(3.0).color(theme::ACCENT));
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_it_should_be_is_marked() {
        let gap = |expected_error| Some(Calibration { bins: Vec::new(), expected_error });
        let good = Sanity {
            turned: 30,
            class_agreement: 1.0,
            angle_error_deg: Some([2.0, 5.0]),
            collapsed: vec![false, true],
            calibration: gap(0.02),
            ..Sanity::default()
        };
        assert!(sentences(&good).iter().all(|(fine, _)| *fine));
        assert!(sentences(&good).iter().any(|(_, text)| text.starts_with("z2 measures next to nothing")));
        let none = Sanity { collapsed: vec![true, true], ..good.clone() };
        assert!(sentences(&none).iter().any(|(_, text)| text.starts_with("No latent measures")));
        assert!(!sentences(&none).iter().any(|(_, text)| text.contains("moves the content")));
        let bad = Sanity { class_agreement: 0.6, calibration: gap(0.2), ..good };
        assert_eq!(sentences(&bad).iter().filter(|(fine, _)| !fine).count(), 2);
    }
}
