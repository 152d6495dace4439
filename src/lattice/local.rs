//! Local Fourier coefficients: the inner product of the image with a plane wave under a Gaussian window that slides over it.

use super::Vector;
use rayon::prelude::*;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// For each reciprocal vector g and each node c of a grid:
/// P_g(c) = sum over r of w(r - c) f(r) exp(-2 pi i g . r) / sum over r of w(r - c).
///
/// The wave's phase counts from the image's corner, so P_g of a perfect lattice is the same everywhere. Sums and weights
/// leave masked pixels out, and nothing lies beyond the edge.
#[derive(Clone, Debug)]
pub struct LocalCoefficients {
    /// Cycles per pixel.
    pub g: Vec<Vector>,
    /// Nodes along x and y.
    pub columns: usize,
    pub rows: usize,
    /// Pixels from node to node; node (i, j) lies at pixel (i step, j step).
    pub step: usize,
    /// Standard deviation of the window and size of the image, pixels.
    pub sigma: f64,
    pub size: [usize; 2],
    /// `[g][rows * columns]`.
    pub values: Vec<Vec<Complex<f32>>>,
    /// Share of the window's weight that lies on pixels that count, `[rows * columns]`, 0..=1.
    pub weight: Vec<f32>,
    /// From each node to the centre of mass of its window, pixels: not 0 at edges and masks. The coefficient belongs there.
    pub centre: Vec<[f32; 2]>,
}

impl LocalCoefficients {
    /// `sigma` is the window's standard deviation in pixels, > 0; nodes are a third of it apart, at least a pixel.
    pub fn of(
        pixels: &[f32],
        width: usize,
        height: usize,
        g: &[Vector],
        sigma: f64,
        mask: Option<&[bool]>,
    ) -> Self {
        let step = ((sigma / 3.0).floor() as usize).max(1);
        let nodes = |n: usize| (n - 1).div_ceil(step) + 1;
        let (columns, rows) = (nodes(width), nodes(height));
        let kernel = kernel(sigma);
        let counts = |i: usize| pixels[i].is_finite() && mask.is_none_or(|m| m[i]);
        let ones: Vec<f32> = (0..width * height).map(|i| f32::from(u8::from(counts(i)))).collect();
        let clean: Vec<f32> = (0..width * height).map(|i| if counts(i) { pixels[i] } else { 0.0 }).collect();
        let grid = Grid { width, height, columns, rows, step, kernel: &kernel };
        let weight: Vec<f32> = grid.demodulate(&ones, [0.0; 2]).iter().map(|v| v.re).collect();
        let centre = grid.centres(&ones, &weight);
        let values: Vec<Vec<Complex<f32>>> = g
            .iter()
            .map(|&g| {
                let mut sums = grid.demodulate(&clean, g);
                for (sum, weight) in sums.iter_mut().zip(&weight) {
                    *sum = if *weight > 1e-6 { *sum / *weight } else { Complex::new(0.0, 0.0) };
                }
                sums
            })
            .collect();
        Self { g: g.to_vec(), columns, rows, step, sigma, size: [width, height], values, weight, centre }
    }

    /// The nearest place whose window lies within the image but for its tails (1.5 sigma), or the middle of a small one.
    pub fn inner(&self, centre: Vector) -> Vector {
        let margin = 1.5 * self.sigma;
        [0, 1].map(|i| {
            let last = self.size[i] as f64 - 1.0;
            let margin = margin.min(0.5 * last);
            centre[i].clamp(margin, last - margin)
        })
    }

    /// The coefficient of the `i`-th vector at any place (bilinear between nodes, the nearest edge outside).
    pub fn at(&self, i: usize, centre: Vector) -> Complex<f32> {
        let (corners, parts) = self.corners(centre);
        corners.iter().zip(parts).map(|(&node, part)| self.values[i][node] * part).sum()
    }

    /// The window's covered share at any place.
    pub fn weight_at(&self, centre: Vector) -> f32 {
        let (corners, parts) = self.corners(centre);
        corners.iter().zip(parts).map(|(&node, part)| self.weight[node] * part).sum()
    }

    /// The four nodes round a place and their shares.
    fn corners(&self, centre: Vector) -> ([usize; 4], [f32; 4]) {
        let split = |v: f64, n: usize| {
            let v = (v / self.step as f64).clamp(0.0, (n - 1) as f64);
            let low = (v.floor() as usize).min(n.saturating_sub(2));
            (low, (low + 1).min(n - 1), (v - low as f64) as f32)
        };
        let (x0, x1, fx) = split(centre[0], self.columns);
        let (y0, y1, fy) = split(centre[1], self.rows);
        let at = |x: usize, y: usize| y * self.columns + x;
        (
            [at(x0, y0), at(x1, y0), at(x0, y1), at(x1, y1)],
            [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy],
        )
    }
}

/// A Gaussian cut at three standard deviations; its sum is 1.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as i64;
    let values: Vec<f64> = (-reach..=reach).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = values.iter().sum();
    values.iter().map(|v| (v / sum) as f32).collect()
}

struct Grid<'a> {
    width: usize,
    height: usize,
    columns: usize,
    rows: usize,
    step: usize,
    kernel: &'a [f32],
}

impl Grid<'_> {
    /// Sums of w f exp(-2 pi i g . r) at every node: first along x, where f is real, then along y.
    fn demodulate(&self, pixels: &[f32], g: Vector) -> Vec<Complex<f32>> {
        let wave = |g: f64, n: usize| -> Vec<Complex<f32>> {
            let phase = |i: usize| -TAU * (g * i as f64).fract();
            (0..n).map(|i| Complex::new(phase(i).cos() as f32, phase(i).sin() as f32)).collect()
        };
        let (along_x, along_y) = (wave(g[0], self.width), wave(g[1], self.height));
        let rows: Vec<Vec<Complex<f32>>> = pixels
            .par_chunks_exact(self.width)
            .zip(&along_y)
            .map(|(row, turn)| {
                let turned: Vec<Complex<f32>> = row.iter().zip(&along_x).map(|(v, e)| e * *v).collect();
                (0..self.columns).map(|i| self.sum(i, self.width, |x| turned[x]) * turn).collect()
            })
            .collect();
        (0..self.rows)
            .into_par_iter()
            .flat_map_iter(|j| {
                let rows = &rows;
                (0..self.columns).map(move |i| self.sum(j, self.height, |y| rows[y][i]))
            })
            .collect()
    }

    /// Centre of mass of each node's window, from the node.
    fn centres(&self, ones: &[f32], weight: &[f32]) -> Vec<[f32; 2]> {
        let moment = |place: &dyn Fn(usize) -> usize| -> Vec<f32> {
            let values: Vec<f32> = ones.iter().enumerate().map(|(i, v)| v * place(i) as f32).collect();
            self.demodulate(&values, [0.0; 2]).iter().map(|v| v.re).collect()
        };
        let (x, y) = (moment(&|i| i % self.width), moment(&|i| i / self.width));
        (0..weight.len())
            .map(|n| {
                let node = [(n % self.columns) * self.step, (n / self.columns) * self.step].map(|v| v as f32);
                let w = weight[n].max(1e-6);
                if weight[n] > 1e-6 { [x[n] / w - node[0], y[n] / w - node[1]] } else { [0.0; 2] }
            })
            .collect()
    }

    /// The kernel's sum round node `i` over the values that lie within `0..n`.
    fn sum(&self, i: usize, n: usize, value: impl Fn(usize) -> Complex<f32>) -> Complex<f32> {
        let reach = self.kernel.len() / 2;
        let centre = i * self.step;
        let (first, last) = (centre.saturating_sub(reach), (centre + reach).min(n - 1));
        let mut total = Complex::new(0.0, 0.0);
        for at in first..=last {
            total += value(at) * self.kernel[at + reach - centre];
        }
        total
    }
}
