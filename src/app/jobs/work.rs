//! The work itself: opening, importing, searching, cutting, exporting.

use super::super::picture::Picture;
use super::{Context, Done, Import, Imported, Loaded};
use crate::error::{Error, Result};
use crate::micrograph::{Micrograph, format};
use crate::particle::detect::{self, Detection, Example, Examples, Likeness, Settings};
use crate::particle::{MicrographId, Prediction};
use crate::project::history::History;
use crate::project::{MicrographEntry, Project, Region, atomic, session, store};
use crate::worker::job::{self, Dataset};
use crate::worker::provenance::Made;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pages of one file that are added to a project at once.
const MOST_PAGES: usize = 4096;

/// Reads a project and looks for its micrographs if they moved.
pub fn load(path: &Path) -> Result<Loaded> {
    let opened = session::open(path)?;
    Ok(located(opened, atomic::folder_of(path)))
}

/// Brings back a project that was never saved, from its journal.
pub fn bring_back(journal: &Path) -> Result<Loaded> {
    Ok(located(session::open_unsaved(journal)?, Path::new(".")))
}

/// Looks for micrographs that moved.
fn located(opened: session::Opened, folder: &Path) -> Loaded {
    let session::Opened { mut project, mut history, recovered, notes } = opened;
    let found = store::relocate(&mut project, folder);
    let moved = found.len();
    if moved > 0 {
        history.mark_unsaved();
    }
    found.into_iter().filter_map(|id| project.micrograph(id)).for_each(|entry| history.follow(entry));
    let missing = store::missing(&project).len();
    Loaded { project, history, recovered, notes, moved, missing }
}

/// The sample project, as if it had been opened.
pub fn sample() -> Result<Loaded> {
    let opened =
        |project| session::Opened { project, history: History::new(), recovered: 0, notes: Vec::new() };
    let mut loaded = located(opened(crate::sample::open_sample()?), Path::new("."));
    (loaded.moved, loaded.missing) = (0, 0);
    Ok(loaded)
}

/// Opens a file as new micrographs: its pages with their size, scale and proposed banner.
pub fn import(path: &Path, context: &Context) -> Result<Imported> {
    let format::First { micrograph, pages, alike, mut notes } = format::open_first(path)?;
    let first = Arc::new(Picture::new(micrograph));
    // Seen at once; all else about it follows.
    context.tell(Done::Look(first.clone()));
    let hash = store::hash_file(path)?;
    if pages > MOST_PAGES {
        notes.push(format!("only the first {MOST_PAGES} of its {pages} pages were added"));
    }
    let mut imports: Vec<Import> = Vec::new();
    for page in 0..pages.clamp(1, MOST_PAGES) {
        if context.stopped() {
            return Err(Error::Stopped);
        }
        // Where all pages are of one size they also come from one instrument, and what is excluded on the first is excluded
        // on all: a stack of thousands is not read to the end.
        let later = if page == 0 || alike { None } else { Some(format::open_page(path, page)?) };
        let micrograph = later.as_ref().unwrap_or(&first.micrograph);
        let Micrograph { width, height, pixel_size, .. } = *micrograph;
        let mut entry = MicrographEntry::new(path, page, width, height, pixel_size, hash.as_str());
        entry.excluded = match (imports.first(), &later) {
            (Some(Import { entry, .. }), None) => entry.excluded.clone(),
            _ => detect::propose_excluded(micrograph),
        };
        imports.push(Import { entry, picture: (page == 0).then(|| first.clone()) });
    }
    Ok(Imported { pages: imports, notes })
}

/// Opens a micrograph of the project for the screen.
pub fn open(entry: &MicrographEntry) -> Result<Arc<Picture>> {
    Ok(Arc::new(Picture::new(entry.open()?)))
}

/// Searches particles; ends early when stopped.
pub fn search(
    micrograph: &Micrograph,
    excluded: &[Region],
    settings: &Settings,
    context: &Context,
) -> Result<Vec<Detection>> {
    detect::detect(micrograph, excluded, settings, &|done| {
        context.tell(Done::Searching(done));
        !context.stopped()
    })
}

/// Examples on a micrograph, and its picture if that is open.
pub struct Seen {
    pub entry: MicrographEntry,
    pub open: Option<Arc<Picture>>,
    pub of: Vec<Example>,
}

/// Searches what resembles the examples; the slider then shows those of its score and above.
pub fn search_similar(
    picture: &Picture,
    entry: &MicrographEntry,
    seen: Vec<Seen>,
    context: &Context,
) -> Result<Vec<Detection>> {
    // The user may know the scale better than the file.
    let scaled = |micrograph: Micrograph, entry: &MicrographEntry| Micrograph {
        pixel_size: entry.pixel_size,
        ..micrograph
    };
    let micrograph = scaled(picture.micrograph.clone(), entry);
    let (mut others, mut examples, mut problem) = (Vec::new(), Vec::new(), None);
    for Seen { entry: of_entry, open, of } in seen {
        if of_entry.id == entry.id {
            examples.push((None, of));
            continue;
        }
        // What cannot be opened gives no examples; the others do.
        match open.map_or_else(|| of_entry.open(), |picture| Ok(picture.micrograph.clone())) {
            Ok(other) => {
                examples.push((Some(others.len()), of));
                others.push(scaled(other, &of_entry));
            }
            Err(error) => problem = Some(error),
        }
        if context.stopped() {
            return Err(Error::Stopped);
        }
    }
    if let (true, Some(problem)) = (examples.is_empty(), problem) {
        return Err(problem);
    }
    let on = |place: &Option<usize>| place.map_or(&micrograph, |place| &others[place]);
    let examples: Vec<Examples<'_>> =
        examples.iter().map(|(place, of)| Examples { micrograph: on(place), of }).collect();
    let likeness = Likeness { score: 0.3, ..Likeness::default() };
    detect::similar(&micrograph, &entry.excluded_regions(), &examples, likeness, &|done| {
        context.tell(Done::Searching(done));
        !context.stopped()
    })
}

/// Pictures that are open already, so that no file is read twice.
pub type OpenPictures = BTreeMap<MicrographId, Arc<Picture>>;

/// Cuts the patches of all particles.
pub fn assemble(project: &Project, open: &OpenPictures, context: &Context) -> Result<Dataset> {
    let micrographs = |id: MicrographId| -> Result<Micrograph> {
        if let Some(picture) = open.get(&id) {
            return Ok(picture.micrograph.clone());
        }
        match project.micrograph(id) {
            Some(entry) => entry.open(),
            None => Err(Error::invalid(format!("micrograph {}", id.0), "the project does not have it")),
        }
    };
    let progress = |share: f32| {
        context.tell(Done::Assembling(share));
        !context.stopped()
    };
    job::assemble(project, &micrographs, &progress)
}

/// Everything the library writer needs.
pub struct Export {
    pub project: Project,
    pub dataset: Arc<Dataset>,
    pub predictions: Arc<[Prediction]>,
    /// A temporary copy of the model.
    pub model: PathBuf,
    pub dir: PathBuf,
    pub overwrite: bool,
    pub made: Made,
}

impl Export {
    /// Writes the library.
    pub fn run(self) -> Result<()> {
        job::export(
            &self.project,
            &self.dataset,
            &self.predictions,
            Some(&self.model),
            &self.dir,
            self.overwrite,
            self.made,
        )
    }
}
