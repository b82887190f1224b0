//! `check`: the production checklist, item by item. Looks, and changes nothing.

mod data;
mod facts;
mod item;
mod settings;
#[cfg(test)]
mod tests;

use crate::config::{Config, Problems, Sources};
use crate::output;
use facts::Facts;
use item::{Item, Status};
use serde_json::json;
use std::process::ExitCode;

/// Prints every item; exit code 1 if one fails.
pub async fn run(sources: &Sources, as_json: bool) -> anyhow::Result<ExitCode> {
    let items = match Config::read(sources) {
        Ok(config) => checklist(&Facts::gather(config).await),
        Err(problems) => bad_values(&problems),
    };
    if as_json {
        output::line(to_json(&items))?;
    } else {
        output::line(to_text(&items))?;
    }
    let fails = items.iter().any(|item| item.status == Status::Fail);
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The quick start's list in its order, then what else matters.
fn checklist(facts: &Facts) -> Vec<Item> {
    let settings = settings::items(facts);
    let data = data::items(facts);
    settings.into_iter().chain(data).collect()
}

/// With values that nobody can read there is nothing to go through.
fn bad_values(Problems(problems): &Problems) -> Vec<Item> {
    problems.iter().map(|problem| Item::fail("configuration", problem.to_string())).collect()
}

fn to_json(items: &[Item]) -> serde_json::Value {
    let ok = items.iter().all(|item| item.status != Status::Fail);
    let list: Vec<_> = items
        .iter()
        .map(|item| json!({ "item": item.name, "status": item.status.as_str(), "message": item.message }))
        .collect();
    json!({ "ok": ok, "items": list })
}

fn to_text(items: &[Item]) -> String {
    let mut lines: Vec<String> = items
        .iter()
        .map(|item| format!("{:<4}  {:<20}  {}", item.status.as_str(), item.name, item.message))
        .collect();
    let count = |status| items.iter().filter(|item| item.status == status).count();
    let (ok, warn, fail) = (count(Status::Ok), count(Status::Warn), count(Status::Fail));
    lines.push(format!("{ok} ok, {warn} to look at, {fail} to mend"));
    lines.join("\n")
}
