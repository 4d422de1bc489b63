//! What a cocycle must be.

use super::super::{Cocycle, DistanceMatrix, Options, persistence};
use super::shapes::{Surface, circle, euclidean, surface};
use std::collections::HashMap;
use std::f64::consts::TAU;

/// At all scales in the bar: no coboundary on triangles, and not the differences of any function on points.
pub(super) fn check(cocycle: &Cocycle, distances: &DistanceMatrix, threshold: f64) {
    let (birth, death) = (cocycle.bar.birth, cocycle.bar.death.min(threshold + 1.0));
    for share in [0.0, 0.5, 0.999] {
        let scale = birth + share * (death - birth);
        let scale = if cocycle.bar.death.is_infinite() { scale.min(threshold) } else { scale };
        let listed: HashMap<(usize, usize), i64> =
            cocycle.at_scale(scale, distances).into_iter().map(|(i, j, c)| ((i as usize, j as usize), i64::from(c))).collect();
        assert!(listed.iter().all(|(&(i, j), &c)| i < j && 0 < c && c < i64::from(cocycle.prime)), "ordered and reduced");
        let p = i64::from(cocycle.prime);
        let value = |i: usize, j: usize| if i < j { *listed.get(&(i, j)).unwrap_or(&0) } else { -listed.get(&(j, i)).unwrap_or(&0) };
        let joined = |i: usize, j: usize| i != j && distances.get(i, j) <= scale;
        let n = distances.points();
        for i in 0..n {
            for j in (0..i).filter(|&j| joined(i, j)) {
                for k in (0..j).filter(|&k| joined(i, k) && joined(j, k)) {
                    assert_eq!((value(i, j) + value(j, k) - value(i, k)).rem_euclid(p), 0, "triangle {i} {j} {k} at scale {scale}");
                }
            }
        }
        let mut potential: Vec<Option<i64>> = vec![None; n];
        for start in 0..n {
            if potential[start].is_some() {
                continue;
            }
            potential[start] = Some(0);
            let mut reached = vec![start];
            while let Some(i) = reached.pop() {
                for j in (0..n).filter(|&j| joined(i, j)) {
                    if potential[j].is_none() {
                        potential[j] = potential[i].map(|h| h + value(i, j));
                        reached.push(j);
                    }
                }
            }
        }
        let closes = |i: usize, j: usize| {
            let (Some(from), Some(to)) = (potential[i], potential[j]) else { return true };
            (from + value(i, j) - to).rem_euclid(p) == 0
        };
        let all_close = (0..n).all(|i| (0..i).filter(|&j| joined(i, j)).all(|j| closes(i, j)));
        assert!(!all_close, "at scale {scale} of {:?} it is the coboundary of a function", cocycle.bar);
    }
}

#[test]
fn of_a_circle_winds_around_it_once() {
    let points = circle(60, 0.02);
    let distances = euclidean(&points);
    let found = persistence(&distances, &Options { cocycles: 1, ..Options::default() }, None).expect("in range");
    let cocycle = &found.cocycles[0];
    check(cocycle, &distances, found.threshold);
    // Around the points by angle, the values sum to ±1.
    let angle = |i: usize| points[[i, 1]].atan2(points[[i, 0]]).rem_euclid(TAU);
    let mut around: Vec<usize> = (0..60).collect();
    around.sort_by(|&i, &j| angle(i).total_cmp(&angle(j)));
    let value = |i: usize, j: usize| {
        let of =
            |i: usize, j: usize| cocycle.edges.iter().find(|&&(a, b, _)| (a as usize, b as usize) == (i, j)).map(|&(_, _, c)| i64::from(c));
        of(i, j).or_else(|| of(j, i).map(|c| -c)).unwrap_or(0)
    };
    let turns = (0..60).map(|at| value(around[at], around[(at + 1) % 60])).sum::<i64>().rem_euclid(47);
    assert!(turns == 1 || turns == 46, "winds {turns} times");
}

#[test]
fn of_a_torus_are_two_that_differ() {
    let torus = surface(Surface::HexagonalTorus, 12, 0.3);
    let found = persistence(&torus, &Options::default(), None).expect("in range");
    let [first, second] = &found.cocycles[..] else { panic!("two cocycles, not {}", found.cocycles.len()) };
    check(first, &torus, found.threshold);
    check(second, &torus, found.threshold);
    // No multiple of one is the other, but for the differences of a function.
    let scale = first.bar.birth.max(second.bar.birth) + 0.05;
    let [one, two] = [first, second].map(|cocycle| cocycle.at_scale(scale, &torus));
    for factor in 1..47_u32 {
        let mut sum: HashMap<(u32, u32), u32> = one.iter().map(|&(i, j, c)| ((i, j), u32::from(c))).collect();
        for &(i, j, c) in &two {
            *sum.entry((i, j)).or_default() += factor * u32::from(c);
        }
        let mut edges: Vec<(u32, u32, u16)> =
            sum.into_iter().map(|((i, j), c)| (i, j, (c % 47) as u16)).filter(|edge| edge.2 != 0).collect();
        edges.sort_unstable();
        let bar = super::super::Bar { birth: scale, death: scale.next_up() };
        check(&Cocycle { bar, prime: 47, edges }, &torus, found.threshold);
    }
}
