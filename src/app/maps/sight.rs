//! What the panes of the workspace share: where one looks, which map, what is pointed at, what is chosen.

use super::brush::{Brush, Choice};
use super::colour::{self, Plane, Ramp};
use super::density::Density;
use super::field::{Field, Grid, Line, Shown};
use super::layer::Layer;
use super::run::Maps;
use super::tone::{Spread, Tone};
use crate::app::view::View;
use crate::lattice::Vector;
use crate::micrograph::stats::percentiles;
use crate::worker::mapping::MapSet;
use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Side at most of the layer that lights pixels up.
const LIT_SIDE: usize = 512;
/// Longer side of a small picture of a map.
const THUMB: usize = 96;
/// Pixels within so many cells of the pointed latents are lit.
const LIT_REACH: f32 = 2.5;

/// Shared by the panes; see the module.
pub struct Sight {
    /// Part of the image that both pictures show; `None` shows all of it.
    pub view: Option<View>,
    pub shown: Shown,
    /// The latents across and up the plane.
    pub axes: [usize; 2],
    tones: BTreeMap<Field, Tone>,
    /// Of the map over the image.
    pub opacity: f32,
    pub lattice: bool,
    pub marks: bool,
    /// Outliers of a smaller score are not marked, robust standard deviations.
    pub least: f64,
    /// The place under the pointer, or the last one.
    pub place: Option<Vector>,
    /// The latents under the pointer while it is over the plane.
    pub pointed: Option<[f32; 2]>,
    pub brush: Option<Brush>,
    pub line: Option<Line>,
    /// Breadth of new lines, pixels of the image.
    pub breadth: f64,
    /// A place that must come into sight.
    pub look_at: Option<Vector>,
    /// Outliers chosen in the list: a ring more.
    pub outlier: Option<usize>,
    pub layers: Layers,
}

impl Default for Sight {
    fn default() -> Self {
        Self {
            view: None,
            shown: Shown::Two(0, 1),
            axes: [0, 1],
            tones: BTreeMap::new(),
            opacity: 1.0,
            lattice: true,
            marks: true,
            least: 0.0,
            place: None,
            pointed: None,
            brush: None,
            line: None,
            breadth: 20.0,
            look_at: None,
            outlier: None,
            layers: Layers::default(),
        }
    }
}

/// What the picture of a map was made of: revision, field, range, colours, segments.
type MapKey = (u64, Shown, Option<[f32; 2]>, Option<colour::Scale>, usize);

/// Everything made of the maps for the screen, with what it was made of: it is made anew when that changes.
#[derive(Default)]
pub struct Layers {
    pub map: Layer,
    map_of: Option<MapKey>,
    pub veil: Layer,
    veil_of: Option<usize>,
    pub lit: Layer,
    lit_of: Option<(u64, [usize; 2], [f32; 2])>,
    spreads: BTreeMap<Field, (u64, Arc<Spread>)>,
    thumbs: BTreeMap<Field, ((u64, Tone), TextureHandle)>,
    pub plane: Option<Plane>,
    plane_of: Option<(u64, [usize; 2])>,
    pub density: Option<Density>,
    density_of: Option<(u64, [usize; 2])>,
}

impl Sight {
    /// How a map is coloured.
    pub fn tone(&self, field: Field) -> Tone {
        self.tones.get(&field).copied().unwrap_or_else(|| Tone::of(field))
    }

    pub fn set_tone(&mut self, field: Field, tone: Tone) {
        self.tones.insert(field, tone);
    }

    /// Another image or other maps: nothing that belonged to the old ones stays.
    pub fn forget(&mut self) {
        let (opacity, lattice, marks, breadth) = (self.opacity, self.lattice, self.marks, self.breadth);
        *self = Self { opacity, lattice, marks, breadth, ..Self::default() };
    }

    /// How the values of a map are spread.
    pub fn spread(&mut self, set: &MapSet, field: Field, revision: u64) -> Option<Arc<Spread>> {
        if let Some((of, spread)) = self.layers.spreads.get(&field)
            && *of == revision
        {
            return Some(spread.clone());
        }
        let least = if matches!(field, Field::Content(_) | Field::Seed { .. }) { colour::LEAST } else { 0.0 };
        let spread = Arc::new(Spread::of(field.of(set)?, least));
        self.layers.spreads.insert(field, (revision, spread.clone()));
        Some(spread)
    }

    /// A small picture of a map.
    pub fn thumb(
        &mut self,
        ctx: &Context,
        set: &MapSet,
        field: Field,
        revision: u64,
    ) -> Option<TextureHandle> {
        let tone = self.tone(field);
        let key = (revision, tone);
        if let Some((of, texture)) = self.layers.thumbs.get(&field)
            && *of == key
        {
            return Some(texture.clone());
        }
        let spread = self.spread(set, field, revision)?;
        let map = field.of(set)?;
        let every = map.width.max(map.height).div_ceil(THUMB);
        let (width, height) = (map.width.div_ceil(every), map.height.div_ceil(every));
        let ramp = Ramp::new(tone.scale, tone.ends(&spread));
        let value = |i: usize| map.values[i / width * every * map.width + i % width * every];
        let pixels = (0..width * height).map(|i| ramp.of(value(i))).collect();
        let image = ColorImage::new([width, height], pixels);
        let texture = ctx.load_texture("map thumbnail", image, TextureOptions::LINEAR);
        self.layers.thumbs.insert(field, (key, texture.clone()));
        Some(texture)
    }

    /// Brings everything that is made of the maps up to date.
    pub fn refresh(&mut self, ctx: &Context, maps: &Maps) {
        let Some(set) = &maps.set else {
            self.layers = Layers::default();
            self.brush = None;
            return;
        };
        self.keep_within(set);
        let segments = maps.segments.as_deref();
        if let Some(brush) = self.brush.take() {
            self.brush = brush.refreshed(set, segments, maps.revision);
        }
        self.colour_map(ctx, maps, set);
        self.dim(ctx);
        let axes = self.axes;
        if self.layers.density_of != Some((maps.revision, axes)) {
            let old = self.layers.density.as_ref().filter(|d| d.axes == axes).map(|d| d.bounds);
            self.layers.density = Density::new(set, axes, old);
            self.layers.density_of = Some((maps.revision, axes));
        }
        self.light_up(ctx, maps, set);
    }

    /// Latents that a smaller model does not have are not looked for.
    fn keep_within(&mut self, set: &MapSet) {
        let n = set.content.len();
        let last = n.saturating_sub(1);
        self.axes = self.axes.map(|axis| axis.min(last));
        let there = match self.shown {
            Shown::Two(i, j) => i < n && j < n && i != j,
            Shown::One(field) => field.of(set).is_some(),
            Shown::Segments => true,
        };
        if !there {
            self.shown = if n > 1 { Shown::Two(0, 1) } else { Shown::One(Field::Content(0)) };
        }
    }

    fn colour_map(&mut self, ctx: &Context, maps: &Maps, set: &Arc<MapSet>) {
        let segments = maps.segments.as_ref();
        let spread = match self.shown {
            Shown::One(field) => self.spread(set, field, maps.revision),
            _ => None,
        };
        let tone = self.tone(self.shown.field());
        let ends = spread.as_ref().map(|spread| tone.ends(spread));
        let scale = spread.as_ref().map(|_| tone.scale);
        let grouped = segments.map_or(0, |s| Arc::as_ptr(s) as usize);
        let key = (maps.revision, self.shown, ends, scale, grouped);
        if self.layers.map_of == Some(key) {
            return;
        }
        self.layers.map_of = Some(key);
        match self.shown {
            Shown::One(field) => {
                if let (Some(map), Some(ends)) = (field.of(set), ends) {
                    let ramp = Ramp::new(tone.scale, ends);
                    self.layers.map.set(ctx, Grid::of(map), |i| ramp.of(map.values[i]));
                }
            }
            Shown::Two(i, j) => {
                let (Some(u), Some(v)) = (set.content.get(i), set.content.get(j)) else { return };
                self.plane_of(set, [i, j], maps.revision);
                if let Some(plane) = &self.layers.plane {
                    self.layers.map.set(ctx, Grid::of(u), |i| plane.of([u.values[i], v.values[i]]));
                }
            }
            Shown::Segments => match segments.and_then(|s| s.result.as_ref().ok()) {
                Some(found) => {
                    let (width, height) = (found.width, found.height);
                    let grid = Grid { width, height, step: found.step, origin: found.origin };
                    self.layers.map.set(ctx, grid, |i| colour::segment(found.labels[i]));
                }
                None => self.layers.map.clear(),
            },
        }
    }

    /// The plane of colours for two latents, from their 1st to their 99th percentile.
    pub fn plane_of(&mut self, set: &MapSet, axes: [usize; 2], revision: u64) {
        if self.layers.plane_of == Some((revision, axes)) {
            return;
        }
        self.layers.plane_of = Some((revision, axes));
        let ends = |i: usize| {
            let p = set.content.get(i).map(|map| percentiles(&map.values, &[1.0, 99.0])).unwrap_or_default();
            match p[..] {
                [low, high] if high >= low => colour::at_least([low, high], colour::LEAST),
                _ => [-1.0, 1.0],
            }
        };
        self.layers.plane = Some(Plane::new(axes.map(ends)));
    }

    /// What is not chosen is veiled.
    fn dim(&mut self, ctx: &Context) {
        let key = self.brush.as_ref().map(|brush| Arc::as_ptr(&brush.inside) as usize);
        if self.layers.veil_of == key {
            return;
        }
        self.layers.veil_of = key;
        match &self.brush {
            None => self.layers.veil.clear(),
            Some(brush) => {
                let veil = Color32::from_black_alpha(175);
                self.layers
                    .veil
                    .set(ctx, brush.grid, |i| if brush.inside[i] { Color32::TRANSPARENT } else { veil });
            }
        }
    }

    /// Pixels whose latents lie near those under the pointer light up.
    fn light_up(&mut self, ctx: &Context, maps: &Maps, set: &MapSet) {
        let key = self.pointed.map(|pointed| (maps.revision, self.axes, pointed));
        if self.layers.lit_of == key {
            return;
        }
        self.layers.lit_of = key;
        let (Some(pointed), Some(density), Some(map)) =
            (self.pointed, &self.layers.density, set.content.first())
        else {
            self.layers.lit.clear();
            return;
        };
        let grid = Grid::of(map);
        let every = grid.width.max(grid.height).div_ceil(LIT_SIDE);
        let (width, height) = (grid.width.div_ceil(every), grid.height.div_ceil(every));
        let mut lit = vec![false; width * height];
        for i in density.near(pointed, LIT_REACH) {
            let (x, y) = (i as usize % grid.width, i as usize / grid.width);
            lit[y / every * width + x / every] = true;
        }
        let step = grid.step * every as f64;
        // A coarse value stands for the middle of those it holds.
        let middle = grid.step * (every - 1) as f64 / 2.0;
        let coarse = Grid { width, height, step, origin: grid.origin.map(|v| v + middle) };
        let bright = Color32::from_rgb(0xff, 0xe0, 0x3d);
        self.layers.lit.set(ctx, coarse, |i| if lit[i] { bright } else { Color32::TRANSPARENT });
    }

    /// The latents of a place.
    pub fn latents(set: &MapSet, place: Vector) -> Option<Vec<f32>> {
        set.content.iter().map(|map| Grid::of(map).index(place).map(|i| map.values[i])).collect()
    }

    /// Chooses pixels, or none.
    pub fn choose(&mut self, maps: &Maps, choice: Option<Choice>) {
        self.brush = choice.and_then(|choice| {
            Brush::new(choice, maps.set.as_ref()?, maps.segments.as_deref(), maps.revision)
        });
    }
}
