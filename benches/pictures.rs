//! The pictures of the README: the real window, trained on the sample, drawn by the software graphics driver.
//!
//! `cargo bench --bench pictures -- FOLDER` writes one PNG a view; words after the folder choose views by name. Look at them
//! before they go into `assets`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // it may fail loudly

#[path = "../tests/common/window.rs"]
mod window;

use egui::{Event, Modifiers, Pos2, Rect, vec2};
use egui_kittest::kittest::Queryable;
use nanotheca::app::Open;
use nanotheca::sample;
use std::path::{Path, PathBuf};
use window::Window;

struct Views {
    folder: PathBuf,
    wanted: Vec<String>,
}

impl Views {
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted == name)
    }

    /// The whole window.
    fn take(&self, window: &mut Window, name: &str) {
        self.take_part(window, name, |all| all);
    }

    /// A part of the window, which is chosen in points.
    fn take_part(&self, window: &mut Window, name: &str, part: impl Fn(Rect) -> Rect) {
        window.settle();
        if name != "card" {
            window.harness.event(Event::PointerGone);
        }
        // Tiles, fades and what the model draws come frame by frame.
        for _ in 0..50 {
            window.harness.step();
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let mut picture = window.harness.render().unwrap();
        let scale = window.harness.ctx.pixels_per_point();
        let [width, height] = [picture.width(), picture.height()].map(|v| v as f32 / scale);
        let part = part(Rect::from_min_size(Pos2::ZERO, vec2(width, height))) * scale;
        let [x, y, w, h] = [part.left(), part.top(), part.width(), part.height()].map(|v| v.round() as u32);
        let path = self.folder.join(format!("{name}.png"));
        image::imageops::crop(&mut picture, x, y, w, h).to_image().save(&path).unwrap();
        println!("{}", path.display());
    }
}

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let Some(folder) = words.next() else {
        println!("name a folder: cargo bench --bench pictures -- FOLDER");
        return;
    };
    let views = Views { folder: folder.into(), wanted: words.collect() };
    std::fs::create_dir_all(&views.folder).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    if [
        "window", "models", "training", "averages", "table", "latent", "card", "manifold", "patches",
        "review",
    ]
    .iter()
    .any(|name| views.wants(name))
    {
        particles(&views, scratch.path());
    }
    if views.wants("maps") {
        maps(&views);
    }
    if views.wants("spectra") {
        spectra(&views);
    }
}

fn particles(views: &Views, scratch: &Path) {
    let project = sample::create_unfinished(scratch).unwrap();
    let mut window = Window::of_size(Open { project: Some(project), ..Open::default() }, [1600.0, 1100.0]);
    window.until("the sample", |w| w.shows("Class rod") && w.shows("Micrograph canvas"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));
    window.press("Train");
    window.until("the end of the training", |w| w.is_there("Done"));
    if views.wants("window") {
        views.take(&mut window, "window");
    }
    // Panes alone.
    let top = |window: &Window, tab: &str| {
        let tab = window.harness.query_all_by_label(tab).next().unwrap().rect();
        tab.left_top() - vec2(8.0, 6.0)
    };
    let upper =
        [("training", "Training"), ("models", "Models"), ("averages", "Averages"), ("table", "Table")];
    for (name, tab) in upper {
        if views.wants(name) {
            window.press(tab);
            if name == "averages" {
                window.until("the averages", |w| w.shows("upright"));
            }
            let (corner, below) = (top(&window, "Training"), top(&window, "Latent space"));
            views.take_part(&mut window, name, |all| {
                Rect::from_min_max(corner, Pos2::new(all.right(), below.y))
            });
        }
    }
    for (name, tab) in
        [("latent", "Latent space"), ("manifold", "Manifold"), ("review", "Review"), ("patches", "Patches")]
    {
        if views.wants(name) {
            window.harness.query_all_by_label(tab).next().unwrap().click();
            window.settle();
            if name == "review" {
                window.until("what there is to ask", |w| w.shows("worth a question"));
                window.press("Start reviewing");
                window.until("a question", |w| w.is_there("Skip"));
            }
            let corner = top(&window, "Latent space");
            let status = 26.0;
            views.take_part(&mut window, name, |all| {
                Rect::from_min_max(corner, all.right_bottom() - vec2(0.0, status))
            });
        }
    }
    if views.wants("card") {
        window.harness.query_all_by_label("Latent space").next().unwrap().click();
        window.settle();
        let corner = top(&window, "Latent space");
        let all = window.harness.ctx.content_rect();
        let plot = Rect::from_min_max(corner + vec2(60.0, 160.0), all.right_bottom() - vec2(20.0, 70.0));
        let places = (0..600)
            .map(|i| plot.min + vec2((i % 30) as f32, (i / 30) as f32) / vec2(30.0, 20.0) * plot.size());
        for place in places {
            window.harness.event(Event::PointerMoved(place));
            window.settle();
            if window.shows("Probability of rod") {
                break;
            }
        }
        // The card may stand to the left of the pane.
        views.take_part(&mut window, "card", |all| {
            Rect::from_min_max(
                Pos2::new(corner.x - 320.0, corner.y - 240.0),
                all.right_bottom() - vec2(0.0, 26.0),
            )
        });
    }
}

fn maps(views: &Views) {
    let mut window = Window::of_size(Open::default(), [1600.0, 1100.0]);
    window.key(Modifiers::COMMAND, egui::Key::Num2);
    window.press("Open the example (DyScO3)");
    window.until("the image", |w| w.shows("Image canvas") && w.shows("confidence"));
    window.key(Modifiers::NONE, egui::Key::T);
    window.until("the maps", |w| w.shows("The model stays and answers"));
    views.take(&mut window, "maps");
}

fn spectra(views: &Views) {
    let mut window = Window::open(Open::default());
    window.key(Modifiers::COMMAND, egui::Key::Num3);
    window.press("Try with sample peaks");
    window.until("the peaks", |w| w.is_enabled("Learn"));
    window.key(Modifiers::NONE, egui::Key::T);
    window.until("the end of the run", |w| w.shows("The model stays and answers"));
    let grid = window.harness.get_by_label("Grid of shift").rect();
    window.harness.event(Event::PointerMoved(grid.min + vec2(0.3, 0.3) * grid.size()));
    views.take(&mut window, "spectra");
}
