//! Reads the certificate authorities of `WEBHOOK_CA_FILE`.

use anyhow::Context as _;
use std::path::Path;
use webhooks::ExtraRoots;

/// The certificate authorities in that file; none without a file.
pub fn load(file: Option<&Path>) -> anyhow::Result<ExtraRoots> {
    let Some(path) = file else { return Ok(ExtraRoots::default()) };
    let read = std::fs::read(path).map_err(anyhow::Error::from);
    let roots = read.and_then(|pem| Ok(ExtraRoots::from_pem(&pem)?));
    roots.with_context(|| format!("WEBHOOK_CA_FILE {} cannot be used", path.display()))
}
