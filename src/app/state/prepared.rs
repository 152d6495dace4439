//! How the pictures on screen were prepared, and small copies of them for the list.

use crate::app::picture::{Greys, Picture};
use crate::micrograph::prepare::Step;
use crate::particle::MicrographId;
use crate::project::{MicrographEntry, Preparation, Project};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longer side of a small copy, pixels.
const SMALL: usize = 72;

/// What is known of the preparation of pictures and small copies.
#[derive(Default)]
pub struct Prepared {
    /// How each picture that is there was made.
    pub made_with: BTreeMap<MicrographId, Preparation>,
    /// Steps that are tried on a micrograph while a control is held; no edit yet.
    pub trial: Option<(MicrographId, Vec<Step>)>,
    /// Small copies and how they were made; none of what could not be opened.
    small: BTreeMap<MicrographId, (Preparation, Option<Arc<Small>>)>,
    /// The micrograph of which a small copy is wanted next, or is being made.
    pub wanted: Option<MicrographId>,
}

/// A small copy of a picture.
pub struct Small {
    pub width: usize,
    pub height: usize,
    /// `width * height` values, row-major.
    pub pixels: Vec<f32>,
    /// Of the whole picture: black and white point are the same ones.
    pub greys: Arc<Greys>,
}

impl Small {
    /// A copy of at most [`SMALL`] pixels along the longer side.
    pub fn of(picture: &Picture) -> Self {
        let level = picture.smallest();
        let scale = (level.width.max(level.height) as f32 / SMALL as f32).max(1.0);
        let side = |size: usize| ((size as f32 / scale) as usize).max(1);
        let (width, height) = (side(level.width), side(level.height));
        // The mean of what a pixel stands for: single pixels of a noisy picture show the noise alone.
        let span = |at: usize, count: usize, size: usize| {
            let from = at * size / count;
            from..((at + 1) * size / count).clamp(from + 1, size)
        };
        let value = |i: usize| {
            let rows = span(i / width, height, level.height);
            let columns = span(i % width, width, level.width);
            let (mut sum, count) = (0.0, rows.len() * columns.len());
            for y in rows {
                sum += level.pixels[y * level.width..][columns.clone()].iter().sum::<f32>();
            }
            sum / count as f32
        };
        let pixels = (0..width * height).map(value).collect();
        Self { width, height, pixels, greys: picture.greys.clone() }
    }
}

impl Prepared {
    /// The steps with which a micrograph should be shown now.
    pub fn steps<'a>(&'a self, entry: &'a MicrographEntry) -> &'a [Step] {
        match &self.trial {
            Some((id, steps)) if *id == entry.id => steps,
            _ => &entry.steps,
        }
    }

    /// True if the picture of a micrograph was made in another way than it should be shown now.
    pub fn is_outdated(&self, entry: &MicrographEntry) -> bool {
        let now = || MicrographEntry { steps: self.steps(entry).to_vec(), ..entry.clone() }.preparation();
        self.made_with.get(&entry.id).is_some_and(|made| *made != now())
    }

    /// A picture is there, made in this way; `None` if it could not be opened.
    pub fn arrived(&mut self, id: MicrographId, preparation: Preparation, picture: Option<&Picture>) {
        self.made_with.insert(id, preparation.clone());
        // What is only tried does not show in the list.
        if self.trial.as_ref().is_some_and(|(tried, _)| *tried == id) {
            return;
        }
        self.keep_small(id, preparation, picture.map(Small::of));
    }

    /// A small copy is there, or cannot be made.
    pub fn keep_small(&mut self, id: MicrographId, preparation: Preparation, small: Option<Small>) {
        self.small.insert(id, (preparation, small.map(Arc::new)));
    }

    /// The small copy of a micrograph, perhaps of before its steps changed.
    pub fn small(&self, id: MicrographId) -> Option<&Arc<Small>> {
        self.small.get(&id)?.1.as_ref()
    }

    /// True if nothing is known of how the micrograph looks with its steps.
    pub fn lacks_small(&self, entry: &MicrographEntry) -> bool {
        self.small.get(&entry.id).is_none_or(|(made, _)| *made != entry.preparation())
    }

    /// Forgets what is of no micrograph of the project.
    pub fn retain(&mut self, project: &Project) {
        let known = |id: &MicrographId| project.micrograph(*id).is_some();
        self.made_with.retain(|id, _| known(id));
        self.small.retain(|id, _| known(id));
        self.trial = self.trial.take().filter(|(id, _)| known(id));
        self.wanted = self.wanted.filter(known);
    }
}
