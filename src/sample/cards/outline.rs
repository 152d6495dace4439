//! The outlines of the suits: x to the right, y down; the picture spans -1 to 1, a suit about +-0.6.

/// How the suits are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outlines {
    /// A spade is a heart turned over, with a foot: as hard to tell apart as suits can be.
    #[default]
    Alike,
    /// As fonts draw them: a cleft heart, a spade of straight sides and round lobes on a thin stem.
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

/// Three leaves round the middle.
fn clover(x: f32, y: f32, [off, up, down, r]: [f32; 4], middle: f32) -> bool {
    disc(x, y, [0.0, up], r) || disc(x.abs(), y, [off, down], r) || disc(x, y, [0.0, 0.0], middle)
}

fn rhombus(x: f32, y: f32, [a, b]: [f32; 2], power: f32) -> bool {
    // Below 1 the sides bend inwards.
    (x.abs() / a).powf(power) + (y.abs() / b).powf(power) < 1.0
}

fn alike(suit: usize, x: f32, y: f32) -> bool {
    // A foot that widens downwards, for clubs and spades.
    let foot = |x: f32, y: f32| (0.0..0.58).contains(&y) && x.abs() < 0.05 + 0.65 * y * y;
    match suit {
        0 => clover(x, y, [0.3, -0.3, 0.12, 0.26], 0.15) || foot(x, y),
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

fn symbol(suit: usize, x: f32, y: f32) -> bool {
    // A thin stem that widens at its foot.
    let stem = |top: f32, bottom: f32, half: f32, foot: f32| {
        (top..bottom).contains(&y) && x.abs() < half + foot * ((y - top) / (bottom - top)).powi(4)
    };
    // From a point at `tip`, where the half width is nothing, to the whole of it.
    let wedge = |tip: f32, base: f32, half: f32| {
        let part = (y - tip) / (base - tip);
        (0.0..1.0).contains(&part) && x.abs() < half * part.powf(0.9)
    };
    match suit {
        0 => clover(x, y, [0.34, -0.31, 0.14, 0.27], 0.12) || stem(0.0, 0.58, 0.07, 0.12),
        1 => {
            (y < 0.2 && wedge(-0.54, 0.22, 0.46))
                || disc(x.abs(), y, [0.235, 0.225], 0.23)
                || stem(0.1, 0.53, 0.05, 0.06)
        }
        2 => disc(x.abs(), y, [0.26, -0.3], 0.255) || wedge(0.56, -0.24, 0.515),
        _ => rhombus(x, y, [0.45, 0.6], 0.95),
    }
}
