//! What can happen to a lake: kills at any moment of any stage, files that are torn, altered or gone, a folder that takes no writing. `verify` tells
//! the truth each time, and nothing that was published is lost.

use crate::common::{Bench, Outcome, TINY, gridlake, moments, snapshot};
use crate::full_lake::SmallDisk;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Instant;

/// Kills of each stage: `GRIDLAKE_KILLS`, or few.
fn kills() -> usize {
    std::env::var("GRIDLAKE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10)
}

fn verify(lake: &Path) -> Outcome {
    Outcome::of(gridlake().arg("verify").arg(lake))
}

/// Everything of a lake that does not hold times.
fn lasting(lake: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let kept = |path: &PathBuf| {
        let name = path.strip_prefix(lake).unwrap().to_string_lossy().into_owned();
        !name.contains("tables/metrics") && ![".json", ".lock"].iter().any(|end| name.ends_with(end))
    };
    snapshot(lake)
        .into_iter()
        .filter(|(path, _)| kept(path))
        .map(|(path, bytes)| (path.strip_prefix(lake).unwrap().into(), bytes))
        .collect()
}

#[test]
fn kills_at_any_moment_of_any_stage_lose_nothing_that_was_published() {
    let pipeline = TINY.replace("steps = 60\n", "steps = 400\n").replace("trajectories = 40", "trajectories = 400");
    let undisturbed = Bench::with(&pipeline);
    undisturbed.done("run", &[]);
    let expected = lasting(&undisturbed.lake);
    let bench = Bench::with(&pipeline);
    bench.done("run", &[]);
    for stage in ["train", "record", "analyze", "draw"] {
        let started = Instant::now();
        bench.done(stage, &["--force"]);
        let whole = started.elapsed();
        let (mut hits, mut moments) = (0, moments().take(4 * kills()));
        while hits < kills() {
            let moment = moments.next().unwrap_or_else(|| panic!("{stage}: only {hits} kills hit a process at work"));
            let mut child = bench.start(stage, &["--force"]);
            sleep(whole.mul_f64(moment));
            hits += usize::from(child.try_wait().unwrap().is_none());
            let _ = child.kill();
            child.wait().unwrap();
            let verified = verify(&bench.lake);
            assert!(verified.code == 0 && !verified.stdout.contains("fault:"), "{stage}: {verified:?}");
        }
        bench.done("run", &[]);
        let verified = verify(&bench.lake);
        assert!(verified.code == 0 && verified.stdout.lines().count() == 1, "nothing is left over: {verified:?}");
        assert!(lasting(&bench.lake) == expected, "{stage}: the same bytes in the end");
    }
}

#[test]
fn kills_while_importing_leave_a_whole_run_or_none() {
    let bench = Bench::new();
    let file = bench.folder().join("walk.csv");
    let mut text = "t,x_m,y_m,unit_0,unit_1\n".to_owned();
    for t in 0..120_000 {
        let angle = f64::from(t) * 0.01;
        let [x, y] = [0.8 * angle.cos(), 0.8 * (1.7 * angle).sin()];
        writeln!(text, "{t},{x:.6},{y:.6},{:.6},{:.6}", angle.sin().abs(), angle.cos().abs()).unwrap();
    }
    fs::write(&file, text).unwrap();
    let import = |lake: &Path| {
        let mut command = gridlake();
        command.arg("import").arg(&file).args(["--as", "walk", "--force", "--lake"]).arg(lake);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    };
    let undisturbed = bench.folder().join("undisturbed");
    let started = Instant::now();
    assert!(import(&undisturbed).status().unwrap().success());
    let whole = started.elapsed();
    let (mut hits, mut moments) = (0, moments().take(4 * kills()));
    while hits < kills() {
        let moment = moments.next().unwrap_or_else(|| panic!("only {hits} kills hit a process at work"));
        let mut child = import(&bench.lake).spawn().unwrap();
        sleep(whole.mul_f64(moment));
        hits += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
        let verified = verify(&bench.lake);
        assert!(verified.code == 0 || verified.stderr.contains("is not a lake"), "{verified:?}");
    }
    assert!(import(&bench.lake).status().unwrap().success());
    assert!(lasting(&bench.lake) == lasting(&undisturbed), "the same bytes in the end");
    let verified = verify(&bench.lake);
    assert!(verified.code == 0 && verified.stdout.lines().count() == 1, "nothing is left over: {verified:?}");
}

/// A file of the lake that is changed, and put back when dropped.
struct Changed {
    path: PathBuf,
    before: Vec<u8>,
}

impl Changed {
    fn new(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let before = fs::read(path).unwrap();
        let mut bytes = before.clone();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
        Self { path: path.to_owned(), before }
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        fs::write(&self.path, &self.before).unwrap();
    }
}

#[test]
fn torn_altered_empty_and_missing_files_are_found_and_named() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let activity =
        bench.tables().into_iter().map(|(path, _)| bench.lake.join(path)).find(|path| path.to_string_lossy().contains("activity")).unwrap();
    let before = snapshot(&bench.lake);
    let found = |what: &[&str], code: i32, words: &[&str]| {
        let verified = verify(&bench.lake);
        let fault = verified.stdout.lines().find(|line| line.starts_with("fault:")).unwrap_or_default().to_owned();
        assert_eq!(verified.code, 1, "{verified:?}");
        assert!(fault.contains("part-0.parquet") && fault.contains("remove it and give the command"), "{verified:?}");
        for what in what {
            assert!(fault.contains(what), "{what} is not in {fault}");
        }
        bench.verb("analyze", &["--force"]).fails(code, words);
    };
    let anew = ["part-0.parquet is missing or altered", "hint: `gridlake record"];
    let damaged = ["part-0.parquet: is altered", "remove it and give the command"];
    let length = fs::metadata(&activity).unwrap().len() as usize;
    for kept in [0, 1, length / 2, length - 1] {
        let _torn = Changed::new(&activity, |bytes| bytes.truncate(kept));
        found(&[&format!("has {kept} bytes"), "torn"], 1, &anew);
    }
    for moment in moments().take(12) {
        let _flipped = Changed::new(&activity, |bytes| bytes[(length as f64 * moment) as usize] ^= 1);
        found(&["is altered", "SHA-256"], 3, &damaged);
    }
    let other = Changed::new(&activity, |bytes| bytes.fill(7));
    found(&["is altered"], 3, &damaged);
    drop(other);
    assert_eq!(verify(&bench.lake).code, 0);
    fs::rename(&activity, activity.with_extension("away")).unwrap();
    let verified = verify(&bench.lake);
    assert!(verified.code == 1 && verified.stdout.contains("is missing") && verified.stdout.contains("is in no manifest"), "{verified:?}");
    fs::rename(activity.with_extension("away"), &activity).unwrap();
    let only_records =
        |files: Vec<(PathBuf, Vec<u8>)>| files.into_iter().filter(|(path, _)| !path.ends_with("run.json")).collect::<Vec<_>>();
    assert!(only_records(snapshot(&bench.lake)) == only_records(before), "looking and failing changed nothing");
}

#[test]
fn sizes_are_looked_at_without_reading_and_no_more_is_claimed() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let sizes = || Outcome::of(gridlake().args(["verify", "--sizes"]).arg(&bench.lake));
    let whole = sizes();
    assert!(whole.code == 0 && whole.stdout.contains("what is in them was not read"), "{whole:?}");
    let tables = bench.tables();
    let units = tables.iter().map(|(path, _)| bench.lake.join(path)).find(|path| path.to_string_lossy().contains("/units/")).unwrap();
    {
        let _flipped = Changed::new(&units, |bytes| bytes[600] ^= 1);
        assert_eq!((sizes().code, verify(&bench.lake).code), (0, 1), "an altered byte takes reading");
    }
    {
        let _torn = Changed::new(&units, |bytes| bytes.truncate(700));
        let found = sizes();
        assert!(found.code == 1 && found.stdout.contains("has 700 bytes") && found.stdout.contains("/units/"), "{found:?}");
    }
    fs::rename(&units, units.with_extension("away")).unwrap();
    let found = sizes();
    assert!(found.code == 1 && found.stdout.contains("is missing") && !found.stdout.contains("in no manifest"), "{found:?}");
    fs::rename(units.with_extension("away"), &units).unwrap();
    let _torn = Changed::new(&bench.run().join("run.json"), |bytes| bytes.truncate(30));
    let found = sizes();
    assert!(found.code == 1 && found.stdout.contains("is no run record"), "{found:?}");
}

#[test]
fn a_run_without_its_manifest_is_stale_and_made_anew() {
    let bench = Bench::new();
    bench.done("run", &[]);
    fs::remove_file(bench.run().join("manifest.json")).unwrap();
    let planned = bench.done("plan", &[]);
    assert_eq!(planned.stdout.matches("no file of it is known").count(), 3, "{planned:?}");
    bench.done("run", &[]);
    let verified = verify(&bench.lake);
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn altered_and_missing_metrics_are_found_before_they_are_used() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let tables = bench.tables();
    let part = tables.iter().map(|(path, _)| bench.lake.join(path)).find(|path| path.to_string_lossy().contains("metrics")).unwrap();
    {
        let _flipped = Changed::new(&part, |bytes| bytes[600] ^= 1);
        bench.verb("draw", &["--force"]).fails(3, &["tables/metrics", "is altered", "copy the whole file"]);
    }
    fs::remove_file(&part).unwrap();
    let planned = bench.done("plan", &[]);
    assert!(planned.stdout.contains("tables/metrics") && planned.stdout.contains("is missing or altered"), "{planned:?}");
}

#[test]
fn what_is_wrong_with_records_and_checkpoints_is_found_too() {
    let bench = Bench::new();
    bench.done("run", &[]);
    for (file, change, words) in [
        ("run.json", "{\"format\": 1", "is no run record"),
        ("manifest.json", "{\"format\": 1", "is no manifest"),
        ("manifest.json", "{\"format\": 99, \"files\": {}}", "knows formats up to"),
        ("manifest.json", "{\"format\": 1, \"files\": {}}", "is done, but no file of it is known"),
    ] {
        let _changed = Changed::new(&bench.run().join(file), |bytes| *bytes = change.as_bytes().to_vec());
        let verified = verify(&bench.lake);
        assert!(
            verified.code == 1 && verified.stdout.contains(words) && verified.stdout.contains(file.trim_end_matches("manifest.json")),
            "{verified:?}"
        );
    }
    let _altered = Changed::new(bench.checkpoints().last().unwrap(), |bytes| *bytes.last_mut().unwrap() ^= 1);
    let verified = verify(&bench.lake);
    assert!(verified.code == 1 && verified.stdout.contains("step-000000060.safetensors: is altered"), "{verified:?}");
}

#[test]
fn a_lake_that_takes_no_writing_can_be_read_and_says_so() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let lake = bench.lake.to_str().unwrap();
    let pipeline = bench.pipeline.to_str().unwrap();
    let within = |command: &str| {
        let script = format!("mount --bind '{lake}' '{lake}' && mount -o remount,ro,bind '{lake}' && exec {command}");
        Outcome::of(Command::new("unshare").args(["-rm", "sh", "-c", &script]))
    };
    if within("true").code != 0 {
        eprintln!("faults: skipped, this system lets the test mount nothing");
        return;
    }
    let binary = env!("CARGO_BIN_EXE_gridlake");
    let before = snapshot(&bench.lake);
    for reading in [
        format!("{binary} run {pipeline} --lake {lake}"),
        format!("{binary} status {lake}"),
        format!("{binary} verify {lake}"),
        format!("{binary} sql 'SELECT COUNT(*) FROM units' --lake {lake}"),
    ] {
        let outcome = within(&reading);
        assert_eq!(outcome.code, 0, "{reading}: {outcome:?}");
    }
    for writing in ["train", "record", "analyze", "draw"] {
        within(&format!("{binary} {writing} {pipeline} --lake {lake} --force")).fails(1, &[lake, "Read-only file system"]);
    }
    assert!(snapshot(&bench.lake) == before);
}

#[test]
fn a_full_disk_fails_each_stage_with_one_clear_error_and_loses_nothing() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let disk = bench.folder().join("disk");
    let Some(_disk) = SmallDisk::mount(&disk, "16m") else {
        eprintln!("faults: skipped, this system lets the test mount no small disk");
        return;
    };
    let lake = disk.join("lake");
    let verb = |verb: &str, more: &[&str]| Outcome::of(gridlake().arg(verb).arg(&bench.pipeline).arg("--lake").arg(&lake).args(more));
    assert_eq!(verb("run", &[]).code, 0);
    let expected = lasting(&lake);
    // Whatever is left but for some pages.
    let filler = disk.join("filler");
    let fill = |left: usize| {
        let _ = fs::remove_file(&filler);
        let _ = fs::write(&filler, vec![1; 24 << 20]);
        let length = fs::metadata(&filler).unwrap().len();
        fs::File::options().write(true).open(&filler).unwrap().set_len(length.saturating_sub(left as u64)).unwrap();
    };
    for left in [0, 4096, 40_000] {
        for (stage, more) in [
            ("record", "record.steps=4000"),
            ("analyze", "analyze.ratemap.bins=50"),
            ("draw", "draw.max_units=2"),
            ("train", "train.steps=90"),
        ] {
            fill(left);
            let failed = verb(stage, &["--force", "--set", more]);
            let needs = stage == "train" || failed.stderr.contains("space");
            assert!(failed.code == 1 && needs || failed.code == 0 && left > 0, "{stage}, {left}: {failed:?}");
            let verified = verify(&lake);
            assert!(
                verified.code == 0
                    || verified.stdout.lines().all(|line| !line.starts_with("fault:") || line.contains("is done, but no file")),
                "{stage}: {verified:?}"
            );
        }
    }
    fs::remove_file(&filler).unwrap();
    let again = verb("run", &[]);
    assert_eq!(again.code, 0, "{again:?}");
    let after = lasting(&lake);
    assert!(expected.iter().all(|file| after.contains(file)), "what was there before the disk was full");
    let verified = verify(&lake);
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn two_processes_with_different_runs_write_to_one_lake_at_once() {
    let bench = Bench::new();
    for round in 0..5 {
        let lake = bench.folder().join(format!("lake-{round}"));
        let start = |seed: u32| {
            let mut command = gridlake();
            command.arg("run").arg(&bench.pipeline).arg("--lake").arg(&lake).args(["--seed", &seed.to_string()]);
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
        };
        let mut children: Vec<_> = (0..4).map(start).collect();
        assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
        let verified = verify(&lake);
        assert!(verified.code == 0 && verified.stdout.contains("of 4 runs"), "{verified:?}");
    }
}
