//! How the time and the peak memory of a spectral embedding and of persistent homology grow with the number of points.
//!
//! `cargo bench -p gridlake-analysis --bench state_space [-- --quick] [-- --threads N] [-- --figure STEM]`: prints a table, and draws it to STEM.png and STEM.svg.
//!
//! Every size runs in a process of its own, so that its high-water mark is that of one size; what the two answers must be is held against references first.

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

use gridlake_analysis::homology::reference::reference_persistence;
use gridlake_analysis::homology::{DistanceMatrix, Options, persistence};
use gridlake_analysis::neighbors::{Graph, nearest};
use gridlake_analysis::spectral_embedding::{Convergence, SpectralEmbeddingConfig, embed, reference_spectrum};
use gridlake_figures::{CostCurve, draw_cost_curves};
use gridlake_space::seed::Seed;
use ndarray::Array2;
use std::f64::consts::TAU;
use std::path::Path;
use std::time::Instant;

/// What grows.
#[derive(Clone, Copy, Debug)]
enum Work {
    Embedding,
    Homology,
}

fn main() {
    let threads = argument("--threads").and_then(|count| count.parse().ok());
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    if let Some(points) = argument("--one").and_then(|points| points.parse().ok()) {
        let work = if flag("--homology") { Work::Homology } else { Work::Embedding };
        println!("{} {}", pool.install(|| seconds(work, points)), peak_mib());
        return;
    }
    pool.install(check);
    let quick = flag("--quick");
    let embedded: &[usize] = if quick { &[1_000, 3_000] } else { &[1_000, 3_000, 10_000, 30_000, 100_000] };
    let homology: &[usize] = if quick { &[200, 400] } else { &[200, 400, 800, 1_200, 1_600] };
    println!("{threads} threads\n\n| Work | Points | Seconds | Peak of the process (MiB) |\n|---|---|---|---|");
    let (embedded, homology) = (grow(Work::Embedding, embedded, threads), grow(Work::Homology, homology, threads));
    let Some(stem) = argument("--figure") else { return };
    let (sizes, seconds, peaks) = &embedded;
    let (points, h_seconds, h_peaks) = &homology;
    // Products of a sparse matrix, as many as the spectrum's lower end is dense; all pairs' distances; pairs of edges at a point, as measured.
    let powers = |of: &[f64], power: f64| of.iter().map(|n| n.powf(power)).collect::<Vec<f64>>();
    let expected = [powers(sizes, 1.5), powers(sizes, 1.0), powers(points, 3.0), powers(points, 2.0)];
    let curve = |title, sizes, cost, measured, expected| CostCurve { title, label: "Points, n", sizes, cost, measured, expected };
    let curves = [
        curve("a  Spectral embedding: n^1.5", sizes, "Time (s)", seconds, &expected[0]),
        curve("b  Its memory: n", sizes, "Peak (MiB)", peaks, &expected[1]),
        curve("c  Homology to dimension 2: n^3", points, "Time (s)", h_seconds, &expected[2]),
        curve("d  Its memory: n^2", points, "Peak (MiB)", h_peaks, &expected[3]),
    ];
    let title = "Time and peak memory of the state space's analyses";
    for path in draw_cost_curves(title, &curves, Path::new(&stem)).expect("a figure") {
        println!("{}", path.display());
    }
}

fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

/// Points, seconds and peaks of memory, each size in a process of its own.
fn grow(work: Work, sizes: &[usize], threads: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let own = std::env::current_exe().expect("a path");
    let mut found = (Vec::new(), Vec::new(), Vec::new());
    for &points in sizes {
        let mut child = std::process::Command::new(&own);
        child.args(["--one", &points.to_string(), "--threads", &threads.to_string()]);
        if matches!(work, Work::Homology) {
            child.arg("--homology");
        }
        let out = child.output().expect("a process");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).expect("numbers");
        let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().expect("a number")).collect();
        println!("| {work:?} | {points} | {:.3} | {:.0} |", numbers[0], numbers[1]);
        found.0.push(points as f64);
        found.1.push(numbers[0]);
        found.2.push(numbers[1]);
    }
    found
}

/// Seconds that one run takes: the least of three, of one where it is long.
fn seconds(work: Work, points: usize) -> f64 {
    let cloud = torus(points);
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        let started = Instant::now();
        match work {
            Work::Embedding => {
                let found = embed(cloud.view(), &SpectralEmbeddingConfig::default(), Seed(0)).expect("embedded");
                assert_eq!(found.convergence, Convergence::Converged);
            }
            Work::Homology => {
                let distances = DistanceMatrix::euclidean(cloud.view()).expect("finite");
                let found = persistence(&distances, &Options::default(), None).expect("in range");
                assert_eq!(found.bars.len(), 3, "dimensions 0 to 2");
            }
        }
        least = least.min(started.elapsed().as_secs_f64());
        if least > 1.0 {
            break;
        }
    }
    least
}

/// The three phases of a hexagonal module as points in six dimensions, with normal noise of 0.1.
fn torus(points: usize) -> Array2<f64> {
    let mut stream = Seed(4).stream("bench-state-space", points as u64);
    let phases: Vec<[f64; 2]> = (0..points).map(|_| [stream.uniform_in(0.0, TAU), stream.uniform_in(0.0, TAU)]).collect();
    Array2::from_shape_fn((points, 6), |(i, axis)| {
        let [first, second] = phases[i];
        let phase = [first, second, -first - second][axis / 2];
        (if axis % 2 == 0 { phase.cos() } else { phase.sin() }) + 0.1 * stream.normal()
    })
}

/// Both against their references, at sizes that those can do.
fn check() {
    let cloud = torus(900);
    let config = SpectralEmbeddingConfig::default();
    let found = embed(cloud.view(), &config, Seed(0)).expect("embedded");
    let graph = Graph::connectivity(&nearest(cloud.view(), config.neighbors - 1).expect("good points"));
    let (slow, _) = reference_spectrum(&graph).expect("a spectrum");
    for (fast, slow) in found.eigenvalues.iter().zip(&slow[1..]) {
        assert!((fast - slow).abs() < 1e-9, "{fast} and {slow}");
    }
    let cloud = DistanceMatrix::euclidean(torus(16).view()).expect("finite");
    let slow = reference_persistence(&cloud, &Options::default()).expect("in range");
    assert_eq!(persistence(&cloud, &Options::default(), None).expect("in range").bars, slow.bars);
}

/// The process's high-water mark; NaN where the system does not tell.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}
