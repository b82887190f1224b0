//! Which crate may use which, as ARCHITECTURE.md has it.

use crate::harness::Value;
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
