//! What a latent means: which measured property of the particles it goes with.

use super::table::{Row, Table, Variable, spread};
use crate::particle::describe::Descriptor;
use serde::{Deserialize, Serialize};

/// A latent whose means vary less than this (variance, where the prior has 1) says nothing: it has collapsed onto the
/// prior (the "active units" of Burda et al. 2016, arXiv 1509.00519).
const ACTIVE: f64 = 0.01;
/// Fewer particles than this give no correlation.
const LEAST: usize = 8;
/// A correlation is worth a name from here on, at the lower end of its 95 % interval.
const WORTH_A_NAME: f64 = 0.3;

/// A correlation with its 95 % interval (Fisher's z).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    pub descriptor: Descriptor,
    /// Pearson's r.
    pub r: f64,
    pub interval_95: [f64; 2],
}

/// One latent within one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// From 1, as z1 in the library.
    pub latent: usize,
    /// It says nothing about the particles of this class.
    pub collapsed: bool,
    /// Variance of the latent's means over the particles.
    pub variance: f64,
    /// With every descriptor, strongest first; empty where there are too few particles.
    pub correlations: Vec<Correlation>,
    /// "z1: aspect ratio, r = 0.93", "z2: collapsed", or "z2" alone where nothing is clear.
    pub text: String,
}

/// How well the learned angle follows the measured direction of elongated particles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AngleAgreement {
    pub particles: usize,
    /// Direction of the class's upright form, degrees.
    pub offset_deg: f64,
    /// Circular standard deviation of learned minus measured, degrees.
    pub spread_deg: f64,
}

/// What the latents mean within one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMeaning {
    pub class: String,
    pub particles: usize,
    pub latents: Vec<Meaning>,
    pub angle: Option<AngleAgreement>,
}

impl Meaning {
    /// The strongest correlation if it is worth a name.
    pub fn strongest(&self) -> Option<Correlation> {
        let first = *self.correlations.first()?;
        let clear = first.interval_95[0].abs().min(first.interval_95[1].abs()) >= WORTH_A_NAME
            && first.interval_95[0] * first.interval_95[1] > 0.0;
        (clear && !self.collapsed).then_some(first)
    }
}

/// For each of the model's classes what its latents mean, over the particles that carry the class or are given it.
pub fn meanings(table: &Table) -> Vec<ClassMeaning> {
    let of_class = |name: &String| {
        let rows: Vec<&Row> = table
            .rows
            .iter()
            .filter(|row| table.prediction(row).is_some() && table.class(row) == Some(name.as_str()))
            .collect();
        ClassMeaning {
            class: name.clone(),
            particles: rows.len(),
            latents: (0..table.latents).map(|latent| meaning(table, &rows, latent)).collect(),
            angle: angle_agreement(table, &rows),
        }
    };
    table.classes.iter().map(of_class).collect()
}

fn meaning(table: &Table, rows: &[&Row], latent: usize) -> Meaning {
    let z: Vec<f64> = rows.iter().map(|row| table.value(row, &Variable::Latent(latent))).collect();
    let variance = spread(z.iter().copied().filter(|v| v.is_finite())).map_or(0.0, |(_, sd)| sd * sd);
    let collapsed = rows.len() >= LEAST && variance < ACTIVE;
    let correlation = |descriptor: Descriptor| {
        let measured: Vec<f64> =
            rows.iter().map(|row| table.value(row, &Variable::Measured(descriptor))).collect();
        let (r, n) = pearson(&z, &measured)?;
        Some(Correlation { descriptor, r, interval_95: fisher(r, n) })
    };
    let mut correlations: Vec<Correlation> =
        Descriptor::ALL.into_iter().filter_map(correlation).filter(|_| !collapsed).collect();
    correlations.sort_by(|a, b| b.r.abs().total_cmp(&a.r.abs()));
    let mut meaning =
        Meaning { latent: latent + 1, collapsed, variance, correlations, text: format!("z{}", latent + 1) };
    if collapsed {
        meaning.text.push_str(": collapsed");
    } else if let Some(strongest) = meaning.strongest() {
        meaning.text.push_str(&format!(": {}, r = {:.2}", strongest.descriptor.name(), strongest.r));
    }
    meaning
}

/// Pearson's r over pairs in which both are finite, and their number; `None` for too few or where one does not vary.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<(f64, usize)> {
    let pairs: Vec<(f64, f64)> =
        a.iter().copied().zip(b.iter().copied()).filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    if pairs.len() < LEAST {
        return None;
    }
    let (mean_a, sd_a) = spread(pairs.iter().map(|p| p.0))?;
    let (mean_b, sd_b) = spread(pairs.iter().map(|p| p.1))?;
    // Rounding is no variation.
    if sd_a <= 1e-9 * mean_a.abs().max(1e-9) || sd_b <= 1e-9 * mean_b.abs().max(1e-9) {
        return None;
    }
    let products = pairs.iter().map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / pairs.len() as f64;
    Some(((products / (sd_a * sd_b)).clamp(-1.0, 1.0), pairs.len()))
}

/// 95 % interval of a correlation over `n` pairs (Fisher 1921).
fn fisher(r: f64, n: usize) -> [f64; 2] {
    let z = r.clamp(-0.999_999, 0.999_999).atanh();
    let half = 1.959_963_984_540_054 / ((n.max(4) - 3) as f64).sqrt();
    [(z - half).tanh(), (z + half).tanh()]
}

/// A rod looks the same after half a turn, so both angles count modulo 180 degrees.
fn angle_agreement(table: &Table, rows: &[&Row]) -> Option<AngleAgreement> {
    let differences: Vec<f64> = rows
        .iter()
        .filter_map(|row| {
            let measured = row.measured.as_ref().filter(|d| d.aspect_ratio > 1.3)?;
            Some(2.0 * (f64::from(table.prediction(row)?.angle_rad) - measured.angle_deg.to_radians()))
        })
        .collect();
    if differences.len() < LEAST {
        return None;
    }
    let n = differences.len() as f64;
    let (sin, cos) = differences.iter().fold((0.0, 0.0), |(s, c), d| (s + d.sin(), c + d.cos()));
    let length = (sin.hypot(cos) / n).clamp(1e-9, 1.0);
    Some(AngleAgreement {
        particles: differences.len(),
        offset_deg: -sin.atan2(cos).to_degrees() / 2.0,
        spread_deg: (-2.0 * length.ln()).sqrt().to_degrees() / 2.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, table};
    use super::*;
    use crate::particle::Prediction;
    use crate::particle::describe::Descriptors;

    fn known(i: usize, latents: [f32; 2], aspect: f64, angle_deg: f64) -> (Row, Option<Prediction>) {
        let area = 400.0 + (i % 7) as f64;
        let measured = Descriptors {
            area,
            equivalent_diameter: area.sqrt(),
            aspect_ratio: aspect,
            feret_max: 20.0 + (i % 5) as f64,
            feret_min: 10.0,
            circularity: 0.7 + 0.01 * (i % 3) as f64,
            angle_deg,
            mean_intensity: 0.8,
            local_background: 0.1,
        };
        let row =
            Row { measured: Some(measured), nm_per_px: Some(0.5), pitch_px: 2.0, ..fixture::row(i as u64) };
        let angle_rad = (angle_deg + 90.0).to_radians() as f32;
        (row, Some(Prediction { angle_rad, ..fixture::prediction(&[0.9, 0.1], &latents) }))
    }

    #[test]
    fn the_latent_that_follows_the_aspect_ratio_says_so_and_the_constant_one_has_collapsed() {
        let rows = (0..40).map(|i| {
            let t = i as f64 / 39.0;
            known(i, [(2.0 * t - 1.0) as f32, 0.001 * (i % 2) as f32], 1.5 + 2.0 * t, t * 170.0 - 80.0)
        });
        let found = meanings(&table(rows));
        assert_eq!(found[0].particles, 40);
        assert_eq!(found[0].latents[0].text, "z1: aspect ratio, r = 1.00");
        assert_eq!(found[0].latents[1].text, "z2: collapsed");
        assert!(found[0].latents[1].strongest().is_none());
        // A descriptor that does not vary has no correlation.
        let names: Vec<Descriptor> = found[0].latents[0].correlations.iter().map(|c| c.descriptor).collect();
        assert!(!names.contains(&Descriptor::FeretMin) && names.contains(&Descriptor::Area));
        let angle = found[0].angle.unwrap();
        assert!(angle.spread_deg < 1.0 && (angle.offset_deg.abs() - 90.0).abs() < 1.0, "{angle:?}");
        assert_eq!((found[1].particles, found[1].latents[0].text.as_str()), (0, "z1"));
    }

    #[test]
    fn chance_gets_no_name() {
        // Ten particles and an unrelated latent: r may be large, its interval is not clear of zero.
        let noise = [0.3, -0.9, 0.5, 1.4, -0.2, -1.1, 0.8, 0.1, -0.4, 0.9];
        let rows = (0..10).map(|i| known(i, [noise[i], noise[9 - i]], 1.0 + (i * 7 % 10) as f64, 0.0));
        assert!(meanings(&table(rows))[0].latents.iter().all(|m| m.text.len() == 2));
    }

    #[test]
    fn pearson_is_the_known_one() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [2.0, 1.0, 4.0, 3.0, 7.0, 8.0, 6.0, 5.0]);
        let (r, n) = pearson(&a, &b).unwrap();
        assert!((r - 0.738_095_24).abs() < 1e-6 && n == 8, "{r}");
        let [low, high] = fisher(0.93, 40);
        assert!((low - 0.8705).abs() < 1e-3 && (high - 0.9628).abs() < 1e-3, "{low} {high}");
    }
}
