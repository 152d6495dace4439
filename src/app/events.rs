//! What arrives from the worker and from the jobs, and what follows from it.

use super::App;
use super::files::name_of;
use super::models::Arrived;
use super::run::{Results, stamp};
use super::state::Level;
use crate::particle::patch::PatchSet;
use crate::particle::{ClassId, Prediction};
use crate::worker::mapping::MapEvent;
use crate::worker::message::{Command, Event, PreviewImages, PreviewRequest};
use crate::worker::models::STATE;
use std::sync::Arc;

/// What went wrong, without the area of work that an error names first.
fn without_area(message: &str) -> &str {
    message.strip_prefix("training: ").unwrap_or(message)
}

fn as_sentence(message: &str) -> String {
    let text = without_area(message);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl App {
    /// Takes everything that has arrived.
    pub(super) fn drain(&mut self, ctx: &egui::Context) {
        let events: Vec<Event> = self.worker.events().try_iter().collect();
        for event in events {
            self.on_event(event);
        }
        for done in self.jobs.drain() {
            self.on_done(ctx, done);
        }
    }

    fn on_event(&mut self, event: Event) {
        // Spectra belong to no project: what is told of them counts, whatever has been left.
        if let Event::Spectra(event) = event {
            return self.on_spectra_event(event);
        }
        if self.is_of_a_project_left(&event) {
            return;
        }
        if self.left_runs > 0 {
            let last = matches!(
                event,
                Event::Finished { .. }
                    | Event::Failed { .. }
                    | Event::Map(MapEvent::Finished(_) | MapEvent::Stopped | MapEvent::Failed { .. })
            );
            if last {
                self.left_runs -= 1;
                return;
            }
            if !matches!(
                event,
                Event::Device { .. }
                    | Event::Saved(_)
                    | Event::Loaded { .. }
                    | Event::Preview(_)
                    | Event::NoPreview(_)
            ) {
                return;
            }
        }
        let was_active = self.state.training.phase.is_active();
        if self.concerns_maps(&event) {
            return self.on_map_event(event);
        }
        self.state.training.take(&event);
        match event {
            Event::Progress(progress) if progress.loss.is_some() => {
                self.state.previews.revision = stamp();
                self.write_state_now_and_then();
            }
            Event::Predictions { patches, predictions, .. } => self.on_predictions(&patches, predictions),
            Event::Preview(images) => self.on_preview(images),
            Event::NoPreview(request) => self.state.previews.came_back(&request),
            Event::Loaded { from, classes, latent, geometry, epochs, lineage, .. } => {
                self.on_loaded(&from, Arrived { classes, latent, geometry, epochs, lineage });
            }
            Event::Relabelled { epoch, afresh } => self.on_relabelled(epoch, afresh),
            Event::Saved(path) if self.is_state(&path) => self.look_for_stopped(),
            Event::Saved(path) if self.is_kept(&path) => self.on_kept(&path),
            Event::Saved(path) if self.export_model() == Some(path.as_path()) => self.write_export(),
            // The training of a project that was left.
            Event::Saved(path) if path.extension().is_some_and(|end| end == STATE) => {}
            Event::Saved(path) => self.tell(Level::Done, format!("Model saved as {}", name_of(&path)), None),
            Event::Paused => self.write_state(),
            Event::Finished { .. } => {
                self.state.previews.revision = stamp();
                self.on_finished();
            }
            Event::Failed { message, details } => {
                self.nothing_comes_back();
                self.learning = None;
                self.cancel_export();
                // While training the pane says it, in full; a toast points there.
                let message = match was_active {
                    true => format!("Training failed: {}", without_area(&message)),
                    false => as_sentence(&message),
                };
                self.tell(Level::Error, message, Some(details).filter(|details| !details.is_empty()));
            }
            Event::Refused { message } => {
                self.nothing_comes_back();
                self.learning = None;
                self.cancel_export();
                self.tell(Level::Error, as_sentence(&message), None);
            }
            _ => {}
        }
    }

    /// A computation has failed, and with it perhaps a question that was under way.
    fn nothing_comes_back(&mut self) {
        self.state.previews.asked = None;
        self.state.maps.asking.lost();
    }

    /// True for what the worker told of a project before it forgot it.
    fn is_of_a_project_left(&mut self, event: &Event) -> bool {
        if matches!(event, Event::Forgotten) {
            self.forgetting = self.forgetting.saturating_sub(1);
        }
        let of_a_project = matches!(
            event,
            Event::Folds(_)
                | Event::Checked(_)
                | Event::Loaded { .. }
                | Event::Predictions { .. }
                | Event::Relabelled { .. }
                | Event::Preview(_)
                | Event::NoPreview(_)
        );
        of_a_project && self.forgetting > 0
    }

    fn on_map_event(&mut self, event: Event) {
        self.state.maps.take(&event);
        match event {
            Event::Map(MapEvent::Failed { message, details }) => {
                self.nothing_comes_back();
                let details = Some(details).filter(|details| !details.is_empty());
                // A choice that is due is said at the left, calmly.
                if !self.state.maps.is_undecided(self.state.shown) {
                    self.tell(Level::Error, format!("The map run failed: {message}"), details);
                }
            }
            // The worker has told what computes before it planned.
            Event::Map(MapEvent::Planned(_)) => {
                self.state.maps.device.clone_from(&self.state.training.device);
            }
            Event::Map(MapEvent::Saved(path)) => self.on_map_model(&path),
            Event::Map(MapEvent::NotSaved(why)) => self.on_no_map_model(&why),
            Event::Map(MapEvent::Finished(summary)) => {
                let text = format!("The maps are done after {:.1} s.", summary.seconds);
                self.tell(Level::Done, text, None);
            }
            _ => {}
        }
    }

    fn on_predictions(&mut self, patches: &PatchSet, predictions: Arc<[Prediction]>) {
        if let Some(export) = &mut self.export
            && export.take_predictions(patches, &predictions)
        {
            self.worker.send(Command::Save(export.model.clone()));
        }
        let Some(dataset) = &self.state.training.dataset else { return };
        // Particles may have come and gone since: what was found about other patches is not theirs.
        if !dataset.patches.is_same_cut(patches) {
            return;
        }
        let before = self.state.results.as_ref();
        let ids = match before {
            Some(before) if before.ids.len() == dataset.ids.len() && *before.ids == *dataset.ids => {
                before.ids.clone()
            }
            _ => dataset.ids.clone().into(),
        };
        let classes = self.model_classes();
        self.state.results = Some(Results::new(ids, classes, predictions, before));
        self.state.previews.revision = stamp();
    }

    fn model_classes(&self) -> Vec<Option<ClassId>> {
        let model = self.state.training.model.as_ref();
        model.map(|model| model.classes.iter().map(|(id, _)| *id).collect()).unwrap_or_default()
    }

    fn on_preview(&mut self, images: PreviewImages) {
        let previews = &mut self.state.previews;
        previews.came_back(&images.request);
        match images.request {
            PreviewRequest::Manifold { .. } => previews.manifold = Some(images),
            PreviewRequest::At { .. } => previews.image = Some(images),
            PreviewRequest::Film { .. } => previews.film = Some(images),
        }
    }
}
