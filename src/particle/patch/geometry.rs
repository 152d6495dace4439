//! The size of the square to cut.

use super::{Edge, Normalise, PatchGeometry};
use crate::micrograph::PixelSize;
use crate::micrograph::stats::percentiles;

impl Default for PatchGeometry {
    fn default() -> Self {
        Self {
            extent_nm: None,
            extent_px: 64.0,
            side: 32,
            normalise: Normalise::Micrograph,
            edge: Edge::Background,
            blank_neighbours: false,
        }
    }
}

impl PatchGeometry {
    /// Side of the square in micrograph pixels on a micrograph with this pixel size; finite and > 0.
    pub fn extent_on(&self, nm_per_px: Option<f64>) -> f64 {
        let extent = match (self.extent_nm, nm_per_px) {
            (Some(nm), Some(nm_per_px)) if nm_per_px > 0.0 => nm / nm_per_px,
            _ => self.extent_px,
        };
        if extent.is_finite() && extent > 0.0 { extent } else { self.side.max(1) as f64 }
    }

    /// Sides along x and y, in micrograph pixels, of what is a square on the specimen; pixels need not be square.
    pub fn extents_on(&self, pixel: Option<PixelSize>) -> [f64; 2] {
        [pixel.map(|size| size.x_nm), pixel.map(|size| size.y_nm)].map(|nm| self.extent_on(nm))
    }

    /// Pixels of the micrograph, along x and y, that one pixel of the patch stands for.
    pub fn pitches_on(&self, pixel: Option<PixelSize>) -> [f64; 2] {
        self.extents_on(pixel).map(|extent| extent / self.side.max(1) as f64)
    }
}

/// How large a particle is on its micrograph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParticleExtent {
    /// Longest extent in micrograph pixels (the diameter where nothing better is known).
    pub length_px: f32,
    /// The micrograph's pixel size, if it is known.
    pub nm_per_px: Option<f64>,
}

/// Room round the largest usual particle.
const MARGIN: f64 = 1.3;
/// Patch pixels that the smallest usual particle should get.
const LEAST_PIXELS: f64 = 6.0;

/// A square that holds the largest usual particle (97th percentile) with some room, and resolves the smallest usual
/// one (10th percentile) as far as a side of 32 to 48 allows. The default geometry where there is no particle.
pub fn propose_geometry(particles: &[ParticleExtent]) -> PatchGeometry {
    let usual = |scale: &dyn Fn(&ParticleExtent) -> Option<f64>| -> Option<(f64, f64)> {
        let lengths: Option<Vec<f32>> = particles.iter().map(|p| Some(scale(p)? as f32)).collect();
        let lengths: Vec<f32> = lengths?.into_iter().filter(|l| l.is_finite() && *l > 0.0).collect();
        if lengths.is_empty() {
            return None;
        }
        let p = percentiles(&lengths, &[10.0, 97.0]);
        Some((f64::from(p[0]), f64::from(p[1])))
    };
    let in_px = usual(&|p| Some(f64::from(p.length_px)));
    let in_nm = usual(&|p| Some(f64::from(p.length_px) * p.nm_per_px?));
    let default = PatchGeometry::default();
    let Some((small, large)) = in_nm.or(in_px) else { return default };
    let side = (LEAST_PIXELS * MARGIN * large / small / 8.0).ceil() * 8.0;
    PatchGeometry {
        extent_nm: in_nm.map(|(_, large)| round(MARGIN * large)),
        extent_px: in_px.map_or(default.extent_px, |(_, large)| round(MARGIN * large)),
        side: side.clamp(32.0, 48.0) as usize,
        ..default
    }
}

/// Two significant digits, as a person would choose.
fn round(extent: f64) -> f64 {
    let unit = 10_f64.powf(extent.log10().floor() - 1.0);
    (extent / unit).ceil() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(length_px: f32, nm_per_px: Option<f64>) -> ParticleExtent {
        ParticleExtent { length_px, nm_per_px }
    }

    #[test]
    fn the_extent_follows_the_largest_usual_particle_in_nanometres() {
        // The same particles (40 nm) at two magnifications, and one outlier in a hundred.
        let mut particles = vec![extent(40.0, Some(1.0)); 60];
        particles.extend(vec![extent(80.0, Some(0.5)); 59]);
        particles.push(extent(900.0, Some(1.0)));
        let geometry = propose_geometry(&particles);
        assert_eq!(geometry.extent_nm, Some(52.0));
        assert_eq!(geometry.side, 32);
        assert!((geometry.extent_on(Some(0.5)) - 104.0).abs() < 1e-9);
    }

    #[test]
    fn without_a_scale_pixels_count_and_small_particles_ask_for_a_finer_patch() {
        let mut particles = vec![extent(200.0, None); 50];
        particles.extend(vec![extent(40.0, None); 50]);
        particles.push(extent(40.0, Some(0.5)));
        let geometry = propose_geometry(&particles);
        assert_eq!((geometry.extent_nm, geometry.extent_px, geometry.side), (None, 260.0, 40));
    }

    #[test]
    fn no_particles_no_nonsense() {
        assert_eq!(propose_geometry(&[]), PatchGeometry::default());
        assert_eq!(
            propose_geometry(&[extent(f32::NAN, None), extent(0.0, Some(1.0))]),
            PatchGeometry::default()
        );
        let broken = PatchGeometry { extent_px: f64::NAN, ..PatchGeometry::default() };
        assert_eq!(broken.extent_on(None), 32.0);
    }
}
