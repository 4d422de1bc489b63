//! Principal components, neighbours, embeddings and samples of an ideal module's states: checked against references, then timed.
//!
//! `cargo bench -p gridlake-analysis --bench embedding [-- --samples 10000]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

use gridlake_analysis::downsampling::{DensityConfig, density, farthest, reference_density};
use gridlake_analysis::isomap::{self, IsomapConfig};
use gridlake_analysis::neighbors::{nearest, reference_nearest};
use gridlake_analysis::pca::pca;
use gridlake_analysis::rings::rings;
use gridlake_analysis::spectral_embedding::{self, Convergence, SpectralEmbeddingConfig};
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use ndarray::{Array2, s};
use std::time::Instant;

const UNITS: usize = 128;

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--samples");
    let samples: usize = arguments.nth(1).and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let activity = activity(samples);
    println!("{samples} states of {UNITS} units, {} threads", rayon::current_num_threads());
    let scores = timed("pca to 6", || pca(activity.view(), 6).expect("good states")).scores;
    let few = scores.slice(s![..samples.min(2000), ..]);
    assert_eq!(nearest(few, 14), reference_nearest(few, 14), "the tree is the reference");
    let config = DensityConfig { count: 200, neighbors: 100, ..DensityConfig::default() };
    assert_eq!(density(few, &config), reference_density(few, &config), "sparse memberships are the reference");
    timed("14 neighbours", || nearest(scores.view(), 14).expect("good states"));
    let found = timed("spectral embedding, k = 15", || {
        spectral_embedding::embed(scores.view(), &SpectralEmbeddingConfig::default(), Seed(0)).expect("embedded")
    });
    assert_eq!(found.convergence, Convergence::Converged);
    println!("  {:?}, {:?}", found.solver, found.components);
    println!("  eigenvalues {:.3?}", found.eigenvalues.iter().map(|value| value / found.eigenvalues[0]).collect::<Vec<_>>());
    timed("Isomap, 400 landmarks", || isomap::embed(scores.view(), &IsomapConfig::default()).expect("embedded"));
    timed("1200 farthest points", || farthest(scores.view(), 1200).expect("good states"));
    if samples <= 15_000 {
        timed("1200 points by density", || density(scores.view(), &DensityConfig::default()).expect("good states"));
    }
    let phases = vec![[0.0; 3]; UNITS];
    timed("rings", || rings(activity.view(), &phases).expect("good states"));
}

/// The least of three runs.
fn timed<T>(name: &str, work: impl Fn() -> T) -> T {
    let run = || {
        let start = Instant::now();
        let made = work();
        (start.elapsed().as_secs_f64(), made)
    };
    let first = run();
    let least = [first.0, run().0, run().0].into_iter().fold(f64::INFINITY, f64::min);
    println!("{name:28} {:9.1} ms", least * 1e3);
    first.1
}

/// Hexagonal cosine cells at random phases and places, with noise of 0.05.
fn activity(samples: usize) -> Array2<f32> {
    let lattice = Lattice::hexagonal(0.5, 0.2);
    let mut cells = Seed(1).stream("bench-cells", 0);
    let offsets: Vec<[f64; 2]> = (0..UNITS).map(|_| [cells.uniform_in(0.0, 20.0), cells.uniform_in(0.0, 20.0)]).collect();
    let mut walk = Seed(1).stream("bench-walk", 0);
    let places: Vec<[f64; 2]> = (0..samples).map(|_| [walk.uniform_in(0.0, 20.0), walk.uniform_in(0.0, 20.0)]).collect();
    let mut noise = Seed(1).stream("bench-noise", 0);
    Array2::from_shape_fn((samples, UNITS), |(t, i)| (lattice.rate(places[t][0], places[t][1], offsets[i]) + 0.05 * noise.normal()) as f32)
}
