//! Training settings that few need; each with what it does.

use super::{choice, line, name, number};
use crate::train::config::{Activation, Likelihood, Preset, TrainConfig};
use egui::{DragValue, Ui};
use std::ops::RangeInclusive;

pub fn ui(ui: &mut Ui, config: &mut TrainConfig) {
    if config.preset == Preset::Default {
        poses(ui, config);
        copies(ui, config);
    }
    decoded(ui, config);
    networks(ui, config);
    weights(ui, config);
}

/// What a labelled particle is shown as.
fn poses(ui: &mut Ui, config: &mut TrainConfig) {
    let Some(range) = &mut config.augmentation else { return };
    line(ui, "Two particles of one class may differ in size and shear by this much.", |ui| {
        number(ui, "Stretch", &mut range.stretch, 0.0..=0.5, 0.01);
    });
    line(ui, "Labelled patches are moved by up to this part of their side.", |ui| {
        number(ui, "Shift", &mut range.shift, 0.0..=0.25, 0.01);
    });
    line(ui, "Labelled patches get noise of up to this standard deviation (they span 0 to 1).", |ui| {
        number(ui, "Noise", &mut range.noise, 0.0..=2.0, 0.01);
    });
    line(ui, "Labelled particles shown in a step.", |ui| {
        whole(ui, "Labels a step", &mut config.labelled_batch, 1..=4096);
    });
}

/// What the classifier looks at, and what one view teaches another.
fn copies(ui: &mut Ui, config: &mut TrainConfig) {
    line(ui, "Copies of a particle looked at, equally spaced in angle; more is finer and slower.", |ui| {
        whole(ui, "Turned copies", &mut config.rotations, 1..=72);
    });
    line(ui, "Points along a side of a copy; finer detail is left to the decoder.", |ui| {
        whole(ui, "Copy resolution", &mut config.look_side, 8..=64);
    });
    line(ui, "How much what is sure in one view of a particle is taught to another; 0 is off.", |ui| {
        number(ui, "Agreement", &mut config.consistency, 0.0..=2.0, 0.05);
    });
    line(ui, "How probable a class must be to be taught to the other view.", |ui| {
        number(ui, "Sure from", &mut config.confidence, 0.5..=1.0, 0.01);
    });
    line(ui, "The other view gets noise of up to this standard deviation, so that noise is no clue.", |ui| {
        number(ui, "Noise of a view", &mut config.view_noise, 0.0..=2.0, 0.05);
    });
    line(ui, "Combinations of class and angle that are drawn of a particle in a step; 0 draws all.", |ui| {
        whole(ui, "Drawn at most", &mut config.most_pairs, 0..=64);
    });
}

/// How much of the pictures is drawn in a step.
fn decoded(ui: &mut Ui, config: &mut TrainConfig) {
    line(ui, "Part of the pixels the decoder draws in a step; 1 is exact, less is faster.", |ui| {
        number(ui, "Pixels", &mut config.pixel_share, 0.02..=1.0, 0.01);
    });
    let improbable = match config.preset {
        Preset::Default => {
            "What is less probable than this part of the best is not drawn; 0 is exact. On the CPU only."
        }
        Preset::Paper => "Classes less probable than this are left out of a step; 0 is exact.",
    };
    line(ui, improbable, |ui| {
        number(ui, "Improbable", &mut config.class_threshold, 0.0..=0.49, 0.001);
    });
    let sigma = if let Likelihood::Gaussian { sigma } = config.likelihood { sigma } else { 0.5 };
    let likelihoods = [
        (Likelihood::Bernoulli, "Bernoulli"),
        (Likelihood::ContinuousBernoulli, "continuous Bernoulli"),
        (Likelihood::Gaussian { sigma }, "Gaussian"),
    ];
    line(ui, "How a drawn grey value is compared with the picture's.", |ui| {
        choice(ui, "Likelihood", &mut config.likelihood, &likelihoods);
    });
    if let Likelihood::Gaussian { sigma } = &mut config.likelihood {
        line(ui, "Standard deviation of a pixel; less draws more faithfully, noise too.", |ui| {
            number(ui, "Sigma", sigma, 0.01..=2.0, 0.01);
        });
    }
}

fn networks(ui: &mut Ui, config: &mut TrainConfig) {
    line(ui, "Width of the hidden layers of all networks; more learns more and is slower.", |ui| {
        let mut width = config.hidden_decoder.first().copied().unwrap_or(128);
        if whole(ui, "Width", &mut width, 4..=1024) {
            *config = config.clone().with_hidden(width);
        }
    });
    let activations = [
        (Activation::Tanh, "tanh"),
        (Activation::Relu, "ReLU"),
        (Activation::LeakyRelu, "leaky ReLU"),
        (Activation::Softplus, "softplus"),
    ];
    let bends = match config.preset {
        Preset::Default => "What bends the layers of the decoder; tanh draws smoothly.",
        Preset::Paper => "What bends the layers of all networks; tanh draws smoothly.",
    };
    line(ui, bends, |ui| {
        choice(ui, "Non-linearity", &mut config.activation, &activations);
    });
    line(
        ui,
        "Waves through which the decoder also sees a place; more draws finer, 0 is the published one.",
        |ui| {
            whole(ui, "Waves", &mut config.waves, 0..=8);
        },
    );
}

/// What counts how much, and when.
fn weights(ui: &mut Ui, config: &mut TrainConfig) {
    line(ui, "Weight of a label against that of the pictures.", |ui| {
        number(ui, "Label weight", &mut config.auxiliary, 0.0..=1000.0, 1.0);
    });
    line(ui, "Weight of the latents' prior at the end; more keeps fewer latents alive.", |ui| {
        number(ui, "Beta", &mut config.beta_end, 0.0..=20.0, 0.1);
    });
    line(ui, "The same at the beginning; it rises to the one above.", |ui| {
        number(ui, "Beta at first", &mut config.beta_start, 0.0..=20.0, 0.1);
    });
    line(ui, "Epochs in which it rises.", |ui| {
        whole(ui, "Beta rises in", &mut config.beta_ramp, 0..=10_000);
    });
    line(
        ui,
        "How far off centre particles lie, as a part of half the patch (one standard deviation).",
        |ui| {
            number(ui, "Off centre", &mut config.shift_prior, 0.01..=1.0, 0.01);
        },
    );
    if config.invariances.scale {
        line(ui, "How much particles of a class differ in size (one standard deviation).", |ui| {
            number(ui, "Size differs", &mut config.scale_prior, 0.01..=1.0, 0.01);
        });
    }
    line(ui, "Learning rate of the last epoch as a part of the first; 1 keeps it.", |ui| {
        let label = name(ui, "Falls to");
        let field = DragValue::new(&mut config.final_rate).range(0.001..=1.0).speed(0.005).max_decimals(3);
        ui.add(field.update_while_editing(false)).labelled_by(label.id);
    });
}

/// True if the number was changed.
fn whole(ui: &mut Ui, what: &str, value: &mut usize, range: RangeInclusive<usize>) -> bool {
    let label = name(ui, what);
    ui.add(DragValue::new(value).range(range).update_while_editing(false)).labelled_by(label.id).changed()
}
