//! The nearest ratemap state: a position is that of the bin whose mean state points most nearly the state's way.

use crate::distances::Moments;
use crate::ratemap::Accumulator;
use gridlake_space::bins::Bins;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis, s};
use rayon::prelude::*;

/// Most scores that a thread holds at once, 1 MiB.
const SCORES: usize = 1 << 18;

/// Mean states of bins, of norm 1.
#[derive(Debug, Clone)]
pub struct NearestState {
    bins: Bins,
    /// Per row of `states`, ascending: its bin.
    of_row: Vec<usize>,
    /// Per bin: its row.
    row_of: Vec<Option<usize>>,
    states: Array2<f32>,
    refine: bool,
}

impl NearestState {
    /// Mean states of the bins that some of the moments visited; bins whose mean state is zero are left out. None without any bin.
    pub fn fit(moments: &Moments<'_>, rows: &[usize], bins: &Bins, refine: bool) -> Option<Self> {
        let mut sums = Accumulator::new(bins.clone(), moments.units());
        let mut state = vec![0.0; moments.units()];
        for &row in rows {
            state.iter_mut().zip(moments.activity().row(row)).for_each(|(to, from)| *to = *from);
            let [x, y] = moments.positions_m()[row];
            sums.add(x, y, &state);
        }
        let (mut of_row, mut row_of, mut states) = (Vec::new(), vec![None; bins.len()], Vec::<f32>::new());
        for (bin, sum) in sums.sums().chunks_exact(moments.units()).enumerate() {
            let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
            if norm > 0.0 {
                row_of[bin] = Some(of_row.len());
                of_row.push(bin);
                states.extend(sum.iter().map(|x| (x / norm) as f32));
            }
        }
        let states: Array2<f32> =
            Array2::from_shape_fn((of_row.len(), moments.units()), |(row, unit)| states[row * moments.units() + unit]);
        (!of_row.is_empty()).then(|| Self { bins: bins.clone(), of_row, row_of, states, refine })
    }

    /// Number of bins that can be answered.
    pub fn known_bins(&self) -> usize {
        self.of_row.len()
    }

    /// Positions of some of the moments, m, by matrix products of blocks of moments with all mean states. Among equal scores the bin of least index wins. NaN where a
    /// state is zero: it points nowhere.
    ///
    /// Time: moments × bins × units.
    pub fn decode(&self, moments: &Moments<'_>, rows: &[usize]) -> Vec<[f64; 2]> {
        let at_once = (SCORES / self.known_bins()).clamp(16, 256);
        let blocks: Vec<Vec<[f64; 2]>> = rows
            .par_chunks(at_once)
            .map_init(
                || Array2::zeros((at_once, self.known_bins())),
                |scores, rows| {
                    let states = moments.activity().select(Axis(0), rows);
                    let mut scores = scores.slice_mut(s![..rows.len(), ..]);
                    general_mat_mul(1.0, &states, &self.states.t(), 0.0, &mut scores);
                    let answer = |(state, scores): (ndarray::ArrayView1<'_, f32>, ndarray::ArrayView1<'_, f32>)| {
                        if state.iter().all(|g| *g == 0.0) {
                            return [f64::NAN; 2];
                        }
                        self.answer(|row| f64::from(scores[row]))
                    };
                    states.rows().into_iter().zip(scores.rows()).map(answer).collect()
                },
            )
            .collect();
        blocks.into_iter().flatten().collect()
    }

    /// The slow twin of [`NearestState::decode`]: every score by itself, in double precision.
    pub fn reference_decode(&self, moments: &Moments<'_>, rows: &[usize]) -> Vec<[f64; 2]> {
        rows.iter()
            .map(|&row| {
                let state = moments.activity().row(row).to_owned();
                if state.iter().all(|g| *g == 0.0) {
                    return [f64::NAN; 2];
                }
                self.answer(|bin| state.iter().zip(self.states.row(bin)).map(|(g, m)| f64::from(*g) * f64::from(*m)).sum())
            })
            .collect()
    }

    /// How nearly a state points the way of a bin's mean state: the cosine of the angle. None where the bin is not known, or the state is zero.
    pub fn similarity(&self, moments: &Moments<'_>, row: usize, bin: usize) -> Option<f64> {
        let state = moments.activity().row(row).to_owned();
        let norm = state.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let dot: f64 = state.iter().zip(self.states.row(self.row_of[bin]?)).map(|(g, m)| f64::from(*g) * f64::from(*m)).sum();
        (norm > 0.0).then_some(dot / norm)
    }

    fn answer(&self, score: impl Fn(usize) -> f64) -> [f64; 2] {
        let mut best = (0, score(0));
        for row in 1..self.known_bins() {
            let here = score(row);
            if here > best.1 {
                best = (row, here);
            }
        }
        let bin = self.of_row[best.0];
        let (x, y) = self.bins.centre(bin);
        if !self.refine {
            return [x, y];
        }
        let (column, line) = (bin % self.bins.nx, bin / self.bins.nx);
        let (width, height) = self.bins.bin_m();
        let along = |at: usize, count: usize, stride: usize| {
            if at == 0 || at + 1 == count {
                return 0.0;
            }
            match (self.row_of[bin - stride], self.row_of[bin + stride]) {
                (Some(before), Some(after)) => vertex(score(before), best.1, score(after)),
                _ => 0.0,
            }
        };
        [x + width * along(column, self.bins.nx, 1), y + height * along(line, self.bins.ny, self.bins.nx)]
    }
}

/// The place of the highest point of the parabola through three equally spaced values, in spacings from the middle one, at most half a spacing away; 0 where it has none.
fn vertex(before: f64, middle: f64, after: f64) -> f64 {
    let curvature = before - 2.0 * middle + after;
    if curvature < 0.0 { (0.5 * (before - after) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::vertex;

    #[test]
    fn the_vertex_is_that_of_the_parabola() {
        let parabola = |x: f64| 3.0 - (x - 0.2).powi(2);
        assert!((vertex(parabola(-1.0), parabola(0.0), parabola(1.0)) - 0.2).abs() < 1e-12);
        assert_eq!([vertex(0.0, 1.0, 1.0), vertex(1.0, 1.0, 1.0), vertex(2.0, 1.0, 2.0), vertex(0.0, f64::NAN, 1.0)], [0.5, 0.0, 0.0, 0.0]);
    }
}
