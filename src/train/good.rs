//! Weights to go back to when a step has spoiled them.

use super::resume::has_finite_weights;
use super::trainer::not_finite;
use crate::error::{Error, Result};
use crate::model::network::Networks;
use crate::model::vae::Vae;

/// The weights before the last step, whose loss was finite: its gradient need not have been.
#[derive(Default)]
pub(super) struct Good(Option<Networks>);

impl Good {
    /// Passes on what a step told, and goes back where it failed: to the weights before it, or to those before the last one,
    /// where that has spoiled them. After the `last` step of an epoch, which no other one may follow, the weights are looked
    /// at.
    pub fn after<T>(
        &mut self,
        vae: &mut Vae,
        before: Networks,
        stepped: Result<T>,
        last: bool,
        what: &str,
    ) -> Result<T> {
        let stepped = match stepped {
            Ok(_) if last && !has_finite_weights(vae)? => Err(not_finite(what)),
            other => other,
        };
        match &stepped {
            Ok(_) => self.0 = Some(before),
            Err(Error::Training(_)) => {
                vae.networks = before;
                if !has_finite_weights(vae)?
                    && let Some(good) = self.0.take()
                {
                    vae.networks = good;
                }
            }
            // Of a device that stopped answering nothing can be read.
            Err(_) => {}
        }
        stepped
    }
}
