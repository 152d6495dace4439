//! Paths of micrographs as the project file stores them: relative to itself, so that both can move together.

use std::path::{Component, Path, PathBuf};

/// The path to store for the absolute `path` in a project file in the absolute `folder`: relative, with `/` and
/// `..`, if they share at least one named folder; else as it is. `None` if the path is not Unicode.
pub(super) fn stored(path: &Path, folder: &Path) -> Option<String> {
    let there: Vec<Component<'_>> = path.components().collect();
    let here: Vec<Component<'_>> = folder.components().collect();
    let shared = there.iter().zip(&here).take_while(|(a, b)| a == b).count();
    if !there[..shared].iter().any(|part| matches!(part, Component::Normal(_))) {
        return Some(path.to_str()?.to_owned());
    }
    let up = here[shared..].iter().map(|_| Some(".."));
    let down = there[shared..].iter().map(|part| part.as_os_str().to_str());
    Some(up.chain(down).collect::<Option<Vec<_>>>()?.join("/"))
}

/// The absolute path that a project file in the absolute `folder` means by `stored`.
pub(super) fn resolved(stored: &str, folder: &Path) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(stored).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

/// The folder of a project file, absolute, with links followed so that `..` means what it says.
pub(super) fn home(project: &Path) -> PathBuf {
    let file = real(project);
    let folder = super::atomic::folder_of(&file);
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The project file itself where `project` is a link to it: what belongs to it lies beside it, whatever name it is opened by.
pub(super) fn real(project: &Path) -> PathBuf {
    if cfg!(windows) {
        return project.to_owned();
    }
    // A file that is not there yet has a folder.
    let new =
        || Some(std::fs::canonicalize(super::atomic::folder_of(project)).ok()?.join(project.file_name()?));
    std::fs::canonicalize(project).ok().or_else(new).unwrap_or_else(|| project.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn relative_where_a_folder_is_shared_and_back() {
        let folder = Path::new("/home/eva/gold/project");
        for (path, expected) in [
            ("/home/eva/gold/project/a.tif", "a.tif"),
            ("/home/eva/gold/images/day 2/a.tif", "../images/day 2/a.tif"),
            ("/home/karl/a.tif", "../../../karl/a.tif"),
            ("/mnt/microscope/a.tif", "/mnt/microscope/a.tif"),
        ] {
            let text = stored(Path::new(path), folder).unwrap();
            assert_eq!(text, expected);
            assert_eq!(resolved(&text, folder), Path::new(path));
        }
    }
}
