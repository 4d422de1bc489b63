//! Which keys exist and of what type: read off `defaults.toml`, whose comments also give the ranges.

use super::layer::{Layer, join, lookup};
use crate::failure::Failure;
use gridlake_model::config::{Phase, PhaseData, PhaseLoss, PhaseModel, PhaseOptimizer};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The embedded, commented defaults: what `gridlake defaults` prints.
pub(crate) const DEFAULTS: &str = include_str!("../defaults.toml");

/// The embedded, commented defaults of mappings: what `gridlake import --help-mapping` prints.
pub(crate) const MAPPING: &str = include_str!("../mapping.toml");

const CURRICULUM: &str = "train.curriculum";

/// Known keys with a value of the right type each.
pub(crate) struct Schema {
    root: Table,
    phase: Table,
    /// "Integer, 1 to 100000" by dotted key.
    ranges: BTreeMap<String, String>,
    /// What prints every key.
    help: &'static str,
}

impl Schema {
    /// The schema of `defaults.toml`.
    ///
    /// # Errors
    /// Defaults that are not TOML: a mistake in the program, caught by its tests.
    pub(crate) fn embedded() -> Result<Self, Failure> {
        Self::of(DEFAULTS, "gridlake defaults")
    }

    /// The schema of `mapping.toml`.
    ///
    /// # Errors
    /// As [`Schema::embedded`].
    pub(crate) fn mapping() -> Result<Self, Failure> {
        Self::of(MAPPING, "gridlake import --help-mapping")
    }

    fn of(defaults: &str, help: &'static str) -> Result<Self, Failure> {
        let root = Layer::parse(defaults, |_| super::origin::Origin::Defaults)?.table;
        let phase = Table::try_from(complete_phase()).map_err(Failure::config)?;
        Ok(Self { root, phase, ranges: ranges(defaults), help })
    }

    /// Refuses unknown keys and wrong types, with file and line.
    ///
    /// # Errors
    /// The first such key, with the nearest known one or what is allowed.
    pub(crate) fn check(&self, layer: &Layer) -> Result<(), Failure> {
        self.walk(layer, &layer.table, "")
    }

    /// Type and range of a key as documented.
    pub(crate) fn allowed(&self, key: &str) -> Option<&str> {
        let base = phase_key(key).map_or_else(|| key.to_string(), |rest| format!("train.{rest}"));
        self.ranges.get(&base).map(String::as_str)
    }

    /// All dotted keys that hold a value.
    pub(crate) fn leaves(&self) -> Vec<String> {
        let mut keys = Vec::new();
        collect(&self.root, "", &mut keys);
        keys
    }

    fn walk(&self, layer: &Layer, table: &Table, at: &str) -> Result<(), Failure> {
        for (key, value) in table {
            let path = join(at, key);
            match path.as_str() {
                CURRICULUM => self.check_curriculum(layer, value)?,
                "sweep.grid" => self.check_grid(layer, value)?,
                "sweep.variants" => self.check_variants(layer, value)?,
                _ => self.check_one(layer, &path, &path, value)?,
            }
        }
        Ok(())
    }

    /// One key written as `written` that means `key`.
    fn check_one(&self, layer: &Layer, written: &str, key: &str, value: &Value) -> Result<(), Failure> {
        let Some(known) = lookup(&self.root, key) else { return Err(self.unknown(layer, written, key)) };
        match (known, value) {
            (Value::Table(_), Value::Table(inner)) => self.walk(layer, inner, key),
            _ if fits(known, value) => Ok(()),
            _ => Err(self.wrong_type(layer, written, key, known, value)),
        }
    }

    fn unknown(&self, layer: &Layer, written: &str, key: &str) -> Failure {
        let (nearest, of) = if let Some(rest) = phase_key(key) {
            let mut keys = Vec::new();
            collect(&self.phase, "", &mut keys);
            (nearest(rest, &keys), " of a curriculum phase")
        } else {
            let mut keys = self.leaves();
            let mut tables: Vec<String> = keys.iter().filter_map(|key| key.rsplit_once('.')).map(|(table, _)| table.to_string()).collect();
            tables.dedup();
            keys.append(&mut tables);
            (nearest(key, &keys), "")
        };
        Failure::config(format!("{}: unknown key {written}", layer.origin(written)))
            .hint(format!("the nearest known key{of} is {nearest}; `{}` prints every key", self.help))
    }

    fn wrong_type(&self, layer: &Layer, written: &str, key: &str, known: &Value, value: &Value) -> Failure {
        let allowed = self.allowed(key).map_or_else(|| kind(known).to_string(), str::to_string);
        Failure::config(format!("{}: {written} is {}, {}; allowed: {allowed}", layer.origin(written), shown(value), kind(value)))
    }

    fn check_curriculum(&self, layer: &Layer, value: &Value) -> Result<(), Failure> {
        let phases = value.as_array().filter(|phases| phases.iter().all(Value::is_table));
        let phases = phases.ok_or_else(|| {
            Failure::config(format!(
                "{}: {CURRICULUM} is {}, {}; allowed: tables, one [[{CURRICULUM}]] for each phase",
                layer.origin(CURRICULUM),
                shown(value),
                kind(value)
            ))
        })?;
        for (number, phase) in phases.iter().filter_map(Value::as_table).enumerate() {
            self.check_phase(layer, phase, &self.phase, &format!("{CURRICULUM}.{number}"))?;
        }
        Ok(())
    }

    fn check_phase(&self, layer: &Layer, table: &Table, known: &Table, at: &str) -> Result<(), Failure> {
        for (key, value) in table {
            let path = join(at, key);
            match (known.get(key), value) {
                (None, _) => return Err(self.unknown(layer, &path, &path)),
                (Some(Value::Table(known)), Value::Table(inner)) => self.check_phase(layer, inner, known, &path)?,
                (Some(known), value) if fits(known, value) => {}
                (Some(known), value) => return Err(self.wrong_type(layer, &path, &path, known, value)),
            }
        }
        Ok(())
    }

    /// `[sweep.grid]`: a known key each, with the values it takes.
    fn check_grid(&self, layer: &Layer, value: &Value) -> Result<(), Failure> {
        let Value::Table(grid) = value else {
            return Err(self.wrong_type(layer, "sweep.grid", "sweep.grid", &Value::Table(Table::new()), value));
        };
        for (key, values) in super::sweep::flatten(grid) {
            let written = format!("sweep.grid.{key}");
            refuse_sweeping(layer, &written, &key)?;
            let values = values.as_array().filter(|values| !values.is_empty()).ok_or_else(|| {
                Failure::config(format!(
                    "{}: {written} is {}; allowed: a list of at least one value of {key}",
                    layer.origin(&written),
                    shown(values)
                ))
            })?;
            for value in values {
                self.check_one(layer, &written, &key, value)?;
            }
        }
        Ok(())
    }

    /// `[sweep.variants.NAME]`: known keys, dotted or as tables.
    fn check_variants(&self, layer: &Layer, value: &Value) -> Result<(), Failure> {
        let Value::Table(variants) = value else {
            return Err(self.wrong_type(layer, "sweep.variants", "sweep.variants", &Value::Table(Table::new()), value));
        };
        for (name, settings) in variants {
            let at = format!("sweep.variants.{name}");
            let Value::Table(settings) = settings else {
                return Err(Failure::config(format!("{}: {at} is {}; allowed: a table of keys", layer.origin(&at), shown(settings))));
            };
            for (key, value) in super::sweep::flatten(settings) {
                let written = format!("{at}.{key}");
                refuse_sweeping(layer, &written, &key)?;
                if key == CURRICULUM {
                    self.check_curriculum(layer, value)?;
                } else {
                    self.check_one(layer, &written, &key, value)?;
                }
            }
        }
        Ok(())
    }
}

/// What a sweep may not set: it would move or rename the runs.
fn refuse_sweeping(layer: &Layer, written: &str, key: &str) -> Result<(), Failure> {
    let head = key.split('.').next().unwrap_or(key);
    if matches!(head, "name" | "lake" | "sweep" | "seed" | "import" | "executor") {
        return Err(Failure::config(format!("{}: {written}: a sweep cannot set {key}", layer.origin(written)))
            .hint("it sets keys of [train], [record], [analyze] and [draw]; seeds have their own list, sweep.seeds"));
    }
    Ok(())
}

/// A phase with every key there is.
fn complete_phase() -> Phase {
    Phase {
        until: 0,
        model: PhaseModel { units: Some(0) },
        data: PhaseData { batch: Some(0), length: Some(0), velocity_limit_m: Some(0.0) },
        loss: PhaseLoss {
            sigma_x_m: Some(0.0),
            sigma_g: Some(0.0),
            lambda_sep: Some(0.0),
            lambda_inv: Some(0.0),
            lambda_cap: Some(0.0),
            lambda_coniso: Some(0.0),
        },
        optimizer: PhaseOptimizer { learning_rate: Some(0.0), weight_decay: Some(0.0), clip_norm: Some(0.0), accumulate: Some(0) },
    }
}

/// `loss.sigma_g` of `train.curriculum.3.loss.sigma_g`.
fn phase_key(key: &str) -> Option<&str> {
    key.strip_prefix(CURRICULUM)?.strip_prefix('.')?.split_once('.').map(|(_, rest)| rest)
}

/// Whether a value has the type of a known one; integers pass for floats.
fn fits(known: &Value, value: &Value) -> bool {
    match (known, value) {
        (Value::Float(_), Value::Integer(_)) => true,
        (Value::Array(known), Value::Array(values)) => known.first().is_none_or(|known| values.iter().all(|value| fits(known, value))),
        _ => known.same_type(value),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".to_string(),
        _ => value.to_string(),
    }
}

fn collect(table: &Table, at: &str, keys: &mut Vec<String>) {
    for (key, value) in table {
        let path = join(at, key);
        match value {
            Value::Table(inner) if !inner.is_empty() => collect(inner, &path, keys),
            _ => keys.push(path),
        }
    }
}

/// The most similar known key; a misplaced key (same last part, other table) counts as similar.
fn nearest(key: &str, known: &[String]) -> String {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_string();
    let similarity = |candidate: &String| {
        strsim::normalized_damerau_levenshtein(key, candidate) + strsim::normalized_damerau_levenshtein(&last(key), &last(candidate))
    };
    known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b))).cloned().unwrap_or_default()
}

/// The last line of the comment above each key of the defaults: its type and range.
fn ranges(defaults: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let (mut table, mut comment) = (String::new(), None);
    for line in defaults.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix('#') {
            comment = Some(text.trim());
        } else if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = header.to_string();
        } else if let Some((key, _)) = line.split_once('=')
            && let Some(range) = comment.take()
        {
            found.insert(join(&table, key.trim()), range.trim_end_matches('.').to_string());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::origin::Origin;

    fn refuse(text: &str) -> String {
        let layer = Layer::parse(text, |line| Origin::Flag(format!("line {line}").into())).unwrap();
        crate::failure::render(&Schema::embedded().unwrap().check(&layer).unwrap_err())
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        assert!(
            refuse("[train.data]\nbach = 3")
                .contains("line 2: unknown key train.data.bach\nhint: the nearest known key is train.data.batch;")
        );
        assert!(refuse("[train]\nsigma_g = 3").contains("nearest known key is train.loss.sigma_g;"));
        assert!(refuse("nmae = 'x'").contains("nearest known key is name;"));
        assert!(refuse("[[train.curriculum]]\nuntil = 1\nloss.lambda_capp = 0.0").contains("of a curriculum phase is loss.lambda_cap;"));
        assert!(refuse("[sweep.grid]\n'train.loss.lambdacap' = [0.0]").contains("nearest known key is train.loss.lambda_cap;"));
        assert!(refuse("[sweep.variants.a]\ntrain.loss.lambda_kap = 0.0").contains("nearest known key is train.loss.lambda_cap;"));
    }

    #[test]
    fn wrong_types_say_what_is_allowed() {
        assert!(
            refuse("[train.data]\nbatch = 'many'")
                .contains("line 2: train.data.batch is \"many\", a string; allowed: Integer, 1 to 100000")
        );
        assert!(refuse("train = 3").contains("train is 3, an integer"));
        assert!(
            refuse("[[train.curriculum]]\nuntil = 1\ndata.length = 1.5")
                .contains("data.length is 1.5, a number; allowed: Integer, 1 to 100000")
        );
        assert!(refuse("train.curriculum = 3").contains("one [[train.curriculum]] for each phase"));
        assert!(refuse("[train.model]\nmlp_hidden = [64, 'x']").contains("train.model.mlp_hidden is"));
        assert!(refuse("[sweep.grid]\n'train.loss.lambda_cap' = 0.5").contains("a list of at least one value"));
        assert!(refuse("[sweep.grid]\n'seed' = [1]").contains("sweep.seeds"));
    }

    #[test]
    fn integers_pass_for_numbers() {
        let layer = Layer::parse("[train.loss]\nsigma_g = 1\n[record]\nboxes_m = [2, 3]", |_| Origin::Defaults).unwrap();
        Schema::embedded().unwrap().check(&layer).unwrap();
    }

    #[test]
    fn every_default_documents_its_type_and_range() {
        for schema in [Schema::embedded().unwrap(), Schema::mapping().unwrap()] {
            let undocumented: Vec<_> = schema
                .leaves()
                .into_iter()
                .filter(|key| !key.starts_with("sweep.") && schema.allowed(key).is_none_or(|range| !documented(range)))
                .collect();
            assert_eq!(undocumented, Vec::<String>::new());
        }
    }

    fn documented(range: &str) -> bool {
        ["Integer", "Number", "Text", "Boolean", "List", "One of", "Tables"].iter().any(|kind| range.starts_with(kind))
    }
}
