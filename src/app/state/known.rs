//! What the current model knows, in the project's words.

use super::State;
use crate::particle::ClassId;
use crate::project::Project;
use crate::review::Table;
use crate::worker::job::present_names;

impl State {
    /// The current model's classes as the project calls them now.
    pub fn class_names(&self) -> Vec<String> {
        present_names(&self.project, self.training.classes())
    }

    /// The project with its patches cut as the model that answers understands them: in such patches it tells shifts.
    pub fn project_as_learned(&self) -> Project {
        Project { patch: self.geometry().clone(), ..self.project.clone() }
    }

    /// A sentence that names the model's classes which the project has no more: merged or removed after the training.
    pub fn gone_classes(&self) -> Option<String> {
        self.results.as_ref()?;
        let gone: Vec<&str> = self.gone().collect();
        (!gone.is_empty()).then(|| {
            format!(
                "The model still tells {} apart, which is a class no more. Train again.",
                gone.join(" and ")
            )
        })
    }

    /// What the model says of the particles now, as a table.
    pub fn said(&self) -> Option<Table> {
        let results = self.results.as_ref()?;
        let classes = self.class_names();
        let table =
            Table::new(&self.project_as_learned(), &results.ids, &classes, results.predictions.clone(), &[]);
        Some(table.judged_by(&self.training.judges()))
    }

    /// Names of the model's classes which the project has no more.
    pub fn gone(&self) -> impl Iterator<Item = &str> {
        let there = |id: Option<ClassId>| id.is_some_and(|id| self.project.class(id).is_some());
        self.training.classes().iter().filter(move |(id, _)| !there(*id)).map(|(_, name)| name.as_str())
    }
}
