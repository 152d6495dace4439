//! Nanotheca: classified particle libraries from micrographs.
//!
//! The modules are the stations of a microscopist's work:
//!
//! - [`micrograph`]: a picture is opened; pixels with a size and a scale.
//! - [`particle`]: what is seen on it is found, labelled and cut out as patches.
//! - [`project`]: remembers the user's work; every change is an edit with an inverse.
//! - [`lattice`]: the repeating pattern of an atomically resolved image: its true cell, its phase at any place.
//! - [`order`]: maps of order parameters: phase analysis, judging, segments, walls.
//! - [`spectrum`]: curves on one axis, and what a model finds in them.
//! - [`model`]: networks and losses of the ss-rVAE, tensors only.
//! - [`train`]: the loop that fits a model to patches.
//! - [`explore`]: questions to a trained model: classes, angles, latents, traversals.
//! - [`review`]: a second look at predictions: what latents mean, what to ask a person, what changed.
//! - [`library`]: what leaves: one record a particle, in the formats other programs read.
//! - [`sample`]: the project that ships with the program, and synthetic data with known factors.
//! - [`worker`]: the one thread that owns the device and the tensors.
//! - [`cli`] and [`app`]: the same work without and with a window.

pub mod app;
pub mod cli;
pub mod error;
pub mod explore;
pub mod lattice;
pub mod library;
pub mod micrograph;
pub mod model;
pub mod order;
pub mod particle;
pub mod project;
pub mod review;
pub mod sample;
pub mod spectrum;
pub mod train;
pub mod worker;

pub use error::{Error, Result};
