//! An autocorrelogram as a function of the lag in metres: radial means, smoothing, reading between bins.

use gridlake_space::bins::Bins;
use ndarray::{Array2, ArrayView2};

/// A lag (x, y) in metres.
pub(super) type Lag = [f64; 2];

pub(super) struct Lags {
    pub(super) r: Array2<f64>,
    /// Bin sides along (x, y), m.
    pub(super) step: [f64; 2],
    /// Columns and rows from the zero lag to the last.
    reach: [isize; 2],
    /// The arena's sides, m.
    sides: [f64; 2],
}

impl Lags {
    /// `None` where the shape is not that of these bins' autocorrelogram.
    pub(super) fn new(autocorrelogram: ArrayView2<'_, f64>, bins: &Bins) -> Option<Self> {
        let (width, height) = bins.bin_m();
        let fits = autocorrelogram.dim() == (2 * bins.ny - 1, 2 * bins.nx - 1);
        fits.then(|| Self {
            r: autocorrelogram.to_owned(),
            step: [width, height],
            reach: [bins.nx as isize - 1, bins.ny as isize - 1],
            sides: [bins.arena.width_m, bins.arena.height_m],
        })
    }

    /// The longer side of a bin, m: radii below it are not resolved.
    pub(super) fn coarse_m(&self) -> f64 {
        self.step[0].max(self.step[1])
    }

    pub(super) fn shorter_side_m(&self) -> f64 {
        self.sides[0].min(self.sides[1])
    }

    /// The longest lag that can be, m: the arena's diagonal.
    pub(super) fn diagonal_m(&self) -> f64 {
        self.sides[0].hypot(self.sides[1])
    }

    /// The value at whole bins from the zero lag; NaN outside.
    pub(super) fn at(&self, x: isize, y: isize) -> f64 {
        let (col, row) = (x + self.reach[0], y + self.reach[1]);
        if col < 0 || row < 0 { f64::NAN } else { self.r.get([row as usize, col as usize]).copied().unwrap_or(f64::NAN) }
    }

    /// Mean of the four lags beside the zero lag, which noise of the map's bins does not lift; NaN where one is undefined.
    pub(super) fn beside_zero(&self) -> f64 {
        (self.at(1, 0) + self.at(-1, 0) + self.at(0, 1) + self.at(0, -1)) / 4.0
    }

    /// All lags, as whole bins (x, y) from the zero lag.
    pub(super) fn all(&self) -> impl Iterator<Item = [isize; 2]> + use<> {
        let [rx, ry] = self.reach;
        (-ry..=ry).flat_map(move |y| (-rx..=rx).map(move |x| [x, y]))
    }

    pub(super) fn metres(&self, [x, y]: [isize; 2]) -> Lag {
        [x as f64 * self.step[0], y as f64 * self.step[1]]
    }

    /// Between bins, linearly; NaN where one of the four is undefined.
    pub(super) fn between(&self, lag: Lag) -> f64 {
        let [u, v] = [lag[0] / self.step[0], lag[1] / self.step[1]];
        if !(u.abs() <= self.reach[0] as f64 && v.abs() <= self.reach[1] as f64) {
            return f64::NAN;
        }
        let (x, y) = (u.floor() as isize, v.floor() as isize);
        let (right, up) = (u - x as f64, v - y as f64);
        // A neighbour of no weight may be undefined.
        let part = |x, y, weight: f64| if weight == 0.0 { 0.0 } else { weight * self.at(x, y) };
        part(x, y, (1.0 - right) * (1.0 - up))
            + part(x + 1, y, right * (1.0 - up))
            + part(x, y + 1, (1.0 - right) * up)
            + part(x + 1, y + 1, right * up)
    }

    /// Share of the arena's bounding box that still overlaps itself at this lag.
    pub(super) fn overlap(&self, lag: Lag) -> f64 {
        (1.0 - lag[0].abs() / self.sides[0]).max(0.0) * (1.0 - lag[1].abs() / self.sides[1]).max(0.0)
    }

    /// Radius in metres at which the mean over all directions first falls to zero: the central peak's. `None` where it never does; `Some(Err)` where it
    /// does within one bin.
    pub(super) fn central_radius_m(&self) -> Option<Result<f64, ()>> {
        let unit = self.coarse_m();
        let mut rings: Vec<(f64, f64)> = Vec::new();
        for lag in self.all() {
            let value = self.at(lag[0], lag[1]);
            if !value.is_nan() {
                let [x, y] = self.metres(lag);
                let ring = (x.hypot(y) / unit).round() as usize;
                rings.resize(rings.len().max(ring + 1), (0.0, 0.0));
                rings[ring].0 += value;
                rings[ring].1 += 1.0;
            }
        }
        let means: Vec<f64> = rings.iter().map(|(sum, count)| sum / count).collect();
        let ring = means.iter().position(|mean| *mean <= 0.0)?;
        if ring <= 1 {
            return Some(Err(()));
        }
        Some(Ok(unit * (ring as f64 - means[ring] / (means[ring] - means[ring - 1]))))
    }

    /// Smoothed by a Gaussian of this standard deviation over the defined lags, except the zero lag, which the map's noise lifts to 1.
    pub(super) fn smoothed(&self, sigma_m: f64) -> Self {
        let mut weight = self.r.mapv(|value| if value.is_nan() { 0.0 } else { 1.0 });
        weight[[self.reach[1] as usize, self.reach[0] as usize]] = 0.0;
        let values = Array2::from_shape_fn(weight.dim(), |at| if weight[at] > 0.0 { self.r[at] } else { 0.0 });
        let kernel = |step: f64| -> Vec<f64> {
            let reach = (3.0 * sigma_m / step).ceil().max(1.0) as usize;
            (0..=reach).map(|i| (-0.5 * (i as f64 * step / sigma_m).powi(2)).exp()).collect()
        };
        let (along_x, along_y) = (kernel(self.step[0]), kernel(self.step[1]));
        let blur = |map: &Array2<f64>| {
            let (rows, cols) = map.dim();
            let line = |n: usize, i: usize, kernel: &[f64], read: &dyn Fn(usize) -> f64| -> f64 {
                (i.saturating_sub(kernel.len() - 1)..(i + kernel.len()).min(n)).map(|j| kernel[i.abs_diff(j)] * read(j)).sum()
            };
            let half = Array2::from_shape_fn((rows, cols), |(row, col)| line(cols, col, &along_x, &|j| map[[row, j]]));
            Array2::from_shape_fn((rows, cols), |(row, col)| line(rows, row, &along_y, &|j| half[[j, col]]))
        };
        let (above, below) = (blur(&values), blur(&weight));
        let r = Array2::from_shape_fn(weight.dim(), |at| if self.r[at].is_nan() { f64::NAN } else { above[at] / below[at] });
        Self { r, ..*self }
    }
}
