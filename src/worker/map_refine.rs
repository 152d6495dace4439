//! The maps of a trained model, from coarse to fine, a band of places at a time.

use crate::error::Result;
use crate::explore::order_map::dense::{Dense, stride_for};
use crate::explore::order_map::{MapSet, Prepared};
use crate::model::vae::Vae;
use std::sync::Arc;

/// Maps while training have at most so many places.
const COARSE: usize = 12_000;
/// Places that are mapped between two looks at the inbox.
pub const BAND: usize = 16_384;

/// The stride of the maps while training, pixels.
pub fn coarse(width: usize, height: usize) -> usize {
    stride_for(width, height, COARSE)
}

/// Maps under way.
pub struct Refining {
    vae: Vae,
    prepared: Arc<Prepared>,
    /// The seed's number, from 1, and its epochs.
    of: (usize, usize),
    /// The stride at work, and those still to come.
    dense: Option<Dense>,
    next: Vec<usize>,
    /// Places of all strides, and of those that are mapped.
    places: usize,
    mapped: usize,
}

impl Refining {
    /// `stride`: that of the last maps, pixels.
    ///
    /// # Errors
    /// What cannot be mapped.
    pub fn new(vae: Vae, prepared: Arc<Prepared>, of: (usize, usize), stride: usize) -> Result<Self> {
        let canvas = prepared.windows.canvas();
        let (width, height) = (canvas.width, canvas.height);
        let mut next = strides(width, height, stride.max(1));
        let places = next.iter().map(|&stride| width.div_ceil(stride) * height.div_ceil(stride)).sum();
        let dense = Dense::new(vae.clone(), prepared.clone(), next.remove(0))?;
        Ok(Self { vae, prepared, of, dense: Some(dense), next, places, mapped: 0 })
    }

    /// The model that is mapped.
    pub fn vae(&self) -> &Vae {
        &self.vae
    }

    /// Maps a band of places; the maps, when all places of a stride are done.
    ///
    /// # Errors
    /// A device that stops answering.
    pub fn step(&mut self) -> Result<Option<MapSet>> {
        let Some(mut dense) = self.dense.take() else { return Ok(None) };
        dense.advance(BAND)?;
        if !dense.finished() {
            self.dense = Some(dense);
            return Ok(None);
        }
        self.mapped += dense.places();
        let maps = dense.maps(self.of.0, self.of.1)?;
        if !self.next.is_empty() {
            let stride = self.next.remove(0);
            self.dense = Some(Dense::new(self.vae.clone(), self.prepared.clone(), stride)?);
        }
        Ok(Some(maps))
    }

    /// True after the maps of the last stride.
    pub fn finished(&self) -> bool {
        self.dense.is_none()
    }

    /// The part of all places that is mapped, 0..=1.
    pub fn share(&self) -> f32 {
        let under_way = self.dense.as_ref().map_or(0, Dense::places);
        (self.mapped + under_way) as f32 / self.places.max(1) as f32
    }
}

/// From what the maps had while training down to what was asked for, halved each time.
fn strides(width: usize, height: usize, last: usize) -> Vec<usize> {
    let mut stride = coarse(width, height) / 2;
    let mut strides = Vec::new();
    while stride > last {
        strides.push(stride);
        stride /= 2;
    }
    strides.push(last);
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_become_finer_down_to_what_was_asked_for() {
        for (side, last) in [(64, 1), (512, 1), (1024, 2), (4096, 3)] {
            let strides = strides(side, side, last);
            assert_eq!(strides.last(), Some(&last));
            assert!(strides.windows(2).all(|pair| pair[0] > pair[1]), "{strides:?}");
            assert!(side.div_ceil(strides[0]).pow(2) <= 7 * COARSE || strides[0] == last, "{strides:?}");
        }
    }
}
