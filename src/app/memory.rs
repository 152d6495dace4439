//! What the window remembers from one day to the next: theme, layout, the last folder, recent projects.

use crate::project::atomic;
use egui::ThemePreference;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Recent projects kept.
const MOST: usize = 8;

/// Kept as a small JSON file. What cannot be read is forgotten: nothing here is anybody's work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    theme: Option<String>,
    /// The project opened or saved last comes first.
    pub recent: Vec<PathBuf>,
    /// Where files were last opened or saved.
    pub folder: Option<PathBuf>,
    /// The sentences of the first start were read.
    pub greeted: bool,
    /// Where the panes stand; only [`super::layout`] reads it.
    pub panes: serde_json::Value,
    /// Those of the maps workspace.
    pub map_panes: serde_json::Value,
    /// Those of the spectra workspace.
    pub spectra_panes: serde_json::Value,
    #[serde(skip)]
    file: Option<PathBuf>,
}

impl Memory {
    /// What was remembered in a file; nothing without one.
    pub fn load(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read(file).ok());
        let memory = text.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        Self { file, ..memory.unwrap_or_default() }
    }

    /// Writes it down.
    pub fn save(&self) {
        let Some(file) = &self.file else { return };
        let folder = std::fs::create_dir_all(atomic::folder_of(file));
        if let (Ok(()), Ok(text)) = (folder, serde_json::to_vec_pretty(self)) {
            // A window that cannot remember its layout works all the same.
            let _ = atomic::write_file(file, |to| to.write_all(&text));
        }
    }

    /// A project was opened or saved.
    pub fn used(&mut self, project: &Path) {
        let project = std::path::absolute(project).unwrap_or_else(|_| project.to_owned());
        self.folder = project.parent().map(Path::to_owned);
        self.recent.retain(|other| *other != project);
        self.recent.insert(0, project);
        self.recent.truncate(MOST);
        self.save();
    }

    /// Recent projects that are still there.
    pub fn recent(&self) -> impl Iterator<Item = &PathBuf> {
        self.recent.iter().filter(|path| path.is_file())
    }

    /// The sentences of the first start were read: they are not shown again.
    pub fn greet(&mut self) {
        self.greeted = true;
        self.save();
    }

    /// The theme chosen last; dark if none was.
    pub fn theme(&self) -> ThemePreference {
        match self.theme.as_deref() {
            Some("light") => ThemePreference::Light,
            Some("system") => ThemePreference::System,
            _ => ThemePreference::Dark,
        }
    }

    pub fn set_theme(&mut self, theme: ThemePreference) {
        let name = match theme {
            ThemePreference::Dark => "dark",
            ThemePreference::Light => "light",
            ThemePreference::System => "system",
        };
        self.theme = Some(name.into());
        self.save();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_comes_first_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/memory.json");
        let mut memory = Memory::load(Some(file.clone()));
        for i in 0..12 {
            memory.used(&folder.path().join(format!("{i}.nanotheca")));
        }
        memory.used(&folder.path().join("7.nanotheca"));
        memory.set_theme(ThemePreference::Light);
        let again = Memory::load(Some(file.clone()));
        assert_eq!(again, memory);
        assert_eq!((again.recent.len(), again.recent[0].file_name()), (MOST, Some("7.nanotheca".as_ref())));
        assert_eq!((again.theme(), again.folder.as_deref()), (ThemePreference::Light, Some(folder.path())));
        assert_eq!(again.recent().count(), 0, "none of them is there");
        std::fs::write(&file, "not JSON").unwrap();
        assert_eq!(Memory::load(Some(file)).theme(), ThemePreference::Dark);
    }
}
