//! Nulls and the whole analysis of units: checked against the reference, then timed.
//!
//! `cargo bench -p gridlake-analysis --bench nulls [-- --threads 1] [-- --quick]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

use gridlake_analysis::config::{AnalyzeConfig, CheckedAnalyzeConfig};
use gridlake_analysis::nulls::{Battery, reference_nulls};
use gridlake_analysis::{Ratemaps, analyze};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use ndarray::{Array2, Array3};
use std::time::Instant;

const SURROGATES: usize = 500;
/// Bins and metres along a side of the three arenas.
const ARENAS: [(usize, f64); 3] = [(40, 2.0), (60, 3.0), (80, 4.0)];

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--threads");
    let given = arguments.nth(1).and_then(|count| count.parse().ok());
    let threads = given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let quick = std::env::args().any(|argument| argument == "--quick");
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| {
        println!("{threads} threads");
        if !std::env::args().any(|a| a == "--whole") {
            surrogates(quick);
        }
        whole(if quick { &[32] } else { &[32, 64, 128] });
    });
}

/// Units of which half are grid cells with noise, and half smoothed noise, as rectified rates.
fn units(count: usize, bins: usize, side_m: f64, unvisited: usize) -> Ratemaps {
    let mut rates = Array3::zeros((count, bins, bins));
    let bin_m = side_m / bins as f64;
    for (unit, mut map) in rates.outer_iter_mut().enumerate() {
        let mut stream = Seed(3).stream("bench-nulls", unit as u64);
        let lattice = Lattice::hexagonal(stream.uniform_in(0.35, 0.8), stream.uniform());
        let offset = [stream.uniform(), stream.uniform()];
        let noise = Array2::from_shape_fn((bins + 8, bins + 8), |_| stream.normal());
        map.assign(&Array2::from_shape_fn((bins, bins), |(row, col)| {
            let patch = noise.slice(ndarray::s![row..row + 9, col..col + 9]);
            let patch = patch.indexed_iter().map(|((y, x), v)| {
                let (y, x) = (y as f64 - 4.0, x as f64 - 4.0);
                v * (-(y * y + x * x) / 8.0).exp()
            });
            let cell = if unit % 2 == 0 { lattice.rate_sharp(col as f64 * bin_m, row as f64 * bin_m, offset, 2.0) } else { 0.0 };
            (cell + if unit % 2 == 0 { 0.05 } else { 0.3 } * patch.sum::<f64>()).max(0.0)
        }));
    }
    let occupancy = Array2::from_shape_fn((bins, bins), |(row, _)| if row < unvisited { 0 } else { 20 });
    Ratemaps::from_maps(Bins::square(Arena::square(side_m), bins), occupancy, rates).expect("shapes agree")
}

fn settings() -> CheckedAnalyzeConfig {
    let mut config = AnalyzeConfig::default();
    config.nulls.count = SURROGATES;
    config.check().expect("in range")
}

fn surrogates(quick: bool) {
    println!("\n| Bins | Unvisited rows | Surrogates/s | Reference/s | Ratio | Largest difference of a score |\n|---|---|---|---|---|---|");
    for (bins, unvisited) in [(40, 0), (50, 0), (60, 0), (80, 0), (50, 3)] {
        let maps = units(8, bins, bins as f64 * 0.05, unvisited);
        let config = settings();
        let battery = Battery::new(&maps, &config);
        let flat = |unit: usize| -> Vec<f64> { maps.map(unit).iter().copied().collect() };
        let off = check(&battery, &flat(0), &config).max(check(&battery, &flat(1), &config));
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        for repeat in 0..if quick { 3 } else { 7 } {
            // Both take turns, on as many threads; the reference on fewer surrogates.
            let share = 10;
            fast.push(time(&|unit| drop(battery.nulls(&flat(unit), &config.nulls, &mut Seed(repeat).stream("fast", unit as u64)))));
            slow.push(
                share as f64
                    * time(&|unit| {
                        drop(reference_nulls(&battery, &flat(unit), SURROGATES / share, &mut Seed(repeat).stream("slow", unit as u64)));
                    }),
            );
        }
        let rate = |seconds: &mut Vec<f64>| (8 * SURROGATES) as f64 / median(seconds);
        let (fast, slow) = (rate(&mut fast), rate(&mut slow));
        println!("| {bins} | {unvisited} | {fast:.0} | {slow:.0} | {:.1} | {off:.1e} |", fast / slow);
    }
}

/// Seconds that eight units take.
fn time(work: &(dyn Fn(usize) + Sync)) -> f64 {
    use rayon::prelude::*;
    let started = Instant::now();
    (0..8).into_par_iter().for_each(work);
    started.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Same scores of the same surrogates, and the same null distribution as the reference's (Kolmogorov and Smirnov, at about 1 in 10,000).
fn check(battery: &Battery, map: &[f64], config: &CheckedAnalyzeConfig) -> f64 {
    let mut stream = Seed(1).stream("check", 0);
    let mut some = battery.surrogates(map, config.nulls.kind, 16, &mut stream);
    // Rounding takes rates of zero below it, and a map with such a rate has no border score.
    some.iter_mut().flatten().for_each(|rate| *rate = rate.max(0.0));
    let mut off = 0.0_f64;
    for (map, single) in some.iter().zip(battery.scores_in_single(&some)) {
        for (double, single) in battery.scores(map).into_iter().zip(single) {
            assert!(double.is_nan() == single.is_nan() && (double.is_nan() || (double - single).abs() < 1e-4), "{double} and {single}");
            off = off.max((double - single).abs());
        }
    }
    let slow = reference_nulls(battery, map, SURROGATES, &mut stream);
    for ((statistic, slow), (_, fast)) in slow.iter().zip(battery.nulls(map, &config.nulls, &mut stream)) {
        let apart = slow.null.iter().chain(&fast.null).map(|at| {
            let below = |null: &[f64]| null.partition_point(|score| score <= at) as f64 / null.len() as f64;
            (below(&slow.null) - below(&fast.null)).abs()
        });
        let apart = apart.fold(0.0, f64::max);
        assert!(apart < 2.23 * (2.0 / SURROGATES as f64).sqrt(), "{statistic:?}: nulls differ by {apart}");
    }
    off
}

fn whole(counts: &[usize]) {
    println!("\n| Units | Arenas | Seconds | Seconds per unit |\n|---|---|---|---|");
    let config = settings();
    for &count in counts {
        let maps: Vec<Ratemaps> = ARENAS.iter().map(|&(bins, side_m)| units(count, bins, side_m, 0)).collect();
        let started = Instant::now();
        for maps in &maps {
            let found = analyze(maps, &config, Seed(1), None).expect("nothing stops it");
            let defined = found.units.iter().filter(|unit| unit.sargolini.p.is_finite() && unit.banino.p.is_finite()).count();
            assert!(defined * 10 >= count * 9, "{defined} of {count} units have scores");
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("| {count} | {} | {seconds:.1} | {:.3} |", ARENAS.len(), seconds / count as f64);
    }
}
