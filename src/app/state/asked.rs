//! What was asked of the detector and of the decoder, and what they answered.

use crate::particle::MicrographId;
use crate::particle::detect::{Detection, Settings};
use crate::worker::message::{PreviewImages, PreviewRequest};
use std::sync::Arc;

/// Particles proposed by the detector and not yet accepted.
#[derive(Default)]
pub struct Detecting {
    /// Proposals follow the sliders while this is set.
    pub live: bool,
    pub settings: Settings,
    pub running: bool,
    /// How far the search is, 0..=1.
    pub share: f32,
    /// The micrograph that `found` lies on.
    pub micrograph: Option<MicrographId>,
    pub found: Arc<[Detection]>,
    /// Those of a lower score are not shown.
    pub least: f32,
    /// The one the keyboard is at.
    pub current: Option<usize>,
    /// What resembles the labelled particles is looked for, not what the sliders say.
    pub similar: bool,
    pub problem: Option<String>,
    /// Settings, micrograph and regions changed since the last search began.
    pub stale: bool,
}

impl Detecting {
    /// Removes a proposal that became a particle; the keyboard stays before its place.
    pub fn take_out(&mut self, place: usize) {
        let mut found = self.found.to_vec();
        if place < found.len() {
            found.remove(place);
        }
        self.found = found.into();
        self.current = place.checked_sub(1).filter(|_| self.current.is_some());
        // The particle that came from it is no reason to search again.
        self.stale = false;
    }
}

/// Decoder images: what is wanted, what was asked, what came.
#[derive(Default)]
pub struct Previews {
    /// At most one request of each kind waits: the newest.
    pub wanted_manifold: Option<PreviewRequest>,
    pub wanted_image: Option<PreviewRequest>,
    pub wanted_film: Option<PreviewRequest>,
    /// The kind that is asked next: image, manifold or film.
    pub turn: usize,
    /// Sent and not come back; the worker answers only the newest, so there is never more than one.
    pub asked: Option<PreviewRequest>,
    pub manifold: Option<PreviewImages>,
    pub image: Option<PreviewImages>,
    pub film: Option<PreviewImages>,
    /// Grows when an image changes or the model has learned, so that panels ask anew.
    pub revision: u64,
}

impl Previews {
    /// A request is no longer under way, answered or not.
    pub fn came_back(&mut self, request: &PreviewRequest) {
        self.asked.take_if(|asked| asked == request);
    }
}
