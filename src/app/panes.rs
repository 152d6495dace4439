//! How movable panes look, whatever they show.

use egui::{Align, Color32, Frame, Layout, Margin, RichText, Stroke, Ui, WidgetText, vec2};
use egui_tiles::{Behavior, SimplificationOptions, TabState, Tile, TileId, Tiles, Tree, UiResponse};
use serde::de::DeserializeOwned;

/// A kind of pane: its title, and whether it goes to the very edge.
pub trait Titled {
    /// How many kinds there are.
    const KINDS: usize;
    fn title(&self) -> &'static str;
    fn edge_to_edge(&self) -> bool;
}

/// Panes as they were remembered, if each kind is there once.
pub fn restored<P: Titled + DeserializeOwned>(panes: &serde_json::Value) -> Option<Tree<P>> {
    let tree = serde_json::from_value::<Tree<P>>(panes.clone()).ok()?;
    let mut titles: Vec<&str> = tree.tiles.iter().filter_map(|(_, tile)| Some(pane(tile)?.title())).collect();
    titles.sort_unstable();
    titles.dedup();
    (titles.len() == P::KINDS && tree.root.is_some()).then_some(tree)
}

fn pane<P>(tile: &Tile<P>) -> Option<&P> {
    match tile {
        Tile::Pane(pane) => Some(pane),
        Tile::Container(_) => None,
    }
}

/// What may be longer than its pane; `name` tells it from the others that scroll.
pub fn scrolled(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    egui::ScrollArea::vertical().id_salt(name).auto_shrink(false).show(ui, content);
}

/// A row of controls over a picture; in a narrow pane several.
pub fn row(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(6, 3));
    frame.show(ui, |ui| {
        ui.take_available_width();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 2.0);
            content(ui);
        });
    });
}

/// Two halves side by side: the left one takes a share of the width and scrolls.
pub fn beside(
    ui: &mut Ui,
    share: f32,
    name: &str,
    left: impl FnOnce(&mut Ui),
    right: Option<impl FnOnce(&mut Ui)>,
) {
    let size = vec2(if right.is_some() { share } else { 1.0 } * ui.available_width(), ui.available_height());
    ui.horizontal_top(|ui| {
        let column = Layout::top_down(Align::Min);
        ui.allocate_ui_with_layout(size, column, |ui| scrolled(ui, name, left));
        if let Some(right) = right {
            ui.vertical(right);
        }
    });
}

/// A part of a side panel under a title, which folds it away.
pub fn section(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    egui::CollapsingHeader::new(RichText::new(title).strong()).default_open(true).show_unindented(ui, |ui| {
        content(ui);
        ui.add_space(8.0);
    });
}

/// Draws panes with `show`.
pub struct Panes<'a, P> {
    pub show: &'a mut dyn FnMut(&mut Ui, P),
    /// A number behind a pane's title, such as errors not seen yet; 0 is not shown.
    pub badge: &'a dyn Fn(P) -> usize,
}

impl<P: Titled + Copy> Behavior<P> for Panes<'_, P> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut P) -> UiResponse {
        if pane.edge_to_edge() {
            (self.show)(ui, *pane);
            return UiResponse::None;
        }
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(10, 8));
        frame.show(ui, |ui| {
            (self.show)(ui, *pane);
            ui.take_available_space();
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &P) -> WidgetText {
        match (self.badge)(*pane) {
            0 => pane.title().into(),
            n => format!("{} ({n})", pane.title()).into(),
        }
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
        _tiles: &Tiles<P>,
        _tile: TileId,
        state: &TabState,
    ) -> Color32 {
        if state.active { visuals.panel_fill } else { visuals.extreme_bg_color }
    }

    fn tab_text_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<P>,
        _tile: TileId,
        state: &TabState,
    ) -> Color32 {
        if state.active { visuals.strong_text_color() } else { visuals.weak_text_color() }
    }

    fn tab_outline_stroke(
        &self,
        _visuals: &egui::Visuals,
        _tiles: &Tiles<P>,
        _tile: TileId,
        _state: &TabState,
    ) -> Stroke {
        Stroke::NONE
    }
}
