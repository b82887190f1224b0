//! `clients/`

mod browser;
mod js;
