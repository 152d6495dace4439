//! What must be true of the work at any time; each refusal is a sentence.

use super::{MicrographEntry, Project};
use crate::particle::patch::PatchGeometry;
use crate::particle::{Class, ClassId, MicrographId, Particle, ParticleId};
use crate::{Error, Result};
use std::collections::BTreeSet;

impl Project {
    pub(super) fn known_particle(&self, id: ParticleId) -> Result<&Particle> {
        let gone = || Error::invalid(format!("particle {}", id.0), "the project has no such particle");
        self.particle(id).ok_or_else(gone)
    }

    pub(super) fn known_class(&self, id: ClassId) -> Result<&Class> {
        let gone = || Error::invalid(format!("class {}", id.0), "the project has no such class");
        self.class(id).ok_or_else(gone)
    }

    pub(super) fn known_micrograph(&self, id: MicrographId) -> Result<&MicrographEntry> {
        let gone = || Error::invalid(format!("micrograph {}", id.0), "the project has no such micrograph");
        self.micrograph(id).ok_or_else(gone)
    }

    /// A particle lies on a micrograph of the project, within its pixels, and its class exists.
    pub(super) fn check_particle(&self, particle: &Particle) -> Result<()> {
        let refuse = |problem: String| Err(Error::invalid(format!("particle {}", particle.id.0), problem));
        let Some(entry) = self.micrograph(particle.micrograph) else {
            return refuse(format!("its micrograph {} is not in the project", particle.micrograph.0));
        };
        check_inside(particle, entry)?;
        if let Some(label) = particle.label
            && self.class(label).is_none()
        {
            return refuse(format!("its class {} is not in the project", label.0));
        }
        if particle.held_out && particle.label.is_none() {
            return refuse("only a labelled particle can be held out".into());
        }
        if particle.diameter.is_some_and(|d| !d.is_finite() || d <= 0.0) {
            return refuse("its diameter must be a number above 0".into());
        }
        if particle.score.is_some_and(|score| !score.is_finite()) {
            return refuse("its score is not a finite number".into());
        }
        Ok(())
    }

    /// A class has a name that no other class has.
    pub(super) fn check_class(&self, class: &Class) -> Result<()> {
        let refuse = |problem: &str| Err(Error::invalid(format!("class `{}`", class.name), problem));
        if class.name.trim().is_empty() {
            return refuse("a class needs a name");
        }
        if class.name.trim() != class.name || class.name.chars().any(char::is_control) {
            return refuse("a name has no space at its ends, no line break and no control character");
        }
        if self.classes.iter().any(|other| other.id != class.id && other.name == class.name) {
            return refuse("another class has this name already");
        }
        Ok(())
    }

    /// A micrograph is described by sensible numbers, is in the project once, and holds all its particles.
    pub(super) fn check_micrograph(&self, entry: &MicrographEntry) -> Result<()> {
        let refuse = |problem: &str| Err(Error::invalid(entry.file_name(), problem));
        if entry.width == 0 || entry.height == 0 {
            return refuse("a micrograph has at least one pixel");
        }
        if entry.pixel_size.is_some_and(|size| !above_zero(size.x_nm) || !above_zero(size.y_nm)) {
            return refuse("the pixel size must be a number above 0");
        }
        let (low, high) = entry.contrast;
        if !(low >= 0.0 && low < high && high <= 100.0) {
            return refuse("contrast percentiles lie between 0 and 100, the lower one first");
        }
        let finite = |v: [f32; 4]| v.iter().all(|v| v.is_finite());
        if entry.excluded.iter().any(|r| !finite([r.x0, r.y0, r.x1, r.y1]) || r.x0 > r.x1 || r.y0 > r.y1) {
            return refuse("an excluded region needs x0 <= x1 and y0 <= y1");
        }
        let drawn = |c: &[f32; 2]| c.iter().all(|v| v.is_finite());
        if entry.outlines.iter().any(|o| o.corners.len() < 3 || !o.corners.iter().all(drawn)) {
            return refuse("an excluded outline needs three corners or more");
        }
        if !(0.1..=10.0).contains(&entry.tone.gamma) {
            return refuse("gamma lies between 0.1 and 10");
        }
        let same = |other: &&MicrographEntry| {
            other.id != entry.id && other.path == entry.path && other.page == entry.page
        };
        if let Some(other) = self.micrographs.iter().find(same) {
            return refuse(if other.hash == entry.hash {
                "this picture is in the project already"
            } else {
                "a picture of this name with other content is in the project already; give the new one another name"
            });
        }
        let same_size = |known: &MicrographEntry| (known.width, known.height) == (entry.width, entry.height);
        if self.micrograph(entry.id).is_some_and(same_size) {
            return Ok(()); // Its particles lie inside already.
        }
        self.particles_on(entry.id).try_for_each(|particle| check_inside(particle, entry))
    }
}

/// Refuses particles or identifiers named twice in one edit.
pub(super) fn check_once(ids: impl IntoIterator<Item = ParticleId>) -> Result<()> {
    let mut seen = BTreeSet::new();
    match ids.into_iter().find(|id| !seen.insert(*id)) {
        Some(id) => Err(Error::invalid(format!("particle {}", id.0), "it is named twice in one change")),
        None => Ok(()),
    }
}

/// A patch has a size in the world and 24 to 64 pixels a side.
pub(super) fn check_patch(patch: &PatchGeometry) -> Result<()> {
    if !(24..=64).contains(&patch.side) {
        return Err(Error::invalid("patch side", format!("{} px is not within 24 to 64 px", patch.side)));
    }
    if !above_zero(patch.extent_px) || patch.extent_nm.is_some_and(|extent| !above_zero(extent)) {
        return Err(Error::invalid("patch extent", "it must be a number above 0"));
    }
    Ok(())
}

/// The centre of the top-left pixel is (0, 0), so pixels reach from -0.5 to width - 0.5.
pub(super) fn is_inside(x: f32, y: f32, width: usize, height: usize) -> bool {
    let within = |v: f32, size: usize| f64::from(v) >= -0.5 && f64::from(v) <= size as f64 - 0.5;
    within(x, width) && within(y, height)
}

fn check_inside(particle: &Particle, entry: &MicrographEntry) -> Result<()> {
    let Particle { id, x, y, .. } = particle;
    if is_inside(*x, *y, entry.width, entry.height) {
        return Ok(());
    }
    let (name, width, height) = (entry.file_name(), entry.width, entry.height);
    Err(Error::invalid(
        format!("particle {}", id.0),
        format!("({x}, {y}) lies outside {name}, which is {width} x {height} px"),
    ))
}

fn above_zero(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
