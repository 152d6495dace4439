//! `model_card.md`: what the model beside it was trained on, how well it does, and where it fails (after Mitchell et
//! al. 2019, arXiv 1810.03993).

use super::{LabelledBy, Library};
use crate::particle::trust::Sanity;
use serde_json::Value;
use std::fmt::Write;

/// The card as markdown.
pub fn card(library: &Library) -> String {
    let mut out = String::from("# Model card\n\n");
    let setting = |path: &str| library.settings.pointer(path).map(plain).unwrap_or_else(|| "unknown".into());
    let _ = write!(
        out,
        "A semi-supervised, rotation- and shift-invariant variational autoencoder (arXiv 2105.11475) with {} content \
         latents, in `model.safetensors`. It gives a particle's class, angle, shift and latents from a patch of {} x {} \
         pixels{}.\n\n## Trained on\n\n",
        library.latents,
        library.side,
        library.side,
        library.patch_pixel_nm().map_or_else(String::new, |nm| format!(", {nm:.3} nm a pixel"))
    );
    let _ = write!(
        out,
        "{} particles. Labels of a person:\n\n| class | labels | given by the model |\n|---|---|---|\n",
        library.records.len()
    );
    for (place, name) in library.classes.iter().enumerate() {
        let by = |who| {
            library.records.iter().filter(|r| r.class == Some(place) && r.labelled_by == Some(who)).count()
        };
        let (person, model) = (by(LabelledBy::Person), by(LabelledBy::Model));
        let _ = writeln!(out, "| {} | {person} | {model} |", cell(name));
    }
    let _ = write!(
        out,
        "\nSeed {}, trained on {}, {} of {} epochs{}; {} {}{}.\n\n## How well\n\n",
        setting("/seed"),
        cell(&setting("/trained_on")),
        setting("/epochs"),
        setting("/training/epochs"),
        joined(library),
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        versions(library),
    );
    if let Some(text) = library.insight.cross_validated.and_then(|found| found.in_words()) {
        let _ = writeln!(out, "{text}\n");
    }
    judged(&mut out, library);
    out.push_str(
        "\n## Not for\n\nPatches cut in another size or contrast than those above; kinds of particles that are not in the \
         list (the model gives each one a class all the same: look at the reconstruction error and the margin); overlapping \
         particles.\n",
    );
    out
}

/// What else it was made with, each after a comma.
fn versions(library: &Library) -> String {
    let all = library.settings.get("versions").and_then(Value::as_object);
    all.into_iter().flatten().map(|(name, version)| format!(", {name} {}", cell(&plain(version)))).collect()
}

/// ", new labels joined before epochs 12, 40".
fn joined(library: &Library) -> String {
    let epochs = library.settings.get("labels_joined_before_epochs").and_then(Value::as_array);
    let epochs: Vec<String> = epochs.into_iter().flatten().map(plain).collect();
    if epochs.is_empty() {
        return String::new();
    }
    format!(
        ", new labels joined before epoch{} {}",
        if epochs.len() == 1 { "" } else { "s" },
        epochs.join(", ")
    )
}

fn judged(out: &mut String, library: &Library) {
    let Some(hold_out) = library.hold_out.as_ref().filter(|h| h.of > 0) else {
        if library.insight.cross_validated.is_none() {
            out.push_str("Unknown: no label was held out.\n");
        }
        return;
    };
    let accuracy = hold_out.accuracy.unwrap_or(0.0);
    let _ = write!(out, "Accuracy {accuracy:.3} on {} labels the training never saw", hold_out.of);
    if let Some([low, high]) = hold_out.interval_95 {
        let _ = write!(out, " (95 % interval {low:.3} to {high:.3})");
    }
    out.push_str(".\n");
    if let Some(calibration) = &library.insight.calibration {
        let _ = writeln!(out, "Expected calibration error {:.3}.", calibration.expected_error);
    }
    if let Some(text) = library.insight.sanity.as_ref().and_then(Sanity::in_words) {
        let _ = writeln!(out, "{text}");
    }
    out.push_str("\n## Where it fails\n\n");
    let mut mistakes: Vec<(usize, &str, &str)> = Vec::new();
    for (i, row) in hold_out.confusion.iter().enumerate() {
        for (j, count) in row.iter().enumerate().filter(|(j, count)| *j != i && **count > 0) {
            let name = |c: usize| hold_out.classes.get(c).map_or("", String::as_str);
            mistakes.push((*count, name(i), name(j)));
        }
    }
    mistakes.sort_by(|a, b| b.cmp(a));
    if mistakes.is_empty() {
        out.push_str(
            "No mistake on the held-out labels; with so few of them rare mistakes cannot be seen.\n",
        );
    }
    for (count, truth, said) in mistakes.iter().take(8) {
        let _ = writeln!(out, "- {count} of class {} called {}", cell(truth), cell(said));
    }
}

/// A setting as a person writes it: 0.1, not the 0.10000000149011612 that its 32 bits are exactly.
pub(super) fn plain(value: &Value) -> String {
    let short = |value: f64| {
        let near = value as f32;
        (f64::from(near) == value).then(|| near.to_string())
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().and_then(short).unwrap_or_else(|| number.to_string())
        }
        Value::Array(parts) => format!("[{}]", parts.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// A name within a line or a table of markdown: nothing in it is markup.
fn cell(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '\\' | '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '!' | '&' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_as_they_were_typed() {
        let of = |value: f32| plain(&serde_json::json!(value));
        assert_eq!([of(0.1), of(1.2), of(0.0)], ["0.1", "1.2", "0"]);
        assert_eq!(plain(&serde_json::json!([0.1_f32, 3])), "[0.1, 3]");
        assert_eq!(plain(&serde_json::json!(0.1)), "0.1");
    }

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(cell("a|b <i>\n纳米"), "a\\|b \\<i\\> 纳米");
    }
}
