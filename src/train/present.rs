//! How a patch is shown to the networks: cut from its wide surroundings in a pose, always through one resampler.

use super::config::Augmentation;
use crate::model::{Copies, Look, VaeConfig};
use crate::particle::patch::{PatchSet, TOGETHER, sampled, sampled_together};
use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use std::sync::Arc;

/// A pose to show a patch in: stretched, turned, then moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Counter-clockwise on the screen.
    pub angle_rad: f32,
    /// Right and down, pixels of the patch.
    pub shift_px: [f32; 2],
    /// Where a point of the stretched patch comes from, row-major; the identity for none.
    pub stretch: [f32; 4],
}

impl Default for Shown {
    fn default() -> Self {
        Self { angle_rad: 0.0, shift_px: [0.0; 2], stretch: [1.0, 0.0, 0.0, 1.0] }
    }
}

impl Shown {
    /// A pose drawn uniformly from the augmentation's range.
    pub fn random(augmentation: Augmentation, side: usize, rng: &mut impl Rng) -> Self {
        let mut draw = |limit: f32| if limit > 0.0 { rng.random_range(-limit..=limit) } else { 0.0 };
        let angle = augmentation.angle_deg.to_radians();
        let shift = augmentation.shift * side as f32;
        let (angle_rad, shift_px) = (draw(angle), [draw(shift), draw(shift)]);
        let by = augmentation.stretch;
        let size = 1.0 + draw(by);
        let stretch = [size, size * draw(by), size * draw(by), size];
        Self { angle_rad, shift_px, stretch }
    }

    /// Where the point g of the patch turned back by `turn` comes from, as (matrix, offset): matrix g + offset.
    pub(super) fn source(&self, turn: f32) -> ([f32; 4], [f32; 2]) {
        let product = |a: [f32; 4], b: [f32; 4]| {
            [
                a[0] * b[0] + a[1] * b[2],
                a[0] * b[1] + a[1] * b[3],
                a[2] * b[0] + a[3] * b[2],
                a[2] * b[1] + a[3] * b[3],
            ]
        };
        // The inverse of a counter-clockwise turn on a screen whose y points down.
        let back = |angle: f32| {
            let (sin, cos) = angle.sin_cos();
            product(self.stretch, [cos, -sin, sin, cos])
        };
        let moved = back(self.angle_rad);
        let [x, y] = self.shift_px;
        (back(self.angle_rad - turn), [-moved[0] * x - moved[1] * y, -moved[2] * x - moved[3] * y])
    }
}

/// Noise laid over a patch before it is looked at, so that a classifier does not lean on single pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grain {
    /// Standard deviation of normal noise; the patch spans 0..1 and is clipped to it, as a detector does.
    pub sd: f32,
    /// Share of the pixels that are overwritten with 1.
    pub hot: f32,
    /// Where the noise of this patch starts from.
    pub seed: u64,
}

impl Grain {
    /// Half of the patches none; else a strength up to `most`, and as often up to a fifth of that share overwritten.
    pub fn random(most: f32, rng: &mut impl Rng) -> Self {
        let mut draw = |limit: f32| {
            let some = rng.random_range(0.0..1.0_f32) < 0.5;
            if some && limit > 0.0 { rng.random_range(0.0..limit) } else { 0.0 }
        };
        let (sd, hot) = (draw(most), draw(most * 0.2));
        Self { sd, hot, seed: rng.random() }
    }

    /// False for none at all.
    pub fn is_some(&self) -> bool {
        self.sd > 0.0 || self.hot > 0.0
    }
}

/// Patches as the networks see them.
#[derive(Clone, Debug)]
pub struct Seen {
    pub(super) look: Look,
    pub(super) points: Vec<[f32; 2]>,
    /// Side of the patch and of its surroundings, pixels of the patch.
    side: usize,
    wide: usize,
    pixels: Arc<[f32]>,
    /// The same surroundings at the pitch of the look, where that is coarser: shrunk with a filter, so that nothing is
    /// skipped over.
    small: Arc<[f32]>,
    small_wide: usize,
}

impl Seen {
    /// The patches, ready to be looked at. `None` if the model looks at plain images.
    pub fn new(patches: &PatchSet, model: &VaeConfig) -> Option<Self> {
        let look = model.look?;
        let (side, wide) = (patches.side, patches.wide);
        let small_wide = ((wide * look.side) as f32 / side.max(1) as f32).round() as usize;
        let small = if look.side >= side { patches.pixels.clone() } else { shrink(patches, small_wide) };
        let small_wide = if look.side >= side { wide } else { small_wide };
        Some(Self {
            look,
            points: look.points(),
            side,
            wide,
            pixels: patches.pixels.clone(),
            small,
            small_wide,
        })
    }

    /// All turned copies of the given patches in the given poses, `[len * turns, inputs]`.
    ///
    /// Copy r is the posed patch turned back by the angle of turn r. `grain` lays noise over the patches first; an empty
    /// slice is none.
    pub fn copies(&self, indices: &[usize], poses: &[Shown], grain: &[Grain]) -> Copies {
        let values = Arc::new(self.copied(indices, poses, grain));
        Copies::Host { values, inputs: self.points.len() }
    }

    /// Their values, `[len * turns, inputs]`.
    pub fn copied(&self, indices: &[usize], poses: &[Shown], grain: &[Grain]) -> Vec<f32> {
        let inputs = self.points.len();
        let mut out = vec![0.0; indices.len() * self.look.turns * inputs];
        let groups = indices.par_chunks(TOGETHER).zip(poses.par_chunks(TOGETHER)).enumerate();
        out.par_chunks_mut(TOGETHER * self.look.turns * inputs).zip(groups).for_each(
            |(out, (group, (indices, poses)))| {
                if grain.is_empty() && poses.iter().all(|pose| *pose == poses[0]) {
                    return self.copies_into(indices, &poses[0], out);
                }
                let each = out.chunks_exact_mut(self.look.turns * inputs);
                for (i, (out, (&index, pose))) in each.zip(indices.iter().zip(poses)).enumerate() {
                    let noisy = grain.get(group * TOGETHER + i).and_then(|grain| self.noisy(index, *grain));
                    let source = noisy.as_deref().unwrap_or_else(|| self.surroundings(index));
                    for (turn, out) in out.chunks_exact_mut(inputs).enumerate() {
                        self.sample(source, pose, turn, out);
                    }
                }
            },
        );
        out
    }

    /// The turned copies of up to [`TOGETHER`] patches in one pose, `[len, turns, inputs]`.
    pub fn copies_into(&self, indices: &[usize], pose: &Shown, out: &mut [f32]) {
        let (inputs, turns, wide) = (self.points.len(), self.look.turns, self.small_wide);
        let mut together = vec![[0.0; TOGETHER]; wide * wide];
        for (lane, &index) in indices.iter().enumerate() {
            for (all, &value) in together.iter_mut().zip(self.surroundings(index)) {
                all[lane] = value;
            }
        }
        let mut sampled = vec![[0.0; TOGETHER]; inputs];
        for turn in 0..turns {
            let (matrix, offset) = self.place(pose, turn);
            sampled_together(&together, wide, &self.points, matrix, offset, &mut sampled);
            for lane in 0..indices.len() {
                let to = &mut out[(lane * turns + turn) * inputs..][..inputs];
                for (to, all) in to.iter_mut().zip(&sampled) {
                    *to = all[lane];
                }
            }
        }
    }

    /// A patch's surroundings at the pitch of the look.
    fn surroundings(&self, patch: usize) -> &[f32] {
        let size = self.small_wide * self.small_wide;
        &self.small[patch * size..(patch + 1) * size]
    }

    /// The same under noise, which lies on the pixels of the patch and is shrunk with them; `None` for no noise.
    fn noisy(&self, patch: usize, grain: Grain) -> Option<Vec<f32>> {
        let size = self.wide * self.wide;
        let noisy = grained(&self.pixels[patch * size..(patch + 1) * size], grain)?;
        Some(if self.small_wide == self.wide { noisy } else { shrunk(noisy, self.wide, self.small_wide) })
    }

    /// One copy of a patch in a pose, `[inputs]`.
    pub fn copy(&self, patch: usize, pose: &Shown, turn: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.points.len()];
        self.sample(self.surroundings(patch), pose, turn, &mut out);
        out
    }

    fn sample(&self, source: &[f32], pose: &Shown, turn: usize, out: &mut [f32]) {
        let (matrix, offset) = self.place(pose, turn);
        sampled(source, self.small_wide, &self.points, matrix, offset, out);
    }

    /// Where the points of a copy lie in the small surroundings, as (matrix, offset).
    pub(super) fn place(&self, pose: &Shown, turn: usize) -> ([f32; 4], [f32; 2]) {
        // Pixels of the small surroundings: per pixel of the patch, and per point of the look.
        let shrunk = self.small_wide as f32 / self.wide as f32;
        let pitch = self.side as f32 / self.look.side as f32 * shrunk;
        let (matrix, offset) = pose.source(self.look.angle(turn));
        (matrix.map(|m| m * pitch), offset.map(|o| o * shrunk))
    }

    /// Pixels of the posed patches at full resolution, `[len, pixels]`, or the given ones of each.
    pub fn pixels(&self, indices: &[usize], poses: &[Shown], which: Option<&[u32]>) -> Vec<f32> {
        let points = self.pixel_places(which);
        let mut out = vec![0.0; indices.len() * points.len()];
        out.par_chunks_mut(points.len()).zip(indices.par_iter().zip(poses)).for_each(|(out, (&i, pose))| {
            let source = &self.pixels[i * self.wide * self.wide..][..self.wide * self.wide];
            let (matrix, offset) = pose.source(0.0);
            sampled(source, self.wide, &points, matrix, offset, out);
        });
        out
    }
}

/// What [`super::resident`] takes to another device.
impl Seen {
    /// Side of the surroundings, pixels of the patch, and at the pitch of the look.
    pub(super) fn widths(&self) -> (usize, usize) {
        (self.wide, self.small_wide)
    }

    pub(super) fn wide_pixels(&self) -> &[f32] {
        &self.pixels
    }

    pub(super) fn small_pixels(&self) -> &[f32] {
        &self.small
    }

    /// Centres of pixels of the patch, from its middle: of all of them or of the given ones.
    pub(super) fn pixel_places(&self, which: Option<&[u32]>) -> Vec<[f32; 2]> {
        let middle = (self.side as f32 - 1.0) / 2.0;
        let place = |i: usize| [(i % self.side) as f32 - middle, (i / self.side) as f32 - middle];
        match which {
            Some(which) => which.iter().map(|&i| place(i as usize)).collect(),
            None => (0..self.side * self.side).map(place).collect(),
        }
    }

    /// Shrinking as a matrix that maps a row of the surroundings to one at the pitch of the look, `[small, wide]`: what
    /// becomes of each single bright column.
    pub(super) fn shrinking(&self) -> Vec<f32> {
        let (wide, small) = self.widths();
        let mut out = vec![0.0; small * wide];
        for column in 0..wide {
            let row = (0..wide).map(|i| if i == column { 1.0 } else { 0.0 }).collect();
            for (to, value) in resized(row, [wide, 1], [small, 1]).into_iter().enumerate() {
                out[to * wide + column] = value;
            }
        }
        out
    }
}

/// The flattened patches as they were cut, `[len, side, side]`.
pub fn plain(patches: &PatchSet, indices: &[usize]) -> Vec<f32> {
    let (side, wide) = (patches.side, patches.wide);
    let edge = (wide - side) / 2;
    let mut out = Vec::with_capacity(indices.len() * side * side);
    for &i in indices {
        let source = &patches.pixels[i * wide * wide..(i + 1) * wide * wide];
        for row in edge..edge + side {
            out.extend_from_slice(&source[row * wide + edge..row * wide + edge + side]);
        }
    }
    out
}

fn grained(plain: &[f32], grain: Grain) -> Option<Vec<f32>> {
    if !grain.is_some() {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(grain.seed);
    let mut out = plain.to_vec();
    if grain.sd > 0.0 {
        out.iter_mut().for_each(|v| {
            *v = (*v + grain.sd * rng.sample::<f32, _>(StandardNormal)).clamp(0.0, 1.0);
        });
    }
    if grain.hot > 0.0 {
        out.iter_mut().for_each(|v| {
            if rng.random_range(0.0..1.0_f32) < grain.hot {
                *v = 1.0;
            }
        });
    }
    Some(out)
}

fn shrink(patches: &PatchSet, small: usize) -> Arc<[f32]> {
    let wide = patches.wide;
    let mut out = vec![0.0; patches.len() * small * small];
    out.par_chunks_mut(small * small).zip(patches.pixels.par_chunks(wide * wide)).for_each(|(out, patch)| {
        out.copy_from_slice(&shrunk(patch.to_vec(), wide, small));
    });
    out.into()
}

fn shrunk(pixels: Vec<f32>, wide: usize, small: usize) -> Vec<f32> {
    resized(pixels, [wide; 2], [small; 2])
}

/// Width and height of what is given and of what is wanted.
fn resized(pixels: Vec<f32>, from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let [width, height] = to.map(|side| side as u32);
    let picture = ImageBuffer::<Luma<f32>, Vec<f32>>::from_raw(from[0] as u32, from[1] as u32, pixels);
    picture.map_or_else(
        || vec![0.0; to[0] * to[1]],
        |picture| resize(&picture, width, height, FilterType::Triangle).into_raw(),
    )
}
