//! Persistent homology: how many pieces, loops and voids a cloud of points has, and from which scale to which.
//!
//! The Vietoris-Rips complex at scale `t` has a simplex for every set of points no two of which are further apart than `t`. As `t` grows from 0, classes of its
//! homology over the field Z/p are born and die; each is a [`Bar`] from birth to death. A torus has one long bar in dimension 0, two in 1 and one in 2. Bars
//! of dimension 1 come with cocycles where asked for ([`Options::cocycles`]): functions on oriented edges whose sum around a loop tells how often it winds,
//! from which circular coordinates are made (de Silva, Morozov, Vejdemo-Johansson 2011).
//!
//! [`persistence`] descends from Ripser's method (Bauer 2021, doi:10.1007/s41468-021-00071-5): cohomology, with coboundaries that are never stored, clearing, pairs
//! that are apparent, nothing beyond the enclosing radius. It departs from it in these, none of which changes a bar:
//!
//! - **Edges have ranks** (`filtration`). Edges are sorted once, by length and then by index, and each simplex enters with its last edge. Lengths are only
//!   looked at when edges are sorted, in double precision (Ripser: single), so bars are as exact as the distances.
//! - **Lower links** (`lower_link`, `columns`). The simplices that enter with one edge are, without that edge, the complex on the points nearer to both of its ends.
//!   Pairs within it have no length. A spanning forest of that complex's graph pairs all of its points but one per connected piece, where
//!   apparent pairs are most of these; for most edges there is one piece, and not one triangle is left to look at.
//! - **Cocycles are carried on** (`loops`, `voids`; as de Silva, Morozov, Vejdemo-Johansson 2011 do, but one class at a time). What a class's cocycle must be on
//!   the simplices that enter with the next edge is read off the simplices before, so there is no queue of coboundary entries, and memory is that
//!   of the cocycles.
//!
//! Distances and columns are made by all threads of the pool; cocycles are carried on by one, as each needs those of classes born later.
//!
//! Cost: edges × points / 64 for the columns, and for each class the edges from its birth to its death. Memory: [`estimate_bytes`].
//!
//! [`reference`] is the textbook: all simplices in a list, one matrix, reduced column by column.
//!
//! The same input has the same bars and cocycles, bit by bit, on any number of threads.

mod budget;
mod cochain;
mod columns;
mod distances;
mod error;
mod field;
mod filtration;
mod loops;
mod lower_link;
mod options;
mod persistence;
mod pieces;
pub mod reference;
mod reporter;
mod result;
mod voids;

pub use budget::estimate_bytes;
pub use distances::DistanceMatrix;
pub use error::HomologyError;
pub use options::{Options, Progress, Watch};
pub use persistence::persistence;
pub use result::{Bar, Cocycle, Persistence};

#[cfg(test)]
mod tests;
