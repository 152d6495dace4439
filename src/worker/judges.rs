//! Which labels teach and which judge.

use super::job::KnownClass;
use crate::particle::{Particle, ParticleId};
use crate::project::Project;
use crate::train::lineage::Roles;

/// With no held-out label in the project, every fifth label of a class with at least this many is held out.
pub const ENOUGH_TO_HOLD_OUT: usize = 10;
/// See [`ENOUGH_TO_HOLD_OUT`].
pub const EVERY: usize = 5;

/// Labels for training and for judging, as places in `classes`, one of each a particle of `ids`.
///
/// Where a person held labels out, those judge. Else some of each class do; those that judged before judge on, and what
/// has `taught` never judges. A label that was held out after it had taught does neither.
pub(super) fn labels(
    project: &Project,
    ids: &[ParticleId],
    classes: &[KnownClass],
    roles: &Roles,
) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let particles: Vec<Option<&Particle>> = ids.iter().map(|id| project.particle(*id)).collect();
    let marked = particles.iter().flatten().any(|p| p.held_out);
    let index = |p: &Particle| {
        let class = p.label?;
        classes.iter().position(|(id, _)| *id == Some(class))
    };
    let (mut counts, mut has_judge) = (vec![0_usize; classes.len()], vec![false; classes.len()]);
    for particle in particles.iter().flatten() {
        if let Some(class) = index(particle) {
            counts[class] += 1;
            has_judge[class] |= roles.judges.contains(&particle.id);
        }
    }
    let mut seen = vec![0_usize; classes.len()];
    let mut chosen = |class: usize| {
        seen[class] += 1;
        !has_judge[class] && counts[class] >= ENOUGH_TO_HOLD_OUT && seen[class].is_multiple_of(EVERY)
    };
    let role = |particle: &Option<&Particle>| {
        let Some((particle, class)) = particle.and_then(|p| Some((p, index(p)?))) else {
            return (None, None);
        };
        let taught = roles.taught.contains(&particle.id);
        let judges = if marked {
            particle.held_out
        } else {
            roles.judges.contains(&particle.id) || (!taught && chosen(class))
        };
        (Some(class).filter(|_| !judges), Some(class).filter(|_| judges && !taught))
    };
    particles.iter().map(role).unzip()
}

#[cfg(test)]
mod tests {
    use super::super::job::{known_classes, present_names};
    use super::*;
    use crate::particle::patch::PatchSet;
    use crate::particle::{ClassId, MicrographId};
    use crate::project::MicrographEntry;
    use crate::project::edit::Edit;

    /// The classes as the model learned them.
    const MODEL: [&str; 2] = ["rod", "cube"];

    /// A project of `n` particles, every one labelled as one of two classes in turn.
    fn project(n: usize) -> (Project, Vec<ParticleId>, [ClassId; 2]) {
        let mut project = Project::new();
        let entry = MicrographEntry::new("a.png", 0, 100, 100, None, "hash");
        let (micrograph, edit) = project.add_micrograph_edit(entry);
        project.apply(edit).unwrap();
        let classes = MODEL.map(|name| {
            let (class, edit) = project.add_class_edit(name);
            project.apply(edit).unwrap();
            class
        });
        let ids = (0..n).map(|i| add(&mut project, micrograph, classes[i % 2])).collect();
        (project, ids, classes)
    }

    fn add(project: &mut Project, on: MicrographId, class: ClassId) -> ParticleId {
        let (id, edit) = project.add_particle_edit(on, 5.0, 5.0, Some(class));
        project.apply(edit).unwrap();
        id
    }

    fn known(classes: &[ClassId]) -> Vec<KnownClass> {
        classes.iter().map(|id| (Some(*id), "as the model calls it".to_owned())).collect()
    }

    fn take(
        roles: &mut Roles,
        ids: &[ParticleId],
        (labels, held_out): (Vec<Option<usize>>, Vec<Option<usize>>),
    ) {
        let pixels = vec![0.0; ids.len()].into();
        roles.take(ids, &PatchSet { side: 1, wide: 1, pixels, labels, held_out });
    }

    #[test]
    fn the_judges_stay_the_judges_whatever_labels_come_and_go() {
        let (mut project, mut ids, classes) = project(40);
        let names = known(&classes);
        let mut roles = Roles::default();
        let first = labels(&project, &ids, &names, &roles);
        assert_eq!(first.1.iter().flatten().count(), 8, "every fifth of each class");
        take(&mut roles, &ids, first);
        let judges = roles.judges.clone();
        // One that taught goes, ten come: by the rule alone every fifth would be another one now.
        project.apply(Edit::RemoveParticles(vec![ids[0]])).unwrap();
        ids.remove(0);
        let micrograph = project.micrographs[0].id;
        ids.extend((0..10).map(|_| add(&mut project, micrograph, classes[0])));
        let second = labels(&project, &ids, &names, &roles);
        assert!(second.0.iter().rev().take(10).all(|label| *label == Some(0)), "what is new teaches");
        take(&mut roles, &ids, second);
        assert_eq!(roles.judges, judges);
        // A person holds one out that has taught: it does neither; one that is new judges.
        let taught = *roles.taught.iter().next_back().unwrap();
        let new = add(&mut project, micrograph, classes[1]);
        ids.push(new);
        let edit = project.hold_out_edit(&[taught, new], true).unwrap();
        project.apply(edit).unwrap();
        let third = labels(&project, &ids, &names, &roles);
        let place = |id| ids.iter().position(|other| *other == id).unwrap();
        assert_eq!((third.0[place(taught)], third.1[place(taught)]), (None, None));
        assert_eq!((third.0[place(new)], third.1[place(new)]), (None, Some(1)));
        // What is no longer there has no role, and moves nobody else.
        project.apply(Edit::RemoveParticles(vec![new])).unwrap();
        let fourth = labels(&project, &ids, &names, &roles);
        assert_eq!((fourth.0.len(), fourth.0[place(new)]), (ids.len(), None));
    }

    #[test]
    fn a_class_that_was_renamed_is_the_one_that_the_model_learned() {
        let (mut project, ids, [rod, cube]) = project(40);
        let before =
            labels(&project, &ids, &known_classes(&project, &MODEL.map(str::to_owned)), &Roles::default());
        for (class, name) in [(rod, "nanorod"), (cube, "box"), (cube, "brick")] {
            let edit = project.rename_class_edit(class, name).unwrap();
            project.apply(edit).unwrap();
        }
        let known = known_classes(&project, &MODEL.map(str::to_owned));
        assert_eq!(known, [(Some(rod), "rod".to_owned()), (Some(cube), "cube".to_owned())]);
        assert_eq!(labels(&project, &ids, &known, &Roles::default()), before);
        assert_eq!(present_names(&project, &known), ["nanorod", "brick"]);
        // A class that has the name now comes before one that had it.
        let (new, edit) = project.add_class_edit("rod");
        project.apply(edit).unwrap();
        assert_eq!(known_classes(&project, &MODEL.map(str::to_owned))[0].0, Some(new));
        // Back to an old name: it is no former name of itself.
        let edit = project.rename_class_edit(cube, "cube").unwrap();
        project.apply(edit).unwrap();
        assert_eq!(project.class(cube).unwrap().formerly, ["box", "brick"]);
    }
}
