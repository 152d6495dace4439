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

    /// That the run did not come to its end, which the command does.
    fn early(&self) -> Option<String> {
        let all = self.plan.as_ref().map(|plan| plan.settings.epochs).filter(|_| !self.set.last)?;
        let epochs = self.set.epoch;
        Some(if epochs < all {
            format!(
                "the stop: these maps were drawn after {epochs} of {all} epochs; the command runs all of them"
            )
        } else {
            "the stop: after all epochs, but before the finest maps and what is judged by them".to_owned()
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
        let all: Vec<String> = self.early().into_iter().chain(steps).chain(masks).collect();
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
mod tests;
