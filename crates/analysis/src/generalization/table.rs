//! All measures of generalization, per arena and module.

use super::coherence::{Coherence, coherence};
use super::periods::{Period, PeriodChange, period_changes};
use crate::distances::{CheckedDistancesConfig, Moments, MomentsError, SpaceDistances, space};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use ndarray::Axis;

/// A module as it is in one arena.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleUnits {
    /// Its label, the same in every arena.
    pub module: usize,
    /// Its units: columns of the activity.
    pub units: Vec<usize>,
    /// Its period here, m; NaN without one.
    pub period_m: f64,
    /// The period's standard error, m; NaN where unknown.
    pub period_se_m: f64,
}

/// What was recorded in one arena.
#[derive(Debug, Clone)]
pub struct ArenaStates<'a> {
    /// Bins of the arena, for the coherence.
    pub bins: &'a Bins,
    /// The sampled moments of all units.
    pub moments: Moments<'a>,
    /// The modules.
    pub modules: &'a [ModuleUnits],
}

/// Measures of one module in one arena, or of all units.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneralizationRow {
    /// The arena.
    pub arena: Arena,
    /// The module; none for all units together.
    pub module: Option<usize>,
    /// The period here, m; NaN for all units, or without one.
    pub period_m: f64,
    /// Its change against the smallest arena.
    pub change: PeriodChange,
    /// Neural distance of unrelated states of these units: `√(2 mean‖g‖² - 2 ‖mean g‖²)`; states of a module are not scaled to norm 1.
    pub chance_distance: f64,
    /// Its standard error, from the bootstrap over trajectories.
    pub chance_se: f64,
    /// Separation at which the mean neural distance is half of chance, m; NaN: see the reason.
    pub half_rise_m: f64,
    /// Its standard error.
    pub half_rise_se_m: f64,
    /// Why there is no half rise.
    pub half_rise_reason: Option<&'static str>,
    /// Spatial coherence, raw, corrected, and by chance.
    pub coherence: Coherence,
}

/// Why there are no measures.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GeneralizationError {
    /// A module names a unit that is not there.
    #[error("module {module} in {arena} has unit {unit}, but there are {units} units; pass columns of the activity")]
    Unit {
        /// The module.
        module: usize,
        /// The arena's label.
        arena: String,
        /// The unit.
        unit: usize,
        /// Columns of the activity.
        units: usize,
    },
    /// A module has no units, or its moments are not fit.
    #[error("module {module} in {arena}: {source}")]
    Moments {
        /// The module.
        module: usize,
        /// The arena's label.
        arena: String,
        /// What is wrong.
        source: MomentsError,
    },
}

/// Measures of one arena.
#[derive(Debug, Clone)]
pub struct ArenaGeneralization {
    /// All units together.
    pub all: GeneralizationRow,
    /// Their neural distances.
    pub distances: SpaceDistances,
    /// The modules, in the order given.
    pub modules: Vec<GeneralizationRow>,
}

/// Measures of one arena: of all units, and of each module with the change of its period, which [`period_changes`] gives.
///
/// Distances are those of [`space`](crate::distances::space()) with a seed of its own for each row (child `analysis/generalization/<label>/<module or all>`).
///
/// # Errors
/// Where a module has no units or one that is not there.
///
/// # Panics
/// With another number of changes than of modules.
pub fn generalization_in(
    states: &ArenaStates<'_>,
    changes: &[PeriodChange],
    config: &CheckedDistancesConfig,
    seed: Seed,
) -> Result<ArenaGeneralization, GeneralizationError> {
    assert_eq!(states.modules.len(), changes.len(), "one change for each module");
    let label = states.bins.arena.label();
    let measure = |moments: &Moments<'_>, module: Option<&ModuleUnits>, change: PeriodChange| {
        let name = module.map_or_else(|| "all".to_owned(), |m| m.module.to_string());
        let distances = space(moments, config, seed.child(&format!("analysis/generalization/{label}/{name}")));
        let row = GeneralizationRow {
            arena: states.bins.arena,
            module: module.map(|m| m.module),
            period_m: module.map_or(f64::NAN, |m| m.period_m),
            change,
            chance_distance: distances.chance_distance,
            chance_se: distances.chance_se,
            half_rise_m: distances.half_rise_m,
            half_rise_se_m: distances.half_rise_se_m,
            half_rise_reason: distances.half_rise_reason,
            coherence: coherence(moments, states.bins),
        };
        (row, distances)
    };
    let none = PeriodChange { change: f64::NAN, change_se: f64::NAN, reason: Some("all units together have no one period") };
    let (all, distances) = measure(&states.moments, None, none);
    let mut modules = Vec::with_capacity(changes.len());
    for (module, change) in states.modules.iter().zip(changes) {
        let units = states.moments.units();
        if let Some(&unit) = module.units.iter().find(|unit| **unit >= units) {
            return Err(GeneralizationError::Unit { module: module.module, arena: label, unit, units });
        }
        let activity = states.moments.activity().select(Axis(1), &module.units);
        let moments = Moments::new(activity.view(), states.moments.positions_m(), states.moments.trajectories(), states.moments.times());
        let moments = moments.map_err(|source| GeneralizationError::Moments { module: module.module, arena: label.clone(), source })?;
        modules.push(measure(&moments, Some(module), *change).0);
    }
    Ok(ArenaGeneralization { all, distances, modules })
}

/// Per arena, in the order given: a row for all units, then one per module; see [`generalization_in`].
///
/// # Errors
/// Where a module has no units or one that is not there.
pub fn generalization(
    arenas: &[ArenaStates<'_>],
    config: &CheckedDistancesConfig,
    seed: Seed,
) -> Result<Vec<GeneralizationRow>, GeneralizationError> {
    let periods: Vec<Period> = arenas
        .iter()
        .enumerate()
        .flat_map(|(arena, states)| {
            states.modules.iter().map(move |m| Period {
                arena,
                area_m2: states.bins.arena.width_m * states.bins.arena.height_m,
                module: m.module,
                period_m: m.period_m,
                period_se_m: m.period_se_m,
            })
        })
        .collect();
    let mut changes = period_changes(&periods).into_iter();
    let mut rows = Vec::new();
    for states in arenas {
        let of_arena: Vec<PeriodChange> = changes.by_ref().take(states.modules.len()).collect();
        let found = generalization_in(states, &of_arena, config, seed)?;
        rows.push(found.all);
        rows.extend(found.modules);
    }
    Ok(rows)
}
