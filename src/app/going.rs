//! Work that follows from the state and not from an event: pictures to open, searches and previews to start.

use super::files::name_of;
use super::jobs::{self, Done, JobId, PageOf};
use super::state::{Opened, Small};
use super::{App, Leaving};
use crate::particle::MicrographId;
use crate::particle::detect::Contrast;
use crate::worker::message::{Command, PreviewRequest};

/// Pixels of open micrographs that are kept, bytes; the shown one is always kept.
const KEPT_BYTES: usize = 1 << 30;

impl App {
    /// Work that follows from the state, not from an event: pictures to open, searches and previews to start.
    pub(super) fn keep_going(&mut self) {
        // One after the other, so that the list has the order in which they were given.
        let free = |job: Option<JobId>| job.is_none_or(|job| !self.jobs.runs(job));
        if free(self.importing)
            && free(self.loading)
            && !matches!(self.leaving, Some(Leaving::Arrived(..)))
            && let Some(path) = self.opening.pop_front()
        {
            let job = self.jobs.start(format!("Opening {}", name_of(&path)), move |context| {
                Done::Imported(jobs::import(&path, context))
            });
            self.importing = Some(job);
        }
        self.open_pictures();
        self.search();
        self.gather();
        self.ask_preview();
        self.look_after_training();
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
        // One after the other: while a control is held the picture follows as fast as it is made.
        let renewing = self.renewing.is_some_and(|job| self.jobs.runs(job));
        let outdated = |id: &MicrographId| {
            self.state.project.micrograph(*id).is_some_and(|entry| self.state.prepared.is_outdated(entry))
        };
        let renewed = self.state.shown.filter(|id| !renewing && outdated(id));
        let next = renewed.or(shown).or_else(|| (!busy && held < KEPT_BYTES / 2).then(others).flatten());
        let Some(mut entry) = next.and_then(|id| self.state.project.micrograph(id)).cloned() else {
            if !busy {
                self.make_small();
            }
            return;
        };
        if held > KEPT_BYTES {
            let shown = self.state.shown;
            self.state
                .pictures
                .retain(|id, opened| Some(*id) == shown || !matches!(opened, Opened::Ready(_)));
        }
        let id = entry.id;
        entry.steps = self.state.prepared.steps(&entry).to_vec();
        let preparation = entry.preparation();
        if renewed.is_none() {
            self.state.pictures.insert(id, Opened::Loading);
        }
        let name = format!("Opening {}", entry.file_name());
        let work = move |_: &jobs::Context| Done::Picture {
            id,
            of: PageOf::entry(&entry),
            picture: jobs::open(&entry),
            preparation,
        };
        if renewed.is_some() {
            self.renewing = Some(self.jobs.start(name, work));
        } else {
            self.jobs.start(name, work);
        }
    }

    /// Makes the small copy that the list lacks, if it lacks one.
    fn make_small(&mut self) {
        let Some(id) = self.state.prepared.wanted else { return };
        let Some(entry) = self.state.project.micrograph(id).cloned() else { return };
        if self.making_small.is_some_and(|job| self.jobs.runs(job)) {
            return;
        }
        let open = self.state.as_it_is(id);
        let job = self.jobs.start_quietly(format!("Opening {}", entry.file_name()), move |_| {
            let picture = open.map_or_else(|| jobs::open(&entry), Ok);
            // What is wrong with it is told when it is shown.
            let small = picture.ok().map(|picture| Small::of(&picture));
            Done::Small { id, of: PageOf::entry(&entry), preparation: entry.preparation(), small }
        });
        self.making_small = Some(job);
    }

    /// Starts a search when the sliders moved; one that is out of date is stopped.
    fn search(&mut self) {
        let shown = self.state.shown;
        let detection = &mut self.state.detection;
        if detection.micrograph.is_some() && detection.micrograph != shown {
            // Nobody accepts what is out of sight.
            detection.found = Vec::new().into();
            (detection.micrograph, detection.current) = (None, None);
        }
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
        (detection.stale, detection.running) = (false, true);
        let mut settings = detection.settings.clone();
        settings.contrast = match entry.bright {
            None => Contrast::Auto,
            Some(true) => Contrast::Bright,
            Some(false) => Contrast::Dark,
        };
        if detection.similar {
            let examples = self.state.examples();
            let seen = examples.into_iter().filter_map(|(id, of)| {
                let entry = self.state.project.micrograph(id)?.clone();
                Some(jobs::Seen { open: self.state.as_it_is(id), entry, of })
            });
            let seen: Vec<jobs::Seen> = seen.collect();
            let job = self.jobs.start_quietly("Searching what is similar".into(), move |context| {
                let found = jobs::search_similar(&picture, &entry, seen, context);
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

    /// Makes the table of what is known anew when it is out of date, one at a time: what comes meanwhile is in the next.
    fn gather(&mut self) {
        if self.state.results.is_none()
            && let Some(job) = self.gathering.take()
        {
            self.jobs.stop(job);
        }
        if self.gathering.is_some_and(|job| self.jobs.runs(job)) {
            return;
        }
        self.gathering = self.layout.gather(&self.state).map(|gather| {
            self.jobs.start_quietly("Gathering what is known".into(), move |job| {
                Done::Gathered(gather.run(&|gathered| job.tell(Done::Gathered(gathered))))
            })
        });
    }

    /// Sends the next preview request once the one before has come back, answered or not.
    fn ask_preview(&mut self) {
        let previews = &mut self.state.previews;
        if previews.asked.is_some() {
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
            previews.asked = Some(request.clone());
            self.worker.send(Command::Preview(request));
        }
    }
}
