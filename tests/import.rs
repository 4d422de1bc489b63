//! `import`: what other software recorded becomes a run that everything downstream works on.

use crate::common::{Bench, Outcome, gridlake, snapshot};
use crate::import_files::{Cells, SAMPLE_S, SPACING_M, bytes, bytes32, floats32, lists, npy, npz, parquet, texts, with};
use arrow::array::{Array, AsArray, Float64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Float64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A pipeline whose analysis takes a moment and can still tell grids.
const PIPELINE: &str = r#"
name = "imported"

[import]
run = "cells"

[analyze.ratemap]
bins = 25

[analyze.nulls]
count = 99
"#;

/// Writes a file of one format.
type Writer<'c> = Box<dyn Fn(&Path) + 'c>;

/// No more arguments.
const NONE: &[&str] = &[];

/// The box that the cells are in.
const BOX: [&str; 4] = ["--set", "arena.side_m=1", "--set", "arena.centre_m=[0.5, 0.5]"];

fn bench() -> Bench {
    Bench::with(PIPELINE)
}

/// `gridlake import FILES --as cells --lake LAKE`.
fn import(bench: &Bench, files: &[&Path], more: &[impl AsRef<str>]) -> Outcome {
    let more = more.iter().map(AsRef::as_ref);
    Outcome::of(gridlake().arg("import").args(files).args(["--as", "cells", "--lake"]).arg(&bench.lake).args(more))
}

fn imported(bench: &Bench, files: &[&Path], more: &[impl AsRef<str>]) -> Outcome {
    let outcome = import(bench, files, more);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome
}

/// All rows of the only partition of a table.
fn table(bench: &Bench, name: &str) -> RecordBatch {
    let files: Vec<PathBuf> =
        bench.tables().into_iter().map(|(path, _)| path).filter(|path| path.starts_with(format!("tables/{name}"))).collect();
    assert_eq!(files.len(), 1, "{name}: {files:?}");
    let file = fs::File::open(bench.lake.join(&files[0])).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<f64> {
    let array = batch.column_by_name(column).unwrap().as_primitive::<Float64Type>().clone();
    (0..array.len()).map(|row| if array.is_null(row) { f64::NAN } else { array.value(row) }).collect()
}

/// Runs the pipeline, and holds every unit to a grid of the known spacing.
fn analyzed_as_grids(bench: &Bench, tolerance: f64) {
    let outcome = bench.done("run", &[]);
    assert!(outcome.stdout.contains("active") && outcome.stdout.contains("figures"), "{}", outcome.stdout);
    let units = table(bench, "units");
    let (classes, spacings) = (units.column_by_name("class").unwrap().as_string::<i32>().clone(), numbers(&units, "spacing_m"));
    for (unit, spacing) in spacings.iter().enumerate() {
        assert_eq!(classes.value(unit), "grid", "unit {unit}");
        assert!((spacing / SPACING_M - 1.0).abs() < tolerance, "unit {unit}: {spacing}");
    }
}

/// Nothing that any verb would show or read.
fn nothing_in(bench: &Bench) {
    let left: Vec<PathBuf> = snapshot(&bench.lake).into_iter().map(|(path, _)| path).filter(|path| !path.ends_with("lake.json")).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn every_format_makes_the_same_tables_and_the_known_spacing() {
    let cells = Cells::new(4, 1500, 4);
    let written: Vec<(&str, Writer<'_>)> = vec![
        ("wide.csv", Box::new(|path| cells.csv(path))),
        ("list.parquet", Box::new(|path| parquet(path, &cells.batch(), Compression::SNAPPY))),
        ("zstd.pq", Box::new(|path| parquet(path, &cells.batch(), Compression::ZSTD(ZstdLevel::try_new(3).unwrap())))),
        ("arrays.npz", Box::new(|path| cells.npz(path, false))),
        ("transposed.npz", Box::new(|path| cells.npz(path, true))),
        ("cubes.npz", Box::new(|path| cells.npz_3d(path))),
    ];
    let mut first: Option<(RecordBatch, RecordBatch)> = None;
    for (name, write) in written {
        let bench = bench();
        let path = bench.folder().join(name);
        write(&path);
        let outcome = imported(&bench, &[&path], &BOX);
        assert!(outcome.stdout.contains("6000 in 4 trajectories") && outcome.stdout.contains("next: gridlake run"), "{}", outcome.stdout);
        let tables = (table(&bench, "activity"), table(&bench, "occupancy"));
        match &first {
            None => {
                let (activity, occupancy) = &tables;
                assert_eq!((activity.num_rows(), occupancy.num_rows()), (6000, 2500));
                assert_eq!(numbers(activity, "time_s"), cells.time);
                let x = numbers(activity, "x_m");
                assert!(x.iter().zip(&cells.place).all(|(x, place)| *x == place[0] - 0.5), "centred");
                let vx = numbers(activity, "vx_m");
                assert_eq!(vx.iter().filter(|vx| vx.is_nan()).count(), 4, "the first moment of each trajectory has no velocity");
                assert!((vx[1501] - (cells.place[1501][0] - cells.place[1500][0])).abs() < 1e-15 && vx[1500].is_nan());
                analyzed_as_grids(&bench, 0.02);
                first = Some(tables);
            }
            Some(first) => assert!(*first == tables, "{name}"),
        }
    }
}

#[test]
fn an_import_is_a_run_that_every_verb_knows() {
    let bench = bench();
    let path = bench.folder().join("cells.parquet");
    parquet(&path, &Cells::new(2, 1500, 3).batch(), Compression::UNCOMPRESSED);
    let first = imported(&bench, &[&path], NONE);
    let run = bench.run().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(run.starts_with("cells-s0-") && first.stdout.contains(&format!("--set import.run={run} --lake ")), "{}", first.stdout);
    let before = snapshot(&bench.lake);
    let again = imported(&bench, &[&path], NONE);
    assert!(again.stderr.contains("everything is there already") && snapshot(&bench.lake) == before, "{again:?}");
    imported(&bench, &[&path], &["--force"]);
    let tables = |all: &[(PathBuf, Vec<u8>)]| all.iter().filter(|(path, _)| path.ends_with("part-0.parquet")).cloned().collect::<Vec<_>>();
    assert!(tables(&snapshot(&bench.lake)) == tables(&before), "to the same bytes");

    let plan = bench.done("plan", NONE);
    assert!(!plan.stdout.contains("train"), "{}", plan.stdout);
    assert_eq!((plan.stdout.matches("fresh").count(), plan.stdout.matches("stale").count()), (1, 2), "{}", plan.stdout);
    for verb in ["train", "record"] {
        bench.verb(verb, NONE).fails(2, &[&format!("{run}: it was imported, so there is nothing to {verb}"), "hint:"]);
    }
    bench.verb("draw", NONE).fails(1, &["draw needs the result of analyze"]);
    bench.done("analyze", NONE);
    bench.done("draw", &["--set", &format!("import.run={run}")]);
    let figures: Vec<String> =
        snapshot(&bench.lake.join("figures")).iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert!(figures.iter().any(|name| name.contains("ratemaps")) && !figures.iter().any(|name| name.contains("training")), "{figures:?}");
    let sheets = snapshot(&bench.lake.join("figures")).into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "svg"));
    for (path, svg) in sheets {
        assert!(!String::from_utf8_lossy(&svg).contains("seed"), "{}", path.display());
    }
    assert_eq!(bench.done("plan", &[]).stdout.matches("fresh").count(), 3);
    assert_eq!(bench.done("plan", &["--seed", "3"]).stdout.matches("stale").count(), 2, "the nulls are drawn from the seed");
    let status = Outcome::of(gridlake().arg("status").arg(&bench.lake));
    let line = status.stdout.lines().find(|line| line.starts_with(&run)).unwrap().to_owned();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), [&run, "–", "imported", "done", "done"]);
    let record = bench.record();
    assert_eq!(record["config"]["import"]["files"][0]["name"], "cells.parquet");
    assert_eq!(record["config"]["import"]["mapping"]["position"]["missing"], "refuse");
    assert_eq!(record["stages"]["record"]["notes"]["units"][2], "firing_rates[2]");

    // Another mapping is another run, and then one must be named whole.
    imported(&bench, &[&path], &["--set", "occupancy.bins=20"]);
    bench.verb("run", NONE).fails(2, &["import.run is \"cells\"", "2 imported runs have this name", &run, "hint:"]);
    bench.done("plan", &["--set", &format!("import.run={run}")]);
    bench.verb("run", &["--set", "import.run=other"]).fails(2, &["no imported run of this name", "gridlake import FILE"]);
    bench.verb("run", &["--set", "sweep.seeds=[1, 2]"]).fails(2, &["a sweep makes networks", "hint:"]);
    bench.verb("run", &["--set", "import.run=../x"]).fails(2, &["import.run is \"../x\"; allowed: Text: letters"]);
}

#[test]
fn a_lost_table_of_an_import_says_how_to_get_it_back() {
    let bench = bench();
    let path = bench.folder().join("cells.csv");
    Cells::new(1, 1500, 2).csv(&path);
    imported(&bench, &[&path], NONE);
    let (table, _) = bench.tables().into_iter().find(|(path, _)| path.starts_with("tables/activity")).unwrap();
    fs::remove_file(bench.lake.join(&table)).unwrap();
    bench.verb("run", NONE).fails(1, &["analyze needs what was imported", "missing or altered", "gridlake import", "--force"]);
    imported(&bench, &[&path], NONE);
    bench.done("analyze", NONE);
}

#[test]
fn spikes_along_a_tracked_path_give_the_known_spacing() {
    let cells = Cells::new(1, 24_000, 3);
    let spikes = cells.spikes(2.0);
    let bench = bench();
    let (path, csv, arrays, flat) = (
        bench.folder().join("path.npz"),
        bench.folder().join("spikes.csv"),
        bench.folder().join("trains.npz"),
        bench.folder().join("flat.npz"),
    );
    // The layout of the rat trajectory that ships with RatInABox: t and pos, the latter in Fortran's order.
    let fortran: Vec<f64> = [0, 1].iter().flat_map(|axis| cells.place.iter().map(|place| place[*axis])).collect();
    npz(
        &path,
        &[("t", npy("<f8", false, &[cells.len()], &bytes(&cells.time))), ("pos", npy("<f8", true, &[cells.len(), 2], &bytes(&fortran)))],
    );
    let mut text = "unit,time_s\n".to_owned();
    for (unit, time) in &spikes {
        writeln!(text, "{},{time}", 10 - unit).unwrap();
    }
    fs::write(&csv, text + "7,-3.5\n7,1e6\n").unwrap();
    let train = |unit: usize| spikes.iter().filter(|spike| spike.0 == unit).map(|spike| spike.1).collect::<Vec<f64>>();
    let named: Vec<(String, Vec<f64>)> = (0..3).map(|unit| (format!("cell{}", 10 - unit), train(unit))).collect();
    let stored: Vec<(&str, Vec<u8>)> =
        named.iter().map(|(name, train)| (name.as_str(), npy("<f8", false, &[train.len()], &bytes(train)))).collect();
    npz(&arrays, &stored);
    let ids: Vec<f64> = spikes.iter().map(|spike| 10.0 - spike.0 as f64).collect();
    let times: Vec<f64> = spikes.iter().map(|spike| spike.1).collect();
    npz(&flat, &[("unit", npy("<f8", false, &[ids.len()], &bytes(&ids))), ("times", npy("<f8", false, &[ids.len()], &bytes(&times)))]);

    let spiking = |file: &Path| -> Vec<String> {
        [&BOX[..], &["--spikes", file.to_str().unwrap()]].concat().iter().map(ToString::to_string).collect()
    };
    let outcome = imported(&bench, &[&path], &spiking(&csv));
    let said = format!("{} counted; 2 outside the tracked time, 0 in gaps", spikes.len());
    // 7 is a unit of the two stray spikes alone: it is there, and silent.
    assert!(outcome.stdout.contains(&said) && outcome.stdout.contains("units       4"), "{}", outcome.stdout);
    assert_eq!(bench.record()["stages"]["record"]["notes"]["units"], serde_json::json!(["7", "8", "9", "10"]));
    let by_csv = table(&bench, "activity");
    let g = by_csv.column_by_name("g").unwrap().as_fixed_size_list().values().as_primitive::<arrow::datatypes::Float32Type>().clone();
    let all: f64 = (0..g.len()).map(|place| f64::from(g.value(place)) * SAMPLE_S).sum();
    assert!((all / spikes.len() as f64 - 1.0).abs() < 1e-5, "rates times durations are the spikes: {all} of {}", spikes.len());

    let mut rates: Vec<RecordBatch> = Vec::new();
    for file in [&arrays, &flat] {
        let bench = Bench::with(PIPELINE);
        imported(&bench, &[&path], &spiking(file));
        rates.push(table(&bench, "activity"));
        if rates.len() == 2 {
            assert!(rates[0] == rates[1], "both layouts are the same spikes");
            analyzed_as_grids(&bench, 0.03);
        }
    }
    let binned = Bench::with(PIPELINE);
    imported(&binned, &[&path], &[spiking(&arrays), vec!["--set".to_owned(), "spikes.bin_s=0.2".to_owned()]].concat());
    assert_eq!(table(&binned, "activity").num_rows(), 12_000);
    import(&bench, &[&path, &path], &spiking(&csv)).fails(2, &["--spikes: 2 FILEs", "allowed: one"]);
}

#[test]
fn spikes_in_another_unit_of_time_and_positions_of_another_scale_are_refused() {
    let bench = bench();
    let (path, spikes) = (bench.folder().join("path.csv"), bench.folder().join("spikes.csv"));
    let walk = |scale: f64| {
        let mut text = "t,x,y\n".to_owned();
        for sample in 0..400_u32 {
            let (t, x, y) = (f64::from(sample) * SAMPLE_S, f64::from(sample % 20) / 19.0, f64::from(sample / 20) / 19.0);
            writeln!(text, "{t},{},{}", scale * x, scale * y).unwrap();
        }
        text
    };
    fs::write(&path, walk(1.0)).unwrap();
    fs::write(&spikes, "unit,time\n1,1000\n1,2000\n1,3000\n1,12\n").unwrap();
    import(&bench, &[&path], &["--spikes", spikes.to_str().unwrap()])
        .fails(3, &["3 spikes are outside the tracked time", "only 1 inside", "spikes.time_unit"]);
    assert!(!bench.lake.exists(), "a failed import makes no lake");
    fs::write(&path, walk(100.0)).unwrap();
    import(&bench, &[&path], &["--spikes", spikes.to_str().unwrap()]).fails(3, &["extend over 100 m", "position.unit"]);
    assert!(!bench.lake.exists());
}

#[test]
fn spikes_in_gaps_are_counted_apart() {
    let bench = bench();
    let (path, spikes) = (bench.folder().join("path.csv"), bench.folder().join("spikes.csv"));
    let mut text = "t,x,y\n".to_owned();
    for sample in (0..100).filter(|sample| !(40..80).contains(sample)) {
        let place = if sample == 90 { String::new() } else { format!("{}", f64::from(sample) / 100.0) };
        writeln!(text, "{},{place},0.5", f64::from(sample) * SAMPLE_S).unwrap();
    }
    fs::write(&path, text).unwrap();
    // Of unit 1: one in sample 10, one in the gap, one where there is no position, one after the end.
    fs::write(&spikes, "unit,time\n1,1.05\n1,6.0\n1,9.05\n1,11.0\n").unwrap();
    import(&bench, &[&path], &["--spikes", spikes.to_str().unwrap()])
        .fails(3, &["path.csv", "line 52, column x, y: the position is (NaN, 0.5)", "\"drop\""]);
    let outcome = imported(&bench, &[&path], &["--spikes", spikes.to_str().unwrap(), "--set", "position.missing=drop"]);
    for words in ["1 counted; 1 outside the tracked time, 2 in gaps", "59 in 1 trajectory", "dropped     1"] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
    let activity = table(&bench, "activity");
    let g = activity.column_by_name("g").unwrap().as_fixed_size_list().values().as_primitive::<arrow::datatypes::Float32Type>().clone();
    let rates: Vec<f32> = g.values().iter().copied().filter(|rate| *rate > 0.0).collect();
    assert!(rates.len() == 1 && (rates[0] - 10.0).abs() < 1e-4, "one spike in 0.1 s: {rates:?}");
}

#[test]
fn a_mapping_says_what_names_do_not() {
    let bench = bench();
    let path = bench.folder().join("odd.csv");
    let mut text = "Frame;Links;Hoch;Zelle A;Zelle B;Ort\n".to_owned();
    for moment in 0..200 {
        let angle = f64::from(moment) / 7.0;
        let room = if moment % 2 == 0 { "west" } else { "east" };
        writeln!(text, "{moment};{};{};{};0.5;{room}", 320.0 + 250.0 * angle.cos(), 240.0 + 200.0 * angle.sin(), moment % 5).unwrap();
    }
    fs::write(&path, &text).unwrap();
    let mapping = bench.folder().join("mapping.toml");
    let written = "csv.delimiter = \";\"\n[position]\ncolumns = [\"Links\", \"Hoch\"]\nunit = \"px\"\nmetres_per_unit = 0.002\n\
                   [time]\ncolumn = \"Frame\"\nunit = \"samples\"\nsampling_hz = 50\n[units]\ncolumns = [\"Zelle *\"]\n[arena]\nlabel = \"track_1\"\n";
    fs::write(&mapping, written).unwrap();
    let with_mapping = ["--mapping", mapping.to_str().unwrap()];
    imported(&bench, &[&path], &with_mapping);
    let activity = table(&bench, "activity");
    assert_eq!(activity.column_by_name("arena").unwrap().as_string::<i32>().value(7), "track_1");
    assert_eq!(numbers(&activity, "time_s")[10], 10.0 * (1.0 / 50.0));
    assert_eq!(numbers(&activity, "box_m")[0], 1.0, "500 px of 2 mm");
    assert!(numbers(&activity, "x_m").iter().all(|x| x.abs() <= 0.5));
    assert_eq!(bench.record()["stages"]["record"]["notes"]["units"], serde_json::json!(["Zelle A", "Zelle B"]));

    // Arenas may take turns; their trajectories may not come back.
    let turns = [&with_mapping[..], &["--set", "arena.label=", "--set", "arena.column=Ort"]].concat();
    import(&bench, &[&path], &turns).fails(3, &["odd.csv: line 4: west comes back after another one", "sort the rows by arena"]);
    let outcome = imported(&bench, &[&path], &[&turns[..], &["--set", "trajectory.column=Frame", "--force"]].concat());
    assert!(outcome.stdout.contains("west\n") && outcome.stdout.contains("100 in 100 trajectories"), "{}", outcome.stdout);

    let refused = |key: &str, words: &[&str]| import(&bench, &[&path], &[&with_mapping[..], &["--set", key]].concat()).fails(2, words);
    refused("position.colums=[]", &["unknown key position.colums", "position.columns;", "--help-mapping"]);
    refused("position.unit=inch", &["--set position.unit=inch: position.unit is \"inch\"; allowed: One of \"auto\", \"m\""]);
    refused(
        "position.columns=[\"Links\", \"hoch\"]",
        &["position.columns is \"hoch\", which is not there; is Hoch meant?", "odd.csv has Frame", "hint:"],
    );
    refused("units.columns=[\"cell*\"]", &["units.columns holds \"cell*\", which matches nothing"]);
    refused("units.columns=[\"Links\"]", &["units.columns takes \"Links\" twice, or for something"]);
    refused("arena.label=a/b", &["arena.label is \"a/b\"; allowed: letters"]);
    refused("occupancy.bins=3", &["--set occupancy.bins=3: occupancy.bins is 3; allowed: Integer, 4 to 1000"]);
    refused("position.metres_per_unit=0", &["position.metres_per_unit is 0; allowed: above 0"]);
    fs::write(&mapping, written.replace("unit = \"px\"", "unit = 3")).unwrap();
    import(&bench, &[&path], &with_mapping).fails(2, &["mapping.toml:4: position.unit is 3, an integer; allowed: One of"]);
    let printed = Outcome::of(gridlake().args(["import", "--help-mapping"]));
    assert!(printed.code == 0 && printed.stdout.contains("[spikes]"), "{printed:?}");
    fs::write(&mapping, &printed.stdout).unwrap();
    import(&bench, &[&path], &with_mapping).fails(2, &["position.columns is empty, and no position was found by name"]);
}

#[test]
fn names_stay_inside_the_lake() {
    let bench = bench();
    let path = bench.folder().join("cells.csv");
    Cells::new(1, 1200, 2).csv(&path);
    for name in ["../evil", "a/b", ".hidden", "", "a b", "<b>", "\"", "ü", &"x".repeat(65)] {
        let outcome = Outcome::of(gridlake().arg("import").arg(&path).args(["--as", name, "--lake"]).arg(&bench.lake));
        outcome.fails(2, &["--as is", "allowed: letters"]);
    }
    let labels = bench.folder().join("labels.csv");
    fs::write(&labels, "x,y,arena,unit_0\n0,0,../../evil,1\n1,1,../../evil,2\n").unwrap();
    import(&bench, &[&labels], NONE).fails(3, &["labels.csv", "arena's label is \"../../evil\"; allowed: letters"]);
    assert!(!bench.lake.exists() && !bench.folder().join("evil").exists());
}

#[test]
fn bad_arguments_are_named() {
    let bench = bench();
    let path = bench.folder().join("cells.csv");
    Cells::new(1, 1200, 2).csv(&path);
    import(&bench, &[Path::new("no/such.csv")], NONE).fails(2, &["no/such.csv"]);
    import(&bench, &[bench.folder()], NONE).fails(2, &["is no file", "hint:"]);
    let other = bench.folder().join("cells.mat");
    fs::write(&other, "x").unwrap();
    import(&bench, &[&other], NONE).fails(2, &["cells.mat has no known ending", ".parquet"]);
    import(&bench, &[&path], &["--mapping", "no.toml"]).fails(2, &["cannot read the mapping no.toml"]);
    import(&bench, &[&path], &["--spikes", "no.csv"]).fails(2, &["no.csv"]);
    import(&bench, &[&path], &["--set", "arena.side_m=0.1"]).fails(3, &["are outside the box of 0.1 m", "hint: are position.unit"]);
    import(&bench, &[&path], &["--set", "position.unit=mm"]).fails(3, &["no likely box", "arena.side_m"]);
    nothing_in(&bench);
    assert_eq!(Outcome::of(gridlake().args(["import", "x.csv"])).code, 2, "--as is needed");
}

#[test]
fn bad_parquet_is_named_and_leaves_nothing() {
    let bench = bench();
    let cells = Cells::new(2, 1500, 3);
    let good = cells.batch();
    let rates = |change: fn(usize, &mut Vec<f32>)| with(&good, "firing_rates", lists(&cells, change));
    let column = |name: &str, change: fn(&mut Vec<f64>)| {
        let mut values = numbers(&good, name);
        change(&mut values);
        with(&good, name, Arc::new(Float64Array::from(values)))
    };
    let none = RecordBatch::new_empty(good.schema());
    let cases: Vec<(&str, RecordBatch, i32, Vec<&str>)> = vec![
        (
            "nan.parquet",
            rates(|row, g| g[1] = if row == 1234 { f32::NAN } else { g[1] }),
            3,
            vec!["row 1234 (from 0), column firing_rates[1]: the activity is NaN"],
        ),
        (
            "inf.parquet",
            rates(|row, g| g[0] = if row == 7 { f32::INFINITY } else { g[0] }),
            3,
            vec!["row 7 (from 0), column firing_rates[0]: the activity is inf"],
        ),
        (
            "count.parquet",
            rates(|row, g| {
                if row == 2000 {
                    g.truncate(2);
                }
            }),
            3,
            vec!["row 2000 (from 0), column firing_rates: has 2 values where 3 belong"],
        ),
        (
            "text.parquet",
            with(&good, "firing_rates", texts(good.num_rows())),
            2,
            vec!["units.columns is empty, and no units were found", "firing_rates (text)"],
        ),
        ("place.parquet", with(&good, "pos_x", texts(good.num_rows())), 2, vec!["no position was found", "pos_x (text)"]),
        ("nowhere.parquet", column("pos_x", |x| x[9] = f64::NAN), 3, vec!["row 9 (from 0), column pos_x, pos_y: the position is (NaN,"]),
        ("far.parquet", column("pos_y", |y| y[9] = f64::INFINITY), 3, vec!["row 9 (from 0)", "inf", "always refused"]),
        (
            "unsorted.parquet",
            column("t", |t| t.swap(100, 101)),
            3,
            vec!["row 101 (from 0), column t: the time 10 is before that of the row before; sort"],
        ),
        (
            "twice.parquet",
            column("t", |t| t[101] = t[100]),
            3,
            vec!["row 101 (from 0), column t: the time 10 is that of the row before; remove duplicate rows"],
        ),
        ("timeless.parquet", column("t", |t| t[5] = f64::NAN), 3, vec!["row 5 (from 0), column t: the time is NaN"]),
        (
            "turns.parquet",
            with(&good, "session", Arc::new(Float64Array::from_iter_values((0..3000).map(|row| f64::from(row / 500 % 2))))),
            3,
            vec!["row 1000 (from 0)", "comes back", "sort the rows by trajectory"],
        ),
        (
            "huge.parquet",
            with(&with(&good, "firing_rates", floats32(vec![0.0; 3000])), "unit_0", Arc::new(Float64Array::from(vec![1e300; 3000]))),
            3,
            vec!["column unit_0: the activity is inf", "32-bit"],
        ),
        ("none.parquet", none, 3, vec!["none.parquet: holds no rows"]),
    ];
    for (name, batch, code, words) in cases {
        let path = bench.folder().join(name);
        parquet(&path, &batch, Compression::UNCOMPRESSED);
        import(&bench, &[&path], NONE).fails(code, &[&[name][..], &words].concat());
        nothing_in(&bench);
    }
    let path = bench.folder().join("torn.parquet");
    parquet(&path, &good, Compression::ZSTD(ZstdLevel::try_new(1).unwrap()));
    let whole = fs::read(&path).unwrap();
    let mut torn: Vec<Vec<u8>> = [1, 8, whole.len() / 2, whole.len() - 1].iter().map(|length| whole[..*length].to_vec()).collect();
    // A page's header, the numbers in a page, and the footer, whose length is in the last 8 bytes.
    let length = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap()) as usize;
    let footer = whole.len() - 8 - length;
    for range in [4..24, 300..700, footer..footer + 10] {
        torn.push(whole.iter().enumerate().map(|(place, byte)| if range.contains(&place) { byte ^ 0x55 } else { *byte }).collect());
    }
    for bytes in torn {
        fs::write(&path, bytes).unwrap();
        import(&bench, &[&path], NONE).fails(3, &["torn.parquet", "anew"]);
        nothing_in(&bench);
    }
    fs::write(&path, "").unwrap();
    import(&bench, &[&path], NONE).fails(3, &["torn.parquet: is empty"]);
    nothing_in(&bench);
}

#[test]
fn bad_text_and_archives_are_named_and_leave_nothing() {
    let bench = bench();
    let csv = bench.folder().join("cells.csv");
    let head = "t,x,y,unit_0\n0,0,0,1\n1,0.5,0.5,2\n";
    for (text, code, words) in [
        (format!("{head}2,0.7,abc,1\n"), 3, "cells.csv: line 4, column y: \"abc\" is no number"),
        (format!("{head}2,0.7\n"), 3, "cells.csv: is torn or no CSV"),
        (format!("{head}2,0.7,0.1,\n"), 3, "line 4, column unit_0: the activity is NaN"),
        (format!("{head}1,0.7,0.1,3\n"), 3, "line 4, column t: the time 1 is that of the row before"),
        ("t,x,x,unit_0\n".to_owned(), 3, "the name \"x\" is there twice"),
        ("0.5,0.5,1.5\n0.1,0.2,0.3\n".to_owned(), 3, "holds the number 0.5, where names belong"),
        (head.lines().next().unwrap().to_owned() + "\n", 3, "holds no rows"),
        ("\u{0}\u{1}\u{2}".to_owned(), 2, "no position was found"),
        (head.replace("unit_0", "other"), 2, "no units were found by name"),
        (String::new(), 3, "is empty"),
    ] {
        fs::write(&csv, text).unwrap();
        import(&bench, &[&csv], NONE).fails(code, &["cells.csv", words]);
        nothing_in(&bench);
    }
    fs::write(&csv, b"t,x,y,unit_0\n0,0,0,1\n1,\xff\xfe,0,2\n").unwrap();
    import(&bench, &[&csv], NONE).fails(3, &["cells.csv"]);

    let archive = bench.folder().join("cells.npz");
    let pos = npy("<f8", false, &[4, 2], &bytes(&[0.0, 0.0, 0.3, 0.1, 0.9, 0.9, 0.2, 0.8]));
    let flat = |shape: &[usize]| npy("<f4", false, shape, &bytes32(&vec![1.0; shape.iter().product()]));
    for (rates, code, words) in [
        (flat(&[5, 3]), 2, "units.columns takes rates of"),
        (flat(&[4, 4]), 2, "units.layout is \"auto\", and rates of"),
        (npy("|O", false, &[4, 3], &[0; 96]), 2, "no units were found"),
        (npy("<f4", false, &[4, 3], &[0; 40]), 3, "array rates is torn or altered (40 bytes"),
        (npy("<f4", false, &[4, 3], &bytes32(&[f32::NAN; 12])), 3, "row 0 (from 0), column rates[0]: the activity is NaN"),
    ] {
        npz(&archive, &[("pos", pos.clone()), ("rates", rates)]);
        import(&bench, &[&archive], NONE).fails(code, &["cells.npz", words]);
        nothing_in(&bench);
    }
    npz(&archive, &[("pos", pos), ("rates", flat(&[4, 3]))]);
    let whole = fs::read(&archive).unwrap();
    let place = whole.windows(8).position(|window| window == 0.9_f64.to_le_bytes()).unwrap();
    let mut flipped = whole.clone();
    flipped[place] ^= 1;
    fs::write(&archive, &flipped).unwrap();
    import(&bench, &[&archive], NONE).fails(3, &["cells.npz: array pos is torn or altered (its checksum is another)", "numpy.savez"]);
    fs::write(&archive, &whole[..whole.len() - 30]).unwrap();
    import(&bench, &[&archive], NONE).fails(3, &["cells.npz: is torn, altered or no NPZ"]);
    nothing_in(&bench);
    fs::write(&archive, &whole).unwrap();
    imported(&bench, &[&archive], NONE);
}

#[test]
fn several_files_are_several_trajectories_of_the_same_units() {
    let bench = bench();
    let (first, second, third) = (bench.folder().join("a.csv"), bench.folder().join("b.parquet"), bench.folder().join("c.csv"));
    Cells::new(2, 1200, 3).csv(&first);
    parquet(&second, &Cells::new(1, 1500, 3).batch(), Compression::LZ4_RAW);
    Cells::new(1, 1200, 2).csv(&third);
    let outcome = imported(&bench, &[&first, &second], NONE);
    assert!(outcome.stdout.contains("3900 in 3 trajectories"), "{}", outcome.stdout);
    let activity = table(&bench, "activity");
    let trajectories = activity.column_by_name("trajectory").unwrap().as_primitive::<arrow::datatypes::UInt32Type>().clone();
    assert_eq!([0, 1199, 1200, 2400, 3899].map(|row| trajectories.value(row)), [0, 0, 1, 2, 2]);
    import(&bench, &[&first, &third], NONE).fails(3, &["a file has 2 units, where the one before has 3", "hint:"]);
    assert_eq!(bench.runs().len(), 1);
}

#[test]
fn mutated_files_never_leave_half_a_run() {
    let cells = Cells::new(1, 1100, 3);
    let folder = tempfile::tempdir().unwrap();
    let originals = ["a.csv", "a.parquet", "a.npz"].map(|name| folder.path().join(name));
    cells.csv(&originals[0]);
    parquet(&originals[1], &cells.batch(), Compression::SNAPPY);
    cells.npz(&originals[2], false);
    for (original, place) in originals.iter().flat_map(|path| crate::common::moments().take(12).map(move |place| (path, place))) {
        let bench = bench();
        let mut bytes = fs::read(original).unwrap();
        let at = (place * bytes.len() as f64) as usize;
        if ((place * 1e4) as usize).is_multiple_of(3) {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << ((place * 1e5) as usize % 8);
        }
        let path = bench.folder().join(original.file_name().unwrap());
        fs::write(&path, bytes).unwrap();
        let outcome = import(&bench, &[&path], NONE);
        assert!([0, 2, 3].contains(&outcome.code) && !outcome.stderr.contains("a mistake in gridlake"), "{place}: {outcome:?}");
        if outcome.code == 0 {
            bench.done("plan", NONE);
        } else {
            nothing_in(&bench);
        }
    }
}
