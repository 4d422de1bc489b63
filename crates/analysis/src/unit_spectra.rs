//! Each unit's power spectrum.
//!
//! As [`module_spectrum`](crate::module_spectrum) has it of one unit: the map over visited bins, less its mean under a Hann window, windowed, padded with
//! zeros, transformed; the power over its own sum over all frequencies. Of it the frequencies of periods of at least [`FEWEST_BINS`] bins are kept: with
//! the padding of 4 as many numbers as the unit's autocorrelogram has.

use crate::module_spectrum::{ModuleSpectrum, SpectrumSum};
use crate::ratemap::Ratemaps;
use rayon::prelude::*;

/// The shortest period that is kept, in bins.
pub const FEWEST_BINS: usize = 4;

/// The spectra of all maps, in their order: `(k_y, k_x)`, odd sizes, as many along both sides, frequency zero in the middle; NaN where a map is constant.
///
/// `padding` (≥ 1): size of the transform over the maps' longer side in bins. Each map costs one transform of that size.
pub fn unit_spectra(maps: &Ratemaps, padding: usize) -> Vec<ModuleSpectrum> {
    let visited = maps.visited();
    let arena = &maps.bins.arena;
    let plan = || SpectrumSum::new(&visited, arena.width_m, arena.height_m, padding);
    let one = |sum: &mut SpectrumSum, unit: usize| {
        sum.clear();
        sum.add(maps.map(unit));
        let reach = sum.reach(FEWEST_BINS);
        sum.around(reach, reach)
    };
    (0..maps.units()).into_par_iter().map_init(plan, one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::arena::Arena;
    use gridlake_space::bins::Bins;
    use gridlake_space::lattice::Lattice;
    use ndarray::{Array2, Array3};

    /// Ideal units of one lattice with a hole in the box, and one that is constant.
    fn maps(lattice: &Lattice, (width_m, height_m): (f64, f64)) -> Ratemaps {
        let bins = Bins { arena: Arena::rectangle(width_m, height_m), nx: 40, ny: 40 };
        let hole = |row: usize, col: usize| row > 30 && col < 8;
        let rates = Array3::from_shape_fn((4, 40, 40), |(unit, row, col)| {
            let at = |i: usize, side: f64| ((i as f64 + 0.5) / 40.0 - 0.5) * side;
            match (unit, hole(row, col)) {
                (_, true) => f64::NAN,
                (3, _) => 0.7,
                _ => lattice.rate_sharp(at(col, width_m), at(row, height_m), [0.1 * unit as f64, 0.05], 2.0),
            }
        });
        Ratemaps { bins, occupancy: Array2::from_shape_fn((40, 40), |(row, col)| u32::from(!hole(row, col))), rates }
    }

    #[test]
    fn power_is_at_the_lattices_waves_and_nowhere_in_a_constant_map() {
        for sides in [(2.0, 2.0), (2.0, 1.5)] {
            let lattice = Lattice::hexagonal(0.52, 0.3);
            let found = unit_spectra(&maps(&lattice, sides), 4);
            for spectrum in &found[..3] {
                let side = spectrum.power.nrows();
                assert_eq!((side, spectrum.power.ncols()), (81, 81), "periods of four bins of a transform of 160");
                let centre = (side / 2) as f64;
                let [dx, dy] = spectrum.df_cycles_per_m;
                let ((row, col), _) = spectrum.power.indexed_iter().max_by(|one, other| one.1.total_cmp(other.1)).unwrap();
                let peak = [(col as f64 - centre) * dx, (row as f64 - centre) * dy];
                let away = |wave: [f64; 2], sign: f64| (peak[0] - sign * wave[0]).hypot(peak[1] - sign * wave[1]);
                let least = lattice.waves().iter().flat_map(|wave| [away(*wave, 1.0), away(*wave, -1.0)]).fold(f64::INFINITY, f64::min);
                assert!(least < 0.15, "{peak:?} is {least} cycles/m from a wave");
                let sum: f64 = spectrum.power.sum();
                assert!(sum > 0.9 && sum <= 1.0 + 1e-12, "nearly all power of an ideal unit is kept: {sum}");
            }
            assert!(found[3].power.iter().all(|power| power.is_nan()) && found[3].left_out == 1);
        }
    }

    #[test]
    fn their_mean_is_the_modules() {
        let made = maps(&Lattice::hexagonal(0.4, 0.1), (2.0, 2.0));
        let each = unit_spectra(&made, 4);
        let mut sum = SpectrumSum::new(&made.visited(), 2.0, 2.0, 4);
        (0..3).for_each(|unit| sum.add(made.map(unit)));
        let reach = sum.reach(FEWEST_BINS);
        let mean = sum.around(reach, reach);
        for (place, power) in mean.power.indexed_iter() {
            let expected = each[..3].iter().map(|one| one.power[place]).sum::<f64>() / 3.0;
            assert!((power - expected).abs() <= 1e-15, "{place:?}");
        }
    }
}
