//! `report.html` of maps: what was found in an image, on one page that needs nothing beside it.

use super::{MapFolder, paint_segments, small};
use crate::Result;
use crate::library::figure::{self, Colours, Style};
use crate::library::html::{figure as picture, frame, paragraph, parts, short, table};
use crate::order::seeds::smoothness_in_words;
use serde_json::{Value, json};
use std::fmt::Write;

/// Pixels along the longer side of a map on the page.
const LARGEST: usize = 512;
/// Outliers that are listed; all are in `map.json`.
const LISTED: usize = 20;

/// The whole page.
///
/// # Errors
/// Maps whose sizes do not fit together.
pub fn page(maps: &MapFolder<'_>) -> Result<String> {
    let mut out = String::new();
    lead(&mut out, maps)?;
    lattice(&mut out, maps);
    pictures(&mut out, maps)?;
    segments(&mut out, maps);
    outliers(&mut out, maps);
    seeds(&mut out, maps);
    made(&mut out, maps);
    Ok(frame(&format!("Order parameters of {}", maps.about.image), &out))
}

fn lead(out: &mut String, maps: &MapFolder<'_>) -> Result<()> {
    let (image, about) = (maps.image, maps.about);
    let scale = image.pixel_size.map_or_else(
        || "its scale is not known".to_owned(),
        |s| {
            let (across, down) = (s.x_nm * image.width as f64, s.y_nm * image.height as f64);
            format!("{} x {} nm", short(across), short(down))
        },
    );
    paragraph(out, "lead", &format!("{} x {} px, {scale}.", image.width, image.height));
    match &about.verdict {
        Some(verdict) => paragraph(out, "lead", verdict),
        None => paragraph(out, "lead", "The run was stopped: these are the maps as they were then."),
    }
    if let (Some(first), Some(all)) = (about.first_map_seconds, about.seconds) {
        let device = about.device.as_deref().unwrap_or("an unknown device");
        paragraph(
            out,
            "",
            &format!("The first map came after {first:.1} s, all after {all:.1} s, on {device}."),
        );
    }
    let grey = Style { colours: Colours::Grey, range: None, unit: String::new() };
    let drawn = figure::draw_within(&small(image)?, image.pixel_size, &grey, LARGEST);
    out.push_str(&picture(&drawn, "The image", "The image as the model was given it."));
    Ok(())
}

fn lattice(out: &mut String, maps: &MapFolder<'_>) {
    let about = maps.about;
    out.push_str("<h2>Lattice and window</h2>\n");
    paragraph(out, "", &about.message);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(cell) = &about.cell {
        for (name, [x, y]) in [("a", cell.lattice.a), ("b", cell.lattice.b)] {
            let nm = maps.image.pixel_size.map(|s| {
                let (x, y) = (x * s.x_nm, y * s.y_nm);
                format!("; ({x:.4}, {y:.4}) nm, {:.4} nm long", x.hypot(y))
            });
            let px = format!("({x:.3}, {y:.3}) px, {:.3} px long", x.hypot(y));
            add(name, px + &nm.unwrap_or_default());
        }
        add("angle", format!("{:.2}°", cell.lattice.angle_on(maps.image.pixel_size)));
        add("confidence", format!("{:.2}, {} cells", cell.confidence, cell.cells));
    }
    if let Some(windows) = &about.windows {
        add("window", format!("{:.1} px, {} values along its side", windows.window_px, windows.side));
        add("average over cells", format!("{:.1} px", windows.average_px));
        add("finest that the maps can show", format!("{:.1} px", windows.smear().resolution_px()));
        add("shift prior", format!("{:.2} px", windows.shift_prior_px));
    }
    if !rows.is_empty() {
        table(out, &["", "value"], rows.into_iter());
    }
}

/// Every map but how sure it is and the seeds', each with what it is worth.
fn pictures(out: &mut String, maps: &MapFolder<'_>) -> Result<()> {
    let about = maps.about;
    out.push_str("<h2>Maps</h2>\n");
    if let Some(best) = about.best() {
        let cost = smoothness_in_words(best.smoothness_cost, best.roughness);
        let text = format!("−ELBO {:.2} nats a window; {cost}.", best.negative_elbo);
        paragraph(out, "", &text);
    }
    if let Some([x, y]) = about.phase_analysis_r {
        let text = format!(
            "The shift follows the displacement of geometric phase analysis with |r| = {x:.3} along x and {y:.3} along y, \
             linear trends taken away."
        );
        paragraph(out, "", &text);
    }
    out.push_str("<div class=\"row maps\">\n");
    maps.each(&mut |name, map, colours, unit| {
        if name.ends_with("_sd") || name.starts_with("seed") {
            return Ok(());
        }
        let style = Style { colours, range: None, unit: unit.to_owned() };
        let drawn = figure::draw_within(map, maps.image.pixel_size, &style, LARGEST);
        out.push_str(&picture(&drawn, &format!("Map {name}"), &format!("{name}: {}", meaning(maps, name))));
        Ok(())
    })?;
    out.push_str("</div>\n");
    Ok(())
}

/// What a map says, and for a content map what it is worth.
fn meaning(maps: &MapFolder<'_>, name: &str) -> String {
    let latent = name.strip_prefix('z').and_then(|i| i.parse::<usize>().ok());
    if let Some(i) = latent {
        return match maps.about.judgements.get(i) {
            Some(j) => format!(
                "{}. Lattice leakage {:.2} % (noise {:.2} %; all orders {:.2} %), roughness {:.1} %, sd {:.2}.",
                j.verdict,
                100.0 * j.leakage,
                100.0 * j.leakage_of_noise,
                100.0 * j.leakage_all_orders,
                100.0 * j.roughness,
                j.sd
            ),
            None => "an order parameter; without a lattice it cannot be judged.".into(),
        };
    }
    let text = match name {
        "shift_x" => "how far the pattern lies from the mean lattice, to the right.",
        "shift_y" => "how far the pattern lies from the mean lattice, downwards.",
        "gpa_x" | "gpa_y" => "the same from geometric phase analysis.",
        "strain_xx" => "strain along x, from geometric phase analysis.",
        "strain_yy" => "strain along y, from geometric phase analysis.",
        "strain_xy" => "shear, from geometric phase analysis.",
        "rotation" => "how far the pattern is turned, counter-clockwise.",
        "recon_error" => "what the model leaves unexplained (root mean square, units of the image).",
        _ => "",
    };
    text.into()
}

fn segments(out: &mut String, maps: &MapFolder<'_>) {
    let Some(found) = maps.segments else { return };
    out.push_str("<h2>Phases</h2>\n");
    let size = maps.image.pixel_size;
    let drawn = paint_segments(found, size, LARGEST);
    out.push_str(&picture(&drawn, "Phases", "Pixels with alike latents, each phase in its colour."));
    let rows = found.segments.iter().map(|s| {
        let area = match size {
            Some(size) => format!("{} nm²", short(s.area_px * size.x_nm * size.y_nm)),
            None => format!("{} px²", short(s.area_px)),
        };
        let mean: Vec<String> = s.mean.iter().map(|m| format!("{m:+.2}")).collect();
        vec![s.label.to_string(), area, format!("{:.1} %", 100.0 * s.share), mean.join("  ")]
    });
    table(out, &["phase", "area", "share", "mean latents (prior sd)"], rows);
}

fn outliers(out: &mut String, maps: &MapFolder<'_>) {
    let all = &maps.about.outliers;
    if maps.about.verdict.is_none() {
        return;
    }
    out.push_str("<h2>Outliers</h2>\n");
    if all.is_empty() {
        paragraph(out, "", "No place stands out of what the model leaves.");
        return;
    }
    let listed = all.len().min(LISTED);
    let text =
        format!("{} places stand out of what the model leaves; the {listed} most striking ones:", all.len());
    paragraph(out, "", &text);
    let rows = all[..listed].iter().map(|o| {
        let nm = maps
            .image
            .pixel_size
            .map_or_else(String::new, |s| format!("{:.2}, {:.2}", o.x * s.x_nm, o.y * s.y_nm));
        let what = if o.score < 0.0 { "missing" } else { "added" };
        vec![what.into(), format!("{:.1}, {:.1}", o.x, o.y), nm, format!("{:.1}", o.score)]
    });
    table(out, &["", "x, y (px)", "x, y (nm)", "score (sd)"], rows);
}

fn seeds(out: &mut String, maps: &MapFolder<'_>) {
    let about = maps.about;
    if about.seeds.is_empty() {
        return;
    }
    out.push_str("<h2>Seeds</h2>\n");
    let rows = about.seeds.iter().enumerate().map(|(i, seed)| {
        vec![
            format!("{}{}", seed.seed, if i == 0 && about.seeds.len() > 1 { " (shown)" } else { "" }),
            format!("{:.4}", seed.leakage),
            format!("{:.2}", seed.negative_elbo),
            format!("{:.3}", seed.smoothness_cost),
            format!("{:.3}", seed.roughness),
            format!("{:.1}", seed.seconds),
        ]
    });
    let head = ["seed", "leakage", "−ELBO (nats)", "smoothness (nats)", "roughness", "time (s)"];
    table(out, &head, rows);
    if let Some(agreement) = about.agreement {
        let text = format!("The seeds agree by {agreement:.3} (mean canonical correlation of their maps).");
        paragraph(out, "", &text);
    }
    if maps.aligned.is_empty() {
        return;
    }
    out.push_str("<div class=\"row\">\n");
    for seed in maps.aligned {
        for (i, map) in seed.content.iter().enumerate() {
            let style = Style { colours: Colours::Diverging, range: None, unit: "sd".into() };
            let drawn = figure::draw_within(map, maps.image.pixel_size, &style, LARGEST);
            let name = format!("seed {}, z{i}", seed.seed);
            let caption = format!("{name}, turned onto the best seed's maps.");
            out.push_str(&picture(&drawn, &format!("Map of {name}"), &caption));
        }
    }
    out.push_str("</div>\n");
}

fn made(out: &mut String, maps: &MapFolder<'_>) {
    let about = maps.about;
    let mut all = json!({ "settings": about.settings, "device": about.device, "command": about.command });
    if let Some(all) = all.as_object_mut() {
        for name in ["preparation", "command_leaves_out"] {
            all.insert(name.into(), about.more.get(name).cloned().unwrap_or_default());
        }
        all.retain(|_, value| *value != Value::Null);
    }
    let mut more = vec![("epochs", about.epochs.to_string()), ("stride_px", about.stride.to_string())];
    if let Some(best) = about.best() {
        more.push(("seed_shown", best.seed.to_string()));
    }
    parts::made(out, &all, &more);
    let _ = writeln!(
        out,
        "<p class=\"note\">The numbers of this page stand in map.json, the maps beside it as TIFF, NPY and PNG.</p>"
    );
}
