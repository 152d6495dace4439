use super::super::fixture;
use super::*;
use crate::particle::Prediction;
use crate::particle::describe::Descriptors;
use proptest::prelude::*;

fn known(
    id: u64,
    p_rod: f32,
    area: Option<f64>,
    label: Option<&str>,
    nm: Option<f64>,
) -> (Row, Option<Prediction>) {
    let described = |area: f64| Descriptors {
        area,
        equivalent_diameter: area.sqrt(),
        aspect_ratio: 2.0,
        feret_max: 30.0,
        feret_min: 15.0,
        circularity: 0.8,
        angle_deg: 30.0,
        mean_intensity: 0.7,
        local_background: 0.1,
    };
    let row = Row {
        micrograph: if id < 3 { "a b.tif".into() } else { "c.tif".into() },
        x: 10.0 * id as f32,
        y: 5.0,
        label: label.map(str::to_owned),
        held_out: id == 4,
        measured: area.map(described),
        nm_per_px: nm,
        pitch_px: 3.0,
        ..fixture::row(id)
    };
    let said = Prediction {
        angle_rad: 0.5,
        shift_px: [1.0, -1.0],
        recon_error: 0.01 * id as f32,
        ..fixture::prediction(&[p_rod, 1.0 - p_rod], &[id as f32 / 10.0, 0.0])
    };
    (row, Some(said))
}

fn table() -> Table {
    fixture::table([
        known(1, 0.95, Some(100.0), None, Some(2.0)),
        known(2, 0.60, Some(120.0), Some("cube"), Some(2.0)),
        known(3, 0.30, Some(50.0), None, Some(2.0)),
        known(4, 0.45, None, Some("rod"), None),
    ])
}

fn found(text: &str) -> Vec<u64> {
    let table = table();
    Query::parse(text, &table)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
        .find(&table)
        .iter()
        .map(|id| id.0)
        .collect()
}

fn refused(text: &str) -> String {
    Query::parse(text, &table()).expect_err(text).to_string()
}

#[test]
fn the_example_of_the_handbook() {
    assert_eq!(found("p < 0.7 and area > 400 nm2"), [2]);
    assert_eq!(found("p < 70 % AND area > 100 px2"), [2]);
}

#[test]
fn units_count() {
    // 100 px2 at 2 nm a pixel are 400 nm2; the fourth has neither outline nor scale.
    assert_eq!(found("area = 400 nm2"), [1]);
    assert_eq!(found("area >= 0.0004 um²"), [1, 2]);
    assert_eq!(found("feret_max > 59 nm"), [1, 2, 3]);
    assert_eq!(found("not (area > 1 nm2)"), [4]);
    // One patch pixel to the right is 3 px of the micrograph, 6 nm.
    assert_eq!(found("shift_x = 6 nm"), [1, 2, 3]);
    assert_eq!(found("shift_y = -3 px"), [1, 2, 3, 4]);
    assert_eq!(found("angle > 0.4 rad and angle < 30 deg"), [1, 2, 3, 4]);
    assert_eq!(found("angle > 28° and angle < 29 °"), [1, 2, 3, 4]);
}

#[test]
fn and_binds_closer_than_or_and_brackets_closest() {
    assert_eq!(found("p(rod) > 0.9 or p(cube) > 0.5 and error > 0.035"), [1, 4]);
    assert_eq!(found("(p(rod) > 0.9 or p(cube) > 0.5) and error > 0.025"), [3, 4]);
    assert_eq!(found("not not z1 >= 0.3"), [3, 4]);
}

#[test]
fn names_are_compared_too() {
    // The fourth was labelled a rod to judge the model, which calls it a cube.
    assert_eq!(found("class = rod"), [1]);
    assert_eq!(found("label = rod and class = cube"), [4]);
    assert_eq!(found("predicted = cube"), [3, 4]);
    assert_eq!(found("label = none"), [1, 3]);
    assert_eq!(found("micrograph = \"a b.tif\""), [1, 2]);
    assert_eq!(found("labelled and not held_out"), [2]);
    assert_eq!(found("label != rod or label = 'rod'").len(), 4);
}

#[test]
fn a_mistake_is_named_with_its_place_and_a_way_out() {
    for (text, parts) in [
        ("", vec!["at character 1", "empty"]),
        ("area > 400", vec!["at character 11", "nm2, um2 or px2"]),
        ("feret_max > 5 nm2", vec!["needs its unit", "nm, um or px"]),
        ("aera > 4 nm2", vec!["at character 1", "did you mean `area`"]),
        ("p < ", vec!["a number is missing"]),
        ("p 0.7", vec!["after `p` comes one of"]),
        ("p < 0.7 area > 1 nm2", vec!["`p` has no unit `area`"]),
        ("(p < 0.7", vec!["not closed"]),
        ("p < 0.7)", vec!["at character 8", "not expected"]),
        ("z9 > 1", vec!["no latent 9", "the model has 2"]),
        ("class = sphere", vec!["no class `sphere`", "rod, cube"]),
        ("p(sphere) > 0.1", vec!["no class `sphere`"]),
        ("micrograph = 'x.tif", vec!["not closed"]),
        ("p < 0..7", vec!["`0..7` is not a number"]),
        ("p & 1", vec!["`&` has no meaning"]),
        ("p < 0.5 and", vec!["a condition is missing"]),
    ] {
        let message = refused(text);
        for part in parts {
            assert!(message.contains(part), "{text}: {message}");
        }
    }
    assert!(refused(&"(".repeat(500)).contains("too many brackets"));
}

proptest! {
    #[test]
    fn whatever_is_typed_is_answered(text in ".{0,80}") {
        let table = table();
        if let Ok(query) = Query::parse(&text, &table) {
            prop_assert!(query.find(&table).len() <= table.rows.len());
        }
    }

    #[test]
    fn whatever_looks_like_a_query_is_answered(words in prop::collection::vec(prop::sample::select(vec![
        "p", "area", "<", ">", "=", "0.5", "nm2", "and", "or", "not", "(", ")", "z1", "class", "rod", "%", "-", "e", "'",
    ]), 0..12)) {
        let table = table();
        if let Ok(query) = Query::parse(&words.join(" "), &table) {
            prop_assert!(query.find(&table).len() <= table.rows.len());
        }
    }
}

#[test]
fn a_written_comparison_means_what_it_was_written_from() {
    let table = table();
    for variable in table.variables() {
        let values = table.column(&variable);
        for above in [true, false] {
            // Midway between the second and the third value, so that rounding moves nothing across.
            let mut known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
            known.sort_by(f64::total_cmp);
            known.dedup();
            let Some([a, b]) = known.get(..2).and_then(|two| <[f64; 2]>::try_from(two).ok()) else {
                continue;
            };
            let limit = f64::midpoint(a, b);
            let text = comparison(&variable, above, limit, &table);
            let found = Query::parse(&text, &table).unwrap_or_else(|error| panic!("{text}: {error}"));
            let expected: Vec<ParticleId> = (table.rows.iter().zip(&values))
                .filter(|(_, v)| v.is_finite() && (**v > limit) == above)
                .map(|(row, _)| row.id)
                .collect();
            assert_eq!(found.find(&table), expected, "{text}");
        }
    }
    assert_eq!(comparison(&Variable::Error, true, 0.012_345_6, &table), "error > 0.01235");
}
