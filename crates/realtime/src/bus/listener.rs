//! One connection that hears other servers: follows the hub's tenants with its subscriptions, and proves each of them
//! from end to end, because one that looks alive and hears nothing loses events in silence.

use super::link::Link;
use super::relay::{channel, publish, tenant_of};
use super::{Bus, doorbell, wire};
use crate::Hub;
use crate::sync::lock;
use model::TenantId;
use redis::{PushInfo, PushKind, RedisResult, Value};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// Messages that may wait to be read: with 128 KiB each at most, 32 MiB. They are read within microseconds; what does not
/// fit is dropped, and found in the log.
const MESSAGES: usize = 256;
/// How often the hub's tenants are looked at, beside when there is a new one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a quiet subscription is proven, and how long its proof may take.
const PROVE_EVERY: Duration = Duration::from_secs(5);
const PROOF_WITHIN: Duration = Duration::from_secs(3);
/// Subscriptions proven, or taken up, at a time: with 20,000 tenants all are proven within a minute.
const AT_A_TIME: usize = 512;
/// How long Redis may take to be told of a proof or of subscriptions.
const DEADLINE: Duration = Duration::from_secs(1);

/// Why a listener has ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// It had subscriptions.
    pub worked: bool,
    pub reason: &'static str,
}

/// A connection that hears.
pub(super) struct Listener<'a> {
    hub: &'a Hub,
    bus: &'a Bus,
    rings: Option<&'a mpsc::Sender<Vec<i64>>>,
    link: Link,
    pushes: mpsc::Receiver<PushInfo>,
    subscriptions: Subscriptions,
}

/// What is subscribed to.
#[derive(Default)]
struct Subscriptions(Mutex<HashMap<TenantId, Proof>>);

/// When a subscription was last seen to work.
struct Proof {
    heard: Instant,
    /// A proof that is under way.
    asked: Option<Instant>,
}

impl<'a> Listener<'a> {
    pub(super) async fn connect(
        hub: &'a Hub,
        bus: &'a Bus,
        rings: Option<&'a mpsc::Sender<Vec<i64>>>,
    ) -> RedisResult<Self> {
        let (sender, pushes) = mpsc::channel(MESSAGES);
        let mut link = bus.listen(sender).await?;
        if rings.is_some() {
            link.subscribe(&[doorbell::CHANNEL.to_owned()]).await?;
        }
        Ok(Self { hub, bus, rings, link, pushes, subscriptions: Subscriptions::default() })
    }

    /// Hears until the connection cannot be used any more.
    pub(super) async fn run(self) -> Ended {
        let Self { hub, bus, rings, link, mut pushes, subscriptions } = self;
        let reason = tokio::select! {
            reason = hear(hub, rings, &mut pushes, &subscriptions) => reason,
            reason = tend(hub, bus, link, &subscriptions) => reason,
        };
        Ended { worked: !lock(&subscriptions.0).is_empty(), reason }
    }
}

async fn hear(
    hub: &Hub,
    rings: Option<&mpsc::Sender<Vec<i64>>>,
    pushes: &mut mpsc::Receiver<PushInfo>,
    subscriptions: &Subscriptions,
) -> &'static str {
    while let Some(push) = pushes.recv().await {
        match push.kind {
            PushKind::Message | PushKind::SMessage => take(hub, rings, &push.data, subscriptions),
            PushKind::Disconnection => return "the connection is lost",
            _ => {}
        }
    }
    "the connection is gone"
}

fn take(hub: &Hub, rings: Option<&mpsc::Sender<Vec<i64>>>, data: &[Value], subscriptions: &Subscriptions) {
    let [Value::BulkString(channel), Value::BulkString(bytes)] = data else { return };
    if let Some(rings) = rings.filter(|_| channel == doorbell::CHANNEL.as_bytes()) {
        // Who has no room for it looks by itself.
        let _ = rings.try_send(doorbell::heard(bytes, &hub.0.server));
        return;
    }
    let Some(tenant) = std::str::from_utf8(channel).ok().and_then(tenant_of) else { return };
    subscriptions.note_heard(&tenant);
    if wire::is_from(bytes, &hub.0.server) {
        return;
    }
    match wire::read(bytes, &tenant) {
        Some(heard) => {
            hub.heard(&heard.events);
            if heard.edges {
                hub.0.exchange.edges.notify_one();
            }
        }
        None => tracing::debug!(%tenant, "Another server's message cannot be read"),
    }
}

/// Keeps the subscriptions as the hub needs them, and proven.
async fn tend(hub: &Hub, bus: &Bus, mut link: Link, subscriptions: &Subscriptions) -> &'static str {
    loop {
        match timeout(DEADLINE * 3, follow_tenants(hub, &mut link, subscriptions)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return "subscribing failed",
        }
        let now = Instant::now();
        if subscriptions.is_one_silent(now) {
            return "a subscription hears nothing";
        }
        prove(hub, bus, subscriptions, now).await;
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = hub.0.exchange.newcomer.notified() => {}
        }
    }
}

/// Says something on the channels that were quiet, to be heard here.
async fn prove(hub: &Hub, bus: &Bus, subscriptions: &Subscriptions, now: Instant) {
    let proofs = subscriptions.to_prove(now);
    if proofs.is_empty() {
        return;
    }
    let beat = wire::beat(&hub.0.server);
    let commands = proofs.iter().map(|tenant| publish(bus, tenant, beat.clone())).collect();
    if bus.ask(commands, DEADLINE).await.is_err() {
        subscriptions.take_back(&proofs);
    }
}

/// Subscribes to tenants that are new in the hub and drops those that are gone.
async fn follow_tenants(hub: &Hub, link: &mut Link, subscriptions: &Subscriptions) -> RedisResult<()> {
    let wanted: Vec<TenantId> = hub.0.tenants().iter().map(|tenant| tenant.id.clone()).collect();
    let (new, gone) = subscriptions.difference(&wanted);
    for some in new.chunks(AT_A_TIME) {
        link.subscribe(&some.iter().map(channel).collect::<Vec<_>>()).await?;
        subscriptions.add(some);
        // What was committed elsewhere before the subscription held was not heard.
        hub.0.exchange.compare.notify_one();
    }
    for some in gone.chunks(AT_A_TIME) {
        link.unsubscribe(&some.iter().map(channel).collect::<Vec<_>>()).await?;
        subscriptions.remove(some);
    }
    Ok(())
}

impl Subscriptions {
    fn difference(&self, wanted: &[TenantId]) -> (Vec<TenantId>, Vec<TenantId>) {
        let wanted: std::collections::HashSet<&TenantId> = wanted.iter().collect();
        let known = lock(&self.0);
        let new = wanted.iter().filter(|tenant| !known.contains_key(**tenant)).copied().cloned().collect();
        let gone = known.keys().filter(|tenant| !wanted.contains(tenant)).cloned().collect();
        (new, gone)
    }

    fn add(&self, tenants: &[TenantId]) {
        let now = Instant::now();
        let proof = |tenant: &TenantId| (tenant.clone(), Proof { heard: now, asked: None });
        lock(&self.0).extend(tenants.iter().map(proof));
    }

    fn remove(&self, tenants: &[TenantId]) {
        let mut known = lock(&self.0);
        for tenant in tenants {
            known.remove(tenant);
        }
    }

    fn note_heard(&self, tenant: &TenantId) {
        if let Some(proof) = lock(&self.0).get_mut(tenant) {
            *proof = Proof { heard: Instant::now(), asked: None };
        }
    }

    fn is_one_silent(&self, now: Instant) -> bool {
        let is_silent =
            |proof: &Proof| proof.asked.is_some_and(|asked| now.duration_since(asked) > PROOF_WITHIN);
        lock(&self.0).values().any(is_silent)
    }

    /// The subscriptions that are to be proven now, those first that were quiet for longest.
    fn to_prove(&self, now: Instant) -> Vec<TenantId> {
        let mut known = lock(&self.0);
        let is_due = |proof: &Proof| proof.asked.is_none() && now.duration_since(proof.heard) >= PROVE_EVERY;
        let mut due: Vec<(Instant, TenantId)> = known
            .iter()
            .filter(|(_, proof)| is_due(proof))
            .map(|(tenant, proof)| (proof.heard, tenant.clone()))
            .collect();
        due.sort();
        due.truncate(AT_A_TIME);
        for (_, tenant) in &due {
            if let Some(proof) = known.get_mut(tenant) {
                proof.asked = Some(now);
            }
        }
        due.into_iter().map(|(_, tenant)| tenant).collect()
    }

    /// Those proofs were not sent.
    fn take_back(&self, tenants: &[TenantId]) {
        let mut known = lock(&self.0);
        for tenant in tenants {
            if let Some(proof) = known.get_mut(tenant) {
                proof.asked = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(count: usize) -> Vec<TenantId> {
        (0..count).map(|n| TenantId::parse(&format!("t{n}")).unwrap()).collect()
    }

    #[test]
    fn a_quiet_subscription_is_proven_and_a_deaf_one_found() {
        let subscriptions = Subscriptions::default();
        let (all, now) = (tenants(2), Instant::now());
        subscriptions.add(&all);
        assert!(subscriptions.to_prove(now).is_empty());
        let later = now + PROVE_EVERY * 2;
        assert_eq!(subscriptions.to_prove(later).len(), 2);
        assert!(subscriptions.to_prove(later).is_empty(), "it is under way");
        assert!(!subscriptions.is_one_silent(later));
        subscriptions.note_heard(&all[0]);
        assert!(subscriptions.is_one_silent(later + PROOF_WITHIN * 2));
        subscriptions.note_heard(&all[1]);
        assert!(!subscriptions.is_one_silent(later + PROOF_WITHIN * 2));
    }

    #[test]
    fn a_proof_that_could_not_be_sent_says_nothing() {
        let subscriptions = Subscriptions::default();
        subscriptions.add(&tenants(1));
        let later = Instant::now() + PROVE_EVERY * 2;
        let proofs = subscriptions.to_prove(later);
        subscriptions.take_back(&proofs);
        assert!(!subscriptions.is_one_silent(later + PROOF_WITHIN * 2));
        assert_eq!(subscriptions.to_prove(later), proofs);
    }

    #[test]
    fn many_are_proven_in_turns() {
        let subscriptions = Subscriptions::default();
        subscriptions.add(&tenants(AT_A_TIME * 2));
        let later = Instant::now() + PROVE_EVERY * 2;
        let (first, second) = (subscriptions.to_prove(later), subscriptions.to_prove(later));
        assert_eq!((first.len(), second.len()), (AT_A_TIME, AT_A_TIME));
        assert!(first.iter().all(|tenant| !second.contains(tenant)));
    }
}
