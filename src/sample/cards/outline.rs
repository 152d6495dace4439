//! The outlines of the suits: x to the right, y down; the picture spans -1 to 1, a suit about +-0.6.

/// How the suits are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outlines {
    /// A spade is a heart turned over, with a foot: as hard to tell apart as suits can be.
    #[default]
    Alike,
    /// As fonts draw them: a cleft heart, a spade whose lobes hang beside a thin stem, leaves that hardly meet.
    Symbols,
}

impl Outlines {
    /// True if the upright suit covers the point.
    pub(super) fn covers(self, suit: usize, x: f32, y: f32) -> bool {
        match self {
            Self::Alike => alike(suit, x, y),
            Self::Symbols => symbol(suit, x, y),
        }
    }
}

fn disc(x: f32, y: f32, [cx, cy]: [f32; 2], r: f32) -> bool {
    (x - cx).powi(2) + (y - cy).powi(2) < r * r
}

/// A leaf above and one at each side, with their places and radii, round a disc in the middle.
fn clover(x: f32, y: f32, [off, up, down]: [f32; 3], [above, beside, middle]: [f32; 3]) -> bool {
    disc(x, y, [0.0, up], above) || disc(x.abs(), y, [off, down], beside) || disc(x, y, [0.0, 0.0], middle)
}

fn rhombus(x: f32, y: f32, [a, b]: [f32; 2], power: f32) -> bool {
    // Below 1 the sides bend inwards.
    (x.abs() / a).powf(power) + (y.abs() / b).powf(power) < 1.0
}

fn alike(suit: usize, x: f32, y: f32) -> bool {
    // A foot that widens downwards, for clubs and spades.
    let foot = |x: f32, y: f32| (0.0..0.58).contains(&y) && x.abs() < 0.05 + 0.65 * y * y;
    match suit {
        0 => clover(x, y, [0.3, -0.3, 0.12], [0.26, 0.26, 0.15]) || foot(x, y),
        1 => sextic(x, -(y + 0.08)) || foot(x, y),
        2 => sextic(x, y),
        _ => rhombus(x, y, [0.48, 0.6], 0.92),
    }
}

/// The classic heart (u^2 + v^2 - 1)^3 < u^2 v^3, v upwards, scaled to +-0.55.
fn sextic(x: f32, y: f32) -> bool {
    let (u, v) = (x / 0.46, -y / 0.46 + 0.1);
    let s = u * u + v * v - 1.0;
    s * s * s < u * u * v * v * v
}

/// Proportions, areas (0.20, 0.16, 0.18 and 0.14 of the picture) and middles are those of common symbols.
fn symbol(suit: usize, x: f32, y: f32) -> bool {
    match suit {
        0 => {
            let y = y - 0.037;
            clover(x, y, [0.36, -0.4, 0.14], [0.255, 0.275, 0.13])
                || (x.abs() < 0.08 && y.abs() < 0.2)
                || stem(x, y, [0.0, 0.58], 0.045)
        }
        1 => {
            let y = y - 0.05;
            wedge(x, y, [-0.61, 0.17], 0.495, 0.72)
                || disc(x.abs(), y, [0.305, 0.2], 0.195)
                || stem(x, y, [0.1, 0.53], 0.065)
        }
        2 => {
            let (x, y) = (x.abs() / 1.045, (y + 0.09) / 1.045);
            disc(x, y, [0.29, -0.205], 0.235)
                || (x < 0.3 && (-0.19..0.0).contains(&y))
                || wedge(x, y, [0.62, -0.1], 0.51, 0.9)
        }
        _ => rhombus(x, y, [0.452, 0.606], 1.0),
    }
}

/// A thin stem from `top` to `bottom` that widens at its foot.
fn stem(x: f32, y: f32, [top, bottom]: [f32; 2], half: f32) -> bool {
    (top..bottom).contains(&y) && x.abs() < half + 0.09 * ((y - top) / (bottom - top)).powi(6)
}

/// From a point at `tip`, where it has no width, to the whole of it at `base`; a power below 1 makes it bulge.
fn wedge(x: f32, y: f32, [tip, base]: [f32; 2], half: f32, power: f32) -> bool {
    let part = (y - tip) / (base - tip);
    (0.0..1.0).contains(&part) && x.abs() < half * part.powf(power)
}
