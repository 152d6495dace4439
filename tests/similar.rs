//! Picking what resembles a few labelled particles: at any angle, on a sloping ground, and nothing else.
#![allow(clippy::unwrap_used)]

use nanotheca::micrograph::{Micrograph, PixelSize};
use nanotheca::particle::Region;
use nanotheca::particle::detect::{Detection, Example, Examples, Likeness, Progress, similar};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

type Places = Vec<(f32, f32)>;

/// Rods (30 x 10 px, at any angle) and discs (20 px), noise, and a ground that slopes; `scale` in grey values.
fn picture(seed: u64, scale: f32) -> (Micrograph, Places, Places) {
    let (width, height) = (700, 500);
    let mut random = StdRng::seed_from_u64(seed);
    let mut pixels: Vec<f32> = (0..width * height)
        .map(|i| 0.4 * (i % width) as f32 / width as f32 + random.random_range(-0.15..0.15))
        .collect();
    let (mut rods, mut discs) = (Vec::new(), Vec::new());
    for row in 0..8 {
        for column in 0..11 {
            let x = 40.0 + 60.0 * column as f32 + random.random_range(-8.0..8.0);
            let y = 40.0 + 60.0 * row as f32 + random.random_range(-8.0..8.0);
            let angle: f32 = random.random_range(0.0..std::f32::consts::TAU);
            let rod = random.random_bool(0.5);
            if rod {
                rods.push((x, y));
            } else {
                discs.push((x, y));
            }
            for py in (y - 20.0) as usize..=(y + 20.0) as usize {
                for px in (x - 20.0) as usize..=(x + 20.0) as usize {
                    let (dx, dy) = (px as f32 - x, py as f32 - y);
                    let along = dx * angle.cos() + dy * angle.sin();
                    let across = dy * angle.cos() - dx * angle.sin();
                    let inside =
                        if rod { (5.5 - across.abs()).min(15.5 - along.abs()) } else { 10.5 - dx.hypot(dy) };
                    pixels[py * width + px] += inside.clamp(0.0, 1.0);
                }
            }
        }
    }
    pixels.iter_mut().for_each(|v| *v *= scale);
    (Micrograph::new(width, height, pixels, None).unwrap(), rods, discs)
}

fn examples(places: &[(f32, f32)]) -> Vec<Example> {
    places.iter().map(|(x, y)| Example { x: *x, y: *y, diameter: 24.0 }).collect()
}

/// What resembles examples on the picture itself.
fn find(
    picture: &Micrograph,
    hidden: &[Region],
    of: &[Example],
    likeness: Likeness,
    progress: Progress<'_>,
) -> nanotheca::Result<Vec<Detection>> {
    similar(picture, hidden, &[Examples { micrograph: picture, of }], likeness, progress)
}

#[test]
fn rods_are_found_at_any_angle_and_discs_are_not() {
    // Bright and dark, in units of any size.
    for (seed, scale) in [(1, 1.0), (2, -3000.0)] {
        let (picture, rods, discs) = picture(seed, scale);
        let found = find(&picture, &[], &examples(&rods[..4]), Likeness::default(), &|_| true).unwrap();
        let near = |(x, y): &(f32, f32)| found.iter().find(|d| (d.x - x).hypot(d.y - y) < 4.0);
        let all = rods.iter().filter(|rod| near(rod).is_some()).count();
        assert!(
            all as f32 >= 0.95 * rods.len() as f32,
            "{all} of {} rods in picture {seed}, {} found",
            rods.len(),
            found.len()
        );
        // Rods come before discs.
        let lowest = rods.iter().filter_map(near).map(|d| d.score).fold(1.0, f32::min);
        let wrong = discs.iter().filter_map(near).filter(|d| d.score > lowest).count();
        assert!(wrong <= discs.len() / 20, "{wrong} discs look more like rods than the worst rod");
        let middle = rods.iter().filter_map(|rod| near(rod).map(|d| (d.x - rod.0).hypot(d.y - rod.1)));
        let (sum, count) = middle.fold((0.0, 0), |(sum, count), d| (sum + d, count + 1));
        assert!(sum / (count as f32) < 1.0, "centres are off by {} px", sum / count as f32);
    }
}

#[test]
fn excluded_regions_stay_empty_and_neighbours_apart() {
    let (picture, rods, _) = picture(3, 1.0);
    let hidden = Region { x0: 0.0, y0: 0.0, x1: 350.0, y1: 500.0 };
    let outside: Vec<_> = rods.iter().copied().filter(|rod| rod.0 > 380.0).take(3).collect();
    let likeness = Likeness { score: 0.2, separation: 1.5 };
    let found = find(&picture, &[hidden], &examples(&outside), likeness, &|_| true).unwrap();
    assert!(found.len() > 10 && found.iter().all(|d| d.x >= 349.0));
    for (i, a) in found.iter().enumerate() {
        assert!(found[..i].iter().all(|b| (a.x - b.x).hypot(a.y - b.y) > 34.0));
    }
    assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score), "best first");
}

#[test]
fn a_search_ends_when_told_and_says_what_it_lacks() {
    let (picture, rods, _) = picture(4, 1.0);
    let some = examples(&rods[..2]);
    let stopped = find(&picture, &[], &some, Likeness::default(), &|done| done < 0.3).unwrap_err();
    assert_eq!(stopped.to_string(), "stopped");
    let none = find(&picture, &[], &[], Likeness::default(), &|_| true).unwrap_err();
    assert!(none.to_string().contains("label at least one particle"));
    let flat = Micrograph::new(50, 50, vec![3.0; 2500], None).unwrap();
    let nothing = find(&flat, &[], &examples(&[(20.0, 20.0)]), Likeness::default(), &|_| true).unwrap_err();
    assert!(nothing.to_string().contains("no contrast"), "{nothing}");
}

#[test]
fn examples_on_another_micrograph_serve_at_their_own_scale() {
    let (mut here, rods, discs) = picture(5, 1.0);
    let (there, theirs, _) = picture(6, 40.0);
    // The other one in other units, at half the pixel size: every pixel four times.
    let (width, height) = (2 * there.width, 2 * there.height);
    let pixels = (0..width * height).map(|i| there.pixels[i / width / 2 * there.width + i % width / 2]);
    let mut there = Micrograph::new(width, height, pixels.collect(), None).unwrap();
    here.pixel_size = Some(PixelSize { x_nm: 2.0, y_nm: 2.0 });
    there.pixel_size = Some(PixelSize { x_nm: 1.0, y_nm: 1.0 });
    let of: Vec<Example> = theirs[..4]
        .iter()
        .map(|(x, y)| Example { x: 2.0 * x + 0.5, y: 2.0 * y + 0.5, diameter: 48.0 })
        .collect();
    let seen = [Examples { micrograph: &there, of: &of }];
    let found = similar(&here, &[], &seen, Likeness::default(), &|_| true).unwrap();
    let near = |(x, y): &(f32, f32)| found.iter().find(|d| (d.x - x).hypot(d.y - y) < 4.0);
    let all = rods.iter().filter(|rod| near(rod).is_some()).count();
    assert!(all as f32 >= 0.95 * rods.len() as f32, "{all} of {} rods", rods.len());
    let lowest = rods.iter().filter_map(near).map(|d| d.score).fold(1.0, f32::min);
    let wrong = discs.iter().filter_map(near).filter(|d| d.score > lowest).count();
    assert!(wrong <= discs.len() / 20, "{wrong} discs look more like rods than the worst rod");
    assert!(found.iter().all(|d| (d.diameter - 24.0).abs() < 0.1), "in pixels of the micrograph searched");
}
