//! Maps leave in files that other programs read: calibrated TIFF, NPY, pictures and tables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use nanotheca::library::figure::{Colours, Style, write_png};
use nanotheca::library::map::{write_labels, write_npy, write_profile, write_segments, write_tiff};
use nanotheca::library::maps::{About, MapFolder, export};
use nanotheca::micrograph::{Micrograph, PixelSize, format};
use nanotheca::order::{Gpa, Map, Method, Profile, segment};
use nanotheca::sample::spectra::SpectraRecipe;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// 40 x 30 values, one every 4 px from (10, 12), rising to the right; one is not known.
fn map() -> Map {
    let mut values: Vec<f32> = (0..1200).map(|i| (i % 40) as f32 * 0.25 - 3.0).collect();
    values[85] = f32::NAN;
    Map::new(40, 30, values, 4.0, [10.0, 12.0]).unwrap()
}

#[test]
fn a_map_comes_back_from_tiff_with_its_scale_and_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("z0.tif");
    write_tiff(&map(), PixelSize::new(0.0125, 0.02), &path).unwrap();
    let read = format::open(&path).unwrap();
    assert_eq!((read.width, read.height, read.replaced), (40, 30, 1));
    let size = read.pixel_size.unwrap();
    assert!((size.x_nm - 0.05).abs() < 1e-8 && (size.y_nm - 0.08).abs() < 1e-8, "{size:?}");
    assert_eq!(read.pixel(39, 29), Some(6.75));
    assert!(read.lost.unwrap()[85]);
    // Where the image has no scale the map has none, whatever its step.
    write_tiff(&map(), None, &path).unwrap();
    assert_eq!(format::open(&path).unwrap().pixel_size, None);
    let bytes = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("ImageJ=") && text.contains("xorigin=-2.5") && text.contains("yorigin=-3"));
}

#[test]
fn a_map_comes_back_from_npy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("z0.npy");
    write_npy(&map(), &path).unwrap();
    let read = npyz::NpyFile::new(BufReader::new(File::open(&path).unwrap())).unwrap();
    assert_eq!(read.shape(), [30, 40]);
    let values: Vec<f32> = read.into_vec().unwrap();
    assert!(values[85].is_nan() && values[86] == map().values[86]);
}

#[test]
fn segments_and_profiles_are_tables_with_units_in_their_heads() {
    let folder = tempfile::tempdir().unwrap();
    let phases = map().with((0..1200).map(|i| f32::from(u8::from(i % 40 >= 30))).collect()).unwrap();
    let size = PixelSize::new(0.5, 0.5);
    let found = segment(std::slice::from_ref(&phases), Some(2), Method::KMeans, size, 1).unwrap();
    let path = folder.path().join("segments.csv");
    write_segments(&found, &path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(
        rows,
        ["label,count,share,area_px,area_nm2,mean_z0", "1,900,0.75,14400,3600,0", "2,300,0.25,4800,1200,1",]
    );
    let labels = folder.path().join("segments.tif");
    write_labels(&found, size, &labels).unwrap();
    let read = format::open(&labels).unwrap();
    assert_eq!((read.pixel(0, 0), read.pixel(39, 3)), (Some(1.0), Some(2.0)));
    assert!((read.pixel_size.unwrap().x_nm - 2.0).abs() < 1e-6);

    let profile = Profile::along(&phases, [10.0, 40.0], [166.0, 40.0], 20.0).unwrap();
    let path = folder.path().join("profile.csv");
    write_profile(&profile, size, ("pm", 10.0), &path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("distance_px,distance_nm,value,sd,unit\n0,0,0,0,pm\n4,2,0,0,pm\n"), "{text}");
    assert!(text.trim_end().ends_with("156,78,10,0,pm"), "{text}");
}

#[test]
fn phase_analysis_leaves_in_nanometres_and_its_shear_knows_that_pixels_are_not_square() {
    let flat = |value: f32| Map::over(64, 48, vec![value; 64 * 48]).unwrap();
    let image = Micrograph::new(64, 48, vec![0.5; 64 * 48], PixelSize::new(0.1, 0.2)).unwrap();
    // du_x/dy = 0.01 - 0.005 and du_y/dx = 0.01 + 0.005, in pixels of 0.1 x 0.2 nm.
    let gpa = Gpa {
        reflections: [[1, 0], [0, 1]],
        displacement: [flat(2.0), flat(3.0)],
        strain: [flat(0.02), flat(-0.01), flat(0.01)],
        rotation: flat(0.005),
        aspect: 1.0,
        quality: flat(1.0),
    };
    // There and back, and told once: what is by this scale already stays.
    let told = gpa.on(image.pixel_size).unwrap();
    assert!(told.on(image.pixel_size).is_none() && gpa.on(None).is_none());
    let back = told.on(None).unwrap();
    assert!((back.strain[2].values[5] - 0.01).abs() < 1e-8 && (back.rotation.values[5] - 0.005).abs() < 1e-8);
    let (content, about) = ([flat(0.0)], About { image: "a.tif".into(), ..About::default() });
    let folder = MapFolder {
        image: &image,
        content: &content,
        uncertainty: &content,
        shift: [&content[0], &content[0]],
        rotation: None,
        recon_error: None,
        phase_analysis: Some(&gpa),
        aligned: &[],
        segments: None,
        about: &about,
    };
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("maps");
    let more = |inside: &Path| {
        std::fs::write(inside.join("more"), "").unwrap();
        Ok(())
    };
    export(&folder, &out, more).unwrap();
    let value = |name: &str| format::open(out.join(format!("{name}.tif"))).unwrap().pixels[100];
    let expected =
        [("gpa_x", 0.2), ("gpa_y", 0.6), ("strain_xx", 0.02), ("strain_yy", -0.01), ("strain_xy", 0.016_25)];
    for (name, expected) in expected {
        assert!((value(name) - expected).abs() < 1e-6, "{name} {}", value(name));
    }
    // Nothing of it is left half way, and what is not known is not made up.
    assert!(!out.join("segments.tif").exists() && !out.join("seed1_z0.tif").exists());
    assert!(out.join("more").is_file());
    let again = MapFolder { phase_analysis: Some(&told), ..folder };
    let second = out.with_file_name("again");
    export(&again, &second, |_| Ok(())).unwrap();
    let shear = format::open(second.join("strain_xy.tif")).unwrap().pixels[100];
    assert!((shear - 0.016_25).abs() < 1e-6, "{shear}");
    let folder = again;
    assert!(export(&folder, &out, |_| Ok(())).unwrap_err().to_string().contains("not empty"));
}

#[test]
fn pictures_are_written_and_a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("z0.png");
    let style = Style { colours: Colours::Sequential, range: None, unit: "nm".into() };
    write_png(&map(), PixelSize::new(0.05, 0.05), &style, &path).unwrap();
    let picture = image::open(&path).unwrap().to_rgb8();
    // The map is 12 times its size; colour bar and numbers stand to the right.
    assert!(picture.width() > 480 + 40 && picture.height() > 360);
    let blue = picture.get_pixel(14, 300).0;
    let yellow = picture.get_pixel(480, 300).0;
    assert!(blue[2] > blue[1] && yellow[1] > 150 && yellow[2] < 120, "{blue:?} {yellow:?}");
    let nowhere = folder.path().join("not there").join("z0.tif");
    for refused in [
        write_tiff(&map(), None, &nowhere),
        write_npy(&map(), &nowhere),
        write_png(&map(), None, &style, &nowhere),
    ] {
        assert!(refused.unwrap_err().to_string().contains("z0"));
    }
}

#[test]
fn spectra_are_the_published_ones() {
    let recipe = SpectraRecipe::default();
    let sample = recipe.draw();
    assert_eq!((sample.values.len(), sample.x.len()), (500_000, 100));
    assert!((sample.x[0] + 12.0).abs() < 1e-12 && (sample.x[99] - 12.0).abs() < 1e-12);
    assert!(sample.values.iter().all(|v| (0.0..=1.0).contains(v)));
    let within = |v: &[f64], low: f64, high: f64| v.iter().all(|v| (low..=high).contains(v));
    assert!(within(&sample.centre, -3.0, 3.0) && within(&sample.sigma, 0.5, 5.0));
    assert!(within(&sample.noise, 0.001, 0.099));
    // A narrow peak is highest where its centre says.
    let narrow = (0..5000).filter(|&i| sample.sigma[i] < 1.0 && sample.noise[i] < 0.03);
    assert!(narrow.clone().count() > 50);
    for i in narrow {
        let row = &sample.values[i * 100..(i + 1) * 100];
        let top = (0..100).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        assert!((sample.x[top] - sample.centre[i]).abs() < 0.6, "spectrum {i}");
    }
    assert_eq!(recipe.draw().values[..100], sample.values[..100]);
}
