//! Fingerprints: what a result depends on, as one number.
//!
//! Each is the SHA-256 of canonical JSON (keys sorted, no spaces). They chain: a stage's fingerprint holds the one of the stage before.

use crate::failure::Failure;
use crate::pipeline::Settings;
use gridlake_lake::import::Mapping;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Settings of `[train]` that do not change the trained weights.
const NOT_WEIGHTS: [&str; 4] = ["device", "runs_at_once", "checkpoints", "log_every"];

/// Raised whenever a stage's output changes for the same settings, so that what older versions wrote counts as stale.
const RECORD_VERSION: u32 = 1;
const ANALYZE_VERSION: u32 = 1;
const DRAW_VERSION: u32 = 1;
const IMPORT_VERSION: u32 = 1;

/// Fingerprint of everything that determines the trained weights.
///
/// # Errors
/// Settings that JSON cannot hold.
pub(crate) fn train(settings: &Settings) -> Result<String, Failure> {
    let mut table = to_json(&*settings.train)?;
    if let Value::Object(table) = &mut table {
        table.retain(|key, _| !NOT_WEIGHTS.contains(&key.as_str()));
    }
    Ok(digest(&json!({ "train": table, "seed": settings.seed })))
}

/// Fingerprint of recordings of the network `train` at `step`.
///
/// # Errors
/// Settings that JSON cannot hold.
pub(crate) fn record(settings: &Settings, train: &str, step: u64) -> Result<String, Failure> {
    let limit = settings.train.data.velocity_limit_m;
    Ok(digest(&json!({
        "train": train, "step": step, "record": to_json(&settings.record)?, "velocity_limit_m": limit,
        "schema": gridlake_lake::schema::SCHEMA_VERSION, "version": RECORD_VERSION,
    })))
}

/// Fingerprint of what was imported together with the seed of what is drawn at random from here on; a network's has its seed already.
pub(crate) fn seeded(import: &str, seed: u64) -> String {
    digest(&json!({ "import": import, "seed": seed }))
}

/// Fingerprint of imported files, by their checksums, and of how they were read.
///
/// # Errors
/// A mapping that JSON cannot hold.
pub(crate) fn import(checksums: &[String], spikes: Option<&str>, mapping: &Mapping) -> Result<String, Failure> {
    Ok(digest(&json!({ "files": checksums, "spikes": spikes, "mapping": to_json(mapping)?, "version": IMPORT_VERSION })))
}

/// Fingerprint of the analysis of `record`.
///
/// # Errors
/// Settings that JSON cannot hold.
pub(crate) fn analyze(settings: &Settings, record: &str) -> Result<String, Failure> {
    Ok(digest(&json!({
        "record": record, "analyze": to_json(&*settings.analyze)?, "schema": gridlake_lake::schema::SCHEMA_VERSION, "version": ANALYZE_VERSION,
    })))
}

/// Fingerprint of the figures of `analyze`, which also show the training.
///
/// # Errors
/// Settings that JSON cannot hold.
pub(crate) fn draw(settings: &Settings, train: &str, analyze: &str) -> Result<String, Failure> {
    Ok(digest(&json!({ "train": train, "analyze": analyze, "draw": to_json(&settings.draw)?, "version": DRAW_VERSION })))
}

/// `<name>[-<variant>]-s<seed>-<first 8 hex digits>`.
pub(crate) fn run_name(name: &str, variant: Option<&str>, seed: u64, fingerprint: &str) -> String {
    let variant = variant.map(|variant| format!("-{variant}")).unwrap_or_default();
    format!("{name}{variant}-s{seed}-{}", fingerprint.get(..8).unwrap_or(fingerprint))
}

/// Any settings as JSON.
///
/// # Errors
/// Settings that JSON cannot hold.
pub(crate) fn to_json(settings: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(settings).map_err(|error| Failure::config(format!("settings cannot be written as JSON: {error}")))
}

fn digest(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(table) => {
            let mut keys: Vec<&String> = table.keys().collect();
            keys.sort();
            text.push('{');
            for key in keys {
                // Writing to a String cannot fail.
                let _ = write!(text, "{key:?}:");
                canonical(&table[key], text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                canonical(value, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_values_do() {
        let a = json!({ "a": 1, "b": [1.5, "x"] });
        let b = serde_json::from_str::<Value>("{\"b\":[1.5,\"x\"],\"a\":1}").expect("JSON");
        assert_eq!(digest(&a), digest(&b));
        assert_ne!(digest(&a), digest(&json!({ "a": 1, "b": ["x", 1.5] })));
        assert_ne!(digest(&json!(["ab"])), digest(&json!(["a", "b"])));
        assert_eq!(digest(&json!({})).len(), 64);
    }

    #[test]
    fn run_names_have_their_parts() {
        assert_eq!(run_name("quick", Some("a"), 3, "0123456789"), "quick-a-s3-01234567");
        assert_eq!(run_name("quick", None, 0, "0123456789"), "quick-s0-01234567");
    }
}
