//! Maps of a model over an image, a band of rows at a time, so that they can be shown as they come and stopped.

use super::MapSet;
use super::offset;
use super::plan::Prepared;
use super::windows::Windows;
use crate::error::Result;
use crate::explore::embed::{particle_angle, particle_shift};
use crate::model::pose;
use crate::model::vae::{Posterior, Vae};
use crate::order::{Map, judge};
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use std::sync::Arc;

/// Places that are encoded together.
const TOGETHER: usize = 2048;

/// What a map holds of each place: content means and sds, shift x and y, rotation.
struct Values {
    content: Vec<Vec<f32>>,
    sd: Vec<Vec<f32>>,
    shift: [Vec<f32>; 2],
    rotation: Vec<f32>,
}

/// Maps under way.
pub struct Dense {
    vae: Vae,
    prepared: Arc<Prepared>,
    stride: usize,
    width: usize,
    height: usize,
    /// Rows of the map that are done.
    pub done: usize,
    values: Values,
    /// What the encoder's first layer makes of each cell's window, `[cells, width]`: being linear, it may be averaged
    /// instead of the windows.
    first: Option<(Vec<f32>, usize)>,
    /// How far each usable cell lies from the mean lattice, `[cells, 2]`.
    displacement: Vec<f32>,
}

impl Dense {
    /// Maps with a value every `stride` pixels.
    ///
    /// # Errors
    /// A device that stopped answering.
    pub fn new(vae: Vae, prepared: Arc<Prepared>, stride: usize) -> Result<Self> {
        let canvas = prepared.windows.canvas();
        let stride = stride.max(1);
        let (width, height) = (canvas.width.div_ceil(stride), canvas.height.div_ceil(stride));
        let unknown = || vec![f32::NAN; width * height];
        let latent = vae.config.latent;
        let values = Values {
            content: (0..latent).map(|_| unknown()).collect(),
            sd: (0..latent).map(|_| unknown()).collect(),
            shift: [unknown(), unknown()],
            rotation: if vae.config.invariances.rotation { unknown() } else { Vec::new() },
        };
        let mut dense = Self {
            vae,
            prepared: prepared.clone(),
            stride,
            width,
            height,
            done: 0,
            values,
            first: None,
            displacement: Vec::new(),
        };
        if let Windows::Registered(registered) = &prepared.windows {
            dense.first = Some(dense.first_layer(&registered.values)?);
            let all = registered.cells.displacement();
            dense.displacement =
                registered.rows.iter().flat_map(|&cell| all[cell].map(|v| v as f32)).collect();
        }
        Ok(dense)
    }

    /// True when every row is done.
    pub fn finished(&self) -> bool {
        self.done >= self.height
    }

    /// Rows of the map.
    pub fn rows(&self) -> usize {
        self.height
    }

    /// Places of the map that are done.
    pub fn places(&self) -> usize {
        self.done.min(self.height) * self.width
    }

    /// Does some more rows, about `places` places.
    ///
    /// # Errors
    /// A device that stopped answering.
    pub fn advance(&mut self, places: usize) -> Result<()> {
        let rows = (places / self.width.max(1)).max(1).min(self.height - self.done.min(self.height));
        let from = self.done * self.width;
        let nodes: Vec<usize> = (from..from + rows * self.width).collect();
        for nodes in nodes.chunks(TOGETHER) {
            self.encode(nodes)?;
        }
        self.done += rows;
        Ok(())
    }

    fn place(&self, node: usize) -> [f64; 2] {
        [node % self.width, node / self.width].map(|i| (i * self.stride) as f64)
    }

    fn encode(&mut self, nodes: &[usize]) -> Result<()> {
        let windows = &self.prepared.windows;
        let known: Vec<usize> =
            nodes.par_iter().copied().filter(|&node| windows.known(self.place(node))).collect();
        if known.is_empty() {
            return Ok(());
        }
        let posterior = match (&self.first, windows) {
            (Some((first, width)), Windows::Registered(registered)) => {
                let mut rows = vec![0.0; known.len() * width];
                rows.par_chunks_exact_mut(*width).zip(&known).for_each(|(out, &node)| {
                    registered.blend(self.place(node), first, out);
                });
                let kind = self.vae.config.recognition_activation();
                let rows = self.upload(rows, known.len());
                let (mean, sd) = self.vae.networks.encoder.rows(rows, self.vae.config.pixels(), None, kind);
                Posterior { mean, sd }
            }
            _ => {
                let pixels = self.vae.config.pixels();
                let mut rows = vec![0.0; known.len() * pixels];
                rows.par_chunks_exact_mut(pixels).zip(&known).for_each(|(out, &node)| {
                    windows.at(self.place(node), out);
                });
                self.vae.encode_all(self.upload(rows, known.len()))
            }
        };
        self.keep(&known, posterior)
    }

    fn keep(&mut self, known: &[usize], posterior: Posterior) -> Result<()> {
        let config = &self.vae.config;
        let (z, skip) = (config.z(), config.pose());
        let poses = host(pose::from_latents(config, &posterior.mean, None))?;
        let (mean, sd) = (host(posterior.mean)?, host(posterior.sd)?);
        let pitch = self.prepared.plan.pitch() as f32;
        for (i, &node) in known.iter().enumerate() {
            for k in 0..config.latent {
                self.values.content[k][node] = mean[i * z + skip + k];
                self.values.sd[k][node] = sd[i * z + skip + k];
            }
            let pose = &poses[i * 4..i * 4 + 4];
            let shift = particle_shift(pose, &config.dims);
            self.values.shift[0][node] = shift[0] * pitch;
            self.values.shift[1][node] = shift[1] * pitch;
            if config.invariances.rotation {
                self.values.rotation[node] = particle_angle(pose).to_degrees();
            }
        }
        if let Windows::Registered(registered) = &self.prepared.windows {
            let mut off = [0.0; 2];
            for &node in known {
                if registered.blend(self.place(node), &self.displacement, &mut off) {
                    self.values.shift[0][node] += off[0];
                    self.values.shift[1][node] += off[1];
                }
            }
        }
        Ok(())
    }

    fn first_layer(&self, windows: &[f32]) -> Result<(Vec<f32>, usize)> {
        let pixels = self.vae.config.pixels();
        let mut rows = Vec::new();
        let mut width = 0;
        for part in windows.chunks(TOGETHER * pixels) {
            let image = self.vae.image_part(self.upload(part.to_vec(), part.len() / pixels));
            width = image.dims()[1];
            rows.extend(host(image)?);
        }
        Ok((rows, width))
    }

    fn upload(&self, values: Vec<f32>, rows: usize) -> Tensor<2> {
        let columns = values.len() / rows.max(1);
        Tensor::from_data(TensorData::new(values, [rows, columns]), &self.vae.device())
    }

    /// The maps as far as they are done.
    ///
    /// # Errors
    /// Sizes that do not fit together.
    pub fn maps(self, seed: usize, epoch: usize) -> Result<MapSet> {
        let map = |values: Vec<f32>| Map::new(self.width, self.height, values, self.stride as f64, [0.0; 2]);
        let content: Vec<Map> = self.values.content.into_iter().map(map).collect::<Result<_>>()?;
        let lattice = self.prepared.plan.found.as_ref().map(|f| f.lattice);
        let judgements =
            lattice.map_or_else(Vec::new, |l| content.par_iter().map(|m| judge(m, &l)).collect());
        let [mut x, mut y] = self.values.shift;
        if let (Windows::Anywhere(_), Some(lattice), true) =
            (&self.prepared.windows, lattice, self.vae.config.invariances.translation)
        {
            let grid = offset::Grid { width: self.width, height: self.height, stride: self.stride };
            grid.offsets([&mut x, &mut y], &lattice);
        }
        let rotation = if self.values.rotation.is_empty() { None } else { Some(map(self.values.rotation)?) };
        Ok(MapSet {
            seed,
            epoch,
            stride: self.stride,
            last: false,
            content,
            uncertainty: self.values.sd.into_iter().map(map).collect::<Result<_>>()?,
            shift: [map(x)?, map(y)?],
            rotation,
            recon_error: None,
            judgements,
            phase_analysis: None,
            aligned: Arc::new([]),
        })
    }
}

/// A stride with which a map has at most `places` places.
pub fn stride_for(width: usize, height: usize, places: usize) -> usize {
    let all = (width * height) as f64;
    (all / places.max(1) as f64).sqrt().ceil().max(1.0) as usize
}
