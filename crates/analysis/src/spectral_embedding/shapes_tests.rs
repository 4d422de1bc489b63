//! Graphs with known spectra, and such as are hard to solve.

use super::basis::{Extension, extend, product};
use super::krylov::Krylov;
use super::tests::{largest_sine, vectors};
use super::*;
use ndarray::{Axis, s};
use std::f64::consts::TAU;

/// From edges, each given once.
fn graph(nodes: usize, edges: impl IntoIterator<Item = (usize, usize, f64)>) -> Graph {
    let mut rows = vec![Vec::new(); nodes];
    for (i, j, weight) in edges {
        rows[i].push((j as u32, weight));
        rows[j].push((i as u32, weight));
    }
    let mut graph = Graph { offsets: vec![0], columns: vec![], weights: vec![] };
    for row in &mut rows {
        row.sort_unstable_by_key(|edge| edge.0);
        graph.columns.extend(row.iter().map(|edge| edge.0));
        graph.weights.extend(row.iter().map(|edge| edge.1));
        graph.offsets.push(graph.columns.len());
    }
    graph
}

/// m × m nodes on a hexagonal torus, each tied to six: eigenvalues 1 - ⅓(cos a + cos b + cos(a + b)), six-fold. Weights are 1 and up to `spread` more.
fn hexagonal(m: usize, spread: f64) -> Graph {
    let mut stream = Seed(5).stream("weights", 0);
    let at = |x: usize, y: usize| x % m + m * (y % m);
    let edges: Vec<_> = (0..m * m)
        .flat_map(|node| [(1, 0), (0, 1), (1, 1)].map(|(dx, dy)| (node, at(node % m + dx, node / m + dy))))
        .map(|(i, j)| (i, j, 1.0 + spread * stream.uniform()))
        .collect();
    graph(m * m, edges)
}

fn all_twelve(name: &str, graph: &Graph) -> SpectralEmbedding {
    let found = embed_graph(graph, &SpectralEmbeddingConfig { dimensions: 12, ..SpectralEmbeddingConfig::default() }, Seed(3))
        .expect("an embedding");
    assert!(
        matches!(found.solver, Solver::Filtered { .. }) && found.convergence == Convergence::Converged,
        "{name}: {:?} {:?}",
        found.solver,
        found.convergence
    );
    found
}

/// Values, orthonormal vectors, residuals.
fn check(name: &str, graph: &Graph, mut exact: Vec<f64>) {
    exact.sort_by(f64::total_cmp);
    let found = all_twelve(name, graph);
    for (m, (value, exact)) in found.eigenvalues.iter().zip(&exact).enumerate() {
        assert!((value - exact).abs() < 1e-11, "{name}, {m}: {value}, not {exact}");
    }
    let v = vectors(graph, &found);
    assert!((v.t().dot(&v) - Array2::<f64>::eye(12)).iter().all(|x| x.abs() < 1e-9), "{name}: not orthonormal");
}

#[test]
fn graphs_with_known_spectra_have_them() {
    // More equal values than the block has columns.
    check("star", &graph(600, (1..600).map(|leaf| (0, leaf, 2.0))), vec![1.0; 12]);
    check("complete", &graph(420, (0..420).flat_map(|i| (0..i).map(move |j| (i, j, 0.5)))), vec![420.0 / 419.0; 12]);
    check("bipartite", &graph(430, (0..30).flat_map(|i| (30..430).map(move |j| (i, j, 1.0)))), vec![1.0; 12]);
    // Slow modes, and pairs.
    check(
        "path",
        &graph(2000, (1..2000).map(|i| (i - 1, i, 1.0))),
        (1..13).map(|m| 1.0 - (TAU / 2.0 * f64::from(m) / 1999.0).cos()).collect(),
    );
    check(
        "ring",
        &graph(1000, (0..1000).map(|i| (i, (i + 1) % 1000, 1.0))),
        (2..14).map(|m| 1.0 - (TAU * f64::from(m / 2) / 1000.0).cos()).collect(),
    );
    // Six-fold levels.
    let angle = |p: usize| TAU * p as f64 / 30.0;
    let level = |p: usize, q: usize| 1.0 - (angle(p).cos() + angle(q).cos() + (angle(p) + angle(q)).cos()) / 3.0;
    let mut levels: Vec<f64> = (0..900).map(|i| level(i % 30, i / 30)).collect();
    levels.sort_by(f64::total_cmp);
    assert!(
        levels[6] - levels[1] < 1e-12 && levels[7] - levels[6] > 1e-3 && levels[12] - levels[7] < 1e-12 && levels[13] - levels[12] > 1e-3
    );
    check("hexagonal torus", &hexagonal(30, 0.0), levels[1..].to_vec());
}

#[test]
fn hard_graphs_are_solved_as_densely() {
    let mut stream = Seed(6).stream("graphs", 0);
    let mut random = |nodes: usize, edges: usize| {
        let tree: Vec<_> = (1..nodes).map(|i| (stream.below(i), i)).collect();
        let more: Vec<_> = (0..edges).map(|_| (stream.below(nodes), stream.below(nodes))).collect();
        let all: std::collections::BTreeSet<(usize, usize)> =
            tree.into_iter().chain(more).filter(|(i, j)| i != j).map(|(i, j)| (i.min(j), i.max(j))).collect();
        graph(nodes, all.into_iter().map(|(i, j)| (i, j, 0.01 + stream.uniform())))
    };
    let block = |from: usize, to: usize| (from..to).flat_map(move |i| (from..i).map(move |j| (i, j, 1.0)));
    let cases = [
        ("random tree", random(450, 0)),
        ("sparse", random(450, 500)),
        ("dense", random(420, 20_000)),
        // A six-fold level that is split in the sixth digit.
        ("nearly six-fold", hexagonal(21, 1e-6)),
        // One tie between two halves, and a chain of cliques with weak ties.
        ("two halves", graph(440, block(0, 220).chain(block(220, 440)).chain([(0, 439, 1e-2)]))),
        (
            "21 cliques",
            graph(420, (0..21).flat_map(|at| block(20 * at, 20 * at + 20)).chain((1..21).map(|at| (20 * at - 1, 20 * at, 1e-3)))),
        ),
        // Weights over twelve orders of magnitude.
        (
            "wild weights",
            graph(
                420,
                block(0, 420)
                    .filter(|&(i, j, _)| (i * j) % 17 < 3 || i == j + 1)
                    .map(|(i, j, _)| (i, j, 10_f64.powi(((i * 31 + j * 17) % 13) as i32 - 6))),
            ),
        ),
    ];
    for (name, graph) in &cases {
        let (found, (values, exact)) = (all_twelve(name, graph), reference_spectrum(graph).expect("solved"));
        for (m, value) in found.eigenvalues.iter().enumerate() {
            assert!((value - values[m + 1]).abs() < 1e-11, "{name}, {m}: {value}, not {}", values[m + 1]);
        }
        if let Some(cut) = (1..=12).rev().find(|&m| values[m + 1] - values[m] > 1e-4) {
            let sine = largest_sine(&vectors(graph, &found).slice(s![.., ..cut]).to_owned(), &exact.slice(s![.., 1..=cut]).to_owned());
            assert!(sine < 1e-5, "{name}: {sine}, residuals {:?}", found.residuals);
        }
    }
}

#[test]
fn a_graph_in_parts_has_as_many_zeros() {
    let triangle = |at: usize| [(at, at + 1, 1.0), (at + 1, at + 2, 2.0), (at, at + 2, 3.0)];
    let parts = graph(503, (0..500).map(|i| (i, (i + 1) % 500, 1.0)).chain(triangle(500)));
    let (values, _) = reference_spectrum(&parts).expect("solved");
    assert!(values[1].abs() < 1e-12 && values[2] > 1e-6, "{:?}", &values[..3]);
    let found = all_twelve("parts", &parts);
    assert_eq!((found.components.clone(), found.members.len()), (vec![500, 3], 500));
    // λ_0 twice before the ring's first pair.
    assert!((found.eigenvalues[0] - values[2]).abs() < 1e-11);
}

#[test]
fn tiny_graphs_have_what_they_have() {
    let config = SpectralEmbeddingConfig { dimensions: 1, ..SpectralEmbeddingConfig::default() };
    let pair = embed_graph(&graph(2, [(0, 1, 0.5)]), &config, Seed(0)).expect("an embedding");
    assert!((pair.eigenvalues[0] - 2.0).abs() < 1e-12 && pair.eigenvalues.len() == 1 && pair.solver == Solver::Dense);
    let path = embed_graph(&graph(3, [(0, 1, 1.0), (1, 2, 1.0)]), &config, Seed(0)).expect("an embedding");
    assert!((path.eigenvalues[0] - 1.0).abs() < 1e-12 && (path.eigenvalues[1] - 2.0).abs() < 1e-12, "{:?}", path.eigenvalues);
}

#[test]
fn missing_directions_are_filled_in() {
    let mut stream = Seed(7).stream("basis", 0);
    let basis = extend(&[], Array2::from_shape_fn((700, 3), |_| stream.normal()), &mut stream).expect("finite").block;
    // Along the basis, twice the same, nearly the same, nothing at all.
    let mut x = Array2::from_shape_fn((700, 8), |_| stream.normal());
    let first = x.column(0).to_owned();
    x.column_mut(1).assign(&basis.column(0));
    x.column_mut(2).assign(&first);
    x.column_mut(3).zip_mut_with(&first, |x, first| *x = first + 1e-9 * *x);
    x.column_mut(4).fill(0.0);
    x.column_mut(5).mapv_inplace(|x| 1e-8 * x);
    let Extension { block, along, .. } = extend(std::slice::from_ref(&basis), x.clone(), &mut stream).expect("finite");
    assert!((product(&block, &block) - Array2::<f64>::eye(8)).iter().all(|x| x.abs() < 1e-12));
    assert!(product(&basis, &block).iter().all(|x| x.abs() < 1e-12));
    assert!((&along - &basis.t().dot(&x)).iter().all(|x| x.abs() < 1e-10));
    // What the columns had is in the span.
    let rest = &x - &basis.dot(&along);
    let outside = &rest - &block.dot(&block.t().dot(&rest));
    assert!(outside.iter().all(|x| x.abs() < 1e-12), "{outside}");
    x[(0, 0)] = f64::NAN;
    assert!(extend(&[], x, &mut stream).is_none());
}

#[test]
fn lanczos_tells_its_residuals() {
    let mut stream = Seed(8).stream("krylov", 0);
    let size = 300;
    let half = Array2::from_shape_fn((size, size), |_| stream.normal() / 50.0);
    let matrix = &half + &half.t();
    let outside = Array2::from_elem((size, 1), 1.0 / (size as f64).sqrt());
    // The matrix beside what is outside.
    let image = |x: &Array2<f64>| {
        let image = matrix.dot(x);
        &image - &outside.dot(&outside.t().dot(&image))
    };
    let start =
        extend(std::slice::from_ref(&outside), Array2::from_shape_fn((size, 8), |_| stream.normal()), &mut stream).expect("finite").block;
    let mut krylov = Krylov::new(outside.clone(), start);
    for round in 1..=4 {
        let next = matrix.dot(krylov.last());
        krylov.push(next, &mut stream).expect("finite");
        assert_eq!(krylov.columns(), 8 * round);
        let (axes, told) = krylov.best(8).expect("solved");
        let vectors = krylov.vectors(&axes);
        let images = image(&vectors);
        let values = (&vectors * &images).sum_axis(Axis(0));
        let residuals = (&images - &(&vectors * &values)).map_axis(Axis(0), |x| x.dot(&x).sqrt());
        for (told, residual) in told.iter().zip(&residuals) {
            assert!((told - residual).abs() < 1e-12 && *told > 1e-6, "{told}, not {residual}");
        }
    }
}
