//! Persistent homology: held against the textbook, then timed as the number of points grows, with the memory it takes.
//!
//! `cargo bench -p gridlake-analysis --bench homology [-- --quick] [-- --threads 1]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

use gridlake_analysis::homology::reference::reference_persistence;
use gridlake_analysis::homology::{DistanceMatrix, Options, estimate_bytes, persistence};
use gridlake_space::seed::Seed;
use ndarray::Array2;
use std::f64::consts::TAU;
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--threads");
    let given = arguments.nth(1).and_then(|count| count.parse().ok());
    let threads = given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let quick = std::env::args().any(|argument| argument == "--quick");
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| {
        check();
        println!("{threads} threads, dimensions 0 to 2, Z/47\n");
        println!("| Cloud | Points | Edges | Bars | Seconds | Estimated MiB | Counted MiB | Process grew by MiB |\n|---|---|---|---|---|---|---|---|");
        for &points in if quick { &[300, 600][..] } else { &[300, 600, 1200, 2000, 3000] } {
            grow("torus, noise 0.1", &torus(points, 0.1), quick);
            grow("torus, noise 0.3", &torus(points, 0.3), quick);
            grow("noise", &torus(points, 100.0), quick);
        }
    });
}

/// The three phases of a hexagonal module as points in six dimensions, with normal noise.
fn torus(points: usize, noise: f64) -> DistanceMatrix {
    let mut stream = Seed(4).stream("bench-homology", points as u64);
    let phases: Vec<[f64; 2]> = (0..points).map(|_| [stream.uniform_in(0.0, TAU), stream.uniform_in(0.0, TAU)]).collect();
    let cloud = Array2::from_shape_fn((points, 6), |(i, axis)| {
        let [first, second] = phases[i];
        let phase = [first, second, -first - second][axis / 2];
        (if axis % 2 == 0 { phase.cos() } else { phase.sin() }) + noise * stream.normal()
    });
    DistanceMatrix::euclidean(cloud.view()).expect("finite")
}

fn check() {
    for (points, noise, prime) in [(14, 0.1, 47), (16, 0.5, 2), (18, 100.0, 3)] {
        let (cloud, options) = (torus(points, noise), Options { prime, ..Options::default() });
        let slow = reference_persistence(&cloud, &options).expect("in range");
        assert_eq!(persistence(&cloud, &options, None).expect("in range").bars, slow.bars, "{points} points");
    }
}

fn grow(cloud: &str, distances: &DistanceMatrix, quick: bool) {
    let (mut seconds, mut grown) = (f64::INFINITY, 0);
    let mut found = None;
    for _ in 0..if quick || distances.points() > 1200 { 1 } else { 3 } {
        let before = memory("VmRSS:");
        // From here on, the process's high-water mark is that of this run.
        _ = std::fs::write("/proc/self/clear_refs", "5");
        let started = Instant::now();
        found = Some(persistence(distances, &Options::default(), None).expect("in range"));
        seconds = seconds.min(started.elapsed().as_secs_f64());
        grown = grown.max(memory("VmHWM:").saturating_sub(before));
    }
    let found = found.expect("computed");
    let edges = distances.condensed().iter().filter(|&&length| length <= found.threshold).count();
    let bars: Vec<String> = found.bars.iter().map(|bars| bars.len().to_string()).collect();
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let estimate = estimate_bytes(distances.points(), edges, rayon::current_num_threads());
    let (points, bars) = (distances.points(), bars.join(", "));
    println!(
        "| {cloud} | {points} | {edges} | {bars} | {seconds:.3} | {:.0} | {:.0} | {:.0} |",
        mib(estimate),
        mib(found.peak_bytes),
        mib(grown)
    );
}

/// A line of the process's status, bytes; 0 where there is none.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|found| found.strip_prefix(line)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.map_or(0, |kib| kib << 10)
}
