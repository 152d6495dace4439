use super::*;
use crate::micrograph::{Micrograph, PixelSize};
use crate::particle::patch::{PatchGeometry, PatchSource};
use std::f32::consts::PI;

const SIDE: usize = 61;

/// A picture by its inside, each pixel the mean of 64 points.
fn picture(inside: impl Fn(f32, f32) -> bool) -> Vec<f32> {
    let middle = (SIDE as f32 - 1.0) / 2.0;
    let fine = |i: usize, k: usize| i as f32 - middle + (k as f32 + 0.5) / 8.0 - 0.5;
    let part = |i: usize| {
        (0..64).filter(|k| inside(fine(i % SIDE, k % 8), fine(i / SIDE, k / 8))).count() as f32 / 64.0
    };
    (0..SIDE * SIDE).map(|i| 0.15 + 0.7 * part(i)).collect()
}

/// x and y in the frame of a particle turned counter-clockwise on the screen.
fn frame(x: f32, y: f32, angle: f32) -> (f32, f32) {
    let (sin, cos) = angle.sin_cos();
    (x * cos - y * sin, x * sin + y * cos)
}

fn near(found: f64, expected: f64, part: f64, what: &str) {
    assert!((found / expected - 1.0).abs() <= part, "{what}: {found} instead of {expected}");
}

#[test]
fn discs_have_their_size_within_two_percent_wherever_they_lie() {
    for (radius, off) in [(5.0_f32, 0.0_f32), (6.3, 0.37), (10.0, 0.5), (17.2, 0.25), (25.0, 0.8)] {
        let d = describe(&picture(|x, y| (x - off).hypot(y + off) < radius), SIDE, 1.0).unwrap();
        let diameter = f64::from(2.0 * radius);
        near(d.equivalent_diameter, diameter, 0.02, "diameter");
        near(d.area, std::f64::consts::PI * diameter * diameter / 4.0, 0.03, "area");
        near(d.feret_max, diameter, 0.02, "largest Feret");
        near(d.feret_min, diameter, 0.02, "smallest Feret");
        near(d.aspect_ratio, 1.0, 0.03, "aspect ratio");
        near(d.circularity, 1.0, 0.03, "circularity");
        assert!((d.mean_intensity - 0.85).abs() < 0.01 && (d.local_background - 0.15).abs() < 0.01, "{d:?}");
    }
}

#[test]
fn rods_have_their_sizes_within_two_percent_and_their_angle_within_three_degrees() {
    for (length, width) in [(30.0_f32, 10.0_f32), (40.0, 8.0), (24.0, 16.0)] {
        for step in 0..12 {
            let angle = PI * step as f32 / 12.0 + 0.05;
            let (half, straight) = (width / 2.0, length / 2.0 - width / 2.0);
            let rod = |x: f32, y: f32| {
                let (u, v) = frame(x, y, angle);
                (u.abs() - straight).max(0.0).hypot(v) < half
            };
            let d = describe(&picture(rod), SIDE, 1.0).unwrap();
            near(d.feret_max, f64::from(length), 0.02, "length");
            near(d.feret_min, f64::from(width), 0.02, "width");
            near(d.aspect_ratio, f64::from(length / width), 0.03, "aspect ratio");
            let off = (d.angle_deg - f64::from(angle).to_degrees()).rem_euclid(180.0);
            assert!(off.min(180.0 - off) < 3.0, "{length} x {width}: {} at {angle}", d.angle_deg);
        }
    }
}

#[test]
fn cubes_have_their_side_and_angle() {
    for (side, angle) in [(9.0_f32, 0.1_f32), (20.0, 0.0), (20.0, 0.4), (33.0, PI / 4.0)] {
        let cube = |x: f32, y: f32| {
            let (u, v) = frame(x, y, angle);
            u.abs().max(v.abs()) < side / 2.0
        };
        let d = describe(&picture(cube), SIDE, 1.0).unwrap();
        near(d.feret_min, f64::from(side), 0.02, "side");
        near(d.area.sqrt(), f64::from(side), 0.02, "root of the area");
        near(d.aspect_ratio, 1.0, 0.03, "aspect ratio");
        if side > 15.0 {
            near(d.circularity, std::f64::consts::FRAC_PI_4, 0.08, "circularity");
        }
        let off = (d.angle_deg - f64::from(angle).to_degrees()).rem_euclid(90.0);
        assert!(off.min(90.0 - off) < 3.0, "{side}: {} at {angle}", d.angle_deg);
    }
}

#[test]
fn sizes_are_in_pixels_of_the_micrograph_and_in_nanometres() {
    // A disc of 60 px across on a micrograph of 0.5 nm a pixel, seen through a patch three times coarser.
    let (width, height) = (300, 200);
    let value = |x: f32, y: f32| 20.0 + 100.0 * (30.0 - (x - 140.0).hypot(y - 90.0) + 0.5).clamp(0.0, 1.0);
    let pixels = (0..width * height).map(|i| value((i % width) as f32, (i / width) as f32)).collect();
    let m = Micrograph { width, height, pixels, pixel_size: None, replaced: 0, lost: None };
    let geometry = PatchGeometry { extent_nm: Some(60.0), side: 40, ..PatchGeometry::default() };
    let source = PatchSource::new(&m, PixelSize::new(0.5, 0.5), true, &[], None);
    let d = describe(&source.cut(140.0, 90.0, &geometry, 62), 62, 120.0 / 40.0).unwrap();
    near(d.equivalent_diameter, 60.0, 0.02, "diameter in px");
    near(d.get_in(Descriptor::EquivalentDiameter, Some(0.5)), 30.0, 0.02, "diameter in nm");
    near(d.get_in(Descriptor::Area, Some(0.5)), std::f64::consts::PI * 225.0, 0.03, "area in nm2");
    assert_eq!(d.get_in(Descriptor::AspectRatio, Some(0.5)), d.aspect_ratio);
    assert_eq!((Descriptor::Area.unit(true), Descriptor::FeretMin.unit(false)), ("nm2", "px"));
}

#[test]
fn a_hole_belongs_to_its_particle_and_a_neighbour_does_not() {
    let ring = |x: f32, y: f32| (4.0..12.0).contains(&x.hypot(y));
    let d = describe(&picture(ring), SIDE, 1.0).unwrap();
    near(d.equivalent_diameter, 24.0, 0.02, "ring");
    let pair = |x: f32, y: f32| x.hypot(y) < 8.0 || (x - 20.0).hypot(y - 3.0) < 8.0;
    let d = describe(&picture(pair), SIDE, 1.0).unwrap();
    near(d.equivalent_diameter, 16.0, 0.02, "one of two");
}

#[test]
fn what_has_no_outline_has_no_size() {
    assert_eq!(describe(&vec![0.5; SIDE * SIDE], SIDE, 1.0), None);
    assert_eq!(describe(&picture(|x, _| x.abs() < 5.0), SIDE, 1.0), None, "it leaves the patch");
    assert_eq!(describe(&picture(|x, y| (x - 24.0).hypot(y - 24.0) < 4.0), SIDE, 1.0), None, "in a corner");
    assert_eq!(describe(&vec![f32::NAN; SIDE * SIDE], SIDE, 1.0), None);
    assert_eq!(describe(&[0.0; 4], 2, 1.0), None);
    assert_eq!(describe(&[0.0; 7], SIDE, 1.0), None);
}
