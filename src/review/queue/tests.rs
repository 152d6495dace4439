use super::super::fixture;
use super::*;
use crate::particle::Prediction;

type Known = (Row, Option<Prediction>);

fn known(id: u64, p: [f32; 2], z: f32, recon_error: f32, label: Option<&str>) -> Known {
    let row = Row { label: label.map(str::to_owned), ..fixture::row(id) };
    (row, Some(Prediction { recon_error, ..fixture::prediction(&p, &[z]) }))
}

/// Forty sure particles near their labels, one of each reason among them, and one held-out doubt.
fn table() -> Table {
    let mut rows: Vec<Known> = (0..40)
        .map(|i| {
            let label = (i % 4 == 0).then_some("rod");
            known(i, [0.99, 0.01], 0.1 * ((i * 7) % 10) as f32, 0.010 + 0.0001 * (i % 9) as f32, label)
        })
        .collect();
    rows.push(known(100, [0.52, 0.48], 0.3, 0.010, None));
    rows.push(known(101, [0.03, 0.97], 0.3, 0.010, Some("rod")));
    rows.push(known(102, [0.99, 0.01], 9.0, 0.010, None));
    rows.push(known(103, [0.99, 0.01], 0.3, 0.200, None));
    let mut judge = known(104, [0.5, 0.5], 0.3, 0.3, Some("cube"));
    judge.0.held_out = true;
    rows.push(judge);
    fixture::table(rows)
}

#[test]
fn each_reason_finds_its_particle_and_the_judges_are_left_alone() {
    let questions = Review::default().questions(&table(), 10);
    let (sure, doubted): (Vec<&Question>, Vec<&Question>) =
        questions.iter().partition(|q| q.reason == Reason::SpotCheck);
    assert_eq!(sure.len(), 6, "there are no more doubts");
    let mut found: Vec<(u64, Reason)> = doubted.iter().map(|q| (q.id.0, q.reason)).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (100, Reason::Uncertain),
            (101, Reason::Conflict),
            (102, Reason::Unusual),
            (103, Reason::PoorlyDrawn)
        ]
    );
    let doubt = questions.iter().find(|q| q.id.0 == 100).unwrap();
    assert!((doubt.doubt - 0.48).abs() < 1e-6 && doubt.proposal == Some(0));
}

#[test]
fn nothing_is_asked_twice_and_undo_asks_again() {
    let (table, mut review) = (table(), Review::default());
    let mut asked = BTreeSet::new();
    while let Some(question) = review.questions(&table, 1).first() {
        assert!(asked.insert(question.id), "{question:?} again");
        review.answer(
            question.id,
            Answer { changed: question.reason == Reason::Conflict, ..Answer::default() },
        );
    }
    // Four doubts and the thirty that it is sure of.
    assert_eq!(asked.len(), 34);
    let progress = review.progress(&table);
    assert_eq!((progress.answered, progress.changed, progress.left, progress.sure), (34, 1, 0, 0));
    review.forget(ParticleId(101));
    assert_eq!(review.questions(&table, 5).iter().map(|q| q.id.0).collect::<Vec<_>>(), [101]);
    assert_eq!(review.progress(&table).changed, 0);
}

#[test]
fn doubts_come_before_spot_checks_but_do_not_crowd_them_out() {
    let mut rows: Vec<Known> = (0..50).map(|i| known(i, [0.6, 0.4], 0.1 * i as f32, 0.01, None)).collect();
    rows.extend((50..100).map(|i| known(i, [0.99, 0.01], 0.1 * i as f32, 0.01, None)));
    rows.push(known(200, [1.0, 0.0], 5.0, 0.01, Some("rod")));
    let table = fixture::table(rows);
    let questions = Review::default().questions(&table, 10);
    assert_eq!(questions[0].reason, Reason::Uncertain);
    let sure: Vec<u64> = questions.iter().filter(|q| q.reason == Reason::SpotCheck).map(|q| q.id.0).collect();
    assert_eq!(sure.len(), 3, "{questions:?}");
    // They lie apart, and not where a doubt was asked about.
    assert!(sure.iter().all(|a| *a >= 50 && sure.iter().all(|b| a == b || a.abs_diff(*b) > 5)), "{sure:?}");
    let progress = Review::default().progress(&table);
    assert_eq!((progress.left, progress.sure), (50, 50));
}

#[test]
fn labels_that_judge_make_nothing_unusual() {
    // More than half are held out, as in the sample: measured by them, every other particle would be far off.
    let mut rows: Vec<Known> = (0..60)
        .map(|i| {
            let mut one = known(i, [0.99, 0.01], 0.1 * ((i * 7) % 10) as f32, 0.01, Some("rod"));
            one.0.held_out = i % 30 != 0;
            one
        })
        .collect();
    rows.extend((100..140).map(|i| known(i, [0.99, 0.01], 0.1 * ((i * 3) % 10) as f32, 0.01, None)));
    let progress = Review::default().progress(&fixture::table(rows));
    assert_eq!((progress.left, progress.sure), (0, 40));
}

#[test]
fn a_class_that_the_model_does_not_know_is_no_conflict() {
    let mut rows = vec![known(1, [0.99, 0.01], 0.0, 0.01, Some("wire"))];
    rows.push(known(2, [0.99, 0.01], 0.1, 0.01, Some("cube")));
    let table = fixture::table(rows);
    let questions = Review::default().questions(&table, 5);
    assert_eq!(questions.iter().map(|q| (q.id.0, q.reason)).collect::<Vec<_>>(), [(2, Reason::Conflict)]);
    // With nothing else labelled there is no distance to a label either.
    assert!(to_labelled(&table, &Features::of(&table))[0].is_finite());
    assert!(
        to_labelled(&fixture::table([known(1, [0.9, 0.1], 0.0, 0.0, None)]), &Features::of(&table))[0]
            .is_infinite()
    );
}

#[test]
fn questions_are_diverse_not_only_uncertain() {
    // Two clusters of doubts; the more uncertain one is far larger.
    let mut rows: Vec<Known> =
        (0..30).map(|i| known(i, [0.51, 0.49], 1.0 + 0.001 * i as f32, 0.01, None)).collect();
    rows.extend((0..5).map(|i| known(100 + i, [0.58, 0.42], -3.0 + 0.001 * i as f32, 0.01, None)));
    rows.push(known(200, [1.0, 0.0], 0.0, 0.01, Some("rod")));
    let table = fixture::table(rows);
    let questions = Review::default().questions(&table, 4);
    assert!(
        questions.iter().any(|q| q.id.0 < 100) && questions.iter().any(|q| q.id.0 >= 100),
        "{questions:?}"
    );
}

#[test]
fn an_empty_table_asks_nothing() {
    assert!(Review::default().questions(&Table::default(), 5).is_empty());
    assert_eq!(Review::default().progress(&Table::default()), Progress::default());
}

#[test]
fn however_many_are_labelled_a_thousand_stand_for_them() {
    let mut rows: Vec<Known> = (0..4500)
        .map(|i| known(i, [0.99, 0.01], 0.001 * (i % 1000) as f32, 0.01, (i % 3 != 0).then_some("rod")))
        .collect();
    rows.push(known(9999, [0.99, 0.01], 40.0, 0.01, None));
    let table = fixture::table(rows);
    let found = references(&table);
    assert!(found.len() <= REFERENCES && 2 * found.len() > REFERENCES, "{}", found.len());
    assert!(found.iter().all(|i| table.rows[*i].label.is_some()));
    assert!(found[0] < 10 && found[found.len() - 1] > 4490);
    // The one that is unlike all of them is found all the same.
    let questions = Review::default().questions(&table, 3);
    assert!(questions.iter().any(|q| (q.id.0, q.reason) == (9999, Reason::Unusual)), "{questions:?}");
}
