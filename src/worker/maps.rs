//! Map runs in the worker's loop, and questions to their model.

use super::device;
use super::engine::{Engine, panic_text};
use super::map_run::MapRun;
use super::mapping::{MapAnswer, MapEvent, MapJob, MapQuery};
use super::message::{Event, FinishReason};
use crate::error::{Error, Result};
use crate::explore::order_map::residual::reconstruct;
use crate::explore::order_map::windows::Freed;
use crate::explore::order_map::{Plan, Prepared};
use crate::model::vae::{PixelSubset, Vae};
use crate::train::shift;
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// The model of the maps that a run told last, which answers.
#[derive(Clone)]
pub(super) struct MapModel {
    pub run: u64,
    pub vae: Vae,
    pub prepared: Arc<Prepared>,
    /// Pixels from one value of the maps to the next.
    pub stride: usize,
}

impl Engine<'_> {
    pub(super) fn begin_map(&mut self, job: Box<MapJob>) {
        if self.run.is_some() {
            self.finish(FinishReason::Stopped);
        }
        self.stop_others();
        let chosen = device::choose(job.device);
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        self.map_model = None;
        self.map = Some(MapRun::new(job, chosen));
    }

    /// Ends a map run; its model stays and answers.
    pub(super) fn stop_map(&mut self) {
        if let Some(run) = self.map.take() {
            self.map_model = run.model().or(self.map_model.take());
            self.tell(Event::Map(MapEvent::Stopped));
        }
    }

    /// A part of the map run's work.
    pub(super) fn map_turn(&mut self) {
        let Some(mut run) = self.map.take() else { return };
        let mut events = Vec::new();
        let stepped = catch_unwind(AssertUnwindSafe(|| run.step(&mut |event| events.push(event))));
        let learns = events.iter().any(|event| matches!(event, MapEvent::Planned(_)));
        events.into_iter().for_each(|event| self.tell(Event::Map(event)));
        if learns {
            self.warms_up(run.chosen());
        }
        match stepped {
            Ok(Ok(false)) => self.map = Some(run),
            Ok(Ok(true)) => self.map_model = run.model(),
            Ok(Err(error)) => self.map_failed(&run, error.to_string(), format!("{error:?}")),
            Err(panic) => {
                let message = "the computation failed unexpectedly; the maps drawn so far and their model stay. Try again on the CPU";
                self.map_failed(&run, message.into(), panic_text(panic.as_ref()));
            }
        }
    }

    /// A run is over; the model of its maps stays and answers.
    pub(super) fn map_failed(&mut self, run: &MapRun, message: String, details: String) {
        self.map_model = run.model();
        self.tell(Event::Map(MapEvent::Failed { message, details }));
    }

    /// Answers the newest question about the maps, or says that there is no answer: who asked waits for one of both.
    pub(super) fn answer_map(&mut self, query: MapQuery) {
        let answer = match self.map_model().map(|model| model.answer(&query)) {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => {
                self.fail(&error);
                None
            }
            None => None,
        };
        self.tell(Event::Map(answer.map_or(MapEvent::NoAnswer(query), MapEvent::Answer)));
    }

    /// The model of the run under way, once it has one, or of the last one.
    fn map_model(&self) -> Option<MapModel> {
        self.map.as_ref().and_then(MapRun::model).or_else(|| self.map_model.clone())
    }

    pub(super) fn save_map(&mut self, run: u64, path: &Path) {
        let saved = match self.map_model().filter(|model| model.run == run) {
            Some(MapModel { vae, prepared, .. }) => shift::save::<Plan>(&vae, &prepared.plan, path),
            None => {
                let problem = "the model of these maps is gone, another run has begun; map the image again";
                Err(Error::Training(problem.into()))
            }
        };
        self.tell(Event::Map(match saved {
            Ok(()) => MapEvent::Saved(path.to_owned()),
            Err(error) => MapEvent::NotSaved(error.to_string()),
        }));
    }
}

impl MapModel {
    /// About a place what the maps have a value of there: the same number stands in both. `None` where nothing is known.
    pub(super) fn answer(&self, query: &MapQuery) -> Result<Option<MapAnswer>> {
        let Self { vae, prepared, .. } = self;
        let side = prepared.plan.side;
        let [low, high] = prepared.plan.range;
        let units = |mut values: Vec<f32>, freed: Freed| {
            freed.give_back(&mut values);
            values.iter().map(|v| low + v * (high - low)).collect()
        };
        let all = PixelSubset::all(&vae.config);
        let (pose, z) = (vae.config.pose(), vae.config.z());
        match query {
            MapQuery::Place(place) => {
                let stride = self.stride as f64;
                let place = place.map(|v| (v / stride).round() * stride);
                let mut window = vec![0.0; side * side];
                if !prepared.windows.at(place, &mut window) {
                    return Ok(None);
                }
                let x =
                    Tensor::<2>::from_data(TensorData::new(window.clone(), [1, side * side]), &vae.device());
                let posterior = vae.encode_all(x);
                let content = |t: Tensor<2>| host(t.slice([0..1, pose..z]));
                let freed = prepared.windows.freed(place);
                Ok(Some(MapAnswer {
                    query: query.clone(),
                    side,
                    reconstruction: units(reconstruct(vae, &window, &all)?, freed),
                    window: units(window, freed),
                    latents: content(posterior.mean)?,
                    sd: content(posterior.sd)?,
                }))
            }
            MapQuery::Latents(latents) => {
                let mut values = vec![0.0; z];
                values[pose..].iter_mut().zip(latents).for_each(|(to, from)| *to = *from);
                let z = Tensor::<2>::from_data(TensorData::new(values, [1, z]), &vae.device());
                Ok(Some(MapAnswer {
                    query: query.clone(),
                    side,
                    window: Vec::new(),
                    reconstruction: units(
                        host(vae.decode(z, &[0], &all.grid))?,
                        prepared.windows.usually_freed(),
                    ),
                    latents: latents.clone(),
                    sd: Vec::new(),
                }))
            }
        }
    }
}
