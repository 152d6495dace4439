//! From the project and the model's predictions to one record a particle.

use super::{LabelledBy, Library, Record};
use crate::particle::patch::PatchGeometry;
use crate::particle::{MicrographId, Particle, ParticleId, Prediction};
use crate::project::{MicrographEntry, Project};
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The patches of the exported particles and how they were cut.
#[derive(Clone, Copy, Debug)]
pub struct Patches<'a> {
    /// `[particles, side, side]`, row-major, each value in 0..=1.
    pub pixels: &'a [f32],
    pub side: usize,
    pub geometry: &'a PatchGeometry,
}

impl Library {
    /// One record for each of `particles`, in their order.
    ///
    /// `predictions` holds one prediction a particle, in the same order, or is empty if there is no model;
    /// `model_classes` names the model's classes in the order of [`Prediction::probabilities`]. A prediction's angle
    /// is taken as counter-clockwise on the screen and its shift as the particle's place relative to the centre of
    /// the patch (x right, y down); the shift is turned into pixels of the micrograph here.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no particle, if lengths do not fit together, or if a number is not finite.
    pub fn build(
        project: &Project,
        particles: &[ParticleId],
        predictions: &[Prediction],
        model_classes: &[String],
        patches: Patches<'_>,
    ) -> Result<Self> {
        let latents = predictions.first().map_or(0, |prediction| prediction.mu.len());
        check_lengths(particles, predictions, patches)?;
        let mut classes: Vec<String> = project.classes.iter().map(|class| class.name.clone()).collect();
        for name in model_classes {
            if !classes.contains(name) {
                classes.push(name.clone());
            }
        }
        // Place of each class of the model among the classes of the library.
        let places: Vec<usize> =
            model_classes.iter().filter_map(|name| classes.iter().position(|class| class == name)).collect();
        let names = project.micrograph_names();
        let mut records = Vec::with_capacity(particles.len());
        for (i, id) in particles.iter().enumerate() {
            let mut record = seen(project, *id, &names, patches)?;
            record.probabilities = vec![None; classes.len()];
            if let Some(prediction) = predictions.get(i) {
                check_prediction(*id, prediction, latents, model_classes.len())?;
                add_prediction(&mut record, prediction, &places);
            }
            records.push(record);
        }
        Ok(Self {
            classes,
            records,
            latents,
            side: patches.side,
            pixels: patches.pixels.to_vec(),
            hold_out: None,
            insight: super::insight::Insight::default(),
            settings: serde_json::Value::Null,
            model: None,
        })
    }
}

/// What is known without a model.
fn seen(
    project: &Project,
    id: ParticleId,
    names: &BTreeMap<MicrographId, String>,
    patches: Patches<'_>,
) -> Result<Record> {
    let unknown = || Error::invalid(format!("particle {}", id.0), "the project has no such particle");
    let particle: &Particle = project.particle(id).ok_or_else(unknown)?;
    let entry: &MicrographEntry = project.micrograph(particle.micrograph).ok_or_else(unknown)?;
    let pixel_nm = entry.pixel_size.map(|size| [size.x_nm, size.y_nm]);
    // One pixel of the patch along x and y.
    let patch_pixel_px = patches.geometry.pitches_on(entry.pixel_size);
    let class = particle.label.and_then(|label| project.class_index(label));
    Ok(Record {
        particle: id,
        micrograph: names.get(&entry.id).cloned().unwrap_or_else(|| entry.file_name()),
        path: entry.path.clone(),
        x_px: particle.x,
        y_px: particle.y,
        x_nm: pixel_nm.map(|nm| f64::from(particle.x) * nm[0]),
        y_nm: pixel_nm.map(|nm| f64::from(particle.y) * nm[1]),
        class,
        labelled_by: class.map(|_| LabelledBy::Person),
        probabilities: Vec::new(),
        angle_deg: None,
        shift_px: None,
        shift_nm: None,
        latents: Vec::new(),
        recon_error: None,
        diameter_px: particle.diameter,
        measured: None,
        pixel_nm,
        patch_pixel_nm: pixel_nm.map(|nm| (nm[0] * patch_pixel_px[0] * nm[1] * patch_pixel_px[1]).sqrt()),
        patch_pixel_px,
    })
}

fn add_prediction(record: &mut Record, prediction: &Prediction, places: &[usize]) {
    for (place, probability) in places.iter().zip(&prediction.probabilities) {
        record.probabilities[*place] = Some(*probability);
    }
    if record.class.is_none() {
        record.class = places.get(prediction.best()).copied();
        record.labelled_by = record.class.map(|_| LabelledBy::Model);
    }
    let [px, py] = record.patch_pixel_px;
    let shift = [f64::from(prediction.shift_px[0]) * px, f64::from(prediction.shift_px[1]) * py];
    record.angle_deg = Some(f64::from(prediction.angle_rad).to_degrees());
    record.shift_px = Some(shift);
    record.shift_nm = record.pixel_nm.map(|nm| [shift[0] * nm[0], shift[1] * nm[1]]);
    record.latents.clone_from(&prediction.mu);
    record.recon_error = Some(prediction.recon_error);
}

fn check_lengths(particles: &[ParticleId], predictions: &[Prediction], patches: Patches<'_>) -> Result<()> {
    if particles.is_empty() {
        return Err(Error::invalid("library", "there is no particle to export; click or detect some first"));
    }
    if !predictions.is_empty() && predictions.len() != particles.len() {
        let problem = format!("{} for {} particles", predictions.len(), particles.len());
        return Err(Error::invalid("predictions", problem));
    }
    let size = patches.side * patches.side;
    if size == 0 || patches.pixels.len() != particles.len() * size {
        let (pixels, count) = (patches.pixels.len(), particles.len());
        return Err(Error::invalid("patches", format!("{pixels} pixels for {count} patches of {size}")));
    }
    if let Some(i) = patches.pixels.iter().position(|v| !v.is_finite()) {
        let id = particles[i / size].0;
        return Err(Error::invalid(
            format!("patch of particle {id}"),
            "it holds a number that is not finite",
        ));
    }
    Ok(())
}

fn check_prediction(id: ParticleId, prediction: &Prediction, latents: usize, classes: usize) -> Result<()> {
    let refuse = |problem: &str| Err(Error::invalid(format!("prediction of particle {}", id.0), problem));
    if prediction.probabilities.len() != classes {
        return refuse("its probabilities do not fit the model's classes");
    }
    if prediction.mu.len() != latents {
        return refuse("it has another number of latents than the first one");
    }
    let numbers = prediction.probabilities.iter().chain(&prediction.mu).chain(&prediction.shift_px);
    if numbers.chain([&prediction.angle_rad, &prediction.recon_error]).any(|v| !v.is_finite()) {
        return refuse("it holds a number that is not finite");
    }
    Ok(())
}
