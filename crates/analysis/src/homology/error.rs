//! What can go wrong.

/// Why there is no homology.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HomologyError {
    /// A coordinate is NaN or infinite.
    #[error("coordinate {axis} of point {point} is {value}; coordinates must be finite: leave the point out")]
    Coordinate {
        /// Row of the points.
        point: usize,
        /// Column of the points.
        axis: usize,
        /// What it is.
        value: f64,
    },
    /// A matrix of distances has unequal sides.
    #[error("a matrix of distances is square, this one is {rows} × {columns}")]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A list of distances has the wrong length.
    #[error("{points} points have {expected} distances, {found} were given")]
    Length {
        /// Points.
        points: usize,
        /// n (n - 1) / 2.
        expected: usize,
        /// Distances given.
        found: usize,
    },
    /// A distance is negative or not finite.
    #[error("the distance of points {i} and {j} is {value}; distances must be finite and at least 0{}", if *.value == f64::INFINITY { ": give points that are not connected a distance above the threshold" } else { "" })]
    Distance {
        /// One point.
        i: usize,
        /// The other.
        j: usize,
        /// What it is.
        value: f64,
    },
    /// d(i, j) ≠ d(j, i), or d(i, i) ≠ 0.
    #[error("the distance from point {i} to {j} is {there} and back {back}; both must be the same, and 0 where they are one point")]
    Asymmetric {
        /// One point.
        i: usize,
        /// The other.
        j: usize,
        /// d(i, j).
        there: f64,
        /// d(j, i).
        back: f64,
    },
    /// The coefficients are no field.
    #[error("{0} is not a prime; coefficients are integers modulo a prime below 65536, 47 by default")]
    NotPrime(u16),
    /// A dimension that is not offered.
    #[error("homology is computed in dimensions 0 to {most}, {found} was asked for")]
    Dimension {
        /// What was asked for.
        found: usize,
        /// The highest.
        most: usize,
    },
    /// The threshold is NaN or negative.
    #[error("the threshold is {0}; it must be at least 0, or left out for the enclosing radius")]
    Threshold(f64),
    /// More points than are offered.
    #[error("homology is computed of up to {most} points, {points} were given: take fewer points")]
    TooManyPoints {
        /// Points.
        points: usize,
        /// The most.
        most: usize,
    },
    /// More memory than allowed.
    #[error(
        "homology of {points} points to dimension {dimension} needs {}about {} MiB, {} MiB are allowed: take fewer points, a threshold, or a higher limit",
        if *.begun { "more than estimated, " } else { "" }, .bytes.div_ceil(1 << 20), .limit_bytes >> 20
    )]
    Memory {
        /// Points.
        points: usize,
        /// Highest dimension.
        dimension: usize,
        /// Estimated before the start; while running: what is held and asked for.
        bytes: u64,
        /// The limit.
        limit_bytes: u64,
        /// Whether work had begun.
        begun: bool,
    },
    /// The caller's watch said stop.
    #[error("interrupted in dimension {dimension}")]
    Interrupted {
        /// Where.
        dimension: usize,
    },
}
