//! How a task lives that writes this server's users somewhere, and takes them out again when the server stops. Knows
//! nothing of where.

use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Such a task's work.
pub(super) trait Writer {
    /// Why it could not be done.
    type Error;

    /// Writes whatever changes, for ever.
    async fn keep(&mut self);

    /// From now on nobody is here, and that is to be written.
    fn leave(&mut self);

    /// Writes what has yet to be written.
    async fn settle(&mut self) -> Result<(), Self::Error>;
}

/// Works until `cancel`, and then tries for so long to take everybody out. Who sees that it failed is told by time: others
/// take what this server has written for outdated a minute later at most.
pub(super) async fn run(writer: &mut impl Writer, cancel: &CancellationToken, goodbye: Duration) {
    cancel.run_until_cancelled(writer.keep()).await;
    writer.leave();
    let _ = timeout(goodbye, writer.settle()).await;
}
