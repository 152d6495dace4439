//! What is chosen about the shown image: settings, the cell, what is left out; and its lattice, looked for in between.

use super::kept;
use super::run::Workspace;
use super::steps::{MapDone, mask};
use super::survey::{Survey, Surveyed};
use crate::app::App;
use crate::app::jobs::{Done, JobId};
use crate::app::state::{Level, count};
use crate::lattice::{EstimateOptions, Lattice, refine};
use crate::particle::detect::adsorbates;
use crate::particle::{MicrographId, Outline};
use crate::project::edit::Edit;
use crate::worker::mapping::MapSettings;

impl App {
    /// Follows what the project and the shown image have become.
    pub(in crate::app) fn follow_maps(&mut self) {
        let state = &mut self.state;
        let now = Some((state.revision, state.shown));
        if state.maps.read_for != now {
            state.maps.settings = kept::read(&state.project, state.shown);
            state.maps.read_for = now;
        }
        if state.workspace == Workspace::Maps {
            self.survey();
        }
    }

    /// Looks for the lattice of the shown image whenever something has changed that may change it.
    fn survey(&mut self) {
        let state = &self.state;
        let entry = state.shown.and_then(|id| state.project.micrograph(id));
        let (Some(entry), Some(picture)) = (entry, state.picture().cloned()) else { return };
        let done = state.maps.surveyed.as_ref().is_some_and(|surveyed| surveyed.is(entry, &picture));
        // A picture that is being prepared otherwise comes in a moment.
        let as_it_is =
            state.prepared.made_with.get(&entry.id).is_none_or(|made| *made == entry.preparation());
        if done || !as_it_is {
            return;
        }
        let id = entry.id;
        let surveyed = Surveyed::new(entry, &picture);
        let mask = mask(entry, &picture.micrograph);
        let job = self.jobs.start_quietly("Looking for the lattice".into(), move |_| {
            Done::Maps(MapDone::Surveyed(Survey::of(id, &picture.micrograph, mask.as_deref())))
        });
        let maps = &mut self.state.maps;
        maps.surveyed = Some(surveyed);
        // What was found before stays in sight, unless it is of another image.
        maps.survey = maps.survey.take().filter(|survey| survey.id == id);
        if let Some(before) = self.map_jobs.surveying.replace(job) {
            self.jobs.stop(before);
        }
    }

    /// Settings become a change of the project.
    pub(super) fn keep_map_settings(&mut self, settings: MapSettings) {
        let state = &mut self.state;
        let edit = kept::edit(&state.project, state.shown, &settings);
        state.maps.settings = settings;
        if let Some(edit) = edit
            && let Err(error) = state.change("change the map settings", edit)
        {
            self.complain(&error);
        }
    }

    pub(super) fn refine_cell(&mut self) {
        let state = &self.state;
        let entry = state.shown.and_then(|id| state.project.micrograph(id));
        let (Some(entry), Some(picture)) = (entry, state.picture().cloned()) else { return };
        let Some([a, b]) = state.maps.settings.cell else { return };
        let Ok(drawn) = Lattice::new(a, b) else { return };
        let (id, mask) = (entry.id, mask(entry, &picture.micrograph));
        self.state.maps.leaving_out = false;
        let job = self.jobs.start_quietly("Refining the cell".into(), move |_| {
            let options = EstimateOptions { mask: mask.as_deref() };
            Done::Maps(MapDone::Refined(id, refine(&picture.micrograph, &drawn, &options)))
        });
        self.replace_changing(job);
    }

    pub(super) fn on_refined(&mut self, id: MicrographId, lattice: Option<Lattice>) {
        if self.state.shown != Some(id) {
            return;
        }
        match lattice {
            Some(Lattice { a, b }) => {
                let settings = MapSettings { cell: Some([a, b]), ..self.state.maps.settings.clone() };
                self.keep_map_settings(settings);
            }
            None => {
                let text = "The image's spectrum has no peaks near this cell; it stays as it was drawn.";
                self.tell(Level::Warning, text, None);
            }
        }
    }

    pub(super) fn leave_out(&mut self, size_px: f64, threshold: f32) {
        let state = &self.state;
        let entry = state.shown.and_then(|id| state.project.micrograph(id));
        let (Some(entry), Some(picture)) = (entry, state.picture().cloned()) else { return };
        let (id, mask) = (entry.id, mask(entry, &picture.micrograph));
        let job = self.jobs.start_quietly("Looking for adsorbates".into(), move |_| {
            let found = adsorbates(&picture.micrograph, mask.as_deref(), size_px, threshold);
            Done::Maps(MapDone::LeftOut(id, found))
        });
        self.state.maps.leaving_out = true;
        self.replace_changing(job);
    }

    pub(super) fn on_left_out(&mut self, id: MicrographId, outlines: Vec<Outline>) {
        self.state.maps.leaving_out = false;
        let Some(entry) = self.state.project.micrograph(id) else { return };
        if outlines.is_empty() {
            let text = "Nothing stands out of the pattern that far; lower the threshold to find more.";
            return self.tell(Level::Done, text, None);
        }
        let mut changed = entry.clone();
        let name = format!("leave out {}", count(outlines.len(), "adsorbate"));
        changed.outlines.extend(outlines);
        if let Err(error) = self.state.change(name, Edit::ChangeMicrograph(changed)) {
            self.complain(&error);
        }
    }

    fn replace_changing(&mut self, job: JobId) {
        if let Some(before) = self.map_jobs.changing.replace(job) {
            self.jobs.stop(before);
        }
    }
}
