//! A map run under way: prepare the image, train seed after seed with maps as it goes, then the best one's maps from
//! coarse to fine.

use super::device::Chosen;
use super::mapping::{MapEvent, MapJob, MapProgress};
use crate::error::{Error, Result};
use crate::explore::order_map::dense::{Dense, stride_for};
use crate::explore::order_map::summary::{SeedReport, Summary, beside_phase_analysis, compare};
use crate::explore::order_map::summary::{find_outliers, rank, verdict};
use crate::explore::order_map::{MapSet, Prepared, plan};
use crate::model::vae::Vae;
use crate::order::Map;
use crate::train::shift::{Epoch, ShiftTrainer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// At most about 15 progress events a second.
const TELL: Duration = Duration::from_millis(66);
/// Maps while training have at most so many places, and come at least this far apart.
const COARSE: usize = 12_000;
const REFRESH: Duration = Duration::from_millis(1500);
/// Places that are mapped between two looks at the inbox.
const BAND: usize = 16_384;

/// A run under way.
pub(super) struct MapRun {
    pub job: Box<MapJob>,
    chosen: Chosen,
    prepared: Option<Arc<Prepared>>,
    stage: Stage,
    done: Vec<Done>,
    began: Instant,
    pub pause: Option<Instant>,
    rested: Duration,
    told: Instant,
    mapped: Option<Instant>,
    first_map: Option<f64>,
}

enum Stage {
    Preparing,
    Training(Box<ShiftTrainer>),
    Refining(Box<Refining>),
    Over,
}

/// Maps of the best model under way.
struct Refining {
    vae: Vae,
    seed: usize,
    epoch: usize,
    dense: Dense,
    /// Strides still to come.
    next: Vec<usize>,
    /// Seeds, best first.
    order: Vec<usize>,
}

/// A trained seed.
struct Done {
    report: SeedReport,
    vae: Vae,
    epoch: usize,
    content: Vec<Map>,
}

impl MapRun {
    pub fn new(job: Box<MapJob>, chosen: Chosen) -> Self {
        let now = Instant::now();
        Self {
            job,
            chosen,
            prepared: None,
            stage: Stage::Preparing,
            done: Vec::new(),
            began: now,
            pause: None,
            rested: Duration::ZERO,
            told: now,
            mapped: None,
            first_map: None,
        }
    }

    pub fn resume(&mut self) -> bool {
        let pause = self.pause.take();
        self.rested += pause.map_or(Duration::ZERO, |p| p.elapsed());
        pause.is_some()
    }

    fn seconds(&self) -> f64 {
        let pause = self.pause.map_or(Duration::ZERO, |p| p.elapsed());
        self.began.elapsed().saturating_sub(self.rested + pause).as_secs_f64()
    }

    /// The model as it is now, and what it works on.
    pub fn model(&self) -> Option<(Vae, Arc<Prepared>)> {
        let vae = match &self.stage {
            Stage::Training(trainer) => trainer.snapshot(),
            Stage::Refining(at) => at.vae.clone(),
            Stage::Preparing | Stage::Over => self.done.first()?.vae.clone(),
        };
        Some((vae, self.prepared.clone()?))
    }

    /// Does a part of the work; true when all is done.
    ///
    /// # Errors
    /// What cannot be used of image or settings; a loss that is not finite; a device that stopped answering.
    pub fn step(&mut self, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Preparing => self.prepare(tell),
            Stage::Training(trainer) => self.train(trainer, tell),
            Stage::Refining(at) => self.refine(at, tell),
            Stage::Over => Ok(true),
        }
    }

    fn prepare(&mut self, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        let job = &self.job;
        let prepared = Arc::new(plan::prepare(&job.image, job.mask.as_deref(), &job.settings)?);
        tell(MapEvent::Planned(Arc::new(prepared.plan.clone())));
        self.prepared = Some(prepared);
        self.begin_seed()?;
        Ok(false)
    }

    fn ready(&self) -> Result<Arc<Prepared>> {
        self.prepared.clone().ok_or_else(|| Error::Training("the image is not prepared".into()))
    }

    fn begin_seed(&mut self) -> Result<()> {
        let prepared = self.ready()?;
        let seed = self.job.settings.seed + self.done.len() as u64;
        let plan = &prepared.plan;
        let trainer = ShiftTrainer::new(
            plan.settings.clone(),
            Arc::new(prepared.draw(seed)?),
            plan.likelihood(),
            plan.shift_prior(),
            seed,
            &self.chosen.device,
            self.chosen.tiled,
        )?;
        self.stage = Stage::Training(Box::new(trainer));
        Ok(())
    }

    fn train(&mut self, mut trainer: Box<ShiftTrainer>, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        let epoch = match trainer.step() {
            Ok(epoch) => epoch,
            Err(error) => {
                // The weights are those before the step: they go on answering.
                self.stage = Stage::Training(trainer);
                return Err(error);
            }
        };
        if epoch.is_some() || self.told.elapsed() >= TELL {
            tell(MapEvent::Progress(self.progress(&trainer, epoch)));
        }
        let done = trainer.done();
        if epoch.is_some() && !done && self.mapped.is_none_or(|m| m.elapsed() >= REFRESH) {
            let maps = self.coarse(&trainer, false)?;
            tell(MapEvent::Maps(Arc::new(maps)));
        }
        if done {
            return self.end_seed(*trainer, tell);
        }
        self.stage = Stage::Training(trainer);
        Ok(false)
    }

    fn progress(&mut self, trainer: &ShiftTrainer, epoch: Option<Epoch>) -> MapProgress {
        self.told = Instant::now();
        MapProgress {
            seed: self.done.len() + 1,
            seeds: self.job.settings.seeds,
            epoch: if epoch.is_some() { trainer.epoch } else { trainer.epoch + 1 },
            epochs: trainer.settings.epochs,
            share: if epoch.is_some() { 1.0 } else { trainer.step as f32 / trainer.steps.max(1) as f32 },
            seconds: self.seconds(),
            loss: epoch.map(|e| e.loss),
            roughness: epoch.map(|e| e.roughness),
            spread: epoch.map(|e| e.spread),
        }
    }

    fn coarse(&mut self, trainer: &ShiftTrainer, last: bool) -> Result<MapSet> {
        let prepared = self.ready()?;
        let canvas = prepared.windows.canvas();
        let stride = stride_for(canvas.width, canvas.height, COARSE).max(self.job.settings.stride);
        let mut dense = Dense::new(trainer.snapshot(), prepared, stride)?;
        while !dense.finished() {
            dense.advance(BAND)?;
        }
        let maps = dense.maps(self.done.len() + 1, trainer.epoch, last)?;
        self.mapped = Some(Instant::now());
        let seconds = self.seconds();
        self.first_map.get_or_insert(seconds);
        Ok(maps)
    }

    fn end_seed(&mut self, mut trainer: ShiftTrainer, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        let began = self.done.iter().map(|d| d.report.seconds).sum::<f64>();
        let bound = trainer.bound()?;
        let maps = self.coarse(&trainer, false)?;
        let settings = &self.job.settings;
        let seed = settings.seed + self.done.len() as u64;
        let seconds = self.seconds() - began;
        let report = SeedReport::new(seed, bound, settings.smoothness, maps.judgements.clone(), seconds);
        let content = maps.content.clone();
        tell(MapEvent::Maps(Arc::new(maps)));
        self.done.push(Done { report, vae: trainer.snapshot(), epoch: trainer.epoch, content });
        if self.done.len() < self.job.settings.seeds {
            self.begin_seed()?;
            return Ok(false);
        }
        let reports: Vec<SeedReport> = self.done.iter().map(|d| d.report.clone()).collect();
        let order = rank(&reports);
        let best = &self.done[order[0]];
        let (vae, seed, epoch) = (best.vae.clone(), order[0] + 1, best.epoch);
        let mut next = self.strides()?;
        let first = next.remove(0);
        let dense = Dense::new(vae.clone(), self.ready()?, first)?;
        self.stage = Stage::Refining(Box::new(Refining { vae, seed, epoch, dense, next, order }));
        Ok(false)
    }

    /// From what the maps had while training down to what was asked for, halved each time.
    fn strides(&self) -> Result<Vec<usize>> {
        let last = self.job.settings.stride.max(1);
        let prepared = self.ready()?;
        let canvas = prepared.windows.canvas();
        let mut stride = stride_for(canvas.width, canvas.height, COARSE) / 2;
        let mut strides = Vec::new();
        while stride > last {
            strides.push(stride);
            stride /= 2;
        }
        strides.push(last);
        Ok(strides)
    }

    fn refine(&mut self, mut at: Box<Refining>, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        at.dense.advance(BAND)?;
        if !at.dense.finished() {
            self.stage = Stage::Refining(at);
            return Ok(false);
        }
        let Refining { vae, seed, epoch, dense, mut next, order } = *at;
        let last = next.is_empty();
        let maps = Arc::new(dense.maps(seed, epoch, last)?);
        tell(MapEvent::Maps(maps.clone()));
        if last {
            let summary = self.summary(&vae, &maps, &order)?;
            tell(MapEvent::Finished(Arc::new(summary)));
            return Ok(true);
        }
        let dense = Dense::new(vae.clone(), self.ready()?, next.remove(0))?;
        self.stage = Stage::Refining(Box::new(Refining { vae, seed, epoch, dense, next, order }));
        Ok(false)
    }

    fn summary(&mut self, vae: &Vae, maps: &MapSet, order: &[usize]) -> Result<Summary> {
        let prepared = self.ready()?;
        let contents: Vec<Vec<Map>> = order.iter().map(|&i| self.done[i].content.clone()).collect();
        let (agreement, aligned) = compare(&contents)?;
        let mut seeds: Vec<SeedReport> = order.iter().map(|&i| self.done[i].report.clone()).collect();
        // The finest maps are what is judged.
        seeds[0].judgements.clone_from(&maps.judgements);
        let phase_analysis_r = beside_phase_analysis(&self.job.image, &prepared.plan, maps);
        let outliers = find_outliers(vae, &prepared)?;
        let best = self.done.swap_remove(order[0]);
        self.done = vec![best];
        let seconds = self.seconds();
        Ok(Summary {
            verdict: verdict(&prepared.plan, &seeds[0], agreement),
            seeds,
            agreement,
            aligned,
            phase_analysis_r,
            outliers,
            first_map_seconds: self.first_map.unwrap_or(seconds),
            seconds,
        })
    }
}
