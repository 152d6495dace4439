//! Angle and shift mean what the documents say: counter-clockwise on screen; to the right and down, in pixels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use burn::tensor::{Device, Tensor, TensorData};
use nanotheca::explore::embed::{particle_angle, particle_shift};
use nanotheca::explore::traverse::{self, Pose, coordinate_pose};
use nanotheca::model::vae::Vae;
use nanotheca::particle::patch::turned;
use nanotheca::train::config::TrainConfig;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const SIDE: usize = 41;

/// A decoder nobody trained draws something smooth and without symmetry: as good as a letter F.
fn vae() -> Vae {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let config = TrainConfig::proposed().with_hidden(24).model(vec![SIDE, SIDE], 2);
    let mut vae = Vae::init(config, &mut rng, &Device::flex(), true);
    // Steeper than at the start of training, so that the picture has shape.
    let decoder = &mut vae.networks.decoder;
    for (layer, factor) in [(&mut decoder.coordinate, 3.0), (&mut decoder.out, 12.0)] {
        let weight = layer.weight.val().mul_scalar(factor);
        layer.weight = burn::module::Param::from_tensor(weight);
    }
    vae
}

#[test]
fn the_decoder_turns_and_shifts_as_the_resampler_does() {
    let vae = vae();
    let upright = traverse::image(&vae, 1, &[0.4, -0.7], Pose::default()).unwrap();
    for (angle, shift, scale) in [
        (0.5_f32, [0.0_f32, 0.0], 1.0_f32),
        (0.0, [4.0, 0.0], 1.0),
        (0.0, [0.0, 3.0], 1.0),
        (-1.2, [3.0, -2.0], 1.0),
        (0.4, [1.0, 2.0], 1.2),
    ] {
        let pose = Pose { angle_rad: angle, shift_px: shift, scale };
        let drawn = traverse::image(&vae, 1, &[0.4, -0.7], pose).unwrap();
        let mut expected = vec![0.0; SIDE * SIDE];
        turned(&upright, SIDE, SIDE, angle, shift, scale, &mut expected);
        // Away from the edge, where turning would need what the upright picture does not show.
        let middle = SIDE as i32 / 2;
        let (mut worst, mut change) = (0.0_f32, 0.0_f32);
        for row in middle - 9..=middle + 9 {
            for column in middle - 9..=middle + 9 {
                let i = row as usize * SIDE + column as usize;
                worst = worst.max((drawn[i] - expected[i]).abs());
                change = change.max((upright[i] - expected[i]).abs());
            }
        }
        assert!(worst < 0.1 * change, "angle {angle}, shift {shift:?}, scale {scale}: off by {worst}");
        assert!(change > 0.02, "the pose changes the picture ({change}), or this test shows nothing");
    }
}

#[test]
fn what_is_drawn_in_a_pose_is_read_in_that_pose() {
    let dims = [SIDE, SIDE];
    for (angle, shift, scale) in
        [(0.3_f32, [1.5_f32, -4.0], 1.0_f32), (-2.9, [0.0, 2.0], 0.8), (1.57, [-3.0, 0.5], 1.3)]
    {
        let pose = coordinate_pose(Pose { angle_rad: angle, shift_px: shift, scale }, &dims);
        assert!((particle_angle(&pose) - angle).abs() < 1e-5);
        let found = particle_shift(&pose, &dims);
        assert!(
            (found[0] - shift[0]).abs() < 1e-4 && (found[1] - shift[1]).abs() < 1e-4,
            "{found:?} {shift:?}"
        );
    }
}

#[test]
fn angles_are_wrapped() {
    let tau = std::f32::consts::TAU;
    assert!((particle_angle(&[0.2 + tau, 0.0, 0.0, 1.0]) - 0.2).abs() < 1e-5);
    assert!((particle_angle(&[-0.2 - tau, 0.0, 0.0, 1.0]) + 0.2).abs() < 1e-5);
}

#[test]
fn a_plane_goes_from_end_to_end_of_its_ranges_on_any_two_latents() {
    let vae = vae();
    let latents = vae.config.latent;
    let last = latents - 1;
    let grid = traverse::plane(&vae, 0, (last, 0), 3, [[1.0, 3.0], [-2.0, 0.0]]).unwrap();
    let tile = |i: usize| &grid[i * SIDE * SIDE..(i + 1) * SIDE * SIDE];
    let at = |right: f32, up: f32| {
        let mut z = vec![0.0; latents];
        z[0] = up;
        z[last] = right;
        traverse::image(&vae, 0, &z, Pose::default()).unwrap()
    };
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(close(tile(6), &at(1.0, -2.0)), "lower left");
    assert!(close(tile(2), &at(3.0, 0.0)), "upper right");
    assert!(close(tile(4), &at(2.0, -1.0)), "the middle");
    assert!(close(tile(5), &at(3.0, -1.0)), "the first axis runs to the right");
    assert!(close(tile(1), &at(2.0, 0.0)), "the second axis runs up");
    assert!(traverse::plane(&vae, 0, (latents, 0), 3, [[0.0, 1.0]; 2]).is_err());
}

#[test]
fn the_plain_decoder_draws_the_same() {
    let mut vae = vae();
    // More tiles than are drawn at once.
    let tiled = traverse::plane(&vae, 1, (0, 1), 20, [[-1.6, 1.6]; 2]).unwrap();
    vae.tiled = false;
    let plain = traverse::plane(&vae, 1, (0, 1), 20, [[-1.6, 1.6]; 2]).unwrap();
    assert_eq!(plain.len(), 400 * SIDE * SIDE);
    let worst = tiled.iter().zip(&plain).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "{worst}");
    let z = Tensor::<2>::from_data(TensorData::new(vec![0.0_f32; 5], [1, 5]), &vae.device());
    assert_eq!(z.dims(), [1, vae.config.z()]);
}
