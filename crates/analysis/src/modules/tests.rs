use super::*;
use crate::config::ModulesConfig;
use crate::lattice::{LatticeShape, Wave, superbase};
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};

const NONE: Option<ArenaLattice> = None;

/// Estimates of a lattice in `arenas` arenas with errors of standard deviation `se` in every component.
fn unit(number: usize, lattice: &Lattice, arenas: usize, se: f64, stream: &mut Stream) -> UnitLattices {
    let waves = lattice.waves();
    let mut noisy = |k: Wave| [k[0] + se * stream.normal(), k[1] + se * stream.normal()];
    let arenas = (0..arenas)
        .map(|_| {
            let waves = if waves.len() == 1 {
                [noisy(waves[0]), [f64::NAN; 2], [f64::NAN; 2]]
            } else {
                superbase(noisy(waves[0]), noisy(waves[1])).expect("two directions")
            };
            Some(ArenaLattice { waves, se, weak_p: None })
        })
        .collect();
    UnitLattices { unit: number, arenas }
}

fn population(lattices: &[(Lattice, usize)], se: f64, seed: u64) -> Vec<UnitLattices> {
    let mut stream = Seed(seed).stream("population", 0);
    let mut units = Vec::new();
    for (lattice, count) in lattices {
        for _ in 0..*count {
            units.push(unit(units.len(), lattice, 3, se, &mut stream));
        }
    }
    units
}

fn random_lattice(stream: &mut Stream) -> Lattice {
    loop {
        let mut k = || [stream.uniform_in(-3.0, 3.0), stream.uniform_in(-3.0, 3.0)];
        let (a, b) = (k(), k());
        if superbase(a, b).is_some() && (a[0] * b[1] - a[1] * b[0]).abs() > 0.8 {
            return Lattice::from_waves(a, b);
        }
    }
}

#[test]
fn two_modules_bands_and_strays_are_told_apart() {
    let mut units = population(
        &[
            (Lattice::hexagonal(0.6, 0.2), 8),
            (Lattice::hexagonal(0.42, 0.5), 5),
            (Lattice::band(0.5, 1.0), 4),
            (Lattice::square(0.8, 0.3), 3),
        ],
        0.03,
        1,
    );
    let mut stream = Seed(2).stream("strays", 0);
    for _ in 0..5 {
        let lattice = random_lattice(&mut stream);
        units.push(unit(units.len(), &lattice, 3, 0.03, &mut stream));
    }
    units.push(UnitLattices { unit: units.len(), arenas: vec![NONE, NONE, NONE] });
    let found = find(&units, &ModulesConfig::default(), Seed(1));
    let labels: Vec<Option<i64>> = found.units.iter().map(ModuleUnit::label).collect();
    let expected = [vec![Some(2); 8], vec![Some(0); 5], vec![Some(1); 4], vec![Some(3); 3], vec![Some(-1); 5], vec![None]].concat();
    assert_eq!(labels, expected, "{:?}", found.units);
    assert!(found.modules.windows(2).all(|pair| pair[0].period_m < pair[1].period_m));
    assert_eq!(found.modules[1].shape, LatticeShape::Band);
    assert!((found.modules[0].ratio_to_next - 0.6 / 0.42).abs() < 0.01 && found.modules[3].ratio_to_next.is_nan());
    assert!(found.stability.adjusted_rand_index > 0.9 && found.modules[..3].iter().all(|m| m.stability > 0.85), "{found:?}");
    assert!(found.units.iter().all(|unit| !unit.reason.is_empty()));
    assert!(found.modules[2].chance < 0.05 && found.modules[3].chance > 1e-4, "{:?}", found.modules);
    for row in in_arena(&found, &units, 1) {
        assert!(row.reason.is_none() && row.units_here == row.units && row.period_sd_m < 0.03, "{row:?}");
    }
}

#[test]
fn near_periods_are_split_by_the_mixture_and_one_module_is_not() {
    // 6 % apart: one group, as links of 10 % go.
    for (ratio, expected) in [(1.0, 1), (1.06, 2)] {
        for (count, seed) in [(10, 3), (30, 4), (100, 5)] {
            let units = population(&[(Lattice::hexagonal(0.5, 0.2), count), (Lattice::hexagonal(0.5 * ratio, 0.2), count)], 0.012, seed);
            let found = find(&units, &ModulesConfig::default(), Seed(1));
            assert_eq!(found.modules.len(), expected, "ratio {ratio}, {count} units each: {:?}", found.modules);
            let assigned = found.units.iter().filter(|unit| unit.module.is_some()).count();
            assert!(assigned * 100 >= units.len() * 95, "ratio {ratio}, {count} units each: {assigned}");
        }
    }
}

#[test]
fn few_units_are_not_split_by_chance() {
    let mut wrong = 0;
    for seed in 0..60 {
        let count = 3 + seed as usize % 8;
        let units = population(&[(Lattice::hexagonal(0.5, 0.2), count)], 0.03, 100 + seed);
        let config = ModulesConfig { resamples: 0, ..ModulesConfig::default() };
        let found = find(&units, &config, Seed(1));
        wrong += usize::from(found.modules.len() != 1 || found.modules[0].units.len() != count);
    }
    assert!(wrong <= 2, "{wrong} of 60 single modules of 3 to 10 units");
}

#[test]
fn arenas_that_differ_are_flagged_and_few_arenas_do_not_take_part() {
    let mut stream = Seed(7).stream("arenas", 0);
    let lattice = Lattice::hexagonal(0.5, 0.2);
    let mut units = population(&[(lattice.clone(), 6)], 0.02, 6);
    units[2].arenas[1] = unit(0, &Lattice::hexagonal(0.7, 0.9), 1, 0.02, &mut stream).arenas[0].clone();
    (units[3].arenas[0], units[3].arenas[2]) = (None, None);
    units[4].arenas[0] = None;
    let found = find(&units, &ModulesConfig::default(), Seed(1));
    assert_eq!(found.units[2].differing_arenas, [1]);
    assert_eq!(found.units.iter().map(ModuleUnit::label).collect::<Vec<_>>(), [Some(0), Some(0), Some(0), None, Some(0), Some(0)]);
    assert!(found.units[3].reason.contains("only 1 of 3"), "{:?}", found.units[3]);
    assert_eq!(in_arena(&found, &units, 1)[0].units_here, 4);
}

#[test]
fn refinements_are_recognised_and_others_are_not() {
    let pair = |coarse: Lattice, fine: Lattice| {
        let units = population(&[(coarse, 6), (fine, 6)], 0.01, 8);
        let found = find(&units, &ModulesConfig::default(), Seed(1));
        assert_eq!(found.modules.len(), 2, "{found:?}");
        found.refinements[0].clone()
    };
    let nested = pair(Lattice::square(1.0, 0.2), Lattice::square(1.0 / 2.0_f64.sqrt(), 0.2 + std::f64::consts::FRAC_PI_4));
    assert!(nested.commensurate && nested.index == 2, "{nested:?}");
    assert!((nested.ratio - 2.0_f64.sqrt()).abs() < 0.02 && (nested.rotation_rad.to_degrees() - 45.0).abs() < 1.0, "{nested:?}");
    let hexagons = pair(Lattice::hexagonal(1.0, 0.1), Lattice::hexagonal(1.0 / 3.0_f64.sqrt(), 0.1 + std::f64::consts::FRAC_PI_6));
    assert!(hexagons.commensurate && hexagons.index == 3 && (hexagons.rotation_rad.to_degrees() - 30.0).abs() < 1.0, "{hexagons:?}");
    let halves = pair(Lattice::hexagonal(1.0, 0.1), Lattice::hexagonal(0.5, 0.1));
    assert!(halves.commensurate && halves.index == 4 && halves.rotation_rad.to_degrees() < 1.0, "{halves:?}");
    let others = pair(Lattice::hexagonal(1.0, 0.1), Lattice::hexagonal(0.7, 0.2));
    assert!(!others.commensurate, "{others:?}");
}

#[test]
fn the_order_of_units_and_the_number_of_threads_change_nothing() {
    let units = population(&[(Lattice::hexagonal(0.5, 0.2), 9), (Lattice::hexagonal(0.53, 0.2), 9)], 0.012, 9);
    let config = ModulesConfig::default();
    let on = |threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool")
            .install(|| format!("{:?}", find(&units, &config, Seed(1))))
    };
    assert!(on(1) == on(3));
    let mut reversed = units.clone();
    reversed.reverse();
    let (forward, backward) = (find(&units, &config, Seed(1)), find(&reversed, &config, Seed(1)));
    for unit in &forward.units {
        let other = backward.units.iter().find(|other| other.unit == unit.unit).expect("all units");
        assert_eq!(unit.module, other.module);
    }
}

/// The same units, whose own maps have these p-values.
fn weaken(units: &mut [UnitLattices], p: impl Fn(usize) -> f64) {
    for (number, unit) in units.iter_mut().enumerate() {
        unit.arenas.iter_mut().flatten().for_each(|lattice| lattice.weak_p = Some(p(number)));
    }
}

#[test]
fn units_whose_own_maps_do_not_show_it_join_by_agreement() {
    let config = ModulesConfig::default();
    let shared = Lattice::hexagonal(0.6, 0.2);
    let counts = |units: &[UnitLattices], config: &ModulesConfig| -> Vec<usize> {
        find(units, config, Seed(1)).modules.iter().map(|module| module.units.len()).collect()
    };
    // Thirty that agree, of which none shows its lattice by itself.
    let mut units = population(&[(shared.clone(), 30)], 0.02, 1);
    weaken(&mut units, |_| 0.02);
    assert_eq!(counts(&units, &config), [30]);
    let reason = &find(&units, &config, Seed(1)).units[0].reason;
    assert!(reason.ends_with("by agreement, its own map alone has p = 0.060"), "the least of three arenas, times three: {reason}");
    assert!(counts(&units, &ModulesConfig { agreement_alpha: 0.0, ..config.clone() }).is_empty());
    // Three that agree may do so by chance, unless three others show the lattice.
    assert!(counts(&units[..3], &config).is_empty());
    let few = find(&units[..3], &config, Seed(1));
    assert!(few.units.iter().all(|unit| unit.label().is_none() && unit.reason.contains("expected by chance")), "{:?}", few.units);
    let mut six = population(&[(shared.clone(), 6)], 0.02, 2);
    weaken(&mut six[..3], |_| 0.02);
    assert_eq!(counts(&six, &config), [6]);
    // And of those whose own maps say nothing of it nobody stays.
    let mut silent = population(&[(shared.clone(), 6)], 0.02, 4);
    weaken(&mut silent, |_| 0.19);
    assert!(find(&silent, &config, Seed(1)).units.iter().all(|unit| unit.label().is_none() && unit.reason.contains("not near enough")));
    // A map that says nothing of its lattice does not join, and neither does one whose lattice is off by 4.5°, which a map that shows it does.
    weaken(&mut six[..1], |_| 0.06);
    assert_eq!(counts(&six, &config), [5]);
    let turned = Lattice::hexagonal(0.6, 0.2 + 0.078);
    six[0] = population(&[(turned, 1)], 0.0, 3).remove(0);
    six[0].arenas.iter_mut().flatten().for_each(|lattice| lattice.se = 0.15);
    assert_eq!(counts(&six, &config), [6]);
    weaken(&mut six[..1], |_| 0.001);
    assert_eq!(counts(&six, &config), [5]);
}

#[test]
fn candidates_without_a_module_join_none() {
    // Lattices of one shape and period at random angles, p-values as from a null.
    let config = ModulesConfig { resamples: 0, ..ModulesConfig::default() };
    let mut stream = Seed(7).stream("candidates", 0);
    let (mut joined, mut groups, populations) = (0, 0, 200);
    for number in 0..populations {
        let mut units = population(&[(Lattice::hexagonal(0.6, 0.2), 10)], 0.02, number);
        for unit in &mut units {
            unit.arenas.truncate(1);
        }
        for _ in 0..20 {
            let lattice = Lattice::hexagonal(0.6, stream.uniform_in(0.0, std::f64::consts::FRAC_PI_3));
            let mut one = unit(units.len(), &lattice, 1, 0.02, &mut stream);
            let p = stream.uniform();
            one.arenas[0] = one.arenas[0].take().filter(|_| p <= 0.2).map(|lattice| ArenaLattice { weak_p: Some(p), ..lattice });
            units.push(one);
        }
        joined += find(&units, &config, Seed(1)).units[10..].iter().filter(|unit| unit.module.is_some()).count();
        groups += usize::from(!find(&units[10..], &config, Seed(1)).modules.is_empty());
    }
    // 4,000 at a level of 1 %: more than 60 have a chance of 0.1 %. Half as many again would join if p-values were not asked for.
    assert!(joined > 10 && joined <= 60 && groups <= 4, "{joined} of 4000 joined, {groups} groups in {populations}");
}

#[test]
fn nothing_in_gives_nothing_out() {
    let found = find(&[], &ModulesConfig::default(), Seed(1));
    assert!(found.modules.is_empty() && found.units.is_empty() && found.stability.adjusted_rand_index.is_nan());
    let broken = ArenaLattice { waves: [[f64::NAN; 2]; 3], se: 0.1, weak_p: None };
    let flat = ArenaLattice { waves: [[1.0, 0.0], [2.0, 0.0], [-3.0, 0.0]], se: f64::NAN, weak_p: None };
    let units = [UnitLattices { unit: 0, arenas: vec![Some(broken)] }, UnitLattices { unit: 1, arenas: vec![Some(flat)] }];
    assert!(find(&units, &ModulesConfig::default(), Seed(1)).units.iter().all(|unit| unit.label().is_none()));
    // Estimates without any error at all.
    let same: Vec<UnitLattices> = population(&[(Lattice::hexagonal(0.5, 0.2), 12)], 0.0, 1);
    assert_eq!(find(&same, &ModulesConfig::default(), Seed(1)).modules.len(), 1);
}

#[test]
fn autocorrelograms_agree_within_modules() {
    let lags = |spacing: f64, number: u64| {
        let lattice = Lattice::hexagonal(spacing, 0.2);
        let mut stream = Seed(5).stream("lags", number);
        let map = ndarray::Array2::from_shape_fn((59, 59), |(row, col)| {
            let at = |i: usize| (i as f64 - 29.0) / 15.0;
            lattice.rate(at(col), at(row), [0.0; 2]) + 0.2 * stream.normal()
        });
        CentralLags::of(map.view())
    };
    let all: Vec<(usize, CentralLags)> = (0..12).map(|i| (i % 2, lags(if i % 2 == 0 { 0.5 } else { 0.7 }, i as u64))).collect();
    let given: Vec<(usize, &CentralLags)> = all.iter().map(|(label, lags)| (*label, lags)).collect();
    let found = similarity(&given, 2, 999, Seed(1));
    assert!(found.within > 0.5 && found.between < 0.3 && found.p <= 0.01, "{found:?}");
    let mixed: Vec<(usize, &CentralLags)> = all.iter().enumerate().map(|(i, (_, lags))| (i / 6, lags)).collect();
    assert!(similarity(&mixed, 2, 999, Seed(1)).p > 0.05);
    let one = similarity(&given[..1], 2, 99, Seed(1));
    assert!(one.p.is_nan() && one.reason.is_some());
}
