//! Recovery: ideal codes decode to their places, drift is found as drift, half-rise distances are those of the code, and what holds no position gives chance.

use gridlake_analysis::distances::{DistancesConfig, Moments, space, space_time};
use gridlake_analysis::generalization::{ArenaStates, ModuleUnits, generalization, path_statistics};
use gridlake_analysis::path_integration::{PathIntegration, PathIntegrationConfig, TimeErrors, path_integration};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use gridlake_space::trajectory::{Motion, Trajectory, Walk};
use ndarray::Array2;
use rayon::ThreadPoolBuilder;

/// Two hexagonal modules that do not refine each other.
struct Code {
    cells: Vec<(Lattice, [f64; 2])>,
}

const SPACINGS_M: [f64; 2] = [0.5, 0.71];

impl Code {
    fn new(each: usize) -> Self {
        let mut stream = Seed(1).stream("code", 0);
        let mut cells = Vec::new();
        for (module, spacing) in SPACINGS_M.into_iter().enumerate() {
            let lattice = Lattice::hexagonal(spacing, 0.1 + 0.37 * module as f64);
            cells.extend((0..each).map(|_| (lattice.clone(), [stream.uniform_in(-1.0, 1.0), stream.uniform_in(-1.0, 1.0)])));
        }
        Self { cells }
    }

    /// The state of a place, of norm 1.
    fn state(&self, [x, y]: [f64; 2]) -> Vec<f32> {
        let rates: Vec<f64> = self.cells.iter().map(|(lattice, offset)| lattice.rate_sharp(x, y, *offset, 4.0)).collect();
        let norm = rates.iter().map(|g| g * g).sum::<f64>().sqrt();
        rates.into_iter().map(|g| (g / norm) as f32).collect()
    }
}

struct Recording {
    activity: Array2<f32>,
    positions_m: Vec<[f64; 2]>,
    trajectories: Vec<u32>,
    times: Vec<u32>,
    /// What the state believes less what is, m.
    drift_m: Vec<[f64; 2]>,
    paths: Vec<Trajectory>,
}

impl Recording {
    /// Smooth walks from the middle of a box; beliefs drift by a random walk of `drift_m` per step and axis.
    fn walk(
        side_m: f64,
        trajectories: usize,
        steps: usize,
        drift_m: f64,
        mut state: impl FnMut([f64; 2], &mut Stream) -> Vec<f32>,
    ) -> Self {
        let walk = Walk { motion: Motion::Smooth, steps, mean_speed_m: 0.05, velocity_limit_m: 0.15 };
        let mut made = Self {
            activity: Array2::zeros((0, 0)),
            positions_m: Vec::new(),
            trajectories: Vec::new(),
            times: Vec::new(),
            drift_m: Vec::new(),
            paths: Vec::new(),
        };
        let mut activity = Vec::new();
        let mut noise = Seed(3).stream("noise", 0);
        for trajectory in 0..trajectories {
            let path = walk.draw(&Arena::square(side_m), &mut Seed(2).stream("walk", trajectory as u64));
            let mut drift = [0.0; 2];
            for (step, &[x, y]) in path.positions_m.iter().enumerate() {
                drift = drift.map(|d| d + drift_m * noise.normal());
                activity.extend(state([x + drift[0], y + drift[1]], &mut noise));
                made.positions_m.push([x, y]);
                made.trajectories.push(trajectory as u32);
                made.times.push(step as u32 + 1);
                made.drift_m.push(drift);
            }
            made.paths.push(path);
        }
        let units = activity.len() / made.times.len();
        made.activity = Array2::from_shape_vec((made.times.len(), units), activity).expect("one state per moment");
        made
    }

    fn moments(&self) -> Moments<'_> {
        Moments::new(self.activity.view(), &self.positions_m, &self.trajectories, &self.times).expect("moments")
    }

    fn decode(&self, side_m: f64, bins: usize, config: PathIntegrationConfig) -> PathIntegration {
        let config = config.check().expect("settings");
        path_integration(&self.moments(), &Bins::square(Arena::square(side_m), bins), &config, Seed(5)).expect("decoded")
    }
}

/// The middle of the values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn late(found: &PathIntegration, from: u32) -> Vec<&TimeErrors> {
    found.times.iter().filter(|time| time.from_step >= from).collect()
}

#[test]
fn ideal_modules_decode_to_the_bins_accuracy_at_all_times() {
    let code = Code::new(48);
    let recording = Recording::walk(2.0, 60, 300, 0.0, |x, _| code.state(x));
    for refine in [false, true] {
        let found = recording.decode(2.0, 40, PathIntegrationConfig { refine, ..PathIntegrationConfig::default() });
        // 301 moments in bins of 5: the one that is left over belongs to the last bin.
        assert_eq!((found.trajectories, found.outside, found.undecided, found.times.len()), (60, 0, 0, 60));
        // Bins of 5 cm, whose centres are off by 1.9 cm on average, where all bins were visited; a place beyond the other half's bins is answered by a neighbour.
        for time in &found.times {
            assert!(time.nearest_m.median < 0.03 && time.nearest_m.q75 < 0.045, "{time:?}");
        }
        let late = late(&found, 100);
        let typical = median(late.iter().map(|time| time.nearest_m.median).collect());
        assert!(if refine { typical < 0.013 } else { (0.017..0.022).contains(&typical) }, "{typical}");
        for time in late {
            assert!(time.constant_m.median > 0.4 && time.shuffled_m.median > 0.6, "{time:?}");
            assert!(time.linear_m.median > 4.0 * time.nearest_m.median, "a grid code is not linear: {time:?}");
            assert!(time.map_similarity > 0.97 && time.map_similarity_chance < 0.75, "{time:?}");
            assert!(time.coherence.corrected.is_nan() || time.coherence.corrected > 0.93, "{time:?}");
        }
        // Early on all are near the start: chance must know it.
        let (first, last) = (&found.times[0], &found.times[59]);
        assert!(first.constant_m.median < 0.2 && first.coherence.chance > last.coherence.chance + 0.1, "{first:?} {last:?}");
    }
}

#[test]
fn states_without_position_give_chance() {
    let mut recording = Recording::walk(2.0, 60, 200, 0.0, |_, stream| (0..64).map(|_| stream.normal().abs() as f32).collect());
    for mut state in recording.activity.rows_mut() {
        let norm = state.iter().map(|g| g * g).sum::<f32>().sqrt();
        state.mapv_inplace(|g| g / norm);
    }
    let found = recording.decode(2.0, 20, PathIntegrationConfig { time_bin_steps: 20, ..PathIntegrationConfig::default() });
    for time in late(&found, 60) {
        // Means of twenty moments: 60 trajectories tell a median to some 5 %.
        assert!((time.nearest_m.median / time.shuffled_m.median - 1.0).abs() < 0.25, "{time:?}");
        assert!(
            time.nearest_m.median > time.constant_m.median && (time.linear_m.median / time.constant_m.median - 1.0).abs() < 0.1,
            "{time:?}"
        );
        assert!((time.map_similarity - time.map_similarity_chance).abs() < 0.01, "{time:?}");
        assert!((time.coherence.corrected - time.coherence.chance).abs() < 4.0 * time.coherence.corrected_se + 0.003, "{time:?}");
        assert!(time.coherence.raw > time.coherence.corrected + 0.03, "few visits inflate the raw form");
    }
    let distances = space(&recording.moments(), &DistancesConfig::default().check().expect("settings"), Seed(1));
    assert!(distances.half_rise_m.is_nan() && distances.half_rise_reason.is_some());
    let flat =
        distances.mean.iter().zip(&distances.mean_se).all(|(mean, se)| (mean / distances.chance_distance - 1.0).abs() < 0.02 + 5.0 * se);
    assert!(flat, "every column is at chance");
    let wide = DistancesConfig { temporal_bin_steps: 50, space_time_bin_m: 0.05, ..DistancesConfig::default() };
    let time = space_time(&recording.moments(), &wide.check().expect("settings"), Seed(1));
    let known: Vec<_> = time.same_place.iter().filter(|place| place.reason.is_none() && place.pairs > 200).collect();
    assert!(known.len() > 2, "{:?}", time.same_place);
    for place in known {
        assert!((place.at_zero - time.chance_distance).abs() < 0.03 + 4.0 * place.at_zero_se, "{place:?}");
    }
}

#[test]
fn constant_states_are_worse_than_a_constant_answer_and_nothing_breaks() {
    let recording = Recording::walk(2.0, 8, 50, 0.0, |_, _| vec![0.5; 4]);
    let found = recording.decode(2.0, 10, PathIntegrationConfig::default());
    assert!(found.ridges.iter().all(|ridge| ridge.is_nan()));
    for time in &found.times {
        assert!(time.linear_m.median.is_finite() && time.coherence.raw > 0.999 && (time.coherence.chance - 1.0).abs() < 1e-6);
    }
}

#[test]
fn injected_drift_is_recovered_as_error_against_time() {
    let code = Code::new(48);
    let sd = 0.004;
    let recording = Recording::walk(2.0, 120, 600, sd, |x, _| code.state(x));
    // The map is learnt from the first 100 steps, in which drift is up to 4 cm.
    let found =
        recording.decode(2.0, 40, PathIntegrationConfig { time_bin_steps: 10, fit_until_steps: 150, ..PathIntegrationConfig::default() });
    for (first, last) in [(200, 300), (300, 450), (450, 590)] {
        let decoded =
            median(late(&found, first).into_iter().filter(|time| time.from_step < last).map(|time| time.nearest_m.median).collect());
        let drift: Vec<f64> = (0..recording.times.len())
            .filter(|row| (first..last).contains(&recording.times[*row]))
            .map(|row| recording.drift_m[row][0].hypot(recording.drift_m[row][1]))
            .collect();
        let truth = median(drift);
        assert!((decoded / truth - 1.0).abs() < 0.25, "{first} to {last}: {decoded} for {truth}");
    }
    let (start, end) = (late(&found, 20)[0], found.times.last().expect("times"));
    assert!(end.map_similarity < start.map_similarity - 0.05 && end.map_similarity > end.map_similarity_chance);
    assert!(end.nearest_m.median < end.shuffled_m.median && end.nearest_m.q25 < end.nearest_m.median);

    // Between two visits to a place τ steps apart the belief has moved by sd √(2τ) in the plane: squared neural distance grows with τ.
    let config =
        DistancesConfig { temporal_bin_steps: 40, max_pairs_within: 30_000_000, ..DistancesConfig::default() }.check().expect("settings");
    let drifting = space_time(&recording.moments(), &config, Seed(1));
    let exact = Recording::walk(2.0, 120, 600, 0.0, |x, _| code.state(x));
    let still = space_time(&exact.moments(), &config, Seed(1));
    for place in still.same_place.iter().filter(|place| place.pairs > 2000) {
        // The raw mean is that of a bin of 2 cm; at zero separation nothing is left of it.
        assert!(place.at_zero < 0.02 && place.mean > 0.05, "{place:?}");
    }
    // c: neural distance per metre, from the exact code's own rise.
    let rise = space(&exact.moments(), &DistancesConfig::default().check().expect("settings"), Seed(1));
    let c = rise.mean[1] / rise.separation_m[1];
    for (bin, place) in drifting.same_place.iter().enumerate().filter(|(bin, _)| (1..=4).contains(bin)) {
        let tau = drifting.temporal_steps(bin);
        let expected = c * sd * (2.0 * tau).sqrt();
        // Distances bend towards chance, which drift of a few centimetres notices.
        assert!((0.6..1.1).contains(&(place.at_zero / expected)), "{place:?} {expected}");
        assert!(place.at_zero_se > 0.0 && place.at_zero_se < 0.3 * place.at_zero, "{place:?}");
    }
    assert!(
        drifting.same_place[6].at_zero > drifting.same_place[1].at_zero + 0.1 && drifting.same_place[6].at_zero < drifting.chance_distance
    );
}

#[test]
fn half_rise_is_that_of_the_code_and_the_same_in_every_box() {
    let code = Code::new(48);
    // The code's own curve: pairs at exactly this separation, anywhere.
    let mut stream = Seed(9).stream("pairs", 0);
    let mut at = |separation: f64| {
        let sum: f64 = (0..2000)
            .map(|_| {
                let (x, y, angle) = (stream.uniform_in(-1.0, 1.0), stream.uniform_in(-1.0, 1.0), stream.uniform_in(0.0, 6.3));
                let (a, b) = (code.state([x, y]), code.state([x + separation * angle.cos(), y + separation * angle.sin()]));
                a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
            })
            .sum();
        sum / 2000.0
    };
    let curve: Vec<(f64, f64)> = (1..30).map(|step| (0.01 * f64::from(step), at(0.01 * f64::from(step)))).collect();

    let boxes = [2.0, 4.0];
    let recordings = boxes.map(|side| Recording::walk(side, 100, if side > 3.0 { 900 } else { 300 }, 0.0, |x, _| code.state(x)));
    let bins = boxes.map(|side| Bins::square(Arena::square(side), (side / 0.05) as usize));
    let module = |module: usize, period_m: f64| ModuleUnits {
        module,
        units: (48 * module..48 * (module + 1)).collect(),
        period_m,
        period_se_m: 0.01,
    };
    let modules = [[module(0, 0.5), module(1, 0.71)], [module(0, 0.51), module(1, f64::NAN)]];
    let states: Vec<ArenaStates<'_>> =
        (0..2).map(|arena| ArenaStates { bins: &bins[arena], moments: recordings[arena].moments(), modules: &modules[arena] }).collect();
    let config = DistancesConfig { max_moments: 4000, bootstraps: 50, ..DistancesConfig::default() }.check().expect("settings");
    let rows = generalization(&states, &config, Seed(1)).expect("measures");
    assert_eq!(rows.iter().map(|row| row.module).collect::<Vec<_>>(), [None, Some(0), Some(1), None, Some(0), Some(1)]);
    for whole in [&rows[0], &rows[3]] {
        let half = whole.chance_distance / 2.0;
        let crossing = curve.windows(2).find(|pair| pair[1].1 >= half).expect("crosses");
        let truth = crossing[0].0 + 0.01 * (half - crossing[0].1) / (crossing[1].1 - crossing[0].1);
        assert!((whole.half_rise_m - truth).abs() < 0.004 + 4.0 * whole.half_rise_se_m, "{} for {truth}: {whole:?}", whole.half_rise_m);
        assert!(whole.half_rise_se_m < 0.01 && whole.change.change.is_nan());
        assert!(whole.coherence.corrected > 0.97 && whole.coherence.chance < 0.8 && whole.coherence.raw > 0.97, "{whole:?}");
    }
    // Fields twice as wide rise half as fast.
    let ratio = rows[2].half_rise_m / rows[1].half_rise_m;
    assert!((ratio / (0.71 / 0.5) - 1.0).abs() < 0.1, "{ratio}");
    assert!((rows[4].change.change - 0.02).abs() < 1e-12 && (rows[4].change.change_se - 0.0286).abs() < 1e-3);
    assert_eq!((rows[1].change.change, rows[5].change.reason.is_some()), (0.0, true));

    let wrong = [module(0, 0.5), ModuleUnits { units: vec![96], ..module(1, 0.7) }];
    let error = generalization(&[ArenaStates { modules: &wrong, ..states[0].clone() }], &config, Seed(1)).expect_err("no such unit");
    assert_eq!(error.to_string(), "module 1 in square-2m has unit 96, but there are 96 units; pass columns of the activity");
    let none = [ModuleUnits { units: vec![], ..module(1, 0.7) }];
    assert!(generalization(&[ArenaStates { modules: &none, ..states[0].clone() }], &config, Seed(1)).is_err());

    // Evaluation is smooth and goes far, training is neither.
    let velocities: Vec<&[[f64; 2]]> = recordings[0].paths.iter().map(|path| path.velocities_m.as_slice()).collect();
    let smooth = path_statistics(&velocities).expect("steps");
    let training = Walk { motion: Motion::Iid, steps: 60, mean_speed_m: 0.0, velocity_limit_m: 0.15 };
    let batch: Vec<Trajectory> = (0..100).map(|b| training.draw(&Arena::square(2.0), &mut Seed(4).stream("training", b))).collect();
    let velocities: Vec<&[[f64; 2]]> = batch.iter().map(|path| path.velocities_m.as_slice()).collect();
    let iid = path_statistics(&velocities).expect("steps");
    assert!(smooth.velocity_correlation > 0.8 && iid.velocity_correlation.abs() < 0.05);
    assert!(smooth.mean_turn_rad < 0.5 && (iid.mean_turn_rad - std::f64::consts::FRAC_PI_2).abs() < 0.1);
    assert!(iid.max_component_m <= 0.15 && smooth.max_component_m <= 0.15 && smooth.extent_m > iid.median_extent_m);
}

#[test]
fn decoding_has_the_same_bits_on_any_number_of_threads_and_any_order_of_moments() {
    let code = Code::new(12);
    let recording = Recording::walk(1.0, 9, 60, 0.01, |x, _| code.state(x));
    let on = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| format!("{:?}", recording.decode(1.0, 12, PathIntegrationConfig::default())))
    };
    assert_eq!(on(1), on(4));
    let order: Vec<usize> = (0..recording.times.len()).rev().collect();
    let reversed = Recording {
        activity: recording.activity.select(ndarray::Axis(0), &order),
        positions_m: order.iter().map(|row| recording.positions_m[*row]).collect(),
        trajectories: order.iter().map(|row| recording.trajectories[*row]).collect(),
        times: order.iter().map(|row| recording.times[*row]).collect(),
        drift_m: Vec::new(),
        paths: Vec::new(),
    };
    let (one, other) =
        (recording.decode(1.0, 12, PathIntegrationConfig::default()), reversed.decode(1.0, 12, PathIntegrationConfig::default()));
    for (one, other) in one.times.iter().zip(&other.times) {
        assert!(
            (one.nearest_m.median - other.nearest_m.median).abs() < 1e-4 && (one.shuffled_m.median - other.shuffled_m.median).abs() < 1e-3
        );
    }
}
