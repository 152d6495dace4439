//! The spectra workspace: what is only a shift among many curves, and what else varies, live.
//!
//! - [`run`]: the spectra, the run and what came of it; [`steps`]: what actions do; [`side`]: the side panel.
//! - [`curves`], [`scatter`], [`traversal`], [`scan`]: a pane each; [`dots`], [`bar`] and [`lines`]: how they draw; [`taken`]: as pages.
//! - [`field`]: the numbers that each spectrum has. [`Eye`]: the spectrum that is looked at in all panes.

mod bar;
mod curves;
mod dots;
mod empty;
mod field;
mod lines;
mod run;
mod scan;
mod scatter;
mod side;
mod steps;
mod taken;
mod traversal;

pub use run::{SpectraAsk, SpectraWork, Subject};
pub use steps::dropped;

use super::action::Action;
use super::panes::{self, Panes, Titled};
use super::state::State;
use super::take::{Figure, Taken};
use super::training::significant;
use egui::Ui;
use egui_tiles::{Linear, LinearDir, Tile, Tiles, Tree};
use field::Field;
use scan::ScanPanel;
use scatter::{ScatterPanel, ShiftPanel};
use serde::{Deserialize, Serialize};
use side::SidePanel;

/// What a movable pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Pane {
    Curves,
    Scatter,
    Shift,
    Grid,
    Traversal,
}

impl Titled for Pane {
    const KINDS: usize = 5;

    fn title(&self) -> &'static str {
        match self {
            Pane::Curves => "Curves",
            Pane::Scatter => "Latent scatter",
            Pane::Shift => "Shift",
            Pane::Grid => "Grid",
            Pane::Traversal => "Traversals",
        }
    }

    fn edge_to_edge(&self) -> bool {
        false
    }
}

/// Curves over shifts and grid at the left, the dots over what they mean at the right.
fn standard() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let mut tabs = |panes: &[Pane]| {
        let panes = panes.iter().map(|pane| tiles.insert_pane(*pane)).collect();
        tiles.insert_tab_tile(panes)
    };
    let (curves, shift) = (tabs(&[Pane::Curves]), tabs(&[Pane::Shift, Pane::Grid]));
    let (scatter, traversal) = (tabs(&[Pane::Scatter]), tabs(&[Pane::Traversal]));
    let left = tiles.insert_container(Linear::new_binary(LinearDir::Vertical, [curves, shift], 0.5));
    let right = tiles.insert_container(Linear::new_binary(LinearDir::Vertical, [scatter, traversal], 0.56));
    let root = tiles.insert_container(Linear::new_binary(LinearDir::Horizontal, [left, right], 0.5));
    Tree::new(egui::Id::unique("spectra panes"), root, tiles)
}

/// The spectrum that is looked at: seen in all panes, whichever it is pointed at in.
#[derive(Default)]
pub struct Eye {
    pointed: Option<usize>,
    next: Option<usize>,
    /// It was clicked and stays.
    pub kept: Option<usize>,
    /// Asked about, and of which revision of what was found.
    asked: Option<(usize, u64)>,
}

impl Eye {
    /// The one under the pointer, else the one that was clicked.
    pub fn looked(&self) -> Option<usize> {
        self.pointed.or(self.kept)
    }

    /// A pane has it under the pointer.
    pub fn point(&mut self, at: Option<usize>) {
        self.next = at.or(self.next);
    }

    /// All panes are drawn: the next frame shows what is pointed at now.
    fn close(&mut self, ui: &Ui, state: &State, actions: &mut Vec<Action>) {
        let next = self.next.take();
        if next != self.pointed {
            self.pointed = next;
            ui.ctx().request_repaint();
        }
        let wanted = self.looked().filter(|_| state.spectra.found.is_some());
        let wanted = wanted.map(|i| (i, state.spectra.revision));
        if let Some((i, _)) = wanted.filter(|_| wanted != self.asked) {
            actions.push(Action::Spectra(SpectraAsk::Model(i)));
        }
        self.asked = wanted;
    }
}

/// The panels of the workspace and where they stand.
pub struct SpectraPanel {
    tree: Tree<Pane>,
    panels: Panels,
}

/// What each panel alone remembers, and what they share.
#[derive(Default)]
struct Panels {
    eye: Eye,
    scatter: ScatterPanel,
    shift: ShiftPanel,
    scan: ScanPanel,
    side: SidePanel,
}

impl Default for SpectraPanel {
    fn default() -> Self {
        Self { tree: standard(), panels: Panels::default() }
    }
}

impl SpectraPanel {
    /// The panes as they were remembered, or as usual.
    pub fn restored(panes: &serde_json::Value) -> Self {
        Self { tree: panes::restored(panes).unwrap_or_else(standard), panels: Panels::default() }
    }

    /// What [`SpectraPanel::restored`] understands.
    pub fn remembered(&self) -> serde_json::Value {
        serde_json::to_value(&self.tree).unwrap_or_default()
    }

    pub fn reset_layout(&mut self) {
        self.tree = standard();
    }

    /// Other spectra: what was chosen among the old ones is let go. Those of a grid are seen as one.
    pub fn opened(&mut self, over_a_grid: bool) {
        self.panels.eye = Eye::default();
        let shown = if over_a_grid { Pane::Grid } else { Pane::Shift };
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == shown));
    }

    /// Takes actions that only change the view; true if it was one.
    pub fn apply(&mut self, action: &Action) -> bool {
        if *action == Action::SelectNone {
            self.panels.eye.kept = None;
            return true;
        }
        false
    }

    /// Draws the side panel.
    pub fn side(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.panels.side.ui(ui, state, actions);
    }

    /// Draws the panes, or what the workspace is for.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let work = &state.spectra;
        let Some(subject) = &work.subject else {
            empty::ui(ui, state, actions);
            return;
        };
        let Panels { eye, scatter, shift, scan, .. } = &mut self.panels;
        let mut show = |ui: &mut Ui, pane: Pane| match pane {
            Pane::Curves => curves::ui(ui, work, subject, eye, actions),
            Pane::Scatter => scatter.ui(ui, work, eye, actions),
            Pane::Shift => shift.ui(ui, work, scatter.colour(work), eye, actions),
            Pane::Grid => scan.ui(ui, work, subject, eye),
            Pane::Traversal => traversal::ui(ui, work, subject, actions),
        };
        self.tree.ui(&mut Panes { show: &mut show, badge: &|_| 0 }, ui);
        self.panels.eye.close(ui, state, actions);
    }

    /// A view as it is shown, for print; nothing if there is nothing to see.
    pub fn taken(&self, view: Figure, state: &State) -> Option<Taken> {
        let work = &state.spectra;
        let (subject, panels) = (work.subject.as_ref()?, &self.panels);
        match view {
            Figure::Curves => taken::curves(work, subject, panels.eye.looked()),
            Figure::SpectraScatter => {
                taken::scatter(work, subject, panels.scatter.fields(work.found.as_ref()?))
            }
            Figure::Shifts => taken::shift(work, subject, panels.scatter.colour(work)),
            Figure::Traversal => taken::traversal(work, subject),
            _ => None,
        }
    }

    /// The spectrum that is looked at with its numbers, for the status line.
    pub fn pointer(&self, state: &State) -> Option<String> {
        let i = self.panels.eye.looked()?;
        let found = state.spectra.found.as_ref()?;
        let shift = found.shift.get(i)?;
        Some(format!("spectrum {i:>6}  shift {:>7} {}", signed(*shift), state.spectra.unit))
    }
}

/// Three digits and a true minus sign.
fn signed(value: f64) -> String {
    format!("{}{}", if value < 0.0 { "−" } else { "" }, significant(value.abs()))
}

/// A place on an axis, as precisely as people write it.
fn plain(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').replace('-', "−")
}

/// What a run still lacks, as an invitation.
pub fn missing(state: &State) -> Option<String> {
    state.spectra.subject.is_none().then(|| "Open spectra to begin.".to_owned())
}

/// What the mouse does now, for the status line.
pub fn hint(state: &State) -> &'static str {
    match (&state.spectra.subject, &state.spectra.found) {
        (None, _) => "Drop a CSV, NPY, NPZ or 3DS of spectra on the window, or try the sample peaks.",
        (_, None) => "Press Learn (T). Settings stand at the left.",
        _ => "Pointing at a dot or a pixel shows its spectrum, a click keeps it, Esc lets go.",
    }
}
