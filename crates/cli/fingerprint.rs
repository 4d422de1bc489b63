//! Fingerprints: what a result depends on, as one number.
//!
//! Each is the SHA-256 of canonical JSON (keys sorted, no spaces). They chain: a stage's fingerprint holds the one of the stage before.

use crate::failure::Failure;
use crate::pipeline::Settings;
use crate::pipeline::settings::{ActivityType, Keep};
use gridlake_lake::import::{Mapping, Shape};
use gridlake_lake::manifest::hex;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Settings of `[train]` that do not change the trained weights.
pub(crate) const NOT_WEIGHTS: [&str; 4] = ["device", "runs_at_once", "checkpoints", "log_every"];

/// Settings of `[record]` that do not change what the network does, only how much of it is kept.
const NOT_STATES: [&str; 2] = ["keep", "sample_trajectories"];

/// Raised whenever a stage's output changes for the same settings, so that what older versions wrote counts as stale.
const RECORD_VERSION: u32 = 1;
/// 2: modules, phases and measures; scores of surrogates in single precision. 4: distances, generalization, path
/// integration, spectra of units; surrogates between whose rounds rates go by quantiles; another solver of the embedding. 5: a last
/// bin of time that is not full is part of the one before (path_integration). 6: orientations of right-angled lattices.
/// 7: units join modules by agreement; spectra of surrogates of finer rings.
/// 8: surrogates are windows of wider planes, first matched with the plane around them. 9: periodicity is the unevenness of waves over directions, not the
/// strongest wave's share. 12: the wall score (10 had a wall rate, 11 another score).
const ANALYZE_VERSION: u32 = 12;
/// 2: modules, spectra, phases. 4: Fig. 5; spectra in reports. 5: Figs. 4 and 6 as pages. 6: keys of maps, losses of weight 0.
/// 7: reports in degrees, phases of training by what changes.
const DRAW_VERSION: u32 = 7;
/// Stays 1 as long as the lake's schema changes how numbers are stored, not which: what older schemas wrote is then not stale.
const NUMBERS_OF_SCHEMA: u32 = 1;
const IMPORT_VERSION: u32 = 1;

/// What the fingerprints of all runs have in common whose settings differ in nothing but their seed, as canonical JSON: it is made once for a sweep of a
/// hundred thousand seeds.
#[derive(Debug)]
pub(crate) struct Common {
    train: String,
    /// Of `[record]`, what changes what the network does.
    states: String,
    velocity_limit_m: String,
    keep: Keep,
    /// Trajectories that a sample keeps.
    kept: String,
    bins: String,
    analyze: String,
    draw: String,
}

impl Common {
    /// # Errors
    /// Settings that JSON cannot hold.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Failure> {
        let mut train = to_json(&**settings.train)?;
        if let Value::Object(table) = &mut train {
            table.retain(|key, _| !NOT_WEIGHTS.contains(&key.as_str()));
        }
        let mut states = to_json(&settings.record)?;
        if let Value::Object(table) = &mut states {
            // Recordings from before there was a choice are of this type.
            let told = settings.record.activity_type != ActivityType::Float32;
            // So are recordings from before there were other arenas than boxes, of boxes alone.
            let shaped = !settings.record.arenas.is_empty();
            table.retain(|key, _| !NOT_STATES.contains(&key.as_str()) && (told || key != "activity_type") && (shaped || key != "arenas"));
        }
        Ok(Self {
            train: canonical_text(&train),
            states: canonical_text(&states),
            velocity_limit_m: canonical_text(&json!(settings.train.data.velocity_limit_m)),
            keep: settings.record.keep,
            kept: settings.record.kept().to_string(),
            bins: settings.analyze.ratemap.bins.to_string(),
            analyze: canonical_text(&to_json(&**settings.analyze)?),
            draw: canonical_text(&to_json(&settings.draw)?),
        })
    }

    /// Fingerprint of everything that determines the trained weights.
    pub(crate) fn train(&self, seed: u64) -> String {
        digest_of(&[("seed", &seed.to_string()), ("train", &self.train)])
    }

    /// Fingerprint of what the network `train` at `step` does in the arenas, however much of it is kept: what an analysis depends on. It is also that of a
    /// recording that keeps all.
    pub(crate) fn states(&self, train: &str, step: u64) -> String {
        digest_of(&[
            ("record", &self.states),
            ("schema", &NUMBERS_OF_SCHEMA.to_string()),
            ("step", &step.to_string()),
            ("train", &quoted(train)),
            ("velocity_limit_m", &self.velocity_limit_m),
            ("version", &RECORD_VERSION.to_string()),
        ])
    }

    /// Fingerprint of the recording of `states`. Where not all activity is kept, it holds sums in the bins of the analysis.
    pub(crate) fn record(&self, states: &str) -> String {
        let bins = ("bins", self.bins.as_str());
        match self.keep {
            Keep::All => states.to_owned(),
            Keep::Sample => digest_of(&[bins, ("keep", "\"sample\""), ("states", &quoted(states)), ("trajectories", &self.kept)]),
            Keep::None => digest_of(&[bins, ("keep", "\"none\""), ("states", &quoted(states))]),
        }
    }

    /// Fingerprint of the analysis of `states`, of all of which activity was kept.
    pub(crate) fn analyze(&self, states: &str) -> String {
        self.analysis(states, None)
    }

    /// Fingerprint of the analysis of a network's `states` of which as much activity was kept as the settings say: what is made of sums in bins is the same however much
    /// that is, and what is made of moments is not.
    pub(crate) fn analyze_kept(&self, states: &str) -> String {
        let kept = match self.keep {
            Keep::All => None,
            Keep::Sample => Some(self.kept.as_str()),
            Keep::None => Some("0"),
        };
        self.analysis(states, kept)
    }

    fn analysis(&self, states: &str, kept: Option<&str>) -> String {
        let (states, schema, version) = (quoted(states), NUMBERS_OF_SCHEMA.to_string(), ANALYZE_VERSION.to_string());
        let mut all = vec![("analyze", self.analyze.as_str())];
        all.extend(kept.map(|kept| ("kept_trajectories", kept)));
        all.extend([("record", states.as_str()), ("schema", &schema), ("version", &version)]);
        digest_of(&all)
    }

    /// Fingerprint of the figures of `analyze`, which also show the training.
    pub(crate) fn draw(&self, train: &str, analyze: &str) -> String {
        digest_of(&[("analyze", &quoted(analyze)), ("draw", &self.draw), ("train", &quoted(train)), ("version", &DRAW_VERSION.to_string())])
    }
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
    let mut table = to_json(mapping)?;
    if let Some(Value::Object(arena)) = table.get_mut("arena") {
        // Imports from before there was a choice are of squares.
        if mapping.arena.shape == Shape::Square {
            arena.remove("shape");
        }
        if mapping.arena.height_m == 0.0 {
            arena.remove("height_m");
        }
    }
    Ok(digest(&json!({ "files": checksums, "spikes": spikes, "mapping": table, "version": IMPORT_VERSION })))
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
    hex(&Sha256::digest(canonical_text(value).as_bytes()))
}

/// The digest of an object of these values, each canonical; the keys are sorted.
fn digest_of(values: &[(&str, &str)]) -> String {
    debug_assert!(values.is_sorted_by_key(|(key, _)| key), "{values:?}");
    let mut sha256 = Sha256::new_with_prefix("{");
    for (key, value) in values {
        for part in ["\"", key, "\":", value, ","] {
            sha256.update(part);
        }
    }
    hex(&sha256.chain_update("}").finalize())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn canonical_text(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    text
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

    /// The defaults with some keys of `[record]` changed.
    fn settings(change: impl FnOnce(&mut crate::pipeline::settings::RecordConfig)) -> Settings {
        use crate::pipeline::{layer::Layer, origin::Origin, schema};
        let layer = Layer::parse(schema::DEFAULTS, |_| Origin::Defaults).unwrap();
        let mut settings = Settings::new(&layer, &schema::Schema::embedded().unwrap()).unwrap();
        change(&mut settings.record);
        settings
    }

    fn states(settings: &Settings) -> String {
        Common::new(settings).unwrap().states("t", 7)
    }

    /// Each made of all its settings at once, as it was before parts of them were kept.
    #[test]
    fn fingerprints_are_those_of_whole_settings() {
        for keep in [Keep::All, Keep::Sample, Keep::None] {
            let settings = settings(|record| (record.keep, record.sample_trajectories) = (keep, 3));
            let common = Common::new(&settings).unwrap();
            let of = |part: &dyn Fn() -> Result<Value, Failure>, without: &[&str]| {
                let mut table = part().unwrap();
                table.as_object_mut().unwrap().retain(|key, _| !without.contains(&key.as_str()));
                table
            };
            let train = digest(&json!({ "train": of(&|| to_json(&**settings.train), &NOT_WEIGHTS), "seed": 5 }));
            assert_eq!(common.train(5), train);
            let table = of(&|| to_json(&settings.record), &["keep", "sample_trajectories", "activity_type", "arenas"]);
            let limit = settings.train.data.velocity_limit_m;
            let all =
                json!({ "train": train, "step": 7, "record": table, "velocity_limit_m": limit, "schema": 1, "version": RECORD_VERSION });
            let states = digest(&all);
            assert_eq!(common.states(&train, 7), states);
            let bins = settings.analyze.ratemap.bins;
            let record = match keep {
                Keep::All => states.clone(),
                Keep::Sample => digest(&json!({ "states": states, "keep": "sample", "trajectories": 3, "bins": bins })),
                Keep::None => digest(&json!({ "states": states, "keep": "none", "bins": bins })),
            };
            assert_eq!(common.record(&states), record);
            let mut all =
                json!({ "record": states, "analyze": to_json(&**settings.analyze).unwrap(), "schema": 1, "version": ANALYZE_VERSION });
            let analyze = digest(&all);
            assert_eq!(common.analyze(&states), analyze);
            match keep {
                Keep::All => {}
                Keep::Sample => all["kept_trajectories"] = json!(3),
                Keep::None => all["kept_trajectories"] = json!(0),
            }
            assert_eq!(common.analyze_kept(&states), digest(&all));
            let draw = json!({ "train": train, "analyze": analyze, "draw": to_json(&settings.draw).unwrap(), "version": DRAW_VERSION });
            assert_eq!(common.draw(&train, &analyze), digest(&draw));
        }
    }

    #[test]
    fn recordings_from_before_there_was_a_choice_are_as_fresh_as_ever() {
        let defaults = settings(|_| ());
        let as_ever = digest(&json!({
            "train": "t", "step": 7, "velocity_limit_m": 0.15, "schema": 1, "version": 1,
            "record": {
                "boxes_m": [2.0, 3.0, 4.0], "motion": "smooth", "trajectories": 400, "steps": 200, "mean_speed_m": 0.05, "occupancy_bins": 50,
            },
        }));
        let found = states(&defaults);
        assert_eq!(found, as_ever);
        assert_eq!(Common::new(&defaults).unwrap().record(&found), as_ever);
    }

    #[test]
    fn other_arenas_make_other_recordings() {
        let of = |arenas: &[&str]| states(&settings(|record| record.arenas = arenas.iter().map(ToString::to_string).collect()));
        let all = [of(&[]), of(&["circle-1m"]), of(&["circle-2m"]), of(&["rectangle-2x1m"]), of(&["circle-1m", "rectangle-2x1m"])];
        assert!(all.iter().enumerate().all(|(number, one)| all[..number].iter().all(|other| other != one)));
    }

    #[test]
    fn imports_of_squares_are_as_fresh_as_ever() {
        use crate::pipeline::{layer::Layer, origin::Origin, schema};
        let text = schema::MAPPING;
        let defaults: Mapping = toml::from_str(text).unwrap();
        let mut as_ever = serde_json::to_value(Layer::parse(text, |_| Origin::Defaults).unwrap().table).unwrap();
        let arena = as_ever["arena"].as_object_mut().unwrap();
        assert!(arena.remove("shape").is_some() && arena.remove("height_m").is_some());
        let as_ever = digest(&json!({ "files": ["f"], "spikes": null, "mapping": as_ever, "version": 1 }));
        let of = |change: &dyn Fn(&mut Mapping)| {
            let mut mapping = defaults.clone();
            change(&mut mapping);
            import(&["f".to_owned()], None, &mapping).unwrap()
        };
        assert_eq!(of(&|_| ()), as_ever);
        let circle = of(&|mapping| mapping.arena.shape = Shape::Circle);
        let rectangle = of(&|mapping| mapping.arena.shape = Shape::Rectangle);
        let low = of(&|mapping| (mapping.arena.shape, mapping.arena.height_m) = (Shape::Rectangle, 0.5));
        assert!(circle != as_ever && rectangle != as_ever && low != as_ever && circle != rectangle && low != rectangle);
    }

    #[test]
    fn what_is_kept_changes_recordings_and_what_is_recorded_changes_analyses() {
        let of = |settings: &Settings| {
            let common = Common::new(settings).unwrap();
            let states = common.states("t", 7);
            (common.record(&states), common.analyze_kept(&states))
        };
        let all = of(&settings(|_| ()));
        let sample = of(&settings(|record| record.keep = Keep::Sample));
        let none = of(&settings(|record| record.keep = Keep::None));
        assert!(all.0 != sample.0 && sample.0 != none.0 && all.0 != none.0);
        assert!(all.1 != sample.1 && sample.1 != none.1 && all.1 != none.1, "moments are analyzed too");
        let whole = settings(|_| ());
        assert_eq!(all.1, Common::new(&whole).unwrap().analyze(&states(&whole)));
        let float16 = of(&settings(|record| record.activity_type = ActivityType::Float16));
        assert!(float16.0 != all.0 && float16.1 != all.1);
        // The sample's size matters to a sample, up to all there is.
        let sized = |keep: Keep, count: usize| of(&settings(|record| (record.keep, record.sample_trajectories) = (keep, count))).0;
        assert_eq!(sized(Keep::All, 3), all.0);
        assert_eq!(sized(Keep::None, 3), none.0);
        assert_ne!(sized(Keep::Sample, 3), sample.0);
        assert_eq!(sized(Keep::Sample, 400), sized(Keep::Sample, 1000));
    }

    #[test]
    fn run_names_have_their_parts() {
        assert_eq!(run_name("quick", Some("a"), 3, "0123456789"), "quick-a-s3-01234567");
        assert_eq!(run_name("quick", None, 0, "0123456789"), "quick-s0-01234567");
    }
}
