//! Nearest neighbours by a k-d tree over the distinct points.
//!
//! The tree (kiddo's) splits no bucket of equal coordinates and leaves the order of ties open. So copies of a point are taken out first and expanded after, columns
//! that do not vary are left out, distances are computed anew in the reference's order of operations, and where the last place is contended everything at that distance is
//! fetched.

use super::{Candidate, Neighbors, order, squared_distance, table};
use kiddo::{ImmutableKdTree, SquaredEuclidean};
use ndarray::ArrayView2;
use std::num::NonZeroUsize;

/// Relative room for the tree's own rounding of squared distances.
const ROUNDING: f64 = 1e-12;

/// `None` where the tree does not pay (over eight varying columns, few points) or cannot be built.
pub(super) fn nearest(points: ArrayView2<'_, f64>, count: usize) -> Option<Neighbors> {
    let varying: Vec<usize> = (0..points.ncols()).filter(|&c| points.column(c).iter().any(|x| *x != points[(0, c)])).collect();
    match varying.len() {
        // All points are one.
        0 => Some(table(points.nrows(), count, |point, found| {
            found.extend((0..points.nrows()).filter(|&other| other != point).take(count).map(|other| (0.0, other as u32)));
        })),
        1 => search::<1>(points, &varying, count),
        2 => search::<2>(points, &varying, count),
        3 => search::<3>(points, &varying, count),
        4 => search::<4>(points, &varying, count),
        5 => search::<5>(points, &varying, count),
        6 => search::<6>(points, &varying, count),
        7 => search::<7>(points, &varying, count),
        8 => search::<8>(points, &varying, count),
        _ => None,
    }
}

/// Distinct points and which points each stands for.
struct Distinct<const D: usize> {
    at: Vec<[f64; D]>,
    /// Members of distinct point i, rising: `members[offsets[i]..offsets[i + 1]]`.
    offsets: Vec<usize>,
    members: Vec<u32>,
    /// Per point, which distinct point it is.
    of: Vec<u32>,
}

impl<const D: usize> Distinct<D> {
    fn new(points: ArrayView2<'_, f64>, columns: &[usize]) -> Self {
        // Adding zero turns -0 into 0: equal coordinates have equal bits.
        let all: Vec<[f64; D]> = points.rows().into_iter().map(|row| std::array::from_fn(|c| row[columns[c]] + 0.0)).collect();
        let mut members: Vec<u32> = (0..all.len() as u32).collect();
        let compare = |a: &[f64; D], b: &[f64; D]| {
            a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        members.sort_unstable_by(|&a, &b| compare(&all[a as usize], &all[b as usize]).then(a.cmp(&b)));
        let (mut at, mut offsets, mut of) = (Vec::new(), Vec::new(), vec![0; all.len()]);
        for (place, &member) in members.iter().enumerate() {
            let point = all[member as usize];
            if at.last() != Some(&point) {
                at.push(point);
                offsets.push(place);
            }
            of[member as usize] = at.len() as u32 - 1;
        }
        offsets.push(members.len());
        Self { at, offsets, members, of }
    }

    fn members(&self, distinct: usize) -> &[u32] {
        &self.members[self.offsets[distinct]..self.offsets[distinct + 1]]
    }
}

fn search<const D: usize>(points: ArrayView2<'_, f64>, columns: &[usize], count: usize) -> Option<Neighbors> {
    let distinct = Distinct::<D>::new(points, columns);
    let tree: ImmutableKdTree<f64, D> = ImmutableKdTree::new_from_slice(&distinct.at).ok()?;
    let total = distinct.at.len();
    // The point itself, `count` others, and one more that shows whether the last place is contended.
    let ask = (count + 2).min(total);
    let most = NonZeroUsize::new(ask)?;
    Some(table(points.nrows(), count, |point, found| {
        let own = distinct.of[point] as usize;
        let query = &distinct.at[own];
        let mut expand = |other: u32| {
            let squared = squared_distance(query, &distinct.at[other as usize]);
            let members = distinct.members(other as usize).iter().filter(|&&member| member as usize != point);
            found.extend(members.take(count).map(|&member| -> Candidate { (squared, member) }));
        };
        let near = tree.query(query).nearest_n::<SquaredEuclidean<f64>>(most).execute();
        let contended = ask < total && near[ask - 1].distance <= near[ask - 2].distance * (1.0 + ROUNDING);
        if contended {
            let radius = near[ask - 1].distance * (1.0 + ROUNDING);
            tree.query(query).within::<SquaredEuclidean<f64>>(radius).unsorted().execute().iter().for_each(|other| expand(other.item));
        } else {
            for other in &near {
                expand(other.item);
            }
        }
        found.sort_unstable_by(order);
        found.truncate(count);
    }))
}
