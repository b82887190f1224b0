//! Which crate may use which, and which queries go without a tenant, as ARCHITECTURE.md has it.

use crate::harness::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The crates from left to right; each may use those before it, save its neighbours in the same group.
const LAYERS: [&[&str]; 6] =
    [&["model"], &["store"], &["realtime", "webhooks"], &["app"], &["api"], &["callcenter"]];

#[test]
fn each_crate_uses_only_what_stands_to_its_left() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo answers in JSON");
    let layer_of = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let packages = metadata["packages"].as_array().expect("packages");
    for (own, package) in packages.iter().filter_map(|p| Some((layer_of(p["name"].as_str()?)?, p))) {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            if let Some(used) = dependency["name"].as_str().and_then(layer_of) {
                assert!(used < own, "{} must not use {}", package["name"], dependency["name"]);
            }
        }
    }
    let known = packages.iter().filter(|package| layer_of(package["name"].as_str().unwrap()).is_some());
    assert_eq!(known.count(), 7, "every crate has its place");
}

/// The store's code by module, without its tests: `lanes` for `lanes.rs` and all below `lanes/`.
fn store_modules() -> Vec<(String, String)> {
    let mut modules = Vec::new();
    let mut folders = vec![(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/src"), None)];
    while let Some((folder, module)) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the store's code") {
            let path = entry.expect("the store's code").path();
            let module = module.clone().unwrap_or_else(|| path.file_stem().unwrap().display().to_string());
            if path.is_dir() {
                folders.push((path, Some(module)));
            } else {
                let text = std::fs::read_to_string(path).expect("text");
                modules.push((module, text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()));
            }
        }
    }
    modules
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The types that hold a tenant's id.
fn carriers(text: &str) -> BTreeSet<&str> {
    let types = ["pub struct ", "pub type "].into_iter().flat_map(|kind| text.split(kind).skip(1));
    let definition =
        |rest: &str| rest.find("\n}").into_iter().chain(rest.find(";\n")).min().unwrap_or(rest.len());
    let holds = types.filter(|rest| words(&rest[..definition(rest)]).any(|word| word == "TenantId"));
    holds.filter_map(|rest| words(rest).next()).collect()
}

/// By the signatures: a function of the store that is given a connection and nothing that holds a tenant's id.
#[test]
fn queries_without_a_tenant_are_those_that_the_architecture_lists() {
    let modules = store_modules();
    let carriers: BTreeSet<&str> = modules.iter().flat_map(|(_, text)| carriers(text)).collect();
    let (mut all, mut found) = (BTreeSet::new(), BTreeSet::new());
    for (module, text) in &modules {
        for function in text.split("async fn ").skip(1) {
            let parameters =
                function.split('{').next().and_then(|head| head.split("->").next()).unwrap_or_default();
            let name = format!("{module}::{}", words(function).next().unwrap_or_default());
            let is_public =
                text[..function.as_ptr() as usize - text.as_ptr() as usize].ends_with("pub async fn ");
            let has_tenant = words(parameters).any(|word| word == "TenantId" || carriers.contains(word));
            if is_public && words(parameters).any(|word| word == "Conn") && !has_tenant {
                found.insert(name.clone());
            }
            all.insert(name);
        }
    }
    let text = include_str!("../ARCHITECTURE.md");
    let (_, list) = text.split_once("\n6. Every query carries the tenant").expect("the invariant");
    let (list, _) = list.split_once("\n7. ").expect("the next one");
    let listed: BTreeSet<String> =
        list.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).map(str::to_owned).collect();
    let missing: Vec<_> = found.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the list: {missing:?}");
    let gone: Vec<_> = listed.difference(&all).collect();
    assert!(gone.is_empty(), "no longer in the code: {gone:?}");
}
