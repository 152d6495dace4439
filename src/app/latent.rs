//! The particles in latent space, coloured by class: a click selects, the selection shows here too.

use super::action::Action;
use super::overlay::opacity;
use super::state::State;
use super::theme::{self, Marker, UNDERLINE};
use crate::particle::ParticleId;
use egui::{Color32, Mesh, Pos2, Shape, Stroke, Ui};
use egui_plot::{Plot, PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A click within this many points of a dot means that dot.
const REACH: f32 = 8.0;

/// One particle in the plot.
#[derive(Clone)]
struct Dot {
    id: ParticleId,
    at: [f64; 2],
    colour: Color32,
    marker: Marker,
    labelled: bool,
}

/// What the panel alone remembers: the dots, made anew when results or labels change.
#[derive(Default)]
pub struct LatentPanel {
    of: Option<(u64, u64)>,
    dots: Arc<Vec<Dot>>,
    bounds: Option<PlotBounds>,
}

impl LatentPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.refresh(state);
        let Some(bounds) = self.bounds else {
            theme::hint(ui, "Each particle becomes a point here when training has seen it once.");
            return;
        };
        let cloud = Cloud {
            base: PlotItemBase::new("particles".into()),
            dots: self.dots.clone(),
            selected: self.dots.iter().filter(|dot| state.selection.contains(&dot.id)).cloned().collect(),
            bounds,
        };
        let shown = Plot::new("latent")
            .x_axis_label("latent 1 (prior deviations)")
            .y_axis_label("latent 2")
            .y_axis_min_width(30.0)
            .show_crosshair(false)
            .grid_color(theme::grid(ui.visuals()))
            .label_formatter(|_| None)
            .show(ui, |plot| plot.add(cloud));
        let response = shown.response;
        if !response.clicked() {
            return;
        }
        let Some(pos) = response.interact_pointer_pos() else { return };
        let join = ui.input(|input| input.modifiers.shift);
        let transform = shown.transform;
        let nearest = self
            .dots
            .iter()
            .map(|dot| (screen(&transform, dot.at).distance(pos), dot.id))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(distance, _)| *distance <= REACH);
        match nearest {
            Some((_, id)) if join => actions.push(Action::ToggleSelected(id)),
            Some((_, id)) => {
                actions.push(Action::Select { particles: vec![id], join: false });
                // Selected here, seen there: the micrograph it lies on comes up.
                if let Some(particle) = state.project.particle(id)
                    && state.shown != Some(particle.micrograph)
                {
                    actions.push(Action::Show(particle.micrograph));
                }
            }
            None if !join => actions.push(Action::SelectNone),
            None => {}
        }
    }

    fn refresh(&mut self, state: &State) {
        let Some(results) = &state.results else {
            *self = Self::default();
            return;
        };
        let key = (results.revision, state.revision);
        if self.of == Some(key) {
            return;
        }
        self.of = Some(key);
        let mut dots = Vec::with_capacity(results.ids.len());
        let mut bounds = PlotBounds::NOTHING;
        for (id, prediction) in results.ids.iter().zip(results.predictions.iter()) {
            let Some(particle) = state.project.particle(*id) else { continue };
            let latent = |i: usize| f64::from(prediction.mu.get(i).copied().unwrap_or(0.0));
            let at = [latent(0), latent(1)];
            if !at.iter().all(|v| v.is_finite()) {
                continue;
            }
            let (best, probability) = results.best(prediction);
            let class = particle.label.or(best).and_then(|id| state.project.class(id));
            let (colour, marker) = class.map_or((Color32::GRAY, Marker::Circle), |class| {
                (theme::colour(class), Marker::of(class.id))
            });
            let labelled = particle.label.is_some();
            let colour = if labelled { colour } else { colour.gamma_multiply(0.9 * opacity(probability)) };
            bounds.extend_with(&egui_plot::PlotPoint::new(at[0], at[1]));
            dots.push(Dot { id: *id, at, colour, marker, labelled });
        }
        // Labelled ones last: they lie on top.
        dots.sort_by_key(|dot| dot.labelled);
        if dots.is_empty() {
            self.bounds = None;
        } else {
            let pad = 0.05 * bounds.width().max(bounds.height()).max(0.1);
            bounds.expand_x(pad);
            bounds.expand_y(pad);
            self.bounds = Some(bounds);
        }
        self.dots = Arc::new(dots);
    }
}

fn screen(transform: &PlotTransform, at: [f64; 2]) -> Pos2 {
    Pos2::new(transform.position_from_point_x(at[0]), transform.position_from_point_y(at[1]))
}

/// All dots as one mesh: hundreds of thousands of egui shapes would take longer than a frame.
struct Cloud {
    base: PlotItemBase,
    dots: Arc<Vec<Dot>>,
    selected: Vec<Dot>,
    bounds: PlotBounds,
}

impl PlotItem for Cloud {
    fn shapes(&self, _ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = transform.frame().expand(4.0);
        let mut mesh = Mesh::default();
        for dot in self.dots.iter() {
            let at = screen(transform, dot.at);
            if frame.contains(at) {
                if dot.labelled {
                    fan(&mut mesh, dot.marker, at, 5.2, UNDERLINE);
                    fan(&mut mesh, dot.marker, at, 4.0, dot.colour);
                } else {
                    fan(&mut mesh, dot.marker, at, 2.4, dot.colour);
                }
            }
        }
        shapes.push(Shape::mesh(mesh));
        for dot in &self.selected {
            let at = screen(transform, dot.at);
            shapes.push(Shape::circle_stroke(at, 7.0, Stroke::new(3.5, UNDERLINE)));
            shapes.push(Shape::circle_stroke(at, 7.0, Stroke::new(1.75, Color32::WHITE)));
        }
    }

    fn initialize(&mut self, _x_range: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        Color32::GRAY
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::None
    }

    fn bounds(&self) -> PlotBounds {
        self.bounds
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}

/// A filled marker as triangles round its centre.
fn fan(mesh: &mut Mesh, marker: Marker, at: Pos2, radius: f32, colour: Color32) {
    let first = mesh.vertices.len() as u32;
    let corners = match marker {
        // Eight corners are round enough for a dot.
        Marker::Circle => (0..8)
            .map(|i| {
                let (sin, cos) = (std::f32::consts::TAU * i as f32 / 8.0).sin_cos();
                Pos2::new(at.x + radius * cos, at.y + radius * sin)
            })
            .collect(),
        marker => marker.corners(at, radius),
    };
    let count = corners.len() as u32;
    for corner in corners {
        mesh.colored_vertex(corner, colour);
    }
    for i in 1..count.saturating_sub(1) {
        mesh.add_triangle(first, first + i, first + i + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_valid_mesh_of_its_size() {
        for marker in [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Hexagon] {
            let mut mesh = Mesh::default();
            fan(&mut mesh, marker, Pos2::new(10.0, 10.0), 4.0, Color32::RED);
            assert!(mesh.is_valid() && !mesh.indices.is_empty());
            let area: f32 = mesh
                .triangles()
                .map(|[a, b, c]| {
                    let [a, b, c] = [a, b, c].map(|i| mesh.vertices[i as usize].pos);
                    let (u, v) = (b - a, c - a);
                    (u.x * v.y - u.y * v.x).abs() / 2.0
                })
                .sum();
            let circle = std::f32::consts::PI * 16.0;
            assert!((0.7..1.3).contains(&(area / circle)), "{marker:?}: {}", area / circle);
        }
    }
}
