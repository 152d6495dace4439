//! The parts of the page, from the summary to the command that makes the library again.

use super::{LabelledBy, Library, Record, Value, charts, escape, mosaic, picture, short};
use crate::library::card::plain;
use crate::particle::describe::Descriptor;
use crate::particle::trust::Sanity;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Pictures of a class's gallery, and how many stand in a row.
const GALLERY: usize = 60;
const COLUMNS: usize = 15;

/// Counts in one sentence, and how it was made.
pub(super) fn summary(out: &mut String, library: &Library) {
    let person = library.records.iter().filter(|r| r.labelled_by == Some(LabelledBy::Person)).count();
    let classes = library.classes.len();
    let micrographs: std::collections::BTreeSet<&str> =
        library.records.iter().map(|r| r.micrograph.as_str()).collect();
    let _ = writeln!(
        out,
        "<p class=\"lead\">{} particles of {classes} classes on {} micrographs; {person} classified by a person, the \
         others by the model. Written by {} {}.</p>",
        library.records.len(),
        micrographs.len(),
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
    );
    if let Some((accuracy, [low, high])) =
        library.hold_out.as_ref().and_then(|h| Some((h.accuracy?, h.interval_95?)))
    {
        let _ = writeln!(
            out,
            "<p class=\"lead\">Accuracy on labels the training never saw: <b>{accuracy:.3}</b> (95 % interval {low:.3} to \
             {high:.3}).</p>"
        );
    }
    if let Some(text) = library.insight.cross_validated.and_then(|found| found.in_words()) {
        let _ = writeln!(out, "<p class=\"lead\">{text}</p>");
    }
}

fn sizes(library: &Library, place: usize) -> (Vec<f64>, &'static str) {
    let nm = library.records.iter().all(|r| r.pixel_nm.is_some());
    let size = |r: &Record| {
        let scale = r.pixel_nm.filter(|_| nm).map(|[x, y]| (x * y).sqrt());
        Some(r.measured.as_ref()?.get_in(Descriptor::EquivalentDiameter, scale))
    };
    let of_class = library.records.iter().filter(|r| r.class == Some(place));
    (of_class.filter_map(size).collect(), if nm { "nm" } else { "px" })
}

/// How many of each class, and how large.
pub(super) fn counts(out: &mut String, library: &Library) {
    out.push_str(
        "<h2>Counts</h2>\n<table>\n<tr><th>Class</th><th>Particles</th><th>by a person</th><th>by the model</th>\
         <th>Equivalent diameter</th></tr>\n",
    );
    for (place, name) in library.classes.iter().enumerate() {
        let by = |who: LabelledBy| {
            library.records.iter().filter(|r| r.class == Some(place) && r.labelled_by == Some(who)).count()
        };
        let (person, model) = (by(LabelledBy::Person), by(LabelledBy::Model));
        let (sizes, unit) = sizes(library, place);
        let size = charts::mean_sd(&sizes)
            .map_or_else(|| "unknown".into(), |(m, sd)| format!("{} ± {} {unit}", short(m), short(sd)));
        let _ = writeln!(
            out,
            "<tr><td class=\"name\">{}</td><td>{}</td><td>{person}</td><td>{model}</td><td>{size}</td></tr>",
            escape(name),
            person + model
        );
    }
    let none = library.records.iter().filter(|r| r.class.is_none()).count();
    if none > 0 {
        let _ = writeln!(out, "<tr><td>without a class</td><td>{none}</td><td></td><td></td><td></td></tr>");
    }
    out.push_str(
        "</table>\n<p class=\"note\">Mean and standard deviation over the particles with an outline.</p>\n",
    );
}

/// One class: gallery, averages, sizes, angles, manifold and meanings.
pub(super) fn class(out: &mut String, library: &Library, place: usize, name: &str) {
    let members: Vec<usize> =
        (0..library.records.len()).filter(|i| library.records[*i].class == Some(place)).collect();
    let _ = write!(out, "<section>\n<h2 class=\"name\">{}</h2>\n", escape(name));
    if members.is_empty() {
        out.push_str("<p>No particle has this class.</p>\n</section>\n");
        return;
    }
    gallery(out, library, &members, name);
    out.push_str("<div class=\"row\">\n");
    if let Some(average) = library.insight.averages.iter().find(|a| a.class == name && a.particles > 0) {
        let side = library.side;
        let tiles = [&average.raw[..], &average.upright[..]];
        let (pixels, width, height) = mosaic(&tiles, side, 2);
        let image = picture(&pixels, width, height, "average", &format!("Averages of class {name}"));
        let _ = writeln!(
            out,
            "<figure>{image}<figcaption>Mean of {} patches: as cut, and with the learned pose taken \
             back.</figcaption></figure>",
            average.particles
        );
    }
    let (sizes, unit) = sizes(library, place);
    if let Some(svg) = charts::histogram(&sizes, &format!("equivalent diameter ({unit})")) {
        let of = if sizes.len() == members.len() {
            format!("all {} particles", members.len())
        } else {
            format!("{} of {} particles; the others have no closed outline", sizes.len(), members.len())
        };
        let _ = writeln!(out, "<figure>{svg}<figcaption>Sizes of {of}.</figcaption></figure>");
    }
    let angles: Vec<f64> = members.iter().filter_map(|i| library.records[*i].angle_deg).collect();
    if let Some(svg) = charts::rose(&angles) {
        let _ = writeln!(
            out,
            "<figure>{svg}<figcaption>Learned angles, counter-clockwise from the class's upright form; the area of a \
             sector counts particles.</figcaption></figure>"
        );
    }
    manifold(out, library, name);
    out.push_str("</div>\n");
    meanings(out, library, name);
    out.push_str("</section>\n");
}

/// Evenly through the class, the surest first.
fn gallery(out: &mut String, library: &Library, members: &[usize], name: &str) {
    let sureness = |i: usize| {
        let record = &library.records[i];
        record.class.and_then(|c| record.probabilities.get(c).copied().flatten()).unwrap_or(1.0)
    };
    let mut sorted = members.to_vec();
    sorted.sort_by(|a, b| sureness(*b).total_cmp(&sureness(*a)).then(a.cmp(b)));
    let shown = sorted.len().min(GALLERY);
    let tiles: Vec<&[f32]> = (0..shown).map(|k| library.patch(sorted[k * sorted.len() / shown])).collect();
    let (pixels, width, height) = mosaic(&tiles, library.side, COLUMNS);
    let image = picture(&pixels, width, height, "gallery", &format!("{shown} particles of class {name}"));
    let nm = library
        .patch_pixel_nm()
        .map(|nm| format!(" A picture is {} nm wide.", short(nm * library.side as f64)));
    let _ = writeln!(
        out,
        "<figure>{image}<figcaption>{shown} of {}, from the surest to the least sure.{}</figcaption></figure>",
        members.len(),
        nm.unwrap_or_default()
    );
}

fn manifold(out: &mut String, library: &Library, name: &str) {
    let Some(m) = library.insight.manifolds.iter().find(|m| m.class == name) else { return };
    let tiles: Vec<&[f32]> = m.images.chunks_exact((m.side * m.side).max(1)).collect();
    let (pixels, width, height) = mosaic(&tiles, m.side, m.per_side);
    let image = picture(&pixels, width, height, "manifold", &format!("Manifold of class {name}"));
    let _ = writeln!(
        out,
        "<figure>{image}<figcaption>What the model draws over z{} (to the right, {:.1} to {:.1}) and z{} (up, {:.1} to \
         {:.1}), where the particles of the class lie.</figcaption></figure>",
        m.axes.0, m.ranges[0][0], m.ranges[0][1], m.axes.1, m.ranges[1][0], m.ranges[1][1]
    );
}

fn meanings(out: &mut String, library: &Library, name: &str) {
    let Some(found) = library.insight.meanings.iter().find(|m| m.class == name) else { return };
    if found.latents.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<table>\n<caption>What the latents mean: correlation with measured properties of {} particles</caption>\n\
         <tr><th>Latent</th><th>Strongest</th><th>r</th><th>95 % interval</th><th>Next</th></tr>\n",
        found.particles
    );
    for latent in &found.latents {
        let cells = if latent.collapsed {
            "<td>collapsed: it says nothing</td><td></td><td></td><td></td>".to_owned()
        } else {
            latent.correlations.first().map_or_else(
                || "<td>too few particles</td><td></td><td></td><td></td>".to_owned(),
                |c| {
                    let next = latent.correlations.get(1);
                    let next =
                        next.map_or_else(String::new, |n| format!("{}, {:.2}", n.descriptor.name(), n.r));
                    let [low, high] = c.interval_95;
                    let name = c.descriptor.name();
                    format!("<td>{name}</td><td>{:.2}</td><td>{low:.2} to {high:.2}</td><td>{next}</td>", c.r)
                },
            )
        };
        let _ = writeln!(out, "<tr><td>z{}</td>{cells}</tr>", latent.latent);
    }
    out.push_str("</table>\n");
    if let Some(angle) = found.angle {
        let _ = writeln!(
            out,
            "<p class=\"note\">Over {} elongated particles the learned angle minus the measured direction spreads by {} \
             degrees (circular standard deviation, half turns alike).</p>",
            angle.particles,
            short(angle.spread_deg)
        );
    }
}

/// Confusion and calibration on held-out labels.
pub(super) fn judgement(out: &mut String, library: &Library) {
    out.push_str("<section>\n<h2>How well it is known</h2>\n");
    let Some(hold_out) = &library.hold_out else {
        let found = library.insight.cross_validated.and_then(|found| found.in_words());
        let text = found.unwrap_or_else(|| "No label was held out, so accuracy is unknown.".into());
        let _ = writeln!(out, "<p>{text}</p>\n</section>");
        return;
    };
    out.push_str("<table class=\"confusion\">\n<caption>Labels the training never saw: rows are the person's, columns the model's</caption>\n<tr><th></th>");
    for name in &hold_out.classes {
        let _ = write!(out, "<th class=\"name\">{}</th>", escape(name));
    }
    out.push_str("<th>found</th></tr>\n");
    for (i, row) in hold_out.confusion.iter().enumerate() {
        let of: usize = row.iter().sum();
        let name = hold_out.classes.get(i).map_or("", String::as_str);
        let _ = write!(out, "<tr><th class=\"name\">{}</th>", escape(name));
        for (j, count) in row.iter().enumerate() {
            let part = *count as f64 / of.max(1) as f64;
            let class = if i == j { "right" } else { "wrong" };
            let _ = write!(out, "<td class=\"{class}\" style=\"--part:{part:.2}\">{count}</td>");
        }
        let recall = hold_out.recall.get(i).copied().flatten();
        let _ = writeln!(out, "<td>{}</td></tr>", recall.map_or_else(|| "-".into(), |r| format!("{r:.2}")));
    }
    out.push_str("</table>\n");
    if let Some(calibration) = &library.insight.calibration {
        let svg = charts::calibration(calibration);
        let _ = writeln!(
            out,
            "<figure>{svg}<figcaption>How often the model is right when it says it is so sure; a dot's area counts \
             particles. Expected calibration error {:.3}.</figcaption></figure>",
            calibration.expected_error
        );
    }
    if let Some(text) = library.insight.sanity.as_ref().and_then(Sanity::in_words) {
        let _ = writeln!(out, "<p>{text}</p>");
    }
    out.push_str("</section>\n");
}

/// Which pictures the particles come from.
pub(super) fn micrographs(out: &mut String, library: &Library) {
    let mut found: BTreeMap<&str, (usize, &Record)> = BTreeMap::new();
    for record in &library.records {
        found.entry(&record.micrograph).or_insert((0, record)).0 += 1;
    }
    out.push_str(
        "<h2>Micrographs</h2>\n<table>\n<tr><th>Micrograph</th><th>Particles</th><th>Pixel</th></tr>\n",
    );
    for (name, (count, record)) in found {
        let pixel = record.pixel_nm.map_or_else(
            || "unknown".into(),
            |[x, y]| {
                if (x - y).abs() < 1e-9 * x {
                    format!("{} nm", short(x))
                } else {
                    format!("{} x {} nm", short(x), short(y))
                }
            },
        );
        let _ = writeln!(
            out,
            "<tr><td class=\"name\">{}</td><td>{count}</td><td>{pixel}</td></tr>",
            escape(name)
        );
    }
    out.push_str("</table>\n");
}

/// Every setting, and the command.
pub(super) fn settings(out: &mut String, library: &Library) {
    made(out, &library.settings, &[("patch_side_px", library.side.to_string())]);
}

/// How something was made: the command among the settings, then all others, then what else is to be said.
pub(in crate::library) fn made(out: &mut String, settings: &Value, more: &[(&str, String)]) {
    out.push_str("<h2>How it was made</h2>\n");
    let command = settings.get("command").and_then(Value::as_str);
    if let Some(command) = command {
        let _ = write!(out, "<p>This command makes it again:</p>\n<pre>{}</pre>\n", escape(command));
    }
    out.push_str("<table class=\"settings\">\n<tr><th>Setting</th><th>Value</th></tr>\n");
    let mut rows = Vec::new();
    flatten("", settings, &mut rows);
    let program = ("program".to_owned(), format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    for (name, value) in rows.into_iter().filter(|(name, _)| name != "command").chain([program]).chain(more) {
        let _ = writeln!(
            out,
            "<tr><td class=\"name\">{}</td><td class=\"name\">{}</td></tr>",
            escape(&name),
            escape(&value)
        );
    }
    out.push_str("</table>\n");
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, rows)),
        Value::Null if path.is_empty() => {}
        Value::Null => rows.push((path.to_owned(), "none".into())),
        other => rows.push((path.to_owned(), plain(other))),
    }
}
