//! A library leaves whole or not at all, and other programs find in it what the person and the model said.
#![allow(clippy::unwrap_used, clippy::panic)]

use nanotheca::library::report::{HoldOut, wilson};
use nanotheca::library::{self, Library, Patches, pictures, star, table};
use nanotheca::micrograph::PixelSize;
use nanotheca::particle::patch::PatchGeometry;
use nanotheca::particle::{ParticleId, Prediction};
use nanotheca::project::{MicrographEntry, Project};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const SIDE: usize = 24;

fn add_micrograph(project: &mut Project, path: &str, size: (usize, usize), nm: Option<f64>) {
    let pixel_size = nm.map(|nm| PixelSize { x_nm: nm, y_nm: nm });
    let entry = MicrographEntry::new(path, 0, size.0, size.1, pixel_size, "hash");
    let (_, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
}

fn prediction(probabilities: &[f32], angle_deg: f32, shift_px: [f32; 2]) -> Prediction {
    Prediction {
        probabilities: probabilities.to_vec(),
        angle_rad: angle_deg.to_radians(),
        shift_px,
        scale: 1.0,
        mu: vec![0.25, -1.5],
        sigma: vec![0.1, 0.2],
        recon_error: 0.0123,
    }
}

/// Grey values that differ from patch to patch and pixel to pixel.
fn pixels(count: usize) -> Vec<f32> {
    (0..count * SIDE * SIDE).map(|i| ((i * 37 + i / 576 * 11) % 256) as f32 / 255.0).collect()
}

/// Two micrographs, one with a scale; two classes and one that only the model knows; four particles.
fn gold() -> (Project, Vec<Prediction>, Vec<String>) {
    let mut project = Project::new();
    add_micrograph(&mut project, "/data/gold one.tif", (640, 480), Some(0.5));
    add_micrograph(&mut project, "/data/plain.png", (200, 100), None);
    let mut classes = Vec::new();
    for name in ["cube", "rod, long"] {
        let (id, edit) = project.add_class_edit(name);
        project.apply(edit).unwrap();
        classes.push(id);
    }
    let (first, second) = (project.micrographs[0].id, project.micrographs[1].id);
    let places =
        [(first, 100.5, 40.25, Some(classes[0])), (first, 12.0, 300.0, None), (second, 33.0, 44.0, None)];
    for (micrograph, x, y, label) in places.into_iter().chain([(second, 0.0, 0.0, Some(classes[1]))]) {
        let (_, edit) = project.add_particle_edit(micrograph, x, y, label);
        project.apply(edit).unwrap();
    }
    project.patch = PatchGeometry { extent_nm: Some(24.0), extent_px: 36.0, side: SIDE, ..project.patch };
    let model_classes = ["rod, long", "sphere", "cube"].map(str::to_owned).to_vec();
    let predictions = vec![
        prediction(&[0.7, 0.2, 0.1], 30.0, [1.0, -2.0]),
        prediction(&[0.1, 0.8, 0.1], -170.0, [0.0, 0.5]),
        prediction(&[0.05, 0.05, 0.9], 0.0, [-1.0, 0.0]),
        prediction(&[0.6, 0.3, 0.1], 90.0, [0.0, 0.0]),
    ];
    (project, predictions, model_classes)
}

fn library(project: &Project, predictions: &[Prediction], model_classes: &[String]) -> Library {
    let ids: Vec<ParticleId> = project.particles.keys().copied().collect();
    let pixels = pixels(ids.len());
    let patches = Patches { pixels: &pixels, side: SIDE, geometry: &project.patch };
    Library::build(project, &ids, predictions, model_classes, patches).unwrap()
}

fn gold_library() -> Library {
    let (project, predictions, model_classes) = gold();
    let mut library = library(&project, &predictions, &model_classes);
    library.model = Some(b"weights".to_vec());
    library.settings = serde_json::json!({ "seed": 7, "command": "nanotheca run gold.nanotheca --seed 7" });
    let truth = [Some(0), None, Some(0), Some(1)];
    library.hold_out = Some(HoldOut::measure(&truth, &[0, 1, 1, 1], &library.classes).unwrap());
    library
}

/// Every file under a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

fn refusal<T: std::fmt::Debug>(result: nanotheca::Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn every_file_of_the_library_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/gold library");
    library::export(&gold_library(), &out, false).unwrap();
    let names: Vec<_> = files(&out).into_keys().collect();
    let expected = [
        "classes.csv",
        "classes/cube/000001_gold_one.png",
        "classes/cube/000003_plain.png",
        "classes/rod__long/000004_plain.png",
        "classes/sphere/000002_gold_one.png",
        "library.csv",
        "model.safetensors",
        "model_card.md",
        "particles.star",
        "report.html",
        "report.json",
        "sheets/cube.png",
        "sheets/rod__long.png",
        "sheets/sphere.png",
        "stack.mrcs",
    ];
    assert_eq!(names, expected);
    assert_eq!(fs::read(out.join("model.safetensors")).unwrap(), b"weights");
    assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 1, "nothing temporary is left");
}

#[test]
fn the_table_says_what_person_and_model_said() {
    let library = gold_library();
    let mut text = Vec::new();
    table::write(&library, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "micrograph,x_px,y_px,x_nm,y_nm,class,p_cube,\"p_rod, long\",p_sphere,angle_deg,shift_x_px,shift_y_px,z1,z2,\
         recon_error,labelled_by"
    );
    // 24 nm over 24 pixels at 0.5 nm: a pixel of the patch is 2 pixels of the micrograph.
    assert!(
        lines[1].starts_with("gold one.tif,100.5,40.25,50.25,20.125,cube,0.1,0.7,0.2,30."),
        "{}",
        lines[1]
    );
    assert!(lines[1].ends_with(",2,-4,0.25,-1.5,0.0123,person"), "{}", lines[1]);
    assert!(lines[2].ends_with(",0,1,0.25,-1.5,0.0123,model"), "{}", lines[2]);
    // Without a scale: 36 pixels of the micrograph over 24, and no nanometres.
    assert_eq!(lines[3], "plain.png,33,44,,,cube,0.9,0.05,0.05,0,-1.5,0,0.25,-1.5,0.0123,model");
    let back = table::read(text.as_bytes(), Path::new("library.csv")).unwrap();
    assert_eq!(back.classes, library.classes);
    for (row, record) in back.rows.iter().zip(&library.records) {
        assert_eq!((row.x_px, row.y_px), (f64::from(record.x_px), f64::from(record.y_px)));
        assert_eq!(row.class.as_deref(), library.class_name(record));
        assert_eq!(row.labelled_by.as_deref(), record.labelled_by.map(|who| who.word()));
        assert!((row.angle_deg.unwrap() - record.angle_deg.unwrap()).abs() < 1e-6);
    }
    assert_eq!(back.rows[1].probabilities, [Some(0.1), Some(0.1), Some(0.8)]);
}

#[test]
fn a_library_needs_no_model() {
    let (project, _, _) = gold();
    let library = library(&project, &[], &[]);
    let mut text = Vec::new();
    table::write(&library, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "micrograph,x_px,y_px,x_nm,y_nm,class,p_cube,\"p_rod, long\",angle_deg,shift_x_px,shift_y_px,recon_error,labelled_by"
    );
    assert_eq!(lines[1], "gold one.tif,100.5,40.25,50.25,20.125,cube,,,,,,,person");
    assert_eq!(lines[2], "gold one.tif,12,300,6,150,,,,,,,,");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    library::export(&library, &out, false).unwrap();
    let files = files(&out);
    assert!(files.contains_key("classes/unclassified/000002_gold_one.png"));
    assert!(!files.contains_key("model.safetensors"));
    let report: serde_json::Value = serde_json::from_slice(&files["report.json"]).unwrap();
    assert_eq!(report["unclassified"], 2);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (project, predictions, classes) = gold();
    let ids: Vec<ParticleId> = project.particles.keys().copied().collect();
    let pixels = pixels(4);
    let build = |ids: &[ParticleId], predictions: &[Prediction], pixels: &[f32]| {
        let patches = Patches { pixels, side: SIDE, geometry: &project.patch };
        refusal(Library::build(&project, ids, predictions, &classes, patches))
    };
    assert!(build(&[], &[], &[]).contains("no particle to export"));
    assert!(build(&ids, &predictions[..3], &pixels).contains("3 for 4 particles"));
    assert!(build(&ids, &predictions, &pixels[1..]).contains("patches"));
    assert!(build(&[ids[0], ids[1], ids[2], ParticleId(99)], &predictions, &pixels).contains("particle 99"));
    let mut bad = predictions.clone();
    bad[2].mu[1] = f32::NAN;
    assert!(
        build(&ids, &bad, &pixels).contains("prediction of particle 3: it holds a number that is not finite")
    );
    let mut bad = pixels;
    bad[2 * SIDE * SIDE] = f32::INFINITY;
    assert!(build(&ids, &predictions, &bad).contains("patch of particle 3"));
}

#[test]
fn the_star_file_holds_the_same_particles_as_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let library = gold_library();
    library::export(&library, &out, false).unwrap();
    let text = fs::read_to_string(out.join("particles.star")).unwrap();
    let star = star::read(&text, &out.join("particles.star")).unwrap();
    let table =
        table::read(fs::File::open(out.join("library.csv")).unwrap(), Path::new("library.csv")).unwrap();
    let (optics, particles) = (star.block("optics").unwrap(), star.block("particles").unwrap());
    // One group a scale: 0.5 nm, patches of 1 nm; and the stand-in of 1 A, patches of 1.5 pixels.
    assert_eq!(optics.numbers("rlnOpticsGroup").unwrap(), [1.0, 2.0]);
    assert_eq!(optics.numbers("rlnMicrographPixelSize").unwrap(), [5.0, 1.0]);
    assert_eq!(optics.numbers("rlnMicrographOriginalPixelSize").unwrap(), [5.0, 1.0]);
    assert_eq!(optics.numbers("rlnImagePixelSize").unwrap(), [10.0, 1.5]);
    assert_eq!(optics.numbers("rlnImageSize").unwrap(), [SIDE as f64; 2]);
    assert!(text.contains("# The pixel size of some micrographs is not known"));
    assert_eq!(
        particles.texts("rlnImageName").unwrap(),
        ["000001@stack.mrcs", "000002@stack.mrcs", "000003@stack.mrcs", "000004@stack.mrcs"]
    );
    assert_eq!(particles.numbers("rlnOpticsGroup").unwrap(), [1.0, 1.0, 2.0, 2.0]);
    let sizes = optics.numbers("rlnMicrographPixelSize").unwrap();
    let column = |name: &str| particles.numbers(name).unwrap();
    for (i, row) in table.rows.iter().enumerate() {
        assert_eq!(particles.texts("rlnMicrographName").unwrap()[i], row.micrograph);
        let size = sizes[column("rlnOpticsGroup")[i] as usize - 1];
        let centre = |coordinate: &str, origin: &str| column(coordinate)[i] - column(origin)[i] / size;
        let near = |a: f64, b: f64| assert!((a - b).abs() < 2e-6, "{a} is not {b}");
        near(centre("rlnCoordinateX", "rlnOriginXAngst"), row.x_px + row.shift_x_px.unwrap());
        near(centre("rlnCoordinateY", "rlnOriginYAngst"), row.y_px + row.shift_y_px.unwrap());
        near(column("rlnAnglePsi")[i], row.angle_deg.unwrap());
        near(column("nanoLatent1")[i], row.latents[0].unwrap());
        near(column("nanoLatent2")[i], row.latents[1].unwrap());
        let class = column("rlnClassNumber")[i] as usize;
        assert_eq!(Some(&table.classes[class - 1]), row.class.as_ref());
        near(column("rlnMaxValueProbDistribution")[i], row.probabilities[class - 1].unwrap());
    }
    let classes = fs::read_to_string(out.join("classes.csv")).unwrap();
    assert_eq!(classes, "number,name\n1,cube\n2,\"rod, long\"\n3,sphere\n");
    let broken = text.replace("000002@stack.mrcs", "000002@stack.mrcs extra");
    assert!(refusal(star::read(&broken, Path::new("p.star"))).contains("values for 14 columns"));
}

/// An F, which no turn and no mirror leaves as it is: 1 inside, 0 outside; u right, v down, pixels from its centre.
fn letter(u: f64, v: f64) -> f64 {
    let bar = |u0: f64, u1: f64, v0: f64, v1: f64| {
        let soft = |t: f64| 1.0 / (1.0 + (-3.0 * t).exp());
        soft(u - u0) * soft(u1 - u) * soft(v - v0) * soft(v1 - v)
    };
    (bar(-6.0, -2.0, -10.0, 10.0) + bar(-6.0, 7.0, -10.0, -6.0) + bar(-6.0, 4.0, -2.0, 2.0)).min(1.0)
}

#[test]
fn an_f_turned_and_off_its_mark_is_upright_after_the_star_file() {
    // The micrograph: an F turned 35 degrees counter-clockwise as seen on the screen, its centre off the click.
    let (turn, centre, click) = (35.0_f64, (50.3, 47.8), (47.0, 50.0));
    let (width, height) = (100, 96);
    let micrograph = |x: f64, y: f64| {
        // Turn back clockwise in axes that point right and *up*, where the school formula holds.
        let (right, up) = (x - centre.0, -(y - centre.1));
        let (sin, cos) = (-turn).to_radians().sin_cos();
        letter(right * cos - up * sin, -(right * sin + up * cos))
    };
    // What an ideal model says of it: a patch pixel is 2 pixels of the micrograph.
    let mut project = Project::new();
    add_micrograph(&mut project, "/data/letter.png", (width, height), Some(0.8));
    let (id, edit) =
        project.add_particle_edit(project.micrographs[0].id, click.0 as f32, click.1 as f32, None);
    project.apply(edit).unwrap();
    project.patch = PatchGeometry { extent_nm: Some(0.8 * 2.0 * SIDE as f64), side: SIDE, ..project.patch };
    let shift = [((centre.0 - click.0) / 2.0) as f32, ((centre.1 - click.1) / 2.0) as f32];
    let patches = Patches { pixels: &pixels(1), side: SIDE, geometry: &project.patch };
    let predictions = [prediction(&[1.0], turn as f32, shift)];
    let library = Library::build(&project, &[id], &predictions, &["F".into()], patches).unwrap();
    let mut text = Vec::new();
    star::write(&library, &mut text).unwrap();
    let star = star::read(std::str::from_utf8(&text).unwrap(), Path::new("particles.star")).unwrap();
    let value = |block: &str, column: &str| star.block(block).unwrap().numbers(column).unwrap()[0];

    // RELION's side, from the file alone: image(x, y) = reference(x cos - y sin, x sin + y cos) round the centre.
    let difference = |sign_psi: f64, sign_origin: f64| {
        let size = value("optics", "rlnMicrographPixelSize");
        let at = |coordinate: &str, origin: &str| {
            value("particles", coordinate) - sign_origin * value("particles", origin) / size
        };
        let (cx, cy) = (at("rlnCoordinateX", "rlnOriginXAngst"), at("rlnCoordinateY", "rlnOriginYAngst"));
        let (sin, cos) = (sign_psi * value("particles", "rlnAnglePsi")).to_radians().sin_cos();
        let mut sum = 0.0;
        for v in -12..=12 {
            for u in -12..=12 {
                let (u, v) = (f64::from(u), f64::from(v));
                sum += (micrograph(cx + u * cos + v * sin, cy - u * sin + v * cos) - letter(u, v)).abs();
            }
        }
        sum / 625.0
    };
    assert!(difference(1.0, 1.0) < 1e-3, "the F is not upright: {}", difference(1.0, 1.0));
    for (psi, origin) in [(-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (0.0, 1.0), (1.0, 0.0)] {
        assert!(difference(psi, origin) > 0.1, "{psi} {origin}: {}", difference(psi, origin));
    }
}

#[test]
fn the_stack_is_mrc2014_with_true_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let library = gold_library();
    library::export(&library, &out, false).unwrap();
    let bytes = fs::read(out.join("stack.mrcs")).unwrap();
    assert_eq!(bytes.len(), 1024 + 4 * 4 * SIDE * SIDE);
    let int = |at: usize| i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let float = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!([0, 4, 8, 12, 28, 32, 36].map(int), [24, 24, 4, 2, 24, 24, 1]);
    assert_eq!([64, 68, 72, 88, 92, 108].map(int), [1, 2, 3, 0, 0, 20141]);
    assert_eq!((&bytes[208..212], &bytes[212..216]), (&b"MAP "[..], &[0x44, 0x44, 0, 0][..]));
    let back: Vec<f32> = (0..library.pixels.len()).map(|i| float(1024 + 4 * i)).collect();
    assert_eq!(back, library.pixels);
    let mean = back.iter().sum::<f32>() / back.len() as f32;
    let rms = (back.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / back.len() as f32).sqrt();
    assert_eq!((float(76), float(80)), (0.0, 1.0));
    assert!((float(84) - mean).abs() < 1e-4 && (float(216) - rms).abs() < 1e-4);
    assert_eq!(float(40), 0.0, "patches of different scales have no common pixel size");
    // One scale alone: 24 pixels of 1 nm.
    let (project, predictions, classes) = gold();
    let patches = Patches { pixels: &pixels(2), side: SIDE, geometry: &project.patch };
    let ids = [ParticleId(1), ParticleId(2)];
    let library = Library::build(&project, &ids, &predictions[..2], &classes, patches).unwrap();
    library::export(&library, folder.path().join("one"), false).unwrap();
    let bytes = fs::read(folder.path().join("one/stack.mrcs")).unwrap();
    let cell = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((cell(40), cell(44), cell(48)), (240.0, 240.0, 10.0));
}

#[test]
fn the_pictures_show_the_patches() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let library = gold_library();
    library::export(&library, &out, false).unwrap();
    let picture = image::open(out.join("classes/sphere/000002_gold_one.png")).unwrap();
    let image::DynamicImage::ImageLuma8(picture) = picture else { panic!("not 8-bit grey") };
    assert_eq!((picture.width(), picture.height()), (24, 24));
    let expected: Vec<u8> = library.patch(1).iter().map(|v| (v * 255.0).round() as u8).collect();
    assert_eq!(picture.into_raw(), expected);
}

#[test]
fn a_sheet_shows_a_hundred_of_all_with_a_scale_bar() {
    let library = gold_library();
    let all: Vec<usize> = (0..library.records.len()).cycle().take(250).collect();
    let sheet = pictures::sheet(&library, &all);
    // A hundred patches of 24 pixels, each drawn as two by two.
    assert_eq!(sheet.dimensions(), (480, 480));
    let slot = |n: usize| library.patch(all[n * 250 / 100]);
    for n in [0, 7, 23, 99] {
        let [x, y] = [n % 10 * 24 + 12, n / 10 * 24 + 5].map(|v| 2 * v as u32);
        let expected = (slot(n)[5 * 24 + 12] * 255.0).round() as u8;
        assert_eq!(sheet.get_pixel(x, y).0, [expected; 3], "patch {n}");
    }
    let white = |picture: &image::RgbImage, y: u32| {
        picture.rows().nth(y as usize).unwrap().filter(|p| p.0 == [255; 3]).count()
    };
    let bar = |picture: &image::RgbImage| white(picture, picture.height() - 12);
    assert!((60..=120).contains(&bar(&sheet)), "{}", bar(&sheet));
    // Where the last row is not full it is white.
    let three = pictures::sheet(&library, &[0, 1, 2]);
    assert_eq!(three.dimensions(), (480, 480));
    assert_eq!(three.get_pixel(400, 400).0, [255; 3]);
}

#[test]
fn no_two_classes_share_a_folder() {
    let names =
        ["a/b", "a:b", "Rod", "rod", "", "..", "CON", "unclassified", "rod_2", "Stäbchen", &"x".repeat(300)];
    let folders = pictures::folders(&names.map(str::to_owned));
    let lower: std::collections::BTreeSet<_> = folders.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(lower.len(), names.len() + 1, "{folders:?}");
    assert_eq!(folders[9], "Stäbchen");
    for folder in &folders {
        assert!(!folder.contains(['/', '\\', ':']) && !folder.starts_with('.'), "{folder}");
        assert!(folder.len() < 200 && folder != "CON" && !folder.is_empty(), "{folder}");
    }
}

#[test]
fn the_report_counts_and_repeats_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let library = gold_library();
    library::export(&library, &out, false).unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["particles"], 4);
    assert_eq!(report["classes"][0]["name"], "cube");
    let counts =
        |i: usize| ["total", "by_person", "by_model"].map(|k| report["classes"][i][k].as_u64().unwrap());
    assert_eq!([counts(0), counts(1), counts(2)], [[2, 1, 1], [1, 1, 0], [1, 0, 1]]);
    assert_eq!(report["settings"], library.settings);
    assert_eq!((&report["hold_out"]["right"], &report["hold_out"]["of"]), (&2.into(), &3.into()));
    assert_eq!(report["hold_out"]["confusion"], serde_json::json!([[1, 1, 0], [0, 1, 0], [0, 0, 0]]));
    assert_eq!(report["micrographs"][0]["name"], "gold one.tif");
    assert_eq!(report["program"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn hold_out_accuracy_has_wilsons_interval() {
    // Known answers: 8 of 10 and 0 of 10 (Brown, Cai and DasGupta 2001 give the formula).
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-5, "{a} is not {b}");
    let [low, high] = wilson(8, 10).unwrap();
    near(low, 0.490_162);
    near(high, 0.943_318);
    let [low, high] = wilson(0, 10).unwrap();
    near(low, 0.0);
    near(high, 0.277_533);
    assert_eq!(wilson(0, 0), None);
    let classes = ["a", "b"].map(str::to_owned);
    let measured = HoldOut::measure(&[Some(0), Some(1), None, Some(1)], &[0, 0, 1, 1], &classes).unwrap();
    assert_eq!((measured.right, measured.of, measured.accuracy), (2, 3, Some(2.0 / 3.0)));
    assert_eq!(measured.confusion, [[1, 0], [1, 1]]);
    assert_eq!(measured.recall, [Some(1.0), Some(0.5)]);
    assert_eq!(HoldOut::measure(&[None], &[0], &classes).unwrap().accuracy, None);
    HoldOut::measure(&[Some(0)], &[], &classes).unwrap_err();
    HoldOut::measure(&[Some(0)], &[2], &classes).unwrap_err();
}

#[test]
fn a_folder_in_use_is_never_written_over_without_asking() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let library = gold_library();
    fs::create_dir(&out).unwrap();
    library::export(&library, &out, false).unwrap(); // an empty folder is free
    fs::write(out.join("notes.txt"), b"mine").unwrap();
    let before = files(&out);
    let refused = refusal(library::export(&library, &out, false));
    assert!(refused.contains("there is a library in this folder already"), "{refused}");
    assert_eq!(files(&out), before);

    let (project, predictions, classes) = gold();
    let patches = Patches { pixels: &pixels(1), side: SIDE, geometry: &project.patch };
    let smaller = Library::build(&project, &[ParticleId(1)], &predictions[..1], &classes, patches).unwrap();
    library::export(&smaller, &out, true).unwrap();
    let after = files(&out);
    assert_eq!(after["notes.txt"], b"mine", "what is not ours stays");
    assert!(!after.contains_key("model.safetensors"), "the old model does not pass for the new one");
    assert_eq!(after.keys().filter(|name| name.ends_with(".png")).count(), 2, "one patch and its sheet");

    // A folder that is no library is not replaced even when asked to.
    let pictures = folder.path().join("holiday");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("beach.jpg"), b"sun").unwrap();
    for overwrite in [false, true] {
        library::export(&library, &pictures, overwrite).unwrap_err();
        assert_eq!(files(&pictures)["beach.jpg"], b"sun");
    }
    assert!(refusal(library::export(&library, pictures.join("beach.jpg"), true)).contains("this is a file"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing temporary is left");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    let library = gold_library();
    for out in [file.join("out"), file.join("deep/er/out")] {
        let refused = refusal(library::export(&library, &out, false));
        assert!(refused.starts_with("cannot create ") && refused.contains("file"), "{refused}");
    }
    // Not even root makes folders here.
    #[cfg(target_os = "linux")]
    {
        let refused = refusal(library::export(&library, "/proc/nanotheca/library", false));
        assert!(refused.starts_with("cannot create /proc/nanotheca"), "{refused}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn stopping_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("not/yet/there");
    let mut seen = Vec::new();
    let mut watch = |done: usize, of: usize| {
        seen.push((done, of));
        done < 6
    };
    let stopped = library::export_watched(&gold_library(), &out, false, &mut watch);
    assert!(matches!(stopped, Err(nanotheca::Error::Stopped)));
    assert_eq!(seen, (1..=6).map(|i| (i, 15)).collect::<Vec<_>>());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
