//! The shared vocabulary of gridlake: where an animal can be, how it moves, how space is binned, and what an ideal grid cell does there.
//!
//! Positions are in metres from the arena's centre, velocities in metres per step, wave vectors in cycles per metre, angles in radians.

pub mod arena;
pub mod bins;
pub mod coverage;
pub mod lattice;
pub mod seed;
pub mod trajectory;
