//! Taking the maps away: calibrated float TIFF, NPY and PNG of each, segments, profile, outliers, a report, and what made
//! them.

use super::colour::{self, Plane};
use super::field::Line;
use super::run::{Segmented, Subject};
use super::steps::SEED;
use super::wall::Wall;
use crate::app::state::count;
use crate::error::{Error, Result};
use crate::library::figure;
use crate::library::map as files;
use crate::library::maps::{self, About, segments_of};
use crate::micrograph::stats::percentiles;
use crate::micrograph::{Micrograph, PixelSize};
use crate::order::{Map, Segments, segment};
use crate::project::atomic;
use crate::worker::map_folder::{self, Told};
use crate::worker::mapping::{MapSet, Plan, Summary};
use egui::Color32;
use image::{Rgb, RgbImage};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that is written.
pub struct MapExport {
    /// With the scale as it is known now.
    pub subject: Subject,
    pub set: Arc<MapSet>,
    /// Of `set`: what was found in older maps is found anew.
    pub revision: u64,
    pub plan: Option<Arc<Plan>>,
    pub summary: Option<Arc<Summary>>,
    pub segments: Option<Arc<Segmented>>,
    pub wall: Option<Arc<Wall>>,
    pub device: Option<String>,
    /// Regions and outlines that did not count.
    pub left_out: usize,
    /// The file of the model that drew them.
    pub model: PathBuf,
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
        let (segments, wall) = (self.phases(), self.measured());
        let about = self.about(wall.as_deref());
        maps::export(&map_folder::folder(&image, set, segments.as_ref(), &about), &dir, |inside| {
            if let [first, second, ..] = &set.content[..] {
                figure::write_picture(&paint_two(first, second, size), &inside.join("two_latents.png"))?;
            }
            if let Some((Ok(profile), field)) = wall.as_deref().map(|wall| (&wall.result, wall.field)) {
                files::write_profile(profile, size, field.unit(size), &inside.join("profile.csv"))?;
            }
            self.outliers(inside, size)?;
            maps::add_model(&self.model, inside)
        })?;
        Ok(dir)
    }

    /// The phases as they are shown, of these maps and by the present scale; without any those that the maps ask for.
    fn phases(&self) -> Option<Segments> {
        let (content, size) = (&self.set.content, self.subject.pixel_size);
        match self.segments.as_deref() {
            Some(Segmented { revision, result: Ok(found), .. }) if *revision == self.revision => {
                Some(found.clone().scaled(size))
            }
            Some(old) => segment(content, old.k, old.method, size, SEED).ok(),
            None => segments_of(content, size, SEED),
        }
    }

    /// The wall as it is shown, of these maps.
    fn measured(&self) -> Option<Arc<Wall>> {
        let wall = self.wall.as_ref()?;
        if wall.revision == self.revision {
            return Some(wall.clone());
        }
        let plan = self.plan.as_deref();
        Some(Arc::new(Wall::measured(&self.set, plan, self.revision, wall.field, wall.line)))
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

    /// What no command makes again; `None` for nothing.
    fn beyond_the_command(&self) -> Option<Vec<String>> {
        let steps = match self.subject.steps.len() {
            0 => None,
            _ => Some("levelling and filters of the window: see preparation".to_owned()),
        };
        let masks = match self.left_out {
            0 => None,
            n => Some(format!("what did not count: {}", count(n, "region"))),
        };
        let all: Vec<String> = steps.into_iter().chain(masks).collect();
        Some(all).filter(|all| !all.is_empty())
    }

    /// What the maps were made of and what they are worth.
    fn about(&self, wall: Option<&Wall>) -> About {
        let subject = &self.subject;
        let Subject { path, page, pixel_size, choice, .. } = subject;
        let command = self
            .plan
            .as_ref()
            .map(|plan| map_folder::command(path, *page, &plan.settings, *pixel_size, *choice));
        let told = Told {
            image: &subject.name,
            plan: self.plan.as_deref(),
            set: &self.set,
            summary: self.summary.as_deref(),
            device: self.device.as_deref(),
        };
        let mut about = map_folder::about(&told, command);
        let wall = wall.and_then(|wall| {
            let (unit, factor) = wall.field.unit(subject.pixel_size);
            let fit = wall.fit.as_ref().ok()?.times(factor);
            let Line { from, to, breadth } = wall.line;
            let line = json!({ "from_px": from, "to_px": to, "breadth_px": breadth });
            Some(json!({ "map": wall.field.name(), "line": line, "unit": unit, "fit": fit }))
        });
        let more = [
            ("judgements", json!(self.set.judgements)),
            ("plan", json!(self.plan.as_deref())),
            ("summary", json!(self.summary.as_deref())),
            ("wall", json!(wall)),
            ("preparation", json!(subject.steps)),
            ("command_leaves_out", json!(self.beyond_the_command())),
        ];
        about.more.extend(more.map(|(name, value)| (name.to_owned(), value)));
        about
    }
}

/// Two latents in one picture with a scale bar; the first to the right and the second upwards in the key beside it.
fn paint_two(first: &Map, second: &Map, size: Option<PixelSize>) -> RgbImage {
    let ends = |map: &Map| {
        let p = percentiles(&map.values, &[1.0, 99.0]);
        match p[..] {
            [low, high] if high >= low => colour::at_least([low, high], colour::LEAST),
            _ => [-1.0, 1.0],
        }
    };
    let plane = Plane::new([ends(first), ends(second)]);
    let on_white = |values: [f32; 2]| {
        let c = plane.of(values);
        if c == Color32::TRANSPARENT { Rgb([255; 3]) } else { Rgb([c.r(), c.g(), c.b()]) }
    };
    let of = |i: usize| on_white([first.values[i], second.values[i]]);
    let picture = figure::paint([first.width, first.height], first.step, size, of, figure::LARGEST);
    let side = (picture.width().min(picture.height()) / 5).max(8);
    let [[u0, u1], [v0, v1]] = plane.ranges();
    let part = |n: u32| (n as f32 + 0.5) / side as f32;
    let key = RgbImage::from_fn(side, side, |x, y| {
        on_white([u0 + (u1 - u0) * part(x), v0 + (v1 - v0) * (1.0 - part(y))])
    });
    figure::beside(&picture, &key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::maps::brush::tests::set;
    use crate::app::picture::Picture;
    use crate::micrograph::Micrograph;
    use crate::order::Method;
    use crate::particle::MicrographId;
    use crate::worker::message::DeviceChoice;

    /// A file in place of a model's.
    fn model(folder: &Path) -> PathBuf {
        let path = folder.join("a model");
        std::fs::write(&path, "weights").unwrap();
        path
    }

    #[test]
    fn a_folder_holds_the_maps_and_the_next_one_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let set = set();
        let image = Micrograph::new(80, 60, vec![0.0; 4800], None).unwrap();
        let size = PixelSize::new(0.01, 0.01);
        let segments = segment(&set.content, Some(2), Method::KMeans, size, 1).map_err(|e| e.to_string());
        let export = MapExport {
            subject: Subject {
                id: MicrographId(1),
                name: "a.b.png".into(),
                picture: Arc::new(Picture::new(image)),
                path: "/data/a.b.png".into(),
                page: 1,
                steps: Vec::new(),
                pixel_size: size,
                choice: DeviceChoice::Cpu,
            },
            set: Arc::new(set),
            revision: 1,
            plan: None,
            summary: None,
            segments: Some(Arc::new(Segmented {
                revision: 1,
                k: Some(2),
                method: Method::KMeans,
                result: segments,
            })),
            wall: None,
            device: None,
            left_out: 2,
            model: model(folder.path()),
        };
        let dir = export.export(folder.path()).unwrap();
        assert_eq!(dir, folder.path().join("a.b-maps"));
        for name in [
            "two_latents.png",
            "segments.tif",
            "segments.csv",
            "segments.png",
            "map.json",
            "report.html",
            "model.safetensors",
        ] {
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

    #[test]
    fn what_was_found_in_older_maps_or_by_an_older_scale_is_found_anew() {
        let folder = tempfile::tempdir().unwrap();
        let set = set();
        let image = Micrograph::new(80, 60, vec![0.0; 4800], None).unwrap();
        let (then, now) = (PixelSize::new(1.0, 1.0), PixelSize::new(0.5, 0.5));
        // Of maps in which every value was another: one phase, and a line along which nothing changes.
        let flat = set.content[0].with(vec![0.0; 1200]).unwrap();
        let old = segment(&[flat], Some(1), Method::KMeans, then, 1).unwrap();
        let line = Line { from: [10.0, 30.0], to: [70.0, 30.0], breadth: 4.0 };
        let mut earlier = set.clone();
        earlier.content[0].values.fill(0.5);
        let mut export = MapExport {
            subject: Subject {
                id: MicrographId(1),
                name: "a.png".into(),
                picture: Arc::new(Picture::new(image)),
                path: "/data/a.png".into(),
                page: 1,
                steps: Vec::new(),
                pixel_size: now,
                choice: DeviceChoice::Cpu,
            },
            set: Arc::new(set),
            revision: 2,
            plan: None,
            summary: None,
            segments: Some(Arc::new(Segmented {
                revision: 1,
                k: Some(2),
                method: Method::KMeans,
                result: Ok(old),
            })),
            wall: Some(Arc::new(Wall::measured(
                &earlier,
                None,
                1,
                super::super::field::Field::Content(0),
                line,
            ))),
            device: None,
            left_out: 2,
            model: model(folder.path()),
        };
        let dir = export.export(folder.path()).unwrap();
        let rows = std::fs::read_to_string(dir.join("segments.csv")).unwrap();
        assert_eq!(rows.lines().count(), 3, "two phases, as they were asked for: {rows}");
        let profile = std::fs::read_to_string(dir.join("profile.csv")).unwrap();
        let values: Vec<f64> =
            profile.lines().skip(1).filter_map(|row| row.split(',').nth(2)?.parse().ok()).collect();
        assert!(values[values.len() - 1] - values[0] > 1.0, "the profile is of the older maps: {profile}");
        // A shift is told as everywhere: in picometres, and what no command makes again is said.
        let document = std::fs::read_to_string(dir.join("map.json")).unwrap();
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["command_leaves_out"], json!(["what did not count: 2 regions"]));
        let step = |export: &MapExport| {
            let dir = export.export(folder.path()).unwrap();
            let text = std::fs::read_to_string(dir.join("profile.csv")).unwrap();
            assert!(text.starts_with("distance_px,distance_nm,value,sd,unit\n"), "{text}");
            let cells: Vec<Vec<String>> =
                text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect()).collect();
            let value = |row: &[String]| row[2].parse::<f64>().unwrap();
            (value(&cells[cells.len() - 2]) - value(&cells[1]), cells[1][4].clone())
        };
        let shift = super::super::field::Field::Shift(0);
        let mut other = (*export.set).clone();
        other.shift[0] = other.content[0].clone();
        export.set = Arc::new(other);
        export.wall = Some(Arc::new(Wall::measured(&export.set, None, 2, shift, line)));
        let (pm, unit) = step(&export);
        export.subject.pixel_size = None;
        let (px, in_px) = step(&export);
        export.subject.pixel_size = now;
        assert_eq!((unit.as_str(), in_px.as_str()), ("pm", "px"));
        assert!(px.abs() > 0.5 && (pm - 500.0 * px).abs() < 1e-6 * pm.abs(), "{pm} pm, {px} px");
        // Of these maps, but found while another scale was known.
        let found = segment(&export.set.content, Some(2), Method::KMeans, then, 1).unwrap();
        let px = found.segments[0].area_px;
        export.segments =
            Some(Arc::new(Segmented { revision: 2, k: Some(2), method: Method::KMeans, result: Ok(found) }));
        let dir = export.export(folder.path()).unwrap();
        let rows = std::fs::read_to_string(dir.join("segments.csv")).unwrap();
        let first: Vec<&str> = rows.lines().nth(1).unwrap().split(',').collect();
        assert_eq!(first[4].parse::<f64>().unwrap(), 0.25 * px, "{rows}");
    }
}
