//! `/ws`

mod audience;
mod connecting;
mod messages;
mod presence;
