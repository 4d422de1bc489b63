//! How often a map without walls scores as a border cell: the border score's own null.
//!
//! Surrogates keep the map's radially averaged power (the size of its fields) and its rates, and lose where fields lie and how they are turned: Gaussian
//! fields of that power on a plane twice as wide as the map, so that opposite walls are strangers, each of whose visited bins then gets
//! the map's rate of the same rank. Shifting the map around would not do: a field along a wall comes to lie along a wall again in one of a dozen shifts, so
//! that p could never be small.
//!
//! `p = (1 + #{surrogates ≥ score}) / (1 + surrogates)`. Drawing stops as soon as [`ENOUGH`] surrogates reach the score (Besag & Clifford 1991): their share
//! is then known well enough that the unit is none, and p is still valid. Most units so take a few dozen surrogates.

use super::border_score;
use crate::fft::{Fft2, Fft2Scratch, good_size};
use crate::nulls::ScoreWithNull;
use crate::ratemap::Ratemaps;
use gridlake_space::arena::Arena;
use gridlake_space::seed::Stream;
use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;

/// Surrogates that reach the score after which no more are drawn.
pub const ENOUGH: usize = 20;

/// Plans for maps that share an arena and its visited bins.
#[derive(Clone)]
pub struct BorderNull {
    arena: Arena,
    shape: (usize, usize),
    bins: Vec<usize>,
    plan: Fft2,
    /// Which radial class each frequency belongs to, and how many there are of each.
    class: Vec<u32>,
    members: Vec<f64>,
}

impl BorderNull {
    /// For maps of these bins and visits.
    pub fn new(ratemaps: &Ratemaps) -> Self {
        let (rows, cols) = ratemaps.occupancy.dim();
        let (width, height) = ratemaps.bins.bin_m();
        let plan = Fft2::new(good_size(2 * rows), good_size(2 * cols));
        let sides = [plan.rows as f64 * height, plan.cols as f64 * width];
        let step = (1.0 / sides[0]).min(1.0 / sides[1]);
        let class: Vec<u32> = (0..plan.len())
            .map(|index| {
                let ky = Fft2::signed(index % plan.rows, plan.rows) / sides[0];
                let kx = Fft2::signed(index / plan.rows, plan.cols) / sides[1];
                (kx.hypot(ky) / step).round() as u32
            })
            .collect();
        let mut members = vec![0.0; class.iter().max().map_or(0, |last| *last as usize + 1)];
        for &class in &class {
            members[class as usize] += 1.0;
        }
        let bins = ratemaps.occupancy.iter().enumerate().filter(|(_, visits)| **visits > 0).map(|(bin, _)| bin).collect();
        Self { arena: ratemaps.bins.arena, shape: (rows, cols), bins, plan, class, members }
    }

    /// The border score of a map with its null of at most `count` surrogates. Where the score is undefined, so is p.
    ///
    /// # Panics
    /// Where `map` has another shape than the plan's maps.
    pub fn score(&self, map: ArrayView2<'_, f64>, count: usize, stream: &mut Stream) -> ScoreWithNull {
        assert_eq!(map.dim(), self.shape, "the map has the plan's shape");
        let value = match border_score(map, &self.arena) {
            Ok(value) => value,
            Err(reason) => return ScoreWithNull::undefined(&reason.to_string()),
        };
        let flat: Vec<f64> = map.iter().copied().collect();
        let mut rates: Vec<f64> = self.bins.iter().map(|&bin| flat[bin]).collect();
        rates.sort_by(f64::total_cmp);
        let mut scratch = self.plan.scratch();
        let amplitude = self.amplitude(&flat, &mut scratch);
        let mut field = vec![Complex64::default(); self.plan.len()];
        let mut surrogate = Array2::from_elem(self.shape, f64::NAN);
        let (mut null, mut reached) = (Vec::new(), 0);
        while null.len() < count && reached < ENOUGH {
            for (coefficient, amplitude) in field.iter_mut().zip(&amplitude) {
                *coefficient = Complex64::new(stream.normal(), stream.normal()) * amplitude;
            }
            self.plan.inverse(&mut field, self.shape.0, &mut scratch);
            // Real and imaginary part are two independent fields.
            for part in [|value: &Complex64| value.re, |value: &Complex64| value.im] {
                if null.len() < count && reached < ENOUGH {
                    self.assign(&field, part, &rates, &mut surrogate);
                    let score = border_score(surrogate.view(), &self.arena).unwrap_or(f64::NAN);
                    reached += usize::from(score >= value);
                    null.push(score);
                }
            }
        }
        let drawn = null.len();
        ScoreWithNull::new(value, None, null, drawn, 0.0)
    }

    /// Amplitude per frequency: the root of the radial mean power.
    fn amplitude(&self, map: &[f64], scratch: &mut Fft2Scratch) -> Vec<f64> {
        let largest = self.bins.iter().fold(f64::MIN_POSITIVE, |most, &bin| most.max(map[bin].abs()));
        let mean = self.bins.iter().map(|&bin| map[bin] / largest).sum::<f64>() / self.bins.len().max(1) as f64;
        let mut data = vec![Complex64::default(); self.plan.len()];
        for &bin in &self.bins {
            data[bin / self.shape.1 * self.plan.cols + bin % self.shape.1] = Complex64::new(map[bin] / largest - mean, 0.0);
        }
        self.plan.forward(&mut data, self.shape.0, scratch);
        let mut power = vec![0.0; self.members.len()];
        for (value, &class) in data.iter().zip(&self.class) {
            power[class as usize] += value.norm_sqr();
        }
        self.class.iter().map(|&class| (power[class as usize] / self.members[class as usize]).sqrt()).collect()
    }

    /// Gives the visited bins the rates (ascending) in the order of the field's values.
    fn assign(&self, field: &[Complex64], part: fn(&Complex64) -> f64, rates: &[f64], surrogate: &mut Array2<f64>) {
        let cols = self.shape.1;
        let at = |bin: usize| part(&field[bin / cols * self.plan.cols + bin % cols]);
        let mut order: Vec<(f64, usize)> = self.bins.iter().map(|&bin| (at(bin), bin)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (&(_, bin), &rate) in order.iter().zip(rates) {
            surrogate[[bin / cols, bin % cols]] = rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::bins::Bins;
    use gridlake_space::seed::Seed;
    use ndarray::Array3;

    fn plan(bins: &Bins) -> BorderNull {
        let occupancy = Array2::from_shape_fn((bins.ny, bins.nx), |(row, col)| u32::from(bins.reachable(row * bins.nx + col)));
        BorderNull::new(&Ratemaps::from_maps(bins.clone(), occupancy, Array3::zeros((0, bins.ny, bins.nx))).expect("shapes agree"))
    }

    fn map(bins: &Bins, rate: impl Fn(f64, f64) -> f64) -> Array2<f64> {
        Array2::from_shape_fn((bins.ny, bins.nx), |(row, col)| {
            let (x, y) = bins.centre(row * bins.nx + col);
            if bins.reachable(row * bins.nx + col) { rate(x, y) } else { f64::NAN }
        })
    }

    #[test]
    fn border_cells_beat_their_null_and_fields_elsewhere_do_not() {
        for arena in [Arena::square(2.0), Arena::rectangle(2.0, 1.4), Arena::circle(2.0)] {
            let bins = Bins::square(arena, 30);
            let plan = plan(&bins);
            let right = |angle: f64| angle.cos();
            let along = |x: f64, y: f64| {
                let wall = if arena.label().starts_with("circle") { arena.wall_distance_m(x, y) } else { arena.width_m / 2.0 - x };
                let beside = if arena.label().starts_with("circle") { right(y.atan2(x)).max(0.0) } else { 1.0 };
                beside * (-wall / 0.1).exp()
            };
            let border = plan.score(map(&bins, along).view(), 199, &mut Seed(1).stream("border", 0));
            assert!(border.value > 0.5 && border.p <= 0.01, "{}: {} {}", arena.label(), border.value, border.p);
            let middle = plan.score(map(&bins, |x, y| (-(x * x + y * y) / 0.05).exp()).view(), 199, &mut Seed(1).stream("border", 1));
            assert!(middle.p > 0.3, "{}: {} {}", arena.label(), middle.value, middle.p);
        }
    }

    #[test]
    fn noise_is_a_border_cell_at_the_nominal_rate() {
        let bins = Bins::square(Arena::square(2.0), 24);
        let plan = plan(&bins);
        let (mut below, mut all) = (0, 0);
        for seed in 0..80 {
            let mut stream = Seed(seed).stream("noise", 0);
            let wide = Array2::from_shape_fn((32, 32), |_| stream.normal());
            let smooth = Array2::from_shape_fn((24, 24), |(row, col)| {
                let near =
                    |i: usize, j: usize| (-((i as f64 - 4.0).powi(2) + (j as f64 - 4.0).powi(2)) / 8.0).exp() * wide[[row + i, col + j]];
                (0..9).map(|i| (0..9).map(|j| near(i, j)).sum::<f64>()).sum::<f64>()
            });
            let score = plan.score(smooth.mapv(f64::exp).view(), 39, &mut stream);
            all += usize::from(!score.p.is_nan());
            below += usize::from(score.p <= 0.1);
        }
        // 10 %, within four standard deviations; some maps' fields are all too small for a score.
        let n = all as f64;
        assert!(all >= 40 && below as f64 <= 0.1 * n + 4.0 * (0.09 * n).sqrt(), "{below} of {all}");
    }

    #[test]
    fn without_a_score_there_is_a_reason() {
        let bins = Bins::square(Arena::square(2.0), 12);
        let constant = plan(&bins).score(map(&bins, |_, _| 0.3).view(), 19, &mut Seed(1).stream("border", 0));
        assert!(constant.value.is_nan() && constant.p.is_nan() && constant.reason.as_deref() == Some("the map is constant"));
    }
}
