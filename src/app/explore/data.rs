//! The table behind scatter and review, made anew only when predictions, labels or measurements change.

use super::super::state::State;
use crate::review::meaning::{ClassMeaning, meanings};
use crate::review::{Table, Variable};
use std::sync::Arc;

/// What is known of every particle the model has seen.
#[derive(Default)]
pub struct Data {
    of: Option<(u64, u64, usize)>,
    table: Option<Arc<Table>>,
    meanings: Vec<ClassMeaning>,
}

impl Data {
    /// Brings the table up to date.
    pub fn refresh(&mut self, state: &State) {
        let Some(results) = &state.results else {
            *self = Self::default();
            return;
        };
        let measured = state.measured.as_ref().filter(|m| m.ids[..] == results.ids[..]);
        let place = measured.map_or(0, |m| Arc::as_ptr(m) as usize);
        let key = (results.revision, state.revision, place);
        if self.of == Some(key) {
            return;
        }
        self.of = Some(key);
        let model = state.training.model.as_ref();
        let classes: Vec<String> =
            model.map(|m| m.classes.iter().map(|(_, name)| name.clone()).collect()).unwrap_or_default();
        let descriptors = measured.map_or(&[][..], |m| &m.descriptors[..]);
        let table = Table::new(&state.project, &results.ids, &classes, &results.predictions, descriptors)
            .judged_by(&state.training.judges());
        self.meanings = if descriptors.is_empty() { Vec::new() } else { meanings(&table) };
        self.table = Some(Arc::new(table));
    }

    /// The table, once the model has said something.
    pub fn table(&self) -> Option<&Arc<Table>> {
        self.table.as_ref()
    }

    /// The name of an axis with its unit, and for a latent what it means in the classes where that is clear.
    pub fn axis(&self, variable: &Variable) -> String {
        let Some(table) = &self.table else { return String::new() };
        let (name, unit) = (variable.name(&table.classes), variable.unit(table.in_nm));
        let mut axis = if unit.is_empty() { name } else { format!("{name} ({unit})") };
        if let Variable::Latent(latent) = variable {
            let of_class = |class: &ClassMeaning| {
                let meaning = class.latents.get(*latent)?;
                let strongest = meaning.strongest()?;
                let (what, r) = (strongest.descriptor.name(), strongest.r);
                Some((format!("{}: {what}, r = {r:.2}", class.class), r.abs()))
            };
            let mut clear: Vec<(String, f64)> = self.meanings.iter().filter_map(of_class).collect();
            clear.sort_by(|a, b| b.1.total_cmp(&a.1));
            let with_latent =
                |class: &&ClassMeaning| class.latents.get(*latent).is_some_and(|m| !m.collapsed);
            if !self.meanings.is_empty() && !self.meanings.iter().any(|class| with_latent(&class)) {
                axis.push_str(" – collapsed");
            }
            let clear: Vec<String> = clear.into_iter().take(2).map(|(text, _)| text).collect();
            if !clear.is_empty() {
                axis = format!("{axis} – {}", clear.join("; "));
            }
        }
        axis
    }
}
