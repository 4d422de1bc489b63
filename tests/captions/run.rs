//! A run, and what several figures ask of it.

use super::words::{count, number, place, scale, short, text, thousands};
use crate::common::{Outcome, gridlake};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One run's last checkpoint in a lake.
pub(super) struct Run {
    pub(super) lake: PathBuf,
    pub(super) name: String,
    pub(super) step: u64,
    pub(super) config: Value,
}

impl Run {
    pub(super) fn all(lake: &Path) -> Vec<Self> {
        let of = |folder: fs::DirEntry| {
            let record: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("run.json")).unwrap()).unwrap();
            let name = folder.file_name().into_string().unwrap();
            let step = record["config"]["train"]["steps"].as_u64().unwrap();
            Self { lake: lake.to_owned(), name, step, config: record["config"].clone() }
        };
        fs::read_dir(lake.join("runs")).unwrap().map(|entry| of(entry.unwrap())).collect()
    }

    /// Rows of a table for this run's last checkpoint.
    pub(super) fn ask(&self, what: &str, table: &str, condition: &str) -> Vec<Value> {
        let query = format!("SELECT {what} FROM {table} WHERE run = '{}' AND step = {} {condition}", self.name, self.step);
        self.sql(&query)
    }

    pub(super) fn sql(&self, query: &str) -> Vec<Value> {
        let outcome = Outcome::of(gridlake().args(["sql", query, "--format", "json", "--lake"]).arg(&self.lake));
        assert_eq!(outcome.code, 0, "{query}: {outcome:?}");
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    pub(super) fn who(&self) -> String {
        format!("{}, seed {}", text(&self.config, "name"), self.config["seed"])
    }

    pub(super) fn when(&self) -> String {
        format!(", after {} steps", thousands(self.step))
    }

    pub(super) fn arenas(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.ask("arena", "units", "").iter().map(|row| text(row, "arena").to_owned()).collect();
        all.into_iter().collect()
    }

    pub(super) fn by_size(&self) -> Vec<usize> {
        let arenas = self.arenas();
        let mut order: Vec<usize> = (0..arenas.len()).collect();
        order.sort_by(|a, b| {
            number(&self.generalization(&arenas[*a]), "box_m").total_cmp(&number(&self.generalization(&arenas[*b]), "box_m"))
        });
        order
    }

    pub(super) fn smallest(&self) -> usize {
        self.by_size()[0]
    }

    pub(super) fn largest(&self) -> String {
        self.arenas()[*self.by_size().last().unwrap()].clone()
    }

    /// Rows of `units`, active ones with the highest scores first.
    pub(super) fn ranked(&self, arena: &str) -> Vec<Value> {
        let mut rows = self.ask("*", "units", &format!("AND arena = '{arena}'"));
        let rank = |row: &Value| {
            (
                row["active"] == true,
                if row["grid_score_sargolini"].is_null() { f64::NEG_INFINITY } else { number(row, "grid_score_sargolini") },
            )
        };
        rows.sort_by(|a, b| rank(b).0.cmp(&rank(a).0).then(rank(b).1.total_cmp(&rank(a).1)).then(count(a, "unit").cmp(&count(b, "unit"))));
        rows
    }

    /// Sides of a map of this table, m.
    pub(super) fn extent_m(&self, table: &str, side: &str, arena: &str) -> f64 {
        let row = &self.ask(&format!("{side}, bin_m"), table, &format!("AND arena = '{arena}' LIMIT 1"))[0];
        number(row, side) * number(row, "bin_m")
    }

    /// "#63 0.24 #44 0.37": units with the peaks of their ratemaps.
    pub(super) fn peaks(&self, arena: &str, rows: &[&Value]) -> String {
        let maps = self.ask("unit, rate", "ratemaps", &format!("AND arena = '{arena}'"));
        let peak = |unit: u64| {
            let map = maps.iter().find(|map| count(map, "unit") == unit).unwrap();
            map["rate"].as_array().unwrap().iter().filter_map(Value::as_f64).fold(0.0, f64::max)
        };
        let each: Vec<String> = rows.iter().map(|row| count(row, "unit")).map(|unit| format!("#{unit} {}", short(peak(unit)))).collect();
        each.join(" ")
    }

    /// Nine units of the smallest arena, in this one.
    pub(super) fn same_units(&self, arena: &str) -> String {
        let ranked = self.ranked(&self.arenas()[self.smallest()]);
        let best: Vec<&Value> = ranked.iter().filter(|row| row["active"] == true).take(9).collect();
        format!("{} {} {}", self.peaks(arena, &best), scale(self.extent_m("ratemaps", "bins", arena)), place(arena))
    }

    /// Units of a module in an arena, with a lattice there or not.
    pub(super) fn members(&self, arena: &str, module: i64) -> Vec<Value> {
        self.ask("*", "units", &format!("AND arena = '{arena}' AND module = {module}"))
    }

    pub(super) fn modules(&self, arena: &str) -> Vec<Value> {
        self.ask("*", "modules", &format!("AND arena = '{arena}' ORDER BY period_m"))
    }

    pub(super) fn module(&self, arena: &str, module: i64) -> Value {
        self.modules(arena).into_iter().find(|row| row["module"] == module).unwrap()
    }

    pub(super) fn torus(&self, module: i64) -> Value {
        self.ask("*", "torus", &format!("AND module = {module}")).remove(0)
    }

    /// The row of `generalization` for all units of an arena.
    pub(super) fn generalization(&self, arena: &str) -> Value {
        self.ask("*", "generalization", &format!("AND arena = '{arena}' AND module IS NULL")).remove(0)
    }

    /// Settings of the phases that took place, with where each begins.
    pub(super) fn phases(&self) -> Vec<(u64, Value)> {
        let train = &self.config["train"];
        let mut from = 0;
        let mut found = Vec::new();
        for phase in train["curriculum"].as_array().into_iter().flatten().chain([&Value::Null]) {
            let mut settings = train.clone();
            for section in ["model", "data", "loss", "optimizer"] {
                for (key, value) in phase[section].as_object().into_iter().flatten() {
                    settings[section][key] = value.clone();
                }
            }
            if from < self.step {
                found.push((from, settings));
            }
            from = phase["until"].as_u64().unwrap_or(self.step);
        }
        found
    }
}
