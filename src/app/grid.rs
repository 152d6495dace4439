//! The patches of a class in a grid: what does not belong is seen at once, and labelled otherwise or clicked away.
//!
//! Once a model is there each patch is turned upright and moved to its learned centre.

use super::action::Action;
use super::canvas::joins;
use super::picture::Picture;
use super::shades::Shades;
use super::state::{Opened, State, count};
use super::take::{self, Figure, Taken, pages};
use super::theme;
use crate::library::drawing::picture::Sheet;
use crate::library::drawing::{Table as Numbers, cell};
use crate::particle::{ClassId, Particle, ParticleId};
use crate::project::MicrographEntry;
use egui::{
    Color32, ColorImage, Rect, Sense, Stroke, TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Side of a cell, points, and of its picture, texels.
const CELL: f32 = 60.0;
const TEXELS: usize = 56;
/// Pictures kept.
const KEPT: usize = 1024;

/// What the panel alone remembers.
#[derive(Default)]
pub struct GridPanel {
    pictures: BTreeMap<ParticleId, TextureHandle>,
    /// Of project and predictions; older pictures are thrown away.
    revision: (u64, u64, u64),
    /// Who is shown for a class.
    members: Option<(ClassId, Arc<[ParticleId]>)>,
    /// Where a range begins.
    anchor: Option<ParticleId>,
    /// The pointer is over the pane.
    under: bool,
}

impl GridPanel {
    /// Draws the patches of the current class.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let results = state.results.as_ref().map_or(0, |results| results.revision);
        let revision = (state.revision, results, state.picture_revision);
        if self.revision != revision || self.pictures.len() > KEPT {
            self.revision = revision;
            self.pictures.clear();
            self.members = None;
        }
        let Some(class) = state.class else {
            return theme::hint(ui, "Add a class; its particles are then shown here.");
        };
        let known = self.members.take().filter(|(of, _)| *of == class).map(|(_, ids)| ids);
        let ids = known.unwrap_or_else(|| members(state, class).into());
        self.members = Some((class, ids.clone()));
        if ids.is_empty() {
            return theme::hint(ui, &format!("No {} yet.", state.class_name(class)));
        }
        let pane = ui.available_rect_before_wrap();
        self.under = ui.input(|input| input.pointer.hover_pos()).is_some_and(|pos| pane.contains(pos));
        ui.horizontal_wrapped(|ui| {
            ui.weak("Click selects, Shift takes a range, right click takes the label off.");
            take::menu(ui, &[(Figure::Patches, true)], actions);
        });
        let columns = ((ui.available_width() / (CELL + 4.0)) as usize).max(1);
        let rows = ids.len().div_ceil(columns);
        egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, CELL, rows, |ui, range| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            for row in range {
                ui.horizontal(|ui| {
                    for id in ids.iter().skip(row * columns).take(columns) {
                        self.cell(ui, state, *id, actions);
                    }
                });
            }
        });
    }

    /// The particles of the pane, if the pointer is over it.
    pub fn all_under_pointer(&self) -> Option<Vec<ParticleId>> {
        self.members.as_ref().filter(|_| self.under).map(|(_, ids)| ids.to_vec())
    }

    /// A new frame begins; the pane may not be in it.
    pub fn begin(&mut self) {
        self.under = false;
    }

    fn click(&mut self, ui: &Ui, id: ParticleId, actions: &mut Vec<Action>) {
        let shift = ui.input(|input| input.modifiers.shift);
        let ids = self.members.as_ref().map_or(&[][..], |(_, ids)| ids);
        let place = |id: ParticleId| ids.iter().position(|other| *other == id);
        if let (true, Some(from), Some(to)) = (shift, self.anchor.and_then(place), place(id)) {
            let particles = ids[from.min(to)..=from.max(to)].to_vec();
            actions.push(Action::Select { particles, join: false });
            return;
        }
        self.anchor = Some(id);
        actions.push(if ui.input(joins) { Action::ToggleSelected(id) } else { Action::GoToParticle(id) });
    }

    fn cell(&mut self, ui: &mut Ui, state: &State, id: ParticleId, actions: &mut Vec<Action>) {
        let Some(particle) = state.project.particle(id) else { return };
        let (rect, response) = ui.allocate_exact_size(vec2(CELL, CELL), Sense::click());
        let selected = state.selection.contains(&id);
        let name = particle.label.map_or("predicted", |class| state.class_name(class)).to_owned();
        response.widget_info(|| {
            WidgetInfo::selected(
                egui::Role::Button,
                true,
                selected,
                format!("Patch of particle {}, {name}", id.0),
            )
        });
        let inner = rect.shrink(2.0);
        if !self.pictures.contains_key(&id)
            && let Some(image) = cut(state, particle)
        {
            let texture = ui.ctx().load_texture("patch", image, TextureOptions::LINEAR);
            self.pictures.insert(id, texture);
        }
        match self.pictures.get(&id) {
            Some(texture) => {
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter().image(texture.id(), inner, whole, Color32::WHITE);
            }
            None => {
                ui.painter().rect_filled(inner, 2.0, ui.visuals().extreme_bg_color);
            }
        }
        if selected {
            ui.painter().rect_stroke(
                rect.shrink(1.0),
                2.0,
                Stroke::new(2.0, theme::ACCENT),
                egui::StrokeKind::Inside,
            );
        }
        if response.clicked() {
            self.click(ui, id, actions);
        }
        if response.secondary_clicked()
            && particle.label.is_some()
            && let Ok(edit) = state.project.label_edit(&[id], None)
        {
            actions.push(Action::Change { name: "take label off".into(), edit });
        }
    }
}

/// The patches of the current class on a sheet, as the pane has them: no more than fit on a page.
pub fn taken(state: &State) -> Option<Taken> {
    const MOST: usize = 80;
    const COLUMNS: usize = 8;
    let class = state.class?;
    let ids = members(state, class);
    let mut table = Numbers::new(&["particle", "micrograph", "x_px", "y_px", "label", "probability"]);
    let (mut pixels, mut names, mut pixel) = (Vec::new(), Vec::new(), None);
    for particle in ids.iter().filter_map(|id| state.project.particle(*id)) {
        let Some(picture) = cut(state, particle) else { continue };
        let entry = state.project.micrograph(particle.micrograph)?;
        let nm = entry.pixel_size.map(|size| size.x_nm);
        let texel = state.geometry().extent_on(nm) / TEXELS as f64;
        let scale = nm.map_or((texel, "px"), |nm| (texel * nm, "nm"));
        // Patches of different scales on one sheet have no bar in common.
        let same =
            pixel.is_none_or(|(is, unit): (f64, &str)| unit == scale.1 && (is - scale.0).abs() < 1e-6 * is);
        pixel = Some(if same { scale } else { (f64::NAN, "") });
        let p = state.results.as_ref().and_then(|r| r.of(particle.id).map(|p| r.best(p).1));
        let label = particle.label.map_or("", |label| state.class_name(label));
        names.push(match (particle.label, p) {
            (None, Some(p)) => format!("{p:.2}"),
            _ => particle.id.0.to_string(),
        });
        pixels.extend(picture.pixels.iter().map(|c| luminance(*c)));
        table.rows.push(vec![
            particle.id.0.to_string(),
            entry.file_name(),
            particle.x.to_string(),
            particle.y.to_string(),
            label.to_owned(),
            cell(p.map_or(f64::NAN, f64::from)),
        ]);
        if names.len() == MOST {
            break;
        }
    }
    if names.is_empty() {
        return None;
    }
    let shown = if names.len() < ids.len() { format!("{} of ", names.len()) } else { String::new() };
    let sheet = Sheet {
        side: TEXELS,
        columns: COLUMNS,
        pixels: pixels.into(),
        pixel: pixel.filter(|(size, _)| size.is_finite()),
        names,
        caption: format!(
            "{shown}{} of class {}; over each its number, or the probability if the model gave the class. {}",
            count(ids.len(), "particle"),
            state.class_name(class),
            pages::source(state)
        ),
        ..Sheet::default()
    };
    Some(Taken { page: sheet.draw(), table })
}

/// As bright as the colour is.
fn luminance(colour: Color32) -> f32 {
    let [r, g, b, _] = colour.to_array().map(f32::from);
    (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255.0
}

/// Labelled particles of the class, then those predicted to be of it, the least certain first.
fn members(state: &State, class: ClassId) -> Vec<ParticleId> {
    let mut ids: Vec<ParticleId> =
        state.project.particles_labelled(class).map(|particle| particle.id).collect();
    if let Some(results) = &state.results {
        let unlabelled = |id: &ParticleId| state.project.particle(*id).is_some_and(|p| p.label.is_none());
        let mut predicted: Vec<(f32, ParticleId)> = results
            .ids
            .iter()
            .zip(results.predictions.iter())
            .filter(|(id, _)| unlabelled(id))
            .filter_map(|(id, prediction)| match results.best(prediction) {
                (Some(best), probability) if best == class => Some((probability, *id)),
                _ => None,
            })
            .collect();
        predicted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ids.extend(predicted.into_iter().map(|(_, id)| id));
    }
    ids
}

/// The patch of a particle as it is shown; nothing while its micrograph is not open.
fn cut(state: &State, particle: &Particle) -> Option<ColorImage> {
    let entry = state.project.micrograph(particle.micrograph)?;
    let Opened::Ready(picture) = state.pictures.get(&entry.id)? else { return None };
    let geometry = state.geometry();
    let [across, down] = geometry.extents_on(entry.pixel_size).map(|extent| extent as f32);
    let pose = state.results.as_ref().and_then(|results| results.of(particle.id));
    let (angle, shift) = pose.map_or((0.0, [0.0; 2]), |p| (p.angle_rad, p.shift_px));
    let pitch = geometry.pitches_on(entry.pixel_size).map(|pitch| pitch as f32);
    let centre = pos2(particle.x + shift[0] * pitch[0], particle.y + shift[1] * pitch[1]);
    Some(upright(picture, entry, centre, vec2(across, down), angle))
}

/// A square on the specimen round `centre`, as wide and high as `extent` pixels, turned back by `angle`
/// (counter-clockwise on the specimen, radians).
fn upright(
    picture: &Picture,
    entry: &MicrographEntry,
    centre: egui::Pos2,
    extent: Vec2,
    angle: f32,
) -> ColorImage {
    let shades = Shades::new(picture.range(entry.contrast), entry.tone);
    let (sin, cos) = angle.sin_cos();
    let step = extent / TEXELS as f32;
    let half = (TEXELS as f32 - 1.0) / 2.0;
    let texel = |i: usize| {
        let (u, v) = ((i % TEXELS) as f32 - half, (i / TEXELS) as f32 - half);
        let grey =
            picture.grey(centre.x + (u * cos + v * sin) * step.x, centre.y + (v * cos - u * sin) * step.y);
        grey.map_or(Color32::from_gray(40), |grey| shades.of(grey))
    };
    ColorImage::new([TEXELS, TEXELS], (0..TEXELS * TEXELS).map(texel).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::micrograph::Micrograph;

    #[test]
    fn a_turned_particle_stands_upright_in_its_cell() {
        // A bright bar that points up, turned a quarter counter-clockwise: it points to the left.
        let mut pixels = vec![0.0; 101 * 101];
        for x in 20..50 {
            for y in 47..54 {
                pixels[y * 101 + x] = 1.0;
            }
        }
        let picture = Picture::new(Micrograph::new(101, 101, pixels, None).unwrap());
        let mut entry = MicrographEntry::new("/a.png", 0, 101, 101, None, "00");
        entry.contrast = (0.0, 100.0);
        let image =
            upright(&picture, &entry, pos2(50.0, 50.0), Vec2::splat(80.0), std::f32::consts::FRAC_PI_2);
        let at = |x: usize, y: usize| image.pixels[y * TEXELS + x].r();
        assert!(at(TEXELS / 2, TEXELS / 4) > 200, "above");
        assert!(at(TEXELS / 4, TEXELS / 2) < 50 && at(TEXELS / 2, 3 * TEXELS / 4) < 50, "left and below");
    }
}
