//! What the records and manifests of a lake of many runs say, kept together: `.index/records` and `.index/files`, so that a verb that looks at all runs opens
//! two files in place of one or two of each run.
//!
//! It is never the authority. Each run's share of it is used only while the file that it was made from has the size, the times and the inode that it had
//! then; what has changed, is new or was too young to be told apart is read where it is. An index that is torn, of another version or gone is made anew, and
//! one that cannot be written is done without. So removing it changes nothing but time. Lakes of fewer than [`MANY`] runs have none, nor have lakes in
//! buckets, where a file's version would cost as many requests as its content.

use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::manifest::{Entry, Manifest};
use crate::run_record::{RunRecord, flattened};
use crate::store::Stamp;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Lakes of fewer runs are read without.
pub const MANY: usize = 1000;
/// Runs whose shares are packed together.
const PORTION: usize = 512;
/// A file that changed so lately may change again without its times telling.
const YOUNG: Duration = Duration::from_secs(2);
/// The first bytes of an index: what it is, and the version of its form.
const MAGIC: &[u8; 16] = b"gridlake-index 1";

/// What is kept of each run.
pub trait Kept: Serialize + DeserializeOwned + Send {
    /// What all runs' shares have in common; without an index nothing.
    type Common: Serialize + DeserializeOwned + Default + Sync + Send;
    /// The index's name.
    const NAME: &'static str;

    /// The file that it is made from.
    fn key(run: &str) -> String;

    /// Made from what the runs say now, when there is no index yet.
    fn common(lake: &Lake, runs: &[String]) -> Self::Common;

    /// Reads it; `None` where a run has none.
    ///
    /// # Errors
    /// As those of what is read.
    fn read(lake: &Lake, run: &str, common: &Self::Common) -> Result<Option<Self>, LakeError>;

    /// Whether the file that it is made from is all that it depends on.
    fn is_lasting(&self) -> bool;
}

/// A run's share with the file that it was made from.
#[derive(Serialize, Deserialize)]
struct Share<K> {
    run: String,
    stamp: Stamp,
    kept: K,
}

/// Shares of some runs, packed.
struct Portion {
    packed: Vec<u8>,
    runs: usize,
}

/// What was made of some runs, with their places among all.
type Looked<T> = Vec<(usize, T)>;

/// What is kept of each of the runs, given to `look` with its place among them; returns what that returns, in their order.
///
/// # Errors
/// What `look` fails with.
pub fn each<K: Kept, T: Send>(
    lake: &Lake,
    runs: &[String],
    look: impl Fn(usize, Result<Option<K>, LakeError>, &K::Common) -> T + Sync,
) -> Vec<T> {
    if runs.len() < MANY || lake.store().folder().is_none() {
        let common = K::Common::default();
        return runs.par_iter().enumerate().map(|(place, run)| look(place, K::read(lake, run, &common), &common)).collect();
    }
    let key = format!("{FOLDER}/{}", K::NAME);
    let (common, portions) =
        lake.store().read(&key).ok().flatten().and_then(|bytes| unpack::<K>(&bytes)).unwrap_or_else(|| (K::common(lake, runs), Vec::new()));
    let places: HashMap<&str, usize> = runs.iter().enumerate().map(|(place, run)| (run.as_str(), place)).collect();
    let fresh = |portion: Portion| -> (Looked<T>, Option<Portion>) {
        let Some(shares) = opened::<K>(&portion.packed) else { return (Vec::new(), None) };
        let mut shares: Vec<(usize, Share<K>)> =
            shares.into_iter().filter_map(|share| Some((*places.get(share.run.as_str())?, share))).collect();
        shares.retain(|(_, share)| lake.store().stamp(&K::key(&share.run)).ok().flatten().as_ref() == Some(&share.stamp));
        let whole = shares.len() == portion.runs;
        let portion = if whole { Some(portion) } else { packed(shares.iter().map(|(_, share)| share)) };
        (shares.into_iter().map(|(place, share)| (place, look(place, Ok(Some(share.kept)), &common))).collect(), portion)
    };
    let (known, mut kept): (Vec<Looked<T>>, Vec<Option<Portion>>) = portions.into_par_iter().map(fresh).unzip();
    let mut found: Vec<Option<T>> = std::iter::repeat_with(|| None).take(runs.len()).collect();
    for (place, looked) in known.into_iter().flatten() {
        found[place] = Some(looked);
    }
    let missing: Vec<usize> = (0..runs.len()).filter(|place| found[*place].is_none()).collect();
    let read = |places: &[usize]| -> (Looked<T>, Option<Portion>) {
        let mut looked = Vec::new();
        let mut lines = Vec::new();
        for &place in places {
            let run = &runs[place];
            let stamp = || lake.store().stamp(&K::key(run)).ok().flatten();
            let before = stamp();
            let read = K::read(lake, run, &common);
            if let (Some(stamp), Ok(Some(kept))) =
                (before.filter(|before| before.is_older(YOUNG) && stamp().as_ref() == Some(before)), &read)
                && kept.is_lasting()
                && let Ok(line) = serde_json::to_vec(&json!({ "run": run, "stamp": stamp, "kept": kept }))
            {
                lines.push(line);
            }
            looked.push((place, look(place, read, &common)));
        }
        (looked, closed(&lines))
    };
    let (new, portions): (Vec<Looked<T>>, Vec<Option<Portion>>) = missing.par_chunks(PORTION).map(read).unzip();
    for (place, looked) in new.into_iter().flatten() {
        found[place] = Some(looked);
    }
    let told = portions.iter().flatten().map(|portion| portion.runs).sum::<usize>();
    // So many are not read every time, and the index is not written for each run that changes.
    if told > runs.len() / 256 {
        kept.extend(portions);
        let mut kept: Vec<Portion> = kept.into_iter().flatten().collect();
        if kept.len() > 2 * runs.len().div_ceil(PORTION) + 16 {
            // In too small pieces: those of them are made anew the next time.
            kept.retain(|portion| portion.runs > PORTION / 2);
        }
        // Where it cannot be written, every verb reads every run.
        let _ = lake.store().write(&key, &pack::<K>(&common, &kept));
    }
    // Each place is among the known or among the missing ones.
    found.into_iter().flatten().collect()
}

/// Where indices are.
const FOLDER: &str = ".index";

fn block(bytes: &mut Vec<u8>, content: &[u8], runs: usize) {
    bytes.extend((content.len() as u64).to_le_bytes());
    bytes.extend((runs as u64).to_le_bytes());
    bytes.extend(u64::from(crc32fast::hash(content)).to_le_bytes());
    bytes.extend(content);
}

fn pack<K: Kept>(common: &K::Common, portions: &[Portion]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    block(&mut bytes, &serde_json::to_vec(common).unwrap_or_default(), 0);
    for portion in portions {
        block(&mut bytes, &portion.packed, portion.runs);
    }
    bytes
}

/// `None` where anything is not as it should be.
fn unpack<K: Kept>(bytes: &[u8]) -> Option<(K::Common, Vec<Portion>)> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut next = || -> Option<Option<Portion>> {
        if rest.is_empty() {
            return Some(None);
        }
        let (head, after) = rest.split_at_checked(24)?;
        let number = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let (content, after) = after.split_at_checked(usize::try_from(number(0)?).ok()?)?;
        rest = after;
        let runs = usize::try_from(number(8)?).ok()?;
        (u64::from(crc32fast::hash(content)) == number(16)?).then(|| Some(Portion { packed: content.to_vec(), runs }))
    };
    let common = serde_json::from_slice(&next()??.packed).ok()?;
    let mut portions = Vec::new();
    while let Some(portion) = next()? {
        portions.push(portion);
    }
    Some((common, portions))
}

/// Shares that are worth keeping, if there are any.
fn closed(lines: &[Vec<u8>]) -> Option<Portion> {
    let packed = zstd::encode_all(lines.join(&b'\n').as_slice(), 1).ok()?;
    (!lines.is_empty()).then_some(Portion { packed, runs: lines.len() })
}

fn packed<'s, K: Kept + 's>(shares: impl Iterator<Item = &'s Share<K>>) -> Option<Portion> {
    closed(&shares.filter_map(|share| serde_json::to_vec(share).ok()).collect::<Vec<_>>())
}

fn opened<K: Kept>(packed: &[u8]) -> Option<Vec<Share<K>>> {
    let text = zstd::decode_all(packed).ok()?;
    text.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).ok()).collect()
}

/// What many verbs ask of a run's record.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// Without notes, but for which checkpoints were drawn, and without settings, but for whether it was imported.
    pub record: RunRecord,
    /// Where its settings are others than the [`Settings`] that all are held against, by dotted key; `None` where it has no such key. All settings of a
    /// hundred thousand runs would fill the memory.
    pub settings: Differences,
}

/// Settings by dotted key.
pub type Settings = BTreeMap<String, Value>;

/// Settings that are others than those that they are held against; `None` where there is no such key.
pub type Differences = BTreeMap<String, Option<Value>>;

impl Record {
    fn new(mut record: RunRecord, common: &Settings) -> Self {
        for stage in record.stages.values_mut() {
            let drawn = stage.notes.get_mut("checkpoints").map(Value::take);
            stage.notes = drawn.map_or(Value::Null, |drawn| json!({ "checkpoints": drawn }));
        }
        let imported = record.config.get("import").is_some();
        let settings = flattened(std::mem::take(&mut record.config));
        if imported {
            record.config = json!({ "import": {} });
        }
        let absent = common.keys().filter(|key| !settings.contains_key(*key)).map(|key| (key.clone(), None)).collect::<Vec<_>>();
        let other = settings.into_iter().filter(|(key, value)| common.get(key) != Some(value)).map(|(key, value)| (key, Some(value)));
        Self { record, settings: other.chain(absent).collect() }
    }
}

impl Kept for Record {
    type Common = Settings;
    const NAME: &'static str = "records";

    fn key(run: &str) -> String {
        layout::run_record(run)
    }

    fn common(lake: &Lake, runs: &[String]) -> Settings {
        let first = runs.iter().find_map(|run| RunRecord::load(lake, run).ok().flatten());
        first.map_or_else(BTreeMap::new, |record| flattened(record.config))
    }

    fn read(lake: &Lake, run: &str, common: &Settings) -> Result<Option<Self>, LakeError> {
        Ok(RunRecord::load_whole(lake, run)?.map(|record| Self::new(record, common)))
    }

    fn is_lasting(&self) -> bool {
        !self.record.steps
    }
}

/// A run's whole manifest.
#[derive(Debug, Serialize, Deserialize)]
pub struct Files(Vec<(String, Entry)>, bool);

impl Files {
    /// Whether there was no publication under way, and are no parts.
    pub(crate) fn is_alone(&self) -> bool {
        self.1
    }

    /// As it is read where it is.
    pub fn manifest(self) -> Manifest {
        Manifest::of_files(self.0)
    }
}

impl Kept for Files {
    type Common = ();
    const NAME: &'static str = "files";

    fn key(run: &str) -> String {
        layout::manifest(run)
    }

    fn common(_: &Lake, _: &[String]) {}

    fn read(lake: &Lake, run: &str, (): &()) -> Result<Option<Self>, LakeError> {
        let (manifest, alone) = Manifest::load_telling(lake, run)?;
        Ok(Some(Self(manifest.files.into_iter().collect(), alone)))
    }

    fn is_lasting(&self) -> bool {
        self.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_record::{StageRecord, Status};
    use std::fs;

    fn record(seed: usize) -> RunRecord {
        let mut record = RunRecord::new("many", None, seed as u64, "0123");
        record.created_unix_s = 1.0;
        record.config = json!({ "seed": seed, "train": { "steps": 3, "model": { "units": 4 } } });
        let stage = StageRecord {
            fingerprint: format!("f{seed}"),
            status: Status::Done,
            step: 3,
            steps_total: 3,
            started_unix_s: 1.0,
            finished_unix_s: Some(2.0),
            wall_s: 1.0,
            threads: Some(1),
            error: None,
            notes: json!({ "long": "text", "checkpoints": [1, 2] }),
        };
        record.stages.insert("draw".to_owned(), stage);
        record
    }

    fn write(lake: &Lake, run: usize, record: &RunRecord) {
        let name = format!("many-s{run:04}");
        fs::create_dir_all(lake.show(&format!("runs/{name}"))).unwrap();
        fs::write(lake.show(&layout::run_record(&name)), serde_json::to_vec(record).unwrap()).unwrap();
        let entry = json!({ "stage": "draw", "step": 3, "fingerprint": "f", "bytes": run, "sha256": "0", "rows": null });
        let files = json!({ "format": 1, "files": { (layout::report(&name)): entry } });
        fs::write(lake.show(&layout::manifest(&name)), serde_json::to_vec(&files).unwrap()).unwrap();
    }

    /// A lake that was written a while ago.
    fn lake(runs: usize) -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        for run in 0..runs {
            write(&lake, run, &record(run));
        }
        std::thread::sleep(YOUNG + Duration::from_millis(100));
        (folder, lake)
    }

    /// All that is kept of all runs: what a run says, with its settings whole, or how it fails.
    fn all(lake: &Lake) -> Vec<String> {
        let runs = lake.store().list("runs").unwrap().folders;
        let records = each(lake, &runs, |place, record: Result<Option<Record>, LakeError>, common: &Settings| match record {
            Ok(Some(record)) => {
                let mut settings: BTreeMap<String, Option<Value>> =
                    common.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
                settings.extend(record.settings);
                settings.retain(|_, value| value.is_some());
                format!("{place} {} {:?} {settings:?}", runs[place], record.record)
            }
            other => format!("{place} {other:?}"),
        });
        let files = each(lake, &runs, |place, files: Result<Option<Files>, LakeError>, (): &()| format!("{place} {files:?}"));
        records.into_iter().chain(files).collect()
    }

    /// The same without an index, which is put back.
    fn directly(lake: &Lake) -> Vec<String> {
        let (index, away) = (lake.show(FOLDER), lake.show(".away"));
        let had = fs::rename(&index, &away).is_ok();
        // Nothing can be written there, so that nothing is left.
        fs::write(&index, "").unwrap();
        let found = all(lake);
        fs::remove_file(&index).unwrap();
        if had {
            fs::rename(&away, &index).unwrap();
        }
        found
    }

    #[test]
    fn an_index_changes_nothing_whatever_has_happened_to_it_or_to_the_lake() {
        let (_folder, lake) = lake(MANY + 50);
        let expected = directly(&lake);
        assert!(
            expected.len() == 2 * (MANY + 50) && expected[7].contains("many-s0007") && expected[7].contains("Number(7)"),
            "{}",
            expected[7]
        );
        assert!(!expected[7].contains("long") && expected[7].contains("checkpoints"), "{}", expected[7]);
        let paths = ["records", "files"].map(|name| lake.show(&format!("{FOLDER}/{name}")));
        assert!(all(&lake) == expected && paths.iter().all(|path| path.exists()), "made at the first look");
        assert!(all(&lake) == expected, "and used at the second");
        let old = paths.clone().map(|path| fs::read(path).unwrap());
        // It is what is read: a run whose share says something else is seen as it says, while its file is as it was.
        let (common, mut portions) = unpack::<Record>(&old[0]).unwrap();
        let mut shares = opened::<Record>(&portions[0].packed).unwrap();
        shares[3].kept.record.device = "elsewhere".into();
        portions[0] = packed(shares.iter()).unwrap();
        fs::write(&paths[0], pack::<Record>(&common, &portions)).unwrap();
        assert!(all(&lake)[3].contains("elsewhere"));
        // Whatever is not whole is not used.
        for (path, old) in paths.iter().zip(&old) {
            for length in [0, 5, 16, 30, old.len() / 2, old.len() - 1] {
                fs::write(path, &old[..length]).unwrap();
                assert!(all(&lake) == expected, "torn to {length} bytes");
            }
            for at in [3, 15, 20, 28, 36, 60, old.len() / 2, old.len() - 5] {
                let mut other = old.clone();
                other[at] ^= 1;
                fs::write(path, other).unwrap();
                assert!(all(&lake) == expected, "byte {at} of {}", old.len());
            }
            fs::remove_file(path).unwrap();
            assert!(all(&lake) == expected, "removed");
        }
        // Runs that change, come and go behind its back; one is torn.
        let changed = record(3);
        write(&lake, 3, &RunRecord { device: "gpu".into(), ..changed });
        let text = fs::read_to_string(lake.show("runs/many-s0005/run.json")).unwrap();
        fs::write(lake.show("runs/many-s0005/run.json"), text.replace("\"f5\"", "\"F5\"")).unwrap();
        fs::write(lake.show("runs/many-s0006/run.json"), "{").unwrap();
        fs::write(lake.show("runs/many-s0006/manifest.json"), "{").unwrap();
        fs::remove_dir_all(lake.show("runs/many-s0007")).unwrap();
        fs::remove_file(lake.show("runs/many-s0008/run.json")).unwrap();
        write(&lake, 5000, &record(5000));
        let now = directly(&lake);
        assert!(now[5].contains("F5") && now[6].contains("no run record") && now != expected);
        for _ in 0..2 {
            assert!(all(&lake) == now, "changed");
        }
        // Another process has written the index of another time.
        for (path, old) in paths.iter().zip(&old) {
            fs::write(path, old).unwrap();
        }
        assert!(all(&lake) == now, "an older index");
        std::thread::sleep(YOUNG + Duration::from_millis(100));
        assert!(all(&lake) == now && all(&lake) == now);
        fs::remove_dir_all(lake.show(FOLDER)).unwrap();
        assert!(all(&lake) == now);
    }

    #[test]
    fn few_runs_have_no_index_and_young_ones_are_not_in_one() {
        let (_folder, small) = lake(20);
        assert_eq!(all(&small).len(), 40);
        assert!(!small.show(FOLDER).exists());
        let folder = tempfile::tempdir().unwrap();
        let young = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        for run in 0..MANY {
            write(&young, run, &record(run));
        }
        // Those of the first seconds may be old by now.
        let last: Vec<String> = young.store().list("runs").unwrap().folders.split_off(MANY - 100);
        let _ = all(&young);
        let known: Vec<String> = fs::read(young.show(".index/records"))
            .ok()
            .and_then(|bytes| unpack::<Record>(&bytes))
            .map(|(_, portions)| {
                portions.iter().flat_map(|portion| opened::<Record>(&portion.packed).unwrap()).map(|share| share.run).collect()
            })
            .unwrap_or_default();
        assert!(last.iter().all(|run| !known.contains(run)));
    }
}
