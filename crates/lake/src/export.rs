//! One run as a folder of its own: a lake that holds nothing else.

use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::manifest::{self, Entry, Manifest};
use crate::parquet_file::REMEDY;
use crate::run_record::RunRecord;
use crate::store::Location;
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// How often a run that changes meanwhile is looked at anew.
const LOOKS: usize = 20;

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Copies a run's tables, figures, newest checkpoint and record to the folder `to`, which is a lake afterwards. Every file is checked on its way; the folder appears
/// whole or not at all. `progress` hears of bytes copied so far and in all.
///
/// # Errors
/// A folder that is there and not empty; a file that is missing, torn or altered; a system that refuses on either side.
pub fn export(lake: &Lake, run: &str, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Exported, LakeError> {
    let taken = |error: std::io::Error| LakeError::Io { path: to.to_owned(), source: error };
    // A link, or `.`, is meant for the folder that it names.
    let target = if to.exists() { fs::canonicalize(to).map_err(taken)? } else { to.to_owned() };
    let to = target.as_path();
    match fs::read_dir(to).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(LakeError::NotEmpty { path: to.to_owned() }),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(taken(error)),
        _ => {}
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(LakeError::io(parent))?;
    let aside = Aside::take(parent, to)?;
    let text = aside.copy();
    let text = text.to_str().ok_or_else(|| taken(std::io::Error::other("the path is not UTF-8")))?;
    let copy = Lake::create(&text.parse::<Location>()?)?;
    let exported = copy_run(lake, run, &copy, progress)?;
    if to.exists() {
        fs::remove_dir(to).map_err(taken)?;
    }
    fs::rename(aside.copy(), to).map_err(taken)?;
    Ok(exported)
}

/// Copies all files of a run. One that is at work meanwhile replaces some of them: those are copied again.
fn copy_run(lake: &Lake, run: &str, copy: &Lake, progress: &mut dyn FnMut(u64, u64)) -> Result<Exported, LakeError> {
    let mut done: BTreeMap<String, Entry> = BTreeMap::new();
    let mut wanted = files(lake, run)?;
    for look in 1.. {
        let total = wanted.values().map(|entry| entry.bytes).sum();
        let mut bytes = 0;
        let mut failed = None;
        for (key, entry) in &wanted {
            progress(bytes, total);
            bytes += entry.bytes;
            if done.get(key) == Some(entry) {
                continue;
            }
            if let Err(error) = copy_file(lake, copy, key, entry) {
                failed = Some(error);
                break;
            }
            done.insert(key.clone(), entry.clone());
        }
        let mut record = RunRecord::load_whole(lake, run)?;
        let now = files(lake, run)?;
        if now != wanted && look < LOOKS {
            for key in done.keys().filter(|key| !now.contains_key(*key)) {
                copy.store().remove(key)?;
            }
            done.retain(|key, _| now.contains_key(key));
            wanted = now;
            continue;
        }
        if let Some(error) = failed {
            return Err(error);
        }
        progress(total, total);
        Manifest::of_files(done).save(copy, run)?;
        if let Some(record) = &mut record {
            record.save(copy, run)?;
        }
        return Ok(Exported { files: wanted.len(), bytes: total });
    }
    unreachable!("the loop returns at its last look")
}

/// The folder beside the target in which the copy is made, locked while it is. What a killed export left in it goes.
struct Aside {
    path: PathBuf,
    _lock: fs::File,
}

impl Aside {
    fn take(parent: &Path, to: &Path) -> Result<Self, LakeError> {
        let path = parent.join(format!(".tmp-export-{}", to.file_name().unwrap_or_default().to_string_lossy()));
        let refused = LakeError::io(&path);
        if let Err(error) = fs::create_dir(&path)
            && error.kind() != ErrorKind::AlreadyExists
        {
            return Err(refused(error));
        }
        let taken = || -> std::io::Result<fs::File> {
            let lock = fs::File::open(&path)?;
            lock.try_lock().map_err(|error| match error {
                fs::TryLockError::WouldBlock => std::io::Error::other("another gridlake process is exporting to the same place"),
                fs::TryLockError::Error(error) => error,
            })?;
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
            }
            Ok(lock)
        };
        let lock = taken().map_err(refused)?;
        Ok(Self { path, _lock: lock })
    }

    fn copy(&self) -> PathBuf {
        self.path.join("lake")
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What cannot be removed now, the next export to this place removes.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The run's files: all that its manifest names, but of the checkpoints the newest only. One of format version 1 gets its entry here.
fn files(lake: &Lake, run: &str) -> Result<BTreeMap<String, Entry>, LakeError> {
    let manifest = Manifest::load(lake, run)?;
    let folder = layout::checkpoints(run) + "/";
    let mut files = manifest.files;
    let listed = lake.store().files_below(&layout::checkpoints(run))?;
    let step = |key: &str| key.strip_prefix(&folder)?.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse::<u64>().ok();
    let newest = listed.iter().filter_map(|(key, _)| Some((step(key)?, key.clone()))).max();
    files.retain(|key, _| !key.starts_with(&folder) || newest.as_ref().is_some_and(|(_, newest)| newest == key));
    if let Some((step, key)) = newest.filter(|(_, newest)| !files.contains_key(newest)) {
        let (bytes, sha256) = manifest::digest(&mut lake.store().open(&key)?.reader()).map_err(LakeError::io(&lake.show(&key)))?;
        let entry = Entry { stage: "train".into(), step: Some(step), fingerprint: String::new(), bytes, sha256, rows: None, lists: None };
        files.insert(key, entry);
    }
    Ok(files)
}

fn copy_file(from: &Lake, to: &Lake, key: &str, entry: &Entry) -> Result<(), LakeError> {
    let path = to.show(key);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(LakeError::io(folder))?;
    }
    let mut file = fs::File::create(&path).map_err(LakeError::io(&path))?;
    let mut tee = Tee { reader: from.store().open(key)?.reader(), file: &mut file, refused: None };
    let digested = manifest::digest(&mut tee);
    if let Some(source) = tee.refused.take() {
        return Err(LakeError::Io { path, source });
    }
    let (bytes, sha256) = digested.map_err(LakeError::io(&from.show(key)))?;
    if (bytes, &sha256) != (entry.bytes, &entry.sha256) {
        return Err(LakeError::damaged(&from.show(key), format!("is torn or altered (`gridlake verify` tells more); {REMEDY}")));
    }
    file.sync_all().map_err(LakeError::io(&path))
}

/// Writes what is read.
struct Tee<'f, R> {
    reader: R,
    file: &'f mut fs::File,
    refused: Option<std::io::Error>,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(bytes)?;
        if let Err(error) = std::io::Write::write_all(self.file, &bytes[..read]) {
            self.refused = Some(error);
            return Err(std::io::Error::other("the copy was refused"));
        }
        Ok(read)
    }
}
