//! How large a pixel is: typed with its unit, or told by a line along the picture's own scale bar.

use super::action::Action;
use super::state::State;
use crate::micrograph::PixelSize;
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use egui::{ComboBox, DragValue, Ui};

/// A unit of length, as people at microscopes use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LengthUnit {
    Picometre,
    Angstrom,
    #[default]
    Nanometre,
    Micrometre,
}

impl LengthUnit {
    pub const ALL: [LengthUnit; 4] =
        [LengthUnit::Picometre, LengthUnit::Angstrom, LengthUnit::Nanometre, LengthUnit::Micrometre];

    pub fn name(self) -> &'static str {
        match self {
            LengthUnit::Picometre => "pm",
            LengthUnit::Angstrom => "Å",
            LengthUnit::Nanometre => "nm",
            LengthUnit::Micrometre => "µm",
        }
    }

    /// Nanometres.
    pub fn nm(self) -> f64 {
        match self {
            LengthUnit::Picometre => 1e-3,
            LengthUnit::Angstrom => 0.1,
            LengthUnit::Nanometre => 1.0,
            LengthUnit::Micrometre => 1e3,
        }
    }
}

/// A small list of units.
pub fn unit_combo(ui: &mut Ui, name: &str, unit: &mut LengthUnit) {
    let shown = ComboBox::from_id_salt(name).selected_text(unit.name()).width(44.0).show_ui(ui, |ui| {
        for choice in LengthUnit::ALL {
            ui.selectable_value(unit, choice, choice.name());
        }
    });
    shown.response.accessible_name(name);
}

/// The field for the pixel size; `unit` is a matter of the panel, not of the project.
pub fn pixel_size(
    ui: &mut Ui,
    entry: &MicrographEntry,
    typed: &mut Option<(crate::particle::MicrographId, f64)>,
    unit: &mut LengthUnit,
    actions: &mut Vec<Action>,
) {
    let label = ui.label("Pixel size");
    let known = entry.pixel_size.map_or(0.0, |size| size.x_nm) / unit.nm();
    let mut value = match *typed {
        Some((id, value)) if id == entry.id => value,
        _ => known,
    };
    let field = DragValue::new(&mut value)
        .range(0.0..=1e9)
        .speed((known * 0.002).max(0.001))
        .update_while_editing(false)
        .custom_formatter(|value, _| if value > 0.0 { significant(value) } else { "unknown".into() })
        .custom_parser(size_typed);
    let field = ui.add(field).labelled_by(label.id).on_hover_text(
        "Of a pixel, from the file or typed here; left empty it is unknown. Patches are cut in nanometres when it is known.",
    );
    if field.dragged() && known > 0.0 {
        // A drag that goes too far to the left makes it small, not unknown.
        value = value.max(known * 0.01);
    }
    if field.changed() {
        *typed = Some((entry.id, value));
    }
    let settled = !field.dragged() && !field.has_focus();
    if let (true, Some((id, value))) = (settled, *typed) {
        *typed = None;
        // The field shows fewer digits than the file may have: what is left as it was is no change.
        if id == entry.id && significant(value) != significant(known) {
            let nm = value * unit.nm();
            actions.extend(change(entry, (value > 0.0).then_some(nm)));
        }
    }
    let before = *unit;
    unit_combo(ui, "Unit of the pixel size", unit);
    if *unit != before {
        *typed = None;
    }
}

/// What somebody typed: a size above 0, or 0 for nothing at all, which is unknown. Anything else is no answer, and the size
/// stays as it is.
fn size_typed(text: &str) -> Option<f64> {
    match text.trim() {
        "" | "unknown" => Some(0.0),
        text => text.replace(',', ".").parse().ok().filter(|size: &f64| size.is_finite() && *size > 0.0),
    }
}

/// Five digits are more than any microscope's calibration is worth.
fn significant(value: f64) -> String {
    let digits = (4.0 - value.log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The change to a pixel of this size along x, with the ratio of the sides kept.
fn change(entry: &MicrographEntry, x_nm: Option<f64>) -> Option<Action> {
    let ratio = entry.pixel_size.map_or(1.0, |size| size.y_nm / size.x_nm);
    let pixel_size = x_nm.and_then(|x| PixelSize::new(x, x * ratio));
    let edit = Edit::ChangeMicrograph(MicrographEntry { pixel_size, ..entry.clone() });
    (pixel_size != entry.pixel_size).then(|| Action::Change { name: "change pixel size".into(), edit })
}

/// Asks how long the line of `length_px` pixels is; true when answered.
pub fn ask(
    ui: &mut Ui,
    state: &State,
    length_px: f32,
    text: &mut String,
    unit: &mut LengthUnit,
    actions: &mut Vec<Action>,
) -> bool {
    ui.label(format!("The line is {length_px:.1} pixels long. How long is it on the specimen?"));
    let mut entered = false;
    ui.horizontal(|ui| {
        let field = ui.add(egui::TextEdit::singleline(text).desired_width(120.0)).accessible_name("Length");
        entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if !entered {
            field.request_focus();
        }
        unit_combo(ui, "Unit of the length", unit);
    });
    let length = text.trim().replace(',', ".").parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0);
    if let Some(length) = length {
        ui.weak(format!("A pixel is then {} {}.", significant(length / f64::from(length_px)), unit.name()));
    } else {
        ui.weak("Type the number that stands at the scale bar.");
    }
    let mut close = false;
    ui.horizontal(|ui| {
        let set = ui.add_enabled(length.is_some(), egui::Button::new("Set the pixel size")).clicked();
        if (set || entered)
            && let (Some(length), Some(entry)) =
                (length, state.shown.and_then(|id| state.project.micrograph(id)))
        {
            // Along any direction: the line was measured in pixels along x.
            actions.extend(change(entry, Some(length * unit.nm() / f64::from(length_px))));
            close = true;
        }
        close |= ui.button("Cancel").clicked();
    });
    close
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_and_no_idle_zeros() {
        for (value, text) in [
            (0.82, "0.82"),
            (12.5, "12.5"),
            (0.000_123_456, "0.00012346"),
            (1234.567, "1234.6"),
            (200.0, "200"),
        ] {
            assert_eq!(significant(value), text);
        }
    }

    #[test]
    fn a_typed_size_is_one_or_nothing_at_all() {
        assert_eq!([" 0.82", "1,04", ""].map(size_typed), [Some(0.82), Some(1.04), Some(0.0)]);
        assert_eq!(["-5", "0", "inf", "NaN", "2 nm"].map(size_typed), [None; 5]);
    }
}
