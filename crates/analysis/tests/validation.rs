//! Known truth is recovered and nulls are rejected, through [`gridlake_analysis::analyze`] itself, at rates that are measured here.
//!
//! With `GRIDLAKE_BLESS=1` the samples are larger (some minutes) and the rates go to `docs/validation.md`.

#[path = "common/bless.rs"]
mod page;

use gridlake_analysis::classes::UnitClass;
use gridlake_analysis::config::AnalyzeConfig;
use gridlake_analysis::nulls::NullKind;
use gridlake_analysis::{ArenaPlan, Beside, Ratemaps, UnitAnalysis, UnitsAnalysis, analyze};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use ndarray::{Array2, Array3};
use page::{bless, large};
use std::f64::consts::FRAC_PI_3;
use std::fmt::Write;

const SIDE_M: f64 = 2.0;

/// Maps of `count` units on `bins` by `bins`, each from its own stream.
fn maps(name: &str, count: usize, bins: usize, draw: impl Fn(usize, &mut Stream) -> Array2<f64>) -> Ratemaps {
    let mut rates = Array3::zeros((count, bins, bins));
    for (unit, mut map) in rates.outer_iter_mut().enumerate() {
        map.assign(&draw(unit, &mut Seed(17).stream(name, unit as u64)));
    }
    let bins = Bins::square(Arena::square(SIDE_M), bins);
    Ratemaps::from_maps(bins.clone(), Array2::from_elem((bins.ny, bins.nx), 20), rates).expect("shapes agree")
}

fn analyzed(maps: &Ratemaps, kind: NullKind, count: usize) -> UnitsAnalysis {
    let mut config = AnalyzeConfig::default();
    config.nulls.kind = kind;
    config.nulls.count = count;
    // Fewer surrogates than 99 leave no room for a level of 1 %.
    config.classes.alpha = config.classes.alpha.max(1.0 / (count + 1) as f64);
    analyze(maps, &config.check().expect("in range"), Seed(5), None).expect("nothing stops it")
}

/// Gaussian noise smoothed by a Gaussian of `sd` bins (cut out of a larger field, so that opposite walls are strangers), shifted to be positive.
fn noise(bins: usize, sd: f64, stream: &mut Stream) -> Array2<f64> {
    let reach = (3.0 * sd).ceil() as usize;
    let wide = bins + 2 * reach;
    let field = Array2::from_shape_fn((wide, wide), |_| stream.normal());
    let kernel: Vec<f64> =
        (0..=2 * reach).map(|i| if sd > 0.0 { (-0.5 * ((i as f64 - reach as f64) / sd).powi(2)).exp() } else { 1.0 }).collect();
    let along = |field: &Array2<f64>, rows: usize| {
        Array2::from_shape_fn((rows, field.dim().1), |(row, col)| {
            kernel.iter().enumerate().map(|(i, k)| k * field[(row + i, col)]).sum::<f64>()
        })
    };
    let half = along(&field, bins).reversed_axes();
    let map = along(&half.as_standard_layout().to_owned(), bins);
    let least = map.iter().copied().fold(f64::INFINITY, f64::min);
    map.mapv(|value| value - least + 0.01)
}

fn position(index: usize, bins: usize) -> f64 {
    (index as f64 + 0.5) * SIDE_M / bins as f64 - SIDE_M / 2.0
}

/// A hexagonal cell of random orientation and phase with noise of `noise_sd` (its peak is 1); its orientation beside it.
fn grid_cell(spacing_m: f64, bins: usize, noise_sd: f64, stream: &mut Stream) -> (Array2<f64>, f64) {
    let orientation = stream.uniform_in(0.0, FRAC_PI_3);
    let offset = [stream.uniform_in(-0.6, 0.6), stream.uniform_in(-0.6, 0.6)];
    let lattice = Lattice::hexagonal(spacing_m, orientation);
    let map = Array2::from_shape_fn((bins, bins), |(row, col)| {
        lattice.rate_sharp(position(col, bins), position(row, bins), offset, 2.0) + noise_sd * stream.normal()
    });
    (map.mapv(|rate| rate.max(0.0)), orientation)
}

/// Distance of two angles that mean the same every 60°.
fn apart(a: f64, b: f64) -> f64 {
    let d = (a - b).rem_euclid(FRAC_PI_3);
    d.min(FRAC_PI_3 - d)
}

/// Whether `hits` of `n` is what a rate of `rate` gives, two-sided at about 1 in 10,000 (normal approximation with a margin for discreteness).
fn plausible(hits: usize, n: usize, rate: f64) -> bool {
    let (n, hits) = (n as f64, hits as f64);
    (hits - n * rate).abs() <= 3.9 * (n * rate * (1.0 - rate)).sqrt() + 1.0
}

struct Rates {
    units: usize,
    at_5: usize,
    at_1: usize,
}

fn null_rates(name: &str, kind: NullKind, sd: f64, units: usize, bins: usize) -> Rates {
    let found = analyzed(&maps(name, units, bins, |_, stream| noise(bins, sd, stream)), kind, 99);
    let below = |alpha: f64| found.units.iter().filter(|unit| unit.sargolini.significant(alpha)).count();
    let undefined = found.units.iter().filter(|unit| unit.sargolini.p.is_nan()).count();
    Rates { units: units - undefined, at_5: below(0.05), at_1: below(0.01) }
}

#[test]
fn units_are_the_same_in_any_portions() {
    // Grids, noise, and a silent unit; bins that were never visited.
    let mut rates = maps("portions", 9, 24, |unit, stream| match unit {
        3 => Array2::zeros((24, 24)),
        _ => noise(24, 1.0 + unit as f64 / 4.0, stream),
    });
    rates.occupancy.slice_mut(ndarray::s![0..2, 5..9]).fill(0);
    let rates = Ratemaps::from_maps(rates.bins, rates.occupancy, rates.rates).expect("shapes agree");
    let mut config = AnalyzeConfig::default();
    (config.nulls.count, config.classes.alpha) = (30, 0.05);
    let config = config.check().expect("in range");
    let whole = analyze(&rates, &config, Seed(5), None).expect("nothing stops it");
    // Null is NaN in places: the text tells every bit of what is finite.
    let text =
        |unit: &UnitAnalysis, lags: &Array2<f64>| format!("{unit:?}{lags:?}{:?}", lags.iter().map(|r| r.to_bits()).collect::<Vec<_>>());
    for portion in [1, 7, 9] {
        let of = |first: usize| {
            let last = (first + portion).min(9);
            let part = rates.rates.slice(ndarray::s![first..last, .., ..]).to_owned();
            Ratemaps::from_maps(rates.bins.clone(), rates.occupancy.clone(), part).expect("shapes agree")
        };
        let plan = ArenaPlan::new(&of(0), &config, Seed(5));
        for first in (0..9).step_by(portion) {
            for (unit, lags) in plan.units(&of(first), first, Beside::default(), None).expect("nothing stops it") {
                let same = text(&whole.units[unit.unit], &whole.autocorrelograms[unit.unit]);
                assert!(text(&unit, &lags) == same, "unit {} in portions of {portion}", unit.unit);
            }
        }
    }
}

#[test]
fn noise_is_rejected_at_the_nominal_rate() {
    let (units, bins) = if large() { (600, 50) } else { (150, 26) };
    let mut page = String::new();
    for (kind, name) in [(NullKind::Isotropic, "isotropic"), (NullKind::Phase, "phase"), (NullKind::Shuffle, "shuffle")] {
        for sd in [0.0, 1.5, 3.0] {
            let rates = null_rates("noise", kind, sd, units, bins);
            let share = |hits: usize| 100.0 * hits as f64 / rates.units.max(1) as f64;
            let label = if sd == 0.0 { "white".to_owned() } else { format!("smoothed, {sd} bins") };
            let _ = writeln!(page, "| {name} | {label} | {} | {:.1} % | {:.1} % |", rates.units, share(rates.at_5), share(rates.at_1));
            // Permuted bins are no null for smooth maps: measured, and why it is not the default.
            if kind == NullKind::Isotropic || sd == 0.0 {
                assert!(rates.units * 10 >= units * 8, "{name}, {label}: scores of only {} of {units}", rates.units);
                assert!(plausible(rates.at_5, rates.units, 0.05), "{name}, {label}: {} of {} at 5 %", rates.at_5, rates.units);
                assert!(plausible(rates.at_1, rates.units, 0.01), "{name}, {label}: {} of {} at 1 %", rates.at_1, rates.units);
            }
        }
    }
    bless("null rates", &page);
}

#[test]
fn noise_is_no_grid_and_no_lattice_is_shared() {
    let found = analyzed(&maps("noise", 60, 32, |_, stream| noise(32, 0.0, stream)), NullKind::Isotropic, 99);
    let grids = found.units.iter().filter(|unit| unit.class == UnitClass::Grid).count();
    assert!(grids <= 7, "{grids} of 60 noise maps are called grids, where three tests at 1 % allow about 2");
    assert!(found.consensus.share < 0.2, "{:?}", found.consensus);
}

#[test]
fn grids_are_recovered_and_significant() {
    let (units, bins) = if large() { (200, 50) } else { (8, 50) };
    let noise_sd = 0.15;
    let mut page = String::new();
    for spacing in [0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2] {
        let cell = |stream: &mut Stream| grid_cell(spacing, bins, noise_sd, stream);
        let found = analyzed(&maps("cells", units, bins, |_, stream| cell(stream).0), NullKind::Isotropic, 99);
        let (mut off, mut turned) = (0.0_f64, 0.0_f64);
        for unit in &found.units {
            let truth = cell(&mut Seed(17).stream("cells", unit.unit as u64)).1;
            let spectrum = unit.spectrum.as_ref().expect("a lattice");
            off = off.max((spectrum.spacing_m / spacing - 1.0).abs());
            turned = turned.max(apart(spectrum.orientation_rad, truth).to_degrees());
        }
        assert!(off < 0.02 && turned < 2.0, "{spacing} m: spacing off by {off}, orientation by {turned}°");
        let mut scores: Vec<f64> = found.units.iter().map(|unit| unit.sargolini.value).collect();
        scores.sort_by(f64::total_cmp);
        let above = found.units.iter().filter(|unit| unit.sargolini.significant(0.01)).count();
        if spacing <= 0.6 {
            assert!(above * 10 >= units * 9, "{spacing} m: only {above} of {units} above their null");
            assert!(found.units.iter().filter(|unit| unit.class == UnitClass::Grid).count() * 10 >= units * 9);
        }
        let _ = writeln!(
            page,
            "| {spacing} | {:.2} % | {turned:.2}° | {:.2} – {:.2} | {:.0} % |",
            100.0 * off,
            scores[0],
            scores[units - 1],
            100.0 * above as f64 / units as f64
        );
    }
    bless("recovery", &page);
}

#[test]
fn phase_randomization_has_less_power_against_lattices() {
    let units = if large() { 100 } else { 12 };
    let cells = maps("power", units, 40, |_, stream| grid_cell(0.5, 40, 0.15, stream).0);
    let mut page = String::new();
    let mut above = Vec::new();
    for (kind, name) in [(NullKind::Isotropic, "isotropic"), (NullKind::Phase, "phase"), (NullKind::Shuffle, "shuffle")] {
        let found = analyzed(&cells, kind, 99);
        above.push(found.units.iter().filter(|unit| unit.sargolini.significant(0.01)).count());
        let _ = writeln!(page, "| {name} | {:.0} % |", 100.0 * above[above.len() - 1] as f64 / units as f64);
    }
    assert!(above[0] * 10 >= units * 9 && above[1] < above[0], "{above:?} of {units}");
    bless("power", &page);
}

#[test]
fn perfect_grids_score_within_the_published_range() {
    let bins = 50;
    let mut page = String::new();
    for spacing in [0.3, 0.4, 0.5, 0.6, 0.8, 1.0] {
        let found = analyzed(&maps("perfect", 12, bins, |_, stream| grid_cell(spacing, bins, 0.0, stream).0), NullKind::Isotropic, 19);
        let range = |pick: &dyn Fn(usize) -> f64| {
            (0..12).map(pick).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), score| (low.min(score), high.max(score)))
        };
        let sargolini = range(&|unit| found.units[unit].sargolini.value);
        let banino = range(&|unit| found.units[unit].banino.value);
        let square = range(&|unit| found.units[unit].square.value);
        assert!(sargolini.0 > 0.95 && sargolini.1 < 1.65, "{spacing} m: {sargolini:?}");
        assert!(square.1 < 0.5, "{spacing} m: {square:?}");
        let _ = writeln!(
            page,
            "| {spacing} | {:.2} – {:.2} | {:.2} – {:.2} | {:.2} – {:.2} |",
            sargolini.0, sargolini.1, banino.0, banino.1, square.0, square.1
        );
    }
    bless("perfect", &page);
}

#[test]
fn one_module_is_one_lattice_and_two_are_not() {
    let lattice = Lattice::hexagonal(0.5, 0.3);
    let other = Lattice::hexagonal(0.71, 0.9);
    let draw = |lattice: &Lattice, stream: &mut Stream| {
        let offset = [stream.uniform_in(-0.5, 0.5), stream.uniform_in(-0.5, 0.5)];
        Array2::from_shape_fn((40, 40), |(row, col)| {
            lattice.rate_sharp(position(col, 40), position(row, 40), offset, 3.0) + 0.1 * stream.uniform()
        })
    };
    let one = analyzed(&maps("module", 20, 40, |_, stream| draw(&lattice, stream)), NullKind::Isotropic, 19);
    assert_eq!(one.consensus.members.len(), 20);
    assert!((one.consensus.period_m / 0.5 - 1.0).abs() < 0.01 && one.consensus.period_spread < 0.01, "{:?}", one.consensus);
    let two =
        analyzed(&maps("modules", 20, 40, |unit, stream| draw(if unit < 12 { &lattice } else { &other }, stream)), NullKind::Isotropic, 19);
    assert_eq!(two.consensus.members, (0..12).collect::<Vec<_>>());
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let maps = maps("threads", 6, 30, |_, stream| grid_cell(0.5, 30, 0.2, stream).0);
    let on = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| analyzed(&maps, NullKind::Isotropic, 39))
    };
    let (one, three) = (on(1), on(3));
    assert!(format!("{one:?}") == format!("{three:?}"));
}

#[test]
fn silent_constant_and_broken_units_are_outcomes() {
    let found = analyzed(
        &maps("odd", 4, 30, |unit, stream| match unit {
            0 => Array2::zeros((30, 30)),
            1 => Array2::from_elem((30, 30), 0.5),
            2 => Array2::from_elem((30, 30), f64::NAN),
            _ => grid_cell(0.4, 30, 0.1, stream).0,
        }),
        NullKind::Isotropic,
        99,
    );
    let classes: Vec<UnitClass> = found.units.iter().map(|unit| unit.class).collect();
    assert_eq!(classes, [UnitClass::Dead, UnitClass::Untuned, UnitClass::Untuned, UnitClass::Grid]);
    assert_eq!(found.units.iter().map(|unit| unit.active).collect::<Vec<_>>(), [false, true, true, true]);
    for unit in &found.units[..3] {
        assert!(
            unit.sargolini.value.is_nan() && unit.sargolini.reason.is_some() && unit.spectrum.is_none() && unit.spectrum_reason.is_some(),
            "{unit:?}"
        );
    }
}

#[test]
fn it_stops_when_asked_to() {
    let maps = maps("stop", 40, 20, |_, stream| noise(20, 0.0, stream));
    let config = AnalyzeConfig::default().check().expect("in range");
    let begun = std::sync::atomic::AtomicUsize::new(0);
    let stop = |_: usize| {
        begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::ops::ControlFlow::Break(())
    };
    assert!(analyze(&maps, &config, Seed(5), Some(&stop)).is_none());
    assert!(begun.into_inner() < 20, "units that were under way end, no other begins");
}

#[test]
fn one_spot_is_a_place_field_and_a_bright_field_among_others_leaves_a_grid() {
    let spot = |row: usize, col: usize, peak: f64| peak * (-((row as f64 - 24.5).powi(2) + (col as f64 - 25.0).powi(2)) / 8.0).exp();
    let found = analyzed(
        &maps("spots", 3, 50, |unit, stream| match unit {
            // What a unit does that only remembers the start: silent elsewhere.
            0 => Array2::from_shape_fn((50, 50), |(row, col)| spot(row, col, 0.2) * stream.uniform_in(0.8, 1.2))
                .mapv(|rate| if rate < 1e-3 { 0.0 } else { rate }),
            1 => Array2::from_shape_fn((50, 50), |(row, col)| spot(row, col, 0.2) + 0.02 * stream.uniform()),
            _ => grid_cell(0.5, 50, 0.1, stream).0 + Array2::from_shape_fn((50, 50), |(row, col)| spot(row, col, 1.5)),
        }),
        NullKind::Isotropic,
        199,
    );
    let classes: Vec<(UnitClass, &str)> = found.units.iter().map(|unit| (unit.class, unit.class_reason.as_str())).collect();
    assert_eq!(classes[0].0, UnitClass::PlaceLike, "{classes:?}");
    assert_ne!(classes[1].0, UnitClass::Grid, "{classes:?}");
    assert_eq!(classes[2].0, UnitClass::Grid, "{classes:?}");
}
