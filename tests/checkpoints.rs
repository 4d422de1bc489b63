//! Checkpoints that are torn, altered or another configuration's; and going on from good ones.

use crate::common::{Bench, snapshot};
use std::fs;

/// A run with all stages done.
fn finished() -> Bench {
    let bench = Bench::new();
    bench.done("run", &[]);
    bench
}

#[test]
fn a_truncated_checkpoint_is_one_clear_error_and_nothing_is_damaged() {
    let bench = finished();
    let good = bench.final_checkpoint();
    let newest = bench.checkpoints().pop().unwrap();
    fs::write(&newest, &good[..good.len() / 2]).unwrap();
    let before = snapshot(&bench.lake.join("tables"));
    let outcome = bench.verb("run", &[]);
    outcome.fails(3, &[newest.to_str().unwrap(), "hint:", "--force"]);
    assert_eq!(fs::read(&newest).unwrap(), &good[..good.len() / 2], "the file is left for its owner to judge");
    assert_eq!(snapshot(&bench.lake.join("tables")), before);

    bench.done("run", &["--force"]);
    assert_eq!(bench.final_checkpoint(), good, "the same training from the start");
}

#[test]
fn without_the_truncated_checkpoint_training_goes_on_from_the_one_before() {
    let bench = finished();
    let good = bench.final_checkpoint();
    let newest = bench.checkpoints().pop().unwrap();
    fs::remove_file(&newest).unwrap();
    let outcome = bench.done("run", &[]);
    assert!(outcome.stderr.contains("step 40"), "{}", outcome.stderr);
    assert_eq!(bench.final_checkpoint(), good);
}

#[test]
fn a_truncated_checkpoint_stops_record_too() {
    let bench = finished();
    let good = bench.final_checkpoint();
    let newest = bench.checkpoints().pop().unwrap();
    fs::write(&newest, &good[..good.len() - 1]).unwrap();
    let outcome = bench.verb("record", &["--force"]);
    assert_ne!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains(newest.file_name().unwrap().to_str().unwrap()) || outcome.stderr.contains("train"), "{outcome:?}");
}

#[test]
fn altered_weights_are_refused() {
    let bench = finished();
    let newest = bench.checkpoints().pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 0x40;
    fs::write(&newest, &bytes).unwrap();
    bench.verb("record", &["--force"]).fails(3, &[newest.to_str().unwrap()]);
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused() {
    let bench = Bench::new();
    let rate = ["--set", "train.optimizer.learning_rate=1e-4"];
    bench.done("train", &rate);
    let run = bench.run();
    let checkpoint = run.join("checkpoints/step-000000060.safetensors");
    bench.done("train", &[]);
    let other = bench.runs().into_iter().find(|folder| *folder != run).unwrap();
    fs::copy(other.join("checkpoints/step-000000060.safetensors"), &checkpoint).unwrap();
    let before = snapshot(&bench.lake.join("tables"));
    let words = ["another configuration", checkpoint.to_str().unwrap(), "hint:"];
    bench.verb("record", &rate).fails(3, &words);

    // Where training would go on from it, too.
    fs::rename(&checkpoint, run.join("checkpoints/step-000000050.safetensors")).unwrap();
    bench.verb("train", &rate).fails(3, &["another configuration", "step-000000050", "hint:"]);
    assert_eq!(snapshot(&bench.lake.join("tables")), before);
}
