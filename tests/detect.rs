//! Particles are found where they are: drawn at known places, and on the real sample micrographs.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap, too

use nanotheca::Error;
use nanotheca::micrograph::{Micrograph, PixelSize};
use nanotheca::particle::Region;
use nanotheca::particle::detect::{
    Contrast, Detection, Method, Settings, Unit, auto_contrast, detect, find_scale_bar, propose_banner,
    propose_excluded,
};

const ALL: &[Region] = &[];

/// Deterministic noise of about unit standard deviation.
fn noise(i: usize) -> f32 {
    let hash = |k: u64| {
        let mut h = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ k.wrapping_mul(0xd1b5_4a32_d192_ed03);
        h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((h ^ (h >> 29)) >> 40) as f32 / (1_u64 << 24) as f32
    };
    (hash(1) + hash(2) + hash(3) + hash(4) - 2.0) * 1.73
}

/// A shape: signed distance to its outline, negative inside.
type Shape = Box<dyn Fn(f32, f32) -> f32>;

fn disc(x: f32, y: f32, radius: f32) -> Shape {
    Box::new(move |u, v| (u - x).hypot(v - y) - radius)
}

/// A rectangle with rounded corners of `half` size turned by `angle`.
fn block(x: f32, y: f32, half: (f32, f32), angle: f32) -> Shape {
    let (s, c) = angle.sin_cos();
    Box::new(move |u, v| {
        let (dx, dy) = (u - x, v - y);
        let (a, b) = ((dx * c + dy * s).abs() - half.0 + 2.0, (dy * c - dx * s).abs() - half.1 + 2.0);
        a.max(0.0).hypot(b.max(0.0)) + a.max(b).min(0.0) - 2.0
    })
}

/// Draws shapes 100 grey values above (or below) a background of 60 + `slope` across the picture, with a soft edge
/// and noise.
fn draw(width: usize, height: usize, shapes: &[Shape], bright: bool, slope: f32, sigma: f32) -> Micrograph {
    let pixels: Vec<f32> = (0..width * height)
        .map(|i| {
            let (x, y) = ((i % width) as f32, (i / width) as f32);
            let inside = shapes.iter().map(|s| 1.0 / (1.0 + (1.5 * s(x, y)).exp())).fold(0.0, f32::max);
            let ground = 160.0 + slope * (x / width as f32 + y / height as f32 - 1.0);
            ground + if bright { 100.0 } else { -100.0 } * inside + sigma * noise(i)
        })
        .collect();
    Micrograph { width, height, pixels: pixels.into(), pixel_size: None, replaced: 0, lost: None }
}

fn find(m: &Micrograph, settings: &Settings) -> Vec<Detection> {
    detect(m, ALL, settings, &|_| true).unwrap()
}

fn list(found: &[Detection]) -> String {
    found
        .iter()
        .map(|d| {
            format!("({:.1}, {:.1}) {:.1} x {:.1} score {:.2}; ", d.x, d.y, d.diameter, d.length, d.score)
        })
        .collect()
}

/// Every place has exactly one detection within `tolerance`, and there is no other detection.
fn assert_found(found: &[Detection], places: &[(f32, f32)], tolerance: f32) {
    for (x, y) in places {
        let near = found.iter().filter(|d| (d.x - x).hypot(d.y - y) <= tolerance).count();
        assert_eq!(near, 1, "at ({x}, {y}) of {}", list(found));
    }
    assert_eq!(found.len(), places.len(), "{}", list(found));
}

const PLACES: [(f32, f32); 7] = [
    (60.3, 50.0),
    (200.0, 61.7),
    (330.5, 70.2),
    (90.0, 180.4),
    (260.0, 200.0),
    (70.8, 300.0),
    (300.0, 310.5),
];

#[test]
fn discs_bright_and_dark_on_an_uneven_background() {
    for bright in [true, false] {
        for method in [Method::Auto, Method::Blobs] {
            let shapes: Vec<Shape> = PLACES.iter().map(|(x, y)| disc(*x, *y, 18.0)).collect();
            let m = draw(400, 360, &shapes, bright, 80.0, 8.0);
            assert_eq!(auto_contrast(&m, ALL), bright);
            let found = find(&m, &Settings { method, max_diameter: 80.0, ..Settings::default() });
            assert_found(&found, &PLACES, 1.0);
            for d in &found {
                assert!((d.diameter - 36.0).abs() < 3.0, "{method:?} {d:?}");
                assert!(!d.touches_border);
            }
        }
    }
}

#[test]
fn in_noise_what_is_there_is_found_and_what_is_not_is_not() {
    let places: Vec<(f32, f32)> =
        (0..36).map(|i| (50.0 + 80.0 * (i % 6) as f32, 50.0 + 80.0 * (i / 6) as f32)).collect();
    for bright in [true, false] {
        for sigma in [33.0, 66.0, 100.0, 150.0, 200.0] {
            let shapes: Vec<Shape> = places.iter().map(|(x, y)| disc(*x, *y, 17.0)).collect();
            let m = draw(500, 500, &shapes, bright, 0.0, sigma);
            assert_eq!(auto_contrast(&m, ALL), bright, "sigma {sigma}");
            let found = find(&m, &Settings::default());
            let near = |d: &&Detection| places.iter().any(|(x, y)| (d.x - x).hypot(d.y - y) < 6.0);
            let real = found.iter().filter(near).count();
            assert!(real == 36 && found.len() <= 38, "sigma {sigma}: {real} and {}", found.len() - real);
        }
    }
    // Noise alone, of several grains.
    for (width, height) in [(300, 500), (512, 512), (1000, 600)] {
        let found = find(&draw(width, height, &[], true, 30.0, 40.0), &Settings::default());
        assert!(found.len() <= 4, "{width} x {height}: {}", list(&found));
    }
}

#[test]
fn a_regular_array_is_no_noise() {
    for (diameter, pitch) in [(16.0, 23.0), (14.0, 22.0), (20.0, 28.0)] {
        let rows = (380.0 / (pitch * 0.866)) as usize;
        let place = |row: usize, column: usize| {
            (20.0 + pitch * (column as f32 + 0.5 * (row % 2) as f32), 20.0 + 0.866 * pitch * row as f32)
        };
        let columns = (360.0 / pitch) as usize;
        let shapes: Vec<Shape> = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| place(row, column)))
            .map(|(x, y)| disc(x, y, diameter / 2.0))
            .collect();
        let found = find(&draw(420, 420, &shapes, true, 0.0, 5.0), &Settings::default());
        let (n, of) = (found.len(), shapes.len());
        assert!(n * 100 >= of * 95 && n <= of, "discs of {diameter} every {pitch} px: {n} of {of}");
    }
}

#[test]
fn clipped_noise_is_no_text_and_text_in_it_is_found() {
    for sigma in [60.0, 100.0, 140.0, 180.0] {
        for bright in [true, false] {
            let shapes: Vec<Shape> = PLACES.iter().map(|(x, y)| disc(*x, *y, 18.0)).collect();
            let mut m = draw(400, 360, &shapes, bright, 0.0, sigma);
            let mut pixels: Vec<f32> = m.pixels.iter().map(|v| v.clamp(0.0, 255.0).round()).collect();
            m.pixels = pixels.clone().into();
            assert_eq!(propose_excluded(&m), [], "noise of {sigma}");
            // Five letters H of 24 rows, strokes of 4 pixels.
            for (letter, y, x) in
                (0..5).flat_map(|l| (0..24).flat_map(move |y| (0..16).map(move |x| (l, y, x))))
            {
                if !(4..12).contains(&x) || (10..14).contains(&y) {
                    pixels[(150 + y) * 400 + 150 + 20 * letter + x] = 255.0;
                }
            }
            m.pixels = pixels.into();
            let found = propose_excluded(&m);
            // In stronger noise letters are hard to read.
            assert!(sigma > 100.0 || !found.is_empty(), "noise of {sigma}");
            for region in &found {
                let about = region.x0 > 130.0 && region.x1 < 266.0 && region.y0 > 130.0 && region.y1 < 194.0;
                assert!(about, "noise of {sigma}: {region:?}");
            }
        }
    }
}

#[test]
fn what_is_found_at_the_border_lies_on_the_picture() {
    // Searched on fields whose last pixels reach beyond a picture of such a size.
    for (width, height) in [(130, 127), (201, 199), (257, 250)] {
        let (right, bottom) = (width as f32 - 1.0, height as f32 - 1.0);
        let middle = (0.5 * right, 0.5 * bottom);
        let places =
            [(0.0, middle.1), (right, middle.1), (middle.0, 0.0), (middle.0, bottom), (right, bottom)];
        let shapes: Vec<Shape> = places.iter().map(|(x, y)| disc(*x, *y, 20.0)).collect();
        let m = draw(width, height, &shapes, true, 0.0, 4.0);
        for method in [Method::Blobs, Method::Watershed] {
            let settings = Settings { method, min_diameter: 28.0, max_diameter: 60.0, ..Settings::default() };
            let found = find(&m, &settings);
            assert!(found.len() >= 3, "{method:?} {}", list(&found));
            for d in &found {
                let on = (-0.5..=right + 0.5).contains(&d.x) && (-0.5..=bottom + 0.5).contains(&d.y);
                assert!(on, "{width} x {height}, {method:?}: {d:?}");
            }
        }
    }
}

#[test]
fn what_an_excluded_region_cuts_is_cut_on_every_side_of_it() {
    let places = [(100.0, 60.0), (100.0, 140.0), (60.0, 100.0), (140.0, 100.0), (30.0, 30.0)];
    let shapes: Vec<Shape> = places.iter().map(|(x, y)| disc(*x, *y, 15.0)).collect();
    let m = draw(200, 200, &shapes, true, 0.0, 4.0);
    let excluded = [Region { x0: 58.0, y0: 58.0, x1: 142.0, y1: 142.0 }];
    let settings = Settings {
        method: Method::Watershed,
        min_diameter: 10.0,
        max_diameter: 80.0,
        at_border: false,
        ..Settings::default()
    };
    let found = detect(&m, &excluded, &settings, &|_| true).unwrap();
    assert_found(&found, &places[4..], 1.0);
    let all = detect(&m, &excluded, &Settings { at_border: true, ..settings }, &|_| true).unwrap();
    assert_eq!(all.len(), 5, "{}", list(&all));
}

#[test]
fn squares_and_rods_are_one_particle_each_however_long() {
    let mut places = Vec::new();
    let mut shapes: Vec<Shape> = Vec::new();
    for (k, (x, y)) in PLACES.iter().enumerate() {
        let half = if k % 2 == 0 { (52.0, 9.0) } else { (16.0, 16.0) };
        shapes.push(block(*x, *y, half, 0.7 * k as f32));
        places.push((*x, *y));
    }
    for separation in [0.2, 0.5, 0.8] {
        let m = draw(400, 380, &shapes, false, 30.0, 8.0);
        let found = find(&m, &Settings { separation, ..Settings::default() });
        assert_found(&found, &places, 2.5);
        let rods = found.iter().filter(|d| (d.length - 104.0).abs() < 8.0).count();
        assert_eq!(rods, 4, "{}", list(&found));
    }
}

#[test]
fn touching_discs_and_squares_are_divided() {
    let places = [(80.0, 80.0), (112.0, 80.0), (96.0, 107.0), (230.0, 90.0), (262.0, 122.0), (240.0, 250.0)];
    let mut shapes: Vec<Shape> = places[..3].iter().map(|(x, y)| disc(*x, *y, 17.0)).collect();
    shapes.extend(places[3..5].iter().map(|(x, y)| block(*x, *y, (18.0, 18.0), 0.0)));
    shapes.push(disc(240.0, 250.0, 17.0));
    let m = draw(340, 320, &shapes, true, 0.0, 6.0);
    assert_found(&find(&m, &Settings::default()), &places, 3.0);
    let whole = find(&m, &Settings { separation: 0.0, ..Settings::default() });
    assert!(whole.len() < places.len(), "separation 0 divides nothing: {}", list(&whole));
}

#[test]
fn rods_that_lie_side_by_side_stay_whole_and_apart() {
    let places: Vec<(f32, f32)> = (0..6).map(|k| (150.0, 60.0 + 27.0 * k as f32)).collect();
    let shapes: Vec<Shape> = places.iter().map(|(x, y)| block(*x, *y, (90.0, 10.0), 0.05)).collect();
    let m = draw(300, 260, &shapes, false, 20.0, 8.0);
    assert_found(&find(&m, &Settings::default()), &places, 3.0);
}

#[test]
fn a_faint_particle_that_touches_a_bright_one_is_found() {
    let m = draw(200, 160, &[disc(70.0, 80.0, 22.0)], true, 0.0, 3.0);
    let faint = draw(200, 160, &[disc(109.0, 80.0, 18.0)], true, 0.0, 0.0);
    let pixels: Vec<f32> =
        m.pixels.iter().zip(faint.pixels.iter()).map(|(a, b)| a.max(160.0 + (b - 160.0) * 0.4)).collect();
    let m = Micrograph { pixels: pixels.into(), ..m };
    assert_found(&find(&m, &Settings::default()), &[(70.0, 80.0), (109.0, 80.0)], 3.0);
}

#[test]
fn a_ring_is_one_particle() {
    let ring = |x: f32, y: f32| -> Shape { Box::new(move |u, v| ((u - x).hypot(v - y) - 26.0).abs() - 7.0) };
    let places = [(80.0, 80.0), (240.0, 90.0), (150.0, 210.0)];
    let shapes: Vec<Shape> = places.iter().map(|(x, y)| ring(*x, *y)).collect();
    let m = draw(320, 300, &shapes, true, 0.0, 6.0);
    let found = find(&m, &Settings { contrast: Contrast::Bright, ..Settings::default() });
    assert_found(&found, &places, 2.0);
    assert!(found.iter().all(|d| (d.diameter - 66.0).abs() < 5.0), "{}", list(&found));
}

#[test]
fn sizes_in_nanometres_and_limits_of_size() {
    let shapes = [disc(60.0, 60.0, 12.0), disc(160.0, 60.0, 25.0), disc(100.0, 170.0, 40.0)];
    let mut m = draw(260, 240, &shapes, true, 0.0, 4.0);
    let middle = Settings { min_diameter: 35.0, max_diameter: 65.0, ..Settings::default() };
    assert_found(&find(&m, &middle), &[(160.0, 60.0)], 1.5);
    let nm =
        Settings { min_diameter: 17.5, max_diameter: 32.5, unit: Unit::Nanometres, ..Settings::default() };
    let refused = detect(&m, ALL, &nm, &|_| true).unwrap_err().to_string();
    assert!(refused.contains("pixel size"), "{refused}");
    m.pixel_size = Some(PixelSize { x_nm: 0.5, y_nm: 0.5 });
    assert_eq!(find(&m, &nm), find(&m, &middle));
}

#[test]
fn excluded_regions_hold_no_particle_and_cut_those_that_reach_in() {
    let shapes: Vec<Shape> = PLACES.iter().map(|(x, y)| disc(*x, *y, 18.0)).collect();
    let m = draw(400, 360, &shapes, true, 0.0, 4.0);
    let region = Region { x0: -0.5, y0: 200.5, x1: 399.5, y1: 359.5 };
    for method in [Method::Watershed, Method::Blobs] {
        let settings = Settings { method, max_diameter: 80.0, ..Settings::default() };
        let found = detect(&m, &[region], &settings, &|_| true).unwrap();
        assert!(found.iter().all(|d| d.y < 201.0), "{}", list(&found));
        let apart: Vec<Detection> = found.into_iter().filter(|d| !d.touches_border).collect();
        assert_found(&apart, &PLACES[..4], 1.5);
    }
}

#[test]
fn nothing_is_found_where_nothing_is() {
    for (width, height) in [(1, 1), (1, 40), (40, 1), (3, 2), (64, 64)] {
        for value in [0.0, 7.5, -1e9] {
            let pixels = vec![value; width * height].into();
            let m = Micrograph { width, height, pixels, pixel_size: None, replaced: 0, lost: None };
            for method in [Method::Auto, Method::Watershed, Method::Blobs] {
                assert_eq!(find(&m, &Settings { method, ..Settings::default() }), []);
            }
            assert_eq!((propose_banner(&m), find_scale_bar(&m, None)), (None, None));
            assert_eq!(propose_excluded(&m), []);
        }
    }
}

#[test]
fn detection_stops_at_once_and_refuses_nonsense() {
    let m = draw(200, 200, &[disc(100.0, 100.0, 20.0)], true, 0.0, 4.0);
    for method in [Method::Watershed, Method::Blobs] {
        let settings = Settings { method, ..Settings::default() };
        for limit in [0.0, 0.3, 0.97] {
            let stopped = detect(&m, ALL, &settings, &|done| done <= limit);
            assert!(matches!(stopped, Err(Error::Stopped)) || limit > 0.9, "{method:?} at {limit}");
        }
    }
    let default = Settings::default();
    for broken in [
        Settings { min_diameter: 0.0, ..default.clone() },
        Settings { max_diameter: 3.0, ..default.clone() },
        Settings { max_diameter: f32::NAN, ..default.clone() },
        Settings { threshold: 1.5, ..default.clone() },
        Settings { separation: -0.1, ..default },
    ] {
        assert!(matches!(detect(&m, ALL, &broken, &|_| true), Err(Error::Invalid { .. })), "{broken:?}");
    }
}

fn sample(name: &str) -> Micrograph {
    let path = format!("{}/assets/sample/{name}", env!("CARGO_MANIFEST_DIR"));
    let picture = image::open(path).unwrap().to_luma32f();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Micrograph { width, height, pixels: picture.into_raw().into(), pixel_size: None, replaced: 0, lost: None }
}

#[test]
fn banner_text_and_scale_bar_of_the_sample_micrographs() {
    for (name, left, boxes) in [("image_c_02.png", 1159.0, 1), ("image_c_r_02.tif", 1042.0, 4)] {
        let m = sample(name);
        let banner = propose_banner(&m).unwrap();
        assert_eq!((banner.x0, banner.x1, banner.y1), (-0.5, 1279.5, 1023.5));
        assert!((958.0..966.0).contains(&banner.y0), "{name}: {banner:?}");
        let bar = find_scale_bar(&m, Some(banner)).unwrap();
        assert!((bar.x0 - left).abs() <= 1.0 && (bar.x1 - 1254.5).abs() <= 1.0, "{name}: {bar:?}");
        assert!((966.0..975.0).contains(&bar.y));
        let excluded = propose_excluded(&m);
        assert_eq!((excluded.len(), excluded[0]), (boxes, banner), "{name}: {excluded:?}");
        assert!(
            name.ends_with("png") || excluded.iter().any(|r| r.contains(1150.0, 945.0)),
            "75.0nm is text"
        );
    }
}

#[test]
fn a_banner_at_the_top_and_pictures_without_one() {
    let shapes: Vec<Shape> = PLACES.iter().map(|(x, y)| disc(*x, *y, 18.0)).collect();
    for bright in [true, false] {
        let m = draw(400, 360, &shapes, bright, 80.0, 8.0);
        assert_eq!((propose_banner(&m), propose_excluded(&m)), (None, vec![]));
        let mut pixels = m.pixels.to_vec();
        for y in 0..30 {
            for x in 0..400 {
                let text = (10..20).contains(&y) && x > 50 && x < 300 && (x / 3) % 3 == 0;
                let bar = (4..7).contains(&y) && (320..380).contains(&x);
                pixels[y * 400 + x] = if text || bar { 0.0 } else { 1000.0 };
            }
        }
        let m = Micrograph { pixels: pixels.into(), ..m };
        let banner = propose_banner(&m).unwrap();
        assert_eq!((banner.y0, banner.y1), (-0.5, 29.5));
        let bar = find_scale_bar(&m, Some(banner)).unwrap();
        assert_eq!((bar.x0, bar.x1, bar.y), (319.5, 379.5, 5.0));
    }
}

/// Centres read off the picture by eye; every one must have its own detection.
fn assert_sample(name: &str, by_eye: &[(f32, f32)], tolerance: f32, count: std::ops::RangeInclusive<usize>) {
    let m = sample(name);
    let found = detect(&m, &propose_excluded(&m), &Settings::default(), &|_| true).unwrap();
    let again = detect(&m, &propose_excluded(&m), &Settings::default(), &|_| true).unwrap();
    assert_eq!(found, again, "the same input gives the same particles");
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    assert!(found.iter().all(|d| (0.0..=1.0).contains(&d.score) && d.bounds.contains(d.x, d.y)));
    let missed: Vec<_> = by_eye
        .iter()
        .filter(|(x, y)| found.iter().filter(|d| (d.x - x).hypot(d.y - y) < tolerance).count() != 1)
        .collect();
    assert!(missed.is_empty(), "{name}: not found once: {missed:?}");
    assert!(count.contains(&found.len()), "{name}: {} found", found.len());
}

#[test]
fn cubes_touching_at_corners_are_found_one_by_one() {
    assert!(auto_contrast(&sample("image_c_02.png"), ALL));
    // Cubes alone, in pairs and in clusters, and compact aggregates.
    let by_eye = [
        (88.7, 38.6),
        (184.8, 104.4),
        (123.2, 154.5),
        (78.3, 204.6),
        (83.5, 277.7),
        (65.8, 370.6),
        (183.8, 247.4),
        (250.6, 279.8),
        (311.1, 258.9),
        (261.0, 194.2),
        (297.6, 61.6),
        (328.9, 91.9),
        (311.1, 144.1),
        (398.8, 115.9),
        (456.2, 43.8),
        (484.4, 168.1),
        (407.2, 232.8),
        (508.5, 295.5),
        (569.0, 66.8),
        (594.1, 103.4),
        (643.1, 94.0),
        (713.1, 106.5),
        (758.0, 81.4),
        (748.6, 187.9),
        (827.9, 166.0),
        (832.1, 54.3),
        (854.0, 96.1),
        (905.2, 219.2),
        (979.3, 168.1),
        (1032.6, 110.7),
        (1086.9, 90.8),
        (992.9, 59.5),
        (1002.3, 228.6),
        (1054.5, 251.6),
        (788.3, 282.9),
        (894.7, 310.1),
        (851.9, 350.8),
        (849.9, 397.8),
        (835.2, 438.5),
        (871.8, 499.1),
        (762.2, 385.3),
        (730.8, 345.6),
        (724.6, 486.5),
        (784.1, 484.4),
        (659.8, 353.9),
        (622.3, 388.4),
        (553.3, 366.5),
        (552.3, 424.9),
        (494.9, 407.2),
        (549.2, 489.7),
        (494.9, 519.9),
        (633.7, 515.8),
        (422.8, 340.4),
        (385.3, 358.1),
        (445.8, 388.4),
        (376.9, 406.1),
        (419.7, 428.1),
        (340.4, 335.1),
        (278.8, 356.0),
        (312.2, 380.0),
        (256.8, 448.9),
        (305.9, 429.1),
        (105.4, 456.2),
        (136.8, 422.8),
        (654.6, 225.5),
        (695.3, 263.1),
        (1092.1, 391.5),
        (1034.6, 422.8),
        (1120.3, 435.4),
        (1166.2, 448.9),
        (1162.0, 497.0),
        (982.4, 493.8),
        (952.2, 518.9),
        (1021.1, 518.9),
        (1075.4, 519.9),
        (1168.3, 222.4),
        (1189.2, 273.5),
        (1137.0, 279.8),
        (1166.2, 311.1),
        (1235.1, 300.7),
        (1244.5, 342.4),
        (587.8, 571.1),
        (669.2, 607.6),
        (722.5, 594.1),
        (718.3, 640.0),
        (790.3, 624.3),
        (816.4, 572.1),
        (916.7, 586.8),
        (976.2, 593.0),
        (946.9, 626.4),
        (1047.2, 590.9),
        (626.4, 657.7),
        (671.3, 691.2),
        (525.2, 718.3),
        (779.9, 703.7),
        (773.6, 748.6),
        (715.2, 777.8),
        (750.7, 811.2),
        (791.4, 795.6),
        (685.9, 837.3),
        (459.4, 754.8),
        (498.0, 783.0),
        (548.1, 780.9),
        (357.1, 736.1),
        (290.2, 832.1),
        (374.8, 868.6),
        (226.6, 906.2),
        (492.8, 897.9),
        (453.1, 922.9),
        (981.4, 676.5),
        (1099.4, 689.1),
        (971.0, 739.2),
        (1053.4, 776.8),
        (1073.3, 820.6),
        (1140.1, 759.0),
        (1132.8, 829.0),
        (1240.3, 778.9),
        (1244.5, 874.9),
    ];
    assert_sample("image_c_02.png", &by_eye, 12.0, 195..=235);
}

#[test]
fn crowded_rods_and_spheres_are_found_one_by_one() {
    assert!(!auto_contrast(&sample("image_c_r_02.tif"), ALL));
    let by_eye = [
        (94.0, 146.2),
        (65.8, 198.4),
        (78.3, 295.5),
        (229.7, 111.7),
        (231.8, 170.2),
        (135.7, 304.9),
        (253.7, 58.5),
        (370.6, 170.2),
        (196.3, 220.3),
        (242.2, 219.2),
        (290.2, 252.7),
        (456.2, 195.2),
        (453.1, 247.4),
        (511.6, 59.5),
        (525.2, 111.7),
        (756.9, 76.2),
        (751.7, 129.5),
        (632.7, 177.5),
        (654.6, 218.2),
        (668.2, 266.2),
        (735.0, 309.0),
        (803.9, 323.7),
        (855.1, 217.2),
        (897.9, 83.5),
        (938.6, 111.7),
        (978.3, 140.9),
        (1080.6, 187.9),
        (1074.3, 230.7),
        (1036.7, 270.4),
        (1003.3, 310.1),
        (925.0, 350.8),
        (874.9, 391.5),
        (817.5, 434.3),
        (767.4, 482.3),
        (765.3, 533.5),
        (720.4, 583.6),
        (877.0, 572.1),
        (622.3, 434.3),
        (570.0, 407.2),
        (521.0, 363.3),
        (469.8, 377.9),
        (426.0, 417.6),
        (369.6, 404.0),
        (312.2, 396.7),
        (257.9, 400.9),
        (203.6, 375.9),
        (310.1, 537.7),
        (325.7, 599.3),
        (300.7, 654.6),
        (351.8, 727.7),
        (373.8, 780.9),
        (324.7, 826.9),
        (352.9, 887.4),
        (326.8, 932.3),
        (473.0, 649.4),
        (515.8, 595.1),
        (577.4, 623.3),
        (649.4, 727.7),
        (705.8, 727.7),
        (759.0, 734.0),
        (810.2, 720.4),
        (529.3, 864.5),
        (601.4, 835.2),
        (430.1, 685.9),
        (543.9, 732.9),
        (552.3, 792.4),
        (466.7, 856.1),
        (929.2, 767.4),
        (926.1, 826.9),
        (919.8, 887.4),
        (985.6, 680.7),
        (990.8, 626.4),
        (999.2, 575.3),
        (1007.5, 526.2),
        (1027.3, 482.3),
        (1094.2, 421.8),
        (1129.7, 388.4),
        (1092.1, 459.4),
        (1138.0, 595.1),
        (1102.5, 705.8),
        (1173.5, 542.9),
        (1220.5, 516.8),
        (1189.2, 237.0),
        (1158.9, 767.4),
        (1210.0, 744.4),
        (145.1, 550.2),
        (187.9, 737.1),
        (123.2, 511.6),
        (145.1, 464.6),
        (672.4, 426.0),
        (973.1, 728.7),
    ];
    assert_sample("image_c_r_02.tif", &by_eye, 16.0, 140..=165);
}
