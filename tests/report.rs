//! The reports open in a real browser: no console error, every picture there, and hostile names are text.
#![allow(clippy::unwrap_used, clippy::panic)]

use nanotheca::lattice::Lattice;
use nanotheca::library::html::page;
use nanotheca::library::insight::{Manifold, averages};
use nanotheca::library::maps::{self, About, Cell, MapFolder, Windows, segments_of};
use nanotheca::library::report::HoldOut;
use nanotheca::library::spectra::SpectraFolder;
use nanotheca::library::{self, Library, Patches};
use nanotheca::micrograph::{Micrograph, PixelSize};
use nanotheca::order::{Gpa, Map, Outlier, SeedMaps, SeedReport, judge};
use nanotheca::particle::describe::describe_all;
use nanotheca::particle::patch::{PatchGeometry, PatchSet};
use nanotheca::particle::trust::Calibration;
use nanotheca::particle::{ParticleId, Prediction};
use nanotheca::project::{MicrographEntry, Project};
use nanotheca::review::Table;
use nanotheca::review::meaning::meanings;
use nanotheca::spectrum::{Found, Loss, Spectra};
use std::io::Write;
use std::path::Path;
use std::process::Command;

const SIDE: usize = 32;

/// Names that break pages which forget to escape; the project allows 64 characters, a library any number.
fn hostile() -> [String; 4] {
    [
        "<script>window.broken=1</script>".into(),
        "\"><img src=missing.png onerror='window.broken=2'>".into(),
        "金纳米棒 & 'quoted'".into(),
        "long ".repeat(40),
    ]
}

/// Rods whose length follows the first latent, in four classes, with all there is to tell of them.
fn library() -> Library {
    let mut project = Project::new();
    for (name, nm) in [("<b>a</b>.tif", Some(0.5)), ("b'\"&.png", Some(0.8))] {
        let size = nm.and_then(|nm| PixelSize::new(nm, nm));
        let entry = MicrographEntry::new(Path::new("/data").join(name), 0, 640, 480, size, "hash");
        let (_, edit) = project.add_micrograph_edit(entry);
        project.apply(edit).unwrap();
    }
    project.patch = PatchGeometry { extent_nm: Some(48.0), side: SIDE, ..project.patch };
    let names = hostile();
    let (mut pixels, mut predictions) = (Vec::new(), Vec::new());
    let n = 96;
    for k in 0..n {
        let micrograph = project.micrographs[k % 2].id;
        let (_, edit) = project.add_particle_edit(micrograph, 10.0 + k as f32, 20.0, None);
        project.apply(edit).unwrap();
        let length = 5.0 + 7.0 * k as f32 / n as f32;
        for i in 0..SIDE * SIDE {
            let (x, y) = ((i % SIDE) as f32 - 15.5, (i / SIDE) as f32 - 15.5);
            pixels.push((4.0 - y.abs()).min(length - x.abs()).clamp(-0.5, 0.5) * 0.7 + 0.45);
        }
        let mut probabilities = vec![0.1; 4];
        probabilities[k % 4] = 0.7;
        predictions.push(Prediction {
            probabilities,
            angle_rad: (k as f32 * 0.3).sin(),
            shift_px: [0.2, -0.1],
            scale: 1.0,
            mu: vec![length - 8.0, 0.0],
            sigma: vec![0.1; 2],
            recon_error: 0.01,
        });
    }
    let ids: Vec<ParticleId> = project.particles.keys().copied().collect();
    let patches = Patches { pixels: &pixels, side: SIDE, geometry: &project.patch };
    let mut library = Library::build(&project, &ids, &predictions, &names, patches).unwrap();
    let set = PatchSet {
        side: SIDE,
        wide: SIDE,
        pixels: pixels.into(),
        labels: vec![None; n],
        held_out: (0..n).map(|k| (k < 24).then_some((k + usize::from(k == 5)) % 4)).collect(),
    };
    // 48 nm in 32 pixels are 3 px of the first micrograph and 1.875 px of the second.
    let pitch: Vec<f64> = (0..n).map(|k| if k % 2 == 0 { 3.0 } else { 1.875 }).collect();
    let measured = describe_all(&set, &pitch);
    for (record, measured) in library.records.iter_mut().zip(&measured) {
        record.measured.clone_from(measured);
    }
    let table = Table::new(&project, &ids, &names, predictions.clone().into(), &measured);
    library.insight.meanings = meanings(&table);
    let class: Vec<Option<usize>> = library.records.iter().map(|r| r.class).collect();
    library.insight.averages = averages(&set, &class, &library.classes, &predictions);
    library.insight.calibration = Calibration::measure(&set.held_out, &predictions);
    library.insight.manifolds = names
        .iter()
        .map(|class| Manifold {
            class: class.clone(),
            axes: (1, 2),
            per_side: 3,
            ranges: [[-1.5, 1.25], [-0.5, 2.0]],
            side: SIDE,
            images: library.pixels[..9 * SIDE * SIDE].to_vec(),
        })
        .collect();
    let predicted: Vec<usize> = predictions.iter().map(Prediction::best).collect();
    library.hold_out = Some(HoldOut::measure(&set.held_out, &predicted, &library.classes).unwrap());
    library.model = Some(b"weights".to_vec());
    library.settings = serde_json::json!({
        "training": { "latent": 2, "<i>": "</table><script>window.broken=3</script>" },
        "seed": 7,
        "device": "CPU",
        "command": "nanotheca run '<script>window.broken=4</script>.nanotheca' --seed 7",
    });
    library
}

/// Debian's browser or one under another usual name.
fn browser() -> Option<String> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    names.into_iter().find(|name| runs(name)).map(str::to_owned)
}

/// The page as the browser holds it after loading, and what its console said.
fn open(browser: &str, page: &Path) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    // A browser that hangs must not hang the test.
    let output = Command::new("timeout")
        .args(["--kill-after=5", "120", browser])
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--enable-logging=stderr", "--log-level=0"])
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let console = String::from_utf8_lossy(&output.stderr);
    let console: Vec<&str> = console.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8_lossy(&output.stdout).into_owned(), console.join("\n"))
}

#[test]
fn the_report_opens_in_a_browser_without_a_fault() {
    let Some(browser) = browser() else {
        assert!(std::env::var_os("NANOTHECA_REQUIRE_BROWSER").is_none(), "no chromium on this machine");
        // Past the test harness, which keeps what a passing test prints to itself.
        let told = writeln!(std::io::stderr(), "SKIPPED: no chromium on this machine; .ci/run installs one");
        assert!(told.is_ok(), "nobody is told");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let library = library();
    let out = folder.path().join("library");
    library::export(&library, &out, false).unwrap();
    let lengths: Vec<String> = hostile().iter().map(|name| name.chars().count().to_string()).collect();
    // Four classes with a gallery, an average and a manifold each.
    let expected = format!("images 12 bad 0 ran 0 beyond 0 names {}", lengths.join(" "));
    opens(&browser, &out.join("report.html"), "Particle library: 96 particles", &expected);

    for (i, name) in hostile().iter().take(2).enumerate() {
        let out = folder.path().join(format!("maps{i}"));
        export_maps(name, &out);
        // The image, two latents, two shifts, two displacements, three strains, the residual, phases, two seeds of two.
        let expected = "images 16 bad 0 ran 0 beyond 0 names ";
        opens(&browser, &out.join("report.html"), "Order parameters of", expected);
        let out = folder.path().join(format!("spectra{i}"));
        export_spectra(name, &out);
        // Two latents, the shift and the residual over the grid.
        let expected = "images 4 bad 0 ran 0 beyond 0 names ";
        opens(&browser, &out.join("report.html"), "Spectra of", expected);
    }
}

/// A page opens as it is, and a probe in it finds what is expected.
fn opens(browser: &str, page: &Path, title: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    // As it is: no complaint on the console, not even from the page's own policy.
    let (dom, console) = open(browser, page);
    assert_eq!(console, "");
    assert!(dom.contains(title));
    // With the policy taken off and a script of ours added, which looks for broken pictures and for a name that ran.
    let html = std::fs::read_to_string(page).unwrap();
    let start = html.find("<meta http-equiv").unwrap();
    let end = start + html[start..].find('>').unwrap() + 1;
    let probe = "<script>window.onload = () => {
        const images = [...document.images];
        const bad = images.filter(i => !(i.complete && i.naturalWidth > 0)).length;
        const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
        const names = [...document.querySelectorAll('h2.name')].map(h => h.textContent.length).join(' ');
        document.body.dataset.probe = `images ${images.length} bad ${bad} ran ${window.broken || 0} beyond ${wide} names ${names}`;
    };</script>";
    let probed = folder.path().join("probed.html");
    std::fs::write(&probed, format!("{}{probe}{}", &html[..start], &html[end..])).unwrap();
    let (dom, console) = open(browser, &probed);
    assert_eq!(console, "");
    let found = dom.split("data-probe=\"").nth(1).and_then(|rest| rest.split('"').next());
    assert_eq!(found, Some(expected), "{title}");
}

/// Maps of an image with this name, and all there is to tell of them.
fn export_maps(name: &str, out: &Path) {
    let (w, h) = (96, 72);
    let map = |f: fn(f32, f32) -> f32| {
        Map::over(w, h, (0..w * h).map(|i| f((i % w) as f32, (i / w) as f32)).collect()).unwrap()
    };
    let content = [map(|x, _| (x / 48.0 - 1.0).signum()), map(|_, y| y / 36.0 - 1.0)];
    let lattice = Lattice::new([12.0, 0.5], [-0.5, 12.0]).unwrap();
    let judgements: Vec<_> = content.iter().map(|map| judge(map, &lattice)).collect();
    let size = PixelSize::new(0.05, 0.05);
    let image = Micrograph::new(w, h, map(|x, y| (x * y).sin()).values, size).unwrap();
    let gpa = Gpa {
        reflections: [[1, 0], [0, 1]],
        displacement: content.clone(),
        strain: [content[0].clone(), content[1].clone(), content[0].clone()],
        rotation: content[1].clone(),
        aspect: 1.0,
        quality: content[1].clone(),
    };
    let report = |seed: u64| SeedReport::new(seed, (61.25, 0.5), 2.0, judgements.clone(), 3.0);
    let own = |seed: u64| SeedMaps { seed, content: content.to_vec() };
    let windows =
        Windows { window_px: 18.0, side: 18, average_px: 9.0, shift_prior_px: 2.0, noise: 0.1, sigma: 0.1 };
    let about = About {
        image: name.to_owned(),
        cell: Some(Cell { lattice, confidence: 0.9, cells: 48 }),
        message: name.to_owned(),
        windows: Some(windows),
        seed: 1,
        epochs: 20,
        stride: 1,
        complete: true,
        judgements: judgements.clone(),
        seeds: vec![report(4), report(7)],
        agreement: Some(0.9871),
        phase_analysis_r: Some([0.912, 0.834]),
        outliers: vec![Outlier { x: 10.0, y: 20.0, score: -7.5 }],
        verdict: Some("2 latents carry something.".into()),
        first_map_seconds: Some(1.5),
        seconds: Some(9.5),
        device: Some("CPU".into()),
        settings: serde_json::json!({ "seed": 4, "<i>": name }),
        command: Some(format!("nanotheca map '{name}'")),
        more: serde_json::Map::new(),
    };
    let segments = segments_of(&content[..1], size, 1);
    let folder = MapFolder {
        image: &image,
        content: &content,
        uncertainty: &content,
        shift: [&content[0], &content[1]],
        rotation: None,
        recon_error: Some(&content[1]),
        phase_analysis: Some(&gpa),
        aligned: &[own(4), own(7)],
        segments: segments.as_ref(),
        about: &about,
    };
    maps::export(&folder, out, |_| Ok(())).unwrap();
}

/// Peaks over a grid from a file with this name, and what was found in them.
fn export_spectra(name: &str, out: &Path) {
    let (rows, columns, points) = (6, 8, 24);
    let n = rows * columns;
    let values = (0..n * points).map(|i| (-0.5 * ((i % points) as f32 - 12.0).powi(2) / 9.0).exp());
    let x: Vec<f64> = (0..points).map(|i| i as f64).collect();
    let spectra = Spectra::over(x, values.clone().collect(), Some([rows, columns])).unwrap();
    let curve: Vec<f32> = values.take(points * 3).collect();
    let mut found = Found {
        shift: (0..n).map(|i| i as f64 / 10.0).collect(),
        latents: (0..2 * n).map(|i| if i % 2 == 0 { i as f32 / 40.0 } else { 0.0 }).collect(),
        sd: vec![0.1; 2 * n],
        error: vec![0.01; n],
        traversals: vec![curve.clone(), curve],
        steps: vec![-1.5, 0.0, 1.5],
        curve: vec![Loss { loss: 60.5, ..Loss::default() }, Loss { loss: 58.25, ..Loss::default() }],
        ..Found::default()
    };
    found.measure(2);
    let folder = SpectraFolder {
        name,
        spectra: &spectra,
        found: &found,
        unit: name,
        settings: serde_json::json!({ "latent": 2, "<i>": name }),
        seconds: 2.5,
        device: "CPU",
        command: Some(format!("nanotheca spectra '{name}'")),
    };
    folder
        .export(out, |path| {
            std::fs::write(path, "weights").map_err(|e| nanotheca::Error::io(path, "write", e))
        })
        .unwrap();
}

#[test]
fn the_reports_of_maps_and_spectra_say_what_was_found_and_names_are_text() {
    let folder = tempfile::tempdir().unwrap();
    for (i, name) in hostile().iter().enumerate() {
        let (maps, spectra) = (folder.path().join(format!("m{i}")), folder.path().join(format!("s{i}")));
        export_maps(name, &maps);
        export_spectra(name, &spectra);
        let read = |dir: &Path| std::fs::read_to_string(dir.join("report.html")).unwrap();
        for page in [read(&maps), read(&spectra)] {
            for bad in ["<script", "<img src=missing", "<i>"] {
                assert!(!page.contains(bad), "{name}: {bad}");
            }
            assert!(page.contains(&library::html::escape(name)), "{name}");
        }
        // Lattice in px and nm, judgements, what smooth maps cost, phase analysis, phases with areas, seeds.
        let page = read(&maps);
        for text in [
            "(12.000, 0.500) px, 12.010 px long; (0.6000, 0.0250) nm",
            "clean: a slow change",
            "−ELBO 61.25 nats a window; smoothness costs 1.000 nats a window (roughness 0.500)",
            "|r| = 0.912 along x and 0.834 along y",
            "nm²",
            "seeds agree by 0.987",
            "4 (shown)",
            "missing",
            "settings.seed",
            "The first map came after 1.5 s, all after 9.5 s, on CPU.",
            "nanotheca map ",
        ] {
            assert!(page.contains(text), "{text}");
        }
        let page = read(&spectra);
        for text in [
            "48 spectra of 24 points",
            "collapsed: it carries nothing",
            "58.25",
            "z0 = +1.5",
            "nanotheca spectra",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }
}

#[test]
fn the_page_says_what_the_latent_follows_and_where_the_model_fails() {
    let library = library();
    let page = page(&library);
    for text in [
        "<td>area</td><td>1.00</td>",
        "collapsed: it says nothing",
        "0.958",
        "nanotheca run",
        "calibration error",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let card = library::card::card(&library);
    for text in ["Accuracy 0.958 on 24 labels", "Seed 7", "- 1 of class"] {
        assert!(card.contains(text), "{text}: {card}");
    }
    assert!(!card.contains("<script>"), "{card}");
}
