//! What `map.json` promises, whoever writes it.

use serde_json::Value;

/// Every key that other programs may rely on is there, at its place.
pub fn check_map_json(document: &Value) {
    let keys = [
        "image",
        "size_px",
        "pixel_size_nm",
        "lattice",
        "message",
        "window_px",
        "side",
        "average_px",
        "shift_prior_px",
        "noise",
        "sigma",
        "seed",
        "epochs",
        "stride",
        "complete",
        "latents",
        "negative_elbo",
        "smoothness_roughness",
        "smoothness_cost",
        "seed_agreement",
        "seeds",
        "phase_analysis_r",
        "phase_analysis_reflections",
        "segments",
        "outliers",
        "verdict",
        "first_map_seconds",
        "seconds",
        "device",
        "settings",
        "version",
        "command",
    ];
    let lattice = ["a_px", "b_px", "a_nm", "b_nm", "lengths_px", "angle_deg", "confidence", "cells"];
    let latent = [
        "latent",
        "sd",
        "leakage",
        "leakage_of_noise",
        "leakage_all_orders",
        "leakage_all_orders_of_noise",
        "roughness",
        "collapsed",
        "verdict",
    ];
    let seed = ["seed", "negative_elbo", "roughness", "smoothness_cost", "judgements", "leakage", "seconds"];
    let holds = |of: &Value, keys: &[&str], what: &str| {
        for key in keys {
            assert!(of.get(key).is_some(), "{key} is not in {what}: {of:#}");
        }
    };
    holds(document, &keys, "map.json");
    holds(&document["lattice"], &lattice, "the lattice");
    assert!(!document["latents"].as_array().unwrap().is_empty() && document["complete"] == true);
    for of in document["latents"].as_array().unwrap() {
        holds(of, &latent, "a latent");
        assert!(of["leakage"].is_f64() && of["roughness"].is_f64() && of["sd"].is_f64(), "{of}");
    }
    for of in document["seeds"].as_array().unwrap() {
        holds(of, &seed, "a seed");
    }
}
