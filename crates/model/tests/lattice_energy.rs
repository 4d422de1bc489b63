//! Which lattice does the objective prefer, and where does that come from?
//!
//! Of all codes that repeat a round bump of activity on a lattice, states at displacement `d` have the similarity
//! `K(d) = Σ exp(-|d - l|² / 4s²) / Σ exp(-|l|² / 4s²)` over the lattice's points `l` (the autocorrelation of Gaussian bumps of SD `s`), so separation
//! (eq. 4) and invariance (eq. 5) are expectations over the displacements that training batches draw:
//! `E = ⟨exp(-(1 - K) / σ_g²)⟩ + λ_Inv ⟨2 - 2K⟩`. With no bound on it a bump would become small and its period large; networks of finite
//! size keep `c = s / √(area of the cell)`, so the energy of a lattice is the least over its scale at a given `c`.
//!
//! Velocities from a square make displacements that reach farther along its diagonals than along its sides: squares along the sides are
//! nearly as good as hexagons, and the best lattice is a sheared one. Velocities from a disc have the regular hexagon as the best.
//! `GRIDLAKE_BLESS=1` puts the table into `docs/recipes.md`.

use gridlake_model::batch::Batch;
use gridlake_model::config::{Augmentation, DataConfig, VelocityDistribution};
use gridlake_space::seed::Seed;
use rayon::prelude::*;
use std::fmt::Write as _;

/// Bins along each side of the square of displacements, of ± [`REACH_M`].
const BINS: usize = 161;
const REACH_M: f64 = 2.0;
/// Invariance's radius (Table 1), m, and its weight.
const SIGMA_X_M: f64 = 0.05;
const LAMBDA_INV: f64 = 0.1;

/// Displacements between states of a batch.
struct Displacements {
    /// Share of the far pairs in each bin.
    far: Vec<([f64; 2], f64)>,
    /// Mean squared displacement of near pairs, m².
    near_m2: f64,
}

impl Displacements {
    /// Few trajectories of many batches, as the pairs of a batch share its velocities.
    fn draw(length: usize, distribution: VelocityDistribution, limit_m: f64, batches: usize) -> Self {
        let data = DataConfig {
            batch: 4,
            length,
            velocity_limit_m: limit_m,
            velocity_distribution: distribution,
            augmentation: Augmentation::Permutation,
        };
        let mut stream = Seed(1).stream("displacements", length as u64);
        let (mut counts, mut near, mut near_m2) = (vec![0.0; BINS * BINS], 0.0, 0.0);
        let bin = |x: f64| ((x / (2.0 * REACH_M) * BINS as f64).round() as i64 + (BINS / 2) as i64).clamp(0, BINS as i64 - 1) as usize;
        for _ in 0..batches {
            let batch = Batch::draw(&data, &mut stream);
            let at = batch.positions_m();
            for p in at {
                for q in at {
                    let d = [p[0] - q[0], p[1] - q[1]];
                    let square = d[0] * d[0] + d[1] * d[1];
                    if square < SIGMA_X_M * SIGMA_X_M {
                        near += 1.0;
                        near_m2 += square;
                        continue;
                    }
                    // Images under the distribution's own symmetries: all eight of the square; of the disc a random turn besides.
                    let turn = if distribution == VelocityDistribution::Disc { stream.uniform_in(0.0, std::f64::consts::TAU) } else { 0.0 };
                    let d = [d[0] * turn.cos() - d[1] * turn.sin(), d[0] * turn.sin() + d[1] * turn.cos()];
                    for [x, y] in [d, [d[1], d[0]]] {
                        for (x, y) in [(x, y), (-x, y), (x, -y), (-x, -y)] {
                            counts[bin(y) * BINS + bin(x)] += 1.0;
                        }
                    }
                }
            }
        }
        let total: f64 = counts.iter().sum();
        let centre = |i: usize| (i as f64 - (BINS / 2) as f64) * 2.0 * REACH_M / BINS as f64;
        let far = counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
        // A displacement and its opposite are alike: half of them do.
        let half = far
            .map(|(i, count)| ([centre(i % BINS), centre(i / BINS)], count / total))
            .filter(|([x, y], _)| *y > 0.0 || (*y == 0.0 && *x >= 0.0));
        let far: Vec<([f64; 2], f64)> = half.collect();
        let kept: f64 = far.iter().map(|(_, share)| share).sum();
        Self { far: far.into_iter().map(|(d, share)| (d, share / kept)).collect(), near_m2: near_m2 / near }
    }
}

/// A lattice's shape and direction: angle and ratio of its two shortest vectors, and the direction of the first, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    angle: f64,
    ratio: f64,
    direction: f64,
}

/// What a code is like but for its lattice.
#[derive(Clone, Copy)]
struct Code {
    sigma_g: f64,
    /// SD of a bump over the root of the cell's area.
    c: f64,
}

fn energy(displacements: &Displacements, shape: Shape, area: f64, code: Code) -> f64 {
    let angle = shape.angle.to_radians();
    let first = (area / (shape.ratio * angle.sin())).sqrt();
    let at = |length: f64, degrees: f64| [length * degrees.to_radians().cos(), length * degrees.to_radians().sin()];
    let (a, b) = (at(first, shape.direction), at(first * shape.ratio, shape.direction + shape.angle));
    let s = code.c * area.sqrt();
    let bump = |d: [f64; 2]| (-(d[0] * d[0] + d[1] * d[1]) / (4.0 * s * s)).exp();
    // Points around a displacement's cell: bumps beyond are below exp(-20) for c up to 0.15.
    let sum = |d: [f64; 2]| {
        let (m, n) = (((d[0] * b[1] - d[1] * b[0]) / area).round(), ((a[0] * d[1] - a[1] * d[0]) / area).round());
        let mut total = 0.0;
        for i in -1_i8..=1 {
            for j in -1_i8..=1 {
                let (m, n) = (m + f64::from(i), n + f64::from(j));
                total += bump([d[0] - m * a[0] - n * b[0], d[1] - m * a[1] - n * b[1]]);
            }
        }
        total
    };
    let one = sum([0.0, 0.0]);
    let separation: f64 =
        displacements.far.iter().map(|&(d, share)| share * (-(1.0 - sum(d) / one) / (code.sigma_g * code.sigma_g)).exp()).sum();
    // Near pairs are well within a bump: 2 - 2K = |d|²/2s².
    separation + LAMBDA_INV * displacements.near_m2 / (2.0 * s * s)
}

/// The least energy over the lattice's scale, and the period (m) of the hexagonal lattice with that cell's area.
fn least(displacements: &Displacements, shape: Shape, code: Code) -> (f64, f64) {
    let (mut low, mut high) = (0.15_f64.ln(), 4.0_f64.ln());
    let section = (5.0_f64.sqrt() - 1.0) / 2.0;
    let at = |log: f64| energy(displacements, shape, log.exp(), code);
    let (mut p, mut q) = (high - section * (high - low), low + section * (high - low));
    let (mut at_p, mut at_q) = (at(p), at(q));
    while high - low > 0.01 {
        if at_p < at_q {
            (high, q, at_q) = (q, p, at_p);
            p = high - section * (high - low);
            at_p = at(p);
        } else {
            (low, p, at_p) = (p, q, at_q);
            q = low + section * (high - low);
            at_q = at(q);
        }
    }
    (at_p.min(at_q), (f64::midpoint(low, high).exp() * 2.0 / 3.0_f64.sqrt()).sqrt())
}

/// The best lattice of a grid of shapes.
fn best(displacements: &Displacements, code: Code, angles: &[f64], ratios: &[f64], directions: usize) -> (Shape, f64, f64) {
    let direction = |i: usize| 180.0 * i as f64 / directions as f64;
    let shapes = angles.iter().flat_map(|&angle| {
        ratios.iter().flat_map(move |&ratio| (0..directions).map(move |i| Shape { angle, ratio, direction: direction(i) }))
    });
    let shapes: Vec<Shape> = shapes.filter(|shape| is_reduced(*shape)).collect();
    let found: Vec<(Shape, f64, f64)> = shapes
        .par_iter()
        .map(|&shape| {
            let (energy, period) = least(displacements, shape, code);
            (shape, energy, period)
        })
        .collect();
    found.into_iter().min_by(|p, q| p.1.total_cmp(&q.1)).expect("a shape")
}

/// Whether the vectors are the two shortest.
fn is_reduced(shape: Shape) -> bool {
    2.0 * shape.ratio * shape.angle.to_radians().cos() <= 1.0 + 1e-9
}

const SQUARE: (VelocityDistribution, f64) = (VelocityDistribution::Square, 0.15);
/// The disc whose velocities have the square's variance: its radius is 2/√3 of the square's half side.
const DISC: (VelocityDistribution, f64) = (VelocityDistribution::Disc, 0.173);

fn square(direction: f64) -> Shape {
    Shape { angle: 90.0, ratio: 1.0, direction }
}

#[test]
fn a_disc_prefers_the_hexagon_and_a_square_shears_it() {
    let code = Code { sigma_g: 0.5, c: 0.08 };
    let (angles, ratios) = ([60.0, 63.0, 66.0, 69.0, 75.0, 90.0], [1.0, 1.05]);
    let disc = Displacements::draw(30, DISC.0, DISC.1, 4_000);
    let (shape, _, _) = best(&disc, code, &angles, &ratios, 12);
    assert!(shape.angle == 60.0 && shape.ratio == 1.0, "{shape:?}");
    let along = Displacements::draw(30, SQUARE.0, SQUARE.1, 4_000);
    let (shape, hexagon, _) = best(&along, code, &angles, &ratios, 12);
    assert!((63.0..=69.0).contains(&shape.angle), "{shape:?}");
    // A square along the sides is close to the best, and one along the diagonals is not; under a disc both are alike.
    let above = |of: &Displacements, direction: f64, least_energy: f64| least(of, square(direction), code).0 - least_energy;
    assert!(
        above(&along, 45.0, hexagon) > 2.0 * above(&along, 0.0, hexagon),
        "{} {}",
        above(&along, 45.0, hexagon),
        above(&along, 0.0, hexagon)
    );
    let (sides, diagonals) = (least(&disc, square(0.0), code).0, least(&disc, square(45.0), code).0);
    assert!((sides - diagonals).abs() < 0.2 * above(&along, 45.0, hexagon), "{sides} {diagonals}");
}

#[test]
fn the_table_of_recipes_is_measured() {
    if std::env::var_os("GRIDLAKE_BLESS").is_none() {
        return;
    }
    let mut rows = String::new();
    let angles: Vec<f64> = (0..16).map(|i| 60.0 + 2.0 * f64::from(i)).collect();
    for length in [16, 30, 60] {
        for (name, (distribution, limit_m)) in [("square, 0.15 m", SQUARE), ("disc, 0.173 m", DISC)] {
            let displacements = Displacements::draw(length, distribution, limit_m, 20_000);
            for (sigma_g, c) in [(0.5, 0.08), (0.5, 0.11), (0.4, 0.08)] {
                let code = Code { sigma_g, c };
                let (shape, energy, period) = best(&displacements, code, &angles, &[1.0, 1.05, 1.1, 1.15], 24);
                let above = |shape: Shape| 1e4 * (least(&displacements, shape, code).0 - energy);
                let hexagon =
                    (0..8).map(|i| above(Shape { angle: 60.0, ratio: 1.0, direction: 7.5 * f64::from(i) })).fold(f64::INFINITY, f64::min);
                writeln!(
                    rows,
                    "| {name} | {length} | {sigma_g} | {c} | {:.0}°, {:.2} | {period:.2} | {energy:.4} | {hexagon:.2} | {:.2} | {:.2} |",
                    shape.angle,
                    shape.ratio,
                    above(square(0.0)),
                    above(square(45.0))
                )
                .expect("a string takes it");
            }
        }
    }
    bless(&rows);
}

fn bless(rows: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recipes.md");
    let page = std::fs::read_to_string(&path).expect("docs/recipes.md is there");
    let (before, rest) = page.split_once("<!-- lattice energy -->\n").expect("the table has its mark");
    let (old, after) = rest.split_once("<!-- end -->").expect("the table has its end");
    let header: String = old.lines().take(2).fold(String::new(), |header, line| header + line + "\n");
    std::fs::write(&path, format!("{before}<!-- lattice energy -->\n{header}{rows}<!-- end -->{after}"))
        .expect("docs/recipes.md can be written");
}
