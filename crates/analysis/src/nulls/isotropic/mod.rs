//! Surrogates with the map's radial power spectrum and rates, and with random directions and phases.
//!
//! 1. The spectrum of an isotropic field that looks like the map through the visited bins ([`plan`]).
//! 2. A surrogate is a window of a plane with that spectrum. A plane has [`plan::WINDOWS`]² of them, far enough apart to be strangers.
//! 3. The power of that window differs from the map's, ring by ring: by chance, because the spectrum is blurred in spite of step 1, and because rates are
//!    assigned. Were it left so, surrogates' spectra would fluctuate around the map's, which itself fluctuates around the truth: white noise would seem to have too much
//!    structure for one score and too little for another. So the null is conditioned on the map's power, the statistic that an isotropic Gaussian field leaves nothing
//!    else to know of: every ring of the window's padded spectrum is scaled towards the map's. Two rounds do so, with rates assigned anew between them. The first
//!    scales the window with the plane around it, so that bins at the walls have neighbours on both sides, as the map's had; the second scales the window alone, which narrows
//!    what is still blurred, but weakens bins at the walls (two rounds of the second kind leave the border score too conservative, two of the first `periodicity` too liberal).
//! 4. The map's rates are assigned by rank, so skewed maps have skewed surrogates. In between, rates are assigned by the normal distribution's quantiles, which
//!    needs no ranks.
//!
//! Fields are in single precision; one complex transform makes two.
//! What was tried, and the levels that came out, is in `docs/validation.md`.

mod plan;
mod surrogates;

pub(super) use plan::IsotropicPlan;
pub(super) use surrogates::Isotropic;

/// Power of the ratio of powers that coefficients are scaled by. A half would be right were nothing cut off afterwards; as most of the plane is, more gets closer.
pub(super) const STEP: f64 = 0.8;
