//! Fitting a model to patches: settings, the order of images, one step after another, and the model file.

pub mod checkpoint;
pub mod config;
mod joint;
pub mod present;
pub mod register;
pub mod resume;
pub mod schedule;
pub mod trainer;
