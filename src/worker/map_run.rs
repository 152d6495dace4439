//! A map run under way: prepare the image, train seed after seed with maps as it goes, then the best one's maps from
//! coarse to fine, and what they are worth. Between any two parts the worker looks into its inbox.

use super::device::Chosen;
use super::map_judge::{Judged, Judging};
use super::map_refine::{BAND, Refining, coarse};
use super::mapping::{MapEvent, MapJob, MapProgress, MapStage};
use super::maps::MapModel;
use crate::error::{Error, Result};
use crate::explore::order_map::dense::Dense;
use crate::explore::order_map::summary::{Summary, compare, verdict};
use crate::explore::order_map::{MapSet, Prepared, Preparing};
use crate::model::vae::Vae;
use crate::order::seeds::{SeedMaps, SeedReport, rank};
use crate::train::shift::{Epoch, ShiftTrainer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// At most about 15 progress events a second.
const TELL: Duration = Duration::from_millis(66);
/// Maps while training come at least this far apart.
const REFRESH: Duration = Duration::from_millis(1500);

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
    /// The model of the maps told last, and their stride: it answers while another learns, and when a part of the work
    /// fails.
    kept: Option<(Vae, usize)>,
}

enum Stage {
    /// And how many parts are done.
    Preparing(Box<Preparing>, usize),
    Training(Box<ShiftTrainer>),
    Refining(Box<Refining>),
    Judging(Box<Judging>),
    Over,
}

/// A trained seed.
struct Done {
    report: SeedReport,
    vae: Vae,
    epoch: usize,
    maps: SeedMaps,
}

impl MapRun {
    pub fn new(job: Box<MapJob>, chosen: Chosen) -> Self {
        let now = Instant::now();
        let preparing = Preparing::new(job.image.clone(), job.mask.clone(), job.settings.clone());
        Self {
            job,
            chosen,
            prepared: None,
            stage: Stage::Preparing(Box::new(preparing), 0),
            done: Vec::new(),
            began: now,
            pause: None,
            rested: Duration::ZERO,
            told: now,
            mapped: None,
            first_map: None,
            kept: None,
        }
    }

    pub fn resume(&mut self) -> bool {
        let pause = self.pause.take();
        self.rested += pause.map_or(Duration::ZERO, |p| p.elapsed());
        pause.is_some()
    }

    /// What computes.
    pub fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    fn seconds(&self) -> f64 {
        let pause = self.pause.map_or(Duration::ZERO, |p| p.elapsed());
        self.began.elapsed().saturating_sub(self.rested + pause).as_secs_f64()
    }

    /// The model of the maps told last, and what it works on; before the first maps the model as it is now.
    pub fn model(&self) -> Option<MapModel> {
        let (vae, stride) = match (&self.kept, &self.stage) {
            (Some(kept), _) => kept.clone(),
            (None, Stage::Training(trainer)) => (trainer.snapshot(), 1),
            (None, _) => return None,
        };
        Some(MapModel { run: self.job.run, vae, prepared: self.prepared.clone()?, stride })
    }

    /// Does a part of the work; true when all is done.
    ///
    /// # Errors
    /// What cannot be used of image or settings; a loss that is not finite; a device that stopped answering.
    pub fn step(&mut self, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Preparing(preparing, done) => self.prepare(preparing, done, tell),
            Stage::Training(trainer) => self.train(trainer, tell),
            Stage::Refining(at) => self.refine(at, tell),
            Stage::Judging(at) => self.judge(at, tell),
            Stage::Over => Ok(true),
        }
    }

    fn prepare(
        &mut self,
        mut preparing: Box<Preparing>,
        done: usize,
        tell: &mut dyn FnMut(MapEvent),
    ) -> Result<bool> {
        let made = preparing.step()?;
        let done = done + 1;
        self.tell_stage(MapStage::Preparing, done as f32 / Preparing::PARTS as f32, tell);
        let Some(prepared) = made else {
            self.stage = Stage::Preparing(preparing, done);
            return Ok(false);
        };
        tell(MapEvent::Planned(Arc::new(prepared.plan.clone())));
        self.prepared = Some(Arc::new(prepared));
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
        if let Some(share) = trainer.head_start() {
            self.tell_stage(MapStage::Starting, share, tell);
            self.stage = Stage::Training(trainer);
            return Ok(false);
        }
        if epoch.is_some() || self.told.elapsed() >= TELL {
            tell(MapEvent::Progress(self.progress(&trainer, epoch)));
        }
        let done = trainer.done();
        if epoch.is_some() && !done && self.mapped.is_none_or(|m| m.elapsed() >= REFRESH) {
            let maps = self.coarse(&trainer)?;
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
        // The epoch that has ended was weighted as its number said.
        let weight = trainer.settings.smoothness_at(trainer.epoch.saturating_sub(1));
        MapProgress {
            stage: MapStage::Learning,
            seed: self.done.len() + 1,
            seeds: self.job.settings.seeds,
            epoch: if epoch.is_some() { trainer.epoch } else { trainer.epoch + 1 },
            epochs: trainer.settings.epochs,
            share: if epoch.is_some() { 1.0 } else { trainer.step as f32 / trainer.steps.max(1) as f32 },
            seconds: self.seconds(),
            loss: epoch.map(|e| e.loss),
            roughness: epoch.map(|e| e.roughness),
            smoothness_cost: epoch.map(|e| f64::from(weight) * e.roughness),
            spread: epoch.map(|e| e.spread),
        }
    }

    /// Tells how far a stage round the learning is: at its ends always, between them now and then.
    fn tell_stage(&mut self, stage: MapStage, share: f32, tell: &mut dyn FnMut(MapEvent)) {
        if share > 0.0 && share < 1.0 && self.told.elapsed() < TELL {
            return;
        }
        self.told = Instant::now();
        let settings = &self.job.settings;
        let (seed, epoch) = match stage {
            MapStage::Preparing | MapStage::Starting => (self.done.len() + 1, 0),
            _ => (settings.seeds, settings.epochs),
        };
        tell(MapEvent::Progress(MapProgress {
            stage,
            seed,
            seeds: settings.seeds,
            epoch,
            epochs: settings.epochs,
            share,
            seconds: self.seconds(),
            ..MapProgress::default()
        }));
    }

    fn coarse(&mut self, trainer: &ShiftTrainer) -> Result<MapSet> {
        let prepared = self.ready()?;
        let canvas = prepared.windows.canvas();
        let stride = coarse(canvas.width, canvas.height).max(self.job.settings.stride);
        let vae = trainer.snapshot();
        let mut dense = Dense::new(vae.clone(), prepared, stride)?;
        while !dense.finished() {
            dense.advance(BAND)?;
        }
        let maps = dense.maps(self.done.len() + 1, trainer.epoch)?;
        self.kept = Some((vae, stride));
        self.mapped = Some(Instant::now());
        let seconds = self.seconds();
        self.first_map.get_or_insert(seconds);
        Ok(maps)
    }

    fn end_seed(&mut self, mut trainer: ShiftTrainer, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        let began = self.done.iter().map(|d| d.report.seconds).sum::<f64>();
        let bound = trainer.bound()?;
        let maps = self.coarse(&trainer)?;
        let settings = &self.job.settings;
        let seed = settings.seed + self.done.len() as u64;
        let seconds = self.seconds() - began;
        let report = SeedReport::new(seed, bound, settings.smoothness, maps.judgements.clone(), seconds);
        let own = SeedMaps { seed, content: maps.content.clone() };
        tell(MapEvent::Maps(Arc::new(maps)));
        self.done.push(Done { report, vae: trainer.snapshot(), epoch: trainer.epoch, maps: own });
        if self.done.len() < self.job.settings.seeds {
            self.begin_seed()?;
            return Ok(false);
        }
        // The best first from here on.
        let reports: Vec<SeedReport> = self.done.iter().map(|d| d.report.clone()).collect();
        let order = rank(&reports);
        let place = order[0];
        let mut done: Vec<Option<Done>> = std::mem::take(&mut self.done).into_iter().map(Some).collect();
        self.done = order.iter().filter_map(|&i| done[i].take()).collect();
        self.begin_refining(place + 1, tell)?;
        Ok(false)
    }

    fn begin_refining(&mut self, seed: usize, tell: &mut dyn FnMut(MapEvent)) -> Result<()> {
        let prepared = self.ready()?;
        let Some(best) = self.done.first() else { return Err(Error::Training("no seed was trained".into())) };
        let at = Refining::new(best.vae.clone(), prepared, (seed, best.epoch), self.job.settings.stride)?;
        self.tell_stage(MapStage::Refining, 0.0, tell);
        self.stage = Stage::Refining(Box::new(at));
        Ok(())
    }

    fn refine(&mut self, mut at: Box<Refining>, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        let maps = at.step()?;
        self.tell_stage(MapStage::Refining, at.share(), tell);
        if let Some(maps) = &maps {
            self.kept = Some((at.vae().clone(), maps.stride));
            tell(MapEvent::Maps(Arc::new(maps.clone())));
        }
        self.stage = match maps.filter(|_| at.finished()) {
            Some(maps) => {
                self.tell_stage(MapStage::Judging, 0.0, tell);
                Stage::Judging(Box::new(Judging::new(at.vae().clone(), self.ready()?, maps)))
            }
            None => Stage::Refining(at),
        };
        Ok(false)
    }

    /// A part of the judgement; the last one tells the maps with all that was found beside them, and the summary.
    fn judge(&mut self, mut at: Box<Judging>, tell: &mut dyn FnMut(MapEvent)) -> Result<bool> {
        let judged = at.step(&self.job)?;
        let share = if judged.is_some() { 1.0 } else { at.share() };
        self.tell_stage(MapStage::Judging, share, tell);
        let Some(Judged { mut maps, phase_analysis_r, outliers }) = judged else {
            self.stage = Stage::Judging(at);
            return Ok(false);
        };
        let seeds: Vec<SeedMaps> = self.done.iter().map(|d| d.maps.clone()).collect();
        let (agreement, aligned) = compare(&seeds)?;
        let mut seeds: Vec<SeedReport> = self.done.iter().map(|d| d.report.clone()).collect();
        if let Some(best) = seeds.first_mut() {
            // The finest maps are what is judged.
            best.judgements.clone_from(&maps.judgements);
        }
        maps.aligned = aligned;
        let prepared = self.ready()?;
        let seconds = self.seconds();
        let summary = Summary {
            verdict: seeds.first().map_or_else(String::new, |best| verdict(&prepared.plan, best, agreement)),
            seeds,
            agreement,
            phase_analysis_r,
            outliers,
            first_map_seconds: self.first_map.unwrap_or(seconds),
            seconds,
        };
        tell(MapEvent::Maps(Arc::new(maps)));
        tell(MapEvent::Finished(Arc::new(summary)));
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
