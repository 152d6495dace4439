//! Axes of plots with numbers that are read however small the plot is.

use egui_plot::{AxisHints, GridInput, GridMark, Plot, uniform_grid_spacer};

/// Points between two numbers along x and y, at least; they are at most two and a half times as far apart.
const APART: [f64; 2] = [36.0, 18.0];
/// What the plot thinks of as one step, points.
const STEP: f32 = 8.0;

/// Names both axes and numbers them at round values; `width` is kept free for the numbers of y.
pub fn numbered<'a>(plot: Plot<'a>, x: impl Into<String>, y: impl Into<String>, width: f32) -> Plot<'a> {
    // A number is drawn in full wherever there is a mark.
    let hints = |hints: AxisHints<'a>, name: String, apart: f64| {
        hints
            .label(name)
            .label_spacing(0.5 * apart as f32..=0.9 * apart as f32)
            .formatter(|mark, _| number(mark))
    };
    plot.grid_spacing(STEP..=100.0)
        .custom_x_axes(vec![hints(AxisHints::new_x(), x.into(), APART[0])])
        .custom_y_axes(vec![hints(AxisHints::new_y(), y.into(), APART[1]).min_thickness(width)])
        .x_grid_spacer(uniform_grid_spacer(|input| [step(&input, APART[0]); 3]))
        .y_grid_spacer(uniform_grid_spacer(|input| [step(&input, APART[1]); 3]))
}

/// The least of 1, 2 or 5 times a power of ten that is so many points long.
fn step(input: &GridInput, apart: f64) -> f64 {
    let least = (input.base_step_size.abs() * apart / f64::from(STEP)).max(1e-300);
    let power = 10.0_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].map(|times| times * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// As many decimals as tell it from the next one, and a true minus sign.
fn number(mark: GridMark) -> String {
    let decimals = (-(mark.step_size.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
    let value = if mark.value.abs() < 0.5 * mark.step_size { 0.0 } else { mark.value };
    format!("{value:.decimals$}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Pos2, Rect, Shape, vec2};
    use egui_plot::{Line, PlotPoints};

    /// The texts of a plot of a falling curve, with where they stand.
    fn texts(size: [f32; 2], last: f64, [from, to]: [f64; 2]) -> Vec<(Pos2, String)> {
        let ctx = egui::Context::default();
        let room = Rect::from_min_size(Pos2::ZERO, size.into());
        let mut drawn = Vec::new();
        for _ in 0..2 {
            let input = egui::RawInput { screen_rect: Some(room), ..Default::default() };
            let output = ctx.run_ui(input, |ui| {
                let plot = Plot::new("loss").width(size[0]).height(size[1]);
                numbered(plot, "epoch", "−ELBO (nats)", 40.0).show(ui, |plot| {
                    let at = |i: usize| {
                        let part = i as f64 / 20.0;
                        [1.0 + part * (last - 1.0), from + (to - from) * part]
                    };
                    plot.line(Line::new("loss", PlotPoints::new((0..=20).map(at).collect())));
                });
            });
            drawn = output.shapes;
        }
        let text = |shape: &Shape| match shape {
            Shape::Text(text) => Some((text.pos + 0.5 * vec2(1.0, 1.0), text.galley.text().to_owned())),
            _ => None,
        };
        drawn.iter().filter_map(|clipped| text(&clipped.shape)).collect()
    }

    #[test]
    fn a_small_plot_has_two_numbers_along_each_axis_and_the_names() {
        for (last, range) in [
            (4.0, [-7100.0, -7664.0]),
            (20.0, [0.3, 0.26]),
            (60.0, [95.0, 61.0]),
            (300.0, [1.0e5, 12.0]),
            (7.0, [-0.003, -0.0071]),
            (11.0, [19.0, -4.9]),
        ] {
            let size = [248.0, 132.0];
            let all = texts(size, last, range);
            let number = |text: &str| text.replace('−', "-").parse::<f64>().ok();
            let numbers: Vec<(Pos2, f64)> =
                all.iter().filter_map(|(at, text)| Some((*at, number(text)?))).collect();
            let [low, high] = [range[0].min(range[1]), range[0].max(range[1])];
            let reach = 0.06 * (high - low);
            let along_y: Vec<f64> = numbers
                .iter()
                .filter(|(at, v)| at.x < 60.0 && *v >= low - reach && *v <= high + reach)
                .map(|(_, v)| *v)
                .collect();
            let along_x: Vec<f64> =
                numbers.iter().filter(|(at, _)| at.y > size[1] - 40.0).map(|(_, v)| *v).collect();
            assert!(along_y.len() >= 2, "{range:?}: {all:?}");
            assert!(along_x.len() >= 2, "{last} epochs: {all:?}");
            let differ = along_y.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(differ, "{along_y:?}");
            for name in ["epoch", "−ELBO (nats)"] {
                assert!(all.iter().any(|(_, text)| text == name), "{name}: {all:?}");
            }
        }
    }
}
