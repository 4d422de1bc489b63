//! Autocorrelograms: Pearson's r of a map with itself, per lag, over the overlap of visited bins.
//!
//! For the lag `l`, over the `n(l)` bins `x` for which both `x` and `x + l` were visited,
//!
//! ```text
//! r(l) = (n Σ a b - Σ a Σ b) / √((n Σ a² - (Σ a)²)(n Σ b² - (Σ b)²)),   a = map(x), b = map(x + l)
//! ```
//!
//! Result: `(2 ny - 1) x (2 nx - 1)` lags, row = lag in y, column = lag in x, zero lag in the middle; point-symmetric. NaN where fewer
//! than `min_overlap` bins overlap, or where either side of the overlap is constant (its variance is at most
//! 10⁻¹⁰ of the map's).
//!
//! [`reference`] sums directly, O(bins²); [`Autocorrelator`] takes five real convolutions by FFT, O(bins log bins), and reuses its plan and
//! the mask's transform over all maps with the same visited bins; surrogates go through a form in single precision. Tests hold them equal.
//!
//! [`peaks`] reads spacing, orientation, ellipse and lattice from an autocorrelogram's neighbouring peaks.

mod ellipse;
mod fast;
mod flat;
mod lags;
mod peaks;
#[cfg(test)]
mod peaks_tests;
mod reference;
mod ridge;
mod rows;
mod single;
#[cfg(test)]
mod tests;

pub use ellipse::Ellipse;
pub use fast::Autocorrelator;
pub(crate) use fast::Workspace;
pub use peaks::{AutocorrelogramPeaks, NoPeaks, peaks};
pub use reference::reference;
pub(crate) use single::{SingleAutocorrelator, SingleWorkspace};

/// Variance of one side of an overlap, relative to the map's, at or below which the overlap counts as constant.
const CONSTANT: f64 = 1e-10;
/// Variance of a map, relative to its largest rate squared, at or below which the whole map counts as constant: rounding of sums.
const ROUNDING: f64 = 1e-24;
