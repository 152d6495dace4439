//! From an image to its plan and windows, in parts: between them a run can be stopped.

use super::filled::filled;
use super::plan::{Found, Plan, Prepared};
use super::registered::Registered;
use super::windows::{Canvas, Windows, scaled};
use crate::lattice::{Cells, EstimateOptions, Lattice, LockOptions, PhaseLock, Proposal, estimate, propose};
use crate::micrograph::prepare::{Length, Step, apply, subtract_plane};
use crate::micrograph::stats::percentiles;
use crate::micrograph::window::WindowShape;
use crate::micrograph::{Micrograph, stats::Stats};
use crate::train::shift::{MapSettings, Normalisation};
use crate::{Error, Result};
use rayon::prelude::*;
use std::borrow::Cow;
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

/// An image on its way.
pub struct Preparing {
    image: Arc<Micrograph>,
    mask: Option<Arc<[bool]>>,
    settings: MapSettings,
    /// Nothing after the last part, or one that failed.
    at: Option<At>,
}

/// The next part, with what the parts before it have found.
enum At {
    Level,
    Choose(Level),
    Lock(Chosen),
    Cut(Chosen, Option<Cells>),
}

/// The image without its tilt, and the pixels that count.
struct Level {
    image: Micrograph,
    counts: Option<Arc<[bool]>>,
}

/// The lattice and the windows.
struct Chosen {
    /// Filled where pixels do not count; blurred where the model sees windows coarser than the image.
    level: Level,
    lattice: Option<Lattice>,
    confidence: f64,
    message: String,
    proposal: Option<Proposal>,
    window_px: f64,
    shape: WindowShape,
}

impl Preparing {
    /// How many parts there are.
    pub const PARTS: usize = 4;

    /// `mask`: `width * height` flags; pixels where it is false do not count.
    pub fn new(image: Arc<Micrograph>, mask: Option<Arc<[bool]>>, settings: MapSettings) -> Self {
        Self { image, mask, settings, at: Some(At::Level) }
    }

    /// Does a part of the work: level the image; find the lattice and choose the windows; find each cell; cut the
    /// windows. The last part returns what was made.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming what cannot be used: settings, an image that is constant or too large, no lattice and no
    /// window size, a window larger than the image or with too few places on it. Nothing comes after that.
    pub fn step(&mut self) -> Result<Option<Prepared>> {
        let Some(at) = self.at.take() else { return Err(Error::Stopped) };
        self.at = Some(match at {
            At::Level => At::Choose(self.level()?),
            At::Choose(level) => At::Lock(self.choose(level)?),
            At::Lock(chosen) => {
                let cells = self.cells(&chosen)?;
                At::Cut(chosen, cells)
            }
            At::Cut(chosen, cells) => return self.cut(chosen, cells).map(Some),
        });
        Ok(None)
    }

    fn level(&self) -> Result<Level> {
        self.settings.check()?;
        let image = &*self.image;
        check(image)?;
        let counts = counts(image, self.mask.as_deref());
        let mut pixels = image.pixels.to_vec();
        subtract_plane(&mut pixels, image.width, image.height, counts.as_deref());
        Ok(Level { image: Micrograph { pixels: pixels.into(), ..image.clone() }, counts })
    }

    fn choose(&self, Level { image, counts }: Level) -> Result<Chosen> {
        let (lattice, confidence, message) = cell(&image, counts.as_deref(), &self.settings)?;
        let proposal = lattice.map(|l| propose(&l, image.width, image.height));
        let window_px = match (self.settings.window_px, proposal) {
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
        let image = match counts.as_deref() {
            Some(counts) => {
                let pixels = filled(&image, counts, lattice.as_ref(), window_px);
                Micrograph { pixels: pixels.into(), ..image }
            }
            None => image,
        };
        let image = if shape.pitch > 1.3 {
            // Coarser than the image: without a blur fine detail would come back as false coarse one.
            apply(&image, &[Step::Gaussian { sigma: Length::Px(0.4 * shape.pitch) }], None)?
        } else {
            image
        };
        let level = Level { image, counts };
        Ok(Chosen { level, lattice, confidence, message, proposal, window_px, shape })
    }

    fn cells(&self, Chosen { level, lattice, .. }: &Chosen) -> Result<Option<Cells>> {
        let Some(lattice) = lattice else { return Ok(None) };
        let options = LockOptions { mask: level.counts.as_deref(), ..LockOptions::default() };
        let lock = PhaseLock::new(&level.image, lattice, &options)?;
        Ok(Some(Cells::find(&lock, level.image.width, level.image.height)))
    }

    fn cut(&self, chosen: Chosen, cells: Option<Cells>) -> Result<Prepared> {
        let Chosen { level, confidence, message, proposal, window_px, shape, .. } = chosen;
        let (settings, image) = (&self.settings, level.image);
        let canvas = Canvas {
            width: image.width,
            height: image.height,
            pixels: image.pixels[..].into(),
            counts: level.counts,
            shape,
            normalisation: settings.normalisation,
        };
        let found = cells.as_ref().map(|cells| Found {
            lattice: *cells.lattice(),
            confidence,
            origin: middle(cells, &image),
            cells: cells.all().len(),
        });
        let shift_px = settings.shift_prior.map(|p| f64::from(p) * shape.half());
        let mut plan = Plan {
            found,
            message,
            window_px,
            side: shape.side,
            average_px: 0.0,
            shift_px: 0.0,
            sigma: UNKNOWN_NOISE,
            noise: f32::NAN,
            range: [0.0, 1.0],
            settings: settings.clone(),
        };
        let windows = match cells.filter(|_| settings.lock) {
            Some(cells) => {
                let registered = registered(&image, canvas, cells, settings, &mut plan)?;
                plan.message += &left_out(registered.patternless);
                plan.shift_px = shift_px.unwrap_or_else(|| proposal.map_or(1.0, |p| p.residual_px));
                Windows::Registered(registered)
            }
            None => {
                plan.range = wide(percentiles(&counting(&image, canvas.counts.as_deref()), &RANGE));
                plan.shift_px = shift_px.unwrap_or_else(|| proposal.map_or(0.11 * window_px, |p| p.shift_px));
                Windows::Anywhere(Canvas { pixels: scaled(&image, plan.range), ..canvas })
            }
        };
        Ok(Prepared { plan, windows })
    }
}

/// All parts of [`Preparing`], one after the other.
///
/// # Errors
/// As [`Preparing::step`].
pub fn prepare(image: &Micrograph, mask: Option<&[bool]>, settings: &MapSettings) -> Result<Prepared> {
    let mut preparing = Preparing::new(Arc::new(image.clone()), mask.map(Into::into), settings.clone());
    loop {
        if let Some(prepared) = preparing.step()? {
            return Ok(prepared);
        }
    }
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

/// The values of the pixels that count.
fn counting<'a>(image: &'a Micrograph, counts: Option<&[bool]>) -> Cow<'a, [f32]> {
    let Some(counts) = counts else { return Cow::Borrowed(&image.pixels) };
    image.pixels.iter().zip(counts).filter_map(|(v, counts)| counts.then_some(*v)).collect()
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
    let first = wide(percentiles(&counting(level, canvas.counts.as_deref()), &RANGE));
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
