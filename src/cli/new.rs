//! `nanotheca new`: a project without the window.

use super::pages::{self, Page};
use crate::error::{Error, Result};
use crate::library::exchange;
use crate::micrograph::PixelSize;
use crate::particle::detect::{Detection, Settings, auto_contrast, detect};
use crate::particle::patch::{ParticleExtent, propose_geometry};
use crate::particle::{Particle, ParticleId};
use crate::project::{MicrographEntry, Project, labels, source, store};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Options {
    /// The project file to write (.nanotheca).
    project: PathBuf,
    /// Pictures, with all their pages.
    #[arg(long, required = true, num_args = 1..)]
    images: Vec<PathBuf>,
    /// CSV with the columns image, x, y, class (an empty class is an unlabelled particle) and, if you like, held_out and
    /// diameter (px); or STAR, BOX, COCO, ImageJ.
    #[arg(long)]
    labels: Option<PathBuf>,
    /// In the labels y counts from the bottom row up.
    #[arg(long, requires = "labels")]
    flip_y: bool,
    /// Find particles; those near a labelled one are left out.
    #[arg(long)]
    detect: bool,
    /// Side of the patches on the specimen, nanometres; needs pictures with a known pixel size.
    #[arg(long, conflicts_with = "patch_px")]
    patch_nm: Option<f64>,
    /// Side of the patches, pixels of the micrograph.
    #[arg(long)]
    patch_px: Option<f64>,
    /// Nanometres per pixel: one for all pictures, or one a picture in their order. Overrides what the files say.
    #[arg(long, value_delimiter = ',')]
    nm_per_px: Vec<f64>,
}

/// Makes the project.
///
/// # Errors
/// A file that is there already, a picture or table that cannot be read, sizes that make no sense.
pub fn run(options: &Options) -> Result<()> {
    let path = store::with_extension(&options.project);
    if path.exists() {
        let problem = "it is there already; choose another name or remove it";
        return Err(Error::invalid(path.display().to_string(), problem));
    }
    check_sizes(options)?;
    let mut project = Project::new();
    let mut found = Vec::new();
    for (i, image) in options.images.iter().enumerate() {
        let given = options.nm_per_px.get(if options.nm_per_px.len() == 1 { 0 } else { i });
        let hash = source::hash_file(image)?;
        pages::each(image, |Page { place, picture, excluded, .. }| {
            let size = given.and_then(|nm| PixelSize::new(*nm, *nm)).or(picture.pixel_size);
            if options.patch_nm.is_some() && size.is_none() {
                let problem =
                    "its pixel size is unknown; give --nm-per-px, or --patch-px instead of --patch-nm";
                return Err(Error::invalid(image.display().to_string(), problem));
            }
            let (width, height) = (picture.width, picture.height);
            let mut entry = MicrographEntry::new(image, place, width, height, size, hash.as_str());
            entry.excluded = excluded;
            entry.bright = Some(auto_contrast(&picture, &entry.excluded));
            // Sizes of what is on the picture, for the particles or for the patch, whichever is asked for.
            let detections = if options.detect || (options.patch_nm.is_none() && options.patch_px.is_none()) {
                detect(&picture, &entry.excluded, &Settings::default(), &|_| true)?
            } else {
                Vec::new()
            };
            let (id, edit) = project.add_micrograph_edit(entry);
            project.apply(edit)?;
            found.push((id, size.map(|s| s.x_nm), detections));
            Ok(())
        })?;
    }
    if let Some(table) = &options.labels {
        let setting = exchange::Setting { flip_y: options.flip_y, ..exchange::Setting::default() };
        let rows = exchange::read(table, &project, &setting)?;
        let edit = labels::to_edit(&mut project, &rows, table)?;
        project.apply(edit)?;
    }
    project.patch = geometry(options, &found);
    if options.detect {
        for (micrograph, _, detections) in &found {
            let known: Vec<(f32, f32)> = project.particles_on(*micrograph).map(|p| (p.x, p.y)).collect();
            let particles = detections
                .iter()
                .filter(|d| known.iter().all(|(x, y)| (d.x - x).hypot(d.y - y) > 0.5 * d.diameter))
                .map(|d| Particle {
                    id: ParticleId(0),
                    micrograph: *micrograph,
                    x: d.x,
                    y: d.y,
                    diameter: Some(d.diameter),
                    score: Some(d.score),
                    label: None,
                    held_out: false,
                })
                .collect();
            let edit = project.add_particles_edit(particles);
            project.apply(edit)?;
        }
    }
    store::save(&project, &path)?;
    say!(
        "{}: {} micrograph(s), {} particle(s), {} class(es)",
        path.display(),
        project.micrographs.len(),
        project.particles.len(),
        project.classes.len()
    );
    Ok(())
}

fn check_sizes(options: &Options) -> Result<()> {
    let positive = |what: &str, value: f64| {
        if value.is_finite() && value > 0.0 {
            Ok(())
        } else {
            Err(Error::invalid(what, format!("{value} is not a length; give a number above 0")))
        }
    };
    options.patch_nm.map_or(Ok(()), |v| positive("--patch-nm", v))?;
    options.patch_px.map_or(Ok(()), |v| positive("--patch-px", v))?;
    options.nm_per_px.iter().try_for_each(|v| positive("--nm-per-px", *v))?;
    let (sizes, images) = (options.nm_per_px.len(), options.images.len());
    if sizes > 1 && sizes != images {
        let problem = format!("{sizes} values for {images} pictures; give one for all or one each");
        return Err(Error::invalid("--nm-per-px", problem));
    }
    Ok(())
}

type Found = (crate::particle::MicrographId, Option<f64>, Vec<Detection>);

fn geometry(options: &Options, found: &[Found]) -> crate::particle::patch::PatchGeometry {
    let extents: Vec<ParticleExtent> = found
        .iter()
        .flat_map(|(_, nm_per_px, detections)| {
            detections
                .iter()
                .filter(|d| !d.touches_border)
                .map(|d| ParticleExtent { length_px: d.length, nm_per_px: *nm_per_px })
        })
        .collect();
    let mut geometry = propose_geometry(&extents);
    if let Some(nm) = options.patch_nm {
        geometry.extent_nm = Some(nm);
    }
    if let Some(px) = options.patch_px {
        (geometry.extent_nm, geometry.extent_px) = (None, px);
    }
    geometry
}
