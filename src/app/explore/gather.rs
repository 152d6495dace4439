//! The table and the dots, made beside the window: for 100,000 particles they take longer than a frame.

use super::super::state::State;
use super::super::theme::{self, Marker};
use super::cloud::{self, ColourBy, Dot};
use super::data::{Data, Key, Known, Sources, key};
use crate::review::Variable;
use egui::Color32;
use egui_plot::PlotBounds;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The axes and the colours of a scatter.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub x: Variable,
    pub y: Variable,
    pub colour: ColourBy,
}

impl Default for Look {
    fn default() -> Self {
        Self { x: Variable::Latent(0), y: Variable::Latent(1), colour: ColourBy::Class }
    }
}

/// Colour and marker of each class, by name.
#[derive(Clone, Default)]
pub struct Palette(BTreeMap<String, (Color32, Marker)>);

impl Palette {
    pub fn of(state: &State) -> Self {
        let entry = |class: &crate::particle::Class| {
            (class.name.clone(), (theme::colour(class), Marker::of(class.id)))
        };
        Self(state.project.classes.iter().map(entry).collect())
    }

    /// Grey discs stand for what has no class, or one that is gone.
    pub fn look(&self, name: Option<&str>) -> (Color32, Marker) {
        name.and_then(|name| self.0.get(name)).copied().unwrap_or((Color32::GRAY, Marker::Circle))
    }
}

/// The dots of a table.
#[derive(Clone, Default)]
pub struct Scatter {
    pub look: Look,
    /// The revision of the predictions it shows.
    pub revision: u64,
    pub dots: Arc<Vec<Dot>>,
    pub bounds: Option<PlotBounds>,
    /// The values of the end colours, where colours say a number.
    pub ends: Option<(f64, f64)>,
}

/// Work for a thread of its own.
pub struct Gather {
    from: From,
    look: Look,
    palette: Palette,
    /// What is out of date: to free so many rows takes a while, too.
    spent: Option<Arc<Known>>,
}

enum From {
    /// Predictions, labels or measurements have changed.
    Sources(Box<Sources>),
    /// Only other axes or colours are wanted.
    Known(Arc<Known>),
}

/// What became of it.
pub struct Gathered {
    pub known: Arc<Known>,
    pub scatter: Scatter,
}

impl Gather {
    pub fn run(self) -> Gathered {
        let known = match self.from {
            From::Sources(sources) => Arc::new(sources.known()),
            From::Known(known) => known,
        };
        let scatter = cloud::scatter(&known, &self.palette, &self.look);
        drop(self.spent);
        Gathered { known, scatter }
    }
}

/// What was asked for last, so that nothing is made twice, and what is to be thrown away.
#[derive(Default)]
pub struct Gathering {
    asked: Option<(Key, Look)>,
    spent: Option<Arc<Known>>,
}

impl Gathering {
    /// What is to be made now, if what is there is out of date.
    pub fn next(&mut self, state: &State, data: &Data, look: &Look) -> Option<Gather> {
        let Some(of) = key(state) else {
            // The next model's first results are as new as this one's were.
            self.asked = None;
            return None;
        };
        let wanted = (of, look.clone());
        if self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        let from = match data.known().filter(|known| known.of == wanted.0) {
            Some(known) => From::Known(known.clone()),
            None => From::Sources(Box::new(Sources::of(state)?)),
        };
        self.asked = Some(wanted);
        let palette = Palette::of(state);
        Some(Gather { from, look: look.clone(), palette, spent: self.spent.take() })
    }

    /// Whether other axes or colours are wanted than were asked for.
    pub fn lags(&self, look: &Look) -> bool {
        self.asked.as_ref().is_some_and(|(_, asked)| asked != look)
    }

    /// What the window no longer shows.
    pub fn clear_away(&mut self, known: Option<Arc<Known>>) {
        self.spent = known;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::run::{Model, Results};
    use crate::particle::{ParticleId, Prediction};

    fn state(revision: u64) -> State {
        let prediction = Prediction {
            probabilities: vec![1.0],
            angle_rad: 0.0,
            shift_px: [0.0; 2],
            scale: 1.0,
            mu: vec![0.5, revision as f32],
            sigma: vec![1.0; 2],
            recon_error: 0.0,
        };
        let mut state = State::default();
        let entry = crate::project::MicrographEntry::new("/a.png", 0, 100, 80, None, "00");
        let (micrograph, edit) = state.project.add_micrograph_edit(entry);
        state.change("add micrograph", edit).unwrap();
        let (id, edit) = state.project.add_particle_edit(micrograph, 5.0, 6.0, None);
        state.change("add particle", edit).unwrap();
        state.training.model = Some(Model { classes: vec![(None, "rod".into())], latent: 2 });
        let ids: Arc<[ParticleId]> = vec![id].into();
        for _ in 0..revision {
            let before = state.results.take();
            let predictions = vec![prediction.clone()].into();
            state.results = Some(Results::new(ids.clone(), vec![None], predictions, before.as_ref()));
        }
        state
    }

    #[test]
    fn newer_results_replace_older_ones_and_nothing_is_made_twice() {
        let (mut gathering, mut data, look) = (Gathering::default(), Data::default(), Look::default());
        assert!(gathering.next(&State::default(), &data, &look).is_none(), "nothing is known yet");
        let first = gathering.next(&state(1), &data, &look).unwrap();
        assert!(gathering.next(&state(1), &data, &look).is_none(), "it is under way");
        let made = first.run();
        assert_eq!((made.scatter.revision, made.scatter.dots[0].at), (1, [0.5, 1.0]));
        gathering.clear_away(data.take(made.known));
        let newer = state(2);
        let made = gathering.next(&newer, &data, &look).unwrap().run();
        assert_eq!(made.scatter.dots[0].at, [0.5, 2.0]);
        let table = made.known.table.clone();
        gathering.clear_away(data.take(made.known));
        // Other axes need no new table.
        let turned = Look { x: Variable::Latent(1), ..look };
        assert!(gathering.lags(&turned));
        let made = gathering.next(&newer, &data, &turned).unwrap().run();
        assert!(Arc::ptr_eq(&made.known.table, &table));
        assert_eq!(made.scatter.dots[0].at, [2.0, 2.0]);
    }
}
