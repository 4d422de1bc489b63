//! Surrogates with the map's radial power spectrum and rates, and with random directions and phases.
//!
//! 1. The map, mean subtracted and unvisited bins zero, padded: its power, averaged over all directions.
//! 2. That average is the true spectrum blurred by the box, and cutting a surrogate out of a plane blurs it again. Multiplicative
//!    steps `P ← P · observed / expected(P)` undo the first blur; `expected` is exact, through the autocovariance
//!    `FFT(IFFT(P) · overlap)`, and linear, so that one matrix per arena holds it for all units.
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
use gridlake_space::seed::Stream;
use rayon::prelude::*;
use rustfft::num_complex::{Complex32, Complex64};

/// Steps that undo the box's blur, about as many as still change a narrow band; what they leave is left to the rounds of matching.
const SHARPENING: usize = 60;

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
    /// Which radial class each frequency belongs to, and how many there are of each.
    class: Vec<u32>,
    members: Vec<f64>,
    /// Radial power that a field shows through the visited bins, per radial power that it has: `seen * classes + own`.
    blur: Vec<f64>,
}

impl IsotropicPlan {
    pub(super) fn new(shape: (usize, usize), bins: &[usize], bin_m: (f64, f64)) -> Self {
        let side = |bins: usize| fast_size((PLANE * bins as f64).ceil() as usize);
        let plan: Fft2 = Fft2::new(side(shape.0), side(shape.1));
        let field_plan = Fft2::new(plan.rows, plan.cols);
        let places = bins.iter().map(|&bin| (bin / shape.1 * plan.cols + bin % shape.1) as u32).collect();
        let step = (1.0 / (plan.rows as f64 * bin_m.0)).min(1.0 / (plan.cols as f64 * bin_m.1));
        let class: Vec<u32> = (0..plan.len())
            .map(|index| {
                let ky = Fft2::signed(index % plan.rows, plan.rows) / (plan.rows as f64 * bin_m.0);
                let kx = Fft2::signed(index / plan.rows, plan.cols) / (plan.cols as f64 * bin_m.1);
                (kx.hypot(ky) / step).round() as u32
            })
            .collect();
        let mut members = vec![0.0; class.iter().max().map_or(0, |last| *last as usize + 1)];
        for &c in &class {
            members[c as usize] += 1.0;
        }
        let mut made =
            Self { shape, bins: bins.iter().map(|&bin| bin as u32).collect(), places, plan, field_plan, class, members, blur: Vec::new() };
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

    fn radial(&self, power: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.members.len()];
        for (value, &class) in power.zip(&self.class) {
            sums[class as usize] += value;
        }
        for (sum, n) in sums.iter_mut().zip(&self.members) {
            *sum = if *n > 0.0 { *sum / n } else { 0.0 };
        }
        sums
    }

    /// The matrix of `expected`; `overlap` is the share of visited bins that overlap per circular lag.
    fn blur(&self, overlap: &[f64]) -> Vec<f64> {
        let classes = self.members.len();
        // Spectra and their blurred forms are real and even, so two classes share each transform.
        let pairs: Vec<[Vec<f64>; 2]> = (0..classes.div_ceil(2))
            .into_par_iter()
            .map_init(
                || self.plan.scratch(),
                |scratch, pair| {
                    let own = |class: u32, which: usize| if class as usize == 2 * pair + which { 1.0 } else { 0.0 };
                    let mut data: Vec<Complex64> = self.class.iter().map(|&class| Complex64::new(own(class, 0), own(class, 1))).collect();
                    self.plan.inverse(&mut data, self.plan.rows, scratch);
                    for (value, overlap) in data.iter_mut().zip(overlap) {
                        *value *= overlap / self.plan.len() as f64;
                    }
                    self.plan.forward(&mut data, self.plan.rows, scratch);
                    [self.radial(data.iter().map(|value| value.re)), self.radial(data.iter().map(|value| value.im))]
                },
            )
            .collect();
        let columns: Vec<Vec<f64>> = pairs.into_iter().flatten().take(classes).collect();
        (0..classes).flat_map(|seen| columns.iter().map(move |column| column[seen].max(0.0))).collect()
    }

    /// Radial power that a field of radial power `spectrum` shows through the visited bins.
    fn expected(&self, spectrum: &[f64]) -> Vec<f64> {
        self.blur.chunks_exact(spectrum.len().max(1)).map(|row| dot(row, spectrum)).collect()
    }

    /// Transform of the padded map.
    pub(super) fn plan(&self) -> &Fft2 {
        &self.plan
    }

    /// The ring of every frequency.
    pub(super) fn class(&self) -> &[u32] {
        &self.class
    }

    /// Amplitude per frequency of fields that look like `map` (mean 0 over visited bins) through the visited bins, and the map's own power per ring.
    pub(super) fn spectrum(&self, map: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut scratch = self.plan.scratch();
        let mut data = self.padded(|bin| map[bin]);
        self.plan.forward(&mut data, self.shape.0, &mut scratch);
        let observed = self.radial(data.iter().map(Complex64::norm_sqr));
        let mut spectrum = observed.clone();
        for _ in 0..SHARPENING {
            let expected = self.expected(&spectrum);
            for ((p, seen), would) in spectrum.iter_mut().zip(&observed).zip(&expected) {
                *p *= if *would > 0.0 { seen / would } else { 1.0 };
            }
        }
        let amplitude = self.class.iter().map(|&class| spectrum[class as usize].max(0.0).sqrt()).collect();
        (amplitude, observed.iter().zip(&self.members).map(|(mean, n)| mean * n).collect())
    }
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
            widest(rings::Powers { here, there, weight, class: &shared.class[column * tall..][..tall], sums: rings });
        }
        for ((gains, sums), power) in gains.iter_mut().zip(rings.iter()).zip(power.iter()) {
            let [a, b] = sums.map(|sum| if sum > 0.0 { (power / sum).powf(STEP as f32) } else { 0.0 });
            *gains = rings::gains(a, b);
        }
        let opposite = |column: usize| (wide - column) % wide;
        for column in (0..=wide / 2).filter(|&column| opposite(column) != column) {
            let (low, high) = coefficients.split_at_mut(opposite(column) * tall);
            let (here, there) = (&mut low[column * tall..][..tall], &mut high[..tall]);
            widest(rings::Scale { here, there, class: &shared.class[column * tall..][..tall], gains, line });
        }
        for column in (0..=wide / 2).filter(|&column| opposite(column) == column) {
            rings::scale_own(&mut coefficients[column * tall..][..tall], &shared.class[column * tall..][..tall], gains);
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
