//! Particles whose size, shape and angle are known: the program finds the factors again, and the latents say which they
//! follow.
#![allow(clippy::unwrap_used, clippy::panic)]

use nanotheca::explore::embed;
use nanotheca::micrograph::PixelSize;
use nanotheca::particle::ParticleId;
use nanotheca::particle::describe::{Descriptor, describe_all};
use nanotheca::particle::patch::{PatchGeometry, PatchSet};
use nanotheca::project::{MicrographEntry, Project};
use nanotheca::review::Table;
use nanotheca::review::meaning::{Correlation, Meaning, meanings};
use nanotheca::sample::particles::{Drawn, Form, scattered};
use nanotheca::train::config::TrainConfig;
use nanotheca::train::trainer::Trainer;
use nanotheca::worker::device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const SIDE: usize = 32;
const WIDE: usize = 50;
const EACH: usize = 110;
const LABELS: usize = 12;
const NM: f64 = 0.5;

/// Discs of many sizes, rods of one width and many lengths, cubes of many sizes.
fn drawn(rng: &mut ChaCha8Rng) -> Vec<Drawn> {
    let mut all = scattered(Form::Disc, EACH, 10.0..=24.0, 1.0..=1.0, 1.0, rng);
    all.extend(
        scattered(Form::Rod, EACH, 14.0..=29.0, 2.0..=2.0, 1.0, rng)
            .into_iter()
            .map(|rod| Drawn { aspect: rod.size / 7.0, ..rod }),
    );
    all.extend(scattered(Form::Cube, EACH, 10.0..=22.0, 1.0..=1.0, 1.0, rng));
    all
}

fn project(n: usize) -> (Project, Vec<ParticleId>) {
    let mut project = Project::new();
    let size = PixelSize::new(NM, NM);
    let (id, edit) = project.add_micrograph_edit(MicrographEntry::new("/a.tif", 0, 9000, 9000, size, "hash"));
    project.apply(edit).unwrap();
    for name in ["disc", "rod", "cube"] {
        let (_, edit) = project.add_class_edit(name);
        project.apply(edit).unwrap();
    }
    for i in 0..n {
        let (_, edit) = project.add_particle_edit(id, i as f32, 5.0, None);
        project.apply(edit).unwrap();
    }
    project.patch = PatchGeometry { extent_nm: Some(NM * SIDE as f64), side: SIDE, ..project.patch };
    let ids = project.particles.keys().copied().collect();
    (project, ids)
}

#[test]
fn latents_say_which_factor_they_follow_and_measurements_are_right() {
    [11, 1, 2].into_iter().for_each(holds_on_a_draw);
}

fn holds_on_a_draw(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let drawn = drawn(&mut rng);
    let n = drawn.len();
    let pixels: Vec<f32> = drawn.iter().flat_map(|d| d.draw(WIDE, 0.02, &mut rng)).collect();
    let labels = (0..n).map(|i| (i % EACH < LABELS).then_some(i / EACH)).collect();
    let held_out = (0..n).map(|i| (i % EACH >= LABELS).then_some(i / EACH)).collect();
    let set = Arc::new(PatchSet { side: SIDE, wide: WIDE, pixels: pixels.into(), labels, held_out });
    let measured = describe_all(&set, &vec![1.0; n]);
    // Sizes within 2 %, angles within 3 degrees.
    for (drawn, found) in drawn.iter().zip(&measured) {
        let found = found.as_ref().unwrap();
        let size = match drawn.form {
            Form::Disc => found.equivalent_diameter,
            Form::Rod => found.feret_max,
            Form::Cube => found.feret_min,
        };
        assert!((size / f64::from(drawn.size) - 1.0).abs() < 0.02, "{drawn:?}: {found:?}");
        if drawn.form == Form::Rod {
            let off = (found.angle_deg - f64::from(drawn.angle_rad).to_degrees()).rem_euclid(180.0);
            assert!(off.min(180.0 - off) < 3.0, "{drawn:?}: {found:?}");
        }
    }
    let classes = ["disc", "rod", "cube"].map(str::to_owned).to_vec();
    let config = TrainConfig { seed: 2, ..TrainConfig::proposed().with_hidden(64) };
    let chosen = device::cpu(None);
    let mut trainer = Trainer::new(config, &classes, set.clone(), &chosen.device, chosen.tiled).unwrap();
    while !trainer.done() {
        trainer.step().unwrap();
    }
    let predictions = embed::predict(&trainer.snapshot(), &set, &mut || true).unwrap();
    let (project, ids) = project(n);
    let table = Table::new(&project, &ids, &classes, predictions.clone().into(), &measured);
    let found = meanings(&table);
    // A disc and a square have one size, a rod of known width one length, whichever way it is measured.
    let size = [Descriptor::EquivalentDiameter, Descriptor::Area, Descriptor::FeretMin, Descriptor::FeretMax];
    let length =
        [Descriptor::AspectRatio, Descriptor::FeretMax, Descriptor::Area, Descriptor::EquivalentDiameter];
    for (class, right) in [("disc", size), ("rod", length), ("cube", size)] {
        let meaning = found.iter().find(|m| m.class == class).unwrap();
        let texts: Vec<&str> = meaning.latents.iter().map(|l| l.text.as_str()).collect();
        // The panel writes this factor on an axis, and it holds.
        let named = |c: &Correlation| right.contains(&c.descriptor) && c.r.abs() >= 0.95;
        assert!(
            meaning.latents.iter().filter_map(Meaning::strongest).any(|c| named(&c)),
            "draw {seed}, {class}: {texts:?}"
        );
    }
    // The learned angles of the rods are right, too, but for where their class's upright form points.
    let of_rods = |i: &usize| drawn[*i].form == Form::Rod;
    let off = |i: usize| 2.0 * f64::from(predictions[i].angle_rad - drawn[i].angle_rad);
    let (sin, cos) = (0..n).filter(of_rods).map(off).fold((0.0, 0.0), |(s, c), a| (s + a.sin(), c + a.cos()));
    let upright = sin.atan2(cos);
    let mut errors: Vec<f64> = (0..n)
        .filter(of_rods)
        .map(|i| (off(i) - upright).sin().atan2((off(i) - upright).cos()).abs().to_degrees() / 2.0)
        .collect();
    errors.sort_by(f64::total_cmp);
    let [most, largest] = [errors[errors.len() * 95 / 100], errors[errors.len() - 1]];
    assert!(most < 3.0 && largest < 5.0, "draw {seed}: 95 % within {most} degrees, all within {largest}");
    let angle = found.iter().find(|m| m.class == "rod").and_then(|m| m.angle).unwrap();
    assert!(angle.particles >= 100 && angle.spread_deg < 3.0, "{angle:?}");
}
