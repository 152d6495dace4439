//! The maps workspace: order-parameter maps of an atomically resolved image, live.
//!
//! - [`run`]: the run and what came of it; [`steps`], [`chosen`] and [`leave`]: what actions do; [`side`], [`cell`], [`masks`] and [`settings`]: the
//!   side panel; [`kept`]: settings as the project has them; [`survey`]: the lattice before a run.
//! - [`canvas`] and [`map_bar`]: image and map side by side; [`overlay`] over them; [`layer`] as textures.
//! - [`plane`], [`decoder`], [`quality`], [`summary`], [`segments`], [`wall`], [`spectra`]: a pane each.
//! - [`taken`]: the plots as pages. [`sight`]: what the panes share, so that what is pointed at or chosen in one is seen in all.

mod asking;
mod brush;
mod canvas;
mod cell;
mod chosen;
mod colour;
mod decoder;
mod density;
mod empty;
mod example;
pub mod export;
mod field;
mod kept;
mod layer;
mod leave;
mod map_bar;
mod masks;
mod overlay;
mod plane;
mod quality;
mod run;
mod segments;
pub mod settings;
mod side;
mod sight;
mod spectra;
mod steps;
mod summary;
mod survey;
mod taken;
mod tone;
mod tool;
mod wall;

pub use run::{Ask, Maps, Workspace};
pub use steps::{MapDone, MapJobs};
pub use tool::MapTool;

use super::action::Action;
use super::panes::{self, Panes, Titled};
use super::state::State;
use super::take::{Figure, Taken};
use crate::micrograph::PixelSize;
use crate::particle::MicrographId;
use canvas::{Canvas, Which, Zoom};
use decoder::DecoderPanel;
use egui::Ui;
use egui_tiles::{Linear, LinearDir, Tiles, Tree};
use field::{Grid, significant};
use plane::PlanePanel;
use segments::SegmentsPanel;
use serde::{Deserialize, Serialize};
use side::SidePanel;
use sight::Sight;
use spectra::SpectraPanel;

/// What a movable pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Pane {
    Image,
    Map,
    Plane,
    Decoder,
    Quality,
    Segments,
    Wall,
    Spectra,
    Summary,
}

impl Titled for Pane {
    const KINDS: usize = 9;

    fn title(&self) -> &'static str {
        match self {
            Pane::Image => "Image",
            Pane::Map => "Map",
            Pane::Plane => "Latent plane",
            Pane::Decoder => "Decoder",
            Pane::Quality => "Quality",
            Pane::Segments => "Segments",
            Pane::Wall => "Wall profile",
            Pane::Spectra => "FFT",
            Pane::Summary => "Seeds and outliers",
        }
    }

    fn edge_to_edge(&self) -> bool {
        matches!(self, Pane::Image | Pane::Map)
    }
}

/// Image and map over the measurements, latents and decoder at the right.
fn standard() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let mut tabs = |panes: &[Pane]| {
        let panes = panes.iter().map(|pane| tiles.insert_pane(*pane)).collect();
        tiles.insert_tab_tile(panes)
    };
    let (image, map) = (tabs(&[Pane::Image]), tabs(&[Pane::Map]));
    let below = tabs(&[Pane::Quality, Pane::Segments, Pane::Wall, Pane::Spectra, Pane::Summary]);
    let (plane, decoder) = (tabs(&[Pane::Plane]), tabs(&[Pane::Decoder]));
    let binary = |tiles: &mut Tiles<Pane>, dir, pair, share| {
        tiles.insert_container(Linear::new_binary(dir, pair, share))
    };
    let pictures = binary(&mut tiles, LinearDir::Horizontal, [image, map], 0.5);
    let left = binary(&mut tiles, LinearDir::Vertical, [pictures, below], 0.68);
    let right = binary(&mut tiles, LinearDir::Vertical, [plane, decoder], 0.58);
    let root = binary(&mut tiles, LinearDir::Horizontal, [left, right], 0.68);
    Tree::new(egui::Id::unique("map panes"), root, tiles)
}

/// The panels of the workspace and where they stand.
pub struct MapsPanel {
    tree: Tree<Pane>,
    panels: Panels,
}

/// What all panes show.
#[derive(Clone, Copy)]
struct Scene<'a> {
    maps: &'a Maps,
    /// The maps are of the image that is shown.
    own: bool,
    /// The image's, if it is known.
    size: Option<PixelSize>,
}

/// What each panel alone remembers, and what they share.
#[derive(Default)]
struct Panels {
    sight: Sight,
    canvas: Canvas,
    plane: PlanePanel,
    decoder: DecoderPanel,
    segments: SegmentsPanel,
    spectra: SpectraPanel,
    side: SidePanel,
    /// The image shown last: another one is seen as a whole.
    image: Option<MicrographId>,
}

impl Default for MapsPanel {
    fn default() -> Self {
        Self { tree: standard(), panels: Panels::default() }
    }
}

impl MapsPanel {
    /// The panes as they were remembered, or as usual.
    pub fn restored(panes: &serde_json::Value) -> Self {
        Self { tree: panes::restored(panes).unwrap_or_else(standard), panels: Panels::default() }
    }

    /// What [`MapsPanel::restored`] understands.
    pub fn remembered(&self) -> serde_json::Value {
        serde_json::to_value(&self.tree).unwrap_or_default()
    }

    pub fn reset_layout(&mut self) {
        self.tree = standard();
    }

    /// Other maps: what was chosen on the old ones is let go.
    pub fn forget(&mut self) {
        self.panels.sight.forget();
        self.panels.plane = PlanePanel::default();
        self.panels.segments = SegmentsPanel::default();
    }

    /// Takes actions that only change the view; true if it was one.
    pub fn apply(&mut self, action: &Action) -> bool {
        let panels = &mut self.panels;
        match action {
            Action::Fit => panels.sight.view = None,
            Action::ZoomIn => panels.canvas.zoom = Some(Zoom::By(1.5)),
            Action::ZoomOut => panels.canvas.zoom = Some(Zoom::By(1.0 / 1.5)),
            Action::ActualSize => panels.canvas.zoom = Some(Zoom::ActualSize),
            Action::SelectNone => {
                panels.sight.brush = None;
                panels.sight.outlier = None;
            }
            _ => return false,
        }
        true
    }

    /// Draws the side panel.
    pub fn side(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.panels.side.ui(ui, state, actions);
    }

    /// Draws the panes, or what the workspace is for.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        if state.is_blank() {
            empty::ui(ui, state, actions);
            return;
        }
        let panels = &mut self.panels;
        if panels.image != state.shown {
            panels.image = state.shown;
            panels.sight.view = None;
            panels.sight.place = None;
        }
        panels.sight.refresh(ui.ctx(), &state.maps);
        let look_at = panels.sight.look_at;
        let mut show = |ui: &mut Ui, pane: Pane| panels.ui(ui, pane, state, actions);
        self.tree.ui(&mut Panes { show: &mut show, badge: &|_| 0 }, ui);
        if look_at.is_some() {
            self.panels.sight.look_at = None;
        }
    }

    /// A view as it is shown, for print; nothing if there is nothing to see.
    pub fn taken(&self, view: Figure, state: &State) -> Option<Taken> {
        let maps = &state.maps;
        match view {
            Figure::LatentPlane => taken::plane(maps, &self.panels.sight),
            Figure::WallProfile => taken::wall(maps, state.map_scale()),
            Figure::MapLoss => taken::loss(maps),
            _ => None,
        }
    }

    /// The place under the pointer with its grey value and latents, for the status line.
    pub fn pointer(&self, state: &State) -> Option<String> {
        let place = self.panels.sight.place?;
        let entry = state.project.micrograph(state.shown?)?;
        let at = match entry.pixel_size {
            // A hundredth of a pixel says where the pixel lies.
            Some(size) => format!("x {:>8.3} nm  y {:>8.3} nm", place[0] * size.x_nm, place[1] * size.y_nm),
            None => format!("x {:>6.0} px  y {:>6.0} px", place[0], place[1]),
        };
        let grey = state.picture()?.grey(place[0] as f32, place[1] as f32);
        let grey =
            grey.map_or_else(String::new, |grey| format!("  grey {:>7}", significant(f64::from(grey))));
        let maps = &state.maps;
        let latents = maps.set.as_ref().filter(|_| maps.is_of(state.shown)).map(|set| {
            let value = |map: &crate::order::Map| {
                let known = Grid::of(map).index(place).map(|i| map.values[i]).filter(|v| v.is_finite());
                known.map_or_else(|| "    –".to_owned(), |v| format!("{v:>5.2}"))
            };
            let all = set.content.iter().enumerate().map(|(i, map)| format!("  z{i} {}", value(map)));
            all.collect::<String>()
        });
        Some(format!("{at}{grey}{}", latents.unwrap_or_default()))
    }
}

impl Panels {
    fn ui(&mut self, ui: &mut Ui, pane: Pane, state: &State, actions: &mut Vec<Action>) {
        let (maps, sight) = (&state.maps, &mut self.sight);
        let scene = Scene { maps, own: maps.is_of(state.shown), size: state.map_scale() };
        match pane {
            Pane::Image => self.canvas.ui(ui, Which::Image, state, sight, actions),
            Pane::Map => self.canvas.ui(ui, Which::Map, state, sight, actions),
            Pane::Plane => self.plane.ui(ui, scene, sight, actions),
            Pane::Decoder => self.decoder.ui(ui, scene, sight, actions),
            Pane::Quality => quality::ui(ui, scene, sight, actions),
            Pane::Segments => self.segments.ui(ui, scene, sight, actions),
            Pane::Wall => wall::ui(ui, scene, sight, actions),
            Pane::Spectra => self.spectra.ui(ui, scene, sight, actions),
            Pane::Summary => summary::ui(ui, scene, sight, actions),
        }
    }
}

/// What a run still lacks, as an invitation.
pub fn missing(state: &State) -> Option<String> {
    if steps::can_start(state) {
        return None;
    }
    let text = if state.shown.is_none() {
        "Open an atomically resolved image to begin."
    } else {
        "The image is being opened."
    };
    Some(text.to_owned())
}

/// What is being finished, or what the mouse does now, for the status line.
pub fn hint(state: &State) -> String {
    match state.maps.finishing() {
        Some(text) => quality::sentence(&text),
        None => mouse(state).to_owned(),
    }
}

fn mouse(state: &State) -> &'static str {
    match state.maps.tool {
        _ if state.is_blank() => "Drop an atomically resolved image on the window, or open the example.",
        MapTool::Inspect => {
            "Pointing asks the model about the pixel. Drag moves image and map, the wheel zooms."
        }
        MapTool::Outline => "Draw round pixels: their latents light up in the plane. A click lets go.",
        MapTool::Wall => {
            "Draw a line across a wall in the map; its width is measured in the pane Wall profile."
        }
        MapTool::Exclude => "Drag a box over what is not to count. Right click takes a region away.",
        MapTool::ExcludeOutline => "Draw round what is not to count. Right click takes a region away.",
    }
}
