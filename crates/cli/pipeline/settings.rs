//! The settings of one run, typed and checked.

use super::layer::{Layer, key_at};
use super::schema::Schema;
use crate::executor::ExecutorConfig;
use crate::failure::Failure;
use gridlake_analysis::config::{AnalyzeConfig, CheckedAnalyzeConfig};
use gridlake_lake::LakeError;
use gridlake_lake::name::{is_name, is_run_name};
use gridlake_lake::store::Location;
use gridlake_model::config::{CheckedTrainConfig, ConfigError, TrainConfig};
use gridlake_space::arena::Arena;
use gridlake_space::trajectory::Motion;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Everything that one run is made from.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) lake: Location,
    pub(crate) seed: u64,
    /// The imported run that is worked on in place of a network's, its name or whole name; empty: none.
    pub(crate) import: String,
    /// This and the analysis: one for all runs that differ in their seed alone.
    pub(crate) train: Arc<CheckedTrainConfig>,
    pub(crate) record: RecordConfig,
    pub(crate) analyze: Arc<CheckedAnalyzeConfig>,
    pub(crate) draw: DrawConfig,
    pub(crate) development: DevelopmentConfig,
    pub(crate) executor: ExecutorConfig,
}

/// `[record]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordConfig {
    /// Sides of the square boxes, m.
    pub(crate) boxes_m: Vec<f64>,
    /// Labels of the arenas after them, as [`Arena::label`] writes them.
    pub(crate) arenas: Vec<String>,
    pub(crate) motion: Motion,
    /// For each arena.
    pub(crate) trajectories: usize,
    pub(crate) steps: usize,
    /// m per step.
    pub(crate) mean_speed_m: f64,
    /// Along each side.
    pub(crate) occupancy_bins: usize,
    /// In which states are rounded and written.
    pub(crate) activity_type: ActivityType,
    pub(crate) keep: Keep,
    /// Trajectories of each arena that [`Keep::Sample`] keeps.
    pub(crate) sample_trajectories: usize,
}

/// `record.activity_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActivityType {
    Float32,
    Float16,
}

/// `record.keep`: the trajectories whose activity is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Keep {
    All,
    Sample,
    None,
}

/// `[draw]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrawConfig {
    /// On one sheet.
    pub(crate) max_units: usize,
    pub(crate) module_units: usize,
}

/// `[development]`: which checkpoints before the last are recorded and analyzed too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevelopmentConfig {
    /// Every so many'th; 0: none.
    pub(crate) every: u64,
}

impl Settings {
    /// Types and checks merged settings.
    ///
    /// # Errors
    /// The first key that has no such value, with where it was written and what is allowed.
    pub(crate) fn new(layer: &Layer, schema: &Schema) -> Result<Self, Failure> {
        let reader = Reader { layer, schema };
        let name = reader.text("name")?;
        reader.require(is_name(&name), "name")?;
        let lake = reader.text("lake")?.parse().map_err(|error: LakeError| reader.refuse("lake", &format!("is {error}")))?;
        let seed = layer.get("seed").and_then(toml::Value::as_integer).and_then(|seed| u64::try_from(seed).ok());
        reader.require(seed.is_some(), "seed")?;
        let import = reader.text("import.run")?;
        reader.require(import.is_empty() || is_run_name(&import), "import.run")?;
        let train: TrainConfig = reader.section("train")?;
        let train = Arc::new(train.check().map_err(|error| reader.out_of_range(&error))?);
        let record: RecordConfig = reader.section("record")?;
        record.check(&reader, train.data.velocity_limit_m)?;
        let analyze: AnalyzeConfig = reader.section("analyze")?;
        let analyze = Arc::new(analyze.check().map_err(|error| reader.refuse(&error.key, &error.message))?);
        let draw: DrawConfig = reader.section("draw")?;
        reader.require((1..=gridlake_figures::MAX_UNITS).contains(&draw.max_units), "draw.max_units")?;
        reader.require((1..=12).contains(&draw.module_units), "draw.module_units")?;
        let development: DevelopmentConfig = reader.section("development")?;
        reader.require((0..=1_000_000).contains(&development.every), "development.every")?;
        let executor: ExecutorConfig = reader.section("executor")?;
        executor.check(&reader)?;
        Ok(Self { name, lake, seed: seed.unwrap_or_default(), import, train, record, analyze, draw, development, executor })
    }

    /// Refuses keys that are allowed each and do not go together.
    ///
    /// # Errors
    /// The key, and what it needs.
    pub(crate) fn check_together(&self, layer: &Layer, schema: &Schema) -> Result<(), Failure> {
        let (every, keep) = (self.development.every, self.train.checkpoints.keep);
        if every > 0 && keep > 0 {
            let message = format!(
                "is {every}, and train.checkpoints.keep is {keep}; allowed then: train.checkpoints.keep = 0, with which all checkpoints stay"
            );
            return Err(Reader { layer, schema }.refuse("development.every", &message));
        }
        Ok(())
    }
}

/// Sides and diameters, m.
const SIDES_M: RangeInclusive<f64> = 0.2..=100.0;

impl RecordConfig {
    /// All arenas in the order in which they are recorded: boxes first.
    pub(crate) fn walked(&self) -> Vec<Arena> {
        let boxes = self.boxes_m.iter().map(|side| Arena::square(*side));
        // What is no label has been refused.
        boxes.chain(self.arenas.iter().filter_map(|label| label.parse().ok())).collect()
    }

    /// How many of each arena's trajectories are kept in the table `activity`, from the first.
    pub(crate) fn kept(&self) -> usize {
        match self.keep {
            Keep::All => self.trajectories,
            Keep::Sample => self.sample_trajectories.min(self.trajectories),
            Keep::None => 0,
        }
    }

    fn check(&self, reader: &Reader<'_>, velocity_limit_m: f64) -> Result<(), Failure> {
        let distinct = self.boxes_m.iter().enumerate().all(|(number, side)| !self.boxes_m[..number].contains(side));
        let any = !self.boxes_m.is_empty() || !self.arenas.is_empty();
        reader.require(any && distinct && self.boxes_m.iter().all(|side| SIDES_M.contains(side)), "record.boxes_m")?;
        self.check_arenas(reader)?;
        reader.require((1..=1_000_000).contains(&self.trajectories), "record.trajectories")?;
        reader.require((1..=1_000_000).contains(&self.steps), "record.steps")?;
        reader.require((0.001..=0.1).contains(&self.mean_speed_m), "record.mean_speed_m")?;
        if self.motion == Motion::Smooth && self.mean_speed_m > velocity_limit_m / 2.0 {
            let message = format!(
                "is {}; allowed: at most half of train.data.velocity_limit_m = {velocity_limit_m}, so that walks stay in the training's support",
                self.mean_speed_m
            );
            return Err(reader.refuse("record.mean_speed_m", &message));
        }
        reader.require((4..=1000).contains(&self.occupancy_bins), "record.occupancy_bins")?;
        reader.require((1..=1_000_000).contains(&self.sample_trajectories), "record.sample_trajectories")
    }

    fn check_arenas(&self, reader: &Reader<'_>) -> Result<(), Failure> {
        let key = "record.arenas";
        let allowed = reader.schema.allowed(key).unwrap_or("see `gridlake defaults`");
        let refuse = |label: &str, why: &str| Err(reader.refuse(key, &format!("holds {label:?}{why}; allowed: {allowed}")));
        for (number, label) in self.arenas.iter().enumerate() {
            let Ok(arena) = label.parse::<Arena>() else {
                let meant = meant(label).map_or_else(String::new, |label| format!(" (is {label:?} meant?)"));
                return refuse(label, &meant);
            };
            if let Some(side) = [arena.width_m, arena.height_m].into_iter().find(|side| !SIDES_M.contains(side)) {
                return refuse(label, &format!(", of {side} m"));
            }
            if self.arenas[..number].contains(label) {
                return refuse(label, " twice");
            }
            if self.boxes_m.iter().any(|side| Arena::square(*side) == arena) {
                return refuse(label, ", which is a box of record.boxes_m");
            }
        }
        Ok(())
    }
}

/// The label of the arena that a text such as `rectangle-2.0x2m` means.
fn meant(text: &str) -> Option<String> {
    let side = |text: &str| text.parse::<f64>().ok().filter(|side| side.is_finite() && *side > 0.0);
    let (shape, sides) = text.strip_suffix('m')?.split_once('-')?;
    let arena = match shape {
        "square" => Arena::square(side(sides)?),
        "circle" => Arena::circle(side(sides)?),
        "rectangle" => sides.split_once('x').and_then(|(width, height)| Some(Arena::rectangle(side(width)?, side(height)?)))?,
        _ => return None,
    };
    Some(arena.label())
}

/// Merged settings with what is needed to explain a refusal.
pub(crate) struct Reader<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) schema: &'a Schema,
}

impl Reader<'_> {
    /// "FILE:LINE: key message".
    pub(crate) fn refuse(&self, key: &str, message: &str) -> Failure {
        Failure::config(format!("{}: {key} {message}", self.layer.origin(key)))
    }

    fn out_of_range(&self, error: &ConfigError) -> Failure {
        self.refuse(&error.key, &error.message)
    }

    /// Refuses a value outside its documented range.
    pub(crate) fn require(&self, holds: bool, key: &str) -> Result<(), Failure> {
        if holds {
            return Ok(());
        }
        let value = self.layer.get(key).map_or_else(|| "missing".to_string(), ToString::to_string);
        Err(self.refuse(key, &format!("is {value}; allowed: {}", self.schema.allowed(key).unwrap_or("see `gridlake defaults`"))))
    }

    fn text(&self, key: &str) -> Result<String, Failure> {
        let text = self.layer.get(key).and_then(toml::Value::as_str);
        self.require(text.is_some(), key)?;
        Ok(text.unwrap_or_default().to_string())
    }

    /// Types one table. Keys and plain types have been checked; what is left are names out of a list and negative counts.
    pub(crate) fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let table = self.layer.get(name).cloned().unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
        let text = toml::to_string(&toml::Table::from_iter([(name.to_string(), table)]))
            .map_err(|error| Failure::config(format!("[{name}]: {error}")))?;
        let mut document: std::collections::BTreeMap<String, T> = toml::from_str(&text).map_err(|error| {
            let mut key = error.span().and_then(|span| key_at(&text, span.start)).unwrap_or_else(|| name.to_string());
            // What is wrong with a list's element is said of the list.
            if let Some((list, place)) = key.rsplit_once('.')
                && place.parse::<usize>().is_ok()
                && self.schema.allowed(list).is_some()
            {
                key.truncate(list.len());
            }
            match (self.layer.get(&key).filter(|value| !value.is_table()), self.schema.allowed(&key)) {
                (Some(value), Some(allowed)) => self.refuse(&key, &format!("is {value}; allowed: {allowed}")),
                _ => self.refuse(&key, &format!("cannot be used: {}", error.message())),
            }
        })?;
        document.remove(name).ok_or_else(|| Failure::config(format!("[{name}] is missing")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::origin::Origin;
    use crate::pipeline::schema::DEFAULTS;
    use toml::Value;

    /// The defaults with one key set.
    fn with(schema: &Schema, key: &str, value: Value) -> Result<Settings, Failure> {
        let mut layer = Layer::parse(DEFAULTS, |_| Origin::Defaults).unwrap();
        layer.overlay(&Layer::single(key, value, &Origin::Flag("here".into())));
        schema.check(&layer).and_then(|()| Settings::new(&layer, schema))
    }

    /// Two numbers of a documented range and whether each belongs to it.
    fn bounds(range: &str) -> Option<((f64, bool), (f64, bool))> {
        let range = range.strip_prefix("Integer, ").or_else(|| range.strip_prefix("Number, "))?;
        let (low, high, of_it) = if let Some((low, high)) = range.split_once(" to ") {
            (low, high, (true, true))
        } else if let Some((low, high)) = range.split_once(", at most ") {
            (low.strip_prefix("above ")?, high, (false, true))
        } else {
            let (low, high) = range.split_once(" up to, not including, ")?;
            (low, high, (true, false))
        };
        Some(((low.parse().ok()?, of_it.0), (high.parse().ok()?, of_it.1)))
    }

    #[test]
    fn the_documented_ranges_are_the_checked_ones() {
        let schema = Schema::embedded().unwrap();
        let mut tried = 0;
        for key in schema.leaves() {
            let range = schema.allowed(&key).unwrap_or_default().to_string();
            let whole = range.starts_with("Integer");
            let value = |number: f64| if whole { Value::Integer(number as i64) } else { Value::Float(number) };
            let Some(((low, low_fits), (high, high_fits))) = bounds(&range) else { continue };
            tried += 1;
            let refused = |number: f64| {
                let error =
                    with(&schema, &key, value(number)).expect_err(&format!("{key} = {number} is documented as not allowed: {range}"));
                assert!(error.to_string().starts_with(&format!("here: {key} is ")), "{error}");
            };
            // Some bounds also depend on another key.
            let related = key == "record.mean_speed_m";
            let accepted = |number: f64| {
                assert!(related || with(&schema, &key, value(number)).is_ok(), "{key} = {number} is documented as allowed: {range}");
            };
            let step = if whole { 1.0 } else { 1e-9_f64.max(high.abs() * 1e-9) };
            if low_fits {
                accepted(low);
            } else {
                refused(low);
            }
            refused(low - step);
            if high < 9e18 {
                if high_fits {
                    accepted(high);
                } else {
                    refused(high);
                }
                refused(high + step);
            }
        }
        assert!(tried > 35, "only {tried} ranges were understood");
    }

    #[test]
    fn other_arenas_are_told_by_their_labels() {
        let schema = Schema::embedded().unwrap();
        let labels = |labels: &[&str]| Value::Array(labels.iter().map(|label| Value::String((*label).to_owned())).collect());
        let good = with(&schema, "record.arenas", labels(&["rectangle-2x1.5m", "circle-1.5m", "square-2.5m"])).unwrap();
        let walked: Vec<String> = good.record.walked().iter().map(Arena::label).collect();
        assert_eq!(walked, ["square-2m", "square-3m", "square-4m", "rectangle-2x1.5m", "circle-1.5m", "square-2.5m"]);
        let refused: [(&[&str], &str); 6] = [
            (&["rectangle-2.0x2m"], "holds \"rectangle-2.0x2m\" (is \"square-2m\" meant?); allowed: List of texts"),
            (&["hexagon-2m"], "holds \"hexagon-2m\"; allowed: List of texts"),
            (&["circle-0.1m"], "holds \"circle-0.1m\", of 0.1 m; allowed"),
            (&["rectangle-2x101m"], "holds \"rectangle-2x101m\", of 101 m; allowed"),
            (&["circle-1m", "circle-1m"], "holds \"circle-1m\" twice; allowed"),
            (&["square-3m"], "holds \"square-3m\", which is a box of record.boxes_m; allowed"),
        ];
        for (wrong, words) in refused {
            let error = with(&schema, "record.arenas", labels(wrong)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("here: record.arenas {words}")), "{error}");
        }
        assert!(with(&schema, "record.arenas", Value::Array(vec![Value::Integer(3)])).is_err());
    }

    #[test]
    fn the_defaults_say_what_the_libraries_default_to() {
        let schema = Schema::embedded().unwrap();
        let settings = Settings::new(&Layer::parse(DEFAULTS, |_| Origin::Defaults).unwrap(), &schema).unwrap();
        assert_eq!(**settings.analyze, AnalyzeConfig::default());
    }
}
