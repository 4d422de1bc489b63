//! The test for the torus: ideal modules are recognized and given coordinates, everything else is not called a torus, at rates that are measured here.
//!
//! With `GRIDLAKE_BLESS=1` the samples are those of `docs/validation.md` (about an hour), and the rows go there.

#[path = "common/bless.rs"]
mod page;

use gridlake_analysis::downsampling::farthest;
use gridlake_analysis::homology::{DistanceMatrix, Options, persistence};
use gridlake_analysis::torus::{FourierPhases, OnTheTorus, TorusAnalysis, TorusConfig, TorusSample, analyze_torus, betti_by_lengths};
use gridlake_space::arena::Arena;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use ndarray::{Array2, ArrayView2};
use page::{bless, large};
use std::f64::consts::{FRAC_PI_3, PI, TAU};
use std::fmt::Write;

/// A population's states and where they were.
struct States {
    activity: Array2<f32>,
    positions_m: Vec<[f64; 2]>,
    arena: Arena,
    /// A field's centre of each unit, metres; empty where units have no lattice.
    offsets_m: Vec<[f64; 2]>,
}

/// What a unit's map is.
type Map<'a> = Box<dyn Fn(f64, f64) -> f64 + 'a>;

/// The states of these maps at `moments` uniform positions, with white noise of `noise` times each unit's standard deviation.
fn states(arena: Arena, moments: usize, maps: &[Map<'_>], noise: f64, seed: u64) -> States {
    let mut stream = Seed(seed).stream("positions", 0);
    let mut draw = || [stream.uniform_in(-0.5, 0.5) * arena.width_m, stream.uniform_in(-0.5, 0.5) * arena.height_m];
    let positions_m: Vec<[f64; 2]> = std::iter::repeat_with(&mut draw).filter(|[x, y]| arena.contains(*x, *y)).take(moments).collect();
    let mut activity = Array2::zeros((moments, maps.len()));
    for (unit, (map, mut column)) in maps.iter().zip(activity.columns_mut()).enumerate() {
        let rates: Vec<f64> = positions_m.iter().map(|[x, y]| map(*x, *y)).collect();
        let mean = rates.iter().sum::<f64>() / moments as f64;
        let sd = (rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / moments as f64).sqrt();
        let mut stream = Seed(seed).stream("noise", unit as u64);
        column.iter_mut().zip(rates).for_each(|(value, rate)| *value = (rate + noise * sd * stream.normal()) as f32);
    }
    States { activity, positions_m, arena, offsets_m: Vec::new() }
}

/// A module: units of one lattice with random phases.
struct Module {
    lattice: Lattice,
    units: usize,
    kappa: f64,
    noise: f64,
    arena: Arena,
    moments: usize,
    seed: u64,
}

impl Module {
    fn hexagonal(units: usize, spacing_m: f64, seed: u64) -> Self {
        let orientation = Seed(seed).stream("orientation", 0).uniform_in(0.0, FRAC_PI_3);
        Self { lattice: Lattice::hexagonal(spacing_m, orientation), units, kappa: 2.0, noise: 0.0, arena: Arena::square(2.0), moments: 4000, seed }
    }

    fn offsets(&self) -> Vec<[f64; 2]> {
        let mut stream = Seed(self.seed).stream("offsets", 0);
        (0..self.units).map(|_| [stream.uniform_in(-1.0, 1.0), stream.uniform_in(-1.0, 1.0)]).collect()
    }

    fn maps(&self) -> Vec<Map<'_>> {
        self.offsets().into_iter().map(|offset| -> Map<'_> { Box::new(move |x, y| self.lattice.rate_sharp(x, y, offset, self.kappa)) }).collect()
    }

    fn states(&self) -> States {
        States { offsets_m: self.offsets(), ..states(self.arena, self.moments, &self.maps(), self.noise, self.seed) }
    }

    /// Each unit's map shifted on its own, wrapped at the walls.
    fn shuffled(&self) -> States {
        let mut stream = Seed(self.seed).stream("shuffle", 0);
        let side = [self.arena.width_m, self.arena.height_m];
        let wrap = |x: f64, side: f64| (x + side / 2.0).rem_euclid(side) - side / 2.0;
        let maps: Vec<Map<'_>> = self
            .maps()
            .into_iter()
            .map(|map| -> Map<'_> {
                let shift = side.map(|side| stream.uniform_in(0.0, side));
                Box::new(move |x, y| map(wrap(x + shift[0], side[0]), wrap(y + shift[1], side[1])))
            })
            .collect();
        states(self.arena, self.moments, &maps, self.noise, self.seed)
    }
}

/// Smooth random maps: a sum of waves of random direction whose lengths give a correlation length of `scale_m` (untrained units).
fn untrained(units: usize, scale_m: f64, moments: usize, seed: u64) -> States {
    let maps: Vec<Map<'_>> = (0..units)
        .map(|unit| -> Map<'_> {
            let mut stream = Seed(seed).stream("untrained", unit as u64);
            let mut normal = || stream.normal() / scale_m;
            let waves: Vec<[f64; 2]> = (0..60).map(|_| [normal(), normal()]).collect();
            let phases: Vec<f64> = (0..60).map(|_| stream.uniform_in(0.0, TAU)).collect();
            Box::new(move |x, y| waves.iter().zip(&phases).map(|(k, phase)| (k[0] * x + k[1] * y + phase).cos()).sum())
        })
        .collect();
    states(Arena::square(2.0), moments, &maps, 0.0, seed)
}

fn config(surrogates: usize) -> TorusConfig {
    TorusConfig { surrogates, alpha: 0.01_f64.max(1.0 / (surrogates + 1) as f64), ..TorusConfig::default() }
}

fn analyzed(states: &States, lattice: Option<&Lattice>, config: TorusConfig, seed: u64) -> TorusAnalysis {
    let sample = TorusSample { activity: states.activity.view(), positions_m: &states.positions_m, arena: states.arena };
    let config = config.check().expect("in range");
    let waves = lattice.map(|lattice| [lattice.waves()[0], lattice.waves()[1]]);
    // The phase at which a wave peaks at the field's centre.
    let phases: Vec<[f64; 2]> = waves.map_or_else(Vec::new, |waves| {
        states.offsets_m.iter().map(|offset| waves.map(|k| (TAU * (k[0] * offset[0] + k[1] * offset[1])).rem_euclid(TAU))).collect()
    });
    let fourier = waves.map(|waves| FourierPhases { waves, phases_rad: &phases });
    analyze_torus(sample, fourier, &config, Seed(seed), None).expect("nothing stops it")
}

#[test]
fn explore() {
    let Ok(what) = std::env::var("TORUS_TRY") else { return };
    let get = |key: &str, default: f64| -> f64 { std::env::var(key).ok().map_or(default, |v| v.parse().unwrap()) };
    let (units, spacing, trials, surr, kappa, noise) = (get("N", 32.0) as usize, get("SP", 0.5), get("T", 3.0) as u64, get("S", 19.0) as usize, get("K", 2.0), get("NOISE", 0.0));
    let moments = get("M", 4000.0) as usize;
    let mut yes = 0;
    for trial in 0..trials {
        let seed = trial + 1 + get("SEED", 0.0) as u64;
        let mut module = Module { kappa, noise, moments, ..Module::hexagonal(units, spacing, seed) };
        if what == "square" { module.lattice = Lattice::square(spacing, 0.3 + trial as f64); }
        if what == "shear" { let k = module.lattice.waves().to_vec(); module.lattice = Lattice::from_waves([k[0][0] * 1.3, k[0][1] * 0.8], [k[1][0] * 1.3, k[1][1] * 0.8]); }
        let (st, lat) = match what.as_str() {
            "shuffled" => (module.shuffled(), None),
            "untrained" => (untrained(units, spacing / 4.0, moments, seed), None),
            "product" => {
                let other = Module { units: get("N2", units as f64) as usize, kappa, ..Module::hexagonal(units, spacing * 1.6, seed + 1000) };
                let mut maps = module.maps();
                maps.extend(other.maps());
                (states(module.arena, moments, &maps, noise, seed), None)
            }
            _ => (module.states(), Some(&module.lattice)),
        };
        let mut c = config(surr);
        if let Ok(p) = std::env::var("P") { c.points = Some(p.parse().unwrap()); }
        if std::env::var("NULL").is_ok() { c.null = gridlake_analysis::torus::TorusNull::ShiftTurn; }
        if std::env::var("GARDNER").is_ok() { c.preset = gridlake_analysis::torus::Preset::Gardner; }
        let t = std::time::Instant::now();
        let a = analyzed(&st, lat, c, seed);
        let dt = t.elapsed().as_secs_f64();
        yes += usize::from(a.verdict.is_torus == Some(true));
        if get("Q", 0.0) == 0.0 {
            println!("{:?} {} | explained {:.2} null {:.2} peak {} MiB {dt:.2} s", a.verdict.is_torus, a.verdict.reason, a.explained, a.surrogates.iter().map(|s| s.explained).sum::<f64>() / a.surrogates.len().max(1) as f64, a.peak_bytes >> 20);
            if let Some(OnTheTorus { coordinates: c, waves, lattice, matched, agreement, .. }) = &a.torus {
                println!("    own {:.3} {:.1} decoded {:.3?} R {:.4} {:.4} lattice {:?} match {:?} agree {:?}", c.ratio, c.angle_rad.to_degrees(), c.decoded, waves[0].resultant, waves[1].resultant, lattice.map(|l| (l.0, l.1.to_degrees(), l.2)), matched, agreement);
            } else { println!("    {:?}", a.no_coordinates); }
        }
    }
    println!("{what} N {units} spacing {spacing}: {yes} of {trials} torus");
}
