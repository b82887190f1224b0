//! The tenant's connections, for its admins.

pub(super) mod close;
pub(super) mod list;
