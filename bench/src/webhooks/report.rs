//! What was measured, for people and for programs.

use crate::percentiles::Percentiles;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Signing and posting the bodies, and nothing else.
#[derive(Debug, Clone, Serialize)]
pub struct Ceiling {
    /// Posts a second, by one thread.
    pub deliveries_per_second: f64,
    /// CPU time of the sender for each; none where it cannot be told.
    pub cpu_us_per_delivery: Option<f64>,
}

/// What the server needed with some number of endpoints.
#[derive(Debug, Clone, Serialize)]
pub struct Delivered {
    /// Each event went to so many.
    pub endpoints: u32,
    /// Distinct deliveries over the time from the first call to the last receipt.
    pub deliveries_per_second: f64,
    /// CPU time of the server, and of the database if it was named, for each delivery.
    pub cpu_us_per_delivery: Option<f64>,
    /// The same by process.
    pub cpu_us_by_process: BTreeMap<String, f64>,
    /// CPU time as a multiple of the ceiling's.
    pub times_ceiling: Option<f64>,
    /// Received again after they had been answered.
    pub duplicates: u64,
    /// CPU time of the receiver for each delivery, to judge the load that it adds to the machine.
    pub receiver_cpu_us_per_delivery: Option<f64>,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Events a measurement.
    pub events: u64,
    /// Calls at a time, one event each.
    pub publishers: u64,
    /// A payload's size.
    pub payload_bytes: usize,
    /// The least that it can cost.
    pub ceiling: Ceiling,
    /// For each number of endpoints.
    pub delivered: Vec<Delivered>,
    /// Events a second while latency was measured.
    pub latency_rate: u32,
    /// From the moment when an event was due to its receipt, with one endpoint.
    pub latency: Option<Percentiles>,
    /// A flushed overwrite of 4 KiB.
    pub fdatasync: Percentiles,
    /// By process.
    pub peak_memory_mib: BTreeMap<String, u64>,
}

/// One measurement as it was taken.
pub(super) struct Measured {
    pub(super) endpoints: u32,
    pub(super) events: u64,
    pub(super) took: Duration,
    /// By process.
    pub(super) cpu: BTreeMap<String, Option<Duration>>,
    pub(super) receiver_cpu: Option<Duration>,
    pub(super) duplicates: u64,
}

fn per_second(count: u64, took: Duration) -> f64 {
    (count as f64 / took.as_secs_f64()).round()
}

fn us_each(cpu: Duration, count: u64) -> f64 {
    (cpu.as_secs_f64() * 1e7 / count as f64).round() / 10.0
}

impl Ceiling {
    pub(super) fn new(posts: u64, took: Duration, cpu: Option<Duration>) -> Self {
        Self {
            deliveries_per_second: per_second(posts, took),
            cpu_us_per_delivery: cpu.map(|cpu| us_each(cpu, posts)),
        }
    }
}

impl Delivered {
    pub(super) fn new(run: Measured, ceiling: &Ceiling) -> Self {
        let deliveries = run.events * u64::from(run.endpoints);
        let total: Option<Duration> = run.cpu.values().copied().sum();
        let cpu_us_per_delivery = total.filter(|_| !run.cpu.is_empty()).map(|cpu| us_each(cpu, deliveries));
        let by_process =
            run.cpu.into_iter().filter_map(|(name, cpu)| Some((name, us_each(cpu?, deliveries))));
        let ratio = |(own, least): (f64, f64)| (own / least * 10.0).round() / 10.0;
        Self {
            endpoints: run.endpoints,
            deliveries_per_second: per_second(deliveries, run.took),
            cpu_us_per_delivery,
            cpu_us_by_process: by_process.collect(),
            times_ceiling: cpu_us_per_delivery.zip(ceiling.cpu_us_per_delivery).map(ratio),
            duplicates: run.duplicates,
            receiver_cpu_us_per_delivery: run.receiver_cpu.map(|cpu| us_each(cpu, deliveries)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, publishers, payload_bytes, .. } = self;
        writeln!(
            f,
            "{events} events of {payload_bytes} bytes, published one by one by {publishers} callers\n"
        )?;
        writeln!(f, "{:28}{:>14}{:>16}{:>12}", "", "deliveries/s", "CPU µs each", "× ceiling")?;
        let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
        let ceiling = &self.ceiling;
        writeln!(
            f,
            "{:28}{:>14}{:>16}{:>12}",
            "ceiling: sign and post",
            ceiling.deliveries_per_second,
            cell(ceiling.cpu_us_per_delivery),
            "1.0"
        )?;
        for one in &self.delivered {
            let name =
                format!("server, {} endpoint{}", one.endpoints, if one.endpoints == 1 { "" } else { "s" });
            writeln!(
                f,
                "{name:28}{:>14}{:>16}{:>12}",
                one.deliveries_per_second,
                cell(one.cpu_us_per_delivery),
                cell(one.times_ceiling)
            )?;
        }
        if let Some(latency) = &self.latency {
            writeln!(
                f,
                "\nfrom publishing to receipt at {} events/s, 1 endpoint: {latency}",
                self.latency_rate
            )?;
        }
        writeln!(f, "fdatasync of 4 KiB on the database's disk: {}", self.fdatasync)?;
        for (name, mib) in &self.peak_memory_mib {
            writeln!(f, "peak memory of {name}: {mib} MiB")?;
        }
        Ok(())
    }
}
