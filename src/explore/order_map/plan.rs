//! Lattice, window and model for an image: chosen for it, or as asked for.

use super::components::Components;
use super::registered::Registered;
use super::windows::{Canvas, Windows, scaled};
use crate::lattice::{Cells, EstimateOptions, Lattice, LockOptions, PhaseLock, estimate, propose};
use crate::micrograph::prepare::{Length, Step, apply, subtract_plane};
use crate::micrograph::stats::percentiles;
use crate::micrograph::window::WindowShape;
use crate::micrograph::{Micrograph, stats::Stats};
use crate::model::Likelihood;
use crate::train::shift::{MapSettings, Normalisation, WindowSet};
use crate::{Error, Result};
use rayon::prelude::*;
use serde::Serialize;
use std::sync::Arc;

/// The largest image that is worked on in one piece: its pixels are held several times while it is prepared.
pub const MOST_PIXELS: usize = 1 << 26;
/// Bytes a pixel of the image needs at most while it is prepared, in GB for the message.
const BYTES_PER_PIXEL: f64 = 40.0;
/// A window has at least this many pixels along its side, and the model sees at most so many.
const SIDES: [f64; 2] = [16.0, 64.0];
/// What the model sees as 0 and 1 are these percentiles of all windows, and a part of their distance more.
const RANGE: [f32; 2] = [0.1, 99.9];
const HEADROOM: f32 = 0.08;
/// What no decoder of this size draws better than, in parts of the range; with the noise it makes the likelihood's width.
const MODEL_ERROR: f32 = 0.02;
/// Width of the likelihood where windows lie anywhere and their noise is not known.
const UNKNOWN_NOISE: f32 = 0.15;
/// All windows together have at most this many values.
const MOST_VALUES: usize = 1 << 23;

/// The lattice that windows are cut by.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    pub lattice: Lattice,
    /// 0..=1; 1 for a cell chosen by hand.
    pub confidence: f64,
    /// The place of one cell's origin, pixels: where an overlay of the lattice starts.
    pub origin: [f64; 2],
    /// Cells found one by one.
    pub cells: usize,
}

/// What a run works with.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// `None`: no lattice is known, windows lie anywhere and the model learns the whole shift.
    pub found: Option<Found>,
    /// About the lattice, for a person.
    pub message: String,
    /// Side of the window, pixels of the image, and pixels along it as the model sees it.
    pub window_px: f64,
    pub side: usize,
    /// Width (standard deviation, pixels) of the average over registered cells; 0 for none.
    pub average_px: f64,
    /// Standard deviation of the shift prior, pixels.
    pub shift_px: f64,
    /// Width of the likelihood and the noise measured in a single window, in parts of the range that the model sees as 0
    /// to 1.
    pub sigma: f32,
    pub noise: f32,
    /// Values of the image that the model sees as 0 and 1.
    pub range: [f32; 2],
    pub settings: MapSettings,
}

impl Plan {
    /// Pixels of the image between neighbouring values of a window.
    pub fn pitch(&self) -> f64 {
        self.window_px / self.side as f64
    }

    /// The shift prior in the model's coordinates, in which a window is 2 wide.
    pub fn shift_prior(&self) -> f32 {
        (2.0 * self.shift_px / ((self.side.max(2) - 1) as f64 * self.pitch())) as f32
    }

    /// The pixel likelihood.
    pub fn likelihood(&self) -> Likelihood {
        self.settings.likelihood.unwrap_or(Likelihood::Gaussian { sigma: self.sigma })
    }
}

/// An image ready to be learned from.
pub struct Prepared {
    pub plan: Plan,
    pub windows: Windows,
}

/// Finds the lattice, chooses and cuts the windows.
///
/// # Errors
/// [`Error::Invalid`] naming what cannot be used: settings, an image that is constant or too large, no lattice and no
/// window size, a window larger than the image or with too few places on it.
pub fn prepare(image: &Micrograph, mask: Option<&[bool]>, settings: &MapSettings) -> Result<Prepared> {
    settings.check()?;
    check(image)?;
    let mut pixels = image.pixels.to_vec();
    subtract_plane(&mut pixels, image.width, image.height, mask);
    let level = Micrograph { pixels: pixels.into(), ..image.clone() };
    let counts = counts(image, mask);
    let (lattice, confidence, message) = cell(&level, counts.as_deref(), settings)?;
    let proposal = lattice.map(|l| propose(&l, image.width, image.height));
    let window_px = match (settings.window_px, proposal) {
        (Some(window), _) => window,
        (None, Some(proposal)) => proposal.window_px,
        (None, None) => {
            let problem = format!("{message}; give the size of a window, 1 to 2 periods of the pattern");
            return Err(Error::invalid("lattice", problem));
        }
    };
    let least = image.width.min(image.height) as f64;
    if window_px > least {
        let problem =
            format!("{window_px:.0} px is larger than the image, {} x {} px", image.width, image.height);
        return Err(Error::invalid("window", problem));
    }
    let side = window_px.clamp(SIDES[0], SIDES[1]).round() as usize;
    let shape = WindowShape { side, pitch: window_px / side as f64 };
    let level = if shape.pitch > 1.3 {
        // Coarser than the image: without a blur fine detail would come back as false coarse one.
        apply(&level, &[Step::Gaussian { sigma: Length::Px(0.4 * shape.pitch) }], None)?
    } else {
        level
    };
    let canvas = Canvas {
        width: level.width,
        height: level.height,
        pixels: level.pixels[..].into(),
        counts: counts.clone(),
        shape,
        normalisation: settings.normalisation,
    };
    let lock = match lattice {
        Some(lattice) => {
            let options = LockOptions { mask: counts.as_deref(), ..LockOptions::default() };
            Some(PhaseLock::new(&level, &lattice, &options)?)
        }
        None => None,
    };
    let cells = lock.map(|lock| Cells::find(&lock, level.width, level.height));
    let found = cells.as_ref().map(|cells| Found {
        lattice: *cells.lattice(),
        confidence,
        origin: middle(cells, &level),
        cells: cells.all().len(),
    });
    let shift_px = settings.shift_prior.map(|p| f64::from(p) * shape.half());
    let mut plan = Plan {
        found,
        message,
        window_px,
        side,
        average_px: 0.0,
        shift_px: 0.0,
        sigma: UNKNOWN_NOISE,
        noise: f32::NAN,
        range: [0.0, 1.0],
        settings: settings.clone(),
    };
    let windows = match cells.filter(|_| settings.lock) {
        Some(cells) => {
            let registered = registered(&level, canvas, cells, settings, &mut plan)?;
            plan.message += &left_out(registered.patternless);
            plan.shift_px = shift_px.unwrap_or_else(|| proposal.map_or(1.0, |p| p.residual_px));
            Windows::Registered(registered)
        }
        None => {
            plan.range = wide(percentiles(&level.pixels, &RANGE));
            plan.shift_px = shift_px.unwrap_or_else(|| proposal.map_or(0.11 * window_px, |p| p.shift_px));
            Windows::Anywhere(Canvas { pixels: scaled(&level, plan.range), ..canvas })
        }
    };
    Ok(Prepared { plan, windows })
}

/// A sentence on cells that show nothing of the pattern; empty if all do.
fn left_out(cells: usize) -> String {
    match cells {
        0 => String::new(),
        1 => "; 1 cell without a pattern was left out".to_owned(),
        n => format!("; {n} cells without a pattern were left out"),
    }
}

fn check(image: &Micrograph) -> Result<()> {
    if image.pixels.len() > MOST_PIXELS {
        let need = image.pixels.len() as f64 * BYTES_PER_PIXEL / 1e9;
        let problem = format!(
            "{} x {} px would need about {need:.0} GB of memory; cut out a part of up to {MOST_PIXELS} pixels or halve it",
            image.width, image.height
        );
        return Err(Error::invalid("image", problem));
    }
    let stats = Stats::of(&image.pixels);
    if stats.sd <= 1e-6 * stats.max.abs().max(stats.min.abs()) {
        return Err(Error::invalid("image", "all its pixels are equal; there is nothing to map"));
    }
    Ok(())
}

/// Pixels that count: under the mask and not lost in the file.
fn counts(image: &Micrograph, mask: Option<&[bool]>) -> Option<Arc<[bool]>> {
    match (mask, image.lost.as_deref()) {
        (None, None) => None,
        (Some(mask), None) => Some(mask.into()),
        (None, Some(lost)) => Some(lost.iter().map(|l| !l).collect()),
        (Some(mask), Some(lost)) => Some(mask.iter().zip(lost).map(|(m, l)| *m && !l).collect()),
    }
}

/// The lattice: by hand, estimated, or none, with its confidence and what to tell.
fn cell(
    level: &Micrograph,
    mask: Option<&[bool]>,
    settings: &MapSettings,
) -> Result<(Option<Lattice>, f64, String)> {
    if let Some([a, b]) = settings.cell {
        let lattice = Lattice::new(a, b)?;
        let [a, b] = lattice.lengths();
        let message = format!("lattice vectors {a:.2} and {b:.2} px as given");
        return Ok((Some(lattice), 1.0, message));
    }
    let estimate = estimate(level, &EstimateOptions { mask });
    let confidence = estimate.found.as_ref().map_or(0.0, |f| f.confidence);
    Ok((estimate.found.map(|f| f.lattice), confidence, estimate.message))
}

/// The origin nearest to the image's middle.
fn middle(cells: &Cells, image: &Micrograph) -> [f64; 2] {
    let at = [image.width as f64 / 2.0, image.height as f64 / 2.0];
    let far = |o: [f64; 2]| (o[0] - at[0]).hypot(o[1] - at[1]);
    let nearest = cells.all().iter().min_by(|p, q| far(p.origin).total_cmp(&far(q.origin)));
    nearest.map_or(at, |c| c.origin)
}

/// Percentiles with some room on both sides; never equal.
fn wide(ends: Vec<f32>) -> [f32; 2] {
    let (low, high) = (ends[0], ends[1]);
    let room = HEADROOM * (high - low).max(f32::MIN_POSITIVE);
    [low - room, high + room]
}

/// Cuts and averages the windows and puts what the model sees between 0 and 1: the range of the *averages*, which noise
/// does not widen.
fn registered(
    level: &Micrograph,
    canvas: Canvas,
    cells: Cells,
    settings: &MapSettings,
    plan: &mut Plan,
) -> Result<Registered> {
    let first = wide(percentiles(&level.pixels, &RANGE));
    let canvas = Canvas { pixels: scaled(level, first), ..canvas };
    let mut found = Registered::new(canvas, cells, settings.average_px)?;
    plan.range = first;
    if settings.normalisation == Normalisation::None {
        let pixels = found.canvas.side().pow(2);
        let mut averages = vec![0.0; found.rows.len() * pixels];
        averages.par_chunks_exact_mut(pixels).zip(&found.rows).for_each(|(out, &cell)| {
            found.blend(found.cells.all()[cell].origin, &found.values, out);
        });
        let [low, high] = wide(percentiles(&averages, &RANGE));
        found.rescale(low, high - low);
        let width = first[1] - first[0];
        plan.range = [first[0] + low * width, first[0] + high * width];
        found.canvas.pixels = scaled(level, plan.range);
    }
    plan.average_px = found.average_px;
    plan.noise = found.noise;
    plan.sigma = found.noise_of_average().hypot(MODEL_ERROR);
    Ok(found)
}

impl Prepared {
    /// Standard deviation of an atom's spot, pixels of the image: sd over root mean square slope of the mean window, which
    /// for a Gaussian spot is its own. `None` without registered windows.
    pub fn atom_px(&self) -> Option<f64> {
        let Windows::Registered(registered) = &self.windows else { return None };
        let side = registered.canvas.side();
        let mut mean = vec![0.0_f64; side * side];
        for window in registered.values.chunks_exact(side * side) {
            mean.iter_mut().zip(window).for_each(|(m, v)| *m += f64::from(*v));
        }
        let middle = mean.iter().sum::<f64>() / mean.len() as f64;
        let (mut square, mut slope) = (0.0, 0.0);
        for y in 1..side - 1 {
            for x in 1..side - 1 {
                let at = |dx: usize, dy: usize| mean[(y + dy - 1) * side + x + dx - 1];
                square += (at(1, 1) - middle).powi(2);
                slope += (0.5 * (at(2, 1) - at(0, 1))).powi(2) + (0.5 * (at(1, 2) - at(1, 0))).powi(2);
            }
        }
        (slope > 0.0).then(|| (square / slope).sqrt() * self.plan.pitch())
    }

    /// The windows that a seed's model learns from, each with a neighbour, and where its encoder starts.
    ///
    /// # Errors
    /// [`Error::Invalid`] when hardly a place of the image can be used.
    pub fn draw(&self, seed: u64) -> Result<WindowSet> {
        let settings = &self.plan.settings;
        let side = self.plan.side;
        let pixels = side * side;
        let wanted = settings.windows.min(MOST_VALUES / pixels).max(8);
        let places = self.places(wanted, seed)?;
        let cut = |which: usize| -> Arc<[f32]> {
            let mut values = vec![0.0; places.len() * pixels];
            values.par_chunks_exact_mut(pixels).zip(&places).for_each(|(out, place)| {
                self.windows.at(place[which], out);
            });
            values.into()
        };
        let values = cut(0);
        let neighbours = (settings.smoothness > 0.0).then(|| cut(1));
        let start = (settings.head_start && matches!(self.windows, Windows::Registered(_)))
            .then(|| self.start(&values));
        Ok(WindowSet { dims: vec![side, side], values, neighbours, start })
    }

    /// Latents to first order: shifts by the mean window's slope, content by principal components.
    fn start(&self, values: &[f32]) -> Arc<[f32]> {
        let (settings, side) = (&self.plan.settings, self.plan.side);
        let inv = settings.invariances;
        let found = Components::of(values, side, settings.latent, inv.translation);
        let prior = self.plan.shift_prior();
        // Latent of the coordinate shift that draws the pattern moved by a pixel of the window.
        let unit = 2.0 / (side.max(2) - 1) as f32 / prior;
        let each = values.par_chunks_exact(side * side).flat_map_iter(|window| {
            let scores = found.scores(window);
            let mut z = Vec::new();
            if inv.rotation {
                z.push(0.0);
            }
            if inv.translation {
                let [x, y] = [0, 1].map(|i| if i < found.shifts { scores[i] } else { 0.0 });
                z.extend([(-y * unit).clamp(-2.0, 2.0), (x * unit).clamp(-2.0, 2.0)]);
            }
            if inv.scale {
                z.push(0.0);
            }
            let content = (0..settings.latent).map(|k| scores.get(found.shifts + k).copied().unwrap_or(0.0));
            z.extend(content.map(|v| v.clamp(-3.5, 3.5)));
            z
        });
        each.collect()
    }
}
