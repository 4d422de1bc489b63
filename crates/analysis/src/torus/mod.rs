//! Do the states of a module's units make a torus?
//!
//! After Gardner et al. (2022, doi:10.1038/s41586-021-04268-7), with a null of the same pipeline. A module of grid cells that share a lattice has, whatever the arena, as many states as
//! the lattice's cell has places: a torus, with one piece, two loops and one void, β = (1, 2, 1).
//!
//! ```text
//! activity ─► z-scores ─► 6 principal components ─► landmarks ─► distances ─► bars (homology) ─► verdict ─► coordinates ─► waves, maps, phases
//!    └─► units' maps displaced independently ─► the same ─► bars of the null ──────────────────────┘
//! ```
//!
//! | Question | Where |
//! |---|---|
//! | What is a cloud, and which presets are there? | `cloud`, [`config`] |
//! | What is the null? | `nulls`, [`TorusNull`] |
//! | When is it a torus? | [`verdict`] |
//! | Which angles? | [`coordinates`], `lift`, `harmonic`, [`lattice_reduction`] |
//! | How do they turn across the arena? | `waves` |
//! | Where on the torus do units fire, and is that their phase? | `maps`, `agreement` |

mod agreement;
mod analyze;
mod cloud;
pub mod config;
pub mod coordinates;
mod error;
mod harmonic;
pub mod lattice_reduction;
mod lift;
mod maps;
mod nearest;
mod nulls;
mod sample;
pub mod verdict;
mod waves;

pub use agreement::{PERMUTATIONS, PhaseAgreement};
pub use analyze::{FourierPhases, OnTheTorus, SurrogateBars, TorusAnalysis, TorusWatch, analyze_torus};
pub use config::{CheckedTorusConfig, Preset, TorusConfig, TorusNull};
pub use coordinates::Coordinates;
pub use error::TorusError;
pub use maps::TorusMaps;
pub use sample::TorusSample;
pub use verdict::{Ranked, Verdict, betti_by_lengths};
pub use waves::{PlaneWave, WaveMatch};
