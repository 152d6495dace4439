//! Fitting a model to patches: settings, the order of images, one step after another, and the model file; [`shift`]: the
//! same for windows of a repeating pattern and for spectra.

mod adam;
pub mod checkpoint;
pub mod config;
mod joint;
pub mod present;
pub mod register;
pub mod resume;
pub mod schedule;
pub mod shift;
pub mod trainer;
