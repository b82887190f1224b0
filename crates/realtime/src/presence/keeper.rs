//! Writes this server's users into Redis and out of it. One task, so that its writes come in the order of what they say.
//! Knows nothing of other servers but what stands in Redis.

use super::keys::{self, Person};
use super::writer::Writer;
use super::{Rhythm, sweeper};
use crate::bus::Away;
use crate::{Bus, Hub};
use model::{TenantId, UserId};
use redis::{Cmd, Value, cmd};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Users written at a time: with five commands each, 1,000 commands on the way.
const AT_A_TIME: usize = 200;
/// How long Redis may take for them.
const WRITE_DEADLINE: Duration = Duration::from_secs(1);
/// How long a stopping server tries to remove its users. Redis forgets them by itself, a minute later.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);
/// How long keys live without a heartbeat, in seconds: the contract's, and our own.
const HEARTBEAT_TTL: i64 = 60;
const ENTRY_TTL: i64 = 75;
/// Rounds of writing and looking again; each but the first means that another server wrote at the same moment.
const ROUNDS: usize = 8;

/// This server's part in the presence keys.
pub(super) struct Keeper<'a> {
    pub hub: &'a Hub,
    pub bus: &'a Bus,
    rhythm: Rhythm,
    /// Person entries this server has in Redis; while Redis is away nothing is added.
    written: HashSet<Person>,
    /// Person entries may be wrong: of this server's connections and `written` at most.
    due: HashSet<Person>,
    is_leaving: bool,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(hub: &'a Hub, bus: &'a Bus, rhythm: Rhythm) -> Self {
        Self { hub, bus, rhythm, written: HashSet::new(), due: HashSet::new(), is_leaving: false }
    }

    fn note_changes(&mut self) {
        let changed = self.hub.0.changes.for_keeper.take();
        self.due.extend(changed.whose.into_iter().filter_map(|(tenant, user)| Some((tenant, user?))));
        if changed.and_more {
            self.all_due();
        }
    }

    fn all_due(&mut self) {
        self.due.extend(self.written.iter().cloned());
        for tenant in self.hub.0.tenants().iter().filter(|tenant| tenant.connections() > 0) {
            self.due.extend(tenant.users().into_iter().map(|user| (tenant.id.clone(), user)));
        }
    }

    async fn settle_some(&mut self, some: &[Person]) -> Result<(), Away> {
        let (mut commands, mut removed, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for person in some {
            let connections = self.connections_of(&person.0, &person.1);
            self.write_entry(&mut commands, keys::servers(person), connections);
            self.remember(person.clone(), connections, &mut removed);
            if connections > 0 {
                self.write_online(&mut commands, person);
            } else {
                gone.push(person.clone());
            }
        }
        self.write(commands).await?;
        self.project(gone).await?;
        for whose in removed {
            self.written.remove(&whose);
        }
        Ok(())
    }

    fn connections_of(&self, tenant: &TenantId, user: &UserId) -> usize {
        if self.is_leaving { 0 } else { self.hub.local_connections(tenant, user) }
    }

    /// Entries count as written before they are: a write whose answer is lost may have taken place.
    fn remember(&mut self, whose: Person, connections: usize, removed: &mut Vec<Person>) {
        if connections > 0 {
            self.written.insert(whose);
        } else {
            removed.push(whose);
        }
    }

    fn write_entry(&self, commands: &mut Vec<Cmd>, key: String, connections: usize) {
        let server = self.hub.0.server.as_str();
        if connections == 0 {
            commands.push(cmd("HDEL").arg(key).arg(server).clone());
        } else {
            commands
                .push(cmd("HSET").arg(&key).arg(server).arg(keys::entry(connections, self.now())).clone());
            commands.push(cmd("EXPIRE").arg(key).arg(ENTRY_TTL).clone());
        }
    }

    fn write_online(&self, commands: &mut Vec<Cmd>, person: &Person) {
        let now = self.hub.0.clock.now().unix_seconds();
        commands.push(cmd("SET").arg(keys::heartbeat(person)).arg(now).arg("EX").arg(HEARTBEAT_TTL).clone());
        commands.push(cmd("SADD").arg(keys::online(&person.0)).arg(person.1.as_str()).clone());
        commands.push(cmd("SADD").arg(keys::TENANTS).arg(person.0.as_str()).clone());
    }

    /// Makes the contract's keys say what the servers' entries say, and looks again until both agree (see `keys`).
    pub(super) async fn project(&self, mut people: Vec<Person>) -> Result<(), Away> {
        let mut online = self.are_online(&people).await?;
        for _ in 0..ROUNDS {
            let mut commands = Vec::new();
            for (person, is_online) in people.iter().zip(&online) {
                if *is_online {
                    self.write_online(&mut commands, person);
                } else {
                    commands.push(cmd("SREM").arg(keys::online(&person.0)).arg(person.1.as_str()).clone());
                    commands.push(cmd("DEL").arg(keys::heartbeat(person)).clone());
                }
            }
            self.write(commands).await?;
            let now_online = self.are_online(&people).await?;
            let changed: Vec<(Person, bool)> = people
                .into_iter()
                .zip(online.iter().zip(&now_online))
                .filter_map(|(person, (was, is))| (was != is).then_some((person, *is)))
                .collect();
            if changed.is_empty() {
                return Ok(());
            }
            (people, online) = changed.into_iter().unzip();
        }
        Ok(())
    }

    /// Whether each has a connection: to this server, or to another one by that one's entry.
    async fn are_online(&self, people: &[Person]) -> Result<Vec<bool>, Away> {
        let ask = |person: &Person| cmd("HGETALL").arg(keys::servers(person)).clone();
        let servers = self.write(people.iter().map(ask).collect()).await?;
        let (own, now) = (self.hub.0.server.as_str(), self.now());
        let is_online = |((tenant, user), servers): (&Person, &Value)| {
            self.connections_of(tenant, user) > 0 || keys::connections_elsewhere(servers, own, now) > 0
        };
        Ok(people.iter().zip(&servers).map(is_online).collect())
    }

    pub(super) async fn write(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, Away> {
        if commands.is_empty() { Ok(Vec::new()) } else { self.bus.ask(commands, WRITE_DEADLINE).await }
    }

    fn now(&self) -> i64 {
        self.hub.0.steady_now().unix_seconds()
    }
}

impl Writer for Keeper<'_> {
    type Error = Away;

    async fn keep(&mut self) {
        let shared = &self.hub.0;
        let mut sweep = interval(self.rhythm.sweep);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connected = self.bus.watch();
        // By the machine's steady clock, as the keys' time is Redis'; tests move it.
        let mut next_beat = shared.now_ms();
        loop {
            let left = Duration::from_millis(next_beat.saturating_sub(shared.now_ms()));
            tokio::select! {
                () = self.hub.0.changes.for_keeper.wait() => self.note_changes(),
                () = shared.clock.sleep_until(shared.clock.now().plus(left)) => {
                    next_beat = shared.now_ms() + u64::try_from(self.rhythm.heartbeat.as_millis()).unwrap_or(u64::MAX);
                    self.all_due();
                }
                _ = connected.changed() => self.all_due(),
                _ = sweep.tick() => sweeper::sweep(self, self.rhythm.sweep).await.unwrap_or_default(),
            }
            // What could not be written stays due: until the next tick, or until Redis is back.
            let _ = self.settle().await;
        }
    }

    fn leave(&mut self) {
        self.is_leaving = true;
        self.all_due();
    }

    async fn settle(&mut self) -> Result<(), Away> {
        if !self.bus.is_connected() {
            // All of it is due again when Redis is back.
            self.due.clear();
            return Ok(());
        }
        while !self.due.is_empty() {
            let some: Vec<Person> = self.due.iter().take(AT_A_TIME).cloned().collect();
            self.settle_some(&some).await?;
            for whose in &some {
                self.due.remove(whose);
            }
        }
        Ok(())
    }
}
