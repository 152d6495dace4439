//! A plane of dots, one a spectrum, drawn as one mesh: a scan has tens of thousands.

use super::{Eye, Field, bar};
use crate::app::{axes, theme};
use crate::spectrum::Found;
use egui::{Color32, Mesh, Pos2, Rect, Role, Sense, Shape, Ui, Vec2, WidgetInfo, vec2};
use egui_plot::{Plot, PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotPoint, PlotTransform, Points};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How far from a dot the pointer still means it, points.
const REACH: f32 = 14.0;
/// From this many dots on they are drawn small.
const CROWDED: usize = 4000;

/// The dots of a plane.
#[derive(Clone, Default)]
pub struct Dots {
    at: Arc<Vec<[f64; 2]>>,
    colours: Arc<Vec<Color32>>,
    /// What the colours stand for, with the values at their ends.
    shown: Option<(Field, [f32; 2])>,
}

impl Dots {
    /// A dot for each pair of values, coloured by a third one as the pixels of a grid are.
    pub fn new(x: &[f64], y: &[f64], colour: Field, found: &Found) -> Self {
        let at = x.iter().zip(y).map(|(x, y)| [*x, *y]).collect();
        let values = colour.values(found);
        let range = colour.range(&values);
        let colours = values.iter().map(|v| colour.colour(*v, range)).collect();
        Self { at: Arc::new(at), colours: Arc::new(colours), shown: Some((colour, range)) }
    }

    /// Draws the plane beside the bar of its colours. The dot under the pointer becomes the one that is looked at, a click
    /// keeps it.
    pub fn ui(&self, ui: &mut Ui, name: &'static str, labels: [String; 2], unit: &str, eye: &mut Eye) {
        let size = vec2((ui.available_width() - bar::ROOM).max(90.0), ui.available_height().max(90.0));
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let plane = self.plane(ui, name, labels, size, eye);
            let Some((field, range)) = self.shown else { return };
            let (room, response) = ui.allocate_exact_size(vec2(bar::ROOM, size.y), Sense::hover());
            response.widget_info(|| {
                WidgetInfo::labeled(Role::Image, true, format!("Colours of {}", field.name()))
            });
            let beside = Rect::from_min_max(plane.min, Pos2::new(room.left(), plane.bottom()));
            bar::paint(ui, ui.painter(), field, range, unit, beside);
        });
    }

    /// The plane alone, and where it lies without its axes.
    fn plane(&self, ui: &mut Ui, name: &'static str, [x, y]: [String; 2], size: Vec2, eye: &mut Eye) -> Rect {
        let marked = eye.looked().and_then(|i| self.at.get(i)).copied();
        let plot = Plot::new(name)
            .width(size.x)
            .height(size.y)
            .show_crosshair(false)
            .grid_color(theme::grid(ui.visuals()))
            .label_formatter(|_| None);
        let rim = ui.visuals().weak_text_color();
        let shown = axes::numbered(plot, x, y, 40.0).show(ui, |plot| {
            plot.add(Cloud::new(self.clone(), rim));
            let Some(at) = marked else { return };
            for (radius, colour) in [(6.0, Color32::BLACK), (4.5, Color32::WHITE)] {
                let ring = Points::new("", vec![at]).radius(radius).color(colour).filled(true);
                plot.points(ring.allow_hover(false));
            }
        });
        let response = shown.response;
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, name));
        let over = response.hover_pos().filter(|_| response.hovered());
        let nearest = over.and_then(|pos| self.nearest(&shown.transform, pos));
        eye.point(nearest);
        if response.clicked() {
            eye.kept = nearest;
        }
        *shown.transform.frame()
    }

    fn nearest(&self, transform: &PlotTransform, pos: Pos2) -> Option<usize> {
        let distances = self.at.iter().map(|at| place(transform, *at).distance_sq(pos));
        let nearest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.filter(|(_, distance)| *distance <= REACH * REACH).map(|(i, _)| i)
    }
}

fn place(transform: &PlotTransform, [x, y]: [f64; 2]) -> Pos2 {
    Pos2::new(transform.position_from_point_x(x), transform.position_from_point_y(y))
}

struct Cloud {
    base: PlotItemBase,
    dots: Dots,
    /// Round each dot: the middle of a scale may be as bright as the ground.
    rim: Color32,
    bounds: PlotBounds,
}

impl Cloud {
    fn new(dots: Dots, rim: Color32) -> Self {
        let mut bounds = PlotBounds::NOTHING;
        for [x, y] in dots.at.iter().filter(|at| at.iter().all(|v| v.is_finite())) {
            bounds.extend_with(&PlotPoint::new(*x, *y));
        }
        Self { base: PlotItemBase::new("spectra".into()), dots, rim, bounds }
    }
}

impl PlotItem for Cloud {
    fn shapes(&self, _ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = transform.frame().expand(4.0);
        let side = if self.dots.at.len() > CROWDED { 2.5 } else { 4.0 };
        let mut mesh = Mesh::default();
        for (at, colour) in self.dots.at.iter().zip(self.dots.colours.iter()) {
            let middle = place(transform, *at);
            if frame.contains(middle) {
                mesh.add_colored_rect(Rect::from_center_size(middle, Vec2::splat(side + 1.0)), self.rim);
                mesh.add_colored_rect(Rect::from_center_size(middle, Vec2::splat(side)), *colour);
            }
        }
        shapes.push(Shape::mesh(mesh));
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
