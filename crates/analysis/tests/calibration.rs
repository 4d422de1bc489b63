//! Nulls hold their level: the share of maps without a lattice whose p-value is below 5 % and 1 %, for every statistic, noise, mask and null that is
//! claimed to be valid for it.
//!
//! With `GRIDLAKE_ROWS` set, only rows that hold that text are measured and printed, and nothing is written.
//!
//! With `GRIDLAKE_BLESS=1` there are 10,000 maps of each kind (some minutes; `GRIDLAKE_MAPS` of them, where that is set), and the shares go to `docs/validation.md`.

#[path = "common/bless.rs"]
mod bless;
#[path = "common/noise.rs"]
mod noise;

use bless::{bless, large};
use gridlake_analysis::Ratemaps;
use gridlake_analysis::classes::UnitClass;
use gridlake_analysis::config::AnalyzeConfig;
use gridlake_analysis::nulls::{Battery, NullKind, Statistic};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::{Seed, Stream};
use ndarray::{Array2, Array3};
use noise::{smoothed, waves};
use rayon::prelude::*;
use std::fmt::Write;

const BINS: usize = 40;
const SURROGATES: usize = 99;
const SCORES: usize = Statistic::ALL.len();

#[derive(Clone, Copy, PartialEq, Debug)]
enum Noise {
    White,
    Smoothed,
    Band,
    /// Smoothed noise with what is below its mean cut off: fields of rectified units.
    Rectified,
    /// This many spikes anywhere in a box of 1 m, smoothed or not.
    Spikes(usize, bool),
}

impl Noise {
    fn name(self) -> String {
        match self {
            Self::White => "white".to_owned(),
            Self::Smoothed => "smoothed, 1.5 bins".to_owned(),
            Self::Band => "band-limited, 4.5 to 5.5 cycles".to_owned(),
            Self::Rectified => "rectified, 2.5 bins".to_owned(),
            Self::Spikes(count, true) => format!("{count} spikes, smoothed 1.5 bins"),
            Self::Spikes(count, false) => format!("{count} spikes"),
        }
    }

    /// A map of Poisson noise, or of Gaussian noise, cut out of a larger field, so that opposite walls are strangers.
    fn draw(self, stream: &mut Stream) -> Vec<f64> {
        match self {
            Self::White => (0..BINS * BINS).map(|_| stream.normal()).collect(),
            Self::Smoothed => smoothed(BINS, 1.5, stream),
            Self::Band => waves(BINS, 4.5, 5.5, stream),
            Self::Rectified => smoothed(BINS, 2.5, stream).into_iter().map(|rate| rate.max(0.0)).collect(),
            Self::Spikes(count, smooth) => spikes(count, smooth, stream),
        }
    }
}

/// Spikes in bins of 20 visits each.
fn spikes(count: usize, smooth: bool, stream: &mut Stream) -> Vec<f64> {
    let mut rates = Array3::zeros((1, BINS, BINS));
    for _ in 0..count {
        rates[[0, stream.below(BINS), stream.below(BINS)]] += 0.05;
    }
    let maps =
        Ratemaps::from_maps(Bins::square(Arena::square(1.0), BINS), Array2::from_elem((BINS, BINS), 20), rates).expect("shapes agree");
    let maps = if smooth { maps.smoothed(1.5 / BINS as f64) } else { maps };
    maps.map(0).iter().copied().collect()
}

/// All bins, or all but a corner and a fifth of the others.
fn battery(partly: bool) -> Battery {
    let mut stream = Seed(23).stream("mask", 0);
    let occupancy = Array2::from_shape_fn((BINS, BINS), |(row, col)| {
        let hidden = partly && (row + col < 10 || stream.uniform() < 0.2);
        if hidden { 0 } else { 20 }
    });
    let maps = Ratemaps::from_maps(Bins::square(Arena::square(2.0), BINS), occupancy, Array3::zeros((1, BINS, BINS)));
    Battery::new(&maps.expect("shapes agree"), &AnalyzeConfig::default().check().expect("in range"))
}

/// Per statistic: maps with a p-value, and how many of them at or below 5 % and 1 %.
fn shares(battery: &Battery, noise: Noise, kind: NullKind, maps: usize) -> [[usize; 3]; SCORES] {
    let mut config = AnalyzeConfig::default().nulls;
    (config.kind, config.count) = (kind, SURROGATES);
    let of_map = |number: usize| {
        let mut stream = Seed(31).stream(&noise.name(), number as u64);
        let mut map = noise.draw(&mut stream);
        // Rates are not negative; scores but the border score are blind to what is added.
        let least = map.iter().copied().fold(f64::INFINITY, f64::min);
        for rate in &mut map {
            *rate -= least;
        }
        let found = battery.nulls(&map, &config, &mut stream);
        let counts = found
            .into_iter()
            .map(|(_, score)| [usize::from(!score.p.is_nan()), usize::from(score.significant(0.05)), usize::from(score.significant(0.01))]);
        let mut all = [[0; 3]; SCORES];
        all.iter_mut().zip(counts).for_each(|(all, counts)| *all = counts);
        all
    };
    // Whole numbers: the order of the sum does not matter.
    (0..maps)
        .into_par_iter()
        .map(of_map)
        .reduce(|| [[0; 3]; SCORES], |a, b| std::array::from_fn(|s| std::array::from_fn(|i| a[s][i] + b[s][i])))
}

/// Whether `hits` of `n` is what a rate of `rate` gives, two-sided at about 1 in 10,000 (normal approximation with a margin for discreteness).
fn plausible(hits: usize, n: usize, rate: f64) -> bool {
    let (n, hits) = (n as f64, hits as f64);
    (hits - n * rate).abs() <= 3.9 * (n * rate * (1.0 - rate)).sqrt() + 1.0
}

fn of_border(statistic: Statistic) -> bool {
    matches!(statistic, Statistic::Border | Statistic::WallScore)
}

/// A row's entries; what is wrong with those that are claimed goes to `wrong`.
fn entries(row: &str, found: [[usize; 3]; SCORES], maps: usize, claimed: impl Fn(Statistic) -> bool, wrong: &mut Vec<String>) -> String {
    let mut page = String::new();
    for (statistic, [n, at_5, at_1]) in Statistic::ALL.into_iter().zip(found) {
        if n == 0 {
            page.push_str(" none |");
        } else {
            let share = |hits: usize| 100.0 * hits as f64 / n as f64;
            let few = if n * 10 < maps * 8 { format!(" of {n}") } else { String::new() };
            let _ = write!(page, " {:.1} / {:.2}{few} |", share(at_5), share(at_1));
        }
        let holds = n * 10 >= maps * 8 && plausible(at_5, n, 0.05) && plausible(at_1, n, 0.01);
        if claimed(statistic) && !holds {
            wrong.push(format!("{row} {statistic:?}: {at_5} and {at_1} of {n}"));
        }
    }
    page
}

#[test]
fn nulls_hold_their_level() {
    let large = large();
    let chosen = std::env::var("GRIDLAKE_MAPS").ok().map(|maps| maps.parse().expect("a number of maps"));
    let most = if large { chosen.unwrap_or(10_000) } else { 200 };
    // The default null has most of a normal run's maps.
    let maps = |kind: NullKind| if large || kind == NullKind::Isotropic { most } else { most * 2 / 5 };
    let mut page = String::new();
    let mut wrong = Vec::new();
    let only = std::env::var("GRIDLAKE_ROWS").ok();
    let skipped = |row: &str| only.as_ref().is_some_and(|only| !row.contains(only.as_str()));
    let mut together = [[0; 3]; SCORES];
    let batteries = [battery(false), battery(true)];
    for (battery, mask) in batteries.iter().zip(["all", "partly"]) {
        for (kind, name) in [(NullKind::Isotropic, "isotropic"), (NullKind::Phase, "phase"), (NullKind::Shuffle, "shuffle")] {
            for noise in [Noise::White, Noise::Smoothed, Noise::Band, Noise::Rectified] {
                // Permuted bins are a null for white noise alone.
                if kind == NullKind::Shuffle && noise != Noise::White {
                    continue;
                }
                let row = format!("| {name} | {} | {mask} | {} |", noise.name(), maps(kind));
                if skipped(&row) {
                    continue;
                }
                let found = shares(battery, noise, kind, maps(kind));
                if kind == NullKind::Isotropic {
                    together = std::array::from_fn(|s| std::array::from_fn(|i| together[s][i] + found[s][i]));
                }
                let claimed = |statistic| kind != NullKind::Phase || !(of_border(statistic) || statistic == Statistic::Periodicity);
                let entries = entries(&row, found, maps(kind), claimed, &mut wrong);
                let _ = writeln!(page, "{row}{entries}");
                if large && only.is_none() {
                    bless("calibration", &page);
                }
            }
        }
    }
    // Small deviations that all rows of the default null share; the border score's differ by the noise.
    for (statistic, [n, at_5, at_1]) in Statistic::ALL.into_iter().zip(together) {
        let claimed = !(large || only.is_some() || of_border(statistic));
        if claimed && !(plausible(at_5, n, 0.05) && plausible(at_1, n, 0.01)) {
            wrong.push(format!("isotropic, all noises, {statistic:?}: {at_5} and {at_1} of {n}"));
        }
    }
    for smooth in [true, false] {
        for count in [3, 10, 30, 100, 1000] {
            let (noise, maps) = (Noise::Spikes(count, smooth), maps(NullKind::Phase));
            let row = format!("| isotropic | {} | all | {maps} |", noise.name());
            if skipped(&row) || (!large && !smooth) {
                continue;
            }
            let found = shares(&batteries[0], noise, NullKind::Isotropic, maps);
            // Few fields are too few for a test of waves, whose level is not claimed below a hundred; scores that hardly any map reaches are conservative, which
            // the page tells. What becomes of such units is tested below.
            // Fields of few spikes are seldom as large as the border score's.
            let claimed = |statistic| count >= 10 && !of_border(statistic) && (count >= 100 || statistic != Statistic::Periodicity);
            let entries = entries(&row, found, maps, claimed, &mut wrong);
            let _ = writeln!(page, "{row}{entries}");
            let [n, _, _] = found[3];
            if smooth && count == 3 && n > 0 {
                wrong.push(format!("{row} waves were tested in {n} of {maps} maps"));
            }
            if large && only.is_none() {
                bless("calibration", &page);
            }
        }
    }
    if only.is_some() {
        std::io::Write::write_all(&mut std::io::stderr(), page.as_bytes()).expect("stderr takes rows");
    }
    assert!(large || wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn units_of_a_few_spikes_are_no_grids() {
    let mut config = AnalyzeConfig::default();
    config.nulls.count = SURROGATES;
    let config = config.check().expect("in range");
    for count in [3, 10, 30] {
        const UNITS: usize = 150;
        let mut rates = Array3::zeros((UNITS, BINS, BINS));
        for (unit, mut map) in rates.outer_iter_mut().enumerate() {
            let drawn = spikes(count, true, &mut Seed(23).stream("few spikes", unit as u64));
            map.assign(&Array2::from_shape_vec((BINS, BINS), drawn).expect("one rate a bin"));
        }
        let bins = Bins::square(Arena::square(1.0), BINS);
        let maps = Ratemaps::from_maps(bins, Array2::from_elem((BINS, BINS), 20), rates).expect("shapes agree");
        let found = gridlake_analysis::analyze(&maps, &config, Seed(7), None).expect("nothing stops it");
        let called = found.units.iter().filter(|unit| matches!(unit.class, UnitClass::Grid | UnitClass::Band)).count();
        // Three tests at 1 % call four or five of 150 by chance; eleven or more have a chance of about 1 in 150. Without what holds sparse units back
        // (`min_fields`, and that the autocorrelogram has the lattice too) twelve of three spikes are called.
        assert!(called <= 10, "{called} of {UNITS} units of {count} spikes are called grids or bands");
    }
}
