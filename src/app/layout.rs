//! Where panels stand: bar, side panel and status line are fixed, the panes in the middle can be moved.

use super::action::Action;
use super::averages::AveragesPanel;
use super::canvas::CanvasPanel;
use super::classes::ClassesPanel;
use super::explore::ExplorePanel;
use super::explore::data::Data;
use super::explore::gather::{Gather, Gathered};
use super::grid::GridPanel;
use super::log::LogPanel;
use super::maps::{MapsPanel, Workspace};
use super::micrographs::MicrographsPanel;
use super::models::ModelsPanel;
use super::panes::{self, Panes, Titled, section};
use super::review::ReviewPanel;
use super::settings::SettingsPanel;
use super::spectra::SpectraPanel;
use super::state::State;
use super::table::TablePanel;
use super::take::pages;
use super::take::{Figure, Taken};
use super::training::TrainingPanel;
use super::traversal::TraversalPanel;
use super::{bar, detection, grid, review, status};
use crate::library::drawing::Drawing;
use crate::particle::ParticleId;
use crate::review::Table;
use egui::{Frame, Margin, Panel, Ui};
use egui_tiles::{Linear, LinearDir, Tile, Tiles, Tree};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a movable pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Pane {
    Canvas,
    Grid,
    Training,
    Settings,
    Models,
    Latent,
    Manifold,
    Review,
    Log,
    Averages,
    Table,
}

/// The panels and where they stand.
pub struct Layout {
    tree: Tree<Pane>,
    panels: Panels,
    maps: MapsPanel,
    spectra: SpectraPanel,
}

/// What each panel alone remembers.
#[derive(Default)]
struct Panels {
    canvas: CanvasPanel,
    grid: GridPanel,
    classes: ClassesPanel,
    micrographs: MicrographsPanel,
    training: TrainingPanel,
    settings: SettingsPanel,
    models: ModelsPanel,
    log: LogPanel,
    data: Data,
    explore: ExplorePanel,
    review: ReviewPanel,
    traversal: TraversalPanel,
    averages: AveragesPanel,
    table: TablePanel,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            tree: standard(),
            panels: Panels::default(),
            maps: MapsPanel::default(),
            spectra: SpectraPanel::default(),
        }
    }
}

impl Panels {
    fn ui(&mut self, ui: &mut Ui, pane: Pane, state: &State, actions: &mut Vec<Action>) {
        match pane {
            Pane::Canvas => self.canvas.ui(ui, state, actions),
            Pane::Grid => self.grid.ui(ui, state, actions),
            Pane::Training => self.training.ui(ui, state, actions),
            Pane::Settings => self.settings.ui(ui, state, actions),
            Pane::Latent => self.explore.ui(ui, state, &self.data, actions),
            Pane::Models => self.models.ui(ui, state, actions),
            Pane::Log => self.log.ui(ui, state),
            Pane::Manifold => self.traversal.ui(ui, state, &self.data, actions),
            Pane::Review => self.review.ui(ui, state, &self.data, actions),
            Pane::Averages => self.averages.ui(ui, state, actions),
            Pane::Table => self.table.ui(ui, state, &self.data, actions),
        }
    }
}

/// The micrograph at the left, the run above what was learned at the right.
fn standard() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let canvas = tiles.insert_pane(Pane::Canvas);
    let upper = [Pane::Training, Pane::Settings, Pane::Models, Pane::Averages, Pane::Table]
        .map(|pane| tiles.insert_pane(pane));
    let lower = [Pane::Latent, Pane::Manifold, Pane::Review, Pane::Grid, Pane::Log]
        .map(|pane| tiles.insert_pane(pane));
    let upper = tiles.insert_tab_tile(upper.to_vec());
    let lower = tiles.insert_tab_tile(lower.to_vec());
    let right = tiles.insert_container(Linear::new_binary(LinearDir::Vertical, [upper, lower], 0.54));
    let root = tiles.insert_container(Linear::new_binary(LinearDir::Horizontal, [canvas, right], 0.64));
    Tree::new(egui::Id::unique("panes"), root, tiles)
}

impl Layout {
    /// The layout as it was remembered; the usual one if that is unknown or lacks a pane.
    pub fn restored([panes, maps, spectra]: [&serde_json::Value; 3]) -> Self {
        Self {
            tree: panes::restored(panes).unwrap_or_else(standard),
            panels: Panels::default(),
            maps: MapsPanel::restored(maps),
            spectra: SpectraPanel::restored(spectra),
        }
    }

    /// What [`Layout::restored`] understands.
    pub fn remembered(&self) -> [serde_json::Value; 3] {
        let own = serde_json::to_value(&self.tree).unwrap_or_default();
        [own, self.maps.remembered(), self.spectra.remembered()]
    }

    /// Draws everything.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.panels.data.refresh(state);
        self.panels.grid.begin();
        self.panels.table.begin();
        let fill = ui.visuals().panel_fill;
        let bar = Frame::new().fill(fill).inner_margin(Margin::symmetric(8, 4));
        Panel::top("bar").frame(bar).show(ui, |ui| bar::ui(ui, state, actions));
        let line = Frame::new().fill(fill).inner_margin(Margin::symmetric(10, 2));
        let place = match state.workspace {
            Workspace::Maps => self.maps.pointer(state),
            Workspace::Spectra => self.spectra.pointer(state),
            Workspace::Particles => self.panels.canvas.pointer().map(status::position),
        };
        Panel::bottom("status")
            .frame(line)
            .exact_size(26.0)
            .show(ui, |ui| status::ui(ui, state, place, actions));
        let side = Frame::new().fill(fill).inner_margin(Margin::symmetric(10, 8));
        let name = match state.workspace {
            Workspace::Maps => "maps side",
            Workspace::Spectra => "spectra side",
            Workspace::Particles => "side",
        };
        Panel::left(name).frame(side).default_size(268.0).size_range(220.0..=420.0).show(
            ui,
            |ui| match state.workspace {
                Workspace::Maps => self.maps.side(ui, state, actions),
                Workspace::Spectra => self.spectra.side(ui, state, actions),
                Workspace::Particles => self.side(ui, state, actions),
            },
        );
        let centre = egui::CentralPanel::no_frame();
        match state.workspace {
            Workspace::Maps => {
                centre.show(ui, |ui| self.maps.ui(ui, state, actions));
                return;
            }
            Workspace::Spectra => {
                centre.show(ui, |ui| self.spectra.ui(ui, state, actions));
                return;
            }
            Workspace::Particles => {}
        }
        let panels = &mut self.panels;
        let unseen = panels.log.unseen_errors(state);
        let mut show = |ui: &mut Ui, pane: Pane| panels.ui(ui, pane, state, actions);
        let badge = |pane: Pane| if pane == Pane::Log { unseen } else { 0 };
        let mut behavior = Panes { show: &mut show, badge: &badge };
        centre.show(ui, |ui| self.tree.ui(&mut behavior, ui));
    }

    /// Takes actions that only concern the view; true if it was one.
    pub fn apply(&mut self, action: &Action, workspace: Workspace) -> bool {
        match (action, workspace) {
            (Action::ResetLayout, _) => {
                self.tree = standard();
                self.maps.reset_layout();
                self.spectra.reset_layout();
                true
            }
            (Action::Messages, _) => {
                self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(Pane::Log)));
                true
            }
            (action, Workspace::Maps) => self.maps.apply(action),
            (action, Workspace::Spectra) => self.spectra.apply(action),
            (Action::OfClass(act), Workspace::Particles) => self.panels.classes.apply(*act),
            (action, Workspace::Particles) => self.panels.canvas.apply(action),
        }
    }

    /// Work to be done beside the window so that the panels show what is known now.
    pub fn gather(&mut self, state: &State) -> Option<Gather> {
        self.panels.explore.gather(state, &self.panels.data)
    }

    /// Takes what was made.
    pub fn gathered(&mut self, gathered: Gathered) {
        self.panels.explore.take(gathered, &mut self.panels.data);
    }

    /// The revision of the predictions that the scatter shows.
    pub fn scatter_revision(&self) -> u64 {
        self.panels.explore.revision()
    }

    /// A map run has begun: what was chosen on older maps is let go.
    pub fn maps_began(&mut self) {
        self.maps.forget();
    }

    /// Other spectra: what was chosen among the old ones is let go.
    pub fn spectra_opened(&mut self, over_a_grid: bool) {
        self.spectra.opened(over_a_grid);
    }

    /// What is known of the particles, once the model has said something.
    pub fn table(&self) -> Option<&Arc<Table>> {
        self.panels.data.table()
    }

    /// True if the review is in sight.
    pub fn shows_review(&self) -> bool {
        let review = |tile| matches!(self.tree.tiles.get(tile), Some(Tile::Pane(Pane::Review)));
        self.tree.active_tiles().into_iter().any(review)
    }

    /// Brings the review up.
    pub fn show_review(&mut self) {
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(Pane::Review)));
    }

    /// Moves the picture so that a point of it (pixels) is in sight.
    pub fn look_at(&mut self, x: f32, y: f32) {
        self.panels.canvas.look_at(x, y);
    }

    /// A view as it is shown, for print; nothing if there is nothing to see.
    pub fn taken(&self, view: Figure, state: &State) -> Option<Taken> {
        let panels = &self.panels;
        match view {
            Figure::Micrograph => panels.canvas.taken(state),
            Figure::Scatter => panels.explore.taken(state, &panels.data),
            Figure::Manifold | Figure::Decoded => panels.traversal.taken(view, state),
            Figure::Loss => pages::loss(state, panels.training.is_logarithmic()),
            Figure::Accuracy => pages::accuracy(state),
            Figure::Calibration => pages::calibration(state),
            Figure::Confusion => review::confusion::taken(state, panels.data.table()?),
            Figure::Patches => grid::taken(state),
            Figure::Table => panels.table.taken(state, &panels.data),
            Figure::Meanings => super::explore::meanings::taken(&panels.data),
            Figure::Comparison => super::models::panel::taken(state.compared.as_deref()?),
            Figure::LatentPlane | Figure::WallProfile | Figure::MapLoss => self.maps.taken(view, state),
            Figure::Curves | Figure::SpectraScatter | Figure::Shifts | Figure::Traversal => {
                self.spectra.taken(view, state)
            }
            // These are no single page.
            Figure::Film | Figure::Averages => None,
        }
    }

    /// All particles of the list that the pointer is over.
    pub fn all_under_pointer(&self) -> Option<Vec<ParticleId>> {
        let panels = &self.panels;
        panels.grid.all_under_pointer().or_else(|| panels.table.all_under_pointer(&panels.data))
    }

    /// The pages of the film that is shown.
    pub fn film(&self, state: &State) -> Option<Vec<Drawing>> {
        self.panels.traversal.film(state)
    }

    /// Another project was opened.
    pub fn reset_views(&mut self) {
        self.panels.canvas.reset();
        self.panels.micrographs = MicrographsPanel::default();
        self.panels.traversal = TraversalPanel::default();
        self.panels.explore = ExplorePanel::default();
        self.panels.review = ReviewPanel::default();
        self.panels.averages = AveragesPanel::default();
        self.panels.table = TablePanel::default();
        self.maps.forget();
    }

    fn side(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let panels = &mut self.panels;
            section(ui, "Micrographs", |ui| panels.micrographs.ui(ui, state, actions));
            section(ui, "Classes", |ui| panels.classes.ui(ui, state, actions));
            section(ui, "Detection", |ui| detection::ui(ui, state, actions));
        });
    }
}

impl Titled for Pane {
    const KINDS: usize = 11;

    fn title(&self) -> &'static str {
        match self {
            Pane::Canvas => "Micrograph",
            Pane::Grid => "Patches",
            Pane::Training => "Training",
            Pane::Settings => "Settings",
            Pane::Latent => "Latent space",
            Pane::Models => "Models",
            Pane::Log => "Messages",
            Pane::Manifold => "Manifold",
            Pane::Review => "Review",
            Pane::Averages => "Averages",
            Pane::Table => "Table",
        }
    }

    fn edge_to_edge(&self) -> bool {
        *self == Pane::Canvas
    }
}

#[cfg(test)]
mod tests;
