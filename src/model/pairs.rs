//! Which pairs of class and turn of an image are decoded: chosen by the host, or where they are computed.

use super::VaeConfig;
use super::look::{Copies, Look, column};
use burn::tensor::{Device, Int, Tensor, TensorData};
use std::f32::consts::TAU;

/// Pairs of a batch as the loss terms ask about them, one row a pair.
pub trait Choice {
    /// Image of each row.
    fn images(&self) -> &[u32];
    /// Class of each row.
    fn classes(&self, device: &Device) -> Tensor<1, Int>;
    /// Angle of each row's turn, radians, `[rows, 1]`.
    fn angles(&self, look: Look, device: &Device) -> Tensor<2>;
    /// The copy that each row's turn calls upright, `[rows, inputs]`.
    fn upright(&self, copies: &Copies, config: &VaeConfig, device: &Device) -> Tensor<2>;
    /// Index of each row in the flattened log joint.
    fn entries(&self, config: &VaeConfig, device: &Device) -> Tensor<1, Int>;
    /// For each row the sum of `values` `[rows]` over all rows of its image.
    fn totals(&self, values: Tensor<1>, batch: usize) -> Tensor<1>;
}

/// The (class, turn) pairs of a batch that are decoded, image by image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// For each row its image, class and turn.
    pub images: Vec<u32>,
    pub classes: Vec<u32>,
    pub turns: Vec<u32>,
}

impl Pairs {
    /// The `most` most probable pairs of each image whose probability is at least `threshold` times that of the best.
    ///
    /// `log_joint`: `[batch, turns * classes]`. `most` 0 means all of them; `fixed` ignores the threshold, so that every
    /// batch has the same shape.
    pub fn choose(config: &VaeConfig, log_joint: &[f32], most: usize, threshold: f32, fixed: bool) -> Self {
        let k = config.classes;
        let all = k * config.turns();
        let most = if most == 0 { all } else { most.min(all) };
        let mut pairs = Self::default();
        let mut order: Vec<u32> = Vec::with_capacity(all);
        for (image, log_q) in log_joint.chunks_exact(all).enumerate() {
            order.clear();
            order.extend(0..all as u32);
            let by_probability = |a: &u32, b: &u32| {
                log_q[*b as usize].total_cmp(&log_q[*a as usize]).then(a.cmp(b)) // ties by index: the same every time
            };
            if most < all {
                order.select_nth_unstable_by(most - 1, by_probability);
                order.truncate(most);
            }
            order.sort_unstable_by(by_probability);
            let least = if fixed || threshold <= 0.0 {
                f32::NEG_INFINITY
            } else {
                log_q[order[0] as usize] + threshold.ln()
            };
            for &pair in order.iter().filter(|&&pair| log_q[pair as usize] >= least) {
                pairs.images.push(image as u32);
                pairs.classes.push(pair % k as u32);
                pairs.turns.push(pair / k as u32);
            }
        }
        pairs
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Index of each row's copy among all copies of the batch.
    fn copies(&self, config: &VaeConfig) -> Vec<u32> {
        let turns = config.turns() as u32;
        self.images.iter().zip(&self.turns).map(|(image, turn)| image * turns + turn).collect()
    }
}

impl Choice for Pairs {
    fn images(&self) -> &[u32] {
        &self.images
    }

    fn classes(&self, device: &Device) -> Tensor<1, Int> {
        column(&self.classes, device)
    }

    fn angles(&self, look: Look, device: &Device) -> Tensor<2> {
        let angles: Vec<f32> = self.turns.iter().map(|&turn| look.angle(turn as usize)).collect();
        Tensor::from_data(TensorData::new(angles, [self.len(), 1]), device)
    }

    fn upright(&self, copies: &Copies, config: &VaeConfig, device: &Device) -> Tensor<2> {
        copies.pick(&self.copies(config), device)
    }

    fn entries(&self, config: &VaeConfig, device: &Device) -> Tensor<1, Int> {
        let k = config.classes as u32;
        let entries: Vec<u32> =
            self.copies(config).iter().zip(&self.classes).map(|(copy, class)| copy * k + class).collect();
        column(&entries, device)
    }

    fn totals(&self, values: Tensor<1>, batch: usize) -> Tensor<1> {
        let (rows, device) = (self.len(), values.device());
        // A product with the [batch, rows] matrix of who belongs to whom.
        let mut member = vec![0.0_f32; batch * rows];
        for (row, &image) in self.images.iter().enumerate() {
            member[image as usize * rows + row] = 1.0;
        }
        let member = Tensor::<2>::from_data(TensorData::new(member, [batch, rows]), &device);
        let total = member.matmul(values.reshape([rows, 1])).reshape([batch]);
        total.select(0, column(&self.images, &device))
    }
}

/// The most probable pairs of every image, equally many of each, that never left the device.
#[derive(Clone, Debug)]
pub struct Ranked {
    images: Vec<u32>,
    /// Classes and turns of each row.
    classes: Tensor<1, Int>,
    turns: Tensor<1, Int>,
}

impl Ranked {
    /// As [`Pairs::choose`] with `fixed`, but without a look at the numbers; `most` 0 means all of them.
    pub fn choose(config: &VaeConfig, log_joint: &Tensor<2>, most: usize) -> Self {
        let ([batch, all], device) = (log_joint.dims(), log_joint.device());
        let most = if most == 0 { all } else { most.min(all) };
        let images = (0..batch as u32).flat_map(|image| std::iter::repeat_n(image, most)).collect();
        let every = Tensor::<1, Int>::arange(0..all as i64, &device).reshape([1, all]).repeat_dim(0, batch);
        let pairs = if most == all {
            every
        } else {
            // Few are wanted: the greatest again and again is less than sorting, which some devices leave to the host.
            let mut left = log_joint.clone().detach();
            let best = (0..most).map(|_| {
                let next = left.clone().argmax(1);
                let taken = every.clone().equal(next.clone().repeat_dim(1, all));
                left = left.clone().mask_fill(taken, f32::MIN);
                next
            });
            Tensor::cat(best.collect(), 1)
        };
        let (pairs, k) = (pairs.reshape([batch * most]), config.classes as i32);
        let turns = pairs.clone().div_scalar(k);
        Self { images, classes: pairs - turns.clone().mul_scalar(k), turns }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Index of each row's copy among all copies of the batch.
    fn copies(&self, config: &VaeConfig, device: &Device) -> Tensor<1, Int> {
        column(&self.images, device).mul_scalar(config.turns() as i32) + self.turns.clone()
    }
}

impl Choice for Ranked {
    fn images(&self) -> &[u32] {
        &self.images
    }

    fn classes(&self, _: &Device) -> Tensor<1, Int> {
        self.classes.clone()
    }

    fn angles(&self, look: Look, _: &Device) -> Tensor<2> {
        let turns = self.turns.clone().float().reshape([self.len(), 1]);
        turns.mul_scalar(TAU / look.turns as f32)
    }

    fn upright(&self, copies: &Copies, config: &VaeConfig, device: &Device) -> Tensor<2> {
        copies.tensor(device).select(0, self.copies(config, device))
    }

    fn entries(&self, config: &VaeConfig, device: &Device) -> Tensor<1, Int> {
        self.copies(config, device).mul_scalar(config.classes as i32) + self.classes.clone()
    }

    fn totals(&self, values: Tensor<1>, batch: usize) -> Tensor<1> {
        let (rows, each) = (self.len(), self.len() / batch.max(1));
        let total = values.reshape([batch, each]).sum_dim(1);
        total.repeat_dim(1, each).reshape([rows])
    }
}
