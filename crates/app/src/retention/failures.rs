//! What fails in a round, and does not keep the round from the rest.

use crate::{Error, Result};
use model::TenantId;
use std::fmt::Debug;

/// Failures that a round logs one by one; of the others only how many there were: a defect may strike at every tenant.
const SHOWN: usize = 10;

/// The failures of a round.
#[derive(Default)]
pub(super) struct Failures(usize);

impl Failures {
    pub(super) fn note(&mut self, step: &dyn Debug, tenant: Option<&TenantId>, error: &Error) {
        self.0 += 1;
        if self.0 <= SHOWN {
            let tenant = tenant.map(TenantId::as_str);
            tracing::warn!(?step, tenant, %error, "Some of what is old stays until the next round");
        }
    }

    pub(super) fn into_result(self) -> Result<()> {
        match self.0 {
            0 => Ok(()),
            count => Err(Error::Internal(format!("{count} of a round's steps failed"))),
        }
    }
}
