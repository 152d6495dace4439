//! What the maps of a run are worth, a part at a time: what the model leaves, phase analysis beside the shift, outliers.

use super::mapping::MapJob;
use crate::error::Result;
use crate::explore::order_map::residual::Residual;
use crate::explore::order_map::summary::{
    Outlier, beside_phase_analysis, phase_analysis, small_outliers, with_large_outliers,
};
use crate::explore::order_map::{MapSet, Prepared};
use crate::model::vae::Vae;
use crate::order::Map;
use std::sync::Arc;

/// How far the judgement is when the pass over the image, phase analysis and the small outliers are done.
const PASS: f32 = 0.7;
const ANALYSED: f32 = 0.8;
const SMALL: f32 = 0.9;

/// What was found.
pub(super) struct Judged {
    /// With error and phase analysis, the last ones of the run.
    pub maps: MapSet,
    pub phase_analysis_r: Option<[f64; 2]>,
    pub outliers: Vec<Outlier>,
}

/// The judgement under way.
pub(super) struct Judging {
    prepared: Arc<Prepared>,
    maps: MapSet,
    part: Part,
    residual: Option<Map>,
    phase_analysis_r: Option<[f64; 2]>,
}

enum Part {
    Pass(Box<Residual>),
    PhaseAnalysis,
    Small,
    Large(Vec<Outlier>),
    Over,
}

impl Judging {
    /// Of these maps, which the model drew.
    pub fn new(vae: Vae, prepared: Arc<Prepared>, maps: MapSet) -> Self {
        let pass = Residual::new(vae, prepared.clone(), maps.stride);
        Self { prepared, maps, part: Part::Pass(Box::new(pass)), residual: None, phase_analysis_r: None }
    }

    /// How much is done, 0..=1.
    pub fn share(&self) -> f32 {
        match &self.part {
            Part::Pass(pass) => PASS * pass.share(),
            Part::PhaseAnalysis => PASS,
            Part::Small => ANALYSED,
            Part::Large(_) => SMALL,
            Part::Over => 1.0,
        }
    }

    /// Does a part; what was found after the last one.
    ///
    /// # Errors
    /// A device that stopped answering.
    pub fn step(&mut self, job: &MapJob) -> Result<Option<Judged>> {
        match std::mem::replace(&mut self.part, Part::Over) {
            Part::Pass(mut pass) => {
                if !pass.advance()? {
                    self.part = Part::Pass(pass);
                    return Ok(None);
                }
                let left = pass.left()?;
                self.maps.recon_error = Some(left.error);
                self.residual = left.residual;
                self.part = Part::PhaseAnalysis;
            }
            Part::PhaseAnalysis => {
                let (plan, canvas) = (&self.prepared.plan, self.prepared.windows.canvas());
                let found = phase_analysis(&job.image, canvas.counts.as_deref(), plan, self.maps.stride);
                self.phase_analysis_r =
                    found.as_ref().and_then(|found| beside_phase_analysis(found, &self.maps.shift));
                self.maps.phase_analysis = found.map(Arc::new);
                self.part = Part::Small;
            }
            Part::Small => {
                let small = self.residual.as_ref().map(|left| small_outliers(left, &self.prepared));
                self.part = Part::Large(small.unwrap_or_default());
            }
            Part::Large(small) => {
                let outliers = match &self.residual {
                    Some(residual) => with_large_outliers(small, residual, &self.prepared),
                    None => small,
                };
                let maps = MapSet { last: true, ..self.maps.clone() };
                return Ok(Some(Judged { maps, phase_analysis_r: self.phase_analysis_r, outliers }));
            }
            Part::Over => {}
        }
        Ok(None)
    }
}
