//! Dimension 0: which edges join two pieces (Kruskal 1956).

use super::filtration::Filtration;

/// The ranks, ascending, of edges that join two pieces: deaths in dimension 0. `candidates`: ascending ranks that hold all of them.
pub(super) fn joining(filtration: &Filtration, candidates: &[u32]) -> Vec<u32> {
    let mut root: Vec<u32> = (0..filtration.points as u32).collect();
    let joins = |&rank: &u32| {
        let [a, b] = filtration.ends[rank as usize].map(|end| find(&mut root, end));
        root[a as usize] = b;
        a != b
    };
    candidates.iter().copied().filter(joins).collect()
}

/// The root of a point's piece; paths are halved on the way.
fn find(root: &mut [u32], mut point: u32) -> u32 {
    while root[point as usize] != point {
        root[point as usize] = root[root[point as usize] as usize];
        point = root[point as usize];
    }
    point
}
