//! Fitting a model to patches: settings, the order of images, one step after another, and the model file; [`shift`]: the
//! same for windows of a repeating pattern and for spectra.

mod adam;
pub mod checkpoint;
pub mod config;
pub mod curve;
mod good;
mod join;
mod joint;
pub mod lineage;
pub mod present;
mod published;
pub mod register;
pub mod resident;
pub mod resume;
pub mod schedule;
pub mod shift;
mod state_file;
pub mod trainer;
