//! Everything that is read from the other parts when somebody asks. Names and meanings: `docs/metrics.md`.

use crate::state::{ApiState, RedisHealth};
use app::retention::Pruned;
use model::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::fmt;
use store::deliveries::Backlog;
use webhooks::{Gauges, LATENCY_BUCKETS_MS};

/// The platform at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub connections: u64,
    pub stuck_connections: u64,
    pub redis_up: bool,
    pub engine: Gauges,
    pub backlog: Option<Backlog>,
    pub pruned: Pruned,
    pub now: Timestamp,
}

impl Snapshot {
    pub async fn take(state: &ApiState) -> Self {
        let app = &state.app;
        Self {
            connections: whole(app.hub.total_connections()),
            stuck_connections: whole(app.hub.stuck_connections()),
            redis_up: state.redis() == RedisHealth::Up,
            engine: app.engine.gauges(),
            backlog: app.webhooks.backlog().await,
            pruned: app.retention.pruned(),
            now: app.clock.now(),
        }
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Collector for Snapshot {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        gauge(&mut to, "realtime_connections", "WebSockets open on this server", &self.connections)?;
        let help = "WebSockets whose clients take nothing now of what is written to them";
        gauge(&mut to, "realtime_connections_stuck", help, &self.stuck_connections)?;
        gauge(&mut to, "redis_up", "1 while Redis is connected", &u64::from(self.redis_up))?;
        self.deliveries(&mut to)?;
        self.queue(&mut to)?;
        self.retention(&mut to)
    }
}

impl Snapshot {
    fn deliveries(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let outcomes = [("success", self.engine.delivered), ("failed", self.engine.failed)];
        let help = "Deliveries that this server ended";
        counters(to, "webhook_deliveries", help, "outcome", &outcomes)?;
        let help = "Attempts of this server that are to be repeated";
        counter(to, "webhook_retries", help, self.engine.retried)?;
        let help = "Deliveries that this server fetched from the database, not in order";
        counter(to, "webhook_claims", help, self.engine.claimed)?;
        let help = "How long attempts took";
        let name = "webhook_attempt_duration_seconds";
        let mut encoder = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let bounds = LATENCY_BUCKETS_MS.into_iter().map(|ms| ms as f64 / 1000.0).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.engine.latency_counts).collect();
        let count = self.engine.latency_counts.iter().sum();
        encoder.encode_histogram::<NoLabelSet>(
            self.engine.latency_sum_ms as f64 / 1000.0,
            count,
            &buckets,
            None,
        )
    }

    fn queue(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let engine = &self.engine;
        for (name, help, value) in [
            (
                "webhook_deliveries_queued",
                "Deliveries in this server's memory, not being sent",
                engine.queued,
            ),
            ("webhook_deliveries_in_flight", "Deliveries being sent by this server", engine.in_flight),
            ("webhook_attempts_unrecorded", "Attempts sent and not yet written down", engine.unrecorded),
            ("webhook_memory_bytes", "Bytes that deliveries take in this server's memory", engine.bytes),
            ("webhook_lease_held", "1 while this server may send", usize::from(engine.lease_held)),
        ] {
            gauge(to, name, help, &whole(value))?;
        }
        let Some(backlog) = self.backlog else { return Ok(()) };
        let help = "Deliveries that wait in the database, of all servers; counted to 100000";
        gauge(to, "webhook_deliveries_waiting", help, &backlog.waiting)?;
        let age = backlog.oldest.map_or(0.0, |oldest| self.now.since(oldest).as_secs_f64());
        let help = "Age of the oldest delivery that is not done; 0 without one";
        gauge(to, "webhook_oldest_undelivered_seconds", help, &age)
    }

    fn retention(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Rows that this server removed because of their age";
        counters(to, "retention_pruned_rows", help, "table", &self.pruned.rows)?;
        let last = self.pruned.last_run_at.map_or(0, Timestamp::unix_seconds);
        let help = "When this server last began to remove what is old and came to the end without a failure; 0 for never";
        gauge(to, "retention_last_run_timestamp_seconds", help, &last)
    }
}

fn gauge(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    to.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(value)
}

fn counter(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let mut encoder = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

fn counters(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: &[(&'static str, u64)],
) -> fmt::Result {
    let mut family = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (value, count) in values {
        let labels = [(label, *value)];
        family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(count, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn snapshot() -> Snapshot {
        let oldest = Some(Timestamp(500));
        Snapshot {
            connections: 3,
            stuck_connections: 1,
            redis_up: true,
            engine: Gauges { delivered: 7, ..Gauges::default() },
            backlog: Some(Backlog { waiting: 2, oldest }),
            pruned: Pruned { rows: [("events", 1); 14], last_run_at: None },
            now: Timestamp(2_000),
        }
    }

    #[test]
    fn every_metric_is_in_the_documentation_and_the_other_way_round() {
        let metrics = super::super::Metrics::default();
        // Without a request there is nothing to show of requests.
        let labels =
            super::super::RequestLabels { method: "GET".into(), route: "/health".into(), status: 200 };
        metrics.requests.get_or_create(&labels).inc();
        let text = metrics.encode_with(snapshot()).unwrap();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let shown: BTreeSet<String> = types
            .map(|line| {
                let (name, kind) = line.split_once(' ').unwrap();
                let suffix = if kind == "counter" { "_total" } else { "" };
                format!("{name}{suffix} {kind}")
            })
            .collect();
        let document = include_str!("../../../../docs/metrics.md");
        let rows = document.lines().filter_map(|line| line.strip_prefix("| `callcenter_"));
        let documented: BTreeSet<String> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                let name = cells[0].split(['`', '{']).next().unwrap();
                format!("callcenter_{name} {}", cells[1])
            })
            .collect();
        assert_eq!(shown, documented);
    }

    #[test]
    fn values_stand_under_their_names() {
        let text = super::super::Metrics::default().encode_with(snapshot()).unwrap();
        for line in [
            "callcenter_webhook_deliveries_total{outcome=\"success\"} 7",
            "callcenter_webhook_attempt_duration_seconds_bucket{le=\"+Inf\"} 0",
            "callcenter_webhook_oldest_undelivered_seconds 1.5",
            "callcenter_retention_pruned_rows_total{table=\"events\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
    }
}
