//! Modules' state spaces: embedding, rings, bars, the test for a torus, and figures of them, by the real program on cells of known truth.

use crate::common::{Bench, Outcome, gridlake, snapshot};
use gridlake_lake::schema::{BARCODES, EMBEDDING, LAPLACIAN, MODULES, TORUS, TORUS_MAPS, Table};
use gridlake_lake::{Frame, Lake, partition};
use gridlake_space::arena::Arena;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use gridlake_space::trajectory::{Motion, Walk};
use std::f64::consts::PI;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Few and small: what decides is far from the edge.
const PIPELINE: &str = r#"
name = "imported"

[import]
run = "cells"

[analyze.ratemap]
bins = 25

[analyze.nulls]
count = 99

[analyze.embedding]
points = 1500
eigenvalues = 8

[analyze.torus]
points = 150
surrogates = 19
alpha = 0.05
"#;

const SPACING_M: f64 = 0.45;
const ORIENTATION_RAD: f64 = 0.3;

/// Cells of one hexagonal lattice along walks in a box of 1 m.
fn cells(bench: &Bench, units: usize) -> PathBuf {
    let walk = Walk { motion: Motion::Smooth, steps: 1000, mean_speed_m: 0.05, velocity_limit_m: 0.15 };
    let paths = (0..4).flat_map(|number| walk.draw(&Arena::square(1.0), &mut Seed(8).stream("state-space", number)).positions_m);
    let lattice = Lattice::hexagonal(SPACING_M, ORIENTATION_RAD);
    // Even over the cell (Roberts' sequence): uneven phases would move the rings off their middle.
    let offset = |unit: usize| {
        let [s, t] = [0.754_877_666, 0.569_840_291].map(|step: f64| (step * unit as f64).fract() * SPACING_M);
        [
            s * ORIENTATION_RAD.cos() + t * (ORIENTATION_RAD + PI / 3.0).cos(),
            s * ORIENTATION_RAD.sin() + t * (ORIENTATION_RAD + PI / 3.0).sin(),
        ]
    };
    let offsets: Vec<[f64; 2]> = (0..units).map(offset).collect();
    let mut text = "x,y".to_owned();
    for unit in 0..units {
        write!(text, ",unit_{unit}").unwrap();
    }
    for [x, y] in paths {
        write!(text, "\n{x},{y}").unwrap();
        for offset in &offsets {
            write!(text, ",{:.5}", lattice.rate_sharp(x, y, *offset, 1.0)).unwrap();
        }
    }
    let path = bench.folder().join("cells.csv");
    fs::write(&path, text).unwrap();
    path
}

fn imported(units: usize) -> Bench {
    let bench = Bench::with(PIPELINE);
    let file = cells(&bench, units);
    let told = Outcome::of(gridlake().arg("import").arg(&file).args(["--as", "cells", "--lake"]).arg(&bench.lake));
    assert_eq!(told.code, 0, "{told:?}");
    bench
}

fn frames(bench: &Bench, table: &'static Table) -> Vec<Frame> {
    let lake = Lake::open(&bench.lake.to_str().unwrap().parse().unwrap()).unwrap();
    let run = bench.run().file_name().unwrap().to_str().unwrap().to_owned();
    if !partition::exists(&lake, table, &run, 0).unwrap() {
        return Vec::new();
    }
    partition::read(&lake, table, &run, 0, &[]).unwrap().map(Result::unwrap).collect()
}

fn one(bench: &Bench, table: &'static Table) -> Frame {
    let mut found = frames(bench, table);
    assert_eq!(found.len(), 1, "{}", table.name);
    found.remove(0)
}

fn number(frame: &Frame, column: &str) -> f64 {
    frame.float64(column)[0]
}

fn figures(bench: &Bench) -> Vec<String> {
    let names = snapshot(&bench.lake.join("figures")).into_iter();
    names.map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_module_is_a_torus_and_its_units_are_where_their_phases_say() {
    let bench = imported(32);
    bench.done("run", &["--threads", "2"]);
    assert_eq!(one(&bench, &MODULES).rows(), 1);
    let torus = one(&bench, &TORUS);
    let reason = torus.text("reason")[0].as_deref().unwrap().to_owned();
    assert_eq!(torus.boolean("is_torus"), [Some(true)], "{reason}");
    assert_eq!(["betti0", "betti1", "betti2"].map(|betti| torus.int32(betti)[0]), [Some(1), Some(2), Some(1)], "{reason}");
    assert_eq!((torus.uint32("units")[0], torus.uint32("points")[0], torus.uint32("surrogates")[0]), (32, 150, 19));
    assert!(
        number(&torus, "h1_second") > 2.0 * number(&torus, "h1_third") && number(&torus, "h1_second") > number(&torus, "h1_null"),
        "{reason}"
    );
    assert!(number(&torus, "p_h1_first") == 0.05 && number(&torus, "p_h2") == 0.05 && number(&torus, "p_h1_third") >= 0.05, "{reason}");
    assert_eq!(torus.boolean("same_lattice"), [Some(true)]);
    for agreement in ["phase_resultant1", "phase_resultant2"] {
        assert!(number(&torus, agreement) > 0.95, "{agreement} {}", number(&torus, agreement));
    }
    assert!((number(&torus, "theta_lattice_angle_rad").to_degrees() - 60.0).abs() < 5.0);
    for ring in ["ring1", "ring2", "ring3"] {
        let [hole, coverage] = ["hole", "coverage"].map(|what| number(&torus, &format!("{ring}_{what}")));
        assert!(hole > 0.4 && coverage == 1.0, "{ring}: hole {hole}, coverage {coverage}");
    }
    let embedding = one(&bench, &EMBEDDING);
    assert_eq!(embedding.rows(), 1500);
    for column in ["pc1", "pc6", "e1", "e3", "ring3_im", "theta1", "theta2"] {
        assert!(embedding.float64(column).iter().all(|value| value.is_finite()), "{column}");
    }
    // Six slow modes.
    let laplacian = one(&bench, &LAPLACIAN).float64("eigenvalue").to_vec();
    assert!(laplacian.len() == 9 && laplacian[0] == 0.0 && laplacian[7] > 1.5 * laplacian[6], "{laplacian:?}");
    let bars: Vec<Frame> = frames(&bench, &BARCODES);
    let repeats = bars.iter().flat_map(|frame| frame.uint32("repeat").to_vec()).max();
    assert_eq!(repeats, Some(18));
    let maps = one(&bench, &TORUS_MAPS);
    assert_eq!((maps.rows(), maps.floats("rate").0), (32, 400));
    let apart = |a: f64, b: f64| {
        let turn = (a - b).rem_euclid(std::f64::consts::TAU);
        turn.min(std::f64::consts::TAU - turn)
    };
    for (psi, fourier) in [("psi1", "fourier1"), ("psi2", "fourier2")] {
        let far = maps.float64(psi).iter().zip(maps.float64(fourier)).map(|(a, b)| apart(*a, *b)).fold(0.0, f64::max);
        assert!(far < 0.8, "{psi} is up to {far} rad from {fourier}");
    }
    let names = figures(&bench);
    for name in [
        "module-0-structure.png",
        "module-0-structure.svg",
        "module-0-states.png",
        "module-0-states.svg",
        "module-0-rings.svg",
        "module-0-barcodes.png",
        "module-0-torus.svg",
    ] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    let reports = snapshot(&bench.lake.join("reports"));
    let page = String::from_utf8(reports[0].1.clone()).unwrap();
    let run = bench.run().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(reports.len() == 1 && reports[0].0.ends_with(format!("{run}.html")));
    for words in [run.as_str(), "a torus", "1 module", "hexagonal", "Units on the torus of module 0", "alpha = 0.05"] {
        assert!(page.contains(words), "{words}");
    }
    // The same on one thread, bit by bit.
    let before = (bench.tables(), reports);
    bench.done("analyze", &["--force", "--threads", "1"]);
    bench.done("draw", &["--force"]);
    assert!(before == (bench.tables(), snapshot(&bench.lake.join("reports"))));
}

#[test]
fn few_units_get_no_verdict_and_the_reason() {
    let bench = imported(9);
    bench.done("run", &["--set", "analyze.embedding.method=\"isomap\""]);
    let torus = one(&bench, &TORUS);
    assert_eq!((torus.boolean("is_torus")[0], torus.int32("betti1")[0]), (None, None));
    assert!(torus.text("reason")[0].as_deref().unwrap().starts_with("too few units: 9 of at least 16"));
    assert_eq!(torus.text("embedding_method")[0].as_deref(), Some("isomap"));
    assert!(number(&torus, "p_h1_first").is_nan() && frames(&bench, &TORUS_MAPS).is_empty());
    assert_eq!(one(&bench, &EMBEDDING).rows(), 1500);
    let names = figures(&bench);
    assert!(names.iter().any(|name| name == "module-0-states.png") && !names.iter().any(|name| name.contains("barcodes")), "{names:?}");
}

#[test]
fn without_states_the_table_says_so() {
    let bench = imported(9);
    bench.done("run", &["--set", "analyze.embedding.points=0"]);
    let torus = one(&bench, &TORUS);
    assert!(torus.boolean("is_torus")[0].is_none() && torus.text("reason")[0].as_deref().unwrap().starts_with("no activity was kept"));
    assert!(frames(&bench, &EMBEDDING).is_empty());
    let page = bench.lake.join("figures").join(bench.run().file_name().unwrap()).join("module-0-structure.svg");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("States in three dimensions: no activity was kept") && page.contains("Phases of the units"),
        "with a word in their place"
    );
}

#[test]
fn too_little_memory_is_refused_with_the_estimate_and_leaves_what_was() {
    let bench = imported(32);
    bench.done("analyze", &["--set", "analyze.torus.surrogates=0"]);
    let before = snapshot(&bench.lake.join("tables"));
    let more = ["--set", "analyze.torus.memory_gib=0.0625", "--set", "analyze.torus.points=4000", "--set", "analyze.embedding.points=4000"];
    bench.verb("analyze", &more).fails(1, &["module 0", "analyze.torus.memory_gib", "367 MiB", "64 MiB are allowed"]);
    assert!(before == snapshot(&bench.lake.join("tables")));
}
