//! Taking a view away: what can be taken in which form, from the question for a path to the file.
//!
//! A panel turns what it shows into a page for print and the numbers behind it; writing happens beside the window.

mod micrograph;
pub mod pages;
mod raster;

pub use micrograph::taken as micrograph;

use super::App;
use super::action::Action;
use super::file_dialog::Purpose;
use super::files::name_of;
use super::jobs::Done;
use super::maps::Workspace;
use super::state::{Level, State};
use crate::error::{Error, Result};
use crate::library::drawing::gif::Film;
use crate::library::drawing::{Drawing, Table, svg::svg};
use crate::library::insight;
use crate::project::atomic;
use egui::Ui;
use std::path::{Path, PathBuf};

/// What can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    Micrograph,
    Scatter,
    Manifold,
    Decoded,
    Film,
    Loss,
    Accuracy,
    Calibration,
    Confusion,
    Averages,
    Patches,
    Table,
    Meanings,
    Comparison,
    LatentPlane,
    WallProfile,
    MapLoss,
    Curves,
    SpectraScatter,
    Shifts,
    Traversal,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Svg,
    Csv,
    Gif,
    Mrc,
    Tiff,
}

/// A view in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    pub view: Figure,
    pub format: Format,
}

impl Take {
    /// The file that is written if this one is named.
    pub fn path(self, named: &Path) -> PathBuf {
        match named.extension() {
            Some(_) => named.to_owned(),
            None => named.with_extension(self.format.extension()),
        }
    }
}

/// Writes a view to a path.
type Writing = Box<dyn FnOnce(&Path) -> Result<()> + Send>;

/// What a panel gives: a page, and the numbers it was drawn from.
pub struct Taken {
    pub page: Drawing,
    pub table: Table,
}

impl Figure {
    pub const ALL: [Figure; 21] = [
        Figure::Micrograph,
        Figure::Scatter,
        Figure::Manifold,
        Figure::Decoded,
        Figure::Film,
        Figure::Averages,
        Figure::Loss,
        Figure::Accuracy,
        Figure::Calibration,
        Figure::Confusion,
        Figure::Patches,
        Figure::Table,
        Figure::Meanings,
        Figure::Comparison,
        Figure::LatentPlane,
        Figure::WallProfile,
        Figure::MapLoss,
        Figure::Curves,
        Figure::SpectraScatter,
        Figure::Shifts,
        Figure::Traversal,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Figure::Micrograph => "Micrograph",
            Figure::Scatter => "Latent space",
            Figure::Manifold => "Manifold",
            Figure::Decoded => "Decoded image",
            Figure::Film => "Film",
            Figure::Loss => "Loss",
            Figure::Accuracy => "Hold-out accuracy",
            Figure::Calibration => "Calibration",
            Figure::Confusion => "Confusion matrix",
            Figure::Averages => "Class averages",
            Figure::Patches => "Patches",
            Figure::Table => "Table",
            Figure::Meanings => "Meanings of the latents",
            Figure::Comparison => "Comparison of models",
            Figure::LatentPlane => "Latent plane",
            Figure::WallProfile => "Wall profile",
            Figure::MapLoss => "Loss of the maps",
            Figure::Curves => "Curves",
            Figure::SpectraScatter => "Latent scatter",
            Figure::Shifts => "Shift",
            Figure::Traversal => "Traversal",
        }
    }

    /// For the name of a file.
    pub fn file_name(self) -> String {
        self.name().to_lowercase().replace(' ', "-")
    }

    pub fn formats(self) -> &'static [Format] {
        match self {
            Figure::Film => &[Format::Gif],
            Figure::Table | Figure::Meanings | Figure::Comparison => &[Format::Csv],
            Figure::Averages => &[Format::Png, Format::Svg, Format::Csv, Format::Mrc, Format::Tiff],
            _ => &[Format::Png, Format::Svg, Format::Csv],
        }
    }
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Png => "Picture (PNG)",
            Format::Svg => "Drawing (SVG)",
            Format::Csv => "Data (CSV)",
            Format::Gif => "Film (GIF)",
            Format::Mrc => "Stack (MRC)",
            Format::Tiff => "Stack (TIFF)",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Svg => "svg",
            Format::Csv => "csv",
            Format::Gif => "gif",
            Format::Mrc => "mrcs",
            Format::Tiff => "tif",
        }
    }
}

/// The small menu of a pane; each view in each of its forms, those that are not there yet faint.
pub fn menu(ui: &mut Ui, views: &[(Figure, bool)], actions: &mut Vec<Action>) {
    let shown = ui.menu_button("Take away", |ui| {
        for (view, there) in views {
            if views.len() > 1 {
                ui.weak(view.name());
            }
            for format in view.formats() {
                let name = format!("{} as {}", view.name(), format.name());
                let button = ui.add_enabled(*there, egui::Button::new(format.name()));
                if button.accessible_name(name).clicked() {
                    actions.push(Action::TakeView(Take { view: *view, format: *format }));
                    ui.close();
                }
            }
        }
    });
    shown.response.on_hover_text("Write what is shown here into a file: for print, for slides, as numbers.");
}

/// All views that are there, a row each; true when it should close.
pub fn dialog(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) -> bool {
    let mut close = false;
    egui::Grid::new("views").num_columns(2).spacing([16.0, 6.0]).show(ui, |ui| {
        for view in Figure::of(state.workspace) {
            let there = view.is_there(state);
            ui.label(view.name());
            ui.horizontal(|ui| {
                for format in view.formats() {
                    let button = ui.add_enabled(there, egui::Button::new(format.extension().to_uppercase()));
                    let name = format!("{} as {}", view.name(), format.name());
                    if button.accessible_name(name).clicked() {
                        actions.push(Action::TakeView(Take { view, format: *format }));
                        close = true;
                    }
                }
            });
            ui.end_row();
        }
    });
    ui.weak("A view appears as its pane shows it: its axes, colours, class and zoom.");
    close
}

impl Figure {
    /// Those of a workspace.
    pub fn of(workspace: Workspace) -> impl Iterator<Item = Self> {
        let home = |view: &Self| match view {
            Figure::LatentPlane | Figure::WallProfile | Figure::MapLoss => Workspace::Maps,
            Figure::Curves | Figure::SpectraScatter | Figure::Shifts | Figure::Traversal => {
                Workspace::Spectra
            }
            _ => Workspace::Particles,
        };
        Self::ALL.into_iter().filter(move |view| home(view) == workspace)
    }

    /// Whether there is something to see.
    pub fn is_there(self, state: &State) -> bool {
        let run = &state.training;
        match self {
            Figure::Micrograph => state.picture().is_some(),
            Figure::Scatter | Figure::Confusion | Figure::Table => state.results.is_some(),
            Figure::Patches => state.class.is_some() && !state.project.particles.is_empty(),
            Figure::Averages => state.results.is_some() && run.dataset.is_some(),
            Figure::Manifold => state.previews.manifold.is_some(),
            Figure::Decoded => state.previews.image.is_some(),
            Figure::Film => state.previews.film.is_some(),
            Figure::Loss => !run.curve.is_empty(),
            Figure::Accuracy => run.accuracy().is_some(),
            Figure::Calibration => run.sanity.as_ref().is_some_and(|s| s.calibration.is_some()),
            Figure::Meanings => state.results.is_some() && state.measured.is_some(),
            Figure::Comparison => state.compared.is_some(),
            Figure::LatentPlane => state.maps.set.as_ref().is_some_and(|set| set.content.len() > 1),
            Figure::WallProfile => state.maps.wall.as_ref().is_some_and(|wall| wall.result.is_ok()),
            Figure::MapLoss => !state.maps.curve.is_empty(),
            Figure::Curves => state.spectra.subject.is_some(),
            Figure::SpectraScatter | Figure::Shifts | Figure::Traversal => state.spectra.found.is_some(),
        }
    }
}

impl App {
    /// Asks where a view goes.
    pub(super) fn take_view(&mut self, take: Take) {
        if take.view.is_there(&self.state) {
            self.ask_path(Purpose::TakeView(take));
        } else {
            let text = format!("There is nothing to see in “{}” yet.", take.view.name());
            self.tell(Level::Warning, text, None);
        }
    }

    /// Writes a view beside the window.
    pub(super) fn take_view_to(&mut self, take: Take, path: &Path) {
        let path = take.path(path);
        let nothing =
            || Error::invalid(take.view.name(), "nothing is shown there; open its pane and try again");
        let writing: Result<Writing> = match (take.view, take.format) {
            (Figure::Averages, format) => self.averages(format).ok_or_else(nothing),
            (Figure::Film, _) => self
                .layout
                .film(&self.state)
                .ok_or_else(nothing)
                .map(|pages| Box::new(move |path: &Path| film(&pages).save(path)) as Writing),
            (view, format) => self
                .layout
                .taken(view, &self.state)
                .ok_or_else(nothing)
                .map(|taken| Box::new(move |path: &Path| write(&taken, format, path)) as Writing),
        };
        match writing {
            Ok(writing) => {
                self.jobs.start_writing(format!("Writing {}", name_of(&path)), move |_| {
                    let result = writing(&path);
                    Done::Taken { path, result }
                });
            }
            Err(error) => self.complain(&error),
        }
    }

    pub(super) fn on_taken(&mut self, path: &Path, result: Result<()>) {
        match result {
            Ok(()) => self.tell(Level::Done, format!("Written: {}", path.display()), None),
            Err(error) => self.complain(&error),
        }
    }

    /// The means of each class, computed when they are written.
    fn averages(&self, format: Format) -> Option<Writing> {
        let averages = pages::averages(&self.state)?;
        let source = pages::source(&self.state);
        Some(Box::new(move |path| {
            let found = averages();
            let (stack, side, nm) = &found;
            match format {
                Format::Tiff => atomic::write_file(path, |to| insight::write_tiff(stack, *side, to)),
                Format::Mrc => atomic::write_file(path, |to| insight::write_mrcs(stack, *side, *nm, to)),
                other => write(&pages::average_page(&found, &source), other, path),
            }
        }))
    }
}

fn write(taken: &Taken, format: Format, path: &Path) -> Result<()> {
    match format {
        Format::Png => raster::write_png(&taken.page, path),
        Format::Csv => taken.table.write(path),
        _ => atomic::write_file(path, |to| to.write_all(svg(&taken.page).as_bytes())),
    }
}

/// Pages as frames, forth and back.
fn film(pages: &[Drawing]) -> Film {
    let mut raster = raster::Raster::new();
    let mut film = Film { pause: 8, ..Film::default() };
    for page in pages {
        let picture = raster.draw(page, raster::FILM);
        (film.width, film.height) = (picture.width() as usize, picture.height() as usize);
        film.frames.push(picture.pixels().map(|p| p.0[1]).collect());
    }
    let back: Vec<Vec<u8>> = film.frames.iter().skip(1).rev().skip(1).cloned().collect();
    film.frames.extend(back);
    film
}
