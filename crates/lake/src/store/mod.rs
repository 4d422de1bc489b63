//! Bytes under keys: a lake's files, in a folder of this machine or in a bucket.
//!
//! A key is a path inside the lake with `/` between its parts. A file appears whole or not at all: in a folder it is written aside, synced and
//! renamed; in a bucket an upload is completed.

mod bucket;
mod folder;
mod location;
mod lock;
mod source;
mod upload;

pub use location::Location;
pub use lock::{Holder, RunLock};
pub use source::Source;

use crate::error::LakeError;
use bucket::Bucket;
use folder::Folder;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A lake's files.
#[derive(Clone, Debug)]
pub struct Store(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Folder(Folder),
    Bucket(Bucket),
}

/// What is directly below a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names of files with their sizes, sorted; unfinished ones are left out.
    pub files: Vec<(String, u64)>,
    /// Names of folders, sorted.
    pub folders: Vec<String>,
}

/// A file that is complete and durable, and that nobody sees yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Staged {
    /// Beside the lake's other files, to be renamed.
    File {
        /// Where it belongs.
        key: String,
        /// Where it is.
        temporary: String,
    },
    /// An upload, to be completed.
    Upload {
        /// Where it belongs.
        key: String,
        /// The store's name of the upload.
        id: String,
        /// The store's names of its parts, in order.
        parts: Vec<String>,
    },
}

/// What a bucket calls a version of an object; folders tell none apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag(Option<String>);

/// What tells versions of a file in a folder apart, short of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    bytes: u64,
    inode: u64,
    /// Since 1970, ns; of its content, and of anything about it, which nobody can set.
    modified_ns: i64,
    changed_ns: i64,
}

impl Stamp {
    fn of(file: &std::fs::Metadata) -> Self {
        let ns = |seconds: i64, more: i64| seconds.saturating_mul(1_000_000_000).saturating_add(more);
        Self {
            bytes: file.len(),
            inode: file.ino(),
            modified_ns: ns(file.mtime(), file.mtime_nsec()),
            changed_ns: ns(file.ctime(), file.ctime_nsec()),
        }
    }

    /// Whether the file was last changed at least so long ago.
    pub(crate) fn is_older(&self, age: std::time::Duration) -> bool {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let changed = u128::try_from(self.changed_ns.max(self.modified_ns)).unwrap_or_default();
        changed + age.as_nanos() < now.as_nanos()
    }
}

impl Staged {
    /// Where the file belongs.
    pub fn key(&self) -> &str {
        match self {
            Staged::File { key, .. } | Staged::Upload { key, .. } => key,
        }
    }
}

/// A file in the making.
pub struct Sink(SinkKind);

enum SinkKind {
    File(folder::Aside),
    Upload(Box<upload::Upload>),
}

impl Sink {
    /// Ends the file and makes it durable; it is not yet where it belongs.
    ///
    /// # Errors
    /// A system that refuses, such as a full disk.
    pub fn finish(self) -> Result<Staged, LakeError> {
        match self.0 {
            SinkKind::File(aside) => aside.finish(),
            SinkKind::Upload(upload) => upload.finish(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.0 {
            SinkKind::File(aside) => aside.write(bytes),
            SinkKind::Upload(upload) => upload.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.0 {
            SinkKind::File(aside) => aside.flush(),
            SinkKind::Upload(upload) => upload.flush(),
        }
    }
}

/// A file of a lake as a path of this machine; what was fetched for it goes when this is dropped.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    _fetched: Option<tempfile::TempDir>,
}

impl LocalFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder of this machine for files on their way into a lake. In a lake that is a folder it goes with what is staged there, else when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Scratch {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store {
    /// The store at an address; nothing is read or written yet.
    ///
    /// # Errors
    /// Settings of the environment that an object store cannot use.
    pub fn at(location: &Location) -> Result<Self, LakeError> {
        Ok(Self(match location {
            Location::Folder(root) => Kind::Folder(Folder::new(root.clone())),
            Location::Bucket { bucket, prefix } => Kind::Bucket(Bucket::new(bucket, prefix)?),
        }))
    }

    /// A key as users know it: a path, or an address.
    pub fn show(&self, key: &str) -> PathBuf {
        match &self.0 {
            Kind::Folder(folder) => folder.path(key),
            Kind::Bucket(bucket) => bucket.show(key),
        }
    }

    /// The folder, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Folder(folder) => Some(folder.root()),
            Kind::Bucket(_) => None,
        }
    }

    /// What another client of the same object store must know, by the names of the environment's variables without `AWS_`; `None` for a folder.
    pub(crate) fn settings(&self) -> Option<Vec<(String, String)>> {
        match &self.0 {
            Kind::Folder(_) => None,
            Kind::Bucket(_) => Some(bucket::settings()),
        }
    }

    /// A whole small file; `None` where there is none.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn read(&self, key: &str) -> Result<Option<Vec<u8>>, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.read(key),
            Kind::Bucket(bucket) => bucket.read(key),
        }
    }

    /// Writes a small file, whole or not at all; what was there before is replaced, or stays where that fails.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn write(&self, key: &str, bytes: &[u8]) -> Result<(), LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.write(key, bytes),
            Kind::Bucket(bucket) => bucket.write(key, bytes),
        }
    }

    /// A whole small file with the version that [`Store::replace`] asks for; folders have none.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn read_tagged(&self, key: &str) -> Result<Option<(Vec<u8>, Tag)>, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => Ok(folder.read(key)?.map(|bytes| (bytes, Tag::default()))),
            Kind::Bucket(bucket) => Ok(bucket.read_versioned(key)?.map(|found| (found.bytes.to_vec(), Tag(found.version.e_tag)))),
        }
    }

    /// Writes a small file, in a bucket only where it still has this version (none: only where there is none yet). Returns the new version, or `None`
    /// where it was replaced by another process.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn replace(&self, key: &str, bytes: &[u8], tag: Tag) -> Result<Option<Tag>, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.write(key, bytes).map(|()| Some(Tag::default())),
            Kind::Bucket(bucket) => Ok(bucket.replace(key, bytes, tag.0)?.map(|version| Tag(version.e_tag))),
        }
    }

    /// Makes a small file where there is nothing else in the store. Returns whether it is there now, made by whomever.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn found(&self, key: &str, bytes: &[u8]) -> Result<bool, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.found(key, bytes),
            Kind::Bucket(bucket) => bucket.found(key, bytes),
        }
    }

    /// The size of a file; `None` where there is none.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn size(&self, key: &str) -> Result<Option<u64>, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.size(key),
            Kind::Bucket(bucket) => bucket.size(key),
        }
    }

    /// The sizes of several files, as [`Store::size`] tells them. A bucket is asked for whole folders of several.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn sizes(&self, keys: &[&str]) -> Result<Vec<Option<u64>>, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => keys.iter().map(|key| folder.size(key)).collect(),
            Kind::Bucket(bucket) => bucket.sizes(keys),
        }
    }

    /// What tells the versions of a file apart; `None` where there is none, and in a bucket.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn stamp(&self, key: &str) -> Result<Option<Stamp>, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.stamp(key),
            Kind::Bucket(_) => Ok(None),
        }
    }

    /// What is directly below a key; nothing where there is no such folder.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn list(&self, key: &str) -> Result<Listing, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.list(key),
            Kind::Bucket(bucket) => bucket.list(key),
        }
    }

    /// Keys and sizes of all files below a key, sorted; unfinished ones are left out.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn files_below(&self, key: &str) -> Result<Vec<(String, u64)>, LakeError> {
        if let Kind::Bucket(bucket) = &self.0 {
            return bucket.files_below(key);
        }
        let listing = self.list(key)?;
        let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}/{name}") };
        let mut files: Vec<(String, u64)> = listing.files.iter().map(|(name, size)| (below(name), *size)).collect();
        let folders = listing.folders.par_iter().map(|folder| self.files_below(&below(folder)));
        for found in folders.collect::<Vec<_>>() {
            files.extend(found?);
        }
        files.sort();
        Ok(files)
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn remove(&self, key: &str) -> Result<(), LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.remove(key),
            Kind::Bucket(bucket) => bucket.remove(key),
        }
    }

    /// Opens a file to read parts of it.
    ///
    /// # Errors
    /// No such file; a system that refuses.
    pub fn open(&self, key: &str) -> Result<Source, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.open(key),
            Kind::Bucket(bucket) => bucket.open(key),
        }
    }

    /// Starts a file of a run that belongs at `key`.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn stage(&self, run: &str, key: &str) -> Result<Sink, LakeError> {
        Ok(Sink(match &self.0 {
            Kind::Folder(folder) => SinkKind::File(folder.stage(run, key)?),
            Kind::Bucket(bucket) => SinkKind::Upload(Box::new(bucket.stage(run, key)?)),
        }))
    }

    /// Stages a finished file of this machine, which may be moved away.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn stage_file(&self, run: &str, path: &Path, key: &str) -> Result<Staged, LakeError> {
        if let Kind::Folder(folder) = &self.0
            && let Some(staged) = folder.stage_file(path, key)?
        {
            return Ok(staged);
        }
        let mut sink = self.stage(run, key)?;
        let mut file = std::fs::File::open(path).map_err(LakeError::io(path))?;
        std::io::copy(&mut file, &mut sink).map_err(LakeError::io(&self.show(key)))?;
        sink.finish()
    }

    /// Puts a staged file of this size and checksum where it belongs. One that is there already stays.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn adopt(&self, staged: &Staged, bytes: u64, sha256: &str) -> Result<(), LakeError> {
        match (&self.0, staged) {
            (Kind::Folder(folder), Staged::File { key, temporary }) => folder.adopt(key, temporary),
            (Kind::Bucket(bucket), Staged::Upload { key, id, parts }) => bucket.adopt(key, id, parts, bytes, sha256),
            // A lake that was copied from a folder to a bucket or back in the middle of a publication.
            (_, Staged::File { key, .. } | Staged::Upload { key, .. }) => {
                Err(LakeError::damaged(&self.show(key), "was being published when the lake was copied; run the stage again with --force"))
            }
        }
    }

    /// Whether a staged file of this size is where it belongs.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn is_in_place(&self, staged: &Staged, bytes: u64) -> Result<bool, LakeError> {
        let waits = match staged {
            Staged::File { temporary, .. } => self.size(temporary)?.is_some(),
            Staged::Upload { .. } => false,
        };
        Ok(!waits && self.size(staged.key())? == Some(bytes))
    }

    /// Removes what was staged for a run and never published.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn clear_staged(&self, run: &str) -> Result<(), LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.clear_staged(run),
            Kind::Bucket(bucket) => bucket.clear_staged(run),
        }
    }

    /// The same, once all that was staged is in place.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn forget_staged(&self, run: &str) -> Result<(), LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.clear_staged(run),
            Kind::Bucket(bucket) => bucket.forget_staged(run),
        }
    }

    /// Keys of what a killed process, or one at work, has not published.
    ///
    /// # Errors
    /// A system that refuses.
    pub(crate) fn leftovers(&self, run: &str) -> Result<Vec<String>, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => folder.leftovers(run),
            Kind::Bucket(bucket) => bucket.leftovers(run),
        }
    }

    /// A folder of this machine for files that are to be staged for a run.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn scratch(&self, run: &str) -> Result<Scratch, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => Ok(Scratch { path: folder.scratch(run)?, _folder: None }),
            Kind::Bucket(_) => {
                let folder = temporary()?;
                Ok(Scratch { path: folder.path().to_owned(), _folder: Some(folder) })
            }
        }
    }

    /// A file as a path of this machine, fetched where it is elsewhere.
    ///
    /// # Errors
    /// No such file; a system that refuses.
    pub fn local(&self, key: &str) -> Result<LocalFile, LakeError> {
        match &self.0 {
            Kind::Folder(folder) => Ok(LocalFile { path: folder.path(key), _fetched: None }),
            Kind::Bucket(_) => {
                let fetched = temporary()?;
                let path = fetched.path().join(key.rsplit('/').next().unwrap_or(key));
                let mut file = std::fs::File::create(&path).map_err(LakeError::io(&path))?;
                self.copy_to(key, &mut file)?;
                Ok(LocalFile { path, _fetched: Some(fetched) })
            }
        }
    }

    /// Copies a whole file.
    ///
    /// # Errors
    /// No such file; a system that refuses on either side.
    pub fn copy_to(&self, key: &str, sink: &mut dyn Write) -> Result<(), LakeError> {
        let mut reader = self.open(key)?.reader();
        std::io::copy(&mut reader, sink).map(|_| ()).map_err(LakeError::io(&self.show(key)))
    }
}

fn temporary() -> Result<tempfile::TempDir, LakeError> {
    tempfile::Builder::new().prefix("gridlake-").tempdir().map_err(LakeError::io(&std::env::temp_dir()))
}
