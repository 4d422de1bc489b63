//! Units' lattices grouped into modules by other settings of the same method: why the defaults are what they are.
//!
//! Lattices with errors are drawn directly, without maps, so that hundreds of populations are grouped in seconds. With `GRIDLAKE_BLESS=1` the table goes to
//! `docs/validation.md`.

#[path = "common/bless.rs"]
mod page;

use gridlake_analysis::config::ModulesConfig;
use gridlake_analysis::lattice::{Wave, superbase};
use gridlake_analysis::modules::{ArenaLattice, UnitLattices, find, pair_agreement};
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use page::{bless, large};
use std::f64::consts::FRAC_PI_3;
use std::fmt::Write;

/// Modules of `units` units each with these ratios of periods, one orientation and one shear, relative errors of `error`, and strays.
struct Draw {
    ratios: &'static [f64],
    units: usize,
    strays: usize,
    error: f64,
    /// Every so many-th unit has three times the error: heavy tails.
    heavy: usize,
}

fn estimate(a: Wave, b: Wave, error: f64, stream: &mut Stream) -> ArenaLattice {
    let length = a[0].hypot(a[1]).min(b[0].hypot(b[1]));
    let mut off = |k: Wave| [k[0] + error * length * stream.normal(), k[1] + error * length * stream.normal()];
    let (p, q) = (off(a), off(b));
    // Half of what units differ by is known as the fit's standard error.
    ArenaLattice { waves: superbase(p, q).expect("two directions"), se: 0.5 * error * length, weak_p: None }
}

fn draw(what: &Draw, seed: u64) -> (Vec<UnitLattices>, Vec<i64>) {
    let mut stream = Seed(seed).stream("lattices", what.units as u64);
    let first = Lattice::hexagonal(0.5, stream.uniform_in(0.0, FRAC_PI_3));
    let shear = stream.uniform_in(0.0, 0.3);
    let base = [first.waves()[0], first.waves()[1]].map(|k| [k[0] + shear * k[1], k[1]]);
    let (mut units, mut truth) = (Vec::new(), Vec::new());
    let mut push = |lattice: ArenaLattice, label: i64| {
        units.push(UnitLattices { unit: units.len(), arenas: vec![Some(lattice)] });
        truth.push(label);
    };
    for (module, ratio) in what.ratios.iter().enumerate() {
        for unit in 0..what.units {
            let error = if what.heavy > 0 && unit % what.heavy == what.heavy - 1 { 3.0 * what.error } else { what.error };
            push(estimate(base[0].map(|k| k / ratio), base[1].map(|k| k / ratio), error, &mut stream), module as i64);
        }
    }
    for _ in 0..what.strays {
        let stray = Lattice::hexagonal(0.5 * (stream.uniform_in(-0.7, 0.7)).exp(), stream.uniform_in(0.0, FRAC_PI_3));
        let shear = stream.uniform_in(-0.4, 0.4);
        let [a, b] = [stray.waves()[0], stray.waves()[1]].map(|k| [k[0] + shear * k[1], k[1]]);
        push(estimate(a, b, what.error, &mut stream), -1);
    }
    (units, truth)
}

fn index(what: &Draw, config: &ModulesConfig, samples: u64) -> f64 {
    let one = |seed| {
        let (units, truth) = draw(what, seed);
        let found = find(&units, config, Seed(1));
        pair_agreement(&truth, &found.units.iter().map(|unit| unit.module.map_or(-1, |m| m as i64)).collect::<Vec<_>>())
    };
    (0..samples).map(one).sum::<f64>() / samples as f64
}

#[test]
fn the_defaults_group_at_least_as_well_as_their_alternatives() {
    let samples = if large() { 20 } else { 2 };
    let plain = ModulesConfig { resamples: 0, ..ModulesConfig::default() };
    let with = |change: &dyn Fn(&mut ModulesConfig)| {
        let mut config = plain.clone();
        change(&mut config);
        config
    };
    let mut methods = vec![plain.clone(), with(&|c| c.max_components = 1), with(&|c| c.link_radius = 0.3)];
    if large() {
        methods.extend([
            with(&|c| c.link_radius = 0.15),
            with(&|c| c.link_radius = 0.05),
            with(&|c| c.bic_margin = 0.0),
            with(&|c| c.bic_margin = 20.0),
            with(&|c| c.separation = 0.0),
            with(&|c| (c.bic_margin, c.separation) = (0.0, 0.0)),
        ]);
    }
    let cases: [(&str, Draw); 12] = [
        ("one module of 5", Draw { ratios: &[1.0], units: 5, strays: 0, error: 0.015, heavy: 0 }),
        ("one of 10", Draw { ratios: &[1.0], units: 10, strays: 0, error: 0.03, heavy: 0 }),
        ("one of 60, heavy tails", Draw { ratios: &[1.0], units: 60, strays: 0, error: 0.015, heavy: 4 }),
        ("one of 30, 30 strays", Draw { ratios: &[1.0], units: 30, strays: 30, error: 0.015, heavy: 0 }),
        ("1.2: 3 and 3", Draw { ratios: &[1.0, 1.2], units: 3, strays: 0, error: 0.015, heavy: 0 }),
        ("1.2: 10 and 10, 10 strays", Draw { ratios: &[1.0, 1.2], units: 10, strays: 10, error: 0.02, heavy: 0 }),
        ("1.1: 6 and 6", Draw { ratios: &[1.0, 1.1], units: 6, strays: 4, error: 0.015, heavy: 0 }),
        ("1.1: 30 and 30", Draw { ratios: &[1.0, 1.1], units: 30, strays: 10, error: 0.015, heavy: 0 }),
        ("1.07: 30 and 30", Draw { ratios: &[1.0, 1.07], units: 30, strays: 10, error: 0.015, heavy: 0 }),
        ("1.05: 30 and 30", Draw { ratios: &[1.0, 1.05], units: 30, strays: 0, error: 0.01, heavy: 0 }),
        ("1.2 twice: 20 each, heavy tails", Draw { ratios: &[1.0, 1.2, 1.44], units: 20, strays: 10, error: 0.02, heavy: 4 }),
        ("1.4 thrice: 30 each", Draw { ratios: &[1.0, 1.4, 1.96, 2.74], units: 30, strays: 10, error: 0.03, heavy: 0 }),
    ];
    let mut page = String::new();
    let mut totals = vec![0.0; methods.len()];
    for (name, what) in &cases {
        let found: Vec<f64> = methods.iter().map(|config| index(what, config, samples)).collect();
        for (total, value) in totals.iter_mut().zip(&found) {
            *total += value / cases.len() as f64;
        }
        let _ = writeln!(page, "| {name} | {} |", found.iter().map(|v| format!("{v:.2}")).collect::<Vec<_>>().join(" | "));
    }
    let _ = writeln!(page, "| mean | {} |", totals.iter().map(|v| format!("{v:.2}")).collect::<Vec<_>>().join(" | "));
    assert!(totals[0] > 0.9 && totals.iter().all(|total| totals[0] > total - 0.02), "{page}");
    bless("grouping", &page);
}

#[test]
fn few_strays_make_no_module_and_single_modules_stay_whole() {
    let samples = if large() { 100 } else { 10 };
    let config = ModulesConfig { resamples: 0, ..ModulesConfig::default() };
    let mut page = String::new();
    for (strays, units) in [(10, 0), (20, 0), (50, 0), (100, 0), (0, 3), (0, 5), (0, 10), (0, 30)] {
        if !large() && strays > 20 {
            continue;
        }
        let what = Draw { ratios: if units > 0 { &[1.0] } else { &[] }, units, strays, error: 0.02, heavy: 0 };
        let (mut modules, mut unlikely, mut whole) = (0, 0, 0);
        for seed in 0..samples {
            let found = find(&draw(&what, 1000 + seed).0, &config, Seed(1)).modules;
            modules += found.len();
            unlikely += found.iter().filter(|module| module.chance <= 0.05).count();
            whole += usize::from(found.len() == 1);
        }
        let of_one = if units > 0 { format!("{whole} of {samples}") } else { "–".to_owned() };
        let _ = writeln!(page, "| {units} | {strays} | {modules} in {samples} | {unlikely} | {of_one} |");
        assert!(units > 0 || strays > 20 || modules * 20 <= samples as usize, "{page}");
        assert!(units == 0 || whole * 10 >= samples as usize * 8, "{page}");
    }
    bless("chance", &page);
}
