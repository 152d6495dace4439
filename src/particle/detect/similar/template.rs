//! Templates: an example at all angles, and averaged over them.

use super::super::field::Field;

/// Angles of a template.
const TURNS: usize = 24;
/// Examples that differ most from each other become templates.
const MOST_TEMPLATES: usize = 6;
/// More examples than this tell nothing new.
pub(super) const MOST_EXAMPLES: usize = 64;

/// The places of a template: whole offsets within a radius.
pub(super) struct Disc {
    pub radius: usize,
    pub offsets: Vec<(isize, isize)>,
}

impl Disc {
    pub fn new(radius: f32) -> Self {
        let whole = radius.ceil().max(2.0) as isize;
        let all = (-whole..=whole).flat_map(|dy| (-whole..=whole).map(move |dx| (dx, dy)));
        let inside = |(dx, dy): &(isize, isize)| ((dx * dx + dy * dy) as f32) <= radius.max(2.0).powi(2);
        Self { radius: whole as usize, offsets: all.filter(inside).collect() }
    }

    /// The values at the disc's places round a whole place; beyond the picture its nearest pixel.
    pub fn at(&self, field: &Field, x: isize, y: isize, out: &mut Vec<f32>) {
        let clamp = |v: isize, size: usize| v.clamp(0, size as isize - 1) as usize;
        out.clear();
        out.extend(self.offsets.iter().map(|(dx, dy)| {
            field.values[clamp(y + dy, field.height) * field.width + clamp(x + dx, field.width)]
        }));
    }

    /// The same round any place, turned by an angle; `step` is the length of an offset in pixels of this field.
    fn turned(&self, field: &Field, (x, y): (f32, f32), step: f32, angle: f32) -> Vec<f32> {
        let (sin, cos) = angle.sin_cos();
        let (sin, cos) = (step * sin, step * cos);
        let value = |(dx, dy): &(isize, isize)| {
            let (dx, dy) = (*dx as f32, *dy as f32);
            bilinear(field, x + cos * dx - sin * dy, y + sin * dx + cos * dy)
        };
        self.offsets.iter().map(value).collect()
    }
}

fn bilinear(field: &Field, x: f32, y: f32) -> f32 {
    let (x, y) = (x.clamp(0.0, field.width as f32 - 1.0), y.clamp(0.0, field.height as f32 - 1.0));
    let (x0, y0) = (x as usize, y as usize);
    let (x1, y1) = ((x0 + 1).min(field.width - 1), (y0 + 1).min(field.height - 1));
    let (u, v) = (x - x0 as f32, y - y0 as f32);
    let at = |x: usize, y: usize| field.values[y * field.width + x];
    (1.0 - v) * ((1.0 - u) * at(x0, y0) + u * at(x1, y0)) + v * ((1.0 - u) * at(x0, y1) + u * at(x1, y1))
}

/// Zero mean and length one; false if there is no contrast.
pub(super) fn normalise(values: &mut [f32]) -> bool {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|v| *v -= mean);
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    let contrast = length > 1e-3 * (values.len() as f32).sqrt();
    values.iter_mut().for_each(|v| *v /= length.max(f32::MIN_POSITIVE));
    contrast
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, which the compiler puts into one register.
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// One example at all angles, and averaged over them.
pub(super) struct Template {
    pub turned: Vec<Vec<f32>>,
    pub round: Vec<f32>,
}

impl Template {
    /// The example at a place (pixels) of the picture that a field is of; nothing where there is no contrast.
    pub fn new(field: &Field, disc: &Disc, (x, y): (f32, f32), step: f32) -> Option<Self> {
        let to_field = |v: f32| (v + 0.5) / field.factor as f32 - 0.5;
        let turn = std::f32::consts::TAU / TURNS as f32;
        let at = (to_field(x), to_field(y));
        let mut turned: Vec<Vec<f32>> =
            (0..TURNS).map(|i| disc.turned(field, at, step, i as f32 * turn)).collect();
        let mut round = vec![0.0; disc.offsets.len()];
        turned.iter().for_each(|t| round.iter_mut().zip(t).for_each(|(sum, v)| *sum += v));
        let contrast = turned.iter_mut().all(|t| normalise(t));
        let round_contrast = normalise(&mut round);
        (contrast && round_contrast).then_some(Self { turned, round })
    }

    /// The highest correlation with another one over all angles.
    fn likeness(&self, other: &Self) -> f32 {
        self.turned.iter().map(|turned| dot(turned, &other.turned[0])).fold(-1.0_f32, f32::max)
    }
}

/// Those that differ most from each other.
pub(super) fn choose(mut candidates: Vec<Template>) -> Vec<Template> {
    let mut chosen: Vec<Template> = Vec::new();
    while chosen.len() < MOST_TEMPLATES && !candidates.is_empty() {
        let known = |c: &Template| chosen.iter().map(|t| t.likeness(c)).fold(-1.0_f32, f32::max);
        let likeness: Vec<f32> = candidates.iter().map(known).collect();
        let next = (0..candidates.len()).min_by(|a, b| likeness[*a].total_cmp(&likeness[*b])).unwrap_or(0);
        if likeness[next] > 0.97 {
            break;
        }
        chosen.push(candidates.swap_remove(next));
    }
    chosen
}

/// Round templates that differ from each other.
pub(super) fn distinct(templates: &[Template]) -> Vec<&[f32]> {
    let mut rounds: Vec<&[f32]> = Vec::new();
    for template in templates {
        if rounds.iter().all(|round| dot(round, &template.round) < 0.9) {
            rounds.push(&template.round);
        }
    }
    rounds
}
