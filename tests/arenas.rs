//! Arenas that are no squares: recorded, imported, analyzed and drawn with their true geometry.

use crate::common::{Bench, Outcome, gridlake, snapshot};
use gridlake_lake::schema::{AUTOCORRELOGRAMS, CLASSES, MODULES, NULLS, OCCUPANCY, RATEMAPS, SPECTRA, Table, UNITS};
use gridlake_lake::{Frame, Lake, partition};
use gridlake_space::arena::Arena;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use gridlake_space::trajectory::{Motion, Walk};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

const ARENAS: [&str; 4] = ["--set", "record.boxes_m=[]", "--set", "record.arenas=[\"rectangle-1.5x1m\", \"circle-1.2m\"]"];
const SPACING_M: f64 = 0.3;
const ORIENTATION_RAD: f64 = 0.2;

/// All rows of a table of the only run.
fn frames(bench: &Bench, table: &'static Table, step: u64, columns: &[&str]) -> Vec<Frame> {
    let lake = Lake::open(&bench.lake.to_str().unwrap().parse().unwrap()).unwrap();
    let run = bench.run().file_name().unwrap().to_str().unwrap().to_owned();
    partition::read(&lake, table, &run, step, columns).unwrap().map(Result::unwrap).collect()
}

fn numbers(frames: &[Frame], column: &str) -> Vec<f64> {
    frames.iter().flat_map(|frame| frame.float64(column).to_vec()).collect()
}

fn texts(frames: &[Frame], column: &str) -> Vec<String> {
    frames.iter().flat_map(|frame| frame.text(column)).map(|text| text.as_deref().unwrap_or_default().to_owned()).collect()
}

/// All numbers that are made of activity in bins, table by table. As text, in which NaN is NaN.
fn analyzed(bench: &Bench) -> Vec<String> {
    let tables = [&RATEMAPS, &AUTOCORRELOGRAMS, &UNITS, &NULLS, &CLASSES, &MODULES, &SPECTRA];
    let made = |table: &&&Table| bench.tables().iter().any(|(path, _)| path.starts_with(format!("tables/{}/", table.name)));
    tables.iter().filter(made).map(|table| format!("{:?}", frames(bench, table, 60, &[]))).collect()
}

/// Figures without their folder.
fn figures(bench: &Bench) -> Vec<String> {
    let names = snapshot(&bench.lake.join("figures")).into_iter();
    names.map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

fn svg(bench: &Bench, name: &str) -> String {
    let (_, bytes) = snapshot(&bench.lake.join("figures")).into_iter().find(|(path, _)| path.ends_with(name)).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_network_walks_in_rectangles_and_circles_whatever_is_kept() {
    let [all, none] = ["all", "none"].map(|keep| {
        let bench = Bench::new();
        bench.done("run", &[&ARENAS[..], &["--set", &format!("record.keep=\"{keep}\"")]].concat());
        bench
    });
    assert!(analyzed(&all).len() >= 5 && analyzed(&all) == analyzed(&none));
    for bench in [&all, &none] {
        let verified = Outcome::of(gridlake().arg("verify").arg(&bench.lake));
        assert!(verified.code == 0, "{verified:?}");
        assert!(bench.done("plan", &[&ARENAS[..], &["--set", "record.keep=\"none\""]].concat()).stdout.matches("stale").count() <= 1);
    }
    let occupancy = frames(&all, &OCCUPANCY, 60, &[]);
    let (labels, shapes) = (texts(&occupancy, "arena"), texts(&occupancy, "arena_shape"));
    let (boxes, widths, heights) = (numbers(&occupancy, "box_m"), numbers(&occupancy, "width_m"), numbers(&occupancy, "height_m"));
    assert_eq!(labels.len(), 2 * 144);
    let told = |row: usize| (labels[row].as_str(), shapes[row].as_str(), boxes[row], widths[row], heights[row]);
    assert_eq!(told(0), ("rectangle-1.5x1m", "rectangle", 1.5, 1.5, 1.0));
    assert_eq!(told(287), ("circle-1.2m", "circle", 1.2, 1.2, 1.2));
    let visits: Vec<u32> = occupancy.iter().flat_map(|frame| frame.uint32("visits").to_vec()).collect();
    // Every moment is inside, and the circle's corner is not.
    assert_eq!([&visits[..144], &visits[144..]].map(|visits| visits.iter().sum::<u32>()), [40 * 80; 2]);
    assert!(visits[144] == 0 && visits[287] == 0);
    let maps = frames(&all, &RATEMAPS, 60, &["arena", "bin_m", "bin_y_m"]);
    let (bin_x, bin_y) = (numbers(&maps, "bin_m"), numbers(&maps, "bin_y_m"));
    for (row, arena) in texts(&maps, "arena").iter().enumerate() {
        let sides = if arena.starts_with("circle") { (1.2 / 16.0, 1.2 / 16.0) } else { (1.5 / 16.0, 1.0 / 16.0) };
        assert_eq!((bin_x[row], bin_y[row]), sides);
    }
    let names = figures(&all);
    for name in
        ["rectangle-1.5x1m-ratemaps.png", "circle-1.2m-ratemaps.svg", "rectangle-1.5x1m-autocorrelograms.svg", "circle-1.2m-scores.svg"]
    {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    assert!(svg(&all, "rectangle-1.5x1m-ratemaps.svg").contains("Ratemaps in the 1.5 m × 1 m box of tiny"));
    assert!(svg(&all, "circle-1.2m-ratemaps.svg").contains("Ratemaps in the circular arena of 1.2 m of tiny"));
}

#[test]
fn boxes_come_before_other_arenas_and_keep_their_bits() {
    let [boxes, both] = [&[][..], &["--set", "record.arenas=[\"rectangle-1.5x1m\"]"]].map(|more| {
        let bench = Bench::new();
        bench.done("train", more);
        bench.done("record", more);
        bench
    });
    let occupancy = [&boxes, &both].map(|bench| frames(bench, &OCCUPANCY, 60, &["visits"]));
    let visits = occupancy.map(|frames| frames.iter().flat_map(|frame| frame.uint32("visits").to_vec()).collect::<Vec<u32>>());
    assert_eq!(visits[1].len(), 288);
    assert_eq!(visits[0], visits[1][..144]);
}

#[test]
fn arenas_there_are_not_are_refused() {
    for (set, words) in [
        ("record.arenas=[\"rectangle-2m\"]", "record.arenas holds \"rectangle-2m\"; allowed: List of texts: \"rectangle-2x1.5m\""),
        ("record.arenas=[\"circle-1.50m\"]", "(is \"circle-1.5m\" meant?)"),
        ("record.arenas=[\"circle-0.1m\"]", "record.arenas holds \"circle-0.1m\", of 0.1 m; allowed:"),
        ("record.arenas=[\"square-1m\"]", "which is a box of record.boxes_m"),
        ("record.arenas=\"circle-1m\"", "record.arenas is \"circle-1m\", a string; allowed: List of texts"),
        ("record.arenas=[3]", "record.arenas is [3]; allowed: List of texts"),
        ("record.boxes_m=[]", "record.boxes_m is []; allowed: List of numbers, 0.2 to 100; none twice; at least one, unless record.arenas"),
    ] {
        let bench = Bench::new();
        bench.verb("run", &["--set", set]).fails(2, &[words]);
        assert!(!bench.lake.exists());
    }
}

/// A pipeline whose analysis takes a moment and can still tell grids.
const PIPELINE: &str = r#"
name = "imported"

[import]
run = "cells"

[analyze.ratemap]
bins = 25

[analyze.nulls]
count = 199
"#;

/// Walks in an arena with its corner at (3, 1) m, and the rates of five grid cells of one lattice and of cells along the left and the lower wall.
fn cells(bench: &Bench, arena: &Arena) -> PathBuf {
    let walk = Walk { motion: Motion::Smooth, steps: 2000, mean_speed_m: 0.05, velocity_limit_m: 0.15 };
    let paths = (0..6).flat_map(|number| walk.draw(arena, &mut Seed(8).stream("arenas", number)).positions_m);
    let lattice = Lattice::hexagonal(SPACING_M, ORIENTATION_RAD);
    let mut text = "x,y,unit_0,unit_1,unit_2,unit_3,unit_4,unit_5,unit_6".to_owned();
    for [x, y] in paths {
        write!(text, "\n{},{}", x + 3.0 + arena.width_m / 2.0, y + 1.0 + arena.height_m / 2.0).unwrap();
        for unit in 0..5 {
            let offset = [0.137 * f64::from(unit) % SPACING_M, 0.093 * f64::from(unit) % SPACING_M];
            write!(text, ",{}", 8.0 * lattice.rate_sharp(x, y, offset, 2.0)).unwrap();
        }
        for wall in [x + arena.width_m / 2.0, y + arena.height_m / 2.0] {
            write!(text, ",{}", 8.0 * (-wall / 0.1).exp()).unwrap();
        }
    }
    let path = bench.folder().join("cells.csv");
    fs::write(&path, text + "\n").unwrap();
    path
}

/// Imports and analyzes cells in an arena, named or as their positions extend, and holds them to what they are.
fn found_in(arena: &Arena, shape: &str, named: &[&str]) -> Bench {
    let bench = Bench::with(PIPELINE);
    let path = cells(&bench, arena);
    let mut import = gridlake();
    import.arg("import").arg(&path).args(["--as", "cells", "--set", shape]).args(named).arg("--lake").arg(&bench.lake);
    let outcome = Outcome::of(&mut import);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    bench.done("run", &[]);
    let units = frames(&bench, &UNITS, 0, &["arena", "class", "class_reason", "spacing_m", "orientation_rad", "sac_spacing_m"]);
    let (classes, spacings, orientations) = (texts(&units, "class"), numbers(&units, "spacing_m"), numbers(&units, "orientation_rad"));
    assert_eq!(texts(&units, "arena")[0], arena.label());
    let peaks = numbers(&units, "sac_spacing_m");
    for unit in 0..5 {
        assert_eq!(classes[unit], "grid", "unit {unit} of {}", arena.label());
        for spacing in [spacings[unit], peaks[unit]] {
            assert!((spacing / SPACING_M - 1.0).abs() < 0.03, "unit {unit} of {}: {spacing}", arena.label());
        }
        assert!((orientations[unit] - ORIENTATION_RAD).abs() < 0.03, "unit {unit} of {}: {}", arena.label(), orientations[unit]);
    }
    if shape.ends_with("rectangle") {
        for unit in [5, 6] {
            assert_eq!(classes[unit], "border", "unit {unit}: {}", texts(&units, "class_reason")[unit]);
        }
    }
    let verified = Outcome::of(gridlake().arg("verify").arg(&bench.lake));
    assert!(verified.code == 0, "{verified:?}");
    bench
}

#[test]
fn cells_in_a_rectangle_are_what_they_are() {
    let bench =
        found_in(&Arena::rectangle(1.2, 0.8), "arena.shape=rectangle", &["--set", "arena.side_m=1.2", "--set", "arena.height_m=0.8"]);
    let spectra = frames(&bench, &SPECTRA, 0, &["df_cycles_per_m", "df_y_cycles_per_m"]);
    let (across, along) = (numbers(&spectra, "df_cycles_per_m"), numbers(&spectra, "df_y_cycles_per_m"));
    assert!(across.len() == 1 && (along[0] / across[0] - 1.5).abs() < 1e-9, "{across:?}, {along:?}");
    assert!(figures(&bench).iter().any(|name| name == "rectangle-1.2x0.8m-module-spectra.png"), "{:?}", figures(&bench));
    assert!(bench.record()["stages"]["record"]["notes"]["arenas"]["rectangle-1.2x0.8m"]["height_m"] == 0.8);
}

#[test]
fn cells_in_a_circle_are_what_they_are() {
    let bench = found_in(&Arena::circle(1.0), "arena.shape=circle", &["--set", "arena.side_m=1", "--set", "arena.centre_m=[3.5, 1.5]"]);
    let occupancy = frames(&bench, &OCCUPANCY, 0, &["visits"]);
    assert_eq!(occupancy.iter().flat_map(|frame| frame.uint32("visits")).sum::<u32>(), 12_000, "no moment is outside");
    assert!(figures(&bench).iter().any(|name| name == "circle-1m-modules.png"));
    assert!(figures(&bench).iter().any(|name| name == "circle-1m-modularity.svg"));
}

#[test]
fn arenas_of_imports_are_as_the_positions_extend() {
    let bench = Bench::with(PIPELINE);
    let path = bench.folder().join("path.csv");
    let mut text = "x,y,unit_0\n".to_owned();
    for moment in 0..400 {
        let angle = f64::from(moment) * std::f64::consts::TAU / 100.0;
        writeln!(text, "{},{},{}", 0.6 * angle.cos(), 1.0 + 0.4 * angle.sin(), moment % 3).unwrap();
    }
    fs::write(&path, text).unwrap();
    let import = |sets: &[&str]| {
        let mut command = gridlake();
        command.arg("import").arg(&path).args(["--as", "cells", "--lake"]).arg(&bench.lake);
        for set in sets {
            command.args(["--set", set]);
        }
        Outcome::of(&mut command)
    };
    let taken: [(&[&str], &str); 6] = [
        (&["arena.shape=rectangle"], "rectangle-1.2x0.8m\n    moments   400 in 1 trajectory\n    box       1.2 m × 0.8 m around (0, 1) m"),
        (&["arena.shape=rectangle", "arena.height_m=1"], "rectangle-1.2x1m\n"),
        (&["arena.shape=rectangle", "arena.side_m=1.4", "arena.height_m=1.4"], "square-1.4m\n"),
        (&["arena.shape=circle"], "circle-1.2m\n    moments   400 in 1 trajectory\n    circle    1.2 m around (0, 1) m"),
        (&["arena.shape=circle", "arena.side_m=1.1"], "%) are in no bin"),
        (&[], "square-1.2m\n"),
    ];
    for (sets, words) in taken {
        let outcome = import(sets);
        assert!(outcome.code == 0 && outcome.stdout.contains(words), "{sets:?}: {outcome:?}");
    }
    let refused: [(&[&str], i32, &str); 6] = [
        (&["arena.shape=hexagon"], 2, "arena.shape is \"hexagon\"; allowed: One of \"square\", \"rectangle\", \"circle\""),
        (&["arena.height_m=0.8"], 2, "arena.height_m is 0.8; allowed: only with arena.shape = \"rectangle\""),
        (&["arena.shape=circle", "arena.height_m=0.8"], 2, "arena.height_m is 0.8; allowed: only with"),
        (&["arena.shape=rectangle", "arena.height_m=-1"], 2, "arena.height_m is -1; allowed: Number, 0 to 1e5"),
        (&["arena.shape=circle", "arena.side_m=0.3"], 3, "are outside the circle of 0.3 m around (0, 1) m"),
        (&["arena.shape=rectangle", "position.unit=cm"], 3, "no likely box"),
    ];
    for (sets, code, words) in refused {
        import(sets).fails(code, &[words]);
    }
}
