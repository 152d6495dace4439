//! The pictures of the README: the real window, trained on the sample, drawn by the software graphics driver.
//!
//! `cargo bench --bench pictures -- FOLDER` writes one PNG a view; words after the folder choose views by name. Look at them
//! before they go into `assets`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // it may fail loudly

#[path = "../tests/common/window.rs"]
mod window;

use egui::{Event, Modifiers};
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

    fn take(&self, window: &mut Window, name: &str) {
        window.settle();
        // Tiles and fades come in frame by frame.
        window.harness.run_steps(40);
        let path = self.folder.join(format!("{name}.png"));
        window.harness.render().unwrap().save(&path).unwrap();
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
    if ["particles", "training", "latent", "manifold", "patches", "review"]
        .iter()
        .any(|name| views.wants(name))
    {
        particles(&views, scratch.path());
    }
    if views.wants("maps") {
        maps(&views, scratch.path());
    }
}

fn particles(views: &Views, scratch: &Path) {
    let project = sample::create(scratch).unwrap();
    let mut window = Window::open(Open { project: Some(project), ..Open::default() });
    window.until("the sample", |w| w.shows("Class rod") && w.shows("Micrograph canvas"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));
    window.press("Train");
    window.until("the end of the training", |w| w.is_there("Done"));
    for (name, pane) in [
        ("particles", "Micrograph"),
        ("training", "Training"),
        ("latent", "Latent space"),
        ("manifold", "Manifold"),
        ("patches", "Patches"),
        ("review", "Review"),
        ("models", "Models"),
    ] {
        if views.wants(name) {
            // A tab, and not a heading or a menu's entry of the same name.
            window.harness.query_all_by_label(pane).next().unwrap().click();
            views.take(&mut window, name);
        }
    }
}

fn maps(views: &Views, scratch: &Path) {
    let image = sample::create_lattice(scratch).unwrap();
    let mut window = Window::open(Open { images: vec![image], ..Open::default() });
    window.until("the image", |w| w.shows("Micrograph DyScO3.png") && !w.shows("Opening"));
    window.key(Modifiers::COMMAND, egui::Key::Num2);
    window.until("the workspace", |w| w.shows("Image canvas"));
    window.key(Modifiers::NONE, egui::Key::T);
    window.until("the maps", |w| w.shows("The model stays and answers"));
    views.take(&mut window, "maps");
}
