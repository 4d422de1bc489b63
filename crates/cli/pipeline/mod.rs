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

use crate::executor::Kind;
use crate::failure::Failure;
use crate::fingerprint::{self, Common};
use crate::plan::Stage;
use gridlake_lake::run_record::RunRecord;
use gridlake_lake::store::Location;
use layer::Layer;
use origin::Origin;
use rayon::prelude::*;
use schema::{DEFAULTS, Schema};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// What the command line adds to a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `key=value` of each `--set`, in order.
    pub(crate) set: Vec<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) lake: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) executor: Option<Kind>,
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
    /// The step of the checkpoint that is meant, where it is not the last.
    at: Option<u64>,
    sources: Sources,
    /// Of its settings, what its fingerprints hold.
    pub(crate) common: Arc<Common>,
}

/// What a run's settings were made of; later ones lie on top.
#[derive(Clone, Debug, Default)]
struct Sources {
    /// Defaults, file and flags: one for all runs.
    base: Arc<Layer>,
    element: Arc<Vec<Layer>>,
    flags: Arc<Layer>,
}

impl Sources {
    fn merged(&self) -> Layer {
        let mut layer = (*self.base).clone();
        for settings in self.element.iter().chain([&*self.flags]) {
            layer.overlay(settings);
        }
        layer
    }
}

/// A run that another process can work on: all its settings, whatever becomes of the pipeline file meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    variant: Option<String>,
    /// Every key, as TOML.
    settings: String,
}

impl Frozen {
    /// The run again, under its name.
    ///
    /// # Errors
    /// Settings of another gridlake, with other keys.
    pub(crate) fn thaw(&self) -> Result<Run, Failure> {
        let schema = Schema::embedded()?;
        let layer = Layer::parse(&self.settings, |_| Origin::Defaults)?;
        schema.check(&layer)?;
        let settings = Settings::new(&layer, &schema)?;
        let sources = Sources { base: Arc::new(layer), ..Sources::default() };
        if !settings.import.is_empty() {
            return Ok(Run { sources, ..imported::find(settings, &Origin::Defaults)? });
        }
        Run::new(settings, self.variant.clone(), sources)
    }
}

impl Run {
    /// A network's run.
    fn new(settings: Settings, variant: Option<String>, sources: Sources) -> Result<Self, Failure> {
        let common = Arc::new(Common::new(&settings)?);
        Ok(Self::of_common(settings, variant, sources, common))
    }

    fn of_common(settings: Settings, variant: Option<String>, sources: Sources, common: Arc<Common>) -> Self {
        let fingerprint = common.train(settings.seed);
        let name = fingerprint::run_name(&settings.name, variant.as_deref(), settings.seed, &fingerprint);
        Self { name, variant, settings, fingerprint, imported: None, at: None, sources, common }
    }

    /// A run that differs from this one, a network's, in nothing but its seed.
    fn of_seed(&self, seed: u64, element: &sweep::Element) -> Self {
        let sources = Sources { element: Arc::new(element.settings.clone()), ..self.sources.clone() };
        let settings = Settings { seed, ..self.settings.clone() };
        Self::of_common(settings, element.variant.clone(), sources, Arc::clone(&self.common))
    }

    /// An imported run.
    ///
    /// # Errors
    /// Settings that JSON cannot hold.
    pub(crate) fn of_import(name: String, settings: Settings, fingerprint: String, imported: Imported) -> Result<Self, Failure> {
        let common = Arc::new(Common::new(&settings)?);
        Ok(Self { name, variant: None, settings, fingerprint, imported: Some(imported), at: None, sources: Sources::default(), common })
    }

    /// The run that a record tells of, as far as the costs of its stages go. `None` for an import, and where another gridlake has written keys that this one lacks.
    pub(crate) fn recorded(record: &RunRecord) -> Option<Self> {
        record.config.get("train")?;
        let settings = toml::Table::try_from(without_nulls(record.config.clone())).ok()?;
        let own = Layer::parse(&toml::to_string(&settings).ok()?, |_| Origin::Defaults).ok()?;
        let schema = Schema::embedded().ok()?;
        schema.check(&own).ok()?;
        let mut layer = Layer::parse(DEFAULTS, |_| Origin::Defaults).ok()?;
        layer.overlay(&own);
        Self::new(Settings::new(&layer, &schema).ok()?, record.variant.clone(), Sources::default()).ok()
    }

    /// All that another process needs to work on it.
    ///
    /// # Errors
    /// Settings that TOML cannot hold.
    pub(crate) fn freeze(&self) -> Result<Frozen, Failure> {
        let mut settings = self.sources.merged().table;
        if self.imported.is_some() {
            // Its whole name, which is no other's whatever is imported meanwhile.
            let named = toml::Table::from_iter([("run".to_owned(), toml::Value::String(self.name.clone()))]);
            settings.insert("import".to_owned(), toml::Value::Table(named));
        }
        let settings =
            toml::to_string(&settings).map_err(|error| Failure::config(format!("settings cannot be written as TOML: {error}")))?;
        Ok(Frozen { variant: self.variant.clone(), settings })
    }

    /// The optimizer step that its tables are about; 0 where nothing was trained.
    pub(crate) fn step(&self) -> u64 {
        self.at.unwrap_or(if self.imported.is_some() { 0 } else { self.settings.train.steps })
    }

    /// Whether a checkpoint before the last is meant.
    pub(crate) fn is_earlier(&self) -> bool {
        self.at.is_some()
    }

    /// The checkpoints before the last that are recorded and analyzed too, each as a run of its own, oldest first.
    pub(crate) fn earlier(&self) -> Vec<Run> {
        let every = self.settings.development.every * self.settings.train.checkpoints.every;
        if every == 0 || self.imported.is_some() || self.at.is_some() {
            return Vec::new();
        }
        let steps = (1..).map(|number| number * every).take_while(|step| *step < self.settings.train.steps);
        steps.map(|step| Self { at: Some(step), ..self.clone() }).collect()
    }

    /// What the run's record calls a stage: "analyze", or "analyze@4000" of a checkpoint before the last.
    pub(crate) fn stage_key(&self, stage: Stage) -> String {
        self.at.map_or_else(|| stage.name().to_owned(), |step| format!("{stage}@{step}"))
    }
}

/// TOML has no nulls.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(table) => {
            Value::Object(table.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
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
    let elements = sweep::expand(&base, &flags)?;
    let sweeps = elements.len() > 1;
    let (own, flags) = (Arc::new(base.without("sweep")), Arc::new(flags));
    let settle = |element: sweep::Element| -> Result<Run, Failure> {
        let sources = Sources { base: Arc::clone(&own), element: Arc::new(element.settings), flags: Arc::clone(&flags) };
        let layer = sources.merged();
        let settings = Settings::new(&layer, &schema)?;
        settings.check_together(&layer, &schema)?;
        if settings.import.is_empty() {
            return Run::new(settings, element.variant, sources);
        }
        if sweeps {
            return Err(Failure::config(format!(
                "{}: a sweep makes networks, and import.run names what was imported",
                base.origin("sweep")
            ))
            .hint("take [sweep] out, or set import.run to \"\""));
        }
        Ok(Run { sources, ..imported::find(settings, &base.origin("import.run"))? })
    };
    // Settings of a hundred thousand seeds are made and checked once; only the seed is another.
    let settle_all = |elements: &[sweep::Element]| -> Vec<Result<Run, Failure>> {
        let Some((first, others)) = elements.split_first() else { return Vec::new() };
        let first = settle(first.clone());
        let seeded = |element: &sweep::Element| match (&first, seed_of(element)) {
            (Ok(first), Some(seed)) => Ok(first.of_seed(seed, element)),
            _ => settle(element.clone()),
        };
        let others: Vec<_> = others.par_iter().map(seeded).collect();
        std::iter::once(first).chain(others).collect()
    };
    let groups: Vec<&[sweep::Element]> = elements.chunk_by(|one, other| one.but_for_seed == other.but_for_seed).collect();
    let settled: Vec<Vec<Result<Run, Failure>>> = groups.into_par_iter().map(settle_all).collect();
    let mut runs = settled.into_iter().flatten().collect::<Result<Vec<Run>, Failure>>()?;
    let mut names = HashSet::new();
    if let Some(run) = runs.iter().find(|run| !names.insert(run.name.as_str())) {
        return Err(Failure::config(format!("{}: the sweep makes the run {} twice", path.display(), run.name))
            .hint("list every seed, variant and value once; settings outside [train] do not make another network"));
    }
    let lake = runs.first().map(|run| run.settings.lake.clone()).ok_or_else(|| Failure::config("the sweep makes no run"))?;
    if let Some(only) = &overrides.only {
        select(&mut runs, only)?;
    }
    Ok(Pipeline { lake, runs })
}

/// The seed that an element of a sweep sets, if it is one.
fn seed_of(element: &sweep::Element) -> Option<u64> {
    element.settings.last()?.get("seed")?.as_integer().and_then(|seed| u64::try_from(seed).ok())
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
    if let Some(executor) = overrides.executor {
        flag("executor", "executor.kind", toml::Value::String(executor.name().to_owned()));
    }
    Ok(flags)
}
