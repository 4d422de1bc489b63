//! Distances of states and decoding: checked against the reference, then timed.
//!
//! `cargo bench -p gridlake-analysis --bench general [-- --threads 1]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

use gridlake_analysis::distances::{DistancesConfig, Moments, reference_pairs, space, space_time};
use gridlake_analysis::path_integration::{NearestState, PathIntegrationConfig, path_integration};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use ndarray::Array2;
use std::time::Instant;

const MOMENTS: usize = 10_000;
const UNITS: usize = 128;
const TRAJECTORIES: usize = 100;

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--threads");
    let given = arguments.nth(1).and_then(|count| count.parse().ok());
    let threads = given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| {
        println!("{threads} threads, {MOMENTS} moments of {UNITS} units, {TRAJECTORIES} trajectories");
        let mut stream = Seed(1).stream("bench", 0);
        let mut activity = Array2::from_shape_fn((MOMENTS, UNITS), |_| stream.normal().max(0.0) as f32);
        for mut state in activity.rows_mut() {
            let norm = state.iter().map(|g| g * g).sum::<f32>().sqrt();
            state.mapv_inplace(|g| g / norm);
        }
        let positions: Vec<[f64; 2]> = (0..MOMENTS).map(|_| [stream.uniform_in(-1.0, 1.0), stream.uniform_in(-1.0, 1.0)]).collect();
        let each = MOMENTS / TRAJECTORIES;
        let trajectories: Vec<u32> = (0..MOMENTS).map(|at| (at / each) as u32).collect();
        let times: Vec<u32> = (0..MOMENTS).map(|at| (at % each) as u32 + 1).collect();
        let moments = Moments::new(activity.view(), &positions, &trajectories, &times).expect("moments");
        distances(&moments);
        decoding(&moments);
    });
}

/// The least of three times, in seconds.
fn timed<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let mut least = f64::INFINITY;
    let mut last = None;
    for _ in 0..3 {
        let start = Instant::now();
        last = Some(work());
        least = least.min(start.elapsed().as_secs_f64());
    }
    (last.expect("three times"), least)
}

fn distances(moments: &Moments<'_>) {
    // All separations, so that every pair is counted.
    let all = DistancesConfig { spatial_max_m: 3.0, bootstraps: 0, max_moments: MOMENTS, ..DistancesConfig::default() };
    let few = DistancesConfig { max_moments: 1000, ..all.clone() }.check().expect("settings");
    let found = space(moments, &few, Seed(1));
    // The reference takes a thousand moments of its own: the same states in distribution, so only a time.
    let rows: Vec<usize> = (0..1000).collect();
    let (sum, reference) = timed(|| {
        let mut sum = 0.0;
        reference_pairs(moments, &rows, |_, _, _, distance| sum += distance);
        sum
    });
    let pairs = (MOMENTS * (MOMENTS - 1) / 2) as f64;
    let reference_mean = sum / (1000.0 * 999.0 / 2.0);
    let means: f64 = found.mean.iter().zip(found.counts.rows()).filter(|(m, _)| m.is_finite()).map(|(m, c)| m * c.sum() as f64).sum();
    assert!((means / found.counts.sum() as f64 / reference_mean - 1.0).abs() < 0.01, "fast and slow mean distances differ");
    let (_, fast) = timed(|| space(moments, &all.clone().check().expect("settings"), Seed(1)));
    let (_, with_errors) =
        timed(|| space(moments, &DistancesConfig { bootstraps: 200, ..all.clone() }.check().expect("settings"), Seed(1)));
    let (_, within) = timed(|| space_time(moments, &all.clone().check().expect("settings"), Seed(1)));
    println!("reference: {:.1} ns a pair, one thread", 1e9 * reference / (1000.0 * 999.0 / 2.0));
    println!("space: {pairs:.3e} pairs in {fast:.2} s ({:.1} ns a pair); with 200 bootstraps {with_errors:.2} s", 1e9 * fast / pairs);
    println!("space_time, {} pairs: {within:.3} s", TRAJECTORIES * 100 * 99 / 2);
}

fn decoding(moments: &Moments<'_>) {
    let bins = Bins::square(Arena::square(2.0), 40);
    let rows: Vec<usize> = (0..MOMENTS).collect();
    let nearest = NearestState::fit(moments, &rows, &bins, true).expect("bins");
    let (slow_answers, slow) = timed(|| nearest.reference_decode(moments, &rows[..500]));
    let (answers, fast) = timed(|| nearest.decode(moments, &rows));
    let same = answers.iter().zip(&slow_answers).filter(|(a, b)| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-3).count();
    assert!(same >= 495, "fast and slow answers differ: {same} of 500 alike");
    let config = PathIntegrationConfig::default().check().expect("settings");
    let (_, whole) = timed(|| path_integration(moments, &bins, &config, Seed(1)).expect("decoded"));
    println!(
        "nearest state of {} bins: {:.2} µs a moment, reference {:.1}",
        nearest.known_bins(),
        1e6 * fast / MOMENTS as f64,
        1e6 * slow / 500.0
    );
    println!("path_integration, all of it: {whole:.2} s");
}
