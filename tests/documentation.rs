//! What users read is what the program does.

use crate::common::{Outcome, gridlake};
use std::fs;
use std::path::Path;

/// Verbs of `gridlake --help`.
fn verbs() -> Vec<String> {
    let help = Outcome::of(gridlake().arg("--help"));
    assert_eq!(help.code, 0);
    let commands = help.stdout.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1).take_while(|line| !line.is_empty());
    commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_string)
        .collect()
}

/// Long flags of a verb's help.
fn flags(verb: &str) -> Vec<String> {
    let help = Outcome::of(gridlake().args([verb, "--help"])).stdout;
    let words = help.split_whitespace().filter(|word| word.starts_with("--"));
    words.map(|word| word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_string()).collect()
}

#[test]
fn every_verb_and_flag_is_documented() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md")).unwrap();
    let verbs = verbs();
    assert!(verbs.len() >= 8, "{verbs:?}");
    for verb in verbs.iter().filter(|verb| *verb != "help") {
        assert!(page.contains(&format!("| `{verb}")), "{verb} is not in the table of docs/cli.md");
        for flag in flags(verb).iter().filter(|flag| !["--help", "--version"].contains(&flag.as_str())) {
            assert!(page.contains(&format!("`{flag}")), "{flag} of {verb} is not in docs/cli.md");
        }
    }
    for code in ["0", "1", "2", "3", "130"] {
        assert!(page.contains(&format!("| {code} |")), "exit code {code} is not in docs/cli.md");
    }
}

#[test]
fn the_printed_defaults_are_a_valid_pipeline() {
    let printed = Outcome::of(gridlake().arg("defaults"));
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("defaults.toml");
    fs::write(&path, &printed.stdout).unwrap();
    let lake = folder.path().join("lake");
    let plan = Outcome::of(gridlake().arg("plan").arg(&path).arg("--lake").arg(&lake));
    assert_eq!(plan.code, 0, "{plan:?}");
}

#[test]
fn every_shipped_pipeline_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipelines: Vec<_> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pipelines.sort();
    assert!(pipelines.len() >= 3, "{pipelines:?}");
    for pipeline in pipelines {
        let plan = Outcome::of(gridlake().arg("plan").arg(&pipeline).arg("--lake").arg(folder.path().join("lake")));
        if pipeline.ends_with("imported.toml") {
            plan.fails(2, &["no imported run of this name", "gridlake import FILE"]);
            continue;
        }
        assert_eq!(plan.code, 0, "{}: {plan:?}", pipeline.display());
        assert!(plan.stdout.contains("train"), "{plan:?}");
    }
}
