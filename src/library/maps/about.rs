//! What is known of maps besides the maps themselves, and `map.json`, which says it to other programs.

use super::MapFolder;
use crate::lattice::Lattice;
use crate::order::{Judgement, Outlier, SeedReport, Smear};
use serde_json::{Map, Value, json};

/// The lattice that the windows were cut by.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub lattice: Lattice,
    /// 0..=1.
    pub confidence: f64,
    /// Cells found one by one.
    pub cells: usize,
}

/// What the model saw.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Side, pixels of the image, and pixels along it as the model sees it.
    pub window_px: f64,
    pub side: usize,
    /// Width of the average over registered cells, pixels; 0 for none.
    pub average_px: f64,
    pub shift_prior_px: f64,
    /// Noise of a single window and width of the likelihood, in parts of the range that the model sees.
    pub noise: f32,
    pub sigma: f32,
}

impl Windows {
    /// How content maps are smeared.
    pub fn smear(&self) -> Smear {
        Smear { sigma_px: self.average_px, window_px: self.window_px }
    }
}

/// How maps were made and what they are worth. What a run that was stopped did not come to is not known.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Name of the image's file.
    pub image: String,
    pub cell: Option<Cell>,
    /// About the lattice, in words.
    pub message: String,
    pub windows: Option<Windows>,
    /// Seed whose maps these are, its place from 1, and its complete epochs.
    pub seed: usize,
    pub epochs: usize,
    pub stride: usize,
    /// False for maps of a run that was stopped.
    pub complete: bool,
    /// One a content latent, where the lattice is known.
    pub judgements: Vec<Judgement>,
    /// Best first.
    pub seeds: Vec<SeedReport>,
    pub agreement: Option<f64>,
    /// |r| of the shift along x and y with phase analysis.
    pub phase_analysis_r: Option<[f64; 2]>,
    pub outliers: Vec<Outlier>,
    pub verdict: Option<String>,
    pub first_map_seconds: Option<f64>,
    pub seconds: Option<f64>,
    pub device: Option<String>,
    /// Every setting of the run.
    pub settings: Value,
    /// What makes the maps again.
    pub command: Option<String>,
    /// What the window alone knows (a measured wall, preparation of the image), by name.
    pub more: Map<String, Value>,
}

impl About {
    /// The best seed, once all are trained.
    pub fn best(&self) -> Option<&SeedReport> {
        self.seeds.first()
    }
}

impl MapFolder<'_> {
    /// What `map.json` says. The keys are a promise: new ones may come, none may go.
    pub fn document(&self) -> Value {
        let (about, image) = (self.about, self.image);
        let nm = |v: [f64; 2]| image.pixel_size.map(|s| [v[0] * s.x_nm, v[1] * s.y_nm]);
        let lattice = about.cell.map(|cell| {
            let (a, b) = (cell.lattice.a, cell.lattice.b);
            json!({
                "a_px": a, "b_px": b, "a_nm": nm(a), "b_nm": nm(b),
                "lengths_px": cell.lattice.lengths(), "angle_deg": cell.lattice.angle_on(image.pixel_size),
                "confidence": cell.confidence, "cells": cell.cells,
            })
        });
        let latents: Vec<Value> = (0..self.content.len()).map(|i| self.latent(i)).collect();
        let windows = about.windows;
        let document = json!({
            "image": about.image,
            "size_px": [image.width, image.height],
            "pixel_size_nm": image.pixel_size.map(|s| [s.x_nm, s.y_nm]),
            "lattice": lattice,
            "message": about.message,
            "window_px": windows.map(|w| w.window_px),
            "side": windows.map(|w| w.side),
            "average_px": windows.map(|w| w.average_px),
            "resolution_px": windows.map(|w| w.smear().resolution_px()),
            "shift_prior_px": windows.map(|w| w.shift_prior_px),
            "noise": windows.map(|w| w.noise),
            "sigma": windows.map(|w| w.sigma),
            "seed": about.seed,
            "epochs": about.epochs,
            "stride": about.stride,
            "complete": about.complete,
            "latents": latents,
            "negative_elbo": about.best().map(|best| best.negative_elbo),
            "smoothness_roughness": about.best().map(|best| best.roughness),
            "smoothness_cost": about.best().map(|best| best.smoothness_cost),
            "seed_agreement": about.agreement,
            "seeds": about.seeds,
            "phase_analysis_r": about.phase_analysis_r,
            "phase_analysis_reflections": self.phase_analysis.map(|found| found.reflections),
            "segments": self.segments.map(|found| &found.segments),
            "outliers": about.outliers,
            "verdict": about.verdict,
            "first_map_seconds": about.first_map_seconds,
            "seconds": about.seconds,
            "device": about.device,
            "settings": about.settings,
            "version": env!("CARGO_PKG_VERSION"),
            "command": about.command,
        });
        match document {
            Value::Object(mut all) => {
                // What the window adds never takes the place of a promised key.
                for (name, value) in &about.more {
                    all.entry(name.clone()).or_insert_with(|| value.clone());
                }
                Value::Object(all)
            }
            other => other,
        }
    }

    fn latent(&self, i: usize) -> Value {
        let judged = self.about.judgements.get(i);
        json!({
            "latent": i,
            "sd": self.content.get(i).map(|map| map.stats().sd),
            "leakage": judged.map(|j| j.leakage),
            "leakage_of_noise": judged.map(|j| j.leakage_of_noise),
            "leakage_all_orders": judged.map(|j| j.leakage_all_orders),
            "leakage_all_orders_of_noise": judged.map(|j| j.leakage_all_orders_of_noise),
            "roughness": judged.map(|j| j.roughness),
            "collapsed": judged.map(|j| j.collapsed),
            "verdict": judged.map(|j| j.verdict.clone()),
        })
    }
}
