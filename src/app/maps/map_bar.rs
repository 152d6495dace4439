//! Over and under the map: which one, how it is coloured, and what it is worth.

use super::super::panes::row;
use super::colour::Scale;
use super::field::{Field, Shown};
use super::run::{Ask, Maps};
use super::sight::Sight;
use super::tone;
use crate::app::action::Action;
use crate::micrograph::PixelSize;
use crate::order::Judgement;
use crate::worker::mapping::{MapSet, SeedReport, Summary};
use egui::{ComboBox, Label, RichText, Slider, Ui};

/// Height of the histogram with its margins.
const HISTOGRAM: f32 = 66.0;
/// Height of the sentence about the map.
const VERDICT: f32 = 40.0;

/// Which map is shown and how strongly.
pub fn ui(ui: &mut Ui, maps: &Option<&Maps>, sight: &mut Sight, actions: &mut Vec<Action>) {
    row(ui, |ui| {
        let Some(maps) = maps else {
            ui.weak("No map yet");
            return;
        };
        let Some(set) = &maps.set else { return };
        let before = sight.shown;
        ComboBox::from_id_salt("which map")
            .selected_text(sight.shown.name())
            .width(96.0)
            // All maps at once, where the window is high enough.
            .height(420.0)
            .show_ui(ui, |ui| choices(ui, set, &mut sight.shown))
            .response
            .on_hover_text("Which map")
            .accessible_name("Which map");
        if sight.shown != before {
            if let Shown::Two(i, j) = sight.shown {
                sight.axes = [i, j];
            }
            if let (Some(line), true) = (sight.line, sight.shown.field() != before.field()) {
                actions.push(Action::Maps(Ask::Profile(Some((sight.shown.field(), line)))));
            }
        }
        if let Shown::One(field) = sight.shown {
            let mut tone = sight.tone(field);
            let name = Scale::ALL.iter().find(|(scale, _)| *scale == tone.scale).map_or("", |(_, name)| name);
            ComboBox::from_id_salt("colours")
                .selected_text(name)
                .width(88.0)
                .show_ui(ui, |ui| {
                    for (scale, name) in Scale::ALL {
                        if ui.selectable_value(&mut tone.scale, scale, name).clicked() {
                            tone.range = None;
                        }
                    }
                })
                .response
                .accessible_name("Colours of the map");
            sight.set_tone(field, tone);
        }
        ui.spacing_mut().slider_width = 64.0;
        let opacity = Slider::new(&mut sight.opacity, 0.0..=1.0).show_value(false);
        ui.add(opacity)
            .on_hover_text(format!("Opacity over the image: {:.0} %", 100.0 * sight.opacity))
            .accessible_name("Opacity of the map over the image");
    });
}

fn choices(ui: &mut Ui, set: &MapSet, shown: &mut Shown) {
    let n = set.content.len();
    for i in 0..n {
        for j in i + 1..n {
            let two = Shown::Two(i, j);
            ui.selectable_value(shown, two, two.name())
                .on_hover_text("Two latents in one picture, with its key.");
        }
    }
    for field in Field::all(set) {
        ui.selectable_value(shown, Shown::One(field), field.name()).on_hover_text(field.meaning());
    }
    ui.selectable_value(shown, Shown::Segments, "segments")
        .on_hover_text("Pixels with alike latents, as labelled phases.");
}

/// How much room [`foot`] takes; it does not change from frame to frame.
pub fn foot_height(maps: &Option<&Maps>, sight: &Sight) -> f32 {
    match (maps, sight.shown) {
        (None, _) => 0.0,
        (Some(_), Shown::One(_)) => HISTOGRAM + VERDICT,
        (Some(_), _) => VERDICT,
    }
}

/// The histogram and what the map is worth.
pub fn foot(ui: &mut Ui, maps: &Option<&Maps>, size: Option<PixelSize>, sight: &mut Sight) {
    let Some((maps, set)) = maps.and_then(|maps| Some((maps, maps.set.clone()?))) else { return };
    let frame = egui::Frame::new().fill(ui.visuals().panel_fill).inner_margin(egui::Margin::symmetric(8, 4));
    frame.show(ui, |ui| {
        ui.take_available_width();
        if let Shown::One(field) = sight.shown
            && let Some(spread) = sight.spread(&set, field, maps.revision)
        {
            let mut tone = sight.tone(field);
            tone::histogram(ui, field, size, &spread, &mut tone);
            sight.set_tone(field, tone);
            ui.add_space(4.0);
        }
        let (numbers, verdict) = sentences(&set, maps.summary.as_deref(), sight.shown);
        for text in [numbers, verdict] {
            ui.add(Label::new(RichText::new(&text).small()).truncate()).on_hover_text(text);
        }
    });
}

/// Numbers of the shown map, and what they mean.
fn sentences(set: &MapSet, summary: Option<&Summary>, shown: Shown) -> (String, String) {
    match shown {
        Shown::One(Field::Content(i)) => match set.judgements.get(i) {
            Some(judgement) => {
                let of_run = summary.map(|summary| of_run(summary, summary.seeds.first()));
                (numbers(judgement) + &of_run.unwrap_or_default(), judgement.verdict.clone())
            }
            None => {
                (String::new(), "Without a lattice it cannot be said how much of it shows through.".into())
            }
        },
        Shown::One(field @ (Field::Shift(axis) | Field::PhaseAnalysis(axis))) => {
            let r = summary.and_then(|summary| summary.phase_analysis_r).and_then(|r| r.get(axis).copied());
            let r = r.map(|r| format!("|r| = {r:.2} between the shift and phase analysis"));
            (r.unwrap_or_default(), field.meaning().into())
        }
        Shown::One(field @ Field::Seed { seed, latent }) => {
            let report = summary.and_then(|summary| summary.seeds.iter().find(|s| s.seed == seed));
            let judged = report.and_then(|report| report.judgements.get(latent)).map(numbers);
            let of_run = summary.map(|summary| of_run(summary, report));
            (judged.unwrap_or_default() + &of_run.unwrap_or_default(), field.meaning().into())
        }
        Shown::One(field) => (String::new(), field.meaning().into()),
        Shown::Two(i, j) => {
            let verdict = |k: usize| {
                let judgement = set.judgements.get(k)?;
                Some(format!("z{k}: {}", judgement.verdict))
            };
            let said: Vec<String> = [i, j].into_iter().filter_map(verdict).collect();
            let [first, second] = [0, 1].map(|k| said.get(k).cloned().unwrap_or_default());
            (first, second)
        }
        Shown::Segments => {
            (String::new(), "Pixels with alike latents; areas stand in the pane Segments.".into())
        }
    }
}

/// What a seed explains, and whether all agree: "  −ELBO 61.2  seeds agree 0.97".
fn of_run(summary: &Summary, seed: Option<&SeedReport>) -> String {
    let mut words = seed.map_or_else(String::new, |seed| format!("  −ELBO {:.1}", seed.negative_elbo));
    if let Some(agreement) = summary.agreement {
        words += &format!("  seeds agree {agreement:.2}");
    }
    words
}

/// "leakage 0.01  roughness 0.03  sd 0.95".
pub fn numbers(judgement: &Judgement) -> String {
    let Judgement { leakage, roughness, sd, .. } = judgement;
    format!("leakage {leakage:.3}  roughness {roughness:.3}  sd {sd:.2}")
}
