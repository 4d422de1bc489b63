//! One run as a folder of its own: a lake that holds nothing else.

use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::manifest::{self, Entry, Manifest};
use crate::store::Location;
use std::fs;
use std::io::Read;
use std::path::Path;

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
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(taken(error)),
        _ => {}
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(LakeError::io(parent))?;
    let aside = tempfile::Builder::new()
        .prefix(".tmp-export-")
        .permissions(folder_permissions())
        .tempdir_in(parent)
        .map_err(LakeError::io(parent))?;
    let text = aside.path().to_str().ok_or_else(|| taken(std::io::Error::other("the path is not UTF-8")))?;
    let copy = Lake::create(&text.parse::<Location>()?)?;
    let files = files(lake, run)?;
    let total = files.iter().map(|(_, entry)| entry.bytes).sum();
    let mut exported = Exported { files: 0, bytes: 0 };
    for (key, entry) in &files {
        progress(exported.bytes, total);
        copy_file(lake, &copy, key, entry)?;
        exported.files += 1;
        exported.bytes += entry.bytes;
    }
    progress(total, total);
    Manifest::of_files(files).save(&copy, run)?;
    let record = layout::run_record(run);
    if let Some(bytes) = lake.store().read(&record)? {
        copy.store().write(&record, &bytes)?;
    }
    if to.exists() {
        fs::remove_dir(to).map_err(taken)?;
    }
    fs::rename(aside.path(), to).map_err(taken)?;
    // It has another name now.
    let _ = aside.keep();
    Ok(exported)
}

/// What any other program's new folders get, umask applied.
fn folder_permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o777)
}

/// The run's files: all that its manifest names, but of the checkpoints the newest only. One of format version 1 gets its entry here.
fn files(lake: &Lake, run: &str) -> Result<Vec<(String, Entry)>, LakeError> {
    let manifest = Manifest::load(lake, run)?;
    let folder = layout::checkpoints(run) + "/";
    let mut files: Vec<(String, Entry)> = manifest.files.into_iter().collect();
    let listed = lake.store().files_below(&layout::checkpoints(run))?;
    let step = |key: &str| key.strip_prefix(&folder)?.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse::<u64>().ok();
    let newest = listed.iter().filter_map(|(key, _)| Some((step(key)?, key.clone()))).max();
    files.retain(|(key, _)| !key.starts_with(&folder) || newest.as_ref().is_some_and(|(_, newest)| newest == key));
    if let Some((step, key)) = newest.filter(|(_, newest)| files.iter().all(|(key, _)| key != newest)) {
        let (bytes, sha256) = manifest::digest(&mut lake.store().open(&key)?.reader()).map_err(LakeError::io(&lake.show(&key)))?;
        files.push((
            key,
            Entry { stage: "train".into(), step: Some(step), fingerprint: String::new(), bytes, sha256, rows: None, lists: None },
        ));
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
        return Err(LakeError::damaged(
            &from.show(key),
            "is torn or altered (`gridlake verify` tells more); make it anew by running the pipeline with --force",
        ));
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
