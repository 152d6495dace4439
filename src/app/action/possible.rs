//! Which actions would do anything now.

use super::{Action, Tool};
use crate::app::class_acts::ClassAct;
use crate::app::maps::Workspace;
use crate::app::run::Phase;
use crate::app::state::{State, Stopped};

impl Action {
    /// Whether it would do anything now; menus, buttons and the palette ask the same question.
    pub fn is_possible(&self, state: &State) -> bool {
        let opened = !state.is_blank();
        let cutting = matches!(state.training.phase, Phase::Preparing { .. });
        let maps = state.workspace == Workspace::Maps;
        let spectra = state.workspace == Workspace::Spectra;
        let phase = state.phase();
        let active = phase.is_active();
        if !self.belongs_to(state.workspace) {
            return false;
        }
        match self {
            Action::Export if maps => state.maps.set.is_some(),
            Action::Export if spectra => state.spectra.found.is_some(),
            Action::TrainOrPause if spectra => state.spectra.subject.is_some(),
            Action::Save
            | Action::SaveAs
            | Action::ImportLabels
            | Action::SelectAll
            | Action::Use(_)
            | Action::Fit
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::ActualSize
            | Action::NextMicrograph
            | Action::PreviousMicrograph
            | Action::NextUnlabelled
            | Action::PreviousUnlabelled
            | Action::CopyContrast
            | Action::TrainOrPause => opened,
            Action::ExportLabels => !state.project.particles.is_empty(),
            Action::Export => crate::app::bar::can_export(state),
            Action::ExportSelection => crate::app::bar::can_export(state) && !state.selection.is_empty(),
            Action::TakeAway => {
                crate::app::take::Figure::of(state.workspace).any(|view| view.is_there(state))
            }
            Action::KeepModel => state.training.model.is_some(),
            Action::Ask => state.training.dataset.is_some(),
            Action::SkipQuestion => state.asking.current.is_some(),
            Action::Agree => state.asking.current.as_ref().is_some_and(|asked| asked.proposal.is_some()),
            Action::GoOn => state.stopped.as_ref().is_some_and(Stopped::can_go_on) && !active,
            Action::LearnNewLabels => state.training.dataset.is_some() && !cutting,
            Action::CrossValidate => state.training.dataset.is_some() && !active,
            Action::LoadModel => opened && !active,
            Action::SaveModel => state.training.model.is_some() && !active,
            Action::Stop => active,
            Action::Undo => state.history.undo_name().is_some(),
            Action::Redo => state.history.redo_name().is_some(),
            Action::History => !state.history.is_empty(),
            Action::SelectNone if maps || spectra => true,
            Action::Delete | Action::Unlabel | Action::HoldOut | Action::SelectNone => {
                !state.selection.is_empty()
            }
            Action::Detect(_) | Action::FindSimilar => state.picture().is_some(),
            Action::AcceptDetections => !state.detection.found.is_empty(),
            Action::OfClass(ClassAct::Add) => true,
            Action::OfClass(ClassAct::Merge) => state.project.classes.len() > 1,
            Action::OfClass(_) => state.class.is_some(),
            Action::LookAtParticles => !state.project.particles.is_empty() && !active,
            Action::ClassAt(place) => *place < state.project.classes.len(),
            _ => true,
        }
    }
    /// False for what acts on particles while maps are shown, and the other way round: no key changes what is not seen.
    pub fn belongs_to(&self, workspace: Workspace) -> bool {
        match self {
            Action::MapTool(_) => workspace == Workspace::Maps,
            // What does not count is drawn alike.
            Action::Use(Tool::Exclude | Tool::Outline) => workspace != Workspace::Spectra,
            // Pictures are not seen while spectra are.
            Action::Fit
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::ActualSize
            | Action::NextMicrograph
            | Action::PreviousMicrograph => workspace != Workspace::Spectra,
            Action::SelectAll
            | Action::Delete
            | Action::Unlabel
            | Action::HoldOut
            | Action::FindSimilar
            | Action::NextUnlabelled
            | Action::PreviousUnlabelled
            | Action::Detect(_)
            | Action::AcceptDetections
            | Action::ClassAt(_)
            | Action::OfClass(_)
            | Action::LookAtParticles
            | Action::LoadModel
            | Action::SaveModel
            | Action::KeepModel
            | Action::GoOn
            | Action::LearnNewLabels
            | Action::Ask
            | Action::Agree
            | Action::SkipQuestion
            | Action::CrossValidate
            | Action::ExportSelection
            | Action::CopyContrast
            | Action::Use(_) => workspace == Workspace::Particles,
            _ => true,
        }
    }
}
