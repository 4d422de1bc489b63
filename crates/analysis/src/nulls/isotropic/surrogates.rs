//! Fields with a map's spectrum, cut out of planes, with the map's power ring by ring and its rates.

use super::STEP;
use super::plan::{IsotropicPlan, WINDOWS};
use crate::fft::Fft2Scratch;
use crate::nulls::normals::Normals;
use crate::nulls::quantiles::Quantiles;
use crate::nulls::ranks::Ranks;
use crate::nulls::{Surrogates, rings};
use crate::simd::widest;
use gridlake_space::seed::Stream;
use rustfft::num_complex::Complex32;

/// Columns of a plane that are drawn at a time: a line of the cache is as wide.
const COLUMNS: usize = 8;

/// Surrogates of one map.
pub(in crate::nulls) struct Isotropic<'a> {
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
    /// Some columns of a plane's frequencies, and the plane.
    columns: Vec<Complex32>,
    plane: Vec<Complex32>,
    /// Windows of the plane that are left.
    windows: usize,
    /// A window of it, and its transform.
    window: Vec<Complex32>,
    around: Vec<Complex32>,
    /// Transform of the field alone.
    seen: Vec<Complex32>,
    field: Vec<Complex32>,
    /// The field at the visited bins.
    values: Vec<f32>,
    assigned: Vec<f32>,
    ranks: Ranks,
    scratch: Fft2Scratch<f32>,
    plane_scratch: Fft2Scratch<f32>,
}

impl<'a> Isotropic<'a> {
    /// For a map of mean 0 and variance 1 over visited bins.
    pub(in crate::nulls) fn new(shared: &'a IsotropicPlan, map: &[f64], stream: &mut Stream) -> Self {
        let (amplitude, power) = shared.spectrum(map);
        let largest = amplitude.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let mut rates: Vec<f32> = shared.bins.iter().map(|&bin| map[bin as usize] as f32).collect();
        rates.sort_by(f32::total_cmp);
        let field = vec![Complex32::default(); shared.shape.0 * shared.padded.cols];
        Self {
            shared,
            normals: Normals::new(stream),
            amplitude: amplitude.iter().map(|a| (a / largest) as f32).collect(),
            rings: vec![[0.0; 2]; power.len()],
            gains: vec![[0.0; 4]; power.len()],
            line: rings::ScaleLine::default(),
            power: power.into_iter().map(|power| power as f32).collect(),
            quantiles: Quantiles::new(&rates, shared.shape, shared.padded.cols, &shared.places),
            rates,
            columns: vec![Complex32::default(); COLUMNS * shared.plane.rows],
            plane: vec![Complex32::default(); shared.plane.len()],
            windows: 0,
            window: vec![Complex32::default(); shared.padded.len()],
            around: vec![Complex32::default(); shared.padded.len()],
            seen: vec![Complex32::default(); shared.padded.len()],
            field,
            values: Vec::new(),
            assigned: Vec::new(),
            ranks: Ranks::default(),
            scratch: shared.padded_single.line_scratch(),
            plane_scratch: shared.plane_single.line_scratch(),
        }
    }

    /// What scales each ring of the two surrogates towards the map's power, from their padded transform.
    fn compare(&mut self) {
        let Self { shared, seen, power, rings, gains, .. } = self;
        let (tall, wide) = (shared.padded.rows, shared.padded.cols);
        rings.fill([0.0; 2]);
        for column in 0..=wide / 2 {
            let opposite = (wide - column) % wide;
            let (here, there) = (&seen[column * tall..][..tall], &seen[opposite * tall..][..tall]);
            // A column that is its own opposite holds each pair twice.
            let weight = if column == opposite { 0.25 } else { 0.5 };
            widest(rings::Powers { here, there, weight, class: &shared.matched.class[column * tall..][..tall], sums: rings });
        }
        for ((gains, sums), power) in gains.iter_mut().zip(rings.iter()).zip(power.iter()) {
            let [a, b] = sums.map(|sum| if sum > 0.0 { (power / sum).powf(STEP as f32) } else { 0.0 });
            *gains = rings::gains(a, b);
        }
    }

    /// The map's rates by the ranks of both parts of the field.
    fn assign(&mut self, first: &mut [f32], second: &mut [f32]) {
        let Self { shared, field, values, assigned, ranks, rates, .. } = self;
        let (cols, stride) = (shared.shape.1, shared.padded.cols);
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

    /// Draws a plane; some columns at a time, which stay in the first-level cache.
    fn draw(&mut self) {
        let Self { shared, normals, amplitude, columns, plane, plane_scratch, .. } = self;
        let (tall, wide) = (shared.plane.rows, shared.plane.cols);
        for (number, amplitude) in amplitude.chunks(COLUMNS * tall).enumerate() {
            let columns = &mut columns[..amplitude.len()];
            // Independent complex normal coefficients: real and imaginary part are two independent planes.
            normals.fill(amplitude, columns);
            shared.plane_single.columns_inverse(columns, plane_scratch);
            for (row, line) in plane.chunks_exact_mut(wide).enumerate() {
                let line = &mut line[number * COLUMNS..];
                for (value, column) in line.iter_mut().zip(columns.chunks_exact(tall)) {
                    *value = column[row];
                }
            }
        }
        shared.plane_single.rows_inverse(plane, plane_scratch);
    }

    /// Cuts the next window out of a plane, a new one where none is left: the field, and what is around it.
    fn cut(&mut self) {
        if self.windows == 0 {
            self.draw();
            self.windows = WINDOWS * WINDOWS;
        }
        let Self { shared, plane, windows, window, field, .. } = self;
        let (high, narrow, wide) = (shared.padded.rows, shared.padded.cols, shared.plane.cols);
        *windows -= 1;
        let (top, left) = (*windows / WINDOWS * high, *windows % WINDOWS * narrow);
        // The window's first row and column are the field's; half of what is around the field comes last, from before them.
        let before = |padded: usize, own: usize| (padded - own).div_ceil(2);
        let (above, aside) = (before(high, shared.shape.0), before(narrow, shared.shape.1));
        let earlier = (left + wide - aside) % wide;
        for (row, line) in window.chunks_exact_mut(narrow).enumerate() {
            let from = if row + above < high { top + row } else { (top + row + shared.plane.rows - high) % shared.plane.rows };
            let from = &plane[from * wide..][..wide];
            line[..narrow - aside].copy_from_slice(&from[left..][..narrow - aside]);
            line[narrow - aside..].copy_from_slice(&from[earlier..][..aside]);
        }
        let rows = field.len();
        field.copy_from_slice(&window[..rows]);
    }

    /// Rates by quantile, their transform, and what scales its rings.
    fn look(&mut self) {
        let Self { shared, field, seen, quantiles, scratch, .. } = self;
        quantiles.assign(field);
        shared.padded_single.forward_into(field, shared.shape.0, seen, scratch);
        self.compare();
    }
}

/// Scales the rings of two surrogates' transform.
fn scale(coefficients: &mut [Complex32], shared: &IsotropicPlan, gains: &[rings::Gains], line: &mut rings::ScaleLine) {
    let (tall, wide) = (shared.padded.rows, shared.padded.cols);
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

impl Surrogates for Isotropic<'_> {
    fn pair(&mut self, _: &mut Stream, first: &mut [f32], second: &mut [f32]) {
        self.cut();
        let rows = self.shared.shape.0;
        self.shared.padded_single.forward_into(&mut self.window, self.shared.padded.rows, &mut self.around, &mut self.scratch);
        self.look();
        scale(&mut self.around, self.shared, &self.gains, &mut self.line);
        self.shared.padded_single.inverse_into(&mut self.around, rows, &mut self.field, &mut self.scratch);
        self.look();
        scale(&mut self.seen, self.shared, &self.gains, &mut self.line);
        self.shared.padded_single.inverse_into(&mut self.seen, rows, &mut self.field, &mut self.scratch);
        self.assign(first, second);
    }
}
