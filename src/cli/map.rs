//! `nanotheca map`: order-parameter maps of an atomically resolved image.

use super::{Compute, PresetName, Tuning, command_line, follow, parse_invariances};
use crate::error::{Error, Result};
use crate::library::maps::{self, segments_of};
use crate::micrograph::{Micrograph, PixelSize, format};
use crate::train::shift::MapSettings;
use crate::worker::map_folder::{self, Told};
use crate::worker::mapping::{MapJob, MapSet, Plan, Summary};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Options {
    /// An atomically resolved STM, STEM or TEM image.
    image: PathBuf,
    /// Page of a stack, from 0.
    #[arg(long, default_value_t = 0)]
    page: usize,
    /// A new folder for the maps.
    #[arg(long)]
    out: PathBuf,
    /// Side of the window in pixels of the image, or `auto`: what fits the lattice.
    #[arg(long, default_value = "auto")]
    window: String,
    /// Content latents, 1 to 8.
    #[arg(long)]
    latent: Option<usize>,
    /// What must not become an order parameter: t (shift), r,t (rotation, too).
    #[arg(long)]
    invariances: Option<String>,
    /// Weight of the smoothness penalty, nats a window; 0 is off.
    #[arg(long)]
    smooth: Option<f32>,
    /// Independent runs, compared and ranked.
    #[arg(long)]
    seeds: Option<usize>,
    #[arg(long)]
    epochs: Option<usize>,
    /// Pixels from one value of the maps to the next.
    #[arg(long)]
    stride: Option<usize>,
    #[arg(long, value_enum, default_value_t)]
    preset: PresetName,
    /// Nanometres a pixel, where the file does not say: of both sides, or of x and y.
    #[arg(long, value_delimiter = ',', value_name = "F[,F]")]
    nm_per_px: Vec<f64>,
    /// Print what map.json holds.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tuning: Tuning,
    #[command(flatten)]
    compute: Compute,
}

/// Maps an image and writes the folder.
///
/// # Errors
/// An image that cannot be read or mapped, options out of range, a folder that cannot be written.
pub fn run(options: &Options) -> Result<()> {
    maps::refuse_used(&options.out)?;
    let settings = options.settings()?;
    let mut image = format::open_page(&options.image, options.page)?;
    if let Some(x) = options.nm_per_px.first() {
        let y = options.nm_per_px.get(1).unwrap_or(x);
        let size = PixelSize::new(*x, *y).filter(|_| options.nm_per_px.len() <= 2);
        let problem = "give one size above 0, or two: of x and of y";
        image.pixel_size = Some(size.ok_or_else(|| Error::invalid("--nm-per-px", problem))?);
    }
    let mut name = options.image.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if options.page > 0 {
        name += &format!("#{}", options.page);
    }
    map_image(image, &name, settings, &options.out, options.compute, options.json)
}

/// The whole way from an image to a folder of maps; prints what was found.
///
/// # Errors
/// As [`run`].
pub fn map_image(
    image: Micrograph,
    name: &str,
    settings: MapSettings,
    out: &Path,
    compute: Compute,
    json: bool,
) -> Result<()> {
    if let Some(warning) = image.warning() {
        eprintln!("{name}: {warning}");
    }
    let image = Arc::new(image);
    let seed = settings.seed;
    let job = MapJob { run: 1, image: image.clone(), mask: None, settings, device: compute.device.into() };
    let folder = tempfile::tempdir().map_err(|e| Error::io(std::env::temp_dir(), "create a folder in", e))?;
    let model = folder.path().join("model.safetensors");
    let found = follow::map(job, &model)?;
    let told = Told {
        image: name,
        plan: Some(&found.plan),
        set: &found.maps,
        summary: Some(&found.summary),
        device: Some(&found.device),
    };
    let about = map_folder::about(&told, Some(command_line()));
    let segments = segments_of(&found.maps.content, image.pixel_size, seed);
    let folder = map_folder::folder(&image, &found.maps, segments.as_ref(), &about);
    maps::export(&folder, out, |inside| maps::add_model(&model, inside))?;
    if json {
        say!("{:#}", folder.document());
    } else {
        print(&found, out);
    }
    Ok(())
}

impl Options {
    fn settings(&self) -> Result<MapSettings> {
        let mut settings = MapSettings::preset(self.preset.into());
        if self.window != "auto" {
            let wrong =
                || Error::invalid("--window", format!("`{}` is neither a number nor `auto`", self.window));
            settings.window_px = Some(self.window.parse().map_err(|_| wrong())?);
        }
        settings.latent = self.latent.unwrap_or(settings.latent);
        if let Some(text) = &self.invariances {
            settings.invariances = parse_invariances(text)?;
        }
        settings.smoothness = self.smooth.unwrap_or(settings.smoothness);
        settings.seeds = self.seeds.unwrap_or(settings.seeds);
        settings.epochs = self.epochs.unwrap_or(settings.epochs);
        settings.stride = self.stride.unwrap_or(settings.stride);
        settings.seed = self.compute.seed.unwrap_or(settings.seed);
        let settings = self.tuning.apply_to(settings)?;
        settings.check()?;
        Ok(settings)
    }
}

/// What a map run leaves.
pub struct Found {
    pub plan: Arc<Plan>,
    pub maps: Arc<MapSet>,
    pub summary: Arc<Summary>,
    pub device: String,
}

fn print(found: &Found, out: &Path) {
    let (plan, summary) = (&found.plan, &found.summary);
    say!("{}", plan.message);
    if let Some(lattice) = &plan.found {
        say!(
            "{} cells, windows of {:.0} px, averaged over {:.1} px",
            lattice.cells,
            plan.window_px,
            plan.average_px
        );
    }
    for (i, judged) in found.maps.judgements.iter().enumerate() {
        say!(
            "z{i}: sd {:.2}, lattice leakage {:.2} % (all orders {:.2} %), roughness {:.1} %: {}",
            judged.sd,
            100.0 * judged.leakage,
            100.0 * judged.leakage_all_orders,
            100.0 * judged.roughness,
            judged.verdict
        );
    }
    if let Some(best) = summary.seeds.first() {
        say!("{}", best.bound_in_words());
    }
    if let Some(agreement) = summary.agreement {
        let shown = summary.seeds.first().map_or(0, |best| best.seed);
        say!("the seeds agree by {agreement:.3}; the maps are those of seed {shown}");
    }
    if let Some([x, y]) = summary.phase_analysis_r {
        say!("shift field against geometric phase analysis: |r| {x:.3} (x), {y:.3} (y)");
    }
    say!("{} outliers; {}", summary.outliers.len(), summary.verdict);
    say!(
        "first map after {:.1} s, all after {:.0} s on {}; maps: {}",
        summary.first_map_seconds,
        summary.seconds,
        found.device,
        out.display()
    );
}
