//! Modules: groups of units that share one lattice, found without being told how many there are.
//!
//! **Who takes part.** Units whose map has a lattice (class grid) or one wave (class band) in at least half of the arenas in which the caller has evidence
//! ([`UnitLattices`]). A unit's lattices in several arenas become one ([`evidence`](self), weights `1/(se² + floor²)`); a unit whose lattice in some arena is
//! another one is flagged and enters with what most of its arenas agree on. So labels are the same in every arena of a run.
//!
//! Where a lattice has few periods in the arena, many of a module's units do not stand out of their own nulls, though all have the module's lattice. Units whose
//! own maps are short of a class, but have one lattice by spectrum and autocorrelogram ([`ArenaLattice::weak_p`]), therefore take part as candidates, and stay
//! only by agreement (step 5).
//!
//! **Features.** An orientation modulo 60° is undefined for a square lattice and jumps where two of its vectors swap ranks, and so do a reduced
//! cell's ratio and angle. Units are therefore compared as lattices, up to the choice of basis: the *distance* of two lattices is the largest distance between
//! a short wave vector of one (its two shortest) and the nearest wave vector of the other, over the first's shortest length, taken both ways. Near a reference
//! lattice with short waves `a, b` every lattice has four smooth coordinates, from the linear map `F` that takes `a, b` to the unit's nearest vectors
//! ([`strain`](self)): `-½ ln det F` (log period), its rotation (orientation, rad, no period needed), and two shears (shape). They are relative numbers: 0.01 is
//! 1 % or 0.57°. A band has the first two.
//!
//! **Clustering.**
//! 1. *Linkage*: two lattices are neighbours within `link_radius`; a unit with at least `min_units - 1` neighbours is a core, cores that are neighbours and
//!    whoever is near a core form a group (DBSCAN, Ester et al. 1996). Others are noise. That makes the result independent of how many stray units there are, and
//!    keeps them out of the Gaussians, which they would widen.
//! 2. *Mixture*: within a group, Gaussian mixtures (linfa) on the four coordinates; number of components by BIC, another component only where BIC falls by
//!    `bic_margin`; components that are not `separation` standard deviations apart are one (heavy tails need two Gaussians, but are one module).
//!    The covariance's floor is the estimates' own noise: the median of `se² + noise_floor²`, or the distance to the nearest unit, whichever is larger. Without
//!    it, three units in four dimensions have a singular covariance and any split "explains" everything.
//! 3. *Gate*: a unit farther from its module than a Gaussian's `outlier_p` quantile is unassigned, and a module keeps at least `min_units` units.
//! 4. *Adoption*: a unit that no link reached, but that lies inside a module's gate, belongs to it (uncertain units are farther from their neighbours than
//!    `link_radius`, and no farther from their module than they may be).
//!
//! 5. *Agreement*: a candidate stays in its module where it is within half of `link_radius` of the module's lattice and `p q ≤ agreement_alpha`: `p` of its own map's
//!    periodicity, `q` the share of all turns of its lattice at which it would be as near. Since the two are independent where it has no part in the module, and `q`
//!    is fixed by period and shape, that happens with a probability of at most `q · alpha / q = alpha`. A module of which fewer than `min_units` show their lattice by
//!    themselves must be beyond chance as a whole: as many units may meet in at most `agreement_alpha` groups.
//!
//! Linkage alone merges modules of nearby periods into chains, a mixture alone needs many units and breaks on strays; `docs/validation.md` has the
//! measured limits of both together.
//!
//! **What is reported.** [`Modules`]: a label per unit with a reason, stability over subsamples ([`Stability`]), the chance of as
//! many units meeting without a module, and how each pair of lattices is related
//! ([`Refinement`]), and how far all together tell positions apart ([`UnambiguousRange`]). [`ModuleInArena`]: the numbers of a module in an arena. [`Similarity`]: the same question asked of the autocorrelograms, which know no fit.

mod arena;
mod chance;
mod evidence;
mod find;
mod mixture;
mod range;
mod refinement;
mod similarity;
mod stability;
mod strain;
#[cfg(test)]
mod tests;

pub use arena::{ModuleInArena, in_arena, ratios};
pub use evidence::{ArenaLattice, UnitLattices};
pub use find::{Module, ModuleUnit, Modules, find};
pub use range::{UnambiguousRange, unambiguous_range};
pub use refinement::{Refinement, refinement};
pub use similarity::{CentralLags, Similarity, similarity};
pub use stability::{Stability, adjusted_rand_index, pair_agreement};
