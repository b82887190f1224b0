//! Removes the users of servers that died without a good-bye. One server at a time does it. Knows nothing of living
//! connections.

use super::keeper::Keeper;
use super::keys::{self, Person};
use crate::bus::Away;
use model::{TenantId, UserId};
use redis::{FromRedisValue, Value, cmd};
use std::time::Duration;

/// Users looked at in one go.
const AT_A_TIME: usize = 500;

/// Looks through all tenants, unless another server has just done so.
pub(super) async fn sweep(keeper: &Keeper<'_>, every: Duration) -> Result<(), Away> {
    if !keeper.bus.is_connected() || !is_our_turn(keeper, every).await? {
        return Ok(());
    }
    let tenants: Vec<String> = members(keeper, keys::TENANTS).await?;
    for tenant in tenants.iter().filter_map(|id| TenantId::parse(id).ok()) {
        sweep_tenant(keeper, &tenant).await?;
    }
    Ok(())
}

async fn is_our_turn(keeper: &Keeper<'_>, every: Duration) -> Result<bool, Away> {
    let turn_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX) / 5 * 4;
    let server = keeper.hub.0.server.as_str();
    let claim = cmd("SET").arg(keys::SWEEPER).arg(server).arg("NX").arg("PX").arg(turn_ms).clone();
    let answers = keeper.write(vec![claim]).await?;
    Ok(matches!(answers.first(), Some(Value::Okay | Value::SimpleString(_))))
}

/// A user without a heartbeat of any server is looked at closely, and removed if no server vouches for it.
async fn sweep_tenant(keeper: &Keeper<'_>, tenant: &TenantId) -> Result<(), Away> {
    let users: Vec<String> = members(keeper, &keys::online(tenant)).await?;
    let people: Vec<Person> =
        users.iter().filter_map(|id| Some((tenant.clone(), UserId::parse(id).ok()?))).collect();
    for some in people.chunks(AT_A_TIME) {
        let ask = |person: &Person| cmd("EXISTS").arg(keys::heartbeat(person)).clone();
        let beats = keeper.write(some.iter().map(ask).collect()).await?;
        let silent = some.iter().zip(&beats).filter(|(_, beat)| **beat == Value::Int(0));
        let silent: Vec<Person> = silent.map(|(person, _)| person.clone()).collect();
        if !silent.is_empty() {
            keeper.project(silent).await?;
        }
    }
    if users.is_empty() { forget_tenant(keeper, tenant).await } else { Ok(()) }
}

/// Takes a tenant without users off the list, and puts it back if one has come meanwhile.
async fn forget_tenant(keeper: &Keeper<'_>, tenant: &TenantId) -> Result<(), Away> {
    keeper.write(vec![cmd("SREM").arg(keys::TENANTS).arg(tenant.as_str()).clone()]).await?;
    let users: Vec<String> = members(keeper, &keys::online(tenant)).await?;
    if !users.is_empty() {
        keeper.write(vec![cmd("SADD").arg(keys::TENANTS).arg(tenant.as_str()).clone()]).await?;
    }
    Ok(())
}

async fn members<T: FromRedisValue>(keeper: &Keeper<'_>, key: &str) -> Result<Vec<T>, Away> {
    let answers = keeper.write(vec![cmd("SMEMBERS").arg(key).clone()]).await?;
    Ok(answers.first().and_then(|set| redis::from_redis_value_ref(set).ok()).unwrap_or_default())
}
