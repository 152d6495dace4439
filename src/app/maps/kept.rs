//! Settings of map runs as the project keeps them: what belongs to one image with it, the rest once.

use crate::particle::MicrographId;
use crate::project::edit::Edit;
use crate::project::{MicrographEntry, Project};
use crate::train::shift::MapSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is chosen for one image; see [`MapSettings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct OfImage {
    cell: Option<[[f64; 2]; 2]>,
    window_px: Option<f64>,
    average_px: Option<f64>,
}

/// The settings for an image of the project, or for the next one; what cannot be read is as usual.
pub fn read(project: &Project, shown: Option<MicrographId>) -> MapSettings {
    let entry = shown.and_then(|id| project.micrograph(id));
    let own: OfImage = entry.map_or_else(OfImage::default, |entry| parsed(&entry.maps));
    let OfImage { cell, window_px, average_px } = own;
    MapSettings { cell, window_px, average_px, ..parsed(&project.maps) }
}

/// The change of the project that keeps these settings; `None` if it has them already.
pub fn edit(project: &Project, shown: Option<MicrographId>, settings: &MapSettings) -> Option<Edit> {
    let before = read(project, shown);
    let mut edits = Vec::new();
    let of_image =
        |s: &MapSettings| OfImage { cell: s.cell, window_px: s.window_px, average_px: s.average_px };
    if let Some(entry) = shown.and_then(|id| project.micrograph(id))
        && of_image(settings) != of_image(&before)
    {
        let maps = written(&of_image(settings));
        edits.push(Edit::ChangeMicrograph(MicrographEntry { maps, ..entry.clone() }));
    }
    let shared = |s: &MapSettings| MapSettings { cell: None, window_px: None, average_px: None, ..s.clone() };
    if shared(settings) != shared(&before) {
        let mut maps = written(&shared(settings));
        if let Value::Object(fields) = &mut maps {
            for name in ["cell", "window_px", "average_px"] {
                fields.remove(name);
            }
        }
        edits.push(Edit::SetMaps(maps));
    }
    if edits.len() > 1 { Some(Edit::Together(edits)) } else { edits.pop() }
}

fn parsed<T: for<'a> Deserialize<'a> + Default>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_default()
}

/// As it is kept: nothing for what is as usual.
fn written<T: Serialize + Default + PartialEq>(value: &T) -> Value {
    if *value == T::default() { Value::Null } else { serde_json::to_value(value).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_window_and_averaging_belong_to_their_image_and_the_rest_to_all() {
        let mut project = Project::new();
        let mut ids = Vec::new();
        for (path, hash) in [("/a.png", "00"), ("/b.png", "01")] {
            let (id, edit) = project.add_micrograph_edit(MicrographEntry::new(path, 0, 64, 64, None, hash));
            project.apply(edit).unwrap();
            ids.push(id);
        }
        let [a, b] = [Some(ids[0]), Some(ids[1])];
        assert_eq!(read(&project, a), MapSettings::default());
        assert!(edit(&project, a, &MapSettings::default()).is_none());
        let wanted = MapSettings {
            cell: Some([[12.3, 0.1], [-0.1, 11.9]]),
            window_px: Some(17.0),
            average_px: Some(9.5),
            epochs: 7,
            shift_prior: Some(0.3),
            ..MapSettings::default()
        };
        let before = project.clone();
        let back = project.apply(edit(&project, a, &wanted).unwrap()).unwrap();
        assert_eq!(read(&project, a), wanted);
        let other = MapSettings { epochs: 7, shift_prior: Some(0.3), ..MapSettings::default() };
        assert_eq!(read(&project, b), other);
        assert!(edit(&project, a, &wanted).is_none());
        project.apply(back).unwrap();
        assert_eq!(project, before);
        // What no program of this kind wrote is as if it were not there.
        project.maps = serde_json::json!({ "epochs": "many" });
        assert_eq!(read(&project, a), MapSettings::default());
    }
}
