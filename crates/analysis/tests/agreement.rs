//! Units that join modules by agreement, where their own maps do not show a lattice: how many of a module's that are, and how many without one.
//!
//! Lattices of a metre in a box of two, as trained networks have them: few periods, so that a map's own null has little to hold against. With
//! `GRIDLAKE_BLESS=1` there are more populations, and the table goes to `docs/validation.md`.

#[path = "common/bless.rs"]
mod bless;
#[path = "common/noise.rs"]
mod noise;

use bless::{bless, large};
use gridlake_analysis::config::AnalyzeConfig;
use gridlake_analysis::lattice::Wave;
use gridlake_analysis::modules::{ArenaLattice, UnitLattices, find};
use gridlake_analysis::{Ratemaps, analyze};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use ndarray::{Array2, Array3};
use noise::{smoothed, waves};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_3};
use std::fmt::Write;

const BINS: usize = 40;
const SIDE_M: f64 = 2.0;
const SPACING_M: f64 = 0.95;

/// What a module's lattice is.
#[derive(Clone, Copy)]
enum Shape {
    Hexagonal,
    /// Of equal sides, with this angle in degrees.
    Rhombic(f64),
    None,
}

impl Shape {
    fn waves(self, stream: &mut Stream) -> Option<[Wave; 2]> {
        let angle = match self {
            Self::Hexagonal => FRAC_PI_3,
            Self::Rhombic(degrees) => degrees.to_radians(),
            Self::None => return None,
        };
        let length = 2.0 / (3.0_f64.sqrt() * SPACING_M);
        let turn = stream.uniform_in(0.0, FRAC_PI_2);
        Some([turn, turn + angle].map(|direction| [length * direction.cos(), length * direction.sin()]))
    }
}

/// Maps of a module's units, then of noise of each kind.
fn population(shape: Shape, units: usize, noises: usize, seed: u64) -> Ratemaps {
    let mut stream = Seed(seed).stream("agreement", 0);
    let module = shape.waves(&mut stream);
    let mut rates = Array3::zeros((units + noises, BINS, BINS));
    for (number, mut map) in rates.outer_iter_mut().enumerate() {
        let mut values: Vec<f64> = match module {
            Some([a, b]) if number < units => {
                // Units of one module differ by a hundredth.
                let mut off = |k: Wave| k.map(|component| component + 0.01 * k[0].hypot(k[1]) * stream.normal());
                let lattice = Lattice::from_waves(off(a), off(b));
                let offset = [stream.uniform(), stream.uniform()];
                let at = |i: usize| ((i as f64 + 0.5) / BINS as f64 - 0.5) * SIDE_M;
                (0..BINS * BINS).map(|i| lattice.rate(at(i % BINS), at(i / BINS), offset) + 0.1 * stream.normal()).collect()
            }
            // The band has the module's own wavelength, which asks most.
            _ => match number % 3 {
                0 => waves(BINS, 2.1, 2.8, &mut stream),
                1 => smoothed(BINS, 3.0, &mut stream),
                _ => smoothed(BINS, 5.0, &mut stream),
            },
        };
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        for rate in &mut values {
            *rate -= least;
        }
        map.iter_mut().zip(values).for_each(|(bin, rate)| *bin = rate);
    }
    Ratemaps::from_maps(Bins::square(Arena::square(SIDE_M), BINS), Array2::from_elem((BINS, BINS), 20), rates).expect("shapes agree")
}

#[derive(Default)]
struct Counts {
    /// Of a module's units, and those of them whose own maps show a lattice, that are in the largest module without agreement, and with it.
    units: usize,
    shown: usize,
    alone: usize,
    together: usize,
    /// Of noise, and those that are in some module without agreement, and with it.
    noises: usize,
    noises_alone: usize,
    noises_together: usize,
    /// Modules beside the one there is, without agreement and with it.
    modules_alone: usize,
    modules_together: usize,
}

fn count(shape: Shape, units: usize, noises: usize, populations: u64) -> Counts {
    let mut config = AnalyzeConfig::default();
    config.nulls.count = 99;
    config.modules.resamples = 0;
    let config = config.check().expect("in range");
    let mut counts = Counts::default();
    for seed in 0..populations {
        let found = analyze(&population(shape, units, noises, seed), &config, Seed(3), None).expect("nothing stops it");
        let lattices: Vec<UnitLattices> =
            found.units.iter().map(|unit| UnitLattices { unit: unit.unit, arenas: vec![ArenaLattice::of(unit)] }).collect();
        let modules = |agreement_alpha: f64| {
            find(&lattices, &gridlake_analysis::config::ModulesConfig { agreement_alpha, ..config.modules.clone() }, Seed(3))
        };
        let (alone, together) = (modules(0.0), modules(config.modules.agreement_alpha));
        let within = |found: &gridlake_analysis::modules::Modules| {
            let largest = (0..found.modules.len()).max_by_key(|m| found.modules[*m].units.iter().filter(|unit| **unit < units).count());
            let of = |range: std::ops::Range<usize>, wanted: Option<usize>| {
                found.units[range].iter().filter(|unit| unit.module.is_some() && (wanted.is_none() || unit.module == wanted)).count()
            };
            let inside = if largest.is_some() { of(0..units, largest) } else { 0 };
            (inside, of(units..units + noises, None), found.modules.len() - usize::from(units > 0 && largest.is_some()))
        };
        counts.units += units;
        counts.noises += noises;
        counts.shown +=
            lattices[..units].iter().filter(|unit| unit.arenas[0].as_ref().is_some_and(|lattice| lattice.weak_p.is_none())).count();
        let (inside, strays, others) = within(&alone);
        counts.alone += inside;
        counts.noises_alone += strays;
        counts.modules_alone += others;
        let (inside, strays, others) = within(&together);
        counts.together += inside;
        counts.noises_together += strays;
        counts.modules_together += others;
    }
    counts
}

#[test]
fn modules_keep_their_units_and_noise_stays_out() {
    let (populations, units, noises) = if large() { (20, 30, 30) } else { (1, 12, 18) };
    let mut page = String::new();
    let rows = [
        ("hexagonal", Shape::Hexagonal, units),
        ("rhombic, 70°", Shape::Rhombic(70.0), units),
        ("rhombic, 80°", Shape::Rhombic(80.0), units),
        ("square", Shape::Rhombic(90.0), units),
        ("none", Shape::None, 0),
    ];
    for (name, shape, units) in rows {
        let noises = if units == 0 { 3 * noises } else { noises };
        let c = count(shape, units, noises, populations);
        let share =
            |part: usize, whole: usize| if whole == 0 { "–".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) };
        let _ = writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {} of {} | {} of {} | {} | {} |",
            c.units,
            share(c.shown, c.units),
            share(c.alone, c.units),
            share(c.together, c.units),
            c.noises_alone,
            c.noises,
            c.noises_together,
            c.noises,
            c.modules_alone,
            c.modules_together,
        );
        // By agreement alone: at most its level, with three standard errors of a binomial's.
        let most = 0.01 * c.noises as f64 + 3.0 * (0.01 * c.noises as f64).sqrt();
        assert!(((c.noises_together as f64) - c.noises_alone as f64) <= most, "{page}");
        assert!(units == 0 || (c.together >= c.alone && 10 * c.together >= 7 * c.units), "{page}");
        assert!(c.modules_together <= c.modules_alone + populations as usize / 20, "{page}");
    }
    bless("agreement", &page);
}
