use super::*;
use crate::library::Patches;
use crate::project::{MicrographEntry, Project};
use std::cell::Cell;
use std::rc::Rc;

/// A disk with room for `left` more bytes.
struct FullDisk {
    file: File,
    left: Rc<Cell<usize>>,
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.left.get());
        if fits == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left.set(self.left.get() - fits);
        self.file.write(&bytes[..fits])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn library() -> Library {
    let mut project = Project::new();
    let entry = MicrographEntry::new("/data/a.png", 0, 100, 100, None, "hash");
    let (micrograph, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let (class, edit) = project.add_class_edit("rod");
    project.apply(edit).unwrap();
    let mut ids = Vec::new();
    for i in 0..3 {
        let (id, edit) = project.add_particle_edit(micrograph, i as f32, 5.0, Some(class));
        project.apply(edit).unwrap();
        ids.push(id);
    }
    let pixels: Vec<f32> = (0..3 * 24 * 24).map(|i| (i % 251) as f32 / 250.0).collect();
    let patches = Patches { pixels: &pixels, side: 24, geometry: &project.patch };
    let mut library = Library::build(&project, &ids, &[], &[], patches).unwrap();
    library.model = Some(vec![7; 500]);
    library
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(std::result::Result::unwrap);
    entries.map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().unwrap().len() }).sum()
}

fn export_onto(room: usize, library: &Library, folder: &Path) -> Result<()> {
    let left = Rc::new(Cell::new(room));
    let through = |file| -> Box<dyn Write> { Box::new(FullDisk { file, left: Rc::clone(&left) }) };
    export_through(library, folder, true, &mut |_, _| true, &through)
}

#[test]
fn a_disk_that_fills_up_leaves_no_half_library() {
    let folder = tempfile::tempdir().unwrap();
    let library = library();
    let fresh = folder.path().join("deep/new");
    let old = folder.path().join("old");
    export(&library, &old, false).unwrap();
    let whole = usize::try_from(size(&old)).unwrap();
    fs::write(old.join("library.csv"), "what was there").unwrap();
    for room in (0..whole).step_by(173).chain([whole - 1]) {
        for target in [&fresh, &old] {
            let refused = export_onto(room, &library, target).unwrap_err();
            let Error::Io { path, source, .. } = &refused else { panic!("{refused}") };
            assert!(path.starts_with(target), "{refused}");
            assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{refused}");
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["old"], "something is left behind at {room} bytes");
        assert_eq!(fs::read_to_string(old.join("library.csv")).unwrap(), "what was there");
    }
    export_onto(whole, &library, &fresh).unwrap();
}
