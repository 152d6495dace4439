//! The particles over the picture: outlines in the shape and colour of their class, dots where there are many.

use super::state::State;
use super::theme::{self, Marker, UNDERLINE};
use super::tiles::Placement;
use crate::particle::{ClassId, MicrographId, Particle, ParticleId};
use crate::project::MicrographEntry;
use egui::{Color32, Mesh, Painter, Pos2, Rect, Shape, Stroke, vec2};
use std::collections::BTreeSet;
use std::sync::Arc;

/// More markers than this on screen are drawn as plain dots, in one mesh.
pub const MOST_OUTLINES: usize = 1500;
/// More selected particles than this have no ring each when they are dots.
const MOST_RINGS: usize = 200;
/// Changes of so many particles are taken over one by one.
const FEW: usize = 64;
/// New predictions are taken over for so many particles a frame: for 100,000 at once it would take several.
const SLICE: usize = 8000;
/// Smallest radius of a marker, points.
const LEAST_RADIUS: f32 = 4.5;

/// A particle as it is drawn.
#[derive(Debug, PartialEq)]
struct Mark {
    id: ParticleId,
    x: f32,
    y: f32,
    /// Micrograph pixels.
    radius: f32,
    look: Look,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Look {
    Labelled {
        class: ClassId,
        colour: Color32,
        held_out: bool,
    },
    /// `truth` is the colour of a held-out label.
    Predicted {
        class: ClassId,
        colour: Color32,
        probability: f32,
        truth: Option<Color32>,
    },
    Unknown,
}

/// The marks of the shown micrograph, made anew only when something changed.
#[derive(Default)]
pub struct Marks {
    /// Micrograph, and the revisions of project and predictions.
    of: Option<(MicrographId, u64, u64)>,
    /// By identifier.
    marks: Vec<Mark>,
    /// The first particle whose prediction has changed and is not taken over.
    behind: Option<ParticleId>,
    /// The dots of the last frame, which are those of the next one if nothing moved.
    dots: Option<Dots>,
}

struct Dots {
    place: Placement,
    seen: Rect,
    /// Shown as such in the mesh; empty if each has a ring.
    selection: BTreeSet<ParticleId>,
    mesh: Arc<Mesh>,
}

impl Marks {
    /// Brings the marks up to date with project and predictions.
    pub fn refresh(&mut self, state: &State, entry: &MicrographEntry) {
        let results = state.results.as_ref().map_or(0, |results| results.revision);
        let before = self.of.replace((entry.id, state.revision, results));
        let same_project =
            before.is_some_and(|(id, revision, _)| (id, revision) == (entry.id, state.revision));
        if same_project && before != self.of {
            self.behind = Some(ParticleId(0));
        } else if before == self.of && self.behind.is_none() {
            return;
        }
        let extent = state.project.patch.extent_on(entry.pixel_size.map(|size| size.x_nm));
        if same_project {
            return self.catch_up(state, entry, extent as f32);
        }
        self.dots = None;
        let changed = &state.changed;
        let since = changed.revision == state.revision
            && before == Some((entry.id, state.revision.wrapping_sub(1), results));
        if since && changed.alone && changed.particles.len() <= FEW {
            for id in &changed.particles {
                let particle = state.project.particle(*id).filter(|p| p.micrograph == entry.id);
                self.renew(*id, particle.and_then(|particle| Mark::new(state, particle, extent as f32)));
            }
            return;
        }
        self.behind = None;
        let particles = state.project.particles_on(entry.id);
        self.marks = particles.filter_map(|particle| Mark::new(state, particle, extent as f32)).collect();
    }

    /// Takes over what is new of the next particles.
    fn catch_up(&mut self, state: &State, entry: &MicrographEntry, extent: f32) {
        let Some(first) = self.behind else { return };
        let mut rest = state.project.particles.range(first..).map(|(_, particle)| particle);
        for particle in rest.by_ref().take(SLICE).filter(|particle| particle.micrograph == entry.id) {
            self.renew(particle.id, Mark::new(state, particle, extent));
        }
        self.behind = rest.next().map(|particle| particle.id);
        if self.behind.is_none() {
            // The dots of before stand until then.
            self.dots = None;
        }
    }

    /// True while there is more to take over: the next frame should come soon.
    pub fn is_behind(&self) -> bool {
        self.behind.is_some()
    }

    /// Puts a mark in the place of the one that a particle had, if it had one and has one now.
    fn renew(&mut self, id: ParticleId, mark: Option<Mark>) {
        match (self.marks.binary_search_by_key(&id, |mark| mark.id), mark) {
            (Ok(place), Some(mark)) => self.marks[place] = mark,
            (Ok(place), None) => {
                self.marks.remove(place);
            }
            (Err(place), Some(mark)) => self.marks.insert(place, mark),
            (Err(_), None) => {}
        }
    }

    /// Draws what is on screen; `under` is the particle under the pointer.
    pub fn paint(&mut self, painter: &Painter, place: Placement, state: &State, under: Option<ParticleId>) {
        let seen = painter.clip_rect().expand(20.0);
        let many = state.selection.len() > MOST_RINGS;
        let same = |dots: &&Dots| {
            let selected = if many { dots.selection == state.selection } else { dots.selection.is_empty() };
            dots.place == place && dots.seen == seen && selected
        };
        let known = self.dots.as_ref().filter(same).map(|dots| dots.mesh.clone());
        let visible: Vec<(&Mark, Pos2)> = if known.is_some() {
            Vec::new()
        } else {
            let placed = self.marks.iter().map(|mark| (mark, place.to_screen(mark.x, mark.y)));
            placed.filter(|(_, at)| seen.contains(*at)).collect()
        };
        if known.is_none() && visible.len() <= MOST_OUTLINES {
            let mut shapes = Vec::with_capacity(visible.len() * 3);
            for (mark, at) in &visible {
                mark.outline(*at, place.zoom, &mut shapes);
            }
            painter.extend(shapes);
            for (mark, at) in visible.iter().filter(|(mark, _)| state.selection.contains(&mark.id)) {
                mark.ring(painter, *at, place.zoom);
            }
        } else {
            let mesh = known.unwrap_or_else(|| {
                let selection = if many { state.selection.clone() } else { BTreeSet::new() };
                let mesh = Arc::new(dots(&visible, &selection));
                self.dots = Some(Dots { place, seen, selection, mesh: mesh.clone() });
                mesh
            });
            painter.add(mesh);
            if !many {
                for mark in state.selection.iter().filter_map(|id| self.mark(*id)) {
                    mark.ring(painter, place.to_screen(mark.x, mark.y), place.zoom);
                }
            }
        }
        if let Some(mark) = under.filter(|id| !state.selection.contains(id)).and_then(|id| self.mark(id)) {
            let radius = mark.on_screen(place.zoom) + 4.0;
            let stroke = Stroke::new(1.0, Color32::from_white_alpha(160));
            painter.circle_stroke(place.to_screen(mark.x, mark.y), radius, stroke);
        }
    }

    fn mark(&self, id: ParticleId) -> Option<&Mark> {
        let place = self.marks.binary_search_by_key(&id, |mark| mark.id).ok()?;
        self.marks.get(place)
    }
}

impl Mark {
    /// Nothing for a particle that is not to be seen; `extent` is the side of a patch in micrograph pixels.
    fn new(state: &State, particle: &Particle, extent: f32) -> Option<Self> {
        if state.is_hidden(particle) {
            return None;
        }
        let radius = particle.diameter.unwrap_or(extent * 0.4) / 2.0;
        let coloured = |id: ClassId| state.project.class(id).map(|class| (id, theme::colour(class)));
        let predicted = || {
            let results = state.results.as_ref()?;
            let (class, probability) = results.best(results.of(particle.id)?);
            let (class, colour) = coloured(class?)?;
            Some((class, colour, probability))
        };
        let labelled = particle.label.and_then(coloured);
        let look = match (labelled, predicted()) {
            // A held-out label judges the prediction, so both are shown.
            (Some((_, truth)), Some((class, colour, probability))) if particle.held_out => {
                Look::Predicted { class, colour, probability, truth: Some(truth) }
            }
            (Some((class, colour)), _) => Look::Labelled { class, colour, held_out: particle.held_out },
            (None, Some((class, colour, probability))) => {
                Look::Predicted { class, colour, probability, truth: None }
            }
            (None, None) => Look::Unknown,
        };
        Some(Self { id: particle.id, x: particle.x, y: particle.y, radius, look })
    }

    /// Round a selected one.
    fn ring(&self, painter: &Painter, at: Pos2, zoom: f32) {
        let radius = self.on_screen(zoom) + 4.0;
        painter.circle_stroke(at, radius, Stroke::new(4.0, UNDERLINE));
        painter.circle_stroke(at, radius, Stroke::new(2.0, Color32::WHITE));
    }

    fn on_screen(&self, zoom: f32) -> f32 {
        (self.radius * zoom).max(LEAST_RADIUS)
    }

    fn outline(&self, at: Pos2, zoom: f32, shapes: &mut Vec<Shape>) {
        let radius = self.on_screen(zoom);
        match self.look {
            Look::Labelled { class, colour, held_out } => {
                let corners = Marker::of(class).corners(at, radius);
                shapes.push(Shape::closed_line(corners.clone(), Stroke::new(3.5, UNDERLINE)));
                shapes.push(Shape::closed_line(corners, Stroke::new(1.75, colour)));
                if held_out {
                    dot(at, colour, shapes);
                }
            }
            Look::Predicted { class, colour, probability, truth } => {
                let opacity = opacity(probability);
                let mut corners = Marker::of(class).corners(at, radius);
                corners.extend(corners.first().copied());
                let dash = (radius * 0.36).clamp(3.0, 8.0);
                let under = Stroke::new(3.0, UNDERLINE.gamma_multiply(0.7 * opacity));
                shapes.extend(Shape::dashed_line(&corners, under, dash, dash * 0.7));
                let stroke = Stroke::new(1.5, colour.gamma_multiply(opacity));
                shapes.extend(Shape::dashed_line(&corners, stroke, dash, dash * 0.7));
                if let Some(truth) = truth {
                    dot(at, truth, shapes);
                }
            }
            Look::Unknown => {
                shapes.push(Shape::circle_stroke(
                    at,
                    radius,
                    Stroke::new(2.5, UNDERLINE.gamma_multiply(0.7)),
                ));
                shapes.push(Shape::circle_stroke(at, radius, Stroke::new(1.0, Color32::from_gray(215))));
            }
        }
    }
}

/// A held-out label.
fn dot(at: Pos2, colour: Color32, shapes: &mut Vec<Shape>) {
    shapes.push(Shape::circle_filled(at, 3.0, UNDERLINE));
    shapes.push(Shape::circle_filled(at, 2.0, colour));
}

/// Of a prediction: faint where the model guesses, full where it is sure.
pub fn opacity(probability: f32) -> f32 {
    (0.25 + 0.75 * probability).clamp(0.0, 1.0)
}

/// One small square a mark, with a dark one under it, and a white one under both if it is selected.
fn dots(visible: &[(&Mark, Pos2)], selection: &BTreeSet<ParticleId>) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.reserve_vertices(8 * visible.len());
    mesh.reserve_triangles(4 * visible.len());
    for (mark, at) in visible {
        let colour = match mark.look {
            Look::Labelled { colour, .. } => colour,
            Look::Predicted { colour, probability, .. } => colour.gamma_multiply(opacity(probability)),
            Look::Unknown => Color32::from_gray(215),
        };
        if selection.contains(&mark.id) {
            mesh.add_colored_rect(Rect::from_center_size(*at, vec2(11.0, 11.0)), Color32::WHITE);
        }
        mesh.add_colored_rect(Rect::from_center_size(*at, vec2(6.0, 6.0)), UNDERLINE);
        mesh.add_colored_rect(Rect::from_center_size(*at, vec2(4.0, 4.0)), colour);
    }
    mesh
}

#[cfg(test)]
mod tests;
