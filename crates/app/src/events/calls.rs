//! What is said about calls and what waits in queues.
