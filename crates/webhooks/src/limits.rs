//! The engine's bounds, with their arithmetic. Knows nothing of how they are kept.

use std::time::Duration;

/// Attempts sent and not yet recorded. A crash repeats at most these. As every request in flight is one of them, this
/// bounds the requests in flight, and the sockets in use, as well.
pub(crate) const UNRECORDED: usize = 256;

/// An endpoint that answers may take up to 32 of them, and one more only while it has fewer than an eighth of what is
/// free and of what is left to its tenant: alone it gets 24 (24 ≤ 200 / 8), twenty endpoints of a tenant that begin one after the
/// other together 203 (each takes a ninth of what is left of 224), so that some always remain for the next one.
pub(crate) const LANE_IN_FLIGHT: usize = 32;
pub(crate) const SHARE: usize = 8;

/// Endpoints from which nothing was heard yet get one request at a time and 64 of the 256 together, and so do those that last
/// timed out; those that fail get one at a time and 32 together. So 96 always remain for those that answer, however many are
/// dead.
pub(crate) const UNTRIED_TOGETHER: usize = 64;
pub(crate) const STALLED_TOGETHER: usize = 64;
pub(crate) const FAILING_TOGETHER: usize = 32;

/// A tenant may have one more in flight while it has fewer than seven times what is free, of all places as of each kind of
/// shared ones: alone 224 of the 256 (224 = 7 × 32), and 56 of 64. So some always remain for the next tenant, however many
/// endpoints this one has and however long they take to answer.
pub(crate) const TENANT_SHARE: usize = 7;

/// An endpoint fails when so many attempts in a row brought no success, and until the next one does. One of which nothing is
/// known fails from the first.
pub(crate) const FAILING_AFTER: u32 = 5;
/// Failing endpoints are tried 100 times a second, all together, after a rest ten times at once: an attempt with its claim and
/// its record takes about 2 ms of a core on SQLite, where each touches pages of its own, so that any number of dead endpoints
/// with any backlog takes a fifth of one. Of a thousand, each is tried every ten seconds.
pub(crate) const FAILING_PACE: Duration = Duration::from_millis(10);
pub(crate) const FAILING_BURST: Duration = Duration::from_millis(100);

/// An endpoint that has been silent for that long, with requests on their way, gets no further ones until it speaks.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);

/// Deliveries in memory, all endpoints together, in bytes: payload and [`DELIVERY_OVERHEAD`]. An endpoint may hold at
/// most an eighth of what is free, so alone 7.1 MiB (7.1 ≤ 56.9 / 8); by one claim of payloads far larger than the last ones
/// [`CLAIM_EACH`] of them more, 8 MiB; by one for many endpoints 32 MiB.
pub(crate) const MEMORY: usize = 64 << 20;
/// What a delivery needs beside its payload: ids, subject, places in queues.
pub(crate) const DELIVERY_OVERHEAD: usize = 512;
/// The greatest payload; what a delivery may bring that was not yet read from the database.
pub(crate) const GREATEST_PAYLOAD: usize = 64 << 10;
/// Deliveries to one endpoint that wait in memory.
pub(crate) const LANE_QUEUE: usize = 4096;

/// Deliveries claimed ahead for an endpoint that answers. To claim one costs nearly as much as to write it and to record it, so a
/// lane must catch up with the database while events are published as fast as they are delivered: from then on they go from hand
/// to hand.
pub(crate) const CLAIM_AHEAD: usize = 1024;
/// Of those at least so many at once, or none, as long as there are that many to send.
pub(crate) const CLAIM_LEAST: usize = 64;
/// The same for one that fails: one by one, each attempt would cost a transaction of its own.
pub(crate) const FAILING_AHEAD: usize = 4;
/// The same of ordered lanes, where nothing goes from hand to hand: at 24 in flight enough for five rounds.
pub(crate) const ORDERED_AHEAD: usize = 128;
/// Deliveries read ahead of one queue of an ordered endpoint. A subject's are few, so that [`ORDERED_AHEAD`] has room for 32
/// subjects, more than are ever in flight, and none keeps the others out. A strict endpoint has one queue: what an answer a
/// millisecond takes of it while a read takes 32 ms.
pub(crate) const QUEUE_AHEAD: usize = 4;
pub(crate) const STRICT_AHEAD: usize = 64;
/// Queues of an ordered endpoint that one reading steps over, at about 10 µs each; on MySQL at a small statement each where they are
/// long.
pub(crate) const QUEUES_TOGETHER: usize = 128;
/// A lane in which nothing waits for that long is free for whichever server queues the next delivery.
pub(crate) const LANE_REST: Duration = Duration::from_secs(10);
/// Deliveries to one endpoint, deliveries in all, and endpoints, for which is claimed in one transaction: a statement of 30 µs for
/// each endpoint and 20 µs for each delivery, for which SQLite keeps everybody else from writing: 3 ms for one endpoint, 11 ms for
/// many. In that time 32 publishers cause less than 32 deliveries to each endpoint, so that those that are behind catch up.
pub(crate) const CLAIM_EACH: usize = 128;
pub(crate) const CLAIM_TOGETHER: usize = 512;
pub(crate) const LANES_TOGETHER: usize = 16;

/// What is claimed next is looked for from the moment on at which the last one claimed was due, less what commits take; what comes
/// in later than that is found by the next look over all endpoints.
pub(crate) const LATE_COMMITS: Duration = Duration::from_millis(200);

/// An endpoint without work for that long is forgotten. A lane takes about 300 bytes.
pub(crate) const LANE_IDLE: Duration = Duration::from_secs(600);

/// A refused delivery whose commit was not heard of by then was not written, or is found by the next look.
pub(crate) const REFUSED: Duration = Duration::from_secs(1);

/// Tests by hand that run at the same time; more wait.
pub(crate) const TESTS_TOGETHER: usize = 32;
/// Notices that the application has not yet read; a lost one comes again with the endpoint's next answer.
pub(crate) const NOTICES: usize = 256;

/// The lease, and how often it is renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
pub(crate) const RENEWAL: Duration = Duration::from_secs(3);
/// Entries of an endpoint that is gone which are removed in one transaction.
pub(crate) const PURGED_TOGETHER: i64 = 500;
/// Rows that were left behind and are given back in one transaction.
pub(crate) const GIVEN_BACK_TOGETHER: usize = 256;

/// How often a server looks for due rows without being told; other servers' rows, mostly.
pub(crate) const LOOK_AROUND: Duration = Duration::from_millis(500);
/// The least time between two looks over all endpoints, which cost 20 to 30 µs for each endpoint with waiting rows:
/// after a doorbell, and for what is due by time.
pub(crate) const LOOK_PAUSE: Duration = Duration::from_millis(20);
pub(crate) const DUE_PAUSE: Duration = Duration::from_millis(200);

/// Results are written at once when nothing was written for that long; else they are collected until then, or until
/// five eighths of [`UNRECORDED`] have come together, so that the rest can go on meanwhile.
pub(crate) const RECORD_PAUSE: Duration = Duration::from_millis(20);
/// So 160. Whoever writes new deliveries does well to write no more of them in one transaction: on SQLite such transactions and
/// those that record take turns, so that with more of them fewer are sent than written, for as long as it goes on.
pub const RECORD_EARLY: usize = UNRECORDED * 5 / 8;
