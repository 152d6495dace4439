//! `report.json`: how many of what, how sure, and everything that makes the library again.

use super::{LabelledBy, Library, pictures};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the field `format` says.
pub const FORMAT: &str = "nanotheca library report";

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Accuracy on labels that training never saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldOut {
    pub right: usize,
    pub of: usize,
    /// `right / of`; `None` without a held-out label.
    pub accuracy: Option<f64>,
    /// Wilson's 95 % interval of the accuracy.
    pub interval_95: Option<[f64; 2]>,
    pub classes: Vec<String>,
    /// `confusion[truth][predicted]`: numbers of particles.
    pub confusion: Vec<Vec<usize>>,
    /// Share of each class that was found; `None` where none is held out.
    pub recall: Vec<Option<f64>>,
}

impl HoldOut {
    /// Compares predicted classes with the truth; both are indices into `classes`, particles without a truth do not
    /// count.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the lists differ in length or an index has no class.
    pub fn measure(truth: &[Option<usize>], predicted: &[usize], classes: &[String]) -> Result<Self> {
        if truth.len() != predicted.len() {
            let problem = format!("{} predictions for {} particles", predicted.len(), truth.len());
            return Err(Error::invalid("hold-out", problem));
        }
        let mut confusion = vec![vec![0_usize; classes.len()]; classes.len()];
        for (truth, predicted) in truth.iter().zip(predicted) {
            let Some(truth) = truth else { continue };
            let cell = confusion.get_mut(*truth).and_then(|row| row.get_mut(*predicted));
            *cell.ok_or_else(|| Error::invalid("hold-out", "a class index beyond the classes"))? += 1;
        }
        let right = (0..classes.len()).map(|i| confusion[i][i]).sum();
        let of: usize = confusion.iter().flatten().sum();
        let share = |right: usize, of: usize| (of > 0).then(|| right as f64 / of as f64);
        let recall = confusion.iter().enumerate().map(|(i, row)| share(row[i], row.iter().sum())).collect();
        Ok(Self {
            right,
            of,
            accuracy: share(right, of),
            interval_95: wilson(right, of),
            classes: classes.to_vec(),
            confusion,
            recall,
        })
    }
}

/// Wilson's 95 % interval for `right` successes in `of` trials (Wilson 1927); `None` without a trial.
pub fn wilson(right: usize, of: usize) -> Option<[f64; 2]> {
    if of == 0 {
        return None;
    }
    let (n, p, z2) = (of as f64, right as f64 / of as f64, Z * Z);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some([(middle - half).max(0.0), (middle + half).min(1.0)])
}

/// The whole report.
pub fn report(library: &Library) -> Value {
    let folders = pictures::folders(&library.classes);
    let by = |class: Option<usize>, who: Option<LabelledBy>| {
        let fits = |r: &&super::Record| r.class == class && (who.is_none() || r.labelled_by == who);
        library.records.iter().filter(fits).count()
    };
    let class = |(i, name): (usize, &String)| {
        json!({
            "number": i + 1,
            "name": name,
            "folder": format!("classes/{}", folders[i]),
            "total": by(Some(i), None),
            "by_person": by(Some(i), Some(LabelledBy::Person)),
            "by_model": by(Some(i), Some(LabelledBy::Model)),
        })
    };
    json!({
        "format": FORMAT,
        "version": 1,
        "program": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
        "particles": library.records.len(),
        "classes": library.classes.iter().enumerate().map(class).collect::<Vec<_>>(),
        "unclassified": by(None, None),
        "micrographs": micrographs(library),
        "patch_side_px": library.side,
        "patch_pixel_nm": library.patch_pixel_nm(),
        "latents": library.latents,
        "hold_out": library.hold_out,
        "cross_validation": library.insight.cross_validated.as_ref().and_then(|found| {
            let (accuracy, interval) = found.accuracy()?;
            Some(json!({
                "right": found.right, "of": found.of, "folds": found.folds,
                "accuracy": accuracy, "interval_95": interval,
            }))
        }),
        "calibration": library.insight.calibration,
        "self_check": library.insight.sanity,
        "latent_meanings": library.insight.meanings,
        "settings": library.settings,
    })
}

fn micrographs(library: &Library) -> Vec<Value> {
    let mut counts: BTreeMap<&str, (usize, &super::Record)> = BTreeMap::new();
    for record in &library.records {
        counts.entry(&record.micrograph).or_insert((0, record)).0 += 1;
    }
    let entry = |(name, (particles, record)): (&str, (usize, &super::Record))| {
        json!({
            "name": name,
            "path": record.path.display().to_string(),
            "particles": particles,
            "pixel_size_nm": record.pixel_nm,
        })
    };
    counts.into_iter().map(entry).collect()
}
