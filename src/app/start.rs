//! How the window is opened on this system, and where it keeps what belongs to no project.

use super::{App, Open};
use crate::error::{Error, Result};
use std::path::PathBuf;
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
