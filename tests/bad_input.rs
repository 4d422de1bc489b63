//! Bad arguments, settings and folders: one clear error, the right exit code, nothing damaged.

use crate::common::{Bench, Outcome, TINY, gridlake, snapshot};
use std::fs;

fn refused(pipeline: &str, more: &[&str], words: &[&str]) {
    let bench = Bench::with(pipeline);
    bench.verb("run", more).fails(2, words);
    assert!(!bench.lake.exists(), "a refused configuration makes no lake");
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest() {
    refused(
        &format!("{TINY}\n[train.ckeckpoints]\nevery = 5\n"),
        &[],
        &["tiny.toml:44: unknown key train.ckeckpoints", "nearest known key is train.checkpoints;"],
    );
    refused(TINY, &["--set", "train.data.bacth=3"], &["--set train.data.bacth=3: unknown key", "nearest known key is train.data.batch;"]);
    refused(
        &format!("{TINY}\n[[train.curriculum]]\nuntil = 5\nloss.lambda_kap = 0.0\n"),
        &[],
        &["tiny.toml:46: unknown key", "is loss.lambda_cap;"],
    );
}

#[test]
fn a_wrong_type_names_file_line_value_and_what_is_allowed() {
    refused(
        &TINY.replace("batch = 6", "batch = \"six\""),
        &[],
        &["tiny.toml:9: train.data.batch is \"six\", a string; allowed: Integer, 1 to 100000"],
    );
    refused(TINY, &["--set", "train.steps=1.5"], &["--set train.steps=1.5: train.steps is 1.5", "Integer, 0 to"]);
    refused(
        &TINY.replace("\"constant\"", "\"wavy\""),
        &[],
        &["tiny.toml:24: train.scheduler.kind is \"wavy\"; allowed: One of \"constant\", \"cosine\", \"plateau\""],
    );
}

#[test]
fn out_of_range_names_file_line_value_and_range() {
    refused(&TINY.replace("units = 12", "units = 1"), &[], &["tiny.toml:13: train.model.units is 1; allowed: 2 to 4096"]);
    refused(&TINY.replace("units = 12", "units = -3"), &[], &["tiny.toml:13: train.model.units is -3; allowed:"]);
    refused(TINY, &["--set", "analyze.nulls.count=2"], &["--set analyze.nulls.count=2: analyze.nulls.count is 2; allowed: 19 to 100000"]);
    refused(TINY, &["--set", "record.boxes_m=[2.0, 2.0]"], &["record.boxes_m is [2.0, 2.0]; allowed:"]);
    refused(TINY, &["--set", "record.mean_speed_m=0.09"], &["half of train.data.velocity_limit_m"]);
    refused(TINY, &["--set", "name=a/b"], &["name is \"a/b\"; allowed: Text: letters"]);
    refused(TINY, &["--set", "lake=s3://bucket/prefix", "--device", "tpu"], &["train.device is \"tpu\""]);
    refused(
        &format!("{TINY}\n[[train.curriculum]]\nuntil = 5\n[[train.curriculum]]\nuntil = 4\n"),
        &[],
        &["tiny.toml:47: train.curriculum.1.until is 4; allowed: above 5"],
    );
}

#[test]
fn what_is_no_address_of_a_lake_is_refused_by_name() {
    let bench = Bench::new();
    for address in ["gs://bucket/prefix", "s3://", "s3://bucket/../other", "s3://bucket//lake"] {
        let outcome = Outcome::of(gridlake().arg("run").arg(&bench.pipeline).args(["--lake", address]));
        outcome.fails(2, &[&format!("--lake {address}: lake is"), "a lake is a folder or s3://bucket/prefix"]);
        assert_eq!(Outcome::of(gridlake().args(["status", address])).code, 2);
    }
}

#[test]
fn text_that_is_not_toml_names_its_line() {
    refused("name = \"x\"\nseed = = 3\n", &[], &["tiny.toml:2: not valid TOML"]);
}

#[test]
fn a_missing_pipeline_file_is_a_bad_argument() {
    for verb in ["run", "train", "record", "analyze", "draw", "plan"] {
        Outcome::of(gridlake().args([verb, "no/such/file.toml"])).fails(2, &["no/such/file.toml", "hint:"]);
    }
}

#[test]
fn bad_arguments_exit_with_2() {
    for arguments in
        [&["fly"][..], &["run"], &["run", "x.toml", "--nope"], &["run", "x.toml", "--threads", "0"], &["run", "x.toml", "--seed", "-1"]]
    {
        let outcome = Outcome::of(gridlake().args(arguments));
        assert_eq!(outcome.code, 2, "{arguments:?}: {outcome:?}");
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
    refused(TINY, &["--set", "train.steps"], &["--set train.steps: not of the form key=value"]);
    refused(TINY, &["--only", "other-*"], &["--only other-*: no run matches", "tiny-s0-"]);
}

#[test]
fn a_lake_that_cannot_be_written_is_named() {
    let bench = Bench::new();
    fs::write(&bench.lake, "not a folder").unwrap();
    bench.verb("run", &[]).fails(1, &[bench.lake.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&bench.lake).unwrap(), "not a folder");
}

#[test]
fn a_read_only_lake_is_named() {
    // Permissions do not bind root; /proc takes no new folder from anyone.
    let bench = Bench::new();
    Outcome::of(gridlake().arg("run").arg(&bench.pipeline).args(["--lake", "/proc/gridlake"])).fails(1, &["/proc/gridlake"]);
}

#[test]
fn a_folder_that_is_no_lake_is_left_alone() {
    let bench = Bench::new();
    fs::create_dir(&bench.lake).unwrap();
    fs::write(bench.lake.join("thesis.txt"), "precious").unwrap();
    let before = snapshot(&bench.lake);
    let outcome = bench.verb("run", &[]);
    assert_ne!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains(bench.lake.to_str().unwrap()), "{outcome:?}");
    assert_eq!(snapshot(&bench.lake), before);
}

#[test]
fn a_single_stage_says_what_it_needs() {
    let bench = Bench::new();
    bench.verb("record", &[]).fails(1, &["train", "hint:"]);
    bench.done("train", &[]);
    bench.verb("analyze", &[]).fails(1, &["record", "hint:"]);
    bench.done("record", &[]);
    bench.verb("draw", &[]).fails(1, &["analyze", "hint:"]);
    bench.done("analyze", &[]);
    bench.done("draw", &[]);
}
