//! Patches cut from known pictures.

use super::*;

/// Background 100, discs of 200 with a soft edge.
fn discs(width: usize, height: usize, places: &[(f32, f32, f32)]) -> Micrograph {
    let value = |x: f32, y: f32| {
        let inside = |(u, v, r): &(f32, f32, f32)| (r - (x - u).hypot(y - v) + 0.5).clamp(0.0, 1.0);
        100.0 + 100.0 * places.iter().map(inside).fold(0.0, f32::max)
    };
    let pixels = (0..width * height).map(|i| value((i % width) as f32, (i / width) as f32)).collect();
    Micrograph { width, height, pixels, pixel_size: None, replaced: 0, lost: None }
}

fn geometry(extent_px: f64, side: usize) -> PatchGeometry {
    PatchGeometry { extent_px, side, ..PatchGeometry::default() }
}

/// Centre of gravity relative to the middle of the patch, in patch pixels, and the sum.
fn gravity(patch: &[f32], wide: usize) -> (f32, f32, f32) {
    let middle = (wide as f32 - 1.0) / 2.0;
    let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
    for (i, v) in patch.iter().enumerate() {
        sum += v;
        x += v * ((i % wide) as f32 - middle);
        y += v * ((i / wide) as f32 - middle);
    }
    (x / sum, y / sum, sum)
}

#[test]
fn the_patch_is_centred_and_keeps_its_area_at_every_pitch() {
    let m = discs(200, 180, &[(90.3, 80.8, 20.0)]);
    let source = PatchSource::new(&m, None, true, &[], None);
    assert!((source.background() - 100.0).abs() < 1e-3);
    for (extent, side, wide) in
        [(64.0, 64, 65), (64.0, 32, 46), (96.0, 24, 35), (60.0, 64, 90), (100.0, 25, 25)]
    {
        let patch = source.cut(90.3, 80.8, &geometry(extent, side), wide);
        assert_eq!(patch.len(), wide * wide);
        let (x, y, sum) = gravity(&patch, wide);
        assert!(x.abs() < 0.03 && y.abs() < 0.03, "pitch {}: ({x}, {y})", extent / side as f64);
        let pitch = (extent / side as f64) as f32;
        let expected = std::f32::consts::PI * 400.0 / pitch.powi(2);
        assert!((sum / expected - 1.0).abs() < 0.02, "pitch {pitch}: {sum} for {expected}");
    }
}

#[test]
fn whole_pixels_at_pitch_one_are_the_micrograph_itself() {
    let m = Micrograph {
        width: 9,
        height: 8,
        pixels: (0..72).map(|i| ((i * 37) % 72) as f32).collect(),
        pixel_size: None,
        replaced: 0,
        lost: None,
    };
    let source = PatchSource::new(&m, None, true, &[], None);
    let (black, white) = source.levels();
    let patch = source.cut(4.0, 3.0, &geometry(5.0, 5), 5);
    for (i, v) in patch.iter().enumerate() {
        let grey = m.pixels[(i / 5 + 1) * 9 + i % 5 + 2];
        assert!((v - ((grey - black) / (white - black)).clamp(0.0, 1.0)).abs() < 1e-5);
    }
}

#[test]
fn nanometres_decide_where_they_are_known() {
    let m = discs(200, 200, &[(100.0, 100.0, 20.0)]);
    let geometry = PatchGeometry { extent_nm: Some(40.0), ..geometry(64.0, 32) };
    let fine =
        PatchSource::new(&m, PixelSize::new(0.5, 0.5), true, &[], None).cut(100.0, 100.0, &geometry, 32);
    let unknown = PatchSource::new(&m, None, true, &[], None).cut(100.0, 100.0, &geometry, 32);
    assert!((gravity(&fine, 32).2 / gravity(&unknown, 32).2 - 0.64).abs() < 0.02);
}

#[test]
fn a_disc_on_pixels_that_are_not_square_is_a_disc_on_its_patch() {
    // 1 nm along x, 2 nm along y: a disc of radius 16 nm is half as high in pixels, and 8 nm below the middle are 4 px.
    let value = |i: usize| {
        let (x, y) = ((i % 200) as f32 - 100.0, 2.0 * ((i / 200) as f32 - 104.0));
        100.0 + 100.0 * (16.5 - x.hypot(y)).clamp(0.0, 1.0)
    };
    let pixels = (0..200 * 200).map(value).collect();
    let m = Micrograph { width: 200, height: 200, pixels, pixel_size: None, replaced: 0, lost: None };
    let geometry = PatchGeometry { extent_nm: Some(64.0), ..geometry(64.0, 32) };
    let patch =
        PatchSource::new(&m, PixelSize::new(1.0, 2.0), true, &[], None).cut(100.0, 100.0, &geometry, 32);
    let (x, y, _) = gravity(&patch, 32);
    assert!(x.abs() < 0.1 && (y - 4.0).abs() < 0.1, "{x} {y}");
    let spread = |of: &dyn Fn(usize) -> f32| {
        let (mut sum, mut square) = (0.0, 0.0);
        for (i, v) in patch.iter().enumerate() {
            sum += v;
            square += v * of(i).powi(2);
        }
        square / sum
    };
    let (across, down) = (spread(&|i| (i % 32) as f32 - 15.5 - x), spread(&|i| (i / 32) as f32 - 15.5 - y));
    assert!((across / down - 1.0).abs() < 0.05, "{across} {down}");
}

#[test]
fn downsampling_does_not_alias() {
    let pixels = (0..128 * 128).map(|i| if i % 2 == 0 { 0.0 } else { 1.0 }).collect();
    let m = Micrograph { width: 128, height: 128, pixels, pixel_size: None, replaced: 0, lost: None };
    let patch = PatchSource::new(&m, None, true, &[], None).cut(63.3, 64.1, &geometry(96.0, 24), 24);
    assert!(patch.iter().all(|v| (v - 0.5).abs() < 0.05));
}

#[test]
fn dark_particles_come_out_bright() {
    let m = discs(120, 120, &[(60.0, 60.0, 18.0)]);
    let negative = Micrograph { pixels: m.pixels.iter().map(|v| 300.0 - v).collect(), ..m.clone() };
    let bright = PatchSource::new(&m, None, true, &[], None);
    let dark = PatchSource::new(&negative, None, false, &[], None);
    assert!((dark.background() - 200.0).abs() < 1e-3);
    for normalise in [Normalise::Micrograph, Normalise::Patch] {
        let geometry = PatchGeometry { normalise, ..geometry(64.0, 32) };
        let (a, b) = (bright.cut(60.0, 60.0, &geometry, 46), dark.cut(60.0, 60.0, &geometry, 46));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!(a[23 * 46 + 23] > 0.95 && a[0] < 0.05);
    }
}

#[test]
fn beyond_the_picture_and_its_banner_stands_the_background_or_the_nearest_pixel() {
    let mut m = discs(100, 100, &[(50.0, 70.0, 15.0)]);
    let mut pixels = m.pixels.to_vec();
    pixels[80 * 100..].fill(1e6);
    m.pixels = pixels.into();
    let banner = Region { x0: -0.5, y0: 79.5, x1: 99.5, y1: 99.5 };
    let source = PatchSource::new(&m, None, true, &[banner], None);
    assert_eq!(source.levels(), (100.0, 200.0));
    let ground = source.cut(50.0, 70.0, &geometry(40.0, 40), 40);
    assert!(ground[39 * 40 + 20] < 1e-5, "the banner is background");
    assert!(ground[28 * 40 + 20] > 0.99, "the particle above it stays");
    let nearest = PatchGeometry { edge: Edge::Nearest, ..geometry(40.0, 40) };
    let nearest = source.cut(50.0, 70.0, &nearest, 40);
    assert!(nearest[39 * 40 + 20] > 0.99, "the last row above the banner goes on");
    let corner = source.cut(0.0, 0.0, &geometry(40.0, 40), 40);
    assert!(corner.iter().all(|v| *v == 0.0));
}

#[test]
fn a_hole_in_the_picture_is_background() {
    let m = discs(100, 100, &[(50.0, 50.0, 30.0)]);
    let text = Region { x0: 45.5, y0: 45.5, x1: 54.5, y1: 54.5 };
    let patch = PatchSource::new(&m, None, true, &[text], None).cut(50.0, 50.0, &geometry(41.0, 41), 41);
    assert!(patch[20 * 41 + 20] < 1e-5 && patch[20 * 41 + 8] > 0.99);
}

#[test]
fn nothing_panics_and_everything_is_finite() {
    let one =
        Micrograph { width: 1, height: 1, pixels: [3.0].into(), pixel_size: None, replaced: 0, lost: None };
    let flat = Micrograph {
        width: 40,
        height: 30,
        pixels: vec![-7.0; 1200].into(),
        pixel_size: None,
        replaced: 0,
        lost: None,
    };
    let huge = Micrograph {
        width: 3,
        height: 2,
        pixels: [-3e38, 3e38, 0.0, 1.0, 2.0, 3e38].into(),
        pixel_size: None,
        replaced: 0,
        lost: None,
    };
    let disc = discs(50, 50, &[(25.0, 25.0, 10.0)]);
    let all = Region { x0: -1e9, y0: -1e9, x1: 1e9, y1: 1e9 };
    for m in [&one, &flat, &huge, &disc] {
        for excluded in [&[][..], &[all][..]] {
            let source = PatchSource::new(m, None, m.width % 2 == 0, excluded, None);
            for at in [0.0, -0.5, 24.0, 49.9, -1e7, 1e30, f32::NAN, f32::INFINITY] {
                for extent in [1e-9, 1.0, 64.0, 1e12, f64::NAN] {
                    for (normalise, edge) in
                        [(Normalise::Patch, Edge::Nearest), (Normalise::Micrograph, Edge::Background)]
                    {
                        let geometry = PatchGeometry { normalise, edge, ..geometry(extent, 24) };
                        let patch = source.cut(at, -at, &geometry, 26);
                        assert_eq!(patch.len(), 26 * 26);
                        assert!(patch.iter().all(|v| (0.0..=1.0).contains(v)), "{at} {extent}");
                    }
                }
            }
        }
    }
}

#[test]
fn neighbours_are_blanked_to_the_ground_and_the_particle_stays() {
    let m = discs(120, 120, &[(50.0, 60.0, 14.0), (78.0, 60.0, 14.0)]);
    let label = |i: usize| {
        let (x, y) = ((i % 120) as f32, (i / 120) as f32);
        let near = |u: f32| (x - u).hypot(y - 60.0) <= 14.5;
        if x < 64.0 && near(50.0) { 1 } else { 2 * u32::from(near(78.0)) }
    };
    let labels = (0..120 * 120).map(label).collect();
    let map =
        LabelMap { width: 120, height: 120, factor: 1, labels, seeds: vec![(50.0, 60.0), (78.0, 60.0)] };
    let source = PatchSource::new(&m, None, true, &[], Some(&map));
    let shown = source.cut(50.0, 60.0, &geometry(64.0, 64), 65);
    let blank = PatchGeometry { blank_neighbours: true, ..geometry(64.0, 64) };
    let blanked = source.cut(50.0, 60.0, &blank, 65);
    let at = |patch: &[f32], x: usize| patch[32 * 65 + x];
    assert!(at(&shown, 60) > 0.99 && at(&blanked, 60) < 0.01, "the neighbour at 78 is gone");
    for x in 18..45 {
        assert_eq!(at(&shown, x), at(&blanked, x), "the particle itself stays");
    }
    let edge = at(&blanked, 47);
    assert!((0.0..0.3).contains(&edge), "after a soft edge the ground: {edge}");
    let (x, _, sum) = gravity(&blanked, 65);
    assert!(x.abs() < 0.6 && (sum / (std::f32::consts::PI * 196.0) - 1.0).abs() < 0.08, "{x} {sum}");
}
