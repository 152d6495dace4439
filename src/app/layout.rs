//! Where panels stand: bar, side panel and status line are fixed, the four panes in the middle can be moved.

use super::action::Action;
use super::canvas::CanvasPanel;
use super::classes::ClassesPanel;
use super::explore::ExplorePanel;
use super::explore::data::Data;
use super::grid::GridPanel;
use super::log::LogPanel;
use super::micrographs::MicrographsPanel;
use super::models::ModelsPanel;
use super::review::ReviewPanel;
use super::settings::SettingsPanel;
use super::state::State;
use super::take::pages;
use super::take::{Figure, Taken};
use super::training::TrainingPanel;
use super::traversal::TraversalPanel;
use super::{bar, detection, review, status};
use crate::library::drawing::Drawing;
use egui::{Color32, Frame, Margin, Panel, RichText, Stroke, Ui, WidgetText};
use egui_tiles::{
    Behavior, Linear, LinearDir, SimplificationOptions, TabState, Tile, TileId, Tiles, Tree, UiResponse,
};
use serde::{Deserialize, Serialize};

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
}

/// The panels and where they stand.
pub struct Layout {
    tree: Tree<Pane>,
    panels: Panels,
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
}

impl Default for Layout {
    fn default() -> Self {
        Self { tree: standard(), panels: Panels::default() }
    }
}

/// The micrograph at the left, the run above what was learned at the right.
fn standard() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let canvas = tiles.insert_pane(Pane::Canvas);
    let upper = [Pane::Training, Pane::Settings, Pane::Models].map(|pane| tiles.insert_pane(pane));
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
    pub fn restored(panes: &serde_json::Value) -> Self {
        let known = |tree: &Tree<Pane>| {
            let all = |usual: &Tree<Pane>| usual.tiles.tiles().filter(|tile| tile.is_pane()).count();
            all(tree) == all(&standard()) && tree.root.is_some()
        };
        let tree = serde_json::from_value::<Tree<Pane>>(panes.clone()).ok().filter(known);
        Self { tree: tree.unwrap_or_else(standard), panels: Panels::default() }
    }

    /// What [`Layout::restored`] understands.
    pub fn remembered(&self) -> serde_json::Value {
        serde_json::to_value(&self.tree).unwrap_or_default()
    }

    /// Draws everything.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.panels.data.refresh(state);
        let fill = ui.visuals().panel_fill;
        let bar = Frame::new().fill(fill).inner_margin(Margin::symmetric(8, 4));
        Panel::top("bar").frame(bar).show(ui, |ui| bar::ui(ui, state, actions));
        let line = Frame::new().fill(fill).inner_margin(Margin::symmetric(10, 2));
        let pointer = self.panels.canvas.pointer();
        Panel::bottom("status").frame(line).exact_size(26.0).show(ui, |ui| status::ui(ui, state, pointer));
        let side = Frame::new().fill(fill).inner_margin(Margin::symmetric(10, 8));
        Panel::left("side").frame(side).default_size(268.0).size_range(220.0..=420.0).show(ui, |ui| {
            self.side(ui, state, actions);
        });
        let mut behavior = Panes { panels: &mut self.panels, state, actions };
        egui::CentralPanel::no_frame().show(ui, |ui| self.tree.ui(&mut behavior, ui));
    }

    /// Takes actions that only concern the view; true if it was one.
    pub fn apply(&mut self, action: &Action) -> bool {
        if *action == Action::ResetLayout {
            self.tree = standard();
            return true;
        }
        if *action == Action::Messages {
            self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(Pane::Log)));
            return true;
        }
        self.panels.canvas.apply(action)
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
            // These are no single page.
            Figure::Film | Figure::Averages => None,
        }
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

fn section(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    egui::CollapsingHeader::new(RichText::new(title).strong()).default_open(true).show_unindented(ui, |ui| {
        content(ui);
        ui.add_space(8.0);
    });
}

struct Panes<'a> {
    panels: &'a mut Panels,
    state: &'a State,
    actions: &'a mut Vec<Action>,
}

impl Behavior<Pane> for Panes<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        let (state, actions) = (self.state, &mut *self.actions);
        if *pane == Pane::Canvas {
            self.panels.canvas.ui(ui, state, actions);
            return UiResponse::None;
        }
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(10, 8));
        frame.show(ui, |ui| {
            match pane {
                Pane::Canvas => {}
                Pane::Grid => self.panels.grid.ui(ui, state, actions),
                Pane::Training => self.panels.training.ui(ui, state, actions),
                Pane::Settings => self.panels.settings.ui(ui, state, actions),
                Pane::Latent => self.panels.explore.ui(ui, state, &self.panels.data, actions),
                Pane::Models => self.panels.models.ui(ui, state, actions),
                Pane::Log => self.panels.log.ui(ui, state),
                Pane::Manifold => self.panels.traversal.ui(ui, state, &self.panels.data, actions),
                Pane::Review => self.panels.review.ui(ui, state, &self.panels.data, actions),
            }
            ui.take_available_space();
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        match pane {
            Pane::Canvas => "Micrograph",
            Pane::Grid => "Patches",
            Pane::Training => "Training",
            Pane::Settings => "Settings",
            Pane::Latent => "Latent space",
            Pane::Models => "Models",
            Pane::Log => match self.panels.log.unseen_errors(self.state) {
                0 => "Messages",
                unseen => return format!("Messages ({unseen})").into(),
            },
            Pane::Manifold => "Manifold",
            Pane::Review => "Review",
        }
        .into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        // Panes keep their tabs, so that each can be taken by its title and moved.
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        4.0
    }

    fn min_size(&self) -> f32 {
        160.0
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        26.0
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> Color32 {
        visuals.extreme_bg_color
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        state: &TabState,
    ) -> Color32 {
        if state.active { visuals.panel_fill } else { visuals.extreme_bg_color }
    }

    fn tab_text_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        state: &TabState,
    ) -> Color32 {
        if state.active { visuals.strong_text_color() } else { visuals.weak_text_color() }
    }

    fn tab_outline_stroke(
        &self,
        _visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        _state: &TabState,
    ) -> Stroke {
        Stroke::NONE
    }
}
