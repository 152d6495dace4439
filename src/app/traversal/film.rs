//! A way through latent space as a film: along one latent, or from one particle to another, with the decoder live.

use super::super::run::Results;
use super::super::state::State;
use crate::particle::ParticleId;
use crate::review::ranges::Ranges;
use crate::worker::message::PreviewRequest;
use egui::{Button, ComboBox, Key, Modifiers, Slider, Ui};
use std::time::Duration;

/// Pictures of a film, and how many are shown in a second.
pub const FRAMES: usize = 25;
const SPEED: f32 = 12.0;

/// Where a film goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Through the range of one latent, the others and the pose as the sliders say.
    Latent(usize),
    /// From one particle to another, in the pose and the class of the first.
    Between(ParticleId, ParticleId),
}

/// A film that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Film {
    pub course: Course,
    /// The picture that is shown, and what is left of the way to the next.
    at: f32,
    /// Towards the end, not back.
    forth: bool,
    playing: bool,
}

impl Film {
    fn new(course: Course) -> Self {
        Self { course, at: 0.0, forth: true, playing: true }
    }

    /// The place of the picture that is shown.
    pub fn frame(&self) -> usize {
        (self.at.round().max(0.0) as usize).min(FRAMES - 1)
    }

    /// Goes on by some seconds, and turns round at either end.
    fn go_on(&mut self, seconds: f32) {
        let last = (FRAMES - 1) as f32;
        let step = SPEED * seconds.clamp(0.0, 0.5);
        self.at += if self.forth { step } else { -step };
        if self.at >= last || self.at <= 0.0 {
            self.forth = self.at <= 0.0;
            self.at = self.at.clamp(0.0, last);
        }
    }
}

/// The two selected particles, if it is two and the model knows both.
pub fn picked(state: &State) -> Option<(ParticleId, ParticleId)> {
    let results = state.results.as_ref()?;
    let mut ids = state.selection.iter().copied();
    let (first, second) = (ids.next()?, ids.next()?);
    let known = results.of(first).is_some() && results.of(second).is_some();
    (ids.next().is_none() && known).then_some((first, second))
}

/// Where the sliders stand.
#[derive(Clone, Copy, Debug)]
pub struct Stand<'a> {
    pub class: usize,
    pub latents: &'a [f32],
    pub angle_rad: f32,
    pub shift: [f32; 2],
    pub scale: f32,
}

/// The points of a course and the pose to draw them in; `None` if a particle of it is gone.
pub fn request(
    course: Course,
    results: Option<&Results>,
    stand: Stand<'_>,
    ranges: &Ranges,
) -> Option<PreviewRequest> {
    let part = |i: usize| i as f32 / (FRAMES - 1) as f32;
    match course {
        Course::Latent(which) => {
            let [low, high] = ranges.latents.get(which).copied()?;
            let code = |i: usize| {
                let mut code = stand.latents.to_vec();
                if let Some(latent) = code.get_mut(which) {
                    *latent = low + part(i) * (high - low);
                }
                code
            };
            let codes = (0..FRAMES).map(code).collect();
            let Stand { class, angle_rad, shift, scale, .. } = stand;
            Some(PreviewRequest::Film { class, codes, angle_rad, shift, scale })
        }
        Course::Between(from, to) => {
            let (from, to) = (results?.of(from)?, results?.of(to)?);
            let between = |i: usize| from.mu.iter().zip(&to.mu).map(|(a, b)| a + part(i) * (b - a)).collect();
            Some(PreviewRequest::Film {
                class: from.best(),
                codes: (0..FRAMES).map(between).collect(),
                angle_rad: from.angle_rad,
                shift: from.shift_px,
                scale: from.scale,
            })
        }
    }
}

/// "From particle 12 to particle 40", "Along z1".
pub fn title(course: Course) -> String {
    match course {
        Course::Latent(which) => format!("Along z{}", which + 1),
        Course::Between(from, to) => format!("From particle {} to particle {}", from.0, to.0),
    }
}

/// The row of buttons, and the film as it goes on.
pub fn ui(ui: &mut Ui, state: &State, latents: usize, film: &mut Option<Film>, pane: egui::Rect) {
    let two = picked(state);
    ui.horizontal_wrapped(|ui| {
        ui.weak("Film");
        let name = film.map_or_else(|| "Choose a way…".to_owned(), |film| title(film.course));
        let mut courses: Vec<Course> = (0..latents).map(Course::Latent).collect();
        courses.extend(two.map(|(a, b)| Course::Between(a, b)));
        ComboBox::from_id_salt("film")
            .selected_text(name)
            .show_ui(ui, |ui| {
                for course in courses {
                    let chosen = film.is_some_and(|film| film.course == course);
                    if ui.selectable_label(chosen, title(course)).clicked() {
                        *film = Some(Film::new(course));
                    }
                }
                if two.is_none() {
                    ui.weak("Select two particles, and their way is here, too.");
                }
            })
            .response
            .accessible_name("Way of the film");
        let Some(shown) = film else { return };
        let key = pane_has_pointer(ui, pane)
            && !ui.ctx().text_edit_focused()
            && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space));
        let name = if shown.playing { "Pause film" } else { "Play film" };
        if ui.button(name).on_hover_text("Space, with the pointer in this pane").clicked() || key {
            shown.playing = !shown.playing;
        }
        let mut frame = shown.frame() + 1;
        ui.spacing_mut().slider_width = 90.0;
        if ui.add(Slider::new(&mut frame, 1..=FRAMES).text("picture")).changed() {
            (shown.at, shown.playing) = ((frame - 1) as f32, false);
        }
        if ui.add(Button::new("End film")).clicked() {
            *film = None;
        }
    });
    if let Some(film) = film.as_mut().filter(|film| film.playing) {
        film.go_on(ui.input(|input| input.stable_dt));
        ui.ctx().request_repaint_after(Duration::from_secs_f32(1.0 / SPEED));
    }
}

fn pane_has_pointer(ui: &Ui, pane: egui::Rect) -> bool {
    ui.input(|input| input.pointer.hover_pos()).is_some_and(|pos| pane.contains(pos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::particle::Prediction;

    const STAND: Stand<'_> = Stand { class: 0, latents: &[], angle_rad: 0.0, shift: [0.0; 2], scale: 1.0 };

    fn prediction(mu: [f32; 2], angle_rad: f32, best: usize) -> Prediction {
        let mut probabilities = vec![0.1, 0.1];
        probabilities[best] = 0.9;
        Prediction {
            probabilities,
            angle_rad,
            shift_px: [1.0, -2.0],
            scale: 1.0,
            mu: mu.to_vec(),
            sigma: vec![1.0; 2],
            recon_error: 0.0,
        }
    }

    #[test]
    fn a_film_goes_straight_from_one_particle_to_the_other_in_the_pose_of_the_first() {
        let ids = [ParticleId(4), ParticleId(9)];
        let both = [prediction([-1.0, 0.0], 0.5, 1), prediction([1.0, 2.0], -2.0, 0)];
        let results = Results::new(ids.into(), vec![None; 2], both.into(), None);
        let (course, ranges) = (Course::Between(ids[0], ids[1]), Ranges::of_prior(2));
        let Some(PreviewRequest::Film { class, codes, angle_rad, shift, .. }) =
            request(course, Some(&results), STAND, &ranges)
        else {
            panic!("no film")
        };
        assert_eq!((class, angle_rad, shift), (1, 0.5, [1.0, -2.0]));
        assert_eq!((&codes[0][..], &codes[FRAMES - 1][..]), (&[-1.0, 0.0][..], &[1.0, 2.0][..]));
        assert_eq!(codes[(FRAMES - 1) / 2], [0.0, 1.0]);
        assert_eq!(request(Course::Between(ids[0], ParticleId(5)), Some(&results), STAND, &ranges), None);
    }

    #[test]
    fn a_film_along_a_latent_goes_through_its_range_in_the_pose_of_the_sliders() {
        let ranges = Ranges { latents: vec![[-1.0, 1.0], [2.0, 4.0]], ..Ranges::of_prior(2) };
        let stand = Stand { latents: &[0.5, 0.0], shift: [3.0, -1.0], scale: 1.2, ..STAND };
        let Some(PreviewRequest::Film { codes, shift, scale, .. }) =
            request(Course::Latent(1), None, stand, &ranges)
        else {
            panic!("no film")
        };
        assert_eq!((&codes[0][..], &codes[FRAMES - 1][..]), (&[0.5, 2.0][..], &[0.5, 4.0][..]));
        assert_eq!((shift, scale), ([3.0, -1.0], 1.2));
    }

    #[test]
    fn it_turns_round_at_both_ends() {
        let mut film = Film::new(Course::Latent(0));
        let mut seen = Vec::new();
        for _ in 0..4 * FRAMES {
            film.go_on(1.0 / SPEED);
            seen.push(film.frame());
        }
        assert!(seen.contains(&0) && seen.contains(&(FRAMES - 1)));
        assert!(seen.windows(2).all(|w| w[0].abs_diff(w[1]) <= 1));
    }
}
