//! Modules, classes, periods, orientations and phases of synthetic populations are recovered through the whole analysis, and where that ends.
//!
//! With `GRIDLAKE_BLESS=1` the grid of populations is larger (some minutes), and its table goes to `docs/validation.md`.

mod common;

use common::bless::{bless, large};
use common::population::{Made, Population, Truth};
use gridlake_analysis::classes::UnitClass;
use gridlake_analysis::config::AnalyzeConfig;
use gridlake_analysis::lattice::{orientation_rad, period_m, shape, turn_rad};
use gridlake_analysis::module_spectrum::JointFit;
use gridlake_analysis::modules::{
    ArenaLattice, CentralLags, Modules, Similarity, UnitLattices, adjusted_rand_index, find, in_arena, similarity,
};
use gridlake_analysis::phases::{PhasePlan, Uniformity, uniformity};
use gridlake_analysis::{CheckedAnalyzeConfig, UnitsAnalysis, analyze};
use gridlake_space::seed::Seed;
use std::f64::consts::{PI, TAU};

/// What came out, against the truth.
#[derive(Debug, Default)]
struct Outcome {
    /// Over modules that were found: largest relative error of the period, largest error of the orientation (rad).
    period: f64,
    orientation: f64,
    /// Median error of a phase, rad, over members and waves.
    phase: f64,
    /// Of the class grid (truth: units of modules): precision and recall, in the first arena.
    precision: f64,
    recall: f64,
    /// Bands classed as band.
    band_recall: f64,
    /// Adjusted Rand index over all units; those of no module are singletons.
    rand_index: f64,
    /// Share of the units in modules that belong to the module's majority, and of the truth's units that are in their module.
    purity: f64,
    assigned: f64,
    modules: usize,
    stability: f64,
    /// Least p-value of the phases' uniformity, and whether autocorrelograms agree with the modules.
    least_p: f64,
    similarity: f64,
}

fn config() -> CheckedAnalyzeConfig {
    let mut config = AnalyzeConfig::default();
    config.nulls.count = 99;
    config.modules.resamples = 20;
    config.check().expect("in range")
}

fn lattices(made: &Made, arenas: &[UnitsAnalysis]) -> Vec<UnitLattices> {
    (0..made.truth.len())
        .map(|unit| UnitLattices { unit, arenas: arenas.iter().map(|arena| ArenaLattice::of(&arena.units[unit])).collect() })
        .collect()
}

struct Run {
    made: Made,
    arenas: Vec<UnitsAnalysis>,
    lattices: Vec<UnitLattices>,
    modules: Modules,
}

fn run(population: &Population) -> Run {
    let made = population.make();
    let config = config();
    let arenas: Vec<UnitsAnalysis> =
        made.maps.iter().map(|maps| analyze(maps, &config, Seed(5), None).expect("nothing stops it")).collect();
    let lattices = lattices(&made, &arenas);
    let modules = find(&lattices, &config.modules, Seed(5));
    Run { made, arenas, lattices, modules }
}

fn outcome(run: &Run) -> Outcome {
    let Run { made, arenas, lattices, modules } = run;
    let truth: Vec<i64> = made.truth.iter().map(|t| if let Truth::Grid { module, .. } = t { *module as i64 } else { -1 }).collect();
    let found: Vec<i64> = modules.units.iter().map(|unit| unit.module.map_or(-1, |m| m as i64)).collect();
    let class = |unit: usize| arenas[0].units[unit].class;
    let count = |keep: &dyn Fn(usize) -> bool| (0..truth.len()).filter(|&unit| keep(unit)).count() as f64;
    let grids = count(&|unit| truth[unit] >= 0 && class(unit) == UnitClass::Grid);
    let mut out = Outcome {
        precision: grids / count(&|unit| class(unit) == UnitClass::Grid),
        recall: grids / count(&|unit| truth[unit] >= 0),
        band_recall: count(&|unit| made.truth[unit] == Truth::Band && class(unit) == UnitClass::Band)
            / count(&|unit| made.truth[unit] == Truth::Band),
        rand_index: adjusted_rand_index(&truth, &found),
        modules: modules.modules.len(),
        stability: modules.stability.pair_agreement,
        least_p: f64::NAN,
        period: f64::NAN,
        orientation: f64::NAN,
        similarity: similar(run).p,
        ..Outcome::default()
    };
    let maps = &made.maps[0];
    let visited = maps.visited();
    let (width, height) = (maps.bins.arena.width_m, maps.bins.arena.height_m);
    let fit = JointFit::new(&visited, width, height);
    let mut rows = in_arena(modules, lattices, 0);
    let mut phase_errors = Vec::new();
    let (mut right, mut inside) = (0, 0);
    for (label, module) in modules.modules.iter().enumerate() {
        // The truth that most of its units have.
        let votes = |m: usize| module.units.iter().filter(|&&unit| truth[unit] == m as i64).count();
        inside += module.units.len();
        let Some(most) = (0..made.waves.len()).max_by_key(|&m| (votes(m), usize::MAX - m)).filter(|&m| 2 * votes(m) > module.units.len())
        else {
            continue;
        };
        right += votes(most);
        let Ok(shared) = fit.refine(&rows[label].waves, &mut |add| module.units.iter().for_each(|&unit| add(maps.map(unit)))) else {
            continue;
        };
        rows[label].refine(&shared);
        let waves = &made.waves[most];
        out.period = out.period.max((rows[label].period_m / period_m(waves) - 1.0).abs());
        let (turn, whole) = (rows[label].orientation_rad - orientation_rad(waves), turn_rad(shape(waves)));
        out.orientation = out.orientation.max(turn.rem_euclid(whole).min(whole - turn.rem_euclid(whole)));
        let Ok(plan) = PhasePlan::new(&visited, width, height, &shared.waves) else { continue };
        let phases: Vec<_> = module.units.iter().map(|&unit| plan.unit(maps.map(unit))).collect();
        for (phases, &unit) in phases.iter().zip(&module.units) {
            let Truth::Grid { offset_m: [x, y], .. } = made.truth[unit] else { continue };
            phase_errors.extend((0..3).map(|wave| {
                let expected = TAU * (shared.waves[wave][0] * x + shared.waves[wave][1] * y);
                (PI - (PI - (phases.phases_rad[wave] - expected)).rem_euclid(TAU)).abs()
            }));
        }
        let test: Uniformity = uniformity(&phases.iter().map(|p| p.cell).collect::<Vec<_>>(), 199, Seed(5), label as u64);
        out.least_p = out.least_p.min(test.p);
    }
    phase_errors.sort_by(f64::total_cmp);
    out.phase = phase_errors.get(phase_errors.len() / 2).copied().unwrap_or(f64::NAN);
    out.purity = f64::from(right as u32) / f64::from(inside as u32);
    out.assigned = f64::from(right as u32) / count(&|unit| truth[unit] >= 0);
    out
}

fn similar(run: &Run) -> Similarity {
    let lags: Vec<(usize, CentralLags)> = run
        .modules
        .units
        .iter()
        .filter_map(|unit| Some((unit.module?, CentralLags::of(run.arenas[0].autocorrelograms[unit.unit].view()))))
        .collect();
    let given: Vec<(usize, &CentralLags)> = lags.iter().map(|(label, lags)| (*label, lags)).collect();
    similarity(&given, run.modules.modules.len(), 199, Seed(5))
}

fn row(name: &str, populations: &[Population]) -> (String, Vec<Outcome>) {
    let outcomes: Vec<Outcome> = populations.iter().map(|population| outcome(&run(population))).collect();
    // Over the populations in which the number is defined.
    let mean = |pick: &dyn Fn(&Outcome) -> f64| {
        let (sum, n) = outcomes.iter().map(pick).filter(|v| !v.is_nan()).fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
        sum / n
    };
    let most = |pick: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(pick).fold(f64::NAN, f64::max);
    let found: Vec<String> = outcomes.iter().map(|o| o.modules.to_string()).collect();
    let text = format!(
        "| {name} | {} | {} | {:.2} | {:.2} % | {:.2} % | {:.2} % | {:.2}° | {:.1}° | {:.2} | {:.2} | {:.2} | {:.2} |\n",
        populations[0].modules,
        found.join(" "),
        mean(&|o| o.rand_index),
        100.0 * mean(&|o| o.purity),
        100.0 * mean(&|o| o.assigned),
        100.0 * most(&|o| o.period),
        most(&|o| o.orientation).to_degrees(),
        most(&|o| o.phase).to_degrees(),
        mean(&|o| o.precision),
        mean(&|o| o.recall),
        mean(&|o| o.band_recall),
        mean(&|o| o.stability),
    );
    // What no module was found for.
    (text.replace("NaN %", "–").replace("NaN°", "–").replace("NaN", "–"), outcomes)
}

fn seeds(population: &Population, count: u64) -> Vec<Population> {
    (0..count).map(|seed| Population { seed: 100 + seed, ..population.clone() }).collect()
}

#[test]
fn populations_are_recovered() {
    let base = Population::default();
    let count = if large() { 5 } else { 1 };
    let mut page = String::new();
    let mut add = |name: &str, population: Population| {
        let (text, outcomes) = row(name, &seeds(&population, count));
        page += &text;
        bless("modules", &page);
        outcomes
    };
    for modules in if large() { vec![1, 2, 3, 4] } else { vec![1, 3] } {
        let outcomes = add(
            &format!("{modules} module{}, 3 m box", if modules == 1 { "" } else { "s" }),
            Population { modules, sides_m: vec![3.0], ..base.clone() },
        );
        for outcome in outcomes {
            assert!(outcome.modules >= modules && outcome.rand_index > 0.8 && outcome.purity > 0.95, "{modules} modules: {outcome:?}");
            assert!(outcome.period < 0.02 && outcome.orientation < 0.035 && outcome.phase < 0.25, "{modules} modules: {outcome:?}");
            assert!(outcome.precision > 0.8 && outcome.recall > 0.9, "{modules} modules: {outcome:?}");
        }
    }
    if large() {
        for ratio in [1.02, 1.03, 1.05, 1.07, 1.1, 1.2, 2.0] {
            add(&format!("ratio {ratio}, same orientation and shear"), Population { ratio, aligned: true, ..base.clone() });
        }
        for shear in [0.0, 0.2, 0.3] {
            add(&format!("shear {shear}"), Population { shear, ..base.clone() });
        }
        for noise_sd in [0.1, 0.6, 0.8, 1.0, 1.5, 2.0] {
            add(&format!("noise {noise_sd}"), Population { noise_sd, ..base.clone() });
        }
        for units in [3, 4, 6, 30, 100] {
            add(&format!("{units} units a module"), Population { units, ..base.clone() });
        }
        for jitter in [0.0, 0.02, 0.04, 0.06] {
            add(&format!("units differ by {} %", 100.0 * jitter), Population { jitter, ..base.clone() });
        }
        for side in [3.0, 4.0] {
            add(&format!("{side} m box"), Population { sides_m: vec![side], ..base.clone() });
        }
        add("2 and 3 m boxes together", Population { sides_m: vec![2.0, 3.0], ..base.clone() });
        add("as many strays as cells", Population { bands: 10, places: 5, noises: 5, ..base.clone() });
        add("strays only", Population { modules: 0, bands: 10, places: 10, noises: 10, ..base });
    }
}

#[test]
fn strays_make_no_module() {
    let run = run(&Population { modules: 0, bands: 6, places: 6, noises: 8, seed: 3, ..Population::default() });
    assert!(run.modules.modules.is_empty(), "{:?}", run.modules.modules);
}

#[test]
fn two_arenas_share_labels_and_few_units_are_enough() {
    let run = run(&Population { sides_m: vec![2.0, 3.0], units: 4, bins: 36, seed: 7, ..Population::default() });
    let found = outcome(&run);
    assert!(found.modules == 2 && found.rand_index > 0.8 && found.similarity < 0.05, "{found:?}");
    for arena in 0..2 {
        assert!(in_arena(&run.modules, &run.lattices, arena).iter().all(|row| row.units_here >= 2), "{:?}", run.modules);
    }
}
