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
const FIELD_LEVEL: f64 = 0.3;
/// Least area of a field, m².
const FIELD_M2: f64 = 0.02;
/// How far from the wall its nearest visited bin may lie, as a share of the shorter side.
const WALL_REACH: f64 = 0.1;
/// Share of a wall's lines that must have been visited.
const WALL_VISITED: f64 = 0.5;

/// The border score of one map of this arena; see the module. NaN bins are unvisited. O(bins).
///
/// # Errors
/// [`Undefined::NothingVisited`], [`Undefined::NotFinite`], [`Undefined::Negative`], [`Undefined::Silent`], [`Undefined::Constant`],
/// [`Undefined::NoField`], [`Undefined::NoWall`], or [`Undefined::NoArea`].
pub fn border_score(map: ArrayView2<'_, f64>, arena: &Arena) -> Result<f64, Undefined> {
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
    let coverage = match arena.shape {
        ArenaShape::Rectangle => straight_walls(map, &fields, count, &bins),
        ArenaShape::Circle => round_wall(map, &fields, count, &bins),
    };
    let coverage = coverage.ok_or(Undefined::NoWall)?;
    let (mut weighted, mut total) = (0.0, 0.0);
    for (index, (&rate, &field)) in map.iter().zip(&fields).enumerate() {
        if field > 0 {
            let (x, y) = bins.centre(index);
            weighted += rate / peak * arena.wall_distance_m(x, y).max(0.0);
            total += rate / peak;
        }
    }
    let distance = weighted / total / (shorter / 2.0);
    Ok((coverage - distance) / (coverage + distance))
}

/// The number of each bin's field from 1, or 0, and how many fields there are.
pub(super) fn fields(map: ArrayView2<'_, f64>, level: f64, bins: &Bins) -> (Array2<u32>, usize) {
    let (rows, cols) = map.dim();
    let (width, height) = bins.bin_m();
    // A little below, so that rounding of sides does not decide.
    let fewest = FIELD_M2 / (width * height) * (1.0 - 1e-9);
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

/// Largest share of any of four walls that one field lies along; `None` where no wall was visited enough.
fn straight_walls(map: ArrayView2<'_, f64>, fields: &Array2<u32>, count: usize, bins: &Bins) -> Option<f64> {
    let (rows, cols) = map.dim();
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
    let shares = walls.into_iter().filter_map(|(lines, deep, at)| {
        let along = (0..lines).map(|line| (0..deep).map(|depth| at(line, depth)).find(|&at| !map[at].is_nan()).map(|at| fields[at]));
        share(along, lines, count)
    });
    shares.max_by(f64::total_cmp)
}

/// Largest share of any quarter of the round wall that one field lies along.
fn round_wall(map: ArrayView2<'_, f64>, fields: &Array2<u32>, count: usize, bins: &Bins) -> Option<f64> {
    let radius = bins.arena.width_m / 2.0;
    let (width, height) = bins.bin_m();
    let quarter = bins.nx.max(bins.ny);
    let directions = 4 * quarter;
    let step = 0.5 * width.min(height);
    let deep = ((2.0 * radius * WALL_REACH / step) as usize).max(2);
    let rim: Vec<Option<u32>> = (0..directions)
        .map(|direction| {
            let (sin, cos) = (TAU * (direction as f64 + 0.5) / directions as f64).sin_cos();
            let seen = (0..=deep).filter_map(|depth| {
                let from_centre = (radius * (1.0 - 1e-9) - depth as f64 * step).max(0.0);
                bins.index(from_centre * cos, from_centre * sin)
            });
            seen.map(|index| [index / bins.nx, index % bins.nx]).find(|&at| !map[at].is_nan()).map(|at| fields[at])
        })
        .collect();
    let quarters = (0..directions).filter_map(|start| share((start..start + quarter).map(|i| rim[i % directions]), quarter, count));
    quarters.max_by(f64::total_cmp)
}

/// Largest share of a wall's visited lines that belong to one field; `None` where too few were visited.
fn share(along: impl Iterator<Item = Option<u32>>, lines: usize, count: usize) -> Option<f64> {
    let mut per_field = vec![0_usize; count + 1];
    let mut visited = 0_usize;
    for field in along.flatten() {
        visited += 1;
        per_field[field as usize] += 1;
    }
    let most = per_field.iter().skip(1).max()?;
    (visited > 0 && visited as f64 >= WALL_VISITED * lines as f64).then(|| *most as f64 / visited as f64)
}
