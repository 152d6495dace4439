//! How a library came to be: what the report says so that it can be made again.

use super::message::DeviceChoice;
use crate::train::checkpoint::Description;
use crate::train::config::TrainConfig;
use crate::train::lineage::CrossValidated;
use serde_json::{Value, json};

/// What stands in a report beside what is found in the library itself.
#[derive(Clone, Debug, Default)]
pub struct Made {
    pub settings: Value,
    pub cross_validated: Option<CrossValidated>,
}

impl Made {
    /// What the model's own file says of its training, whatever the project's settings are now; `device` is what this
    /// library was computed on, and `command` makes it again.
    pub fn by(model: &Description, device: &str, choice: DeviceChoice, command: Option<&str>) -> Self {
        let lineage = &model.lineage;
        let trained_on = if lineage.device.is_empty() { device } else { &lineage.device };
        let settings = json!({
            "training": model.train,
            "seed": model.train.seed,
            "epochs": model.epochs,
            "labels_joined_before_epochs": lineage.joined,
            "patch": model.geometry,
            "trained_on": trained_on,
            "device": device,
            "device_asked_for": choice,
            "version": env!("CARGO_PKG_VERSION"),
            "versions": versions(),
            "command": command,
        });
        Self { settings, cross_validated: lineage.cross_validated }
    }
}

/// What the program was made with, and where it runs.
pub fn versions() -> Value {
    json!({
        "burn": env!("NANOTHECA_BURN"),
        "rustc": env!("NANOTHECA_RUSTC").trim_start_matches("rustc "),
        "system": system(),
    })
}

/// "Debian GNU/Linux 13 (trixie), linux x86_64".
fn system() -> String {
    let machine = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| machine.clone(), |name| format!("{}, {machine}", name.trim_matches('"')))
}

/// True if training the project anew with `nanotheca run` gives this model: nothing joined its labels on the way, and it
/// was trained to the end with these settings.
pub fn is_made_in_one_go(model: &Description, settings: &TrainConfig) -> bool {
    model.lineage.joined.is_empty() && model.train == *settings && model.epochs == model.train.epochs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_of_this_build() {
        let versions = versions();
        assert!(versions["rustc"].as_str().unwrap().starts_with("1."), "{versions}");
        let manifest = include_str!("../../Cargo.toml");
        let burn = versions["burn"].as_str().unwrap();
        assert!(manifest.contains(&format!("burn = {{ version = \"={burn}\"")), "{versions}");
        assert!(versions["system"].as_str().unwrap().contains(std::env::consts::ARCH));
    }
}
