use super::*;
use crate::library::Patches;
use crate::project::{MicrographEntry, Project};

fn library(class: &str) -> Library {
    let mut project = Project::new();
    let entry = MicrographEntry::new(format!("/data/{}.png", "m\"<b>"), 0, 100, 100, None, "hash");
    let (micrograph, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let (id, edit) = project.add_class_edit(class);
    project.apply(edit).unwrap();
    let mut ids = Vec::new();
    for i in 0..20 {
        let (particle, edit) = project.add_particle_edit(micrograph, i as f32, 5.0, Some(id));
        project.apply(edit).unwrap();
        ids.push(particle);
    }
    let pixels: Vec<f32> = (0..20 * 24 * 24).map(|i| (i % 251) as f32 / 250.0).collect();
    let patches = Patches { pixels: &pixels, side: 24, geometry: &project.patch };
    let mut library = Library::build(&project, &ids, &[], &[], patches).unwrap();
    library.settings = serde_json::json!({ "seed": 7, "training": { "latent": 2, "augmentation": null },
        "command": "nanotheca run '<script>'" });
    library
}

#[test]
fn whatever_a_person_named_is_text() {
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "纳米棒 ' & \u{202e}gnp",
        &"x".repeat(64),
    ] {
        let page = page(&library(hostile));
        assert!(page.contains(&escape(hostile)), "{hostile}");
        for bad in ["<script", "<img src=x", "\u{202e}", "<b>"] {
            assert!(!page.contains(bad), "{hostile}: {bad}");
        }
    }
    assert_eq!(escape("a<b> & \"c\" 'd'\u{7}"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\u{fffd}");
}

#[test]
fn every_setting_and_the_command_are_on_the_page() {
    let page = page(&library("rod"));
    for text in [
        "training.latent",
        "training.augmentation",
        "seed",
        "nanotheca run &#39;&lt;script&gt;&#39;",
        "20 particles",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("data:image/png;base64,").count(), 1, "one gallery; nothing else is known");
}

#[test]
fn plots_hold_every_value_and_survive_odd_ones() {
    let svg = charts::histogram(&[1.0, 2.0, 2.0, 3.0, 9.0, f64::NAN], "size").unwrap();
    assert!(svg.matches("class=\"bar\"").count() >= 3);
    assert!(charts::histogram(&[5.0; 9], "size").is_some());
    assert!(charts::histogram(&[5.0], "size").is_none());
    assert!(charts::rose(&[0.0, 359.9, -180.0, 90.0]).unwrap().contains("longest: 1"));
    assert!(charts::rose(&[]).is_none());
    for svg in [svg, charts::rose(&[1.0]).unwrap()] {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn no_two_ticks_have_the_same_number() {
    for (range, expected) in [
        ((284.0, 285.0), ["284", "284.2", "284.4"]),
        ((0.0, 1e-11), ["0", "2e-12", "4e-12"]),
        ((2.95e-10, 3.3e-10), ["3.0e-10", "3.1e-10", "3.2e-10"]),
        ((0.0, 0.8), ["0", "0.2", "0.4"]),
        ((-2000.0, 3000.0), ["-2000", "-1000", "0"]),
        ((0.0, 4e7), ["0", "1e7", "2e7"]),
    ] {
        let labels: Vec<String> =
            charts::labelled(charts::ticks(range, 5.0)).map(|(_, label)| label).collect();
        assert_eq!(labels[..3], expected, "{range:?}");
        let different: std::collections::BTreeSet<&String> = labels.iter().collect();
        assert_eq!(different.len(), labels.len(), "{labels:?}");
    }
    assert_eq!(charts::tidy(0.5, 0.02), "0.5");
}

#[test]
fn tiles_stand_row_by_row() {
    let (a, b, c) = ([1.0_f32; 4], [2.0_f32; 4], [3.0_f32; 4]);
    let (pixels, width, height) = mosaic(&[&a, &b, &c], 2, 2);
    assert_eq!((width, height), (5, 5));
    assert_eq!(pixels[0..5], [1.0, 1.0, 0.0, 2.0, 2.0]);
    assert_eq!(pixels[15..20], [3.0, 3.0, 0.0, 0.0, 0.0]);
}
