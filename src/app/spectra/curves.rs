//! The spectra: their mean, a few of them, and the one that is looked at beside what the model makes of it.

use super::run::{SpectraWork, Subject};
use super::{Eye, Field, lines, signed};
use crate::app::action::Action;
use crate::app::take::{self, Figure};
use egui::{Label, RichText, Role, Ui, WidgetInfo};
use egui_plot::{Line, LineStyle, PlotPoints};

/// Draws the pane.
pub fn ui(ui: &mut Ui, work: &SpectraWork, subject: &Subject, eye: &Eye, actions: &mut Vec<Action>) {
    let looked = eye.looked().filter(|i| *i < subject.spectra.count());
    let text = match looked {
        Some(i) => described(work, subject, i),
        None if work.found.is_some() => {
            "Point at a dot: its spectrum and what the model makes of it. A click keeps it.".into()
        }
        None => format!("The mean of {} and a few of them.", spectra(subject.spectra.count())),
    };
    ui.horizontal(|ui| {
        take::menu(ui, &[(Figure::Curves, true)], actions);
        ui.add(Label::new(RichText::new(text).small()).truncate());
    });
    let x = &subject.spectra.x;
    let colours = lines::Colours::of(ui.visuals());
    let model = work.answer.as_ref().filter(|(i, _)| Some(*i) == looked);
    let height = ui.available_height().max(90.0);
    let shown =
        lines::plot(ui, "spectra", work.axis(), "intensity (as in the file)", height).show(ui, |plot| {
            for i in &subject.few {
                let line = Line::new("some", lines::points(x, subject.spectra.of(*i)));
                plot.line(line.color(colours.faint).width(1.0).allow_hover(false));
            }
            let mean: Vec<[f64; 2]> = x.iter().zip(&subject.mean).map(|(x, y)| [*x, *y]).collect();
            plot.line(Line::new("mean", PlotPoints::new(mean)).color(colours.mean).width(1.8));
            if let Some(i) = looked {
                let line = Line::new(format!("spectrum {i}"), lines::points(x, subject.spectra.of(i)));
                plot.line(line.color(colours.accent).width(1.8));
            }
            if let Some((_, curve)) = model {
                let line = Line::new("model", lines::points(x, curve)).style(LineStyle::dashed_dense());
                plot.line(line.color(colours.model).width(2.2));
            }
        });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Spectra plot"));
}

/// "1200 spectra".
pub fn spectra(count: usize) -> String {
    format!("{count} spectra")
}

/// "Spectrum 12 (row 0, column 12): shift 0.31 eV, z0 0.52, error 0.021".
fn described(work: &SpectraWork, subject: &Subject, i: usize) -> String {
    let place = subject.spectra.grid.map_or_else(String::new, |[_, columns]| {
        format!(" (row {}, column {})", i / columns.max(1), i % columns.max(1))
    });
    let Some(found) = &work.found else { return format!("Spectrum {i}{place}") };
    let numbers: Vec<String> = Field::all(found)
        .into_iter()
        .map(|field| {
            let value = match field {
                Field::Latent(k) => found.latents.get(i * found.latent() + k).map(|v| f64::from(*v)),
                Field::Shift => found.shift.get(i).copied(),
                Field::Error => found.error.get(i).copied(),
            };
            let unit = if field == Field::Shift { format!(" {}", work.unit) } else { String::new() };
            format!("{} {}{}", field.name(), value.map_or_else(|| "–".into(), signed), unit.trim_end())
        })
        .collect();
    format!("Spectrum {i}{place}: {}", numbers.join(", "))
}
