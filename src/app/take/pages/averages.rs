//! The means of each class as a sheet.

use super::patch_pixel;
use crate::app::state::{State, count};
use crate::app::take::Taken;
use crate::library::drawing::Table;
use crate::library::drawing::picture::Sheet;
use crate::library::insight::{self, ClassAverage};
use std::sync::Arc;

/// What makes the class averages, beside the window: averages, side, nm a pixel.
pub type Averages = (Vec<ClassAverage>, usize, Option<f64>);

/// The means over the particles of each class: a person's label where there is one, else the model's.
pub fn averages(state: &State) -> Option<impl FnOnce() -> Averages + Send + 'static> {
    let (results, dataset) = (state.results.as_ref()?, state.training.dataset.as_ref()?);
    if results.ids[..] != dataset.ids[..] {
        return None;
    }
    let names = state.class_names();
    let class = |(i, id): (usize, &crate::particle::ParticleId)| {
        let particle = state.project.particle(*id).filter(|p| !p.held_out);
        let label = particle.and_then(|p| p.label).and_then(|label| state.project.class(label));
        let given = label.and_then(|label| names.iter().position(|name| *name == label.name));
        given.or_else(|| results.predictions.get(i).map(crate::particle::Prediction::best))
    };
    let classes: Vec<Option<usize>> = dataset.ids.iter().enumerate().map(class).collect();
    let (patches, predictions) = (dataset.patches.clone(), results.predictions.clone());
    let nm = patch_pixel(state).filter(|(_, unit)| *unit == "nm").map(|(nm, _)| nm);
    Some(move || (insight::averages(&patches, &classes, &names, &predictions), patches.side, nm))
}

/// The averages on a sheet: the means as cut and with the pose taken back, and their variances.
pub fn average_page((averages, side, nm): &Averages, source: &str) -> Taken {
    let mut table = Table::new(&["class", "kind", "particles", "x_px", "y_px", "mean", "variance"]);
    let (mut pixels, mut names) = (Vec::new(), Vec::new());
    let most = most_variance(averages);
    for average in averages {
        for (kind, mean, variance) in [
            ("as cut", &average.raw, &average.raw_variance),
            ("upright", &average.upright, &average.upright_variance),
        ] {
            names.extend([format!("{}, {kind}", average.class), "variance".to_owned()]);
            pixels.extend_from_slice(mean);
            pixels.extend(variance.iter().map(|v| v / most));
            for (i, (mean, variance)) in mean.iter().zip(variance).enumerate() {
                let at = [average.particles, i % side, i / side].map(|v| v.to_string());
                let mut row = vec![average.class.clone(), kind.to_owned()];
                row.extend(at);
                row.extend([format!("{mean:.5}"), format!("{variance:.6}")]);
                table.rows.push(row);
            }
        }
    }
    let particles: usize = averages.iter().map(|a| a.particles).sum();
    let sheet = Sheet {
        side: *side,
        columns: 4,
        pixels: Arc::from(pixels),
        pixel: nm.map(|nm| (nm, "nm")),
        names,
        caption: format!(
            "Means over {} as cut and with the learned pose taken back, each with its variance, from 0 (black) to \
             {most:.4} (white). {source}",
            count(particles, "particle")
        ),
        ..Sheet::default()
    };
    Taken { page: sheet.draw(), table }
}

/// The largest variance of any pixel: the white of all variances.
pub fn most_variance(averages: &[ClassAverage]) -> f32 {
    let all = averages.iter().flat_map(|a| a.raw_variance.iter().chain(&a.upright_variance));
    all.copied().fold(1e-9, f32::max)
}
