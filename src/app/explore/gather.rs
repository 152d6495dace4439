//! The table and the dots, made beside the window: for 100,000 particles they take longer than a frame.

use super::super::state::State;
use super::super::theme::{self, Marker};
use super::cloud::{self, Dot};
use super::data::{Data, Key, Known, Sources, key};
use super::paint::ColourBy;
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

impl Look {
    /// It shows what is known only when the whole table is.
    fn needs_all(&self) -> bool {
        let colour = if let ColourBy::Value(variable) = &self.colour { Some(variable) } else { None };
        [Some(&self.x), Some(&self.y), colour].into_iter().flatten().any(|v| matches!(v, Variable::Map(_)))
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
    spent: Vec<Arc<Known>>,
}

enum From {
    /// Predictions, labels or measurements have changed.
    Sources(Box<Sources>),
    /// Only other axes or colours are wanted.
    Known(Arc<Known>),
}

/// What became of it. What is seen at once comes first; what the table says as a whole may come after it.
#[derive(Clone)]
pub struct Gathered {
    pub known: Arc<Known>,
    pub scatter: Scatter,
}

impl Gather {
    /// Makes it, and tells of what is there before the rest is.
    pub fn run(self, tell: &dyn Fn(Gathered)) -> Gathered {
        let scatter = |known: &Known| cloud::scatter(known, &self.palette, &self.look);
        let gathered = match self.from {
            From::Known(known) => Gathered { scatter: scatter(&known), known },
            From::Sources(sources) => {
                let first = Arc::new(sources.known());
                if self.look.needs_all() {
                    let known = Arc::new(first.understood());
                    Gathered { scatter: scatter(&known), known }
                } else {
                    let scatter = scatter(&first);
                    tell(Gathered { known: first.clone(), scatter: scatter.clone() });
                    Gathered { known: Arc::new(first.understood()), scatter }
                }
            }
        };
        drop(self.spent);
        gathered
    }
}

/// What was asked for last, so that nothing is made twice, and what is to be thrown away.
#[derive(Default)]
pub struct Gathering {
    asked: Option<(Key, Look)>,
    spent: Vec<Arc<Known>>,
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
            None => From::Sources(Box::new(Sources::of(state, data.known())?)),
        };
        self.asked = Some(wanted);
        let palette = Palette::of(state);
        Some(Gather { from, look: look.clone(), palette, spent: std::mem::take(&mut self.spent) })
    }

    /// Whether other axes or colours are wanted than were asked for.
    pub fn lags(&self, look: &Look) -> bool {
        self.asked.as_ref().is_some_and(|(_, asked)| asked != look)
    }

    /// What the window no longer shows.
    pub fn clear_away(&mut self, known: Option<Arc<Known>>) {
        self.spent.extend(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::run::{Model, Results};
    use crate::particle::ParticleId;
    use crate::review::fixture;
    use std::cell::RefCell;

    /// Twenty particles that the model has said something of.
    fn state() -> State {
        let mut state = State::default();
        let entry = crate::project::MicrographEntry::new("/a.png", 0, 100, 80, None, "00");
        let (micrograph, edit) = state.project.add_micrograph_edit(entry);
        state.change("add micrograph", edit).unwrap();
        let add = |n: usize| {
            let (id, edit) = state.project.add_particle_edit(micrograph, 5.0 + n as f32, 6.0, None);
            state.change("add particle", edit).unwrap();
            id
        };
        let ids: Arc<[ParticleId]> = (0..20).map(add).collect();
        state.training.model = Some(Model { classes: vec![(None, "rod".into())], latent: 3, geometry: None });
        say(&mut state, ids, 1.0);
        state
    }

    /// The model says something new.
    fn say(state: &mut State, ids: Arc<[ParticleId]>, high: f32) {
        let predictions =
            (0..ids.len()).map(|n| fixture::prediction(&[1.0], &[0.5, high, n as f32 * high])).collect();
        let before = state.results.take();
        state.results = Some(Results::new(ids.clone(), vec![None; ids.len()], predictions, before.as_ref()));
    }

    fn say_again(state: &mut State, high: f32) {
        let ids = state.results.as_ref().unwrap().ids.clone();
        say(state, ids, high);
    }

    /// All that comes of a job, one after the other.
    fn all(gather: Gather) -> Vec<Gathered> {
        let told = RefCell::new(Vec::new());
        let last = gather.run(&|gathered| told.borrow_mut().push(gathered));
        told.into_inner().into_iter().chain([last]).collect()
    }

    #[test]
    fn newer_results_replace_older_ones_and_nothing_is_made_twice() {
        let (mut gathering, mut data, look) = (Gathering::default(), Data::default(), Look::default());
        assert!(gathering.next(&State::default(), &data, &look).is_none(), "nothing is known yet");
        let mut state = state();
        let first = gathering.next(&state, &data, &look).unwrap();
        assert!(gathering.next(&state, &data, &look).is_none(), "it is under way");
        let made = all(first);
        let arrival = state.results.as_ref().unwrap().revision;
        assert_eq!((made[0].scatter.revision, made[0].scatter.dots[0].at), (arrival, [0.5, 1.0]));
        for gathered in made {
            gathering.clear_away(data.take(gathered.known));
        }
        say_again(&mut state, 2.0);
        let made = all(gathering.next(&state, &data, &look).unwrap()).pop().unwrap();
        assert_eq!(made.scatter.dots[0].at, [0.5, 2.0]);
        let table = made.known.table.clone();
        gathering.clear_away(data.take(made.known));
        // Other axes need no new table.
        let turned = Look { x: Variable::Latent(1), ..look };
        assert!(gathering.lags(&turned));
        let made = all(gathering.next(&state, &data, &turned).unwrap()).pop().unwrap();
        assert!(Arc::ptr_eq(&made.known.table, &table));
        assert_eq!(made.scatter.dots[0].at, [2.0, 2.0]);
    }

    #[test]
    fn the_dots_come_before_what_the_table_says_as_a_whole() {
        let (mut gathering, mut data, look) = (Gathering::default(), Data::default(), Look::default());
        let mut state = state();
        let third = |known: &Arc<Known>, data: &mut Data| {
            data.take(known.clone());
            data.ranges(0).map(|ranges| ranges.latents[2][1])
        };
        let made = all(gathering.next(&state, &data, &look).unwrap());
        let said: Vec<Option<f32>> = made.iter().map(|g| third(&g.known, &mut data)).collect();
        assert_eq!(said, [None, Some(19.0)]);
        let rows = made[0].known.table.rows.clone();
        say_again(&mut state, 2.0);
        let made = all(gathering.next(&state, &data, &look).unwrap());
        let said: Vec<Option<f32>> = made.iter().map(|g| third(&g.known, &mut data)).collect();
        assert_eq!(said, [Some(19.0), Some(38.0)], "until it is found out again, the old one stands");
        let same = |g: &Gathered| Arc::ptr_eq(&g.known.table.rows, &rows);
        assert!(made.iter().all(same), "only the predictions are others");
        assert!(made.iter().all(|g| g.scatter.dots[0].at == [0.5, 2.0]));
        // The axes of all latents are known when the whole table is.
        let mapped = Look { x: Variable::Map(0), ..look };
        say_again(&mut state, 3.0);
        assert_eq!(all(gathering.next(&state, &data, &mapped).unwrap()).len(), 1);
        // A changed project means other rows.
        let id = state.results.as_ref().unwrap().ids[0];
        state.change("delete", crate::project::edit::Edit::RemoveParticles(vec![id])).unwrap();
        let made = all(gathering.next(&state, &data, &Look::default()).unwrap());
        assert_eq!(made[1].scatter.dots.len(), 19);
    }
}
