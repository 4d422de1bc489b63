//! Several runs of one pipeline.

use crate::common::{Bench, Outcome, TINY, gridlake, snapshot, visible};
use std::fs;

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

#[test]
fn an_index_compares_the_runs_of_a_sweep_and_keeps_up_with_them() {
    let sweep = "\n[sweep]\ngrid.\"train.loss.lambda_cap\" = [0.0, 0.5]\n";
    let bench = Bench::with(&format!("{TINY}{sweep}"));
    let index = bench.lake.join("reports/tiny/index.html");
    bench.done("run", &["--only", "*-0.0-s0-*"]);
    assert!(!index.exists(), "one run has nothing beside it");
    let outcome = bench.done("run", &[]);
    let told = |what: &str, file: &str| outcome.stdout.lines().any(|line| line.trim_start().starts_with(what) && line.ends_with(file));
    assert!(told("index ", "reports/tiny/index.html") && told("variants ", "figures/tiny/variants.png"), "{}", outcome.stdout);
    assert!(told("sweep ", "figures/tiny/sweep.png"), "{}", outcome.stdout);
    let drawn = fs::read_to_string(bench.lake.join("figures/tiny/sweep.svg")).unwrap();
    for words in ["train.loss.lambda", "Smallest period (m)", ">0.0<", ">0.5<"] {
        assert!(drawn.contains(words), "{words} is not in the figure");
    }
    let asked = |query: &str| Outcome::of(gridlake().args(["sql", query, "--format", "csv", "--lake"]).arg(&bench.lake)).stdout;
    assert_eq!(
        asked("SELECT seed, draw, \"train.loss.lambda_cap\" AS cap FROM runs ORDER BY cap"),
        "seed,draw,cap\n0,done,0.0\n0,done,0.5\n"
    );
    assert!(asked("DESCRIBE runs").contains("train.loss.lambda_cap,f64,"), "{}", asked("DESCRIBE runs"));
    let joined = asked("SELECT COUNT(*) AS units FROM units JOIN runs ON units.run = runs.run WHERE runs.\"train.loss.lambda_cap\" > 0");
    assert_eq!(joined, "units\n12\n");
    let compared = Outcome::of(gridlake().args(["compare", "--format", "csv"]).arg(&bench.lake)).stdout;
    assert!(compared.starts_with("run,train.loss.lambda_cap,step,") && compared.lines().count() == 3, "{compared}");
    let figure = bench.lake.join("figures/tiny/variants.svg");
    let drawn = fs::read_to_string(&figure).unwrap();
    for words in ["cap-0.0", "cap-0.5", "Seed 0: ", "no module", "coherence"] {
        assert!(drawn.contains(words), "{words} is not in the figure");
    }
    let of_name = || {
        visible(&bench.lake.join("figures/tiny"))
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    let expected = |variants: &[&str]| {
        let mut stems = vec!["all-ratemaps".to_owned(), "sweep".to_owned(), "variants".to_owned()];
        stems.extend(variants.iter().map(|variant| format!("variant-lambda_cap-{variant}")));
        let mut files: Vec<String> = stems.iter().flat_map(|stem| [format!("{stem}.png"), format!("{stem}.svg")]).collect();
        files.sort();
        files
    };
    assert_eq!(of_name(), expected(&["0.0", "0.5"]), "both pages, and each panel of Fig. 7 alone");
    let all = fs::read_to_string(bench.lake.join("figures/tiny/all-ratemaps.svg")).unwrap();
    assert!(all.contains("All ratemaps of variants of tiny") && all.contains("font-weight=\"bold\">b</text>"), "lettered");
    assert!(outcome.stdout.contains("tiny: 2 runs beside each other"), "{}", outcome.stdout);
    let page = fs::read_to_string(&index).unwrap();
    let links: Vec<&str> = page.split("<a href=\"../").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links.len(), 2, "{links:?}");
    for link in links {
        assert!(bench.lake.join("reports").join(link).exists(), "{link}");
    }
    for words in ["lambda_cap", "The key train.loss.lambda_cap", "grid score", "done"] {
        assert!(page.contains(words), "{words} is not in the index");
    }
    assert!(!page.contains("learning_rate"), "what is the same in all runs is no column");
    let figures: Vec<&str> = page.split("<figcaption><strong>").skip(1).map(|rest| rest.split("</strong>").next().unwrap()).collect();
    assert_eq!(figures, ["Variants of tiny", "Sweep of tiny", "All ratemaps of variants of tiny"]);

    let before = snapshot(&bench.lake);
    assert!(bench.done("run", &[]).stdout.contains("index "), "told again");
    assert!(snapshot(&bench.lake) == before, "a second run changes nothing");
    fs::remove_file(&index).unwrap();
    bench.done("draw", &[]);
    assert_eq!(fs::read_to_string(&index).unwrap(), page, "a lost index is made again, to the same bytes");
    fs::write(&index, "an older one").unwrap();
    for lost in ["sweep.png", "sweep.svg"] {
        fs::remove_file(bench.lake.join("figures/tiny").join(lost)).unwrap();
    }
    bench.done("run", &[]);
    assert!(snapshot(&bench.lake) == before, "a figure that was made again is in the index");

    // Whatever draws one more run of the name adds it, also with other flags.
    let other = ["--set", "train.loss.lambda_cap=0.25", "--seed", "3", "--set", "analyze.ratemap.bins=20"];
    bench.done("run", &other);
    let alone = fs::read_to_string(bench.lake.join("figures/tiny/variant-tiny.svg")).unwrap();
    let beside = fs::read_to_string(&figure).unwrap();
    assert!(alone.contains("Seed 3: ") && !beside.contains("Seed 3: "), "maps of other bins stand on a page of their own");
    let more = fs::read_to_string(&index).unwrap();
    assert_eq!(more.matches("<a href=\"../").count(), 3, "a run of its own flags is beside the others");
    assert!(more.contains("The key seed"), "what differs now is a column");

    // A run that is taken away leaves the index with the next run that is drawn; the last but one takes the index with it.
    let runs = bench.runs();
    for run in &runs[..2] {
        fs::remove_dir_all(run).unwrap();
    }
    bench.done("draw", &[&other[..], &["--force"]].concat());
    assert!(!index.exists(), "{runs:?}");
    assert!(of_name().is_empty(), "no variants are left to be beside each other: {:?}", of_name());
    assert!(Bench::with(TINY).done("run", &[]).stdout.lines().all(|line| !line.contains("index ")));
}

#[test]
fn an_index_tells_of_runs_that_failed() {
    let variants = "\n[sweep.variants.bad]\ntrain.optimizer.learning_rate = 10.0\ntrain.optimizer.weight_decay = 10.0\n[sweep.variants.good]\ntrain.loss.lambda_cap = 0.1\n";
    let bench = Bench::with(&format!("{TINY}{variants}"));
    assert_eq!(bench.verb("run", &[]).code, 1);
    let page = fs::read_to_string(bench.lake.join("reports/tiny/index.html")).unwrap();
    assert!(page.contains("training failed") && page.contains("done"));
    assert_eq!(page.matches("<a href=\"../").count(), 1, "only what was drawn has a report");
}
