//! Labels come back from every format within 0.01 px: not square, odd in size, and with y counted from either side.
#![allow(clippy::unwrap_used, clippy::panic)]

use nanotheca::library::exchange::{self, Setting};
use nanotheca::particle::{Particle, ParticleId};
use nanotheca::project::edit::Edit;
use nanotheca::project::{MicrographEntry, Project, labels};
use std::fs;
use std::path::Path;

/// One picture, wide and of an odd size, with particles in its corners, between pixels and without a class.
fn project(classes: bool) -> Project {
    let mut project = Project::new();
    let entry = MicrographEntry::new("/pictures/gold rods.tif", 0, 1201, 333, None, "hash");
    let (micrograph, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let mut labels = vec![None];
    for name in ["cube", "rod, long \"µ\"", "Au/Pd", "Au\\Pd", "Au_Pd"].into_iter().filter(|_| classes) {
        let (id, edit) = project.add_class_edit(name);
        project.apply(edit).unwrap();
        labels.push(Some(id));
    }
    let places = [
        (0.0, 0.0),
        (-0.5, -0.5),
        (1200.0, 332.0),
        (1200.49, 0.25),
        (17.125, 331.9),
        (600.33, 100.77),
        (5.5, 6.5),
    ];
    for (i, (x, y)) in places.into_iter().enumerate() {
        let particle = Particle {
            id: ParticleId(0),
            micrograph,
            x,
            y,
            diameter: (i % 3 != 0).then_some(20.0 + i as f32),
            score: None,
            label: labels[i % labels.len()],
            held_out: false,
        };
        let edit = project.add_particles_edit(vec![particle]);
        project.apply(edit).unwrap();
    }
    project
}

/// x, y and the class's name, in the order of y, then x.
fn content(project: &Project) -> Vec<(f32, f32, Option<String>)> {
    let name = |p: &Particle| p.label.and_then(|id| project.class(id)).map(|class| class.name.clone());
    let mut content: Vec<_> = project.particles.values().map(|p| (p.x, p.y, name(p))).collect();
    content.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
    content
}

/// The picture alone, with what a file says about it.
fn imported(path: &Path, from: &Project, setting: &Setting) -> Project {
    let mut project = from.clone();
    let all = project.particles.keys().copied().collect();
    project.apply(Edit::RemoveParticles(all)).unwrap();
    let rows = exchange::read(path, &project, setting).unwrap();
    let edit = labels::to_edit(&mut project, &rows, path).unwrap();
    project.apply(edit).unwrap();
    project
}

fn assert_near(found: &Project, wanted: &Project, classes: bool, what: &str) {
    let (found, wanted) = (content(found), content(wanted));
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (a, b) in found.iter().zip(&wanted) {
        assert!((a.0 - b.0).abs() < 0.01 && (a.1 - b.1).abs() < 0.01, "{what}: {a:?} for {b:?}");
        assert!(!classes || a.2 == b.2, "{what}: {a:?} for {b:?}");
    }
}

#[test]
fn every_format_brings_back_what_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = project(true);
    let micrograph = wanted.micrographs[0].id;
    for extension in exchange::WRITTEN {
        let path = folder.path().join(format!("labels.{extension}"));
        exchange::write(&path, &wanted, Some(micrograph)).unwrap();
        let found = imported(&path, &wanted, &Setting::default());
        assert_near(&found, &wanted, *extension != "box", extension);
        // A micrograph that is one of several is told by the file's name.
        let mut two = wanted.clone();
        let entry = MicrographEntry::new("/pictures/silver.tif", 0, 1201, 333, None, "other");
        let (_, edit) = two.add_micrograph_edit(entry);
        two.apply(edit).unwrap();
        let named = folder.path().join(format!("gold rods.{extension}"));
        fs::rename(&path, &named).unwrap();
        assert_near(&imported(&named, &two, &Setting::default()), &wanted, false, extension);
    }
}

#[test]
fn y_counted_from_the_bottom_is_turned_round_at_the_middle_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = project(true);
    for extension in exchange::WRITTEN {
        // What a program that counts from the bottom row would have written.
        let mut flipped = wanted.clone();
        for particle in flipped.particles.values_mut() {
            particle.y = 332.0 - particle.y;
        }
        let path = folder.path().join(format!("labels.{extension}"));
        exchange::write(&path, &flipped, Some(wanted.micrographs[0].id)).unwrap();
        let setting = Setting { flip_y: true, ..Setting::default() };
        assert_near(&imported(&path, &wanted, &setting), &wanted, *extension != "box", extension);
        let trap = content(&imported(&path, &wanted, &Setting::default()));
        assert!(trap.iter().zip(content(&wanted)).any(|(a, b)| (a.1 - b.1).abs() > 1.0), "{extension}");
    }
}

fn read(folder: &Path, name: &str, bytes: &[u8]) -> nanotheca::Result<Vec<labels::LabelRow>> {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    exchange::read(&path, &project(false), &Setting::default())
}

fn places(rows: &[labels::LabelRow]) -> Vec<(f32, f32)> {
    rows.iter().map(|row| (row.x, row.y)).collect()
}

#[test]
fn files_of_other_programs_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // EMAN1 and e2boxer, with and without the fifth column.
    let rows = read(folder, "a.box", b"10\t20\t32\t32\n100\t50\t64\t64\t-3\n").unwrap();
    assert_eq!(places(&rows), [(26.0, 36.0), (132.0, 82.0)]);
    // crYOLO's CBOX.
    let cbox = b"data_global\n\n_cbox_format_version 1.0\n\ndata_cryolo\n\nloop_\n_CoordinateX #1\n_CoordinateY #2\n\
                 _CoordinateZ #3\n_Width #4\n_Height #5\n_Confidence #6\n10.5 20.25 0 32 32 0.9\n";
    assert_eq!(places(&read(folder, "a.cbox", cbox).unwrap()), [(26.5, 36.25)]);
    // RELION's picks of one micrograph, and particles with an origin in Angstrom at 2 A a pixel.
    let picks =
        b"# version 30001\n\ndata_\n\nloop_ \n_rlnCoordinateX #1 \n_rlnCoordinateY #2 \n_rlnAnglePsi #3 \n\
                  12.5 13.25 -999.0 \n";
    assert_eq!(places(&read(folder, "a.star", picks).unwrap()), [(12.5, 13.25)]);
    let particles = b"data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnMicrographPixelSize #2\n1 2.0\n\n\
                      data_particles\n\nloop_\n_rlnMicrographName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n\
                      _rlnOriginXAngst #4\n_rlnOriginYAngst #5\n_rlnOpticsGroup #6\n_rlnClassNumber #7\n\
                      'gold rods.tif' 100 50 4.0 -6.0 1 2\n";
    let rows = read(folder, "b.star", particles).unwrap();
    assert_eq!((places(&rows), rows[0].class.as_deref()), (vec![(98.0, 53.0)], Some("class 2")));
    // Two tables in one data block, and values that begin with an underscore.
    let two = b"data_\n\nloop_\n_rlnMicrographName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n\
                'gold rods.tif' 7 8\n\nloop_\n_rlnOther #1\n_a.mrc\n_b.mrc\n";
    assert_eq!(places(&read(folder, "c.star", two).unwrap()), [(7.0, 8.0)]);
    // A table without names.
    assert_eq!(places(&read(folder, "a.csv", b"x,y\n3,4\n").unwrap()), [(3.0, 4.0)]);
    // COCO as annotation programs write it, without our attributes.
    let coco = br#"{"info":{},"images":[{"id":7,"file_name":"gold rods.tif","width":1201,"height":333}],
        "categories":[{"id":3,"name":"rod","supercategory":""}],
        "annotations":[{"id":1,"image_id":7,"category_id":3,"bbox":[10,20,31,21],"area":651,"iscrowd":0,
        "segmentation":[]}]}"#;
    let rows = read(folder, "a.json", coco).unwrap();
    assert_eq!((places(&rows), rows[0].class.as_deref()), (vec![(25.0, 30.0)], Some("rod")));
    let loose = br#"{"images":[{"id":7,"file_name":"gold rods.tif","width":1201.0}],"categories":[{"id":3,"name":"rod"}],
        "annotations":[{"id":1,"image_id":7,"category_id":3,"bbox":[10,20,31,21],"area":null,"iscrowd":false}]}"#;
    assert_eq!(read(folder, "b.json", loose).unwrap(), rows);
    // ImageJ: whole points name pixels; a rectangle covers pixels 10 to 19 and 20 to 24.
    let mut roi = vec![0_u8; 64];
    roi[..4].copy_from_slice(b"Iout");
    for (at, value) in [(4, 227_i16), (8, 20), (10, 10), (12, 25), (14, 20)] {
        roi[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }
    roi[6] = 1;
    assert_eq!(places(&read(folder, "a.roi", &roi).unwrap()), [(14.5, 22.0)]);
    roi[6] = 10;
    roi[16..18].copy_from_slice(&2_i16.to_be_bytes());
    for value in [0_i16, 9, 4, 0] {
        roi.extend(value.to_be_bytes());
    }
    assert_eq!(places(&read(folder, "a.roi", &roi).unwrap()), [(10.0, 24.0), (19.0, 20.0)]);
}

#[test]
fn the_mark_that_windows_puts_before_a_text_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = project(false);
    for extension in exchange::WRITTEN.iter().filter(|extension| **extension != "zip") {
        let path = folder.path().join(format!("labels.{extension}"));
        exchange::write(&path, &wanted, Some(wanted.micrographs[0].id)).unwrap();
        let marked = [b"\xEF\xBB\xBF", fs::read(&path).unwrap().as_slice()].concat();
        fs::write(&path, marked).unwrap();
        assert_near(&imported(&path, &wanted, &Setting::default()), &wanted, false, extension);
    }
}

#[test]
fn a_file_without_names_is_of_the_picture_it_is_named_after_or_of_the_one_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = Project::new();
    let mut add = |path: &str, page: usize| {
        let entry = MicrographEntry { page, ..MicrographEntry::new(path, page, 100, 100, None, path) };
        let (id, edit) = project.add_micrograph_edit(entry);
        project.apply(edit).unwrap();
        id
    };
    let one = add("/a/1.tif", 0);
    add("/a/2.tif", 0);
    let page = (0..4).map(|page| add("/a/movie.mrcs", page)).nth(1).unwrap();
    add("/a/scan.tif", 0);
    let far = add("/b/scan.tif", 0);
    let near = add("/a/scan_more.tif", 0);
    let names = project.micrograph_names();
    let of = |file: &str, shown| {
        let path = folder.path().join(file);
        fs::write(&path, b"10 20 4 4\n").unwrap();
        let setting = Setting { image: Some(shown), ..Setting::default() };
        exchange::read(&path, &project, &setting).unwrap()[0].image.clone()
    };
    assert_eq!(of("1_picks.box", page), names[&one]);
    assert_eq!(of("10.box", near), names[&near], "10 is not of 1");
    assert_eq!(of("movie.box", page), names[&page]);
    assert_eq!(of("scan.box", far), names[&far]);
    assert_eq!(of("scan_more_picks.box", far), names[&near], "the longest name");
}

#[test]
fn classes_named_by_numbers_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = project(true);
    wanted.classes[0].name = "7".into();
    wanted.classes[1].name = "10-20".into();
    let path = folder.path().join("labels.zip");
    exchange::write(&path, &wanted, Some(wanted.micrographs[0].id)).unwrap();
    let rows = exchange::read(&path, &wanted, &Setting::default()).unwrap();
    for name in ["7", "10-20"] {
        assert!(rows.iter().any(|row| row.class.as_deref() == Some(name)), "{name}");
    }
    assert!(rows.iter().any(|row| row.class.is_none()), "what has no class gets none");
}

#[test]
fn classes_with_both_kinds_of_quotes_come_back_from_star() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = project(true);
    for (class, name) in
        wanted.classes.iter_mut().zip(["5\" rod's", "5' rod\"s", "rods'", "\"", "'a' \"b\"c"])
    {
        class.name = name.into();
    }
    let path = folder.path().join("labels.star");
    exchange::write(&path, &wanted, None).unwrap();
    assert_near(&imported(&path, &wanted, &Setting::default()), &wanted, true, "star");
}

#[test]
fn regions_of_a_stack_lie_on_their_slices() {
    let folder = tempfile::tempdir().unwrap();
    let mut stack = Project::new();
    let pages: Vec<_> = (0..3)
        .map(|page| {
            let entry = MicrographEntry::new("/pictures/stack.tif", page, 64, 64, None, "hash");
            let (id, edit) = stack.add_micrograph_edit(entry);
            stack.apply(edit).unwrap();
            let (_, edit) = stack.add_particle_edit(id, 10.0 + page as f32, 20.0, None);
            stack.apply(edit).unwrap();
            id
        })
        .collect();
    let path = folder.path().join("regions.zip");
    exchange::write(&path, &stack, Some(pages[2])).unwrap();
    // Whatever is shown while they are read.
    let rows =
        exchange::read(&path, &stack, &Setting { image: Some(pages[0]), ..Setting::default() }).unwrap();
    assert_eq!((places(&rows), rows[0].image.as_str()), (vec![(12.0, 20.0)], "stack.tif#2"));
    // Points with slices of their own, as ImageJ's multi-point tool keeps them behind the second header.
    let mut roi = vec![0_u8; 64];
    roi[..4].copy_from_slice(b"Iout");
    (roi[5], roi[6], roi[17]) = (227, 10, 2);
    for value in [3_i16, 4, 5, 6] {
        roi.extend(value.to_be_bytes());
    }
    let second = roi.len();
    roi[60..64].copy_from_slice(&(second as u32).to_be_bytes());
    roi.resize(second + 64, 0);
    let counters = roi.len() as u32;
    roi[second + 48..second + 52].copy_from_slice(&counters.to_be_bytes());
    for slice in [1_u32, 3] {
        roi.extend((slice << 8).to_be_bytes());
    }
    let path = folder.path().join("a.roi");
    fs::write(&path, &roi).unwrap();
    let rows =
        exchange::read(&path, &stack, &Setting { image: Some(pages[1]), ..Setting::default() }).unwrap();
    assert_eq!(places(&rows), [(3.0, 5.0), (4.0, 6.0)]);
    assert_eq!([&rows[0].image, &rows[1].image], ["stack.tif#0", "stack.tif#2"]);
    // A slice that the project does not have.
    let last = roi.len();
    roi[last - 4..].copy_from_slice(&(9_u32 << 8).to_be_bytes());
    fs::write(&path, &roi).unwrap();
    let rows =
        exchange::read(&path, &stack, &Setting { image: Some(pages[1]), ..Setting::default() }).unwrap();
    let refused = labels::to_edit(&mut stack, &rows, &path).unwrap_err().to_string();
    assert!(refused.contains("stack.tif#8"), "{refused}");
}

#[test]
fn faulty_files_name_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut truncated = vec![0_u8; 64];
    truncated[..4].copy_from_slice(b"Iout");
    (truncated[6], truncated[17]) = (10, 200);
    let cases: [(&str, &[u8], &str); 8] = [
        ("a.box", b"1 2 3\n", "line 1: 3 numbers where a box has four"),
        ("a.box", b"1 2 three 4\n", "line 1: `three` is not a number"),
        ("a.box", b"1 2 -3 4\n", "line 1: 1 2 -3 4 is no box"),
        ("a.star", b"data_x\nloop_\n_rlnAnglePsi #1\n1\n", "there is no table with rlnCoordinateX"),
        ("a.json", b"{\"images\": 3}", "COCO: images, categories, annotations"),
        ("a.roi", &truncated, "it claims 200 points"),
        ("a.zip", b"PK nothing", "archive"),
        ("a.doc", b"", "`.doc` is no file of labels"),
    ];
    for (name, bytes, sentence) in cases {
        let refused = read(folder.path(), name, bytes).unwrap_err().to_string();
        assert!(refused.contains(name) && refused.contains(sentence), "{refused}\nhas no {sentence}");
    }
}
