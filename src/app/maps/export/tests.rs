use super::*;
use crate::app::maps::brush::tests::set;
use crate::app::picture::Picture;
use crate::micrograph::Micrograph;
use crate::order::Method;
use crate::particle::MicrographId;
use crate::worker::mapping::MapSettings;
use crate::worker::message::DeviceChoice;

/// A file in place of a model's.
fn model(folder: &Path) -> PathBuf {
    let path = folder.join("a model");
    std::fs::write(&path, "weights").unwrap();
    path
}

#[test]
fn a_folder_holds_the_maps_and_the_next_one_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let set = set();
    let image = Micrograph::new(80, 60, vec![0.0; 4800], None).unwrap();
    let size = PixelSize::new(0.01, 0.01);
    let segments = segment(&set.content, Some(2), Method::KMeans, size, 1).map_err(|e| e.to_string());
    let export = MapExport {
        subject: Subject {
            id: MicrographId(1),
            name: "a.b.png".into(),
            picture: Arc::new(Picture::new(image)),
            path: "/data/a.b.png".into(),
            page: 1,
            steps: Vec::new(),
            pixel_size: size,
            choice: DeviceChoice::Cpu,
        },
        set: Arc::new(set),
        revision: 1,
        plan: None,
        summary: None,
        segments: Some(Arc::new(Segmented {
            revision: 1,
            k: Some(2),
            method: Method::KMeans,
            result: segments,
        })),
        wall: None,
        device: None,
        left_out: 2,
        model: model(folder.path()),
    };
    let dir = export.export(folder.path()).unwrap();
    assert_eq!(dir, folder.path().join("a.b-maps"));
    for name in [
        "two_latents.png",
        "segments.tif",
        "segments.csv",
        "segments.png",
        "map.json",
        "report.html",
        "model.safetensors",
    ] {
        assert!(dir.join(name).is_file(), "{name}");
    }
    let maps = std::fs::read_dir(&dir).unwrap().flatten();
    let tiffs = maps.filter(|file| file.path().extension().is_some_and(|end| end == "tif")).count();
    assert_eq!(tiffs, 7, "two latents, how sure they are, two shifts and the segments");
    let back = crate::micrograph::format::open(dir.join("segments.tif")).unwrap();
    assert_eq!((back.width, back.height), (40, 30));
    assert!((back.pixel_size.unwrap().x_nm - 0.02).abs() < 1e-6);
    assert_eq!(export.export(folder.path()).unwrap(), folder.path().join("a.b-maps-2"));
}

#[test]
fn what_was_found_in_older_maps_or_by_an_older_scale_is_found_anew() {
    let folder = tempfile::tempdir().unwrap();
    let set = set();
    let image = Micrograph::new(80, 60, vec![0.0; 4800], None).unwrap();
    let (then, now) = (PixelSize::new(1.0, 1.0), PixelSize::new(0.5, 0.5));
    // Of maps in which every value was another: one phase, and a line along which nothing changes.
    let flat = set.content[0].with(vec![0.0; 1200]).unwrap();
    let old = segment(&[flat], Some(1), Method::KMeans, then, 1).unwrap();
    let line = Line { from: [10.0, 30.0], to: [70.0, 30.0], breadth: 4.0 };
    let mut earlier = set.clone();
    earlier.content[0].values.fill(0.5);
    let mut export = MapExport {
        subject: Subject {
            id: MicrographId(1),
            name: "a.png".into(),
            picture: Arc::new(Picture::new(image)),
            path: "/data/a.png".into(),
            page: 1,
            steps: Vec::new(),
            pixel_size: now,
            choice: DeviceChoice::Cpu,
        },
        set: Arc::new(set),
        revision: 2,
        plan: None,
        summary: None,
        segments: Some(Arc::new(Segmented {
            revision: 1,
            k: Some(2),
            method: Method::KMeans,
            result: Ok(old),
        })),
        wall: Some(Arc::new(Wall::measured(
            &earlier,
            None,
            1,
            crate::app::maps::field::Field::Content(0),
            line,
        ))),
        device: None,
        left_out: 2,
        model: model(folder.path()),
    };
    let dir = export.export(folder.path()).unwrap();
    let rows = std::fs::read_to_string(dir.join("segments.csv")).unwrap();
    assert_eq!(rows.lines().count(), 3, "two phases, as they were asked for: {rows}");
    let profile = std::fs::read_to_string(dir.join("profile.csv")).unwrap();
    let values: Vec<f64> =
        profile.lines().skip(1).filter_map(|row| row.split(',').nth(2)?.parse().ok()).collect();
    assert!(values[values.len() - 1] - values[0] > 1.0, "the profile is of the older maps: {profile}");
    // A shift is told as everywhere: in picometres, and what no command makes again is said.
    let document = std::fs::read_to_string(dir.join("map.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["command_leaves_out"], json!(["what did not count: 2 regions"]));
    let step = |export: &MapExport| {
        let dir = export.export(folder.path()).unwrap();
        let text = std::fs::read_to_string(dir.join("profile.csv")).unwrap();
        assert!(text.starts_with("distance_px,distance_nm,value,sd,unit\n"), "{text}");
        let cells: Vec<Vec<String>> =
            text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect()).collect();
        let value = |row: &[String]| row[2].parse::<f64>().unwrap();
        (value(&cells[cells.len() - 2]) - value(&cells[1]), cells[1][4].clone())
    };
    let shift = crate::app::maps::field::Field::Shift(0);
    let mut other = (*export.set).clone();
    other.shift[0] = other.content[0].clone();
    export.set = Arc::new(other);
    export.wall = Some(Arc::new(Wall::measured(&export.set, None, 2, shift, line)));
    let (pm, unit) = step(&export);
    export.subject.pixel_size = None;
    let (px, in_px) = step(&export);
    export.subject.pixel_size = now;
    assert_eq!((unit.as_str(), in_px.as_str()), ("pm", "px"));
    assert!(px.abs() > 0.5 && (pm - 500.0 * px).abs() < 1e-6 * pm.abs(), "{pm} pm, {px} px");
    // Of these maps, but found while another scale was known.
    let found = segment(&export.set.content, Some(2), Method::KMeans, then, 1).unwrap();
    let px = found.segments[0].area_px;
    export.segments =
        Some(Arc::new(Segmented { revision: 2, k: Some(2), method: Method::KMeans, result: Ok(found) }));
    let dir = export.export(folder.path()).unwrap();
    let rows = std::fs::read_to_string(dir.join("segments.csv")).unwrap();
    let first: Vec<&str> = rows.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(first[4].parse::<f64>().unwrap(), 0.25 * px, "{rows}");
}

#[test]
fn a_folder_of_a_run_that_was_stopped_says_that_the_command_goes_on() {
    let settings = MapSettings { epochs: 24, ..MapSettings::default() };
    let plan = Plan {
        found: None,
        message: String::new(),
        window_px: 12.0,
        side: 12,
        average_px: 0.0,
        shift_px: 1.0,
        sigma: 0.1,
        noise: 0.1,
        range: [0.0, 1.0],
        settings,
    };
    let image = Micrograph::new(80, 60, vec![0.0; 4800], None).unwrap();
    let mut export = MapExport {
        subject: Subject {
            id: MicrographId(1),
            name: "a.png".into(),
            picture: Arc::new(Picture::new(image)),
            path: "/data/a.png".into(),
            page: 0,
            steps: Vec::new(),
            pixel_size: None,
            choice: DeviceChoice::Cpu,
        },
        set: Arc::new(MapSet { epoch: 5, last: false, ..set() }),
        revision: 1,
        plan: Some(Arc::new(plan)),
        summary: None,
        segments: None,
        wall: None,
        device: None,
        left_out: 0,
        model: PathBuf::new(),
    };
    let said = |export: &MapExport| {
        let about = export.about(None);
        assert!(about.command.is_some_and(|command| command.contains("epochs=24")));
        about.more["command_leaves_out"].clone()
    };
    let all = "the stop: these maps were drawn after 5 of 24 epochs; the command runs all of them";
    assert_eq!(said(&export), json!([all]));
    export.set = Arc::new(MapSet { epoch: 24, last: false, ..set() });
    assert!(said(&export)[0].as_str().unwrap().contains("before the finest maps"));
    export.set = Arc::new(MapSet { epoch: 24, ..set() });
    assert_eq!(said(&export), serde_json::Value::Null);
}
