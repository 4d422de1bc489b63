//! Border scores of many maps that share their visited bins: the form for surrogates, in single precision.
//!
//! What does not depend on the map is found once: each bin's distance to the wall, and which bin each line of each wall counts. Fields are runs of a row that
//! touch runs of the row below, so that a map is read once. [`super::border_scores`] is the definition, and what this is tested against.

use super::Undefined;
use super::border::{FIELD_LEVEL, Rim, field_bins, rim, scores, straight_rims, wall_counts};
use crate::simd::{Kernel, widest};
use gridlake_space::arena::ArenaShape;
use gridlake_space::bins::Bins;
use ndarray::Array2;

/// What maps of the same bins and visits share.
#[derive(Clone)]
pub(crate) struct BorderPlan {
    cols: usize,
    /// 1 for visited bins, else 0.
    visited: Vec<u8>,
    /// 0 for visited bins, else NaN.
    hidden: Vec<f32>,
    /// Distance to the wall over half the shorter side.
    distance: Vec<f32>,
    /// Fewest bins of a field.
    fewest: f64,
    /// Straight walls, or the one round wall.
    rims: Vec<Rim>,
    /// Lines of a quarter of the round wall.
    quarter: Option<usize>,
    has_area: bool,
}

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct BorderWorkspace {
    runs: Vec<Run>,
    /// The run of each bin of a field; not kept up elsewhere.
    run_of: Vec<u32>,
    /// 1 for bins of a field, else 0.
    above: Vec<u8>,
}

/// Neighbouring bins of a row.
#[derive(Clone, Copy)]
struct Run {
    from: u32,
    to: u32,
    parent: u32,
    bins: u32,
    weighted: f64,
    total: f64,
}

impl BorderPlan {
    pub(crate) fn new(visited: &Array2<bool>, bins: &Bins) -> Self {
        let arena = &bins.arena;
        let shorter = arena.width_m.min(arena.height_m);
        let distance = (0..visited.len()).map(|index| {
            let (x, y) = bins.centre(index);
            (arena.wall_distance_m(x, y).max(0.0) / (shorter / 2.0)) as f32
        });
        let (rims, quarter) = match arena.shape {
            ArenaShape::Rectangle => (straight_rims(visited, bins), None),
            ArenaShape::Circle => (vec![rim(visited, bins)], Some(bins.nx.max(bins.ny))),
        };
        Self {
            cols: visited.ncols(),
            visited: visited.iter().map(|&seen| u8::from(seen)).collect(),
            hidden: visited.iter().map(|&seen| if seen { 0.0 } else { f32::NAN }).collect(),
            distance: distance.collect(),
            fewest: field_bins(bins),
            rims,
            quarter,
            has_area: shorter > 0.0 && (arena.width_m * arena.height_m).is_finite(),
        }
    }

    /// The border score and the wall score of a flat map `z` (row-major; unvisited bins are not read) whose rates are `z` plus `floor`, in units of its own.
    ///
    /// # Errors
    /// As [`super::border_scores`].
    pub(crate) fn scores(&self, z: &[f32], floor: f64, workspace: &mut BorderWorkspace) -> Result<[f64; 2], Undefined> {
        if !self.has_area {
            return Err(Undefined::NoArea);
        }
        let (least, most) = widest(Extremes { z, hidden: &self.hidden });
        if least > most {
            return Err(Undefined::NothingVisited);
        }
        let (least, peak) = (f64::from(least) + floor, f64::from(most) + floor);
        if !least.is_finite() || !peak.is_finite() {
            return Err(Undefined::NotFinite);
        }
        // Rounding of the mean may take a rate of zero below it.
        if least < -1e-6 * peak.abs() {
            return Err(Undefined::Negative);
        }
        if peak - least <= 1e-6 * peak {
            return Err(Undefined::Constant);
        }
        self.fields(z, (FIELD_LEVEL * peak - floor) as f32, floor, workspace);
        let BorderWorkspace { runs, run_of, above } = workspace;
        let (mut weighted, mut total) = (0.0, 0.0);
        for run in runs.iter().filter(|run| f64::from(run.bins) >= self.fewest) {
            weighted += run.weighted;
            total += run.total;
        }
        if total == 0.0 {
            return Err(Undefined::NoField);
        }
        let field = |bin: u32| {
            let bin = bin as usize;
            let run = if above[bin] > 0 { runs[run_of[bin] as usize].parent } else { return None };
            (f64::from(runs[run as usize].bins) >= self.fewest).then_some(run)
        };
        let coverage = self.rims.iter().filter_map(|rim| wall_counts(rim, self.quarter, field)).max_by(f64::total_cmp);
        let (coverage, distance) = (coverage.ok_or(Undefined::NoWall)?, weighted / total);
        let rate = |bin: u32| (f64::from(z[bin as usize]) + floor) / peak;
        Ok(scores(coverage, distance, &self.rims, self.quarter, rate))
    }

    /// Finds runs at or above `level` and joins those that touch; then each run's parent is its field's first run, which alone has bins and sums.
    fn fields(&self, z: &[f32], level: f32, floor: f64, workspace: &mut BorderWorkspace) {
        let BorderWorkspace { runs, run_of, above } = workspace;
        runs.clear();
        run_of.resize(z.len(), 0);
        above.resize(z.len(), 0);
        widest(Reached { z, visited: &self.visited, level, above });
        let mut row_before = 0..0;
        for (row, line) in above.chunks_exact(self.cols.max(1)).enumerate() {
            let first = runs.len();
            let mut before = row_before.start;
            let mut col = 0;
            while let Some(skipped) = first_that_is(1, &line[col..]) {
                let from = col + skipped;
                let to = first_that_is(0, &line[from..]).map_or(line.len(), |length| from + length);
                let number = runs.len() as u32;
                let places = row * self.cols + from..row * self.cols + to;
                let (mut weighted, mut total) = (0.0, 0.0);
                for (z, distance) in z[places.clone()].iter().zip(&self.distance[places.clone()]) {
                    let rate = f64::from(*z) + floor;
                    weighted += rate * f64::from(*distance);
                    total += rate;
                }
                run_of[places].fill(number);
                runs.push(Run { from: from as u32, to: to as u32, parent: number, bins: (to - from) as u32, weighted, total });
                // Runs below that end before this one begins touch none after it either.
                while before < row_before.end && (runs[before].to as usize) < from {
                    before += 1;
                }
                let mut touching = before;
                while touching < row_before.end && runs[touching].from as usize <= to {
                    join(runs, touching as u32, number);
                    touching += 1;
                }
                col = to;
                if col >= line.len() {
                    break;
                }
            }
            row_before = first..runs.len();
        }
        for run in 0..runs.len() {
            let parent = root(runs, run as u32) as usize;
            if parent != run {
                let part = runs[run];
                runs[run] = Run { parent: parent as u32, bins: 0, weighted: 0.0, total: 0.0, ..part };
                let whole = &mut runs[parent];
                (whole.bins, whole.weighted, whole.total) =
                    (whole.bins + part.bins, whole.weighted + part.weighted, whole.total + part.total);
            }
        }
    }
}

/// Where `bytes`, each 0 or 1, are `wanted` first: eight at a time.
fn first_that_is(wanted: u8, bytes: &[u8]) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        // The other value becomes zero.
        let word = u64::from_le_bytes(*eight) ^ if wanted == 1 { 0 } else { u64::from_le_bytes([1; 8]) };
        if word != 0 {
            return Some(8 * number + word.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&byte| byte == wanted).map(|place| 8 * eights.len() + place)
}

/// The least and the largest value of visited bins.
struct Extremes<'a> {
    z: &'a [f32],
    hidden: &'a [f32],
}

/// Bins that are looked at at once.
const LANES: usize = 16;

impl Kernel for Extremes<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn call(self) -> (f32, f32) {
        let (mut least, mut most) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        let (blocks, rest) = self.z.as_chunks();
        let (hidden, hidden_rest) = self.hidden.as_chunks();
        for (z, hidden) in blocks.iter().zip(hidden) {
            look(z, hidden, &mut least, &mut most);
        }
        let mut last = ([0.0; LANES], [f32::NAN; LANES]);
        last.0[..rest.len()].copy_from_slice(rest);
        last.1[..rest.len()].copy_from_slice(hidden_rest);
        look(&last.0, &last.1, &mut least, &mut most);
        (least.into_iter().fold(f32::INFINITY, f32::min), most.into_iter().fold(f32::NEG_INFINITY, f32::max))
    }
}

#[inline(always)]
fn look(z: &[f32; LANES], hidden: &[f32; LANES], least: &mut [f32; LANES], most: &mut [f32; LANES]) {
    for lane in 0..LANES {
        // No comparison holds for NaN.
        let z = z[lane] + hidden[lane];
        least[lane] = if z < least[lane] { z } else { least[lane] };
        most[lane] = if z > most[lane] { z } else { most[lane] };
    }
}

/// Whether each bin was visited and is at or above a level.
struct Reached<'a> {
    z: &'a [f32],
    visited: &'a [u8],
    level: f32,
    above: &'a mut [u8],
}

impl Kernel for Reached<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((above, &z), &seen) in self.above.iter_mut().zip(self.z).zip(self.visited) {
            *above = seen & u8::from(z >= self.level);
        }
    }
}

fn root(runs: &[Run], mut run: u32) -> u32 {
    while runs[run as usize].parent != run {
        run = runs[run as usize].parent;
    }
    run
}

/// The field of both is that of the earlier one.
fn join(runs: &mut [Run], a: u32, b: u32) {
    let (a, b) = (root(runs, a), root(runs, b));
    runs[a.max(b) as usize].parent = a.min(b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::border_scores;
    use gridlake_space::arena::Arena;
    use gridlake_space::seed::Seed;
    use proptest::prelude::*;

    /// Both forms, of rates.
    fn both(map: &Array2<f64>, bins: &Bins, floor: f64) -> [Result<[f64; 2], Undefined>; 2] {
        let plan = BorderPlan::new(&map.mapv(|rate| !rate.is_nan()), bins);
        let z: Vec<f32> = map.iter().map(|rate| (rate - floor) as f32).collect();
        let mut workspace = BorderWorkspace::default();
        // What was left by another map does not matter.
        let _ = plan.scores(&vec![1.0; z.len()], 1.0, &mut workspace);
        [border_scores(map.view(), &bins.arena), plan.scores(&z, floor, &mut workspace)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]
        #[test]
        fn they_are_the_border_scores(nx in 2_usize..26, ny in 2_usize..26, hole in 0.0_f64..0.6, grain in 0.0_f64..1.0, round in any::<bool>(), seed in any::<u64>()) {
            let arena = if round { Arena::circle(1.0) } else { Arena::rectangle(1.2, 0.8) };
            let bins = Bins::new(arena, nx, if round { nx } else { ny });
            let mut stream = Seed(seed).stream("border", 0);
            let (x, y, wide) = (stream.uniform() - 0.5, stream.uniform() - 0.5, 0.1 + stream.uniform());
            let hole = if stream.uniform() < 0.5 { 0.0 } else { hole };
            let map = Array2::from_shape_fn((bins.ny, bins.nx), |(row, col)| {
                let (cx, cy) = bins.centre(row * bins.nx + col);
                let seen = bins.reachable(row * bins.nx + col) && stream.uniform() >= hole;
                let rate = (-((cx - x).powi(2) + (cy - y).powi(2)) / (wide * wide)).exp() + grain * stream.uniform();
                if seen { rate } else { f64::NAN }
            });
            match both(&map, &bins, 0.4) {
                [Ok(slow), Ok(fast)] => prop_assert!((0..2).all(|which| (slow[which] - fast[which]).abs() < 1e-5), "{slow:?} and {fast:?}"),
                [slow, fast] => prop_assert_eq!(slow, fast),
            }
        }
    }

    #[test]
    fn odd_maps_have_the_same_reasons() {
        let bins = Bins::square(Arena::square(1.0), 12);
        let all = |value: f64| Array2::from_elem((12, 12), value);
        let mut odd = vec![all(f64::NAN), all(0.3), all(f64::INFINITY)];
        odd.push(Array2::from_shape_fn((12, 12), |at| if at == (4, 4) { 2.0 } else { 0.0 }));
        odd.push(Array2::from_shape_fn((12, 12), |(row, _)| row as f64 - 3.0));
        odd.push(Array2::from_shape_fn(
            (12, 12),
            |(row, col)| {
                if row.min(col).min(11 - row).min(11 - col) < 4 { f64::NAN } else { row as f64 }
            },
        ));
        for map in &odd {
            let [slow, fast] = both(map, &bins, 0.0);
            assert!(slow.is_err());
            assert_eq!(slow, fast);
        }
    }
}
