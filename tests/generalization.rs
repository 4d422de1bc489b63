//! Distances, generalization, path integration and Fig. 5 by the real program: held against what the test computes from `activity` itself, and against known truth.

use crate::common::{Bench, Outcome, TINY, gridlake, snapshot};
use gridlake_lake::schema::{ACTIVITY, DISTANCES, GENERALIZATION, PATH_INTEGRATION, RATEMAPS, TRAJECTORIES, Table, VELOCITIES};
use gridlake_lake::{Frame, Lake, partition};
use gridlake_space::arena::Arena;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::{Seed, Stream};
use gridlake_space::trajectory::{Motion, Walk};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Two boxes, ten times the length of training; bins that divide them.
fn pipeline() -> String {
    let record = TINY
        .replace("boxes_m = [1.0]", "boxes_m = [2.0, 3.0]")
        .replace("trajectories = 40", "trajectories = 24")
        .replace("steps = 80", "steps = 60");
    format!(
        "{record}\n[analyze.generalization]\ntraining_batches = 400\n\n[analyze.distances]\nspatial_bin_m = 0.05\nneural_bins = 40\nbootstraps = 50\n"
    )
}

fn frames(bench: &Bench, table: &'static Table, step: u64) -> Vec<Frame> {
    let lake = Lake::open(&bench.lake.to_str().unwrap().parse().unwrap()).unwrap();
    let run = bench.run().file_name().unwrap().to_str().unwrap().to_owned();
    if !partition::exists(&lake, table, &run, step).unwrap() {
        return Vec::new();
    }
    partition::read(&lake, table, &run, step, &[]).unwrap().map(Result::unwrap).collect()
}

/// Rows of which all these columns have these texts ("" is null).
fn only(frames: &[Frame], wanted: &[(&str, &str)]) -> Vec<Frame> {
    let of = |frame: &Frame, row: usize| wanted.iter().all(|(name, text)| frame.text(name)[row].as_deref().unwrap_or_default() == *text);
    frames.iter().map(|frame| frame.filter(|row| of(frame, row))).filter(|frame| frame.rows() > 0).collect()
}

fn numbers(frames: &[Frame], name: &str) -> Vec<f64> {
    frames.iter().flat_map(|frame| frame.float64(name).to_vec()).collect()
}

fn counts(frames: &[Frame], name: &str) -> Vec<u64> {
    frames.iter().flat_map(|frame| frame.uint64(name).to_vec()).collect()
}

fn times(frames: &[Frame], name: &str) -> Vec<u32> {
    frames.iter().flat_map(|frame| frame.uint32(name).to_vec()).collect()
}

/// One recorded moment.
struct Moment {
    trajectory: u32,
    t: u32,
    at: [f64; 2],
    velocity: [f64; 2],
    g: Vec<f64>,
}

fn moments(bench: &Bench, arena: &str) -> Vec<Moment> {
    let mut found = Vec::new();
    for frame in only(&frames(bench, &ACTIVITY, 60), &[("arena", arena)]) {
        let (units, g) = frame.floats("g");
        for row in 0..frame.rows() {
            let pair = |x: &str, y: &str| [frame.float64(x)[row], frame.float64(y)[row]];
            found.push(Moment {
                trajectory: frame.uint32("trajectory")[row],
                t: frame.uint32("t")[row],
                at: pair("x_m", "y_m"),
                velocity: pair("vx_m", "vy_m"),
                g: g[row * units..(row + 1) * units].iter().map(|g| f64::from(*g)).collect(),
            });
        }
    }
    found
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn mean_state<'a>(moments: impl Iterator<Item = &'a Moment>) -> Vec<f64> {
    let (mut sum, mut count) = (Vec::new(), 0.0);
    for moment in moments {
        sum.resize(moment.g.len(), 0.0);
        sum.iter_mut().zip(&moment.g).for_each(|(sum, g)| *sum += g);
        count += 1.0;
    }
    sum.iter().map(|sum| sum / count).collect()
}

fn figures(bench: &Bench) -> Vec<String> {
    let names = snapshot(&bench.lake.join("figures")).into_iter();
    names.map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// √(2 mean ‖g‖² - 2 ‖mean g‖²), and the coherence of 16 × 16 bins.
fn chance_and_coherence(moments: &[Moment], side_m: f64) -> (f64, f64) {
    let squares = moments.iter().map(|moment| norm(&moment.g).powi(2)).sum::<f64>() / moments.len() as f64;
    let chance = (2.0 * squares - 2.0 * norm(&mean_state(moments.iter())).powi(2)).sqrt();
    let mut bins: BTreeMap<[usize; 2], Vec<&Moment>> = BTreeMap::new();
    for moment in moments {
        bins.entry(moment.at.map(|x| (((x / side_m + 0.5) * 16.0) as usize).min(15))).or_default().push(moment);
    }
    let coherence = bins.values().map(|here| norm(&mean_state(here.iter().copied()))).sum::<f64>() / bins.len() as f64;
    (chance, coherence / squares.sqrt())
}

#[test]
fn tables_hold_what_the_activity_says() {
    let bench = Bench::with(&pipeline());
    let told = bench.done("run", &["--threads", "2"]);
    assert!(told.stdout.contains("after 60 steps, 10.0 × the training's length") && told.stdout.contains("coherence "), "{}", told.stdout);
    let (distances, generalization) = (frames(&bench, &DISTANCES, 60), frames(&bench, &GENERALIZATION, 60));
    for (arena, side_m) in [("square-2m", 2.0), ("square-3m", 3.0)] {
        let here = moments(&bench, arena);
        assert_eq!(here.len(), 24 * 60);
        let whole = only(&generalization, &[("arena", arena)]);
        assert_eq!((whole[0].int32("module")[0], times(&whole, "moments")[0], times(&whole, "trajectories")[0]), (None, 1440, 24));
        let (chance, coherence) = chance_and_coherence(&here, side_m);
        for (name, expected) in [("chance_distance", chance), ("spatial_coherence", coherence), ("sigma_x_m", 0.05)] {
            let found = numbers(&whole, name)[0];
            assert!((found - expected).abs() < 1e-6, "{arena} {name}: {found}, not {expected}");
        }
        // All pairs by their separation, and those within trajectories by their separation in time too.
        let (mut pairs, mut sums) = (vec![0_u64; 30], vec![0.0; 30]);
        let mut in_time = vec![0_u64; 6 * 75];
        let (mut early, mut early_sums) = (vec![0_u64; 30], vec![0.0; 30]);
        for (number, a) in here.iter().enumerate() {
            for b in &here[number + 1..] {
                let (dx, dy) = (a.at[0] - b.at[0], a.at[1] - b.at[1]);
                let separation = (dx * dx + dy * dy).sqrt();
                let column = (separation / 0.05) as usize;
                if column < 30 {
                    pairs[column] += 1;
                    sums[column] += apart(&a.g, &b.g);
                    if a.t <= 6 && b.t <= 6 {
                        early[column] += 1;
                        early_sums[column] += apart(&a.g, &b.g);
                    }
                }
                let (row, column) = ((a.t.abs_diff(b.t) / 10) as usize, (separation / 0.02) as usize);
                if a.trajectory == b.trajectory && column < 75 {
                    in_time[row * 75 + column] += 1;
                }
            }
        }
        let means = only(&distances, &[("arena", arena), ("kind", "mean")]);
        // A pair that lies on an edge may be on either side.
        let near = |found: &[u64], expected: &[u64]| found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).sum::<u64>() <= 4;
        assert!(near(&counts(&means, "count"), &pairs), "{:?} {pairs:?}", counts(&means, "count"));
        for (column, found) in numbers(&means, "neural_distance").iter().enumerate() {
            let expected = sums[column] / pairs[column] as f64;
            assert!((found - expected).abs() < 1e-3, "{arena}, column {column}: {found}, not {expected}");
        }
        let within = only(&distances, &[("arena", arena), ("kind", "mean_in_training")]);
        assert!(near(&counts(&within, "count"), &early));
        for (column, found) in numbers(&within, "neural_distance").iter().enumerate().filter(|(column, _)| early[*column] > 10) {
            assert!((found - early_sums[column] / early[column] as f64).abs() < 1e-3, "{arena}, column {column} of training's length");
        }
        let space = only(&distances, &[("arena", arena), ("kind", "space")]);
        let found = counts(&space, "count");
        assert_eq!(found.len(), 30 * 40);
        assert!(near(&found.chunks(40).map(|column| column.iter().sum()).collect::<Vec<u64>>(), &pairs));
        let width = numbers(&space, "neural_bin")[0];
        for column in numbers(&space, "density").chunks(40) {
            assert!((column.iter().sum::<f64>() * width - 1.0).abs() < 1e-9, "each separation's density integrates to 1");
        }
        let time = only(&distances, &[("arena", arena), ("kind", "space_time")]);
        assert!(near(&counts(&time, "count"), &in_time));
        assert_eq!(only(&distances, &[("arena", arena), ("kind", "same_place")]).iter().map(Frame::rows).sum::<usize>(), 6);

        let position = only(&frames(&bench, &PATH_INTEGRATION, 60), &[("arena", arena)]);
        let (from, to, t) = (times(&position, "from_step"), times(&position, "to_step"), times(&position, "t"));
        // Step 60 alone would be a bin of one step: it is part of the one before.
        assert_eq!((from[0], to[0], from[11], to[11], from.len()), (0, 4, 55, 60, 12));
        assert!(numbers(&position, "training_lengths").iter().zip(&t).all(|(lengths, t)| (lengths - f64::from(*t) / 6.0).abs() < 1e-12));
        assert!(times(&position, "trajectories").iter().all(|count| *count == 24));
        for name in ["decode_error", "linear_error", "constant_error", "shuffled_error"] {
            let [low, middle, high] = ["q25_m", "m", "q75_m"].map(|end| numbers(&position, &format!("{name}_{end}")));
            assert!(
                (0..12).all(|at| 0.0 <= low[at] && low[at] <= middle[at] && middle[at] <= high[at] && high[at] < 2.0 * side_m),
                "{name}"
            );
        }
        let walked = only(&frames(&bench, &TRAJECTORIES, 60), &[("source", "evaluation"), ("arena", arena)]);
        let speed = here.iter().map(|moment| norm(&moment.velocity)).sum::<f64>() / 1440.0;
        let farthest = here.iter().map(|moment| norm(&moment.at)).fold(0.0, f64::max);
        assert!((numbers(&walked, "mean_speed_m")[0] - speed).abs() < 1e-12 && (numbers(&walked, "extent_m")[0] - farthest).abs() < 1e-9);
        assert!(numbers(&walked, "velocity_correlation")[0] > 0.7 && numbers(&walked, "mean_turn_rad")[0] < 0.8, "they are smooth");
    }
    training_is_its_sampler(&bench, &distances);
    let names = figures(&bench);
    for stem in [
        "generalization",
        "velocities",
        "square-2m-distances",
        "square-3m-space-time",
        "square-3m-decoding",
        "square-2m-coherence",
        "square-3m-units",
    ] {
        for end in ["png", "svg"] {
            assert!(names.contains(&format!("{stem}.{end}")), "{stem}.{end}: {names:?}");
        }
    }
    let pages = snapshot(&bench.lake.join("reports"));
    assert!(String::from_utf8_lossy(&pages[0].1).contains("Generalization of tiny, seed 0"), "the figure is on the page");
    let sheet = fs::read_to_string(bench.lake.join("figures").join(bench.run().file_name().unwrap()).join("generalization.svg")).unwrap();
    for letter in ["a", "b", "c", "d"] {
        assert!(sheet.contains(&format!(">{letter}<")), "panel {letter}");
    }
    // The same on one thread, bit by bit.
    let before = bench.tables();
    bench.done("analyze", &["--force", "--threads", "1"]);
    assert!(before == bench.tables());
}

/// A training batch as the definition has it, by this test: six velocities, in six orders, from the origin.
fn batch(stream: &mut Stream) -> Vec<[f64; 2]> {
    let velocities: Vec<[f64; 2]> = (0..6).map(|_| [stream.uniform_in(-0.15, 0.15), stream.uniform_in(-0.15, 0.15)]).collect();
    let mut positions = Vec::new();
    for _ in 0..6 {
        let mut at = [0.0; 2];
        for step in stream.permutation(6) {
            let [x, y] = velocities[step as usize];
            at = [at[0] + x, at[1] + y];
            positions.push(at);
        }
    }
    positions
}

fn training_is_its_sampler(bench: &Bench, distances: &[Frame]) {
    let (mut shares, mut pairs) = (vec![0.0; 30], 0.0);
    let mut stream = Seed(77).stream("test", 0);
    for _ in 0..4000 {
        let positions = batch(&mut stream);
        for (number, a) in positions.iter().enumerate() {
            for b in &positions[number + 1..] {
                shares[((apart(a, b) / 0.05) as usize).min(29)] += 1.0;
                pairs += 1.0;
            }
        }
    }
    let found = only(distances, &[("arena", ""), ("kind", "training_cdf")]);
    let cumulative = numbers(&found, "density");
    assert_eq!(counts(&found, "count").iter().sum::<u64>(), 400 * 36 * 35 / 2);
    assert!(cumulative.windows(2).all(|pair| pair[0] <= pair[1]) && cumulative.last() == Some(&1.0));
    let mut expected = 0.0;
    for (bin, share) in shares.iter().enumerate().take(cumulative.len()) {
        expected += share / pairs;
        assert!((cumulative[bin] - expected).abs() < 0.04, "bin {bin}: {} of training, {expected} by the definition", cumulative[bin]);
    }
    let walked = only(&frames(bench, &TRAJECTORIES, 60), &[("source", "training"), ("arena", "")]);
    assert_eq!((times(&walked, "trajectories")[0], times(&walked, "length_steps")[0], times(&walked, "batches")[0]), (2400, 6, 400));
    // The mean length of a vector that is uniform in the square [-1, 1]² is (√2 + asinh 1)/3 = 0.7652.
    assert!((numbers(&walked, "mean_speed_m")[0] / 0.15 - 0.7652).abs() < 0.02);
    assert!(numbers(&walked, "velocity_correlation")[0].abs() < 0.05, "independent velocities");
    let velocities = only(&frames(bench, &VELOCITIES, 60), &[("source", "training")]);
    let share = numbers(&velocities, "share");
    assert!(share.len() == 225 && (share.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert_eq!(counts(&velocities, "count").iter().sum::<u64>(), 2400 * 6);
}

#[test]
fn what_is_not_kept_is_told_and_a_recording_of_more_is_analyzed_anew() {
    let bench = Bench::with(&pipeline());
    let none = ["--set", "record.keep=\"none\""];
    let told = bench.done("run", &none);
    assert!(told.stdout.contains("square-3m: no activity was kept"), "{}", told.stdout);
    let rows = frames(&bench, &GENERALIZATION, 60);
    assert!(
        numbers(&rows, "chance_distance").iter().all(|chance| chance.is_nan()) && times(&rows, "moments").iter().all(|count| *count == 0)
    );
    for column in ["half_rise_reason", "coherence_reason", "decode_reason"] {
        assert!(rows[0].text(column)[0].as_deref().unwrap().starts_with("no activity was kept"), "{column}");
    }
    assert!(frames(&bench, &PATH_INTEGRATION, 60).is_empty());
    let distances = frames(&bench, &DISTANCES, 60);
    assert!(only(&distances, &[("kind", "training_cdf")]).len() == 1 && only(&distances, &[("kind", "space")]).is_empty());
    assert!(!figures(&bench).iter().any(|name| name.starts_with("generalization")), "{:?}", figures(&bench));
    bench.done("run", &["--set", "record.keep=\"sample\"", "--set", "record.sample_trajectories=5"]);
    assert_eq!(times(&frames(&bench, &GENERALIZATION, 60), "trajectories")[0], 5);
    bench.done("run", &[]);
    assert_eq!(times(&frames(&bench, &GENERALIZATION, 60), "trajectories")[0], 24);
    // And less that is asked for changes nothing.
    let before = bench.tables();
    bench.done("run", &none);
    assert!(bench.tables() == before);
    let few = bench.done("run", &["--set", "analyze.generalization.points=0"]);
    assert!(few.stdout.contains("analyze.generalization.points is 0"), "{}", few.stdout);
}

#[test]
fn few_points_are_whole_trajectories() {
    let bench = Bench::with(&pipeline());
    bench.done("run", &["--set", "analyze.generalization.points=130"]);
    let rows = frames(&bench, &GENERALIZATION, 60);
    // Fewer than the fewest that are wanted fit whole, so that all are thinned.
    assert_eq!((times(&rows, "trajectories")[0], times(&rows, "moments")[0]), (24, 24 * 5));
    let two = bench.done("run", &["--set", "record.trajectories=3"]);
    assert!(two.stdout.contains("record at least 4"), "{}", two.stdout);
    assert!(frames(&bench, &PATH_INTEGRATION, 60).is_empty());
    let reasons = frames(&bench, &GENERALIZATION, 60);
    assert!(reasons[0].text("decode_reason")[0].as_deref().unwrap().contains("3 trajectories"));
}

#[test]
fn bad_settings_are_one_clear_error_with_file_and_line() {
    for (line, words) in [
        ("distances.spatial_bin_m = 0.0", "analyze.distances.spatial_bin_m is 0; allowed: 0.001 to 100"),
        ("distances.bootstrap_groups = 501", "analyze.distances.bootstrap_groups is 501; allowed: 2 to 500"),
        ("distances.spatial_max_m = 100.0\ndistances.neural_bins = 1001", "analyze.distances.neural_bins is 1001; allowed: 1 to 1000"),
        (
            "distances = { spatial_max_m = 100.0, temporal_bins = 9000 }",
            "analyze.distances.temporal_bins is 9000; allowed: bins of separation",
        ),
        ("path_integration.ridges = []", "analyze.path_integration.ridges is []; allowed: one strength or more"),
        ("path_integration.ridges = [1.0, -1.0]", "analyze.path_integration.ridges holds -1; allowed: 0 to 1e9"),
        ("path_integration.held_out = 1.0", "analyze.path_integration.held_out is 1; allowed: 0.05 to 0.95"),
        ("path_integration.refine = 3", "analyze.path_integration.refine is 3, an integer; allowed: Boolean"),
        ("generalization.points = -1", "analyze.generalization.points is -1; allowed: Integer, 0 to 10000000"),
        ("generalization.point = 1", "unknown key analyze.generalization.point"),
    ] {
        let bench = Bench::with(
            &format!("{TINY}\n[analyze]\n{line}\n")
                .replace("[analyze.ratemap]\nbins = 16\n\n[analyze.nulls]\ncount = 19\n\n[analyze.classes]\nalpha = 0.05\n", ""),
        );
        let text = fs::read_to_string(&bench.pipeline).unwrap();
        let at = text.lines().count();
        bench.verb("run", &[]).fails(2, &[&format!("tiny.toml:{at}"), words]);
        assert!(!bench.lake.exists(), "{line}");
    }
}

/// Two modules along walks in a box of 1 m, in trajectories.
fn cells(bench: &Bench, trajectories: u64) -> PathBuf {
    let walk = Walk { motion: Motion::Smooth, steps: 150, mean_speed_m: 0.05, velocity_limit_m: 0.15 };
    let lattices = [Lattice::hexagonal(0.45, 0.3), Lattice::hexagonal(0.64, 0.1)];
    let mut stream = Seed(3).stream("cells", 0);
    let units: Vec<(&Lattice, [f64; 2])> =
        (0..32).map(|unit| (&lattices[unit % 2], [stream.uniform_in(-0.5, 0.5), stream.uniform_in(-0.5, 0.5)])).collect();
    let mut text = "trajectory,x,y".to_owned();
    (0..units.len()).for_each(|unit| write!(text, ",unit_{unit}").unwrap());
    for number in 0..trajectories {
        for [x, y] in walk.draw(&Arena::square(1.0), &mut Seed(8).stream("generalization", number)).positions_m {
            write!(text, "\n{number},{x},{y}").unwrap();
            for (lattice, offset) in &units {
                write!(text, ",{:.5}", lattice.rate_sharp(x, y, *offset, 2.0)).unwrap();
            }
        }
    }
    let path = bench.folder().join("cells.csv");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn imported_cells_tell_their_places_and_have_no_training() {
    let pipeline = "name = \"imported\"\n\n[import]\nrun = \"cells\"\n\n[analyze.ratemap]\nbins = 25\n\n[analyze.nulls]\ncount = 99\n\n[analyze.torus]\nsurrogates = 0\n";
    let bench = Bench::with(pipeline);
    let file = cells(&bench, 40);
    let box_m = ["--set", "arena.side_m=1", "--set", "arena.centre_m=[0, 0]"];
    let told = Outcome::of(gridlake().arg("import").arg(&file).args(["--as", "cells", "--lake"]).arg(&bench.lake).args(box_m));
    assert_eq!(told.code, 0, "{told:?}");
    let told = bench.done("run", &[]);
    assert!(
        !told.stdout.contains("the training's length") && told.stdout.contains("half of chance at") && told.stdout.contains("coherence"),
        "{}",
        told.stdout
    );
    let rows = frames(&bench, &GENERALIZATION, 0);
    let of = |name: &str| numbers(&rows, name)[0];
    // Rates are the same function of the place at every visit.
    assert!(of("spatial_coherence_corrected") > 0.9 && of("spatial_coherence_corrected") > of("spatial_coherence_chance") + 0.05);
    assert!((0.02..0.2).contains(&of("half_rise_m")) && of("sigma_x_m").is_nan(), "{}", of("half_rise_m"));
    assert!(times(&rows, "trajectories")[0] == 40 && rows[0].text("decode_reason")[0].is_none());
    let position = frames(&bench, &PATH_INTEGRATION, 0);
    assert!(numbers(&position, "training_lengths").iter().all(|lengths| lengths.is_nan()));
    let middle = |name: &str| {
        let mut errors = numbers(&position, name);
        errors.sort_by(f64::total_cmp);
        errors[errors.len() / 2]
    };
    // Within a bin of 4 cm or a neighbour; another trajectory's is anywhere in the box.
    assert!(
        middle("decode_error_m") < 0.04 && middle("shuffled_error_m") > 0.3,
        "{} {}",
        middle("decode_error_m"),
        middle("shuffled_error_m")
    );
    let distances = frames(&bench, &DISTANCES, 0);
    assert!(only(&distances, &[("kind", "training_cdf")]).is_empty());
    for (at, zero) in numbers(&only(&distances, &[("kind", "same_place")]), "neural_distance").iter().enumerate() {
        assert!(zero.is_nan() || *zero < 0.1 * of("chance_distance"), "bin {at}: {zero}");
    }
    let walked = frames(&bench, &TRAJECTORIES, 0);
    assert!(
        only(&walked, &[("source", "training")]).is_empty() && walked[0].rows() == 1 && numbers(&walked, "velocity_limit_m")[0].is_nan()
    );
    let names = figures(&bench);
    for name in ["generalization.svg", "velocities.png", "square-1m-decoding.png", "square-1m-units.svg"] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("periods")), "there is one box");
    assert_eq!(frames(&bench, &RATEMAPS, 0).iter().map(Frame::rows).sum::<usize>(), 32);
}
