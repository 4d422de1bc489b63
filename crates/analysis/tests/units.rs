//! What one call says of units: every number is defined or has a reason, in squares, rectangles and circles.

use gridlake_analysis::classes::UnitClass;
use gridlake_analysis::config::{AnalyzeConfig, CheckedAnalyzeConfig};
use gridlake_analysis::lattice::LatticeShape;
use gridlake_analysis::measures::Measured;
use gridlake_analysis::{ArenaPlan, Beside, Ratemaps, UnitAnalysis, analyze};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use ndarray::{Array2, Array3};
use std::f64::consts::FRAC_PI_3;

fn config(count: usize) -> CheckedAnalyzeConfig {
    let mut config = AnalyzeConfig::default();
    config.nulls.count = count;
    config.check().expect("in range")
}

type Rate<'a> = &'a dyn Fn(f64, f64, &mut Stream) -> f64;

/// Maps on these bins, visited wherever they can be.
fn maps(bins: &Bins, seed: u64, rates: &[Rate<'_>]) -> Ratemaps {
    let occupancy = Array2::from_shape_fn((bins.ny, bins.nx), |(row, col)| 9 * u32::from(bins.reachable(row * bins.nx + col)));
    let rates = Array3::from_shape_fn((rates.len(), bins.ny, bins.nx), |(unit, row, col)| {
        let index = row * bins.nx + col;
        let (x, y) = bins.centre(index);
        rates[unit](x, y, &mut Seed(seed + unit as u64).stream("bin", index as u64))
    });
    Ratemaps::from_maps(bins.clone(), occupancy, rates).expect("shapes agree")
}

/// NaN has a reason and a number has none.
fn whole(unit: &UnitAnalysis) {
    let measured = |measure: &Measured| assert!(measure.value.is_nan() == measure.reason.is_some(), "{measure:?}");
    for measure in [&unit.spatial_information_bits, &unit.sparsity, &unit.coherence, &unit.stability] {
        measured(measure);
    }
    for score in [&unit.sargolini, &unit.banino, &unit.square, &unit.periodicity, &unit.border_score] {
        assert!((score.value.is_nan() || score.p.is_nan()) == score.reason.is_some(), "{score:?}");
    }
    assert!(unit.peaks.is_none() == unit.peaks_reason.is_some() && unit.spectrum.is_none() == unit.spectrum_reason.is_some(), "{unit:?}");
    assert!(unit.agreement.is_some() == (unit.peaks.is_some() && unit.spectrum.is_some()), "{unit:?}");
    assert!(!unit.class_reason.is_empty() && !unit.class_reason.contains("NaN"), "{unit:?}");
    if let Some(agreement) = &unit.agreement {
        assert!(agreement.agrees == (agreement.verdict == "agrees") && !agreement.verdict.is_empty(), "{agreement:?}");
    }
}

#[test]
fn grids_bands_and_border_cells_are_told_in_every_arena() {
    for bins in [
        Bins::square(Arena::square(2.0), 40),
        Bins::new(Arena::rectangle(2.0, 1.4), 40, 28),
        Bins::new(Arena::rectangle(1.4, 2.0), 40, 40),
        Bins::square(Arena::circle(2.0), 40),
    ] {
        let arena = bins.arena;
        let hexagonal = Lattice::hexagonal(0.45, 0.3);
        let sheared = Lattice::from_waves([2.6, 0.0], [-0.9, 1.9]);
        let band = Lattice::band(0.5, 0.7);
        let grid = |x: f64, y: f64, stream: &mut Stream| hexagonal.rate_sharp(x, y, [0.1, 0.0], 2.0) + 0.2 * stream.uniform();
        let other = |x: f64, y: f64, stream: &mut Stream| sheared.rate_sharp(x, y, [0.1, 0.0], 2.0) + 0.2 * stream.uniform();
        let stripes = |x: f64, y: f64, stream: &mut Stream| band.rate(x, y, [0.1, 0.0]) + 0.2 * stream.uniform();
        let wall = |x: f64, y: f64, stream: &mut Stream| {
            let beside =
                if arena == Arena::circle(2.0) { (x / x.hypot(y)).max(0.0) * arena.wall_distance_m(x, y) } else { arena.width_m / 2.0 - x };
            let beside = if arena == Arena::circle(2.0) && x < 0.5 { 2.0 } else { beside };
            (-beside / 0.1).exp() + 0.02 * stream.uniform()
        };
        let found = analyze(&maps(&bins, 3, &[&grid, &other, &stripes, &wall]), &config(99), Seed(5), None).expect("nothing stops it");
        found.units.iter().for_each(whole);
        let classes: Vec<(UnitClass, &str)> = found.units.iter().map(|unit| (unit.class, unit.class_reason.as_str())).collect();
        let expected = [UnitClass::Grid, UnitClass::Grid, UnitClass::Band, UnitClass::Border];
        assert_eq!(
            classes.iter().map(|class| class.0).collect::<Vec<_>>(),
            expected,
            "{} {}x{}: {classes:?}",
            arena.label(),
            bins.nx,
            bins.ny
        );
        for unit in &found.units[..3] {
            let agreement = unit.agreement.as_ref().expect("both");
            assert!(agreement.agrees, "{} {}x{}: {agreement:?} {:?} {:?}", arena.label(), bins.nx, bins.ny, unit.spectrum, unit.peaks);
            assert!(
                unit.spectrum_errors.is_some_and(|errors| errors.period_m > 0.0 && errors.period_m < 0.01),
                "{:?}",
                unit.spectrum_errors
            );
        }
        let peaks = found.units[0].peaks.as_ref().expect("peaks");
        let turned = (peaks.orientation_rad - 0.3).rem_euclid(FRAC_PI_3);
        assert!((peaks.spacing_m / 0.45 - 1.0).abs() < 0.02 && turned.min(FRAC_PI_3 - turned) < 0.02, "{peaks:?}");
        assert_eq!(found.units[1].peaks.as_ref().map(|peaks| peaks.shape), found.units[1].spectrum.as_ref().map(|spectrum| spectrum.shape));
        assert_eq!(found.units[2].peaks.as_ref().map(|peaks| peaks.shape), Some(LatticeShape::Band));
    }
}

#[test]
fn halves_give_stability_and_nothing_else() {
    let bins = Bins::square(Arena::square(1.0), 16);
    let place = |x: f64, y: f64, stream: &mut Stream| (-(x * x + y * y) / 0.03).exp() + 0.1 * stream.uniform();
    let noise = |_: f64, _: f64, stream: &mut Stream| stream.uniform();
    let [all, first, second] = [1, 100, 200].map(|seed| maps(&bins, seed, &[&place, &noise]));
    let config = config(19);
    let plan = ArenaPlan::new(&all, &config, Seed(5));
    let units = |halves| {
        plan.units(&all, 0, Beside { halves, ..Beside::default() }, None)
            .expect("nothing stops it")
            .into_iter()
            .map(|unit| unit.0)
            .collect::<Vec<_>>()
    };
    let (with, without) = (units(Some([&first, &second])), units(None));
    assert!(with[0].stability.value > 0.9 && with[1].stability.value.abs() < 0.3, "{with:?}");
    assert_eq!(without[0].stability.reason.as_deref(), Some("no maps of the two halves of the recording"));
    for (mut a, b) in with.into_iter().zip(without) {
        a.stability = b.stability.clone();
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
    let other = maps(&Bins::square(Arena::square(1.0), 9), 1, &[&place]);
    let reasons: Vec<_> = units(Some([&first, &other])).into_iter().map(|unit| unit.stability.reason).collect();
    assert_eq!(reasons, vec![Some("the arrays have different numbers of bins".to_owned()); 2]);
}

#[test]
fn odd_maps_are_outcomes_with_reasons() {
    let bins = Bins::square(Arena::square(2.0), 20);
    let visited = |seen: &dyn Fn(usize, usize) -> bool| Array2::from_shape_fn((20, 20), |(row, col)| u32::from(seen(row, col)));
    let values: [&dyn Fn(usize, usize) -> f64; 7] = [
        &|_, _| 0.0,
        &|_, _| 0.7,
        &|_, _| f64::NAN,
        &|_, _| f64::INFINITY,
        &|row, col| f64::from(u8::from((row, col) == (9, 9))),
        &|row, col| (row as f64 * 0.7).sin() * (col as f64 * 0.3).cos(),
        &|row, _| row as f64,
    ];
    let masks: [&dyn Fn(usize, usize) -> bool; 6] =
        [&|_, _| true, &|_, _| false, &|row, col| (row, col) == (9, 9), &|row, _| row == 9, &|_, col| col == 9, &|row, col| {
            (row + col) % 2 == 0
        }];
    for mask in masks {
        let rates = Array3::from_shape_fn((values.len(), 20, 20), |(unit, row, col)| values[unit](row, col));
        let all = Ratemaps::from_maps(bins.clone(), visited(mask), rates.clone()).expect("shapes agree");
        let found = analyze(&all, &config(19), Seed(5), None).expect("nothing stops it");
        assert_eq!(found.units.len(), values.len());
        found.units.iter().for_each(whole);
        // One unit alone is the same as among others.
        let one = Ratemaps::from_maps(bins.clone(), visited(mask), rates.slice(ndarray::s![..1, .., ..]).to_owned()).expect("shapes agree");
        let alone = analyze(&one, &config(19), Seed(5), None).expect("nothing stops it");
        assert_eq!(format!("{:?}", alone.units[0]), format!("{:?}", found.units[0]));
    }
    // Bins so few that nothing can be planned.
    for (nx, ny) in [(1, 1), (1, 20), (20, 1), (2, 3)] {
        let bins = Bins::new(Arena::rectangle(1.0, 2.0), nx, ny);
        let few = maps(&bins, 1, &[&|x, _, _: &mut Stream| x + 1.0, &|_, _, _: &mut Stream| 0.5]);
        analyze(&few, &config(19), Seed(5), None).expect("nothing stops it").units.iter().for_each(whole);
    }
}
