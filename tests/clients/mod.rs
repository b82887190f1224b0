//! `clients/`

mod js;
