//! The user's work is never lost: every change can be taken back, a project survives saving, moving and renaming, and
//! a broken file is refused in a sentence.
#![allow(clippy::unwrap_used, clippy::panic)]

use nanotheca::micrograph::PixelSize;
use nanotheca::micrograph::prepare::{Length, Step};
use nanotheca::particle::patch::PatchGeometry;
use nanotheca::particle::{Class, ClassId, MicrographId, Particle, ParticleId};
use nanotheca::project::edit::Edit;
use nanotheca::project::history::History;
use nanotheca::project::session;
use nanotheca::project::store::{self, Found};
use nanotheca::project::{CLASS_COLOURS, MicrographEntry, Project, Region, labels};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// A project over one picture file in `folder`, with two classes and three particles.
fn small(folder: &Path) -> Project {
    let image = folder.join("gold.tif");
    fs::write(&image, b"the bytes of gold").unwrap();
    let mut project = Project::new();
    let hash = store::hash_file(&image).unwrap();
    let pixel_size = Some(PixelSize { x_nm: 0.82, y_nm: 0.82 });
    let mut entry = MicrographEntry::new(&image, 0, 640, 480, pixel_size, hash);
    entry.excluded.push(Region { x0: 0.0, y0: 450.5, x1: 640.0, y1: 480.0 });
    entry.bright = Some(true);
    let (micrograph, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let (cube, edit) = project.add_class_edit("cube");
    project.apply(edit).unwrap();
    let (_, edit) = project.add_class_edit("rod, \"long\" µ");
    project.apply(edit).unwrap();
    for (x, y, label) in [(3.25, 4.1, Some(cube)), (639.5, 479.5, None), (-0.5, 17.3, Some(cube))] {
        let (_, edit) = project.add_particle_edit(micrograph, x, y, label);
        project.apply(edit).unwrap();
    }
    project.apply(Edit::SetTraining(serde_json::json!({ "epochs": 30, "seed": 7 }))).unwrap();
    let held_out = project.hold_out_edit(&[ParticleId(3)], true).unwrap();
    project.apply(held_out).unwrap();
    project
}

fn refusal<T: std::fmt::Debug>(result: nanotheca::Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn settings_of_maps_come_back_with_the_file_and_older_files_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let (path, older) = (folder.path().join("a.nanotheca"), folder.path().join("b.nanotheca"));
    store::save(&project, &older).unwrap();
    let mut history = History::new();
    let before = project.clone();
    // Numbers whose last digit a plain reader would lose.
    let own = serde_json::json!({ "cell": [[0.1 + 0.2, 0.1], [-0.1, 5e-324]], "window_px": 17.0 });
    let entry = MicrographEntry { maps: own.clone(), ..project.micrographs[0].clone() };
    let shared = serde_json::json!({ "epochs": 7, "shift_prior": f64::from(0.3_f32) });
    let edit = Edit::Together(vec![Edit::ChangeMicrograph(entry), Edit::SetMaps(shared.clone())]);
    history.apply(&mut project, edit, "change the map settings").unwrap();
    store::save(&project, &path).unwrap();
    let read = store::load(&path).unwrap();
    assert_eq!(read, project);
    assert_eq!((&read.maps, &read.micrographs[0].maps), (&shared, &own));
    history.undo(&mut project).unwrap();
    assert_eq!(project, before);
    // As it was written before there were such settings.
    let text = fs::read_to_string(&older).unwrap();
    assert!(text.contains("  \"maps\": null,\n"));
    fs::write(&older, text.replace("  \"maps\": null,\n", "")).unwrap();
    assert_eq!(store::load(&older).unwrap(), before);
}

#[test]
fn classes_get_colours_that_can_be_told_apart() {
    let mut project = Project::new();
    for i in 0..CLASS_COLOURS.len() {
        let (_, edit) = project.add_class_edit(format!("class {i}"));
        project.apply(edit).unwrap();
    }
    let colours: Vec<_> = project.classes.iter().map(|class| class.colour).collect();
    assert_eq!(colours, CLASS_COLOURS);
    let delete = project.delete_class_edit(project.classes[3].id).unwrap();
    project.apply(delete).unwrap();
    let (_, edit) = project.add_class_edit("again");
    project.apply(edit).unwrap();
    assert_eq!(project.classes.last().unwrap().colour, CLASS_COLOURS[3], "the free colour comes back");
}

#[test]
fn counts_follow_the_labels() {
    let folder = tempfile::tempdir().unwrap();
    let project = small(folder.path());
    let counts = project.class_counts();
    assert_eq!((counts[0].labelled, counts[0].held_out), (2, 1));
    assert_eq!((counts[1].labelled, counts[1].held_out), (0, 0));
    let on = project.micrograph_counts()[0];
    assert_eq!((on.particles, on.labelled), (3, 2));
    assert_eq!(project.particles_on(project.micrographs[0].id).count(), 3);
}

#[test]
fn deleting_a_class_keeps_its_particles_and_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let mut history = History::new();
    let before = project.clone();
    let cube = project.classes[0].id;
    let direct = refusal(project.apply(Edit::RemoveClass(cube)));
    assert!(direct.contains("2 particles carry it"), "{direct}");
    let delete = project.delete_class_edit(cube).unwrap();
    history.apply(&mut project, delete, "delete class cube").unwrap();
    assert_eq!(project.classes.len(), 1);
    assert!(project.particles.values().all(|particle| particle.label.is_none() && !particle.held_out));
    assert_eq!(history.undo(&mut project).unwrap().as_deref(), Some("delete class cube"));
    assert_eq!(project, before);
}

#[test]
fn merging_classes_moves_the_labels() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let (cube, rod) = (project.classes[0].id, project.classes[1].id);
    let before = project.clone();
    let merge = project.merge_class_edit(cube, rod).unwrap();
    let back = project.apply(merge).unwrap();
    assert_eq!(project.particles_labelled(rod).count(), 2);
    assert_eq!((project.class(cube), project.classes.len()), (None, 1));
    assert!(project.particles[&ParticleId(3)].held_out, "the hold-out mark stays with the label");
    project.apply(back).unwrap();
    assert_eq!(project, before);
}

#[test]
fn removing_a_micrograph_takes_its_particles_and_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let before = project.clone();
    let id = project.micrographs[0].id;
    assert!(refusal(project.apply(Edit::RemoveMicrograph(id))).contains("3 particles lie on it"));
    let edit = project.remove_micrograph_edit(id).unwrap();
    let back = project.apply(edit).unwrap();
    assert!(project.particles.is_empty() && project.micrographs.is_empty());
    project.apply(back).unwrap();
    assert_eq!(project, before);
}

#[test]
fn what_cannot_be_is_refused_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let before = project.clone();
    let cube = project.classes[0].clone();
    let first = before.particles[&ParticleId(1)].clone();
    let at = |x, y| Particle { x, y, id: ParticleId(90), ..first.clone() };
    let in_class = |label| Particle { label: Some(label), ..at(1.0, 1.0) };
    let entry = before.micrographs[0].clone();
    let tall = MicrographEntry { height: 10, ..entry.clone() };
    let other = MicrographEntry { id: MicrographId(9), hash: "other".into(), ..entry };
    let doubled = Class { id: ClassId(9), ..cube.clone() };
    let nameless = Class { id: ClassId(9), name: " ".into(), ..cube };
    let cases = [
        (Edit::AddParticles(vec![at(640.0, 3.0)]), "(640, 3) lies outside gold.tif, which is 640 x 480 px"),
        (Edit::AddParticles(vec![at(1.0, -0.6)]), "outside gold.tif"),
        (Edit::AddParticles(vec![at(f32::NAN, 1.0)]), "outside gold.tif"),
        (Edit::AddParticles(vec![in_class(ClassId(77))]), "its class 77 is not in the project"),
        (Edit::AddParticles(vec![at(1.0, 1.0), at(2.0, 2.0)]), "named twice"),
        (Edit::ChangeParticles(vec![Particle { x: 1000.0, ..first.clone() }]), "(1000, 4.1) lies outside"),
        (Edit::AddParticles(vec![Particle { micrograph: MicrographId(8), ..at(1.0, 1.0) }]), "micrograph 8"),
        (Edit::AddParticles(vec![Particle { label: None, held_out: true, ..at(1.0, 1.0) }]), "held out"),
        (Edit::RemoveParticles(vec![ParticleId(50)]), "no such particle"),
        (Edit::ChangeParticles(vec![at(1.0, 1.0)]), "no such particle"),
        (Edit::AddClass { class: doubled, place: 0 }, "has this name already"),
        (Edit::AddClass { class: nameless, place: 0 }, "needs a name"),
        (Edit::RemoveClass(ClassId(9)), "no such class"),
        (Edit::ChangeMicrograph(tall), "which is 640 x 10 px"),
        (Edit::AddMicrograph { entry: other, place: 1 }, "of this name with other content"),
        (Edit::RemoveMicrograph(MicrographId(8)), "no such micrograph"),
        (Edit::SetPatch(PatchGeometry { side: 7, ..before.patch }), "24 to 64"),
    ];
    for (edit, sentence) in cases {
        let refused = refusal(project.apply(edit.clone()));
        assert!(refused.contains(sentence), "{edit:?}: {refused}");
        assert_eq!(project, before);
        // As the last of several, after others that work.
        let fine = Particle { id: ParticleId(91), ..at(5.0, 5.0) };
        let several = vec![Edit::AddParticles(vec![fine]), Edit::RemoveParticles(vec![ParticleId(2)]), edit];
        project.apply(Edit::Together(several)).unwrap_err();
        assert_eq!(project, before, "all or nothing");
    }
    let again = refusal(project.apply(Edit::AddParticles(vec![first])));
    assert!(again.contains("has this particle already"), "{again}");
}

#[test]
fn the_dirty_mark_knows_the_saved_point() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let mut history = History::new();
    let label = |project: &Project, class| project.label_edit(&[ParticleId(2)], class).unwrap();
    let (cube, rod) = (project.classes[0].id, project.classes[1].id);
    assert!(!history.is_dirty());
    let edit = label(&project, Some(cube));
    history.apply(&mut project, edit, "label 1 particle cube").unwrap();
    assert!(history.is_dirty());
    history.mark_saved(history.state());
    history.undo(&mut project).unwrap();
    assert!(history.is_dirty(), "what is saved was taken back");
    history.redo(&mut project).unwrap();
    assert!(!history.is_dirty(), "back at the saved point");
    history.undo(&mut project).unwrap();
    let edit = label(&project, Some(rod));
    history.apply(&mut project, edit, "label 1 particle rod").unwrap();
    assert!(history.is_dirty(), "as many changes as were saved, but other ones");
    assert_eq!(history.redo_name(), None);
    history.undo(&mut project).unwrap();
    assert!(history.is_dirty(), "the saved point was on a way that is lost");
    assert_eq!(history.redo_name(), Some("label 1 particle rod"));
    assert_eq!(history.undo(&mut project).unwrap(), None);
    // A refused change leaves the way forward open.
    history.apply(&mut project, Edit::RemoveClass(ClassId(99)), "no").unwrap_err();
    assert_eq!(history.redo(&mut project).unwrap().as_deref(), Some("label 1 particle rod"));
    assert_eq!(history.names(), (vec!["label 1 particle rod"], 1));
}

/// The work byte for byte, as a file would hold it.
fn work(project: &Project) -> String {
    store::to_text(project, Path::new("/projects/any.nanotheca")).unwrap()
}

#[test]
fn what_is_undone_gives_no_identifier_free_while_the_program_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let mut history = History::new();
    let before = work(&project);
    let micrograph = project.micrographs[0].id;
    let (first, edit) = project.add_particle_edit(micrograph, 1.0, 1.0, None);
    history.apply(&mut project, edit, "add").unwrap();
    history.undo(&mut project).unwrap();
    assert_eq!(work(&project), before);
    let (second, edit) = project.add_particle_edit(micrograph, 1.0, 1.0, None);
    assert_ne!(first, second, "what was said of the first does not hold for the second");
    history.apply(&mut project, edit, "add").unwrap();
    assert_eq!(project.next_particle, second.0 + 1);
}

/// Makes an edit from three numbers; it may be one that is refused.
fn some_edit(project: &mut Project, kind: u8, a: u32, b: u32) -> Option<Edit> {
    let pick = |length: usize, n: u32| (length > 0).then(|| n as usize % length);
    let particle = pick(project.particles.len(), a).and_then(|i| project.particles.keys().nth(i).copied());
    let class = pick(project.classes.len(), b).map(|i| project.classes[i].id);
    let micrograph = pick(project.micrographs.len(), b).map(|i| project.micrographs[i].id);
    match kind % 23 {
        0..=2 => Some(project.add_particle_edit(micrograph?, (a % 110) as f32, (b % 90) as f32, class).1),
        3 => Some(Edit::RemoveParticles(vec![particle?])),
        4 => project.label_edit(&[particle?], class).ok(),
        5 => project.hold_out_edit(&[particle?], a.is_multiple_of(2)).ok(),
        6 => Some(project.add_class_edit(format!("class {}", a % 9)).1),
        7 => project.delete_class_edit(class?).ok(),
        8 => project.rename_class_edit(class?, format!("class {}", a % 9)).ok(),
        9 => {
            let entry = MicrographEntry::new(format!("/images/{}.tif", a % 7), 0, 100, 80, None, "hash");
            Some(project.add_micrograph_edit(entry).1)
        }
        10 => project.remove_micrograph_edit(micrograph?).ok(),
        14 => Some(Edit::MoveClass { class: class?, place: a as usize % project.classes.len() }),
        15 => project.delete_class_and_particles_edit(class?).ok(),
        16 => project.copy_contrast_edit(micrograph?).ok(),
        17 => project.move_particles_edit(&[particle?], a as f32 % 9.0 - 4.0, 1.0).ok(),
        11 => project
            .change_micrograph_edit(micrograph?, |entry| {
                let corners = vec![[a as f32 % 77.0, 1.5], [60.0, 10.0], [3.0, b as f32 % 70.0]];
                entry.contrast = (a as f32 % 50.0, 90.0);
                entry.tone.invert = a.is_multiple_of(3);
                entry.outlines.push(nanotheca::particle::Outline { corners });
            })
            .ok(),
        18 => {
            let other = pick(project.classes.len(), a).map(|i| project.classes[i].id);
            project.merge_class_edit(class?, other?).ok()
        }
        19 => project.recolour_class_edit(class?, [a as u8, b as u8, kind]).ok(),
        20 => project
            .change_micrograph_edit(micrograph?, |entry| {
                let (x0, y0) = ((a % 50) as f32, (b % 40) as f32);
                entry.excluded.push(Region { x0, y0, x1: x0 + 9.0, y1: y0 + 5.5 });
            })
            .ok(),
        21 => project
            .change_micrograph_edit(micrograph?, |entry| {
                let nm = 0.01 + f64::from(a % 1000) / 77.0;
                entry.pixel_size = PixelSize::new(nm, nm);
            })
            .ok(),
        22 => project
            .change_micrograph_edit(micrograph?, |entry| match entry.steps.len() {
                0..3 => entry.steps.push(Step::Gaussian { sigma: Length::Px(0.5 + f64::from(a % 9)) }),
                _ => entry.steps.clear(),
            })
            .ok(),
        12 => Some(Edit::SetTraining(serde_json::json!({ "epochs": a }))),
        _ => Some(Edit::SetPatch(PatchGeometry { extent_px: f64::from(a % 100), ..project.patch.clone() })),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn undoing_all_leads_to_the_start_and_redoing_all_to_the_end(
        steps in prop::collection::vec((any::<u8>(), any::<u32>(), any::<u32>(), any::<bool>()), 1..60),
    ) {
        let mut project = Project::new();
        for i in 0..2 {
            let (_, edit) = project.add_class_edit(format!("class {i}"));
            project.apply(edit).unwrap();
            let entry = MicrographEntry::new(format!("/images/{i}.tif"), 0, 100, 80, None, "hash");
            let (_, edit) = project.add_micrograph_edit(entry);
            project.apply(edit).unwrap();
        }
        let start = project.clone();
        let mut history = History::new();
        for (kind, a, b, undo_first) in steps {
            if undo_first && kind % 5 == 0 {
                history.undo(&mut project).unwrap();
            }
            let Some(edit) = some_edit(&mut project, kind, a, b) else { continue };
            let before = work(&project);
            if history.apply(&mut project, edit, "step").is_err() {
                prop_assert_eq!(work(&project), before, "a refused edit changes nothing");
            }
        }
        while history.redo(&mut project).unwrap().is_some() {}
        let end = project.clone();
        while history.undo(&mut project).unwrap().is_some() {}
        prop_assert_eq!(work(&project), work(&start));
        prop_assert!(!history.is_dirty());
        while history.redo(&mut project).unwrap().is_some() {}
        prop_assert_eq!(&project, &end);
        prop_assert_eq!(work(&project), work(&end));
        // And what was made survives the file.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.nanotheca");
        store::save(&project, &path).unwrap();
        prop_assert_eq!(store::load(&path).unwrap(), end);
    }
}

#[test]
fn a_project_survives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let real = fs::canonicalize(folder.path()).unwrap();
    let project = small(&real);
    let path = real.join("gold.nanotheca");
    store::save(&project, &path).unwrap();
    assert_eq!(store::load(&path).unwrap(), project);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n  \"format\": \"nanotheca project\",\n  \"version\": 2,\n"), "{text}");
    assert!(text.contains("\"path\":\"gold.tif\""), "relative to the project: {text}");
    store::save(&project, &path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "the same work, the same text");
    assert!(!store::backup_of(&path).exists(), "saving the same again is no new version");
    assert_eq!(store::with_extension(&real.join("gold")), path);
    assert_eq!(store::with_extension(&path), path);
    // What follows a dot is part of the name, and a picture is not written over.
    for name in ["gold 0.5 nm", "gold.tif"] {
        let whole = format!("{name}.nanotheca");
        assert_eq!(store::with_extension(&real.join(name)), real.join(whole));
    }
}

#[test]
fn projects_of_the_first_version_open() {
    let folder = tempfile::tempdir().unwrap();
    let real = fs::canonicalize(folder.path()).unwrap();
    let project = small(&real);
    let path = real.join("gold.nanotheca");
    store::save(&project, &path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let old = text.replace("\"version\": 2", "\"version\": 1");
    assert!(!old.contains("tone") && !old.contains("outlines"), "what is not used is not written: {old}");
    fs::write(&path, &old).unwrap();
    assert_eq!(store::load(&path).unwrap(), project);
    assert_eq!(fs::read_to_string(&path).unwrap(), old, "reading changes nothing");
}

#[test]
fn saving_keeps_the_version_before() {
    let folder = tempfile::tempdir().unwrap();
    let real = fs::canonicalize(folder.path()).unwrap();
    let mut project = small(&real);
    let path = real.join("gold.nanotheca");
    store::save(&project, &path).unwrap();
    let first = project.clone();
    project.apply(Edit::RemoveParticles(vec![ParticleId(1)])).unwrap();
    store::save(&project, &path).unwrap();
    assert_eq!(store::load(&path).unwrap(), project);
    let backup = real.join("gold.nanotheca.bak");
    assert_eq!(store::backup_of(&path), backup);
    assert_eq!(store::load(backup).unwrap(), first);
    let names: Vec<_> = fs::read_dir(&real).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "picture, project and backup, nothing temporary: {names:?}");
}

#[test]
fn a_project_that_cannot_be_written_says_so_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let project = small(folder.path());
    let place = folder.path().join("not a folder");
    fs::write(&place, b"x").unwrap();
    let refused = refusal(store::save(&project, place.join("gold.nanotheca")));
    assert!(refused.starts_with("cannot write ") && refused.contains("gold.nanotheca"), "{refused}");
    // A folder stands where the file should be.
    let path = folder.path().join("taken.nanotheca");
    fs::create_dir(&path).unwrap();
    store::save(&project, &path).unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing temporary is left");
}

#[test]
fn project_and_pictures_move_together() {
    let old = tempfile::tempdir().unwrap();
    let real = fs::canonicalize(old.path()).unwrap();
    let (images, projects) = (real.join("a/images"), real.join("a/projects"));
    fs::create_dir_all(&images).unwrap();
    fs::create_dir_all(&projects).unwrap();
    let project = small(&images);
    store::save(&project, projects.join("gold.nanotheca")).unwrap();
    assert!(fs::read_to_string(projects.join("gold.nanotheca")).unwrap().contains("\"../images/gold.tif\""));
    fs::rename(real.join("a"), real.join("b")).unwrap();
    let moved = store::load(real.join("b/projects/gold.nanotheca")).unwrap();
    assert_eq!(moved.micrographs[0].path, real.join("b/images/gold.tif"));
    assert_eq!(store::missing(&moved), []);
    assert_eq!(store::verify(&moved.micrographs[0]).unwrap(), Found::Same);
}

#[cfg(unix)]
#[test]
fn a_project_opened_through_a_link_has_its_pictures_and_its_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let real = fs::canonicalize(folder.path()).unwrap();
    let (images, desk) = (real.join("images"), real.join("desk"));
    fs::create_dir(&images).unwrap();
    fs::create_dir(&desk).unwrap();
    let (file, link) = (images.join("gold.nanotheca"), desk.join("link.nanotheca"));
    let mut project = small(&images);
    store::save(&project, &file).unwrap();
    std::os::unix::fs::symlink("../images/gold.nanotheca", &link).unwrap();
    assert_eq!(store::load(&link).unwrap(), store::load(&file).unwrap());
    assert_eq!(store::missing(&store::load(&link).unwrap()), []);
    let (_, edit) = project.add_class_edit("late");
    project.apply(edit).unwrap();
    store::save(&project, &link).unwrap();
    assert!(link.is_symlink() && store::backup_of(&file).is_file());
    assert!(fs::read_to_string(&file).unwrap().contains("\"path\":\"gold.tif\""));
    // Who opens it by either name sees that it is open by the other.
    let open = session::open(&link).unwrap();
    assert!(session::open(&file).unwrap().history.locked().is_some());
    drop(open);
}

#[test]
fn a_lost_picture_keeps_its_labels_and_is_found_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let path = folder.path().join("gold.nanotheca");
    store::save(&project, &path).unwrap();
    let id = project.micrographs[0].id;
    // Renamed, in a folder of a folder.
    let raw = folder.path().join("raw/monday");
    fs::create_dir_all(&raw).unwrap();
    fs::rename(folder.path().join("gold.tif"), raw.join("renamed.TIF")).unwrap();
    fs::write(folder.path().join("another.tif"), b"other bytes").unwrap();
    let mut loaded = store::load(&path).unwrap();
    assert_eq!(loaded.particles, project.particles, "labels are kept");
    assert_eq!(store::missing(&loaded), [id]);
    assert_eq!(store::verify(&loaded.micrographs[0]).unwrap(), Found::Missing);
    assert!(refusal(store::require(&loaded.micrographs[0])).contains("its labels are kept"));
    assert_eq!(store::relocate(&mut loaded, folder.path()), [id]);
    assert!(loaded.micrographs[0].path.ends_with("renamed.TIF"));
    assert_eq!(store::verify(&loaded.micrographs[0]).unwrap(), Found::Same);

    // Another picture under the old name is not taken for it.
    fs::write(folder.path().join("gold.tif"), b"not gold").unwrap();
    project = store::load(&path).unwrap();
    assert_eq!(store::verify(&project.micrographs[0]).unwrap(), Found::Different);
    let refused = refusal(store::require(&project.micrographs[0]));
    assert!(refused.contains("gold.tif") && refused.contains("its content differs"), "{refused}");
}

#[test]
fn a_lost_picture_does_not_take_the_place_of_its_double() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let gold = project.micrographs[0].clone();
    let double = MicrographEntry { path: folder.path().join("double.tif"), ..gold.clone() };
    let (id, edit) = project.add_micrograph_edit(double);
    project.apply(edit).unwrap();
    // Only one of the two files of the same content is there: the other one stays lost, and the project opens again.
    assert_eq!((store::missing(&project), store::relocate(&mut project, folder.path())), (vec![id], vec![]));
    let path = folder.path().join("gold.nanotheca");
    store::save(&project, &path).unwrap();
    assert_eq!(store::missing(&store::load(&path).unwrap()), [id]);
    // Each finds a file of its own where there are two.
    fs::create_dir(folder.path().join("raw")).unwrap();
    fs::copy(&gold.path, folder.path().join("raw/gold.tif")).unwrap();
    assert_eq!(store::relocate(&mut project, folder.path()), [id]);
    assert!(project.micrographs[1].path.ends_with("raw/gold.tif"));
}

#[test]
fn undo_after_a_picture_was_found_elsewhere_does_not_lose_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let mut history = History::new();
    let entry = project.micrographs[0].clone();
    let darker = MicrographEntry { contrast: (5.0, 99.0), ..entry.clone() };
    let edits = vec![Edit::ChangeMicrograph(darker)];
    history.apply(&mut project, Edit::Together(edits), "change contrast").unwrap();
    let raw = folder.path().join("raw");
    fs::create_dir_all(&raw).unwrap();
    fs::rename(folder.path().join("gold.tif"), raw.join("gold.tif")).unwrap();
    assert_eq!(store::relocate(&mut project, folder.path()), [entry.id]);
    history.follow(&project.micrographs[0]);
    history.undo(&mut project).unwrap();
    assert_eq!(project.micrographs[0].contrast, entry.contrast);
    store::require(&project.micrographs[0]).unwrap();
    history.redo(&mut project).unwrap();
    store::require(&project.micrographs[0]).unwrap();
}

#[test]
fn broken_files_name_line_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let project = small(folder.path());
    let path = folder.path().join("gold.nanotheca");
    store::save(&project, &path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let line_of = |what: &str| good.lines().position(|line| line.contains(what)).unwrap() + 1;
    let (second, picture) = (line_of("\"x\":639.5"), line_of("\"width\""));
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let cases: [(String, String); 12] = [
        (changed("\"x\":639.5", "\"x\":\"right\""), format!("line {second}, particles[1].x: ")),
        (changed("\"x\":639.5,", ""), format!("line {second}, particles[1]: missing field `x`")),
        (changed("\"x\":639.5,", "\"x\" 639.5,"), format!("line {second}, particles[1].x: ")),
        (changed("\"x\":639.5", "\"x\":99999"), "particles[1]: ".into()),
        (changed("\"width\":640", "\"width\":-4"), format!("line {picture}, micrographs[0].width: ")),
        (changed("\"side\":32", "\"side\":1000"), "patch: ".into()),
        (changed("\"id\":3,", "\"id\":1,"), "particles[2]: ".into()),
        (good[..good.len() / 2].to_owned(), "EOF while parsing".into()),
        (String::new(), "line 1".into()),
        ("[1, 2]".into(), "this file is no Nanotheca project".into()),
        ("{\"format\": \"labelme\"}".into(), "format: it must say \"nanotheca project\"".into()),
        (changed("\"version\": 2", "\"version\": 3"), "written by a newer Nanotheca (version 3".into()),
    ];
    for (text, sentence) in cases {
        fs::write(&path, &text).unwrap();
        let refused = refusal(store::load(&path));
        assert!(
            refused.contains("gold.nanotheca") && refused.contains(&sentence),
            "{refused}\nhas no {sentence}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "the file is untouched");
    }
    fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    assert!(refusal(store::load(&path)).contains("not a text file"));
    assert!(refusal(store::load(folder.path().join("none.nanotheca"))).starts_with("cannot open "));
}

fn table(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("labels.csv");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_table_of_labels_becomes_particles() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    for (delimiter, mark) in [(",", "\u{feff}"), (";", ""), ("\t", "")] {
        let text = "Y,image,X,note,Class,held_out,diameter\n\
                    20.5,gold.tif,10.25,seen,sphere,true,12\n\
                    30,gold.tif,40,,,,\n\
                    50,gold.tif,60,,cube,0,\n";
        let path = table(folder.path(), &format!("{mark}{}", text.replace(',', delimiter)));
        let rows = labels::read(&path).unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].row, rows[0].x, rows[0].y, rows[0].held_out), (2, 10.25, 20.5, true));
        assert_eq!((rows[0].class.as_deref(), rows[1].class.as_deref()), (Some("sphere"), None));
        assert_eq!(rows[0].diameter, Some(12.0));
        let before = project.clone();
        let edit = labels::to_edit(&mut project, &rows, &path).unwrap();
        let back = project.apply(edit).unwrap();
        assert_eq!(project.particles.len(), 6);
        let sphere = project.class_named("sphere").unwrap();
        assert_ne!(sphere.colour, project.classes[0].colour);
        let of = |class| project.particles_labelled(class).filter(|particle| particle.id.0 > 3).count();
        assert_eq!((of(sphere.id), of(project.classes[0].id)), (1, 1), "the known class is not doubled");
        project.apply(back).unwrap();
        assert_eq!((&project.particles, &project.classes), (&before.particles, &before.classes));
    }
}

#[test]
fn faulty_tables_name_row_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = small(folder.path());
    let cases = [
        ("image,x,class\ngold.tif,1,cube\n", "row 1, column y: there is no column `y`"),
        ("", "there is no column `image`"),
        (
            "image,x,y,class\ngold.tif,1,2,cube\ngold.tif,1,two,cube\n",
            "row 3, column y: `two` is not a number",
        ),
        ("image,x,y,class\ngold.tif,inf,2,cube\n", "row 2, column x: `inf` is not a number"),
        ("image,x,y,class\n,1,2,cube\n", "row 2, column image: "),
        ("image,x,y,class\ngold.tif,1,2\n", "row 2: it has 3 cells where the header has 4"),
        ("image,x,y,class,held_out\ngold.tif,1,2,cube,maybe\n", "row 2, column held_out: `maybe`"),
        ("image,x,y,class,held_out\ngold.tif,1,2,,1\n", "row 2, column held_out: a particle without a class"),
        (
            "image,x,y,class\nsilver.tif,1,2,cube\n",
            "row 2, column image: silver.tif is not an image of the project",
        ),
        (
            "image,x,y,class\ngold.tif,640,2,a\n",
            "row 2, column x: (640, 2) lies outside gold.tif, which is 640 x 480 px",
        ),
        ("image,x,y,class\ngold.tif,6,-1,a\n", "row 2, column y: (6, -1) lies outside gold.tif"),
    ];
    for (text, sentence) in cases {
        let path = table(folder.path(), text);
        let refused =
            refusal(labels::read(&path).and_then(|rows| labels::to_edit(&mut project, &rows, &path)));
        assert!(refused.contains("labels.csv") && refused.contains(sentence), "{refused}\nhas no {sentence}");
    }
}

#[test]
fn namesakes_and_pages_have_names_of_their_own() {
    let mut project = Project::new();
    let files = [("/d/mon/a.tif", 0), ("/d/tue/a.tif", 0), ("/d/b.mrc", 0), ("/d/b.mrc", 1), ("/d/c.png", 0)];
    for (path, page) in files {
        let (_, edit) = project.add_micrograph_edit(MicrographEntry::new(path, page, 10, 10, None, "hash"));
        project.apply(edit).unwrap();
    }
    let names: Vec<_> = project.micrograph_names().into_values().collect();
    assert_eq!(names, ["mon/a.tif", "tue/a.tif", "b.mrc#0", "b.mrc#1", "c.png"]);
    let mut micrograph = |image: &str| {
        let (image, class, diameter) = (image.to_owned(), None, None);
        let row = labels::LabelRow { row: 2, image, x: 1.0, y: 1.0, class, held_out: false, diameter };
        let edit = labels::to_edit(&mut project, &[row], Path::new("t.csv"))?;
        let Edit::Together(edits) = edit else { panic!("not several edits") };
        let Some(Edit::AddParticles(particles)) = edits.into_iter().last() else { panic!("no particles") };
        Ok(particles[0].micrograph.0)
    };
    assert_eq!(micrograph("tue/a.tif").unwrap(), 2);
    assert_eq!(micrograph("b.mrc#1").unwrap(), 4);
    assert_eq!(micrograph("c.png").unwrap(), 5);
    assert!(refusal(micrograph("a.tif")).contains("fits several images"));
    assert!(
        refusal(micrograph("b.mrc")).contains("several pages")
            && refusal(micrograph("d/b.mrc")).contains("`b.mrc#0`")
    );
}
