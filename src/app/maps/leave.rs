//! Taking all maps away: the worker writes the model that drew them, then a job writes the folder.

use super::export::MapExport;
use super::run::Subject;
use super::steps::MapDone;
use crate::app::App;
use crate::app::jobs::Done;
use crate::app::state::Level;
use crate::error::Error;
use crate::worker::message::Command;
use std::path::{Path, PathBuf};

/// Maps that wait for their model.
pub struct Leaving {
    /// The folder in which theirs is made.
    to: PathBuf,
    /// Where the worker puts the model; it goes away with this.
    model: tempfile::TempDir,
}

impl Leaving {
    fn model(&self) -> PathBuf {
        self.model.path().join("model.safetensors")
    }
}

impl App {
    pub(super) fn export_maps(&mut self, to: PathBuf) {
        if self.state.maps.set.is_none() {
            return;
        }
        match tempfile::tempdir() {
            Ok(model) => {
                let leaving = Leaving { to, model };
                let (run, path) = (self.state.maps.run, leaving.model());
                self.map_jobs.leaving = Some(leaving);
                self.worker.send(Command::MapSave { run, path });
            }
            Err(e) => self.complain(&Error::io(std::env::temp_dir(), "create a folder in", e)),
        }
    }

    pub(in crate::app) fn on_no_map_model(&mut self, why: &str) {
        self.map_jobs.leaving = None;
        self.tell(Level::Error, format!("The maps were not exported: {why}"), None);
    }

    /// A model was written: that of the newest maps that have come.
    pub(in crate::app) fn on_map_model(&mut self, path: &Path) {
        let Some(leaving) = self.map_jobs.leaving.take_if(|leaving| leaving.model() == path) else { return };
        let pixel_size = self.state.map_scale();
        let maps = &self.state.maps;
        let (Some(subject), Some(set)) = (maps.subject.clone(), maps.set.clone()) else { return };
        let export = MapExport {
            subject: Subject { pixel_size, ..subject },
            set,
            revision: maps.revision,
            plan: maps.plan.clone(),
            summary: maps.summary.clone(),
            segments: maps.segments.clone(),
            wall: maps.wall.clone(),
            device: maps.device.clone(),
            left_out: maps.left_out.0.len() + maps.left_out.1.len(),
            model: leaving.model(),
        };
        let Leaving { to, model } = leaving;
        self.jobs.start_writing("Exporting the maps".into(), move |_| {
            let exported = export.export(&to);
            // The model's folder lives until it has been copied.
            drop(model);
            Done::Maps(MapDone::Exported(exported))
        });
    }
}
