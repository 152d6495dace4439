//! Patches that stay on the device they are computed with: a step sends which of them it wants and in what pose, and no
//! picture. [`super::present`] is the same in memory, for the CPU and where there are too many patches.

use super::present::{Grain, Seen, Shown};
use crate::model::Copies;
use crate::model::look::column;
use crate::particle::patch::PatchSet;
use burn::tensor::{Bool, Device, Distribution, Int, Tensor, TensorData};

/// Bytes of the largest buffer that every driver gives.
const PIECE: usize = 128 << 20;
/// Bytes of patches that a device is asked to keep: some 55,000 with a side of 40 px, 22,000 with 64 px.
const MOST: usize = 1 << 30;

/// Pictures on a device.
#[derive(Debug)]
pub struct Held {
    /// `[pictures, pixels]`, equally many in all but the last.
    pieces: Vec<Tensor<2>>,
}

impl Held {
    /// `None` without pictures or for more than a device is asked to keep.
    pub fn new(values: &[f32], pixels: usize, device: &Device) -> Option<Self> {
        Self::in_pieces(values, pixels, PIECE / size_of::<f32>(), device)
    }

    /// The same in buffers of at most `most` values.
    pub fn in_pieces(values: &[f32], pixels: usize, most: usize, device: &Device) -> Option<Self> {
        let each = most / pixels.max(1);
        if values.is_empty() || each == 0 || size_of_val(values) > MOST {
            return None;
        }
        let upload = |piece: &[f32]| {
            let shape = [piece.len() / pixels, pixels];
            Tensor::from_data(TensorData::new(piece.to_vec(), shape), device)
        };
        Some(Self { pieces: values.chunks(each * pixels).map(upload).collect() })
    }

    /// The given pictures, `[len, pixels]`.
    pub fn take(&self, which: &[usize]) -> Tensor<2> {
        let each = self.pieces[0].dims()[0];
        let rows = |piece: usize| {
            let (tensor, first) = (&self.pieces[piece], piece * each);
            let last = tensor.dims()[0] - 1;
            let local: Vec<u32> = which.iter().map(|&i| i.saturating_sub(first).min(last) as u32).collect();
            tensor.clone().select(0, column(&local, &tensor.device()))
        };
        // Of every piece as many as are wanted, so that all batches have one shape.
        (1..self.pieces.len()).fold(rows(0), |taken, piece| {
            let own: Vec<bool> = which.iter().map(|&i| i / each == piece).collect();
            let own = Tensor::<2, Bool>::from_data(TensorData::new(own, [which.len(), 1]), &taken.device());
            let shape = taken.dims();
            taken.mask_where(own.expand(shape), rows(piece))
        })
    }
}

/// What a trainer keeps on the device.
#[derive(Debug)]
pub(super) enum Resident {
    /// Patches as they were cut, for a model that looks at plain images.
    Plain(Held),
    /// Patches with their surroundings, to be turned.
    Wide(Box<Wide>),
}

impl Resident {
    /// `None` where the patches stay in memory.
    pub fn new(patches: &PatchSet, seen: Option<&Seen>, device: &Device) -> Option<Self> {
        match seen {
            Some(seen) => Wide::new(seen, device).map(|wide| Self::Wide(Box::new(wide))),
            None if patches.len() * patches.side.pow(2) * size_of::<f32>() > MOST => None,
            None => {
                let all: Vec<usize> = (0..patches.len()).collect();
                let pixels = patches.side * patches.side;
                Held::new(&super::present::plain(patches, &all), pixels, device).map(Self::Plain)
            }
        }
    }
}

/// Patches with their surroundings on a device, and what turning and shrinking them needs.
#[derive(Debug)]
pub struct Wide {
    seen: Seen,
    pixels: Held,
    /// At the pitch of the look; `None` where that is as fine.
    small: Option<Held>,
    /// Shrinks rows, and columns: `[small, wide]`.
    shrink: Tensor<2>,
    /// Points of a copy, `[1, inputs]`.
    points: [Tensor<2>; 2],
}

impl Wide {
    /// `None` for more patches than a device is asked to keep.
    pub fn new(seen: &Seen, device: &Device) -> Option<Self> {
        let (wide, small) = seen.widths();
        Some(Self {
            pixels: Held::new(seen.wide_pixels(), wide * wide, device)?,
            small: match small == wide {
                true => None,
                false => Some(Held::new(seen.small_pixels(), small * small, device)?),
            },
            shrink: Tensor::from_data(TensorData::new(seen.shrinking(), [small, wide]), device),
            points: coordinates(&seen.points, device),
            seen: seen.clone(),
        })
    }

    /// Where the device's noise begins.
    pub fn seed(&self, seed: u64) {
        self.shrink.device().seed(seed);
    }

    /// As [`Seen::copies`]; the noise is the device's own, one draw after the other.
    pub fn copies(&self, which: &[usize], poses: &[Shown], grain: &[Grain]) -> Copies {
        let (_, small) = self.seen.widths();
        let noisy = grain.iter().any(|grain| grain.is_some());
        // Noise lies on the pixels of the patch and is shrunk with them.
        let source = match (&self.small, noisy) {
            (_, true) => self.shrunk(self.noisy(which, grain)),
            (Some(small), false) => small.take(which),
            (None, false) => self.pixels.take(which),
        };
        let turns = self.seen.look.turns;
        let places: Vec<_> =
            poses.iter().flat_map(|pose| (0..turns).map(|turn| self.seen.place(pose, turn))).collect();
        Copies::There(Box::new(sample(source, small, &self.points, &places)))
    }

    /// As [`Seen::pixels`], `[len, pixels]`.
    pub fn pixels(&self, which: &[usize], poses: &[Shown], some: Option<&[u32]>) -> Tensor<2> {
        let source = self.pixels.take(which);
        let points = coordinates(&self.seen.pixel_places(some), &source.device());
        let places: Vec<_> = poses.iter().map(|pose| pose.source(0.0)).collect();
        sample(source, self.seen.widths().0, &points, &places)
    }

    /// Patches with their surroundings under noise, `[len, wide * wide]`.
    fn noisy(&self, which: &[usize], grain: &[Grain]) -> Tensor<2> {
        let clean = self.pixels.take(which);
        let (shape, device) = (clean.dims(), clean.device());
        let each = |of: fn(&Grain) -> f32| {
            let values: Vec<f32> = grain.iter().map(of).collect();
            Tensor::<2>::from_data(TensorData::new(values, [grain.len(), 1]), &device)
        };
        let (sd, hot) = (each(|grain| grain.sd), each(|grain| grain.hot));
        let normal = Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let chance = Tensor::<2>::random(shape, Distribution::Uniform(0.0, 1.0), &device);
        let noisy = (clean.clone() + normal * sd.clone()).clamp(0.0, 1.0);
        let noisy = clean.mask_where(sd.greater_elem(0.0).expand(shape), noisy);
        noisy.mask_fill(chance.lower(hot.expand(shape)), 1.0)
    }

    /// `[len, wide * wide]` -> `[len, small * small]`
    fn shrunk(&self, pixels: Tensor<2>) -> Tensor<2> {
        let (wide, small) = self.seen.widths();
        if small == wide {
            return pixels;
        }
        let n = pixels.dims()[0];
        let rows = self.shrink.clone().unsqueeze::<3>();
        let both = rows.clone().matmul(pixels.reshape([n, wide, wide])).matmul(rows.swap_dims(1, 2));
        both.reshape([n, small * small]).clamp(0.0, 1.0)
    }
}

/// x and y of points, `[1, points]` each.
fn coordinates(points: &[[f32; 2]], device: &Device) -> [Tensor<2>; 2] {
    [0, 1].map(|axis| {
        let values: Vec<f32> = points.iter().map(|point| point[axis]).collect();
        Tensor::from_data(TensorData::new(values, [1, points.len()]), device)
    })
}

/// Matrix and offset that say where a point comes from.
type Place = ([f32; 4], [f32; 2]);

/// Grey values of patches `[patches, wide * wide]` at points that `places` map, equally many (matrix, offset) a patch; see
/// [`crate::particle::patch::sampled`]. `[places, points]`.
fn sample(source: Tensor<2>, wide: usize, points: &[Tensor<2>; 2], places: &[Place]) -> Tensor<2> {
    let ([patches, pixels], device) = (source.dims(), source.device());
    let (rows, count) = (places.len(), points[0].dims()[1]);
    let source = source.reshape([patches * pixels]);
    if wide < 2 {
        let of = column(&(0..rows).map(|row| (row * patches / rows) as u32).collect::<Vec<_>>(), &device);
        return source.select(0, of).reshape([rows, 1]).repeat_dim(1, count);
    }
    let of_row = |of: &dyn Fn(&Place) -> f32| {
        let values: Vec<f32> = places.iter().map(of).collect();
        Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device)
    };
    let middle = (wide as f32 - 1.0) / 2.0;
    // Where a point lies along an axis: the pixel before it, and how far beyond.
    let along = |axis: usize| {
        let at = of_row(&|(matrix, _)| matrix[2 * axis]) * points[0].clone()
            + of_row(&|(matrix, _)| matrix[2 * axis + 1]) * points[1].clone()
            + of_row(&|(_, offset)| middle + offset[axis]);
        let at = at.clamp(0.0, (wide - 1) as f32);
        let before = at.clone().clamp_max((wide - 2) as f32).floor();
        (before.clone().int(), at - before)
    };
    let ((x, right), (y, down)) = (along(0), along(1));
    let first: Vec<u32> = (0..rows).map(|row| (row * patches / rows * pixels) as u32).collect();
    let first = column(&first, &device).reshape([rows, 1]);
    let corner = (y.mul_scalar(wide as i32) + x + first).reshape([rows * count]);
    let value = |by: usize| -> Tensor<2> {
        let at: Tensor<1, Int> = corner.clone().add_scalar(by as i32);
        source.clone().select(0, at).reshape([rows, count])
    };
    let top = value(0) + (value(1) - value(0)) * right.clone();
    let bottom = value(wide) + (value(wide + 1) - value(wide)) * right;
    top.clone() + (bottom - top) * down
}
