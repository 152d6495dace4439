//! How the window is opened on this system, and where it keeps what belongs to no project.

use super::state::{ago, count};
use super::{App, Open};
use crate::error::{Error, Result};
use crate::project::session;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the window remembers theme, layout and recent projects on this system.
pub fn memory_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "nanotheca").map(|dirs| dirs.config_dir().join("window.json"))
}

/// Where the work on projects without a file is kept safe on this system.
pub fn unsaved_folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "nanotheca").map(|dirs| dirs.data_dir().join("unsaved"))
}

/// "discs.png: 34 particles, 2 classes, 12 min ago": what is in a journal of unsaved work, for who must decide about it.
pub(super) fn about_unsaved(journal: &Path) -> String {
    let Some(project) = session::glance_at_unsaved(journal) else {
        return "It cannot be read, or a newer version wrote it.".into();
    };
    let names: Vec<String> = project.micrographs.iter().map(|entry| entry.file_name()).collect();
    let pictures = match &names[..] {
        [] => "No picture".to_owned(),
        few if few.len() <= 3 => few.join(", "),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    };
    let classes = match project.classes.len() {
        1 => "1 class".to_owned(),
        n => format!("{n} classes"),
    };
    let age =
        std::fs::metadata(journal).and_then(|file| file.modified()).ok().and_then(|at| at.elapsed().ok());
    let when = age.map_or_else(String::new, |age| format!(", {}", ago(age.as_secs())));
    format!("{pictures}: {}, {classes}{when}.", count(project.particles.len(), "particle"))
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// [`Error::NoDisplay`] where there is no screen, [`Error::Device`] if the graphics cannot be set up.
pub fn run(open: Open) -> Result<()> {
    if cfg!(all(unix, not(target_os = "macos"))) && !has_display() {
        return Err(Error::NoDisplay);
    }
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Nanotheca")
            .with_app_id("nanotheca")
            .with_inner_size([1360.0, 860.0])
            .with_min_inner_size([720.0, 480.0]),
        ..eframe::NativeOptions::default()
    };
    let started = Arc::new(AtomicBool::new(false));
    let start = || {
        let started = started.clone();
        let create: eframe::AppCreator<'_> = Box::new(move |cc| {
            started.store(true, Ordering::Relaxed);
            Ok(Box::new(App::new(cc, open)))
        });
        eframe::run_native("nanotheca", options, create)
    };
    // winit panics instead of failing on some broken displays; a sentence is better than a backtrace.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(start)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_))) => Err(Error::NoDisplay),
        Ok(Err(error)) => Err(Error::Device(format!("the window cannot be drawn: {error}"))),
        Err(panic) if started.load(Ordering::Relaxed) => std::panic::resume_unwind(panic),
        Err(_) => Err(Error::NoDisplay),
    }
}

/// True if the environment names a display.
fn has_display() -> bool {
    ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
