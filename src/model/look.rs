//! What the recognition networks look at: copies of an image turned to equally spaced angles.
//!
//! A network that sees an image at one angle has to learn every other angle by heart. Here classifier and encoder only
//! learn what a class looks like *upright*; every image is shown to them turned by 0, 1/R, 2/R ... of a full turn, and
//! the copy that stands upright tells class and angle together (the discrete rotations of Nasiri and Bepler 2022,
//! arXiv 2210.12918). Turning an image by one step only permutes its copies, so the class cannot change.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::f32::consts::TAU;
use std::sync::Arc;

/// The grid of a copy and the number of copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Points along a side of the square grid a copy is sampled on; it spans the image.
    pub side: usize,
    /// Copies, >= 1.
    pub turns: usize,
}

impl Look {
    /// Points of a copy as (x, y) with x to the right and y down; the grid's points are 1 apart and centred on 0.
    ///
    /// With several turns only those inside the inscribed circle: what lies outside leaves the picture when it turns.
    pub fn points(self) -> Vec<[f32; 2]> {
        let middle = (self.side as f32 - 1.0) / 2.0;
        let radius = self.side as f32 / 2.0;
        (0..self.side * self.side)
            .map(|i| [(i % self.side) as f32 - middle, (i / self.side) as f32 - middle])
            .filter(|[x, y]| self.turns == 1 || x * x + y * y <= radius * radius)
            .collect()
    }

    /// Number of points of a copy.
    pub fn inputs(self) -> usize {
        self.points().len()
    }

    /// Angle of an object that stands upright in copy `turn`, radians counter-clockwise, in [0, 2 pi).
    pub fn angle(self, turn: usize) -> f32 {
        TAU * turn as f32 / self.turns as f32
    }
}

/// All turned copies of a batch, where the classifier reads them.
#[derive(Clone, Debug)]
pub enum Copies {
    /// In memory, `[batch * turns, inputs]`.
    Host { values: Arc<Vec<f32>>, inputs: usize },
    /// On another device, `[batch * turns, inputs]`.
    There(Box<Tensor<2>>),
}

impl Copies {
    /// Number of copies.
    pub fn rows(&self) -> usize {
        match self {
            Self::Host { values, inputs } => values.len() / (*inputs).max(1),
            Self::There(copies) => copies.dims()[0],
        }
    }

    /// All copies on a device, `[batch * turns, inputs]`.
    pub fn tensor(&self, device: &Device) -> Tensor<2> {
        match self {
            Self::Host { values, inputs } => {
                Tensor::from_data(TensorData::new(values.to_vec(), [self.rows(), *inputs]), device)
            }
            Self::There(copies) => (**copies).clone(),
        }
    }

    /// The given copies on a device, `[rows, inputs]`.
    pub fn pick(&self, rows: &[u32], device: &Device) -> Tensor<2> {
        match self {
            Self::Host { values, inputs } => {
                let copy = |&row: &u32| &values[row as usize * inputs..(row as usize + 1) * inputs];
                let picked: Vec<f32> = rows.iter().flat_map(copy).copied().collect();
                Tensor::from_data(TensorData::new(picked, [rows.len(), *inputs]), device)
            }
            Self::There(copies) => (**copies).clone().select(0, column(rows, device)),
        }
    }

    /// The copies of the first `images` images.
    #[must_use]
    pub fn first(&self, images: usize, turns: usize) -> Self {
        match self {
            Self::Host { values, inputs } => {
                let values = Arc::new(values[..images * turns * inputs].to_vec());
                Self::Host { values, inputs: *inputs }
            }
            Self::There(copies) => Self::There(Box::new((**copies).clone().slice([0..images * turns]))),
        }
    }
}

/// Indices as an integer tensor.
pub fn column(indices: &[u32], device: &Device) -> Tensor<1, Int> {
    let indices: Vec<i32> = indices.iter().map(|&i| i as i32).collect();
    let n = indices.len();
    Tensor::from_data(TensorData::new(indices, [n]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_a_circle_only_if_it_turns() {
        assert_eq!(Look { side: 24, turns: 1 }.inputs(), 576);
        let points = Look { side: 24, turns: 16 }.points();
        assert_eq!(points.len(), 448);
        let sum = points.iter().fold([0.0, 0.0], |s, p| [s[0] + p[0], s[1] + p[1]]);
        assert!(sum[0].abs() < 1e-3 && sum[1].abs() < 1e-3);
    }
}
