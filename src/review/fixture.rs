//! Small tables to test with: of rods and cubes, like all of this program's examples.

use super::table::{Row, Table};
use crate::particle::{ParticleId, Prediction};
use std::sync::Arc;

/// A particle of which nothing is known.
pub fn row(id: u64) -> Row {
    Row {
        id: ParticleId(id),
        micrograph: "a.tif".into(),
        x: 0.0,
        y: 0.0,
        label: None,
        held_out: false,
        place: usize::MAX,
        measured: None,
        nm_per_px: None,
        pitch_px: 1.0,
    }
}

/// A particle as the model sees it, upright and in its middle.
pub fn prediction(probabilities: &[f32], mu: &[f32]) -> Prediction {
    Prediction {
        probabilities: probabilities.to_vec(),
        angle_rad: 0.0,
        shift_px: [0.0; 2],
        scale: 1.0,
        mu: mu.to_vec(),
        sigma: vec![1.0; mu.len()],
        recon_error: 0.0,
    }
}

/// The probabilities of a particle that is surely of one of two classes.
pub fn sure(class: usize) -> [f32; 2] {
    if class == 0 { [0.9, 0.1] } else { [0.1, 0.9] }
}

/// What is known of these particles and what the model says of them.
pub fn table(known: impl IntoIterator<Item = (Row, Option<Prediction>)>) -> Table {
    let (mut rows, mut predictions) = (Vec::new(), Vec::new());
    for (row, prediction) in known {
        let place = if prediction.is_some() { predictions.len() } else { usize::MAX };
        rows.push(Row { place, ..row });
        predictions.extend(prediction);
    }
    Table {
        latents: predictions.first().map_or(0, |p| p.mu.len()),
        in_nm: !rows.is_empty() && rows.iter().all(|row| row.nm_per_px.is_some()),
        rows: Arc::new(rows),
        predictions: predictions.into(),
        classes: ["rod", "cube"].map(String::from).to_vec(),
    }
}
