//! Work that follows from the state and not from an event: pictures to open, searches and previews to start.

use super::App;
use super::files::name_of;
use super::jobs::{self, Done, JobId};
use super::state::Opened;
use crate::particle::detect::Contrast;
use crate::worker::message::{Command, PreviewRequest};
use std::time::{Duration, Instant};

/// Pixels of open micrographs that are kept, bytes; the shown one is always kept.
const KEPT_BYTES: usize = 1 << 30;
/// A preview not answered for so long is asked again.
const LOST: Duration = Duration::from_secs(5);

impl App {
    /// Work that follows from the state, not from an event: pictures to open, searches and previews to start.
    pub(super) fn keep_going(&mut self) {
        // One after the other, so that the list has the order in which they were given.
        let free = |job: Option<JobId>| job.is_none_or(|job| !self.jobs.runs(job));
        if free(self.importing)
            && free(self.loading)
            && let Some(path) = self.opening.pop_front()
        {
            let job = self.jobs.start(format!("Opening {}", name_of(&path)), move |context| {
                Done::Imported(jobs::import(&path, context))
            });
            self.importing = Some(job);
        }
        self.open_pictures();
        self.search();
        self.ask_preview();
        self.tidy_maps();
        self.follow_maps();
    }

    /// Opens the shown micrograph first, then the others for their thumbnails while there is room.
    fn open_pictures(&mut self) {
        let held: usize = self
            .state
            .pictures
            .values()
            .map(|opened| if let Opened::Ready(picture) = opened { picture.bytes() } else { 0 })
            .sum();
        let busy = self.state.pictures.values().any(|opened| matches!(opened, Opened::Loading));
        let shown = self.state.shown.filter(|id| !self.state.pictures.contains_key(id));
        let others = || {
            self.state
                .project
                .micrographs
                .iter()
                .map(|e| e.id)
                .find(|id| !self.state.pictures.contains_key(id))
        };
        let renewed = self.state.shown.filter(|id| self.state.outdated.remove(id));
        let next = renewed.or(shown).or_else(|| (!busy && held < KEPT_BYTES / 2).then(others).flatten());
        let Some(entry) = next.and_then(|id| self.state.project.micrograph(id)).cloned() else { return };
        if held > KEPT_BYTES {
            self.state
                .pictures
                .retain(|id, opened| Some(*id) == shown || !matches!(opened, Opened::Ready(_)));
        }
        let id = entry.id;
        let preparation = entry.preparation();
        self.state.prepared.insert(id, preparation.clone());
        if renewed.is_none() {
            self.state.pictures.insert(id, Opened::Loading);
        }
        self.jobs.start(format!("Opening {}", entry.file_name()), move |_| Done::Picture {
            id,
            picture: jobs::open(&entry),
            preparation,
        });
    }

    /// Starts a search when the sliders moved; one that is out of date is stopped.
    fn search(&mut self) {
        if !self.state.detection.live || !self.state.detection.stale {
            return;
        }
        let Some(entry) = self.state.shown.and_then(|id| self.state.project.micrograph(id)).cloned() else {
            return;
        };
        let Some(picture) = self.state.picture().cloned() else { return };
        if let Some(job) = self.detecting.take() {
            self.jobs.stop(job);
        }
        let detection = &mut self.state.detection;
        if detection.micrograph != Some(entry.id) {
            detection.found = Vec::new().into();
        }
        (detection.stale, detection.running) = (false, true);
        let mut settings = detection.settings.clone();
        settings.contrast = match entry.bright {
            None => Contrast::Auto,
            Some(true) => Contrast::Bright,
            Some(false) => Contrast::Dark,
        };
        if detection.similar {
            let examples = self.state.examples();
            let job = self.jobs.start_quietly("Searching what is similar".into(), move |context| {
                let (micrograph, excluded) = (&picture.micrograph, entry.excluded_regions());
                let found = jobs::search_similar(micrograph, &excluded, &examples, context);
                Done::Detected { micrograph: entry.id, found }
            });
            self.detecting = Some(job);
            return;
        }
        let job = self.jobs.start_quietly("Searching particles".into(), move |context| {
            let mut micrograph = picture.micrograph.clone();
            // The user may know the scale better than the file.
            micrograph.pixel_size = entry.pixel_size;
            let found = jobs::search(&micrograph, &entry.excluded_regions(), &settings, context);
            Done::Detected { micrograph: entry.id, found }
        });
        self.detecting = Some(job);
    }

    /// Sends the next preview request; the worker answers only the newest, so one waits for the other.
    fn ask_preview(&mut self) {
        let previews = &mut self.state.previews;
        if previews.asked.as_ref().is_some_and(|(_, since)| since.elapsed() < LOST) {
            return;
        }
        // In turns: while the model learns fast, each is wanted again before the others were drawn.
        let mut turns =
            [&mut previews.wanted_image, &mut previews.wanted_manifold, &mut previews.wanted_film];
        turns.rotate_left(previews.turn % 3);
        if let Some(request) = turns.into_iter().find_map(Option::take) {
            previews.turn = match request {
                PreviewRequest::At { .. } => 1,
                PreviewRequest::Manifold { .. } => 2,
                PreviewRequest::Film { .. } => 0,
            };
            previews.asked = Some((request.clone(), Instant::now()));
            self.worker.send(Command::Preview(request));
        }
    }
}
