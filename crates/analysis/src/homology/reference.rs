//! The textbook: every simplex in a list, a matrix, its reduction column by column.
//!
//! Nothing is left out and nothing is clever, so it is for clouds of up to about 40 points in dimension 2. Bars come from the boundary matrix, cocycles from
//! the coboundary matrix; both hold for any order of the simplices that has faces before what they bound.

use super::distances::DistanceMatrix;
use super::error::HomologyError;
use super::field::Field;
use super::options::Options;
use super::result::{Bar, Cocycle, Persistence};
use std::collections::BTreeMap;

/// A simplex: the scale at which it enters, its vertices ascending.
type Simplex = (f64, Vec<usize>);
/// A column: coefficients by row, none of them 0.
type Column = BTreeMap<usize, u32>;

/// As [`super::persistence`], slowly. Memory is neither limited nor counted.
///
/// # Errors
/// Options out of range.
pub fn reference_persistence(distances: &DistanceMatrix, options: &Options) -> Result<Persistence, HomologyError> {
    options.check()?;
    let threshold = options.threshold.unwrap_or(f64::INFINITY);
    let field = Field::new(options.prime);
    let simplices = filtration(distances, options.max_dimension + 1, threshold);
    let mut bars = vec![Vec::new(); options.max_dimension + 1];
    for (birth, death) in pairs(&simplices, &boundaries(&simplices, field), field) {
        let dimension = simplices[birth].1.len() - 1;
        let bar = Bar { birth: simplices[birth].0, death: death.map_or(f64::INFINITY, |death| simplices[death].0) };
        if dimension <= options.max_dimension && bar.length() > 0.0 {
            bars[dimension].push(bar);
        }
    }
    for bars in &mut bars {
        bars.sort_by(Bar::longest_first);
    }
    let mut cocycles = if options.max_dimension == 0 { Vec::new() } else { cocycles(&simplices, options.prime) };
    cocycles.truncate(options.cocycles);
    Ok(Persistence { bars, cocycles, threshold: threshold.min(distances.enclosing_radius()), peak_bytes: 0 })
}

/// All simplices up to `dimension` no longer than `threshold`: by scale, then dimension, then vertices.
fn filtration(distances: &DistanceMatrix, dimension: usize, threshold: f64) -> Vec<Simplex> {
    let mut all: Vec<Simplex> = (0..distances.points()).map(|point| (0.0, vec![point])).collect();
    let mut start = 0;
    for _ in 0..dimension {
        let end = all.len();
        for face in start..end {
            let (scale, vertices) = all[face].clone();
            for vertex in vertices[vertices.len() - 1] + 1..distances.points() {
                let scale = vertices.iter().map(|&other| distances.get(vertex, other)).fold(scale, f64::max);
                if scale <= threshold {
                    all.push((scale, [vertices.as_slice(), &[vertex]].concat()));
                }
            }
        }
        start = end;
    }
    all.sort_by(|(s, a), (t, b)| s.total_cmp(t).then(a.len().cmp(&b.len())).then(a.cmp(b)));
    all
}

/// Per simplex, its boundary: Σ (-1)^k (all vertices but the k-th).
fn boundaries(simplices: &[Simplex], field: Field) -> Vec<Column> {
    let index: BTreeMap<&[usize], usize> = simplices.iter().enumerate().map(|(row, (_, vertices))| (vertices.as_slice(), row)).collect();
    let boundary = |(_, vertices): &Simplex| -> Column {
        if vertices.len() == 1 {
            return Column::new();
        }
        let face = |k: usize| [&vertices[..k], &vertices[k + 1..]].concat();
        (0..vertices.len()).map(|k| (index[face(k).as_slice()], field.signed(1, k % 2 == 1))).collect()
    };
    simplices.iter().map(boundary).collect()
}

/// Adds `factor` times `other`.
fn add(column: &mut Column, other: &Column, factor: u32, field: Field) {
    for (&row, &coefficient) in other {
        let sum = field.plus(column.get(&row).copied().unwrap_or(0), field.times(factor, coefficient));
        if sum == 0 {
            column.remove(&row);
        } else {
            column.insert(row, sum);
        }
    }
}

/// Births and deaths: `(row, Some(column))` where a column's lowest entry is in that row, `(simplex, None)` for classes that never die.
fn pairs(simplices: &[Simplex], boundaries: &[Column], field: Field) -> Vec<(usize, Option<usize>)> {
    let mut reduced: BTreeMap<usize, (usize, Column)> = BTreeMap::new();
    let mut births = Vec::new();
    for (number, boundary) in boundaries.iter().enumerate() {
        let mut column = boundary.clone();
        while let Some((&low, &coefficient)) = column.last_key_value() {
            let Some((_, other)) = reduced.get(&low) else { break };
            let factor = field.negative(field.times(coefficient, field.inverse(other[&low])));
            add(&mut column, other, factor, field);
        }
        match column.last_key_value() {
            Some((&low, _)) => _ = reduced.insert(low, (number, column)),
            None => births.push(number),
        }
    }
    assert!(reduced.len() + births.len() == simplices.len(), "every simplex gives birth or death");
    births.into_iter().map(|birth| (birth, reduced.get(&birth).map(|(death, _)| *death))).collect()
}

/// Cocycles of all bars of dimension 1, the longest first: edges from the last to the first, their coboundaries reduced at the first triangle.
fn cocycles(simplices: &[Simplex], prime: u16) -> Vec<Cocycle> {
    let field = Field::new(prime);
    let mut coboundaries = vec![Column::new(); simplices.len()];
    for (simplex, boundary) in boundaries(simplices, field).into_iter().enumerate() {
        for (face, coefficient) in boundary {
            coboundaries[face].insert(simplex, coefficient);
        }
    }
    let mut found = Vec::new();
    // Edges that join two pieces are no births: they are the first edge of some reduced column of a vertex.
    let joining = first_edges(simplices, &coboundaries, field);
    let mut reduced: BTreeMap<usize, (Column, Column)> = BTreeMap::new();
    for number in (0..simplices.len()).rev().filter(|&number| simplices[number].1.len() == 2) {
        let (mut column, mut combination) = (coboundaries[number].clone(), Column::from([(number, 1)]));
        while let Some((&first, &coefficient)) = column.first_key_value() {
            let Some((other, with)) = reduced.get(&first) else { break };
            let factor = field.negative(field.times(coefficient, field.inverse(other[&first])));
            add(&mut column, other, factor, field);
            add(&mut combination, with, factor, field);
        }
        let death = column.first_key_value().map_or(f64::INFINITY, |(&first, _)| simplices[first].0);
        let bar = Bar { birth: simplices[number].0, death };
        if !joining.contains(&number) && bar.length() > 0.0 {
            let alive = combination.iter().filter(|(edge, _)| simplices[**edge].0 < death);
            let mut edges: Vec<(usize, u32)> = alive.map(|(&edge, &coefficient)| (edge, coefficient)).collect();
            edges.sort_by(|&(a, _), &(b, _)| {
                let place = |edge: usize| (simplices[edge].1[1], simplices[edge].1[0]);
                simplices[a].0.total_cmp(&simplices[b].0).then(place(a).cmp(&place(b)))
            });
            let listed = |(edge, coefficient): (usize, u32)| (simplices[edge].1[0] as u32, simplices[edge].1[1] as u32, coefficient as u16);
            found.push(Cocycle { bar, prime, edges: edges.into_iter().map(listed).collect() });
        }
        if let Some((&first, _)) = column.first_key_value() {
            reduced.insert(first, (column, combination));
        }
    }
    found.sort_by(|a, b| a.bar.longest_first(&b.bar));
    found
}

/// The edges at which the reduced coboundaries of vertices begin.
fn first_edges(simplices: &[Simplex], coboundaries: &[Column], field: Field) -> Vec<usize> {
    let mut reduced: BTreeMap<usize, Column> = BTreeMap::new();
    for number in (0..simplices.len()).rev().filter(|&number| simplices[number].1.len() == 1) {
        let mut column = coboundaries[number].clone();
        while let Some((&first, &coefficient)) = column.first_key_value() {
            let Some(other) = reduced.get(&first) else {
                reduced.insert(first, column);
                break;
            };
            let factor = field.negative(field.times(coefficient, field.inverse(other[&first])));
            add(&mut column, other, factor, field);
        }
    }
    reduced.into_keys().collect()
}
