//! Distances in, bars and cocycles out.

use super::budget::Budget;
use super::columns::columns;
use super::distances::{DistanceMatrix, pairs};
use super::error::HomologyError;
use super::field::Field;
use super::filtration::{Filtration, MOST_POINTS};
use super::loops::{Loop, loops};
use super::options::{Options, Watch};
use super::pieces::joining;
use super::reporter::Reporter;
use super::result::{Bar, Cocycle, Persistence};
use super::voids::voids;

/// Bars and cocycles of a cloud's Vietoris-Rips complexes. See the module for the method.
///
/// `watch` is told the progress, and can stop the work. Runs on the rayon pool it is called in; many calls may run there at once.
///
/// No points have no bars; one point has one bar that does not end.
///
/// # Errors
/// Options out of range, more points than fit into a simplex's 64 bits, more memory than allowed (estimated first, counted later), an interruption.
pub fn persistence(distances: &DistanceMatrix, options: &Options, watch: Option<Watch<'_>>) -> Result<Persistence, HomologyError> {
    options.check()?;
    if distances.points() > MOST_POINTS {
        return Err(HomologyError::TooManyPoints { points: distances.points(), most: MOST_POINTS });
    }
    let budget = Budget::new(distances.points(), pairs(distances.points()), options)?;
    let field = Field::new(options.prime);
    let filtration = Filtration::new(distances, options, &budget)?;
    let columns = columns(&filtration, options.max_dimension >= 1, &budget)?;

    let joining = joining(&filtration, &columns.edges);
    let essential = distances.points() - joining.len();
    let mut bars =
        vec![bars(&filtration, std::iter::repeat_n((None, None), essential).chain(joining.iter().map(|&rank| (None, Some(rank)))))];
    let mut cocycles = Vec::new();
    if options.max_dimension >= 1 {
        let mut births = columns.edges.clone();
        births.retain(|rank| joining.binary_search(rank).is_err());
        let reporter = Reporter::new(watch, 1, births.len());
        let mut found = loops(&filtration, field, &births, &columns, &budget, &reporter)?;
        let mut deaths: Vec<(u32, u32)> = found.iter().filter_map(|class| class.death).collect();
        deaths.sort_unstable();
        found.retain(|class| loop_bar(&filtration, class).length() > 0.0);
        found.sort_by(|a, b| loop_bar(&filtration, a).longest_first(&loop_bar(&filtration, b)).then(a.birth.cmp(&b.birth)));
        bars.push(found.iter().map(|class| loop_bar(&filtration, class)).collect());
        cocycles = found.into_iter().take(options.cocycles).map(|class| cocycle(&filtration, class, options.prime)).collect();
        if options.max_dimension >= 2 {
            let mut pieces = columns.pieces;
            // Clearing: a triangle that kills a loop gives no birth.
            pieces.retain(|piece| deaths.binary_search(piece).is_err());
            let reporter = Reporter::new(watch, 2, pieces.len());
            let found = voids(&filtration, field, &pieces, &budget, &reporter)?;
            bars.push(self::bars(&filtration, found.into_iter().map(|(birth, death)| (Some(birth), death))));
        }
    }
    Ok(Persistence { bars, cocycles, threshold: filtration.threshold, peak_bytes: budget.peak_bytes() })
}

/// A bar from the ranks of its edges; `None` is a birth with the points, or no death.
fn bar(filtration: &Filtration, birth: Option<u32>, death: Option<u32>) -> Bar {
    let length = |rank: u32| filtration.lengths[rank as usize];
    Bar { birth: birth.map_or(0.0, length), death: death.map_or(f64::INFINITY, length) }
}

/// Bars that have a length, in order.
fn bars(filtration: &Filtration, ranks: impl Iterator<Item = (Option<u32>, Option<u32>)>) -> Vec<Bar> {
    let mut bars: Vec<Bar> = ranks.map(|(birth, death)| bar(filtration, birth, death)).filter(|bar| bar.length() > 0.0).collect();
    bars.sort_by(Bar::longest_first);
    bars
}

fn cocycle(filtration: &Filtration, class: Loop, prime: u16) -> Cocycle {
    let bar = loop_bar(filtration, &class);
    // Of equally long edges some come before the death and are as long.
    let alive = class.cocycle.into_iter().filter(|&(rank, _)| filtration.lengths[rank as usize] < bar.death);
    let edge = |(rank, coefficient): (u32, u16)| {
        let [a, b] = filtration.ends[rank as usize];
        (a, b, coefficient)
    };
    Cocycle { bar, prime, edges: alive.map(edge).collect() }
}

fn loop_bar(filtration: &Filtration, class: &Loop) -> Bar {
    bar(filtration, Some(class.birth), class.death.map(|(rank, _)| rank))
}
