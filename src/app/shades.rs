//! From grey values to colours on screen: black and white point, gamma, inversion and colour map in one table.

use crate::project::{Colours, Tone};
use egui::Color32;

/// Entries of the table; more than a screen's 256 so that a steep gamma shows no steps.
const STEPS: usize = 1024;

/// The colours between a black and a white point.
pub struct Shades {
    low: f32,
    scale: f32,
    table: Vec<Color32>,
}

impl Shades {
    /// `range` from black to white, in the picture's units; the second is larger.
    pub fn new((low, high): (f32, f32), tone: Tone) -> Self {
        let colour = |i: usize| {
            let grey = (i as f64 / (STEPS - 1) as f64).powf(f64::from(tone.gamma));
            map(tone.colours, if tone.invert { 1.0 - grey } else { grey })
        };
        Self { low, scale: (STEPS - 1) as f32 / (high - low), table: (0..STEPS).map(colour).collect() }
    }

    /// The colour of a value.
    pub fn of(&self, value: f32) -> Color32 {
        let place = ((value - self.low) * self.scale + 0.5).clamp(0.0, (STEPS - 1) as f32) as usize;
        self.table.get(place).copied().unwrap_or(Color32::BLACK)
    }
}

/// A colour of a map; `share` in 0..=1.
pub fn map(colours: Colours, share: f64) -> Color32 {
    let gradient = match colours {
        Colours::Grey => return Color32::from_gray((255.0 * share).round() as u8),
        Colours::Viridis => colorous::VIRIDIS,
        Colours::Inferno => colorous::INFERNO,
        Colours::Cividis => colorous::CIVIDIS,
    };
    let colour = gradient.eval_continuous(share);
    Color32::from_rgb(colour.r, colour.g, colour.b)
}

/// All maps with their names.
pub const MAPS: [(Colours, &str); 4] = [
    (Colours::Grey, "Grey"),
    (Colours::Viridis, "Viridis"),
    (Colours::Inferno, "Inferno"),
    (Colours::Cividis, "Cividis"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_goes_from_black_to_white_over_the_range() {
        let shades = Shades::new((10.0, 20.0), Tone::default());
        let greys: Vec<u8> = [0.0, 10.0, 15.0, 20.0, 30.0].into_iter().map(|v| shades.of(v).r()).collect();
        assert_eq!(greys, [0, 0, 128, 255, 255]);
        let inverted = Shades::new((10.0, 20.0), Tone { invert: true, ..Tone::default() });
        assert_eq!((inverted.of(10.0), inverted.of(20.0)), (Color32::WHITE, Color32::BLACK));
    }

    #[test]
    fn a_gamma_below_one_brightens_the_dark_and_keeps_the_ends() {
        let bright = Shades::new((0.0, 1.0), Tone { gamma: 0.5, ..Tone::default() });
        assert_eq!((bright.of(0.0).r(), bright.of(0.25).r(), bright.of(1.0).r()), (0, 128, 255));
    }

    #[test]
    fn maps_grow_brighter_from_end_to_end() {
        for (colours, name) in MAPS {
            let light = |share| {
                let c = map(colours, share);
                0.2126 * f64::from(c.r()) + 0.7152 * f64::from(c.g()) + 0.0722 * f64::from(c.b())
            };
            assert!((1..=20).all(|i| light(f64::from(i) / 20.0) > light(f64::from(i - 1) / 20.0)), "{name}");
        }
    }
}
