//! Wall tuning: how much of a map's variance the distance to a straight wall explains.
//!
//! ```text
//! η² = Σ_l n_l (m_l - m)² / Σ_b (r_b - m)²        0 … 1, the larger of the two directions
//! ```
//!
//! over lines `l` of `n_l` visited bins with mean rate `m_l`, all of which are equally far from a wall: rows for walls along x, columns for walls along y (the correlation
//! ratio of a rate on its line; `m` is the mean over visited bins). A cell whose rate falls off from a wall, whichever of the two and however fast, has 1; noise of `n` lines has
//! about `1/n`, and more the smoother it is: it says little without its null.
//!
//! The border score asks how much of a wall one field covers, and of a narrow field in an oblong box noise of the same rates covers a short wall as well. What
//! such noise does not have is a field that is as strong at every place along the wall. On the other hand this is blind to where along its direction the rates are, so a
//! band through the middle has it as well: a border cell needs both, see [`crate::classes`].
//!
//! **In a circle** no two lines along the wall are alike, and it is undefined.

use super::{ROUNDING, Undefined};
use crate::simd::{Kernel, widest};
use gridlake_space::arena::{Arena, ArenaShape};
use ndarray::{Array2, ArrayView2, Axis};

/// The wall tuning of one map of this arena; see the module. NaN bins are unvisited. O(bins).
///
/// # Errors
/// [`Undefined::RoundWall`], [`Undefined::NothingVisited`], [`Undefined::NotFinite`], or [`Undefined::Constant`].
pub fn wall_tuning(map: ArrayView2<'_, f64>, arena: &Arena) -> Result<f64, Undefined> {
    if arena.shape == ArenaShape::Circle {
        return Err(Undefined::RoundWall);
    }
    let visited = || map.iter().filter(|rate| !rate.is_nan());
    let count = visited().count();
    if count == 0 {
        return Err(Undefined::NothingVisited);
    }
    if visited().any(|rate| rate.is_infinite()) {
        return Err(Undefined::NotFinite);
    }
    // Of the largest rate, so that squares of very large or small ones are numbers.
    let largest = visited().fold(0.0, |largest: f64, rate| largest.max(rate.abs()));
    let mean = visited().map(|rate| rate / largest).sum::<f64>() / count as f64;
    let variance: f64 = visited().map(|rate| (rate / largest - mean).powi(2)).sum();
    // A map of zeros has no largest rate, and its variance is not a number.
    if variance.is_nan() || variance <= count as f64 * ROUNDING {
        return Err(Undefined::Constant);
    }
    let between = |axis: usize| {
        let lines = map.axis_iter(Axis(axis)).map(|line| {
            let seen = || line.iter().filter(|rate| !rate.is_nan());
            let sum: f64 = seen().map(|rate| rate / largest - mean).sum();
            sum * sum / seen().count().max(1) as f64
        });
        lines.sum::<f64>()
    };
    Ok((between(0).max(between(1)) / variance).min(1.0))
}

/// What maps of the same bins and visits share: the form for surrogates, in single precision. [`wall_tuning`] is the definition, and what this is tested against.
#[derive(Clone)]
pub(crate) struct WallPlan {
    visited: Vec<bool>,
    cols: usize,
    /// One over the visited bins of each row, and of each column.
    rows_share: Vec<f32>,
    cols_share: Vec<f32>,
    count: f32,
    round: bool,
}

impl WallPlan {
    pub(crate) fn new(visited: &Array2<bool>, arena: &Arena) -> Self {
        let share = |axis: usize| {
            visited.axis_iter(Axis(axis)).map(|line| 1.0 / line.iter().filter(|seen| **seen).count().max(1) as f32).collect::<Vec<f32>>()
        };
        Self {
            visited: visited.iter().copied().collect(),
            cols: visited.ncols(),
            rows_share: share(0),
            cols_share: share(1),
            count: visited.iter().filter(|seen| **seen).count() as f32,
            round: arena.shape == ArenaShape::Circle,
        }
    }

    /// The wall tuning of a flat map `z` (row-major) of mean 0 and variance 1 over visited bins; unvisited ones may hold anything. NaN where undefined.
    pub(crate) fn score(&self, z: &[f32], sums: &mut Vec<f32>) -> f64 {
        if self.round || self.count == 0.0 {
            return f64::NAN;
        }
        sums.clear();
        sums.resize(self.cols, 0.0);
        widest(Between { plan: self, z, sums })
    }
}

/// The larger variance between lines over the variance between bins.
struct Between<'a> {
    plan: &'a WallPlan,
    z: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for Between<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let Self { plan, z, sums } = self;
        let (mut of_rows, mut of_cols) = (0.0_f32, 0.0_f32);
        let lines = z.chunks_exact(plan.cols.max(1)).zip(plan.visited.chunks_exact(plan.cols.max(1)));
        for ((line, seen), share) in lines.zip(&plan.rows_share) {
            let mut row = [0.0_f32; 8];
            for ((place, (&z, &seen)), sum) in line.iter().zip(seen).enumerate().zip(sums.iter_mut()) {
                let value = if seen { z } else { 0.0 };
                *sum += value;
                row[place % 8] += value;
            }
            let row: f32 = row.into_iter().sum();
            of_rows += row * row * share;
        }
        for (sum, share) in sums.iter().zip(&plan.cols_share) {
            of_cols += sum * sum * share;
        }
        f64::from((of_rows.max(of_cols) / plan.count).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;
    use proptest::prelude::*;

    /// Both forms.
    fn both(map: &Array2<f64>, arena: &Arena) -> (Result<f64, Undefined>, f64) {
        let seen: Vec<f64> = map.iter().copied().filter(|rate| !rate.is_nan()).collect();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        let deviation = (seen.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / seen.len() as f64).sqrt();
        let z: Vec<f32> = map.iter().map(|rate| ((rate - mean) / deviation) as f32).collect();
        let plan = WallPlan::new(&map.mapv(|rate| !rate.is_nan()), arena);
        // What was left by another map does not matter.
        (wall_tuning(map.view(), arena), plan.score(&z, &mut vec![7.0; 3]))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]
        #[test]
        fn the_fast_form_is_the_definition(nx in 2_usize..40, ny in 2_usize..40, hole in 0.0_f64..0.6, grain in 0.001_f64..1.0, seed in any::<u64>()) {
            let mut stream = Seed(seed).stream("wall", 0);
            let map = Array2::from_shape_fn((ny, nx), |(row, col)| {
                let rate = (-(row as f64) / 3.0).exp() + 0.2 * col as f64 / nx as f64 + grain * stream.uniform();
                if stream.uniform() < hole { f64::NAN } else { 1e3 * rate }
            });
            if let (Ok(slow), fast) = both(&map, &Arena::rectangle(1.2, 0.8)) {
                prop_assert!((slow - fast).abs() < 1e-5, "{slow} and {fast}");
            }
        }
    }

    #[test]
    fn a_rate_of_the_distance_to_a_wall_has_all_of_it() {
        let arena = Arena::rectangle(1.2, 0.8);
        let of = |rate: &dyn Fn(f64, f64) -> f64| {
            let map = Array2::from_shape_fn((20, 30), |(row, col)| rate((col as f64 + 0.5) / 30.0, (row as f64 + 0.5) / 20.0));
            let (slow, fast) = both(&map, &arena);
            assert!((slow.unwrap() - fast).abs() < 1e-5, "{slow:?} and {fast}");
            slow.unwrap()
        };
        assert!((of(&|x, _| (-x / 0.1).exp()) - 1.0).abs() < 1e-12);
        assert!((of(&|_, y| 3.0 - (y - 0.4).abs()) - 1.0).abs() < 1e-12);
        // Two walls alike: half of it each.
        assert!((of(&|x, y| (std::f64::consts::TAU * x).cos() + (std::f64::consts::TAU * y).cos()) - 0.5).abs() < 1e-12);
        // At any scale and height.
        let tuned = of(&|x, y| x * (1.0 + y));
        for (scale, floor) in [(1e150, 0.0), (1e-150, 0.0), (1.0, 1e3)] {
            assert!((of(&|x, y| scale * x * (1.0 + y) + floor) - tuned).abs() < 1e-6);
        }
        // A waste of bins that were never visited changes nothing where the rate is one of the distance alone.
        let map = Array2::from_shape_fn((20, 30), |(row, col)| if row + col < 18 { f64::NAN } else { (col as f64).sqrt() });
        let (slow, fast) = both(&map, &arena);
        assert!((slow.unwrap() - 1.0).abs() < 1e-12 && (fast - 1.0).abs() < 1e-5);
    }

    #[test]
    fn noise_has_about_one_over_the_lines() {
        let mut stream = Seed(3).stream("wall", 1);
        let maps = 400;
        let sum: f64 = (0..maps)
            .map(|_| {
                let map = Array2::from_shape_fn((20, 200), |_| stream.normal());
                // The rows of 200 bins have 19 degrees of freedom of 3,999, the columns of 20 have 199: the larger is told.
                wall_tuning(map.view(), &Arena::rectangle(2.0, 0.2)).unwrap()
            })
            .sum();
        // The mean of a beta distribution is 199/3999, and its standard deviation here 0.0049.
        assert!((sum / f64::from(maps) - 199.0 / 3999.0).abs() < 4.0 * 0.0049 / f64::from(maps).sqrt(), "{sum}");
    }

    #[test]
    fn what_has_none_says_why() {
        let arena = Arena::square(1.0);
        let all = |value: f64| Array2::from_elem((6, 6), value);
        for (map, arena, why) in [
            (all(1.0), Arena::circle(1.0), Undefined::RoundWall),
            (all(f64::NAN), arena, Undefined::NothingVisited),
            (Array2::zeros((0, 0)), arena, Undefined::NothingVisited),
            (all(f64::INFINITY), arena, Undefined::NotFinite),
            (all(0.0), arena, Undefined::Constant),
            (all(0.3), arena, Undefined::Constant),
        ] {
            assert_eq!(wall_tuning(map.view(), &arena), Err(why));
        }
        assert!(WallPlan::new(&Array2::from_elem((6, 6), true), &Arena::circle(1.0)).score(&[1.0; 36], &mut Vec::new()).is_nan());
        assert!(WallPlan::new(&Array2::from_elem((6, 6), false), &arena).score(&[1.0; 36], &mut Vec::new()).is_nan());
    }
}
