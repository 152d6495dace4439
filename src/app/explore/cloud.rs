//! Dots as one mesh; where they crowd, one cell for many.

use super::super::theme::{Marker, UNDERLINE};
use super::data::Known;
use super::gather::{Look, Palette, Scatter};
use super::paint::Paint;
use crate::particle::ParticleId;
use egui::{Color32, Mesh, Pos2, Rect, Shape, Stroke, Ui};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// From this many dots on they are counted in cells instead of drawn one by one.
const CROWDED: usize = 6000;
/// Side of such a cell, points.
const CELL: f32 = 3.0;
/// More selected dots than this get no ring each.
const MOST_RINGS: usize = 2000;

/// One particle in the plot.
#[derive(Clone)]
pub struct Dot {
    pub id: ParticleId,
    pub at: [f64; 2],
    pub colour: Color32,
    marker: Marker,
    pub labelled: bool,
}

/// A dot for every row that has both values, labelled ones last, and the bounds that hold them. The rows and what is said
/// of them lie far apart in memory, so each is looked at once.
pub fn scatter(known: &Known, palette: &Palette, look: &Look) -> Scatter {
    let table = &*known.table;
    let paint = Paint::new(palette, known, &look.colour);
    let mut dots = Vec::with_capacity(table.rows.len());
    let mut bounds = PlotBounds::NOTHING;
    for (i, row) in table.rows.iter().enumerate() {
        let at = [known.value(i, row, &look.x), known.value(i, row, &look.y)];
        if !at.iter().all(|v| v.is_finite()) {
            continue;
        }
        let (colour, marker) = paint.of(i, row);
        bounds.extend_with(&egui_plot::PlotPoint::new(at[0], at[1]));
        dots.push(Dot { id: row.id, at, colour, marker, labelled: row.label.is_some() });
    }
    dots.sort_by_key(|dot| dot.labelled);
    bounds.expand_x(0.05 * bounds.width().max(1e-3));
    bounds.expand_y(0.05 * bounds.height().max(1e-3));
    let bounds = (!dots.is_empty()).then_some(bounds);
    Scatter {
        look: look.clone(),
        revision: known.revision(),
        dots: Arc::new(dots),
        bounds,
        ends: paint.ends(),
    }
}

/// Where a point of the plot lies on the screen.
pub fn screen(transform: &PlotTransform, at: [f64; 2]) -> Pos2 {
    Pos2::new(transform.position_from_point_x(at[0]), transform.position_from_point_y(at[1]))
}

/// All dots as one mesh: hundreds of thousands of egui shapes would take longer than a frame.
pub struct Cloud {
    base: PlotItemBase,
    dots: Arc<Vec<Dot>>,
    selected: Vec<Dot>,
    bounds: PlotBounds,
}

impl Cloud {
    /// The dots, those of them that are selected, and the bounds of all.
    pub fn new(dots: Arc<Vec<Dot>>, selected: Vec<Dot>, bounds: PlotBounds) -> Self {
        Self { base: PlotItemBase::new("particles".into()), dots, selected, bounds }
    }
}

impl PlotItem for Cloud {
    fn shapes(&self, _ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = transform.frame().expand(4.0);
        let place = |dot: &Dot| screen(transform, dot.at);
        if self.dots.len() > CROWDED {
            shapes.push(Shape::mesh(cells(frame, self.dots.iter().map(|dot| (place(dot), dot.colour)))));
        } else {
            let mut mesh = Mesh::default();
            for dot in self.dots.iter() {
                let at = place(dot);
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
        }
        if self.selected.len() > MOST_RINGS {
            let white = self.selected.iter().map(|dot| (place(dot), Color32::WHITE));
            shapes.push(Shape::mesh(cells(frame, white)));
            return;
        }
        for at in self.selected.iter().map(place) {
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

/// The density: one square a cell that holds dots, in their mean colour, the more opaque the more they are. No more
/// squares than the screen has cells, however many dots.
fn cells(frame: Rect, dots: impl Iterator<Item = (Pos2, Color32)>) -> Mesh {
    let (across, down) =
        ((frame.width() / CELL).ceil() as usize + 1, (frame.height() / CELL).ceil() as usize + 1);
    let mut sums = vec![[0_u32; 4]; across * down];
    for (at, colour) in dots.filter(|(at, _)| frame.contains(*at)) {
        let column = ((at.x - frame.left()) / CELL) as usize;
        let row = ((at.y - frame.top()) / CELL) as usize;
        let sum = &mut sums[row.min(down - 1) * across + column.min(across - 1)];
        let [r, g, b, _] = colour.to_array();
        *sum = [sum[0] + 1, sum[1] + u32::from(r), sum[2] + u32::from(g), sum[3] + u32::from(b)];
    }
    let most = sums.iter().map(|s| s[0]).max().unwrap_or(1).max(1) as f32;
    let mut mesh = Mesh::default();
    for (i, [n, r, g, b]) in sums.iter().enumerate().filter(|(_, s)| s[0] > 0) {
        let mean = |v: &u32| (v / n) as u8;
        let strength = 0.35 + 0.65 * ((*n as f32).ln_1p() / most.ln_1p());
        let colour = Color32::from_rgb(mean(r), mean(g), mean(b)).gamma_multiply(strength);
        let corner =
            Pos2::new(frame.left() + (i % across) as f32 * CELL, frame.top() + (i / across) as f32 * CELL);
        mesh.add_colored_rect(Rect::from_min_size(corner, egui::vec2(CELL, CELL)), colour);
    }
    mesh
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

    #[test]
    fn a_crowd_costs_no_more_squares_than_the_screen_has_cells() {
        let frame = Rect::from_min_size(Pos2::new(5.0, 7.0), egui::vec2(300.0, 150.0));
        let dots = (0..100_000_u32).map(|i| {
            let (x, y) = ((i * 7919 % 300) as f32 + 5.0, (i * 104_729 % 150) as f32 + 7.0);
            (
                Pos2::new(x, y),
                if i % 2 == 0 { Color32::from_rgb(200, 0, 0) } else { Color32::from_rgb(0, 0, 100) },
            )
        });
        let mesh = cells(frame, dots);
        assert!(mesh.is_valid());
        let squares = mesh.vertices.len() / 4;
        assert!((1..=101 * 51).contains(&squares), "{squares}");
        let far = std::iter::once((Pos2::new(-900.0, 0.0), Color32::RED));
        assert!(cells(frame, far).is_empty(), "what is outside is not drawn");
    }
}
