//! Two angles on the torus, from its two loops.
//!
//! 1. The cocycles of the two longest bars of dimension 1, in whole numbers (`lift`), at a scale where both live: [`SHARE`] of the way from the later birth to the earlier death.
//!    Gardner et al. (2022) go 99 % of the way; half of it keeps to shorter edges, along which the torus is flatter.
//! 2. The smoothest cocycle of each class, and the angle it belongs to (`super::harmonic`).
//! 3. The basis: two loops of a torus are two *of many*; homology returns any. With the inner products `Σ_edges h_a h_b` of the smoothest cocycles, lattice reduction
//!    ([`super::lattice_reduction`]) finds the two combinations with whole numbers that change least along edges. Angle and ratio of these two tell the torus's own shape: 60° and 1 for the
//!    twisted (hexagonal) torus, 90° and 1 for the square one, however the homology's loops wind.
//! 4. All moments: `e^{iθ}` as an affine function of the principal components, fitted to the landmarks by least squares, and the angle of what it gives. Gardner et al. (2022) decode by
//!    the sum of units' activity weighted with the landmarks' mean `e^{iθ}`; least squares is the same without the error of uneven phases, and of an ideal module exact, because its
//!    principal components are `cos` and `sin` of the lattice's waves.

use super::harmonic::Graph;
use super::lattice_reduction::{Gram, Reduced, reduce};
use super::lift::lift;
use crate::homology::{Cocycle, DistanceMatrix};
use crate::linear::{dot, gram, solve_symmetric};
use ndarray::{Array2, ArrayView2};
use std::f64::consts::TAU;

/// Where between the later birth (0) and the earlier death (1) of two loops their angles are made.
pub const SHARE: f64 = 0.5;
/// Relative ridge of the decoder's normal equations.
const RIDGE: f64 = 1e-9;

/// Two angles on the torus.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    /// The scale of the complex that they come from, in the cloud's unit.
    pub scale: f64,
    /// Landmarks × 2: θ₁, θ₂ in [0, 2π), in the cloud's order; NaN for those that are not connected at that scale.
    pub landmarks_rad: Array2<f64>,
    /// Moments × 2: θ₁, θ₂ in [0, 2π) of all moments of the sample.
    pub moments_rad: Array2<f64>,
    /// Length of the longer of the two mean steps along edges over that of the shorter, at least 1: the torus's own shape.
    pub ratio: f64,
    /// Acute angle between the two directions of change, rad: π/3 for the twisted torus, π/2 for the square one.
    pub angle_rad: f64,
    /// Mean square of the landmarks' `e^{iθ}` that the principal components explain, for θ₁ and θ₂ (1: exact).
    pub decoded: [f64; 2],
}

/// Angles of the landmarks, and the basis.
pub(super) struct Angles {
    pub(super) scale: f64,
    pub(super) landmarks_rad: Array2<f64>,
    pub(super) basis: Reduced,
}

/// The angles of landmarks with these distances, from the cocycles of two loops.
///
/// # Errors
/// Why there are none.
pub(super) fn angles(cocycles: &[Cocycle], distances: &DistanceMatrix, threshold: f64, share: f64) -> Result<Angles, String> {
    let [first, second] = cocycles else {
        return Err(format!("coordinates come from two loops, there are {}", cocycles.len()));
    };
    let born = first.bar.birth.max(second.bar.birth);
    let dead = first.bar.death.min(second.bar.death).min(threshold);
    if born >= dead {
        return Err(format!("the two longest loops do not live together: one is born at {born:.3}, the other is dead at {dead:.3}"));
    }
    let scale = born + share * (dead - born);
    let graph = Graph::within(distances, scale);
    let mut turns = Vec::new();
    let mut steps = Vec::new();
    for cocycle in [first, second] {
        let z = lift(cocycle, distances, scale)?;
        let values: Vec<f64> = graph.edges().iter().map(|&(i, j)| f64::from(z.get(i, j))).collect();
        let f = graph.potential(&values).ok_or("the least squares of a loop's angle did not converge")?;
        steps.push(graph.edges().iter().zip(&values).map(|(&(i, j), z)| z - (f[j] - f[i])).collect::<Vec<f64>>());
        turns.push(f);
    }
    let products = gram(&steps);
    let products: Gram = [[products[0], products[1]], [products[2], products[3]]];
    let basis = reduce(products).ok_or("the two longest loops are one and the same in whole numbers")?;
    let landmarks_rad = Array2::from_shape_fn((distances.points(), 2), |(point, axis)| {
        let [m, n] = basis.change[axis].map(|x| x as f64);
        if graph.holds(point) { TAU * (m * turns[0][point] + n * turns[1][point]).rem_euclid(1.0) } else { f64::NAN }
    });
    Ok(Angles { scale, landmarks_rad: landmarks_rad.mapv(|angle| if angle >= TAU { 0.0 } else { angle }), basis })
}

/// Angles of all moments and the share of the landmarks' `e^{iθ}` explained, from moments' `scores` (moments × components) and which of them are the `landmarks`.
///
/// # Errors
/// Why there are none.
pub(super) fn decode(
    scores: ArrayView2<'_, f64>,
    landmarks: &[usize],
    landmarks_rad: ArrayView2<'_, f64>,
) -> Result<(Array2<f64>, [f64; 2]), String> {
    let known: Vec<usize> = (0..landmarks.len()).filter(|&place| landmarks_rad.row(place).iter().all(|angle| angle.is_finite())).collect();
    let mut columns: Vec<Vec<f64>> =
        scores.columns().into_iter().map(|column| known.iter().map(|&place| column[landmarks[place]]).collect()).collect();
    columns.push(vec![1.0; known.len()]);
    let products = gram(&columns);
    let fit = |target: &[f64]| {
        let right: Vec<f64> = columns.iter().map(|column| dot(column, target)).collect();
        solve_symmetric(&products, &right, RIDGE).map(|weights| (dot(&weights, &right), weights))
    };
    let mut moments_rad = Array2::zeros((scores.nrows(), 2));
    let mut decoded = [0.0; 2];
    for axis in 0..2 {
        let of = |part: fn(f64) -> f64| known.iter().map(|&place| part(landmarks_rad[(place, axis)])).collect::<Vec<f64>>();
        let fits = (fit(&of(f64::cos)), fit(&of(f64::sin)));
        let (Some((explained_cos, cos)), Some((explained_sin, sin))) = fits else {
            return Err(format!("{} landmarks do not determine a decoder of {} components", known.len(), scores.ncols()));
        };
        decoded[axis] = (explained_cos + explained_sin) / known.len() as f64;
        for (row, angle) in scores.rows().into_iter().zip(moments_rad.column_mut(axis)) {
            let value = |weights: &[f64]| row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() + weights[row.len()];
            *angle = turn(value(&sin).atan2(value(&cos)));
        }
    }
    Ok((moments_rad, decoded))
}

/// An angle in [0, 2π).
pub(super) fn turn(angle: f64) -> f64 {
    let angle = angle.rem_euclid(TAU);
    if angle >= TAU { 0.0 } else { angle }
}
