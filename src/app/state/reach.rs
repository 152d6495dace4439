//! What a hand reaches on the micrograph, and what a search goes by.

use super::State;
use crate::particle::detect::Example;
use crate::particle::{MicrographId, Particle, ParticleId};
use std::collections::BTreeMap;

/// Examples for "pick similar" come from so many micrographs at most: each has to be opened.
const MOST_SOURCES: usize = 4;

impl State {
    /// What "pick similar" looks for: the selected particles, else those of the current class; those of the shown
    /// micrograph first, then of the others that have most of them.
    pub fn examples(&self) -> Vec<(MicrographId, Vec<Example>)> {
        let chosen = |p: &&Particle| {
            if self.selection.is_empty() {
                p.label.is_some() && p.label == self.class
            } else {
                self.selection.contains(&p.id)
            }
        };
        let mut all: BTreeMap<MicrographId, Vec<Example>> = BTreeMap::new();
        for particle in self.project.particles.values().filter(chosen) {
            let usual = || self.project.usual_diameter(particle.micrograph);
            let diameter = particle.diameter.unwrap_or_else(usual);
            let example = Example { x: particle.x, y: particle.y, diameter };
            all.entry(particle.micrograph).or_default().push(example);
        }
        let mut all: Vec<(MicrographId, Vec<Example>)> = all.into_iter().collect();
        all.sort_by_key(|(id, of)| (Some(*id) != self.shown, std::cmp::Reverse(of.len()), *id));
        all.truncate(MOST_SOURCES);
        all
    }

    /// The particle of the shown micrograph that a point means, see [`Places::nearest`].
    pub fn nearest(&self, x: f32, y: f32, reach: f32) -> Option<ParticleId> {
        let seen = |id| self.project.particle(id).is_some_and(|particle| !self.is_hidden(particle));
        self.places.nearest(self.shown?, (x, y), reach, seen)
    }

    /// True for a particle of the shown micrograph that a hand can reach.
    pub fn is_in_sight(&self, id: ParticleId) -> bool {
        let here = |particle: &&Particle| self.shown == Some(particle.micrograph);
        self.project.particle(id).filter(here).is_some_and(|particle| !self.is_hidden(particle))
    }

    /// True for a particle whose class, given or else predicted, is not shown: no hand reaches it.
    pub fn is_hidden(&self, particle: &Particle) -> bool {
        if self.hidden.is_empty() {
            return false;
        }
        let predicted = || {
            let results = self.results.as_ref()?;
            results.best(results.of(particle.id)?).0
        };
        particle.label.or_else(predicted).is_some_and(|class| self.hidden.contains(&class))
    }

    /// The shown micrograph, if the proposals are its own: nobody accepts what is out of sight.
    pub fn proposals_on(&self) -> Option<MicrographId> {
        self.shown.filter(|shown| self.detection.micrograph == Some(*shown))
    }

    /// The proposal at a point of the shown micrograph, nearest first.
    pub fn proposal_at(&self, x: f32, y: f32, reach: f32) -> Option<usize> {
        let detection = &self.detection;
        if !detection.live || self.proposals_on().is_none() {
            return None;
        }
        let near = detection.found.iter().enumerate().filter(|(_, f)| f.score >= detection.least);
        let near = near.map(|(i, f)| ((f.x - x).hypot(f.y - y), reach.max(f.diameter / 2.0), i));
        let near = near.filter(|(distance, radius, _)| distance <= radius);
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, _, i)| i)
    }
}
