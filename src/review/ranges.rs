//! How far the particles of a class reach in latents and pose: the ends of sliders, films and manifolds.

use super::table::Table;
use crate::particle::Prediction;

/// Quantiles that are the ends; what lies beyond is an outlier.
const ENDS: [f64; 2] = [0.01, 0.99];
/// A latent's range is no narrower, and its ends stand at whole steps.
const LEAST: f32 = 0.2;
const STEP: f32 = 0.1;

/// The ranges of one class, lower and upper end.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    /// Particles that the model gives the class.
    pub particles: usize,
    pub latents: Vec<[f32; 2]>,
    /// To the right and down, pixels of the patch; `None` where the model does not learn shifts.
    pub shift: Option<[[f32; 2]; 2]>,
    /// `None` where the model does not learn scales.
    pub scale: Option<[f32; 2]>,
}

impl Ranges {
    /// Where nothing is known yet: 5 % to 95 % of the prior, and small poses.
    pub fn of_prior(latents: usize) -> Self {
        const SPAN: f32 = 1.645;
        Self {
            particles: 0,
            latents: vec![[-SPAN, SPAN]; latents],
            shift: Some([[-3.0, 3.0]; 2]),
            scale: Some([0.7, 1.4]),
        }
    }
}

/// The ranges of each of the model's classes; those of the prior for a class that no particle is given.
pub fn ranges(table: &Table) -> Vec<Ranges> {
    let mut members: Vec<Vec<&Prediction>> = vec![Vec::new(); table.classes.len()];
    for row in table.rows.iter() {
        if let (Some(class), Some(prediction)) = (table.predicted(row), table.prediction(row))
            && let Some(members) = members.get_mut(class)
        {
            members.push(prediction);
        }
    }
    members.iter().map(|members| of_class(members, table.latents)).collect()
}

fn of_class(members: &[&Prediction], latents: usize) -> Ranges {
    if members.is_empty() {
        return Ranges::of_prior(latents);
    }
    let of = |value: &dyn Fn(&Prediction) -> f32| quantiles(members.iter().map(|p| value(p)).collect());
    let latent = |i: usize| {
        let [low, high] = of(&|p| p.mu.get(i).copied().unwrap_or(0.0));
        let wide = ((LEAST - (high - low)) / 2.0).max(0.0);
        [((low - wide) / STEP).floor() * STEP, ((high + wide) / STEP).ceil() * STEP]
    };
    let shift = [of(&|p| p.shift_px[0]), of(&|p| p.shift_px[1])];
    let scale = of(&|p| p.scale);
    Ranges {
        particles: members.len(),
        latents: (0..latents).map(latent).collect(),
        shift: shift.iter().any(|[low, high]| high - low > 1e-3).then(|| shift.map(|ends| opened(ends, 0.1))),
        scale: (scale[1] - scale[0] > 1e-3).then(|| opened(scale, 0.02)),
    }
}

/// No narrower than a slider can be moved on.
fn opened([low, high]: [f32; 2], least: f32) -> [f32; 2] {
    let wide = ((least - (high - low)) / 2.0).max(0.0);
    [low - wide, high + wide]
}

fn quantiles(mut values: Vec<f32>) -> [f32; 2] {
    values.retain(|v| v.is_finite());
    if values.is_empty() {
        return [0.0; 2];
    }
    let last = values.len() - 1;
    ENDS.map(|share| {
        let place = (share * last as f64).round() as usize;
        *values.select_nth_unstable_by(place, f32::total_cmp).1
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::table::Row;
    use super::*;

    fn known(i: usize, class: usize) -> (Row, Option<Prediction>) {
        let part = i as f32 / 199.0;
        // One far outlier in the first latent, the second collapsed.
        let first = if i == 0 { 40.0 } else { 1.0 + 2.0 * part };
        let said = fixture::prediction(&fixture::sure(class), &[first, 0.0001 * part]);
        (fixture::row(i as u64), Some(Prediction { shift_px: [4.0 * part - 2.0, 0.5], ..said }))
    }

    #[test]
    fn ranges_are_those_of_the_class_without_its_outliers() {
        let table = fixture::table((0..200).map(|i| known(i, 0)));
        let found = ranges(&table);
        let [low, high] = found[0].latents[0];
        assert!((low - 1.0).abs() < 0.11 && (high - 3.0).abs() < 0.11, "{low} {high}");
        let [low, high] = found[0].latents[1];
        assert!(
            high - low >= LEAST - 1e-5 && low < 0.0 && high > 0.0,
            "a collapsed latent can still be moved"
        );
        let Some([across, down]) = found[0].shift else { panic!("it learns shifts") };
        assert!((across[0] + 1.96).abs() < 0.05 && (across[1] - 1.96).abs() < 0.05, "{across:?}");
        assert!(down[0] < 0.5 && down[1] > 0.5);
        assert_eq!(found[0].scale, None, "it does not learn scales");
        assert_eq!(found[1], Ranges::of_prior(2), "no particle is a cube");
    }
}
