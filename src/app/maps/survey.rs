//! The lattice of the shown image, looked for before a run is asked for, and what fits it.

use crate::app::picture::Picture;
use crate::lattice::{
    EstimateOptions, Found, Lattice, LockOptions, PhaseLock, Proposal, Vector, estimate, propose,
};
use crate::micrograph::Micrograph;
use crate::particle::{MicrographId, Outline};
use crate::project::{MicrographEntry, Region};
use crate::worker::mapping::{MOST_PIXELS, MapSettings};
use std::sync::{Arc, Weak};

/// What an image shows of a lattice.
pub struct Survey {
    pub id: MicrographId,
    pub width: usize,
    pub height: usize,
    pub found: Option<Found>,
    /// The place of a cell's origin near the middle, where something was found.
    pub origin: Vector,
    /// The result in a sentence, whether a lattice was found or not.
    pub message: String,
}

/// What a survey looks at; another one is due when it changes.
#[derive(Clone)]
pub struct Surveyed {
    id: MicrographId,
    picture: Weak<Picture>,
    excluded: Vec<Region>,
    outlines: Vec<Outline>,
}

impl Surveyed {
    pub fn new(entry: &MicrographEntry, picture: &Arc<Picture>) -> Self {
        let (excluded, outlines) = (entry.excluded.clone(), entry.outlines.clone());
        Self { id: entry.id, picture: Arc::downgrade(picture), excluded, outlines }
    }

    /// True if nothing that counts has changed.
    pub fn is(&self, entry: &MicrographEntry, picture: &Arc<Picture>) -> bool {
        self.id == entry.id
            && std::ptr::eq(self.picture.as_ptr(), Arc::as_ptr(picture))
            && self.excluded == entry.excluded
            && self.outlines == entry.outlines
    }
}

impl Survey {
    /// Looks for the lattice of an image in which only some pixels may count.
    pub fn of(id: MicrographId, image: &Micrograph, mask: Option<&[bool]>) -> Self {
        let (width, height) = (image.width, image.height);
        let middle = [width as f64 / 2.0, height as f64 / 2.0];
        let nothing = |message: String| Self { id, width, height, found: None, origin: middle, message };
        if image.pixels.len() > MOST_PIXELS {
            return nothing("no lattice is looked for in an image of this size".to_owned());
        }
        let estimate = estimate(image, &EstimateOptions { mask });
        let Some(found) = estimate.found else { return nothing(estimate.message) };
        let lock = PhaseLock::new(image, &found.lattice, &LockOptions { mask, ..LockOptions::default() });
        let origin = lock.map_or(middle, |lock| lock.snap(middle));
        Self { id, width, height, found: Some(found), origin, message: estimate.message }
    }

    /// The cell in use: by hand, else the one found.
    pub fn lattice(&self, settings: &MapSettings) -> Option<Lattice> {
        match settings.cell {
            Some([a, b]) => Lattice::new(a, b).ok(),
            None => self.found.as_ref().map(|found| found.lattice),
        }
    }

    /// Window and shift prior that fit the cell in use.
    pub fn proposal(&self, settings: &MapSettings) -> Option<Proposal> {
        self.lattice(settings).map(|lattice| propose(&lattice, self.width, self.height))
    }

    /// True where the program cannot go on by itself: no lattice, and neither a cell nor a window was given.
    pub fn leaves_open(&self, settings: &MapSettings) -> bool {
        self.found.is_none() && settings.cell.is_none() && settings.window_px.is_none()
    }

    /// A window to begin with where nothing is known of the pattern, pixels.
    pub fn some_window(&self) -> f64 {
        (self.width.min(self.height) as f64 / 8.0).round().clamp(16.0, 64.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::lattice::LatticeRecipe;

    #[test]
    fn a_survey_finds_the_cell_and_what_is_chosen_by_hand_goes_before() {
        let image = LatticeRecipe::square(128, 128, 16.0).draw().unwrap().micrograph;
        let survey = Survey::of(MicrographId(1), &image, None);
        let mut settings = MapSettings::default();
        let [a, _] = survey.lattice(&settings).unwrap().lengths();
        assert!((a - 16.0).abs() < 0.1, "{a}");
        // The origin is that of a cell: strong atoms lie at 0.3 and 0.4 of the period.
        let off =
            [survey.origin[0] - 4.8, survey.origin[1] - 6.4].map(|v| (v / 16.0 - (v / 16.0).round()).abs());
        assert!(off.iter().all(|off| *off < 0.05), "{:?}", survey.origin);
        assert!(!survey.leaves_open(&settings));
        let window = survey.proposal(&settings).unwrap().window_px;
        settings.cell = Some([[32.0, 0.0], [0.0, 32.0]]);
        assert!(survey.proposal(&settings).unwrap().window_px > 1.5 * window);
        let noise = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
        let noise = Micrograph::new(96, 96, (0..96 * 96).map(noise).collect(), None).unwrap();
        let nothing = Survey::of(MicrographId(1), &noise, None);
        assert!(nothing.leaves_open(&MapSettings::default()) && !nothing.leaves_open(&settings));
        assert!(nothing.message.starts_with("no lattice found"), "{}", nothing.message);
    }
}
