//! The command line: names, options, columns and exit codes that other programs rely on, and errors in words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

#[path = "common/map_json.rs"]
mod promised;

use image::{GrayImage, Luma};
use nanotheca::library::{star, table};
use promised::check_map_json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn nanotheca(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nanotheca"))
        .args(arguments)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap()
}

/// Standard output of a command that must succeed.
fn works(arguments: &[&str]) -> String {
    let output = nanotheca(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}\n{out}{err}");
    out.into_owned()
}

/// Standard error of a command that must fail.
fn fails(arguments: &[&str]) -> String {
    let output = nanotheca(arguments);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success(),
        "{arguments:?} should fail\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(!err.contains("panicked"), "{err}");
    err
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const SIDE: u32 = 320;

/// Bars and discs on a dark ground, and the table that labels six of each and leaves six.
fn field(folder: &Path) -> (PathBuf, PathBuf) {
    let mut picture = GrayImage::from_pixel(SIDE, SIDE, Luma([30]));
    let mut labels = "image,x,y,class\n".to_owned();
    for i in 0..25_u32 {
        let (cx, cy) = (32.0 + 64.0 * (i % 5) as f32, 32.0 + 64.0 * (i / 5) as f32);
        let (sin, cos) = (i as f32 * 0.7).sin_cos();
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            let inside = if i % 2 == 0 {
                (dx * cos + dy * sin).abs() < 20.0 && (dy * cos - dx * sin).abs() < 5.0
            } else {
                dx.hypot(dy) < 10.0
            };
            if inside {
                *pixel = Luma([200]);
            }
        }
        let class = match (i < 14, i % 2 == 0) {
            (true, true) => "bar",
            (true, false) => "disc",
            (false, _) => "",
        };
        labels += &format!("field.png,{cx},{cy},{class}\n");
    }
    let (path, table) = (folder.join("field.png"), folder.join("labels.csv"));
    picture.save(&path).unwrap();
    fs::write(&table, labels).unwrap();
    (path, table)
}

/// A project of the field with a training of a few seconds.
fn project(folder: &Path) -> PathBuf {
    let (picture, labels) = field(folder);
    let path = folder.join("field.nanotheca");
    let said = works(&[
        "new",
        text(&path),
        "--images",
        text(&picture),
        "--labels",
        text(&labels),
        "--patch-px",
        "56",
    ]);
    assert!(said.contains("25 particle(s), 2 class(es)"), "{said}");
    set_training(
        &path,
        r#"{"epochs": 12, "hidden_encoder": [24], "hidden_decoder": [24], "hidden_classifier": [24]}"#,
    );
    path
}

fn set_training(path: &Path, settings: &str) {
    let mut file: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    file["training"] = serde_json::from_str(settings).unwrap();
    fs::write(path, serde_json::to_string_pretty(&file).unwrap()).unwrap();
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let (state, first, second) =
        (folder.path().join("a.training"), folder.path().join("first"), folder.path().join("second"));
    works(&["run", text(&project), "--out", text(&first), "--device", "cpu", "--state", text(&state)]);
    let said =
        works(&["run", text(&project), "--out", text(&second), "--device", "cpu", "--resume", text(&state)]);
    assert!(said.contains("12 epochs"), "{said}");
    let model = |folder: &Path| fs::read(folder.join("model.safetensors")).unwrap();
    assert!(model(&first) == model(&second), "the models differ");
    // A model is no state, and a state no model.
    let err = fails(&[
        "run",
        text(&project),
        "--out",
        text(&folder.path().join("third")),
        "--resume",
        text(&first.join("model.safetensors")),
    ]);
    assert!(err.contains("no stopped training"), "{err}");
    let third = folder.path().join("third");
    works(&[
        "export",
        text(&project),
        "--out",
        text(&third),
        "--model",
        text(&first.join("model.safetensors")),
    ]);
}

#[test]
fn a_project_becomes_a_library_and_can_be_exported_again() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let out = folder.path().join("library");
    works(&["run", text(&project), "--out", text(&out), "--device", "cpu", "--seed", "3"]);
    let table =
        table::read(fs::File::open(out.join("library.csv")).unwrap(), &out.join("library.csv")).unwrap();
    assert_eq!(table.rows.len(), 25);
    let star_path = out.join("particles.star");
    let star = star::read(&fs::read_to_string(&star_path).unwrap(), &star_path).unwrap();
    assert_eq!(star.block("particles").unwrap().numbers("rlnCoordinateX").unwrap().len(), 25);
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("report.json")).unwrap()).unwrap();
    assert!(report["settings"]["command"].as_str().unwrap().starts_with("nanotheca run "), "{report}");
    assert_eq!(report["settings"]["seed"], 3);
    let stack = fs::metadata(out.join("stack.mrcs")).unwrap().len();
    assert!(stack > 1024 && out.join("model.safetensors").is_file());
    // Again from the model alone: the same table.
    let again = folder.path().join("again");
    works(&["export", text(&project), "--out", text(&again)]);
    let read = |dir: &Path| fs::read_to_string(dir.join("library.csv")).unwrap();
    assert_eq!(read(&out), read(&again));
    // Never over an old library.
    let refused = fails(&["export", text(&project), "--out", text(&again)]);
    assert!(refused.contains("again") && refused.contains("new folder"), "{refused}");
}

#[test]
fn where_labels_are_few_cross_validation_says_how_well_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let out = folder.path().join("library");
    let said = works(&["run", text(&project), "--out", text(&out), "--device", "cpu", "--folds", "3"]);
    assert!(said.contains("cross-validated accuracy") && said.contains("3 trainings"), "{said}");
    let read = |dir: &Path, name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let found = |dir: &Path| {
        let report: serde_json::Value = serde_json::from_str(&read(dir, "report.json")).unwrap();
        report["cross_validation"].clone()
    };
    let first = found(&out);
    assert_eq!((&first["of"], &first["folds"]), (&14.into(), &3.into()), "each label judged once");
    let accuracy = first["accuracy"].as_f64().unwrap();
    for page in ["report.html", "model_card.md"] {
        assert!(
            read(&out, page).contains(&format!("Cross-validated accuracy {accuracy:.3} on 14 labels")),
            "{page}"
        );
    }
    assert!(read(&out, "model_card.md").contains("burn 0."));
    // It is known to the model from now on.
    let again = folder.path().join("again");
    works(&["export", text(&project), "--out", text(&again)]);
    assert_eq!(found(&again), first);

    // The same for patches without a project.
    let (pixels, labels) = halves(40, 12);
    let (l, u, model) = ["l.npz", "u.npz", "m.safetensors"].map(|name| folder.path().join(name)).into();
    write_npz(&l, &pixels, 40, 12, Some(&labels));
    write_npz(&u, &pixels, 40, 12, None);
    let ask = [
        "train",
        "--labelled",
        text(&l),
        "--unlabelled",
        text(&u),
        "--epochs",
        "2",
        "--hidden",
        "16",
        "--device",
        "cpu",
        "--folds",
        "4",
        "--out",
        text(&model),
        "--json",
    ];
    let said = works(&ask);
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["cross_validation"]["of"], &last["cross_validation"]["folds"]),
        (&40.into(), &4.into())
    );
    let description = nanotheca::train::checkpoint::Checkpoint::load(&model).unwrap().description;
    assert_eq!(description.lineage.cross_validated.unwrap().of, 40);
    let refused = fails(&["run", text(&project), "--out", text(&folder.path().join("no")), "--folds", "1"]);
    assert!(refused.contains("at least 2"), "{refused}");
}

#[test]
fn detection_writes_its_table_and_new_takes_its_particles() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, labels) = field(folder.path());
    let picks = folder.path().join("picks.csv");
    works(&["detect", text(&picture), "--out", text(&picks)]);
    let rows = fs::read_to_string(&picks).unwrap();
    assert!(rows.starts_with("image,x,y,diameter_px,diameter_nm,score\n"), "{rows}");
    assert_eq!(rows.lines().count(), 26, "{rows}");
    let path = folder.path().join("p.nanotheca");
    let said =
        works(&["new", text(&path), "--images", text(&picture), "--labels", text(&labels), "--detect"]);
    assert!(said.contains("25 particle(s)"), "labelled ones are not found a second time: {said}");
    let unknown =
        fails(&["new", text(&folder.path().join("q")), "--images", text(&picture), "--patch-nm", "50"]);
    assert!(unknown.contains("pixel size is unknown") && unknown.contains("--patch-px"), "{unknown}");
}

/// Pages of float pixels as one NPY file; disc after disc on each page.
fn stack(path: &Path, side: usize, discs: &[&[(f32, f32)]]) {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {side}, {side}), }}", discs.len());
    header.push_str(&" ".repeat(63 - (10 + header.len()) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for page in discs {
        for i in 0..side * side {
            let (x, y) = ((i % side) as f32, (i / side) as f32);
            let inside = page.iter().any(|(u, v)| (x - u).hypot(y - v) < 11.0);
            let grain = (i as f32 * 12.9898).sin() * 3.0;
            bytes.extend((if inside { 200.0 } else { 60.0 } + grain).to_le_bytes());
        }
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_stack_gives_all_its_pages_to_detect_and_new() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, picks) = (folder.path().join("scan.npy"), folder.path().join("picks.csv"));
    let discs: [&[(f32, f32)]; 3] =
        [&[(40.0, 50.0)], &[(30.0, 30.0), (110.0, 90.0)], &[(30.0, 30.0), (90.0, 40.0), (70.0, 110.0)]];
    stack(&picture, 144, &discs);
    works(&["detect", text(&picture), "--out", text(&picks)]);
    let rows = fs::read_to_string(&picks).unwrap();
    for (page, discs) in discs.iter().enumerate() {
        let on = rows.lines().filter(|row| row.contains(&format!("scan.npy#{page},"))).count();
        assert_eq!(on, discs.len(), "page {page}\n{rows}");
    }
    let path = folder.path().join("p.nanotheca");
    let said = works(&["new", text(&path), "--images", text(&picture), "--labels", text(&picks)]);
    assert!(said.contains("3 micrograph(s), 6 particle(s)"), "{said}");
    let project = nanotheca::project::store::load(&path).unwrap();
    for particle in project.particles.values() {
        assert!((particle.diameter.unwrap() - 22.0).abs() < 3.0, "the sizes found come along: {particle:?}");
    }
    let path = folder.path().join("q.nanotheca");
    let said = works(&["new", text(&path), "--images", text(&picture), "--detect"]);
    assert!(said.contains("3 micrograph(s), 6 particle(s)"), "{said}");
}

#[test]
fn info_tells_what_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = field(folder.path());
    let line = works(&["info", text(&picture), "--json"]);
    let info: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!((info["width"].as_u64(), info["height"].as_u64()), (Some(320), Some(320)));
    for key in ["format", "sample_type", "pixel_size", "min", "max", "mean"] {
        assert!(info.get(key).is_some(), "{key} in {info}");
    }
    let empty = folder.path().join("empty.tif");
    fs::write(&empty, b"").unwrap();
    assert!(fails(&["info", text(&empty)]).contains("empty.tif"));
}

/// Writes arrays of an NPZ the way numpy does, uncompressed.
fn write_npz(path: &Path, images: &[u8], n: u64, side: u64, labels: Option<&[i32]>) {
    use npyz::WriterBuilder;
    let mut npz = npyz::npz::NpzWriter::create(path).unwrap();
    let options = npyz::zip::write::FileOptions::default;
    let mut array =
        npz.array("images", options()).unwrap().default_dtype().shape(&[n, side, side]).begin_nd().unwrap();
    array.extend(images.iter().copied()).unwrap();
    array.finish().unwrap();
    if let Some(labels) = labels {
        let mut array =
            npz.array("labels", options()).unwrap().default_dtype().shape(&[n]).begin_nd().unwrap();
        array.extend(labels.iter().copied()).unwrap();
        array.finish().unwrap();
    }
}

/// Images with a bright top half (class 0) or left half (class 1).
fn halves(n: usize, side: usize) -> (Vec<u8>, Vec<i32>) {
    let mut pixels = Vec::new();
    for i in 0..n {
        for row in 0..side {
            for column in 0..side {
                let bright = if i % 2 == 0 { row < side / 2 } else { column < side / 2 };
                pixels.push(if bright { 220 } else { 20 + (i % 7) as u8 });
            }
        }
    }
    (pixels, (0..n).map(|i| (i % 2) as i32).collect())
}

#[test]
fn a_training_on_patches_that_was_stopped_goes_on_to_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (pixels, labels) = halves(40, 12);
    write_npz(&at("l.npz"), &pixels, 40, 12, Some(&labels));
    write_npz(&at("u.npz"), &pixels, 40, 12, None);
    let [l, u, state, first, second] =
        ["l.npz", "u.npz", "a.state", "1.safetensors", "2.safetensors"].map(at);
    let data = ["train", "--labelled", text(&l), "--unlabelled", text(&u), "--validation", text(&l)];
    let how = [
        "--preset", "paper", "--epochs", "4", "--batch", "16", "--hidden", "16", "--device", "cpu", "--json",
    ];
    works(&[&data[..], &how, &["--state", text(&state), "--out", text(&first)]].concat());
    // The state is that after the first epoch: a training as short as this writes it once.
    let said = works(
        &[&data[..], &["--resume", text(&state), "--device", "cpu", "--json", "--out", text(&second)]]
            .concat(),
    );
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(
        said.lines().all(|line| line.contains("accuracy\":0") || line.contains("accuracy\":1")),
        "{said}"
    );
    assert!(fs::read(first).unwrap() == fs::read(second).unwrap(), "the models differ");
    // The settings are those of the state.
    for asked in [["--epochs", "9"], ["--set", "epochs=9"], ["--seed", "2"]] {
        let more = [&["--resume", text(&state)], &asked[..]].concat();
        let refused = fails(&[&data[..], &more].concat());
        assert!(refused.contains("--resume") && refused.contains(asked[0]), "{refused}");
    }
    // Other patches are not what it was trained on.
    write_npz(&u, &pixels[..30 * 144], 30, 12, None);
    let wrong = fails(&["train", "--labelled", text(&l), "--unlabelled", text(&u), "--resume", text(&state)]);
    assert!(wrong.contains("particles"), "{wrong}");
}

#[test]
fn training_prints_an_object_an_epoch_and_its_model_classifies() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (pixels, labels) = halves(40, 12);
    write_npz(&at("l.npz"), &pixels, 40, 12, Some(&labels));
    write_npz(&at("u.npz"), &pixels, 40, 12, None);
    let (l, u, model, csv) = (at("l.npz"), at("u.npz"), at("m.safetensors"), at("out.csv"));
    let said = works(&[
        "train",
        "--labelled",
        text(&l),
        "--unlabelled",
        text(&u),
        "--validation",
        text(&l),
        "--preset",
        "paper",
        "--epochs",
        "3",
        "--batch",
        "16",
        "--hidden",
        "16",
        "--latent",
        "3",
        "--lr",
        "0.002",
        "--invariances",
        "r,t,s",
        "--device",
        "cpu",
        "--seed",
        "2",
        "--out",
        text(&model),
        "--json",
    ]);
    let lines: Vec<serde_json::Value> = said.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line["epoch"], i + 1);
        assert!(line["loss"].is_f64() && line["seconds"].is_f64() && line["accuracy"].is_f64(), "{line}");
        let parts = ["reconstruction", "kl_latent", "kl_class"].map(|part| line[part].as_f64().unwrap());
        assert!(parts.iter().all(|part| part.is_finite()), "{line}");
    }
    works(&["classify", "--model", text(&model), "--patches", text(&u), "--out", text(&csv)]);
    let rows = fs::read_to_string(&csv).unwrap();
    let header =
        "label,p_0,p_1,angle_rad,shift_0,shift_1,scale,mu_0,mu_1,mu_2,sigma_0,sigma_1,sigma_2,recon_error";
    assert_eq!(rows.lines().next().unwrap(), header);
    assert_eq!(rows.lines().count(), 41);
    let wrong = fails(&["train", "--unlabelled", text(&u), "--invariances", "r,q"]);
    assert!(wrong.contains('q') && wrong.contains("r,t"), "{wrong}");
    write_npz(&at("one.npz"), &pixels, 40, 12, Some(&[0; 40]));
    let one = fails(&["train", "--labelled", text(&at("one.npz")), "--unlabelled", text(&u)]);
    assert!(one.contains("one.npz") && one.contains("one class only"), "{one}");
    write_npz(&at("none.npz"), &pixels, 40, 12, Some(&[-1; 40]));
    let none = fails(&["train", "--labelled", text(&at("none.npz")), "--unlabelled", text(&u)]);
    assert!(none.contains("no label"), "{none}");
}

#[test]
fn pyroved_weights_classify() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("x.npz"), folder.path().join("y.csv"));
    let (pixels, _) = halves(6, 12);
    write_npz(&images, &pixels, 6, 12, None);
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/ssrvae_rt.pt");
    let arguments = ["classify", "--model", text(&weights), "--patches", text(&images), "--out", text(&out)];
    works(&[&arguments[..], &["--invariances", "r,t"]].concat());
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 7);
    let error = fails(&[&arguments[..], &["--invariances", "r"]].concat());
    assert!(error.contains("ssrvae_rt.pt"), "{error}");
}

#[test]
fn projects_that_cannot_be_trained_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = field(folder.path());
    let out = folder.path().join("out");
    let table = folder.path().join("t.csv");
    let make = |name: &str, rows: &str| {
        fs::write(&table, format!("image,x,y,class\n{rows}")).unwrap();
        let path = folder.path().join(name);
        works(&[
            "new",
            text(&path),
            "--images",
            text(&picture),
            "--labels",
            text(&table),
            "--patch-px",
            "56",
        ]);
        path.with_extension("nanotheca")
    };
    let run = |path: &Path| fails(&["run", text(path), "--out", text(&out), "--device", "cpu"]);
    let one = make("one", "field.png,32,32,bar\nfield.png,96,32,bar\nfield.png,160,32,\n");
    assert!(run(&one).contains("one class"), "{}", run(&one));
    let none = make("none", "field.png,32,32,\nfield.png,96,32,\n");
    assert!(run(&none).contains("class"), "{}", run(&none));
    let outside = folder.path().join("outside");
    fs::write(&table, "image,x,y,class\nfield.png,9999,32,bar\n").unwrap();
    let error = fails(&["new", text(&outside), "--images", text(&picture), "--labels", text(&table)]);
    assert!(error.contains("9999") && error.contains("320 x 320"), "{error}");
    let gone = make("gone", "field.png,32,32,bar\nfield.png,96,32,disc\n");
    fs::rename(&picture, folder.path().join("elsewhere.bin")).unwrap();
    let error = run(&gone);
    assert!(error.contains("field.png") && error.contains("not there"), "{error}");
    assert!(!out.exists(), "nothing is left behind");
}

#[test]
fn pictures_that_moved_are_found_from_within_the_folder_of_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = field(folder.path());
    let (table, path) = (folder.path().join("t.csv"), folder.path().join("one.nanotheca"));
    fs::write(&table, "image,x,y,class\nfield.png,32,32,bar\n").unwrap();
    let images = ["--images", text(&picture), "--labels", text(&table), "--patch-px", "56"];
    works(&[&["new", text(&path)], &images[..]].concat());
    fs::create_dir(folder.path().join("raw")).unwrap();
    fs::rename(&picture, folder.path().join("raw/monday.png")).unwrap();
    // The name alone, as one types it there. One class is too few, but the picture is there.
    let output = Command::new(env!("CARGO_BIN_EXE_nanotheca"))
        .args(["run", "one.nanotheca", "--out", "out", "--device", "cpu"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("found in another place") && said.contains("one class"), "{said}");
}

#[test]
fn an_output_that_cannot_be_written_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    set_training(
        &project,
        r#"{"epochs": 1, "hidden_encoder": [8], "hidden_decoder": [8], "hidden_classifier": [8]}"#,
    );
    let blocked = folder.path().join("field.png").join("library");
    let error = fails(&["run", text(&project), "--out", text(&blocked), "--device", "cpu"]);
    assert!(error.contains("library") || error.contains("field.png"), "{error}");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|n| !n.to_string_lossy().contains("tmp")), "{names:?}");
}

/// Spectra over a grid of rows and columns, 24 points each, as NPY: a peak whose place goes with the column.
fn write_grid(path: &Path, [rows, columns]: [usize; 2]) {
    use npyz::WriterBuilder;
    let values = (0..rows * columns * 24).map(|i| {
        let (column, point) = (i / 24 % columns, i % 24);
        let centre = 8.0 + 8.0 * column as f32 / columns as f32;
        (-0.5 * ((point as f32 - centre) / 2.0).powi(2)).exp()
    });
    let shape = [rows as u64, columns as u64, 24];
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    let mut file = options.writer(&mut bytes).begin_nd().unwrap();
    file.extend(values).unwrap();
    file.finish().unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_grid_of_spectra_becomes_maps() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("scan.npy"), folder.path().join("found"));
    write_grid(&file, [6, 8]);
    let said = works(&[
        "spectra",
        text(&file),
        "--out",
        text(&out),
        "--epochs",
        "3",
        "--unit",
        "eV",
        "--device",
        "cpu",
        "--json",
    ]);
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&document["grid"], &document["unit"]), (&serde_json::json!([6, 8]), &"eV".into()), "{said}");
    let written: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("spectra.json")).unwrap()).unwrap();
    assert_eq!(written, document);
    for name in ["z0.png", "z1.npy", "z0_sd.tif", "shift.png", "recon_error.tif", "traversal_z1.csv"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    // A pixel of the map is the spectrum's own number.
    let map = nanotheca::micrograph::format::open(out.join("shift.tif")).unwrap();
    assert_eq!((map.width, map.height), (8, 6));
    let table = fs::read_to_string(out.join("spectra.csv")).unwrap();
    assert!(table.starts_with("index,row,column,shift,z0,z1,z0_sd,z1_sd,recon_error\n"), "{table}");
    for (i, line) in table.lines().skip(1).enumerate() {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(cells[..3], [i as f64, (i / 8) as f64, (i % 8) as f64]);
        assert!((cells[3] - f64::from(map.pixels[i])).abs() < 1e-6, "{line}");
    }
    // Without a grid there is no map.
    let flat = folder.path().join("flat");
    let mut rows = String::new();
    for i in 0..12 {
        let row: Vec<String> = (0..24).map(|p| format!("{}", (p + i) % 7)).collect();
        rows += &format!("{}\n", row.join(","));
    }
    let table = folder.path().join("flat.csv");
    fs::write(&table, rows).unwrap();
    works(&["spectra", text(&table), "--out", text(&flat), "--epochs", "1", "--device", "cpu"]);
    assert!(flat.join("spectra.csv").is_file() && !flat.join("z0.tif").exists());
    let err = fails(&["spectra", text(&table), "--out", text(&flat)]);
    assert!(err.contains("not empty"), "{err}");
}

/// A square lattice of bright spots, 12 px apart, brighter right of the middle: 144 x 120.
fn write_lattice(path: &Path) {
    let picture = GrayImage::from_fn(144, 120, |x, y| {
        let off = |v: u32| 12.0 * ((v as f32 - 6.0) / 12.0 - ((v as f32 - 6.0) / 12.0).round());
        let bright = if x < 72 { 110.0 } else { 190.0 };
        let spot = bright * (-(off(x).powi(2) + off(y).powi(2)) / 10.0).exp();
        let noise = 12.0 * ((f64::from(x * 7919 + y * 104_729)).sin() * 43_758.5).fract() as f32;
        Luma([(30.0 + spot + noise).clamp(0.0, 255.0) as u8])
    });
    picture.save(path).unwrap();
}

#[test]
fn map_json_keeps_its_keys_and_every_map_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (image, out) = (folder.path().join("<b>spots.png"), folder.path().join("maps"));
    write_lattice(&image);
    let arguments =
        ["map", text(&image), "--out", text(&out), "--epochs", "2", "--seeds", "2", "--seed", "4"];
    let more =
        ["--nm-per-px", "0.05", "--device", "cpu", "--set", "windows=128", "--set", "hidden=[16]", "--json"];
    let said = works(&[&arguments[..], &more[..]].concat());
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    let written: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("map.json")).unwrap()).unwrap();
    assert_eq!(document, written);
    check_map_json(&document);
    // Period vectors in px and nm.
    let vector = |name: &str| -> [f64; 2] {
        [0, 1].map(|i| document["lattice"][name][i].as_f64().unwrap_or_else(|| panic!("{name} {document}")))
    };
    for name in ["a", "b"] {
        let (px, nm) = (vector(&format!("{name}_px")), vector(&format!("{name}_nm")));
        assert!((px[0].hypot(px[1]) - 12.0).abs() < 0.2, "{px:?}");
        assert!((nm[0].hypot(nm[1]) - 0.05 * px[0].hypot(px[1])).abs() < 1e-9, "{px:?} {nm:?}");
    }
    assert_eq!(document["seeds"].as_array().unwrap().len(), 2);
    assert_eq!(document["latents"].as_array().unwrap().len(), 2);
    for name in ["window_px", "negative_elbo", "smoothness_cost", "smoothness_roughness", "seed_agreement"] {
        assert!(document[name].is_f64(), "{name} {document}");
    }
    assert!(document["seconds"].as_f64() >= document["first_map_seconds"].as_f64());
    assert_eq!((&document["settings"]["epochs"], &document["settings"]["seed"]), (&2.into(), &4.into()));
    assert!(document["command"].as_str().unwrap().starts_with("nanotheca map "), "{document}");
    let latents = ["z0", "z1", "z0_sd", "z1_sd", "seed4_z0", "seed4_z1", "seed5_z0", "seed5_z1"];
    let others =
        ["shift_x", "shift_y", "recon_error", "gpa_x", "gpa_y", "strain_xx", "strain_yy", "strain_xy"];
    for name in latents.into_iter().chain(others) {
        for end in ["tif", "npy", "png"] {
            assert!(out.join(name).with_extension(end).is_file(), "{name}.{end}");
        }
    }
    for name in
        ["segments.tif", "segments.csv", "segments.png", "image.png", "report.html", "model.safetensors"]
    {
        assert!(out.join(name).is_file(), "{name}");
    }
    // Displacement in nanometres, by its own scale.
    let map = nanotheca::micrograph::format::open(out.join("gpa_x.tif")).unwrap();
    assert_eq!((map.width, map.height), (144, 120));
    assert!((map.pixel_size.unwrap().x_nm - 0.05).abs() < 1e-6);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("&lt;b&gt;spots.png") && !page.contains("<b>spots"), "the name is not text");
    for said in [
        "−ELBO",
        "smoothness costs",
        "Lattice leakage",
        "nm²",
        "The seeds agree",
        "nanotheca map ",
        "strain along x",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn what_a_map_costs_in_elbo_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (image, out) = (folder.path().join("spots.png"), folder.path().join("maps"));
    write_lattice(&image);
    let arguments = ["map", text(&image), "--out", text(&out), "--epochs", "1", "--stride", "4"];
    let more = ["--device", "cpu", "--set", "windows=64", "--set", "hidden=[16]"];
    let said = works(&[&arguments[..], &more[..]].concat());
    assert!(said.contains("−ELBO ") && said.contains("smoothness costs "), "{said}");
    assert!(said.contains("(roughness ") && said.contains("geometric phase analysis"), "{said}");
    // One seed has no other to stand beside.
    assert!(!out.join("seed1_z0.tif").exists());
    let document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("map.json")).unwrap()).unwrap();
    check_map_json(&document);
    assert!(document["lattice"]["a_nm"].is_null() && document["seed_agreement"].is_null(), "{document}");
}

#[test]
fn a_page_of_a_stack_is_mapped_by_pixels_that_are_not_square() {
    let folder = tempfile::tempdir().unwrap();
    let (image, stack, out) =
        (folder.path().join("spots.png"), folder.path().join("scan.tif"), folder.path().join("maps"));
    write_lattice(&image);
    // An empty page, then the lattice.
    let spots = image::open(&image).unwrap().to_luma8();
    let mut file = tiff::encoder::TiffEncoder::new(fs::File::create(&stack).unwrap()).unwrap();
    let (w, h) = spots.dimensions();
    for page in [vec![7; (w * h) as usize], spots.into_raw()] {
        file.write_image::<tiff::encoder::colortype::Gray8>(w, h, &page).unwrap();
    }
    let more =
        ["--epochs", "1", "--stride", "4", "--device", "cpu", "--set", "windows=64", "--set", "hidden=[16]"];
    let on = |arguments: &[&str]| {
        let all = [&["map", text(&stack), "--out", text(&out)], arguments, &more[..]].concat();
        all.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let run = |arguments: Vec<String>| works(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let error = fails(&on(&[]).iter().map(String::as_str).collect::<Vec<_>>());
    assert!(error.contains("all its pixels are equal"), "{error}");
    run(on(&["--page", "1", "--nm-per-px", "0.05,0.1"]));
    let document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("map.json")).unwrap()).unwrap();
    assert_eq!(document["image"], "scan.tif#1");
    assert_eq!(document["pixel_size_nm"], serde_json::json!([0.05, 0.1]));
    let error = fails(&["map", text(&stack), "--out", "nowhere", "--page", "2"]);
    assert!(error.contains("page"), "{error}");
}

#[test]
fn without_a_display_it_says_so_and_names_the_demo() {
    let error = fails(&[]);
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("display") && error.contains("nanotheca demo"), "{error}");
}

#[test]
fn a_training_that_diverges_leaves_the_model_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (pixels, labels) = halves(40, 12);
    write_npz(&at("l.npz"), &pixels, 40, 12, Some(&labels));
    write_npz(&at("u.npz"), &pixels, 40, 12, None);
    let (l, u, model, csv) = (at("l.npz"), at("u.npz"), at("m.safetensors"), at("out.csv"));
    let how = ["--preset", "paper", "--hidden", "64", "--batch", "8", "--device", "cpu", "--lr", "1"];
    let mut left = 0;
    for seed in 1..=30 {
        let seed = seed.to_string();
        let data = ["train", "--labelled", text(&l), "--unlabelled", text(&u), "--out", text(&model)];
        let more = ["--set", "activation=relu", "--epochs", "30", "--seed", &seed];
        let output = nanotheca(&[&data[..], &how, &more].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            fs::remove_file(&model).unwrap();
            continue;
        }
        assert!(said.contains("no longer a finite number"), "{said}");
        assert_eq!(said.contains("The model as it was then"), model.exists(), "{said}");
        if model.exists() {
            left += 1;
            works(&["classify", "--model", text(&model), "--patches", text(&l), "--out", text(&csv)]);
            fs::remove_file(&model).unwrap();
            fs::remove_file(&csv).unwrap();
        }
    }
    assert!(left > 0, "none of thirty trainings diverged after its first epoch");
}

#[test]
fn a_reader_that_has_gone_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (pixels, labels) = halves(20, 12);
    write_npz(&at("l.npz"), &pixels, 20, 12, Some(&labels));
    let (l, model) = (at("l.npz"), at("m.safetensors"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_nanotheca"))
        .args(["train", "--labelled", text(&l), "--unlabelled", text(&l), "--hidden", "16", "--epochs", "3"])
        .args(["--device", "cpu", "--json", "--out", text(&model)])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success() && model.exists());
}
