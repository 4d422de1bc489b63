//! Synthetic populations: modules of sheared hexagonal lattices among bands, place cells and noise, with every unit's truth.

use gridlake_analysis::Ratemaps;
use gridlake_analysis::lattice::{Wave, superbase};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use ndarray::{Array2, Array3};
use std::f64::consts::{FRAC_PI_3, PI};

/// What to make.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    /// Sides of the arenas, metres; every unit fires in all of them.
    pub(crate) sides_m: Vec<f64>,
    /// Bins along a side.
    pub(crate) bins: usize,
    /// Number of modules.
    pub(crate) modules: usize,
    /// Spacing of the finest module, metres.
    pub(crate) spacing_m: f64,
    /// Spacing of each module over that of the next finer one.
    pub(crate) ratio: f64,
    /// Whether all modules have one orientation and one direction of shear; otherwise each has its own.
    pub(crate) aligned: bool,
    /// Simple shear of the modules' lattices (0.3 turns 60° into about 51° or 76°), along a direction of each module's own.
    pub(crate) shear: f64,
    /// Units of each module.
    pub(crate) units: usize,
    /// Bands of random period and direction.
    pub(crate) bands: usize,
    /// Single Gaussian fields.
    pub(crate) places: usize,
    /// Smoothed noise.
    pub(crate) noises: usize,
    /// Standard deviation of the white noise of a bin; peaks are 1.
    pub(crate) noise_sd: f64,
    /// Standard deviation of each component of a unit's own deviation from its module's lattice, as a share of the wave's length.
    pub(crate) jitter: f64,
    /// The seed.
    pub(crate) seed: u64,
}

impl Default for Population {
    fn default() -> Self {
        Self {
            sides_m: vec![2.0],
            bins: 40,
            modules: 2,
            spacing_m: 0.4,
            ratio: 1.4,
            aligned: false,
            shear: 0.1,
            units: 10,
            bands: 4,
            places: 4,
            noises: 4,
            noise_sd: 0.3,
            jitter: 0.01,
            seed: 1,
        }
    }
}

/// What a unit is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Truth {
    /// A cell of this module, with a field at this place.
    Grid {
        /// Number of the module, from the finest.
        module: usize,
        /// A field's centre, metres from the arena's middle.
        offset_m: [f64; 2],
    },
    /// A band.
    Band,
    /// A single field.
    Place,
    /// Smoothed noise.
    Noise,
}

/// A population with its truth.
pub(crate) struct Made {
    /// Per arena.
    pub(crate) maps: Vec<Ratemaps>,
    /// Per unit.
    pub(crate) truth: Vec<Truth>,
    /// Waves of each module, finest first.
    pub(crate) waves: Vec<[Wave; 3]>,
}

impl Population {
    /// Makes it. The same seed makes the same maps.
    pub(crate) fn make(&self) -> Made {
        let mut stream = Seed(self.seed).stream("population", 0);
        let (first, first_along) = (stream.uniform_in(0.0, FRAC_PI_3), stream.uniform_in(0.0, PI));
        let waves: Vec<[Wave; 3]> = (0..self.modules)
            .map(|module| {
                let spacing = self.spacing_m * self.ratio.powi(module as i32);
                let orientation = if self.aligned { first } else { stream.uniform_in(0.0, FRAC_PI_3) };
                let lattice = Lattice::hexagonal(spacing, orientation);
                let along = if self.aligned { first_along } else { stream.uniform_in(0.0, PI) };
                let [a, b] = [0, 1].map(|i| sheared(lattice.waves()[i], self.shear, along));
                superbase(a, b).expect("two directions")
            })
            .collect();
        let mut truth = Vec::new();
        for module in 0..self.modules {
            for _ in 0..self.units {
                let offset_m = [stream.uniform_in(-1.0, 1.0), stream.uniform_in(-1.0, 1.0)];
                truth.push(Truth::Grid { module, offset_m });
            }
        }
        truth.extend(std::iter::repeat_n(Truth::Band, self.bands));
        truth.extend(std::iter::repeat_n(Truth::Place, self.places));
        truth.extend(std::iter::repeat_n(Truth::Noise, self.noises));
        let maps = (0..self.sides_m.len()).map(|arena| self.arena(arena, &truth, &waves)).collect();
        Made { maps, truth, waves }
    }

    fn arena(&self, arena: usize, truth: &[Truth], waves: &[[Wave; 3]]) -> Ratemaps {
        let (side, bins) = (self.sides_m[arena], self.bins);
        let at = |i: usize| ((i as f64 + 0.5) / bins as f64 - 0.5) * side;
        let mut rates = Array3::zeros((truth.len(), bins, bins));
        for (unit, (truth, mut map)) in truth.iter().zip(rates.outer_iter_mut()).enumerate() {
            // What the unit is, the same in every arena; then the arena's noise.
            let mut own = Seed(self.seed).stream("unit", unit as u64);
            let mut noise = Seed(self.seed).stream("noise", (arena << 32 | unit) as u64);
            let clean = match truth {
                Truth::Grid { module, offset_m } => {
                    let [a, b, _] = waves[*module];
                    let mut off = |k: Wave| {
                        let length = k[0].hypot(k[1]) * self.jitter;
                        [k[0] + length * own.normal(), k[1] + length * own.normal()]
                    };
                    let lattice = Lattice::from_waves(off(a), off(b));
                    let kappa = own.uniform_in(1.5, 3.0);
                    Array2::from_shape_fn((bins, bins), |(row, col)| lattice.rate_sharp(at(col), at(row), *offset_m, kappa))
                }
                Truth::Band => {
                    let band = Lattice::band(own.uniform_in(0.25, 0.7), own.uniform_in(0.0, PI));
                    let offset = [own.uniform(), own.uniform()];
                    Array2::from_shape_fn((bins, bins), |(row, col)| band.rate(at(col), at(row), offset))
                }
                Truth::Place => {
                    let centre = [own.uniform_in(-0.8, 0.8), own.uniform_in(-0.8, 0.8)];
                    let size = own.uniform_in(0.12, 0.3);
                    Array2::from_shape_fn((bins, bins), |(row, col)| {
                        (-((at(col) - centre[0]).powi(2) + (at(row) - centre[1]).powi(2)) / (2.0 * size * size)).exp()
                    })
                }
                Truth::Noise => smooth_noise(bins, 0.08 * bins as f64 / side, &mut noise),
            };
            map.assign(&clean.mapv(|rate| (rate + self.noise_sd * noise.normal()).max(0.0)));
        }
        let bins = Bins::square(Arena::square(side), bins);
        Ratemaps::from_maps(bins.clone(), Array2::from_elem((bins.ny, bins.nx), 20), rates).expect("shapes agree")
    }
}

fn sheared(k: Wave, shear: f64, along: f64) -> Wave {
    // Space sheared by x -> x + shear (n·x) t shears waves by k -> k - shear (t·k) n.
    let (t, n) = ([along.cos(), along.sin()], [-along.sin(), along.cos()]);
    let along = t[0] * k[0] + t[1] * k[1];
    [k[0] - shear * along * n[0], k[1] - shear * along * n[1]]
}

/// Gaussian noise smoothed by a Gaussian of `sd` bins, in [0, 1].
fn smooth_noise(bins: usize, sd: f64, stream: &mut Stream) -> Array2<f64> {
    let reach = (3.0 * sd).ceil() as usize;
    let wide = bins + 2 * reach;
    let field = Array2::from_shape_fn((wide, wide), |_| stream.normal());
    let kernel: Vec<f64> = (0..=2 * reach).map(|i| (-0.5 * ((i as f64 - reach as f64) / sd).powi(2)).exp()).collect();
    let along = |field: &Array2<f64>| {
        Array2::from_shape_fn((bins, field.dim().1), |(row, col)| {
            kernel.iter().enumerate().map(|(i, k)| k * field[(row + i, col)]).sum::<f64>()
        })
    };
    let half = along(&field).reversed_axes().as_standard_layout().to_owned();
    let map = along(&half);
    let (low, high) = map.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    map.mapv(|v| (v - low) / (high - low))
}
