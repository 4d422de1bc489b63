//! Several runs of one pipeline.

use crate::common::{Bench, TINY};

const SWEEP: &str = r#"
[sweep]
seeds = [1, 2]
grid."train.loss.lambda_cap" = [0.0, 0.5]
"#;

fn names(bench: &Bench) -> Vec<String> {
    bench.runs().iter().map(|run| run.file_name().unwrap().to_string_lossy().rsplit_once('-').unwrap().0.to_string()).collect()
}

#[test]
fn a_sweep_runs_every_element() {
    let bench = Bench::with(&format!("{TINY}{SWEEP}"));
    let outcome = bench.done("run", &[]);
    let expected = ["tiny-lambda_cap-0.0-s1", "tiny-lambda_cap-0.0-s2", "tiny-lambda_cap-0.5-s1", "tiny-lambda_cap-0.5-s2"];
    assert_eq!(names(&bench), expected);
    for name in expected {
        assert!(outcome.stdout.contains(name), "{name}: {}", outcome.stdout);
    }
}

#[test]
fn only_selects_and_seed_replaces() {
    let bench = Bench::with(&format!("{TINY}{SWEEP}"));
    bench.done("train", &["--only", "*-0.5-s2-*"]);
    assert_eq!(names(&bench), ["tiny-lambda_cap-0.5-s2"]);
    bench.done("train", &["--seed", "9", "--set", "train.loss.lambda_cap=0.25"]);
    assert_eq!(names(&bench), ["tiny-lambda_cap-0.5-s2", "tiny-s9"]);
}

#[test]
fn a_failed_run_stops_no_other() {
    // The first variant's weights grow a hundredfold with each step until they are not finite.
    let variants = "\n[sweep.variants.bad]\ntrain.optimizer.learning_rate = 10.0\ntrain.optimizer.weight_decay = 10.0\n[sweep.variants.good]\ntrain.loss.lambda_cap = 0.1\n";
    let bench = Bench::with(&format!("{TINY}{variants}"));
    let outcome = bench.verb("train", &[]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("tiny-bad-s0-") && outcome.stderr.contains("is not finite"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("1 of 2 runs failed"), "{}", outcome.stderr);
    let good = bench.runs().into_iter().find(|run| run.to_string_lossy().contains("tiny-good-s0-")).unwrap();
    assert!(good.join("checkpoints/step-000000060.safetensors").exists());
}
