//! What the window asks the model, one question after the other.

use crate::lattice::Vector;
use crate::worker::mapping::{MapAnswer, MapQuery};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A question without an answer for so long gives way to the next: where nothing is known there is no answer.
pub const LOST: Duration = Duration::from_millis(300);

/// Questions to the model: at most one is under way, at most one waits.
#[derive(Default)]
pub struct Asking {
    wanted: Option<MapQuery>,
    asked: Option<(MapQuery, Instant)>,
    /// The last answer about a place.
    pub place: Option<Arc<MapAnswer>>,
    /// The decoder's last picture of a point of the latents.
    pub picture: Option<Arc<MapAnswer>>,
    /// Grows with every answer.
    pub answers: u64,
}

impl Asking {
    /// This is what is wanted now.
    pub fn want(&mut self, query: MapQuery) {
        self.wanted = Some(query);
    }

    /// The question to send now, if there is one and none is under way.
    pub fn next(&mut self) -> Option<MapQuery> {
        if self.asked.as_ref().is_some_and(|(_, since)| since.elapsed() < LOST) {
            return None;
        }
        let query = self.wanted.take()?;
        self.asked = Some((query.clone(), Instant::now()));
        Some(query)
    }

    /// A question waits for another one's answer.
    pub fn waits(&self) -> bool {
        self.wanted.is_some()
    }

    /// The question under way will not be answered any more: the run it went to has failed.
    pub fn lost(&mut self) {
        self.asked = None;
    }

    /// The place last pointed at, of which the answer came.
    pub fn at(&self) -> Option<Vector> {
        match self.place.as_ref()?.query {
            MapQuery::Place(at) => Some(at),
            MapQuery::Latents(_) => None,
        }
    }

    /// The model has learned: ask once more what was asked last.
    pub(super) fn again(&mut self) {
        if self.wanted.is_none() {
            self.wanted = self.place.as_ref().map(|answer| answer.query.clone());
        }
    }

    pub(super) fn answered(&mut self, answer: &MapAnswer) {
        if self.asked.as_ref().is_some_and(|(asked, _)| *asked == answer.query) {
            self.asked = None;
        }
        self.answers += 1;
        match answer.query {
            MapQuery::Place(_) => {
                // The decoder alone, without the shift, follows by itself.
                self.wanted.get_or_insert_with(|| MapQuery::Latents(answer.latents.clone()));
                self.place = Some(Arc::new(answer.clone()));
            }
            MapQuery::Latents(_) => self.picture = Some(Arc::new(answer.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(query: MapQuery) -> MapAnswer {
        let latents = vec![0.5, -1.0];
        MapAnswer { query, side: 1, window: vec![1.0], reconstruction: vec![1.0], latents, sd: vec![0.1; 2] }
    }

    #[test]
    fn one_question_is_under_way_and_only_the_newest_waits() {
        let mut asking = Asking::default();
        let place = |x: f64| MapQuery::Place([x, 0.0]);
        asking.want(place(1.0));
        assert_eq!(asking.next(), Some(place(1.0)));
        asking.want(place(2.0));
        asking.want(place(3.0));
        assert_eq!(asking.next(), None);
        asking.answered(&answer(place(1.0)));
        assert_eq!(asking.next(), Some(place(3.0)));
        asking.answered(&answer(place(3.0)));
        // The decoder at the place's latents follows by itself, and then nothing more.
        assert_eq!(asking.next(), Some(MapQuery::Latents(vec![0.5, -1.0])));
        asking.answered(&answer(MapQuery::Latents(vec![0.5, -1.0])));
        assert_eq!(asking.next(), None);
        assert_eq!(asking.at(), Some([3.0, 0.0]));
    }
}
