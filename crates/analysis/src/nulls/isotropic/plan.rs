//! The spectrum of an isotropic field that looks like a map through its visited bins.
//!
//! The map's power, averaged over all directions, is the true spectrum blurred by the box, and cutting a surrogate out of a plane blurs it again. Richardson's and
//! Lucy's steps (1972, 1974) `P ← P · Bᵀ(m observed / B P) / Bᵀm` undo the first blur, with m the frequencies of each ring and B P the expected average, exact through
//! the autocovariance `FFT(IFFT(P) · overlap)`: a matrix per arena for all units. They begin with a flat spectrum and end by Morozov's discrepancy principle, where
//! the map's rings are about as likely under it ([`ENOUGH`]) as white noise's are under the true one: further steps fit chance, and surrogates of white noise would have a
//! few strong rings. Its rings are as fine as the plane's frequencies: with those of a padded map, a band of noise as narrow as the box resolves fills rings that it
//! only touches, and surrogates spread its power over too many waves.
//!
//! Steps are in double precision, the maps' transforms in single precision.

use crate::fft::{Fft2, fast_size};
use crate::linear::dot;
use gridlake_space::seed::Seed;
use rayon::prelude::*;
use rustfft::num_complex::{Complex32, Complex64};

/// Most steps that undo the box's blur.
const SHARPENING: usize = 100;
/// Steps end at this share of the mean deviance of white noise from its true spectrum; measured in `docs/validation.md`.
const ENOUGH: f64 = 0.5;
/// Maps of white noise that tell that mean.
const WHITE: u64 = 64;
/// Least side of a map with empty space around it, over the map's, where its power is compared.
const PADDED: f64 = 1.6;
/// Windows along each side of a plane, each of a padded map's size: opposite walls of a surrogate are strangers, and so are surrogates of one plane.
pub(super) const WINDOWS: usize = 2;

/// What surrogates of all maps of one arena share.
#[derive(Clone)]
pub(in crate::nulls) struct IsotropicPlan {
    pub(super) shape: (usize, usize),
    pub(super) bins: Vec<u32>,
    /// Where each visited bin lies in a padded field.
    pub(super) places: Vec<u32>,
    /// Padded maps, in double and in single precision.
    pub(super) padded: Fft2,
    pub(super) padded_single: Fft2<f32>,
    /// Rings whose power is drawn to the map's.
    pub(super) matched: Rings,
    /// Planes that surrogates are cut out of, in double and in single precision.
    pub(super) plane: Fft2,
    pub(super) plane_single: Fft2<f32>,
    /// Rings of the spectrum that is drawn from.
    drawn: Rings,
    /// Of the latter, the power that a field shows through the visited bins, per power that it has: `seen * rings + own`; and transposed.
    blur: Vec<f64>,
    unblur: Vec<f64>,
    /// Deviance at which steps end.
    enough: f64,
}

/// Frequencies by their length.
#[derive(Clone)]
pub(super) struct Rings {
    /// The ring of every frequency.
    pub(super) class: Vec<u32>,
    /// Frequencies of each.
    members: Vec<f64>,
}

impl Rings {
    /// Rings around 0, as wide as the nearest frequencies of `plan` are apart.
    fn new(plan: &Fft2, bin_m: (f64, f64)) -> Self {
        let class = plan.rings(&plan.lengths(bin_m), bin_m);
        let mut members = vec![0.0; class.iter().max().map_or(0, |last| *last as usize + 1)];
        for &c in &class {
            members[c as usize] += 1.0;
        }
        Self { class, members }
    }

    /// Mean over each ring; 0 over one without frequencies.
    fn means(&self, power: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.members.len()];
        for (value, &class) in power.zip(&self.class) {
            sums[class as usize] += value;
        }
        for (sum, n) in sums.iter_mut().zip(&self.members) {
            *sum = if *n > 0.0 { *sum / n } else { 0.0 };
        }
        sums
    }
}

impl IsotropicPlan {
    pub(in crate::nulls) fn new(shape: (usize, usize), bins: &[usize], bin_m: (f64, f64)) -> Self {
        let side = |bins: usize| fast_size((PADDED * bins as f64).ceil() as usize);
        let padded: Fft2 = Fft2::new(side(shape.0), side(shape.1));
        let plane: Fft2 = Fft2::new(WINDOWS * padded.rows, WINDOWS * padded.cols);
        let places = bins.iter().map(|&bin| (bin / shape.1 * padded.cols + bin % shape.1) as u32).collect();
        let (matched, drawn) = (Rings::new(&padded, bin_m), Rings::new(&plane, bin_m));
        let bins = bins.iter().map(|&bin| bin as u32).collect();
        let mut made = Self {
            shape,
            bins,
            places,
            padded_single: Fft2::new(padded.rows, padded.cols),
            padded,
            matched,
            plane_single: Fft2::new(plane.rows, plane.cols),
            plane,
            drawn,
            blur: Vec::new(),
            unblur: Vec::new(),
            enough: 0.0,
        };
        let mut scratch = made.plane.scratch();
        let mut mask = vec![Complex64::default(); made.plane.len()];
        for bin in made.bins.iter().map(|&bin| bin as usize) {
            mask[bin / shape.1 * made.plane.cols + bin % shape.1] = Complex64::new(1.0, 0.0);
        }
        made.plane.forward(&mut mask, shape.0, &mut scratch);
        for value in &mut mask {
            *value = Complex64::new(value.norm_sqr(), 0.0);
        }
        made.plane.inverse(&mut mask, made.plane.rows, &mut scratch);
        let whole = mask.first().map_or(1.0, |zero| zero.re.max(1.0));
        let overlap: Vec<f64> = mask.iter().map(|value| (value.re / whole).max(0.0)).collect();
        made.blur = made.blur(&overlap);
        let rings = made.drawn.members.len();
        made.unblur = (0..rings * rings).map(|at| made.blur[at % rings * rings + at / rings]).collect();
        made.enough = ENOUGH * made.usual_deviance();
        made
    }

    /// Power of each frequency of `plan` that the map has.
    fn power(&self, plan: &Fft2<f32>, map: &[f64]) -> impl Iterator<Item = f64> + use<> {
        let mut rows = vec![Complex32::default(); self.shape.0 * plan.cols];
        for bin in self.bins.iter().map(|&bin| bin as usize) {
            rows[bin / self.shape.1 * plan.cols + bin % self.shape.1] = Complex32::new(map[bin] as f32, 0.0);
        }
        let mut transform = vec![Complex32::default(); plan.len()];
        plan.forward_into(&mut rows, self.shape.0, &mut transform, &mut plan.line_scratch());
        transform.into_iter().map(|value| f64::from(value.re).powi(2) + f64::from(value.im).powi(2))
    }

    /// The matrix of the blur; `overlap` is the share of visited bins that overlap per circular lag.
    fn blur(&self, overlap: &[f64]) -> Vec<f64> {
        let classes = self.drawn.members.len();
        // Spectra and their blurred forms are real and even, so two classes share each transform.
        let pairs: Vec<[Vec<f64>; 2]> = (0..classes.div_ceil(2))
            .into_par_iter()
            .map_init(
                || self.plane.scratch(),
                |scratch, pair| {
                    let own = |class: u32, which: usize| if class as usize == 2 * pair + which { 1.0 } else { 0.0 };
                    let mut data: Vec<Complex64> =
                        self.drawn.class.iter().map(|&class| Complex64::new(own(class, 0), own(class, 1))).collect();
                    self.plane.inverse(&mut data, self.plane.rows, scratch);
                    for (value, overlap) in data.iter_mut().zip(overlap) {
                        *value *= overlap / self.plane.len() as f64;
                    }
                    self.plane.forward(&mut data, self.plane.rows, scratch);
                    [self.drawn.means(data.iter().map(|value| value.re)), self.drawn.means(data.iter().map(|value| value.im))]
                },
            )
            .collect();
        let columns: Vec<Vec<f64>> = pairs.into_iter().flatten().take(classes).collect();
        (0..classes).flat_map(|seen| columns.iter().map(move |column| column[seen].max(0.0))).collect()
    }

    /// Transform of a padded map.
    pub(in crate::nulls) fn padded(&self) -> &Fft2 {
        &self.padded
    }

    /// The ring of every frequency of a padded map.
    pub(in crate::nulls) fn class(&self) -> &[u32] {
        &self.matched.class
    }

    /// Transform of the plane that surrogates are cut out of.
    pub(in crate::nulls) fn plane(&self) -> &Fft2 {
        &self.plane
    }

    /// Amplitude per frequency of planes that look like `map` (mean 0 over visited bins) through the visited bins, and the map's own power per ring.
    pub(in crate::nulls) fn spectrum(&self, map: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let spectrum = self.sharpened(&self.drawn.means(self.power(&self.plane_single, map)));
        let amplitude = self.drawn.class.iter().map(|&class| spectrum[class as usize].sqrt()).collect();
        let means = self.matched.means(self.power(&self.padded_single, map));
        (amplitude, means.iter().zip(&self.matched.members).map(|(mean, n)| mean * n).collect())
    }

    /// The spectrum of fields that show these means of rings through the visited bins: the first from a flat one on that shows them as nearly as the true one would.
    fn sharpened(&self, observed: &[f64]) -> Vec<f64> {
        let members = &self.drawn.members;
        let whole = times(&self.unblur, members);
        let mut spectrum = self.flat(observed);
        for _ in 0..SHARPENING {
            let expected = times(&self.blur, &spectrum);
            if self.deviance(observed, &expected) <= self.enough {
                break;
            }
            let ratios =
                members.iter().zip(observed).zip(&expected).map(|((n, seen), would)| if *would > 0.0 { n * seen / would } else { 0.0 });
            let steps = times(&self.unblur, &ratios.collect::<Vec<f64>>());
            for ((p, step), whole) in spectrum.iter_mut().zip(&steps).zip(&whole) {
                *p *= if *whole > 0.0 { step / whole } else { 0.0 };
            }
        }
        spectrum
    }

    /// The flat spectrum of as much power.
    fn flat(&self, observed: &[f64]) -> Vec<f64> {
        let members = &self.drawn.members;
        let of_one = dot(&times(&self.blur, &vec![1.0; members.len()]), members);
        vec![if of_one > 0.0 { dot(observed, members) / of_one } else { 0.0 }; members.len()]
    }

    /// Mean deviance of maps of white noise from theirs.
    fn usual_deviance(&self) -> f64 {
        let n = self.bins.len() as f64;
        let one = |number| {
            let mut stream = Seed(0).stream("analysis/nulls/white", number);
            let mut rates = vec![0.0; self.shape.0 * self.shape.1];
            for &bin in &self.bins {
                rates[bin as usize] = stream.normal();
            }
            let mean = rates.iter().sum::<f64>() / n;
            for rate in &mut rates {
                *rate -= mean;
            }
            let observed = self.drawn.means(self.power(&self.plane_single, &rates));
            self.deviance(&observed, &times(&self.blur, &self.flat(&observed)))
        };
        // Collected, so that the order of the sum does not depend on threads.
        (0..WHITE).into_par_iter().map(one).collect::<Vec<f64>>().iter().sum::<f64>() / WHITE as f64
    }

    /// How unlikely these means of rings are for fields of these expected ones: minus twice the log likelihood (Whittle 1953), over its least, of
    /// as many independent frequencies as the visited bins have.
    fn deviance(&self, observed: &[f64], expected: &[f64]) -> f64 {
        let independent = self.bins.len() as f64 / self.plane.len() as f64;
        let of = |((n, seen), would): ((&f64, &f64), &f64)| {
            let ratio = if *would > 0.0 { (seen / would).max(1e-12) } else { 1.0 };
            n * independent * (ratio - 1.0 - ratio.ln())
        };
        self.drawn.members.iter().zip(observed).zip(expected).map(of).sum()
    }
}

fn times(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len().max(1)).map(|row| dot(row, vector)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> IsotropicPlan {
        IsotropicPlan::new((40, 40), &(0..1600).collect::<Vec<usize>>(), (0.05, 0.05))
    }

    /// Frequencies that share the power, per box: a narrow band's are few.
    fn waves(plan: &IsotropicPlan, spectrum: &[f64]) -> f64 {
        let sum = |power: i32| plan.drawn.members.iter().zip(spectrum).map(|(n, p)| n * p.powi(power)).sum::<f64>();
        sum(1).powi(2) / sum(2) * plan.bins.len() as f64 / plan.plane.len() as f64
    }

    #[test]
    fn a_blurred_band_is_sharpened() {
        let plan = plan();
        let band: Vec<f64> = (0..plan.drawn.members.len()).map(|ring| f64::from(u8::from((9..=11).contains(&ring)))).collect();
        let seen = times(&plan.blur, &band);
        let (true_waves, blurred, sharpened) = (waves(&plan, &band), waves(&plan, &seen), waves(&plan, &plan.sharpened(&seen)));
        // What is left is no more than chance could make.
        assert!(
            blurred > 1.5 * true_waves && (sharpened - true_waves).abs() < 0.3 * (blurred - true_waves),
            "{true_waves}, {blurred}, {sharpened}"
        );
    }

    #[test]
    fn white_noise_stays_nearly_flat() {
        let plan = plan();
        let mut stream = Seed(1).stream("white", 0);
        let all = waves(&plan, &vec![1.0; plan.drawn.members.len()]);
        for _ in 0..20 {
            let mut map: Vec<f64> = (0..1600).map(|_| stream.normal()).collect();
            let mean = map.iter().sum::<f64>() / 1600.0;
            for rate in &mut map {
                *rate -= mean;
            }
            let (amplitude, power) = plan.spectrum(&map);
            let total: f64 = amplitude.iter().map(|a| a * a).sum();
            let equal = amplitude.iter().map(|a| a.powi(4)).sum::<f64>() * plan.plane.len() as f64 / total.powi(2);
            // Neither the flat beginning, nor all of what chance did.
            assert!((1.001..1.05).contains(&equal) && power.iter().all(|p| p.is_finite()), "{equal}");
        }
        assert!((all - 1600.0).abs() < 1.0, "{all}");
    }

    #[test]
    fn silent_maps_and_lone_bins_have_finite_spectra() {
        let plan = plan();
        let mut lone = vec![0.0; 1600];
        assert!(plan.spectrum(&lone).0.iter().all(|a| *a == 0.0));
        lone[40] = 1.0;
        assert!(plan.spectrum(&lone).0.iter().all(|a| a.is_finite()));
        let few = IsotropicPlan::new((40, 40), &[3], (0.05, 0.05));
        assert!(few.spectrum(&lone).0.iter().all(|a| a.is_finite()));
    }
}
