//! Coarser maps: rates averaged over occupancy, with bins shared out by the area that overlaps.

use crate::simd::{Kernel, widest};
use ndarray::Array2;

/// From `rows x cols` bins to at most `target` along the longer side; the mask of the result comes from the occupancy.
#[derive(Clone)]
pub(crate) struct Rebin {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    fine_cols: usize,
    along_y: Vec<Vec<(usize, f64)>>,
    along_x: Vec<Vec<(usize, f64)>>,
    visits: Vec<f64>,
    total: Vec<f64>,
}

impl Rebin {
    pub(crate) fn new(occupancy: &Array2<u32>, target: usize) -> Self {
        let (fine_rows, fine_cols) = occupancy.dim();
        let longer = fine_rows.max(fine_cols).max(1);
        let coarse = |fine: usize| if longer <= target { fine } else { (fine * target).div_ceil(longer) };
        let (rows, cols) = (coarse(fine_rows), coarse(fine_cols));
        let mut made = Self {
            rows,
            cols,
            fine_cols,
            along_y: shares(fine_rows, rows),
            along_x: shares(fine_cols, cols),
            visits: occupancy.iter().map(|&n| f64::from(n)).collect(),
            total: Vec::new(),
        };
        made.total = made.sum(&made.visits.clone());
        made
    }

    pub(crate) fn visited(&self) -> Array2<bool> {
        Array2::from_shape_fn((self.rows, self.cols), |(row, col)| self.total[row * self.cols + col] > 0.0)
    }

    /// The coarse map of a fine one; NaN where nothing was visited.
    pub(crate) fn apply(&self, fine: &[f64]) -> Vec<f64> {
        let weighted: Vec<f64> = fine.iter().zip(&self.visits).map(|(rate, &n)| if n > 0.0 { rate * n } else { 0.0 }).collect();
        self.sum(&weighted).iter().zip(&self.total).map(|(sum, &n)| if n > 0.0 { sum / n } else { f64::NAN }).collect()
    }

    /// As [`Self::apply`], of a map in single precision (summed in double), without allocating.
    pub(crate) fn apply_single<'w>(&self, fine: &[f32], workspace: &'w mut RebinWorkspace) -> &'w [f64] {
        workspace.flat.resize(self.fine_cols, 0.0);
        workspace.coarse.resize(self.rows * self.cols, 0.0);
        widest(ApplySingle { rebin: self, fine, workspace });
        &workspace.coarse
    }

    fn sum(&self, fine: &[f64]) -> Vec<f64> {
        let mut flat = vec![0.0; self.fine_cols];
        let mut out = vec![0.0; self.rows * self.cols];
        for (out, parts) in out.chunks_exact_mut(self.cols.max(1)).zip(&self.along_y) {
            flat.fill(0.0);
            for &(from, share) in parts {
                let line = &fine[from * self.fine_cols..][..self.fine_cols];
                flat.iter_mut().zip(line).for_each(|(sum, value)| *sum += share * value);
            }
            for (out, parts) in out.iter_mut().zip(&self.along_x) {
                *out = parts.iter().map(|&(from, share)| share * flat[from]).sum();
            }
        }
        out
    }
}

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct RebinWorkspace {
    flat: Vec<f64>,
    coarse: Vec<f64>,
}

struct ApplySingle<'a> {
    rebin: &'a Rebin,
    fine: &'a [f32],
    workspace: &'a mut RebinWorkspace,
}

impl Kernel for ApplySingle<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (rebin, cols) = (self.rebin, self.rebin.fine_cols);
        let RebinWorkspace { flat, coarse } = self.workspace;
        let totals = rebin.total.chunks_exact(rebin.cols.max(1));
        for ((out, totals), parts) in coarse.chunks_exact_mut(rebin.cols.max(1)).zip(totals).zip(&rebin.along_y) {
            flat.fill(0.0);
            for &(from, share) in parts {
                let (line, visits) = (&self.fine[from * cols..][..cols], &rebin.visits[from * cols..][..cols]);
                for ((sum, &rate), &visits) in flat.iter_mut().zip(line).zip(visits) {
                    let rate = f64::from(rate);
                    *sum += if visits > 0.0 { share * (rate * visits) } else { 0.0 };
                }
            }
            for ((out, &total), parts) in out.iter_mut().zip(totals).zip(&rebin.along_x) {
                let mut sum = 0.0;
                for &(from, share) in parts {
                    sum += share * flat[from];
                }
                *out = if total > 0.0 { sum / total } else { f64::NAN };
            }
        }
    }
}

/// For each of `coarse` bins, the fine bins under it and the share of each that it covers.
fn shares(fine: usize, coarse: usize) -> Vec<Vec<(usize, f64)>> {
    let ratio = fine as f64 / coarse.max(1) as f64;
    (0..coarse)
        .map(|bin| {
            let (from, to) = (bin as f64 * ratio, (bin + 1) as f64 * ratio);
            (from.floor() as usize..(to.ceil() as usize).min(fine))
                .map(|i| (i, (to.min((i + 1) as f64) - from.max(i as f64)).max(0.0)))
                .filter(|&(_, share)| share > 1e-12)
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_constant_and_sums_are_kept() {
        let occupancy = Array2::from_shape_fn((50, 50), |(row, col)| (row * 7 + col * 3) as u32 % 5);
        let rebin = Rebin::new(&occupancy, 20);
        assert_eq!((rebin.rows, rebin.cols), (20, 20));
        for rate in rebin.apply(&vec![3.5; 2500]) {
            assert!((rate - 3.5).abs() < 1e-12);
        }
        let visits: f64 = occupancy.iter().map(|&n| f64::from(n)).sum();
        assert!((rebin.total.iter().sum::<f64>() - visits).abs() < 1e-9);
    }

    #[test]
    fn single_precision_is_the_same_of_the_same_rates() {
        let occupancy = Array2::from_shape_fn((37, 50), |(row, col)| (row * 7 + col * 3) as u32 % 4);
        let rebin = Rebin::new(&occupancy, 20);
        let mut workspace = RebinWorkspace::default();
        for seed in 0..3_u32 {
            let fine: Vec<f32> = (0..37 * 50)
                .map(|i| if occupancy[[i / 50, i % 50]] == 0 { f32::NAN } else { (i as f32 * 1.7 + seed as f32).sin() })
                .collect();
            let double: Vec<f64> = fine.iter().map(|&rate| f64::from(rate)).collect();
            for (single, double) in rebin.apply_single(&fine, &mut workspace).iter().zip(rebin.apply(&double)) {
                assert!(single.to_bits() == double.to_bits() || (single.is_nan() && double.is_nan()), "{single} and {double}");
            }
        }
    }

    #[test]
    fn unvisited_coarse_bins_are_nan_and_small_maps_stay() {
        let mut occupancy = Array2::from_elem((40, 40), 1);
        occupancy.slice_mut(ndarray::s![0..2, 0..2]).fill(0);
        let coarse = Rebin::new(&occupancy, 20).apply(&vec![1.0; 1600]);
        assert!(coarse[0].is_nan() && coarse[1..].iter().all(|rate| (rate - 1.0).abs() < 1e-12));
        let small = Rebin::new(&Array2::from_elem((7, 9), 1), 20);
        let map: Vec<f64> = (0..63).map(f64::from).collect();
        assert_eq!(small.apply(&map), map);
    }

    #[test]
    fn rectangles_keep_their_aspect_and_a_circle_its_corners() {
        let rebin = Rebin::new(&Array2::from_elem((35, 50), 2), 20);
        assert_eq!((rebin.rows, rebin.cols), (14, 20));
        // A plane stays a plane, but for fine bins whose halves go to different coarse ones: 0.05 of a fine bin along each axis.
        let plane: Vec<f64> = (0..35 * 50_usize).map(|i| (i % 50) as f64 + 0.5 + 3.0 * ((i / 50) as f64 + 0.5)).collect();
        for (i, rate) in rebin.apply(&plane).into_iter().enumerate() {
            let expected = ((i % 20) as f64 + 0.5) * 2.5 + 3.0 * ((i / 20) as f64 + 0.5) * 2.5;
            assert!((rate - expected).abs() < 0.05 * 4.0 + 1e-9, "{i}: {rate} against {expected}");
        }
        let bins = gridlake_space::bins::Bins::square(gridlake_space::arena::Arena::circle(2.0), 50);
        let round = Array2::from_shape_fn((50, 50), |(row, col)| u32::from(bins.reachable(row * 50 + col)));
        let coarse = Rebin::new(&round, 20);
        let rates = coarse.apply(&vec![1.5; 2500]);
        assert!(rates[0].is_nan() && (rates[210] - 1.5).abs() < 1e-12);
        assert!(coarse.visited().iter().zip(&rates).all(|(seen, rate)| *seen != rate.is_nan()));
    }
}
