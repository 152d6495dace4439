//! The system's file dialogs, waited for beside the window.

use super::action::Action;
use super::maps::Ask;
use super::spectra::SpectraAsk;
use super::take::Take;
use crate::library::exchange;
use crate::micrograph::format::EXTENSIONS as PICTURES;
use crate::project::store::{self, EXTENSION};
use crate::spectrum::ENDINGS as SPECTRA;
use rfd::AsyncFileDialog;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// What a path is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Open,
    AddMicrographs,
    SaveProject,
    ExportFolder,
    MapFolder,
    OpenSpectra,
    SpectraFolder,
    ImportLabels,
    ExportLabels,
    LoadModel,
    SaveModel,
    TakeView(Take),
}

impl Purpose {
    /// The question, as the title of a dialog.
    pub fn title(self) -> &'static str {
        match self {
            Purpose::Open => "Open a project or micrographs",
            Purpose::AddMicrographs => "Add micrographs",
            Purpose::SaveProject => "Save the project",
            Purpose::ExportFolder => "Folder for the library",
            Purpose::MapFolder => "Folder for the maps (a new one is made inside of it)",
            Purpose::OpenSpectra => "Open spectra (CSV, NPY, NPZ, 3DS)",
            Purpose::SpectraFolder => "Folder for what was found (a new one is made inside of it)",
            Purpose::ImportLabels => "Import labels (CSV, STAR, BOX, COCO, ImageJ)",
            Purpose::ExportLabels => "Export labels (.csv, .star, .box, .json for COCO, .zip for ImageJ)",
            Purpose::LoadModel => "Load a model",
            Purpose::SaveModel => "Save the model",
            Purpose::TakeView(_) => "Write the view into a file",
        }
    }

    /// What to do with the chosen paths; the export folder is a field of another dialog and gives no action.
    pub fn action(self, paths: Vec<PathBuf>) -> Option<Action> {
        let first = paths.first().cloned();
        match self {
            Purpose::Open | Purpose::AddMicrographs if paths.is_empty() => None,
            Purpose::Open | Purpose::AddMicrographs => Some(Action::OpenPaths(paths)),
            Purpose::SaveProject => first.map(Action::SaveTo),
            Purpose::ImportLabels => first.map(Action::ImportLabelsFrom),
            Purpose::ExportLabels => first.map(Action::ExportLabelsTo),
            Purpose::LoadModel => first.map(Action::LoadModelFrom),
            Purpose::SaveModel => first.map(Action::SaveModelTo),
            Purpose::MapFolder => first.map(|folder| Action::Maps(Ask::ExportTo(folder))),
            Purpose::OpenSpectra => first.map(|path| Action::Spectra(SpectraAsk::Open(path))),
            Purpose::SpectraFolder => first.map(|folder| Action::Spectra(SpectraAsk::ExportTo(folder))),
            Purpose::TakeView(take) => first.map(|path| Action::TakeViewTo(take, path)),
            Purpose::ExportFolder => None,
        }
    }
}

impl Purpose {
    /// The file that is written if this one is named; `None` where nothing is, or a folder.
    pub fn written(self, named: &Path) -> Option<PathBuf> {
        match self {
            Purpose::SaveProject => Some(store::with_extension(named)),
            Purpose::ExportLabels | Purpose::SaveModel => Some(named.to_owned()),
            Purpose::TakeView(take) => Some(take.path(named)),
            _ => None,
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Option<Vec<PathBuf>>> + Send>>;

/// Prepares the system's dialog; some systems want this on the window's own thread.
pub fn ask(purpose: Purpose, name: &str, folder: Option<&Path>) -> Answer {
    let mut dialog = AsyncFileDialog::new().set_title(purpose.title());
    if let Some(folder) = folder {
        dialog = dialog.set_directory(folder);
    }
    match purpose {
        Purpose::Open => {
            let all: Vec<&str> = std::iter::once(EXTENSION).chain(PICTURES.iter().copied()).collect();
            many(
                dialog
                    .add_filter("Projects and micrographs", &all)
                    .add_filter("All files", &["*"])
                    .pick_files(),
            )
        }
        Purpose::AddMicrographs => {
            many(dialog.add_filter("Micrographs", PICTURES).add_filter("All files", &["*"]).pick_files())
        }
        Purpose::SaveProject => one(dialog
            .add_filter("Nanotheca project", &[EXTENSION])
            .set_file_name(format!("{name}.{EXTENSION}"))
            .save_file()),
        Purpose::ExportFolder | Purpose::MapFolder | Purpose::SpectraFolder => one(dialog.pick_folder()),
        Purpose::OpenSpectra => {
            one(dialog.add_filter("Spectra", SPECTRA).add_filter("All files", &["*"]).pick_file())
        }
        Purpose::ImportLabels => one(dialog.add_filter("Labels", exchange::READ).pick_file()),
        Purpose::ExportLabels => one(dialog
            .add_filter("Labels", exchange::WRITTEN)
            .set_file_name(format!("{name}.csv"))
            .save_file()),
        Purpose::LoadModel => one(dialog.add_filter("Models", &["safetensors"]).pick_file()),
        Purpose::SaveModel => one(dialog
            .add_filter("Model", &["safetensors"])
            .set_file_name(format!("{name}.safetensors"))
            .save_file()),
        Purpose::TakeView(take) => {
            let end = take.format.extension();
            one(dialog
                .add_filter(take.format.name(), &[end])
                .set_file_name(format!("{name}-{}.{end}", take.view.file_name()))
                .save_file())
        }
    }
}

fn one(asked: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static) -> Answer {
    Box::pin(async move { asked.await.map(|file| vec![file.path().to_owned()]) })
}

fn many(asked: impl Future<Output = Option<Vec<rfd::FileHandle>>> + Send + 'static) -> Answer {
    Box::pin(
        async move { asked.await.map(|files| files.iter().map(|file| file.path().to_owned()).collect()) },
    )
}

/// Waits for an answer on a thread of its own.
pub fn wait(mut answer: Answer) -> Option<Vec<PathBuf>> {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match answer.as_mut().poll(&mut context) {
            Poll::Ready(paths) => return paths,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_returns_what_the_dialog_answers() {
        let mut first = true;
        let late = std::future::poll_fn(move |context| {
            if std::mem::take(&mut first) {
                let waker = context.waker().clone();
                std::thread::spawn(move || waker.wake());
                return Poll::Pending;
            }
            Poll::Ready(Some(vec![PathBuf::from("/a")]))
        });
        assert_eq!(wait(Box::pin(late)), Some(vec![PathBuf::from("/a")]));
    }

    #[test]
    fn what_is_written_has_its_extension() {
        let written = |purpose: Purpose, named: &str| purpose.written(Path::new(named));
        assert_eq!(written(Purpose::SaveProject, "/gold 0.5 nm"), Some("/gold 0.5 nm.nanotheca".into()));
        assert_eq!(written(Purpose::SaveProject, "/gold.nanotheca"), Some("/gold.nanotheca".into()));
        assert_eq!(written(Purpose::ExportLabels, "/gold.star"), Some("/gold.star".into()));
        assert_eq!(written(Purpose::Open, "/gold.tif"), None);
    }

    #[test]
    fn a_closed_dialog_does_nothing() {
        for purpose in [Purpose::Open, Purpose::SaveProject, Purpose::LoadModel] {
            assert_eq!(purpose.action(Vec::new()), None);
        }
    }
}
