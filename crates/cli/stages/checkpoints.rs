//! The checkpoints of one run: which there are, which is newest, which may go.

use crate::failure::Failure;
use gridlake_lake::store::Source;
use gridlake_lake::{Lake, layout};

/// One checkpoint file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) step: u64,
    pub(crate) key: String,
}

/// All checkpoints of a run, oldest first.
///
/// # Errors
/// A lake that cannot be read.
pub(crate) fn list(lake: &Lake, run: &str) -> Result<Vec<Checkpoint>, Failure> {
    let folder = layout::checkpoints(run);
    let mut found = Vec::new();
    for (name, _) in lake.store().list(&folder)?.files {
        found.extend(step_of(&name).map(|step| Checkpoint { step, key: format!("{folder}/{name}") }));
    }
    found.sort_by_key(|checkpoint| checkpoint.step);
    Ok(found)
}

/// 20000 of `step-000020000.safetensors`.
fn step_of(name: &str) -> Option<u64> {
    name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()
}

/// Whether a safetensors file has the length that its header announces: a cheap check that finds truncation, not alteration.
pub(crate) fn is_whole(file: &Source) -> bool {
    announced_length(file).is_some_and(|length| file.length() == length)
}

/// 8 bytes of header length, the JSON header, then tensors up to the largest `data_offsets`.
fn announced_length(file: &Source) -> Option<u64> {
    let length = u64::from_le_bytes(file.bytes(0, 8).ok()?.as_ref().try_into().ok()?);
    if length > file.length() {
        return None;
    }
    let header: serde_json::Value = serde_json::from_slice(&file.bytes(8, usize::try_from(length).ok()?).ok()?).ok()?;
    let end = |tensor: &serde_json::Value| tensor.get("data_offsets")?.get(1)?.as_u64();
    Some(8 + length + header.as_object()?.values().filter_map(end).max().unwrap_or(0))
}

/// Those of `found`, oldest first, that go when the newest `keep` stay; 0 keeps all.
pub(crate) fn outdated(found: &[Checkpoint], keep: usize) -> &[Checkpoint] {
    if keep == 0 { &[] } else { &found[..found.len().saturating_sub(keep)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lake() -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        (folder, lake)
    }

    /// A safetensors file with one tensor of `bytes` bytes.
    fn content(bytes: u64) -> Vec<u8> {
        let header =
            format!("{{\"__metadata__\":{{\"a\":\"b\"}},\"w\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}}}}");
        let mut content = (header.len() as u64).to_le_bytes().to_vec();
        content.extend(header.as_bytes());
        content.resize(content.len() + bytes as usize, 7);
        content
    }

    #[test]
    fn truncation_anywhere_is_found() {
        let (_folder, lake) = lake();
        let (key, whole) = (layout::checkpoint("r", 1), content(100));
        let write = |length: usize| {
            lake.store().write(&key, &whole[..length]).unwrap();
            lake.store().open(&key).unwrap()
        };
        assert!(is_whole(&write(whole.len())));
        for length in [0, 5, 20, whole.len() - 1] {
            assert!(!is_whole(&write(length)), "{length} bytes");
        }
    }

    #[test]
    fn the_newest_are_kept_and_other_files_ignored() {
        let (_folder, lake) = lake();
        for step in [300, 20, 1000] {
            lake.store().write(&layout::checkpoint("r", step), &content(1)).unwrap();
        }
        for name in [".tmp-step-000000400.safetensors", "notes.txt"] {
            std::fs::write(lake.show(&layout::checkpoints("r")).join(name), "").unwrap();
        }
        let found = list(&lake, "r").unwrap();
        assert_eq!(found.iter().map(|checkpoint| checkpoint.step).collect::<Vec<_>>(), [20, 300, 1000]);
        assert_eq!(outdated(&found, 0), []);
        assert_eq!(outdated(&found, 2), &found[..1]);
        assert_eq!(outdated(&found, 5), []);
        assert_eq!(list(&lake, "absent").unwrap(), []);
    }
}
