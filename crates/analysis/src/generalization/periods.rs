//! Periods in larger boxes against the smallest.

/// A module's period in an arena.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// Which arena, any number.
    pub arena: usize,
    /// The arena's area, m²: what makes it the smallest.
    pub area_m2: f64,
    /// Which module; the same label in every arena.
    pub module: usize,
    /// Its period, m; NaN where it has none here.
    pub period_m: f64,
    /// Its standard error, m; NaN where unknown.
    pub period_se_m: f64,
}

/// How a period differs from that in the smallest arena.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeriodChange {
    /// Period over that in the smallest arena, minus 1; 0 in the smallest itself, NaN: see the reason.
    pub change: f64,
    /// Its standard error: `P/P₀ √((σ/P)² + (σ₀/P₀)²)` for independent errors of the two periods; 0 in the smallest itself.
    pub change_se: f64,
    /// Why the change is NaN.
    pub reason: Option<&'static str>,
}

/// The change of every period, in the order given. The smallest arena is the one of least area (the lowest number among equals) *of all*, not of those in which
/// the module has a period: else changes of different modules would not compare.
pub fn period_changes(periods: &[Period]) -> Vec<PeriodChange> {
    let smallest = periods.iter().min_by(|a, b| a.area_m2.total_cmp(&b.area_m2).then(a.arena.cmp(&b.arena))).map(|period| period.arena);
    let positive = |x: f64| x.is_finite() && x > 0.0;
    periods
        .iter()
        .map(|here| {
            let none = |reason| PeriodChange { change: f64::NAN, change_se: f64::NAN, reason: Some(reason) };
            let base = periods.iter().find(|other| Some(other.arena) == smallest && other.module == here.module);
            if !positive(here.period_m) {
                return none("the module has no period in this arena");
            }
            let Some(base) = base.filter(|base| positive(base.period_m)) else {
                return none("the module has no period in the smallest arena");
            };
            if base.arena == here.arena {
                return PeriodChange { change: 0.0, change_se: 0.0, reason: None };
            }
            let ratio = here.period_m / base.period_m;
            let change_se = ratio * (here.period_se_m / here.period_m).hypot(base.period_se_m / base.period_m);
            PeriodChange { change: ratio - 1.0, change_se, reason: None }
        })
        .collect()
}
