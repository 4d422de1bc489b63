//! Ratemaps: a unit's mean activity per spatial bin.
//!
//! `rate(bin) = Σ activity in the bin / visits of the bin`. Unvisited bins are NaN, never zero.

use gridlake_space::bins::Bins;
use ndarray::{Array2, Array3, ArrayView2};
use std::ops::Range;

/// Adds up activity per bin.
///
/// Every sum runs in the order of [`Accumulator::add`], so the same calls give the same bits.
#[derive(Debug, Clone)]
pub struct Accumulator {
    bins: Bins,
    units: usize,
    visits: Vec<u32>,
    /// `bin * units + unit`, so that one moment touches one stretch of memory.
    sums: Vec<f64>,
}

/// The maps of all units of one arena.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratemaps {
    /// The bins, `ny` rows (y) by `nx` columns (x).
    pub bins: Bins,
    /// Visits per bin, `(row, column)`.
    pub occupancy: Array2<u32>,
    /// Mean rate, `(unit, row, column)`; NaN = unvisited.
    pub rates: Array3<f64>,
}

/// Maps that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatemapError {
    /// The arrays' shapes disagree with the bins.
    #[error("{what} has shape {found:?}, but the bins are {rows} rows by {cols} columns; bin all arrays with the same `Bins`")]
    Shape {
        /// Which array.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// Rows of the bins.
        rows: usize,
        /// Columns of the bins.
        cols: usize,
    },
}

impl Accumulator {
    /// An empty accumulator for `units` units.
    pub fn new(bins: Bins, units: usize) -> Self {
        let count = bins.nx * bins.ny;
        Self { bins, units, visits: vec![0; count], sums: vec![0.0; count * units] }
    }

    /// Adds one moment: the position in metres and every unit's activity. Positions outside the arena are not binned.
    ///
    /// # Panics
    /// Where `activity` does not hold one value per unit.
    pub fn add(&mut self, x_m: f64, y_m: f64, activity: &[f32]) {
        assert_eq!(activity.len(), self.units, "one activity per unit");
        let Some(bin) = self.bins.index(x_m, y_m) else { return };
        self.visits[bin] = self.visits[bin].saturating_add(1);
        let sums = &mut self.sums[bin * self.units..(bin + 1) * self.units];
        for (sum, &value) in sums.iter_mut().zip(activity) {
            *sum += f64::from(value);
        }
    }

    /// Adds what another accumulator of the same bins and units holds. Merge in a fixed order for fixed bits.
    ///
    /// # Panics
    /// Where bins or units differ.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!((self.bins.nx, self.bins.ny, self.units), (other.bins.nx, other.bins.ny, other.units), "same bins and units");
        for (visits, more) in self.visits.iter_mut().zip(&other.visits) {
            *visits = visits.saturating_add(*more);
        }
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
    }

    /// What is left of it without a part of it.
    ///
    /// # Panics
    /// Where bins or units differ, or `part` has visits that it has not.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        assert_eq!((self.bins.nx, self.bins.ny, self.units), (part.bins.nx, part.bins.ny, part.units), "same bins and units");
        let visits = self.visits.iter().zip(&part.visits).map(|(all, some)| all - some).collect();
        let sums = self.sums.iter().zip(&part.sums).map(|(all, some)| all - some).collect();
        Self { bins: self.bins.clone(), units: self.units, visits, sums }
    }

    /// Puts in a bin (`row * nx + column`) what another accumulator had there.
    ///
    /// # Panics
    /// Where there is no such bin, or `sums` does not hold one value per unit.
    pub fn restore(&mut self, bin: usize, visits: u32, sums: &[f64]) {
        assert_eq!(sums.len(), self.units, "one sum per unit");
        self.visits[bin] = visits;
        self.sums[bin * self.units..(bin + 1) * self.units].copy_from_slice(sums);
    }

    /// The bins.
    pub fn bins(&self) -> &Bins {
        &self.bins
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Visits per bin (`row * nx + column`).
    pub fn visits(&self) -> &[u32] {
        &self.visits
    }

    /// Activity added up, bin after bin, in each all units.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// The maps of some units: sums over visits, NaN where never visited.
    ///
    /// # Panics
    /// Where there are fewer units.
    pub fn maps(&self, units: Range<usize>) -> Ratemaps {
        assert!(units.end <= self.units, "units {units:?} of {}", self.units);
        let (rows, cols) = (self.bins.ny, self.bins.nx);
        let rates = Array3::from_shape_fn((units.len(), rows, cols), |(unit, row, col)| {
            let bin = row * cols + col;
            if self.visits[bin] == 0 { f64::NAN } else { self.sums[bin * self.units + units.start + unit] / f64::from(self.visits[bin]) }
        });
        let occupancy = Array2::from_shape_fn((rows, cols), |(row, col)| self.visits[row * cols + col]);
        Ratemaps { bins: self.bins.clone(), occupancy, rates }
    }

    /// The maps of all units.
    pub fn finish(self) -> Ratemaps {
        self.maps(0..self.units)
    }
}

impl Ratemaps {
    /// Maps from arrays, for instance read from a table or sampled from synthetic cells.
    ///
    /// A bin with no visits becomes NaN in every map.
    ///
    /// # Errors
    /// [`RatemapError::Shape`] where the arrays do not have the bins' shape.
    pub fn from_maps(bins: Bins, occupancy: Array2<u32>, mut rates: Array3<f64>) -> Result<Self, RatemapError> {
        let shape = (bins.ny, bins.nx);
        let wrong = |what, found: &[usize]| RatemapError::Shape { what, found: found.to_vec(), rows: shape.0, cols: shape.1 };
        if occupancy.dim() != shape {
            return Err(wrong("occupancy", occupancy.shape()));
        }
        if (rates.dim().1, rates.dim().2) != shape {
            return Err(wrong("rates", rates.shape()));
        }
        for mut map in rates.outer_iter_mut() {
            map.zip_mut_with(&occupancy, |rate, &visits| {
                if visits == 0 {
                    *rate = f64::NAN;
                }
            });
        }
        Ok(Self { bins, occupancy, rates })
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.rates.dim().0
    }

    /// One unit's map, `(row, column)`.
    pub fn map(&self, unit: usize) -> ArrayView2<'_, f64> {
        self.rates.index_axis(ndarray::Axis(0), unit)
    }

    /// Bins with at least one visit.
    pub fn visited(&self) -> Array2<bool> {
        self.occupancy.mapv(|visits| visits > 0)
    }

    /// Largest rate over visited bins; NaN where no bin has a rate.
    pub fn peak_rate(&self, unit: usize) -> f64 {
        self.map(unit).iter().copied().fold(f64::NAN, f64::max)
    }

    /// Mean of the rates over visited bins, each bin counted once; NaN where no bin has a rate.
    pub fn mean_rate(&self, unit: usize) -> f64 {
        let (sum, count) = self.map(unit).iter().filter(|rate| !rate.is_nan()).fold((0.0, 0_usize), |(sum, n), rate| (sum + rate, n + 1));
        if count == 0 { f64::NAN } else { sum / count as f64 }
    }

    /// The maps smoothed by a Gaussian of standard deviation `sigma_m` metres, cut at three of them.
    ///
    /// Activity and occupancy are smoothed *separately* and then divided, so unvisited bins lend nothing to their neighbours;
    /// the visited mask stays as it is. `sigma_m` of zero or less returns the maps unchanged.
    #[must_use]
    pub fn smoothed(&self, sigma_m: f64) -> Self {
        if sigma_m.is_nan() || sigma_m <= 0.0 {
            return self.clone();
        }
        let visits = self.occupancy.mapv(f64::from);
        let kernel_x = gaussian(sigma_m, self.bins.arena.width_m / self.bins.nx as f64, self.bins.nx);
        let kernel_y = gaussian(sigma_m, self.bins.arena.height_m / self.bins.ny as f64, self.bins.ny);
        let below = blur(&visits, &kernel_x, &kernel_y);
        let mut rates = self.rates.clone();
        for mut map in rates.outer_iter_mut() {
            let mut sums = map.to_owned();
            sums.zip_mut_with(&visits, |rate, &n| *rate = if n > 0.0 { *rate * n } else { 0.0 });
            let above = blur(&sums, &kernel_x, &kernel_y);
            for ((rate, &n), (&up, &down)) in map.iter_mut().zip(&visits).zip(above.iter().zip(&below)) {
                *rate = if n > 0.0 { up / down } else { f64::NAN };
            }
        }
        Self { bins: self.bins.clone(), occupancy: self.occupancy.clone(), rates }
    }
}

/// Half of a Gaussian kernel (index = distance in bins), cut at three standard deviations and at the map's size.
fn gaussian(sigma_m: f64, bin_m: f64, bins: usize) -> Vec<f64> {
    let reach = ((3.0 * sigma_m / bin_m).ceil() as usize).min(bins.saturating_sub(1));
    (0..=reach).map(|i| (-0.5 * (i as f64 * bin_m / sigma_m).powi(2)).exp()).collect()
}

fn blur(map: &Array2<f64>, kernel_x: &[f64], kernel_y: &[f64]) -> Array2<f64> {
    let (rows, cols) = map.dim();
    let along_x = Array2::from_shape_fn((rows, cols), |(row, col)| {
        let from = (col + 1).saturating_sub(kernel_x.len());
        (from..(col + kernel_x.len()).min(cols)).map(|other| kernel_x[col.abs_diff(other)] * map[[row, other]]).sum::<f64>()
    });
    Array2::from_shape_fn((rows, cols), |(row, col)| {
        let from = (row + 1).saturating_sub(kernel_y.len());
        (from..(row + kernel_y.len()).min(rows)).map(|other| kernel_y[row.abs_diff(other)] * along_x[[other, col]]).sum::<f64>()
    })
}
