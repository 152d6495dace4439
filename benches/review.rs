//! What are thirty answers worth, asked by the review queue and asked at random?
//!
//! `cargo bench --bench review` takes the particles of the sample project, of which the class is known: half of them judge,
//! of the others five a class are labelled. It trains, then answers thirty questions from the truth: of the queue, or about
//! thirty particles drawn at random. Both go on from the same trained state, as the window does. `-- fresh` also trains anew
//! with all labels; `rate=R` starts going on with that part of the learning rate, `epochs=N` goes on so long; `seeds=N` takes
//! so many draws.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a bench speaks and may fail

use nanotheca::explore::embed;
use nanotheca::particle::patch::PatchSet;
use nanotheca::particle::{ParticleId, Prediction};
use nanotheca::project::{Project, store};
use nanotheca::review::Table;
use nanotheca::review::queue::Review;
use nanotheca::sample;
use nanotheca::train::config::TrainConfig;
use nanotheca::train::resume::Halted;
use nanotheca::train::trainer::Trainer;
use nanotheca::worker::device;
use nanotheca::worker::insight;
use nanotheca::worker::job::{self, Dataset};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::sync::Arc;

const SEEDS: u64 = 5;
const LABELS: usize = 5;
const ANSWERS: usize = 30;

/// The sample's particles with the class of each, as a place in the list of classes.
struct Truth {
    project: Project,
    dataset: Dataset,
    classes: Vec<usize>,
}

impl Truth {
    fn read() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = store::load(sample::create(folder.path()).unwrap()).unwrap();
        let dataset = job::assemble(&project, &|id| job::open(&project, id), &|_| true).unwrap();
        let class = |id: &ParticleId| {
            let class = project.particle(*id).unwrap().label.unwrap();
            project.class_index(class).unwrap()
        };
        let classes = dataset.ids.iter().map(class).collect();
        Self { project, dataset, classes }
    }

    /// The project and the patches with these labels only.
    fn labelled(&self, labels: &BTreeSet<usize>, judges: &BTreeSet<usize>) -> (Project, Arc<PatchSet>) {
        let mut project = self.project.clone();
        for (i, id) in self.dataset.ids.iter().enumerate() {
            let particle = project.particles.get_mut(id).unwrap();
            particle.held_out = judges.contains(&i);
            if !particle.held_out && !labels.contains(&i) {
                particle.label = None;
            }
        }
        let of = |some: &BTreeSet<usize>, i: usize| some.contains(&i).then_some(self.classes[i]);
        let patches = PatchSet {
            labels: (0..self.classes.len()).map(|i| of(labels, i)).collect(),
            held_out: (0..self.classes.len()).map(|i| of(judges, i)).collect(),
            ..(*self.dataset.patches).clone()
        };
        (project, Arc::new(patches))
    }

    fn names(&self) -> Vec<String> {
        self.project.classes.iter().map(|class| class.name.clone()).collect()
    }

    /// Patches, in a random order.
    fn shuffled(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.classes.len()).collect();
        all.shuffle(rng);
        all
    }
}

fn finish(trainer: &mut Trainer) -> Vec<Prediction> {
    while !trainer.done() {
        trainer.step().unwrap();
    }
    embed::predict(&trainer.snapshot(), trainer.patches(), &mut || true).unwrap()
}

fn accuracy(patches: &PatchSet, predictions: &[Prediction]) -> f64 {
    let judged =
        patches.held_out.iter().zip(predictions).filter_map(|(truth, p)| Some((*truth)? == p.best()));
    let (right, of) = judged.fold((0, 0), |(right, of), ok| (right + usize::from(ok), of + 1));
    right as f64 / of as f64
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        arguments.iter().find_map(|a| a.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok())
    };
    let fresh = arguments.iter().any(|a| a == "fresh");
    let truth = Truth::read();
    let names = truth.names();
    let chosen = device::cpu(None);
    println!("seed, before, queue, random{}", if fresh { ", queue anew, random anew" } else { "" });
    let mut sums = Vec::new();
    for seed in 1..=value("seeds").map_or(SEEDS, |seeds| seeds as u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let shuffled = truth.shuffled(&mut rng);
        let judges: BTreeSet<usize> = shuffled.iter().copied().take(shuffled.len() / 2).collect();
        let pool: Vec<usize> = shuffled.iter().copied().filter(|i| !judges.contains(i)).collect();
        let mut first = BTreeSet::new();
        for class in 0..names.len() {
            first.extend(pool.iter().filter(|&&i| truth.classes[i] == class).take(LABELS));
        }
        let (project, patches) = truth.labelled(&first, &judges);
        let config = TrainConfig { seed, ..TrainConfig::proposed() };
        let train = |patches: &Arc<PatchSet>| {
            Trainer::new(config.clone(), &names, patches.clone(), &chosen.device, chosen.tiled).unwrap()
        };
        let mut trainer = train(&patches);
        let predictions = finish(&mut trainer);
        let mut row = vec![accuracy(&patches, &predictions)];
        let halted = trainer.halt(&names).unwrap();

        let measured = insight::measure(&project, &truth.dataset);
        let table = Table::new(&project, &truth.dataset.ids, &names, predictions.into(), &measured);
        let asked = Review::default().questions(&table, ANSWERS);
        let place = |id: ParticleId| truth.dataset.ids.iter().position(|other| *other == id).unwrap();
        let queue: Vec<usize> = asked.iter().map(|question| place(question.id)).collect();
        let random: Vec<usize> =
            pool.iter().copied().filter(|i| !first.contains(i)).take(queue.len()).collect();
        let with = |more: &[usize]| {
            let labels = first.iter().chain(more).copied().collect();
            truth.labelled(&labels, &judges).1
        };
        let (queue, random) = (with(&queue), with(&random));
        for answers in [&queue, &random] {
            let mut trainer = go_on(&halted, &patches, value("rate"), value("epochs"));
            trainer.relabel(&names, answers.clone()).unwrap();
            row.push(accuracy(answers, &finish(&mut trainer)));
        }
        if fresh {
            for answers in [&queue, &random] {
                row.push(accuracy(answers, &finish(&mut train(answers))));
            }
        }
        println!("{seed}, {}", shown(&row));
        sums.push(row);
    }
    let mean: Vec<f64> =
        (0..sums[0].len()).map(|c| sums.iter().map(|row| row[c]).sum::<f64>() / sums.len() as f64).collect();
    println!("mean, {}", shown(&mean));
}

fn go_on(halted: &Halted, patches: &Arc<PatchSet>, rate: Option<f64>, epochs: Option<f64>) -> Trainer {
    let chosen = device::cpu(None);
    let mut trainer = Trainer::resume(halted, patches.clone(), &chosen.device, chosen.tiled).unwrap();
    let more = epochs.map_or(trainer.config.epochs / 4, |epochs| epochs as usize);
    let epoch = trainer.epoch;
    trainer.config.go_on(epoch, more);
    if let (Some(rate), Some(encore)) = (rate, trainer.config.encore.as_mut()) {
        encore.rate = rate;
    }
    trainer
}

fn shown(row: &[f64]) -> String {
    row.iter().map(|v| format!("{v:.3}")).collect::<Vec<_>>().join(", ")
}
