//! Recording: what is kept of it, in which type, and how much memory it takes.

use crate::common::{Bench, TINY, gridlake, snapshot};
use gridlake_lake::schema::{ACTIVITY, AUTOCORRELOGRAMS, NULLS, RATEMAP_SUMS, RATEMAPS, Table, UNITS};
use gridlake_lake::{Frame, Lake, partition};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const KEEPS: [&str; 3] = ["all", "sample", "none"];
const TWO_BOXES: [&str; 2] = ["--set", "record.boxes_m=[1.0, 1.5]"];

fn keep(keep: &str) -> [String; 2] {
    ["--set".to_owned(), format!("record.keep=\"{keep}\"")]
}

/// The stages that a verb did.
fn done(bench: &Bench, verb: &str, more: &[&str]) -> Vec<&'static str> {
    let outcome = bench.done(verb, more);
    let done = |stage: &&str| outcome.stderr.lines().any(|line| line.contains(&format!(": {stage} done")));
    ["train", "record", "analyze", "draw"].into_iter().filter(done).collect()
}

/// All rows of a table of the only run.
fn frames(bench: &Bench, table: &'static Table, step: u64, columns: &[&str]) -> Vec<Frame> {
    let lake = Lake::open(&bench.lake.to_str().unwrap().parse().unwrap()).unwrap();
    let run = bench.run().file_name().unwrap().to_str().unwrap().to_owned();
    partition::read(&lake, table, &run, step, columns).unwrap().map(Result::unwrap).collect()
}

/// Files of these tables with their bytes.
fn files(bench: &Bench, tables: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    bench.tables().into_iter().filter(|(path, _)| tables.iter().any(|table| path.starts_with(format!("tables/{table}/")))).collect()
}

/// All numbers that are made of activity in bins. As text, in which NaN is NaN.
fn analyzed(bench: &Bench) -> Vec<String> {
    let frames = [&RATEMAPS, &AUTOCORRELOGRAMS, &UNITS, &NULLS].map(|table| frames(bench, table, 60, &[]));
    frames.iter().flatten().map(|frame| format!("{frame:?}")).collect()
}

/// Whether a figure is of what is made of activity in bins, not of moments.
fn of_bins(path: &std::path::Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    !["distances", "space-time", "decoding", "coherence", "velocities", "generalization", "m-units"].iter().any(|of| name.ends_with(of))
}

/// A run with each way of keeping.
fn kept(more: &[&str]) -> [Bench; 3] {
    KEEPS.map(|way| {
        let bench = Bench::new();
        let way = keep(way);
        let more: Vec<&str> = TWO_BOXES.iter().copied().chain(way.iter().map(String::as_str)).chain(more.iter().copied()).collect();
        bench.done("run", &more);
        bench
    })
}

#[test]
fn whatever_is_kept_what_is_made_of_bins_is_the_same_to_the_bit() {
    let [all, sample, none] = kept(&["--set", "record.sample_trajectories=3"]);
    assert_eq!(files(&all, &["ratemaps", "autocorrelograms", "units", "nulls", "occupancy"]).len(), 5);
    // Files say from which analysis they come; numbers are the same.
    for other in [&sample, &none] {
        assert!(analyzed(other) == analyzed(&all));
        let own = |bench: &Bench| snapshot(&bench.lake.join("figures")).into_iter().filter(|(path, _)| of_bins(path)).count();
        assert!(own(other) == own(&all) && own(&all) > 10);
    }
    let rows = |bench: &Bench| -> Vec<Frame> { frames(bench, &ACTIVITY, 60, &[]) };
    let whole = rows(&all);
    assert_eq!(whole.iter().map(Frame::rows).sum::<usize>(), 2 * 40 * 80);
    assert!(files(&all, &["ratemap_sums"]).is_empty() && files(&none, &["activity"]).is_empty());
    // The first trajectories of each box, and nothing else.
    let states = |frames: &[Frame], first: u32| -> Vec<(String, u32, u32, Vec<f32>)> {
        let of = |frame: &Frame| {
            let (units, g) = frame.floats("g");
            let row = |row: usize| {
                (
                    frame.text("arena")[row].as_deref().unwrap().to_owned(),
                    frame.uint32("trajectory")[row],
                    frame.uint32("t")[row],
                    g[row * units..(row + 1) * units].to_vec(),
                )
            };
            (0..frame.rows()).map(row).collect::<Vec<_>>()
        };
        frames.iter().flat_map(of).filter(|row| row.1 < first).collect()
    };
    let sampled = states(&rows(&sample), u32::MAX);
    assert_eq!(sampled.len(), 2 * 3 * 80);
    assert!(sampled == states(&whole, 3));
    // Sums of all trajectories.
    let visits: u32 = frames(&sample, &RATEMAP_SUMS, 60, &["visits"]).iter().flat_map(|frame| frame.uint32("visits")).sum();
    assert_eq!(visits, 2 * 40 * 80);
}

#[test]
fn float16_rounds_once_whatever_is_kept() {
    let [all, sample, none] = kept(&["--set", "record.activity_type=\"float16\""]);
    assert!(analyzed(&sample) == analyzed(&all) && analyzed(&none) == analyzed(&all));
    let full = Bench::new();
    full.done("run", &TWO_BOXES);
    assert!(analyzed(&full) != analyzed(&all));
    let states = |bench: &Bench| -> Vec<f32> {
        frames(bench, &ACTIVITY, 60, &["g"]).iter().flat_map(|frame| frame.floats("g").1.to_vec()).collect()
    };
    let (rounded, full) = (states(&all), states(&full));
    assert_eq!(rounded.len(), full.len());
    let mut differ = 0;
    for (rounded, full) in rounded.iter().zip(&full) {
        // Half a unit of the last of 11 digits; below the smallest normal float16, half of its spacing.
        let bound = (full.abs() * 2f32.powi(-11)).max(2f32.powi(-25));
        assert!((rounded - full).abs() <= bound, "{full} became {rounded}");
        differ += usize::from(rounded != full);
    }
    assert!(2 * differ > full.iter().filter(|g| **g != 0.0).count(), "only {differ} were rounded");
}

#[test]
fn a_changed_keep_redoes_only_what_is_missing() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let before = snapshot(&bench.lake.join("tables"));
    let (sample, none) = (keep("sample"), keep("none"));
    let [sample, none] = [&sample, &none].map(|way| [way[0].as_str(), way[1].as_str()]);
    let nothing = Vec::<&str>::new();
    // Everything is there, and more.
    assert_eq!(done(&bench, "run", &none), nothing);
    assert_eq!(done(&bench, "run", &sample), nothing);
    assert!(snapshot(&bench.lake.join("tables")) == before);
    // Made smaller when asked to: what was analyzed stays as good.
    assert_eq!(done(&bench, "record", &[&none[..], &["--force"]].concat()), ["record"]);
    assert!(!bench.lake.join("tables/activity").read_dir().unwrap().any(|run| run.unwrap().path().join("step=60").exists()));
    assert_eq!(done(&bench, "run", &none), nothing);
    // Sums are of certain bins.
    let other = [&none[..], &["--set", "analyze.ratemap.bins=18"]].concat();
    bench.verb("analyze", &other).fails(1, &["analyze needs the result of record", "analyze.ratemap.bins", "hint:"]);
    let plan = bench.done("plan", &other);
    assert!(plan.stdout.contains("analyze.ratemap.bins"), "{}", plan.stdout);
    assert_eq!(done(&bench, "run", &other), ["record", "analyze", "draw"]);
    let bins = frames(&bench, &RATEMAPS, 60, &["bins"]);
    assert!(bins.iter().all(|frame| frame.uint32("bins").iter().all(|bins| *bins == 18)));
    // What was not kept has to be recorded; sums that no longer belong to it go.
    assert_eq!(done(&bench, "run", &sample), ["record", "analyze", "draw"]);
    assert_eq!(done(&bench, "run", &[]), ["record", "analyze", "draw"], "moments of a sample are not those of all");
    assert!(snapshot(&bench.lake.join("tables")) == before, "to the same bytes");
}

#[test]
fn shifted_activity_is_a_null_of_what_was_kept() {
    let shift = ["--set", "analyze.nulls.kind=\"trajectory-shift\"", "--set", "train.steps=0"];
    let bench = Bench::new();
    bench.done("run", &shift);
    let units = frames(&bench, &UNITS, 0, &["active", "grid_score_sargolini", "grid_score_p", "stability"]);
    let of = |name: &str| units.iter().flat_map(|frame| frame.float64(name).to_vec()).collect::<Vec<f64>>();
    let (scores, p_values) = (of("grid_score_sargolini"), of("grid_score_p"));
    let usual = Bench::new();
    usual.done("run", &shift[2..]);
    let others = frames(&usual, &UNITS, 0, &["grid_score_sargolini", "grid_score_p"]);
    let of_others = |name: &str| others.iter().flat_map(|frame| frame.float64(name).to_vec()).collect::<Vec<f64>>();
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<u64>>();
    assert_eq!(bits(&of_others("grid_score_sargolini")), bits(&scores));
    assert_ne!(bits(&of_others("grid_score_p")), bits(&p_values), "it is another null");
    assert!(p_values.iter().any(|p| (0.0..=1.0).contains(p)), "{p_values:?}");
    assert!(scores.iter().zip(&p_values).all(|(score, p)| score.is_nan() == p.is_nan()));
    assert!(of("stability").iter().any(|r| r.is_finite()), "halves of kept activity");
    let alone = Bench::new();
    alone
        .verb("run", &[&shift[..], &["--set", "record.keep=none"]].concat())
        .fails(2, &["is made from recorded activity", "record.keep = \"all\""]);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    for (set, words) in [
        ("record.keep=\"some\"", "record.keep is \"some\"; allowed: One of \"all\", \"sample\", \"none\""),
        ("record.keep=3", "record.keep is 3, an integer; allowed: One of"),
        ("record.activity_type=\"float64\"", "record.activity_type is \"float64\"; allowed: One of \"float32\", \"float16\""),
        ("record.sample_trajectories=0", "record.sample_trajectories is 0; allowed: Integer, 1 to 1000000"),
    ] {
        let bench = Bench::new();
        bench.verb("run", &["--set", set]).fails(2, &[words]);
        assert!(!bench.lake.exists());
    }
}

#[test]
fn units_are_analyzed_in_portions_of_any_number_by_any_number_of_threads() {
    // At 200 bins, 40 units are more than go at once.
    let many = ["--set", "train.steps=0", "--set", "train.model.units=40", "--set", "analyze.ratemap.bins=200"];
    let [one, two] = ["1", "2"].map(|threads| {
        let bench = Bench::new();
        bench.done("run", &[&many[..], &["--threads", threads]].concat());
        bench
    });
    assert!(one.tables() == two.tables());
    for table in [&RATEMAPS, &UNITS] {
        let units: Vec<u32> = frames(&one, table, 0, &["unit"]).iter().flat_map(|frame| frame.uint32("unit").to_vec()).collect();
        assert!(units == (0..40).collect::<Vec<u32>>(), "{}: {units:?}", table.name);
    }
    let record = one.record();
    assert!(record["stages"]["analyze"]["notes"]["lattice_consensus"]["square-1m"]["active"].is_number(), "{record}");
}

/// The most memory that a process ever held, KiB: read while it runs.
#[cfg(target_os = "linux")]
fn peak_kib(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.trim().strip_suffix(" kB"));
        peak = line.and_then(|kib| kib.parse().ok()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return peak;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn long_recordings_take_no_more_memory_than_short_ones() {
    let pipeline =
        TINY.replace("steps = 60\n", "steps = 0\n").replace("units = 12", "units = 64").replace("trajectories = 40", "trajectories = 1");
    let bench = Bench::with(&pipeline);
    bench.done("train", &[]);
    let peaks = |steps: &str| {
        ["record", "analyze"].map(|verb| {
            let steps = format!("record.steps={steps}");
            peak_kib(gridlake().arg(verb).arg(&bench.pipeline).arg("--lake").arg(&bench.lake).args(["--threads", "2", "--set", &steps]))
        })
    };
    let (short, long) = (peaks("400000"), peaks("1000000"));
    // The short one fills the row groups that are held at once. The long one's states alone are 150,000 KiB more, of which several copies would be held; its
    // path, which is drawn whole, is 18,750 more.
    for (verb, (short, long)) in ["record", "analyze"].iter().zip(short.into_iter().zip(long)) {
        assert!(long < short + 75_000, "{verb}: {short} KiB for 400,000 steps, {long} KiB for 1,000,000");
    }
    let rows = frames(&bench, &ACTIVITY, 0, &["t"]);
    let times: Vec<u32> = rows.iter().flat_map(|frame| frame.uint32("t")).copied().collect();
    assert!(times == (1..=1_000_000).collect::<Vec<u32>>(), "every moment, in order");
}
