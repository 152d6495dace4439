//! COCO: one JSON file with images, categories and boxes. A box is `[x, y, width, height]` from its corner, where the
//! top-left pixel is the square from (0, 0) to (1, 1): its centre is at (0.5, 0.5).

use super::{read_text, row};
use crate::particle::ClassId;
use crate::project::Project;
use crate::project::labels::LabelRow;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

const FORMAT: &str = "COCO";
/// The category of particles without a class, which COCO does not know.
const UNLABELLED: &str = "unlabelled";

#[derive(Default, Serialize, Deserialize)]
struct Coco {
    images: Vec<Image>,
    categories: Vec<Category>,
    annotations: Vec<Annotation>,
}

#[derive(Serialize, Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    // Not needed, and some programs write them as 1201.0 or not at all.
    #[serde(skip_deserializing)]
    width: usize,
    #[serde(skip_deserializing)]
    height: usize,
}

#[derive(Serialize, Deserialize)]
struct Category {
    id: u64,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Annotation {
    id: u64,
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    #[serde(skip_deserializing)]
    area: f64,
    #[serde(skip_deserializing)]
    iscrowd: u8,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Serialize, Deserialize)]
struct Attributes {
    #[serde(default)]
    held_out: bool,
    /// The box is as large as the particle; if false, as large as the patches.
    #[serde(default)]
    measured: Option<bool>,
}

pub(super) fn read(path: &Path) -> Result<Vec<LabelRow>> {
    let coco: Coco = serde_json::from_str(&read_text(path, FORMAT)?)
        .map_err(|error| Error::file(path, FORMAT, "images, categories, annotations", error.to_string()))?;
    let images: BTreeMap<u64, &str> =
        coco.images.iter().map(|image| (image.id, image.file_name.as_str())).collect();
    let classes: BTreeMap<u64, &str> = coco.categories.iter().map(|c| (c.id, c.name.as_str())).collect();
    let label = |(i, annotation): (usize, &Annotation)| {
        let wrong = |field: &str, problem: &str| {
            Error::file(path, FORMAT, format!("annotations[{i}].{field}"), problem)
        };
        let image =
            images.get(&annotation.image_id).ok_or_else(|| wrong("image_id", "there is no such image"))?;
        let class = classes
            .get(&annotation.category_id)
            .ok_or_else(|| wrong("category_id", "there is no such category"))?;
        let [x, y, w, h] = annotation.bbox;
        if !(w >= 0.0 && h >= 0.0 && [x, y, w, h].iter().all(|v| v.is_finite())) {
            return Err(wrong("bbox", "this is no box"));
        }
        let mut row = row(i, image, x + w / 2.0 - 0.5, y + h / 2.0 - 0.5);
        row.class = Some((*class).trim().to_owned()).filter(|class| class != UNLABELLED && !class.is_empty());
        row.held_out = annotation.attributes.held_out && row.class.is_some();
        let measured = annotation.attributes.measured.unwrap_or(true) && w.min(h) > 0.0;
        row.diameter = measured.then_some(w.min(h) as f32);
        Ok(row)
    };
    coco.annotations.iter().enumerate().map(label).collect()
}

/// The particles of all micrographs.
///
/// # Errors
/// None that a project can cause.
pub(super) fn write(project: &Project) -> io::Result<Vec<u8>> {
    let names = project.micrograph_names();
    let category = |label: Option<ClassId>| label.map_or(0, |id| u64::from(id.0));
    let image = |entry: &crate::project::MicrographEntry| Image {
        id: u64::from(entry.id.0),
        file_name: names.get(&entry.id).cloned().unwrap_or_default(),
        width: entry.width,
        height: entry.height,
    };
    let mut categories: Vec<Category> =
        project.classes.iter().map(|c| Category { id: u64::from(c.id.0), name: c.name.clone() }).collect();
    if project.particles.values().any(|particle| particle.label.is_none()) {
        categories.push(Category { id: 0, name: UNLABELLED.into() });
    }
    let annotation = |p: &crate::particle::Particle| {
        let side = f64::from(p.diameter.unwrap_or_else(|| project.usual_diameter(p.micrograph)));
        let corner = |v: f32| f64::from(v) + 0.5 - side / 2.0;
        Annotation {
            id: p.id.0,
            image_id: u64::from(p.micrograph.0),
            category_id: category(p.label),
            bbox: [corner(p.x), corner(p.y), side, side],
            area: side * side,
            iscrowd: 0,
            attributes: Attributes { held_out: p.held_out, measured: Some(p.diameter.is_some()) },
        }
    };
    let coco = Coco {
        images: project.micrographs.iter().map(image).collect(),
        categories,
        annotations: project.particles.values().map(annotation).collect(),
    };
    Ok(serde_json::to_vec_pretty(&coco)?)
}
