//! Taking the maps away: calibrated float TIFF, NPY and PNG of each, segments, profile, outliers, and what made them.

use super::colour::{self, Plane};
use super::field::Line;
use super::run::{Segmented, Subject, Wall};
use super::steps::SEED;
use crate::error::{Error, Result};
use crate::library::map as files;
use crate::library::maps::{self, MapFolder};
use crate::micrograph::stats::percentiles;
use crate::micrograph::{Micrograph, PixelSize};
use crate::order::Map;
use crate::project::atomic;
use crate::worker::mapping::{MapSet, Plan, Summary};
use egui::Color32;
use image::{ExtendedColorType, ImageEncoder};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that is written.
pub struct MapExport {
    pub subject: Subject,
    pub set: Arc<MapSet>,
    pub plan: Option<Arc<Plan>>,
    pub summary: Option<Arc<Summary>>,
    pub segments: Option<Arc<Segmented>>,
    pub wall: Option<Arc<Wall>>,
    pub device: Option<String>,
}

/// A folder inside of `folder` that is not there yet, named after a file and `what` it holds: nothing is written over.
pub fn new_folder(folder: &Path, name: &str, what: &str) -> Result<PathBuf> {
    let stem = Path::new(name).file_stem().map_or_else(|| name.into(), |stem| stem.to_string_lossy());
    let numbered = |i: usize| match i {
        1 => folder.join(format!("{stem}-{what}")),
        i => folder.join(format!("{stem}-{what}-{i}")),
    };
    let problem = || {
        let problem = format!("{} holds thousands of {what}; choose another", folder.display());
        Error::invalid("folder", problem)
    };
    (1..10_000).map(numbered).find(|dir| !dir.exists()).ok_or_else(problem)
}

impl MapExport {
    /// Writes everything into a new folder inside of `folder` and returns its path.
    pub fn export(&self, folder: &Path) -> Result<PathBuf> {
        let dir = new_folder(folder, &self.subject.name, "maps")?;
        let size = self.subject.pixel_size;
        let image = Micrograph { pixel_size: size, ..self.subject.picture.micrograph.clone() };
        let set = &self.set;
        maps::export(
            &MapFolder {
                image: &image,
                content: &set.content,
                uncertainty: &set.uncertainty,
                shift: [&set.shift[0], &set.shift[1]],
                rotation: set.rotation.as_ref(),
                recon_error: set.recon_error.as_ref(),
                document: &self.document(),
                seed: SEED,
            },
            &dir,
        )?;
        if let [first, second, ..] = &set.content[..] {
            write_two(first, second, &dir.join("two_latents.png"))?;
        }
        self.groups(&dir, size)?;
        if let Some(wall) = &self.wall
            && let Ok(profile) = &wall.result
        {
            files::write_profile(profile, size, &dir.join("profile.csv"))?;
        }
        self.outliers(&dir, size)?;
        Ok(dir)
    }

    /// The segments as they are shown, in place of those that were found for the folder.
    fn groups(&self, dir: &Path, size: Option<PixelSize>) -> Result<()> {
        let Some(Ok(found)) = self.segments.as_ref().map(|s| s.result.as_ref()) else { return Ok(()) };
        files::write_labels(found, size, &dir.join("segments.tif"))?;
        files::write_segments(found, &dir.join("segments.csv"))?;
        let colours: Vec<Color32> = found.labels.iter().map(|l| colour::segment(*l)).collect();
        write_colours(&colours, found.width, found.height, &dir.join("segments.png"))
    }

    fn outliers(&self, dir: &Path, size: Option<PixelSize>) -> Result<()> {
        let Some(summary) = &self.summary else { return Ok(()) };
        atomic::write_file(&dir.join("outliers.csv"), |to| {
            writeln!(to, "x_px,y_px,x_nm,y_nm,score_sd")?;
            for o in &summary.outliers {
                let nm = size.map_or_else(|| ",".into(), |s| format!("{},{}", o.x * s.x_nm, o.y * s.y_nm));
                writeln!(to, "{},{},{nm},{}", o.x, o.y, o.score)?;
            }
            Ok(())
        })
    }

    /// What the maps were made of and what they are worth.
    fn document(&self) -> serde_json::Value {
        let image = &self.subject.picture.micrograph;
        let wall = self.wall.as_ref().and_then(|wall| {
            let fit = wall.fit.as_ref().ok()?;
            let Line { from, to, breadth } = wall.line;
            let line = serde_json::json!({ "from_px": from, "to_px": to, "breadth_px": breadth });
            Some(serde_json::json!({ "map": wall.field.name(), "line": line, "fit": fit }))
        });
        serde_json::json!({
            "image": self.subject.name,
            "size_px": [image.width, image.height],
            "pixel_size_nm": self.subject.pixel_size.map(|size| [size.x_nm, size.y_nm]),
            "seed": self.set.seed,
            "epochs": self.set.epoch,
            "stride": self.set.stride,
            "complete": self.set.last,
            "judgements": self.set.judgements,
            "plan": self.plan.as_deref(),
            "summary": self.summary.as_deref(),
            "wall": wall,
            "device": self.device,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// Two latents in one picture; the first to the right and the second upwards in the key beside it.
fn write_two(first: &Map, second: &Map, path: &Path) -> Result<()> {
    let ends = |map: &Map| {
        let p = percentiles(&map.values, &[1.0, 99.0]);
        match p[..] {
            [low, high] if high >= low => colour::at_least([low, high], colour::LEAST),
            _ => [-1.0, 1.0],
        }
    };
    let plane = Plane::new([ends(first), ends(second)]);
    let [[u0, u1], [v0, v1]] = plane.ranges();
    let (w, h) = (first.width, first.height);
    let side = (w.min(h) / 5).max(8);
    let (gap, wide) = (side / 4, w + side / 4 + side);
    let colour = |i: usize| {
        let (x, y) = (i % wide, i / wide);
        if x < w {
            let i = y * w + x;
            return plane.of([first.values[i], second.values[i]]);
        }
        if x < w + gap || y >= side {
            return Color32::WHITE;
        }
        let part = |n: usize| (n as f32 + 0.5) / side as f32;
        let (u, v) = (part(x - w - gap), 1.0 - part(y));
        plane.of([u0 + (u1 - u0) * u, v0 + (v1 - v0) * v])
    };
    let colours: Vec<Color32> = (0..wide * h).map(colour).collect();
    write_colours(&colours, wide, h, path)
}

fn write_colours(colours: &[Color32], width: usize, height: usize, path: &Path) -> Result<()> {
    let bytes: Vec<u8> = colours.iter().flat_map(|c| c.to_srgba_unmultiplied()).collect();
    let mut png = Vec::new();
    image::codecs::png::PngEncoder::new(&mut png)
        .write_image(&bytes, width as u32, height as u32, ExtendedColorType::Rgba8)
        .map_err(|why| Error::io(path, "write", std::io::Error::other(why)))?;
    atomic::write_file(path, |to| to.write_all(&png))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::maps::brush::tests::set;
    use crate::app::picture::Picture;
    use crate::micrograph::Micrograph;
    use crate::order::{Method, segment};
    use crate::particle::MicrographId;

    #[test]
    fn a_folder_holds_the_maps_and_the_next_one_is_another() {
        let set = set();
        let image = Micrograph::new(80, 60, vec![0.0; 4800], None).unwrap();
        let size = PixelSize::new(0.01, 0.01);
        let segments = segment(&set.content, Some(2), Method::KMeans, size, 1).map_err(|e| e.to_string());
        let export = MapExport {
            subject: Subject {
                id: MicrographId(1),
                name: "a.b.png".into(),
                picture: Arc::new(Picture::new(image)),
                pixel_size: size,
            },
            set: Arc::new(set),
            plan: None,
            summary: None,
            segments: Some(Arc::new(Segmented { revision: 1, result: segments })),
            wall: None,
            device: None,
        };
        let folder = tempfile::tempdir().unwrap();
        let dir = export.export(folder.path()).unwrap();
        assert_eq!(dir, folder.path().join("a.b-maps"));
        for name in ["two_latents.png", "segments.tif", "segments.csv", "segments.png", "map.json"] {
            assert!(dir.join(name).is_file(), "{name}");
        }
        let maps = std::fs::read_dir(&dir).unwrap().flatten();
        let tiffs = maps.filter(|file| file.path().extension().is_some_and(|end| end == "tif")).count();
        assert_eq!(tiffs, 7, "two latents, how sure they are, two shifts and the segments");
        let back = crate::micrograph::format::open(dir.join("segments.tif")).unwrap();
        assert_eq!((back.width, back.height), (40, 30));
        assert!((back.pixel_size.unwrap().x_nm - 0.02).abs() < 1e-6);
        assert_eq!(export.export(folder.path()).unwrap(), folder.path().join("a.b-maps-2"));
    }
}
