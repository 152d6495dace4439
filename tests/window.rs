//! The window does the user's work: driven through its accessibility tree, with no display.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod window;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use nanotheca::app::Open;
use nanotheca::micrograph::format;
use nanotheca::particle::patch::PatchGeometry;
use nanotheca::project::{MicrographEntry, Project, store};
use std::path::{Path, PathBuf};
use window::Window;

/// A picture of 400 x 300 with four bright discs on grey.
fn write_picture(path: &Path) {
    let mut picture = image::GrayImage::from_pixel(400, 300, image::Luma([60]));
    for (cx, cy) in [(100, 80), (300, 80), (100, 220), (300, 220)] {
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let (dx, dy) = (x as i32 - cx, y as i32 - cy);
            if dx * dx + dy * dy < 144 {
                pixel.0 = [220];
            }
        }
    }
    picture.save(path).unwrap();
}

/// A saved project: one picture, classes cube and rod, no particle.
fn write_project(dir: &Path) -> PathBuf {
    let picture = dir.join("discs.png");
    write_picture(&picture);
    let micrograph = format::open_page(&picture, 0).unwrap();
    let hash = store::hash_file(&picture).unwrap();
    let mut project = Project::new();
    for name in ["cube", "rod"] {
        let (_, edit) = project.add_class_edit(name);
        project.apply(edit).unwrap();
    }
    let entry = MicrographEntry::new(&picture, 0, micrograph.width, micrograph.height, None, hash);
    let (_, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let path = dir.join("discs.nanotheca");
    store::save(&project, &path).unwrap();
    path
}

fn open_project(dir: &Path) -> Window {
    let mut window = Window::open(Open { project: Some(write_project(dir)), ..Open::default() });
    window.until("the picture", |w| w.shows("Class rod") && w.shows("Micrograph canvas"));
    // The picture itself arrives a little later than the project; the pointer then reads grey values.
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the grey value under the pointer", |w| w.shows("grey     60"));
    window
}

/// Points per pixel when 400 x 300 pixels are fitted into the canvas.
fn fitted_zoom(window: &Window) -> f32 {
    let canvas = window.harness.get_by_label("Micrograph canvas").rect();
    (canvas.width() / 400.0).min(canvas.height() / 300.0) * 0.98
}

#[test]
fn the_empty_window_invites() {
    let mut window = Window::open(Open::default());
    window.settle();
    for label in ["Open sample", "Open…", "Drop micrographs here", "Open a micrograph to begin."] {
        assert!(window.shows(label), "{label}");
    }
    assert!(!window.is_enabled("Train") && !window.is_enabled("Stop") && !window.is_enabled("Export…"));
    assert!(!window.is_enabled("Undo") && !window.is_enabled("Redo"));
    window.harness.check_accessibility();
}

#[test]
fn pictures_given_on_the_command_line_open_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let images: Vec<PathBuf> = ["b.png", "a.png"].map(|name| dir.path().join(name)).to_vec();
    for path in &images {
        write_picture(path);
    }
    // The same content twice is one micrograph; another content is a second one.
    let mut second = image::open(&images[1]).unwrap().to_luma8();
    second.put_pixel(0, 0, image::Luma([1]));
    second.save(&images[1]).unwrap();
    let mut window = Window::open(Open { images, ..Open::default() });
    window.until("both pictures", |w| w.app().project().micrographs.len() == 2);
    let names: Vec<String> =
        window.app().project().micrographs.iter().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["b.png", "a.png"]);
    assert!(window.shows("Micrograph b.png: 0 particles"));
}

#[test]
fn clicks_add_particles_where_they_are_and_undo_takes_them_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    let zoom = fitted_zoom(&window);
    window.click_canvas(vec2(60.0, -40.0));
    window.click_canvas(vec2(-90.0, 30.0));
    let particles: Vec<_> = window.app().project().particles.values().cloned().collect();
    assert_eq!(particles.len(), 2);
    for (particle, off) in particles.iter().zip([vec2(60.0, -40.0), vec2(-90.0, 30.0)]) {
        let (x, y) = (199.5 + off.x / zoom, 149.5 + off.y / zoom);
        assert!((particle.x - x).abs() < 0.5 && (particle.y - y).abs() < 0.5, "{particle:?} for {x} {y}");
        assert_eq!(particle.label, Some(window.app().project().classes[0].id));
    }
    assert!(window.shows("Class cube: 2 labelled"));
    assert!(window.app().is_dirty());
    window.press("Undo");
    assert!(window.shows("Class cube: 1 labelled"));
    window.key(Modifiers::COMMAND, Key::Z);
    assert!(window.app().project().particles.is_empty() && !window.app().is_dirty());
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.press("Redo");
    assert_eq!(window.app().project().particles.values().cloned().collect::<Vec<_>>(), particles);
}

#[test]
fn number_keys_choose_the_class_and_relabel_the_selection() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.key(Modifiers::NONE, Key::Num2);
    window.click_canvas(vec2(0.0, 0.0));
    assert!(window.shows("Class rod: 1 labelled"));
    // Shift-click selects and adds nothing; then 1 relabels.
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.click_at(middle, Modifiers::SHIFT, PointerButton::Primary);
    assert!(window.shows("1 particle selected"));
    window.key(Modifiers::NONE, Key::Num1);
    assert!(window.shows("Class rod: 0 labelled") && window.shows("Class cube: 1 labelled"));
    // A click on it with another class relabels it too, and adds no second particle.
    window.key(Modifiers::NONE, Key::Escape);
    window.key(Modifiers::NONE, Key::Num2);
    window.click_canvas(vec2(1.0, 1.0));
    assert!(window.shows("Class rod: 1 labelled"));
    assert_eq!(window.app().project().particles.len(), 1);
}

#[test]
fn delete_and_right_click_remove_and_can_be_undone() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    for off in [vec2(-60.0, 0.0), vec2(0.0, 0.0), vec2(60.0, 0.0)] {
        window.click_canvas(off);
    }
    window.key(Modifiers::COMMAND, Key::A);
    assert!(window.shows("3 particles selected"));
    window.key(Modifiers::NONE, Key::Delete);
    assert!(window.app().project().particles.is_empty());
    window.press("Undo");
    assert_eq!(window.app().project().particles.len(), 3);
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.click_at(middle, Modifiers::NONE, PointerButton::Secondary);
    assert_eq!(window.app().project().particles.len(), 2);
}

#[test]
fn classes_are_added_and_removed_with_their_labels_in_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.harness.get_by_label("New class").focus();
    window.harness.step();
    window.harness.get_by_label("New class").type_text("sphere");
    window.settle();
    window.press("Add class");
    assert!(window.shows("Class sphere: 0 labelled"));
    window.key(Modifiers::NONE, Key::Escape);
    window.click_canvas(vec2(0.0, 0.0));
    assert!(window.shows("Class sphere: 1 labelled"));
    window.press("Remove class sphere");
    assert!(window.shows("It has 1 particle. What becomes of them?"));
    window.harness.check_accessibility();
    window.press("They stay, without a label");
    assert!(!window.shows("Class sphere"));
    assert_eq!(window.app().project().particles.values().next().unwrap().label, None);
    window.press("Undo");
    assert!(window.shows("Class sphere: 1 labelled"));
}

#[test]
fn a_drag_moves_a_particle_and_the_lasso_selects_what_it_goes_round() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    let zoom = fitted_zoom(&window);
    for off in [vec2(-80.0, 0.0), vec2(80.0, 0.0)] {
        window.click_canvas(off);
    }
    window.drag("Micrograph canvas", &[vec2(-80.0, 0.0), vec2(-70.0, 10.0), vec2(-60.0, 40.0)]);
    let first = window.app().project().particles.values().next().unwrap().clone();
    let (x, y) = (199.5 - 60.0 / zoom, 149.5 + 40.0 / zoom);
    assert!((first.x - x).abs() < 1.0 && (first.y - y).abs() < 1.0, "{first:?} for {x} {y}");
    window.key(Modifiers::NONE, Key::L);
    window
        .drag("Micrograph canvas", &[vec2(-120.0, 0.0), vec2(0.0, 0.0), vec2(0.0, 90.0), vec2(-120.0, 90.0)]);
    assert!(window.shows("1 particle selected"));
    window.press("Undo");
    assert!((window.app().project().particles.values().next().unwrap().y - 149.5).abs() < 1.0);
}

#[test]
fn regions_of_any_outline_are_excluded_and_taken_away_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.key(Modifiers::SHIFT, Key::X);
    window.drag(
        "Micrograph canvas",
        &[vec2(-50.0, -50.0), vec2(60.0, -40.0), vec2(40.0, 50.0), vec2(-30.0, 40.0)],
    );
    assert!(window.shows("1 region excluded"));
    assert_eq!(window.app().project().micrographs[0].outlines.len(), 1);
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.click_at(middle, Modifiers::NONE, PointerButton::Secondary);
    assert!(window.shows("Nothing excluded"));
}

#[test]
fn a_line_along_the_scale_bar_gives_the_pixel_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    let zoom = fitted_zoom(&window);
    window.key(Modifiers::NONE, Key::M);
    window.drag("Micrograph canvas", &[vec2(0.0, 100.0), vec2(50.0, 100.0), vec2(100.0, 100.0)]);
    assert!(window.shows("pixels long. How long is it"));
    window.harness.get_by_label("Length").type_text("200");
    window.settle();
    window.press("Set the pixel size");
    let size = window.app().project().micrographs[0].pixel_size.expect("it was set");
    assert!((size.x_nm - 2.0 * f64::from(zoom)).abs() < 0.02 * size.x_nm, "{size:?} at zoom {zoom}");
}

#[test]
fn the_palette_finds_actions_and_the_history_goes_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    for x in [-60.0, 0.0, 60.0] {
        window.click_canvas(vec2(x, 0.0));
    }
    window.key(Modifiers::COMMAND, Key::P);
    window.harness.get_by_label("Search actions").type_text("und");
    window.settle();
    window.harness.check_accessibility();
    window.key(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().project().particles.len(), 2);
    window.key(Modifiers::COMMAND, Key::H);
    window.harness.check_accessibility();
    window.press("as it was opened");
    assert!(window.app().project().particles.is_empty() && !window.app().is_dirty());
    window.press("Close");
    window.press("Redo");
    assert_eq!(window.app().project().particles.len(), 1);
}

#[test]
fn the_keyboard_alone_labels_a_picture() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.harness.get_by_role_and_label(egui::Role::ComboBox, "Particles are").click();
    window.settle();
    window.press("Bright");
    window.key(Modifiers::NONE, Key::D);
    window.until("four proposals", |w| w.shows("4 new particles"));
    for digit in [Key::Num1, Key::Num2, Key::Num1, Key::Num2] {
        if window.app().project().particles.is_empty() {
            window.key(Modifiers::NONE, Key::Tab);
        }
        window.key(Modifiers::NONE, digit);
    }
    assert!(window.shows("Class cube: 2 labelled") && window.shows("Class rod: 2 labelled"));
    assert!(!window.shows("4 new particles"));
}

#[test]
fn labels_of_other_programs_come_in_and_go_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    std::fs::write(dir.path().join("discs.box"), "88 68 24 24\n288\t68\t24\t24\n").unwrap();
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::I);
    window.until("a field for the path", |w| w.shows("Path"));
    let path = dir.path().join("discs.box").display().to_string();
    window.harness.get_by_label("Path").type_text(&path);
    window.settle();
    window.press("OK");
    assert!(window.shows("2 labels imported"));
    let places: Vec<_> = window.app().project().particles.values().map(|p| (p.x, p.y)).collect();
    assert_eq!(places, [(100.0, 80.0), (300.0, 80.0)]);
}

#[test]
fn a_window_that_died_gives_its_work_back() {
    let dir = tempfile::tempdir().unwrap();
    let project = write_project(dir.path());
    let mut window = open_project(dir.path());
    for x in [-60.0, 60.0] {
        window.click_canvas(vec2(x, 0.0));
    }
    // While it lives a second window only looks.
    let mut second = Window::open(Open { project: Some(project.clone()), ..Open::default() });
    second.until("the picture", |w| w.shows("read-only"));
    second.key(Modifiers::NONE, Key::Escape);
    second.click_canvas(vec2(0.0, 0.0));
    assert!(second.app().project().particles.is_empty());
    drop(second);
    // It was never asked to close: as if it had been killed.
    drop(window);
    let mut window = Window::open(Open { project: Some(project), ..Open::default() });
    window.until("the offer", |w| w.shows("Nothing was lost"));
    assert_eq!(window.app().project().particles.len(), 2);
    window.press("Keep them");
    window.press("Undo");
    assert_eq!(window.app().project().particles.len(), 1);
}

#[test]
fn work_without_a_file_is_offered_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let unsaved = Some(dir.path().join("unsaved"));
    let picture = dir.path().join("discs.png");
    write_picture(&picture);
    let mut window =
        Window::open(Open { images: vec![picture], unsaved: unsaved.clone(), ..Open::default() });
    window.until("the picture", |w| w.shows("Micrograph canvas"));
    window.harness.get_by_label("New class").focus();
    window.harness.step();
    window.harness.get_by_label("New class").type_text("disc");
    window.settle();
    window.press("Add class");
    drop(window);
    let mut window = Window::open(Open { unsaved, ..Open::default() });
    window.until("the offer", |w| w.shows("There is work that was never saved"));
    assert!(window.shows("discs.png: 0 particles, 1 class, just now."));
    window.press("Bring it back");
    window.until("the class", |w| w.shows("Class disc"));
}

#[test]
fn the_hint_says_what_training_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    assert!(window.shows("3 more cube, 3 more rod labels and training can start."));
    for x in [-80.0, 0.0, 80.0] {
        window.click_canvas(vec2(x, -50.0));
    }
    assert!(window.shows("3 more rod labels and training can start."));
    assert!(!window.is_enabled("Train"));
    window.key(Modifiers::NONE, Key::Num2);
    for x in [-80.0, 0.0, 80.0] {
        window.click_canvas(vec2(x, 50.0));
    }
    assert!(window.is_enabled("Train"));
}

#[test]
fn saving_writes_what_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.click_canvas(vec2(10.0, 10.0));
    assert!(window.shows("unsaved changes"));
    window.key(Modifiers::COMMAND, Key::S);
    window.until("the save", |w| !w.app().is_dirty());
    assert_eq!(&store::load(dir.path().join("discs.nanotheca")).unwrap(), window.app().project());
}

#[test]
fn proposals_become_particles_only_when_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.harness.get_by_role_and_label(egui::Role::ComboBox, "Particles are").click();
    window.settle();
    window.press("Bright");
    window.press("Find particles");
    window.until("four proposals", |w| w.shows("4 new particles"));
    assert!(window.app().project().particles.is_empty());
    window.press("Accept all");
    let particles: Vec<_> = window.app().project().particles.values().cloned().collect();
    assert_eq!(particles.len(), 4);
    for (cx, cy) in [(100.0, 80.0), (300.0, 80.0), (100.0, 220.0), (300.0, 220.0)] {
        let near = |p: &&nanotheca::particle::Particle| (p.x - cx).hypot(p.y - cy) < 2.0;
        assert_eq!(particles.iter().filter(near).count(), 1, "{cx} {cy}");
    }
    // Discs of 24 px with room; taken back with them.
    let extent = window.app().project().patch.extent_px;
    assert!((28.0..=40.0).contains(&extent) && window.shows("Patches are "), "{extent}");
    window.press("Undo");
    assert!(window.app().project().particles.is_empty());
    assert_eq!(window.app().project().patch, PatchGeometry::default());
}

#[test]
fn what_is_done_while_another_project_is_read_is_asked_about() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let second = other.path().join("second.nanotheca");
    std::fs::rename(write_project(other.path()), &second).unwrap();
    let mut window = open_project(dir.path());
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    // The file falls on the window, and in the same frame a particle is clicked.
    let drop_and_click = |window: &mut Window| {
        window.harness.event(Event::PointerMoved(middle));
        window.harness.step();
        for pressed in [true, false] {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            window.harness.event(Event::PointerButton { pos: middle, button, pressed, modifiers });
            if !pressed {
                window.harness.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(second.clone())));
            }
            window.harness.step();
        }
    };
    drop_and_click(&mut window);
    window.until("the question", |w| w.shows("Save the changes to discs?"));
    window.press("Cancel");
    assert_eq!((window.app().project().particles.len(), window.app().is_dirty()), (1, true));
    window.press("Undo");
    drop_and_click(&mut window);
    window.until("the question", |w| w.shows("Save the changes to discs?"));
    window.press("Discard changes");
    window.until("the other project", |w| w.app().project().particles.is_empty() && !w.app().is_dirty());
    assert!(window.shows("second"));
}

#[test]
fn unsaved_changes_are_asked_about_before_the_window_closes() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.click_canvas(vec2(0.0, 0.0));
    let close = |window: &mut Window| {
        let viewport = window.harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
        viewport.events.push(egui::ViewportEvent::Close);
        window.harness.step();
        let viewport = window.harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
        viewport.events.clear();
        window.settle();
    };
    close(&mut window);
    assert!(window.shows("Save the changes to discs?"));
    window.press("Cancel");
    assert!(!window.shows("Save the changes to discs?"));
    close(&mut window);
    window.press("Save changes");
    window.until("the save", |w| !w.app().is_dirty());
    assert_eq!(store::load(dir.path().join("discs.nanotheca")).unwrap().particles.len(), 1);
}

#[test]
fn a_lost_picture_is_said_where_the_picture_would_be() {
    let dir = tempfile::tempdir().unwrap();
    let project = write_project(dir.path());
    std::fs::remove_file(dir.path().join("discs.png")).unwrap();
    let mut window = Window::open(Open { project: Some(project), ..Open::default() });
    window.until("the notice", |w| w.shows("This micrograph cannot be shown"));
    assert!(window.shows("discs.png"));
    assert!(!window.app().is_dirty());
    // Put back, it is there at the next click on its name.
    write_picture(&dir.path().join("discs.png"));
    window.harness.get_by_label_contains("Micrograph discs.png").click();
    window.settle();
    window.until("the picture", |w| !w.shows("This micrograph cannot be shown"));
}

#[test]
fn what_is_hidden_is_out_of_reach_and_ctrl_joins() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    for x in [-60.0, 0.0, 60.0] {
        window.click_canvas(vec2(x, 0.0));
    }
    // The last one becomes a rod; Ctrl-click takes another to it.
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.key(Modifiers::NONE, Key::V);
    window.click_at(middle + vec2(60.0, 0.0), Modifiers::NONE, PointerButton::Primary);
    window.key(Modifiers::NONE, Key::Num2);
    window.click_at(middle, Modifiers::COMMAND, PointerButton::Primary);
    assert!(window.shows("2 particles selected"));
    let rod = window.app().project().classes[1].id;
    window.harness.get_by_label_contains("Class rod").click_secondary();
    window.settle();
    window.press("Hide its particles");
    window.key(Modifiers::COMMAND, Key::A);
    assert!(window.shows("2 particles selected"));
    window.key(Modifiers::NONE, Key::Delete);
    let left: Vec<_> = window.app().project().particles.values().map(|p| p.label).collect();
    assert_eq!(left, [Some(rod)]);
}

#[test]
fn a_picture_that_moved_is_found_when_it_is_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let project = write_project(dir.path());
    let moved = tempfile::tempdir().unwrap();
    let picture = moved.path().join("renamed.png");
    std::fs::rename(dir.path().join("discs.png"), &picture).unwrap();
    let mut window = Window::open(Open { project: Some(project), images: vec![picture], ..Open::default() });
    window.until("the picture", |w| {
        w.app().project().micrographs.first().is_some_and(|m| m.path.ends_with("renamed.png"))
    });
    assert_eq!(window.app().project().micrographs.len(), 1);
    assert!(window.app().is_dirty(), "the new place wants to be saved");
    window.until("its pixels", |w| w.shows("Micrograph canvas") && !w.shows("cannot be shown"));
}

#[test]
fn a_stack_of_hundreds_comes_in_as_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stack.npy");
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (300, 24, 32), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let length = (header.len() + 1 + 10).next_multiple_of(64) - 10;
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{header:<0$}\n", length - 1).bytes());
    bytes.extend((0..300 * 24 * 32).map(|i| (i % 251) as u8));
    std::fs::write(&path, bytes).unwrap();
    let mut window = Window::open(Open { images: vec![path], ..Open::default() });
    window.until("all pages", |w| w.app().project().micrographs.len() == 300);
    let last = &window.app().project().micrographs[299];
    assert_eq!((last.page, last.width, last.height), (299, 32, 24));
    assert!(window.shows("Micrograph stack.npy#0"));
    assert!(!window.shows("Micrograph stack.npy#299"), "it is far down in the list");
    window.key(Modifiers::COMMAND, Key::Z);
    assert!(window.app().project().micrographs.is_empty());
}

#[test]
fn a_file_that_is_no_picture_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.mrc");
    std::fs::write(&path, "these are notes").unwrap();
    let mut window = Window::open(Open { images: vec![path], ..Open::default() });
    window.until("the message", |w| w.shows("notes.mrc: "));
    assert!(window.shows("Drop micrographs here"));
}

#[test]
fn every_pane_and_dialog_names_its_widgets() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.click_canvas(vec2(60.0, -40.0));
    for tab in [
        "Settings",
        "Models",
        "Averages",
        "Table",
        "Training",
        "Manifold",
        "Review",
        "Patches",
        "Messages",
        "Latent space",
    ] {
        window.press(tab);
        window.harness.check_accessibility();
    }
    for workspace in ["Maps", "Spectra", "Particles"] {
        window.press(workspace);
        window.harness.check_accessibility();
    }
    for menu in ["File", "Edit", "View", "Model", "Help"] {
        window.press(menu);
        window.harness.check_accessibility();
        window.key(Modifiers::NONE, Key::Escape);
        assert_eq!(window.harness.query_all_by_label(menu).count(), 1, "{menu} closes on Escape");
        assert!(!window.shows("New project") && !window.shows("Load model…"));
    }
    window.key(Modifiers::NONE, Key::F1);
    assert!(window.shows("Zoom to the pointer"));
    window.harness.check_accessibility();
    window.press("Close");
    // History, all actions, and what to merge the class with.
    for (key, closes) in [(Key::H, "Close"), (Key::P, ""), (Key::M, "Cancel")] {
        window.key(Modifiers::COMMAND, key);
        window.harness.check_accessibility();
        if closes.is_empty() {
            window.key(Modifiers::NONE, Key::Escape);
        } else {
            window.press(closes);
        }
    }
}

/// A file that a hand lets go over the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

#[test]
fn the_first_start_shows_the_sample_and_three_sentences_until_they_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("window.json");
    let open = || Open { sample: true, memory: Some(memory.clone()), ..Open::default() };
    let sentences = ["These are gold cubes, rods, spheres", "Press Train (T): ", "Watch it learn, "];
    let mut window = Window::open(open());
    window.until("the sample", |w| w.shows("Micrograph canvas"));
    assert!(sentences.iter().all(|sentence| window.shows(sentence)));
    window.press("Got it");
    assert!(!sentences.iter().any(|sentence| window.shows(sentence)));
    drop(window);
    let mut window = Window::open(open());
    window.until("the sample again", |w| w.shows("Micrograph canvas"));
    assert!(!sentences.iter().any(|sentence| window.shows(sentence)));
    // A picture of one's own is not added to the sample's.
    let path = dir.path().join("own.png");
    image::GrayImage::from_fn(90, 60, |x, y| image::Luma([(x * y % 200) as u8])).save(&path).unwrap();
    window.harness.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(path)));
    window.until("the picture", |w| {
        w.app().project().micrographs.first().is_some_and(|entry| entry.file_name() == "own.png")
    });
    let project = window.app().project();
    assert_eq!((project.micrographs.len(), project.particles.len(), project.classes.len()), (1, 0, 0));
}

#[test]
fn classes_are_edited_with_keys_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_project(dir.path());
    window.click_canvas(vec2(60.0, -40.0));
    let names = |w: &Window| -> Vec<String> {
        w.app().project().classes.iter().map(|class| class.name.clone()).collect()
    };
    let type_in = |window: &mut Window, text: &str| {
        window.key(Modifiers::COMMAND, Key::A);
        window.harness.event(Event::Text(text.to_owned()));
        window.settle();
        window.key(Modifiers::NONE, Key::Enter);
        window.key(Modifiers::NONE, Key::Escape);
        window.harness.ctx.memory_mut(|memory| memory.stop_text_input());
        window.settle();
    };
    window.key(Modifiers::COMMAND, Key::R);
    type_in(&mut window, "nanocube");
    assert_eq!(names(&window), ["nanocube", "rod"]);
    window.key(Modifiers::ALT, Key::ArrowDown);
    assert_eq!(names(&window), ["rod", "nanocube"]);
    let colour = window.app().project().classes[1].colour;
    window.key(Modifiers::COMMAND | Modifiers::ALT, Key::R);
    assert_ne!(window.app().project().classes[1].colour, colour);
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::N);
    type_in(&mut window, "star");
    assert_eq!(names(&window), ["rod", "nanocube", "star"]);
    // The new class is the current one; the first gets the particle.
    window.key(Modifiers::NONE, Key::Num2);
    window.key(Modifiers::SHIFT, Key::A);
    assert!(window.shows("1 particle selected"));
    window.key(Modifiers::COMMAND, Key::M);
    window.harness.get_by_label("star").click();
    window.settle();
    assert_eq!(names(&window), ["rod", "star"]);
    let star = window.app().project().classes[1].id;
    assert!(window.app().project().particles.values().all(|particle| particle.label == Some(star)));
    window.key(Modifiers::NONE, Key::Num2);
    window.key(Modifiers::SHIFT, Key::H);
    window.key(Modifiers::COMMAND, Key::A);
    assert!(!window.shows("1 particle selected"), "what is hidden is out of reach");
    for _ in 0..5 {
        window.key(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(names(&window), ["cube", "rod"]);
}

#[test]
fn from_the_sample_to_the_library() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("library");
    let mut window = Window::open(Open::default());
    window.settle();
    window.press("Open sample");
    window.until("the sample", |w| w.app().project().micrographs.len() == 2 && w.shows("Micrograph canvas"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));

    // Labels: add one in a corner of the picture where none is, and take it back.
    let before = window.app().project().particles.len();
    window.key(Modifiers::COMMAND, Key::A);
    window.key(Modifiers::NONE, Key::Escape);
    let free = free_spot(&window);
    window.click_at(free, Modifiers::NONE, PointerButton::Primary);
    assert_eq!(window.app().project().particles.len(), before + 1);
    window.press("Undo");
    assert_eq!(window.app().project().particles.len(), before);

    // Train some steps on the CPU, pause, go on, stop.
    window.press("Settings");
    window.press("Training");
    window.press("Train");
    window.until("the first epoch", |w| w.shows("Hold-out accuracy"));
    window.press("Pause");
    window.until("the pause", |w| w.shows("Resume"));
    // No other model is read while one learns, though a key asks for it.
    window.key(Modifiers { shift: true, ..Modifiers::COMMAND }, Key::L);
    window.until("a field for the path", |w| w.shows("Path"));
    window.harness.get_by_label("Path").type_text("other.safetensors");
    window.settle();
    window.press("OK");
    assert!(window.shows("A training is under way; stop it first."));
    window.press("Resume");
    window.until("going on", |w| w.shows("Pause"));
    window.press("Stop");
    window.until("the end", |w| w.shows("Stopped"));
    window.until("what is left to review", |w| w.shows("to review"));

    window.press("Export…");
    let field = window.harness.get_by_label("Folder");
    field.set_text_value_accesskit(&library.display().to_string());
    window.settle();
    window.press("Export");
    window.until("the library", |_| library.join("library.csv").is_file());
    window.until("the message", |w| w.shows("Exported"));

    // A change of the patches holds for the next training: this model is exported as it learned them.
    window.press("Settings");
    let side = window.app().project().patch.side;
    let is_number = |node: &egui_kittest::Node<'_>| node.accesskit_node().numeric_value().is_some();
    window.harness.query_all_by_label("Patch resolution").find(is_number).unwrap().focus();
    window.harness.run_steps(2);
    window.key(Modifiers::COMMAND, Key::A);
    window.harness.event(Event::Text((side + 8).to_string()));
    window.settle();
    window.key(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().project().patch.side, side + 8);
    let again = dir.path().join("again");
    window.press("Export…");
    window.harness.get_by_label("Folder").set_text_value_accesskit(&again.display().to_string());
    window.settle();
    window.press("Export");
    window.until("the second library", |_| again.join("library.csv").is_file());
    let table = |folder: &Path| std::fs::read_to_string(folder.join("library.csv")).unwrap();
    assert_eq!(table(&library), table(&again), "the same model says the same of the same particles");
}

/// A point of the canvas on the picture that is far from every particle.
fn free_spot(window: &Window) -> Pos2 {
    let canvas = window.harness.get_by_label("Micrograph canvas").rect();
    let project = window.app().project();
    let entry = &project.micrographs[0];
    let (w, h) = (entry.width as f32, entry.height as f32);
    let zoom = (canvas.width() / w).min(canvas.height() / h) * 0.98;
    let screen = |x: f32, y: f32| canvas.center() + vec2(x - (w - 1.0) / 2.0, y - (h - 1.0) / 2.0) * zoom;
    let far = |x: f32, y: f32| {
        project
            .particles_on(entry.id)
            .all(|p| (p.x - x).hypot(p.y - y) > p.diameter.unwrap_or(0.0) / 2.0 + 12.0 / zoom)
    };
    for row in 1..40 {
        for column in 1..40 {
            let (x, y) = (w * column as f32 / 40.0, h * row as f32 / 40.0);
            // The scale bar of the program lies over the lower left and takes no clicks away, but keep clear.
            if far(x, y) && y < 0.7 * h {
                return screen(x, y);
            }
        }
    }
    panic!("the sample has no free spot");
}
