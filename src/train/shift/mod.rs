//! The shift-VAE (Ziatdinov, Wong and Kalinin 2023): windows of a repeating pattern, or spectra, without labels. What is
//! only a shift goes into the pose; what is left in the content is the slow change.

mod bound;
mod config;
mod file;
mod trainer;
mod windows;

pub use config::{MapSettings, Normalisation, Places};
pub use file::{load, save};
pub use trainer::{Epoch, ShiftTrainer};
pub use windows::WindowSet;
