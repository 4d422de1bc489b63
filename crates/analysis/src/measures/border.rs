//! Border score (Solstad, Boccara, Kropff, Moser & Moser 2008).
//!
//! ```text
//! b = (c - d) / (c + d)        -1 … 1
//! ```
//!
//! * **Fields**: bins that touch (also at corners) with at least 30 % of the peak rate, together at least 200 cm².
//! * **c**, 0 … 1: the largest share of one wall that one field lies along. A wall is followed bin by bin; each of its lines counts the visited bin nearest to the
//!   wall, if that is within a tenth of the shorter side; a wall visited along less than half of its lines is not counted.
//! * **d**, 0 … 1: distance of the fields' bins (centre to nearest wall), weighted by rate, over half the shorter side.
//!
//! A line of bins along one whole wall of `n` by `n` bins has `c = 1`, `d = 1/n`, hence `b = (n-1)/(n+1)`: 0.96 for 50. A field over the whole box has
//! `c = 1`, `d ≈ 1/3` and **0.5**: a constant map is therefore undefined, and a constant background above 30 % of the peak makes any map
//! score about 0.5. The score says little without its null.
//!
//! **The wall score** tells maps with a narrow field along a whole wall apart by how strong they are there: it is `b`, or `(1 + w) / 2` where that is larger, `c` is 1
//! and `d` at most 0.2 (a tenth of the shorter side, as far as a wall reaches), with the *wall rate* `w`, 0 … 1, the largest mean rate of a wall's lines over the peak
//! rate. In an oblong box noise that is as smooth as a narrow field, and has its rates, covers the short wall in one of thirty maps or so, but hardly ever with a field
//! as strong all along it. The paper has no such number; see [`crate::classes`] for what it is used for.
//!
//! **In a circle** there is one wall, and the paper says nothing. Here a *wall* is any quarter of the circumference (a square has four), and `c` the largest share
//! of a quarter, wherever it begins, that one field lies along, followed in four directions per bin of the diameter; `d` is over the radius. More
//! walls to choose from make scores in circles somewhat larger than in boxes, so compare them with nulls of their own arena only.
//!
//! Departs from opexebo's `border_score`: there, fields come from another search (adaptive thresholds), bins at the wall count as a whole bin away
//! from it instead of half a bin, distance is in bins whatever their sides, walls are searched eight bins deep, a circle has four fixed quarters but
//! distances to the square around it, and a map without fields scores -1, here it is undefined.

use super::Undefined;
use gridlake_space::arena::{Arena, ArenaShape};
use gridlake_space::bins::Bins;
use ndarray::{Array2, ArrayView2};
use std::f64::consts::TAU;

/// Share of the peak rate that a field's bins have.
pub(super) const FIELD_LEVEL: f64 = 0.3;
/// Least area of a field, m².
const FIELD_M2: f64 = 0.02;
/// Largest distance `d` of a narrow field: as far as a wall reaches, and what single precision may be off, since five bins a side have 0.2.
const NARROW: f64 = 2.0 * WALL_REACH + 1e-6;
/// How far from the wall its nearest visited bin may lie, as a share of the shorter side.
const WALL_REACH: f64 = 0.1;
/// Share of a wall's lines that must have been visited.
const WALL_VISITED: f64 = 0.5;

/// The border score of one map of this arena; see the module. NaN bins are unvisited. O(bins).
///
/// # Errors
/// As [`border_scores`].
pub fn border_score(map: ArrayView2<'_, f64>, arena: &Arena) -> Result<f64, Undefined> {
    border_scores(map, arena).map(|[score, _]| score)
}

/// The border score and the wall score; see the module. NaN bins are unvisited. O(bins).
///
/// # Errors
/// [`Undefined::NothingVisited`], [`Undefined::NotFinite`], [`Undefined::Negative`], [`Undefined::Silent`], [`Undefined::Constant`],
/// [`Undefined::NoField`], [`Undefined::NoWall`], or [`Undefined::NoArea`].
pub fn border_scores(map: ArrayView2<'_, f64>, arena: &Arena) -> Result<[f64; 2], Undefined> {
    let visited = || map.iter().filter(|rate| !rate.is_nan());
    let (least, peak) = visited().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, peak), &rate| (least.min(rate), peak.max(rate)));
    let shorter = arena.width_m.min(arena.height_m);
    if !(shorter > 0.0 && (arena.width_m * arena.height_m).is_finite()) {
        return Err(Undefined::NoArea);
    }
    if visited().next().is_none() {
        return Err(Undefined::NothingVisited);
    }
    if !least.is_finite() || !peak.is_finite() {
        return Err(Undefined::NotFinite);
    }
    if least < 0.0 {
        return Err(Undefined::Negative);
    }
    if peak == 0.0 {
        return Err(Undefined::Silent);
    }
    if peak - least <= 1e-12 * peak {
        return Err(Undefined::Constant);
    }
    let bins = Bins::new(*arena, map.ncols(), map.nrows());
    let (fields, count) = fields(map, FIELD_LEVEL * peak, &bins);
    if count == 0 {
        return Err(Undefined::NoField);
    }
    let seen = map.mapv(|rate| !rate.is_nan());
    let (rims, quarter) = match arena.shape {
        ArenaShape::Rectangle => (straight_rims(&seen, &bins), None),
        ArenaShape::Circle => (vec![rim(&seen, &bins)], Some(bins.nx.max(bins.ny))),
    };
    let field = |bin: u32| {
        let at = [bin as usize / map.ncols(), bin as usize % map.ncols()];
        (fields[at] > 0).then(|| fields[at])
    };
    let shares = rims.iter().filter_map(|rim| share(rim, quarter, count, field));
    let coverage = shares.max_by(f64::total_cmp).ok_or(Undefined::NoWall)?;
    let (mut weighted, mut total) = (0.0, 0.0);
    for (index, (&rate, &field)) in map.iter().zip(&fields).enumerate() {
        if field > 0 {
            let (x, y) = bins.centre(index);
            weighted += rate / peak * arena.wall_distance_m(x, y).max(0.0);
            total += rate / peak;
        }
    }
    let distance = weighted / total / (shorter / 2.0);
    let rate = |bin: u32| map[[bin as usize / map.ncols(), bin as usize % map.ncols()]] / peak;
    Ok(scores(coverage, distance, &rims, quarter, rate))
}

/// The border score and the wall score of a map with this coverage and distance, whose bins have these rates over its peak.
pub(super) fn scores(coverage: f64, distance: f64, rims: &[Rim], quarter: Option<usize>, rate: impl Fn(u32) -> f64) -> [f64; 2] {
    let border = (coverage - distance) / (coverage + distance);
    if coverage < 1.0 || distance > NARROW {
        return [border; 2];
    }
    let rates = rims.iter().filter_map(|rim| mean_share(rim, quarter, &rate));
    [border, rates.fold(border, |score, wall_rate| score.max(f64::midpoint(1.0, wall_rate)))]
}

/// The number of each bin's field from 1, or 0, and how many fields there are.
fn fields(map: ArrayView2<'_, f64>, level: f64, bins: &Bins) -> (Array2<u32>, usize) {
    let (rows, cols) = map.dim();
    let fewest = field_bins(bins);
    let mut found = map.mapv(|_| 0_u32);
    let mut seen = map.mapv(|rate| rate.is_nan() || rate < level);
    let mut count = 0;
    let mut open = Vec::new();
    let mut field = Vec::new();
    for start in 0..map.len() {
        let start = (start / cols, start % cols);
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        open.push(start);
        field.clear();
        while let Some((row, col)) = open.pop() {
            field.push((row, col));
            for near_row in row.saturating_sub(1)..(row + 2).min(rows) {
                for near_col in col.saturating_sub(1)..(col + 2).min(cols) {
                    if !std::mem::replace(&mut seen[[near_row, near_col]], true) {
                        open.push((near_row, near_col));
                    }
                }
            }
        }
        if field.len() as f64 >= fewest {
            count += 1;
            for &at in &field {
                found[at] = count as u32;
            }
        }
    }
    (found, count)
}

/// Fewest bins of a field.
pub(super) fn field_bins(bins: &Bins) -> f64 {
    let (width, height) = bins.bin_m();
    // A little below, so that rounding of sides does not decide.
    FIELD_M2 / (width * height) * (1.0 - 1e-9)
}

/// The visited bin that each line of a wall counts, if there is one.
pub(super) type Rim = Vec<Option<u32>>;

/// The four walls of a box.
pub(super) fn straight_rims(seen: &Array2<bool>, bins: &Bins) -> Vec<Rim> {
    let (rows, cols) = seen.dim();
    let (width, height) = bins.bin_m();
    let reach = WALL_REACH * bins.arena.width_m.min(bins.arena.height_m);
    // Lines along a wall, bins of a line, and the place of bin `depth` from the wall.
    let depth_of = |bin: f64, n: usize| ((reach / bin + 0.5) as usize).clamp(1, n);
    let (deep_x, deep_y) = (depth_of(width, cols), depth_of(height, rows));
    let west: &dyn Fn(usize, usize) -> [usize; 2] = &|line, depth| [line, depth];
    let east: &dyn Fn(usize, usize) -> [usize; 2] = &|line, depth| [line, cols - 1 - depth];
    let south: &dyn Fn(usize, usize) -> [usize; 2] = &|line, depth| [depth, line];
    let north: &dyn Fn(usize, usize) -> [usize; 2] = &|line, depth| [rows - 1 - depth, line];
    let walls = [(rows, deep_x, west), (rows, deep_x, east), (cols, deep_y, south), (cols, deep_y, north)];
    let rim = |(lines, deep, at): (usize, usize, &dyn Fn(usize, usize) -> [usize; 2])| {
        (0..lines)
            .map(|line| (0..deep).map(|depth| at(line, depth)).find(|&at| seen[at]).map(|[row, col]| (row * cols + col) as u32))
            .collect()
    };
    walls.into_iter().map(rim).collect()
}

/// The one wall of a circle, all around.
pub(super) fn rim(seen: &Array2<bool>, bins: &Bins) -> Rim {
    let radius = bins.arena.width_m / 2.0;
    let (width, height) = bins.bin_m();
    let directions = 4 * bins.nx.max(bins.ny);
    let step = 0.5 * width.min(height);
    let deep = ((2.0 * radius * WALL_REACH / step) as usize).max(2);
    (0..directions)
        .map(|direction| {
            let (sin, cos) = (TAU * (direction as f64 + 0.5) / directions as f64).sin_cos();
            let passed = (0..=deep).filter_map(|depth| {
                let from_centre = (radius * (1.0 - 1e-9) - depth as f64 * step).max(0.0);
                bins.index(from_centre * cos, from_centre * sin)
            });
            let mut passed = passed;
            passed.find(|&index| seen[[index / bins.nx, index % bins.nx]]).map(|index| index as u32)
        })
        .collect()
}

/// Largest share of a wall's visited lines, or of those of any `quarter` so many lines long, that belong to one of `count` fields (from 1); `None` where too few were
/// visited.
fn share(rim: &Rim, quarter: Option<usize>, count: usize, field: impl Fn(u32) -> Option<u32>) -> Option<f64> {
    let lines = quarter.unwrap_or(rim.len());
    let starts = if quarter.is_some() { rim.len() } else { 1 };
    let of_start = |start: usize| {
        let mut per_field = vec![0_usize; count + 1];
        let mut visited = 0_usize;
        for bin in (start..start + lines).filter_map(|line| rim[line % rim.len()]) {
            visited += 1;
            per_field[field(bin).unwrap_or(0) as usize] += 1;
        }
        let most = per_field.iter().skip(1).max()?;
        enough(visited, lines).then(|| *most as f64 / visited as f64)
    };
    (0..starts).filter_map(of_start).max_by(f64::total_cmp)
}

/// As [`share`], of fields with any numbers, in one pass per field that lies along the wall.
pub(super) fn wall_counts(rim: &Rim, quarter: Option<usize>, field: impl Fn(u32) -> Option<u32>) -> Option<f64> {
    let lines = quarter.unwrap_or(rim.len());
    let starts = if quarter.is_some() { rim.len() } else { 1 };
    let along: Vec<Option<u32>> = rim.iter().map(|bin| bin.and_then(&field)).collect();
    let mut found: Vec<u32> = along.iter().flatten().copied().collect();
    found.sort_unstable();
    found.dedup();
    // A window moves along the wall: a line leaves it, another enters.
    let windows = |counts: &dyn Fn(usize) -> bool, each: &mut dyn FnMut(usize, usize)| {
        let mut inside = (0..lines).filter(|&line| counts(line)).count();
        for start in 0..starts {
            each(start, inside);
            inside = inside + usize::from(counts((start + lines) % rim.len())) - usize::from(counts(start));
        }
    };
    let mut visited = vec![0; starts];
    windows(&|line| rim[line].is_some(), &mut |start, inside| visited[start] = inside);
    let mut best = visited.iter().any(|&visited| enough(visited, lines)).then_some(0.0_f64)?;
    for field in found {
        windows(&|line| along[line] == Some(field), &mut |start, inside| {
            if enough(visited[start], lines) {
                best = best.max(inside as f64 / visited[start] as f64);
            }
        });
    }
    Some(best)
}

/// Largest mean over a wall's visited lines, or over those of any `quarter` so many lines long; `None` where too few were visited.
fn mean_share(rim: &Rim, quarter: Option<usize>, rate: impl Fn(u32) -> f64) -> Option<f64> {
    let lines = quarter.unwrap_or(rim.len());
    let starts = if quarter.is_some() { rim.len() } else { 1 };
    let line = |line: usize| rim[line % rim.len()].map_or((0.0, 0), |bin| (rate(bin), 1));
    let (mut sum, mut visited) = (0..lines).map(line).fold((0.0, 0_usize), |(sum, seen), (rate, one)| (sum + rate, seen + one));
    let mut best = None;
    for start in 0..starts {
        if enough(visited, lines) {
            let mean = sum / visited as f64;
            best = Some(best.map_or(mean, |best: f64| best.max(mean)));
        }
        // A window moves along the wall: a line leaves it, another enters.
        let (leaves, enters) = (line(start), line(start + lines));
        (sum, visited) = (sum + enters.0 - leaves.0, visited + enters.1 - leaves.1);
    }
    best
}

fn enough(visited: usize, lines: usize) -> bool {
    visited > 0 && visited as f64 >= WALL_VISITED * lines as f64
}
