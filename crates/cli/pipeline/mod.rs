//! A pipeline file becomes a list of runs, each with checked settings.
//!
//! Layers, later ones on top: `defaults.toml`, the file, one element of its sweep, the flags.

#[cfg(test)]
mod fuzz;
pub(crate) mod imported;
pub(crate) mod layer;
pub(crate) mod origin;
pub(crate) mod schema;
pub(crate) mod settings;
mod sweep;

pub(crate) use imported::Imported;
pub(crate) use settings::Settings;

use crate::failure::Failure;
use crate::fingerprint;
use gridlake_lake::store::Location;
use layer::Layer;
use origin::Origin;
use schema::{DEFAULTS, Schema};
use std::path::Path;

/// What the command line adds to a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `key=value` of each `--set`, in order.
    pub(crate) set: Vec<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) lake: Option<String>,
    pub(crate) device: Option<String>,
    /// Glob on the names of runs.
    pub(crate) only: Option<String>,
}

/// One network, or one imported activity: where it comes from, and what is then done with it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Name of its folder, `<name>[-<variant>]-s<seed>-<fingerprint>`.
    pub(crate) name: String,
    pub(crate) variant: Option<String>,
    pub(crate) settings: Settings,
    /// Of everything that determines the trained weights, or of what was imported.
    pub(crate) fingerprint: String,
    /// Where it was imported.
    pub(crate) imported: Option<Imported>,
}

impl Run {
    /// The optimizer step that tables are about; 0 where nothing was trained.
    pub(crate) fn step(&self) -> u64 {
        if self.imported.is_some() { 0 } else { self.settings.train.steps }
    }
}

/// A pipeline file, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) lake: Location,
    pub(crate) runs: Vec<Run>,
}

/// Reads a pipeline file and resolves it to runs.
///
/// # Errors
/// Class configuration: no such file, not TOML, unknown key, wrong type, out of range, two runs with one name, nothing left by `--only`.
pub(crate) fn resolve(path: &Path, overrides: &Overrides) -> Result<Pipeline, Failure> {
    let schema = Schema::embedded()?;
    let file = Layer::read(path)?;
    schema.check(&file)?;
    let flags = flags(overrides)?;
    schema.check(&flags)?;
    let mut base = Layer::parse(DEFAULTS, |_| Origin::Defaults)?;
    base.overlay(&file);
    base.overlay(&flags);
    let mut runs: Vec<Run> = Vec::new();
    let elements = sweep::expand(&base, &flags)?;
    let sweeps = elements.len() > 1;
    for element in elements {
        let mut layer = base.clone();
        for settings in &element.settings {
            layer.overlay(settings);
        }
        layer.overlay(&flags);
        let settings = Settings::new(&layer, &schema)?;
        if !settings.import.is_empty() {
            if sweeps {
                return Err(Failure::config(format!(
                    "{}: a sweep makes networks, and import.run names what was imported",
                    base.origin("sweep")
                ))
                .hint("take [sweep] out, or set import.run to \"\""));
            }
            runs.push(imported::find(settings, &base.origin("import.run"))?);
            continue;
        }
        let fingerprint = fingerprint::train(&settings)?;
        let variant = element.variant;
        let name = fingerprint::run_name(&settings.name, variant.as_deref(), settings.seed, &fingerprint);
        if runs.iter().any(|run| run.name == name) {
            return Err(Failure::config(format!("{}: the sweep makes the run {name} twice", path.display()))
                .hint("list every seed, variant and value once; settings outside [train] do not make another network"));
        }
        runs.push(Run { name, variant, settings, fingerprint, imported: None });
    }
    let lake = runs.first().map(|run| run.settings.lake.clone()).ok_or_else(|| Failure::config("the sweep makes no run"))?;
    if let Some(only) = &overrides.only {
        select(&mut runs, only)?;
    }
    Ok(Pipeline { lake, runs })
}

/// Keeps the runs whose name matches the glob.
fn select(runs: &mut Vec<Run>, only: &str) -> Result<(), Failure> {
    let pattern = glob::Pattern::new(only).map_err(|error| Failure::config(format!("--only {only}: {error}")))?;
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    runs.retain(|run| pattern.matches(&run.name));
    if runs.is_empty() {
        return Err(Failure::config(format!("--only {only}: no run matches")).hint(format!("the runs are {}", names.join(", "))));
    }
    Ok(())
}

fn flags(overrides: &Overrides) -> Result<Layer, Failure> {
    let mut flags = Layer::default();
    for set in &overrides.set {
        flags.overlay(&Layer::from_set(set)?);
    }
    let mut flag = |name: &str, key: &str, value: toml::Value| {
        let origin = Origin::Flag(format!("--{name} {}", value.as_str().map_or_else(|| value.to_string(), str::to_string)).into());
        flags.overlay(&Layer::single(key, value, &origin));
    };
    if let Some(seed) = overrides.seed {
        let seed = i64::try_from(seed).map_err(|_| Failure::config(format!("--seed {seed}; allowed: 0 to {}", i64::MAX)))?;
        flag("seed", "seed", toml::Value::Integer(seed));
    }
    if let Some(lake) = &overrides.lake {
        flag("lake", "lake", toml::Value::String(lake.clone()));
    }
    if let Some(device) = &overrides.device {
        flag("device", "train.device", toml::Value::String(device.clone()));
    }
    Ok(flags)
}
