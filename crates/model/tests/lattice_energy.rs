//! Which lattice do separation and invariance prefer, and how much does it matter where velocities come from?
//!
//! Of all codes that repeat a round bump of activity on a lattice, states at displacement `d` have the similarity
//! `K(d) = Σ exp(-|d - l|² / 4s²) / Σ exp(-|l|² / 4s²)` over the lattice's points `l` (the autocorrelation of Gaussian bumps of SD `s`), so separation
//! (eq. 4) and invariance (eq. 5) are expectations over the displacements between the states of a batch:
//! `E = ⟨exp(-(1 - K) / σ_g²)⟩ + λ_Inv ⟨2 - 2K⟩`. With no bound on it the bump would become small and the period large; a network of finite
//! size keeps `c = s / √(area of the cell)`, so the energy of a lattice is the least over its scale at a given `c`.
//!
//! `GRIDLAKE_BLESS=1` puts the table into `docs/recipes.md`.

use gridlake_model::batch::Batch;
use gridlake_model::config::{Augmentation, DataConfig, VelocityDistribution};
use gridlake_space::seed::Seed;
use rayon::prelude::*;
use std::f64::consts::TAU;
use std::fmt::Write as _;

/// Bins along each side of the square of displacements, and a bin's side, m.
const BINS: usize = 281;
const BIN_M: f64 = 0.025;
/// Bins of the distance of near pairs.
const NEAR_BINS: usize = 50;
const LAMBDA_INV: f64 = 0.1;
/// Trajectories that are drawn of each batch: pairs of a batch share its velocities, so many batches tell more than many trajectories.
const DRAWN: usize = 4;

/// What batches are like.
#[derive(Clone, Copy)]
struct Batches {
    batch: usize,
    length: usize,
    sigma_x_m: f64,
}

/// The two trainings of `pipelines/hexagons.toml`, and one of longer trajectories.
const FIRST: Batches = Batches { batch: 40, length: 16, sigma_x_m: 0.15 };
const LAST: Batches = Batches { batch: 24, length: 30, sigma_x_m: 0.05 };
const LONG: Batches = Batches { batch: 12, length: 60, sigma_x_m: 0.05 };

const SQUARE: (VelocityDistribution, f64) = (VelocityDistribution::Square, 0.15);
/// The disc whose velocities have the square's variance: its radius is 2/√3 of the square's half side.
const DISC: (VelocityDistribution, f64) = (VelocityDistribution::Disc, 0.173);

/// Displacements between states of a batch: shares of the far pairs and of the near ones.
struct Displacements {
    far: Vec<([f64; 2], f64)>,
    near: Vec<(f64, f64)>,
}

impl Displacements {
    fn draw(of: Batches, (distribution, limit_m): (VelocityDistribution, f64), batches: usize, seed: u64) -> Self {
        let data = DataConfig {
            batch: DRAWN,
            length: of.length,
            velocity_limit_m: limit_m,
            velocity_distribution: distribution,
            augmentation: Augmentation::Permutation,
        };
        let mut stream = Seed(seed).stream("displacements", 0);
        let (mut far, mut near) = (vec![0.0; BINS * BINS], vec![0.0; NEAR_BINS]);
        let bin = |x: f64| {
            let bin = (x / BIN_M).round() + (BINS / 2) as f64;
            assert!(bin >= 0.0 && bin < BINS as f64, "a displacement of {x} m");
            bin as usize
        };
        // Pairs of two trajectories are more often in a whole batch than among a few.
        let across = (of.batch - 1) as f64 / (DRAWN - 1) as f64;
        for _ in 0..batches {
            let batch = Batch::draw(&data, &mut stream);
            let at = batch.positions_m();
            for (i, p) in at.iter().enumerate() {
                for (j, q) in at.iter().enumerate() {
                    let weight = if i / of.length == j / of.length { 1.0 } else { across };
                    let d = [p[0] - q[0], p[1] - q[1]];
                    let distance = d[0].hypot(d[1]);
                    if distance < of.sigma_x_m {
                        near[(distance / of.sigma_x_m * NEAR_BINS as f64) as usize] += weight;
                        continue;
                    }
                    // Images under the distribution's own symmetries: all eight of the square; of the disc a random turn besides.
                    let turn = if distribution == VelocityDistribution::Disc { stream.uniform_in(0.0, TAU) } else { 0.0 };
                    let d = [d[0] * turn.cos() - d[1] * turn.sin(), d[0] * turn.sin() + d[1] * turn.cos()];
                    for [x, y] in [d, [d[1], d[0]]] {
                        for (x, y) in [(x, y), (-x, y), (x, -y), (-x, -y)] {
                            far[bin(y) * BINS + bin(x)] += weight;
                        }
                    }
                }
            }
        }
        let centre = |i: usize| (i as f64 - (BINS / 2) as f64) * BIN_M;
        // A displacement and its opposite are alike: half of them do.
        let half = far.iter().enumerate().map(|(i, count)| ([centre(i % BINS), centre(i / BINS)], *count));
        let far: Vec<([f64; 2], f64)> = half.filter(|([x, y], count)| *count > 0.0 && (*y > 0.0 || (*y == 0.0 && *x > 0.0))).collect();
        let all_far: f64 = far.iter().map(|(_, count)| count).sum();
        let all_near: f64 = near.iter().sum();
        let distance = |i: usize| (i as f64 + 0.5) * of.sigma_x_m / NEAR_BINS as f64;
        // States paired with themselves are at no distance.
        let own = batches as f64 * (DRAWN * of.length) as f64;
        let share = |(i, count): (usize, &f64)| (distance(i), (count - if i == 0 { own } else { 0.0 }) / all_near);
        Self { far: far.into_iter().map(|(d, count)| (d, count / all_far)).collect(), near: near.iter().enumerate().map(share).collect() }
    }
}

/// A lattice's shape and direction: angle and ratio of its two shortest vectors, and the direction of the first, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    angle: f64,
    ratio: f64,
    direction: f64,
}

impl Shape {
    /// Whether the vectors are the two shortest.
    fn is_reduced(self) -> bool {
        2.0 * self.ratio * self.angle.to_radians().cos() <= 1.0 + 1e-9
    }
}

/// What a code is like but for its lattice.
#[derive(Clone, Copy)]
struct Code {
    sigma_g: f64,
    /// SD of a bump over the root of the cell's area.
    c: f64,
}

fn energy(of: &Displacements, shape: Shape, area: f64, code: Code) -> f64 {
    let angle = shape.angle.to_radians();
    let first = (area / (shape.ratio * angle.sin())).sqrt();
    let at = |length: f64, degrees: f64| [length * degrees.to_radians().cos(), length * degrees.to_radians().sin()];
    let (a, b) = (at(first, shape.direction), at(first * shape.ratio, shape.direction + shape.angle));
    let s = code.c * area.sqrt();
    // Points around a displacement's cell: bumps beyond are below exp(-20) for c up to 0.15.
    let sum = |d: [f64; 2]| {
        let (m, n) = (((d[0] * b[1] - d[1] * b[0]) / area).round(), ((a[0] * d[1] - a[1] * d[0]) / area).round());
        let mut total = 0.0;
        for i in -1_i8..=1 {
            for j in -1_i8..=1 {
                let (m, n) = (m + f64::from(i), n + f64::from(j));
                let (x, y) = (d[0] - m * a[0] - n * b[0], d[1] - m * a[1] - n * b[1]);
                total += (-(x * x + y * y) / (4.0 * s * s)).exp();
            }
        }
        total
    };
    let one = sum([0.0, 0.0]);
    let separation: f64 = of.far.iter().map(|&(d, share)| share * (-(1.0 - sum(d) / one) / (code.sigma_g * code.sigma_g)).exp()).sum();
    // Near pairs are within one bump, which is round.
    let invariance: f64 = of.near.iter().map(|&(distance, share)| share * (2.0 - 2.0 * sum([distance, 0.0]) / one)).sum();
    separation + LAMBDA_INV * invariance
}

/// The least energy over the lattice's scale, and the period (m) of the hexagonal lattice with that cell's area.
fn least(of: &Displacements, shape: Shape, code: Code) -> (f64, f64) {
    let (mut low, mut high) = (0.15_f64.ln(), 4.0_f64.ln());
    let section = (5.0_f64.sqrt() - 1.0) / 2.0;
    let at = |log: f64| energy(of, shape, log.exp(), code);
    let (mut p, mut q) = (high - section * (high - low), low + section * (high - low));
    let (mut at_p, mut at_q) = (at(p), at(q));
    while high - low > 0.02 {
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

fn square(direction: f64) -> Shape {
    Shape { angle: 90.0, ratio: 1.0, direction }
}

/// The regular hexagon in its best of several directions.
fn hexagon(of: &Displacements, code: Code) -> (f64, f64) {
    let all = (0..4).map(|i| least(of, Shape { angle: 60.0, ratio: 1.0, direction: 7.5 * f64::from(i) }, code));
    all.min_by(|p, q| p.0.total_cmp(&q.0)).expect("a direction")
}

/// Mean and standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

/// Energies of square lattices along the sides and the diagonals above the regular hexagon's, over independent draws of batches.
fn squares(of: Batches, velocities: (VelocityDistribution, f64), code: Code, batches: usize, seeds: u64) -> [(f64, f64); 2] {
    let each: Vec<[f64; 2]> = (0..seeds)
        .into_par_iter()
        .map(|seed| {
            let drawn = Displacements::draw(of, velocities, batches, seed);
            let hexagon = hexagon(&drawn, code).0;
            [0.0, 45.0].map(|direction| least(&drawn, square(direction), code).0 - hexagon)
        })
        .collect();
    [0, 1].map(|i| mean(&each.iter().map(|one| one[i]).collect::<Vec<f64>>()))
}

#[test]
fn hexagons_are_better_than_squares_and_less_so_along_the_sides_of_a_square_of_velocities() {
    let code = Code { sigma_g: 0.5, c: 0.11 };
    let [along, across] = squares(FIRST, SQUARE, code, 1_500, 8);
    let [one, other] = squares(FIRST, DISC, code, 1_500, 8);
    // Four standard errors: one honest test in some 10,000 fails.
    let clear = |difference: f64, errors: [f64; 2]| difference > 4.0 * errors[0].hypot(errors[1]);
    for (mean, error) in [along, across, one, other] {
        assert!(clear(mean, [error, 0.0]), "{mean} ± {error}");
    }
    assert!(clear(across.0 - along.0, [across.1, along.1]), "{along:?} {across:?}");
    assert!(!clear((one.0 - other.0).abs(), [one.1, other.1]), "{one:?} {other:?}");
}

#[test]
fn the_best_lattice_under_a_disc_is_the_regular_hexagon() {
    let code = Code { sigma_g: 0.5, c: 0.08 };
    let drawn = Displacements::draw(LAST, DISC, 2000, 1);
    let regular = hexagon(&drawn, code).0;
    for angle in [64.0, 70.0, 80.0, 90.0] {
        for ratio in [1.0, 1.1] {
            let shape = Shape { angle, ratio, direction: 20.0 };
            assert!(!shape.is_reduced() || least(&drawn, shape, code).0 > regular, "{shape:?}");
        }
    }
}

#[test]
fn the_table_of_recipes_is_measured() {
    if std::env::var_os("GRIDLAKE_BLESS").is_none() {
        return;
    }
    let mut rows = String::new();
    for of in [FIRST, LAST, LONG] {
        for (name, velocities) in [("square, 0.15 m", SQUARE), ("disc, 0.173 m", DISC)] {
            for c in [0.08, 0.11] {
                let code = Code { sigma_g: 0.5, c };
                let (energy, period) = hexagon(&Displacements::draw(of, velocities, 3_000, 100), code);
                let told = squares(of, velocities, code, 3_000, 8).map(|(mean, error)| format!("{:.2} ± {:.2}", 1e4 * mean, 1e4 * error));
                writeln!(
                    rows,
                    "| {name} | {} | {} | {} | {c} | {period:.2} | {energy:.4} | {} | {} |",
                    of.length, of.batch, of.sigma_x_m, told[0], told[1]
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
