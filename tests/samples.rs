//! The trained networks that are shipped (data/reference): everything after training works on them, as they are.

use crate::common::{Outcome, gridlake, sample_lake, snapshot};
use std::path::Path;

/// The repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Folder and pipeline of each sample.
const SAMPLES: [(&str, &str); 2] = [("no-capacity", "pipelines/quickstart.toml"), ("full", "data/reference/full.toml")];
/// The most bytes of a sample.
const LARGEST: u64 = 8_000_000;
const REMAKE: &str =
    "the sample is not what this gridlake would make: remove its folder and make it again as data/reference/README.md says";

fn verb(verb: &str, pipeline: &str, lake: &Path, more: &[&str]) -> Outcome {
    Outcome::of(gridlake().arg(verb).arg(Path::new(ROOT).join(pipeline)).arg("--lake").arg(lake).args(more))
}

#[test]
fn samples_are_small_whole_and_fresh() {
    for (sample, pipeline) in SAMPLES {
        let (_folder, lake) = sample_lake(sample);
        let files = snapshot(&lake);
        let bytes: u64 = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        assert!(bytes <= LARGEST, "{sample}: {bytes} bytes");
        let trained = verb("train", pipeline, &lake, &[]);
        assert_eq!(trained.code, 0, "{sample}: {trained:?}");
        assert!(trained.stderr.contains("everything is there already"), "{sample}: {REMAKE}: {trained:?}");
        assert!(snapshot(&lake).iter().all(|file| files.contains(file) || file.1.is_empty()), "{sample}: {REMAKE}");
        let verified = Outcome::of(gridlake().arg("verify").arg(&lake));
        assert!(verified.code == 0 && verified.stdout.contains("all are there, whole and unaltered"), "{sample}: {verified:?}");
    }
}

#[test]
fn samples_can_be_recorded_analyzed_and_drawn_without_training() {
    for (sample, pipeline) in SAMPLES {
        let (_folder, lake) = sample_lake(sample);
        let few = [
            "--set",
            "record.trajectories=60",
            "--set",
            "analyze.nulls.count=19",
            "--set",
            "analyze.classes.alpha=0.05",
            "--set",
            "analyze.ratemap.bins=30",
            "--set",
            "analyze.embedding.points=0",
        ];
        let outcome = verb("run", pipeline, &lake, &few);
        assert_eq!(outcome.code, 0, "{sample}: {outcome:?}");
        assert!(!outcome.stderr.contains("train done"), "{sample}: {REMAKE}: {outcome:?}");
        assert!(outcome.stdout.contains("modules   0: period "), "{sample}: a trained network has modules: {}", outcome.stdout);
        assert!(outcome.stdout.contains("report "), "{sample}: {}", outcome.stdout);
    }
}
