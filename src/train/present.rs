//! How a patch is shown to the networks: cut from its wide surroundings in a pose, always through one resampler.

use super::config::{Augmentation, TrainConfig};
use crate::particle::patch::{PatchSet, turned};
use rand::{Rng, RngExt};
use rayon::prelude::*;
use std::f32::consts::PI;

/// A pose to show a patch in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shown {
    pub angle_rad: f32,
    /// Pixels of the patch.
    pub shift_px: [f32; 2],
}

impl Shown {
    /// A pose drawn uniformly from the augmentation's range.
    pub fn random(augmentation: Augmentation, side: usize, rng: &mut impl Rng) -> Self {
        let angle = augmentation.angle_deg.to_radians();
        let shift = augmentation.shift * side as f32;
        let mut draw = |limit: f32| if limit > 0.0 { rng.random_range(-limit..=limit) } else { 0.0 };
        Self { angle_rad: draw(angle), shift_px: [draw(shift), draw(shift)] }
    }
}

/// The given patches in the given poses: `[len, side, side]`, row-major.
pub fn show(patches: &PatchSet, indices: &[usize], poses: &[Shown]) -> Vec<f32> {
    let (side, wide) = (patches.side, patches.wide);
    let mut out = vec![0.0; indices.len() * side * side];
    out.par_chunks_mut(side * side).zip(indices.par_iter().zip(poses)).for_each(|(out, (&i, pose))| {
        let source = &patches.pixels[i * wide * wide..(i + 1) * wide * wide];
        turned(source, wide, side, pose.angle_rad, pose.shift_px, 1.0, out);
    });
    out
}

/// The poses over which classification averages: `rotations` equal turns of the assumed range.
///
/// One rotation is the patch as it is. Several are offset by half a step, so that every copy, in training and later,
/// has been interpolated: blur is never a clue.
pub fn orbit(config: &TrainConfig) -> Vec<Shown> {
    let n = config.rotations.max(1);
    if n == 1 {
        return vec![Shown::default()];
    }
    let range = config.augmentation.map_or(180.0, |a| a.angle_deg).to_radians();
    let at = |i: usize| {
        let part = (i as f32 + 0.5) / n as f32;
        if range >= PI - 1e-3 { 2.0 * PI * part - PI } else { 2.0 * range * part - range }
    };
    (0..n).map(|i| Shown { angle_rad: at(i), shift_px: [0.0; 2] }).collect()
}
