//! Surrogates with the map's radial power spectrum and rates, and with random directions and phases.
//!
//! 1. The map, mean subtracted and unvisited bins zero, padded: its power, averaged over all directions.
//! 2. That average is the true spectrum blurred by the box, and cutting a surrogate out of a plane blurs it again. Richardson's and Lucy's steps (1972, 1974)
//!    `P ← P · Bᵀ(m observed / B P) / Bᵀm` undo the first blur, with m the frequencies of each ring and B P the expected average, exact through the autocovariance
//!    `FFT(IFFT(P) · overlap)`: a matrix per arena for all units. They begin with a flat spectrum and end where the map's rings are as likely under it as white
//!    noise's are under the true one (Morozov's discrepancy principle): further steps fit chance, and surrogates of white noise would have a few strong rings. Its rings
//!    are a little finer than a padded frequency ([`FINE`]): with whole ones, a band of noise as narrow as the box resolves fills rings that it only touches, and
//!    surrogates spread its power over too many waves.
//! 3. A surrogate is a cut-out of a Gaussian field with spectrum P (of a plane so large that the cut-out's edges are not neighbours), with the map's
//!    rates assigned by rank, so skewed maps have skewed surrogates.
//! 4. The power of that cut-out differs from the map's, ring by ring: by chance, because P is blurred in spite of step 2, and because of the ranks. Were it
//!    left so, surrogates' spectra would fluctuate around the map's, which itself fluctuates around the truth: white noise would seem to have too much structure
//!    for one score and too little for another. So the null is conditioned on the map's power, the statistic that an isotropic Gaussian field leaves nothing
//!    else to know of: every ring of the cut-out's padded spectrum is scaled towards the map's, and rates are assigned anew; [`ROUNDS`] times.
//!
//! In between, rates are assigned by the normal distribution's quantiles, which needs no ranks; the last assignment is by rank, so that a surrogate has the map's rates and no others.
//!
//! The spectrum is made in double precision, fields in single precision, in which one complex transform makes two.

use super::Surrogates;
use super::normals::Normals;
use super::quantiles::Quantiles;
use super::ranks::Ranks;
use super::rings;
use crate::fft::{Fft2, Fft2Scratch, fast_size};
use crate::linear::dot;
use crate::simd::widest;
use gridlake_space::seed::{Seed, Stream};
use rayon::prelude::*;
use rustfft::num_complex::{Complex32, Complex64};

/// Most steps that undo the box's blur; what they leave is left to the rounds of matching.
const SHARPENING: usize = 100;
/// Rings of the spectrum that surrogates are drawn from, per padded frequency; measured in `docs/validation.md`.
const FINE: f64 = 1.5;
/// Maps of white noise that tell how likely a map's rings are under its true spectrum.
const WHITE: usize = 64;

/// How often a surrogate's radial power is drawn to the map's; what that is good for is measured in `docs/validation.md`.
pub(super) const ROUNDS: usize = 2;
/// Power of the ratio of powers that coefficients are scaled by. A half would be right were nothing cut off afterwards; as most of the plane is, more gets closer.
pub(super) const STEP: f64 = 0.8;

/// Least side of the plane that surrogates are cut out of, over the map's: opposite walls are then strangers to each other, and the next copy is as far away.
const PLANE: f64 = 1.6;

/// What surrogates of all maps of one arena share.
#[derive(Clone)]
pub(super) struct IsotropicPlan {
    shape: (usize, usize),
    bins: Vec<u32>,
    /// Where each visited bin lies in a padded field.
    places: Vec<u32>,
    plan: Fft2,
    field_plan: Fft2<f32>,
    /// Rings whose power is drawn to the map's.
    matched: Rings,
    /// Rings of the spectrum that is drawn from.
    drawn: Rings,
    /// Of the latter, the power that a field shows through the visited bins, per power that it has: `seen * rings + own`; and transposed.
    blur: Vec<f64>,
    unblur: Vec<f64>,
    /// Mean deviance of white noise.
    usual_deviance: f64,
}

/// Frequencies by their length.
#[derive(Clone)]
struct Rings {
    /// The ring of every frequency.
    class: Vec<u32>,
    /// Frequencies of each.
    members: Vec<f64>,
}

impl Rings {
    /// Rings of this width (cycles/m) around 0.
    fn new(plan: &Fft2, bin_m: (f64, f64), width: f64) -> Self {
        let class: Vec<u32> = (0..plan.len())
            .map(|index| {
                let ky = Fft2::signed(index % plan.rows, plan.rows) / (plan.rows as f64 * bin_m.0);
                let kx = Fft2::signed(index / plan.rows, plan.cols) / (plan.cols as f64 * bin_m.1);
                (kx.hypot(ky) / width).round() as u32
            })
            .collect();
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
    pub(super) fn new(shape: (usize, usize), bins: &[usize], bin_m: (f64, f64)) -> Self {
        let side = |bins: usize| fast_size((PLANE * bins as f64).ceil() as usize);
        let plan: Fft2 = Fft2::new(side(shape.0), side(shape.1));
        let field_plan = Fft2::new(plan.rows, plan.cols);
        let places = bins.iter().map(|&bin| (bin / shape.1 * plan.cols + bin % shape.1) as u32).collect();
        let step = (1.0 / (plan.rows as f64 * bin_m.0)).min(1.0 / (plan.cols as f64 * bin_m.1));
        let (matched, drawn) = (Rings::new(&plan, bin_m, step), Rings::new(&plan, bin_m, step / FINE));
        let bins = bins.iter().map(|&bin| bin as u32).collect();
        let mut made =
            Self { shape, bins, places, plan, field_plan, matched, drawn, blur: Vec::new(), unblur: Vec::new(), usual_deviance: 0.0 };
        let mut scratch = made.plan.scratch();
        let mut mask = made.padded(|_| 1.0);
        made.plan.forward(&mut mask, shape.0, &mut scratch);
        for value in &mut mask {
            *value = Complex64::new(value.norm_sqr(), 0.0);
        }
        made.plan.inverse(&mut mask, made.plan.rows, &mut scratch);
        let whole = mask.first().map_or(1.0, |zero| zero.re.max(1.0));
        let overlap: Vec<f64> = mask.iter().map(|value| (value.re / whole).max(0.0)).collect();
        made.blur = made.blur(&overlap);
        let rings = made.drawn.members.len();
        made.unblur = (0..rings * rings).map(|at| made.blur[at % rings * rings + at / rings]).collect();
        made.usual_deviance = made.usual_deviance();
        made
    }

    /// A padded buffer with `value` of each visited bin.
    fn padded(&self, value: impl Fn(usize) -> f64) -> Vec<Complex64> {
        let mut data = vec![Complex64::default(); self.plan.len()];
        for (&bin, &place) in self.bins.iter().zip(&self.places) {
            data[place as usize] = Complex64::new(value(bin as usize), 0.0);
        }
        data
    }

    /// The matrix of the blur; `overlap` is the share of visited bins that overlap per circular lag.
    fn blur(&self, overlap: &[f64]) -> Vec<f64> {
        let classes = self.drawn.members.len();
        // Spectra and their blurred forms are real and even, so two classes share each transform.
        let pairs: Vec<[Vec<f64>; 2]> = (0..classes.div_ceil(2))
            .into_par_iter()
            .map_init(
                || self.plan.scratch(),
                |scratch, pair| {
                    let own = |class: u32, which: usize| if class as usize == 2 * pair + which { 1.0 } else { 0.0 };
                    let mut data: Vec<Complex64> =
                        self.drawn.class.iter().map(|&class| Complex64::new(own(class, 0), own(class, 1))).collect();
                    self.plan.inverse(&mut data, self.plan.rows, scratch);
                    for (value, overlap) in data.iter_mut().zip(overlap) {
                        *value *= overlap / self.plan.len() as f64;
                    }
                    self.plan.forward(&mut data, self.plan.rows, scratch);
                    [self.drawn.means(data.iter().map(|value| value.re)), self.drawn.means(data.iter().map(|value| value.im))]
                },
            )
            .collect();
        let columns: Vec<Vec<f64>> = pairs.into_iter().flatten().take(classes).collect();
        (0..classes).flat_map(|seen| columns.iter().map(move |column| column[seen].max(0.0))).collect()
    }

    /// Transform of the padded map.
    pub(super) fn plan(&self) -> &Fft2 {
        &self.plan
    }

    /// The ring of every frequency.
    pub(super) fn class(&self) -> &[u32] {
        &self.matched.class
    }

    /// Amplitude per frequency of fields that look like `map` (mean 0 over visited bins) through the visited bins, and the map's own power per ring.
    pub(super) fn spectrum(&self, map: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut scratch = self.plan.scratch();
        let mut data = self.padded(|bin| map[bin]);
        self.plan.forward(&mut data, self.shape.0, &mut scratch);
        let power = || data.iter().map(Complex64::norm_sqr);
        let spectrum = self.sharpened(&self.drawn.means(power()));
        let amplitude = self.drawn.class.iter().map(|&class| spectrum[class as usize].sqrt()).collect();
        (amplitude, self.matched.means(power()).iter().zip(&self.matched.members).map(|(mean, n)| mean * n).collect())
    }

    /// The spectrum of fields that show these means of rings through the visited bins: the first from a flat one on that shows them as nearly as the true one would.
    fn sharpened(&self, observed: &[f64]) -> Vec<f64> {
        let members = &self.drawn.members;
        let whole = times(&self.unblur, members);
        let mut spectrum = self.flat(observed);
        for _ in 0..SHARPENING {
            let expected = times(&self.blur, &spectrum);
            if self.deviance(observed, &expected) <= self.usual_deviance {
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
        let mut stream = Seed(0).stream("analysis/nulls/white", 0);
        let mut scratch = self.plan.scratch();
        let n = self.bins.len() as f64;
        let one = |_| {
            let mut rates = vec![0.0; self.shape.0 * self.shape.1];
            for &bin in &self.bins {
                rates[bin as usize] = stream.normal();
            }
            let mean = rates.iter().sum::<f64>() / n;
            let mut data = self.padded(|bin| rates[bin] - mean);
            self.plan.forward(&mut data, self.shape.0, &mut scratch);
            let observed = self.drawn.means(data.iter().map(Complex64::norm_sqr));
            self.deviance(&observed, &times(&self.blur, &self.flat(&observed)))
        };
        (0..WHITE).map(one).sum::<f64>() / WHITE as f64
    }

    /// How unlikely these means of rings are for fields of these expected ones: minus twice the log likelihood (Whittle 1953), over its least, of
    /// as many independent frequencies as the visited bins have.
    fn deviance(&self, observed: &[f64], expected: &[f64]) -> f64 {
        let independent = self.bins.len() as f64 / self.plan.len() as f64;
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

/// Surrogates of one map.
pub(super) struct Isotropic<'a> {
    shared: &'a IsotropicPlan,
    normals: Normals,
    /// Amplitude per frequency, the largest 1.
    amplitude: Vec<f32>,
    /// The map's power per ring.
    power: Vec<f32>,
    /// Of the two surrogates in hand.
    rings: Vec<[f32; 2]>,
    gains: Vec<rings::Gains>,
    line: rings::ScaleLine,
    /// The map's rates, ascending.
    rates: Vec<f32>,
    quantiles: Quantiles,
    coefficients: Vec<Complex32>,
    field: Vec<Complex32>,
    /// The field at the visited bins.
    values: Vec<f32>,
    assigned: Vec<f32>,
    ranks: Ranks,
    scratch: Fft2Scratch<f32>,
}

impl<'a> Isotropic<'a> {
    /// For a map of mean 0 and variance 1 over visited bins.
    pub(super) fn new(shared: &'a IsotropicPlan, map: &[f64], stream: &mut Stream) -> Self {
        let (amplitude, power) = shared.spectrum(map);
        let largest = amplitude.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let mut rates: Vec<f32> = shared.bins.iter().map(|&bin| map[bin as usize] as f32).collect();
        rates.sort_by(f32::total_cmp);
        let field = vec![Complex32::default(); shared.shape.0 * shared.plan.cols];
        Self {
            shared,
            normals: Normals::new(stream),
            amplitude: amplitude.iter().map(|a| (a / largest) as f32).collect(),
            rings: vec![[0.0; 2]; power.len()],
            gains: vec![[0.0; 4]; power.len()],
            line: rings::ScaleLine::default(),
            power: power.into_iter().map(|power| power as f32).collect(),
            quantiles: Quantiles::new(&rates, shared.shape, shared.plan.cols, &shared.places),
            rates,
            coefficients: vec![Complex32::default(); shared.plan.len()],
            field,
            values: Vec::new(),
            assigned: Vec::new(),
            ranks: Ranks::default(),
            scratch: shared.field_plan.scratch(),
        }
    }

    /// Scales the two surrogates' coefficients ring by ring towards the map's power.
    fn match_rings(&mut self) {
        let Self { shared, coefficients, power, rings, gains, line, .. } = self;
        let (tall, wide) = (shared.plan.rows, shared.plan.cols);
        rings.fill([0.0; 2]);
        for column in 0..=wide / 2 {
            let opposite = (wide - column) % wide;
            let (here, there) = (&coefficients[column * tall..][..tall], &coefficients[opposite * tall..][..tall]);
            // A column that is its own opposite holds each pair twice.
            let weight = if column == opposite { 0.25 } else { 0.5 };
            widest(rings::Powers { here, there, weight, class: &shared.matched.class[column * tall..][..tall], sums: rings });
        }
        for ((gains, sums), power) in gains.iter_mut().zip(rings.iter()).zip(power.iter()) {
            let [a, b] = sums.map(|sum| if sum > 0.0 { (power / sum).powf(STEP as f32) } else { 0.0 });
            *gains = rings::gains(a, b);
        }
        let opposite = |column: usize| (wide - column) % wide;
        for column in (0..=wide / 2).filter(|&column| opposite(column) != column) {
            let (low, high) = coefficients.split_at_mut(opposite(column) * tall);
            let (here, there) = (&mut low[column * tall..][..tall], &mut high[..tall]);
            widest(rings::Scale { here, there, class: &shared.matched.class[column * tall..][..tall], gains, line });
        }
        for column in (0..=wide / 2).filter(|&column| opposite(column) == column) {
            rings::scale_own(&mut coefficients[column * tall..][..tall], &shared.matched.class[column * tall..][..tall], gains);
        }
    }

    /// The map's rates by the ranks of both parts of the field.
    fn assign(&mut self, first: &mut [f32], second: &mut [f32]) {
        let Self { shared, field, values, assigned, ranks, rates, .. } = self;
        let (cols, stride) = (shared.shape.1, shared.plan.cols);
        let all = shared.bins.len() == shared.shape.0 * cols;
        for (which, out) in [first, second].into_iter().enumerate() {
            let part = |value: &Complex32| if which == 0 { value.re } else { value.im };
            values.clear();
            if all {
                for row in field.chunks_exact(stride) {
                    values.extend(row[..cols].iter().map(part));
                }
                ranks.each(values, rates, out);
            } else {
                values.extend(shared.places.iter().map(|&place| part(&field[place as usize])));
                assigned.resize(values.len(), 0.0);
                ranks.each(values, rates, assigned);
                shared.bins.iter().zip(assigned.iter()).for_each(|(&bin, &rate)| out[bin as usize] = rate);
            }
        }
    }
}

impl Surrogates for Isotropic<'_> {
    fn pair(&mut self, _: &mut Stream, first: &mut [f32], second: &mut [f32]) {
        // Independent complex normal coefficients: real and imaginary part are two independent fields.
        self.normals.fill(&self.amplitude, &mut self.coefficients);
        let Self { shared, field, coefficients, scratch, .. } = self;
        let rows = shared.shape.0;
        shared.field_plan.inverse_into(coefficients, rows, field, scratch);
        for _ in 0..ROUNDS {
            let Self { shared, field, coefficients, scratch, quantiles, .. } = self;
            quantiles.assign(field);
            shared.field_plan.forward_into(field, rows, coefficients, scratch);
            self.match_rings();
            let Self { shared, field, coefficients, scratch, .. } = self;
            shared.field_plan.inverse_into(coefficients, rows, field, scratch);
        }
        self.assign(first, second);
    }
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
        sum(1).powi(2) / sum(2) * plan.bins.len() as f64 / plan.plan.len() as f64
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
        let mut flat = 0;
        for _ in 0..20 {
            let mut map: Vec<f64> = (0..1600).map(|_| stream.normal()).collect();
            let mean = map.iter().sum::<f64>() / 1600.0;
            for rate in &mut map {
                *rate -= mean;
            }
            let (amplitude, power) = plan.spectrum(&map);
            let total: f64 = amplitude.iter().map(|a| a * a).sum();
            let equal = amplitude.iter().map(|a| a.powi(4)).sum::<f64>() * plan.plan.len() as f64 / total.powi(2);
            assert!(equal < 1.05 && power.iter().all(|p| p.is_finite()), "{equal}");
            flat += usize::from(equal < 1.0 + 1e-9);
        }
        assert!((all - 1600.0).abs() < 1.0 && (4..=18).contains(&flat), "{all}, {flat}");
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
