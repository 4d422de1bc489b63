//! Units: their class, numbers and maps in every arena.

use super::{Column, Map, NullSummary};

/// A unit of the network.
#[derive(Debug, Clone)]
pub struct ReportUnit {
    /// Its index, from 0.
    pub unit: usize,
    /// Its module, the same in every arena; `None` outside modules.
    pub module: Option<usize>,
    /// Why it is in its module, or in none; may be empty.
    pub module_reason: String,
    /// One entry per arena, in the order of [`Report::arenas`](super::Report::arenas).
    pub arenas: Vec<UnitInArena>,
}

/// A unit in one arena.
#[derive(Debug, Clone, Default)]
pub struct UnitInArena {
    /// Its class, such as `grid`. Where all units of all arenas are `dead`, the page says that the network is dead.
    pub class: String,
    /// Why it has that class.
    pub class_reason: String,
    /// One per [`Report::scores`](super::Report::scores).
    pub scores: Vec<Score>,
    /// One per [`Report::measures`](super::Report::measures), in its column's unit; NaN where undefined.
    pub measures: Vec<f64>,
    /// Its maps.
    pub maps: UnitMaps,
}

/// A unit's maps in one arena; `None` where there is none, which the page says.
#[derive(Debug, Clone, Default)]
pub struct UnitMaps {
    /// Mean activity per bin; steps in metres.
    pub ratemap: Option<Map>,
    /// Pearson's r per lag, zero lag in the middle; steps in metres. Quantize it over [-1, 1], so that white is 0.
    pub autocorrelogram: Option<Map>,
    /// Power per frequency, zero frequency in the middle; steps in cycles per metre. The central part, up to about
    /// twice the longest wave vector, is enough.
    pub spectrum: Option<Map>,
    /// Wave vectors in cycles per metre, marked in the spectrum; may be empty.
    pub waves: Vec<[f64; 2]>,
}

/// A score that is compared with a null distribution of each unit's own.
#[derive(Debug, Clone)]
pub struct ScoreKind {
    /// Its name, unit (mostly empty) and definition. The definition names the variant and the null.
    pub column: Column,
    /// Whether the table shows it; the unit's panel shows all.
    pub in_table: bool,
}

/// A unit's score.
#[derive(Debug, Clone)]
pub struct Score {
    /// The score; NaN where undefined.
    pub value: f64,
    /// Its p-value against the unit's surrogates; NaN without.
    pub p: f64,
    /// The least false-discovery rate at which it counts; NaN where not computed.
    pub q: f64,
    /// Why the score or its p-value is undefined; empty where they are defined.
    pub reason: String,
    /// The null distribution; `None` where there is none.
    pub null: Option<NullSummary>,
}

/// A number of a unit that has no null distribution.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Its name, unit and definition.
    pub column: Column,
    /// Whether the table shows it; the unit's panel shows all.
    pub in_table: bool,
}
