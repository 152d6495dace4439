//! From what a map run told to the folder that leaves: the same for the window and the command line.

use super::mapping::{MapSet, MapSettings, Plan, Summary};
use super::message::DeviceChoice;
use crate::library::maps::{About, Cell, MapFolder, Windows};
use crate::micrograph::{Micrograph, PixelSize};
use crate::order::Segments;
use serde_json::Value;
use std::path::Path;

/// What a run told, as far as it came.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// Name of the image's file.
    pub image: &'a str,
    pub plan: Option<&'a Plan>,
    pub set: &'a MapSet,
    pub summary: Option<&'a Summary>,
    pub device: Option<&'a str>,
}

/// How the maps were made and what they are worth; `command` makes them again.
pub fn about(told: &Told<'_>, command: Option<String>) -> About {
    let Told { image, plan, set, summary, device } = *told;
    let cell = plan.and_then(|plan| plan.found.as_ref()).map(|found| Cell {
        lattice: found.lattice,
        confidence: found.confidence,
        cells: found.cells,
    });
    let windows = plan.map(|plan| Windows {
        window_px: plan.window_px,
        side: plan.side,
        average_px: plan.average_px,
        shift_prior_px: plan.shift_px,
        noise: plan.noise,
        sigma: plan.sigma,
    });
    About {
        image: image.to_owned(),
        cell,
        message: plan.map_or_else(String::new, |plan| plan.message.clone()),
        windows,
        seed: set.seed,
        epochs: set.epoch,
        stride: set.stride,
        complete: set.last,
        judgements: set.judgements.clone(),
        seeds: summary.map(|s| s.seeds.clone()).unwrap_or_default(),
        agreement: summary.and_then(|s| s.agreement),
        phase_analysis_r: summary.and_then(|s| s.phase_analysis_r),
        outliers: summary.map(|s| s.outliers.clone()).unwrap_or_default(),
        verdict: summary.map(|s| s.verdict.clone()),
        first_map_seconds: summary.map(|s| s.first_map_seconds),
        seconds: summary.map(|s| s.seconds),
        device: device.map(str::to_owned),
        settings: plan.map_or(Value::Null, |plan| serde_json::to_value(&plan.settings).unwrap_or_default()),
        command,
        more: serde_json::Map::new(),
    }
}

/// The folder of these maps.
pub fn folder<'a>(
    image: &'a Micrograph,
    set: &'a MapSet,
    segments: Option<&'a Segments>,
    about: &'a About,
) -> MapFolder<'a> {
    MapFolder {
        image,
        content: &set.content,
        uncertainty: &set.uncertainty,
        shift: [&set.shift[0], &set.shift[1]],
        rotation: set.rotation.as_ref(),
        recon_error: set.recon_error.as_ref(),
        phase_analysis: set.phase_analysis.as_deref(),
        aligned: &set.aligned,
        segments,
        about,
    }
}

/// The command that maps a page of a file as these settings say; levelling, filters and masks of the window are not part of
/// it.
pub fn command(
    image: &Path,
    page: usize,
    settings: &MapSettings,
    pixel_size: Option<PixelSize>,
    device: DeviceChoice,
) -> String {
    let word = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut words = vec!["nanotheca".into(), "map".into(), image.display().to_string()];
    if page > 0 {
        words.extend(["--page".into(), page.to_string()]);
    }
    words.extend(["--out".into(), "maps".into(), "--preset".into()]);
    words.push(word(serde_json::to_value(settings.preset).unwrap_or_default()));
    if let Some(PixelSize { x_nm, y_nm }) = pixel_size {
        let square = (x_nm - y_nm).abs() < 1e-9 * x_nm;
        words
            .extend(["--nm-per-px".into(), if square { x_nm.to_string() } else { format!("{x_nm},{y_nm}") }]);
    }
    let device = serde_json::to_value(device).unwrap_or_default();
    words.extend(["--device".into(), word(device), "--seed".into(), settings.seed.to_string()]);
    let usual = serde_json::to_value(MapSettings::preset(settings.preset)).unwrap_or_default();
    let own = serde_json::to_value(settings).unwrap_or_default();
    let changed = own.as_object().into_iter().flatten().filter(|(name, value)| {
        !["preset", "seed"].contains(&name.as_str()) && usual.get(name.as_str()) != Some(*value)
    });
    for (name, value) in changed {
        words.extend(["--set".into(), format!("{name}={value}")]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./,:=".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_what_is_not_usual_and_quotes_it() {
        let settings = MapSettings { epochs: 7, window_px: Some(40.5), seed: 3, ..MapSettings::default() };
        let size = PixelSize::new(0.05, 0.05);
        let said = command(Path::new("/data/it's a lattice.png"), 0, &settings, size, DeviceChoice::Cpu);
        assert_eq!(
            said,
            "nanotheca map '/data/it'\\''s a lattice.png' --out maps --preset default --nm-per-px 0.05 --device cpu \
             --seed 3 --set epochs=7 --set window_px=40.5"
        );
        let usual =
            |page, size| command(Path::new("a.tif"), page, &MapSettings::default(), size, DeviceChoice::Auto);
        assert_eq!(usual(0, None), "nanotheca map a.tif --out maps --preset default --device auto --seed 1");
        assert_eq!(
            usual(2, PixelSize::new(0.1, 0.2)),
            "nanotheca map a.tif --page 2 --out maps --preset default --nm-per-px 0.1,0.2 --device auto --seed 1"
        );
    }
}
