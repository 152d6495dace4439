//! What the window asks the model, one question after the other.

use crate::lattice::Vector;
use crate::worker::mapping::{MapAnswer, MapQuery};
use std::sync::Arc;

/// Questions to the model: at most one is under way, at most one waits. Every one comes back, answered or not.
#[derive(Default)]
pub struct Asking {
    wanted: Option<MapQuery>,
    /// The decoder's picture that belongs to the last answer about a place; it gives way to what is wanted.
    follows: Option<MapQuery>,
    asked: Option<MapQuery>,
    /// What was wanted last.
    last: Option<MapQuery>,
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
        self.last = Some(query.clone());
        self.wanted = Some(query);
        self.follows = None;
    }

    /// The question to send now, if there is one and none is under way.
    pub fn next(&mut self) -> Option<MapQuery> {
        if self.asked.is_none() {
            self.asked = self.wanted.take().or_else(|| self.follows.take());
            return self.asked.clone();
        }
        None
    }

    /// The question under way will not come back: the run it went to has failed.
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

    /// The model has learned: the place is asked about once more. A question under way reaches the new model, too.
    pub(super) fn again(&mut self) {
        if self.wanted.is_none() && !matches!(self.asked, Some(MapQuery::Place(_))) {
            self.wanted = self.place.as_ref().map(|answer| answer.query.clone());
        }
    }

    pub(super) fn answered(&mut self, answer: &MapAnswer) {
        self.came_back(&answer.query);
        self.answers += 1;
        match answer.query {
            MapQuery::Place(_) => {
                // The decoder alone, without the shift: at the place's latents, or where a hand has put them since.
                self.follows = match (&self.wanted, &self.last) {
                    (Some(_), _) => None,
                    (None, Some(by_hand @ MapQuery::Latents(_))) => Some(by_hand.clone()),
                    (None, _) => Some(MapQuery::Latents(answer.latents.clone())),
                };
                self.place = Some(Arc::new(answer.clone()));
            }
            MapQuery::Latents(_) => self.picture = Some(Arc::new(answer.clone())),
        }
    }

    /// A question is no longer under way, answered or not.
    pub(super) fn came_back(&mut self, query: &MapQuery) {
        self.asked.take_if(|asked| asked == query);
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
    #[test]
    fn a_place_without_an_answer_holds_nothing_up_and_the_decoder_follows_the_place_that_is_shown() {
        let mut asking = Asking::default();
        let place = |x: f64| MapQuery::Place([x, 0.0]);
        asking.want(place(1.0));
        asking.next();
        asking.want(place(2.0));
        asking.came_back(&place(1.0));
        assert_eq!(asking.next(), Some(place(2.0)));
        // The model learns while its decoder draws: the place comes first, and its own picture follows.
        asking.answered(&answer(place(2.0)));
        assert!(matches!(asking.next(), Some(MapQuery::Latents(_))));
        asking.again();
        asking.answered(&answer(MapQuery::Latents(vec![0.5, -1.0])));
        assert_eq!(asking.next(), Some(place(2.0)));
        asking.again();
        asking.answered(&MapAnswer { latents: vec![0.7, 0.7], ..answer(place(2.0)) });
        assert_eq!(asking.next(), Some(MapQuery::Latents(vec![0.7, 0.7])));
        asking.answered(&answer(MapQuery::Latents(vec![0.7, 0.7])));
        assert_eq!(asking.next(), None);
    }

    #[test]
    fn latents_set_by_hand_stay_while_the_model_learns() {
        let mut asking = Asking::default();
        let by_hand = MapQuery::Latents(vec![2.0, 2.0]);
        for query in [MapQuery::Place([1.0, 0.0]), by_hand.clone()] {
            asking.want(query.clone());
            assert_eq!(asking.next(), Some(query.clone()));
            asking.answered(&answer(query));
        }
        asking.again();
        assert_eq!(asking.next(), Some(MapQuery::Place([1.0, 0.0])));
        asking.answered(&answer(MapQuery::Place([1.0, 0.0])));
        assert_eq!(asking.next(), Some(by_hand));
    }
}
