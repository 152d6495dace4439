//! What a model found in spectra as a folder of files other programs read.

pub mod page;

use super::figure::Colours;
use super::map::write_table;
use super::maps::{Visit, whole, write_one, write_text};
use crate::Result;
use crate::order::Map;
use crate::spectrum::{Found, Spectra};
use serde_json::{Value, json};
use std::path::Path;

/// What a folder of spectra holds.
pub struct SpectraFolder<'a> {
    /// Name of the file they came from.
    pub name: &'a str,
    pub spectra: &'a Spectra,
    pub found: &'a Found,
    /// Unit of the axis; may be empty.
    pub unit: &'a str,
    /// Every setting of the run.
    pub settings: Value,
    pub seconds: f64,
    pub device: &'a str,
    /// The command that made it, if it was one.
    pub command: Option<String>,
}

impl SpectraFolder<'_> {
    /// What `spectra.json` says.
    pub fn document(&self) -> Value {
        let (spectra, found) = (self.spectra, self.found);
        let last = found.curve.last().copied().unwrap_or_default();
        json!({
            "file": self.name,
            "spectra": spectra.count(),
            "points": spectra.x.len(),
            "grid": spectra.grid,
            "unit": self.unit,
            "epochs": found.curve.len(),
            "loss": last.loss,
            "reconstruction": last.reconstruction,
            "kl": last.kl,
            "latent_sd": found.spread,
            "collapsed": (0..found.latent()).map(|k| found.collapsed(k)).collect::<Vec<bool>>(),
            "seconds": self.seconds,
            "device": self.device,
            "settings": self.settings,
            "version": env!("CARGO_PKG_VERSION"),
            "command": self.command,
        })
    }

    /// Writes `spectra.csv` (shift, latents and error of each spectrum), `traversal_z<i>.csv`, `spectra.json`, `report.html`
    /// and `model.safetensors`; for spectra of a grid also `z<i>`, `z<i>_sd`, `shift` and `recon_error` as maps over it: float
    /// TIFF, NPY and PNG with colour bar, a pixel a spectrum.
    ///
    /// `folder` must be new or empty; it is there whole or not at all.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if the folder is in use, [`crate::Error::Io`] with the file at fault.
    pub fn export(&self, folder: &Path, save_model: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        whole(folder, |inside| {
            self.table(&inside.join("spectra.csv"))?;
            self.traversals(inside)?;
            self.each_map(&mut |name, map, colours, unit| {
                // A pixel is a spectrum; how far apart they were taken is not known.
                write_one(map, None, colours, unit, &inside.join(name))
            })?;
            save_model(&inside.join("model.safetensors"))?;
            write_text(&inside.join("report.html"), &page::page(self)?)?;
            write_text(&inside.join("spectra.json"), &format!("{:#}\n", self.document()))
        })
    }

    fn table(&self, path: &Path) -> Result<()> {
        let found = self.found;
        let n = found.latent();
        let mut head: Vec<String> = vec!["index".into()];
        head.extend(self.spectra.grid.iter().flat_map(|_| ["row", "column"].map(String::from)));
        head.push("shift".into());
        head.extend((0..n).map(|k| format!("z{k}")));
        head.extend((0..n).map(|k| format!("z{k}_sd")));
        head.push("recon_error".into());
        let rows = (0..self.spectra.count()).map(|i| {
            let mut row = vec![i.to_string()];
            if let Some([_, columns]) = self.spectra.grid {
                row.extend([(i / columns).to_string(), (i % columns).to_string()]);
            }
            row.push(found.shift[i].to_string());
            row.extend(found.latents[i * n..(i + 1) * n].iter().map(f32::to_string));
            row.extend(found.sd[i * n..(i + 1) * n].iter().map(f32::to_string));
            row.push(found.error[i].to_string());
            row
        });
        write_table(&head, rows, path)
    }

    /// A file a latent: the axis, and what the decoder draws at each value of the latent.
    fn traversals(&self, folder: &Path) -> Result<()> {
        let x = &self.spectra.x;
        for (k, drawn) in self.found.traversals.iter().enumerate() {
            let mut head = vec!["x".to_owned()];
            head.extend(self.found.steps.iter().map(|s| format!("z{k}={s}")));
            let rows = x.iter().enumerate().map(|(p, x)| {
                let mut row = vec![x.to_string()];
                row.extend(drawn.iter().skip(p).step_by(self.spectra.x.len()).map(f32::to_string));
                row
            });
            write_table(&head, rows, &folder.join(format!("traversal_z{k}.csv")))?;
        }
        Ok(())
    }

    /// Every map over the grid, one after the other; none for spectra without a grid.
    fn each_map(&self, visit: &mut Visit<'_>) -> Result<()> {
        let Some([rows, columns]) = self.spectra.grid else { return Ok(()) };
        let mut write = |name: &str, values: Vec<f32>, colours: Colours, unit: &str| {
            visit(name, &Map::over(columns, rows, values)?, colours, unit)
        };
        let narrow = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
        for k in 0..self.found.latent() {
            write(&format!("z{k}"), self.found.column(k), Colours::Diverging, "sd")?;
            write(&format!("z{k}_sd"), self.found.uncertainty(k), Colours::Sequential, "sd")?;
        }
        write("shift", narrow(&self.found.shift), Colours::Diverging, self.unit)?;
        write("recon_error", narrow(&self.found.error), Colours::Sequential, "")
    }
}
