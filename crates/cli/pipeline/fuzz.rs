//! Any text as a pipeline file: it is resolved, or refused as a configuration; never a panic, never another class of failure.

use super::schema::DEFAULTS;
use super::{Overrides, resolve};
use crate::failure::Class;
use proptest::prelude::*;

/// Pieces that files are made of, and some that they should not be.
fn piece() -> impl Strategy<Value = String> {
    let known = DEFAULTS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let strange = [
        "[train]",
        "[[train.curriculum]]",
        "until = 5",
        "until = -5",
        "loss.sigma_g = nan",
        "seed = -1",
        "seed = 9223372036854775808",
        "name = \"../../etc\"",
        "name = \"a b\"",
        "name = \"<script>\"",
        "name = \"'; DROP TABLE units\"",
        "name = \"\\u0000\"",
        "name = \"ä\"",
        "lake = \"s3://\"",
        "lake = \"\"",
        "lake = \"gs://x/y\"",
        "[sweep]",
        "seeds = [1, 1]",
        "seeds = [1, 2.5]",
        "grid.\"train.steps\" = [1, 1]",
        "grid.\"no.such\" = [1]",
        "variants.x = { train.steps = 3 }",
        "variants.\"../x\" = { train.steps = 3 }",
        "variants.x = 3",
        "boxes_m = []",
        "boxes_m = [inf]",
        "arenas = [\"rectangle-2x1.5m\", \"circle-1e300m\"]",
        "arenas = [\"x-xm\", 3]",
        "= 3",
        "[",
        "]]",
        "\"",
        "a.b.c.d.e = 1",
        "train = 3",
        "[train.data.batch]",
        "steps = 1e400",
        "units = 18446744073709551615",
        "mlp_hidden = [[1]]",
        "x = 1979-05-27T07:32:00Z",
        "[record]",
        "[analyze.nulls]",
    ];
    prop_oneof![3 => prop::sample::select(known), 2 => prop::sample::select(strange.to_vec()).prop_map(str::to_owned), 1 => ".{0,40}"]
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec(piece(), 0..30).prop_map(|lines| lines.join("\n").into_bytes());
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (lines, damage, any::<bool>()).prop_map(|(mut bytes, damage, torn)| {
        for (place, byte) in damage {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
                if torn {
                    bytes.truncate(place);
                }
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000), ..ProptestConfig::default() })]
    #[test]
    fn any_file_is_resolved_or_refused(bytes in file(), set in prop::collection::vec(piece(), 0..2), seed in prop::option::of(any::<u64>())) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.toml");
        std::fs::write(&path, bytes).unwrap();
        let overrides = Overrides { set, seed, ..Overrides::default() };
        match resolve(&path, &overrides) {
            Ok(pipeline) => for run in pipeline.runs {
                prop_assert!(run.name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !run.name.starts_with('.'), "{}", run.name);
            },
            Err(failure) => prop_assert_eq!(failure.class(), Class::Config, "{}", failure),
        }
    }
}
