//! From values to colours: scales for one map, a plane of colours for two latents.

use crate::project::CLASS_COLOURS;
use egui::Color32;

/// Entries of a scale's table.
const STEPS: usize = 512;
/// Side of the table of the plane of colours.
const SIDE: usize = 65;

/// Colours never stretch over less of a latent than this, so that one that carries nothing looks like it; prior standard
/// deviations.
pub const LEAST: f32 = 0.4;

/// Ends that are at least so far apart.
pub fn at_least([low, high]: [f32; 2], least: f32) -> [f32; 2] {
    let more = (0.5 * (least - (high - low))).max(0.0);
    [low - more, high + more]
}

/// Colours of one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From dark to bright (viridis).
    Sequential,
    /// Blue below the middle, red above.
    Diverging,
    Grey,
    /// The ends meet, for angles.
    Cyclic,
}

impl Scale {
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Sequential, "Sequential"),
        (Self::Diverging, "Diverging"),
        (Self::Grey, "Grey"),
        (Self::Cyclic, "Cyclic"),
    ];

    /// A colour; `share` in 0..=1.
    pub fn at(self, share: f64) -> Color32 {
        let colour = match self {
            Self::Sequential => colorous::VIRIDIS.eval_continuous(share),
            Self::Diverging => colorous::RED_BLUE.eval_continuous(1.0 - share),
            Self::Grey => return Color32::from_gray((255.0 * share).round() as u8),
            Self::Cyclic => colorous::SINEBOW.eval_continuous(share),
        };
        Color32::from_rgb(colour.r, colour.g, colour.b)
    }
}

/// The colours between two values.
pub struct Ramp {
    low: f32,
    scale: f32,
    table: Vec<Color32>,
}

impl Ramp {
    /// `range` in the map's units; the second is larger.
    pub fn new(scale: Scale, [low, high]: [f32; 2]) -> Self {
        let last = (STEPS - 1) as f64;
        let table = (0..STEPS).map(|i| scale.at(i as f64 / last)).collect();
        Self { low, scale: (STEPS - 1) as f32 / (high - low), table }
    }

    /// The colour of a value; nothing where it is not known.
    pub fn of(&self, value: f32) -> Color32 {
        if !value.is_finite() {
            return Color32::TRANSPARENT;
        }
        let place = ((value - self.low) * self.scale + 0.5).clamp(0.0, (STEPS - 1) as f32) as usize;
        self.table.get(place).copied().unwrap_or(Color32::TRANSPARENT)
    }
}

/// The colours of two latents: the first goes from dark blue to bright yellow (which an eye blind to red or green sees,
/// too), the second from green to magenta; equal steps look about equally large.
pub struct Plane {
    ranges: [[f32; 2]; 2],
    table: Vec<Color32>,
}

impl Plane {
    /// `ranges` of the two latents; the second of each is larger.
    pub fn new(ranges: [[f32; 2]; 2]) -> Self {
        let place = |i: usize| 2.0 * i as f64 / (SIDE - 1) as f64 - 1.0;
        let table = (0..SIDE * SIDE).map(|i| two(place(i % SIDE), place(i / SIDE))).collect();
        Self { ranges, table }
    }

    /// Where the two ends of both latents lie.
    pub fn ranges(&self) -> [[f32; 2]; 2] {
        self.ranges
    }

    /// The colour of two values; nothing where one is not known.
    pub fn of(&self, values: [f32; 2]) -> Color32 {
        if !values.iter().all(|v| v.is_finite()) {
            return Color32::TRANSPARENT;
        }
        let at = |i: usize| {
            let [low, high] = self.ranges[i];
            let share = ((values[i] - low) / (high - low)).clamp(0.0, 1.0);
            (share * (SIDE - 1) as f32 + 0.5) as usize
        };
        self.table.get(at(1) * SIDE + at(0)).copied().unwrap_or(Color32::TRANSPARENT)
    }
}

/// A colour of the plane; both in -1..=1.
fn two(u: f64, v: f64) -> Color32 {
    oklab(0.66 + 0.17 * u, 0.14 * v + 0.01 * u, 0.10 * u)
}

/// Björn Ottosson's Oklab to sRGB.
fn oklab(lightness: f64, a: f64, b: f64) -> Color32 {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
    ];
    let [r, g, b] = linear.map(|v| {
        let v = v.clamp(0.0, 1.0);
        let v = if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
        (255.0 * v).round() as u8
    });
    Color32::from_rgb(r, g, b)
}

/// The colour of a segment; 0 is none.
pub fn segment(label: u8) -> Color32 {
    match usize::from(label).checked_sub(1) {
        None => Color32::TRANSPARENT,
        Some(i) => {
            let [r, g, b] = CLASS_COLOURS[i % CLASS_COLOURS.len()];
            Color32::from_rgb(r, g, b)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_spans_its_range_and_the_unknown_is_seen_through() {
        let ramp = Ramp::new(Scale::Grey, [-1.0, 3.0]);
        let greys = [-5.0, -1.0, 1.0, 3.0, 9.0].map(|v| ramp.of(v).r());
        assert_eq!((greys[0], greys[1], greys[3], greys[4]), (0, 0, 255, 255));
        assert!((127..=128).contains(&greys[2]));
        assert_eq!(ramp.of(f32::NAN), Color32::TRANSPARENT);
    }

    #[test]
    fn both_latents_change_the_colour_everywhere() {
        let plane = Plane::new([[-1.0, 1.0], [0.0, 2.0]]);
        let light =
            |c: Color32| 0.2126 * f64::from(c.r()) + 0.7152 * f64::from(c.g()) + 0.0722 * f64::from(c.b());
        for i in 0..8 {
            let (a, b) = (-1.0 + 0.25 * i as f32, 0.25 * i as f32);
            // The first is told by lightness alone, for those who see no colour.
            assert!(light(plane.of([a + 0.25, 1.0])) > light(plane.of([a, 1.0])) + 2.0);
            let (low, high) = (plane.of([0.0, b]), plane.of([0.0, b + 0.25]));
            assert!(high.r() > low.r() && high.g() < low.g(), "{low:?} {high:?}");
        }
        assert_eq!(plane.of([f32::NAN, 1.0]), Color32::TRANSPARENT);
    }
}
