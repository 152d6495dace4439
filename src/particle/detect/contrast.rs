//! What a picture is like before anything is found on it: are the particles bright, and how noisy is it?

use super::choice::choose;
use super::field::{Field, used_pixels};
use super::levels::{Candidate, Rules};
use crate::micrograph::Micrograph;
use crate::micrograph::stats::percentiles;
use crate::particle::Region;

/// True if the particles are brighter than the background: of the picture and its negative, the one in which more
/// area is explained by convex shapes (gaps between particles are not convex).
pub fn auto_contrast(m: &Micrograph, excluded: &[Region]) -> bool {
    if m.pixels.is_empty() {
        return true;
    }
    let factor = m.width.max(m.height).div_ceil(320).max(1);
    let rules = Rules {
        area: (12.0, 0.08 * (m.width * m.height) as f32 / (factor * factor) as f32),
        // Divided often enough, any shape falls into convex ones: only the clearest necks count.
        neck: 0.4,
        dip: 0.12,
        part_trust: 0.8,
        hollow: true,
    };
    let thresholds: Vec<f32> = (1..16).map(|i| i as f32 / 16.0).collect();
    let look = |bright| {
        let field = Field::new(m, excluded, factor, 1.0, bright);
        let shapes = choose(&field, &thresholds, &rules, &|_| true).unwrap_or_default();
        let shapes = shapes.into_iter().map(|c| c.candidate).collect::<Vec<_>>();
        (field, shapes)
    };
    let (light, dark) = (look(true), look(false));
    explained(&light, &dark) >= explained(&dark, &light)
}

/// Convex area of shapes that noise alone does not make, weighted by the square of their contrast, without those
/// that lie inside a clear shape of the negative: the core of a ring is no particle.
fn explained(here: &(Field, Vec<Candidate>), negative: &(Field, Vec<Candidate>)) -> f32 {
    let field = &here.0;
    let mut covered = vec![false; field.values.len()];
    let pixels = |c: &Candidate| -> Vec<usize> {
        c.runs.iter().flat_map(|r| (r.x0..=r.x1).map(|x| r.y as usize * field.width + x as usize)).collect()
    };
    for (shape, contrast) in clear(negative) {
        if contrast > 0.3 {
            pixels(shape).into_iter().for_each(|i| covered[i] = true);
        }
    }
    let mut sum = 0.0;
    for (shape, contrast) in clear(here) {
        let inside = pixels(shape);
        if inside.iter().filter(|i| covered[**i]).count() * 10 < 9 * inside.len() {
            sum += shape.worth * contrast.powi(2);
        }
    }
    sum
}

/// Shapes that are more than noise, and their contrast.
fn clear((field, shapes): &(Field, Vec<Candidate>)) -> impl Iterator<Item = (&Candidate, f32)> {
    let contrasts = shapes.iter().map(move |shape| (shape, contrast(field, shape)));
    contrasts.filter(move |(shape, contrast)| field.is_significant(*contrast, shape.area))
}

/// Mean value of the pixels at the ends of the rows of a shape, a little inside, less that a little outside.
fn contrast(field: &Field, shape: &Candidate) -> f32 {
    const STEP: usize = 2;
    let (mut within, mut without) = ((0.0, 0), (0.0, 0));
    for run in &shape.runs {
        let row = &field.values[run.y as usize * field.width..][..field.width];
        let (x0, x1) = (run.x0 as usize, run.x1 as usize);
        let middle = (x0 + x1) / 2;
        within = (
            within.0 + row[(x0 + STEP).min(middle)] + row[x1.saturating_sub(STEP).max(middle)],
            within.1 + 2,
        );
        for x in [x0.checked_sub(STEP), Some(x1 + STEP)].into_iter().flatten() {
            if let Some(v) = row.get(x).filter(|v| v.is_finite()) {
                without = (without.0 + v, without.1 + 1);
            }
        }
    }
    if without.1 == 0 { 0.0 } else { (within.0 / within.1 as f32 - without.0 / without.1 as f32).max(0.0) }
}

/// Share of the variance of the grey values that is gone when 4 x 4 pixels are averaged, 0..=1; near 1 for noise.
pub(super) fn noise(m: &Micrograph, excluded: &[Region]) -> f32 {
    const BLOCK: usize = 4;
    let used = used_pixels(m, excluded);
    let (mut fine, mut coarse) = (Vec::new(), Vec::new());
    let stride = BLOCK * (m.pixels.len() / 2_000_000).max(1);
    for y in (0..(m.height + 1).saturating_sub(BLOCK)).step_by(BLOCK) {
        for x in (0..(m.width + 1).saturating_sub(BLOCK)).step_by(stride) {
            let block = (0..BLOCK * BLOCK).map(|k| (y + k / BLOCK) * m.width + x + k % BLOCK);
            if block.clone().all(|i| used[i]) {
                coarse.push(block.map(|i| m.pixels[i]).sum::<f32>() / (BLOCK * BLOCK) as f32);
                fine.push(m.pixels[y * m.width + x]);
            }
        }
    }
    let spread = |values: &[f32]| {
        let p = percentiles(values, &[5.0, 95.0]);
        (p[1] - p[0]).powi(2)
    };
    let all = spread(&fine);
    if all > 0.0 { (1.0 - spread(&coarse) / all).clamp(0.0, 1.0) } else { 0.0 }
}
