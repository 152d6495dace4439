//! What a library tells beyond its records: measured sizes, averages, manifolds, what the latents mean.

use super::job::Dataset;
use crate::error::Result;
use crate::explore::{sanity, traverse};
use crate::library::Library;
use crate::library::insight::{Insight, Manifold, averages};
use crate::model::vae::Vae;
use crate::particle::Prediction;
use crate::particle::describe::{Descriptors, describe_all};
use crate::particle::trust::Calibration;
use crate::project::Project;
use crate::review::Table;
use crate::review::meaning::meanings;
use crate::review::ranges::{Ranges, ranges};
use crate::train::checkpoint::Checkpoint;
use crate::worker::device;
use std::path::Path;

/// Images along each side of a manifold in a report.
const PER_SIDE: usize = 7;

/// Measures the particle of every patch of `dataset`; lengths in pixels of the micrographs.
pub fn measure(project: &Project, dataset: &Dataset) -> Vec<Option<Descriptors>> {
    let pitch = |id: &crate::particle::ParticleId| {
        let particle = project.particle(*id);
        let entry = particle.and_then(|p| project.micrograph(p.micrograph));
        // Of pixels that are not square the one of the same area.
        let [x, y] = dataset.geometry.pitches_on(entry.and_then(|e| e.pixel_size));
        (x * y).sqrt()
    };
    let pitches: Vec<f64> = dataset.ids.iter().map(pitch).collect();
    describe_all(&dataset.patches, &pitches)
}

/// Fills in what a library's reports show; `model` is the model's file.
///
/// # Errors
/// A model file that cannot be read; a device that stops answering.
pub fn fill(
    library: &mut Library,
    project: &Project,
    dataset: &Dataset,
    predictions: &[Prediction],
    model: Option<&Path>,
) -> Result<()> {
    let measured = measure(project, dataset);
    for (record, measured) in library.records.iter_mut().zip(&measured) {
        record.measured.clone_from(measured);
    }
    let table = Table::new(project, &dataset.ids, &dataset.class_names, predictions.into(), &measured);
    let class: Vec<Option<usize>> = library.records.iter().map(|record| record.class).collect();
    library.insight = Insight {
        meanings: if predictions.is_empty() { Vec::new() } else { meanings(&table) },
        averages: averages(&dataset.patches, &class, &library.classes, predictions),
        calibration: Calibration::measure(&dataset.patches.held_out, predictions),
        ..Insight::default()
    };
    let Some(model) = model else { return Ok(()) };
    let checkpoint = Checkpoint::load(model)?;
    let chosen = device::cpu(None);
    let vae = checkpoint.vae(&chosen.device, chosen.tiled)?;
    library.insight.manifolds = manifolds(&checkpoint, &vae, &ranges(&table))?;
    if predictions.len() == dataset.patches.len() {
        library.insight.sanity = Some(sanity::check(&vae, &dataset.patches, predictions, &mut || true)?);
    }
    Ok(())
}

fn manifolds(checkpoint: &Checkpoint, vae: &Vae, reach: &[Ranges]) -> Result<Vec<Manifold>> {
    let [side, other] = vae.config.dims[..] else { return Ok(Vec::new()) };
    if side != other {
        return Ok(Vec::new());
    }
    let axes = (0, 1.min(vae.config.latent.saturating_sub(1)));
    let manifold = |(place, class): (usize, &String)| -> Result<Manifold> {
        let prior = Ranges::of_prior(vae.config.latent);
        let latents = &reach.get(place).unwrap_or(&prior).latents;
        let ranges = [axes.0, axes.1].map(|axis| latents.get(axis).copied().unwrap_or(prior.latents[axis]));
        let images = traverse::plane(vae, place, axes, PER_SIDE, ranges)?;
        Ok(Manifold {
            class: class.clone(),
            axes: (axes.0 + 1, axes.1 + 1),
            per_side: PER_SIDE,
            ranges,
            side,
            images,
        })
    };
    checkpoint.description.classes.iter().enumerate().map(manifold).collect()
}
